//! What the page is subscribed to, with the broker's answer for each filter.

use std::collections::HashMap;

use hearth_mqtt::{
    Qos, ReasonCode, RetainHandling, SubscriptionOptions, TopicFilter,
    session::{Event, SubscribeId, Subscription},
};

use super::{connection::Connection, input::Now};
use crate::wire::SubscriptionView;

/// Without a wish of the user: everything, and what the broker says about itself, which `#` leaves out
/// ([MQTT5-4.7.2-1]).
const DEFAULT_FILTERS: [&str; 2] = ["#", "$SYS/#"];

/// Of the options: messages are to say which filters brought them.
const NUMBERED: u8 = 0x40;

/// Filters at most, as the session takes them.
const MOST_FILTERS: usize = 1_000;

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
    /// A new connection begins with these filters and options; none means the default ones.
    pub fn begin(&mut self, filters: &[(String, u8)]) {
        let default = DEFAULT_FILTERS.iter().map(|filter| ((*filter).to_owned(), 0));
        let filters: Vec<_> = if filters.is_empty() {
            default.collect()
        } else {
            filters.to_vec()
        };
        self.wanted = filters
            .into_iter()
            .map(|(filter, options)| waiting(filter, options))
            .collect();
        self.number();
        self.told = false;
        self.asked.clear();
    }

    /// Gives a Subscription Identifier to each filter that is to have one, the smallest that is free.
    fn number(&mut self) {
        for at in 0..self.wanted.len() {
            let is_free = |id: &u32| !self.wanted.iter().any(|view| view.id == *id);
            let free = (1..).find(is_free).unwrap_or_default();
            if let Some(view) = self.wanted.get_mut(at)
                && view.options & NUMBERED != 0
                && view.id == 0
            {
                view.id = free;
            }
        }
    }

    /// The filter that has this Subscription Identifier.
    #[must_use]
    pub fn filter_of(&self, id: u32) -> Option<&str> {
        let found = self.wanted.iter().find(|view| view.id == id);
        found.map(|view| view.filter.as_str())
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
        // One request each: a broker that drops the whole packet for one filter takes only that one down.
        let filters: Vec<_> = self.wanted.iter().map(|view| view.filter.clone()).collect();
        for filter in filters {
            self.ask_for(now, connection, &filter);
        }
    }

    /// From now on these are wanted: the others are given up, new ones and those with other options are asked for.
    pub fn change(&mut self, now: Now, connection: &mut Connection, filters: Vec<(String, u8)>) {
        let mut before = std::mem::take(&mut self.wanted);
        let mut to_ask = Vec::new();
        for (filter, options) in filters.into_iter().take(MOST_FILTERS) {
            if self.wanted.iter().any(|view| view.filter == filter) {
                continue;
            }
            let known = before.iter().position(|view| view.filter == filter);
            let known = known.map(|at| before.remove(at));
            self.wanted.push(match known {
                Some(view) if view.options == options => view,
                Some(_) | None => {
                    to_ask.push(filter.clone());
                    waiting(filter, options)
                }
            });
        }
        self.number();
        if !self.told {
            return;
        }
        let given_up = before
            .iter()
            .filter_map(|view| TopicFilter::parse(&view.filter).ok());
        for filter in given_up {
            if let Some(session) = connection.session() {
                // It only fails when too many requests wait, and then the session forgets it with the connection.
                let _ = session.unsubscribe(now.mono, vec![filter]);
            }
        }
        for filter in to_ask {
            self.ask_for(now, connection, &filter);
        }
    }

    /// Asks for the retained messages once more: a subscription that is made again brings them [MQTT5-3.8.4-3], unless
    /// it was to bring none.
    pub fn ask_again(&mut self, now: Now, connection: &mut Connection) {
        if !self.told || !connection.is_connected() {
            return;
        }
        let again = self
            .wanted
            .iter()
            .filter(|view| !view.refused && view.options & 0x30 == 0);
        for filter in again.map(|view| view.filter.clone()).collect::<Vec<_>>() {
            self.ask_for(now, connection, &filter);
        }
    }

    fn ask_for(&mut self, now: Now, connection: &mut Connection, filter: &str) {
        let Some(view) = self.wanted.iter().find(|view| view.filter == filter) else {
            return;
        };
        let is_old = connection.speaks_3_1_1();
        let asked = TopicFilter::parse(filter)
            .and_then(|parsed| match parsed.sharing_error().filter(|_| !is_old) {
                Some(error) => Err(error),
                None => Ok(parsed),
            })
            .map_err(|error| error.to_string())
            .map(|parsed| Subscription {
                subscription_id: Some(view.id).filter(|id| *id > 0),
                ..Subscription::new(parsed, options(view.options))
            })
            .and_then(|subscription| self.ask(now, connection, subscription));
        if let Err(error) = asked {
            self.with(filter, |view| refuse(view, &error));
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
        let is_old = connection.speaks_3_1_1();
        for (filter, code) in results {
            self.with(filter.as_str(), |view| set_result(view, *code, is_old));
        }
        true
    }

    fn with(&mut self, filter: &str, change: impl FnOnce(&mut SubscriptionView)) {
        if let Some(view) = self.wanted.iter_mut().find(|view| view.filter == filter) {
            change(view);
        }
    }
}

fn waiting(filter: String, options: u8) -> SubscriptionView {
    SubscriptionView {
        filter,
        qos: options & 3,
        options,
        id: 0,
        result: SubscriptionView::WAITING.to_owned(),
        refused: false,
    }
}

fn refuse(view: &mut SubscriptionView, why: &str) {
    view.refused = true;
    view.result = format!("refused: {why}");
}

fn set_result(view: &mut SubscriptionView, code: ReasonCode, is_old: bool) {
    if code.is_error() {
        return refuse(view, &code.description().to_ascii_lowercase());
    }
    view.refused = false;
    view.result = if code.0 < view.qos {
        format!("granted QoS {} instead of {}", code.0, view.qos)
    } else {
        format!("granted QoS {}", code.0)
    };
    if is_old && view.options & !3 != 0 {
        view.result.push_str(", without its options: MQTT 3.1.1 has none");
    }
}

/// From the byte of MQTT 5.0.
fn options(byte: u8) -> SubscriptionOptions {
    SubscriptionOptions {
        maximum_qos: Qos::from_bits(byte & 3).unwrap_or_default(),
        no_local: byte & 4 != 0,
        retain_as_published: byte & 8 != 0,
        retain_handling: match byte >> 4 & 3 {
            1 => RetainHandling::SendAtSubscribeIfNew,
            2 => RetainHandling::DoNotSend,
            _ => RetainHandling::SendAtSubscribe,
        },
    }
}
