---@meta _

-- A message counts as done when the next one is asked for, and the last one when the consumer is closed.
-- On Lua 5.4 `local c <close> = …` closes it; a block left by an error does not count its last message as done.
-- Collection closes it in the background, without that last step as well.

---@class kafka.Consumer
local Consumer = {}

---Waits up to a second for the next message and serves callbacks meanwhile.
---
---Errors: four nils and an error value; raises for an unknown topic or partition, and what a callback raised.
---Danger: nil alone means that nothing came in this second, not that the topic is at its end.
---Source: `rd_kafka_consume_batch_queue`, `rd_kafka_offsets_store`.
---@return string? payload `""` for a null payload
---@return string? topic
---@return integer? partition
---@return string? key nil when absent or empty
---@return kafka.Error? err
function Consumer:receive() end

---Waits for the next message and serves callbacks meanwhile. Asking says that the last message is done.
---
---Errors: `nil, err`, each cause once until a message comes; a fatal one on every call. Raises what a callback raised.
---Danger: nil alone means that nothing came in time. With `enable.partition.eof` a message may be the end of a
---partition: `eof` is true and it has no value.
---Source: `rd_kafka_consume_batch_queue`, `rd_kafka_offset_store_message`.
---@param timeout? integer milliseconds, default 1000, 0 does not wait, -1 without limit
---@return kafka.Message? message
---@return kafka.Error? err
function Consumer:poll(timeout) end

---As `poll`, for many: returns as soon as one message is there, with what is at hand, up to `max`. All of the last
---batch is done when the next is asked for.
---
---Errors: as `poll`.
---Danger: the array is empty when nothing came in time.
---Source: `rd_kafka_consume_batch_queue`, `rd_kafka_offset_store_message`.
---@param max integer how many messages at the most
---@param timeout? integer milliseconds, default 1000, 0 does not wait, -1 without limit
---@return kafka.Message[]? messages
---@return kafka.Error? err
function Consumer:poll_batch(max, timeout) end

---As `poll_batch`, as parallel arrays: the fastest way in. An absent key or a null payload is false. Ends of partitions
---are left out.
---
---Errors: as `poll`.
---Danger: 0 and empty arrays when nothing came in time. Headers and timestamps are not among them.
---Source: `rd_kafka_consume_batch_queue`, `rd_kafka_offset_store_message`.
---@param max integer how many messages at the most
---@param timeout? integer milliseconds, default 1000, 0 does not wait, -1 without limit
---@return integer? count nil with an error
---@return (string|false)[]|kafka.Error payloads
---@return string[]? topics
---@return integer[]? partitions
---@return (string|false)[]? keys
---@return integer[]? offsets
function Consumer:receive_batch(max, timeout) end

---A loop: `for message in consumer:messages{limit=5} do … end`. A message is done when its body ended and the next one
---is asked for. The loop ends after `limit` messages, when none came for `timeout`, by `message:cancel()`, and by `close`.
---
---Errors: raises only what a loop cannot go on after: authorization, authentication, an offset out of range where
---`auto.offset.reset` is "error", and what is fatal. All others are told to `on_error` only.
---Danger: with break, the message of that body is done when the next one is asked for or the consumer is closed. On plain
---Lua 5.1 a wrapped client cannot yield inside `for`: it raises there; use `each`.
---Source: `rd_kafka_consume_batch_queue`, `rd_kafka_offset_store_message`.
---@param options? kafka.LoopOptions
---@return fun(): kafka.Message?
function Consumer:messages(options) end

---As `messages`, with a function for the body: `consumer:each({limit=5}, function(message) … end)`.
---
---Errors: as `messages`, and what the function raised.
---Danger: an error in the function ends the loop; its message is done when the next one is asked for.
---Source: `rd_kafka_consume_batch_queue`, `rd_kafka_offset_store_message`.
---@param options? kafka.LoopOptions|fun(message: kafka.Message)
---@param fn? fun(message: kafka.Message)
---@return integer count how many messages the function got
function Consumer:each(options, fn) end

---Stores the last message as done, commits, leaves the group and ends the client. Callbacks run in it: `on_revoke` first, then
---functions of `commit_async`, each with its answer or `_DESTROY`, then `on_commit`. Closing again does nothing.
---
---Errors: `nil, err` when the time is over; the group notices after `session.timeout.ms` then.
---Danger: call it only when the last message is done; else drop the consumer, and the message comes again.
---Source: `rd_kafka_consumer_close_queue`, `rd_kafka_destroy_flags`.
---@param timeout? integer milliseconds, default the option `close_timeout`, -1 without limit
---@return true? done
---@return kafka.Error? err
function Consumer:close(timeout) end

