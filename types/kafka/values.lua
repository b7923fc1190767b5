---@meta _

-- The plain tables that go in and come out.

---What Kafka, the network or librdkafka reports. `tostring(err)` is a sentence.
---@class kafka.Error
---@field code integer librdkafka's code; -1001 is the module's own `_FORKED`
---@field name string `"_MSG_TIMED_OUT"`, `"NOT_LEADER_FOR_PARTITION"`; a leading `_` means found out locally
---@field message string
---@field fatal boolean the client can do nothing any more: close it and make another
---@field retriable boolean the same call may succeed later
---@field txn_requires_abort boolean the transaction must be aborted

---What became of one message. Fields without a value are absent.
---@class kafka.Report
---@field topic string
---@field partition integer -1 when none was chosen
---@field offset integer where it lies; -1001 when it lies nowhere
---@field timestamp integer? milliseconds since 1970
---@field timestamp_type "create_time"|"log_append_time"|nil whose clock that was: the producer's or the broker's
---@field key string?
---@field value string?
---@field headers [string, string?][]? pairs of name and value, in order
---@field status "persisted"|"possibly_persisted"|"not_persisted"
---@field opaque any what was given to `produce` as `opaque`
---@field sequence_id integer? what was given to `send`
---@field latency_us integer microseconds from the call to the report
---@field broker integer id of the broker that answered; -1 when none did

---A consumed message. Fields without a value are absent: a null value is nil, an empty one is "".
---@class kafka.Message
---@field topic string
---@field partition integer
---@field offset integer
---@field key string?
---@field value string?
---@field headers [string, string?][]? pairs of name and value, in order, repeats kept; absent when there are none
---@field timestamp integer? milliseconds since 1970
---@field timestamp_type "create_time"|"log_append_time"|nil whose clock that was: the producer's or the broker's
---@field leader_epoch integer? of the partition's leader that wrote it
---@field eof true? the end of the partition, for now: no message at all (`enable.partition.eof`)
---With `ack="manual"` or `"required"`: it is done. Of each partition what is complete from the front is stored
---(`rd_kafka_offsets_store`). False when that is no news, or its partition was revoked or sought since. Else it raises.
---@field ack fun(message: kafka.Message): boolean
---Commits the offset after it and waits for the answer (`rd_kafka_commit_queue`); `_STATE` when its partition was
---revoked or sought since.
---@field commit fun(message: kafka.Message, metadata?: string): true?, kafka.Error?
---It is not done: ends a `messages` loop; from it on nothing of its partition is stored until that is sought or
---assigned anew.
---@field cancel fun(message: kafka.Message)

---@class kafka.LoopOptions
---@field timeout? integer milliseconds to wait for one message before the loop ends, default -1: for ever
---@field limit? integer how many messages

---@class kafka.LogLine
---@field level integer 0 (emergency) to 7 (debug), syslog's
---@field facility string librdkafka's word for the kind of line: `"FAIL"`, `"CONFWARN"`, …
---@field message string

---@class kafka.Throttle
---@field broker string
---@field id integer
---@field time integer milliseconds the broker makes us wait

---@class kafka.MetadataOptions
---@field topic? string only this one
---@field timeout? integer milliseconds, default 10000, -1 without limit

---@class kafka.Metadata
---@field cluster_id string?
---@field controller_id integer?
---@field brokers kafka.Broker[]
---@field topics table<string, kafka.TopicMetadata> by name

---@class kafka.Broker
---@field id integer
---@field host string
---@field port integer

---@class kafka.TopicMetadata
---@field partitions table<integer, kafka.PartitionMetadata> by number, from 0
---@field err kafka.Error?

---@class kafka.PartitionMetadata
---@field leader integer id of a broker; -1 for none
---@field replicas integer[]
---@field isr integer[] the replicas that are in sync
---@field err kafka.Error?

---A partition with what is said of it. Fields without a value are absent.
---@class kafka.TopicPartition
---@field topic string
---@field partition integer?
---@field offset integer?
---@field metadata string?
---@field leader_epoch integer?
---@field err kafka.Error?

---@class kafka.PartitionTime
---@field topic string
---@field partition integer
---@field timestamp integer milliseconds since 1970

---@class kafka.GroupsOptions
---@field group? string only this one
---@field states? string[] only those that are "PreparingRebalance", "CompletingRebalance", "Stable", "Dead" or "Empty"
---@field timeout? integer milliseconds, default 10000, -1 without limit

---@class kafka.Group
---@field group string
---@field state string one of the states above, or "Unknown"
---@field protocol "classic"|"consumer"|"unknown" the second is that of KIP-848
---@field simple boolean its members assign partitions themselves
---@field assignor string how partitions are divided: "range", "uniform", …
---@field coordinator kafka.Broker?
---@field members kafka.Member[]
---@field err kafka.Error?

---@class kafka.Member
---@field member_id string
---@field group_instance_id string? of a static member
---@field client_id string
---@field host string
---@field assignment kafka.TopicPartition[]

---A token for SASL/OAUTHBEARER.
---@class kafka.Token
---@field token string
---@field expires_at integer milliseconds since 1970
---@field principal string? whom it names; brokers look into the token itself
---@field extensions table<string, string>? sent along

---@class kafka.Property
---@field name string
---@field scope "producer"|"consumer"|"both"
---@field range string as librdkafka prints it; "" when anything goes
---@field low number? the least number accepted
---@field high number? the greatest
---@field values string[]? the words accepted, when only some are
---@field default string|number|boolean|nil nil: there is none
---@field importance string
---@field topic_level boolean can be set for each topic
---@field at_topic_level? kafka.Property what a topic has under the same name, with a range and a default of its own
---@field alias_of string? the property this is another name of
---@field secret boolean its value is never shown
---@field type string `"integer"`, `"string"`, `"boolean"`, …
---@field description string

