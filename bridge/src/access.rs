//! Who may talk to the bridge: the Host header against DNS rebinding, the Origin header against foreign pages.
//!
//! Pure functions over the headers. Everything is compared as parsed values and exactly; what cannot be parsed is refused.

use std::net::IpAddr;

use axum::http::{HeaderMap, HeaderValue, Uri, header};

use crate::config::{AccessConfig, HostName, WebOrigin, WebScheme};

/// The host by which the bridge was addressed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Host {
    name: HostName,
    port: Option<u16>,
}

impl Host {
    pub(crate) fn name(&self) -> &HostName {
        &self.name
    }
}

/// Why a request's host is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HostRefused {
    #[error("the request names no host, or more than one")]
    Unclear,
    #[error("{0} is not a name of this bridge; if it is, add it to public_hosts under [access]")]
    Foreign(HostName),
}

/// Why a page's origin is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum OriginRefused {
    #[error("no Origin was sent; programs that are no browsers need allow_no_origin under [access]")]
    Missing,
    #[error("the Origin cannot be read, or is not that of a page on the web")]
    Unclear,
    #[error("pages from {0} may not connect; if they should, add it to allowed_origins under [access]")]
    Foreign(WebOrigin),
}

/// Is the bridge meant by the host that the request names? `listen` is the address that the connection came in on.
pub(crate) fn check_host(
    access: &AccessConfig,
    listen: IpAddr,
    uri: &Uri,
    headers: &HeaderMap,
) -> Result<Host, HostRefused> {
    let text = single(headers, &header::HOST)
        .and_then(|value| value.to_str().ok())
        .ok_or(HostRefused::Unclear)?;
    if uri
        .authority()
        .is_some_and(|authority| authority.as_str() != text)
    {
        return Err(HostRefused::Unclear);
    }
    check_host_name(access, listen, text)
}

/// Is the bridge meant by this host? What a trusted proxy was asked for stands in no Host header.
pub(crate) fn check_host_name(
    access: &AccessConfig,
    listen: IpAddr,
    text: &str,
) -> Result<Host, HostRefused> {
    let (name, port) = HostName::parse_authority(text).ok_or(HostRefused::Unclear)?;
    let is_ours = name.is_loopback()
        || access.public_hosts.contains(&name)
        // A foreign page can make a name of its own point here, but not an address.
        || (!listen.to_canonical().is_loopback() && matches!(name, HostName::Address(_)));
    if is_ours {
        Ok(Host { name, port })
    } else {
        Err(HostRefused::Foreign(name))
    }
}

/// May a page of this origin open a WebSocket? `scheme` is how the bridge itself was reached.
pub(crate) fn check_origin(
    access: &AccessConfig,
    scheme: WebScheme,
    host: &Host,
    headers: &HeaderMap,
) -> Result<(), OriginRefused> {
    if !headers.contains_key(header::ORIGIN) {
        return if access.allow_no_origin {
            Ok(())
        } else {
            Err(OriginRefused::Missing)
        };
    }
    let text = single(headers, &header::ORIGIN).and_then(|value| value.to_str().ok());
    let origin = text.and_then(WebOrigin::parse).ok_or(OriginRefused::Unclear)?;
    let own = WebOrigin {
        scheme,
        host: host.name.clone(),
        port: host.port.unwrap_or_else(|| scheme.default_port()),
    };
    if origin == own || access.allowed_origins.contains(&origin) {
        Ok(())
    } else {
        Err(OriginRefused::Foreign(origin))
    }
}

/// May a form from this origin change anything here? Browsers always say where a form comes from, so no setting lets in one that does not.
pub(crate) fn check_origin_of_form(
    access: &AccessConfig,
    scheme: WebScheme,
    host: &Host,
    headers: &HeaderMap,
) -> Result<(), OriginRefused> {
    if !headers.contains_key(header::ORIGIN) {
        return Err(OriginRefused::Missing);
    }
    check_origin(access, scheme, host, headers)
}

