//! Readings that wait for another turn, so that nothing else waits for many templates or long messages.

use std::collections::{BTreeMap, HashSet};
use std::ops::Bound;

use hearth_model::store::Arrival;

use super::Announced;
use super::readers::{Reader, What};
use crate::announced::Extract;
use crate::registry::Devices;

/// When more readings wait, no more messages should be taken.
const WAITING: usize = 10_000;
/// Longer payloads are work for whoever reads them, in bytes.
const LONG_BYTES: usize = 16 * 1024;
/// What a reading costs besides its template, in steps.
const READING_STEPS: u64 = 100;
/// Bytes of a payload that are read in the time of a step.
const BYTES_OF_STEP: usize = 4;

/// Who still has to read the newest message of a topic.
#[derive(Debug, Default)]
pub(super) struct Late {
    by_topic: BTreeMap<String, Vec<Reader>>,
    /// Readers of all topics.
    count: usize,
    /// The topic that had its turn last: the next one follows it in the order of names.
    last: String,
    /// Who waits for the message of the topic that was given out.
    given: Vec<Reader>,
}

impl Late {
    /// These wait, instead of those who did, who are given back.
    pub(super) fn put(&mut self, topic: &str, readers: Vec<Reader>) -> Vec<Reader> {
        self.count += readers.len();
        let before = if readers.is_empty() {
            self.by_topic.remove(topic)
        } else {
            self.by_topic.insert(topic.to_owned(), readers)
        };
        let before = before.unwrap_or_default();
        self.count -= before.len();
        before
    }

    /// Who waits for a message: for a new one of this topic, or for that of the topic that was given out.
    pub(super) fn take(&mut self, topic: &str, is_new: bool) -> Vec<Reader> {
        if is_new {
            self.put(topic, Vec::new())
        } else {
            std::mem::take(&mut self.given)
        }
    }

    fn give(&mut self) -> Option<String> {
        let after = (Bound::Excluded(&*self.last), Bound::Unbounded);
        let next = self.by_topic.range::<str, _>(after).next();
        let (topic, _) = next.or_else(|| self.by_topic.first_key_value())?;
        let topic = topic.clone();
        topic.clone_into(&mut self.last);
        self.given = self.put(&topic, Vec::new());
        Some(topic)
    }
}

/// Who waited goes first, so that it does not wait for ever; of a new message all others follow. Who reads it no more is left out.
pub(super) fn in_turn(mut waited: Vec<Reader>, reached: Vec<Reader>, is_new: bool) -> Vec<Reader> {
    if waited.is_empty() {
        return if is_new { reached } else { waited };
    }
    let known: HashSet<Reader> = reached.iter().copied().collect();
    waited.retain(|reader| known.contains(reader));
    if is_new {
        let first: HashSet<Reader> = waited.iter().copied().collect();
        waited.extend(reached.into_iter().filter(|reader| !first.contains(reader)));
    }
    waited
}

impl Announced {
    /// Whether a template reads for it.
    pub(super) fn renders(&self, reader: Reader) -> bool {
        let Some(bound) = self.bound.get(&reader.device) else {
            return false;
        };
        let extract = match reader.what {
            What::State { entity, read } => bound
                .entities
                .get(entity)
                .and_then(|bound| bound.reads.get(read))
                .map(|read| &read.extract),
            What::Availability { rule, check } => bound
                .rules
                .get(rule)
                .and_then(|rule| rule.availability.checks.get(check))
                .map(|check| &check.extract),
            What::Attributes { entity } => bound
                .entities
                .get(entity)
                .and_then(|bound| bound.attributes.as_ref())
                .map(|read| &read.extract),
            What::Target { entity } => bound
                .entities
                .get(entity)
                .and_then(|bound| bound.target.as_ref())
                .map(|read| &read.extract),
            What::Answer { .. } => None,
        };
        extract.is_some_and(Extract::is_template)
    }

    /// Pays for a reading, of what it costs besides its template; `false` when it has to wait.
    pub(super) fn pays_for(&mut self, reader: Reader, bytes: usize) -> bool {
        // They are read when somebody looks.
        if matches!(reader.what, What::Attributes { .. }) {
            return true;
        }
        let costs = bytes > LONG_BYTES || self.renders(reader);
        !costs || self.engine.pay(READING_STEPS + (bytes / BYTES_OF_STEP) as u64)
    }
}

impl Devices {
    /// From now on templates and long messages may take this many steps, and one more reading; what is left waits
    /// ([`Self::take_unfinished`]). Unless this was called nothing waits.
    pub fn allow_steps(&mut self, steps: u64) {
        self.announced.engine.fuel = Some(steps);
    }

    /// Whether readings wait.
    #[must_use]
    pub fn is_unfinished(&self) -> bool {
        self.announced.late.count > 0
    }

