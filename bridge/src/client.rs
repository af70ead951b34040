//! Who asks: the peer of the connection, or, behind a reverse proxy that is trusted, whom the proxy names.
//!
//! Pure functions over the headers. What anybody but a trusted proxy says is not looked at; of what trusted proxies say, only the
//! newest words are: everything to their left may have been written by the client itself.

use std::{
    borrow::Cow,
    net::{IpAddr, SocketAddr},
};

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::config::{AccessConfig, Network, ProxyHeaders, WebScheme};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// Who asks, how, and for which host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Client {
    /// The port is 0 when only a proxy knows it.
    pub(crate) address: SocketAddr,
    /// How the browser reached us, or the proxy before us.
    pub(crate) scheme: WebScheme,
    /// The host that the proxy was asked for, if it says so; else the Host header counts.
    pub(crate) forwarded_host: Option<String>,
    /// Did the connection come from a trusted proxy?
    pub(crate) through_proxy: bool,
}

/// A `Forwarded` header that is not what RFC 7239 says. Nobody knows who asks then: what the proxy wrote may stand within quotes that
/// the client opened before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the Forwarded header cannot be read; a proxy must replace what its client wrote there, or add to it by the rules of RFC 7239"
)]
pub(crate) struct UnreadableForwarded;

/// The end of a connection, and what the headers of a request on it add.
///
/// # Errors
/// A trusted proxy handed on a `Forwarded` header that cannot be read.
pub(crate) fn client(
    access: &AccessConfig,
    peer: SocketAddr,
    scheme: WebScheme,
    headers: &HeaderMap,
) -> Result<Client, UnreadableForwarded> {
    let peer = SocketAddr::new(peer.ip().to_canonical(), peer.port());
    let direct = Client {
        address: peer,
        scheme,
        forwarded_host: None,
        through_proxy: false,
    };
    if !is_trusted(&access.trusted_proxies, peer.ip()) {
        return Ok(direct);
    }
    let direct = Client {
        through_proxy: true,
        ..direct
    };
    match access.proxy_headers {
        ProxyHeaders::XForwarded => Ok(x_forwarded(access, direct, headers)),
        ProxyHeaders::Forwarded => forwarded(access, direct, headers),
    }
}

/// Is the address one of a trusted proxy?
pub(crate) fn is_trusted(proxies: &[Network], address: IpAddr) -> bool {
    proxies.iter().any(|network| network.contains(address))
}

fn x_forwarded(access: &AccessConfig, mut client: Client, headers: &HeaderMap) -> Client {
    for node in items(headers, &X_FORWARDED_FOR).into_iter().rev() {
        let Some(address) = node_address(node) else { break };
        client.address = address;
        if !is_trusted(&access.trusted_proxies, address.ip()) {
            break;
        }
    }
    let proto = items(headers, &X_FORWARDED_PROTO).pop();
    client.scheme = proto.and_then(scheme).unwrap_or(client.scheme);
    let host = items(headers, &X_FORWARDED_HOST).pop();
    client.forwarded_host = host.map(str::to_owned);
    client
}

/// RFC 7239: each proxy adds one element.
fn forwarded(
    access: &AccessConfig,
    mut client: Client,
    headers: &HeaderMap,
) -> Result<Client, UnreadableForwarded> {
    let mut elements = Vec::new();
    for line in headers.get_all(header::FORWARDED) {
        let line = line.to_str().map_err(|_| UnreadableForwarded)?;
        for element in split_outside_quotes(line, ',') {
            let pairs = split_outside_quotes(element, ';').into_iter().map(str::trim);
            let pairs = pairs.filter(|pair| !pair.is_empty()).map(name_and_value);
            elements.push(pairs.collect::<Result<Vec<_>, _>>()?);
        }
    }
    for pairs in elements.into_iter().rev().filter(|pairs| !pairs.is_empty()) {
        let mut node = None;
        for (name, value) in pairs {
            match name.to_ascii_lowercase().as_str() {
                "for" => node = node_address(&value),
                "proto" => client.scheme = scheme(&value).unwrap_or(client.scheme),
                "host" => client.forwarded_host = Some(value.into_owned()),
                _ => {}
            }
        }
        let Some(address) = node else { break };
        client.address = address;
        if !is_trusted(&access.trusted_proxies, address.ip()) {
            break;
        }
    }
    Ok(client)
}

