//! Enhanced authentication (5.0, section 4.12) with the broker on behalf of the bridge.

use hearth_mqtt::{Auth, EncodeError, Properties, Property, ReasonCode};

use super::{Gate, Packet, Refusal};
use crate::config::SecretBytes;

/// How often one exchange may ask to continue: a token has nothing more to say than itself.
const MAX_ROUNDS: u8 = 8;

/// Where the exchange stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// CONNECT was sent.
    SigningIn { rounds: u8 },
    /// Nothing is open.
    SignedIn,
    /// AUTH 0x19 was sent.
    Renewing { rounds: u8 },
}

/// One connection's exchange.
pub(super) struct AuthExchange {
    method: String,
    data: SecretBytes,
    step: Step,
    /// The data has changed since it was sent.
    fresh: bool,
}

impl AuthExchange {
    pub(super) fn new(method: String, data: SecretBytes) -> Self {
        Self {
            method,
            data,
            step: Step::SigningIn { rounds: 0 },
            fresh: false,
        }
    }

    /// Method and data as they go into CONNECT and AUTH.
    pub(super) fn put(&self, properties: &mut Properties) -> Result<(), EncodeError> {
        properties.extend(&[
            Property::AuthenticationMethod(&self.method),
            Property::AuthenticationData(self.data.expose()),
        ])
    }

    /// New data: sent as soon as nothing else is open.
    pub(super) fn renew(&mut self, data: SecretBytes) {
        if data != self.data {
            self.data = data;
            self.fresh = true;
        }
    }

    /// The broker said that it is content, by CONNACK or by AUTH.
    pub(super) fn handle_success(&mut self) {
        self.step = Step::SignedIn;
    }

    /// The client may begin again at any time after CONNACK.
    fn begin_again(&mut self) -> Option<Packet> {
        if self.step != Step::SignedIn || !self.fresh {
            return None;
        }
        self.fresh = false;
        self.step = Step::Renewing { rounds: 0 };
        self.auth(ReasonCode::REAUTHENTICATE)
    }

    /// The broker wants to hear more. `None` when it asks without end, or what nobody began.
    pub(super) fn answer(&mut self) -> Option<Packet> {
        match &mut self.step {
            Step::SigningIn { rounds } | Step::Renewing { rounds } if *rounds < MAX_ROUNDS => *rounds += 1,
            Step::SigningIn { .. } | Step::Renewing { .. } | Step::SignedIn => return None,
        }
        self.fresh = false;
        self.auth(ReasonCode::CONTINUE_AUTHENTICATION)
    }

    /// [MQTT5-4.12.0-5] the method of CONNECT stands in every AUTH.
    fn auth(&self, reason_code: ReasonCode) -> Option<Packet> {
        let mut properties = Properties::new();
        self.put(&mut properties).ok()?;
        Some(Packet::Auth(Auth {
            reason_code,
            properties,
        }))
    }
}

impl Gate {
    /// Sends AUTH 0x19 if there is something new to say and nothing open.
    pub(super) fn authenticate_again(&mut self) {
        if self.said_disconnect {
            return;
        }
        let Some(auth) = self.exchange.as_mut().and_then(AuthExchange::begin_again) else {
            return;
        };
        if !self.tell_broker(&auth) {
            self.refusals.add(Refusal::Credentials, || {
                "the new token is larger than the broker's Maximum Packet Size".to_owned()
            });
        }
    }
}
