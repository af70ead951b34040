//! Who reads which topic: by its name, or by filters with wildcards.
//!
//! Gateways announce their devices so (`+/+/BTtoMQTT/A4C138E5…`): whichever of them hears a sensor passes it on.

use std::collections::HashMap;

use hearth_mqtt::topic::{TopicFilter, TopicName, TopicTrie};

use crate::device::DeviceId;

/// Filters with wildcards beyond this many are not read.
const FILTERS: usize = 4_096;
/// Who reads one filter beyond this many does not: a device has a filter of its own.
const READERS_OF_FILTER: usize = 256;
/// A message reaches no more than this many by filters.
const REACHED: usize = 1_024;
/// Topics that are read again at once because somebody reads a filter that nobody read before.
const LOOKED_AT: usize = 2_000;

/// Who reads a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Reader {
    pub(super) device: DeviceId,
    pub(super) what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum What {
    State { entity: usize, read: usize },
    Availability { rule: usize, check: usize },
    Target { entity: usize },
    Answer { entity: usize },
    Attributes { entity: usize },
}

/// Everybody who reads something.
#[derive(Debug, Default)]
pub(super) struct Readers {
    /// By name or filter, as it was announced.
    by_text: HashMap<String, Vec<Reader>>,
    filters: TopicTrie<()>,
    /// Filters for which known topics are to be looked at again.
    fresh: TopicTrie<()>,
}

/// Who reads a message.
#[derive(Debug, Default)]
pub(super) struct Reached {
    pub(super) readers: Vec<Reader>,
    /// Somebody named the topic or a level of it: nobody guesses what it means.
    pub(super) is_claimed: bool,
    /// Claimed by filters only.
    pub(super) is_by_filter: bool,
    /// There were more.
    pub(super) is_cut: bool,
}

/// Whether a text has the wildcards of a filter.
pub(crate) fn is_filter(text: &str) -> bool {
    text.contains(['+', '#'])
}

impl Readers {
    /// One more.
    ///
    /// # Errors
    /// Why not, when there are too many.
    pub(super) fn add(&mut self, text: &str, reader: Reader) -> Result<(), &'static str> {
        if let Some(readers) = self.by_text.get_mut(text) {
            if is_filter(text) && readers.len() >= READERS_OF_FILTER {
                return Err("more things read this filter than one may have, the others are left out");
            }
            readers.push(reader);
            return Ok(());
        }
        if is_filter(text) {
            let filter = TopicFilter::parse(text).map_err(|_| "this is no topic filter")?;
            if self.filters.len() >= FILTERS {
                return Err("too many filters with wildcards are announced, this one is not read");
            }
            self.filters.insert(filter, ());
        }
        self.by_text.insert(text.to_owned(), vec![reader]);
        Ok(())
    }

    /// A device reads nothing of these any more.
    pub(super) fn remove(&mut self, device: DeviceId, texts: &[String]) {
        for text in texts {
            let Some(readers) = self.by_text.get_mut(text) else {
                continue;
            };
            readers.retain(|reader| reader.device != device);
            if readers.is_empty() {
                self.by_text.remove(text);
                if let Some(filter) = parsed(text) {
                    self.filters.remove(&filter);
                }
            }
        }
    }

    /// Who reads the messages of a topic.
    pub(super) fn of(&self, topic: &str) -> Reached {
        let named = self.by_text.get(topic).filter(|_| !is_filter(topic)).cloned();
        let mut reached = Reached {
            is_claimed: named.is_some(),
            readers: named.unwrap_or_default(),
            ..Reached::default()
        };
        let name = (!self.filters.is_empty()).then(|| TopicName::parse(topic).ok());
        let Some(name) = name.flatten() else {
            return reached;
        };
        self.filters.for_each_match(&name, |filter, ()| {
            let filter = filter.as_str();
            // Who reads everything knows of nothing in particular.
            let says_something = filter.split('/').any(|level| !matches!(level, "+" | "#"));
            reached.is_by_filter |= says_something && !reached.is_claimed;
            let found = self.by_text.get(filter).map(Vec::as_slice).unwrap_or_default();
            let room = REACHED.saturating_sub(reached.readers.len());
            reached.is_cut |= found.len() > room;
            reached.readers.extend(found.iter().take(room));
        });
        reached.is_claimed |= reached.is_by_filter;
        reached
    }

    /// Everybody, by what they read.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&String, &Vec<Reader>)> {
        self.by_text.iter()
    }

    /// Whether somebody reads the messages of a topic.
    pub(super) fn reads(&self, topic: &str) -> bool {
        self.by_text.contains_key(topic) || self.of(topic).is_claimed
    }

    /// What matches this filter is to be looked at again.
    pub(super) fn look_again(&mut self, text: &str) {
        if let Some(filter) = parsed(text).filter(|_| self.fresh.len() < FILTERS) {
            self.fresh.insert(filter, ());
        }
    }

    /// The topics to be looked at again, among those that are known and those that somebody reads by name.
    pub(super) fn take_fresh<'a>(&mut self, known: impl Iterator<Item = &'a String>) -> Vec<String> {
        if self.fresh.is_empty() {
            return Vec::new();
        }
        let fresh = std::mem::take(&mut self.fresh);
        let is_wanted = |topic: &&String| {
            let mut is_wanted = false;
            if let Ok(name) = TopicName::parse(topic) {
                fresh.for_each_match(&name, |_, ()| is_wanted = true);
            }
            is_wanted
        };
        let mut wanted = Vec::new();
        wanted.extend(known.filter(is_wanted).take(LOOKED_AT).cloned());
        let room = LOOKED_AT - wanted.len();
        wanted.extend(self.by_text.keys().filter(is_wanted).take(room).cloned());
        wanted
    }
}

