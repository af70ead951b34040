//! How many WebSockets there may be: in all, per address and per user.

use std::{
    borrow::Borrow,
    collections::HashMap,
    hash::Hash,
    net::{IpAddr, Ipv6Addr},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use hearth_model::api::close;

use crate::{config::RelayConfig, websocket::frame::Close};

/// Counts who is connected.
#[derive(Debug)]
pub(crate) struct Limits {
    max_connections: usize,
    max_connections_per_address: usize,
    max_connections_per_user: usize,
    open: Mutex<Open>,
    full_was_logged: AtomicBool,
    address_was_logged: AtomicBool,
    user_was_logged: AtomicBool,
}

#[derive(Debug, Default)]
struct Open {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
    by_user: HashMap<String, usize>,
}

/// A place among the connections; given back when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    limits: Arc<Limits>,
    address: IpAddr,
    user: Option<String>,
}

impl Limits {
    pub(crate) fn new(config: &RelayConfig) -> Self {
        Self {
            max_connections: config.max_connections,
            max_connections_per_address: config.max_connections_per_address,
            max_connections_per_user: config.max_connections_per_user,
            open: Mutex::default(),
            full_was_logged: AtomicBool::new(false),
            address_was_logged: AtomicBool::new(false),
            user_was_logged: AtomicBool::new(false),
        }
    }

    /// Takes a place, or says why there is none. `user` is one of the bridge's own.
    pub(crate) fn enter(self: &Arc<Self>, address: IpAddr, user: Option<&str>) -> Result<Place, Close> {
        let address = network_of(address);
        let mut open = self.lock();
        if open.all >= self.max_connections {
            if !self.full_was_logged.swap(true, Ordering::Relaxed) {
                tracing::warn!(
                    limit = self.max_connections,
                    "WebSockets are refused: relay.max_connections is reached (said once)"
                );
            }
            return Err(Close::new(
                close::TOO_MANY_CONNECTIONS,
                "the bridge has as many connections as it may",
            ));
        }
        if count(&open.by_address, &address) >= self.max_connections_per_address {
            if !self.address_was_logged.swap(true, Ordering::Relaxed) {
                let limit = self.max_connections_per_address;
                tracing::warn!(%address, limit, "WebSockets are refused: relay.max_connections_per_address is reached (said once)");
            }
            return Err(Close::new(
                close::TOO_MANY_FROM_ADDRESS,
                "your address has as many connections as it may",
            ));
        }
        if let Some(user) = user {
            if count(&open.by_user, user) >= self.max_connections_per_user {
                if !self.user_was_logged.swap(true, Ordering::Relaxed) {
                    let limit = self.max_connections_per_user;
                    tracing::warn!(
                        user,
                        limit,
                        "WebSockets are refused: relay.max_connections_per_user is reached (said once)"
                    );
                }
                return Err(Close::new(
                    close::TOO_MANY_FROM_USER,
                    "you have as many connections as a user may",
                ));
            }
            *open.by_user.entry(user.to_owned()).or_default() += 1;
        }
        *open.by_address.entry(address).or_default() += 1;
        open.all += 1;
        drop(open);
        Ok(Place {
            limits: Arc::clone(self),
            address,
            user: user.map(str::to_owned),
        })
    }

    /// How many there are now.
    pub(crate) fn open(&self) -> usize {
        self.lock().all
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.limits.lock();
        open.all -= 1;
        take_one(&mut open.by_address, &self.address);
        if let Some(user) = &self.user {
            take_one(&mut open.by_user, user.as_str());
        }
    }
}

fn count<K: Hash + Eq + Borrow<Q>, Q: Hash + Eq + ?Sized>(counts: &HashMap<K, usize>, key: &Q) -> usize {
    counts.get(key).copied().unwrap_or(0)
}

fn take_one<K: Hash + Eq + Borrow<Q>, Q: Hash + Eq + ?Sized>(counts: &mut HashMap<K, usize>, key: &Q) {
    if let Some(count) = counts.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(key);
        }
    }
}

/// One IPv6 customer has a whole /64 of addresses; they count as one.
pub(crate) fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64))),
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Overrides};

    fn limits(max_connections: usize, per_address: usize, per_user: usize) -> Arc<Limits> {
        let text = format!(
            "[relay]\nmax_connections = {max_connections}\nmax_connections_per_address = {per_address}\n\
             max_connections_per_user = {per_user}"
        );
        let config = Config::parse("test.toml", &text, &Default::default(), &Overrides::default()).unwrap();
        Arc::new(Limits::new(&config.relay))
    }

    #[test]
    fn a_place_is_free_again_when_it_is_left() {
        let limits = limits(3, 2, 9);
        let (here, there): (IpAddr, IpAddr) = ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        let places = [
            limits.enter(here, None).unwrap(),
            limits.enter(here, None).unwrap(),
        ];
        assert_eq!(
            limits.enter(here, None).unwrap_err().code,
            close::TOO_MANY_FROM_ADDRESS
        );
        let third = limits.enter(there, None).unwrap();
        assert_eq!(
            limits.enter(there, None).unwrap_err().code,
            close::TOO_MANY_CONNECTIONS
        );
        assert_eq!(limits.open(), 3);
        drop(places);
        let _again = limits.enter(here, None).unwrap();
        drop(third);
        assert_eq!(limits.open(), 1);
        assert_eq!(limits.lock().by_address.len(), 1);
    }

    #[test]
    fn a_user_has_so_many_wherever_they_come_from() {
        let limits = limits(9, 9, 2);
        let address = |n: u8| IpAddr::from([192, 0, 2, n]);
        let first = limits.enter(address(1), Some("ada")).unwrap();
        let _second = limits.enter(address(2), Some("ada")).unwrap();
        let refused = limits.enter(address(3), Some("ada")).unwrap_err();
        assert_eq!(refused.code, close::TOO_MANY_FROM_USER);
        let _other = limits.enter(address(3), Some("bob")).unwrap();
        let _nobody = limits.enter(address(3), None).unwrap();
        drop(first);
        let _again = limits.enter(address(3), Some("ada")).unwrap();
        assert_eq!(limits.open(), 4);
    }

    #[test]
    fn addresses_of_one_network_count_as_one() {
        let limits = limits(9, 1, 9);
        let _first = limits.enter("2001:db8::1".parse().unwrap(), None).unwrap();
        assert!(limits.enter("2001:db8::2".parse().unwrap(), None).is_err());
        assert!(limits.enter("2001:db8:0:1::2".parse().unwrap(), None).is_ok());
        let _mapped = limits.enter("::ffff:192.0.2.1".parse().unwrap(), None).unwrap();
        assert!(limits.enter("192.0.2.1".parse().unwrap(), None).is_err());
    }
}
