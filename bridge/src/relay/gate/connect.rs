//! CONNECT and CONNACK: who comes in, with which credentials.

use hearth_model::api::close;
use hearth_mqtt::{Bytes, BytesMut, Connack, Connect, Frame, Packet, Property, PropertyId, ReasonCode, Role};

use super::{AuthExchange, Close, Gate, Refusal, Stage};
use crate::credentials::Credentials;

/// CONNACK of 3.1.1 that says "unacceptable protocol version", for those who speak neither version.
const UNKNOWN_VERSION: &[u8] = &[0x20, 2, 0, 1];

/// What becomes of a packet.
pub(super) enum Verdict {
    /// It goes on as it is.
    Pass,
    /// It goes on changed.
    Instead(BytesMut),
    /// It ends here.
    Swallow,
}

impl Gate {
    /// The browser's CONNECT: refused, or changed to what the broker is to hear.
    pub(super) fn judge_connect(&mut self, frame: Frame) -> Result<Verdict, Close> {
        let Some(version) = Connect::version_of(&frame) else {
            self.for_browser.extend_from_slice(UNKNOWN_VERSION);
            self.refusals
                .add(Refusal::BadPacket, || "an unknown version of MQTT".to_owned());
            return Err(Close::new(
                close::NOT_MQTT,
                "only MQTT 3.1.1 and 5.0 are spoken here",
            ));
        };
        self.version = version;
        let connect = match Packet::decode(version, Role::Server, frame) {
            Ok(Packet::Connect(connect)) => *connect,
            Ok(_) => return Err(self.protocol_error(ReasonCode::PROTOCOL_ERROR, "not a CONNECT")),
            Err(error) => return Err(self.bad_packet(&error)),
        };
        self.check_sign_in(&connect)?;
        self.client_id = connect.client_id.to_string();
        if let Some(Property::MaximumPacketSize(maximum)) =
            connect.properties.find(PropertyId::MaximumPacketSize)
        {
            self.browser_max_packet_bytes = maximum as usize;
        }
        self.check_will(&connect)?;
        self.claim_client_id()?;
        self.keep_alive.wanted = connect.keep_alive != 0;
        let verdict = self.sign_in(connect)?;
        self.stage = Stage::AwaitingConnack;
        Ok(verdict)
    }

    /// Where the bridge signs in, the browser must leave it to the bridge.
    fn check_sign_in(&mut self, connect: &Connect) -> Result<(), Close> {
        match &self.credentials {
            None => return Ok(()),
            Some(Credentials::Enhanced { method, .. }) if !self.version.is_v5() => {
                let words = format!(
                    "this broker needs MQTT 5.0: the bridge signs in with {method}, which 3.1.1 does not have"
                );
                return Err(self.give_up(
                    ReasonCode::NOT_AUTHORIZED,
                    Refusal::Version,
                    Close::new(close::MQTT_5_NEEDED, words),
                ));
            }
            Some(Credentials::Enhanced { .. } | Credentials::UserNamePassword { .. }) => {}
        }
        if connect.properties.contains(PropertyId::AuthenticationMethod) {
            return Err(self.give_up(
                ReasonCode::BAD_AUTHENTICATION_METHOD,
                Refusal::AuthenticationMethod,
                Close::new(
                    close::NOT_AUTHORIZED,
                    "the bridge signs in to this broker: leave the Authentication Method out",
                ),
            ));
        }
        Ok(())
    }

    /// Nobody can be asked when the will is published.
    fn check_will(&mut self, connect: &Connect) -> Result<(), Close> {
        let Some(will) = &connect.will else {
            return Ok(());
        };
        if self.may_publish(will.topic.as_str()) {
            return Ok(());
        }
        let words = format!("you may not leave a will on {:?}", will.topic.as_str());
        Err(self.give_up(
            ReasonCode::NOT_AUTHORIZED,
            Refusal::Will,
            Close::new(close::NOT_AUTHORIZED, words),
        ))
    }

