//! `/login` and `/logout`: the way in and out for people, without a script.
//!
//! A form is taken from a page of the bridge only: its origin is compared exactly, its token belongs to a cookie that other pages
//! neither send (`SameSite=Strict`) nor read.

mod arrivals;
mod form;
mod page;

use std::{sync::Arc, time::Duration};

use axum::{
    extract::{Extension, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
};

pub(crate) use self::arrivals::Arrivals;
use self::{
    form::{Form, way_back},
    page::Page,
};
use crate::{
    access::{Host, check_origin_of_form},
    app::App,
    auth::{
        Mode,
        sessions::{EndedBy, Token},
        users::{Credentials, LoginRefused, Users, whole_seconds},
    },
    client::Client,
    config::{Secret, WebScheme},
    error::ApiError,
    visitor::{Known, Visitor, cookie, see_other, session_cookie, set_cookie},
};

/// How long a login page may stand open before its form is taken no more.
const FORM_AGE: Duration = Duration::from_secs(24 * 60 * 60);

/// Leads a browser that is not logged in to the login, and back again to the same parameters.
pub(crate) fn led_to(query: Option<&str>) -> Response {
    match query.filter(|query| !query.is_empty()) {
        Some(query) => see_other(&format!("login?next={}", form::encoded(&format!("?{query}")))),
        None => see_other("login"),
    }
}

/// `GET /login`
pub(crate) async fn login(
    State(app): State<App>,
    Extension(client): Extension<Client>,
    Extension(visitor): Extension<Visitor>,
    request: Request,
) -> Result<Response, ApiError> {
    let users = users(&app)?;
    let query = Form::parse(request.uri().query().unwrap_or_default());
    if matches!(visitor, Visitor::Known(_)) {
        return Ok(see_other(&way_back(query.get("next"), "")));
    }
    Door { client, users }.page(request.headers(), Page::new(query.get("next")))
}

/// `POST /login`
pub(crate) async fn log_in(
    State(app): State<App>,
    Extension(client): Extension<Client>,
    Extension(host): Extension<Host>,
    request: Request,
) -> Result<Response, ApiError> {
    let users = users(&app)?;
    check_origin_of_form(&app.access, client.scheme, &host, request.headers())?;
    let headers = request.headers().clone();
    let form = arrived(&app, &client, request).await?;
    Door { client, users }.log_in(&headers, &form).await
}

/// `POST /logout`
pub(crate) async fn log_out(
    State(app): State<App>,
    Extension(client): Extension<Client>,
    Extension(host): Extension<Host>,
    Extension(visitor): Extension<Visitor>,
    request: Request,
) -> Result<Response, ApiError> {
    let users = users(&app)?;
    check_origin_of_form(&app.access, client.scheme, &host, request.headers())?;
    let cookie_name = session_cookie(client.scheme);
    let token = cookie(request.headers(), cookie_name);
    let form = arrived(&app, &client, request).await?;
    if let Visitor::Known(Known {
        session: Some(session),
        identity,
        ..
    }) = visitor
    {
        if form.get("token") != session.form_token() {
            return Err(ApiError::FormRefused);
        }
        match (form.get("everywhere"), token) {
            ("", Some(token)) => users.sessions.end(&token, EndedBy::Logout),
            _ => users.sessions.end_all_of(&identity.user),
        }
    }
    let mut response = see_other("login");
    put_cookie(
        &mut response,
        set_cookie(client.scheme, cookie_name, None, Duration::ZERO),
    );
    Ok(response)
}

/// Only accounts of the bridge have a login.
fn users(app: &App) -> Result<&Arc<Users>, ApiError> {
    match &app.auth.mode {
        Mode::Users(users) => Ok(users),
        Mode::PassThrough | Mode::Proxy(_) => Err(ApiError::NotFound),
    }
}

/// The form, when it is here.
async fn arrived(app: &App, client: &Client, request: Request) -> Result<Form, ApiError> {
    let Some(_arrival) = app.forms.begin(client.address.ip()) else {
        if app.metrics.is_first("too_many_forms") {
            tracing::warn!(address = %client.address.ip(), "forms are refused: too many of one address are on their way (said once)");
        }
        return Err(ApiError::TooManyForms);
    };
    Form::read(request).await
}

/// Where somebody who is not logged in stands.
struct Door<'a> {
    client: Client,
    users: &'a Arc<Users>,
}

impl Door<'_> {
    /// The page, with the token of the cookie that the browser has, or of a new one.
    fn page(&self, headers: &HeaderMap, page: Page<'_>) -> Result<Response, ApiError> {
        let name = form_cookie(self.client.scheme);
        let token = match cookie(headers, name) {
            Some(token) => token,
            None => Token::new().map_err(|error| ApiError::Internal(error.to_string()))?,
        };
        let mut response = page.into_response(&token.for_forms());
        put_cookie(
            &mut response,
            set_cookie(self.client.scheme, name, Some(&token), FORM_AGE),
        );
        Ok(response)
    }

    async fn log_in(&self, headers: &HeaderMap, form: &Form) -> Result<Response, ApiError> {
        let scheme = self.client.scheme;
        let again = Page::new(form.get("next")).again(form.get("user"), form.get("route"));
        let expected = cookie(headers, form_cookie(scheme)).map(|token| token.for_forms());
        if expected.as_deref() != Some(form.get("token")) {
            let error =
                "This page stood open for too long, or your browser takes no cookies. Try again.".to_owned();
            return self.page(headers, again.with_error(StatusCode::FORBIDDEN, error));
        }
        let credentials = Credentials {
            user: form.get("user").trim().to_owned(),
            password: Secret::new(form.get("password")),
        };
        match self.users.log_in(credentials, self.client.address.ip()).await {
            Ok(token) => {
                let name = session_cookie(scheme);
                if let Some(before) = cookie(headers, name) {
                    self.users.sessions.end(&before, EndedBy::NewLogin);
                }
                let mut response = see_other(&way_back(form.get("next"), form.get("route")));
                let age = self.users.sessions.lifetime();
                put_cookie(&mut response, set_cookie(scheme, name, Some(&token), age));
                Ok(response)
            }
            Err(refused) => self.refused(headers, again, refused),
        }
    }

    fn refused(
        &self,
        headers: &HeaderMap,
        again: Page<'_>,
        refused: LoginRefused,
    ) -> Result<Response, ApiError> {
        let (status, wait) = match refused {
            LoginRefused::Wrong => (StatusCode::UNAUTHORIZED, None),
            LoginRefused::TooMany { wait } => (StatusCode::TOO_MANY_REQUESTS, Some(wait)),
            LoginRefused::Busy => (StatusCode::SERVICE_UNAVAILABLE, Some(Duration::from_secs(1))),
            LoginRefused::NoRandomBytes(error) => return Err(ApiError::Internal(error.to_string())),
        };
        let mut response = self.page(headers, again.with_error(status, refused.to_string()))?;
        if let Some(wait) = wait {
            let headers = response.headers_mut();
            headers.insert(header::RETRY_AFTER, HeaderValue::from(whole_seconds(wait)));
        }
        Ok(response)
    }
}

fn form_cookie(scheme: WebScheme) -> &'static str {
    match scheme {
        WebScheme::Http => "hearth-form",
        WebScheme::Https => "__Host-hearth-form",
    }
}

fn put_cookie(response: &mut Response, cookie: Option<HeaderValue>) {
    if let Some(cookie) = cookie {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
}
