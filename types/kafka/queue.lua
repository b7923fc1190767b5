---@meta _

-- A queue hands out messages of one partition, or of many merged, beside the consumer's own calls. A message counts as
-- done when the next one is asked of the same queue, and the last one when the consumer is closed.

---@class kafka.Queue
local Queue = {}

---Waits for the next message of this queue. Asking says that the last one is done.
---
---Errors: `nil, err`; raises on a queue of a closed consumer, and what a callback raised. A queue whose assignment is over
---answers `nil, err` `_DESTROY`.
---Danger: nil alone means that nothing came in time. A queue of a simple consumer serves the consumer's callbacks as well;
---that of an assigned partition does not: the consumer must still be polled.
---Source: `rd_kafka_consume_batch_queue`, `rd_kafka_offset_store_message`.
---@param timeout? integer milliseconds, default 1000, 0 does not wait, -1 without limit
---@return kafka.Message? message
---@return kafka.Error? err
function Queue:poll(timeout) end

---As `poll`, for many: returns as soon as one message is there, with what is at hand, up to `max`.
---
---Errors: as `poll`.
---Danger: the array is empty when nothing came in time.
---Source: `rd_kafka_consume_batch_queue`, `rd_kafka_offset_store_message`.
---@param max integer how many messages at the most
---@param timeout? integer milliseconds, default 1000, 0 does not wait, -1 without limit
---@return kafka.Message[]? messages
---@return kafka.Error? err
function Queue:poll_batch(max, timeout) end

---For `for message in queue:messages() do`. Ends with the queue, too: when the consumer is closed, or the assignment over.
---
---Errors: raises for a wrong option; from the loop, what cannot be gone on after: permission, credentials, a fatal error.
---Danger: as `poll`.
---Source: `rd_kafka_consume_batch_queue`, `rd_kafka_offset_store_message`.
---@param options? kafka.LoopOptions
---@return fun(): kafka.Message?
function Queue:messages(options) end

---Calls a function with each message, as a loop over `messages` would; returns how many there were.
---
---Errors: as `messages`, and what the function raises.
---Danger: as `poll`.
---Source: `rd_kafka_consume_batch_queue`, `rd_kafka_offset_store_message`.
---@param options? kafka.LoopOptions may be left out: `queue:each(fn)`
---@param fn fun(message: kafka.Message)
---@return integer count
---@overload fun(self: kafka.Queue, fn: fun(message: kafka.Message)): integer
function Queue:each(options, fn) end

---Whether it gives nothing any more: its consumer is closed, or its assignment is over.
---
---Errors: none.
---Danger: none.
---Source: the module itself.
---@return boolean
function Queue:closed() end

---A descriptor that is readable exactly while messages wait here, for a simple consumer's queue also while the consumer's
---events do; for good once the queue is over.
---
---Errors: raises on a queue that was collected by hand.
---Danger: never read, write or close it.
---Source: `rd_kafka_queue_cb_event_enable`.
---@return integer
function Queue:pollfd() end

---What to wait for on `pollfd`: always "r".
---
---Errors: none.
---Danger: none.
---Source: the module itself.
---@return "r"
function Queue:events() end

---When to look at the queue at the latest, even if `pollfd` stays quiet: nil, as `pollfd` misses nothing.
---
---Errors: none.
---Danger: seconds, as cqueues counts, where all else is milliseconds.
---Source: the module itself.
---@return number? seconds nil: no limit
function Queue:timeout() end

-- The simple consumer reads partitions one by one, without being a member of a group. The first call decides which kind a
-- client is; the other kind's calls then raise. Without `group.id` there is only this kind.

---@class kafka.Consumer
local Consumer = {}

