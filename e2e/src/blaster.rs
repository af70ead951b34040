//! A WebSocket server that speaks just enough MQTT to be subscribed to, and then sends as fast as it is told.
//!
//! Written by hand, packets and frames alike: what loads the page shares no code with it.

use std::io::Write;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tungstenite::http::HeaderValue;
use tungstenite::protocol::Role;
use tungstenite::{Message, WebSocket};

/// Bytes of a coalesced WebSocket frame.
const COALESCED: usize = 16 * 1024;
/// Bytes that go to the socket at once: between them answers to PINGREQ get their turn.
const WRITE: usize = 64 * 1024;
/// How often a paced blast sends what is due.
const TICK: Duration = Duration::from_millis(1);
/// Sensors in each room of the topics.
const SENSORS: u32 = 100;
/// Sequence numbers start here, so that all are of one length.
const FIRST_NUMBER: u64 = 1_000_000_000;
/// The packet identifier of the last message.
const LAST: [u8; 2] = [0x0B, 0xAD];

/// The server.
pub struct Blaster {
    port: u16,
    subscribers: Receiver<Subscriber>,
}

/// How messages lie in WebSocket frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// Each in its own, as brokers send them.
    OnePerFrame,
    /// In frames of 16 KiB, as a relay that gathers sends them.
    Coalesced,
}

/// What is to be sent.
#[derive(Clone, Copy, Debug)]
pub struct Blast {
    /// How many messages.
    pub messages: u64,
    /// Over how many topics, in turn: `home/room{i}/sensor{j}/temperature`.
    pub topics: u32,
    /// Messages per second; `None`: as fast as they are taken.
    pub per_second: Option<u32>,
    /// How they lie in frames.
    pub framing: Framing,
    /// With the RETAIN flag.
    pub retain: bool,
}

/// A client that has subscribed.
pub struct Subscriber {
    out: Arc<Mutex<TcpStream>>,
    version: u8,
    acknowledged: Receiver<Instant>,
    pings: Arc<AtomicU64>,
    /// Messages sent so far: values go on where the last blast ended.
    sent: u64,
}

impl Blaster {
    /// Starts to listen; the server lives as long as the process.
    ///
    /// # Errors
    /// If there is no port.
    pub fn start() -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let (tell, subscribers) = mpsc::channel();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let tell = tell.clone();
                // A connection that breaks is what clients do.
                thread::spawn(move || serve(stream, &tell).ok());
            }
        });
        Ok(Self { port, subscribers })
    }

    /// The address of the listener.
    #[must_use]
    pub fn url(&self) -> String {
        format!("ws://127.0.0.1:{}/mqtt", self.port)
    }

    /// The next client that subscribes.
    ///
    /// # Errors
    /// If none comes.
    pub fn subscriber(&self, patience: Duration) -> Result<Subscriber> {
        self.subscribers
            .recv_timeout(patience)
            .context("no client has subscribed")
    }

    /// Whether another client subscribed since [`Self::subscriber`], such as one that had lost its connection.
    #[must_use]
    pub fn another_came(&self) -> bool {
        self.subscribers.try_recv().is_ok()
    }
}

impl Subscriber {
    /// Sends, and comes back when everything is in the hands of the system.
    ///
    /// # Errors
    /// If the client is gone.
    pub fn blast(&mut self, blast: &Blast) -> Result<Duration> {
        let templates: Vec<Template> = (0..blast.topics.max(1))
            .map(|topic| Template::new(self.version, topic, blast.retain))
            .collect();
        let mut turn = templates.iter().cycle();
        let (begun, mut done) = (Instant::now(), 0);
        let mut wire = Wire::new(blast.framing);
        while done < blast.messages {
            let due = match blast.per_second {
                Some(rate) => (begun.elapsed().as_secs_f64() * f64::from(rate)) as u64,
                None => u64::MAX,
            };
            while done < due.min(blast.messages) && wire.ready.len() < WRITE {
                if let Some(template) = turn.next() {
                    wire.push(|packets| template.write(packets, self.sent));
                }
                (done, self.sent) = (done + 1, self.sent + 1);
            }
            if done == blast.messages {
                wire.seal();
            }
            if wire.ready.is_empty() {
                thread::sleep(TICK);
                continue;
            }
            self.write(&wire.ready)?;
            wire.ready.clear();
        }
        Ok(begun.elapsed())
    }

    /// Sends these messages of QoS 0, gathered, as fast as they are taken.
    ///
    /// # Errors
    /// If the client is gone.
    pub fn send(&mut self, messages: &[(String, String)], retain: bool) -> Result<()> {
        let mut wire = Wire::new(Framing::Coalesced);
        for (topic, payload) in messages {
            let mut body = text(topic);
            if self.version == 5 {
                body.push(0);
            }
            body.extend_from_slice(payload.as_bytes());
            wire.push(|packets| packets.extend(packet(0x30 | u8::from(retain), &body)));
            if wire.ready.len() >= WRITE {
                self.write(&wire.ready)?;
                wire.ready.clear();
            }
        }
        wire.seal();
        self.write(&wire.ready)
    }

