//! What the page is subscribed to, with the broker's answer for each filter.

use std::collections::HashMap;

use hearth_mqtt::{
    Qos, ReasonCode, SubscriptionOptions, TopicFilter,
    session::{Event, SubscribeId, Subscription},
};

use super::{connection::Connection, input::Now};
use crate::wire::SubscriptionView;

/// Without a wish of the user: everything, and what the broker says about itself, which `#` leaves out
/// ([MQTT5-4.7.2-1]).
const DEFAULT_FILTERS: [&str; 2] = ["#", "$SYS/#"];

/// The subscriptions of the page.
#[derive(Debug, Default)]
pub struct Subscriptions {
    wanted: Vec<SubscriptionView>,
    /// The session remembers them once it was told.
    told: bool,
    /// When SUBSCRIBE left, for the round trip.
    asked: HashMap<SubscribeId, u64>,
}

impl Subscriptions {
    /// A new connection begins with these `(filter, QoS)`; none means the default ones.
    pub fn begin(&mut self, filters: &[(String, u8)]) {
        let default = DEFAULT_FILTERS.iter().map(|filter| ((*filter).to_owned(), 0));
        let filters: Vec<_> = if filters.is_empty() {
            default.collect()
        } else {
            filters.to_vec()
        };
        self.wanted = filters
            .into_iter()
            .map(|(filter, qos)| waiting(filter, qos))
            .collect();
        self.told = false;
        self.asked.clear();
    }

    /// What the page shows.
    #[must_use]
    pub fn views(&self) -> Vec<SubscriptionView> {
        self.wanted.clone()
    }

    /// The session is one of an earlier life of this page: it knows subscriptions, and perhaps not the ones wanted now.
    pub fn handle_restored(&mut self, now: Now, connection: &mut Connection) {
        if let Some(session) = connection.session() {
            let stale = session.subscriptions().map(|known| &known.subscription.filter);
            let stale: Vec<_> = stale
                .filter(|filter| !self.wanted.iter().any(|view| view.filter == filter.as_str()))
                .cloned()
                .collect();
            // It only refuses an empty list.
            let _ = session.unsubscribe(now.mono, stale);
        }
        self.handle_connected(now, connection);
    }

    /// The broker accepted us: subscribe, unless the session remembers and does it itself.
    pub fn handle_connected(&mut self, now: Now, connection: &mut Connection) {
        if std::mem::replace(&mut self.told, true) {
            return;
        }
        let mut asked = Vec::new();
        for view in &mut self.wanted {
            match TopicFilter::parse(&view.filter) {
                Ok(filter) => asked.push(Subscription::new(filter, options(view.qos))),
                Err(error) => refuse(view, &error.to_string()),
            }
        }
        // One request each: a broker that drops the whole packet for one filter takes only that one down.
        for subscription in asked {
            let filter = subscription.filter.as_str().to_owned();
            if let Err(error) = self.ask(now, connection, subscription) {
                self.with(&filter, |view| refuse(view, &error));
            }
        }
    }

    fn ask(
        &mut self,
        now: Now,
        connection: &mut Connection,
        subscription: Subscription,
    ) -> Result<(), String> {
        let session = connection.session().ok_or("there is no broker yet")?;
        let id = session
            .subscribe(now.mono, vec![subscription])
            .map_err(|error| error.to_string())?;
        self.asked.insert(id, now.mono.ms);
        Ok(())
    }

    /// Takes results; `true` when something changed.
    pub fn handle_event(&mut self, now: Now, connection: &mut Connection, event: &Event) -> bool {
        let results = match event {
            Event::Subscribed { id, results } => {
                if let Some(asked) = self.asked.remove(id) {
                    connection
                        .set_round_trip(u32::try_from(now.mono.ms.saturating_sub(asked)).unwrap_or(u32::MAX));
                }
                results
            }
            Event::Resubscribed { results } => results,
            _ => return false,
        };
        for (filter, code) in results {
            self.with(filter.as_str(), |view| set_result(view, *code));
        }
        true
    }

    fn with(&mut self, filter: &str, change: impl FnOnce(&mut SubscriptionView)) {
        if let Some(view) = self.wanted.iter_mut().find(|view| view.filter == filter) {
            change(view);
        }
    }
}

fn waiting(filter: String, qos: u8) -> SubscriptionView {
    SubscriptionView {
        filter,
        qos,
        result: "waiting".to_owned(),
        refused: false,
    }
}

fn refuse(view: &mut SubscriptionView, why: &str) {
    view.refused = true;
    view.result = format!("refused: {why}");
}

fn set_result(view: &mut SubscriptionView, code: ReasonCode) {
    if code.is_error() {
        return refuse(view, &code.description().to_ascii_lowercase());
    }
    view.refused = false;
    view.result = format!("granted QoS {}", code.0);
}

fn options(qos: u8) -> SubscriptionOptions {
    SubscriptionOptions {
        maximum_qos: Qos::from_bits(qos).unwrap_or_default(),
        ..SubscriptionOptions::default()
    }
}
