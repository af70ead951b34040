//! The opening handshake of a WebSocket (RFC 6455, 4.2), for MQTT only: how a browser's is answered.

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Version, header};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use sha1::{Digest, Sha1};

/// What the key is answered with (RFC 6455, 1.3).
const MAGIC: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// The one subprotocol, compared exactly.
pub(crate) const SUBPROTOCOL: &str = "mqtt";

/// A handshake that is in order.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Handshake {
    /// The value of Sec-WebSocket-Accept.
    accept: String,
}

/// Why a request is no handshake for MQTT over WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HandshakeRefused {
    #[error("this address speaks MQTT over WebSocket; open it with a WebSocket client")]
    NotWebSocket,
    #[error("only version 13 of the WebSocket protocol is spoken here")]
    Version,
    #[error("Sec-WebSocket-Key must be 16 bytes in base64")]
    Key,
    #[error("no subprotocol was offered; ask for exactly \"mqtt\", as in new WebSocket(url, \"mqtt\")")]
    NoSubprotocol,
    #[error(
        "the subprotocol \"mqtt\" is not among those offered (MQTT 3.1's \"mqttv3.1\" is not spoken here)"
    )]
    OtherSubprotocol,
}

impl Handshake {
    pub(crate) fn read(
        method: &Method,
        version: Version,
        headers: &HeaderMap,
    ) -> Result<Self, HandshakeRefused> {
        let is_upgrade = method == Method::GET
            && version == Version::HTTP_11
            && tokens(headers, &header::CONNECTION).any(|token| token.eq_ignore_ascii_case("upgrade"))
            && tokens(headers, &header::UPGRADE).any(|token| token.eq_ignore_ascii_case("websocket"));
        if !is_upgrade {
            return Err(HandshakeRefused::NotWebSocket);
        }
        if headers
            .get(header::SEC_WEBSOCKET_VERSION)
            .is_none_or(|version| version != "13")
        {
            return Err(HandshakeRefused::Version);
        }
        let key = headers
            .get(header::SEC_WEBSOCKET_KEY)
            .map(HeaderValue::as_bytes)
            .ok_or(HandshakeRefused::Key)?;
        if BASE64.decode(key).ok().is_none_or(|key| key.len() != 16) {
            return Err(HandshakeRefused::Key);
        }
        if !headers.contains_key(header::SEC_WEBSOCKET_PROTOCOL) {
            return Err(HandshakeRefused::NoSubprotocol);
        }
        if !tokens(headers, &header::SEC_WEBSOCKET_PROTOCOL).any(|token| token == SUBPROTOCOL) {
            return Err(HandshakeRefused::OtherSubprotocol);
        }
        Ok(Self { accept: accept(key) })
    }

    /// The headers of the answer 101.
    pub(crate) fn headers(&self) -> Option<HeaderMap> {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(
            header::SEC_WEBSOCKET_PROTOCOL,
            HeaderValue::from_static(SUBPROTOCOL),
        );
        headers.insert(
            header::SEC_WEBSOCKET_ACCEPT,
            HeaderValue::from_str(&self.accept).ok()?,
        );
        Some(headers)
    }
}

/// What a key is answered with: the value of Sec-WebSocket-Accept.
pub(crate) fn accept(key: &[u8]) -> String {
    BASE64.encode(Sha1::new().chain_update(key).chain_update(MAGIC).finalize())
}

/// The words of a header that lists some.
fn tokens<'h>(headers: &'h HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'h str> {
    let values = headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(changes: &[(&'static str, Option<&'static str>)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("connection", "keep-alive, Upgrade"),
            ("upgrade", "websocket"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ("sec-websocket-protocol", "mqtt"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        for (name, value) in changes {
            match value {
                Some(value) => headers.insert(*name, HeaderValue::from_static(value)),
                None => headers.remove(*name),
            };
        }
        headers
    }

    fn read(changes: &[(&'static str, Option<&'static str>)]) -> Result<Handshake, HandshakeRefused> {
        Handshake::read(&Method::GET, Version::HTTP_11, &headers(changes))
    }

    #[test]
    fn the_key_of_the_standard_gets_the_answer_of_the_standard() {
        assert_eq!(read(&[]).unwrap().accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn mqtt_must_be_offered_and_may_be_one_of_several() {
        let offer = |offered| read(&[("sec-websocket-protocol", offered)]).map(|_| ());
        assert_eq!(offer(Some("mqttv3.1, mqtt")), Ok(()));
        assert_eq!(offer(None), Err(HandshakeRefused::NoSubprotocol));
        assert_eq!(offer(Some("mqttv3.1")), Err(HandshakeRefused::OtherSubprotocol));
        assert_eq!(offer(Some("MQTT")), Err(HandshakeRefused::OtherSubprotocol));
        assert_eq!(offer(Some("mqtt5")), Err(HandshakeRefused::OtherSubprotocol));
    }

    #[test]
    fn what_is_no_handshake_is_refused_with_the_reason() {
        assert_eq!(read(&[("upgrade", None)]), Err(HandshakeRefused::NotWebSocket));
        assert_eq!(
            read(&[("connection", Some("close"))]),
            Err(HandshakeRefused::NotWebSocket)
        );
        assert_eq!(
            read(&[("sec-websocket-version", Some("8"))]),
            Err(HandshakeRefused::Version)
        );
        assert_eq!(read(&[("sec-websocket-key", None)]), Err(HandshakeRefused::Key));
        assert_eq!(
            read(&[("sec-websocket-key", Some("c2hvcnQ="))]),
            Err(HandshakeRefused::Key)
        );
        let post = Handshake::read(&Method::POST, Version::HTTP_11, &headers(&[]));
        assert_eq!(post, Err(HandshakeRefused::NotWebSocket));
    }
}
