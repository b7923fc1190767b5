---@meta _

-- Partitions, positions and commits of a consumer. Lists of partitions are read in every form and come back in one that
-- can be handed on.

---@alias kafka.PartitionList (string|kafka.TopicPartition)[]|table<string, integer[]>

---@class kafka.Consumer
local Consumer = {}

---Joins the group for these topics, in place of those subscribed to before. `^regex` subscribes to all topics that match.
---
---Errors: raises for names that cannot be topics', for partitions, a topic that is there twice and a pattern that is no regular
---expression; `nil, err` when the consumer is closing or fenced.
---Danger: partitions come with a later call that serves (`poll`), and `on_assign` with them. An empty array is refused: `unsubscribe`.
---Source: `rd_kafka_subscribe`.
---@param topics string[] names, or patterns that begin with `^`: POSIX extended regular expressions
---@return true? done
---@return kafka.Error? err
function Consumer:subscribe(topics) end

---Leaves the group's work: partitions are revoked, what was fetched ahead is dropped. What was handed out last is done.
---
---Errors: `nil, err` when the consumer is closing.
---Danger: `on_revoke` runs in a later call that serves.
---Source: `rd_kafka_unsubscribe`.
---@return true? done
---@return kafka.Error? err
function Consumer:unsubscribe() end

---What was subscribed to.
---
---Errors: raises on a closed client, and without `group.id`.
---Danger: names and patterns as they were given, not the topics that match.
---Source: `rd_kafka_subscription`.
---@return string[]? topics
---@return kafka.Error? err
function Consumer:subscription() end

---The partitions this consumer has.
---
---Errors: raises on a closed client, and without `group.id`.
---Danger: empty until the first rebalance is through.
---Source: `rd_kafka_assignment`.
---@return kafka.TopicPartition[]? partitions
---@return kafka.Error? err
function Consumer:assignment() end

---Whether the partitions went to others already, without a revoke: the session timed out, or the member was fenced.
---
---Errors: raises on a closed client.
---Danger: true only until the rebalance is served; `on_lost` is the better place to act.
---Source: `rd_kafka_assignment_lost`.
---@return boolean
function Consumer:assignment_lost() end

---How partitions move: all at once ("eager") or only those that change hands ("cooperative").
---
---Errors: raises on a closed client.
---Danger: none.
---Source: `rd_kafka_rebalance_protocol`.
---@return "eager"|"cooperative"|nil protocol nil: no group yet
function Consumer:rebalance_protocol() end

---What the group calls this member.
---
---Errors: raises on a closed client.
---Danger: it changes when the member joins anew.
---Source: `rd_kafka_memberid`.
---@return string? id nil: not joined yet, or no group
function Consumer:member_id() end

---Reads exactly these partitions from here on, without the group's say. Offsets: a number, "earliest", "latest", "stored",
---`kafka.offset_tail(n)`; without one the committed offset.
---
---Errors: raises for a wrong list, and one that names a partition twice; `nil, err`: `_STATE` in a cooperative group.
---Danger: do not mix it with `subscribe`: a rebalance would take it away. What was fetched ahead is dropped.
---Source: `rd_kafka_assign`.
---@param list kafka.PartitionList `{"orders:3", {topic=, partition=, offset=}}` or `{orders={0, 1}}`
---@return true? done
---@return kafka.Error? err
function Consumer:assign(list) end

---Reads nothing any more. What was handed out last is done, what was fetched ahead is dropped.
---
---Errors: `nil, err`: `_STATE` in a cooperative group.
---Danger: with `enable.auto.commit` what is stored is committed by this, in the background.
---Source: `rd_kafka_assign`.
---@return true? done
---@return kafka.Error? err
function Consumer:unassign() end

---Reads these partitions too.
---
---Errors: raises as `assign`; `nil, err`: `_CONFLICT` for one that is assigned already, `_STATE` in an eager group.
---Danger: offsets as for `assign`.
---Source: `rd_kafka_incremental_assign`.
---@param list kafka.PartitionList `{"orders:3", {topic=, partition=, offset=}}` or `{orders={0, 1}}`
---@return true? done
---@return kafka.Error? err
function Consumer:incremental_assign(list) end

---Reads these partitions no more; the others go on undisturbed.
---
---Errors: raises as `assign`; `nil, err`: `_INVALID_ARG` for one that is not assigned, `_STATE` in an eager group.
---Danger: what was fetched ahead of these is dropped.
---Source: `rd_kafka_incremental_unassign`.
---@param list kafka.PartitionList `{"orders:3", {topic=, partition=, offset=}}` or `{orders={0, 1}}`
---@return true? done
---@return kafka.Error? err
function Consumer:incremental_unassign(list) end

