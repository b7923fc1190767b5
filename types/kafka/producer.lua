---@meta _

-- `#producer` is how many messages were accepted and not reported yet. On Lua 5.4 `local p <close> = …` closes it.
-- A producer nobody refers to any more is closed in the background, after `exit_timeout` at the latest.

---@class kafka.Producer
---@operator len: integer
local Producer = {}

---Makes a topic known to `send`, with properties of its own on top of the client's. Known already: nothing happens.
---
---Errors: raises for a property or a name that is refused. Properties that differ from those in force change nothing:
---once for each topic `on_error` and `last_error` tell it, as `_CONFLICT`.
---Danger: a producer keeps the properties a topic was first used with, by `create_topic` or by `produce`, for as long as
---it lives; `topic_config` tells them. And it does not create the topic on the brokers; whether they do at first use is their setting.
---Source: `rd_kafka_topic_new`.
---@param topic string
---@param conf? table<string, string|number|boolean> properties at topic level, such as `acks`
function Producer:create_topic(topic, conf) end

---Whether `send` knows this topic.
---
---Errors: raises for a wrong argument.
---Danger: says nothing about the brokers.
---Source: the module itself.
---@param topic string
---@return boolean
function Producer:has_topic(topic) end

---Makes `send` forget this topic. Messages under way are still delivered.
---
---Errors: raises for a wrong argument; an unknown topic is no error.
---Danger: the properties it has stay, and are in force again when the topic is made or used again. Other ones take another
---producer.
---Source: `rd_kafka_topic_destroy`.
---@param topic string
function Producer:destroy_topic(topic) end

---The topics `send` and `produce` know, sorted.
---
---Errors: raises on a closed client.
---Danger: says nothing about the brokers.
---Source: the module itself.
---@return string[]
function Producer:topics() end

---Queues a message and returns at once. The classic call; see `produce` for keys, headers and error values.
---
---Errors: returns an errno, Linux's on every system: 105 queue full, 90 too large, 3 unknown partition, 2 unknown
---topic, 125 fatal error, 8 no transaction is open. Raises `invalid topic` without `create_topic`.
---Danger: 0 means accepted, not delivered; that is what `poll` and `on_delivery` are for.
---Source: `rd_kafka_produce`.
---@param topic string
---@param partition integer -1 lets the partitioner choose
---@param sequence_id? integer 0 to 2^53, comes back from `poll`
---@param message string|string[] parts of an array are joined
---@return integer result 0 or an errno
function Producer:send(topic, partition, sequence_id, message) end

---Serves reports and callbacks: all that is ready, waiting up to `timeout` for the first.
---
---Errors: raises what a callback raised, after all of them have run.
---Danger: without polling, a producer with callbacks fills its queue with reports.
---Source: `rd_kafka_queue_poll` and delivery reports.
---@param timeout? integer milliseconds, default 0, -1 without limit
---@return integer? sequence_id of the last message reported in this call
---@return integer failures how many failed in this call
---@return integer served how many events were served
function Producer:poll(timeout) end

---Queues a message and returns at once: `produce(topic, value, key, options)`, or one table with all of it.
---
---Errors: `nil, err`: `_QUEUE_FULL` (nothing was queued: poll, then again), `MSG_SIZE_TOO_LARGE` with the limit,
---`_UNKNOWN_PARTITION`, a fatal error. Raises for a field that is not known or has the wrong type, and for arrays with holes.
---Danger: true means accepted, not delivered. With `on_full="block"` a full queue is waited for, and callbacks run meanwhile;
---`_DESTROY` when one of them closes the producer.
---Source: `rd_kafka_produce`, `rd_kafka_produceva`.
---@param topic string|kafka.OutgoingMessage
---@param value? string|string[] nil is a tombstone, "" is not; parts of an array are joined
---@param key? string messages with the same key go to the same partition, in order; nil is no key, "" is one
---@param options? kafka.ProduceOptions
---@return true? accepted
---@return kafka.Error? err
function Producer:produce(topic, value, key, options) end

