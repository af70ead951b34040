//! A client that costs as little as possible, so that the relay is what is measured: over WebSocket, or over TCP.

use std::{
    io::{self, Read, Write},
    net::TcpStream,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Duration,
};

use anyhow::{Context, Result, anyhow, ensure};

use crate::mqtt;

const READ_BYTES: usize = 64 * 1024;

/// A masking key that changes bytes: with zeros a relay might do less than for a browser.
const MASK: [u8; 4] = [0x37, 0xFA, 0x21, 0x3D];

/// How MQTT travels to a peer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    /// In WebSocket frames.
    WebSocket {
        /// What is offered.
        subprotocol: Option<&'static str>,
        /// Further lines of the handshake.
        headers: &'static str,
    },
    /// As it is.
    Tcp,
}

impl Transport {
    /// The bytes that carry these packets.
    pub(crate) fn wrap(self, packets: &[u8]) -> Vec<u8> {
        match self {
            Self::WebSocket { .. } => frame(packets),
            Self::Tcp => packets.to_vec(),
        }
    }
}

/// One open connection.
pub(crate) struct Connection {
    pub(crate) tcp: TcpStream,
    pub(crate) transport: Transport,
    /// What arrived and is not yet a whole frame.
    frames: Vec<u8>,
    /// Payload that is not yet a whole packet.
    payload: Vec<u8>,
    /// Frames that arrived; over TCP, reads.
    pub(crate) frame_count: u64,
}

impl Connection {
    /// Opens it, without a word of MQTT.
    pub(crate) fn open(port: u16, transport: Transport) -> Result<Self> {
        let mut tcp = TcpStream::connect(("127.0.0.1", port))?;
        tcp.set_nodelay(true)?;
        tcp.set_read_timeout(Some(Duration::from_secs(30)))?;
        if let Transport::WebSocket { subprotocol, headers } = transport {
            upgrade(&mut tcp, port, subprotocol, headers)?;
        }
        Ok(Self {
            tcp,
            transport,
            frames: Vec::new(),
            payload: Vec::new(),
            frame_count: 0,
        })
    }

    /// Opens it and connects an MQTT client.
    pub(crate) fn connect(port: u16, transport: Transport, client_id: &str) -> Result<Self> {
        let mut socket = Self::open(port, transport)?;
        socket.send(&mqtt::connect(client_id))?;
        let answer = socket.wait_for_packet()?;
        ensure!(answer == mqtt::CONNACK, "the broker refused: {answer:02x?}");
        Ok(socket)
    }

    /// Opens many at the same time: Mosquitto takes a tenth of a second for each.
    pub(crate) fn connect_many(
        count: usize,
        connect: impl Fn(usize) -> Result<Self> + Sync,
    ) -> Result<Vec<Self>> {
        const AT_A_TIME: usize = 128;
        let next = AtomicUsize::new(0);
        let one_after_another = || {
            let numbers = std::iter::from_fn(|| Some(next.fetch_add(1, Ordering::Relaxed)));
            numbers
                .take_while(|at| *at < count)
                .map(&connect)
                .collect::<Result<Vec<_>>>()
        };
        thread::scope(|scope| {
            let threads: Vec<_> = (0..count.min(AT_A_TIME))
                .map(|_| scope.spawn(one_after_another))
                .collect();
            let mut all = Vec::new();
            for thread in threads {
                all.extend(thread.join().map_err(|_| anyhow!("a client panicked"))??);
            }
            Ok(all)
        })
    }

    /// Subscribes to the topic of the load.
    pub(crate) fn subscribe(&mut self, qos: u8) -> Result<()> {
        self.send(&mqtt::subscribe(qos))?;
        let answer = self.wait_for_packet()?;
        ensure!(
            answer[0] == 0x90 && answer.last() == Some(&qos),
            "no subscription: {answer:02x?}"
        );
        Ok(())
    }

    /// Sends packets in one frame.
    pub(crate) fn send(&mut self, packets: &[u8]) -> io::Result<()> {
        self.tcp.write_all(&self.transport.wrap(packets))
    }

    fn wait_for_packet(&mut self) -> Result<Vec<u8>> {
        loop {
            let mut first = None;
            self.read(|packet| {
                first.get_or_insert_with(|| packet.to_vec());
            })?;
            if let Some(packet) = first {
                return Ok(packet);
            }
        }
    }

    /// Reads once and hands over the packets that are whole.
    pub(crate) fn read(&mut self, mut on_packet: impl FnMut(&[u8])) -> io::Result<()> {
        self.read_payload()?;
        let mut at = 0;
        while let Some(len) = mqtt::whole_len(&self.payload[at..]) {
            on_packet(&self.payload[at..at + len]);
            at += len;
        }
        self.payload.drain(..at);
        Ok(())
    }

    /// Reads once and throws away what came; says how many bytes of payload that were.
    pub(crate) fn skip(&mut self) -> io::Result<usize> {
        self.read_payload()?;
        let len = self.payload.len();
        self.payload.clear();
        Ok(len)
    }

    fn read_payload(&mut self) -> io::Result<()> {
        let mut room = [0; READ_BYTES];
        let read = self.tcp.read(&mut room)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if self.transport == Transport::Tcp {
            self.payload.extend_from_slice(&room[..read]);
            self.frame_count += 1;
            return Ok(());
        }
        self.frames.extend_from_slice(&room[..read]);
        let mut at = 0;
        while let Some((header, len)) = frame_len(&self.frames[at..]) {
            let payload = &self.frames[at + header..at + header + len];
            self.payload.extend_from_slice(payload);
            self.frame_count += 1;
            at += header + len;
        }
        self.frames.drain(..at);
        Ok(())
    }
}

/// The handshake of a browser.
fn upgrade(tcp: &mut TcpStream, port: u16, subprotocol: Option<&str>, headers: &str) -> Result<()> {
    let offer = subprotocol.map_or(String::new(), |name| {
        format!("Sec-WebSocket-Protocol: {name}\r\n")
    });
    let request = format!(
        "GET /mqtt HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: http://127.0.0.1:{port}\r\nConnection: Upgrade\r\n\
         Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{offer}{headers}\r\n"
    );
    tcp.write_all(request.as_bytes())?;
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        tcp.read_exact(&mut byte)
            .context("the handshake was not answered")?;
        head.push(byte[0]);
    }
    ensure!(
        head.starts_with(b"HTTP/1.1 101"),
        "no upgrade: {}",
        String::from_utf8_lossy(&head).lines().next().unwrap_or_default()
    );
    Ok(())
}

/// Bytes of header and payload of the frame at the beginning, once it is whole.
fn frame_len(bytes: &[u8]) -> Option<(usize, usize)> {
    let (header, len) = match *bytes {
        [_, 126, high, low, ..] => (4, usize::from(u16::from_be_bytes([high, low]))),
        [_, 127, a, b, c, d, e, f, g, h, ..] => (
            10,
            usize::try_from(u64::from_be_bytes([a, b, c, d, e, f, g, h])).ok()?,
        ),
        [_, len @ 0..126, ..] => (2, usize::from(len)),
        _ => return None,
    };
    (bytes.len() >= header + len).then_some((header, len))
}

/// A masked binary frame, as browsers send.
fn frame(payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x82];
    match payload.len() {
        short @ 0..126 => frame.push(0x80 | short as u8),
        long => {
            frame.push(0x80 | 126);
            frame.extend((long as u16).to_be_bytes());
        }
    }
    frame.extend(MASK);
    frame.extend(
        payload
            .iter()
            .zip(MASK.iter().cycle())
            .map(|(byte, mask)| byte ^ mask),
    );
    frame
}
