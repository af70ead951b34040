//! Who a request comes from, and whether it is answered.
//!
//! Where the bridge has users, everything is closed but the addresses in [`is_open`]. Cookies and the headers of proxies are read here and
//! nowhere else.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    extract::{Extension, Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::{
    access::single,
    app::App,
    auth::{
        Auth, Identity, Mode, Permissions, ProxyIdentity, Role, Unbelieved,
        accounts::check_name,
        sessions::{Presence, Session, Token},
    },
    client::{Client, is_trusted},
    config::{HeaderName, WebScheme},
    credentials::CredentialSource,
    error::ApiError,
    relay::Policy,
    routes::{assets::is_page, login},
};

/// Who asks.
#[derive(Clone)]
pub(crate) enum Visitor {
    /// The bridge has no users.
    Anybody,
    /// A user.
    Known(Known),
    /// Somebody who has to log in.
    Nobody,
}

/// A user.
#[derive(Clone)]
pub(crate) struct Known {
    pub(crate) identity: Identity,
    /// `None`: everything.
    pub(crate) permissions: Option<Arc<Permissions>>,
    /// What proves it; `None` when a proxy does.
    pub(crate) session: Option<Arc<Session>>,
}

impl Visitor {
    /// What a WebSocket of theirs may do, and what the bridge adds for its broker.
    pub(crate) fn policy(&self, credentials: Option<CredentialSource>) -> Policy {
        match self {
            Self::Known(known) => Policy {
                identity: Some(known.identity.clone()),
                permissions: known.permissions.clone(),
                credentials,
            },
            Self::Anybody | Self::Nobody => Policy {
                credentials,
                ..Policy::default()
            },
        }
    }

    /// For as long as a WebSocket of theirs is open.
    pub(crate) fn presence(&self) -> Presence {
        match self {
            Self::Known(Known {
                session: Some(session),
                ..
            }) => session.enter(),
            Self::Known(Known { session: None, .. }) | Self::Anybody => Presence::of_anybody(),
            Self::Nobody => Presence::of_nobody(),
        }
    }

    fn is_admin(&self) -> bool {
        matches!(self, Self::Known(known) if known.identity.role == Role::Admin)
    }
}

/// Finds out who asks, and turns away who may not have what is asked for.
pub(crate) async fn admit(
    State(app): State<App>,
    Extension(client): Extension<Client>,
    mut request: Request,
    next: Next,
) -> Response {
    let (visitor, unknown) = visitor(&app.auth, &client, request.headers());
    let path = request.uri().path();
    let admitted = match &visitor {
        _ if is_open(path) => Ok(()),
        _ if path == "/metrics" => may_read_metrics(&app.auth, &visitor, &client, unknown),
        Visitor::Anybody | Visitor::Known(_) => Ok(()),
        Visitor::Nobody => Err(unknown),
    };
    if admitted.is_err()
        && matches!(app.auth.mode, Mode::Users(_))
        && is_page(path)
        && matches!(*request.method(), Method::GET | Method::HEAD)
    {
        return login::led_to(request.uri().query());
    }
    match admitted {
        Ok(()) => {
            request.extensions_mut().insert(visitor);
            next.run(request).await
        }
        Err(refused) => refused.into_response(),
    }
}

/// What everybody may have: who watches whether the bridge is up, the way in, and the files of the page, which hold nothing of the
/// home. A browser hides why a WebSocket was refused: it is let in and told by close code.
fn is_open(path: &str) -> bool {
    let api = path == "/api" || path.starts_with("/api/");
    !(api || path == "/metrics" || is_page(path))
}

fn may_read_metrics(
    auth: &Auth,
    visitor: &Visitor,
    client: &Client,
    unknown: ApiError,
) -> Result<(), ApiError> {
    match visitor {
        _ if visitor.is_admin() || is_trusted(&auth.metrics_from, client.address.ip()) => Ok(()),
        // Without users everybody may, unless somebody is named.
        Visitor::Anybody if auth.metrics_from.is_empty() => Ok(()),
        Visitor::Anybody | Visitor::Known(_) => Err(ApiError::NotAllowed),
        Visitor::Nobody => Err(unknown),
    }
}

