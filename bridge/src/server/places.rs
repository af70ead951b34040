//! How many connections there may be, in all and per address.

use std::{
    collections::HashMap,
    io,
    net::IpAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{
    client::is_trusted,
    config::{AccessConfig, HttpConfig, Network},
    metrics::HttpMetrics,
    relay::network_of,
};

/// Counts who is connected.
#[derive(Debug)]
pub(crate) struct Places {
    all: Arc<Semaphore>,
    max_connections: usize,
    max_connections_per_address: usize,
    /// Everybody behind a reverse proxy has its address; the relay counts them by their own.
    trusted_proxies: Vec<Network>,
    by_address: Mutex<HashMap<IpAddr, usize>>,
    /// Until a tenth was free.
    full_was_logged: AtomicBool,
    address_was_logged: AtomicBool,
}

/// A place among the connections; given back when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    places: Arc<Places>,
    address: Option<IpAddr>,
    _permit: OwnedSemaphorePermit,
}

impl Places {
    pub(super) fn new(http: &HttpConfig, access: &AccessConfig) -> Self {
        Self {
            all: Arc::new(Semaphore::new(http.max_connections)),
            max_connections: http.max_connections,
            max_connections_per_address: http.max_connections_per_address,
            trusted_proxies: access.trusted_proxies.clone(),
            by_address: Mutex::default(),
            full_was_logged: AtomicBool::new(false),
            address_was_logged: AtomicBool::new(false),
        }
    }

    /// How many connections there are now.
    pub(crate) fn open(&self) -> usize {
        self.max_connections.saturating_sub(self.all.available_permits())
    }

    /// Takes a place for a connection that is here, unless its address has as many as it may. Waits until there is one; meanwhile the
    /// connections behind it wait in the kernel's queue.
    pub(super) async fn take(
        self: &Arc<Self>,
        address: IpAddr,
        metrics: &HttpMetrics,
    ) -> io::Result<Option<Place>> {
        let permit = self.permit(metrics).await?;
        let address = (!is_trusted(&self.trusted_proxies, address)).then(|| network_of(address));
        if let Some(address) = address
            && !self.count(address)
        {
            if !self.address_was_logged.swap(true, Ordering::Relaxed) {
                let limit = self.max_connections_per_address;
                tracing::warn!(%address, limit, "connections are refused: http.max_connections_per_address is reached (said once)");
            }
            return Ok(None);
        }
        Ok(Some(Place {
            places: Arc::clone(self),
            address,
            _permit: permit,
        }))
    }

    async fn permit(&self, metrics: &HttpMetrics) -> io::Result<OwnedSemaphorePermit> {
        let free = self.all.available_permits();
        if let Ok(permit) = Arc::clone(&self.all).try_acquire_owned() {
            // At the brink they come and go all the time; that is no news.
            if free > self.max_connections / 10 {
                self.full_was_logged.store(false, Ordering::Relaxed);
            }
            return Ok(permit);
        }
        metrics.waited();
        if !self.full_was_logged.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                limit = self.max_connections,
                "connections wait: http.max_connections is reached (said again after a tenth of them was free)"
            );
        }
        Arc::clone(&self.all)
            .acquire_owned()
            .await
            .map_err(io::Error::other)
    }

    /// One more of this address; no if it has as many as it may.
    fn count(&self, address: IpAddr) -> bool {
        let mut by_address = self.lock();
        let open = by_address.entry(address).or_default();
        let fits = *open < self.max_connections_per_address;
        *open += usize::from(fits);
        fits
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.by_address.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some(address) = self.address else { return };
        let mut by_address = self.places.lock();
        if let Some(open) = by_address.get_mut(&address) {
            *open -= 1;
            if *open == 0 {
                by_address.remove(&address);
            }
        }
    }
}
