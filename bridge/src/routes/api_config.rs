//! `GET /api/config`: what a page needs to start.

use axum::{Json, extract::State};
use hearth_model::api::BridgeConfig;

use crate::app::App;

pub(crate) async fn api_config(State(app): State<App>) -> Json<BridgeConfig> {
    Json(app.api_config.clone())
}
