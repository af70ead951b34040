//! Sets of 16-bit numbers that cannot grow: 8 KiB at most, and nothing before the first one.

/// Words of 64 bits for 65,536 numbers.
const WORDS: usize = 1024;

/// Packet Identifiers.
#[derive(Debug, Default)]
pub(super) struct IdSet {
    words: Option<Box<[u64]>>,
    len: usize,
}

impl IdSet {
    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(super) fn contains(&self, id: u16) -> bool {
        let (word, bit) = place(id);
        self.words
            .as_ref()
            .and_then(|words| words.get(word))
            .is_some_and(|word| word & bit != 0)
    }

    pub(super) fn insert(&mut self, id: u16) {
        if self.contains(id) {
            return;
        }
        let (word, bit) = place(id);
        let words = self.words.get_or_insert_with(|| vec![0; WORDS].into());
        if let Some(word) = words.get_mut(word) {
            *word |= bit;
            self.len += 1;
        }
    }

    /// Says whether it was there.
    pub(super) fn remove(&mut self, id: u16) -> bool {
        let was_there = self.contains(id);
        let (word, bit) = place(id);
        if was_there && let Some(word) = self.words.as_mut().and_then(|words| words.get_mut(word)) {
            *word &= !bit;
            self.len -= 1;
        }
        if self.len == 0 {
            self.words = None;
        }
        was_there
    }
}

fn place(id: u16) -> (usize, u64) {
    (usize::from(id / 64), 1 << (id % 64))
}

/// What was decided about the topic that a Topic Alias stands for. The topic itself is not kept: permissions do not change while a
/// connection lives.
#[derive(Debug, Default)]
pub(super) struct Verdicts {
    allowed: IdSet,
    refused: IdSet,
}

impl Verdicts {
    pub(super) fn set(&mut self, alias: u16, allowed: bool) {
        let (into, out_of) = match allowed {
            true => (&mut self.allowed, &mut self.refused),
            false => (&mut self.refused, &mut self.allowed),
        };
        into.insert(alias);
        out_of.remove(alias);
    }

    /// `None` for an alias that was never set.
    pub(super) fn get(&self, alias: u16) -> Option<bool> {
        if self.allowed.contains(alias) {
            Some(true)
        } else {
            self.refused.contains(alias).then_some(false)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_knows_what_is_in_it_and_is_free_when_empty() {
        let mut set = IdSet::default();
        for id in [0, 1, 63, 64, 65_535] {
            assert!(!set.remove(id));
            set.insert(id);
            set.insert(id);
            assert!(set.contains(id));
        }
        assert_eq!(set.len, 5);
        for id in [0, 1, 63, 64, 65_535] {
            assert!(set.remove(id));
            assert!(!set.contains(id));
        }
        assert!(set.is_empty() && set.words.is_none());
    }

    #[test]
    fn the_newest_verdict_on_an_alias_holds() {
        let mut verdicts = Verdicts::default();
        assert_eq!(verdicts.get(7), None);
        verdicts.set(7, true);
        assert_eq!(verdicts.get(7), Some(true));
        verdicts.set(7, false);
        assert_eq!(verdicts.get(7), Some(false));
        verdicts.set(7, true);
        assert_eq!(verdicts.get(7), Some(true));
    }
}