    /// With users, a client id belongs to whom it is connected for.
    fn claim_client_id(&mut self) -> Result<(), Close> {
        let (Some(desk), Some(user)) = (&self.client_ids, &self.user) else {
            return Ok(());
        };
        if self.client_id.is_empty() {
            return Ok(());
        }
        if let Some(prefix) = desk.lacks(&self.client_id) {
            let words = format!("client ids of users begin with {prefix:?} here");
            return Err(self.give_up(
                ReasonCode::CLIENT_IDENTIFIER_NOT_VALID,
                Refusal::ClientId,
                Close::new(close::NOT_AUTHORIZED, words),
            ));
        }
        match desk.claim(&self.client_id, user) {
            Some(claim) => {
                self.claim = Some(claim);
                Ok(())
            }
            None => Err(self.give_up(
                ReasonCode::CLIENT_IDENTIFIER_NOT_VALID,
                Refusal::ClientId,
                Close::new(
                    close::CLIENT_ID_IN_USE,
                    "another user is connected with this client id: choose another",
                ),
            )),
        }
    }

    /// Puts the bridge's credentials in the place of the browser's.
    fn sign_in(&mut self, mut connect: Connect) -> Result<Verdict, Close> {
        match self.credentials.take() {
            None => return Ok(Verdict::Pass),
            Some(Credentials::UserNamePassword { user_name, password }) => {
                connect.username = Some(user_name.into());
                connect.password =
                    password.map(|password| Bytes::copy_from_slice(password.expose().as_bytes()));
            }
            Some(Credentials::Enhanced { method, data }) => {
                connect.username = None;
                connect.password = None;
                let exchange = AuthExchange::new(method, data);
                exchange
                    .put(&mut connect.properties)
                    .map_err(|_| unusable_credentials())?;
                self.exchange = Some(exchange);
            }
        }
        let mut bytes = BytesMut::new();
        Packet::Connect(Box::new(connect))
            .encode(self.version, &mut bytes)
            .map_err(|_| unusable_credentials())?;
        Ok(Verdict::Instead(bytes))
    }

    /// The broker's answer. The bridge's Authentication Method is none of the browser's business [MQTT5-4.12.0-6].
    pub(super) fn judge_connack(&mut self, mut connack: Connack) -> Result<Verdict, Close> {
        self.stage = Stage::Connected;
        if connack.reason_code.is_error() {
            self.note_refused_credentials(connack.reason_code);
        }
        if let Some(Property::AssignedClientIdentifier(assigned)) =
            connack.properties.find(PropertyId::AssignedClientIdentifier)
        {
            self.client_id = assigned.to_owned();
            if let (Some(desk), Some(user)) = (&self.client_ids, &self.user) {
                self.claim = desk.claim(&self.client_id, user);
            }
        }
        if let Some(Property::MaximumPacketSize(maximum)) =
            connack.properties.find(PropertyId::MaximumPacketSize)
        {
            self.broker_max_packet_bytes = maximum as usize;
        }
        if let Some(exchange) = self.exchange.as_mut().filter(|_| !connack.reason_code.is_error()) {
            exchange.handle_success();
            self.authenticate_again();
        }
        if !self.injects {
            return Ok(Verdict::Pass);
        }
        if !connack.properties.contains(PropertyId::AuthenticationMethod)
            && !connack.properties.contains(PropertyId::AuthenticationData)
        {
            return Ok(Verdict::Pass);
        }
        connack.properties.remove(PropertyId::AuthenticationMethod);
        connack.properties.remove(PropertyId::AuthenticationData);
        let mut bytes = BytesMut::new();
        Packet::Connack(connack)
            .encode(self.version, &mut bytes)
            .map_err(|error| Close::new(close::BROKER_LOST, error.to_string()))?;
        Ok(Verdict::Instead(bytes))
    }

    /// For the operator: the browser's user cannot mend the bridge's credentials.
    pub(super) fn note_refused_credentials(&mut self, code: ReasonCode) {
        let about_credentials = matches!(
            code,
            ReasonCode::BAD_USER_NAME_OR_PASSWORD
                | ReasonCode::NOT_AUTHORIZED
                | ReasonCode::BAD_AUTHENTICATION_METHOD
        );
        if about_credentials && self.injects {
            self.refusals
                .add(Refusal::Credentials, || format!("the broker answers {code}"));
        }
    }
}

fn unusable_credentials() -> Close {
    Close::new(
        close::CREDENTIALS_UNAVAILABLE,
        "the bridge's credentials cannot be put into a CONNECT",
    )
}
