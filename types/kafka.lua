---@meta kafka

-- The module. Classes: kafka/producer.lua, kafka/consumer.lua, kafka/session.lua, kafka/mock_cluster.lua; plain values: kafka/values.lua.
-- Times are milliseconds unless a name says otherwise. Each function has the lines Errors, Danger and Source, the
-- last naming the librdkafka calls it stands on.

---@class kafka
---@field errors table<string, integer>|table<integer, string> name → code and code → name: `errors._QUEUE_FULL == -184`
---@field Error kafka.Error the class of the error values
---@field OFFSET_BEGINNING integer the first message of a partition; "earliest" is accepted as well
---@field OFFSET_END integer after the last one; "latest" is accepted as well
---@field OFFSET_STORED integer what the group has committed; "stored" is accepted as well
---@field OFFSET_INVALID integer no offset is known
---@field partitioner kafka.partitioner which partition a key goes to, without sending
local kafka = {}

---Makes a producer, in the classic form with a broker list, or from one table with `"bootstrap.servers"` in it.
---It connects in the background; no broker need be there yet.
---
---Errors: raises for a property that is refused, a key nobody knows (with the nearest known one), an empty broker list, an
---entry of `bootstrap.servers` that is no `host:port`.
---Danger: properties that load code (`plugin.library.paths` and the like) are refused without `allow_unsafe_config`.
---Source: `rd_kafka_conf_set`, `rd_kafka_new`, `rd_kafka_brokers_add`.
---@param brokerlist string|kafka.ProducerConf `"host:port,host:port"`, or the configuration itself
---@param conf? kafka.ProducerConf librdkafka's properties and the module's own options
---@return kafka.Producer
function kafka.producer(brokerlist, conf) end

---Makes a consumer and subscribes it, in the classic form or from one table with `topics` in it.
---If an entry of `topics` is `"name:partition"` all must be; they are assigned then, without the group's help.
---
---Errors: raises for a refused property, a missing `group.id`, an empty or mixed list of topics.
---Danger: a consumer that is not asked for messages for `max.poll.interval.ms` loses its partitions.
---Source: `rd_kafka_new`, `rd_kafka_poll_set_consumer`, `rd_kafka_subscribe`, `rd_kafka_assign`.
---@param brokerlist string|kafka.ConsumerConf `"host:port,host:port"`, or the configuration itself with `topics`
---@param topics? string[] names, `"^regular expressions"`, or `"name:partition"`
---@param conf? kafka.ConsumerConf librdkafka's properties and the module's own options
---@param topic_conf? table<string, string|number|boolean> properties at topic level, such as `auto.offset.reset`
---@return kafka.Consumer
function kafka.consumer(brokerlist, topics, conf, topic_conf) end

---Keeps one configuration for many clients. `options` are what they have in common: properties of producers and of
---consumers may stand side by side, each goes where it belongs.
---
---Errors: raises for what a client would refuse, at once and not only when a client is made.
---Danger: none.
---Source: `rd_kafka_conf_set`, for the check.
---@param options table<string, any> librdkafka's properties and this module's options, `topics` among them
---@return kafka.Session
function kafka.session(options) end

---Calls `fn(client)` and closes the client, also when `fn` raises; then a consumer's last message is not done and comes
---again. `fn` may yield.
---
---Errors: raises what `fn` raised, as it was; `nil, err, undelivered` when closing failed after `fn` had returned.
---Danger: closing may take the client's `close_timeout`.
---Source: see the `close` of its class.
---@param client kafka.Producer|kafka.Consumer|kafka.Session|kafka.MockCluster
---@param fn fun(client): ...
---@return any ... what `fn` returned
function kafka.with(client, fn) end

---Waits until all messages are reported, and serves callbacks meanwhile. The deliveries may be of several producers.
---
---Errors: `nil, err, missing`: the first error, and how many were not delivered; each delivery's own `wait(0)` tells its.
---Raises what a callback raised, and for a list with a hole.
---Danger: after `_TIMED_OUT` they may still be delivered.
---Source: delivery reports.
---@param deliveries kafka.Delivery[] from `produce_async`
---@param timeout? integer milliseconds for all; default until each must have been reported, -1 without limit
---@return true? done
---@return kafka.Error? err
---@return integer? missing
function kafka.wait_all(deliveries, timeout) end

---An offset `count` messages before the end of a partition, wherever an offset is taken.
---
---Errors: raises for anything but a whole number from 1.
---Danger: the place is found when reading begins; the end moves on.
---Source: `RD_KAFKA_OFFSET_TAIL`.
---@param count integer
---@return integer offset
function kafka.offset_tail(count) end