/// Who asks, and what somebody hears of whom nothing is known.
fn visitor(auth: &Auth, client: &Client, headers: &HeaderMap) -> (Visitor, ApiError) {
    let (identity, session) = match &auth.mode {
        Mode::PassThrough => return (Visitor::Anybody, ApiError::NotLoggedIn),
        Mode::Users(users) => {
            let token = cookie(headers, session_cookie(client.scheme));
            let session = token.and_then(|token| users.sessions.find(Instant::now(), &token));
            match session {
                Some(session) => (session.identity.clone(), Some(session)),
                None => return (Visitor::Nobody, ApiError::NotLoggedIn),
            }
        }
        Mode::Proxy(proxy) => match identity_by_proxy(proxy, client, headers) {
            Ok(identity) => (identity, None),
            Err(unbelieved) => {
                proxy.counted.count(unbelieved, client.address.ip());
                let unknown = match unbelieved {
                    Unbelieved::Unclear => ApiError::UnclearIdentity(unbelieved),
                    Unbelieved::Untrusted | Unbelieved::Missing => ApiError::NoIdentity,
                };
                return (Visitor::Nobody, unknown);
            }
        },
    };
    let known = Known {
        permissions: auth.roles.of(identity.role).cloned(),
        identity,
        session,
    };
    (Visitor::Known(known), ApiError::NotLoggedIn)
}

/// Whom the proxy names.
fn identity_by_proxy(
    proxy: &ProxyIdentity,
    client: &Client,
    headers: &HeaderMap,
) -> Result<Identity, Unbelieved> {
    let named = |HeaderName(name): &HeaderName| headers.contains_key(name);
    if !client.through_proxy {
        let forged = named(&proxy.user_header) || proxy.role_header.as_ref().is_some_and(named);
        return Err(if forged {
            Unbelieved::Untrusted
        } else {
            Unbelieved::Missing
        });
    }
    if !named(&proxy.user_header) {
        return Err(Unbelieved::Missing);
    }
    let text = |HeaderName(name): &HeaderName| {
        let value = single(headers, name)?;
        std::str::from_utf8(value.as_bytes()).ok().map(str::to_owned)
    };
    let user = text(&proxy.user_header).filter(|user| check_name(user).is_ok());
    let role = match &proxy.role_header {
        Some(header) if named(header) => text(header).and_then(|word| Role::parse(&word)),
        Some(_) | None => Some(proxy.default_role),
    };
    match (user, role) {
        (Some(user), Some(role)) => Ok(Identity { user, role }),
        _ => Err(Unbelieved::Unclear),
    }
}

/// A name with `__Host-` can only be set over HTTPS and by this host, so over HTTPS no other is read.
pub(crate) fn session_cookie(scheme: WebScheme) -> &'static str {
    match scheme {
        WebScheme::Http => "hearth-session",
        WebScheme::Https => "__Host-hearth-session",
    }
}

/// The token in a cookie; nothing when there are two of the name, for one of them may be somebody else's.
pub(crate) fn cookie(headers: &HeaderMap, name: &str) -> Option<Token> {
    let lines = headers.get_all(header::COOKIE).iter();
    // Other programs of this host may have cookies of any bytes, which come with ours.
    let mut values = lines
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b';'))
        .filter_map(|pair| {
            pair.trim_ascii()
                .strip_prefix(name.as_bytes())?
                .strip_prefix(b"=")
        });
    let value = values.next().filter(|_| values.next().is_none())?;
    Token::parse(std::str::from_utf8(value).ok()?)
}

/// A cookie that scripts cannot read and other pages do not send, for so long; without a token it goes at once.
pub(crate) fn set_cookie(
    scheme: WebScheme,
    name: &str,
    token: Option<&Token>,
    age: Duration,
) -> Option<HeaderValue> {
    let secure = match scheme {
        WebScheme::Http => "",
        WebScheme::Https => "; Secure",
    };
    let (value, age_s) = match token {
        Some(token) => (token.expose(), age.as_secs()),
        None => ("", 0),
    };
    let text = format!("{name}={value}; Path=/; Max-Age={age_s}; HttpOnly; SameSite=Strict{secure}");
    let mut value = HeaderValue::from_str(&text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Leads to an address beside the page; the bridge does not know under which path a proxy shows it.
pub(crate) fn see_other(location: &str) -> Response {
    match HeaderValue::from_str(location) {
        Ok(location) => (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response(),
        Err(_) => ApiError::Internal("the way back is no header".into()).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_among_others_of_any_bytes_but_not_when_there_are_two() {
        let token = Token::new().unwrap();
        let own = format!("own={}", token.expose());
        let found = |lines: &[&str]| {
            let lines = lines.iter().map(|line| {
                let value = HeaderValue::from_bytes(line.as_bytes()).unwrap();
                (header::COOKIE, value)
            });
            cookie(&HeaderMap::from_iter(lines), "own").map(|token| token.expose().to_owned())
        };
        let expected = Some(token.expose().to_owned());
        let (own, among) = (own.as_str(), format!("grün={own}; {own};grün"));
        for lines in [
            [own, "colour=grün"],
            ["colour=grün; owner=x", own],
            [among.as_str(), "x=\"ä; ö\""],
        ] {
            assert_eq!(found(&lines), expected, "{lines:?}");
        }
        for lines in [[own, own], [own, "own=grün"], ["own=grün", "Own=x"]] {
            assert_eq!(found(&lines), None, "{lines:?}");
        }
    }
}
