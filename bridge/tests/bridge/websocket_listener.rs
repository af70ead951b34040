//! A broker's WebSocket listener, byte by byte: what real ones do not do.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::fake_broker::{self, FakeBroker};

/// The broker's side of an open WebSocket.
pub(crate) struct Socket {
    pub(crate) tcp: TcpStream,
    /// What the bridge asked with.
    pub(crate) request: String,
}

/// Takes a handshake and agrees.
pub(crate) async fn accept(broker: &FakeBroker) -> Socket {
    let (tcp, request) = asked(broker).await;
    agree(tcp, request, "Sec-WebSocket-Protocol: mqtt\r\n").await
}

/// Agrees in these words.
pub(crate) async fn agree(mut tcp: TcpStream, request: String, more: &str) -> Socket {
    let key = header(&request, "Sec-WebSocket-Key").unwrap();
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {}\r\n{more}\r\n",
        derive_accept_key(key.as_bytes())
    );
    fake_broker::write(&mut tcp, answer.as_bytes()).await;
    Socket { tcp, request }
}

/// Takes a handshake.
pub(crate) async fn asked(broker: &FakeBroker) -> (TcpStream, String) {
    let mut tcp = broker.accept().await;
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        request.push(tcp.read_u8().await.unwrap());
    }
    (tcp, String::from_utf8(request).unwrap())
}

pub(crate) fn header<'r>(request: &'r str, name: &str) -> Option<&'r str> {
    let mut lines = request.lines().filter_map(|line| line.split_once(": "));
    Some(lines.find(|(found, _)| found.eq_ignore_ascii_case(name))?.1)
}

impl Socket {
    /// The next frame of the bridge, unmasked: its first byte and its payload.
    pub(crate) async fn frame(&mut self) -> (u8, Vec<u8>) {
        let first = self.tcp.read_u8().await.unwrap();
        let second = self.tcp.read_u8().await.unwrap();
        assert!(second & 0x80 != 0, "the bridge must mask");
        let len = match second & 0x7F {
            126 => usize::from(self.tcp.read_u16().await.unwrap()),
            127 => usize::try_from(self.tcp.read_u64().await.unwrap()).unwrap(),
            len => usize::from(len),
        };
        let mask = fake_broker::read(&mut self.tcp, 4).await;
        let mut payload = fake_broker::read(&mut self.tcp, len).await;
        for (byte, key) in payload.iter_mut().zip(mask.iter().cycle()) {
            *byte ^= key;
        }
        (first, payload)
    }

    /// The next frame, which must be a whole binary message.
    pub(crate) async fn binary(&mut self) -> Vec<u8> {
        let (first, payload) = self.frame().await;
        assert_eq!(first, 0x82, "{payload:02x?}");
        assert!(!payload.is_empty(), "an empty frame");
        payload
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        fake_broker::write(&mut self.tcp, bytes).await;
    }

    /// Waits until the bridge has ended the connection.
    pub(crate) async fn ended(&mut self) {
        let mut rest = [0; 1024];
        while self.tcp.read(&mut rest).await.is_ok_and(|len| len > 0) {}
        let _gone = self.tcp.shutdown().await;
    }
}

/// A frame as brokers send it.
pub(crate) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match payload.len() {
        short @ 0..126 => frame.push(short as u8),
        long @ 126..0x1_0000 => {
            frame.push(126);
            frame.extend((long as u16).to_be_bytes());
        }
        long => {
            frame.push(127);
            frame.extend((long as u64).to_be_bytes());
        }
    }
    frame.extend(payload);
    frame
}
