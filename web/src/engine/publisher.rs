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
    /// Requests for more than one message.
    series: HashMap<RequestId, Series>,
}

/// What became of a message that is sent several times.
#[derive(Debug, Default)]
struct Series {
    all: u32,
    open: u32,
    failed: u32,
    /// The first word against it.
    why: String,
}

impl Series {
    fn note(&mut self, outcome: Outcome) {
        self.open = self.open.saturating_sub(1);
        match outcome {
            Outcome::Failed(why) => {
                self.failed += 1;
                if self.why.is_empty() {
                    self.why = why;
                }
            }
            Outcome::Queued | Outcome::Sent | Outcome::Acknowledged(_) => {}
        }
    }

    fn outcome(&self, qos: Qos) -> Outcome {
        match (self.failed, qos) {
            (0, Qos::AtMostOnce) => Outcome::Sent,
            (0, _) => Outcome::Acknowledged(format!("{} messages", self.all)),
            (failed, _) => Outcome::Failed(format!("{failed} of {} messages: {}", self.all, self.why)),
        }
    }
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
        mut message: Publication,
    ) -> Outcome {
        if message.repeat <= 1 && message.variables {
            message = filled(&message, 1, now);
        }
        if message.repeat > 1 {
            return self.publish_series(now, connection, request, &message);
        }
        self.publish_one(now, connection, request, message)
    }

    fn publish_series(
        &mut self,
        now: Now,
        connection: &mut Connection,
        request: RequestId,
        message: &Publication,
    ) -> Outcome {
        let mut series = Series {
            all: message.repeat,
            ..Series::default()
        };
        for n in 1..=message.repeat {
            let outcome = self.publish_one(now, connection, request, filled(message, n, now));
            match outcome {
                Outcome::Failed(why) => {
                    // The next would fail for the same reason.
                    let sent = n - 1;
                    series.failed = message.repeat - sent;
                    series.why = why;
                    break;
                }
                Outcome::Queued | Outcome::Sent | Outcome::Acknowledged(_) => series.open += 1,
            }
        }
        if series.open == 0 {
            return series.outcome(Qos::AtMostOnce);
        }
        self.series.insert(request, series);
        Outcome::Queued
    }

    fn publish_one(
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
        let qos = match event {
            Event::Published { id, .. } | Event::PublishFailed { id, .. } => self.under_way.get(id)?.qos,
            _ => Qos::AtMostOnce,
        };
        let (request, outcome) = self.outcome_of(event)?;
        let Some(series) = self.series.get_mut(&request) else {
            return Some((request, outcome));
        };
        if matches!(event, Event::PublishSent { .. }) {
            return None;
        }
        series.note(outcome);
        if series.open > 0 {
            return None;
        }
        let series = self.series.remove(&request)?;
        Some((request, series.outcome(qos)))
    }

    fn outcome_of(&mut self, event: &Event) -> Option<(RequestId, Outcome)> {
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

    /// How many of them were not sent yet.
    pub fn discardable(&self, connection: &mut Connection) -> u32 {
        let waiting = connection.session().map_or(0, |session| session.queue().len());
        u32::try_from(waiting).unwrap_or(u32::MAX)
    }

    /// The session they belong to is gone: these requests will not hear of it any more.
    pub fn forget(&mut self) -> Vec<RequestId> {
        let mut requests: Vec<_> = self.series.drain().map(|(request, _)| request).collect();
        for (_, UnderWay { request, .. }) in self.under_way.drain() {
            if !requests.contains(&request) {
                requests.push(request);
            }
        }
        requests
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

/// The `n`th of a series, with its variables.
fn filled(message: &Publication, n: u32, now: Now) -> Publication {
    let mut variables = vec![("{n}", n.to_string())];
    if message.variables {
        // The next of a series differs although the clock stands still.
        let random = now
            .random
            .wrapping_add(n.wrapping_mul(0x9E37_79B9))
            .wrapping_mul(0x85EB_CA6B);
        variables.push(("{now}", now.wall_ms.to_string()));
        variables.push(("{random}", ((random >> 8) % 1_000_000).to_string()));
    }
    let fill = |text: &str| {
        variables
            .iter()
            .fold(text.to_owned(), |text, (name, value)| text.replace(name, value))
    };
    let mut message = message.clone();
    message.topic = fill(&message.topic);
    // What is not text has no placeholder.
    if let Ok(text) = std::str::from_utf8(&message.payload) {
        message.payload = fill(text).into_bytes();
    }
    message
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
    wanted.extend(message.is_text.then_some(Property::PayloadFormatIndicator(1)));
    wanted.extend(
        message
            .message_expiry_interval
            .map(Property::MessageExpiryInterval),
    );
    wanted.extend(message.content_type.as_deref().map(Property::ContentType));
    wanted.extend(message.response_topic.as_deref().map(Property::ResponseTopic));
    wanted.extend(message.correlation_data.as_deref().map(Property::CorrelationData));
    wanted.extend(
        message
            .user_properties
            .iter()
            .map(|(name, text)| Property::UserProperty(name, text)),
    );
    Properties::of(&wanted)
}
