//! The announcements that are in force, and which of them speak of one physical device.

use hearth_model::letters::lower;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};

use super::model::Announcement;
use super::problems::Problems;
use crate::flat::Scalar;

/// Announcements beyond this many are refused and counted.
const MAXIMUM_ANNOUNCEMENTS: usize = 20_000;
/// Values that formats pass on by themselves and that wait to be taken.
const MAXIMUM_TOLD: usize = 20_000;

/// A physical device among the announced ones.
pub(crate) type GroupId = usize;

/// How announcements are put together by hand, besides by what they say of themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Links {
    /// Identifiers that stand for one device.
    pub together: Vec<Vec<String>>,
    /// Keys of announcements that are a device of their own.
    pub apart: BTreeSet<String>,
}

/// A value that a format read by itself, for an entity of an announcement.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Told {
    pub(crate) key: String,
    pub(crate) entity: String,
    pub(crate) part: &'static str,
    pub(crate) value: Scalar,
    pub(crate) now_ms: u64,
    pub(crate) retained: bool,
}

/// What the formats have read: where a format puts what it finds.
#[derive(Debug, Default)]
pub struct Announcements {
    held: BTreeMap<String, Held>,
    groups: Vec<BTreeSet<String>>,
    by_identifier: HashMap<String, GroupId>,
    payloads: HashMap<String, u64>,
    links: Links,
    problems: Problems,
    pub(crate) dirty: BTreeSet<GroupId>,
    pub(crate) told: Vec<Told>,
    /// Topics whose newest message is to be read again.
    pub(crate) again: Vec<String>,
    refused: u64,
}

#[derive(Debug)]
struct Held {
    announcement: Announcement,
    group: GroupId,
}

impl Announcements {
    /// Whether a payload differs from the one that came on this topic before. An unchanged announcement is worth no
    /// further look.
    pub fn is_news(&mut self, topic: &str, payload: &[u8]) -> bool {
        let mut hasher = DefaultHasher::new();
        payload.hash(&mut hasher);
        let hash = hasher.finish();
        match self.payloads.get_mut(topic) {
            Some(known) => std::mem::replace(known, hash) != hash,
            None => {
                if self.payloads.len() < MAXIMUM_ANNOUNCEMENTS {
                    self.payloads.insert(topic.to_owned(), hash);
                }
                true
            }
        }
    }

    /// Nothing is announced on this topic any more, so the next word is news.
    pub fn forget_payload(&mut self, topic: &str) {
        self.payloads.remove(topic);
    }

    /// What was announced on a topic means something else now: it is read again.
    pub fn read_again(&mut self, topic: String) {
        self.forget_payload(&topic);
        self.again.push(topic);
    }

    /// Puts an announcement in force, in place of the one with its key.
    pub fn set(&mut self, announcement: Announcement) {
        if let Some(held) = self.held.get_mut(&announcement.key) {
            if held.announcement == announcement {
                return;
            }
            if held.announcement.identifiers == announcement.identifiers {
                held.announcement = announcement;
                self.dirty.insert(held.group);
                return;
            }
            let key = announcement.key.clone();
            self.remove(&key);
        } else if self.held.len() >= MAXIMUM_ANNOUNCEMENTS {
            self.refused += 1;
            return;
        }
        self.insert(announcement, None);
    }

    /// An announcement is no longer in force.
    pub fn remove(&mut self, key: &str) {
        let Some(held) = self.held.remove(key) else { return };
        self.dirty.insert(held.group);
        let Some(members) = self.groups.get_mut(held.group) else {
            return;
        };
        members.remove(key);
        let gone = &held.announcement.identifiers;
        let first = members.first().and_then(|key| self.held.get(key));
        let still_linked =
            first.is_some_and(|first| gone.iter().all(|id| first.announcement.identifiers.contains(id)));
        if !still_linked {
            self.regroup(held.group);
        }
    }

    /// Removes every announcement whose key begins so, but for those that are `kept`.
    pub fn remove_below(&mut self, prefix: &str, kept: &BTreeSet<String>) {
        let gone: Vec<String> = self
            .keys_below(prefix)
            .filter(|key| !kept.contains(*key))
            .map(str::to_owned)
            .collect();
        for key in gone {
            self.remove(&key);
        }
    }

