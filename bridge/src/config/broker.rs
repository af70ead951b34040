//! `[broker.ID]`: the brokers that browsers may reach, by id.

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr, SocketAddr},
};

use super::{
    CredentialsConfig, TlsConfig,
    dapr::Component,
    files::readable_file,
    reader::{FromText, Section, Source},
};

/// A broker's name in addresses: `/mqtt/{id}`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BrokerId(String);

impl BrokerId {
    /// The broker that runs inside the bridge.
    pub fn embedded() -> Self {
        Self("embedded".into())
    }

    /// The broker of the `AIO_…` variables.
    pub(super) fn aio() -> Self {
        Self("aio".into())
    }

    /// The broker of a Dapr component that has no name.
    pub(super) fn dapr() -> Self {
        Self("dapr".into())
    }

    /// The id as it stands in addresses.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for BrokerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromText for BrokerId {
    const EXPECTED: &'static str =
        "a broker id of 1 to 40 small letters, digits and hyphens, such as \"home\"";

    fn from_text(text: &str) -> Result<Self, String> {
        let fits = (1..=40).contains(&text.len())
            && text
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if fits {
            Ok(Self(text.into()))
        } else {
            Err("this is not a broker id".into())
        }
    }
}

/// A broker that the relay dials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokerConfig {
    /// The name in addresses.
    pub id: BrokerId,
    /// The name that people see. Default: the id.
    pub name: String,
    /// Where it listens.
    pub address: BrokerAddress,
    /// The path of its WebSocket listener, when the URL says `ws://` or `wss://`.
    pub websocket_path: Option<String>,
    /// TLS, when the URL says `mqtts://`, `ssl://` or `wss://`.
    pub tls: Option<TlsConfig>,
    /// What the bridge shows to the broker. Default: what the page sends is passed on.
    pub credentials: Option<CredentialsConfig>,
    /// Tells the broker each browser's address by the PROXY protocol. Default: no.
    pub proxy_protocol: Option<ProxyProtocol>,
}

/// A version of the PROXY protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyProtocol {
    /// A line of text.
    V1,
    /// Binary.
    V2,
}

impl FromText for ProxyProtocol {
    const EXPECTED: &'static str = "\"v1\" or \"v2\"";

    fn from_text(text: &str) -> Result<Self, String> {
        match text {
            "v1" => Ok(Self::V1),
            "v2" => Ok(Self::V2),
            _ => Err("this version of the PROXY protocol is not known".into()),
        }
    }
}

/// Host and port of a broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokerAddress {
    /// A name or an IP address, IPv6 without brackets.
    pub host: String,
    /// The TCP port.
    pub port: u16,
}

impl From<SocketAddr> for BrokerAddress {
    fn from(address: SocketAddr) -> Self {
        Self {
            host: address.ip().to_string(),
            port: address.port(),
        }
    }
}

impl fmt::Display for BrokerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

/// `mqtt://host:port`, `mqtts://host:port`, `ws://host:port/path` or `wss://host:port/path`.
pub(crate) struct BrokerUrl {
    pub(super) address: BrokerAddress,
    pub(super) websocket_path: Option<String>,
    pub(super) tls: bool,
}

impl FromText for BrokerUrl {
    const EXPECTED: &'static str = "a broker address such as \"mqtt://192.168.1.10:1883\", \"mqtts://broker.example:8883\" or \"ws://192.168.1.10:9001/mqtt\"";

    fn from_text(text: &str) -> Result<Self, String> {
        let (scheme, rest) = text.split_once("://").ok_or("the address has no scheme")?;
        let (websocket, tls, usual_port) = match scheme.to_ascii_lowercase().as_str() {
            "mqtt" | "tcp" => (false, false, 1883),
            "mqtts" | "ssl" => (false, true, 8883),
            "ws" => (true, false, 80),
            "wss" => (true, true, 443),
            _ => return Err(format!("the scheme {scheme}:// is not known")),
        };
        if rest.contains('@') {
            return Err(
                "user name and password do not belong into the address: they come from the page".into(),
            );
        }
        if rest.contains(['?', '#']) || rest.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err("a query, a fragment or blanks have no place in the address".into());
        }
        let (authority, path) = match rest.find('/') {
            Some(at) => rest.split_at(at),
            None => (rest, "/"),
        };
        if !websocket && path != "/" {
            return Err("only host and port may follow the scheme".into());
        }
        refuse_what_no_host_has(authority)?;
        let (host, port) = split_port(authority)?;
        if host.is_empty() {
            return Err("the address has no host".into());
        }
        Ok(Self {
            address: BrokerAddress {
                host: host.into(),
                port: port.unwrap_or(usual_port),
            },
            websocket_path: websocket.then(|| path.to_owned()),
            tls,
        })
    }
}

