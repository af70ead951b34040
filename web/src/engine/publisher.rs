//! What the page wants sent, until it is known what became of it.

use std::collections::HashMap;

use bytes::Bytes;
use hearth_mqtt::{
    EncodeError, Properties, Property, Qos, ReasonCode, TopicName,
    session::{ApiMisuse, ApplicationMessage, Event, PublishId},
};

use super::{connection::Connection, input::Now};
use crate::wire::{Outcome, Publication, RequestId};

/// What a PUBLISH has besides topic, properties and payload at most, in bytes.
const HEADERS: usize = 16;

/// Messages under way, by the session's name for them. Bounded by the session's own queue.
#[derive(Debug, Default)]
pub struct Publisher {
    under_way: HashMap<PublishId, UnderWay>,
}

#[derive(Debug, Clone, Copy)]
struct UnderWay {
    request: RequestId,
    qos: Qos,
}

impl Publisher {
    /// Hands a message to the session.
    pub fn publish(
        &mut self,
        now: Now,
        connection: &mut Connection,
        request: RequestId,
        message: Publication,
    ) -> Outcome {
        let message = match application_message(message) {
            Ok(message) => message,
            Err(text) => return Outcome::Failed(text),
        };
        let qos = message.qos;
        let bytes =
            message.topic.as_str().len() + message.payload.len() + message.properties.len_bytes() + HEADERS;
        if let Some(largest) = connection
            .options()
            .largest_packet
            .filter(|largest| bytes > *largest as usize)
        {
            // Sent nevertheless it would end the connection, be sent again after it, and end it again.
            return Outcome::Failed(format!(
                "The message makes a packet of {bytes} bytes, the bridge passes on {largest}. Send a shorter one."
            ));
        }
        let Some(session) = connection.session() else {
            return Outcome::Failed("There is no broker yet. Connect to one first.".to_owned());
        };
        match session.publish(now.mono, message) {
            Ok(id) => {
                self.under_way.insert(id, UnderWay { request, qos });
                Outcome::Queued
            }
            Err(error) => Outcome::Failed(in_words(&error)),
        }
    }

    /// What an event of the session says about a request.
    pub fn handle_event(&mut self, event: &Event) -> Option<(RequestId, Outcome)> {
        match event {
            Event::PublishSent { id } => Some((self.under_way.get(id)?.request, Outcome::Sent)),
            Event::Published { id, reason_code } => {
                let UnderWay { request, qos } = self.under_way.remove(id)?;
                let outcome = match (qos, *reason_code) {
                    (Qos::AtMostOnce, _) => Outcome::Sent,
                    (_, ReasonCode::SUCCESS) => Outcome::Acknowledged(String::new()),
                    (_, code) => Outcome::Acknowledged(code.description().to_owned()),
                };
                Some((request, outcome))
            }
            Event::PublishFailed { id, reason } => {
                let UnderWay { request, .. } = self.under_way.remove(id)?;
                Some((
                    request,
                    Outcome::Failed(format!("The message was not delivered: {reason}.")),
                ))
            }
            _ => None,
        }
    }

    /// How many messages wait for the broker.
    pub fn queued(&self, connection: &mut Connection) -> u32 {
        let queued = connection
            .session()
            .map_or(0, |session| session.queued_messages());
        u32::try_from(queued).unwrap_or(u32::MAX)
    }

    /// The session they belong to is gone: these requests will not hear of it any more.
    pub fn forget(&mut self) -> Vec<RequestId> {
        self.under_way
            .drain()
            .map(|(_, under_way)| under_way.request)
            .collect()
    }
}

fn in_words(error: &ApiMisuse) -> String {
    match error {
        ApiMisuse::NotConnected => {
            "The connection is down, and QoS 0 does not wait. Send again when it is back, or with QoS 1."
                .to_owned()
        }
        ApiMisuse::PacketTooLarge { bytes, maximum } => {
            format!(
                "The message makes a packet of {bytes} bytes, the broker takes {maximum}. Send a shorter one."
            )
        }
        other => format!("This cannot be sent: {other}."),
    }
}

fn application_message(message: Publication) -> Result<ApplicationMessage, String> {
    let topic =
        TopicName::parse(&message.topic).map_err(|error| format!("This topic cannot be used: {error}."))?;
    let qos = Qos::from_bits(message.qos).ok_or("QoS is 0, 1 or 2.")?;
    let properties =
        properties(&message).map_err(|error| format!("These properties cannot be sent: {error}."))?;
    Ok(ApplicationMessage::new(topic, Bytes::from(message.payload))
        .with_qos(qos)
        .with_retain(message.retain)
        .with_properties(properties))
}

fn properties(message: &Publication) -> Result<Properties, EncodeError> {
    let mut wanted = Vec::new();
    wanted.extend(
        message
            .message_expiry_interval
            .map(Property::MessageExpiryInterval),
    );
    wanted.extend(message.content_type.as_deref().map(Property::ContentType));
    wanted.extend(message.response_topic.as_deref().map(Property::ResponseTopic));
    wanted.extend(
        message
            .user_properties
            .iter()
            .map(|(name, text)| Property::UserProperty(name, text)),
    );
    Properties::of(&wanted)
}
