//! What a broker sends: a packet is judged by its beginning, and its payload passes as it comes.

use hearth_model::api::close;
use hearth_mqtt::{
    Auth, Bytes, BytesMut, Connack, Disconnect, FixedHeader, Frame, Packet, PacketId, PacketType, Properties,
    Property, ProtocolVersion, ReasonCode, Role, Rule, Suback,
};

use super::{
    Close, Gate, Refusal, Stage, ack,
    connect::Verdict,
    flow::{Flow, Passed},
    head::{Head, Integer, is, variable_byte_integer},
    suback,
};

/// Bytes that the beginning of a packet may have, when the browser's own limit is smaller: a topic and some properties.
const LEAST_HEAD_LIMIT: usize = 128 * 1024;

/// Where the stream from the broker stands.
#[derive(Debug)]
pub(super) enum Stream {
    /// At the beginning of a packet, of which this was held back: not enough to judge it.
    Head {
        held: Vec<u8>,
        /// With so many bytes it is looked at again, or judged. It only grows: whatever the browser says meanwhile, the packet ends
        /// where its head said.
        needed: usize,
    },
    /// Within a packet that was judged.
    Rest { remaining: usize, pass: bool },
}

impl Default for Stream {
    fn default() -> Self {
        Self::Head {
            held: Vec::new(),
            needed: 1,
        }
    }
}

impl Stream {
    /// As the browser sees it: may something else be said to it here?
    pub(super) fn is_between_packets(&self) -> bool {
        match self {
            Self::Head { .. } => true,
            Self::Rest { pass, .. } => !pass,
        }
    }

    /// Has everything that came been judged?
    pub(super) fn holds_nothing(&self) -> bool {
        match self {
            Self::Head { held, .. } => held.is_empty(),
            Self::Rest { pass, .. } => *pass,
        }
    }

    /// Behind the judged beginning of a packet: so many bytes of it have come.
    fn behind(seen: usize, total: usize, pass: bool) -> Self {
        match total.saturating_sub(seen) {
            0 => Self::default(),
            remaining => Self::Rest { remaining, pass },
        }
    }
}

/// How much of a packet must be there to judge it.
struct Look {
    header: FixedHeader,
    head_len: usize,
    /// Bytes from its beginning.
    needed: usize,
    total: usize,
}

