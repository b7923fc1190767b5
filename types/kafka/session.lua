---@meta _

-- One configuration, many clients: what they have in common is said once. On Lua 5.4 `local s <close> = …` closes it.
-- A session nobody refers to any more leaves its clients alone.

---@class kafka.Session
local Session = {}

---Makes a producer: the session's properties and options, but for those of consumers, and `options` on top.
---
---Errors: as `kafka.producer`; raises on a closed session.
---Danger: what is set later reaches clients made later.
---Source: `rd_kafka_new`.
---@param options? kafka.ProducerConf
---@return kafka.Producer
function Session:producer(options) end

---Makes a consumer: the session's properties and options, but for those of producers, and `options` on top.
---
---Errors: as `kafka.consumer`; raises on a closed session.
---Danger: consumers with the session's `group.id` share the group's partitions; give others one of their own.
---Source: `rd_kafka_new`.
---@param options? kafka.ConsumerConf
---@return kafka.Consumer
function Session:consumer(options) end

---Makes a reader of a fixed window, as `kafka.read`: the session's properties and options for consumers, but for `group.id`,
---`topics` and what else concerns members of a group, and `options` on top.
---
---Errors: as `kafka.read`; raises on a closed session.
---Danger: as `kafka.read`. `next_request()` gives a table for `kafka.read` or this: it has the session's properties in it,
---passwords too.
---Source: see `kafka.read`.
---@param options table
---@return kafka.Reader reader
function Session:read(options) end

---Sets a property or an option of this module for clients made from now on.
---
---Errors: raises for what a client would refuse; nothing is changed then.
---Danger: clients that exist stay as they are.
---Source: `rd_kafka_conf_set`, for the check.
---@param name string
---@param value string|number|boolean|function|nil nil takes it back
function Session:set(name, value) end

---Sets a topic-level property for clients made from now on.
---
---Errors: raises for a property that is not one of topics, and for what a client would refuse.
---Danger: clients that exist stay as they are.
---Source: `rd_kafka_topic_conf_set`, for the check.
---@param name string
---@param value string|number|boolean|nil nil takes it back
function Session:set_topic(name, value) end

---What was set: properties and options of this module. A client's `config()` has the defaults as well.
---
---Errors: raises on a closed session.
---Danger: a secret reads `(hidden)`.
---Source: the module itself.
---@return table<string, string|number|boolean|function|string[]> config
function Session:config() end

---The topic-level properties that were set.
---
---Errors: raises on a closed session.
---Danger: none.
---Source: the module itself.
---@return table<string, string|number|boolean> config
function Session:topic_config() end

---Closes the clients that are still open, the newest first, as their own `close` does. The session makes no more.
---
---Errors: `nil, err, undelivered` of the first that could not close in time; raises what a callback raised. All are closed.
---Danger: a consumer's last message counts as done; messages to be flushed may take `timeout` for each client.
---Source: see `Producer:close` and `Consumer:close`.
---@param timeout? integer milliseconds for each client, default its option `close_timeout`, -1 without limit
---@return true? done
---@return kafka.Error? err
---@return integer? undelivered messages of producers
function Session:close(timeout) end

---Whether `close` was called.
---
---Errors: none.
---Danger: none.
---Source: the module itself.
---@return boolean
function Session:closed() end