    /// Sends one message of QoS 1, and waits until the client has acknowledged it: then it has taken all before it too.
    ///
    /// # Errors
    /// If it does not.
    pub fn finish(&mut self, patience: Duration) -> Result<Instant> {
        let mut body = text("home/done");
        body.extend(LAST);
        if self.version == 5 {
            body.push(0);
        }
        body.extend(b"1");
        self.write(&frame(&packet(0x32, &body)))?;
        self.acknowledged
            .recv_timeout(patience)
            .context("the last message was not acknowledged")
    }

    /// PINGREQs that came.
    #[must_use]
    pub fn pings(&self) -> u64 {
        self.pings.load(Ordering::SeqCst)
    }

    fn write(&self, bytes: &[u8]) -> Result<()> {
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        out.write_all(bytes).context("the client is gone")
    }
}

/// The name of a topic of a blast.
#[must_use]
pub fn topic_name(number: u32) -> String {
    format!(
        "home/room{}/sensor{}/temperature",
        number / SENSORS,
        number % SENSORS
    )
}

/// Bytes of WebSocket frames, those of the frame that is being filled apart.
struct Wire {
    framing: Framing,
    ready: Vec<u8>,
    open: Vec<u8>,
}

impl Wire {
    fn new(framing: Framing) -> Self {
        Self {
            framing,
            ready: Vec::with_capacity(WRITE + COALESCED),
            open: Vec::with_capacity(COALESCED),
        }
    }

    fn push(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.open);
        // Messages are of one length but for their topics, so the next would hardly fit.
        if self.framing == Framing::OnePerFrame || self.open.len() + 128 > COALESCED {
            self.seal();
        }
    }

    fn seal(&mut self) {
        if !self.open.is_empty() {
            header(&mut self.ready, self.open.len());
            self.ready.append(&mut self.open);
        }
    }
}

/// The PUBLISH of one topic, whose number and value are written over.
struct Template {
    bytes: Vec<u8>,
    value_at: usize,
    number_at: usize,
}

impl Template {
    fn new(version: u8, topic: u32, retain: bool) -> Self {
        const BEFORE_VALUE: &str = r#"{"value":2"#;
        const BEFORE_NUMBER: &str = r#","unit":"C","seq":"#;
        let mut body = text(&topic_name(topic));
        if version == 5 {
            body.push(0);
        }
        let payload = format!("{BEFORE_VALUE}0.00{BEFORE_NUMBER}{FIRST_NUMBER}}}");
        let payload_len = payload.len();
        body.extend(payload.into_bytes());
        let bytes = packet(0x30 | u8::from(retain), &body);
        let payload_at = bytes.len() - payload_len;
        let value_at = payload_at + BEFORE_VALUE.len();
        Self {
            value_at,
            number_at: value_at + "0.00".len() + BEFORE_NUMBER.len(),
            bytes,
        }
    }

    fn write(&self, out: &mut Vec<u8>, number: u64) {
        let start = out.len();
        out.extend_from_slice(&self.bytes);
        // A slow wave with noise: neither constant nor wild.
        let value = number / 97 % 800 + number * 7 % 13;
        let digit = |power: u64| b'0' + (value / power % 10) as u8;
        let mut put = |place: usize, byte: u8| {
            if let Some(there) = out.get_mut(start + place) {
                *there = byte;
            }
        };
        for (place, byte) in [digit(100), b'.', digit(10), digit(1)].into_iter().enumerate() {
            put(self.value_at + place, byte);
        }
        let mut rest = FIRST_NUMBER + number;
        for place in (0..10).rev() {
            put(self.number_at + place, b'0' + (rest % 10) as u8);
            rest /= 10;
        }
    }
}

/// Shakes hands, answers what a client asks, and tells of its subscription.
fn serve(stream: TcpStream, tell: &Sender<Subscriber>) -> Result<()> {
    stream.set_nodelay(true)?;
    let out = stream.try_clone()?;
    #[expect(clippy::result_large_err, reason = "tungstenite asks for it")]
    let choose = |_: &Request, mut response: Response| -> Result<Response, ErrorResponse> {
        response
            .headers_mut()
            .insert("Sec-WebSocket-Protocol", HeaderValue::from_static("mqtt"));
        Ok(response)
    };
    let socket = tungstenite::accept_hdr(stream, choose)
        .ok()
        .context("no WebSocket handshake")?;
    // The client says nothing before the handshake is done, so nothing is left in tungstenite's buffer.
    let socket = WebSocket::from_raw_socket(socket.get_ref().try_clone()?, Role::Server, None);
    Client {
        out: Arc::new(Mutex::new(out)),
        version: 4,
        pings: Arc::default(),
        tell,
        acknowledge: None,
    }
    .serve(socket)
}

struct Client<'a> {
    out: Arc<Mutex<TcpStream>>,
    version: u8,
    pings: Arc<AtomicU64>,
    tell: &'a Sender<Subscriber>,
    acknowledge: Option<Sender<Instant>>,
}