fn parsed(text: &str) -> Option<TopicFilter> {
    is_filter(text).then(|| TopicFilter::parse(text).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader(device: usize) -> Reader {
        Reader {
            device: DeviceId(device),
            what: What::Answer { entity: 0 },
        }
    }

    fn reached(readers: &Readers, topic: &str) -> Vec<usize> {
        let mut devices: Vec<usize> = readers.of(topic).readers.iter().map(|one| one.device.0).collect();
        devices.sort_unstable();
        devices
    }

    #[test]
    fn a_message_reaches_who_named_its_topic_and_whose_filters_match() {
        let mut readers = Readers::default();
        for (device, text) in [
            "home/gate/BTtoMQTT/A1",
            "+/+/BTtoMQTT/A1",
            "home/#",
            "#",
            "+/+/BTtoMQTT/B2",
        ]
        .into_iter()
        .enumerate()
        {
            readers.add(text, reader(device)).unwrap();
        }
        assert_eq!(reached(&readers, "home/gate/BTtoMQTT/A1"), [0, 1, 2, 3]);
        assert_eq!(reached(&readers, "barn/attic/BTtoMQTT/A1"), [1, 3]);
        assert_eq!(reached(&readers, "home"), [2, 3]);
        assert_eq!(reached(&readers, "$SYS/uptime"), Vec::<usize>::new());
        readers.remove(DeviceId(1), &["+/+/BTtoMQTT/A1".to_owned()]);
        assert_eq!(reached(&readers, "barn/attic/BTtoMQTT/A1"), [3]);
    }

    #[test]
    fn who_reads_everything_claims_nothing() {
        let mut readers = Readers::default();
        for text in ["#", "+/#", "+/+"] {
            readers.add(text, reader(0)).unwrap();
        }
        assert!(!readers.of("a/b").is_claimed);
        readers.add("+/b", reader(1)).unwrap();
        let reached = readers.of("a/b");
        assert!(reached.is_claimed && reached.is_by_filter);
    }

    #[test]
    fn thousands_of_filters_for_everything_are_cut() {
        let mut readers = Readers::default();
        let added = |readers: &mut Readers, text: &str, count: usize| {
            (0..count)
                .filter(|at| readers.add(text, reader(*at)).is_ok())
                .count()
        };
        assert_eq!(added(&mut readers, "#", 5_000), READERS_OF_FILTER);
        for text in ["+/#", "+/+/#", "a/#", "+/b/#", "a/+/#"] {
            added(&mut readers, text, 300);
        }
        let reached = readers.of("a/b/c");
        assert_eq!((reached.readers.len(), reached.is_cut), (REACHED, true));
        let refused = (0..5_000).filter(|at| readers.add(&format!("+/{at}"), reader(0)).is_err());
        assert_eq!(refused.count(), 5_000 + 6 - FILTERS);
    }

    #[test]
    fn what_was_heard_before_is_looked_at_again_in_bounds() {
        let mut readers = Readers::default();
        let known: Vec<String> = (0..5_000).map(|at| format!("home/{at}/x")).collect();
        assert_eq!(readers.take_fresh(known.iter()), Vec::<String>::new());
        readers.look_again("+/77/x");
        readers.look_again("home/named");
        assert_eq!(readers.take_fresh(known.iter()), ["home/77/x"]);
        assert_eq!(readers.take_fresh(known.iter()), Vec::<String>::new(), "once");
        readers.look_again("#");
        assert_eq!(readers.take_fresh(known.iter()).len(), LOOKED_AT);
    }
}
