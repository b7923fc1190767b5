//! Who a consumer is in its group: what fences offsets that are sent with a transaction.

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupMetadata {
    pub group_id: String,
    /// -1 for nobody in particular: such offsets are not fenced.
    pub generation_id: i32,
    pub member_id: String,
    /// `group.instance.id`, of a static member.
    pub group_instance_id: Option<String>,
}
