//! A producer's topic handles by name. The last one used is found without hashing.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use crate::model::config::Entries;
use crate::native::topic::Topic;

#[derive(Default)]
pub struct Topics {
    by_name: RefCell<HashMap<Box<[u8]>, Rc<Entry>>>,
    last: Cell<Option<Rc<Entry>>>,
}

pub struct Entry {
    name: Box<[u8]>,
    pub topic: Topic,
    /// On top of the client's own.
    settings: Entries,
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

    /// What was set for a topic alone.
    pub fn settings(&self, name: &[u8]) -> Entries {
        self.by_name.borrow().get(name).map(|entry| entry.settings.clone()).unwrap_or_default()
    }

    pub fn insert(&self, name: &[u8], topic: Topic, settings: Entries) {
        let entry = Rc::new(Entry { name: name.into(), topic, settings });
        self.by_name.borrow_mut().insert(name.into(), entry);
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
