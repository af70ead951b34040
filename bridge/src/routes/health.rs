//! `GET /healthz`, `GET /readyz` and `GET /metrics`: for those who watch over the bridge.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{
    extract::{Extension, State},
    http::{HeaderName, StatusCode, header},
};
use tokio::time::Instant;

use crate::{
    app::App,
    certificate::Validity,
    config::BrokerId,
    credentials::CredentialSource,
    metrics::{self, BrokerFigures},
    transport::Dialer,
    visitor::Visitor,
};

/// Up, whatever the brokers do.
pub(crate) async fn healthz() -> &'static str {
    "ok\n"
}

/// Ready when the default broker takes a connection; without a broker there is nothing to wait for.
pub(crate) async fn readyz(
    State(app): State<App>,
    Extension(visitor): Extension<Visitor>,
) -> (StatusCode, String) {
    let Some((broker, dialer)) = app
        .default_broker
        .as_ref()
        .and_then(|id| Some((id, app.dialers.get(id)?)))
    else {
        return (StatusCode::OK, "ok\n".into());
    };
    let (status, told) = app
        .readiness
        .ask(async || match app.relays.dial(dialer, None).await {
            Ok(_) => (StatusCode::OK, "ok\n".into()),
            Err(error) => (
                StatusCode::SERVICE_UNAVAILABLE,
                format!("broker '{broker}': {error}\n"),
            ),
        })
        .await;
    match visitor {
        // Whoever is not logged in learns nothing about brokers; the log says it.
        Visitor::Nobody if status != StatusCode::OK => (status, "the broker does not answer\n".into()),
        Visitor::Nobody | Visitor::Anybody | Visitor::Known(_) => (status, told),
    }
}

/// Anybody may ask whether the broker is reached, as often as he likes, so it is dialled once at a time and once in a while. Only one
/// request waits for that, once there is an answer: each that waits holds a place among the requests.
#[derive(Debug, Default)]
pub(crate) struct Readiness {
    newest: Mutex<Option<Newest>>,
    dialling: tokio::sync::Mutex<()>,
}

#[derive(Clone, Debug)]
struct Newest {
    status: StatusCode,
    told: String,
    /// When it was known.
    at: Instant,
}

/// How long an answer holds. Who watches asks every few seconds.
const HOLDS: Duration = Duration::from_secs(1);

impl Readiness {
    async fn ask(&self, dial: impl AsyncFnOnce() -> (StatusCode, String)) -> (StatusCode, String) {
        let asked = Instant::now();
        let holds = |newest: &Newest| asked.saturating_duration_since(newest.at) < HOLDS;
        let known = self.newest();
        if let Some(newest) = known.clone().filter(holds) {
            return (newest.status, newest.told);
        }
        let _dialling = match (self.dialling.try_lock(), known) {
            (Ok(dialling), _) => dialling,
            (Err(_), Some(newest)) => return (newest.status, newest.told),
            (Err(_), None) => self.dialling.lock().await,
        };
        // Somebody else may have asked the broker meanwhile.
        if let Some(newest) = self.newest().filter(holds) {
            return (newest.status, newest.told);
        }
        let (status, told) = dial().await;
        let before = self.set_newest(Newest {
            status,
            told: told.clone(),
            at: Instant::now(),
        });
        if status != before.map_or(StatusCode::OK, |newest| newest.status) {
            match status {
                StatusCode::OK => tracing::info!("ready again"),
                _ => tracing::warn!(reason = told.trim_end(), "not ready (said when it changes)"),
            }
        }
        (status, told)
    }

    fn newest(&self) -> Option<Newest> {
        self.lock().clone()
    }

    fn set_newest(&self, newest: Newest) -> Option<Newest> {
        self.lock().replace(newest)
    }

    fn lock(&self) -> MutexGuard<'_, Option<Newest>> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(crate) async fn metrics(State(app): State<App>) -> ([(HeaderName, &'static str); 1], String) {
    let broker = app.broker_counters.as_ref().map(|read| read());
    let brokers: Vec<BrokerFigures> = app
        .dialers
        .iter()
        .map(|(id, dialer)| figures(&app, id, dialer))
        .collect();
    let text = metrics::render(
        &app.metrics,
        app.places.open(),
        &app.relays.metrics,
        (app.relays.open(), app.relays.held_bytes()),
        &brokers,
        &app.auth,
        broker,
    );
    (
        [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")],
        text,
    )
}

fn figures(app: &App, id: &BrokerId, dialer: &Dialer) -> BrokerFigures {
    let credentials = app.credentials.get(id);
    BrokerFigures {
        id: id.clone(),
        dial_failures: app.relays.metrics.dial_failures(id),
        tls: dialer.tls_reloads().unwrap_or_default(),
        certificate: dialer.own_certificate().as_ref().and_then(Validity::of),
        credential_changes: credentials.map_or(0, |source| *source.changes().borrow()),
        credentials_expire_at: credentials.and_then(CredentialSource::expires_at),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use tokio::time::sleep;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_asks_meanwhile_or_soon_after_gets_the_same_answer() {
        let (readiness, dials) = (Readiness::default(), AtomicU64::new(0));
        let ask = async || {
            let dial = async || {
                // As long as a broker that is slow.
                sleep(HOLDS * 3).await;
                (StatusCode::OK, dials.fetch_add(1, Ordering::Relaxed).to_string())
            };
            readiness.ask(dial).await.1
        };
        let (first, second, third) = tokio::join!(ask(), ask(), ask());
        assert_eq!([first, second, third], ["0", "0", "0"]);
        sleep(HOLDS - Duration::from_millis(1)).await;
        assert_eq!(ask().await, "0", "a moment later");
        sleep(Duration::from_millis(1)).await;
        let (first, second) = tokio::join!(ask(), ask());
        assert_eq!(
            [first, second],
            ["1", "0"],
            "one waits, the other hears what was so before"
        );
        sleep(HOLDS).await;
        assert_eq!(ask().await, "2", "who asks later hears what is so then");
    }
}