---Queues many messages in one call: `produce_batch(topic, messages [, options])`, or `produce_batch(messages [, options])`
---where each names its topic. A message is a string, or a table as `produce` takes it.
---
---Errors: `errors[i]` is why `messages[i]` was refused; the others are queued. When the queue is full it stops there:
---`errors.first` says where, so poll and call again with `{from=errors.first}`. A wrong message is refused too
---(`_INVALID_ARG`), as others may be queued already. Raises for one message in place of an array, and for
---an array with a hole.
---With `on_full="block"` it waits for room and serves callbacks meanwhile. One that raises does not end the batch: its error,
---the first one, is raised when all were accepted, and is in `errors.raised` when not, so that the count is not lost.
---Danger: it says nothing of delivery.
---Source: `rd_kafka_produce`, `rd_kafka_produceva`.
---@param topic string|(string|kafka.OutgoingMessage)[]
---@param messages? (string|kafka.OutgoingMessage)[]|kafka.BatchOptions
---@param options? kafka.BatchOptions
---@return integer accepted
---@return table<integer|"first"|"raised", any>? errors nil: all were accepted
function Producer:produce_batch(topic, messages, options) end

---Produces, and returns a handle to wait for the report with. Several coroutines may wait at once.
---
---Errors: as `produce`.
---Danger: the handle holds the client; a report is only served while something serves: `wait`, `poll`, an event loop.
---Source: `rd_kafka_produce`, `rd_kafka_produceva`.
---@param topic string|kafka.OutgoingMessage
---@param value? string|string[]
---@param key? string
---@param options? kafka.ProduceOptions
---@return kafka.Delivery?
---@return kafka.Error? err
function Producer:produce_async(topic, value, key, options) end

---Produces, and waits for the report; `timeout` is among the options. Serves callbacks meanwhile.
---
---Errors: `nil, err, report` when it failed or, without a report, was refused or not reported in time. Raises what a
---callback raised.
---Danger: after `_TIMED_OUT` the message may still be delivered. One round trip a message: `produce_async` many instead.
---Source: `rd_kafka_produce`, `rd_kafka_produceva`.
---@param topic string|kafka.OutgoingMessage
---@param value? string|string[]
---@param key? string
---@param options? kafka.SyncOptions
---@return kafka.Report? report
---@return kafka.Error? err
---@return kafka.Report? failed
function Producer:produce_sync(topic, value, key, options) end

---Takes back what is not delivered: the reports say `_PURGE_QUEUE` or `_PURGE_INFLIGHT`. Messages produced afterwards stay.
---
---Errors: `nil, err` `_TIMED_OUT` when librdkafka's threads did not answer in time; it is done later then. Raises what a callback
---raised meanwhile.
---Danger: what was in flight may be stored all the same: its status is `possibly_persisted`.
---Source: `rd_kafka_purge`, on a thread of the client's own.
---@param options? kafka.PurgeOptions
---@return true? done
---@return kafka.Error? err
function Producer:purge(options) end

---The highest offset this client has written to a topic, or to one partition of it.
---
---Errors: raises for a name that cannot be a topic's, and on a closed client.
---Danger: nil with `acks=0`, as the broker then tells no offsets.
---Source: delivery reports.
---@param topic string
---@param partition? integer default: all of them
---@return integer? offset nil: nothing was delivered there yet
function Producer:last_offset(topic, partition) end

---Waits until every accepted message is reported, and serves callbacks meanwhile.
---
---Errors: `nil, err, remaining` when the time is over.
---Danger: true means reported; a report may say that the message failed.
---Source: `rd_kafka_flush`.
---@param timeout? integer milliseconds, default 10000, -1 without limit
---@return true? done
---@return kafka.Error? err
---@return integer? remaining messages without a report
function Producer:flush(timeout) end

---Flushes and ends the client. Closing again does nothing.
---
---Errors: `nil, err, undelivered` when messages are left at the end of the time; they are gone then.
---Danger: afterwards every call but `close`, `closed`, `name` and the three for event loops raises.
---Source: `rd_kafka_flush`, `rd_kafka_destroy_flags`.
---@param timeout? integer milliseconds, default the option `close_timeout`, -1 without limit
---@return true? done
---@return kafka.Error? err
---@return integer? undelivered
function Producer:close(timeout) end

---Whether `close` was called.
---
---Errors: none.
---Danger: none.
---Source: the module itself.
---@return boolean
function Producer:closed() end