impl Client<'_> {
    fn serve(mut self, mut socket: WebSocket<TcpStream>) -> Result<()> {
        let mut held = Vec::new();
        loop {
            let Message::Binary(bytes) = socket.read()? else {
                continue;
            };
            held.extend_from_slice(&bytes);
            while let Some((header, len)) = whole(&held) {
                let packet: Vec<u8> = held.drain(..len).collect();
                self.answer(&packet, header)?;
            }
        }
    }

    fn answer(&mut self, packet: &[u8], header: usize) -> Result<()> {
        let v5 = |version: u8| version == 5;
        let body = packet.get(header..).unwrap_or_default();
        let id = || {
            [
                body.first().copied().unwrap_or(0),
                body.get(1).copied().unwrap_or(1),
            ]
        };
        match packet.first().copied().unwrap_or(0) >> 4 {
            // CONNECT: the level stands behind the protocol's name.
            1 => {
                self.version = body.get(6).copied().unwrap_or(4);
                let properties: &[u8] = if v5(self.version) { &[0] } else { &[] };
                self.send(0x20, &[&[0, 0], properties].concat())
            }
            3 => match packet.first().copied().unwrap_or(0) & 6 {
                2 => {
                    let topic = usize::from(u16::from_be_bytes(id()));
                    let place = body.get(2 + topic..4 + topic).unwrap_or(&[0, 1]);
                    self.send(0x40, place)
                }
                _ => Ok(()),
            },
            4 if id() == LAST => {
                if let Some(acknowledge) = &self.acknowledge {
                    let _ = acknowledge.send(Instant::now());
                }
                Ok(())
            }
            8 => {
                let (properties, skipped): (&[u8], usize) = if v5(self.version) {
                    (&[0], 1 + usize::from(body.get(2).copied().unwrap_or(0)))
                } else {
                    (&[], 0)
                };
                let filters = filters(body.get(2 + skipped..).unwrap_or_default());
                self.send(0x90, &[&id(), properties, &vec![1; filters]].concat())?;
                self.tell_once();
                Ok(())
            }
            10 => self.send(
                0xB0,
                &[&id()[..], if v5(self.version) { &[0, 0] } else { &[] }].concat(),
            ),
            12 => {
                self.pings.fetch_add(1, Ordering::SeqCst);
                self.send(0xD0, &[])
            }
            _ => Ok(()),
        }
    }

    /// The first SUBSCRIBE makes a subscriber, further ones only get their answer.
    fn tell_once(&mut self) {
        if self.acknowledge.is_some() {
            return;
        }
        let (acknowledge, acknowledged) = mpsc::channel();
        self.acknowledge = Some(acknowledge);
        let _ = self.tell.send(Subscriber {
            out: Arc::clone(&self.out),
            version: self.version,
            acknowledged,
            pings: Arc::clone(&self.pings),
            sent: 0,
        });
    }

    fn send(&self, first: u8, body: &[u8]) -> Result<()> {
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(out.write_all(&frame(&packet(first, body)))?)
    }
}

/// How many filters a SUBSCRIBE has; behind each stands a byte of options.
fn filters(mut rest: &[u8]) -> usize {
    let mut count = 0;
    while let [high, low, behind @ ..] = rest {
        let len = usize::from(u16::from_be_bytes([*high, *low]));
        rest = behind.get(len + 1..).unwrap_or_default();
        count += 1;
    }
    count
}

/// Length of the fixed header and of the whole packet, once it is there.
fn whole(bytes: &[u8]) -> Option<(usize, usize)> {
    let (mut remaining, mut shift) = (0, 0);
    for (place, byte) in bytes.iter().enumerate().skip(1).take(4) {
        remaining |= usize::from(byte & 0x7F) << shift;
        shift += 7;
        if byte & 0x80 == 0 {
            let len = place + 1 + remaining;
            return (bytes.len() >= len).then_some((place + 1, len));
        }
    }
    None
}

fn text(text: &str) -> Vec<u8> {
    let len = u16::try_from(text.len()).unwrap_or(u16::MAX);
    [&len.to_be_bytes(), text.as_bytes()].concat()
}

fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let mut packet = vec![first];
    let mut rest = body.len();
    loop {
        let more = if rest > 0x7F { 0x80 } else { 0 };
        packet.push((rest & 0x7F) as u8 | more);
        rest >>= 7;
        if rest == 0 {
            break;
        }
    }
    packet.extend(body);
    packet
}

fn frame(payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    header(&mut frame, payload.len());
    frame.extend(payload);
    frame
}

/// The header of a binary WebSocket frame from a server.
fn header(out: &mut Vec<u8>, len: usize) {
    out.push(0x82);
    match u16::try_from(len) {
        Ok(short @ 0..126) => out.push(short as u8),
        Ok(medium) => {
            out.push(126);
            out.extend(medium.to_be_bytes());
        }
        Err(_) => {
            out.push(127);
            out.extend((len as u64).to_be_bytes());
        }
    }
}
