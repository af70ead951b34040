//! Our session on a real socket, read by a test from top to bottom: every wait drives it.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::io::ErrorKind;
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use hearth_mqtt::session::{
    ApplicationMessage, ClosedReason, Event, PersistChange, PersistKey, PublishId, Session, SessionOptions,
    Subscription,
};
use hearth_mqtt::{
    Bytes, BytesMut, Frame, Framer, MonoTime, Packet, PacketType, ProtocolVersion, Qos, ReasonCode, Role,
    SubscriptionOptions, TopicFilter, TopicName,
};
use tungstenite::client::{ClientRequestBuilder, client};
use tungstenite::{Message, WebSocket};

/// How long anything may take when brokers start beside the tests on two cores.
const PATIENCE: Duration = Duration::from_secs(60);
/// After such a silence nothing more is expected.
const A_WHILE: Duration = Duration::from_secs(6);
/// How long a broker may take to hang up after DISCONNECT.
const GOODBYE: Duration = Duration::from_secs(5);
/// How long one look for bytes waits.
const LOOK: Duration = Duration::from_millis(10);

/// What is done with packets of some types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trap {
    /// The network breaks before such a packet leaves.
    CutBeforeSending(PacketType),
    /// The network breaks before such a packet is read.
    CutBeforeReading(PacketType),
    /// Acknowledgements of messages do not leave until they are released.
    HoldAcknowledgements,
}

/// A session, its socket, and a record of what passed.
pub(crate) struct Client {
    pub(crate) session: Session,
    url: String,
    own_topics: String,
    socket: Option<WebSocket<TcpStream>>,
    zero: Instant,
    events: VecDeque<Event>,
    stored: BTreeMap<PersistKey, Bytes>,
    trap: Option<Trap>,
    held: Vec<Bytes>,
    /// PINGREQ does not leave, and nobody gives up on the server.
    pub(crate) silent: bool,
    outgoing: Framer,
    incoming: Framer,
    /// Packets that left on all connections.
    pub(crate) sent: Vec<Packet>,
    /// Packets that came on all connections.
    pub(crate) received: Vec<Packet>,
    /// Messages with topics of other cases: nobody here asked for them.
    pub(crate) strays: Vec<ApplicationMessage>,
}

/// What CONNACK said.
#[derive(Debug)]
pub(crate) struct Connected {
    pub(crate) session_present: bool,
    pub(crate) version: ProtocolVersion,
    pub(crate) assigned_client_id: Option<Box<str>>,
    pub(crate) server_keep_alive: Option<u16>,
}

impl Client {
    pub(crate) fn new(url: &str, own_topics: String, options: SessionOptions) -> Self {
        Self {
            session: Session::new(options),
            url: url.to_owned(),
            own_topics,
            socket: None,
            zero: Instant::now(),
            events: VecDeque::new(),
            stored: BTreeMap::new(),
            trap: None,
            held: Vec::new(),
            silent: false,
            outgoing: Framer::new(u32::MAX),
            incoming: Framer::new(u32::MAX),
            sent: Vec::new(),
            received: Vec::new(),
            strays: Vec::new(),
        }
    }

