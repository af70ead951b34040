//! Readings that wait for another turn, so that nothing else waits for many templates or long messages.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Bound;

use hearth_model::store::Arrival;

use super::Announced;
use super::readers::{Reader, What};
use crate::announced::Extract;
use crate::announced::extract::{Engine, Found, PayloadRead};
use crate::device::DeviceId;
use crate::flat::Scalar;
use crate::registry::Devices;

/// Readings beyond this many do not wait and are left out: several times as many as the largest home has.
const WAITING: usize = 100_000;
/// Longer payloads are work for whoever reads them, in bytes.
const LONG_BYTES: usize = 16 * 1024;
/// What a reading costs besides its template, in steps.
const READING_STEPS: u64 = 100;
/// Bytes of a payload that are read in the time of a step.
const BYTES_OF_STEP: usize = 4;
/// Bytes of a payload that was read as JSON already, among which a member is found in the time of a step.
const PARSED_BYTES_OF_STEP: usize = 1024;

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
    /// When the newest word of an availability came, by device and rule: since this turn began, or since readings wait.
    words: HashMap<(DeviceId, usize), u64>,
}

impl Late {
    /// These wait, instead of those who did; `false` when there is no room for all of them.
    fn put(&mut self, topic: &str, mut readers: Vec<Reader>) -> bool {
        self.remove(topic);
        // Half of what is left, so that there is some for other topics.
        let room = WAITING.saturating_sub(self.count).div_ceil(2);
        let is_room = readers.len() <= room;
        readers.truncate(room);
        if !readers.is_empty() {
            self.count += readers.len();
            self.by_topic.insert(topic.to_owned(), readers);
        }
        is_room
    }

    /// Who waits for a message: for a new one of this topic, or for that of the topic that was given out.
    pub(super) fn take(&mut self, topic: &str, is_new: bool) -> Vec<Reader> {
        if is_new {
            self.remove(topic)
        } else {
            std::mem::take(&mut self.given)
        }
    }

    /// Whether the word of an availability counts as its newest: one that waited does not when another topic had a newer
    /// one meanwhile.
    pub(super) fn is_newest(&mut self, now_ms: u64, rule: (DeviceId, usize), is_new: bool) -> bool {
        let is_newer_known = self.words.get(&rule).is_some_and(|at_ms| now_ms < *at_ms);
        if !is_new && is_newer_known {
            return false;
        }
        self.words.insert(rule, now_ms);
        true
    }

    fn remove(&mut self, topic: &str) -> Vec<Reader> {
        let readers = self.by_topic.remove(topic).unwrap_or_default();
        self.count -= readers.len();
        readers
    }

