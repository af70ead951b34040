//! Reads MQTT between one browser and one broker where a policy asks for it, without I/O.
//!
//! Bytes go in by [`Gate::handle_browser`] and [`Gate::handle_broker`]; what may pass comes out for the other side, and what the gate
//! itself has to say waits in [`Gate::take_for_browser`] and [`Gate::take_for_broker`]. Towards the broker whole packets leave, so that
//! an AUTH of the gate's own fits between any two of them. Towards the browser a packet is judged by its beginning and its payload
//! passes as it arrives; what the gate has to say waits until the packet is over.
//!
//! What may not enter: sockets, clocks, and who is who. That is decided before.

mod auth_exchange;
mod connect;
mod flow;
mod from_broker;
mod from_browser;
mod head;
mod ids;
mod keep_alive;
mod refusal;
mod suback;

use std::sync::Arc;

use hearth_model::api::close;
use hearth_mqtt::{
    Ack, BytesMut, Connack, DecodeError, Disconnect, Packet, PacketId, Properties, ProtocolVersion,
    ReasonCode,
};

use self::{
    auth_exchange::AuthExchange,
    from_broker::Stream,
    ids::{IdSet, Verdicts},
    keep_alive::KeepAlive,
    refusal::Refusals,
    suback::PartlyRefused,
};
pub(crate) use self::{flow::Passed, refusal::Refusal};
use super::{
    client_ids::{Claim, ClientIdDesk},
    held::Share,
};
use crate::{
    auth::{Permissions, Who},
    credentials::Credentials,
    websocket::frame::Close,
};

/// What a gate enforces.
pub(crate) struct Rules {
    /// Bytes of the largest packet from the browser.
    pub(crate) max_packet_bytes: u32,
    /// Bytes of the largest SUBSCRIBE and UNSUBSCRIBE, where there are permissions.
    pub(crate) max_subscribe_bytes: u32,
    /// The user's name, when the bridge has users.
    pub(crate) user: Option<String>,
    /// What may be published, subscribed to and received.
    pub(crate) permissions: Option<Arc<Permissions>>,
    /// What CONNECT says to the broker instead of the browser's own words.
    pub(crate) credentials: Option<Credentials>,
    /// Where client ids are taken, when the bridge has users.
    pub(crate) client_ids: Option<ClientIdDesk>,
    /// Of what all gates together may hold.
    pub(crate) share: Share,
}

/// How far the MQTT connection has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    AwaitingConnect,
    AwaitingConnack,
    Connected,
}

/// Stands between one browser and one broker.
pub(crate) struct Gate {
    stage: Stage,
    version: ProtocolVersion,
    max_packet_bytes: usize,
    max_subscribe_bytes: usize,
    /// What the browser takes at most in one packet.
    browser_max_packet_bytes: usize,
    /// What the broker takes at most in one packet.
    broker_max_packet_bytes: usize,
    user: Option<String>,
    client_id: String,
    permissions: Option<Arc<Permissions>>,
    credentials: Option<Credentials>,
    /// The bridge signs in to the broker, not the browser.
    injects: bool,
    client_ids: Option<ClientIdDesk>,
    claim: Option<Claim>,
    exchange: Option<AuthExchange>,
    /// The beginning of a packet of the browser whose rest is still to come.
    held: Vec<u8>,
    /// How many packets were held so far until they were whole.
    completed: u64,
    share: Share,
    stream: Stream,
    /// May the topic that an alias stands for be published to?
    aliases_up: Verdicts,
    /// May the topic that an alias stands for be received?
    aliases_down: Verdicts,
    /// QoS 2 messages of the browser that were refused, and whose PUBREL is still to come: 3.1.1 cannot say no.
    refused_ids: IdSet,
    /// QoS 2 messages of the broker that were dropped, and whose PUBREL is still to come.
    dropped_ids: IdSet,
    /// SUBSCRIBEs that went to the broker, and whose SUBACK is still to come. Only with permissions.
    asked_ids: IdSet,
    partly_refused: PartlyRefused,
    /// The browser's last packet has gone to the broker: nothing follows it, neither of the browser nor of the gate.
    said_disconnect: bool,
    keep_alive: KeepAlive,
    for_browser: BytesMut,
    for_broker: BytesMut,
    refusals: Refusals,
}

