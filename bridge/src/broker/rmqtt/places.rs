//! Who is connected: the library does not bound how many are. What it calls a limit of connections is the length of its queue of
//! CONNECTs.

use rmqtt::types::{ClientId, Id};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// A place for each client that may be connected.
pub(super) struct Places {
    max: usize,
    taken: Mutex<HashMap<ClientId, Taken>>,
}

struct Taken {
    /// Of the connection: a client that is taken over leaves when the next connection has its place already.
    id: Id,
    /// Unknown while CONNECT is worked on.
    is_gone: Option<Box<dyn Fn() -> bool + Send>>,
}

/// A place while CONNECT is worked on; given back when dropped, unless it is kept.
pub(super) struct Place {
    places: Arc<Places>,
    id: Option<Id>,
}

impl Places {
    pub(super) fn new(max: usize) -> Self {
        Self {
            max,
            taken: Mutex::default(),
        }
    }

    /// How many there are now.
    pub(super) fn taken(&self) -> usize {
        self.lock().len()
    }

    /// Who is connected now.
    pub(super) fn connected(&self) -> Vec<Id> {
        self.lock().values().map(|taken| taken.id.clone()).collect()
    }

    /// Takes a place, if there is one. Whoever is connected already may come again: the last connection ends.
    pub(super) fn take(self: &Arc<Self>, id: &Id) -> Option<Place> {
        let mut taken = self.lock();
        if taken.len() >= self.max && !taken.contains_key(&id.client_id) {
            // Who was gone before CONNACK was on its way never leaves.
            taken.retain(|_, taken| taken.is_gone.as_ref().is_none_or(|is_gone| !is_gone()));
            if taken.len() >= self.max {
                return None;
            }
        }
        let connection = Taken {
            id: id.clone(),
            is_gone: None,
        };
        taken.insert(id.client_id.clone(), connection);
        drop(taken);
        Some(Place {
            places: Arc::clone(self),
            id: Some(id.clone()),
        })
    }

    /// A connection has ended.
    pub(super) fn leave(&self, id: &Id) {
        let mut taken = self.lock();
        if taken.get(&id.client_id).is_some_and(|taken| taken.id == *id) {
            taken.remove(&id.client_id);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ClientId, Taken>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// The client is in, until it [leaves](Places::leave) or nobody serves it any more.
    pub(super) fn keep(mut self, is_gone: impl Fn() -> bool + Send + 'static) {
        let Some(id) = self.id.take() else { return };
        let mut taken = self.places.lock();
        if let Some(connection) = taken.get_mut(&id.client_id).filter(|taken| taken.id == id) {
            connection.is_gone = Some(Box::new(is_gone));
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(id) = self.id.take() {
            self.places.leave(&id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A connection of this client; the port tells it from others.
    fn connection(client_id: &'static str, port: u16) -> Id {
        let peer = Some(([127, 0, 0, 1], port).into());
        Id::new(1, 1, None, peer, client_id.into(), None)
    }

    #[test]
    fn a_client_that_is_taken_over_leaves_the_place_to_its_next_connection() {
        let places = Arc::new(Places::new(1));
        let (first, second) = (connection("a", 1), connection("a", 2));
        places.take(&first).unwrap().keep(|| false);
        assert!(places.take(&connection("b", 3)).is_none());
        places.take(&second).unwrap().keep(|| false);
        places.leave(&first);
        assert!(places.take(&connection("b", 4)).is_none());
        places.leave(&second);
        assert!(places.take(&connection("b", 5)).is_some());
    }

    #[test]
    fn a_connect_that_fails_gives_its_place_back() {
        let places = Arc::new(Places::new(1));
        let place = places.take(&connection("a", 1)).unwrap();
        assert!(places.take(&connection("b", 2)).is_none());
        drop(place);
        assert!(places.take(&connection("b", 3)).is_some());
        assert_eq!(places.taken(), 0);
    }

    #[test]
    fn whoever_is_gone_without_having_left_holds_no_place() {
        let places = Arc::new(Places::new(2));
        places.take(&connection("a", 1)).unwrap().keep(|| true);
        places.take(&connection("b", 2)).unwrap().keep(|| false);
        let _place = places.take(&connection("c", 3)).unwrap();
        assert!(places.take(&connection("d", 4)).is_none());
    }
}
