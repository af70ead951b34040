//! The address of a WebSocket, taken apart to explain what is wrong with it.

use std::fmt;

/// A `ws://` or `wss://` URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// `wss`.
    pub secure: bool,
    /// Name or number, IPv6 in brackets.
    pub host: String,
    /// As written; `None` means 80 or 443.
    pub port: Option<u16>,
    /// With the leading slash and the query.
    pub path: String,
}

/// Why a text is no [`Address`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressError {
    /// Not `ws://` or `wss://`.
    Scheme,
    /// No host name.
    Host,
    /// The port is not a number from 1 to 65535.
    Port,
    /// A user name or password stands before the host.
    Credentials,
    /// A `#` and what follows.
    Fragment,
    /// A blank or a control character.
    Character,
}

impl Address {
    /// Checks what can be checked before dialling.
    ///
    /// # Errors
    /// [`AddressError`] says what is wrong.
    pub fn parse(url: &str) -> Result<Self, AddressError> {
        let (scheme, rest) = url.split_once("://").ok_or(AddressError::Scheme)?;
        let secure = match scheme.to_ascii_lowercase().as_str() {
            "ws" => false,
            "wss" => true,
            _ => return Err(AddressError::Scheme),
        };
        if rest.contains('#') {
            return Err(AddressError::Fragment);
        }
        if rest.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err(AddressError::Character);
        }
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        if authority.contains('@') {
            return Err(AddressError::Credentials);
        }
        let (host, port) = split_port(authority)?;
        if host.is_empty() {
            return Err(AddressError::Host);
        }
        let path = if path.starts_with('/') {
            path.to_owned()
        } else {
            format!("/{path}")
        };
        Ok(Self {
            secure,
            host: host.to_owned(),
            port,
            path,
        })
    }

    /// The port that is dialled.
    #[must_use]
    pub fn port_number(&self) -> u16 {
        self.port.unwrap_or(if self.secure { 443 } else { 80 })
    }

    /// `host:port` as the user wrote it.
    #[must_use]
    pub fn authority(&self) -> String {
        match self.port {
            Some(port) => format!("{}:{port}", self.host),
            None => self.host.clone(),
        }
    }

    /// Whether the host is this machine: browsers let an https page open `ws://` to it.
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.host == "localhost"
            || self.host.ends_with(".localhost")
            || self.host.starts_with("127.")
            || self.host == "[::1]"
    }

    /// The same place as an HTTP address.
    #[must_use]
    pub fn http(&self) -> String {
        let scheme = if self.secure { "https" } else { "http" };
        format!("{scheme}://{}{}", self.authority(), self.path)
    }

    /// The same host with another path.
    #[must_use]
    pub fn with_path(&self, path: &str) -> Self {
        Self {
            path: path.to_owned(),
            ..self.clone()
        }
    }
}

fn split_port(authority: &str) -> Result<(&str, Option<u16>), AddressError> {
    let host_end = if authority.starts_with('[') {
        authority.find(']').ok_or(AddressError::Host)? + 1
    } else {
        authority.find(':').unwrap_or(authority.len())
    };
    let (host, port) = authority.split_at_checked(host_end).ok_or(AddressError::Host)?;
    match port.strip_prefix(':') {
        None if port.is_empty() => Ok((host, None)),
        None => Err(AddressError::Host),
        Some(digits) => match digits.parse() {
            Ok(0) | Err(_) => Err(AddressError::Port),
            Ok(port) => Ok((host, Some(port))),
        },
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.secure { "wss" } else { "ws" };
        write!(f, "{scheme}://{}{}", self.authority(), self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_is_found() {
        let address = Address::parse("WSS://[fe80::1]:8084/mqtt?a=b").unwrap();
        assert_eq!(
            (address.secure, address.host.as_str(), address.port),
            (true, "[fe80::1]", Some(8084))
        );
        assert_eq!(address.to_string(), "wss://[fe80::1]:8084/mqtt?a=b");
        assert_eq!(address.http(), "https://[fe80::1]:8084/mqtt?a=b");
    }

    #[test]
    fn an_empty_path_is_the_root() {
        assert_eq!(Address::parse("ws://broker").unwrap().to_string(), "ws://broker/");
        assert_eq!(Address::parse("ws://broker?x").unwrap().path, "/?x");
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (url, error) in [
            ("broker:9001", AddressError::Scheme),
            ("mqtt://broker", AddressError::Scheme),
            ("ws://", AddressError::Host),
            ("ws://:9001/", AddressError::Host),
            ("ws://[::1/", AddressError::Host),
            ("ws://h:0/", AddressError::Port),
            ("ws://h:65536/", AddressError::Port),
            ("ws://h:x/", AddressError::Port),
            ("ws://u:p@h/", AddressError::Credentials),
            ("ws://h/#a", AddressError::Fragment),
            ("ws://h h/", AddressError::Character),
        ] {
            assert_eq!(Address::parse(url), Err(error), "{url}");
        }
    }
}
