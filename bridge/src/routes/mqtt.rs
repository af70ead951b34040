//! `/mqtt` and `/mqtt/{broker}`: MQTT over WebSocket to a broker of the configuration.

use axum::{
    extract::{Extension, Path, Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use hyper::upgrade::OnUpgrade;

use crate::{
    access::{self, Host},
    app::App,
    client::Client,
    config::BrokerId,
    error::ApiError,
    relay,
    server::Peer,
    transport::Ends,
    visitor::Visitor,
    websocket::handshake::Handshake,
};

pub(crate) async fn default_broker(
    State(app): State<App>,
    Extension(peer): Extension<Peer>,
    Extension(client): Extension<Client>,
    Extension(host): Extension<Host>,
    Extension(visitor): Extension<Visitor>,
    request: Request,
) -> Result<Response, ApiError> {
    let broker = app.default_broker.clone().ok_or(ApiError::NoBroker)?;
    upgrade(&app, peer, &client, &host, &visitor, broker, request)
}

pub(crate) async fn named_broker(
    State(app): State<App>,
    Path(id): Path<String>,
    Extension(peer): Extension<Peer>,
    Extension(client): Extension<Client>,
    Extension(host): Extension<Host>,
    Extension(visitor): Extension<Visitor>,
    request: Request,
) -> Result<Response, ApiError> {
    let broker = app
        .dialers
        .keys()
        // Who is not logged in learns that, and not which brokers there are.
        .find(|broker| broker.as_str() == id || matches!(visitor, Visitor::Nobody))
        .ok_or(ApiError::UnknownBroker)?
        .clone();
    upgrade(&app, peer, &client, &host, &visitor, broker, request)
}

fn upgrade(
    app: &App,
    peer: Peer,
    client: &Client,
    host: &Host,
    visitor: &Visitor,
    broker: BrokerId,
    mut request: Request,
) -> Result<Response, ApiError> {
    // The origin is looked at first: a foreign page learns nothing more.
    if request.headers().contains_key(axum::http::header::UPGRADE) {
        access::check_origin(&app.access, client.scheme, host, request.headers())?;
    }
    let handshake = Handshake::read(request.method(), request.version(), request.headers())?;
    let internal = || ApiError::Internal("the connection cannot be upgraded".into());
    let upgrade = request
        .extensions_mut()
        .remove::<OnUpgrade>()
        .ok_or_else(internal)?;
    let headers = handshake.headers().ok_or_else(internal)?;
    let dialer = app.dialers.get(&broker).ok_or(ApiError::UnknownBroker)?.clone();
    let policy = visitor.policy(app.credentials.get(&broker).cloned());
    app.relays.start(relay::Request {
        upgrade,
        ends: Ends {
            client: client.address,
            local: peer.local,
        },
        broker,
        dialer,
        policy,
        login: visitor.presence(),
        permit: peer.permit,
    });
    Ok((StatusCode::SWITCHING_PROTOCOLS, headers).into_response())
}
