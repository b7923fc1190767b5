//! A producer's topic handles by name. The last one used is found without hashing.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::ffi::CString;
use std::rc::Rc;
use std::sync::Arc;

use super::config::set_topic;
use super::producer::Refusal;
use crate::model::config::Entries;
use crate::model::error::{KafkaError, CONFLICT};
use crate::native::client::Client;
use crate::native::conf::TopicConf;
use crate::native::topic::Topic;

#[derive(Default)]
pub struct Topics {
    by_name: RefCell<HashMap<Box<[u8]>, Rc<Entry>>>,
    last: Cell<Option<Rc<Entry>>>,
    /// What is in force on top of the client's own, also of names without a handle: librdkafka keeps
    /// a topic, and the settings it was first opened with, until the client is gone.
    in_force: RefCell<HashMap<Box<[u8]>, Entries>>,
    /// The last mark given: each call's settings have one of their own.
    marks: Cell<usize>,
    /// Whose settings were told not to be those asked for.
    told: RefCell<HashSet<Box<[u8]>>>,
}

pub struct Entry {
    name: Box<[u8]>,
    pub topic: Topic,
}

impl Topics {
    pub fn with<T>(&self, name: &[u8], body: impl FnOnce(&Topic) -> T) -> Option<T> {
        let entry = match self.last.take() {
            Some(entry) if *entry.name == *name => entry,
            _ => self.by_name.borrow().get(name)?.clone(),
        };
        let result = body(&entry.topic);
        self.last.set(Some(entry));
        Some(result)
    }

    pub fn has(&self, name: &[u8]) -> bool {
        self.by_name.borrow().contains_key(name)
    }

    /// What is in force for a topic alone.
    pub fn settings(&self, name: &[u8]) -> Entries {
        self.in_force.borrow().get(name).cloned().unwrap_or_default()
    }

    /// Opens a handle, with `entries` on top of the client's settings unless others are in force.
    pub fn open(&self, client: &Arc<Client>, name: &[u8], entries: &Entries) -> Result<(), Refusal> {
        let mut conf = conf_with(client, entries).map_err(Refusal::Property)?;
        let mark = if entries.is_empty() { 0 } else { self.marks.get() + 1 };
        self.marks.set(self.marks.get().max(mark));
        conf.mark(mark);
        let failed = |why: String| Refusal::Topic(format!("rd_kafka_topic_new failed: {why}"));
        let c_name = CString::new(name).map_err(|error| failed(error.to_string()))?;
        let topic = Topic::open(client, &c_name, Some(conf)).map_err(|error| failed(error.message))?;
        let found = topic.mark();
        if found == 0 {
            self.in_force.borrow_mut().remove(name);
        } else if found == mark {
            self.in_force.borrow_mut().insert(name.into(), entries.clone());
        }
        let entry = Rc::new(Entry { name: name.into(), topic });
        self.by_name.borrow_mut().insert(name.into(), entry);
        Ok(())
    }

    /// What to tell, once for each topic, when `entries` are not what is in force.
    pub fn unmet(&self, client: &Client, name: &[u8], entries: &Entries) -> Option<KafkaError> {
        let is_as_asked = || self.in_force.borrow().get(name) == Some(entries);
        if entries.is_empty() || self.told.borrow().contains(name) || is_as_asked() {
            return None;
        }
        let wanted = conf_with(client, entries).ok()?;
        let in_force = conf_with(client, &self.settings(name)).ok()?;
        let differences: Vec<String> = entries
            .iter()
            .filter_map(|(key, _)| {
                let (kept, asked) = (value(client, &in_force, key)?, value(client, &wanted, key)?);
                (kept != asked).then(|| format!("{} stays {kept} instead of {asked}", String::from_utf8_lossy(key)))
            })
            .collect();
        if differences.is_empty() {
            return None;
        }
        self.told.borrow_mut().insert(name.into());
        let (name, what) = (String::from_utf8_lossy(name), differences.join(", "));
        Some(KafkaError::new(
            CONFLICT,
            "_CONFLICT",
            format!(
                "create_topic changed nothing for topic \"{name}\": {what}. A producer keeps the settings a topic was first \
                 used with, also after destroy_topic; create the topic once, with its settings, before its first message, \
                 or make another producer"
            ),
        ))
    }

    pub fn remove(&self, name: &[u8]) {
        self.last.set(None);
        self.by_name.borrow_mut().remove(name);
    }

    pub fn names(&self) -> Vec<Box<[u8]>> {
        self.by_name.borrow().keys().cloned().collect()
    }

    /// The handles themselves, for leaving with the client.
    pub fn into_topics(self) -> Vec<Topic> {
        self.last.set(None);
        let entries = self.by_name.into_inner().into_values();
        entries.filter_map(|entry| Rc::try_unwrap(entry).ok()).map(|entry| entry.topic).collect()
    }
}

/// The client's topic-level settings with `entries` on top.
pub fn conf_with(client: &Client, entries: &Entries) -> Result<TopicConf, String> {
    let mut conf = TopicConf::of(client);
    entries.iter().try_for_each(|(key, value)| set_topic(&mut conf, key, value))?;
    Ok(conf)
}

/// What a property comes to.
fn value(client: &Client, conf: &TopicConf, key: &[u8]) -> Option<String> {
    let key = CString::new(key).ok()?;
    let value = conf.property(&key)?;
    if value == "inherit" {
        return client.property(&key);
    }
    Some(value)
}
