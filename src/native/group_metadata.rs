//! librdkafka's description of a group's member, which a transactional producer needs of a consumer.

use std::ffi::CString;

use rdkafka::bindings as rd;

use super::client::Client;
use super::error::text;
use crate::model::group;

pub struct GroupMetadata(*mut rd::rd_kafka_consumer_group_metadata_t);

// SAFETY: plain memory without ties to a thread; one owner at a time uses it.
unsafe impl Send for GroupMetadata {}

impl GroupMetadata {
    /// As the consumer is at this moment; none without a group.
    pub fn of(client: &Client) -> Option<GroupMetadata> {
        // librdkafka does not ask whether there is one.
        client.property(&c"group.id".to_owned()).filter(|group| !group.is_empty())?;
        // SAFETY: the client is live and has a group; what it returns is ours, or null. It asks librdkafka's
        // main thread, not a broker.
        let metadata = unsafe { rd::rd_kafka_consumer_group_metadata(client.as_ptr()) };
        (!metadata.is_null()).then_some(GroupMetadata(metadata))
    }

    /// Of the parts given; none when one of them holds a NUL.
    pub fn from_parts(parts: &group::GroupMetadata) -> Option<GroupMetadata> {
        let group_id = CString::new(parts.group_id.as_str()).ok()?;
        let member_id = CString::new(parts.member_id.as_str()).ok()?;
        let instance = parts.group_instance_id.as_deref().map(CString::new).transpose().ok()?;
        let instance = instance.as_ref().map_or(std::ptr::null(), |id| id.as_ptr());
        // SAFETY: the strings are terminated and copied; null is accepted for the last one.
        let metadata = unsafe {
            rd::rd_kafka_consumer_group_metadata_new_with_genid(
                group_id.as_ptr(),
                parts.generation_id,
                member_id.as_ptr(),
                instance,
            )
        };
        (!metadata.is_null()).then_some(GroupMetadata(metadata))
    }

    pub fn parts(&self) -> group::GroupMetadata {
        // SAFETY: ours and live; its strings live as long, the instance's may be null.
        unsafe {
            let instance = text(rd::rd_kafka_consumer_group_metadata_group_instance_id(self.0));
            group::GroupMetadata {
                group_id: text(rd::rd_kafka_consumer_group_metadata_group_id(self.0)),
                generation_id: rd::rd_kafka_consumer_group_metadata_generation_id(self.0),
                member_id: text(rd::rd_kafka_consumer_group_metadata_member_id(self.0)),
                group_instance_id: (!instance.is_empty()).then_some(instance),
            }
        }
    }

    pub fn as_ptr(&self) -> *const rd::rd_kafka_consumer_group_metadata_t {
        self.0
    }
}

impl Drop for GroupMetadata {
    fn drop(&mut self) {
        // SAFETY: ours, destroyed once.
        unsafe { rd::rd_kafka_consumer_group_metadata_destroy(self.0) };
    }
}
