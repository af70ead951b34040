//! How many WebSockets there may be, in all and per address.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use hearth_model::api::close;

use super::frame::Close;

/// Counts who is connected.
#[derive(Debug)]
pub(crate) struct Limits {
    max_connections: usize,
    max_connections_per_address: usize,
    open: Mutex<Open>,
    full_was_logged: AtomicBool,
    address_was_logged: AtomicBool,
}

#[derive(Debug, Default)]
struct Open {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// A place among the connections; given back when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    limits: Arc<Limits>,
    address: IpAddr,
}

impl Limits {
    pub(crate) fn new(max_connections: usize, max_connections_per_address: usize) -> Self {
        Self {
            max_connections,
            max_connections_per_address,
            open: Mutex::default(),
            full_was_logged: AtomicBool::new(false),
            address_was_logged: AtomicBool::new(false),
        }
    }

    /// Takes a place, or says why there is none.
    pub(crate) fn enter(self: &Arc<Self>, address: IpAddr) -> Result<Place, Close> {
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
        let of_address = open.by_address.entry(address).or_default();
        if *of_address >= self.max_connections_per_address {
            if !self.address_was_logged.swap(true, Ordering::Relaxed) {
                let limit = self.max_connections_per_address;
                tracing::warn!(%address, limit, "WebSockets are refused: relay.max_connections_per_address is reached (said once)");
            }
            return Err(Close::new(
                close::TOO_MANY_FROM_ADDRESS,
                "your address has as many connections as it may",
            ));
        }
        *of_address += 1;
        open.all += 1;
        drop(open);
        Ok(Place {
            limits: Arc::clone(self),
            address,
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
        if let Some(of_address) = open.by_address.get_mut(&self.address) {
            *of_address -= 1;
            if *of_address == 0 {
                open.by_address.remove(&self.address);
            }
        }
    }
}

/// One IPv6 customer has a whole /64 of addresses; they count as one.
fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64))),
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_free_again_when_it_is_left() {
        let limits = Arc::new(Limits::new(3, 2));
        let (here, there): (IpAddr, IpAddr) = ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        let places = [limits.enter(here).unwrap(), limits.enter(here).unwrap()];
        assert_eq!(limits.enter(here).unwrap_err().code, close::TOO_MANY_FROM_ADDRESS);
        let third = limits.enter(there).unwrap();
        assert_eq!(limits.enter(there).unwrap_err().code, close::TOO_MANY_CONNECTIONS);
        assert_eq!(limits.open(), 3);
        drop(places);
        let _again = limits.enter(here).unwrap();
        drop(third);
        assert_eq!(limits.open(), 1);
        assert_eq!(limits.lock().by_address.len(), 1);
    }

    #[test]
    fn addresses_of_one_network_count_as_one() {
        let limits = Arc::new(Limits::new(9, 1));
        let _first = limits.enter("2001:db8::1".parse().unwrap()).unwrap();
        assert!(limits.enter("2001:db8::2".parse().unwrap()).is_err());
        assert!(limits.enter("2001:db8:0:1::2".parse().unwrap()).is_ok());
        let _mapped = limits.enter("::ffff:192.0.2.1".parse().unwrap()).unwrap();
        assert!(limits.enter("192.0.2.1".parse().unwrap()).is_err());
    }
}
