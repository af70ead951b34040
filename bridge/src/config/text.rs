//! The plain kinds of text that settings are made of.

use std::{net::SocketAddr, path::PathBuf};

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
            Err("the path is empty".into())
        } else {
            Ok(text.into())
        }
    }
}

impl FromText for SocketAddr {
    const EXPECTED: &'static str = "an IP address and a port, such as \"127.0.0.1:9001\"";

    fn from_text(text: &str) -> Result<Self, String> {
        let text = match text.strip_prefix("localhost:") {
            Some(port) => format!("127.0.0.1:{port}"),
            None => text.to_owned(),
        };
        text.parse().map_err(|_| match text.parse::<std::net::IpAddr>() {
            Ok(_) => "the port is missing".to_owned(),
            Err(_) => "this is not an address to listen on".to_owned(),
        })
    }
}
