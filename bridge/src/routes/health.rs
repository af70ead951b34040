//! `GET /healthz` and `GET /metrics`: for those who watch over the bridge.

use axum::{
    extract::State,
    http::{HeaderName, header},
};

use crate::{app::App, metrics};

/// Up, whatever the brokers do.
pub(crate) async fn healthz() -> &'static str {
    "ok\n"
}

pub(crate) async fn metrics(State(app): State<App>) -> ([(HeaderName, &'static str); 1], String) {
    let text = metrics::render(&app.metrics, &app.relays.metrics, app.relays.open());
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text)
}
