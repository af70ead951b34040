//! A client id belongs to a user as long as it is connected: nobody else can take the session over through this bridge.
//!
//! What this does not do: a client id that is not connected is free, and a broker may be reached without the bridge; a prefix for the
//! ids of users keeps them from those of others. What a resumed session delivers is checked message by message.

use std::{
    collections::HashMap,
    collections::hash_map::Entry,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::config::BrokerId;

/// Who holds which client id.
#[derive(Debug, Default)]
pub(crate) struct ClientIds {
    /// What those of users begin with.
    prefix: String,
    held: Mutex<HashMap<Key, Holder>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    broker: BrokerId,
    client_id: String,
}

#[derive(Debug)]
struct Holder {
    user: String,
    connections: usize,
}

/// Where client ids of one broker are claimed.
#[derive(Clone, Debug)]
pub(crate) struct ClientIdDesk {
    ids: Arc<ClientIds>,
    broker: BrokerId,
}

/// A client id that is taken; free again when the last claim is dropped.
#[derive(Debug)]
pub(crate) struct Claim {
    ids: Arc<ClientIds>,
    key: Key,
}

impl ClientIds {
    /// `prefix` is what all of them begin with.
    pub(crate) fn new(prefix: &str) -> Self {
        Self {
            prefix: prefix.to_owned(),
            held: Mutex::default(),
        }
    }

    /// The desk for one broker.
    pub(crate) fn desk(self: &Arc<Self>, broker: BrokerId) -> ClientIdDesk {
        ClientIdDesk {
            ids: Arc::clone(self),
            broker,
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Holder>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ClientIdDesk {
    /// What a client id lacks at its beginning.
    pub(crate) fn lacks(&self, client_id: &str) -> Option<&str> {
        let prefix = self.ids.prefix.as_str();
        (!client_id.starts_with(prefix)).then_some(prefix)
    }

    /// Takes the client id for a user, who may hold it several times: the broker decides which connection lives on. `None` when it
    /// is somebody else's.
    pub(crate) fn claim(&self, client_id: &str, user: &str) -> Option<Claim> {
        let key = Key {
            broker: self.broker.clone(),
            client_id: client_id.to_owned(),
        };
        match self.ids.lock().entry(key.clone()) {
            Entry::Occupied(mut holder) if holder.get().user == user => holder.get_mut().connections += 1,
            Entry::Occupied(_) => return None,
            Entry::Vacant(place) => {
                place.insert(Holder {
                    user: user.to_owned(),
                    connections: 1,
                });
            }
        }
        Some(Claim {
            ids: Arc::clone(&self.ids),
            key,
        })
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut held = self.ids.lock();
        if let Some(holder) = held.get_mut(&self.key) {
            holder.connections -= 1;
            if holder.connections == 0 {
                held.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_id_is_its_users_until_the_last_connection_is_gone() {
        let ids = Arc::new(ClientIds::default());
        let desk = ids.desk(BrokerId::embedded());
        let first = desk.claim("tab", "ada").unwrap();
        let second = desk.claim("tab", "ada").unwrap();
        assert!(desk.claim("tab", "bob").is_none());
        assert!(desk.claim("tub", "bob").is_some());
        drop(first);
        assert!(desk.claim("tab", "bob").is_none());
        drop(second);
        assert!(desk.claim("tab", "bob").is_some());
        assert!(ids.lock().is_empty());
    }
}