---Whether `close` was called.
---
---Errors: none.
---Danger: none.
---Source: the module itself.
---@return boolean
function Consumer:closed() end

---The name in logs: `client.id` and a number.
---
---Errors: none.
---Danger: none.
---Source: `rd_kafka_name`.
---@return string
function Consumer:name() end

---The last error of the client, whether or not there is an `on_error`.
---
---Errors: raises on a closed client.
---Danger: it stays when the trouble is over.
---Source: `rd_kafka_conf_set_error_cb`.
---@return kafka.Error?
function Consumer:last_error() end

---A descriptor that is readable exactly while messages or events are waiting here; after `close` for good.
---
---Errors: none.
---Danger: never read, write or close it.
---Source: `rd_kafka_queue_io_event_enable`.
---@return integer
function Consumer:pollfd() end

---What to wait for on `pollfd`: always "r".
---
---Errors: none.
---Danger: none.
---Source: the module itself.
---@return "r"
function Consumer:events() end

---When to look at the client at the latest, even if `pollfd` stays quiet: nil, as `pollfd` misses nothing.
---
---Errors: none.
---Danger: seconds, as cqueues counts, where all else is milliseconds.
---Source: the module itself.
---@return number? seconds nil: no limit
function Consumer:timeout() end

---How many partitions a topic has, as this client last heard. What it does not know it asks for in the background.
---
---Errors: raises for a name that cannot be a topic's.
---Danger: nil the first time; on a producer with a handle for the topic the question may make a broker create it.
---Source: `rd_kafka_metadata`, on a thread of the client's own.
---@param topic string
---@return integer? count nil: not known yet, or there is no such topic
function Consumer:partition_count(topic) end

---Whether a partition exists and has a leader, as this client last heard; asked again after 30 seconds.
---
---Errors: raises for a name that cannot be a topic's, and for a partition below 0.
---Danger: nil the first time; a leader that was lost a moment ago is still one.
---Source: `rd_kafka_metadata`, on a thread of the client's own.
---@param topic string
---@param partition integer
---@return boolean? available nil: nothing is known of the topic yet
function Consumer:partition_available(topic, partition) end

---What every property comes to in this client: what was set, librdkafka's defaults, the values this module puts in their
---place; under each name a property has. This module's own options are there too.
---
---Errors: raises on a closed client.
---Danger: a secret that is set reads `(hidden)`, so the table is not one to make another client of (see `kafka.session`).
---Source: `rd_kafka_conf_get` on `rd_kafka_conf`.
---@return table<string, string|number|boolean|function> config absent: not set, and no default
function Consumer:config() end

---What the topic-level properties come to, for the client as a whole, which here hold for each topic.
---
---Errors: raises for a name that cannot be a topic's, and on a closed client.
---Danger: none.
---Source: `rd_kafka_default_topic_conf_dup`, `rd_kafka_topic_conf_get`.
---@param topic? string
---@return table<string, string|number|boolean> config
function Consumer:topic_config(topic) end

---Who this consumer is in its group: what a transactional producer sends with its offsets, so that those of a consumer
---that has lost its partitions are refused.
---
---Errors: raises on a closed client.
---Danger: it changes with each rebalance; ask anew for each transaction, or hand over the consumer itself.
---Source: `rd_kafka_consumer_group_metadata`.
---@return kafka.GroupMetadata? metadata nil: a consumer without `group.id`
function Consumer:group_metadata() end

---The error that made this client unusable, if one did. Make a new client then.
---
---Errors: raises on a closed client.
---Danger: none.
---Source: `rd_kafka_fatal_error`.
---@return kafka.Error? err nil: all is well
function Consumer:fatal_error() end

---For tests: makes the client behave as after a fatal error.
---
---Errors: raises for a name `kafka.errors` does not have; `nil, err` `_PREV_IN_PROGRESS` when there was one already.
---Danger: the client is of no use afterwards.
---Source: `rd_kafka_test_fatal_error`.
---@param name string a name of `kafka.errors`
---@param reason string comes with the error
---@return true? done
---@return kafka.Error? err
function Consumer:test_fatal_error(name, reason) end
