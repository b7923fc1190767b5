//! Consumer groups as the cluster tells of them, through librdkafka's admin calls: its older
//! `rd_kafka_list_groups` knows nothing of the groups of KIP-848. The calls block.

use std::ffi::CString;
use std::os::raw::{c_char, c_int};
use std::time::{Duration, Instant};

use rdkafka::bindings as rd;

use super::client::Client;
use super::error::{from_code, take, text};
use super::partitions::PartitionList;
use super::queue::Queue;
use crate::model::error::KafkaError;
use crate::model::group::{Group, Member};
use crate::model::metadata::Broker;

/// What librdkafka takes for a request at the most (ms).
const LONGEST: i32 = 3_600_000;
/// The answer to a request that took all its time may come this much later (ms).
const GRACE: c_int = 500;

/// One group, or all that are in one of the states named; no state means any.
pub fn groups(client: &Client, group: Option<&CString>, states: &[CString], ms: i32) -> Result<Vec<Group>, KafkaError> {
    let end = Instant::now() + Duration::from_millis(u64::try_from(ms).unwrap_or(0));
    let names = match group {
        Some(group) => vec![group.clone()],
        None => list(client, states, ms)?,
    };
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let left = end.saturating_duration_since(Instant::now()).as_millis();
    let mut found = describe(client, &names, i32::try_from(left).unwrap_or(LONGEST))?;
    // A group named is told in any state; one in a list may have changed since.
    if !states.is_empty() {
        found.retain(|group| states.iter().any(|state| state.to_bytes().eq_ignore_ascii_case(group.state.as_bytes())));
    }
    found.sort_by(|a, b| a.group_id.cmp(&b.group_id));
    Ok(found)
}

fn state_name(state: rd::rd_kafka_consumer_group_state_t) -> String {
    // SAFETY: librdkafka returns a constant.
    unsafe { text(rd::rd_kafka_consumer_group_state_name(state)) }
}

/// An event of librdkafka's, destroyed once.
struct Answer(*mut rd::rd_kafka_event_t);

impl Drop for Answer {
    fn drop(&mut self) {
        // SAFETY: not null and ours.
        unsafe { rd::rd_kafka_event_destroy(self.0) };
    }
}

struct Options(*mut rd::rd_kafka_AdminOptions_t);

impl Options {
    fn new(client: &Client, of: rd::rd_kafka_admin_op_t, ms: i32) -> Options {
        let mut reason = [0 as c_char; 256];
        // SAFETY: the client is live, the options are ours; `reason` has the room it says. A time
        // within its bounds is never refused.
        unsafe {
            let options = rd::rd_kafka_AdminOptions_new(client.as_ptr(), of);
            rd::rd_kafka_AdminOptions_set_request_timeout(options, ms.clamp(1, LONGEST), reason.as_mut_ptr(), reason.len());
            Options(options)
        }
    }
}

impl Drop for Options {
    fn drop(&mut self) {
        // SAFETY: ours, and destroyed once.
        unsafe { rd::rd_kafka_AdminOptions_destroy(self.0) };
    }
}

/// Puts a request and waits for its answer.
fn ask(client: &Client, ms: i32, request: impl FnOnce(*mut rd::rd_kafka_queue_t)) -> Result<Answer, KafkaError> {
    // SAFETY: the client is live; the queue and the event that comes out of it are ours.
    unsafe {
        let Some(queue) = Queue::own(rd::rd_kafka_queue_new(client.as_ptr())) else {
            return Err(from_code(-196, None));
        };
        request(queue.as_ptr());
        let event = rd::rd_kafka_queue_poll(queue.as_ptr(), ms.clamp(1, LONGEST).saturating_add(GRACE));
        if event.is_null() {
            return Err(KafkaError::timed_out("no answer in time"));
        }
        let answer = Answer(event);
        match rd::rd_kafka_event_error(event) as i32 {
            0 => Ok(answer),
            code => Err(from_code(code, Some(text(rd::rd_kafka_event_error_string(event))))),
        }
    }
}

