//! Names for people, and rooms, from topic levels.

use crate::class::words;
use hearth_model::letters::{is_lower, is_upper, lower, upper_char};

/// First levels that say nothing about where or what.
const PREFIXES: &[&str] = &[
    "home",
    "house",
    "haus",
    "zuhause",
    "my_home",
    "casa",
    "maison",
    "집",
    "sensors",
    "sensor",
    "devices",
    "device",
    "iot",
    "mqtt",
    "data",
    "esphome",
    "esp",
    "smarthome",
    "smart_home",
    "stat",
    "tele",
    "state",
    "status",
];

/// First levels that name a program, which is no place.
const PROGRAMS: &[&str] = &[
    "ebusd",
    "evcc",
    "frigate",
    "owntracks",
    "rtl_433",
    "solar",
    "teslamate",
    "valetudo",
    "wled",
    "zwave",
];

/// Rooms in the languages we can test, in lower case, words joined by a space. The kinds stand in the order in which
/// people expect them: where one lives first, what is outside last.
const ROOMS: &[&[&str]] = &[
    &["living room", "livingroom", "wohnzimmer", "거실"],
    &["kitchen", "küche", "kueche", "주방", "부엌"],
    &["dining room", "diningroom", "esszimmer"],
    &[
        "hallway", "hall", "corridor", "entrance", "entry", "stairs", "flur", "diele", "현관", "복도",
    ],
    &["bedroom", "schlafzimmer", "침실", "안방"],
    &[
        "kids room",
        "children",
        "nursery",
        "kinderzimmer",
        "아이 방",
        "아이방",
    ],
    &["guest room", "gästezimmer"],
    &["office", "study", "büro", "buero", "arbeitszimmer", "서재"],
    &[
        "bathroom",
        "bath",
        "toilet",
        "bad",
        "badezimmer",
        "욕실",
        "화장실",
    ],
    &[
        "laundry",
        "laundry room",
        "utility room",
        "pantry",
        "hauswirtschaftsraum",
        "waschküche",
    ],
    &["basement", "cellar", "attic", "keller", "dachboden"],
    &["garage", "차고"],
    OUTDOORS,
];

/// Rooms that are not inside.
const OUTDOORS: &[&str] = &[
    "outside",
    "outdoor",
    "outdoors",
    "garden",
    "balcony",
    "terrace",
    "patio",
    "garten",
    "balkon",
    "terrasse",
    "draußen",
    "außen",
    "실외",
    "정원",
    "마당",
    "베란다",
];

/// Other words in names that are not inside; alone they name no room.
const IN_THE_OPEN: &[&str] = &["yard", "weather", "wetter"];

/// The words of a key as they stand in it: as [`words`], but nothing is made. What is asked of every value again and again asks
/// these.
pub(crate) fn words_in(key: &str) -> impl Iterator<Item = &str> {
    let mut rest = key;
    std::iter::from_fn(move || {
        let (word, behind) = first_word(rest)?;
        rest = behind;
        Some(word)
    })
}

/// The first word of a key, and what stands behind it.
fn first_word(key: &str) -> Option<(&str, &str)> {
    let key = key.get(key.find(char::is_alphanumeric)?..)?;
    let mut before = ' ';
    for (at, character) in key.char_indices() {
        if !character.is_alphanumeric() || (is_upper(character) && is_lower(before)) {
            return key.split_at_checked(at);
        }
        before = character;
    }
    Some((key, ""))
}

/// Whether a word is one of these, which are in small letters.
pub(crate) fn is_one_of(word: &str, small: &[&str]) -> bool {
    if word.is_ascii() {
        small.iter().any(|small| word.eq_ignore_ascii_case(small))
    } else {
        let word = lower(word);
        small.contains(&&*word)
    }
}

/// For people: dashes and underscores are spaces, the first letter is upper case; other scripts stay as they are.
pub(crate) fn human(level: &str) -> String {
    let mut spaced = String::with_capacity(level.len());
    for character in level.chars() {
        let is_space = matches!(character, '_' | '-') || character.is_whitespace();
        match is_space {
            true if spaced.is_empty() || spaced.ends_with(' ') => {}
            true => spaced.push(' '),
            false => spaced.push(character),
        }
    }
    let spaced = spaced.trim_end();
    let mut characters = spaced.chars();
    match characters.next() {
        Some(first) => std::iter::once(upper_char(first)).chain(characters).collect(),
        None => level.to_owned(),
    }
}

/// As [`human`], and words that were run together by capitals are set apart: `ApparentPower`.
pub(crate) fn human_key(key: &str) -> String {
    let has_space = key.contains(['_', '-', ' ']);
    let is_shouted = !key.chars().any(is_lower);
    if has_space || is_shouted {
        human(key)
    } else {
        human(&words(key).join(" "))
    }
}

/// `child lock` → `Child lock`
pub(crate) fn first_upper(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| {
        std::iter::once(upper_char(first)).chain(chars).collect()
    })
}

pub(crate) fn is_prefix(level: &str) -> bool {
    let level = lower(level);
    PREFIXES.contains(&&*level)
}

pub(crate) fn is_room(level: &str) -> bool {
    kind_of_room(level).is_some()
}

/// Where a room stands among the others: known kinds in their usual order, then those we do not know.
pub(crate) fn place_of_room(name: &str) -> usize {
    kind_of_room(name).unwrap_or(ROOMS.len())
}

fn kind_of_room(level: &str) -> Option<usize> {
    let name = words(level).join(" ");
    // `bedroom 2`
    let of_number = name
        .trim_end_matches(|character: char| character.is_ascii_digit())
        .trim_end();
    let is_named = |room: &&str| *room == name || *room == of_number;
    ROOMS.iter().position(|names| names.iter().any(is_named))
}

