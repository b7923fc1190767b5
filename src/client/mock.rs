//! A mock cluster with the names its users know: brokers, topics, APIs, errors.

use std::ffi::CString;
use std::sync::Arc;
use std::time::Duration;

use super::acks::Mode;
use super::config::{build, Settings};
use super::registry;
use crate::model::config::{Entries, Kind};
use crate::model::error::KafkaError;
use crate::model::nearest::nearest;
use crate::model::topic::check_name;
use crate::native::conf::LogTarget;
use crate::native::error::{code_of, table};
use crate::native::mock::{Cluster, Injected, Request};
use crate::native::shared::{Shared, Wanted};
use crate::native::thread;

/// Kafka's request names by their number in the protocol.
const APIS: [&str; 70] = [
    "Produce",
    "Fetch",
    "ListOffsets",
    "Metadata",
    "LeaderAndIsr",
    "StopReplica",
    "UpdateMetadata",
    "ControlledShutdown",
    "OffsetCommit",
    "OffsetFetch",
    "FindCoordinator",
    "JoinGroup",
    "Heartbeat",
    "LeaveGroup",
    "SyncGroup",
    "DescribeGroups",
    "ListGroups",
    "SaslHandshake",
    "ApiVersions",
    "CreateTopics",
    "DeleteTopics",
    "DeleteRecords",
    "InitProducerId",
    "OffsetForLeaderEpoch",
    "AddPartitionsToTxn",
    "AddOffsetsToTxn",
    "EndTxn",
    "WriteTxnMarkers",
    "TxnOffsetCommit",
    "DescribeAcls",
    "CreateAcls",
    "DeleteAcls",
    "DescribeConfigs",
    "AlterConfigs",
    "AlterReplicaLogDirs",
    "DescribeLogDirs",
    "SaslAuthenticate",
    "CreatePartitions",
    "CreateDelegationToken",
    "RenewDelegationToken",
    "ExpireDelegationToken",
    "DescribeDelegationToken",
    "DeleteGroups",
    "ElectLeaders",
    "IncrementalAlterConfigs",
    "AlterPartitionReassignments",
    "ListPartitionReassignments",
    "OffsetDelete",
    "DescribeClientQuotas",
    "AlterClientQuotas",
    "DescribeUserScramCredentials",
    "AlterUserScramCredentials",
    "Vote",
    "BeginQuorumEpoch",
    "EndQuorumEpoch",
    "DescribeQuorum",
    "AlterPartition",
    "UpdateFeatures",
    "Envelope",
    "FetchSnapshot",
    "DescribeCluster",
    "DescribeProducers",
    "BrokerRegistration",
    "BrokerHeartbeat",
    "UnregisterBroker",
    "DescribeTransactions",
    "ListTransactions",
    "AllocateProducerIds",
    "ConsumerGroupHeartbeat",
    "ConsumerGroupDescribe",
];

pub const MOST_BROKERS: i32 = 100;
const MOST_PARTITIONS: i32 = 10_000;

pub fn api_name(key: i16) -> Option<&'static str> {
    usize::try_from(key).ok().and_then(|key| APIS.get(key)).copied()
}

fn api_key(name: &str) -> Result<i16, String> {
    let found = APIS.iter().position(|api| *api == name).and_then(|key| i16::try_from(key).ok());
    found.ok_or_else(|| {
        let hint = nearest(name, APIS.into_iter()).map(|api| format!("; did you mean \"{api}\"?")).unwrap_or_default();
        format!("unknown request '{name}': one of Kafka's request names expected, such as \"Produce\", \"Fetch\" or \"Metadata\"{hint}")
    })
}

pub fn error_code(name: &str) -> Result<i32, String> {
    code_of(name).ok_or_else(|| {
        let hint =
            nearest(name, table().iter().map(|row| row.1)).map(|name| format!("; did you mean \"{name}\"?")).unwrap_or_default();
        format!("unknown error '{name}': a name of kafka.errors expected{hint}")
    })
}

/// Why a call was refused: the caller's fault, or the cluster's.
pub enum Fault {
    Misuse(String),
    Kafka(KafkaError),
}

impl From<String> for Fault {
    fn from(text: String) -> Fault {
        Fault::Misuse(text)
    }
}

impl From<KafkaError> for Fault {
    fn from(error: KafkaError) -> Fault {
        Fault::Kafka(error)
    }
}

fn name(text: &[u8]) -> Result<CString, Fault> {
    check_name(text)?;
    plain("topic", text)
}

/// librdkafka's mock trusts these numbers: a wrong one ends the process.
fn within(what: &str, value: i32, low: i32, high: i32) -> Result<i32, Fault> {
    if (low..=high).contains(&value) {
        return Ok(value);
    }
    Err(Fault::Misuse(format!("{what} between {low} and {high} expected, got {value}")))
}

fn partition(value: i32) -> Result<i32, Fault> {
    within("partition", value, 0, MOST_PARTITIONS - 1)
}

fn broker(id: i32) -> Result<i32, Fault> {
    within("broker id", id, 1, i32::MAX)
}

fn plain(what: &str, text: &[u8]) -> Result<CString, Fault> {
    CString::new(text).map_err(|_| Fault::Misuse(format!("{what} '{}' contains a NUL byte", text.escape_ascii())))
}

pub struct MockCluster {
    cluster: Cluster,
    brokers: i32,
}