---The next message of the partition is the one at this offset. In `on_assign` it changes where the partition begins.
---
---Errors: raises for what is no offset; `nil, err` `_STATE` for a partition that is not being read (yet): give `assign` the offset.
---Danger: what was handed out last is done; an offset out of range goes by `auto.offset.reset`.
---Source: `rd_kafka_seek_partitions`.
---@param topic string
---@param partition integer
---@param offset integer|"earliest"|"latest" or `kafka.offset_tail(n)`
---@return true? done
---@return kafka.Error? err
function Consumer:seek(topic, partition, offset) end

---Hands out nothing of these partitions until `resume`. What was fetched ahead waits here. In `on_assign` they begin paused.
---
---Errors: `nil, err` `_UNKNOWN_PARTITION` for one that is not assigned; the others are done.
---Danger: keep calling `poll`: the group must see that the program lives. Losing the partition ends the pause.
---Source: `rd_kafka_pause_partitions`.
---@param list? kafka.PartitionList default: all that is assigned
---@return true? done
---@return kafka.Error? err
function Consumer:pause(list) end

---Goes on handing out; what waits here comes first.
---
---Errors: `nil, err` `_UNKNOWN_PARTITION` for one that is not assigned; the others are done.
---Danger: none.
---Source: `rd_kafka_resume_partitions`.
---@param list? kafka.PartitionList default: all that is assigned
---@return true? done
---@return kafka.Error? err
function Consumer:resume(list) end

---Where the program is: the offset after the last message it was handed, however much was fetched ahead. The list can be
---given to `assign`, `commit` or `store`.
---
---Errors: raises for a wrong list; `nil, err` of librdkafka.
---Danger: `offset` is absent before the first message of a partition came, where it began by a name or by what was committed.
---Source: `rd_kafka_position`.
---@param list? kafka.PartitionList default: all that is assigned
---@return kafka.TopicPartition[]? positions
---@return kafka.Error? err
function Consumer:position(list) end

---What the group has committed, with its metadata, as a list that can be handed back.
---
---Errors: `nil, err`, `_TIMED_OUT` at the deadline.
---Danger: `offset` is absent where nothing is committed.
---Source: `rd_kafka_committed`, on a thread of the client's own.
---@param list? kafka.PartitionList default: all that is assigned
---@param timeout? integer milliseconds, default 10000, 0 does not wait, -1 without limit
---@return kafka.TopicPartition[]? committed
---@return kafka.Error? err
function Consumer:committed(list, timeout) end

---How many messages each assigned partition has before its end: from `position` to the high watermark as last heard.
---
---Errors: raises on a closed client.
---Danger: `lag` is absent until a fetch has told the end; with transactions the end counts markers too.
---Source: `rd_kafka_position`, `rd_kafka_get_watermark_offsets`.
---@return kafka.Lag[]? lags
---@return kafka.Error? err
function Consumer:lag() end

---Commits and waits for the answer. Without `what`: what is stored and what was handed out last. A message: the offset after
---it. A list: {topic, partition, offset = the next to read, metadata}; entries without an offset, as `position` and
---`committed` may give them, are passed over, and a list of nothing else commits nothing, which is true. A list stays
---committed, also when it goes back, until something behind it is done.
---
---Errors: `nil, err`: `_TIMED_OUT` at the deadline, `ILLEGAL_GENERATION` or `REBALANCE_IN_PROGRESS` when partitions move, `_STATE` for
---a message from before a revoke or a seek.
---Danger: after `_TIMED_OUT` the commit may still arrive. An offset in a list is the next to read: one more than the last done.
---Source: `rd_kafka_commit_queue`.
---@param what? kafka.Message|kafka.PartitionList
---@param timeout? integer milliseconds, default 10000, 0 does not wait, -1 without limit
---@return true? done
---@return kafka.Error? err
function Consumer:commit(what, timeout) end

---As `commit`, without waiting: the answer goes to `fn` and to `on_commit`, in a later call that serves. What is not
---answered by then is heard in `close`, before it returns: it waits for answers, up to 400 ms and its own time, and tells
---`fn` `_DESTROY` where none came. Commits reach the group in the order of the calls, those of `commit` among them: one is under
---way at a time, and lists that wait for it meanwhile go together in the next, which a later call that serves sends and
---`on_commit` hears of as one.
---
---Errors: `nil, err` when it could not even be asked.
---Danger: `fn` is not called when the consumer is collected without `close`. After `_DESTROY` the commit may still arrive.
---Source: `rd_kafka_commit_queue`.
---@param what? kafka.Message|kafka.PartitionList
---@param fn? fun(err: kafka.Error?, offsets: kafka.TopicPartition[]?) nil offsets: closed before the answer
---@return true? done
---@return kafka.Error? err
function Consumer:commit_async(what, fn) end

---Counts as done without committing: the next automatic or plain commit covers it.
---
---Errors: `nil, err` `_STATE` for a partition that is not ours.
---Danger: with the default `ack="auto"` asking for the next message stores too; use it with `ack="manual"`.
---Source: `rd_kafka_offsets_store`.
---@param what kafka.Message|kafka.PartitionList as for `commit`
---@return true? done
---@return kafka.Error? err
function Consumer:store(what) end