/// Most often it is a variable that nobody fills in, as in `mqtt://${MQTT_HOST}:1883`.
fn refuse_what_no_host_has(authority: &str) -> Result<(), String> {
    if authority.starts_with('[') {
        return Ok(());
    }
    match authority
        .chars()
        .find(|c| !c.is_alphanumeric() && !matches!(c, '-' | '.' | '_' | ':'))
    {
        Some(odd @ ('$' | '{' | '}' | '%' | '<' | '>')) => Err(format!(
            "no host has a {odd} in its name; variables are not filled in here"
        )),
        Some(odd) => Err(format!("no host has a {odd} in its name")),
        None => Ok(()),
    }
}

fn split_port(authority: &str) -> Result<(&str, Option<u16>), String> {
    if let Some(rest) = authority.strip_prefix('[') {
        let (host, rest) = rest
            .split_once(']')
            .ok_or("the bracket of the IPv6 address is not closed")?;
        // A link-local address says by which interface, as in [fe80::1%eth0]: the system's resolver knows their names.
        let (address, zone) = host.split_once('%').unwrap_or((host, "-"));
        if address.parse::<Ipv6Addr>().is_err() || zone.is_empty() {
            return Err("what stands in the brackets is not an IPv6 address".into());
        }
        return match rest.strip_prefix(':') {
            Some(port) => Ok((host, Some(parse_port(port)?))),
            None if rest.is_empty() => Ok((host, None)),
            None => Err("only a port may follow the bracket".into()),
        };
    }
    match authority.split_once(':') {
        Some((_, port)) if port.contains(':') => {
            Err("an IPv6 address needs brackets, such as [::1]:1883".into())
        }
        Some((host, port)) => Ok((host, Some(parse_port(port)?))),
        None => Ok((authority, None)),
    }
}

fn parse_port(text: &str) -> Result<u16, String> {
    text.parse()
        .ok()
        .filter(|port| *port != 0)
        .ok_or_else(|| "the port is not a number from 1 to 65535".to_owned())
}

impl BrokerConfig {
    /// Its address with scheme and path.
    pub fn url(&self) -> String {
        let (plain, secure) = match self.websocket_path {
            Some(_) => ("ws", "wss"),
            None => ("mqtt", "mqtts"),
        };
        let scheme = if self.tls.is_some() { secure } else { plain };
        let path = self.websocket_path.as_deref().unwrap_or_default();
        format!("{scheme}://{}{path}", self.address)
    }

    /// What lets whoever comes through the bridge into this broker as the bridge itself.
    pub(super) fn shows_own(&self) -> Option<&'static str> {
        let has_certificate = self.tls.as_ref().is_some_and(|tls| tls.cert.is_some());
        match (&self.credentials, has_certificate) {
            (Some(_), _) => Some("credentials"),
            (None, true) => Some("certificate"),
            (None, false) => None,
        }
    }

    /// Can the bridge's credentials be read on their way to the broker?
    pub(crate) fn shows_credentials_in_plain(&self) -> bool {
        let host = self.address.host.as_str();
        let is_here = host == "localhost"
            || host
                .parse::<IpAddr>()
                .is_ok_and(|address| address.to_canonical().is_loopback());
        self.credentials.is_some() && self.tls.is_none() && !is_here
    }

    /// Reads one `[broker.ID]`; nothing when a mistake was found.
    pub(crate) fn read<'s>(id: &str, section: Section<'s>, source: &'s Source<'s>) -> Option<Self> {
        let name = section.text::<String>("name");
        let proxy_protocol = section.text("proxy_protocol");
        let component = readable_file(&section, "dapr_component");
        let secrets_dir = section.text("dapr_secrets_dir");
        warn_of_secrets_for_nobody(&section);
        if let Some(file) = component {
            for key in ["url", "tls", "credentials"] {
                if section.is_set(key) {
                    let message = format!("the Dapr component says this already: {}", file.display());
                    section.mistake(key, message, format!("keep dapr_component or {key}"));
                }
            }
            section.finish();
            let id = BrokerId::from_text(id).ok()?;
            let broker = Component::read(source, &file, secrets_dir, Some((id, name)))?;
            return Some(Self {
                proxy_protocol,
                ..broker
            });
        }
        let name = name.unwrap_or_else(|| id.to_owned());
        let is_set = section.is_set("url");
        let url = section.text::<BrokerUrl>("url");
        if !is_set && !section.is_set("dapr_component") {
            let fix = format!("add url = \"mqtt://127.0.0.1:1883\" to [broker.{id}]");
            section.mistake("url", "a broker needs an address".into(), fix);
        }
        let tls_section = section.section("tls");
        let in_file = tls_section
            .is_in_file()
            .then(|| format!("the section [broker.{id}.tls]"));
        let tls = TlsConfig::read(tls_section);
        if let Some(url) = url.as_ref().filter(|url| !url.tls)
            && let Some(set) = in_file.or_else(|| source.variable_set_below(&section.key("tls")))
        {
            refuse_tls_without_use(&section, url, &set);
        }
        let credentials = CredentialsConfig::read(section.section("credentials"));
        section.finish();
        let url = url?;
        Some(Self {
            id: BrokerId::from_text(id).ok()?,
            name,
            tls: url.tls.then_some(tls),
            proxy_protocol,
            websocket_path: url.websocket_path,
            address: url.address,
            credentials,
        })
    }
}