    /// The keys in force that begin so.
    pub fn keys_below<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a str> {
        self.held
            .range::<str, _>((std::ops::Bound::Included(prefix), std::ops::Bound::Unbounded))
            .map(|(key, _)| &**key)
            .take_while(move |key| key.starts_with(prefix))
    }

    /// An announcement in force.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Announcement> {
        self.held.get(key).map(|held| &held.announcement)
    }

    /// A value that the format itself read, for states that no topic and path can name. It counts when the
    /// announcement has this entity and part.
    pub fn tell(
        &mut self,
        now_ms: u64,
        retained: bool,
        (key, entity, part): (&str, &str, &'static str),
        value: Scalar,
    ) {
        if self.told.len() < MAXIMUM_TOLD {
            self.told.push(Told {
                key: key.to_owned(),
                entity: entity.to_owned(),
                part,
                value,
                now_ms,
                retained,
            });
        }
    }

    /// Something could not be read: where it came from and why, a sentence without a full stop.
    pub fn refuse(&mut self, now_ms: u64, topic: &str, reason: &str) {
        self.problems.push(now_ms, topic, reason);
    }

    /// What came on a topic is read anew: what was wrong with it before is no longer said.
    pub fn forget_problems(&mut self, topic: &str) {
        self.problems.forget(topic);
    }

    /// What could not be read.
    #[must_use]
    pub fn problems(&self) -> &Problems {
        &self.problems
    }

    /// Announcements refused because there were too many.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// Puts announcements together and apart by hand, in place of what was said before.
    pub fn set_links(&mut self, links: Links) {
        if self.links == links {
            return;
        }
        self.links = links;
        for group in 0..self.groups.len() {
            self.regroup(group);
        }
    }

    pub(crate) fn members(&self, group: GroupId) -> impl Iterator<Item = &Announcement> {
        let keys = self.groups.get(group).into_iter().flatten();
        keys.filter_map(|key| self.held.get(key))
            .map(|held| &held.announcement)
    }

    pub(crate) fn group_of(&self, key: &str) -> Option<GroupId> {
        self.held.get(key).map(|held| held.group)
    }

    pub(crate) fn group_of_identifier(&self, identifier: &str) -> Option<GroupId> {
        self.by_identifier.get(identifier).copied()
    }

    /// What an announcement is known by: its identifiers, else its key; also those that were linked to it by hand.
    fn known_by(&self, announcement: &Announcement) -> Vec<String> {
        if self.links.apart.contains(&announcement.key) || announcement.identifiers.is_empty() {
            return vec![announcement.key.clone()];
        }
        let mut ids = announcement.identifiers.clone();
        for linked in &self.links.together {
            if linked.iter().any(|id| announcement.identifiers.contains(id)) {
                ids.extend(linked.iter().cloned());
            }
        }
        ids
    }

    fn insert(&mut self, announcement: Announcement, preferred: Option<GroupId>) {
        let ids = self.known_by(&announcement);
        // Not collected: that sorts first, and brings a sort of its own (`hearth_model::order`).
        let mut found: BTreeSet<GroupId> = BTreeSet::new();
        found.extend(ids.iter().filter_map(|id| self.by_identifier.get(id).copied()));
        let group = found
            .pop_first()
            .or(preferred.filter(|group| self.groups.get(*group).is_some_and(BTreeSet::is_empty)))
            .or_else(|| self.groups.iter().position(BTreeSet::is_empty))
            .unwrap_or_else(|| {
                self.groups.push(BTreeSet::new());
                self.groups.len() - 1
            });
        for other in found {
            self.merge(other, group);
        }
        for id in ids {
            self.by_identifier.insert(id, group);
        }
        if let Some(members) = self.groups.get_mut(group) {
            members.insert(announcement.key.clone());
        }
        self.dirty.insert(group);
        self.held
            .insert(announcement.key.clone(), Held { announcement, group });
    }

    fn merge(&mut self, from: GroupId, into: GroupId) {
        let moved = self.groups.get_mut(from).map(std::mem::take).unwrap_or_default();
        for key in &moved {
            if let Some(held) = self.held.get_mut(key) {
                held.group = into;
            }
        }
        if let Some(members) = self.groups.get_mut(into) {
            members.extend(moved);
        }
        for group in self.by_identifier.values_mut().filter(|group| **group == from) {
            *group = into;
        }
        self.dirty.extend([from, into]);
    }

    /// Looks anew at who belongs together in a group.
    fn regroup(&mut self, group: GroupId) {
        let members = self.groups.get_mut(group).map(std::mem::take).unwrap_or_default();
        self.by_identifier.retain(|_, known| *known != group);
        self.dirty.insert(group);
        for key in members {
            if let Some(held) = self.held.remove(&key) {
                self.insert(held.announcement, Some(group));
            }
        }
    }
}

