//! The page: files of `dist/`, from a folder while developing, from inside the binary otherwise.

mod policy;
mod source;

use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;

pub(crate) use self::source::Assets;
use self::source::Encoding;
use crate::{app::App, error::ApiError};

/// A file as it goes out.
struct Asset {
    bytes: Bytes,
    etag: String,
    encoding: Option<Encoding>,
}

pub(crate) async fn asset(State(app): State<App>, request: Request) -> Result<Response, ApiError> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Err(ApiError::MethodNotAllowed);
    }
    let path = match request.uri().path() {
        "/" => "index.html",
        path => path.strip_prefix('/').unwrap_or(path),
    };
    let path = safe_path(path).ok_or(ApiError::NotFound)?;
    let accepted = accepted_encodings(request.headers());
    let Some(asset) = app.assets.load(&path, &accepted).await else {
        let is_page = path == "index.html";
        return Err(if is_page {
            ApiError::PageNotBuilt
        } else {
            ApiError::NotFound
        });
    };
    let mut headers = headers(&path, &asset)?;
    let policy = app.assets.policy(&path).await;
    headers.insert(header::CONTENT_SECURITY_POLICY, value(&policy)?);
    let is_known = request
        .headers()
        .get(header::IF_NONE_MATCH)
        .and_then(|tags| tags.to_str().ok())
        .is_some_and(|tags| {
            tags.split(',')
                .map(str::trim)
                .any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == asset.etag)
        });
    if is_known {
        headers.remove(header::CONTENT_ENCODING);
        return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    Ok((headers, Body::from(asset.bytes)).into_response())
}

fn headers(path: &str, asset: &Asset) -> Result<HeaderMap, ApiError> {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type(path)));
    headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    headers.insert(header::ETAG, value(&asset.etag)?);
    let cache = if is_hashed(path) {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    if let Some(encoding) = asset.encoding {
        headers.insert(
            header::CONTENT_ENCODING,
            HeaderValue::from_static(encoding.token()),
        );
    }
    Ok(headers)
}

fn value(text: &str) -> Result<HeaderValue, ApiError> {
    HeaderValue::from_str(text).map_err(|error| ApiError::Internal(error.to_string()))
}

/// A path within the page's folder: plain names only, nothing hidden, no way up.
fn safe_path(path: &str) -> Option<String> {
    let path = percent_decoded(path)?;
    let is_plain = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && part.chars().all(|c| !c.is_control() && !matches!(c, '\\' | ':'))
    };
    path.split('/').all(is_plain).then_some(path)
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let (high, low) = (hex_digit(rest.next()?)?, hex_digit(rest.next()?)?);
            bytes.push(high << 4 | low);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

/// Best first: brotli before gzip, whatever weights are given, unless one is 0.
fn accepted_encodings(headers: &HeaderMap) -> Vec<Encoding> {
    let listed = headers
        .get_all(header::ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok());
    let listed: Vec<&str> = listed.flat_map(|value| value.split(',')).collect();
    let accepts = |encoding: &Encoding| {
        listed.iter().any(|item| {
            let (token, weight) = item.split_once(';').unwrap_or((item, ""));
            let weight = weight
                .trim()
                .strip_prefix("q=")
                .and_then(|weight| weight.parse::<f32>().ok());
            token.trim().eq_ignore_ascii_case(encoding.token()) && weight != Some(0.0)
        })
    };
    [Encoding::Brotli, Encoding::Gzip]
        .into_iter()
        .filter(accepts)
        .collect()
}

/// Trunk puts a hash of at least eight hexadecimal digits into a name, as in `hearth-web-0f1e2d3c4b5a6978_bg.wasm`.
fn is_hashed(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let is_hash = |part: &str| {
        part.len() >= 8
            && part
                .bytes()
                .all(|b| b.is_ascii_digit() || matches!(b, b'a'..=b'f'))
    };
    name.split(['-', '_', '.']).skip(1).any(is_hash)
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "wasm" => "application/wasm",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_paths_lead_to_files() {
        for path in ["index.html", "a/b.js", "caf%C3%A9.svg", "with%20space.png"] {
            assert!(safe_path(path).is_some(), "{path}");
        }
        for path in [
            "",
            "..",
            "../x",
            "a/../b",
            "%2e%2e/x",
            "a/%2e%2e%2fb",
            "a//b",
            "/etc/passwd",
            ".git/config",
            "a\\b",
            "c:/x",
            "%",
            "%0",
            "%ff",
            "a%00b",
        ] {
            assert_eq!(safe_path(path), None, "{path}");
        }
    }

    #[test]
    fn names_with_a_hash_are_cached_for_ever() {
        for path in [
            "hearth-web-0f1e2d3c4b5a6978.js",
            "hearth-web-0f1e2d3c4b5a6978_bg.wasm",
            "css/app-1234567890abcdef.css",
        ] {
            assert!(is_hashed(path), "{path}");
        }
        for path in [
            "index.html",
            "engine.js",
            "hearth-web.js",
            "facade12.css",
            "apple-touch-icon-180.png",
        ] {
            assert!(!is_hashed(path), "{path}");
        }
    }

    #[test]
    fn encodings_are_taken_if_they_are_wanted() {
        let accepted = |text: &'static str| {
            accepted_encodings(&HeaderMap::from_iter([(
                header::ACCEPT_ENCODING,
                HeaderValue::from_static(text),
            )]))
        };
        assert_eq!(
            accepted("gzip, deflate, br, zstd"),
            [Encoding::Brotli, Encoding::Gzip]
        );
        assert_eq!(accepted("GZIP;q=0.5"), [Encoding::Gzip]);
        assert_eq!(accepted("br;q=0, gzip;q=1.0"), [Encoding::Gzip]);
        assert_eq!(accepted("identity"), []);
        assert_eq!(accepted("brx, xgzip"), []);
    }
}