pub(crate) fn is_outside(name: &str) -> bool {
    words_in(name).any(|word| is_one_of(word, OUTDOORS) || is_one_of(word, IN_THE_OPEN))
}

/// A room in a name: its name for people, and what is left for the device when the room stood first.
pub(crate) fn room_in(name: &str) -> Option<(String, String)> {
    let spaced = human(name);
    let parts: Vec<&str> = spaced.split(' ').collect();
    for len in (1..=parts.len().min(3)).rev() {
        let (Some(head), Some(tail)) = (parts.get(..len), parts.get(parts.len() - len..)) else {
            continue;
        };
        if is_room(&head.join(" ")) {
            let rest = parts.get(len..).unwrap_or_default().join(" ");
            let device = if rest.is_empty() {
                spaced.clone()
            } else {
                human(&rest)
            };
            return Some((human(&head.join(" ")), device));
        }
        if is_room(&tail.join(" ")) {
            return Some((human(&tail.join(" ")), spaced.clone()));
        }
    }
    None
}

/// Where the levels above a device say that it is.
pub(crate) fn room_of(levels: &[&str]) -> Option<String> {
    let known = levels.iter().rev().find(|level| is_room(level));
    let first = levels
        .iter()
        .find(|level| !is_prefix(level) && !level.is_empty())
        .filter(|level| !PROGRAMS.contains(level));
    known.or(first).map(|level| human(level))
}

#[cfg(test)]
mod tests {
    use hearth_model::letters::lower_char;
    use proptest::prelude::*;

    use super::*;

    /// The words of a key letter by letter.
    fn spelled(key: &str) -> Vec<String> {
        let mut words = vec![String::new()];
        let mut before = ' ';
        for character in key.chars() {
            let is_break = !character.is_alphanumeric();
            if is_break || (is_upper(character) && is_lower(before)) {
                words.push(String::new());
            }
            if !is_break {
                words.last_mut().unwrap().push(lower_char(character));
            }
            before = character;
        }
        words.retain(|word| !word.is_empty());
        words
    }

    fn check_words(key: &str) {
        let expected = spelled(key);
        assert_eq!(words(key), expected, "{key:?}");
        for word in words_in(key) {
            let small = lower(word);
            assert!(is_one_of(word, &["-", &small]), "{word:?}");
            assert!(!is_one_of(word, &["-", &format!("{small}s")]), "{word:?}");
        }
        let is_outdoors = |word: &String| OUTDOORS.contains(&&**word) || IN_THE_OPEN.contains(&&**word);
        assert_eq!(is_outside(key), expected.iter().any(is_outdoors), "{key:?}");
    }

    #[test]
    fn words_end_at_what_is_no_letter_and_before_a_capital() {
        for (key, expected) in [
            ("ApparentPower", "apparent power"),
            ("apparent-power__2", "apparent power 2"),
            ("POWER1", "power1"),
            ("TerrassenTür/Außen", "terrassen tür außen"),
            ("größeÜber", "größe über"),
            ("아이 방", "아이 방"),
            ("-- ", ""),
            ("", ""),
        ] {
            check_words(key);
            assert_eq!(words(key).join(" "), expected);
        }
        assert!(is_outside("Wetter-Station") && is_outside("frontYard") && is_outside("BALKON Außen"));
        assert!(!is_outside("yardstick") && !is_outside("Garten2"));
    }

    #[test]
    fn words_that_are_looked_for_are_small_and_alone() {
        for word in OUTDOORS.iter().chain(IN_THE_OPEN) {
            assert_eq!(spelled(word), [*word]);
        }
    }

    proptest! {
        #[test]
        fn words_are_those_that_are_found_letter_by_letter(
            text in ".{0,24}",
            keys in "[a-cA-C019 _./äÄßÖéÉжЖ아방ⅷⅧǅ-]{0,24}",
            outside in "(garden|Garten|Außen|yard|정원|Balkon)[ _A2]?[a-z]{0,3}",
        ) {
            check_words(&text);
            check_words(&keys);
            check_words(&outside);
        }
    }

    #[test]
    fn names_are_made_human_and_other_scripts_left_alone() {
        for (level, name) in [
            ("living-room", "Living room"),
            ("südfenster_rollladen", "Südfenster rollladen"),
            ("Südfenster Rollladen", "Südfenster Rollladen"),
            ("아이 방", "아이 방"),
            (
                "온습도계 (침대 옆 창가 선반 위, 아래쪽 칸)",
                "온습도계 (침대 옆 창가 선반 위, 아래쪽 칸)",
            ),
            ("öffner", "Öffner"),
            ("__", "__"),
            ("TV", "TV"),
        ] {
            assert_eq!(human(level), name);
        }
        assert_eq!(human_key("ApparentPower"), "Apparent power");
        assert_eq!(human_key("POWER1"), "POWER1");
        assert_eq!(human_key("soil_moisture"), "Soil moisture");
    }

    #[test]
    fn rooms_are_found_in_names() {
        let found = |name| room_in(name).map(|(room, device)| format!("{room}|{device}"));
        for (name, expected) in [
            ("living_room_climate", Some("Living room|Climate")),
            ("Küche Fenster", Some("Küche|Fenster")),
            ("Rauchmelder Flur", Some("Flur|Rauchmelder Flur")),
            ("아이 방 온습도계", Some("아이 방|온습도계")),
            ("kitchen", Some("Kitchen|Kitchen")),
            ("bedroom 2 lamp", Some("Bedroom 2|Lamp")),
            ("Washing machine", None),
        ] {
            assert_eq!(found(name).as_deref(), expected, "{name}");
        }
    }
}
