//! What the session says: messages go to store, devices and views, everything else to those who wait for it.

use hearth_model::store::{Arrival, Store};
use hearth_mqtt::{
    ProtocolVersion, Qos,
    session::{ApplicationMessage, Event, Session},
};

use super::{
    super::{home::Home, input::Now, views::Views},
    Engine,
};

impl Engine {
    pub(super) fn take_events(&mut self, now: Now) {
        while let Some(event) = self.connection.session().and_then(Session::poll_event) {
            self.handle_event(now, &event);
        }
    }

    pub(super) fn handle_event(&mut self, now: Now, event: &Event) {
        if let Event::Message(message) = event {
            return self.handle_message(now, message);
        }
        if self.connection.handle_event(now, event) {
            self.subscriptions.handle_connected(now, &mut self.connection);
        }
        if let Event::Response { message, .. } = event {
            self.handle_message(now, message);
        }
        if let Some((request, outcome)) = self.publisher.handle_event(now, &mut self.connection, event) {
            self.home.note_outcome(request, &outcome);
            self.views.push_outcome(request, outcome);
        } else if let Event::Published { reason_code, .. } = event
            && reason_code.is_error()
            && self.replay.is_publishing()
        {
            let why = reason_code.description();
            self.replay.note_failed(format!("The broker refused it: {why}."));
        }
        if matches!(event, Event::Published { .. } | Event::PublishFailed { .. }) {
            let version = self.connection.session().map(|session| session.version());
            self.retained
                .handle_event(event, version.unwrap_or(ProtocolVersion::V5), &mut self.store);
            // Also of messages that an earlier life of this page published.
            self.views.note_numbers();
        }
        if self.subscriptions.handle_event(now, &mut self.connection, event) {
            self.views.note_subscriptions();
        }
        if let Event::Connected { session_present, .. } = event {
            self.accepted = self.accepted.saturating_add(1);
            if !session_present && self.accepted == 1 {
                // Another session of the broker: its messages are counted from its beginning.
                self.received -= std::mem::take(&mut self.received_once).min(self.received);
            }
        }
        // A page that was just loaded shows nothing that could be out of date, unless it relies on the broker's memory.
        let relies = self.accepted > 1 || !self.connection.options().clean_start;
        if *event == Event::MessagesMayBeMissed && relies {
            self.notice(
                "Messages may have been missed",
                "The broker had forgotten this page while the connection was down. What was sent in between is not here.",
            );
        }
    }

    pub(super) fn handle_message(&mut self, now: Now, message: &ApplicationMessage) {
        self.received += 1;
        self.received_once += u64::from(message.qos == Qos::ExactlyOnce);
        let arrival = Arrival {
            topic: message.topic.as_str(),
            payload: &message.payload,
            qos: message.qos.bits(),
            retain: message.retain,
            dup: message.dup,
            properties: message.properties.as_bytes(),
        };
        take_in(
            &mut self.store,
            &mut self.home,
            &mut self.views,
            now.wall_ms,
            &arrival,
        );
    }
}

/// A message was heard at `at_ms`, or is played as if it had been.
pub(super) fn take_in(
    store: &mut Store,
    home: &mut Home,
    views: &mut Views,
    at_ms: u64,
    arrival: &Arrival<'_>,
) {
    let change = store.apply(at_ms, arrival);
    if let Some(id) = change.id() {
        home.note_message(id);
    }
    views.note_message(change.id());
}
