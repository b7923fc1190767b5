//! What properties come to, once defaults and everything set are put together. Secrets are masked.

use std::ffi::CString;

use crate::model::config::{is_secret, Value};
use crate::model::property::Property;
use crate::native::conf::TopicConf;
use crate::native::library;

/// Stands for a secret that is set.
pub const HIDDEN: &str = "(hidden)";

/// Each property of a client, or of a topic, that has a value; `read` finds how it is printed.
pub fn effective(topic_level: bool, read: impl Fn(&CString) -> Option<String>) -> Vec<(&'static Property, Value)> {
    let shown = |property: &&Property| {
        // Which events there are is no choice of the user's here.
        property.topic_level == topic_level && !property.is_for_c() && property.name != "enabled_events"
    };
    library::properties()
        .iter()
        .filter(shown)
        .filter_map(|property| {
            let name = CString::new(property.name.as_str()).ok()?;
            let text = read(&name)?;
            let value = if is_secret(&property.name) { Value::Text(HIDDEN.into()) } else { property.value(&text) };
            Some((property, value))
        })
        .collect()
}

/// The same for a topic.
pub fn topic_config(conf: &TopicConf) -> Vec<(&'static Property, Value)> {
    effective(true, |name| conf.property(name))
}
