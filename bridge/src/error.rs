//! The one error of the HTTP side: a status, a stable code, a message that is safe to show; counted and logged once, here.

use std::net::SocketAddr;

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use hearth_model::api::ApiErrorBody;

use crate::{
    access::{HostRefused, OriginRefused},
    auth::Unbelieved,
    client::UnreadableForwarded,
    metrics::HttpMetrics,
    websocket::handshake::HandshakeRefused,
};

/// Why a request is not answered as asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    #[error("nothing is here")]
    NotFound,
    #[error("the page is not built; run `cargo xtask run`, or name its folder with --dist")]
    PageNotBuilt,
    #[error("this address does not take that method")]
    MethodNotAllowed,
    #[error("there is no broker of this name")]
    UnknownBroker,
    #[error("no broker is set up at this bridge")]
    NoBroker,
    #[error(transparent)]
    Host(#[from] HostRefused),
    #[error(transparent)]
    Forwarded(#[from] UnreadableForwarded),
    #[error(transparent)]
    Origin(#[from] OriginRefused),
    #[error("nobody is logged in with this browser")]
    NotLoggedIn,
    #[error("the reverse proxy in front of this bridge names no user")]
    NoIdentity,
    #[error(transparent)]
    UnclearIdentity(Unbelieved),
    #[error("your role does not allow this")]
    NotAllowed,
    #[error(
        "this form is too old, or does not come from a page of this bridge; go back and load the page again"
    )]
    FormRefused,
    #[error("too many forms from your address are on their way; send this one again in a moment")]
    TooManyForms,
    #[error(transparent)]
    Handshake(#[from] HandshakeRefused),
    #[error("the bridge works on as many requests as it may; ask again in a moment")]
    Busy,
    #[error("the request was not worked off in time")]
    TimedOut,
    #[error("the bridge could not do this; its log says why")]
    Internal(String),
}

/// What is known of a refusal where it is answered; who was refused, is known elsewhere.
#[derive(Clone, Debug)]
pub(crate) struct Refused {
    code: &'static str,
    reason: String,
    /// Something in front of the bridge may be set up wrongly, or somebody tries what he should not.
    is_told: bool,
}

/// Counts and logs a response that is a refusal.
pub(crate) fn note_refusal(metrics: &HttpMetrics, address: SocketAddr, response: &Response) {
    let Some(Refused {
        code,
        reason,
        is_told,
    }) = response.extensions().get()
    else {
        return;
    };
    metrics.refused(code);
    match is_told {
        true => tracing::info!(%address, code, reason, "request refused"),
        false => tracing::debug!(%address, code, reason, "request refused"),
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, code) = match &self {
            Self::NotFound => (StatusCode::NOT_FOUND, "not_found"),
            Self::PageNotBuilt => (StatusCode::NOT_FOUND, "page_not_built"),
            Self::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"),
            Self::UnknownBroker => (StatusCode::NOT_FOUND, "unknown_broker"),
            Self::NoBroker => (StatusCode::NOT_FOUND, "no_broker"),
            Self::Host(_) => (StatusCode::MISDIRECTED_REQUEST, "host_refused"),
            Self::Forwarded(_) => (StatusCode::BAD_REQUEST, "unreadable_forwarded"),
            Self::Origin(_) => (StatusCode::FORBIDDEN, "origin_refused"),
            Self::NotLoggedIn => (StatusCode::UNAUTHORIZED, "not_logged_in"),
            Self::NoIdentity => (StatusCode::FORBIDDEN, "no_identity"),
            Self::UnclearIdentity(_) => (StatusCode::FORBIDDEN, "unclear_identity"),
            Self::NotAllowed => (StatusCode::FORBIDDEN, "not_allowed"),
            Self::FormRefused => (StatusCode::FORBIDDEN, "form_refused"),
            Self::TooManyForms => (StatusCode::TOO_MANY_REQUESTS, "too_many_forms"),
            Self::Handshake(HandshakeRefused::NotWebSocket) => {
                (StatusCode::UPGRADE_REQUIRED, "not_websocket")
            }
            Self::Handshake(_) => (StatusCode::BAD_REQUEST, "handshake_refused"),
            Self::Busy => (StatusCode::SERVICE_UNAVAILABLE, "busy"),
            Self::TimedOut => (StatusCode::SERVICE_UNAVAILABLE, "request_timeout"),
            Self::Internal(_) => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
        };
        if let Self::Internal(cause) = &self {
            tracing::error!(cause, "request failed");
        }
        let is_told = matches!(self, Self::Host(_) | Self::Origin(_) | Self::Forwarded(_));
        let reason = self.to_string();
        let body = ApiErrorBody {
            code: code.to_owned(),
            message: reason.clone(),
        };
        let mut response = (status, Json(body)).into_response();
        response.extensions_mut().insert(Refused {
            code,
            reason,
            is_told,
        });
        let more = match self {
            Self::Handshake(HandshakeRefused::NotWebSocket) => Some((header::UPGRADE, "websocket")),
            Self::Busy | Self::TooManyForms => Some((header::RETRY_AFTER, "1")),
            _ => None,
        };
        if let Some((name, value)) = more {
            response
                .headers_mut()
                .insert(name, HeaderValue::from_static(value));
        }
        response
    }
}
