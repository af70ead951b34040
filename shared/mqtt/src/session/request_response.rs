//! Request and response: a message whose answer is waited for (5.0, section 4.10).

use bytes::Bytes;

use crate::{EncodeError, MonoTime, Property, PropertyId, ProtocolVersion, TopicName};

use super::{
    Session,
    event::{ApplicationMessage, Event, PublishId},
    misuse::ApiMisuse,
    timer::earliest,
};

/// A request without its response.
#[derive(Debug)]
struct Pending {
    id: PublishId,
    response_topic: TopicName,
    correlation_data: Bytes,
    deadline: MonoTime,
}

/// The requests without a response, oldest first. They end with the program: nothing of them is stored.
#[derive(Debug, Default)]
pub(crate) struct PendingRequests(Vec<Pending>);

impl PendingRequests {
    /// When the first of them has waited long enough.
    pub(crate) fn next_deadline(&self) -> Option<MonoTime> {
        self.0
            .iter()
            .map(|pending| Some(pending.deadline))
            .fold(None, earliest)
    }

    /// The request is over, if there is one.
    pub(crate) fn forget(&mut self, id: PublishId) {
        self.0.retain(|pending| pending.id != id);
    }

    /// Takes the request out that this message answers.
    pub(crate) fn take_answered(&mut self, message: &ApplicationMessage) -> Option<PublishId> {
        if self.0.is_empty() {
            return None;
        }
        let correlation_data = message.properties.correlation_data()?;
        let answered = self.0.iter().position(|pending| {
            pending.correlation_data == correlation_data && pending.response_topic == message.topic
        })?;
        Some(self.0.remove(answered).id)
    }

    fn take_late(&mut self, now: MonoTime) -> Vec<PublishId> {
        let late: Vec<_> = self
            .0
            .iter()
            .filter(|pending| now >= pending.deadline)
            .map(|pending| pending.id)
            .collect();
        self.0.retain(|pending| now < pending.deadline);
        late
    }
}

impl Session {
    /// Publishes a request and waits for its response.
    ///
    /// The session adds the Response Topic, and the Correlation Data unless the message has some; what it makes up
    /// is unique in this session. The first message to `response_topic` with these Correlation Data becomes
    /// [`Event::Response`] instead of [`Event::Message`]. Without one after `timeout_ms`, measured from now and over
    /// reconnects, [`Event::RequestTimedOut`] comes; a response that comes later is a message like any other. A
    /// request that cannot be delivered ends with [`Event::PublishFailed`].
    ///
    /// # Errors
    /// As [`Session::publish`]; moreover 3.1.1 is spoken, which has no properties, no subscription matches
    /// `response_topic`, too many requests wait, or the message has a Response Topic already.
    pub fn request(
        &mut self,
        now: MonoTime,
        mut message: ApplicationMessage,
        response_topic: &TopicName,
        timeout_ms: u64,
    ) -> Result<PublishId, ApiMisuse> {
        if self.version == ProtocolVersion::V311 {
            return Err(ApiMisuse::CannotEncode(EncodeError::NotInVersion {
                version: self.version,
                what: "requests",
            }));
        }
        if message.properties.contains(PropertyId::ResponseTopic) {
            return Err(ApiMisuse::PropertyNotAllowed(PropertyId::ResponseTopic.name()));
        }
        let maximum = self.options.requests_maximum;
        if self.pending_requests.0.len() >= maximum {
            return Err(ApiMisuse::TooManyRequests { maximum });
        }
        let subscribed = |topic| {
            self.subscriptions()
                .any(|it| it.subscription.filter.matches(topic))
        };
        if !subscribed(response_topic) {
            return Err(ApiMisuse::ResponseTopicNotSubscribed);
        }
        // The message is the next to get an identifier.
        let own = (self.outbound.last_id() + 1).to_be_bytes();
        let correlation_data = match message.properties.correlation_data() {
            Some(given) => Bytes::copy_from_slice(given),
            None => {
                let made = Property::CorrelationData(&own);
                message.properties.push(&made).map_err(ApiMisuse::CannotEncode)?;
                Bytes::copy_from_slice(&own)
            }
        };
        let topic = Property::ResponseTopic(response_topic.as_str());
        message.properties.push(&topic).map_err(ApiMisuse::CannotEncode)?;
        let id = self.publish(now, message)?;
        self.pending_requests.0.push(Pending {
            id,
            response_topic: response_topic.clone(),
            correlation_data,
            deadline: self.timeline.now() + timeout_ms,
        });
        Ok(id)
    }

    /// Requests that wait for their response.
    #[must_use]
    pub fn requests(&self) -> usize {
        self.pending_requests.0.len()
    }

    /// Stops waiting for a response; false when nobody waits for it (any more). A request that waits in the queue is
    /// sent all the same: [`Session::discard`] takes it back.
    pub fn forget_request(&mut self, id: PublishId) -> bool {
        let before = self.requests();
        self.pending_requests.forget(id);
        self.requests() < before
    }

    /// Gives up on requests that have waited long enough.
    pub(crate) fn time_out_requests(&mut self, now: MonoTime) {
        let late = self.pending_requests.take_late(now);
        self.events
            .extend(late.into_iter().map(|id| Event::RequestTimedOut { id }));
    }
}

impl ApplicationMessage {
    /// The response to this message, if it is a request: to its Response Topic, with its Correlation Data and QoS.
    #[must_use]
    pub fn response(&self, payload: impl Into<Bytes>) -> Option<Self> {
        let topic = TopicName::parse(self.properties.response_topic()?).ok()?;
        let mut response = Self::new(topic, payload).with_qos(self.qos);
        if let Some(data) = self.properties.correlation_data() {
            response.properties.push(&Property::CorrelationData(data)).ok()?;
        }
        Some(response)
    }
}