    pub(crate) fn now(&self) -> MonoTime {
        MonoTime::from_ms(u64::try_from(self.zero.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    // The connection.

    /// Opens the WebSocket; CONNECT leaves with the next wait.
    pub(crate) fn open(&mut self) -> Result<()> {
        let uri: tungstenite::http::Uri = self.url.parse()?;
        let address = uri.authority().context("no host")?.as_str().to_owned();
        let stream = TcpStream::connect(&address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let request = ClientRequestBuilder::new(uri)
            .with_sub_protocol("mqtt")
            // The bridge lets only browsers in.
            .with_header("Origin", format!("http://{address}"));
        let (socket, _) = client(request, stream)
            .map_err(|error| anyhow::anyhow!("WebSocket handshake with {}: {error}", self.url))?;
        socket.get_ref().set_read_timeout(Some(LOOK))?;
        (self.outgoing, self.incoming) = (Framer::new(u32::MAX), Framer::new(u32::MAX));
        self.socket = Some(socket);
        self.session.handle_opened(self.now());
        Ok(())
    }

    /// Opens the WebSocket, and waits for CONNACK.
    pub(crate) fn connect(&mut self) -> Result<Connected> {
        self.open()?;
        self.wait("CONNACK", |event| match event {
            Event::Connected {
                session_present,
                version,
                assigned_client_id,
                server_keep_alive,
                ..
            } => Some(Connected {
                session_present: *session_present,
                version: *version,
                assigned_client_id: assigned_client_id.clone(),
                server_keep_alive: *server_keep_alive,
            }),
            _ => None,
        })
    }

    /// The network breaks: nobody says goodbye.
    pub(crate) fn cut(&mut self) {
        if let Some(socket) = self.socket.take() {
            let _ = socket.get_ref().shutdown(Shutdown::Both);
        }
        self.held.clear();
        self.session.handle_closed(self.now());
        self.take_events();
        self.events.retain(|event| !matches!(event, Event::Closed(_)));
    }

    /// The program ended when the network broke: a new one goes on from what was stored.
    pub(crate) fn restart(&mut self) -> Result<()> {
        let stored = std::mem::take(&mut self.stored);
        self.session = Session::restore(self.session.options().clone(), stored.clone())?;
        self.stored = stored;
        Ok(())
    }

    /// DISCONNECT, and waits until the broker has closed.
    pub(crate) fn disconnect(&mut self) -> Result<()> {
        self.session.disconnect(self.now());
        self.finish()
    }

    /// Lets the last packets leave, and waits until the broker has closed.
    pub(crate) fn finish(&mut self) -> Result<()> {
        self.closed()?;
        if let Some(mut socket) = self.socket.take() {
            // Who connects anew before the broker has hung up takes a session over that is not at its end. RabbitMQ says
            // goodbye, and keeps its half of the TCP connection open for long.
            socket.get_ref().set_read_timeout(Some(GOODBYE))?;
            while matches!(socket.read(), Ok(said) if !said.is_close()) {}
            let _ = socket.get_ref().shutdown(Shutdown::Both);
        }
        Ok(())
    }

    /// Waits until the connection is over, and says why.
    pub(crate) fn closed(&mut self) -> Result<ClosedReason> {
        let reason = self.drive_until("the end of the connection", Self::closing)?;
        self.session.handle_closed(self.now());
        Ok(reason)
    }

    /// Why the connection is over, if it is within a while.
    pub(crate) fn closed_within(&mut self, time: Duration) -> Result<Option<ClosedReason>> {
        let until = Instant::now() + time;
        self.drive_until("a while", |client| match client.closing() {
            Some(reason) => Some(Some(reason)),
            None if Instant::now() > until => Some(None),
            None => None,
        })
    }

    // Driving.

    pub(crate) fn trap(&mut self, trap: Trap) {
        self.trap = Some(trap);
    }

    /// Waits until a trap has cut the connection.
    pub(crate) fn wait_for_cut(&mut self) -> Result<()> {
        self.drive_until("the packet at which the connection is cut", |client| {
            client.socket.is_none().then_some(())
        })
    }

    /// What was held leaves, and nothing is held any more.
    pub(crate) fn release(&mut self) {
        self.trap = None;
        for bytes in std::mem::take(&mut self.held) {
            self.write(bytes);
        }
    }

    /// Moves bytes, times and events once.
    fn turn(&mut self) -> Result<()> {
        self.flush()?;
        self.read()?;
        if !self.silent {
            let now = self.now();
            if self.session.poll_timeout().is_some_and(|at| at <= now) {
                self.session.handle_timeout(now);
            }
        }
        self.take_events();
        self.flush()
    }

    fn take_events(&mut self) {
        while let Some(event) = self.session.poll_event() {
            match event {
                Event::Message(message) if !message.topic.as_str().contains(&self.own_topics) => {
                    self.strays.push(message);
                }
                event => self.events.push_back(event),
            }
        }
    }

    /// Stores what a persistent session wants stored, before the packets that rely on it leave.
    fn store(&mut self) {
        while let Some(batch) = self.session.poll_persist() {
            for change in batch.changes {
                match change {
                    PersistChange::Put(key, bytes) => self.stored.insert(key, bytes),
                    PersistChange::Delete(key) => self.stored.remove(&key),
                };
            }
            self.session.handle_persisted(batch.token);
        }
    }

    fn flush(&mut self) -> Result<()> {
        self.take_events();
        self.store();
        while let Some(bytes) = self.session.poll_transmit() {
            let frames = frames(&mut self.outgoing, bytes.clone())?;
            if self.trap.is_none() && !self.silent {
                self.log(&frames, Role::Server);
                self.write(bytes);
                continue;
            }
            for frame in frames {
                match (frame.header.packet_type(), self.trap) {
                    (Some(PacketType::Pingreq), _) if self.silent => {}
                    (Some(PacketType::Puback | PacketType::Pubrec), Some(Trap::HoldAcknowledgements)) => {
                        self.held.push(whole(&frame));
                    }
                    (Some(found), Some(Trap::CutBeforeSending(wanted))) if found == wanted => {
                        self.trap = None;
                        self.cut();
                        return Ok(());
                    }
                    _ => {
                        self.log(std::slice::from_ref(&frame), Role::Server);
                        self.write(whole(&frame));
                    }
                }
            }
        }
        Ok(())
    }

    fn write(&mut self, bytes: Bytes) {
        if let Some(socket) = &mut self.socket {
            // A broker that has closed is noticed by reading, after what it still said.
            let _ = socket.send(Message::Binary(bytes));
        }
    }

    fn read(&mut self) -> Result<()> {
        let Some(socket) = &mut self.socket else {
            std::thread::sleep(LOOK);
            return Ok(());
        };
        match socket.read() {
            Ok(Message::Binary(bytes)) => self.take(bytes),
            Ok(Message::Text(text)) => bail!("the broker sent a text frame: {text}"),
            Ok(Message::Ping(_) | Message::Pong(_) | Message::Close(_) | Message::Frame(_)) => Ok(()),
            Err(tungstenite::Error::Io(error))
                if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
            {
                Ok(())
            }
            Err(_) => {
                self.socket = None;
                self.session.handle_closed(self.now());
                Ok(())
            }
        }
    }

    fn take(&mut self, bytes: Bytes) -> Result<()> {
        let frames = frames(&mut self.incoming, bytes.clone())?;
        let Some(Trap::CutBeforeReading(packet_type)) = self.trap else {
            self.session.handle_bytes(self.now(), bytes);
            self.log(&frames, Role::Client);
            return Ok(());
        };
        for frame in frames {
            if frame.header.packet_type() == Some(packet_type) {
                self.trap = None;
                self.cut();
                return Ok(());
            }
            self.session.handle_bytes(self.now(), whole(&frame));
            self.log(std::slice::from_ref(&frame), Role::Client);
        }
        Ok(())
    }

    fn log(&mut self, frames: &[Frame], receiver: Role) {
        let version = self.session.version();
        let record = match receiver {
            Role::Client => &mut self.received,
            Role::Server => &mut self.sent,
        };
        // What cannot be decoded is the session's to complain about.
        record.extend(
            frames
                .iter()
                .filter_map(|frame| Packet::decode(version, receiver, frame.clone()).ok()),
        );
    }

    /// Drives the session until `probe` answers.
    pub(crate) fn drive_until<T>(
        &mut self,
        what: &str,
        mut probe: impl FnMut(&mut Self) -> Option<T>,
    ) -> Result<T> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(answer) = probe(self) {
                return Ok(answer);
            }
            ensure!(
                Instant::now() < deadline,
                "waited {} s in vain for {what}; {:?}; events: {:?}",
                PATIENCE.as_secs(),
                self.session.state(),
                self.events
            );
            self.turn()?;
        }
    }

    /// Drives the session for a while: what is tested is an interval of the broker.
    pub(crate) fn pass_time(&mut self, time: Duration) -> Result<()> {
        let until = Instant::now() + time;
        self.drive_until("an interval to pass", |_| (Instant::now() >= until).then_some(()))
    }

    /// Takes an event that is there already.
    pub(crate) fn take_event<T>(&mut self, find: impl Fn(&Event) -> Option<T>) -> Option<T> {
        let (at, found) = self
            .events
            .iter()
            .enumerate()
            .find_map(|(at, event)| Some((at, find(event)?)))?;
        self.events.remove(at);
        Some(found)
    }

    /// Why the connection is over, if it is.
    pub(crate) fn closing(&mut self) -> Option<ClosedReason> {
        self.take_event(|event| match event {
            Event::Closed(reason) => Some(reason.clone()),
            _ => None,
        })
    }

    /// Waits for an event and takes it; others stay, in order. The end of the connection is an error.
    pub(crate) fn wait<T>(&mut self, what: &str, find: impl Fn(&Event) -> Option<T>) -> Result<T> {
        let found = self.wait_past_the_end(what, |event| match (find(event), event) {
            (Some(found), _) => Some(Ok(found)),
            (None, Event::Closed(reason)) => Some(Err(reason.clone())),
            (None, _) => None,
        })?;
        found.map_err(|reason| anyhow::Error::new(Ended(reason)).context(format!("while waiting for {what}")))
    }

    fn wait_past_the_end<T>(&mut self, what: &str, find: impl Fn(&Event) -> Option<T>) -> Result<T> {
        self.drive_until(what, |client| client.take_event(&find))
    }

    /// Waits until the broker has answered a PINGREQ: it has read all that was sent before.
    pub(crate) fn ping(&mut self) -> Result<()> {
        let answered = |client: &Self| count(&client.received, PacketType::Pingresp);
        let before = answered(self);
        if let Some(reason) = self.closing() {
            return Err(Ended(reason).into());
        }
        self.session.probe(self.now())?;
        let end = self.drive_until("PINGRESP", |client| match client.closing() {
            Some(reason) => Some(Err(Ended(reason))),
            None => (answered(client) > before).then_some(Ok(())),
        })?;
        Ok(end?)
    }

    // Messages.

    pub(crate) fn subscribe(&mut self, filter: &str, qos: Qos) -> Result<ReasonCode> {
        self.subscribe_as(filter, SubscriptionOptions::at_most(qos), None)
    }

    pub(crate) fn subscribe_as(
        &mut self,
        filter: &str,
        options: SubscriptionOptions,
        subscription_id: Option<u32>,
    ) -> Result<ReasonCode> {
        let mut subscription = Subscription::new(TopicFilter::parse(filter)?, options);
        subscription.subscription_id = subscription_id;
        let codes = self.subscribe_all(vec![subscription])?;
        codes.first().copied().context("no result")
    }

    pub(crate) fn subscribe_all(&mut self, subscriptions: Vec<Subscription>) -> Result<Vec<ReasonCode>> {
        let asked = self.session.subscribe(self.now(), subscriptions)?;
        self.wait("SUBACK", |event| match event {
            Event::Subscribed { id, results } if *id == asked => {
                Some(results.iter().map(|(_, code)| *code).collect())
            }
            _ => None,
        })
    }

    pub(crate) fn unsubscribe(&mut self, filter: &str) -> Result<ReasonCode> {
        let asked = self
            .session
            .unsubscribe(self.now(), vec![TopicFilter::parse(filter)?])?;
        self.wait("UNSUBACK", |event| match event {
            Event::Unsubscribed { id, results } if *id == asked => results.first().map(|(_, code)| *code),
            _ => None,
        })
    }

    /// Gives a message to the session; it leaves with the next wait.
    pub(crate) fn submit(&mut self, message: ApplicationMessage) -> Result<PublishId> {
        Ok(self.session.publish(self.now(), message)?)
    }

    /// Publishes a message, and waits until the broker has taken it.
    pub(crate) fn publish(&mut self, message: ApplicationMessage) -> Result<ReasonCode> {
        let id = self.submit(message)?;
        self.published(id)
    }

    /// Waits until the broker has taken a message.
    pub(crate) fn published(&mut self, wanted: PublishId) -> Result<ReasonCode> {
        let code = self.wait("the acknowledgement of a message", |event| match event {
            Event::Published { id, reason_code } if *id == wanted => Some(Ok(*reason_code)),
            Event::PublishFailed { id, reason } if *id == wanted => Some(Err(reason.to_string())),
            _ => None,
        })?;
        code.map_err(|reason| anyhow::anyhow!("the message failed: {reason}"))
    }

    /// Whether all messages so far are done, or nothing has happened for a while.
    pub(crate) fn all_published(&mut self) -> Result<bool> {
        let mut last = (Instant::now(), self.received.len());
        self.drive_until("acknowledgements", |client| {
            if client.received.len() > last.1 {
                last = (Instant::now(), client.received.len());
            }
            match client.session.queued_messages() {
                0 => Some(true),
                _ => (last.0.elapsed() > A_WHILE).then_some(false),
            }
        })
    }

    /// The next message.
    pub(crate) fn message(&mut self) -> Result<ApplicationMessage> {
        self.wait("a message", message_of)
    }

    /// The messages before the one whose payload is `last`, which is taken too.
    pub(crate) fn messages_before(&mut self, last: &str) -> Result<Vec<ApplicationMessage>> {
        let mut messages = Vec::new();
        loop {
            let message = self
                .message()
                .with_context(|| format!("`{last}` did not come; before it: {:?}", texts(&messages)))?;
            if message.payload == last.as_bytes() {
                return Ok(messages);
            }
            messages.push(message);
        }
    }

    /// The messages that come until there are so many different ones, or until none has come for a while.
    pub(crate) fn different_messages(&mut self, count: usize) -> Result<Vec<ApplicationMessage>> {
        let mut messages = Vec::new();
        let mut last = Instant::now();
        self.drive_until("messages", |client| {
            let new = client.messages();
            if !new.is_empty() {
                last = Instant::now();
            }
            messages.extend(new);
            let different: HashSet<_> = messages.iter().map(|it| (&it.topic, &it.payload)).collect();
            (different.len() >= count || last.elapsed() > A_WHILE).then_some(())
        })?;
        // What comes too often comes now.
        self.ping()?;
        messages.extend(self.messages());
        Ok(messages)
    }

    /// The messages that came so far.
    pub(crate) fn messages(&mut self) -> Vec<ApplicationMessage> {
        let messages = self.events.iter().filter_map(message_of).collect();
        self.events.retain(|event| !matches!(event, Event::Message(_)));
        messages
    }
}

/// The connection ended where it should have lasted.
#[derive(Debug, thiserror::Error)]
#[error("the connection ended: {0}")]
pub(crate) struct Ended(pub(crate) ClosedReason);

fn message_of(event: &Event) -> Option<ApplicationMessage> {
    match event {
        Event::Message(message) => Some(message.clone()),
        _ => None,
    }
}

/// How many packets of a type there are.
pub(crate) fn count(packets: &[Packet], packet_type: PacketType) -> usize {
    packets
        .iter()
        .filter(|packet| packet.packet_type() == packet_type)
        .count()
}

/// Payloads as text.
pub(crate) fn texts(messages: &[ApplicationMessage]) -> Vec<String> {
    messages
        .iter()
        .map(|message| String::from_utf8_lossy(&message.payload).into_owned())
        .collect()
}

/// A message from text.
pub(crate) fn message(topic: &str, payload: impl Into<Bytes>, qos: Qos) -> Result<ApplicationMessage> {
    Ok(ApplicationMessage::new(TopicName::parse(topic)?, payload).with_qos(qos))
}

fn frames(framer: &mut Framer, bytes: Bytes) -> Result<Vec<Frame>> {
    framer.push(bytes);
    let mut frames = Vec::new();
    while let Some(frame) = framer.poll_frame()? {
        frames.push(frame);
    }
    Ok(frames)
}

/// The bytes of a frame, fixed header included.
fn whole(frame: &Frame) -> Bytes {
    let mut bytes = BytesMut::with_capacity(frame.body.len() + 5);
    bytes.extend_from_slice(&[frame.header.first_byte]);
    let mut rest = frame.header.remaining_length;
    loop {
        let low = u8::try_from(rest % 128).unwrap_or_default();
        rest /= 128;
        let more = if rest > 0 { 0x80 } else { 0 };
        bytes.extend_from_slice(&[low | more]);
        if rest == 0 {
            break;
        }
    }
    bytes.extend_from_slice(&frame.body);
    bytes.freeze()
}