    /// Whether so many readings wait that no more messages should be applied before.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        self.announced.late.count > WAITING
    }

    /// A topic for whose newest message readings wait, to be given to [`Self::finish`] next; `None` when there is none, or
    /// no step is left.
    pub fn take_unfinished(&mut self) -> Option<String> {
        let is_spent = self.announced.engine.fuel == Some(0);
        if is_spent || !self.is_unfinished() {
            return None;
        }
        self.next_unfinished()
    }

    /// A function of its own, as [`Self::apply_reached`] is.
    #[inline(never)]
    fn next_unfinished(&mut self) -> Option<String> {
        self.announced.late.give()
    }

    /// Goes on with the newest message of the topic that [`Self::take_unfinished`] gave.
    pub fn finish(&mut self, now_ms: u64, arrival: &Arrival<'_>) {
        self.apply_readers(now_ms, arrival, false);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::announced::{TemplateError, TemplateInput, Templates};
    use crate::device::Value;

    /// An engine that takes 1,000 steps for everything.
    #[derive(Debug)]
    struct Slow;

    impl Templates for Slow {
        fn render(&mut self, _: &str, input: TemplateInput<'_>) -> Result<String, TemplateError> {
            Ok(input.payload.unwrap_or("1000").to_owned())
        }
    }

    /// Sensors with a template each; all read one topic, or each its own.
    fn sensors(count: usize, topic: impl Fn(usize) -> String) -> Devices {
        let mut devices = Devices::default();
        for at in 0..count {
            let config = format!(
                r#"{{"state_topic":"{}","value_template":"{{{{ value|lower }}}}","unique_id":"n{at}","dev":{{"ids":"n{at}"}}}}"#,
                topic(at)
            );
            let name = format!("homeassistant/sensor/n{at}/config");
            devices.apply(1_000, &Arrival::new(&name, config.as_bytes()));
        }
        devices.settle(1_000);
        devices.set_templates(Box::new(Slow));
        devices.take_wanted();
        devices
    }

    /// How many say each value.
    fn said(devices: &Devices) -> BTreeMap<String, usize> {
        let mut said = BTreeMap::new();
        for (_, device) in devices.iter() {
            for entity in &device.entities {
                let text = match &entity.value {
                    Value::Text(text) => text.clone(),
                    _ => String::new(),
                };
                *said.entry(text).or_insert(0) += 1;
            }
        }
        said
    }

    fn counts(counts: &[(&str, usize)]) -> BTreeMap<String, usize> {
        counts
            .iter()
            .map(|(text, count)| ((*text).to_owned(), *count))
            .collect()
    }

    /// Another turn of 2,500 steps, in which what waits is read.
    fn go_on(devices: &mut Devices, payload: &str) -> Vec<String> {
        devices.allow_steps(2_500);
        let mut topics = Vec::new();
        while let Some(topic) = devices.take_unfinished() {
            devices.finish(3_000, &Arrival::new(&topic, payload.as_bytes()));
            topics.push(topic);
        }
        topics
    }

    #[test]
    fn a_message_with_many_templates_is_read_in_several_turns_with_the_newest_value() {
        let mut devices = sensors(8, |_| "bomb".to_owned());
        devices.allow_steps(2_500);
        devices.apply(2_000, &Arrival::new("bomb", b"old"));
        assert_eq!(said(&devices), counts(&[("", 5), ("old", 3)]));
        assert!(devices.is_unfinished() && !devices.is_behind());
        assert_eq!(devices.take_unfinished(), None, "nothing is left in this turn");
        assert_eq!(go_on(&mut devices, "new"), ["bomb"]);
        assert_eq!(said(&devices), counts(&[("", 2), ("new", 3), ("old", 3)]));
        go_on(&mut devices, "new");
        assert_eq!(said(&devices), counts(&[("new", 5), ("old", 3)]));
        assert!(!devices.is_unfinished());
        assert_eq!(go_on(&mut devices, "new"), Vec::<String>::new());
    }

    #[test]
    fn messages_that_come_faster_than_they_are_read_reach_everybody() {
        let mut devices = sensors(9, |_| "bomb".to_owned());
        for payload in ["a", "b", "c", "d"] {
            devices.allow_steps(2_500);
            devices.apply(2_000, &Arrival::new("bomb", payload.as_bytes()));
        }
        assert_eq!(said(&devices), counts(&[("b", 3), ("c", 3), ("d", 3)]));
    }

    #[test]
    fn topics_take_turns_and_those_without_templates_do_not_wait() {
        let mut devices = sensors(8, |at| format!("bomb/{at}"));
        devices.allow_steps(2_500);
        for at in 0..8 {
            devices.apply(2_000, &Arrival::new(&format!("bomb/{at}"), b"on"));
        }
        let plain = br#"{"state_topic":"plain","unique_id":"p","dev":{"ids":"p"}}"#;
        devices.apply(2_000, &Arrival::new("homeassistant/sensor/p/config", plain));
        devices.settle(2_000);
        devices.apply(2_000, &Arrival::new("plain", b"at once"));
        assert_eq!(said(&devices), counts(&[("", 5), ("at once", 1), ("on", 3)]));
        let turns = [go_on(&mut devices, "on"), go_on(&mut devices, "on")];
        assert_eq!(turns.each_ref().map(Vec::len), [3, 2]);
        let topics: BTreeSet<&String> = turns.iter().flatten().collect();
        assert_eq!((topics.len(), devices.is_unfinished()), (5, false));
        assert_eq!(said(&devices), counts(&[("at once", 1), ("on", 8)]));
    }

    #[test]
    fn who_is_gone_does_not_wait_any_more() {
        let mut devices = sensors(8, |_| "bomb".to_owned());
        devices.allow_steps(2_500);
        devices.apply(2_000, &Arrival::new("bomb", b"on"));
        for at in 0..8 {
            let name = format!("homeassistant/sensor/n{at}/config");
            devices.apply(2_000, &Arrival::new(&name, b""));
        }
        devices.settle(2_000);
        assert_eq!(go_on(&mut devices, "on"), ["bomb"]);
        assert!(!devices.is_unfinished());
    }
}