/// A token, `=`, and a token or a quoted string and nothing behind it: whoever opens a quote must have closed it. Addresses with ports
/// and brackets are often written without quotes.
fn name_and_value(pair: &str) -> Result<(&str, Cow<'_, str>), UnreadableForwarded> {
    let (name, value) = pair.split_once('=').ok_or(UnreadableForwarded)?;
    let is_token = |text: &str, more: &str| {
        let fits = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c) || more.contains(c);
        !text.is_empty() && text.chars().all(fits)
    };
    match is_token(name, "") {
        true if is_token(value, ":[]") => Ok((name, Cow::Borrowed(value))),
        true => unquoted(value)
            .map(|value| (name, value))
            .ok_or(UnreadableForwarded),
        false => Err(UnreadableForwarded),
    }
}

fn scheme(text: &str) -> Option<WebScheme> {
    match text.to_ascii_lowercase().as_str() {
        "http" | "ws" => Some(WebScheme::Http),
        "https" | "wss" => Some(WebScheme::Https),
        _ => None,
    }
}

/// `192.0.2.1`, `192.0.2.1:5000`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:5000`.
fn node_address(text: &str) -> Option<SocketAddr> {
    let text = text.trim();
    let address = text
        .parse()
        .or_else(|_| text.parse::<IpAddr>().map(|ip| SocketAddr::new(ip, 0)))
        .or_else(
            |error| match text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                Some(ip) => ip.parse().map(|ip| SocketAddr::new(IpAddr::V6(ip), 0)),
                None => Err(error),
            },
        )
        .ok()?;
    Some(SocketAddr::new(address.ip().to_canonical(), address.port()))
}

/// Everything that an `X-Forwarded-…` header lists, in order, over all its lines. It knows no quotes: one that the client wrote would
/// hide the commas of the proxies behind it.
fn items<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Vec<&'h str> {
    // A line that is no text hides what it says: it stands as an item that is no address.
    let lines = headers.get_all(name).iter().map(HeaderValue::to_str);
    lines
        .flat_map(|line| line.unwrap_or("?").split(','))
        .map(str::trim)
        .filter(|item| !item.is_empty())
        .collect()
}

fn split_outside_quotes(text: &str, separator: char) -> Vec<&str> {
    let (mut quoted, mut escaped) = (false, false);
    text.split(|c| {
        if std::mem::take(&mut escaped) {
            return false;
        }
        match c {
            '"' => quoted = !quoted,
            '\\' if quoted => escaped = true,
            c if c == separator && !quoted => return true,
            _ => {}
        }
        false
    })
    .collect()
}

