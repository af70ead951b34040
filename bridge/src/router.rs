//! Which address is answered by what, and what stands around every answer.

use axum::{
    Router,
    extract::{Extension, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use tokio::time::timeout;

use crate::{
    access::{self, Host},
    app::App,
    client::client,
    config::WebScheme,
    error::{ApiError, note_refusal},
    routes,
    server::Peer,
    visitor,
};

pub(crate) fn router(app: App) -> Router {
    Router::new()
        .route("/healthz", get(routes::health::healthz))
        .route("/readyz", get(routes::health::readyz))
        .route("/metrics", get(routes::health::metrics))
        .route("/api/config", get(routes::api_config::api_config))
        .route("/mqtt", get(routes::mqtt::default_broker))
        .route("/mqtt/{broker}", get(routes::mqtt::named_broker))
        .route("/login", get(routes::login::login).post(routes::login::log_in))
        .route("/logout", post(routes::login::log_out))
        .fallback(routes::assets::asset)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(middleware::from_fn_with_state(app.clone(), visitor::admit))
        .layer(middleware::from_fn_with_state(app.clone(), guard))
        .with_state(app)
}

/// Refuses foreign hosts, counts refusals, and puts the security headers on everything.
async fn guard(
    State(app): State<App>,
    Extension(peer): Extension<Peer>,
    mut request: Request,
    next: Next,
) -> Response {
    let client = client(&app.access, peer.address, peer.scheme, request.headers());
    let address = client.as_ref().map_or(peer.address, |client| client.address);
    let known = client.map_err(ApiError::from).and_then(|client| {
        let host = match &client.forwarded_host {
            Some(name) => access::check_host_name(&app.access, peer.local.ip(), name),
            None => access::check_host(&app.access, peer.local.ip(), request.uri(), request.headers()),
        };
        Ok((client, host?))
    });
    let hsts = known.as_ref().ok().and_then(|(_, host)| hsts(&app, &peer, host));
    let mut response = match known {
        Ok((client, host)) => {
            request.extensions_mut().insert(host);
            request.extensions_mut().insert(client);
            within_limits(&app, request, next).await
        }
        Err(refused) => refused.into_response(),
    };
    app.metrics.answered(response.status().as_u16());
    note_refusal(&app.metrics, address, &response);
    secure(response.headers_mut());
    if let Some(value) = hsts {
        response
            .headers_mut()
            .insert(header::STRICT_TRANSPORT_SECURITY, value);
    }
    response
}

/// Puts the security headers on an answer that does not have its own.
pub(crate) fn secure(headers: &mut HeaderMap) {
    for (name, value) in SECURITY_HEADERS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
}

/// Bounds how many requests are worked on, and for how long. Whether the bridge is up can be asked at any time.
async fn within_limits(app: &App, request: Request, next: Next) -> Response {
    let _place = match app.requests.try_acquire() {
        Ok(place) => Some(place),
        Err(_) if request.uri().path() == "/healthz" => None,
        Err(_) => {
            if app.metrics.is_first("busy") {
                let limit = app.http.max_requests;
                tracing::warn!(
                    limit,
                    "requests are refused: http.max_requests is reached (said once)"
                );
            }
            return ApiError::Busy.into_response();
        }
    };
    match timeout(app.http.request_timeout, next.run(request)).await {
        Ok(response) => response,
        Err(_) => ApiError::TimedOut.into_response(),
    }
}

/// What tells browsers to insist on HTTPS. Not for loopback names: the order holds for every port of a name, and so for other programs.
fn hsts(app: &App, peer: &Peer, host: &Host) -> Option<HeaderValue> {
    let tls = app.http.tls.as_ref().filter(|tls| tls.hsts_max_age_s > 0)?;
    if peer.scheme != WebScheme::Https || host.name().is_loopback() {
        return None;
    }
    HeaderValue::from_str(&format!("max-age={}", tls.hsts_max_age_s)).ok()
}

async fn method_not_allowed() -> ApiError {
    ApiError::MethodNotAllowed
}

/// The page brings a policy of its own, with the hashes of its scripts; nothing else has any business with scripts.
const SECURITY_HEADERS: [(HeaderName, &str); 8] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    // Other sites learn nothing; without any referrer browsers would hide the origin of our own forms from us.
    (header::REFERRER_POLICY, "same-origin"),
    (
        HeaderName::from_static("permissions-policy"),
        "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), hid=(), magnetometer=(), \
         microphone=(), midi=(), payment=(), serial=(), usb=()",
    ),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
    (header::CACHE_CONTROL, "no-store"),
];
