//! Plain HTTP where HTTPS is spoken: leads there.

use axum::{
    extract::Request,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

use super::Peer;
use crate::{
    access,
    app::App,
    error::{ApiError, note_refusal},
    router::secure,
};

/// Where the same request belongs. The host is one of ours, so nobody is led elsewhere.
pub(super) fn to_https(app: &App, peer: &Peer, https_port: u16, request: &Request) -> Response {
    let answer = access::check_host(&app.access, peer.local.ip(), request.uri(), request.headers())
        .map_err(ApiError::from)
        .and_then(|host| {
            let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
            let path = if path.starts_with('/') { path } else { "/" };
            let port = match https_port {
                443 => String::new(),
                port => format!(":{port}"),
            };
            let target = format!("https://{}{port}{path}", host.name());
            HeaderValue::from_str(&target).map_err(|error| ApiError::Internal(error.to_string()))
        });
    let mut response = match answer {
        Ok(target) => (StatusCode::PERMANENT_REDIRECT, [(header::LOCATION, target)]).into_response(),
        Err(error) => error.into_response(),
    };
    note_refusal(&app.metrics, peer.address, &response);
    secure(response.headers_mut());
    response
}