---The name in logs: `client.id` and a number.
---
---Errors: none.
---Danger: none.
---Source: `rd_kafka_name`.
---@return string
function Producer:name() end

---The last error, of the client or of a message it could not deliver, whether or not there is an `on_error`.
---
---Errors: raises on a closed client.
---Danger: it stays when the trouble is over.
---Source: `rd_kafka_conf_set_error_cb`.
---@return kafka.Error?
function Producer:last_error() end

---A descriptor that is readable exactly while a call would find something to serve; after `close` for good.
---
---Errors: none.
---Danger: never read, write or close it.
---Source: `rd_kafka_queue_io_event_enable`.
---@return integer
function Producer:pollfd() end

---What to wait for on `pollfd`: always "r".
---
---Errors: none.
---Danger: none.
---Source: the module itself.
---@return "r"
function Producer:events() end

---When to look at the client at the latest, even if `pollfd` stays quiet: nil, as `pollfd` misses nothing.
---
---Errors: none.
---Danger: seconds, as cqueues counts, where all else is milliseconds.
---Source: the module itself.
---@return number? seconds nil: no limit
function Producer:timeout() end

---How many partitions a topic has, as this client last heard. What it does not know it asks for in the background.
---
---Errors: raises for a name that cannot be a topic's.
---Danger: nil the first time; on a producer with a handle for the topic the question may make a broker create it.
---Source: `rd_kafka_metadata`, on a thread of the client's own.
---@param topic string
---@return integer? count nil: not known yet, or there is no such topic
function Producer:partition_count(topic) end

---Whether a partition exists and has a leader, as this client last heard; asked again after 30 seconds.
---
---Errors: raises for a name that cannot be a topic's, and for a partition below 0.
---Danger: nil the first time; a leader that was lost a moment ago is still one.
---Source: `rd_kafka_metadata`, on a thread of the client's own.
---@param topic string
---@param partition integer
---@return boolean? available nil: nothing is known of the topic yet
function Producer:partition_available(topic, partition) end

---What every property comes to in this client: what was set, librdkafka's defaults, the values this module puts in their
---place; under each name a property has. This module's own options are there too.
---
---Errors: raises on a closed client.
---Danger: a secret that is set reads `(hidden)`, so the table is not one to make another client of (see `kafka.session`).
---Source: `rd_kafka_conf_get` on `rd_kafka_conf`.
---@return table<string, string|number|boolean|function> config absent: not set, and no default
function Producer:config() end

---What the topic-level properties come to, for the client as a whole, or for one topic with what the `create_topic` that
---first used it put on top.
---
---Errors: raises for a name that cannot be a topic's, and on a closed client.
---Danger: none.
---Source: `rd_kafka_default_topic_conf_dup`, `rd_kafka_topic_conf_get`.
---@param topic? string
---@return table<string, string|number|boolean> config
function Producer:topic_config(topic) end

---The error that made this client unusable, if one did. Make a new client then.
---
---Errors: raises on a closed client.
---Danger: none.
---Source: `rd_kafka_fatal_error`.
---@return kafka.Error? err nil: all is well
function Producer:fatal_error() end

---For tests: makes the client behave as after a fatal error.
---
---Errors: raises for a name `kafka.errors` does not have; `nil, err` `_PREV_IN_PROGRESS` when there was one already.
---Danger: the client is of no use afterwards; without `enable.idempotence` librdkafka still takes messages.
---Source: `rd_kafka_test_fatal_error`.
---@param name string a name of `kafka.errors`
---@param reason string comes with the error
---@return true? done
---@return kafka.Error? err
function Producer:test_fatal_error(name, reason) end

---Makes this producer the only one of its `transactional.id`: waits until whatever an earlier one left open has ended, and
---fences it. Once, before the first transaction.
---
---Errors: `nil, err`: `_TIMED_OUT` (retriable: calling again goes on with the same call), `_NOT_CONFIGURED` without
---`transactional.id`, `_STATE` when it was called before, a fatal error. Raises what a callback raised meanwhile.
---Danger: an older producer of the same `transactional.id` is fenced: all it can do then is end.
---Source: `rd_kafka_init_transactions`, on a thread of the client's own.
---@param timeout? integer milliseconds, default `transaction.timeout.ms`, -1 without limit
---@return true? done
---@return kafka.Error? err
function Producer:init_transactions(timeout) end

