//! `[access]`: which hosts and origins are let in.

use std::{fmt, net::IpAddr};

use super::{
    network::Network,
    reader::{FromText, Section},
};

/// Who may talk to the bridge.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccessConfig {
    /// Names under which the bridge is reached, beside loopback names and (when it listens beyond loopback) IP addresses. Default: none.
    pub public_hosts: Vec<HostName>,
    /// Origins of pages that may open WebSockets, beside the bridge's own. Default: none.
    pub allowed_origins: Vec<WebOrigin>,
    /// Lets in clients that send no Origin at all: programs, not browsers. Default: no.
    pub allow_no_origin: bool,
    /// Starts with credentials of its own beyond loopback though nobody is asked who they are. Default: no.
    pub open_relay_with_own_credentials: bool,
    /// Reverse proxies whose words about the client are believed. Default: none.
    pub trusted_proxies: Vec<Network>,
    /// In which headers they say them. Default: `x-forwarded`.
    pub proxy_headers: ProxyHeaders,
}

/// The headers of trusted proxies. Only one family is read, because a proxy that writes the one passes the other on as the client wrote it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ProxyHeaders {
    /// `X-Forwarded-For`, `X-Forwarded-Proto`, `X-Forwarded-Host`.
    #[default]
    XForwarded,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

impl FromText for ProxyHeaders {
    const EXPECTED: &'static str = "\"x-forwarded\" or \"forwarded\"";

    fn from_text(text: &str) -> Result<Self, String> {
        match text {
            "x-forwarded" => Ok(Self::XForwarded),
            "forwarded" => Ok(Self::Forwarded),
            _ => Err("these headers are not known".into()),
        }
    }
}

impl AccessConfig {
    pub(crate) fn read(section: Section<'_>) -> Self {
        let config = Self {
            public_hosts: section.texts("public_hosts"),
            allowed_origins: section.texts("allowed_origins"),
            allow_no_origin: section.flag("allow_no_origin", false),
            open_relay_with_own_credentials: section.flag("open_relay_with_own_credentials", false),
            trusted_proxies: section.texts("trusted_proxies"),
            proxy_headers: section.text("proxy_headers").unwrap_or_default(),
        };
        if config.trusted_proxies.is_empty() && section.is_set("proxy_headers") {
            let message = "without trusted_proxies nobody's headers are read".to_owned();
            let fix = "name the proxy's addresses: trusted_proxies = [\"127.0.0.1\"]".to_owned();
            section.warning("proxy_headers", message, fix);
        }
        section.finish();
        config
    }
}

/// A host as browsers write it: a name in small letters or an IP address, without a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostName {
    /// An address; IPv6 without brackets.
    Address(IpAddr),
    /// A name in small letters.
    Name(String),
}

impl HostName {
    /// Does the name always mean this machine?
    pub fn is_loopback(&self) -> bool {
        match self {
            Self::Address(address) => address.to_canonical().is_loopback(),
            Self::Name(name) => name == "localhost" || name.ends_with(".localhost"),
        }
    }

    /// `host` or `host:port`, as in a Host header or behind the scheme of an origin.
    pub fn parse_authority(text: &str) -> Option<(Self, Option<u16>)> {
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (address, rest) = rest.split_once(']')?;
                let address: std::net::Ipv6Addr = address.parse().ok()?;
                (
                    Self::Address(IpAddr::V6(address)),
                    rest.strip_prefix(':').or(rest.is_empty().then_some(""))?,
                )
            }
            None => {
                let (host, port) = match text.split_once(':') {
                    Some((_, "")) => return None,
                    Some(parts) => parts,
                    None => (text, ""),
                };
                (Self::parse_name(host)?, port)
            }
        };
        if text.ends_with(':') {
            return None;
        }
        let port = match port {
            "" => None,
            // As browsers write it: without zeros in front.
            digits if digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0') => {
                Some(digits.parse().ok()?)
            }
            _ => return None,
        };
        Some((host, port))
    }

    fn parse_name(text: &str) -> Option<Self> {
        if let Ok(address) = text.parse::<std::net::Ipv4Addr>() {
            return Some(Self::Address(IpAddr::V4(address)));
        }
        let fits = (1..=253).contains(&text.len())
            && !text.starts_with('.')
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'));
        fits.then(|| Self::Name(text.to_ascii_lowercase()))
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
            Self::Address(IpAddr::V4(address)) => write!(f, "{address}"),
            Self::Name(name) => f.write_str(name),
        }
    }
}

impl FromText for HostName {
    const EXPECTED: &'static str = "a host name without scheme and port, such as \"hearth.example\"";

    fn from_text(text: &str) -> Result<Self, String> {
        match Self::parse_authority(text) {
            Some((host, None)) => Ok(host),
            Some((_, Some(_))) => Err("the port does not belong here".into()),
            None => Err("this is not a host name".into()),
        }
    }
}

/// The schemes that a page with WebSockets can come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WebScheme {
    /// `http://`
    Http,
    /// `https://`
    Https,
}

impl WebScheme {
    /// The port that is meant when none is written.
    pub fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

/// Scheme, host and port of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebOrigin {
    /// How the page was loaded.
    pub scheme: WebScheme,
    /// From where.
    pub host: HostName,
    /// The port, the scheme's default filled in.
    pub port: u16,
}

impl WebOrigin {
    /// Reads an Origin header; nothing when it is anything but scheme, host and port.
    pub fn parse(text: &str) -> Option<Self> {
        let (scheme, authority) = text.split_once("://")?;
        let scheme = match scheme {
            "http" => WebScheme::Http,
            "https" => WebScheme::Https,
            _ => return None,
        };
        let (host, port) = HostName::parse_authority(authority)?;
        Some(Self {
            scheme,
            host,
            port: port.unwrap_or_else(|| scheme.default_port()),
        })
    }
}

impl fmt::Display for WebOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.scheme {
            WebScheme::Http => "http",
            WebScheme::Https => "https",
        };
        write!(f, "{scheme}://{}", self.host)?;
        if self.port == self.scheme.default_port() {
            Ok(())
        } else {
            write!(f, ":{}", self.port)
        }
    }
}

impl FromText for WebOrigin {
    const EXPECTED: &'static str =
        "scheme, host and port of a page without a path, such as \"https://home.example:8443\"";

    fn from_text(text: &str) -> Result<Self, String> {
        match Self::parse(text) {
            Some(origin) => Ok(origin),
            None if text.contains('*') => Err("origins are compared exactly; there are no wildcards".into()),
            None => Err("this is not an origin".into()),
        }
    }
}
