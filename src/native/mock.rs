//! librdkafka's own cluster inside the process, for tests.

use std::ffi::CString;

use rdkafka::bindings as rd;

use super::client::Client;
use super::error::{check, text};
use crate::model::error::KafkaError;

pub struct Cluster {
    handle: *mut rd::rd_kafka_mock_cluster_t,
    /// The client the cluster's thread belongs to.
    client: Client,
}

// SAFETY: every call on a mock cluster is passed to its own thread or locked inside.
unsafe impl Send for Cluster {}
// SAFETY: as above.
unsafe impl Sync for Cluster {}

/// One request a broker of the cluster got.
pub struct Request {
    pub id: i32,
    pub api: i16,
    pub timestamp: i64,
}

/// An answer to be given instead of the right one.
pub struct Injected {
    pub code: i32,
    /// Milliseconds before it is given.
    pub rtt: i32,
}

impl Cluster {
    pub fn start(client: Client, brokers: i32) -> Option<Cluster> {
        // SAFETY: the client is live and moves into the cluster, so it outlives it.
        let handle = super::process::apart_from_fork(|| unsafe { rd::rd_kafka_mock_cluster_new(client.as_ptr(), brokers) });
        if handle.is_null() {
            return None;
        }
        // SAFETY: the cluster is live.
        unsafe { rd::rd_kafka_mock_start_request_tracking(handle) };
        Some(Cluster { handle, client })
    }

    pub fn bootstrap_servers(&self) -> String {
        // SAFETY: the string lives as long as the cluster.
        unsafe { text(rd::rd_kafka_mock_cluster_bootstraps(self.handle)) }
    }

    pub fn create_topic(&self, name: &CString, partitions: i32, replicas: i32) -> Result<(), KafkaError> {
        // SAFETY: live cluster, terminated name.
        check(unsafe { rd::rd_kafka_mock_topic_create(self.handle, name.as_ptr(), partitions, replicas) })
    }

    pub fn set_broker_down(&self, id: i32, down: bool) -> Result<(), KafkaError> {
        // SAFETY: live cluster.
        check(unsafe {
            if down {
                rd::rd_kafka_mock_broker_set_down(self.handle, id)
            } else {
                rd::rd_kafka_mock_broker_set_up(self.handle, id)
            }
        })
    }

    pub fn add_broker(&self, id: i32) -> Result<(), KafkaError> {
        // SAFETY: live cluster.
        check(unsafe { rd::rd_kafka_mock_broker_add(self.handle, id) })
    }

    pub fn remove_broker(&self, id: i32) -> Result<(), KafkaError> {
        // SAFETY: live cluster.
        check(unsafe { rd::rd_kafka_mock_broker_decommission(self.handle, id) })
    }

    pub fn set_rtt(&self, id: i32, ms: i32) -> Result<(), KafkaError> {
        // SAFETY: live cluster.
        check(unsafe { rd::rd_kafka_mock_broker_set_rtt(self.handle, id, ms) })
    }

    pub fn set_rack(&self, id: i32, rack: &CString) -> Result<(), KafkaError> {
        // SAFETY: live cluster, terminated name.
        check(unsafe { rd::rd_kafka_mock_broker_set_rack(self.handle, id, rack.as_ptr()) })
    }

    pub fn set_leader(&self, topic: &CString, partition: i32, id: i32) -> Result<(), KafkaError> {
        // SAFETY: live cluster, terminated name.
        check(unsafe { rd::rd_kafka_mock_partition_set_leader(self.handle, topic.as_ptr(), partition, id) })
    }

    pub fn set_follower(&self, topic: &CString, partition: i32, id: i32) -> Result<(), KafkaError> {
        // SAFETY: live cluster, terminated name.
        check(unsafe { rd::rd_kafka_mock_partition_set_follower(self.handle, topic.as_ptr(), partition, id) })
    }

    pub fn set_coordinator(&self, kind: &CString, key: &CString, id: i32) -> Result<(), KafkaError> {
        // SAFETY: live cluster, terminated names.
        check(unsafe { rd::rd_kafka_mock_coordinator_set(self.handle, kind.as_ptr(), key.as_ptr(), id) })
    }

    pub fn set_topic_error(&self, topic: &CString, code: i32) {
        // SAFETY: live cluster, terminated name; `code` is of librdkafka's own table, so it is a
        // value of the enum.
        unsafe {
            rd::rd_kafka_mock_topic_set_error(
                self.handle,
                topic.as_ptr(),
                std::mem::transmute::<i32, rd::rd_kafka_resp_err_t>(code),
            )
        };
    }

    /// Queues wrong answers, to be given one a request; to one broker or to whichever is asked.
    /// Codes must come from librdkafka's own table.
    pub fn push_errors(&self, api: i16, errors: &[Injected], broker: Option<i32>) -> Result<(), KafkaError> {
        // SAFETY: live cluster; each code is a value of the enum. The variadic call gets, per
        // count, one code and one int, as its documentation asks.
        unsafe {
            match broker {
                None => {
                    let codes: Vec<_> =
                        errors.iter().map(|e| std::mem::transmute::<i32, rd::rd_kafka_resp_err_t>(e.code)).collect();
                    rd::rd_kafka_mock_push_request_errors_array(self.handle, api, codes.len(), codes.as_ptr());
                    Ok(())
                }
                Some(broker) => errors.iter().try_for_each(|error| {
                    check(rd::rd_kafka_mock_broker_push_request_error_rtts(self.handle, broker, api, 1, error.code, error.rtt))
                }),
            }
        }
    }

    pub fn clear_errors(&self, api: i16) {
        // SAFETY: live cluster.
        unsafe { rd::rd_kafka_mock_clear_request_errors(self.handle, api) };
    }

    /// How long a new group waits for more members.
    pub fn set_group_delay(&self, ms: i32) {
        // SAFETY: live cluster.
        unsafe { rd::rd_kafka_mock_group_initial_rebalance_delay_ms(self.handle, ms) };
    }

    /// Every request so far, oldest first.
    pub fn requests(&self) -> Vec<Request> {
        let mut count = 0;
        // SAFETY: the array and its requests are ours and destroyed once, after being read.
        unsafe {
            let list = rd::rd_kafka_mock_get_requests(self.handle, &mut count);
            if list.is_null() {
                return Vec::new();
            }
            let found = std::slice::from_raw_parts(list, count)
                .iter()
                .map(|request| Request {
                    id: rd::rd_kafka_mock_request_id(*request),
                    api: rd::rd_kafka_mock_request_api_key(*request),
                    timestamp: rd::rd_kafka_mock_request_timestamp(*request),
                })
                .collect();
            rd::rd_kafka_mock_request_destroy_array(list, count);
            found
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if self.client.generation != super::process::generation() {
            return;
        }
        // SAFETY: last owner; the client follows as the field is dropped.
        super::process::apart_from_fork(|| unsafe { rd::rd_kafka_mock_cluster_destroy(self.handle) });
    }
}
