---@meta _

-- A fixed window of partitions, from `kafka.read` or `session:read`. `for message in reader do` is the shortest way to use it;
-- it raises what the calls below return as an error.

---@class kafka.Reader
---@overload fun(): kafka.Message?
local Reader = {}

---The next message; nil at the end of the window, then and ever after.
---
---Errors: `nil, err`, after which the reader is closed: what does not exist, what the cluster does not answer within
---`timeout`, offsets that are gone.
---Danger: waits; it goes on for longer than `timeout` while it gets past what was aborted or compacted away.
---Source: `rd_kafka_consume_batch_queue`.
---@return kafka.Message? message
---@return kafka.Error? err
function Reader:next() end

---Calls a function with each message that is left; returns how many there were.
---
---Errors: as `next`, and what the function raises: the next call goes on with the message after.
---Danger: as `next`.
---Source: `rd_kafka_consume_batch_queue`.
---@param fn fun(message: kafka.Message)
---@return integer? count
---@return kafka.Error? err
function Reader:each(fn) end

---The options of a reader that goes on where this one is, to the same end; nil when nothing is left.
---
---Errors: none.
---Danger: it holds all options of this reader, passwords too.
---Source: the module itself.
---@return table? options
function Reader:next_request() end

---Ends it early. Closing again does nothing.
---
---Errors: none.
---Danger: waits for librdkafka's threads.
---Source: `rd_kafka_consume_stop`.
---@param timeout? integer milliseconds, default the reader's own timeout but 10000 at the most, -1 without limit
---@return true
function Reader:close(timeout) end

---Whether it is at its end, or was closed.
---
---Errors: none.
---Danger: none.
---Source: the module itself.
---@return boolean
function Reader:closed() end