---Starts brokers inside this process, for tests.
---
---Errors: raises for a number or a name out of range.
---Danger: a partition keeps 5 MB or 100,000 messages at most; older ones vanish.
---Source: `rd_kafka_mock_cluster_new`, `rd_kafka_mock_topic_create`, `rd_kafka_mock_broker_set_rtt`.
---@param options? kafka.MockOptions
---@return kafka.MockCluster
function kafka.mock_cluster(options) end

---The version of this module.
---
---Errors: none.
---Danger: none.
---Source: the module itself.
---@return string version "major.minor.patch"
function kafka.version() end

---The version of the librdkafka inside.
---
---Errors: none.
---Danger: none.
---Source: `rd_kafka_version_str`.
---@return string version
function kafka.librdkafka_version() end

---What can be configured: one property, or all of them by name.
---
---Errors: an unknown name raises and names the nearest known one.
---Danger: none.
---Source: `rd_kafka_conf_properties_show`.
---@param name? string
---@return kafka.Property|table<string, kafka.Property>
function kafka.properties(name) end

---Replaces how this client waits, so that a coroutine can yield to an event loop instead of blocking.
---`wait(client, ms)` must return once `client:pollfd()` is readable or `ms` milliseconds are over (below 0: no limit);
---returning early is allowed. `nil` brings the blocking one back.
---
---Errors: raises for anything but a function or nil, and for a client that is not one.
---Danger: a `wait` that returns without waiting turns every waiting call into a busy loop.
---Source: the module itself, over `rd_kafka_queue_io_event_enable`.
---@generic T: kafka.Producer|kafka.Consumer
---@param client T
---@param wait? fun(client: T, ms: integer)
---@return T client the same client
function kafka.wrap(client, wait) end

---@class kafka.partitioner
kafka.partitioner = {}

---The partition that the Java client gives this key: that of librdkafka's partitioners `murmur2` and `murmur2_random` (the Java client's own).
---
---Errors: raises for a key that is no string, and for a count below 1.
---Danger: without a key the `_random` ones choose at random, while nil here is the empty key.
---Source: `rd_kafka_msg_partitioner_murmur2`.
---@param key string? nil counts as ""
---@param count integer how many partitions the topic has
---@return integer partition from 0
function kafka.partitioner.murmur2(key, count) end

---The partition that librdkafka's default gives this key: that of librdkafka's partitioners `consistent` and `consistent_random` (librdkafka's own default).
---
---Errors: raises for a key that is no string, and for a count below 1.
---Danger: for `consistent_random` an empty key is no key; without a key the `_random` ones choose at random, while nil here is the empty key.
---Source: `rd_kafka_msg_partitioner_consistent`.
---@param key string? nil counts as ""
---@param count integer how many partitions the topic has
---@return integer partition from 0
function kafka.partitioner.crc32(key, count) end

---The partition that Sarama gives this key: that of librdkafka's partitioners `fnv1a` and `fnv1a_random`.
---
---Errors: raises for a key that is no string, and for a count below 1.
---Danger: without a key the `_random` ones choose at random, while nil here is the empty key.
---Source: `rd_kafka_msg_partitioner_fnv1a`.
---@param key string? nil counts as ""
---@param count integer how many partitions the topic has
---@return integer partition from 0
function kafka.partitioner.fnv1a(key, count) end

---Reads a fixed window of partitions without a group, and ends by itself. The window is found at the first message asked for:
---"end" is the end of the partition then, with `isolation.level=read_committed` (the default) that of what is committed.
---
---    for message in kafka.read{ ["bootstrap.servers"]=brokers, topic="orders", from={time=ms} } do … end
---
---See `types/kafka/reader.lua` for what a reader can do. `for` raises what its calls return as an error.
---
---Errors: raises for wrong options, and for those only members of a group have use for; from the loop, what went wrong,
---with its cause, within `timeout`.
---Danger: offsets that are gone are an error unless `auto.offset.reset` is "earliest"; `max_bytes` hands out one message at
---the least. On plain 5.1 a wrapped reader cannot wait inside `for`: use `each`.
---Source: `rd_kafka_metadata`, `rd_kafka_query_watermark_offsets`, `rd_kafka_offsets_for_times`, `rd_kafka_consume_start_queue`.
---@param options table properties of a consumer, and `topic`, `partition`, `from`, `to`, `limit`, `max_bytes`, `timeout` (ms, default 10000), `requests`
---@return kafka.Reader reader
function kafka.read(options) end

return kafka