    fn give(&mut self) -> Option<String> {
        let after = (Bound::Excluded(&*self.last), Bound::Unbounded);
        let next = self.by_topic.range::<str, _>(after).next();
        let (topic, _) = next.or_else(|| self.by_topic.first_key_value())?;
        let topic = topic.clone();
        topic.clone_into(&mut self.last);
        self.given = self.remove(&topic);
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

/// The part of a payload that an extract names. A long text in a long JSON is paid for, because it is copied.
pub(super) fn find(payload: &mut PayloadRead<'_>, extract: &Extract, engine: &mut Engine) -> Found {
    let found = payload.find(extract, engine);
    if let (Extract::Path(_), Found::Value(Scalar::Text(text))) = (extract, &found)
        && text.len() > LONG_BYTES
    {
        engine.pay((text.len() / BYTES_OF_STEP) as u64);
    }
    found
}

impl Announced {
    /// Whether a template reads for it.
    pub(super) fn renders(&self, reader: Reader) -> bool {
        self.extract_of(reader).is_some_and(Extract::is_template)
    }

    /// Which part of a payload it reads.
    fn extract_of(&self, reader: Reader) -> Option<&Extract> {
        let bound = self.bound.get(&reader.device)?;
        let read = match reader.what {
            What::State { entity, read } => bound.entities.get(entity)?.reads.get(read)?,
            What::Availability { rule, check } => {
                let check = bound.rules.get(rule)?.availability.checks.get(check)?;
                return Some(&check.extract);
            }
            What::Attributes { entity } => bound.entities.get(entity)?.attributes.as_ref()?,
            What::Target { entity } => bound.entities.get(entity)?.target.as_ref()?,
            What::Answer { .. } => return None,
        };
        Some(&read.extract)
    }

    /// Pays for a reading, of what it costs besides its template; `false` when it has to wait. A payload is parsed once for
    /// all who read a member of it (`is_parsed`); templates and all others go through its bytes again.
    pub(super) fn pays_for(&mut self, reader: Reader, bytes: usize, is_parsed: &mut bool) -> bool {
        // They are read when somebody looks.
        if matches!(reader.what, What::Attributes { .. }) {
            return true;
        }
        let extract = self.extract_of(reader);
        if bytes <= LONG_BYTES && !extract.is_some_and(Extract::is_template) {
            return true;
        }
        let is_member = matches!(extract, Some(Extract::Path(_)));
        let bytes_of_step = if is_member && *is_parsed {
            PARSED_BYTES_OF_STEP
        } else {
            BYTES_OF_STEP
        };
        let is_paid = self.engine.pay(READING_STEPS + (bytes / bytes_of_step) as u64);
        *is_parsed |= is_member && is_paid;
        is_paid
    }

    /// These read the newest message of a topic in another turn.
    pub(super) fn put_late(&mut self, now_ms: u64, topic: &str, readers: Vec<Reader>) {
        if !self.late.put(topic, readers) {
            let reason =
                "too many readings wait for their turn, the others are left out until the next message";
            self.all.refuse(now_ms, topic, reason);
        }
    }
}

impl Devices {
    /// From now on templates and long messages may take this many steps, and one more reading; what is left waits
    /// ([`Self::take_unfinished`]). Unless this was called nothing waits.
    pub fn allow_steps(&mut self, steps: u64) {
        self.announced.engine.fuel = Some(steps);
        // Nothing is late that they could be newer than.
        if !self.is_unfinished() {
            self.announced.late.words.clear();
        }
    }

    /// Whether readings wait.
    #[must_use]
    pub fn is_unfinished(&self) -> bool {
        self.announced.late.count > 0
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
    use crate::announced::model::{AnnouncedEntity, Announcement, Part, StateRead};
    use crate::announced::{TemplateError, TemplateInput, Templates};
    use crate::device::{Entity, Value};

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
        sensors_with("{{ value|lower }}", count, topic)
    }

    fn sensors_with(template: &str, count: usize, topic: impl Fn(usize) -> String) -> Devices {
        let mut devices = Devices::default();
        for at in 0..count {
            let config = format!(
                r#"{{"state_topic":"{}","value_template":"{template}","unique_id":"n{at}","dev":{{"ids":"n{at}"}}}}"#,
                topic(at)
            );
            let name = format!("homeassistant/sensor/n{at}/config");
            devices.apply(1_000, &Arrival::new(&name, config.as_bytes()));
        }
        with_templates(devices)
    }

    fn with_templates(mut devices: Devices) -> Devices {
        devices.settle(1_000);
        devices.set_templates(Box::new(Slow));
        devices.take_wanted();
        devices
    }

    fn only(devices: &Devices) -> &Entity {
        let (_, device) = devices.iter().next().expect("a device");
        device.entities.first().expect("an entity")
    }

    /// `one` has a template and says this at that time, in ms; it is read in the next turn. `two` is plain, and read at once.
    fn one_is_late(devices: &mut Devices, (one_ms, one): (u64, &str), (two_ms, two): (u64, &str)) {
        let one = Arrival::new("one", one.as_bytes());
        devices.allow_steps(0);
        devices.apply(one_ms, &one);
        devices.apply(two_ms, &Arrival::new("two", two.as_bytes()));
        devices.allow_steps(2_500);
        assert_eq!(devices.take_unfinished().as_deref(), Some("one"));
        devices.finish(one_ms, &one);
        assert!(!devices.is_unfinished());
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
        assert!(devices.is_unfinished());
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

    #[test]
    fn one_topic_leaves_room_for_others() {
        let readers = |count: usize| -> Vec<Reader> {
            let what = What::Answer { entity: 0 };
            (0..count)
                .map(|device| Reader {
                    device: DeviceId(device),
                    what,
                })
                .collect()
        };
        let mut late = Late::default();
        assert!(!late.put("bomb", readers(WAITING + 1)));
        assert!(late.put("other", readers(1_000)));
        assert_eq!(late.count, WAITING / 2 + 1_000);
        assert!(late.put("bomb", Vec::new()));
        assert_eq!((late.count, late.by_topic.len()), (1_000, 1));
        for at in 0..20 {
            assert!(!late.put(&format!("bomb/{at}"), readers(WAITING)));
        }
        assert_eq!(late.count, WAITING);
        assert!(late.put("nobody", Vec::new()));
    }

    #[test]
    fn a_late_value_does_not_undo_a_newer_one() {
        let part = Part {
            reads: vec![
                StateRead::new("one", Extract::template("{{ value|lower }}")),
                StateRead::new("two", Extract::Plain),
            ],
            ..Part::default()
        };
        let thing = AnnouncedEntity {
            id: "lamp".to_owned(),
            parts: vec![part],
            ..AnnouncedEntity::default()
        };
        let mut devices = Devices::default();
        devices.announced.all_mut().set(Announcement {
            key: "lamp".to_owned(),
            topic: "lamp".to_owned(),
            identifiers: vec!["lamp".to_owned()],
            entities: vec![thing],
            ..Announcement::default()
        });
        let mut devices = with_templates(devices);
        one_is_late(&mut devices, (2_000, "old"), (3_000, "new"));
        assert_eq!(only(&devices).value, Value::Text("new".to_owned()));
        one_is_late(&mut devices, (5_000, "newest"), (4_000, "newer"));
        assert_eq!(only(&devices).value, Value::Text("newest".to_owned()));
    }

    #[test]
    fn a_late_word_that_it_is_gone_does_not_undo_a_newer_one() {
        let mut devices = Devices::default();
        let config =
            br#"{"state_topic":"state","unique_id":"a","dev":{"ids":"a"},"availability_mode":"latest",
            "availability":[{"topic":"one","value_template":"{{ value|lower }}"},{"topic":"two"}]}"#;
        devices.apply(1_000, &Arrival::new("homeassistant/sensor/a/config", config));
        let mut devices = with_templates(devices);
        one_is_late(&mut devices, (2_000, "offline"), (3_000, "online"));
        assert!(!only(&devices).unavailable);
        one_is_late(&mut devices, (5_000, "offline"), (4_000, "online"));
        assert!(only(&devices).unavailable);
    }

    /// 40,000 bytes of JSON, which are 10,000 steps.
    fn long() -> String {
        format!(r#"{{"x":"on","filler":"{}"}}"#, "a".repeat(40_000))
    }

    #[test]
    fn a_long_payload_is_paid_for_once_by_all_who_read_a_member() {
        let mut devices = sensors_with("{{ value_json.x }}", 50, |_| "long".to_owned());
        devices.allow_steps(20_000);
        devices.apply(2_000, &Arrival::new("long", long().as_bytes()));
        assert_eq!(said(&devices), counts(&[("on", 50)]));
        assert!(!devices.is_unfinished());
    }

    #[test]
    fn who_goes_through_a_long_payload_again_pays_for_it_again() {
        for template in ["{{ value_json.filler }}", "{{ value|lower }}", "{{ value }}"] {
            let mut devices = sensors_with(template, 50, |_| "long".to_owned());
            devices.allow_steps(20_000);
            devices.apply(2_000, &Arrival::new("long", long().as_bytes()));
            let unread = said(&devices).get("").copied().unwrap_or_default();
            assert!((48..50).contains(&unread), "{template}: {unread} are left");
        }
    }
}