impl Gate {
    /// A gate that waits for CONNECT.
    pub(crate) fn new(rules: Rules) -> Self {
        Self {
            stage: Stage::AwaitingConnect,
            version: ProtocolVersion::V5,
            max_packet_bytes: rules.max_packet_bytes as usize,
            max_subscribe_bytes: match rules.permissions {
                Some(_) => rules.max_subscribe_bytes as usize,
                None => usize::MAX,
            },
            browser_max_packet_bytes: usize::MAX,
            broker_max_packet_bytes: usize::MAX,
            user: rules.user,
            client_id: String::new(),
            permissions: rules.permissions,
            injects: rules.credentials.is_some(),
            credentials: rules.credentials,
            client_ids: rules.client_ids,
            claim: None,
            exchange: None,
            held: Vec::new(),
            completed: 0,
            share: rules.share,
            stream: Stream::default(),
            aliases_up: Verdicts::default(),
            aliases_down: Verdicts::default(),
            refused_ids: IdSet::default(),
            dropped_ids: IdSet::default(),
            asked_ids: IdSet::default(),
            partly_refused: PartlyRefused::default(),
            said_disconnect: false,
            keep_alive: KeepAlive::default(),
            for_browser: BytesMut::new(),
            for_broker: BytesMut::new(),
            refusals: Refusals::default(),
        }
    }

    /// Has CONNECT arrived whole, and was it let in?
    pub(crate) fn has_connected(&self) -> bool {
        self.stage != Stage::AwaitingConnect
    }

    /// Is there nothing more to look at? Then bytes may pass without the gate; the claim on the client id lives on.
    pub(crate) fn is_done(&self) -> bool {
        let awaits = match self.stage {
            Stage::AwaitingConnect => true,
            // Whether the broker takes the bridge's credentials, its operator wants to know; which client id it gives, the others.
            Stage::AwaitingConnack => self.injects || (self.client_ids.is_some() && self.claim.is_none()),
            Stage::Connected => false,
        };
        !awaits
            // What follows it must still be kept back.
            && !self.said_disconnect
            && self.permissions.is_none()
            && self.exchange.is_none()
            && self.held.is_empty()
            && self.stream.holds_nothing()
    }

    /// How far the browser is with a packet that it has begun, and which one that is: in steps so large that whoever sends a byte now
    /// and then makes none. `None` between packets.
    pub(crate) fn begun(&self) -> Option<(u64, usize)> {
        (!self.held.is_empty()).then_some((self.completed, self.held.len() / from_browser::STEP))
    }

    /// The claim on the client id, to be kept as long as the WebSocket lives.
    pub(crate) fn into_claim(self) -> Option<Claim> {
        self.claim
    }

    /// The credentials have changed: a live connection authenticates again, a later CONNECT uses the new ones.
    pub(crate) fn handle_credentials(&mut self, credentials: Credentials) {
        match (&mut self.exchange, credentials) {
            (Some(exchange), Credentials::Enhanced { data, .. }) => exchange.renew(data),
            (Some(_), Credentials::UserNamePassword { .. }) => {}
            (None, credentials) => self.credentials = Some(credentials),
        }
        self.authenticate_again();
    }

    /// What the gate has to say to the browser: whole packets, and only where a packet may begin.
    pub(crate) fn take_for_browser(&mut self) -> BytesMut {
        if self.may_speak_to_browser() {
            self.for_browser.split()
        } else {
            BytesMut::new()
        }
    }

    /// Bytes that wait until the broker's packet on its way to the browser is over.
    pub(crate) fn waiting_for_browser(&self) -> usize {
        self.for_browser.len()
    }

    /// What the gate has to say to the broker: whole packets.
    pub(crate) fn take_for_broker(&mut self) -> BytesMut {
        self.for_broker.split()
    }

    /// How often what was refused since the last call.
    pub(crate) fn take_refusals(&mut self) -> impl Iterator<Item = (Refusal, u64)> {
        self.refusals.take()
    }

    /// The first thing that was refused, once.
    pub(crate) fn take_first_refusal(&mut self) -> Option<(Refusal, String)> {
        self.refusals.take_first()
    }

    fn may_speak_to_browser(&self) -> bool {
        self.stage != Stage::AwaitingConnack && self.stream.is_between_packets()
    }

