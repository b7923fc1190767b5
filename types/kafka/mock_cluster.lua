---@meta _

-- Brokers inside this process. Ids start at 1. They know Produce, Fetch, groups, transactions and ListOffsets;
-- what is written is kept in memory, 5 MB or 100,000 messages a partition. A wrong argument and a closed cluster raise;
-- what the cluster itself refuses is `nil, err`.

---@class kafka.MockCluster
local MockCluster = {}

---What clients take as their broker list.
---
---Errors: raises on a closed cluster.
---Danger: none.
---Source: `rd_kafka_mock_cluster_bootstraps`.
---@return string "127.0.0.1:port,…"
function MockCluster:bootstrap_servers() end

---Creates a topic. Topics that a producer asks for are created by themselves, with four partitions.
---
---Errors: raises for a number out of range; `nil, err` when the topic exists.
---Danger: none.
---Source: `rd_kafka_mock_topic_create`.
---@param name string
---@param partitions integer
---@param replicas? integer default 3, or as many as there are brokers
---@return true? done
---@return kafka.Error? err
function MockCluster:create_topic(name, partitions, replicas) end

---Ends all connections of a broker and accepts no new ones.
---
---Errors: `nil, err` for an unknown broker.
---Danger: what it holds is kept.
---Source: `rd_kafka_mock_broker_set_down`.
---@param id integer
---@return true? done
---@return kafka.Error? err
function MockCluster:broker_down(id) end

---Lets a broker accept connections again.
---
---Errors: `nil, err` for an unknown broker.
---Danger: clients come back after their `reconnect.backoff.ms`.
---Source: `rd_kafka_mock_broker_set_up`.
---@param id integer
---@return true? done
---@return kafka.Error? err
function MockCluster:broker_up(id) end

---Adds a broker.
---
---Errors: `nil, err` when the id is taken.
---Danger: clients learn of it with their next metadata.
---Source: `rd_kafka_mock_broker_add`.
---@param id integer
---@return true? done
---@return kafka.Error? err
function MockCluster:add_broker(id) end

---Removes a broker; another one leads its partitions.
---
---Errors: `nil, err` for an unknown broker.
---Danger: none.
---Source: `rd_kafka_mock_broker_decommission`.
---@param id integer
---@return true? done
---@return kafka.Error? err
function MockCluster:remove_broker(id) end

---Delays each answer of a broker.
---
---Errors: `nil, err` for an unknown broker; raises for a negative time.
---Danger: none.
---Source: `rd_kafka_mock_broker_set_rtt`.
---@param id integer
---@param ms integer 0 for no delay
---@return true? done
---@return kafka.Error? err
function MockCluster:set_rtt(id, ms) end

---Puts a broker into a rack.
---
---Errors: `nil, err` for an unknown broker.
---Danger: none.
---Source: `rd_kafka_mock_broker_set_rack`.
---@param id integer
---@param rack string
---@return true? done
---@return kafka.Error? err
function MockCluster:set_rack(id, rack) end

---Makes a broker the leader of a partition; -1 leaves it without one.
---
---Errors: raises for a number out of range; `nil, err` for an unknown broker or partition.
---Danger: an unknown topic is created.
---Source: `rd_kafka_mock_partition_set_leader`.
---@param topic string
---@param partition integer
---@param id integer
---@return true? done
---@return kafka.Error? err
function MockCluster:set_leader(topic, partition, id) end

---Makes a broker the one that consumers are sent to for a partition; -1 takes that back.
---
---Errors: raises for a number out of range.
---Danger: none.
---Source: `rd_kafka_mock_partition_set_follower`.
---@param topic string
---@param partition integer
---@param id integer
---@return true? done
---@return kafka.Error? err
function MockCluster:set_follower(topic, partition, id) end

---Makes a broker the coordinator of a group or of a transactional id.
---
---Errors: raises for another kind.
---Danger: none.
---Source: `rd_kafka_mock_coordinator_set`.
---@param kind "group"|"transaction"
---@param key string the group, or the transactional id
---@param id integer
---@return true? done
---@return kafka.Error? err
function MockCluster:set_coordinator(kind, key, id) end

---Answers the next requests of a kind with these errors, one each, in order.
---
---Errors: raises for an unknown request kind or error name, and for an `rtt` without a broker.
---Danger: errors nobody asked for stay for later requests: `clear_errors`.
---Source: `rd_kafka_mock_push_request_errors_array`, `rd_kafka_mock_broker_push_request_error_rtts`.
---@param api_name string `"Produce"`, `"Fetch"`, `"JoinGroup"`, …
---@param errors (string|{[1]: string, rtt: integer})[] names; with `rtt` the answer takes that many milliseconds
---@param broker? integer only this one; default whichever is asked
---@return true? done
---@return kafka.Error? err
function MockCluster:push_errors(api_name, errors, broker) end

---Forgets errors that are still to be answered.
---
---Errors: raises for an unknown request kind.
---Danger: none.
---Source: `rd_kafka_mock_clear_request_errors`.
---@param api_name string
---@return true? done
---@return kafka.Error? err
function MockCluster:clear_errors(api_name) end

---Gives a topic an error in all metadata answers; nil takes it away.
---
---Errors: raises for an unknown error name.
---Danger: none.
---Source: `rd_kafka_mock_topic_set_error`.
---@param topic string
---@param name string? such as `"TOPIC_AUTHORIZATION_FAILED"`
---@return true? done
---@return kafka.Error? err
function MockCluster:set_topic_error(topic, name) end

---How long a new group waits for further members before it starts; 3000 unless set.
---
---Errors: raises for a negative time.
---Danger: none.
---Source: `rd_kafka_mock_group_initial_rebalance_delay_ms`.
---@param ms integer
---@return true? done
---@return kafka.Error? err
function MockCluster:set_group_delay(ms) end

---The requests the brokers got so far, oldest first.
---
---Errors: none.
---Danger: grows with every request of the cluster's life.
---Source: `rd_kafka_mock_start_request_tracking`, `rd_kafka_mock_get_requests`.
---@return kafka.MockRequest[]
function MockCluster:requests() end

---Ends the brokers. Closing again does nothing.
---
---Errors: none.
---Danger: clients that are still open see all brokers down.
---Source: `rd_kafka_mock_cluster_destroy`.
---@return true
function MockCluster:close() end

---Whether `close` was called.
---
---Errors: none.
---Danger: none.
---Source: the module itself.
---@return boolean
function MockCluster:closed() end
