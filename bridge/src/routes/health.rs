//! `GET /healthz`, `GET /readyz` and `GET /metrics`: for those who watch over the bridge.

use std::sync::atomic::{AtomicU64, Ordering};

use axum::{
    extract::{Extension, State},
    http::{HeaderName, StatusCode, header},
};

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

/// Anybody may ask whether the broker is reached, so it is dialled once at a time: who asks meanwhile gets the same answer.
#[derive(Debug, Default)]
pub(crate) struct Readiness {
    answered: AtomicU64,
    newest: tokio::sync::Mutex<(StatusCode, String)>,
}

impl Readiness {
    async fn ask(&self, dial: impl AsyncFnOnce() -> (StatusCode, String)) -> (StatusCode, String) {
        let before = self.answered.load(Ordering::Relaxed);
        let mut newest = self.newest.lock().await;
        if self.answered.load(Ordering::Relaxed) == before {
            let found = dial().await;
            if found.0 != newest.0 {
                match found.0 {
                    StatusCode::OK => tracing::info!("ready again"),
                    _ => tracing::warn!(reason = found.1.trim_end(), "not ready (said when it changes)"),
                }
            }
            *newest = found;
            self.answered.fetch_add(1, Ordering::Relaxed);
        }
        newest.clone()
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
    use tokio::sync::Notify;

    use super::*;

    #[tokio::test]
    async fn who_asks_while_the_broker_is_dialled_waits_for_that_answer() {
        let (readiness, dials, connected) = (Readiness::default(), AtomicU64::new(0), Notify::new());
        let ask = || {
            readiness.ask(async || {
                connected.notified().await;
                let number = dials.fetch_add(1, Ordering::Relaxed);
                (StatusCode::OK, number.to_string())
            })
        };
        let (first, second, third, ()) = tokio::join!(ask(), ask(), ask(), async { connected.notify_one() });
        assert_eq!([first.1, second.1, third.1], ["0", "0", "0"]);
        connected.notify_one();
        assert_eq!(ask().await.1, "1", "who asks later hears what is so then");
    }
}
