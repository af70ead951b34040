//! Enhanced authentication (5.0): AUTH packets in both directions.

use bytes::Bytes;

use crate::{Auth, MonoTime, Properties, ReasonCode};

use super::{
    Session,
    event::Event,
    misbehaviour::SessionRule,
    state::{AuthExchange, State},
};

impl Session {
    /// Whose turn it is; none without a network connection.
    pub(crate) fn auth_exchange(&self) -> Option<AuthExchange> {
        match &self.state {
            State::AwaitingConnack(opening) => Some(opening.auth),
            State::Connected(connection) => Some(connection.auth),
            State::Offline | State::Closed => None,
        }
    }

    /// Notes whose turn it is. Every step gets the time of a CONNACK.
    pub(crate) fn note_auth(&mut self, now: MonoTime, exchange: AuthExchange) {
        match &mut self.state {
            State::AwaitingConnack(opening) => {
                opening.auth = exchange;
                opening.deadline = now + self.options.connack_timeout_ms;
            }
            State::Connected(connection) => {
                connection.auth = exchange;
                let is_under_way = matches!(exchange, AuthExchange::Server | AuthExchange::Application);
                connection.auth_deadline = is_under_way.then(|| now + self.options.connack_timeout_ms);
            }
            State::Offline | State::Closed => {}
        }
    }

    /// AUTH and a successful CONNACK name our method ([MQTT5-4.12.0-5]), or none when we named none ([MQTT5-4.12.0-6]).
    pub(crate) fn check_method(
        &self,
        properties: &Properties,
        exchange: AuthExchange,
    ) -> Result<(), SessionRule> {
        let theirs = properties.authentication_method();
        let ours = self.options.authentication.as_ref().map(|it| it.method.as_str());
        match exchange {
            AuthExchange::None if theirs.is_some() => Err(SessionRule::AuthenticationUnasked),
            AuthExchange::None => Ok(()),
            AuthExchange::Idle | AuthExchange::Server | AuthExchange::Application if theirs != ours => {
                Err(SessionRule::AuthenticationMethod)
            }
            AuthExchange::Idle | AuthExchange::Server | AuthExchange::Application => Ok(()),
        }
    }

    pub(crate) fn handle_auth(&mut self, now: MonoTime, auth: &Auth) {
        let Some(exchange) = self.auth_exchange() else {
            return;
        };
        match exchange {
            AuthExchange::None => return self.misbehaved(now, SessionRule::AuthenticationUnasked),
            // Only an answer to something we sent is expected.
            AuthExchange::Idle | AuthExchange::Application => {
                return self.misbehaved(now, SessionRule::AuthOutOfTurn);
            }
            AuthExchange::Server => {}
        }
        // 3.15.2.1 lets Success be said without properties.
        if !auth.is_short()
            && let Err(rule) = self.check_method(&auth.properties, exchange)
        {
            return self.misbehaved(now, rule);
        }
        match (auth.reason_code, &self.state) {
            (ReasonCode::CONTINUE_AUTHENTICATION, _) => {
                self.note_auth(now, AuthExchange::Application);
                let data = auth.properties.authentication_data().map(Bytes::copy_from_slice);
                let reason_string = auth.properties.reason_string().map(Into::into);
                self.events
                    .push_back(Event::AuthenticationChallenge { data, reason_string });
            }
            (ReasonCode::SUCCESS, State::Connected(_)) => {
                self.note_auth(now, AuthExchange::Idle);
                self.events.push_back(Event::Reauthenticated);
            }
            // Before CONNACK success is CONNACK itself; 0x19 is for clients only.
            (_, _) => self.misbehaved(now, SessionRule::AuthBeforeConnack),
        }
    }
}
