//! Names for people, and rooms, from topic levels.

use crate::class::words;

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

/// Rooms in the languages we can test, in lower case, words joined by a space.
const ROOMS: &[&str] = &[
    "living room",
    "livingroom",
    "kitchen",
    "bedroom",
    "bathroom",
    "bath",
    "hallway",
    "hall",
    "corridor",
    "entrance",
    "entry",
    "office",
    "study",
    "garage",
    "garden",
    "balcony",
    "terrace",
    "patio",
    "basement",
    "cellar",
    "attic",
    "laundry",
    "laundry room",
    "utility room",
    "dining room",
    "diningroom",
    "kids room",
    "children",
    "nursery",
    "guest room",
    "toilet",
    "outside",
    "outdoor",
    "outdoors",
    "stairs",
    "pantry",
    "wohnzimmer",
    "küche",
    "kueche",
    "schlafzimmer",
    "kinderzimmer",
    "bad",
    "badezimmer",
    "flur",
    "diele",
    "büro",
    "buero",
    "arbeitszimmer",
    "keller",
    "dachboden",
    "garten",
    "balkon",
    "terrasse",
    "hauswirtschaftsraum",
    "waschküche",
    "esszimmer",
    "gästezimmer",
    "draußen",
    "außen",
    "거실",
    "주방",
    "부엌",
    "침실",
    "안방",
    "욕실",
    "화장실",
    "현관",
    "복도",
    "아이 방",
    "아이방",
    "베란다",
    "서재",
    "차고",
    "정원",
    "마당",
    "실외",
];

/// Rooms, or words in names, that are not inside.
const OUTSIDE: &[&str] = &[
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
    "yard",
    "weather",
    "wetter",
];

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
        Some(first) => first.to_uppercase().chain(characters).collect(),
        None => level.to_owned(),
    }
}

/// As [`human`], and words that were run together by capitals are set apart: `ApparentPower`.
pub(crate) fn human_key(key: &str) -> String {
    let has_space = key.contains(['_', '-', ' ']);
    let is_shouted = !key.chars().any(char::is_lowercase);
    if has_space || is_shouted {
        human(key)
    } else {
        human(&words(key).join(" "))
    }
}

pub(crate) fn is_prefix(level: &str) -> bool {
    let level = level.to_lowercase();
    PREFIXES.contains(&&*level)
}

pub(crate) fn is_room(level: &str) -> bool {
    let name = words(level).join(" ");
    // `bedroom 2`, `kids-room-mina`
    ROOMS.contains(&&*name)
        || ROOMS
            .iter()
            .any(|room| name.strip_prefix(room).is_some_and(is_number))
}

fn is_number(rest: &str) -> bool {
    !rest.trim().is_empty() && rest.trim().bytes().all(|byte| byte.is_ascii_digit())
}

pub(crate) fn is_outside(name: &str) -> bool {
    words(name).iter().any(|word| OUTSIDE.contains(&&**word))
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
    let first = levels.iter().find(|level| !is_prefix(level) && !level.is_empty());
    known.or(first).map(|level| human(level))
}

#[cfg(test)]
mod tests {
    use super::*;

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
