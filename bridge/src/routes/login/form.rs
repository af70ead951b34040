//! What a form says.

use std::{borrow::Cow, time::Duration};

use axum::{
    body::to_bytes,
    extract::Request,
    http::{HeaderMap, header},
};
use tokio::time::timeout;

use crate::{error::ApiError, routes::assets::percent_decoded};

/// A user name and a password, as long as they may be, both percent-encoded, with the rest of the form.
const LARGEST_FORM_BYTES: usize = 16 * 1024;
/// Time in which a form must have arrived.
const ARRIVAL: Duration = Duration::from_secs(10);
/// Longer addresses are not kept over a login.
const LONGEST_WAY_BACK: usize = 2_048;

/// Fields by name; the first of a name counts. It holds passwords, so it cannot be printed.
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    /// The body of a request.
    pub(super) async fn read(request: Request) -> Result<Self, ApiError> {
        if !is_form(request.headers()) {
            return Err(ApiError::FormRefused);
        }
        let body = timeout(ARRIVAL, to_bytes(request.into_body(), LARGEST_FORM_BYTES)).await;
        let body = body
            .map_err(|_| ApiError::FormRefused)?
            .map_err(|_| ApiError::FormRefused)?;
        let text = std::str::from_utf8(&body).map_err(|_| ApiError::FormRefused)?;
        Ok(Self::parse(text))
    }

    /// `name=value&…`; what cannot be decoded is left out.
    pub(super) fn parse(text: &str) -> Self {
        let decoded = |text: &str| percent_decoded(&text.replace('+', " "));
        let fields = text
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .filter_map(|(name, value)| Some((decoded(name)?, decoded(value)?)));
        Self(fields.collect())
    }

    /// Empty when there is none.
    pub(super) fn get(&self, name: &str) -> &str {
        let field = self.0.iter().find(|(found, _)| found == name);
        field.map_or("", |(_, value)| value)
    }
}

fn is_form(headers: &HeaderMap) -> bool {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let kind = kind.and_then(|text| text.split(';').next()).unwrap_or_default();
    kind.trim()
        .eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

/// Where a login leads: the page beside it, with the parameters (`?…`) and the route (`#/…`) that it was asked for. Nothing that is
/// written there can lead anywhere else, because both stand behind `./`.
pub(super) fn way_back(parameters: &str, route: &str) -> String {
    let kept = |text: &str, start: &str| {
        let plain = text.len() <= LONGEST_WAY_BACK && text.bytes().all(|b| b.is_ascii_graphic());
        plain && text.starts_with(start)
    };
    let parameters = if kept(parameters, "?") && !parameters.contains('#') {
        parameters
    } else {
        ""
    };
    let route = if kept(route, "#/") { route } else { "" };
    format!("./{parameters}{route}")
}

/// Everything but letters, digits and `-._~` in percents.
pub(super) fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded.push(byte.into()),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

/// For text and attribute values in double quotes.
pub(super) fn escaped(text: &str) -> Cow<'_, str> {
    if !text.contains(['&', '<', '>', '"', '\'']) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    Cow::Owned(escaped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_leads_to_the_page_beside_it_and_nowhere_else() {
        for (parameters, route, expected) in [
            ("", "", "./"),
            ("?broker=a&theme=dark", "", "./?broker=a&theme=dark"),
            ("", "#/device/lamp?x=1", "./#/device/lamp?x=1"),
            ("?a=1", "#/explorer?topic=a%2Fb", "./?a=1#/explorer?topic=a%2Fb"),
            ("?next=//evil.example", "", "./?next=//evil.example"),
            ("//evil.example", "", "./"),
            ("/\\evil.example", "", "./"),
            ("\\\\evil.example", "", "./"),
            ("https://evil.example", "", "./"),
            ("javascript:alert(1)", "", "./"),
            ("../../evil", "", "./"),
            ("?a\r\nSet-Cookie: x=y", "", "./"),
            ("?a b", "", "./"),
            ("?ü", "", "./"),
            ("?a#b", "", "./"),
            ("", "javascript:alert(1)", "./"),
            ("", "#javascript:alert(1)", "./"),
            ("", "//evil.example", "./"),
        ] {
            assert_eq!(way_back(parameters, route), expected, "{parameters:?} {route:?}");
        }
        assert_eq!(way_back(&format!("?{}", "x".repeat(LONGEST_WAY_BACK)), ""), "./");
    }

    #[test]
    fn forms_are_read_as_browsers_write_them() {
        let form = Form::parse("user=%EB%BD%80+x&password=a%2Bb%26c%3D&user=other&broken=%zz&&=");
        assert_eq!(form.get("user"), "뽀 x");
        assert_eq!(form.get("password"), "a+b&c=");
        assert_eq!((form.get("broken"), form.get("none")), ("", ""));
    }

    #[test]
    fn what_people_typed_stays_text() {
        assert_eq!(escaped("\"><script>'&"), "&quot;&gt;&lt;script&gt;&#39;&amp;");
        assert_eq!(encoded("?a=b c/ü"), "%3Fa%3Db%20c%2F%C3%BC");
    }
}
