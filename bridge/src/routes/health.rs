//! `GET /healthz`, `GET /readyz` and `GET /metrics`: for those who watch over the bridge.

use std::time::Duration;

use axum::{
    extract::{Extension, State},
    http::{HeaderName, StatusCode, header},
};
use tokio::time::Instant;

use crate::{
    app::App,
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

/// Anybody may ask whether the broker is reached, as often as he likes, so it is dialled once at a time and once in a while: who asks
/// meanwhile gets the same answer.
#[derive(Debug, Default)]
pub(crate) struct Readiness {
    newest: tokio::sync::Mutex<Newest>,
}

#[derive(Debug, Default)]
struct Newest {
    status: StatusCode,
    told: String,
    /// When it was known.
    at: Option<Instant>,
}

/// How long an answer holds. Who watches asks every few seconds.
const HOLDS: Duration = Duration::from_secs(1);

impl Readiness {
    async fn ask(&self, dial: impl AsyncFnOnce() -> (StatusCode, String)) -> (StatusCode, String) {
        let asked = Instant::now();
        let mut newest = self.newest.lock().await;
        let holds = |at: Instant| asked.saturating_duration_since(at) < HOLDS;
        if !newest.at.is_some_and(holds) {
            let (status, told) = dial().await;
            if status != newest.status {
                match status {
                    StatusCode::OK => tracing::info!("ready again"),
                    _ => tracing::warn!(reason = told.trim_end(), "not ready (said when it changes)"),
                }
            }
            *newest = Newest {
                status,
                told,
                at: Some(Instant::now()),
            };
        }
        (newest.status, newest.told.clone())
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
        tls: dialer.tls_reloads().unwrap_or_default(),
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
        assert_eq!(ask().await, "1", "who asks later hears what is so then");
    }
}
