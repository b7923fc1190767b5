---@meta _

-- What every client can ask the cluster, what it can be told, and what it tells of itself.

---@class kafka.Producer
local Producer = {}

---What the cluster says of itself: its brokers, its topics, who leads which partition.
---
---Errors: `nil, err`: `_TIMED_OUT` at the deadline, with the last error of the client. What is wrong with one topic is in its entry.
---Danger: all topics of a large cluster are a large answer; with `topic` only that one is told, and a broker may create it.
---Source: `rd_kafka_metadata`, `rd_kafka_clusterid`, `rd_kafka_controllerid`.
---@param options? kafka.MetadataOptions
---@return kafka.Metadata? metadata
---@return kafka.Error? err
function Producer:metadata(options) end

---Asks again what topics and partitions there are, of one topic or of all, for the calls that answer from what the client knows.
---
---Errors: `nil, err`: `_TIMED_OUT`, `UNKNOWN_TOPIC_OR_PART`.
---Danger: none; the client asks by itself every `topic.metadata.refresh.interval.ms`.
---Source: `rd_kafka_metadata`.
---@param topic? string
---@param timeout? integer milliseconds, default 10000, -1 without limit
---@return true? done
---@return kafka.Error? err
function Producer:refresh_metadata(topic, timeout) end

---The id of the cluster. Once known it is not asked for again.
---
---Errors: `nil, err`: `_TIMED_OUT`.
---Danger: none.
---Source: `rd_kafka_clusterid`.
---@param timeout? integer milliseconds, default 10000, -1 without limit
---@return string? id
---@return kafka.Error? err
function Producer:cluster_id(timeout) end

---The id of the broker that controls the cluster, as far as the client has heard.
---
---Errors: `nil, err`: `_TIMED_OUT`.
---Danger: with KRaft brokers name any one of themselves.
---Source: `rd_kafka_controllerid`.
---@param timeout? integer milliseconds, default 10000, -1 without limit
---@return integer? id
---@return kafka.Error? err
function Producer:controller_id(timeout) end

---The first offset of a partition, and the one its next message will get.
---
---Errors: `nil, err`: `_TIMED_OUT`, `_UNKNOWN_PARTITION`, `_UNKNOWN_TOPIC`.
---Danger: the difference is no count of messages in a compacted or transactional topic.
---Source: `rd_kafka_query_watermark_offsets`.
---@param topic string
---@param partition integer
---@param timeout? integer milliseconds, default 10000, -1 without limit
---@return integer? low
---@return integer|kafka.Error high_or_err
function Producer:watermarks(topic, partition, timeout) end

---The same without asking: what came with the messages consumed last.
---
---Errors: raises for a wrong argument; `nil, err`: `_UNKNOWN_PARTITION` when this client has fetched nothing from it.
---Danger: as old as the last answer to a fetch.
---Source: `rd_kafka_get_watermark_offsets`.
---@param topic string
---@param partition integer
---@return integer? low
---@return integer|kafka.Error high_or_err
function Producer:cached_watermarks(topic, partition) end

---For each partition, the offset of its first message at or after a time.
---
---Errors: `nil, err`: `_TIMED_OUT`. What is wrong with one partition is in its entry, as `err`.
---Danger: offset -1, the end, where no message is that late.
---Source: `rd_kafka_offsets_for_times`.
---@param list kafka.PartitionTime[]
---@param timeout? integer milliseconds, default 10000, -1 without limit
---@return kafka.TopicPartition[]? list can be handed to `seek` or `assign` as it is
---@return kafka.Error? err
function Producer:offsets_for_times(list, timeout) end

---Consumer groups with their state and members, classic ones and those of KIP-848.
---
---Errors: `nil, err`: `_TIMED_OUT`, `_UNSUPPORTED_FEATURE` (the mock cluster knows no groups). What is wrong with one group is in its entry.
---Danger: without `group` every broker is asked.
---Source: `rd_kafka_ListConsumerGroups`, `rd_kafka_DescribeConsumerGroups`.
---@param options? kafka.GroupsOptions
---@return kafka.Group[]? groups sorted by name
---@return kafka.Error? err
function Producer:groups(options) end

---What librdkafka knows of this client, for a human who looks for a fault: brokers, topics, queues.
---
---Errors: raises on a closed client.
---Danger: its form is librdkafka's and changes.
---Source: `rd_kafka_dump`.
---@return string text
function Producer:dump() end

---Adds to the brokers the client starts from.
---
---Errors: raises when no broker in the list is understood.
---Danger: a broker once added is never taken away.
---Source: `rd_kafka_brokers_add`.
---@param list string `"host:port,host:port"`
---@return integer count how many were understood
function Producer:add_brokers(list) end

---From which level on log lines go to `on_log`.
---
---Errors: raises for a level nobody knows.
---Danger: "debug" alone shows little: the property `debug` says what is told in detail.
---Source: `rd_kafka_set_log_level`.
---@param level "emerg"|"alert"|"crit"|"err"|"warning"|"notice"|"info"|"debug"
---@return true
function Producer:set_log_level(level) end

---Another user and password for SASL PLAIN and SCRAM. Connections there are stay; new ones, and those that must authenticate again, use these.
---
---Errors: raises for a wrong argument; wrong credentials are an error of the next connection.
---Danger: none.
---Source: `rd_kafka_sasl_set_credentials`.
---@param user string
---@param password string
---@return true? done
---@return kafka.Error? err
function Producer:set_sasl_credentials(user, password) end

---The latest statistics, as `on_stats` gets them; nil before the first.
---
---Errors: raises on a closed client.
---Danger: there are none while `statistics.interval.ms` is 0, its default.
---Source: `rd_kafka_conf_set_stats_cb`.
---@return table? statistics
function Producer:stats() end

