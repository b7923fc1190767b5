//! What librdkafka says of itself: version, configuration properties.

use once_cell::race::OnceBox;
use rdkafka::bindings as rd;

use crate::model::property::{parse_table, Property};

pub fn version() -> String {
    // SAFETY: librdkafka returns a static string.
    unsafe { super::error::text(rd::rd_kafka_version_str()) }
}

/// Every property librdkafka documents, in its own order.
pub fn properties() -> &'static [Property] {
    // Threads race to make it: one that waited for another's would wait for ever in the child of a fork.
    static TABLE: OnceBox<Vec<Property>> = OnceBox::new();
    TABLE.get_or_init(|| Box::new(parse_table(&printed_table())))
}

/// What a client or, if asked for, a topic has by this name: a few exist at both levels, and differ. Most of a topic's
/// can be set for all topics of a client.
pub fn property(name: &str, topic_level: bool) -> Option<&'static Property> {
    let mut named = properties().iter().filter(|property| property.name == name);
    let first = named.next()?;
    if first.topic_level == topic_level {
        return Some(first);
    }
    named.find(|property| property.topic_level == topic_level).or(Some(first))
}

/// The table exists in no other form.
fn printed_table() -> String {
    // SAFETY: the FILE is open for writing.
    printed(|file| unsafe { rd::rd_kafka_conf_properties_show(file) })
}

/// What librdkafka prints to a FILE.
pub fn printed(print: impl FnOnce(*mut libc::FILE)) -> String {
    let mut bytes = Vec::new();
    // SAFETY: `file` is a FILE of our own, checked for null, used by this thread only and closed
    // once; `chunk` holds as many bytes as fread may write.
    unsafe {
        let file = libc::tmpfile();
        if file.is_null() {
            return String::new();
        }
        print(file);
        libc::rewind(file);
        let mut chunk = [0u8; 8192];
        loop {
            let read = libc::fread(chunk.as_mut_ptr().cast(), 1, chunk.len(), file);
            if read == 0 {
                break;
            }
            bytes.extend_from_slice(chunk.get(..read).unwrap_or_default());
        }
        libc::fclose(file);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_printed_table_is_understood() {
        let linger = properties().iter().find(|p| p.name == "linger.ms");
        assert!(linger.is_some_and(|p| p.scope == "producer" && p.default == "5" && p.kind == "float"));
        let acks = properties().iter().find(|p| p.name == "acks");
        assert!(acks.is_some_and(|p| p.topic_level));
        assert!(properties().len() > 150, "{}", properties().len());
        assert!(properties().iter().all(|p| !p.kind.is_empty() && !p.description.is_empty()));
    }
}