/// The bytes are no MQTT, or more than may be held.
struct NotMqtt(&'static str);

impl Gate {
    /// Takes what the broker sent; what goes on to the browser comes out. After an error nothing more may be handed in.
    pub(crate) fn handle_broker(&mut self, bytes: &[u8]) -> (Passed, Result<(), Close>) {
        let mut flow = Flow::new(bytes);
        let result = self.read_broker(&mut flow);
        (flow.finish(), result)
    }

    fn read_broker(&mut self, flow: &mut Flow<'_>) -> Result<(), Close> {
        let mut at = 0;
        while let Some(rest) = flow.input.get(at..).filter(|rest| !rest.is_empty()) {
            at += match &mut self.stream {
                Stream::Rest { remaining, pass } => {
                    let taken = rest.len().min(*remaining);
                    if *pass {
                        flow.pass(at..at + taken);
                    }
                    *remaining -= taken;
                    if *remaining == 0 {
                        self.stream = Stream::default();
                    }
                    taken
                }
                Stream::Head { held, .. } if held.is_empty() => self.read_head(rest, at, flow)?,
                Stream::Head { .. } => self.hold_head(rest, flow)?,
            };
            if !self.for_browser.is_empty() && self.may_speak_to_browser() {
                flow.put(&self.for_browser.split());
            }
        }
        Ok(())
    }

    /// Judges the packet that begins here, or holds back what there is of it.
    fn read_head(&mut self, rest: &[u8], at: usize, flow: &mut Flow<'_>) -> Result<usize, Close> {
        let look = self.look(rest).map_err(|bad| self.broker_broken(bad.0))?;
        let needed = look.as_ref().map_or(rest.len() + 1, |look| look.needed);
        let (Some(look), Some(seen)) = (look, rest.get(..needed)) else {
            self.stream = Stream::Head {
                held: rest.to_vec(),
                needed,
            };
            return Ok(rest.len());
        };
        let verdict = self.judge_brokers(&look, seen)?;
        self.stream = Stream::behind(seen.len(), look.total, matches!(verdict, Verdict::Pass));
        match verdict {
            Verdict::Pass => flow.pass(at..at + seen.len()),
            Verdict::Instead(bytes) => flow.put(&bytes),
            Verdict::Swallow => {}
        }
        Ok(seen.len())
    }

    /// Takes what is needed to judge the held packet. Says how many bytes were taken.
    fn hold_head(&mut self, rest: &[u8], flow: &mut Flow<'_>) -> Result<usize, Close> {
        let Stream::Head { mut held, needed } = std::mem::take(&mut self.stream) else {
            return Ok(rest.len());
        };
        let taken = needed.saturating_sub(held.len()).min(rest.len());
        held.extend_from_slice(rest.get(..taken).unwrap_or_default());
        let look = self.look(&held).map_err(|bad| self.broker_broken(bad.0))?;
        let needed = needed.max(look.as_ref().map_or(held.len() + 1, |look| look.needed));
        let Some(look) = look.filter(|_| needed <= held.len()) else {
            self.stream = Stream::Head { held, needed };
            return Ok(taken);
        };
        let verdict = self.judge_brokers(&look, &held)?;
        self.stream = Stream::behind(held.len(), look.total, matches!(verdict, Verdict::Pass));
        match verdict {
            Verdict::Pass => flow.put(&held),
            Verdict::Instead(bytes) => flow.put(&bytes),
            Verdict::Swallow => {}
        }
        Ok(taken)
    }

    /// `None` when the fixed header is not whole; otherwise what is known by now, which can grow with more bytes.
    fn look(&self, bytes: &[u8]) -> Result<Option<Look>, NotMqtt> {
        let (header, head_len) = match Head::read(bytes) {
            Head::Incomplete => return Ok(None),
            Head::TooLong => return Err(NotMqtt("a Remaining Length of five bytes")),
            Head::Whole { header, len } => (header, len),
        };
        let total = head_len + header.remaining_length as usize;
        let needed = match header.packet_type() {
            None => return Err(NotMqtt("a packet of a type that does not exist")),
            Some(PacketType::Publish) if self.permissions.is_some() => {
                publish_head(self.version, header, head_len, bytes)?
            }
            Some(packet) if self.needs_whole(packet) => total,
            Some(_) => head_len,
        };
        if needed > total {
            return Err(NotMqtt("a PUBLISH that ends too early"));
        }
        if needed > self.max_packet_bytes.max(LEAST_HEAD_LIMIT) {
            return Err(NotMqtt("the beginning of a packet is too long"));
        }
        Ok(Some(Look {
            header,
            head_len,
            needed,
            total,
        }))
    }

    /// Which packets of the broker are looked at whole. Nothing that the browser says behind CONNECT may change it.
    fn needs_whole(&self, packet: PacketType) -> bool {
        match packet {
            PacketType::Connack | PacketType::Pingresp => true,
            PacketType::Auth => self.injects,
            PacketType::Disconnect => self.exchange.is_some(),
            PacketType::Suback => self.permissions.is_some(),
            PacketType::Pubrel => !self.dropped_ids.is_empty(),
            PacketType::Publish
            | PacketType::Connect
            | PacketType::Puback
            | PacketType::Pubrec
            | PacketType::Pubcomp
            | PacketType::Subscribe
            | PacketType::Unsubscribe
            | PacketType::Unsuback
            | PacketType::Pingreq => false,
        }
    }

    fn judge_brokers(&mut self, look: &Look, seen: &[u8]) -> Result<Verdict, Close> {
        let first = look.header.first_byte;
        if self.stage == Stage::AwaitingConnect {
            return Err(self.broker_broken("it speaks before it is spoken to"));
        }
        if self.stage == Stage::AwaitingConnack
            && !is(first, PacketType::Connack)
            && !is(first, PacketType::Auth)
        {
            // [MQTT5-3.2.0-1] [MQTT311-3.2.0-1]
            return Err(self.broker_broken("its first packet is not CONNACK"));
        }
        if is(first, PacketType::Publish) {
            if self.permissions.is_none() {
                return Ok(Verdict::Pass);
            }
            return self.judge_delivery(look, seen);
        }
        if look.needed < look.total {
            return Ok(Verdict::Pass);
        }
        match look.header.packet_type() {
            Some(packet) if self.needs_whole(packet) => {}
            Some(_) | None => return Ok(Verdict::Pass),
        }
        if self.stage == Stage::AwaitingConnack && self.version.is_v5() {
            let frame = Frame {
                header: look.header,
                body: Bytes::copy_from_slice(seen.get(look.head_len..).unwrap_or_default()),
            };
            // The broker does not know 5.0. A browser that hears it says so, or goes on in 3.1.1.
            if let Some(code) = Connack::older_refusal(&frame) {
                self.stage = Stage::Connected;
                self.note_refused_credentials(code);
                return Ok(Verdict::Pass);
            }
        }
        if is(first, PacketType::Suback) && !self.note_answered(seen.get(look.head_len..)) {
            return Ok(Verdict::Pass);
        }
        let packet = Packet::decode_exact(self.version, Role::Client, Bytes::copy_from_slice(seen));
        match packet {
            Ok(Packet::Connack(connack)) if self.stage == Stage::AwaitingConnack => {
                self.judge_connack(connack)
            }
            Ok(Packet::Auth(auth)) => self.judge_auth(&auth),
            Ok(Packet::Suback(suback)) => self.judge_suback(suback),
            Ok(Packet::Pubrel(pubrel)) => Ok(self.judge_pubrel(pubrel.packet_id)),
            Ok(Packet::Pingresp) => Ok(match self.keep_alive.is_for_browser() {
                true => Verdict::Pass,
                false => Verdict::Swallow,
            }),
            Ok(Packet::Disconnect(Disconnect { reason_code, .. })) => {
                self.note_refused_credentials(reason_code);
                Ok(Verdict::Pass)
            }
            Ok(_) => Err(self.broker_broken("a packet that may not stand here")),
            // Some brokers end a renewal so. Two bytes would say the same, and 3.15.2.1 allows them.
            Err(error)
                if error.rule() == Rule::AuthenticationMethodMissing
                    && seen.get(look.head_len) == Some(&ReasonCode::SUCCESS.0) =>
            {
                self.judge_auth(&Auth {
                    reason_code: ReasonCode::SUCCESS,
                    properties: Properties::new(),
                })
            }
            Err(_) => Err(self.broker_broken("a packet that cannot be read")),
        }
    }

    /// A message: may the user read it? A session at the broker can hold subscriptions of somebody else.
    fn judge_delivery(&mut self, look: &Look, seen: &[u8]) -> Result<Verdict, Close> {
        let Some(delivery) = Delivery::read(self.version, look, seen) else {
            return Err(self.broker_broken("a PUBLISH that cannot be read"));
        };
        let allowed = match (delivery.topic, delivery.alias) {
            ("", None) => return Err(self.broker_broken("a PUBLISH without a topic")),
            ("", Some(alias)) => match self.aliases_down.get(alias) {
                Some(allowed) => allowed,
                None => return Err(self.broker_broken("an unknown Topic Alias")),
            },
            (topic, alias) => {
                let allowed = self.may_receive(topic);
                if let Some(alias) = alias {
                    self.aliases_down.set(alias, allowed);
                }
                allowed
            }
        };
        let exactly_once = look.header.flags() >> 1 == 2;
        if allowed {
            if let Some(id) = delivery.packet_id {
                self.dropped_ids.remove(id.get());
            }
            return Ok(Verdict::Pass);
        }
        self.refusals.add(Refusal::Receive, || delivery.topic.to_owned());
        if let Some(id) = delivery.packet_id {
            // To the broker it is a message like any other, or it would come again and again.
            let answer = ack(id, ReasonCode::SUCCESS);
            if exactly_once {
                self.dropped_ids.insert(id.get());
                self.tell_broker(&Packet::Pubrec(answer));
            } else {
                self.tell_broker(&Packet::Puback(answer));
            }
        }
        Ok(Verdict::Swallow)
    }

    fn judge_pubrel(&mut self, id: PacketId) -> Verdict {
        if !self.dropped_ids.remove(id.get()) {
            return Verdict::Pass;
        }
        self.tell_broker(&Packet::Pubcomp(ack(id, ReasonCode::SUCCESS)));
        Verdict::Swallow
    }

    /// A SUBACK with this body makes its Packet Identifier free again. Says whether a part of what it answers was refused.
    fn note_answered(&mut self, body: Option<&[u8]>) -> bool {
        let id = match body {
            Some([high, low, ..]) => PacketId::new(u16::from_be_bytes([*high, *low])),
            Some(_) | None => None,
        };
        let Some(id) = id else {
            return false;
        };
        self.asked_ids.remove(id.get());
        self.partly_refused.contains(id)
    }

    fn judge_suback(&mut self, mut suback: Suback) -> Result<Verdict, Close> {
        let Some(allowed) = self.partly_refused.remove(suback.packet_id) else {
            return Ok(Verdict::Pass);
        };
        let refusal = match self.version {
            ProtocolVersion::V5 => ReasonCode::NOT_AUTHORIZED,
            ProtocolVersion::V311 => ReasonCode::UNSPECIFIED_ERROR,
        };
        suback.reason_codes = suback::complete(&allowed, &suback.reason_codes, refusal);
        let mut packet = Packet::Suback(suback);
        if packet.encoded_len(self.version) > self.browser_max_packet_bytes
            && let Packet::Suback(suback) = &mut packet
        {
            // Words for people are what can be left out.
            suback.properties = Properties::new();
        }
        let mut bytes = BytesMut::new();
        match packet.encode(self.version, &mut bytes) {
            Ok(()) => Ok(Verdict::Instead(bytes)),
            Err(_) => Err(self.broker_broken("a SUBACK that cannot be completed")),
        }
    }

    /// The bridge's own exchange: the browser sees nothing of it.
    fn judge_auth(&mut self, auth: &Auth) -> Result<Verdict, Close> {
        let Some(exchange) = &mut self.exchange else {
            return Err(self.broker_broken("AUTH where no method was named"));
        };
        if auth.reason_code == ReasonCode::SUCCESS {
            exchange.handle_success();
        } else {
            let Some(answer) = exchange.answer() else {
                return Err(self.broker_broken("it asks for more than the bridge's token"));
            };
            self.tell_broker(&answer);
        }
        self.authenticate_again();
        Ok(Verdict::Swallow)
    }

    fn broker_broken(&mut self, words: &'static str) -> Close {
        self.refusals.add(Refusal::Broker, || words.to_owned());
        Close::new(
            close::BROKER_LOST,
            format!("the broker does not keep to MQTT: {words}"),
        )
    }
}

/// Bytes until the properties of a PUBLISH are over, as far as that is known.
fn publish_head(
    version: ProtocolVersion,
    header: FixedHeader,
    head_len: usize,
    bytes: &[u8],
) -> Result<usize, NotMqtt> {
    let topic_at = head_len + 2;
    let Some([high, low]) = bytes.get(head_len..topic_at) else {
        return Ok(topic_at);
    };
    let id_len = if header.flags() & 0b110 == 0 { 0 } else { 2 };
    let length_at = topic_at + usize::from(u16::from_be_bytes([*high, *low])) + id_len;
    if !version.is_v5() {
        return Ok(length_at);
    }
    match variable_byte_integer(bytes.get(length_at..).unwrap_or_default()) {
        Integer::Whole { value, len } => Ok(length_at + len + value as usize),
        Integer::Incomplete => Ok((length_at + 1).max(bytes.len() + 1)),
        Integer::TooLong => Err(NotMqtt("a Property Length of five bytes")),
    }
}

/// What must be known of a message to judge it.
struct Delivery<'a> {
    topic: &'a str,
    packet_id: Option<PacketId>,
    alias: Option<u16>,
}

impl<'a> Delivery<'a> {
    fn read(version: ProtocolVersion, look: &Look, seen: &'a [u8]) -> Option<Self> {
        let (topic_len, rest) = seen.get(look.head_len..)?.split_first_chunk::<2>()?;
        let (topic, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*topic_len)))?;
        let topic = std::str::from_utf8(topic).ok()?;
        let (packet_id, rest) = match look.header.flags() >> 1 & 0b11 {
            0 => (None, rest),
            1 | 2 => {
                let (id, rest) = rest.split_first_chunk::<2>()?;
                (Some(PacketId::new(u16::from_be_bytes(*id))?), rest)
            }
            _ => return None,
        };
        let alias = match version {
            ProtocolVersion::V311 => None,
            ProtocolVersion::V5 => {
                let Integer::Whole { len, .. } = variable_byte_integer(rest) else {
                    return None;
                };
                Properties::read(rest.get(len..)?).find_map(|property| match property {
                    Property::TopicAlias(alias) => Some(alias),
                    _ => None,
                })
            }
        };
        Some(Self {
            topic,
            packet_id,
            alias,
        })
    }
}