/// Who sets this believes that the connection is protected by it.
fn refuse_tls_without_use(section: &Section<'_>, url: &BrokerUrl, set: &str) {
    let scheme = if url.websocket_path.is_some() {
        "wss"
    } else {
        "mqtts"
    };
    let message = format!("{set} is set, but the address does not ask for TLS");
    let fix = format!("write {scheme}://{} or remove {set}", url.address.host);
    section.mistake("url", message, fix);
}

/// The folder alone does nothing.
pub(super) fn warn_of_secrets_for_nobody(section: &Section<'_>) {
    if section.is_set("dapr_secrets_dir") && !section.is_set("dapr_component") {
        let message = "this has no effect without dapr_component".to_owned();
        let fix = "add dapr_component = \"…\", or remove it";
        section.warning("dapr_secrets_dir", message, fix.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<(&str, u16, bool, Option<&str>), &str>) {
        let found = BrokerUrl::from_text(text);
        let found = found.as_ref().map(|url| {
            let path = url.websocket_path.as_deref();
            (url.address.host.as_str(), url.address.port, url.tls, path)
        });
        match (found, expected) {
            (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{text}"),
            (Err(reason), Err(part)) => assert!(reason.contains(part), "{text}: {reason}"),
            (found, expected) => panic!("{text}: {found:?} instead of {expected:?}"),
        }
    }

    #[test]
    fn broker_addresses_are_read_or_refused_with_the_reason() {
        check("mqtt://home", Ok(("home", 1883, false, None)));
        check("tcp://home:1884/", Ok(("home", 1884, false, None)));
        check("MQTTS://home", Ok(("home", 8883, true, None)));
        check("mqtts://home", Ok(("home", 8883, true, None)));
        check("ssl://[::1]:18883", Ok(("::1", 18883, true, None)));
        check(
            "mqtt://[fe80::1%eth0]:1884",
            Ok(("fe80::1%eth0", 1884, false, None)),
        );
        check("mqtt://[fe80::1%]", Err("not an IPv6 address"));
        check("mqtt://[home%eth0]", Err("not an IPv6 address"));
        check("ws://home", Ok(("home", 80, false, Some("/"))));
        check("ws://home:9001/mqtt", Ok(("home", 9001, false, Some("/mqtt"))));
        check("wss://[::1]/a//b/", Ok(("::1", 443, true, Some("/a//b/"))));
        check("home:1883", Err("no scheme"));
        check("http://home", Err("http:// is not known"));
        check("mqtt://user:word@home", Err("do not belong"));
        check("wss://user:word@home/mqtt", Err("do not belong"));
        check("mqtt://home/path", Err("only host and port"));
        check("wss://home/mqtt?token=1", Err("a query"));
        check("ws://home/a b", Err("blanks"));
        check("ws://home/\r\nX: y", Err("blanks"));
        check("ws:///mqtt", Err("no host"));
        check("mqtt://home:0", Err("not a number"));
        check("mqtt://home:99999", Err("not a number"));
        check("mqtt://::1:1883", Err("needs brackets"));
        check("mqtt://[::1", Err("not closed"));
        check("mqtt://:1883", Err("no host"));
        check(
            "mqtt://münchen_2.example-a:1",
            Ok(("münchen_2.example-a", 1, false, None)),
        );
        check("mqtt://a,b", Err("no host has a , in its name"));
        check("mqtt://${MQTT_HOST}:1883", Err("variables are not filled in"));
        check("mqtt://{uuid}:1883", Err("variables are not filled in"));
        check("wss://${HOST:-a}/mqtt", Err("variables are not filled in"));
    }
}