/// Adds what a text that identifies a device stands for: a MAC or an IEEE address in it is the same in all formats;
/// anything else counts only within its format, because `1` may be the first device of any of them.
pub fn identify(format: &str, text: &str, identifiers: &mut Vec<String>) {
    let text = lower(text.trim());
    if text.is_empty() || text.len() > 256 {
        return;
    }
    let mut add = |id: String| {
        if !identifiers.contains(&id) && identifiers.len() < 32 {
            identifiers.push(id);
        }
    };
    let is_hex = |text: &str, len| text.len() == len && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if let Some((_, after)) = text.split_once("0x") {
        let address = after.get(..16).unwrap_or_default();
        if is_hex(address, 16)
            && !after
                .get(16..)
                .unwrap_or_default()
                .starts_with(|next: char| next.is_ascii_hexdigit())
        {
            add(format!("ieee:{address}"));
        }
    }
    let bare = text.replace([':', '-', '.'], "");
    let last = text.rsplit(['-', '_']).next().unwrap_or_default();
    for mac in [&*bare, last] {
        if is_hex(mac, 12) && mac.bytes().any(|byte| byte != b'0') {
            add(format!("mac:{mac}"));
        }
    }
    add(format!("{format}:{text}"));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn announcement(key: &str, ids: &[&str]) -> Announcement {
        Announcement {
            key: key.to_owned(),
            identifiers: ids.iter().map(|id| (*id).to_owned()).collect(),
            ..Announcement::default()
        }
    }

    fn groups(announcements: &Announcements) -> Vec<String> {
        let groups = announcements.groups.iter().filter(|members| !members.is_empty());
        let mut groups: Vec<String> = groups
            .map(|members| members.iter().cloned().collect::<Vec<_>>().join(" "))
            .collect();
        groups.sort_unstable();
        groups
    }

    #[test]
    fn what_shares_an_identifier_is_one_device_until_the_link_is_gone() {
        let mut all = Announcements::default();
        all.set(announcement("a", &["1"]));
        all.set(announcement("b", &["2"]));
        assert_eq!(groups(&all), ["a", "b"]);
        all.set(announcement("c", &["1", "2"]));
        assert_eq!(groups(&all), ["a b c"]);
        all.remove("c");
        assert_eq!(groups(&all), ["a", "b"]);
        all.set(announcement("b", &["1"]));
        assert_eq!(groups(&all), ["a b"]);
        all.remove("a");
        all.remove("b");
        assert_eq!(groups(&all), Vec::<String>::new());
        assert!(all.by_identifier.is_empty());
    }

    #[test]
    fn devices_are_put_together_and_apart_by_hand() {
        let mut all = Announcements::default();
        for (key, id) in [("a", "1"), ("b", "1"), ("c", "2")] {
            all.set(announcement(key, &[id]));
        }
        all.set_links(Links {
            together: vec![vec!["1".into(), "2".into()]],
            apart: BTreeSet::from(["b".to_owned()]),
        });
        assert_eq!(groups(&all), ["a c", "b"]);
        all.set_links(Links::default());
        assert_eq!(groups(&all), ["a b", "c"]);
    }

    #[test]
    fn addresses_are_the_same_in_all_formats() {
        let ids = |text: &str| {
            let mut ids = Vec::new();
            identify("f", text, &mut ids);
            ids
        };
        assert_eq!(
            ids("zigbee2mqtt_0x00158D0001A2B3C4"),
            ["ieee:00158d0001a2b3c4", "f:zigbee2mqtt_0x00158d0001a2b3c4"]
        );
        assert_eq!(
            ids("A8:03:2A:B1:23:45"),
            ["mac:a8032ab12345", "f:a8:03:2a:b1:23:45"]
        );
        assert_eq!(
            ids("shellyplus1pm-a8032ab12345"),
            ["mac:a8032ab12345", "f:shellyplus1pm-a8032ab12345"]
        );
        assert_eq!(ids("1"), ["f:1"]);
        assert_eq!(ids(" "), Vec::<String>::new());
    }
}
