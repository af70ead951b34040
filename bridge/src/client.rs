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

/// The end of a connection, and what the headers of a request on it add.
pub(crate) fn client(
    access: &AccessConfig,
    peer: SocketAddr,
    scheme: WebScheme,
    headers: &HeaderMap,
) -> Client {
    let peer = SocketAddr::new(peer.ip().to_canonical(), peer.port());
    let direct = Client {
        address: peer,
        scheme,
        forwarded_host: None,
        through_proxy: false,
    };
    if !is_trusted(&access.trusted_proxies, peer.ip()) {
        return direct;
    }
    let direct = Client {
        through_proxy: true,
        ..direct
    };
    match access.proxy_headers {
        ProxyHeaders::XForwarded => x_forwarded(access, direct, headers),
        ProxyHeaders::Forwarded => forwarded(access, direct, headers),
    }
}

/// Is the address one of a trusted proxy?
pub(crate) fn is_trusted(proxies: &[Network], address: IpAddr) -> bool {
    proxies.iter().any(|network| network.contains(address))
}

fn x_forwarded(access: &AccessConfig, mut client: Client, headers: &HeaderMap) -> Client {
    for node in items(headers, &X_FORWARDED_FOR, ',').into_iter().rev() {
        let Some(address) = node_address(node) else { break };
        client.address = address;
        if !is_trusted(&access.trusted_proxies, address.ip()) {
            break;
        }
    }
    let proto = items(headers, &X_FORWARDED_PROTO, ',').pop();
    client.scheme = proto.and_then(scheme).unwrap_or(client.scheme);
    let host = items(headers, &X_FORWARDED_HOST, ',').pop();
    client.forwarded_host = host.map(str::to_owned);
    client
}

/// RFC 7239: each proxy adds one element.
fn forwarded(access: &AccessConfig, mut client: Client, headers: &HeaderMap) -> Client {
    for element in items(headers, &header::FORWARDED, ',').into_iter().rev() {
        let mut node = None;
        for pair in split_outside_quotes(element, ';') {
            let Some((name, value)) = pair.split_once('=') else {
                continue;
            };
            let value = unquoted(value.trim());
            match name.trim().to_ascii_lowercase().as_str() {
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
    client
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

/// Everything that a header lists, in order, over all its lines.
fn items<'h>(headers: &'h HeaderMap, name: &HeaderName, separator: char) -> Vec<&'h str> {
    // A line that is no text hides what it says: it stands as an item that is no address.
    let lines = headers.get_all(name).iter().map(HeaderValue::to_str);
    lines
        .flat_map(|line| split_outside_quotes(line.unwrap_or("?"), separator))
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

fn unquoted(text: &str) -> Cow<'_, str> {
    let Some(inner) = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
        return Cow::Borrowed(text);
    };
    if inner.contains('\\') {
        let mut escaped = false;
        let keep = |c: &char| {
            escaped = *c == '\\' && !escaped;
            !escaped
        };
        return Cow::Owned(inner.chars().filter(keep).collect());
    }
    Cow::Borrowed(inner)
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
            let found = client(&access, peer, WebScheme::Http, &headers);
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
            (&[("forwarded", "for=\"192.0.2.1")], "10.0.0.1:4000 http -"),
            (&[("forwarded", ";;=,=;for")], "10.0.0.1:4000 http -"),
            (&[("x-forwarded-for", "192.0.2.1")], "10.0.0.1:4000 http -"),
        ];
        for (headers, expected) in table {
            assert_eq!(&who("forwarded", PROXY, headers), expected, "{headers:?}");
        }
    }
}