fn list(client: &Client, states: &[CString], ms: i32) -> Result<Vec<CString>, KafkaError> {
    let options = Options::new(client, rd::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPS, ms);
    // SAFETY: all handles are live and the arrays hold as many as they say; what the result points
    // to lives as long as `answer`.
    unsafe {
        if !states.is_empty() {
            let codes: Vec<_> = states.iter().map(|name| rd::rd_kafka_consumer_group_state_code(name.as_ptr())).collect();
            take(rd::rd_kafka_AdminOptions_set_match_consumer_group_states(options.0, codes.as_ptr(), codes.len()))?;
        }
        let answer = ask(client, ms, |queue| rd::rd_kafka_ListConsumerGroups(client.as_ptr(), options.0, queue))?;
        let result = rd::rd_kafka_event_ListConsumerGroups_result(answer.0);
        let mut count = 0;
        let errors = rd::rd_kafka_ListConsumerGroups_result_errors(result, &mut count);
        if let (Some(error), true) = (errors.as_ref(), count > 0) {
            let code = rd::rd_kafka_error_code(*error) as i32;
            return Err(from_code(code, Some(text(rd::rd_kafka_error_string(*error)))));
        }
        let first = rd::rd_kafka_ListConsumerGroups_result_valid(result, &mut count);
        let mut names: Vec<CString> = (0..count)
            .map(|index| std::ffi::CStr::from_ptr(rd::rd_kafka_ConsumerGroupListing_group_id(*first.add(index))).to_owned())
            .collect();
        // While a group moves, two brokers may name it.
        names.sort();
        names.dedup();
        Ok(names)
    }
}

fn describe(client: &Client, names: &[CString], ms: i32) -> Result<Vec<Group>, KafkaError> {
    let options = Options::new(client, rd::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS, ms);
    let mut pointers: Vec<*const c_char> = names.iter().map(|name| name.as_ptr()).collect();
    // SAFETY: as in `list`.
    unsafe {
        let answer = ask(client, ms, |queue| {
            rd::rd_kafka_DescribeConsumerGroups(client.as_ptr(), pointers.as_mut_ptr(), pointers.len(), options.0, queue);
        })?;
        let result = rd::rd_kafka_event_DescribeConsumerGroups_result(answer.0);
        let mut count = 0;
        let first = rd::rd_kafka_DescribeConsumerGroups_result_groups(result, &mut count);
        Ok((0..count).map(|index| copy_group(*first.add(index))).collect())
    }
}

/// # Safety
/// `group` is live during the call.
unsafe fn copy_group(group: *const rd::rd_kafka_ConsumerGroupDescription_t) -> Group {
    // SAFETY: by the caller's promise; what is missing is null, and checked.
    unsafe {
        let error = rd::rd_kafka_ConsumerGroupDescription_error(group);
        let error = (!error.is_null() && rd::rd_kafka_error_code(error) as i32 != 0)
            .then(|| from_code(rd::rd_kafka_error_code(error) as i32, Some(text(rd::rd_kafka_error_string(error)))));
        let node = rd::rd_kafka_ConsumerGroupDescription_coordinator(group);
        let coordinator = (!node.is_null()).then(|| Broker {
            id: rd::rd_kafka_Node_id(node),
            host: text(rd::rd_kafka_Node_host(node)),
            port: i32::from(rd::rd_kafka_Node_port(node)),
        });
        let members = 0..rd::rd_kafka_ConsumerGroupDescription_member_count(group);
        Group {
            group_id: text(rd::rd_kafka_ConsumerGroupDescription_group_id(group)),
            state: state_name(rd::rd_kafka_ConsumerGroupDescription_state(group)),
            protocol: text(rd::rd_kafka_consumer_group_type_name(rd::rd_kafka_ConsumerGroupDescription_type(group))),
            is_simple: rd::rd_kafka_ConsumerGroupDescription_is_simple_consumer_group(group) != 0,
            assignor: text(rd::rd_kafka_ConsumerGroupDescription_partition_assignor(group)),
            coordinator,
            members: members.map(|index| copy_member(rd::rd_kafka_ConsumerGroupDescription_member(group, index))).collect(),
            error,
        }
    }
}

/// # Safety
/// As [`copy_group`].
unsafe fn copy_member(member: *const rd::rd_kafka_MemberDescription_t) -> Member {
    // SAFETY: as in `copy_group`; the list is copied.
    unsafe {
        let instance = rd::rd_kafka_MemberDescription_group_instance_id(member);
        let assignment = rd::rd_kafka_MemberDescription_assignment(member);
        let partitions =
            if assignment.is_null() { std::ptr::null() } else { rd::rd_kafka_MemberAssignment_partitions(assignment) };
        Member {
            member_id: text(rd::rd_kafka_MemberDescription_consumer_id(member)),
            group_instance_id: (!instance.is_null()).then(|| text(instance)),
            client_id: text(rd::rd_kafka_MemberDescription_client_id(member)),
            host: text(rd::rd_kafka_MemberDescription_host(member)),
            assignment: PartitionList::copy_of(partitions).entries(),
        }
    }
}
