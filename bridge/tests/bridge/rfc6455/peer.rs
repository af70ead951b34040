//! One end of a WebSocket, byte by byte, so that it can be wrong in any way; and a broker that sends back what it gets.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, BufReader, ReadHalf, WriteHalf},
    net::{TcpListener, TcpStream},
    time::{Duration, timeout},
};

use crate::fake_broker::CONNECT;

/// How long anything may take.
const DEADLINE: Duration = Duration::from_secs(60);

const MASK: [u8; 4] = [0x37, 0xFA, 0x21, 0x3D];

/// A frame as a browser sends it.
pub(super) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = head(first, payload.len());
    frame.extend(MASK);
    frame.extend(
        payload
            .iter()
            .zip(MASK.iter().cycle())
            .map(|(byte, key)| byte ^ key),
    );
    frame
}

/// Opcode, mask bit and length.
fn head(first: u8, len: usize) -> Vec<u8> {
    let mut head = vec![first];
    match len {
        0..=125 => head.push(0x80 | len as u8),
        126..=0xFFFF => {
            head.push(0x80 | 126);
            head.extend((len as u16).to_be_bytes());
        }
        _ => {
            head.push(0x80 | 127);
            head.extend((len as u64).to_be_bytes());
        }
    }
    head
}

/// Takes CONNECT of each connection, and sends everything after it back.
pub(super) async fn echo_broker() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut tcp, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut connect = vec![0; CONNECT.len()];
                tcp.read_exact(&mut connect).await?;
                let (mut read, mut write) = tcp.split();
                tokio::io::copy(&mut read, &mut write).await
            });
        }
    });
    address
}

/// What came back until the end of the stream.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Heard {
    pub(super) payload: Vec<u8>,
    pub(super) pongs: Vec<Vec<u8>>,
    /// The close frame: its code, if it has one.
    pub(super) close: Option<Option<u16>>,
    /// Did a rule for servers break?
    pub(super) fault: Option<String>,
}

/// Opens a WebSocket; `with` goes out together with the handshake.
pub(super) async fn open(bridge: SocketAddr, with: &[u8]) -> (Listening, WriteHalf<TcpStream>) {
    let tcp = TcpStream::connect(bridge).await.unwrap();
    tcp.set_nodelay(true).unwrap();
    let (read, mut write) = tokio::io::split(tcp);
    let mut request = format!(
        "GET /mqtt HTTP/1.1\r\nHost: {bridge}\r\nOrigin: http://{bridge}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n"
    )
    .into_bytes();
    request.extend_from_slice(&frame(0x82, CONNECT));
    request.extend_from_slice(with);
    write.write_all(&request).await.unwrap();
    let mut read = BufReader::new(read);
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        answer.push(timeout(DEADLINE, read.read_u8()).await.unwrap().unwrap());
    }
    assert!(
        answer.starts_with(b"HTTP/1.1 101"),
        "{}",
        String::from_utf8_lossy(&answer)
    );
    (Listening(read), write)
}

/// The reading end.
pub(super) struct Listening(BufReader<ReadHalf<TcpStream>>);

impl Listening {
    /// Everything until the stream ends, or until as much payload is there as is awaited.
    pub(super) async fn hear(&mut self, heard: &mut Heard, awaited: Option<usize>) {
        while awaited.is_none_or(|len| heard.payload.len() < len) && heard.fault.is_none() {
            match timeout(DEADLINE, self.frame()).await {
                Err(_) => heard.fault = Some("silence".into()),
                Ok(None) => return,
                Ok(Some((first, payload))) => heard.take(first, payload),
            }
        }
    }

    /// The next frame; nothing at the end of the stream.
    async fn frame(&mut self) -> Option<(u8, Result<Vec<u8>, String>)> {
        let first = self.0.read_u8().await.ok()?;
        let second = self.0.read_u8().await.ok()?;
        let (len, least) = match second {
            126 => (u64::from(self.0.read_u16().await.ok()?), 126),
            127 => (self.0.read_u64().await.ok()?, 0x1_0000),
            len => (u64::from(len), 0),
        };
        if second & 0x80 != 0 || len < least {
            return Some((first, Err(format!("length byte {second:#x} for {len} bytes"))));
        }
        let mut payload = vec![0; usize::try_from(len).unwrap()];
        self.0.read_exact(&mut payload).await.ok()?;
        Some((first, Ok(payload)))
    }
}

impl Heard {
    fn take(&mut self, first: u8, payload: Result<Vec<u8>, String>) {
        let payload = match payload {
            Ok(_) if self.close.is_some() => {
                return self.fault = Some("a frame after the close frame".into());
            }
            Ok(payload) => payload,
            Err(fault) => return self.fault = Some(fault),
        };
        match (first, payload.len()) {
            (0x82, 0) => self.fault = Some("an empty frame".into()),
            (0x82, _) => self.payload.extend_from_slice(&payload),
            (0x8A, ..=125) => self.pongs.push(payload),
            (0x88, 0) => self.close = Some(None),
            (0x88, 2..=125) if std::str::from_utf8(&payload[2..]).is_ok() => {
                self.close = Some(Some(u16::from_be_bytes([payload[0], payload[1]])));
            }
            _ => self.fault = Some(format!("frame {first:#x} with {} bytes", payload.len())),
        }
    }
}