---Options of every client: librdkafka's dotted keys, with string, number or boolean, and the module's own without dots.
---A callback that is false is none, also where a session has one.
---@class kafka.ClientConf
---@field on_error? fun(err: kafka.Error) what concerns the client as a whole
---@field on_log? "none"|"stderr"|"syslog"|fun(line: kafka.LogLine) default "none"
---@field on_stats? fun(stats: table, json: string) every `statistics.interval.ms`
---@field on_throttle? fun(throttle: kafka.Throttle)
---@field on_oauth_token? fun(config: string): kafka.Token|nil, string? fetches a token; nil and why when there is none
---@field allow_unsafe_config? boolean accept properties that load code; default false
---@field exit_timeout? integer milliseconds that process exit may wait for what is undelivered; default 5000
---@field close_timeout? integer milliseconds that `close()` may take; default 10000
---@field [string] string|number|boolean|function

---@class kafka.ProducerConf: kafka.ClientConf
---@field partitioner? string|fun(topic: string, key: string?, count: integer): integer a name, or a function that the call asks
---@field partitioner_timeout? integer how long a function's first message to an unknown topic waits; default 5000
---@field on_delivery? fun(err: kafka.Error?, report: kafka.Report) once for every accepted message
---@field delivery_report_every? integer `on_delivery` for one delivered message in so many, and for every failure; default 1
---@field on_checkpoint? fun(sequence_id: integer?, failures: integer) all up to this id is delivered; how many failed ids hold it back
---@field on_full? "error"|"block" what a full queue means: `nil, err` at once (default), or waiting for room
---@field on_full_timeout? integer how long (ms) it waits, default -1: without limit

---@class kafka.ConsumerConf: kafka.ClientConf
---@field topics? string[] in the form with one table; without it, subscribe or assign later
---When a message is done: when the next one is asked for (default), when it is acked, or that and its partition waits.
---@field ack? "auto"|"manual"|"required"
---How many messages may be handed out and not be stored, default 10000. At the bound calls wait for acks and then return
---`_QUEUE_FULL`.
---@field max_unacked? integer
---@field on_assign? fun(consumer: kafka.Consumer, partitions: kafka.TopicPartition[]): kafka.PartitionList? what it returns is assigned instead
---@field on_revoke? fun(consumer: kafka.Consumer, partitions: kafka.TopicPartition[]) before partitions go; may commit
---@field on_lost? fun(consumer: kafka.Consumer, partitions: kafka.TopicPartition[]) they have gone already; without it on_revoke runs
---@field on_commit? fun(err: kafka.Error?, offsets: kafka.TopicPartition[]) after every commit, automatic ones and that of `close` too

---@class kafka.ProduceOptions
---@field partition? integer default: the partitioner's choice
---@field headers? [string, string?][]|table<string, string> pairs keep their order and may repeat
---@field timestamp? integer milliseconds since 1970; default now, which 0 stands for as well
---@field on_delivery? fun(err: kafka.Error?, report: kafka.Report) for this message; the client's is called after it
---@field opaque? any comes back as `report.opaque`

---A message in one table.
---@class kafka.OutgoingMessage: kafka.ProduceOptions
---@field topic? string may be left out in a batch to one topic
---@field value? string|string[]
---@field key? string

---@class kafka.SyncOptions: kafka.ProduceOptions
---@field timeout? integer milliseconds, default until the message must have been reported (`message.timeout.ms`), -1 without limit

---@class kafka.BatchOptions
---@field partition? integer of messages that name none; default: the partitioner's choice
---@field from? integer the first message to queue, default 1

---@class kafka.PurgeOptions
---@field queued? boolean messages not sent yet, default true
---@field in_flight? boolean messages sent and not answered yet, default true

---A message under way, from `produce_async`.
---@class kafka.Delivery
---@field wait fun(self: kafka.Delivery, timeout?: integer): kafka.Report?, kafka.Error?, kafka.Report? serves meanwhile
---@field done fun(self: kafka.Delivery): boolean whether the report has come; serves nothing

---A member of a consumer group, as `Consumer:group_metadata` tells it.
---@class kafka.GroupMetadata
---@field group_id string
---@field generation_id integer -1: nobody in particular, or not joined yet
---@field member_id string
---@field group_instance_id string? of a static member

---A partition with what is said of it.
---@class kafka.TopicPartition
---@field topic string
---@field partition integer?
---@field offset integer|"earliest"|"latest"|"stored"|nil
---@field metadata string? what a commit carries besides the offset
---@field leader_epoch integer?
---@field err kafka.Error? what is wrong with it, in lists that come out

---@alias kafka.PartitionList (string|kafka.TopicPartition)[]|table<string, integer[]> `"topic"`, `"topic:3"`, or by topic

---@class kafka.TransactionOptions
---@field consumer? kafka.Consumer whose offsets go with the transaction; it needs `enable.auto.commit=false`
---@field retries? integer how often it is begun anew, default 10
---@field timeout? integer milliseconds for each call that waits, default `transaction.timeout.ms`

---@class kafka.MockOptions
---@field brokers? integer default 1
---@field topics? table<string, integer> name → number of partitions
---@field rtt? integer milliseconds each answer takes

---@class kafka.MockRequest
---@field broker integer which one got it
---@field id integer Kafka's number for this kind of request
---@field api string and its name: `"Produce"`, `"Fetch"`, …
---@field timestamp integer microseconds, on a clock of the process

---How far a consumer is behind in a partition.
---@class kafka.Lag
---@field topic string
---@field partition integer
---@field lag integer? messages to the end; nil until a fetch has told it
