//! What the page wants sent, until it is known what became of it.

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;
use hearth_mqtt::{
    EncodeError, MonoTime, Properties, Property, Qos, ReasonCode, SubscriptionOptions, TopicFilter,
    TopicName,
    session::{
        ApiMisuse, ApplicationMessage, Event, PublishId, Session, SessionOptions, Subscription,
        SubscriptionStatus,
    },
};

use super::{connection::Connection, input::Now, variables::filled};
use crate::wire::{Outcome, Publication, RequestId, Response};

/// What a PUBLISH has besides topic, properties and payload at most, in bytes.
const HEADERS: usize = 16;

/// A message that is sent several times is this far behind before it gives up catching up, in ms.
const CATCH_UP_MS: u64 = 1_000;

/// Messages under way, by the session's name for them. Bounded by the session's own queue.
#[derive(Debug, Default)]
pub struct Publisher {
    under_way: HashMap<PublishId, UnderWay>,
    /// Requests for more than one message.
    series: BTreeMap<RequestId, Series>,
    /// Messages that wait for a response; the session limits them.
    asked: HashMap<PublishId, Asked>,
}

/// What becomes of a message that is sent several times.
#[derive(Debug)]
struct Series {
    message: Publication,
    qos: Qos,
    /// How many were sent, or tried to.
    sent: u32,
    due_at: MonoTime,
    /// Messages with an interval are not sent in advance.
    is_held: bool,
    is_stopped: bool,
    open: u32,
    failed: u32,
    /// The first word against it.
    why: String,
}

impl Series {
    fn new(now: Now, message: Publication) -> Self {
        Self {
            qos: Qos::from_bits(message.qos).unwrap_or_default(),
            message,
            sent: 0,
            due_at: now.mono,
            is_held: false,
            is_stopped: false,
            open: 0,
            failed: 0,
            why: String::new(),
        }
    }

    fn fail(&mut self, messages: u32, why: String) {
        self.failed += messages;
        if self.why.is_empty() {
            self.why = why;
        }
    }

    fn is_sending(&self) -> bool {
        !self.is_stopped && self.sent < self.message.repeat
    }