    fn who(&self) -> Who<'_> {
        Who {
            user_name: self.user.as_deref(),
            client_id: &self.client_id,
        }
    }

    fn may_publish(&self, topic: &str) -> bool {
        self.permissions
            .as_ref()
            .is_none_or(|permissions| permissions.may_publish(topic, self.who()))
    }

    fn may_subscribe(&self, filter: &str) -> bool {
        self.permissions
            .as_ref()
            .is_none_or(|permissions| permissions.may_subscribe(filter, self.who()))
    }

    fn may_receive(&self, topic: &str) -> bool {
        self.permissions
            .as_ref()
            .is_none_or(|permissions| permissions.may_receive(topic, self.who()))
    }

    /// Says something to the browser. Fails when the browser said that it takes no packets of this size.
    fn tell_browser(&mut self, packet: &Packet) -> Result<(), Close> {
        if packet.encoded_len(self.version) > self.browser_max_packet_bytes {
            // [MQTT5-3.1.2-24]
            return Err(self.give_up(
                ReasonCode::PACKET_TOO_LARGE,
                Refusal::TooLarge,
                Close::new(
                    close::MESSAGE_TOO_BIG,
                    "an answer is larger than your Maximum Packet Size",
                ),
            ));
        }
        packet
            .encode(self.version, &mut self.for_browser)
            .map_err(|error| Close::new(close::BAD_PACKET, error.to_string()))
    }

    /// Says something to the broker, unless it is more than the broker takes [MQTT5-3.2.2-15], or the browser said its last
    /// [MQTT5-3.14.4-1].
    fn tell_broker(&mut self, packet: &Packet) -> bool {
        !self.said_disconnect
            && packet.encoded_len(self.version) <= self.broker_max_packet_bytes
            && packet.encode(self.version, &mut self.for_broker).is_ok()
    }

    /// Ends the connection for a packet of the browser that cannot be read or may not stand here.
    fn bad_packet(&mut self, error: &DecodeError) -> Close {
        let words = format!("a packet that breaks MQTT: {error}");
        self.give_up(
            error.reason_code(),
            Refusal::BadPacket,
            Close::new(close::BAD_PACKET, words),
        )
    }

    fn protocol_error(&mut self, code: ReasonCode, words: &str) -> Close {
        self.give_up(code, Refusal::BadPacket, Close::new(close::BAD_PACKET, words))
    }

    fn too_large(&mut self, words: String) -> Close {
        self.give_up(
            ReasonCode::PACKET_TOO_LARGE,
            Refusal::TooLarge,
            Close::new(close::MESSAGE_TOO_BIG, words),
        )
    }

    fn no_room(&mut self) -> Close {
        self.held = Vec::new();
        self.give_up(
            ReasonCode::QUOTA_EXCEEDED,
            Refusal::NoRoom,
            Close::new(
                close::NO_ROOM,
                "the bridge holds as many bytes of unfinished packets as it may",
            ),
        )
    }

    /// The last words: CONNACK as long as there was none, DISCONNECT afterwards; none in the middle of a packet of the broker.
    fn give_up(&mut self, code: ReasonCode, refusal: Refusal, close: Close) -> Close {
        self.refusals.add(refusal, || close.reason.clone());
        if self.stage != Stage::Connected {
            return self.refuse_connect(code, close);
        }
        if !self.stream.is_between_packets() {
            self.for_browser.clear();
        } else if self.version.is_v5() {
            // In 3.1.1 only clients disconnect. Answers to what came before still go out.
            let disconnect = Packet::Disconnect(Disconnect::with_reason(code));
            let _last_words = disconnect.encode(self.version, &mut self.for_browser);
        }
        close
    }

    /// CONNACK that says no, in the words of the version.
    fn refuse_connect(&mut self, code: ReasonCode, close: Close) -> Close {
        let code = match (self.version, code.connect_return_code()) {
            (ProtocolVersion::V311, None) => ReasonCode::NOT_AUTHORIZED,
            (ProtocolVersion::V311 | ProtocolVersion::V5, _) => code,
        };
        let connack = Packet::Connack(Connack {
            session_present: false,
            reason_code: code,
            properties: Properties::new(),
        });
        // Answers to what came behind CONNECT are void.
        self.for_browser.clear();
        let _last_words = connack.encode(self.version, &mut self.for_browser);
        self.stage = Stage::Connected;
        close
    }
}

/// An acknowledgement that says no more than its code.
fn ack(packet_id: PacketId, reason_code: ReasonCode) -> Ack {
    Ack {
        packet_id,
        reason_code,
        properties: Properties::new(),
    }
}

#[cfg(test)]
mod tests;
