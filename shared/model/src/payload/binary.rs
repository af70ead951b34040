//! The words of two states.

/// Which pair of words is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BinaryWord {
    /// on, off
    OnOff,
    /// true, false
    TrueFalse,
    /// 1, 0
    ZeroOne,
    /// yes, no
    YesNo,
    /// open (on), closed
    OpenClosed,
    /// online, offline
    OnlineOffline,
    /// connected, disconnected
    ConnectedDisconnected,
    /// available, unavailable
    AvailableUnavailable,
    /// home (on), away or not_home
    HomeAway,
    /// locked (on), unlocked
    LockedUnlocked,
    /// detected (on), clear
    DetectedClear,
    /// active, inactive
    ActiveInactive,
    /// enabled, disabled
    EnabledDisabled,
    /// motion, `no_motion`
    Motion,
    /// wet (on), dry
    WetDry,
    /// occupied (on), vacant or unoccupied
    OccupiedVacant,
}

impl BinaryWord {
    /// What the second and the first of the pair are called: off, on.
    #[must_use]
    pub fn words(self) -> (&'static str, &'static str) {
        let word = |wanted: bool| {
            let found = WORDS.iter().find(|(_, word, on)| *word == self && *on == wanted);
            found.map_or("", |(word, ..)| *word)
        };
        (word(false), word(true))
    }
}

/// A state in the words it came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BinaryState {
    /// The pair of words.
    pub word: BinaryWord,
    /// The first of the pair: on, open, online, locked, …
    pub on: bool,
}

const WORDS: [(&str, BinaryWord, bool); 37] = [
    ("on", BinaryWord::OnOff, true),
    ("off", BinaryWord::OnOff, false),
    ("true", BinaryWord::TrueFalse, true),
    ("false", BinaryWord::TrueFalse, false),
    ("1", BinaryWord::ZeroOne, true),
    ("0", BinaryWord::ZeroOne, false),
    ("yes", BinaryWord::YesNo, true),
    ("no", BinaryWord::YesNo, false),
    ("open", BinaryWord::OpenClosed, true),
    ("opened", BinaryWord::OpenClosed, true),
    ("closed", BinaryWord::OpenClosed, false),
    ("close", BinaryWord::OpenClosed, false),
    ("online", BinaryWord::OnlineOffline, true),
    ("offline", BinaryWord::OnlineOffline, false),
    ("connected", BinaryWord::ConnectedDisconnected, true),
    ("disconnected", BinaryWord::ConnectedDisconnected, false),
    ("available", BinaryWord::AvailableUnavailable, true),
    ("unavailable", BinaryWord::AvailableUnavailable, false),
    ("home", BinaryWord::HomeAway, true),
    ("away", BinaryWord::HomeAway, false),
    ("not_home", BinaryWord::HomeAway, false),
    ("locked", BinaryWord::LockedUnlocked, true),
    ("unlocked", BinaryWord::LockedUnlocked, false),
    ("detected", BinaryWord::DetectedClear, true),
    ("clear", BinaryWord::DetectedClear, false),
    ("active", BinaryWord::ActiveInactive, true),
    ("inactive", BinaryWord::ActiveInactive, false),
    ("enabled", BinaryWord::EnabledDisabled, true),
    ("disabled", BinaryWord::EnabledDisabled, false),
    ("motion", BinaryWord::Motion, true),
    ("no_motion", BinaryWord::Motion, false),
    ("no motion", BinaryWord::Motion, false),
    ("wet", BinaryWord::WetDry, true),
    ("dry", BinaryWord::WetDry, false),
    ("occupied", BinaryWord::OccupiedVacant, true),
    ("vacant", BinaryWord::OccupiedVacant, false),
    ("unoccupied", BinaryWord::OccupiedVacant, false),
];

/// The state that a whole payload says in one of the known words, without regard to case or space around it.
#[must_use]
pub fn binary_state(text: &str) -> Option<BinaryState> {
    let text = text.trim();
    if text.len() > 12 {
        return None;
    }
    let (_, word, on) = WORDS.iter().find(|(word, ..)| text.eq_ignore_ascii_case(word))?;
    Some(BinaryState { word: *word, on: *on })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_has_two_words() {
        assert_eq!(BinaryWord::OpenClosed.words(), ("closed", "open"));
        for (_, word, _) in WORDS {
            let (off, on) = word.words();
            assert!(!off.is_empty() && !on.is_empty(), "{word:?}");
        }
    }

    #[test]
    fn words_are_known_in_any_case() {
        for (text, expected) in [
            ("ON", Some((BinaryWord::OnOff, true))),
            (" off\n", Some((BinaryWord::OnOff, false))),
            ("Offline", Some((BinaryWord::OnlineOffline, false))),
            ("0", Some((BinaryWord::ZeroOne, false))),
            ("CLOSED", Some((BinaryWord::OpenClosed, false))),
            ("2", None),
            ("", None),
            ("opening", None),
            ("a very long text that is no word", None),
        ] {
            assert_eq!(
                binary_state(text).map(|state| (state.word, state.on)),
                expected,
                "{text:?}"
            );
        }
    }
}
