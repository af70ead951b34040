//! The plain kinds of text that settings are made of.

use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
};

use super::reader::FromText;

impl FromText for String {
    const EXPECTED: &'static str = "a text";

    fn from_text(text: &str) -> Result<Self, String> {
        Ok(text.to_owned())
    }
}

impl FromText for PathBuf {
    const EXPECTED: &'static str = "a path";

    fn from_text(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("the path is empty".into());
        }
        if is_text_of_a_file(text) {
            return Err("this is the text of a PEM file".into());
        }
        Ok(text.into())
    }
}

/// Somebody wrote what is in a file in place of its path. It may be a key.
pub(super) fn is_text_of_a_file(text: &str) -> bool {
    text.contains(['\n', '\r']) || text.contains("-----BEGIN")
}

impl FromText for SocketAddr {
    const EXPECTED: &'static str = "an IP address and a port, such as \"127.0.0.1:9001\"";

    fn from_text(text: &str) -> Result<Self, String> {
        let text = match text.strip_prefix("localhost:") {
            Some(port) => format!("127.0.0.1:{port}"),
            None => text.to_owned(),
        };
        text.parse().map_err(|_| {
            let port = text.rsplit_once(':').map(|(host, port)| (host, port.parse::<u16>()));
            match (text.trim_matches(['[', ']']).parse::<IpAddr>(), port) {
                (Ok(IpAddr::V4(_)), _) => "the port is missing".to_owned(),
                (Ok(IpAddr::V6(_)), _) => {
                    "an IPv6 address has brackets, and a port behind them, such as [::1]:9001".to_owned()
                }
                (Err(_), Some(("" | "*", Ok(port)))) => {
                    format!("the address is missing; every one of this machine is [::]:{port}, or 0.0.0.0:{port} without IPv6")
                }
                (Err(_), _) => "this is not an address to listen on".to_owned(),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_to_listen_on_are_read_or_refused_with_the_way_they_are_written() {
        for text in ["127.0.0.1:0", "[::1]:9001", "[::]:80", "localhost:80"] {
            assert!(SocketAddr::from_text(text).is_ok(), "{text}");
        }
        for (text, part) in [
            ("127.0.0.1", "the port is missing"),
            ("::1:9001", "has brackets, and a port behind them"),
            ("[::1]", "has brackets, and a port behind them"),
            ("::", "has brackets, and a port behind them"),
            (":80", "every one of this machine is [::]:80, or 0.0.0.0:80"),
            ("*:80", "every one of this machine is [::]:80, or 0.0.0.0:80"),
            ("home:80", "not an address to listen on"),
        ] {
            let reason = SocketAddr::from_text(text).unwrap_err();
            assert!(reason.contains(part), "{text}: {reason}");
        }
    }

    #[test]
    fn the_text_of_a_file_is_no_path() {
        for text in ["-----BEGIN PRIVATE KEY-----", "one\ntwo", "one\r"] {
            let reason = PathBuf::from_text(text).unwrap_err();
            assert_eq!(reason, "this is the text of a PEM file", "{text:?}");
        }
        assert!(PathBuf::from_text("/etc/hearth/ca.pem").is_ok());
    }
}