---Begins a transaction: what is produced from now on is committed or aborted as one. Does not wait.
---
---Errors: `nil, err`: `_STATE` before `init_transactions` and within a transaction, `_CONFLICT` while another call is
---under way, a fatal error.
---Danger: the brokers abort a transaction that is older than `transaction.timeout.ms`.
---Source: `rd_kafka_begin_transaction`.
---@return true? done
---@return kafka.Error? err
function Producer:begin_transaction() end

---Waits until everything produced in the transaction is delivered, and commits it. Serves callbacks meanwhile.
---
---Errors: `nil, err`: with `txn_requires_abort`, abort it; `retriable` (`_TIMED_OUT` too), call it again: it goes on with
---the same commit; `fatal`, make a new producer. Raises what a callback raised; calling again then tells how it ended.
---Danger: after `_TIMED_OUT` the commit may still succeed: only calling again tells.
---Source: `rd_kafka_commit_transaction`, on a thread of the client's own.
---@param timeout? integer milliseconds, default `transaction.timeout.ms`, -1 without limit
---@return true? done
---@return kafka.Error? err
function Producer:commit_transaction(timeout) end

---Aborts the transaction: what is queued is reported as `_PURGE_QUEUE`, and readers of committed messages see nothing of it.
---
---Errors: as `commit_transaction`. While offsets are being sent it waits for that call to end, then aborts.
---Danger: with `isolation.level=read_uncommitted` a consumer reads what was aborted.
---Source: `rd_kafka_abort_transaction`, on a thread of the client's own.
---@param timeout? integer milliseconds, default `transaction.timeout.ms`, -1 without limit
---@return true? done
---@return kafka.Error? err
function Producer:abort_transaction(timeout) end

---Lets a consumer's offsets be committed with the open transaction, or not at all.
---
---Errors: as `commit_transaction`; offsets of a member that has lost its place in the group are refused with
---`txn_requires_abort`. Raises for offsets that are no numbers from 0, and for a closed consumer.
---Danger: a table with a `group_id` only is not fenced: a consumer whose partitions were taken away may still commit. The
---consumer needs `enable.auto.commit=false`.
---Source: `rd_kafka_send_offsets_to_transaction`, on a thread of the client's own.
---@param offsets kafka.PartitionList each with the offset to be read next: that of the last message and 1; passed over without one
---@param group kafka.Consumer|kafka.GroupMetadata
---@param timeout? integer milliseconds, default `transaction.timeout.ms`, -1 without limit
---@return true? done
---@return kafka.Error? err
function Producer:send_offsets_to_transaction(offsets, group, timeout) end

---A whole transaction: begins it, runs `fn(producer)`, sends the offsets of what `options.consumer` handed out, commits.
---An error that passes (`retriable`, `txn_requires_abort`) aborts it, takes the consumer back to where `fn` began to read, and
---runs `fn` again, after a pause. When it fails for good the consumer is back at its committed offsets. Calls
---`init_transactions` the first time.
---
---Errors: `nil, err` when all attempts failed, when the error does not pass, and when `fn` returned nil and an error (which
---comes out as it is). What `fn` raises comes out as it was raised, after the abort; a `kafka.Error` that passes is tried
---again first. Raises what a callback raised, once the transaction is committed.
---Within `fn`, `init_transactions`, `begin_transaction`, `commit_transaction` and `abort_transaction` are `nil, err` `_STATE`;
---after a refused abort nothing is committed: `nil, err` with that error.
---Danger: `fn` may run several times, so whatever it does besides producing must bear that; it should ask for its input itself.
---After `_TIMED_OUT` of the commit it may still succeed: `commit_transaction` tells how it ended, other calls answer `_CONFLICT`
---until then. The consumer goes on accordingly: behind its input when that is committed, else (after the abort) before it.
---Source: the calls above, `rd_kafka_committed`, `rd_kafka_seek_partitions`.
---@param fn fun(producer: kafka.Producer): ...
---@param options? kafka.TransactionOptions
---@return true? done followed by what `fn` returned
---@return any err a kafka.Error, or what `fn` returned after nil
function Producer:transaction(fn, options) end
