//! What every request may need, made once.

use std::{collections::BTreeMap, sync::Arc};

use hearth_model::api::BridgeConfig;
use tokio::sync::Semaphore;

use crate::{
    auth::Auth,
    broker::CounterReader,
    config::{AccessConfig, BrokerId, HttpConfig},
    credentials::CredentialSource,
    metrics::HttpMetrics,
    relay::Relays,
    routes::{assets::Assets, health::Readiness, login::Arrivals},
    server::Places,
    transport::Dialer,
};

/// The state of the HTTP side.
#[derive(Clone)]
pub(crate) struct App(Arc<AppState>);

pub(crate) struct AppState {
    pub(crate) access: AccessConfig,
    pub(crate) http: HttpConfig,
    /// A place for each request that is worked on.
    pub(crate) requests: Semaphore,
    pub(crate) places: Arc<Places>,
    pub(crate) forms: Arrivals,
    pub(crate) readiness: Readiness,
    pub(crate) auth: Auth,
    pub(crate) assets: Assets,
    pub(crate) api_config: BridgeConfig,
    pub(crate) dialers: BTreeMap<BrokerId, Arc<Dialer>>,
    /// Of the brokers that the bridge shows its own credentials to.
    pub(crate) credentials: BTreeMap<BrokerId, CredentialSource>,
    pub(crate) default_broker: Option<BrokerId>,
    pub(crate) relays: Arc<Relays>,
    pub(crate) metrics: HttpMetrics,
    /// Of the embedded broker.
    pub(crate) broker_counters: Option<CounterReader>,
}

impl App {
    pub(crate) fn new(state: AppState) -> Self {
        Self(Arc::new(state))
    }
}

impl std::ops::Deref for App {
    type Target = AppState;

    fn deref(&self) -> &AppState {
        &self.0
    }
}