/// What stands in a quoted string; `None` if the text is not one from its first to its last character.
fn unquoted(text: &str) -> Option<Cow<'_, str>> {
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    let mut plain = String::with_capacity(inner.len());
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => return None,
            '\\' => plain.push(characters.next()?),
            character => plain.push(character),
        }
    }
    Some(match plain == inner {
        true => Cow::Borrowed(inner),
        false => Cow::Owned(plain),
    })
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;
    use crate::config::{Config, Overrides};

    /// Names and values.
    type Headers<'t> = &'t [(&'static str, &'static str)];

    const PROXY: &str = "10.0.0.1:4000";

    fn access(proxy_headers: &str) -> AccessConfig {
        let text = format!(
            "[access]\ntrusted_proxies = [\"10.0.0.0/8\", \"fd00::1\"]\nproxy_headers = \"{proxy_headers}\""
        );
        Config::parse("test.toml", &text, &Default::default(), &Overrides::default())
            .unwrap()
            .access
    }

    /// `address scheme host` of whoever is behind these headers.
    fn who(kind: &str, peer: &str, headers: Headers<'_>) -> String {
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| {
                (
                    HeaderName::from_static(name),
                    HeaderValue::from_bytes(value.as_bytes()).unwrap(),
                )
            })
            .collect();
        let client = client(&access(kind), peer.parse().unwrap(), WebScheme::Http, &headers);
        let Ok(client) = client else {
            return "refused".to_owned();
        };
        let host = client.forwarded_host.as_deref().unwrap_or("-");
        format!("{} {:?} {host}", client.address, client.scheme).to_lowercase()
    }

    proptest! {
        /// Whatever a proxy passes on, nothing panics, and what strangers say changes nothing.
        #[test]
        fn any_headers_are_read(values in vec(header_text(), 0..6), stranger in any::<bool>(), kind in 0..2_usize) {
            let names = ["x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "forwarded"];
            let headers: HeaderMap = values
                .iter()
                .zip(names.iter().cycle())
                .filter_map(|(value, name)| {
                    Some((HeaderName::from_static(name), HeaderValue::from_bytes(value.as_bytes()).ok()?))
                })
                .collect();
            let peer: SocketAddr = if stranger { "203.0.113.5:9" } else { PROXY }.parse().unwrap();
            let access = access(["x-forwarded", "forwarded"][kind]);
            let Ok(found) = client(&access, peer, WebScheme::Http, &headers) else {
                prop_assert!(!stranger && kind == 1, "refused");
                return Ok(());
            };
            prop_assert_eq!(found.through_proxy, !stranger);
            if stranger {
                prop_assert_eq!((found.address, found.scheme, found.forwarded_host), (peer, WebScheme::Http, None));
            }
        }
    }

    /// Often nearly right.
    fn header_text() -> impl Strategy<Value = String> {
        const WORDS: &[&str] = &[
            "for=",
            "proto=",
            "host=",
            "192.0.2.1",
            "10.0.0.2",
            "[2001:db8::1]",
            ":80",
            "https",
            "\"",
            "\\\\",
            ",",
            ";",
            " ",
            "=",
            "unknown",
            "\t",
        ];
        vec(
            prop_oneof![proptest::sample::select(WORDS).prop_map(str::to_owned), ".{0,3}"],
            0..12,
        )
        .prop_map(|parts| parts.concat())
    }

    #[test]
    fn only_trusted_proxies_are_believed_and_only_their_own_words() {
        let far = "203.0.113.5:9";
        let table: &[(&str, Headers<'_>, &str)] = &[
            // Strangers may say what they like.
            (far, &[("x-forwarded-for", "192.0.2.1")], "203.0.113.5:9 http -"),
            (
                far,
                &[
                    ("x-forwarded-proto", "https"),
                    ("x-forwarded-host", "evil.example"),
                ],
                "203.0.113.5:9 http -",
            ),
            (PROXY, &[], "10.0.0.1:4000 http -"),
            (PROXY, &[("x-forwarded-for", "192.0.2.1")], "192.0.2.1:0 http -"),
            (
                PROXY,
                &[("x-forwarded-for", "192.0.2.1:555")],
                "192.0.2.1:555 http -",
            ),
            (
                PROXY,
                &[("x-forwarded-for", "2001:db8::1")],
                "[2001:db8::1]:0 http -",
            ),
            (
                PROXY,
                &[("x-forwarded-for", "[2001:db8::1]:7")],
                "[2001:db8::1]:7 http -",
            ),
            (
                PROXY,
                &[("x-forwarded-for", "::ffff:192.0.2.1")],
                "192.0.2.1:0 http -",
            ),
            // What stands left of the first stranger was written by that stranger.
            (
                PROXY,
                &[("x-forwarded-for", "127.0.0.1, 192.0.2.1, 10.0.0.2")],
                "192.0.2.1:0 http -",
            ),
            (
                PROXY,
                &[("x-forwarded-for", "127.0.0.1"), ("x-forwarded-for", "192.0.2.1")],
                "192.0.2.1:0 http -",
            ),
            // A quote of the stranger does not hide what the proxy wrote behind it.
            (
                PROXY,
                &[("x-forwarded-for", "\", 192.0.2.1")],
                "192.0.2.1:0 http -",
            ),
            (
                PROXY,
                &[
                    ("x-forwarded-for", "1.2.3.4, \", 192.0.2.1"),
                    ("x-forwarded-proto", "\", https"),
                    ("x-forwarded-host", "\\\"a, hearth.example"),
                ],
                "192.0.2.1:0 https hearth.example",
            ),
            // Nothing but proxies: the farthest of them.
            (
                PROXY,
                &[("x-forwarded-for", "10.0.0.9, 10.0.0.2")],
                "10.0.0.9:0 http -",
            ),
            // Words that are no address end the search.
            (
                PROXY,
                &[("x-forwarded-for", "192.0.2.1, unknown")],
                "10.0.0.1:4000 http -",
            ),
            (
                PROXY,
                &[("x-forwarded-for", "192.0.2.1, ü, 10.0.0.2")],
                "10.0.0.1:4000 http -",
            ),
            (
                PROXY,
                &[
                    ("x-forwarded-proto", "http, HTTPS"),
                    ("x-forwarded-host", "a, hearth.example"),
                ],
                "10.0.0.1:4000 https hearth.example",
            ),
            (PROXY, &[("x-forwarded-proto", "gopher")], "10.0.0.1:4000 http -"),
            (
                "[fd00::1]:1",
                &[("x-forwarded-for", "192.0.2.1")],
                "192.0.2.1:0 http -",
            ),
            (
                "[::ffff:10.0.0.1]:1",
                &[("x-forwarded-for", "192.0.2.1")],
                "192.0.2.1:0 http -",
            ),
            // The other family of headers is not looked at: the proxy does not overwrite it.
            (
                PROXY,
                &[("forwarded", "for=192.0.2.1;proto=https")],
                "10.0.0.1:4000 http -",
            ),
        ];
        for (peer, headers, expected) in table {
            assert_eq!(&who("x-forwarded", peer, headers), expected, "{peer} {headers:?}");
        }
    }

    #[test]
    fn the_standard_header_is_read_element_by_element_from_the_right() {
        let table: &[(Headers<'_>, &str)] = &[
            (
                &[("forwarded", "for=192.0.2.1;proto=https;host=hearth.example")],
                "192.0.2.1:0 https hearth.example",
            ),
            (
                &[("forwarded", "For=\"[2001:db8::1]:4711\"")],
                "[2001:db8::1]:4711 http -",
            ),
            (
                &[(
                    "forwarded",
                    "for=127.0.0.1;host=evil.example, for=192.0.2.1;proto=https",
                )],
                "192.0.2.1:0 https -",
            ),
            (
                &[(
                    "forwarded",
                    "for=192.0.2.1;proto=https;host=\"a\\\"b;c\", for=10.0.0.2;proto=http",
                )],
                "192.0.2.1:0 https a\"b;c",
            ),
            (
                &[("forwarded", "for=_hidden;proto=https")],
                "10.0.0.1:4000 https -",
            ),
            (&[("forwarded", "for=unknown, for=10.0.0.2")], "10.0.0.2:0 http -"),
            (
                &[("forwarded", "for=192.0.2.1:80;;proto=https, ,")],
                "192.0.2.1:80 https -",
            ),
            // A client that opens a quote must not swallow what the proxy adds.
            (&[("forwarded", "for=\"192.0.2.1")], "refused"),
            (
                &[("forwarded", "for=1.2.3.4;x=\", for=192.0.2.1;proto=http")],
                "refused",
            ),
            (
                &[(
                    "forwarded",
                    "for=1.2.3.4;x=\", for=\"[2001:db8::1]:80\";host=\"a\"",
                )],
                "refused",
            ),
            (
                &[(
                    "forwarded",
                    "for=1.2.3.4;x=\", for=\"[2001:db8::1]\";host=\"a\\\"\"",
                )],
                "refused",
            ),
            (
                &[("forwarded", "for=1.2.3.4;x=\""), ("forwarded", "for=192.0.2.1")],
                "refused",
            ),
            (&[("forwarded", "for=\"a\\\"")], "refused"),
            (&[("forwarded", "for=1.2.3.4 x")], "refused"),
            (&[("forwarded", "for=\u{fc}")], "refused"),
            (&[("forwarded", ";;=,=;for")], "refused"),
            (&[("x-forwarded-for", "192.0.2.1")], "10.0.0.1:4000 http -"),
        ];
        for (headers, expected) in table {
            assert_eq!(&who("forwarded", PROXY, headers), expected, "{headers:?}");
        }
    }
}
