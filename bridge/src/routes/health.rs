//! `GET /healthz`, `GET /readyz` and `GET /metrics`: for those who watch over the bridge.

use axum::{
    extract::State,
    http::{HeaderName, StatusCode, header},
};

use crate::{
    app::App,
    config::BrokerId,
    metrics::{self, BrokerFigures},
    transport::Dialer,
};

/// Up, whatever the brokers do.
pub(crate) async fn healthz() -> &'static str {
    "ok\n"
}

/// Ready when the default broker takes a connection; without a broker there is nothing to wait for.
pub(crate) async fn readyz(State(app): State<App>) -> (StatusCode, String) {
    let Some((broker, dialer)) = app
        .default_broker
        .as_ref()
        .and_then(|id| Some((id, app.dialers.get(id)?)))
    else {
        return (StatusCode::OK, "ok\n".into());
    };
    match app.relays.dial(dialer, None).await {
        Ok(_) => (StatusCode::OK, "ok\n".into()),
        Err(error) => (
            StatusCode::SERVICE_UNAVAILABLE,
            format!("broker '{broker}': {error}\n"),
        ),
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
        app.relays.open(),
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
    BrokerFigures {
        id: id.clone(),
        tls: dialer.tls_reloads().unwrap_or_default(),
        credential_changes: app
            .credentials
            .get(id)
            .map_or(0, |source| *source.changes().borrow()),
    }
}