/// The value of a header that may stand only once.
pub(crate) fn single<'h>(headers: &'h HeaderMap, name: &header::HeaderName) -> Option<&'h HeaderValue> {
    let mut values = headers.get_all(name).iter();
    values.next().filter(|_| values.next().is_none())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LOOPBACK: &str = "127.0.0.1";
    const EVERYWHERE: &str = "192.168.1.5";

    fn access() -> AccessConfig {
        AccessConfig {
            public_hosts: vec![HostName::Name("hearth.example".into())],
            allowed_origins: vec![
                WebOrigin::parse("https://app.example").unwrap(),
                WebOrigin::parse("http://dev.example:8080").unwrap(),
            ],
            allow_no_origin: false,
            ..AccessConfig::default()
        }
    }

    fn headers(name: &header::HeaderName, values: &[&str]) -> HeaderMap {
        values
            .iter()
            .map(|value| (name.clone(), HeaderValue::from_bytes(value.as_bytes()).unwrap()))
            .collect()
    }

    fn host(listen: &str, values: &[&str]) -> Result<Host, HostRefused> {
        check_host(
            &access(),
            listen.parse().unwrap(),
            &Uri::from_static("/mqtt"),
            &headers(&header::HOST, values),
        )
    }

    #[test]
    fn hosts_are_let_in_by_exact_name() {
        let foreign = |name: &str| Err(HostRefused::Foreign(HostName::parse_authority(name).unwrap().0));
        let table: &[(&str, &str, Result<(), HostRefused>)] = &[
            (LOOPBACK, "127.0.0.1:9001", Ok(())),
            (LOOPBACK, "localhost:9001", Ok(())),
            (LOOPBACK, "LOCALHOST", Ok(())),
            (LOOPBACK, "hearth.localhost:9001", Ok(())),
            (LOOPBACK, "[::1]:9001", Ok(())),
            (LOOPBACK, "hearth.example", Ok(())),
            (LOOPBACK, "Hearth.Example:443", Ok(())),
            (EVERYWHERE, "192.168.1.5:9001", Ok(())),
            (EVERYWHERE, "[2001:db8::1]:9001", Ok(())),
            (LOOPBACK, "192.168.1.5:9001", foreign("192.168.1.5")),
            (LOOPBACK, "evil.example:9001", foreign("evil.example")),
            (EVERYWHERE, "evil.example:9001", foreign("evil.example")),
            (
                LOOPBACK,
                "localhost.evil.example",
                foreign("localhost.evil.example"),
            ),
            (
                LOOPBACK,
                "127.0.0.1.evil.example",
                foreign("127.0.0.1.evil.example"),
            ),
            (LOOPBACK, "evillocalhost", foreign("evillocalhost")),
            (
                LOOPBACK,
                "hearth.example.evil.example",
                foreign("hearth.example.evil.example"),
            ),
            (LOOPBACK, "xhearth.example", foreign("xhearth.example")),
            (LOOPBACK, "0x7f.1", foreign("0x7f.1")),
            (LOOPBACK, "", Err(HostRefused::Unclear)),
            (LOOPBACK, "localhost:", Err(HostRefused::Unclear)),
            (LOOPBACK, "localhost:80:80", Err(HostRefused::Unclear)),
            (LOOPBACK, "localhost:99999", Err(HostRefused::Unclear)),
            (LOOPBACK, "localhost:+80", Err(HostRefused::Unclear)),
            (LOOPBACK, "user@localhost", Err(HostRefused::Unclear)),
            (LOOPBACK, "localhost/evil.example", Err(HostRefused::Unclear)),
            (LOOPBACK, "[::1", Err(HostRefused::Unclear)),
            (LOOPBACK, "[::1]evil", Err(HostRefused::Unclear)),
            (LOOPBACK, "löcalhost", Err(HostRefused::Unclear)),
        ];
        for (listen, name, expected) in table {
            assert_eq!(&host(listen, &[name]).map(|_| ()), expected, "{name} on {listen}");
        }
    }

    #[test]
    fn a_request_must_name_one_host_and_name_it_the_same_everywhere() {
        assert_eq!(host(LOOPBACK, &[]), Err(HostRefused::Unclear));
        assert_eq!(
            host(LOOPBACK, &["localhost", "localhost"]),
            Err(HostRefused::Unclear)
        );
        let listen = LOOPBACK.parse().unwrap();
        let headers = headers(&header::HOST, &["localhost"]);
        let foreign = Uri::from_static("http://evil.example/mqtt");
        assert_eq!(
            check_host(&access(), listen, &foreign, &headers),
            Err(HostRefused::Unclear)
        );
        assert!(
            check_host(
                &access(),
                listen,
                &Uri::from_static("http://localhost/mqtt"),
                &headers
            )
            .is_ok()
        );
    }

    #[test]
    fn origins_are_let_in_by_exact_scheme_host_and_port() {
        let foreign = |text: &str| Err(OriginRefused::Foreign(WebOrigin::parse(text).unwrap()));
        let unclear = || Err(OriginRefused::Unclear);
        let table: &[(&str, Result<(), OriginRefused>)] = &[
            ("http://localhost:9001", Ok(())),
            ("http://LocalHost:9001", Ok(())),
            ("https://app.example", Ok(())),
            ("https://app.example:443", Ok(())),
            ("http://dev.example:8080", Ok(())),
            // the scheme
            ("https://localhost:9001", foreign("https://localhost:9001")),
            ("http://app.example", foreign("http://app.example")),
            ("http://app.example:443", foreign("http://app.example:443")),
            ("ws://localhost:9001", unclear()),
            ("HTTP://localhost:9001", unclear()),
            ("file://", unclear()),
            ("chrome-extension://abcdef", unclear()),
            // the port
            ("http://localhost", foreign("http://localhost")),
            ("http://localhost:9002", foreign("http://localhost:9002")),
            ("http://localhost:90010", unclear()),
            ("http://localhost:900", foreign("http://localhost:900")),
            ("http://dev.example", foreign("http://dev.example")),
            ("http://localhost:", unclear()),
            // the host: prefix, suffix, other names of the same machine
            (
                "http://localhost.evil.example:9001",
                foreign("http://localhost.evil.example:9001"),
            ),
            (
                "http://evil-localhost:9001",
                foreign("http://evil-localhost:9001"),
            ),
            (
                "https://app.example.evil.example",
                foreign("https://app.example.evil.example"),
            ),
            ("https://evilapp.example", foreign("https://evilapp.example")),
            ("https://sub.app.example", foreign("https://sub.app.example")),
            ("https://app.example.", foreign("https://app.example.")),
            ("http://127.0.0.1:9001", foreign("http://127.0.0.1:9001")),
            // what is no origin at all must not fail open
            ("null", unclear()),
            ("", unclear()),
            ("*", unclear()),
            ("localhost:9001", unclear()),
            ("//localhost:9001", unclear()),
            ("http://localhost:9001/", unclear()),
            ("http://localhost:9001/path", unclear()),
            ("http://localhost:9001?x", unclear()),
            ("http://localhost:9001#x", unclear()),
            ("http://user@localhost:9001", unclear()),
            ("http://localhost:9001@evil.example", unclear()),
            ("http://localhost:9001 http://evil.example", unclear()),
            ("http://localhost:9001, http://evil.example", unclear()),
            ("http://lo\tcalhost:9001", unclear()),
            ("http://löcalhost:9001", unclear()),
        ];
        let host = host(LOOPBACK, &["localhost:9001"]).unwrap();
        for (origin, expected) in table {
            let found = check_origin(
                &access(),
                WebScheme::Http,
                &host,
                &headers(&header::ORIGIN, &[origin]),
            );
            assert_eq!(&found, expected, "{origin:?}");
        }
    }

    #[test]
    fn a_missing_origin_needs_the_setting_and_two_are_refused_even_then() {
        let host = host(LOOPBACK, &["localhost:9001"]).unwrap();
        let open = AccessConfig {
            allow_no_origin: true,
            ..access()
        };
        let check = |access: &AccessConfig, origins: &[&str]| {
            check_origin(access, WebScheme::Http, &host, &headers(&header::ORIGIN, origins))
        };
        assert_eq!(check(&access(), &[]), Err(OriginRefused::Missing));
        assert_eq!(check(&open, &[]), Ok(()));
        assert_eq!(check(&open, &["null"]), Err(OriginRefused::Unclear));
        assert_eq!(
            check(&open, &["http://localhost:9001", "http://localhost:9001"]),
            Err(OriginRefused::Unclear)
        );
        assert!(matches!(
            check(&open, &["http://evil.example"]),
            Err(OriginRefused::Foreign(_))
        ));
    }

    #[test]
    fn the_default_port_may_be_left_out_on_either_side() {
        let check = |scheme, host_text: &str, origin: &str| {
            let host = host(LOOPBACK, &[host_text]).unwrap();
            check_origin(&access(), scheme, &host, &headers(&header::ORIGIN, &[origin])).is_ok()
        };
        assert!(check(
            WebScheme::Http,
            "hearth.example",
            "http://hearth.example:80"
        ));
        assert!(check(
            WebScheme::Https,
            "hearth.example:443",
            "https://hearth.example"
        ));
        assert!(!check(
            WebScheme::Https,
            "hearth.example",
            "https://hearth.example:80"
        ));
    }

    proptest! {
        /// No text but the exact names is let in, and none panics.
        #[test]
        fn any_host_and_origin_is_judged(text in "[a-z0-9.:\\[\\]@/%#-]{0,40}|.{0,20}|(http|https|ws)://[a-z.]{0,12}(:[0-9]{0,6})?") {
            let mut headers = HeaderMap::new();
            if let Ok(value) = HeaderValue::from_bytes(text.as_bytes()) {
                headers.insert(header::HOST, value.clone());
                headers.insert(header::ORIGIN, value);
            }
            let access = access();
            if let Ok(host) = check_host(&access, LOOPBACK.parse().unwrap(), &Uri::from_static("/"), &headers) {
                let exact = host.name.is_loopback() || text.to_ascii_lowercase().split(':').next() == Some("hearth.example");
                prop_assert!(exact, "{}", text);
            }
            let own = Host { name: HostName::Name("hearth.example".into()), port: Some(9001) };
            if check_origin(&access, WebScheme::Http, &own, &headers).is_ok() {
                let allowed = ["http://hearth.example:9001", "https://app.example", "https://app.example:443", "http://dev.example:8080"];
                prop_assert!(allowed.contains(&text.to_ascii_lowercase().as_str()), "{}", text);
            }
        }
    }
}