    /// What is to be said of it now.
    fn outcome(&self) -> Outcome {
        let all = self.message.repeat;
        if self.is_stopped || (self.is_sending() && self.message.every_ms > 0) {
            return Outcome::Progress {
                sent: self.sent,
                all,
                over: self.is_stopped,
            };
        }
        match (self.open, self.failed, self.qos) {
            (1.., _, _) => Outcome::Queued,
            (0, 0, Qos::AtMostOnce) => Outcome::Sent,
            (0, 0, _) => Outcome::Acknowledged(format!("{all} messages")),
            (0, failed, _) => Outcome::Failed(format!("{failed} of {all} messages: {}", self.why)),
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct UnderWay {
    request: RequestId,
    qos: Qos,
}

/// A message that waits for a response.
#[derive(Debug)]
struct Asked {
    request: RequestId,
    topic: TopicName,
    at: MonoTime,
    /// Subscribed to for this response alone.
    own: Option<TopicFilter>,
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
        if message.repeat > 1 {
            return self.publish_series(now, connection, request, message);
        }
        if message.variables {
            message = filled(&message, 1, now);
        }
        self.publish_one(now, connection, request, message)
    }

    #[inline(never)]
    fn publish_series(
        &mut self,
        now: Now,
        connection: &mut Connection,
        request: RequestId,
        message: Publication,
    ) -> Outcome {
        self.series.insert(request, Series::new(now, message));
        self.send_due(now, connection, request).unwrap_or(Outcome::Queued)
    }

    /// When the next of a series is due.
    pub fn poll_timeout(&self) -> Option<MonoTime> {
        if self.series.is_empty() {
            return None;
        }
        self.series_timeout()
    }

    #[inline(never)]
    fn series_timeout(&self) -> Option<MonoTime> {
        let waiting = self.series.values();
        let waiting = waiting.filter(|series| series.is_sending() && !series.is_held);
        waiting.map(|series| series.due_at).min()
    }

    /// Sends what is due; what is new.
    pub fn advance(&mut self, now: Now, connection: &mut Connection) -> Vec<(RequestId, Outcome)> {
        if self.series.is_empty() {
            return Vec::new();
        }
        self.advance_series(now, connection)
    }

    #[inline(never)]
    fn advance_series(&mut self, now: Now, connection: &mut Connection) -> Vec<(RequestId, Outcome)> {
        let requests: Vec<_> = self.series.keys().copied().collect();
        let news = requests
            .into_iter()
            .filter_map(|request| Some((request, self.send_due(now, connection, request)?)));
        news.collect()
    }

    /// Sends what is due of a series; `None`: nothing was.
    fn send_due(&mut self, now: Now, connection: &mut Connection, request: RequestId) -> Option<Outcome> {
        let mut series = self.series.remove(&request)?;
        let every_ms = u64::from(series.message.every_ms);
        series.is_held = every_ms > 0 && !connection.is_connected();
        if series.due_at + CATCH_UP_MS < now.mono {
            series.due_at = now.mono;
        }
        let before = series.sent;
        while series.is_sending() && !series.is_held && series.due_at <= now.mono {
            series.sent += 1;
            series.due_at = series.due_at + every_ms;
            let message = filled(&series.message, series.sent, now);
            match self.publish_one(now, connection, request, message) {
                Outcome::Failed(why) if every_ms == 0 => {
                    // The next would fail for the same reason.
                    series.fail(series.message.repeat - series.sent + 1, why);
                    series.sent = series.message.repeat;
                }
                Outcome::Failed(why) => series.fail(1, why),
                _ => series.open += 1,
            }
        }
        let news = (series.sent > before).then(|| series.outcome());
        self.keep(request, series);
        news
    }

    /// Unless it is over.
    fn keep(&mut self, request: RequestId, series: Series) {
        if series.is_sending() || series.open > 0 {
            self.series.insert(request, series);
        }
    }

    /// Sends no more of a series, or waits no longer for a response.
    pub fn stop(&mut self, now: Now, connection: &mut Connection, request: RequestId) -> Option<Outcome> {
        if let Some(mut series) = self.series.remove(&request) {
            series.is_stopped |= series.is_sending();
            let outcome = series.outcome();
            self.keep(request, series);
            return Some(outcome);
        }
        let (&id, _) = self.asked.iter().find(|(_, asked)| asked.request == request)?;
        connection.session()?.forget_request(id);
        self.take_asked(now, connection, id)?;
        Some(Outcome::Failed(
            "You waited no longer for the response.".to_owned(),
        ))
    }

    fn publish_one(
        &mut self,
        now: Now,
        connection: &mut Connection,
        request: RequestId,
        mut message: Publication,
    ) -> Outcome {
        let within_ms = u64::from(message.response_within_ms);
        if says_more(&message) && connection.speaks_3_1_1() {
            return Outcome::Failed(
                "This connection speaks MQTT 3.1.1, which has no properties and no responses. Take them out, or connect with 5.0."
                    .to_owned(),
            );
        }
        let response_topic = match within_ms {
            0 => None,
            _ => match asked_topic(&mut message, connection) {
                Ok(topic) => Some(topic),
                Err(text) => return Outcome::Failed(text),
            },
        };
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
        let sent = match &response_topic {
            Some(topic) => self.ask(now, session, request, message, topic, within_ms),
            None => session.publish(now.mono, message),
        };
        match sent {
            Ok(id) => {
                self.under_way.insert(id, UnderWay { request, qos });
                Outcome::Queued
            }
            Err(error) => Outcome::Failed(in_words(&error)),
        }
    }

    /// Publishes a message that waits for its response; where nothing would bring that, it is subscribed to.
    #[inline(never)]
    fn ask(
        &mut self,
        now: Now,
        session: &mut Session,
        request: RequestId,
        message: ApplicationMessage,
        topic: &TopicName,
        within_ms: u64,
    ) -> Result<PublishId, ApiMisuse> {
        let is_heard = session.subscriptions().any(|known| {
            known.subscription.filter.matches(topic)
                && !matches!(known.status, SubscriptionStatus::Refused(_))
        });
        let own = TopicFilter::parse(topic.as_str()).ok().filter(|_| !is_heard);
        if let Some(filter) = &own {
            let options = SubscriptionOptions::default();
            session.subscribe(now.mono, vec![Subscription::new(filter.clone(), options)])?;
        }
        match session.request(now.mono, message, topic, within_ms) {
            Ok(id) => {
                let (topic, at) = (topic.clone(), now.mono);
                self.asked.insert(
                    id,
                    Asked {
                        request,
                        topic,
                        at,
                        own,
                    },
                );
                Ok(id)
            }
            Err(error) => {
                leave(now, session, own);
                Err(error)
            }
        }
    }

    fn take_asked(&mut self, now: Now, connection: &mut Connection, id: PublishId) -> Option<Asked> {
        let asked = self.asked.remove(&id)?;
        if let (Some(session), Some(own)) = (connection.session(), &asked.own)
            && !self.asked.values().any(|other| other.topic == asked.topic)
        {
            leave(now, session, Some(own.clone()));
        }
        Some(asked)
    }

    /// What an event says about a message that waits for a response.
    #[inline(never)]
    fn handle_response(
        &mut self,
        now: Now,
        connection: &mut Connection,
        event: &Event,
    ) -> Option<(RequestId, Outcome)> {
        match event {
            Event::Response { id, message } => {
                let asked = self.take_asked(now, connection, *id)?;
                // An acknowledgement that comes later says less.
                self.under_way.remove(id);
                let response = Response {
                    topic: message.topic.as_str().to_owned(),
                    payload: message.payload.to_vec(),
                    after_ms: now.mono.ms_since(asked.at),
                };
                Some((asked.request, Outcome::Answered(Box::new(response))))
            }
            Event::RequestTimedOut { id } => {
                let asked = self.take_asked(now, connection, *id)?;
                self.under_way.remove(id);
                let seconds = now.mono.ms_since(asked.at) / 1_000;
                let why = format!("within {seconds} s none came to {}.", asked.topic);
                Some((asked.request, Outcome::Unanswered(why)))
            }
            Event::PublishFailed { id, .. } => {
                self.take_asked(now, connection, *id);
                None
            }
            _ => None,
        }
    }

    /// What an event of the session says about a request.
    pub fn handle_event(
        &mut self,
        now: Now,
        connection: &mut Connection,
        event: &Event,
    ) -> Option<(RequestId, Outcome)> {
        if !self.asked.is_empty()
            && let Some(news) = self.handle_response(now, connection, event)
        {
            return Some(news);
        }
        let (request, mut outcome) = self.outcome_of(event)?;
        if let (Outcome::Acknowledged(words), true) = (&mut outcome, self.is_asked(request)) {
            "waiting for the response".clone_into(words);
        }
        if !self.series.contains_key(&request) {
            return Some((request, outcome));
        }
        self.handle_of_series(event, request, outcome)
    }

    #[inline(never)]
    fn handle_of_series(
        &mut self,
        event: &Event,
        request: RequestId,
        outcome: Outcome,
    ) -> Option<(RequestId, Outcome)> {
        let mut series = self.series.remove(&request)?;
        let is_end = !matches!(event, Event::PublishSent { .. });
        series.open -= u32::from(is_end && series.open > 0);
        if let (true, Outcome::Failed(why)) = (is_end, outcome) {
            series.fail(1, why);
        }
        let is_over = series.open == 0 && !series.is_sending();
        let news = (is_end && is_over).then(|| (request, series.outcome()));
        self.keep(request, series);
        news
    }

    fn is_asked(&self, request: RequestId) -> bool {
        self.asked.values().any(|asked| asked.request == request)
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
        self.asked.clear();
        let mut requests: Vec<_> = std::mem::take(&mut self.series).into_keys().collect();
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
        // Nothing waits, and still there is no room for it.
        ApiMisuse::QueueFull { bytes: 0, .. } => {
            let most = SessionOptions::default().queued_bytes_maximum >> 20;
            format!(
                "What is kept until it is acknowledged has at most {most} MiB. Send a shorter message, or with QoS 0."
            )
        }
        other => format!("This cannot be sent: {other}."),
    }
}

/// Gives a subscription up that was for one response.
fn leave(now: Now, session: &mut Session, own: Option<TopicFilter>) {
    if let Some(filter) = own {
        // It only fails when too many requests wait, and then the session forgets it with the connection.
        let _ = session.unsubscribe(now.mono, vec![filter]);
    }
}

/// Where the response is to come, taken out of the message: the session puts it in again.
#[inline(never)]
fn asked_topic(message: &mut Publication, connection: &mut Connection) -> Result<TopicName, String> {
    let client_id = connection.session().map(|session| session.client_id().to_owned());
    let topic = message.response_topic.take().unwrap_or_else(|| {
        format!(
            "hearth/response/{}",
            client_id.unwrap_or_default().replace(['+', '#'], "_")
        )
    });
    TopicName::parse(&topic).map_err(|error| format!("This response topic cannot be used: {error}."))
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

/// Whether there is something that only MQTT 5.0 can say.
#[inline(never)]
fn says_more(message: &Publication) -> bool {
    message.response_within_ms > 0
        || message.is_text
        || message.message_expiry_interval.is_some()
        || [&message.content_type, &message.response_topic]
            .iter()
            .any(|text| text.is_some())
        || message.correlation_data.is_some()
        || !message.user_properties.is_empty()
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