---Starts reading a partition at an offset; to a queue if one is given, else for `consume_one` and its kin.
---
---Errors: raises for a partition that is started already, for a wrong offset, for a queue of another consumer, and on a
---consumer that takes part in a group. `nil, err` when librdkafka refuses. That a partition does not exist is told when it
---is read.
---Danger: "stored" needs a `group.id`; offsets that are gone go by `auto.offset.reset`.
---Source: `rd_kafka_consume_start_queue`.
---@param topic string
---@param partition integer
---@param offset integer|"earliest"|"latest"|"stored" or `kafka.offset_tail(n)`
---@param queue? kafka.Queue
---@return true? done
---@return kafka.Error? err
function Consumer:consume_start(topic, partition, offset, queue) end

---Stops reading a partition; what is local of it is gone, what was handed out is done and, with a group, committed.
---
---Errors: raises for a partition that is not started; `nil, err` when it took more than ten seconds.
---Danger: waits for a commit if one is due, ten seconds at the most; `nil, err` when it failed. The partition is stopped
---then, too.
---Source: `rd_kafka_consume_stop`, on a thread of the client's own.
---@param topic string
---@param partition integer
---@return true? done
---@return kafka.Error? err
function Consumer:consume_stop(topic, partition) end

---Waits for the next message of a started partition and serves callbacks meanwhile.
---
---Errors: `nil, err`; raises for a partition that is not started, or that leads to a queue.
---Danger: nil alone means that nothing came in time.
---Source: `rd_kafka_consume_batch_queue`.
---@param topic string
---@param partition integer
---@param timeout? integer milliseconds, default 1000, 0 does not wait, -1 without limit
---@return kafka.Message? message
---@return kafka.Error? err
function Consumer:consume_one(topic, partition, timeout) end

---As `consume_one`, for many: returns as soon as one message is there, with what is at hand, up to `count`. With a function,
---it is called with one message after the other, and how many comes back instead.
---
---Errors: as `consume_one`, and what the function raises: the messages behind it come again.
---Danger: the array may be empty.
---Source: `rd_kafka_consume_batch_queue`.
---@param topic string
---@param partition integer
---@param timeout? integer milliseconds, default 1000, 0 does not wait, -1 without limit
---@param count integer how many messages at the most
---@param fn? fun(message: kafka.Message)
---@return kafka.Message[]|integer|nil messages or how many
---@return kafka.Error? err
function Consumer:consume_batch(topic, partition, timeout, count, fn) end

---Waits for a message, then calls the function with it and with each one that is at hand, up to 1,000.
---
---Errors: as `consume_batch`. The function may wait, yield, and close the client.
---Danger: it is an ordinary Lua function, called from here and never by librdkafka.
---Source: `rd_kafka_consume_batch_queue`.
---@param topic string
---@param partition integer
---@param timeout? integer milliseconds, default 1000, 0 does not wait, -1 without limit
---@param fn fun(message: kafka.Message)
---@return integer? count
---@return kafka.Error? err
function Consumer:consume_callback(topic, partition, timeout, fn) end

---A queue to which `consume_start` may lead any number of topics and partitions.
---
---Errors: raises on a consumer that takes part in a group, and on one with `ack="manual"` or `"required"`.
---Danger: one partition's flood may fill it; each partition keeps its order.
---Source: `rd_kafka_queue_new`.
---@return kafka.Queue
function Consumer:queue() end

---A queue of its own for an assigned partition: its messages come from there and no longer from the consumer, so that
---each partition can be worked on in order, all of them at once. Two calls for one partition
---give two objects over the same queue.
---
---Errors: raises outside `on_assign`, for a partition `on_assign` was not told of, and with `ack="manual"` or `"required"`.
---Danger: it dies with the assignment: ask anew in each `on_assign`. The consumer itself must still be polled, for the
---group, callbacks, and partitions without a queue. `commit()` and `close()` count what any queue has handed out last as
---done; workers that are in the middle of a message use `message:commit()`. A transaction sends offsets of `poll` and its
---kin only. A queue nobody keeps is collected, and its partition comes from the consumer again.
---Source: `rd_kafka_queue_get_partition`, `rd_kafka_queue_forward`.
---@param topic string
---@param partition integer
---@return kafka.Queue
function Consumer:partition_queue(topic, partition) end
