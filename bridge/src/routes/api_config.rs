//! `GET /api/config`: what a page needs to start.

use axum::{
    Json,
    extract::{Extension, State},
};
use hearth_model::api::{BridgeConfig, BridgeUser};

use crate::{
    app::App,
    visitor::{Known, Visitor},
};

pub(crate) async fn api_config(
    State(app): State<App>,
    Extension(visitor): Extension<Visitor>,
) -> Json<BridgeConfig> {
    let user = match visitor {
        Visitor::Known(known) => Some(bridge_user(known)),
        Visitor::Anybody | Visitor::Nobody => None,
    };
    Json(BridgeConfig {
        user,
        ..app.api_config.clone()
    })
}

fn bridge_user(known: Known) -> BridgeUser {
    let permissions = known.permissions.as_deref();
    let may_publish = permissions.is_none_or(|permissions| !permissions.publish.is_empty());
    let may_manage = permissions.is_none_or(|permissions| permissions.may_manage(&known.identity.user));
    BridgeUser {
        name: known.identity.user,
        role: known.identity.role,
        may_publish,
        may_manage,
        form_token: known
            .session
            .map_or_else(String::new, |session| session.form_token().to_owned()),
    }
}