---@class kafka.Consumer
local Consumer = {}

---What the cluster says of itself: its brokers, its topics, who leads which partition.
---
---Errors: `nil, err`: `_TIMED_OUT` at the deadline, with the last error of the client. What is wrong with one topic is in its entry.
---Danger: all topics of a large cluster are a large answer; with `topic` only that one is told, and a broker may create it.
---Source: `rd_kafka_metadata`, `rd_kafka_clusterid`, `rd_kafka_controllerid`.
---@param options? kafka.MetadataOptions
---@return kafka.Metadata? metadata
---@return kafka.Error? err
function Consumer:metadata(options) end

---Asks again what topics and partitions there are, of one topic or of all, for the calls that answer from what the client knows.
---
---Errors: `nil, err`: `_TIMED_OUT`, `UNKNOWN_TOPIC_OR_PART`.
---Danger: none; the client asks by itself every `topic.metadata.refresh.interval.ms`.
---Source: `rd_kafka_metadata`.
---@param topic? string
---@param timeout? integer milliseconds, default 10000, -1 without limit
---@return true? done
---@return kafka.Error? err
function Consumer:refresh_metadata(topic, timeout) end

---The id of the cluster. Once known it is not asked for again.
---
---Errors: `nil, err`: `_TIMED_OUT`.
---Danger: none.
---Source: `rd_kafka_clusterid`.
---@param timeout? integer milliseconds, default 10000, -1 without limit
---@return string? id
---@return kafka.Error? err
function Consumer:cluster_id(timeout) end

---The id of the broker that controls the cluster, as far as the client has heard.
---
---Errors: `nil, err`: `_TIMED_OUT`.
---Danger: with KRaft brokers name any one of themselves.
---Source: `rd_kafka_controllerid`.
---@param timeout? integer milliseconds, default 10000, -1 without limit
---@return integer? id
---@return kafka.Error? err
function Consumer:controller_id(timeout) end

---The first offset of a partition, and the one its next message will get.
---
---Errors: `nil, err`: `_TIMED_OUT`, `_UNKNOWN_PARTITION`, `_UNKNOWN_TOPIC`.
---Danger: the difference is no count of messages in a compacted or transactional topic.
---Source: `rd_kafka_query_watermark_offsets`.
---@param topic string
---@param partition integer
---@param timeout? integer milliseconds, default 10000, -1 without limit
---@return integer? low
---@return integer|kafka.Error high_or_err
function Consumer:watermarks(topic, partition, timeout) end

---The same without asking: what came with the messages consumed last.
---
---Errors: raises for a wrong argument; `nil, err`: `_UNKNOWN_PARTITION` when this client has fetched nothing from it.
---Danger: as old as the last answer to a fetch.
---Source: `rd_kafka_get_watermark_offsets`.
---@param topic string
---@param partition integer
---@return integer? low
---@return integer|kafka.Error high_or_err
function Consumer:cached_watermarks(topic, partition) end

---For each partition, the offset of its first message at or after a time.
---
---Errors: `nil, err`: `_TIMED_OUT`. What is wrong with one partition is in its entry, as `err`.
---Danger: offset -1, the end, where no message is that late.
---Source: `rd_kafka_offsets_for_times`.
---@param list kafka.PartitionTime[]
---@param timeout? integer milliseconds, default 10000, -1 without limit
---@return kafka.TopicPartition[]? list can be handed to `seek` or `assign` as it is
---@return kafka.Error? err
function Consumer:offsets_for_times(list, timeout) end

---Consumer groups with their state and members, classic ones and those of KIP-848.
---
---Errors: `nil, err`: `_TIMED_OUT`, `_UNSUPPORTED_FEATURE` (the mock cluster knows no groups). What is wrong with one group is in its entry.
---Danger: without `group` every broker is asked.
---Source: `rd_kafka_ListConsumerGroups`, `rd_kafka_DescribeConsumerGroups`.
---@param options? kafka.GroupsOptions
---@return kafka.Group[]? groups sorted by name
---@return kafka.Error? err
function Consumer:groups(options) end

---What librdkafka knows of this client, for a human who looks for a fault: brokers, topics, queues.
---
---Errors: raises on a closed client.
---Danger: its form is librdkafka's and changes.
---Source: `rd_kafka_dump`.
---@return string text
function Consumer:dump() end

---Adds to the brokers the client starts from.
---
---Errors: raises when no broker in the list is understood.
---Danger: a broker once added is never taken away.
---Source: `rd_kafka_brokers_add`.
---@param list string `"host:port,host:port"`
---@return integer count how many were understood
function Consumer:add_brokers(list) end

---From which level on log lines go to `on_log`.
---
---Errors: raises for a level nobody knows.
---Danger: "debug" alone shows little: the property `debug` says what is told in detail.
---Source: `rd_kafka_set_log_level`.
---@param level "emerg"|"alert"|"crit"|"err"|"warning"|"notice"|"info"|"debug"
---@return true
function Consumer:set_log_level(level) end

---Another user and password for SASL PLAIN and SCRAM. Connections there are stay; new ones, and those that must authenticate again, use these.
---
---Errors: raises for a wrong argument; wrong credentials are an error of the next connection.
---Danger: none.
---Source: `rd_kafka_sasl_set_credentials`.
---@param user string
---@param password string
---@return true? done
---@return kafka.Error? err
function Consumer:set_sasl_credentials(user, password) end

---The latest statistics, as `on_stats` gets them; nil before the first.
---
---Errors: raises on a closed client.
---Danger: there are none while `statistics.interval.ms` is 0, its default.
---Source: `rd_kafka_conf_set_stats_cb`.
---@return table? statistics
function Consumer:stats() end
