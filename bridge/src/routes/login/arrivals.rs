//! Forms on their way. Each holds a place among the requests until it has arrived, so one address may have a few only: whoever sends
//! slowly would keep everybody else from being answered.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::relay::network_of;

/// Forms of one address at one time.
const PER_ADDRESS: usize = 16;

/// Counts them.
#[derive(Debug, Default)]
pub(crate) struct Arrivals(Mutex<HashMap<IpAddr, usize>>);

/// One of them; over when dropped.
#[derive(Debug)]
pub(super) struct Arrival<'a> {
    arrivals: &'a Arrivals,
    address: IpAddr,
}

impl Arrivals {
    /// `None` when the address has as many as it may.
    pub(super) fn begin(&self, address: IpAddr) -> Option<Arrival<'_>> {
        let address = network_of(address);
        let mut open = self.lock();
        let count = open.entry(address).or_default();
        if *count >= PER_ADDRESS {
            return None;
        }
        *count += 1;
        Some(Arrival {
            arrivals: self,
            address,
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Arrival<'_> {
    fn drop(&mut self) {
        let mut open = self.arrivals.lock();
        if let Some(count) = open.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_so_many_and_a_place_is_free_again() {
        let arrivals = Arrivals::default();
        let [one, other] = [1, 2].map(|last| IpAddr::from([192, 0, 2, last]));
        let mut open: Vec<_> = (0..PER_ADDRESS).filter_map(|_| arrivals.begin(one)).collect();
        assert_eq!(open.len(), PER_ADDRESS);
        assert!(arrivals.begin(one).is_none());
        assert!(arrivals.begin(other).is_some());
        open.pop();
        assert!(arrivals.begin(one).is_some());
        drop(open);
        assert!(arrivals.lock().is_empty());
    }
}
