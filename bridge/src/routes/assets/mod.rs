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
        return Ok(([(header::ALLOW, "GET, HEAD")], ApiError::MethodNotAllowed).into_response());
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
    if is_known(request.headers(), &asset.etag) {
        headers.remove(header::CONTENT_ENCODING);
        return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    Ok((headers, Body::from(asset.bytes)).into_response())
}

/// Does the browser have the file with this tag?
fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    let lines = headers.get_all(header::IF_NONE_MATCH).iter();
    lines
        .filter_map(|tags| tags.to_str().ok())
        .flat_map(|tags| tags.split(','))
        .map(str::trim)
        .any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
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

/// Is it the page itself, however the path is written and however the file is packed?
pub(crate) fn is_page(path: &str) -> bool {
    let path = percent_decoded(path);
    let mut path = path.as_deref().unwrap_or_default();
    for encoding in [Encoding::Brotli, Encoding::Gzip] {
        path = path.strip_suffix(encoding.extension()).unwrap_or(path);
    }
    matches!(path, "/" | "/index.html")
}

pub(crate) fn percent_decoded(text: &str) -> Option<String> {
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

/// Best first: by the weights that are given, brotli before gzip where they are equal (RFC 9110, 12.5.3). What is wanted less than
/// the file as it is, is left out.
fn accepted_encodings(headers: &HeaderMap) -> Vec<Encoding> {
    let lines = headers.get_all(header::ACCEPT_ENCODING).iter();
    let items: Vec<(&str, f32)> = lines
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(weighted)
        .collect();
    let weight = |token: &str| {
        let named = |name: &str| items.iter().find(|(item, _)| item.eq_ignore_ascii_case(name));
        named(token).or_else(|| named("*")).map(|(_, weight)| *weight)
    };
    let plain = items
        .iter()
        .find(|(item, _)| item.eq_ignore_ascii_case("identity"))
        .map_or(0.0, |(_, weight)| *weight);
    let mut accepted: Vec<(Encoding, f32)> = [Encoding::Brotli, Encoding::Gzip]
        .into_iter()
        .filter_map(|encoding| Some((encoding, weight(encoding.token())?)))
        .filter(|(_, weight)| *weight > 0.0 && *weight >= plain)
        .collect();
    accepted.sort_by(|(_, left), (_, right)| right.total_cmp(left));
    accepted.into_iter().map(|(encoding, _)| encoding).collect()
}

/// `gzip;q=0.5`; nothing when the weight is none.
fn weighted(item: &str) -> Option<(&str, f32)> {
    let mut parts = item.split(';').map(str::trim);
    let token = parts.next()?;
    let weight = match parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q="))) {
        Some(weight) => weight
            .parse()
            .ok()
            .filter(|weight| (0.0..=1.0).contains(weight))?,
        None => 1.0,
    };
    Some((token, weight))
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
    fn the_page_is_the_page_however_it_is_asked_for() {
        for path in [
            "/",
            "/index.html",
            "/%69ndex.html",
            "/index%2ehtml",
            "/index.html.br",
            "/index.html%2Egz",
        ] {
            assert!(is_page(path), "{path}");
        }
        for path in ["/app.js", "/index.html.js", "/login", "/%ff", "/a/index.html"] {
            assert!(!is_page(path), "{path}");
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
        assert_eq!(
            accepted("br;q=0.2, gzip;q=0.8"),
            [Encoding::Gzip, Encoding::Brotli]
        );
        assert_eq!(
            accepted("br; q=0.50 , gzip;q=0.5"),
            [Encoding::Brotli, Encoding::Gzip]
        );
        assert_eq!(accepted("*"), [Encoding::Brotli, Encoding::Gzip]);
        assert_eq!(accepted("br;q=0, *;q=0.1"), [Encoding::Gzip]);
        assert_eq!(accepted("*;q=0"), []);
        assert_eq!(accepted("identity;q=0.5, gzip;q=0.4, br"), [Encoding::Brotli]);
        assert_eq!(accepted("identity;q=0, gzip"), [Encoding::Gzip]);
        assert_eq!(accepted("br;q=nan, gzip;q=-1"), []);
        assert_eq!(accepted("br;q=2, gzip;q=1"), [Encoding::Gzip]);
        assert_eq!(accepted(""), []);
    }
}
