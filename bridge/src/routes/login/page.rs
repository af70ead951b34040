//! The login page: one answer with everything in it, in the page's own colours, with or without scripts.

use std::sync::LazyLock;

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use sha2::{Digest as _, Sha256};

use super::form::escaped;

const SCRIPT: &str = include_str!("login.js");
/// The page's design tokens, of which the login uses the colours and sizes.
const TOKENS: &str = include_str!("../../../../web/styles/tokens.css");

/// Tokens and rules. Without a script nobody says which theme was chosen, so the system's holds.
static STYLE: LazyLock<String> = LazyLock::new(|| {
    let dark = dark_block(TOKENS);
    format!(
        "{TOKENS}\n@media (prefers-color-scheme: dark) {{ :root:not([data-theme=\"light\"]) {{{dark}}} }}\n{}",
        include_str!("login.css")
    )
});

/// Nothing but this style, this script, the icon and this form.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    format!(
        "default-src 'none'; style-src '{}'; script-src '{}'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        hash(&STYLE),
        hash(SCRIPT)
    )
});

/// What the page shows beside its form.
pub(super) struct Page<'a> {
    user: &'a str,
    next: &'a str,
    route: &'a str,
    status: StatusCode,
    error: Option<String>,
}

impl<'a> Page<'a> {
    /// `next`: the parameters that the browser came with.
    pub(super) fn new(next: &'a str) -> Self {
        Self {
            user: "",
            next,
            route: "",
            status: StatusCode::OK,
            error: None,
        }
    }

    /// With the name that was typed before, and the route that the browser came with.
    pub(super) fn again(self, user: &'a str, route: &'a str) -> Self {
        Self { user, route, ..self }
    }

    pub(super) fn with_error(self, status: StatusCode, error: String) -> Self {
        Self {
            status,
            error: Some(error),
            ..self
        }
    }

    pub(super) fn into_response(self, form_token: &str) -> Response {
        let mut response = (self.status, Html(self.html(form_token))).into_response();
        let headers = response.headers_mut();
        if let Ok(policy) = HeaderValue::from_str(&POLICY) {
            headers.insert(header::CONTENT_SECURITY_POLICY, policy);
        }
        response
    }

    fn html(&self, form_token: &str) -> String {
        let style = STYLE.as_str();
        let (user, next, route) = (escaped(self.user), escaped(self.next), escaped(self.route));
        let token = escaped(form_token);
        let error = self.error.as_ref().map_or_else(String::new, |error| {
            let error = escaped(error);
            format!(
                "<p class=\"err\" id=\"error\" role=\"alert\" data-testid=\"login-error\"><svg viewBox=\"0 0 24 24\" aria-hidden=\"true\">\
                 <path d=\"M8.5 3h7L21 8.5v7L15.5 21h-7L3 15.5v-7zM12 8v5m0 3v.01\"/></svg><span>{error}</span></p>"
            )
        });
        let described = if self.error.is_some() {
            " aria-describedby=\"error\" aria-invalid=\"true\""
        } else {
            ""
        };
        // Who has typed a name goes on with the password.
        let (user_focus, password_focus) = if self.user.is_empty() {
            (" autofocus", "")
        } else {
            ("", " autofocus")
        };
        format!(
            r##"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover">
<meta name="color-scheme" content="light dark">
<title>Log in – Hearth</title>
<link rel="icon" type="image/svg+xml" href="favicon.svg">
<style>{style}</style>
</head>
<body>
<main>
<div class="brand"><svg viewBox="0 0 30 30" aria-hidden="true"><path d="M4 26V13.5L15 4l11 9.5V26"/><path class="f" d="M15 12.5c.3 3.2 4 4.7 4 8.7a4 4 0 0 1-8 0c0-1.9.9-3 1.6-4 .3 1.1.7 1.6 1.3 1.9-.3-2.2.1-4.6 1.1-6.6z"/></svg>Hearth</div>
<form method="post" action="login">
<h1>Log in</h1>
{error}
<div class="field"><label for="user">User name</label>
<input id="user" name="user" value="{user}" autocomplete="username" autocapitalize="none" autocorrect="off" spellcheck="false" maxlength="64" required{user_focus}{described} data-testid="login-user"></div>
<div class="field"><label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" maxlength="1024" required{password_focus}{described} data-testid="login-password"></div>
<input type="hidden" name="token" value="{token}"><input type="hidden" name="next" value="{next}"><input type="hidden" name="route" value="{route}">
<button type="submit" data-testid="login-submit">Log in</button>
</form>
<p class="hint">Accounts are made by whoever runs this Hearth.</p>
</main>
<script>{SCRIPT}</script>
</body>
</html>
"##
        )
    }
}

fn hash(text: &str) -> String {
    format!("sha256-{}", BASE64.encode(Sha256::digest(text)))
}

/// What stands between the braces of the dark theme.
fn dark_block(tokens: &str) -> &str {
    let block = tokens
        .split_once(":root[data-theme=\"dark\"] {")
        .and_then(|(_, rest)| rest.split_once('}'));
    block.map_or("", |(block, _)| block)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dark_theme_is_taken_from_the_tokens_as_a_whole() {
        let dark = dark_block(TOKENS);
        for role in [
            "color-scheme: dark",
            "--canvas:",
            "--ink:",
            "--crit-ink:",
            "--accent-fill:",
        ] {
            assert!(dark.contains(role), "{role} is missing in {dark}");
        }
        assert!(!dark.contains('{'));
    }

    #[test]
    fn every_colour_and_size_of_the_login_is_a_token() {
        let rules = include_str!("login.css");
        let used = rules
            .split("var(")
            .skip(1)
            .filter_map(|rest| rest.split(')').next());
        for token in used {
            assert!(TOKENS.contains(&format!("{token}:")), "{token}");
        }
        assert!(!rules.contains('#'), "a raw colour");
    }

    #[test]
    fn what_people_typed_is_no_markup() {
        let evil = "\"><script>alert(1)</script>";
        let html = Page::new(evil)
            .again(evil, evil)
            .with_error(StatusCode::OK, evil.to_owned())
            .html(evil);
        assert!(!html.contains("<script>alert"), "{html}");
    }

    #[test]
    fn the_policy_allows_this_style_and_this_script_and_nothing_inline() {
        let html = Page::new("").html("t");
        for (start, end, text) in [
            ("<style>", "</style>", STYLE.as_str()),
            ("<script>", "</script>", SCRIPT),
        ] {
            let found = html.split_once(start).and_then(|(_, rest)| rest.split_once(end));
            assert_eq!(found.map(|(found, _)| found), Some(text));
            assert!(POLICY.contains(&hash(text)));
        }
        let body = html.split_once("</style>").unwrap().1;
        assert!(
            !POLICY.contains("unsafe") && !body.contains(" style=") && !body.contains(" on"),
            "{body}"
        );
    }
}