impl MockCluster {
    pub fn start(brokers: i32) -> Result<MockCluster, String> {
        let settings = Settings {
            wanted: Wanted::default(),
            log: LogTarget::None,
            allow_unsafe: false,
            exit_timeout: 0,
            close_timeout: 0,
            ack: Mode::Auto,
            max_unacked: 0,
        };
        let built = build(Kind::Producer, &Entries::new(), &settings)?;
        let shared = Shared::new(settings.wanted).map_err(|error| format!("no descriptor for the mock cluster: {error}"))?;
        let client = built.conf.create(Kind::Producer, Arc::new(shared))?;
        let cluster = Cluster::start(client, brokers).ok_or("the mock cluster could not be started")?;
        Ok(MockCluster { cluster, brokers })
    }

    pub fn bootstrap_servers(&self) -> String {
        self.cluster.bootstrap_servers()
    }

    pub fn create_topic(&self, topic: &[u8], partitions: i32, replicas: Option<i32>) -> Result<(), Fault> {
        let partitions = within("number of partitions", partitions, 1, MOST_PARTITIONS)?;
        let replicas = within("number of replicas", replicas.unwrap_or(self.brokers.min(3)), 1, self.brokers)?;
        Ok(self.cluster.create_topic(&name(topic)?, partitions, replicas)?)
    }

    pub fn set_broker_down(&self, id: i32, down: bool) -> Result<(), Fault> {
        Ok(self.cluster.set_broker_down(broker(id)?, down)?)
    }

    pub fn add_broker(&self, id: i32) -> Result<(), Fault> {
        Ok(self.cluster.add_broker(broker(id)?)?)
    }

    pub fn remove_broker(&self, id: i32) -> Result<(), Fault> {
        Ok(self.cluster.remove_broker(broker(id)?)?)
    }

    pub fn set_rtt(&self, id: i32, ms: i32) -> Result<(), Fault> {
        Ok(self.cluster.set_rtt(broker(id)?, ms)?)
    }

    pub fn set_rack(&self, id: i32, rack: &[u8]) -> Result<(), Fault> {
        Ok(self.cluster.set_rack(broker(id)?, &plain("rack", rack)?)?)
    }

    pub fn set_leader(&self, topic: &[u8], p: i32, id: i32) -> Result<(), Fault> {
        Ok(self.cluster.set_leader(&name(topic)?, partition(p)?, within("broker id", id, -1, i32::MAX)?)?)
    }

    pub fn set_follower(&self, topic: &[u8], p: i32, id: i32) -> Result<(), Fault> {
        Ok(self.cluster.set_follower(&name(topic)?, partition(p)?, within("broker id", id, -1, i32::MAX)?)?)
    }

    pub fn set_coordinator(&self, kind: &[u8], key: &[u8], id: i32) -> Result<(), Fault> {
        if kind != b"group" && kind != b"transaction" {
            return Err(Fault::Misuse(format!(
                "unknown coordinator '{}': \"group\" or \"transaction\" expected",
                kind.escape_ascii()
            )));
        }
        Ok(self.cluster.set_coordinator(&plain("coordinator", kind)?, &plain("key", key)?, broker(id)?)?)
    }

    pub fn set_topic_error(&self, topic: &[u8], error: Option<&str>) -> Result<(), Fault> {
        let code = error.map_or(Ok(0), error_code)?;
        self.cluster.set_topic_error(&name(topic)?, code);
        Ok(())
    }

    /// `errors`: names with the milliseconds to wait before each is answered.
    pub fn push_errors(&self, api: &str, errors: &[(String, i32)], broker: Option<i32>) -> Result<(), Fault> {
        if broker.is_none() && errors.iter().any(|(_, rtt)| *rtt > 0) {
            return Err(Fault::Misuse("an error with rtt is given by one broker: pass its id as the last argument".into()));
        }
        let broker = broker.map(self::broker).transpose()?;
        let injected = errors
            .iter()
            .map(|(name, rtt)| Ok(Injected { code: error_code(name)?, rtt: *rtt }))
            .collect::<Result<Vec<_>, String>>()?;
        Ok(self.cluster.push_errors(api_key(api)?, &injected, broker)?)
    }

    pub fn clear_errors(&self, api: &str) -> Result<(), Fault> {
        self.cluster.clear_errors(api_key(api)?);
        Ok(())
    }

    pub fn set_group_delay(&self, ms: i32) {
        self.cluster.set_group_delay(ms);
    }

    pub fn requests(&self) -> Vec<Request> {
        self.cluster.requests()
    }

    /// Ends the cluster in the background, after the clients that are still leaving: they may be
    /// talking to it.
    pub fn leave(self) {
        let _ = thread::spawn(c"kafka-reaper", move || {
            registry::current().wait_until_gone(Duration::from_millis(250));
            drop(self);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_have_their_protocol_numbers() {
        for (name, key) in [
            ("Produce", 0),
            ("ApiVersions", 18),
            ("InitProducerId", 22),
            ("SaslAuthenticate", 36),
            ("DescribeCluster", 60),
            ("ConsumerGroupHeartbeat", 68),
        ] {
            assert_eq!(api_key(name), Ok(key));
            assert_eq!(api_name(key), Some(name));
        }
        assert!(api_key("Prodce").is_err_and(|e| e.contains("did you mean \"Produce\"?")));
    }
}
