//! Which address is answered by what, and what stands around every answer.

use axum::{
    Router,
    extract::{Extension, Request, State},
    http::{HeaderName, HeaderValue, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};

use crate::{
    access,
    app::App,
    error::{ApiError, RefusedAs},
    routes,
    server::Peer,
};

pub(crate) fn router(app: App) -> Router {
    Router::new()
        .route("/healthz", get(routes::health::healthz))
        .route("/readyz", get(routes::health::readyz))
        .route("/metrics", get(routes::health::metrics))
        .route("/api/config", get(routes::api_config::api_config))
        .route("/mqtt", get(routes::mqtt::default_broker))
        .route("/mqtt/{broker}", get(routes::mqtt::named_broker))
        .fallback(routes::assets::asset)
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
    let host = access::check_host(&app.access, peer.local.ip(), request.uri(), request.headers());
    let mut response = match host {
        Ok(host) => {
            request.extensions_mut().insert(host);
            next.run(request).await
        }
        Err(refused) => ApiError::from(refused).into_response(),
    };
    if let Some(RefusedAs(code)) = response.extensions().get() {
        app.metrics.refused(code);
    }
    for (name, value) in SECURITY_HEADERS {
        response
            .headers_mut()
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
    response
}

/// The page brings a policy of its own, with the hashes of its scripts; nothing else has any business with scripts.
const SECURITY_HEADERS: [(HeaderName, &str); 8] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
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
