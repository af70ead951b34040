//! What stands for something else in a message: `{n}`, `{now}`, `{time}`, `{uuid}`, `{random}`, `{random:1-6}`.

use super::input::Now;
use crate::wire::Publication;

const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

/// The `n`th of a message, with its variables. A name that is none stays as it is.
pub(super) fn filled(message: &Publication, n: u32, now: Now) -> Publication {
    let mut dice = Dice(u64::from(now.random) << 32 | u64::from(n));
    let mut message = message.clone();
    let is_numbered = message.repeat > 1;
    let mut fill = |text: &str| {
        let (mut out, mut rest) = (String::with_capacity(text.len()), text);
        while let Some((before, after)) = rest.split_once('{') {
            out.push_str(before);
            let value = after.split_once('}').and_then(|(name, tail)| {
                let value = match name {
                    "n" if is_numbered => n.to_string(),
                    name if message.variables => value(name, now, &mut dice)?,
                    _ => return None,
                };
                Some((value, tail))
            });
            match value {
                Some((value, tail)) => {
                    out.push_str(&value);
                    rest = tail;
                }
                None => {
                    out.push('{');
                    rest = after;
                }
            }
        }
        out.push_str(rest);
        out
    };
    let topic = fill(&message.topic);
    // What is not text has no placeholder, nor what was not written as text.
    let payload = match message.is_verbatim {
        true => None,
        false => std::str::from_utf8(&message.payload).ok().map(fill),
    };
    message.topic = topic;
    if let Some(payload) = payload {
        message.payload = payload.into_bytes();
    }
    message
}

fn value(name: &str, now: Now, dice: &mut Dice) -> Option<String> {
    Some(match name {
        "now" => now.wall_ms.to_string(),
        "time" => iso(now.wall_ms),
        "uuid" => uuid(dice.next(), dice.next()),
        "random" => (dice.next() % 1_000_000).to_string(),
        _ => {
            let (low, high) = name.strip_prefix("random:")?.split_once('-')?;
            let (low, high): (u32, u32) = (low.parse().ok()?, high.parse().ok()?);
            let span = u64::from(high.checked_sub(low)?) + 1;
            (u64::from(low) + dice.next() % span).to_string()
        }
    })
}

/// Spreads one number over many (splitmix64); nothing secret depends on it.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ mixed >> 31
    }
}

/// Version 4, by chance.
fn uuid(high: u64, low: u64) -> String {
    let (high, low) = (high & !0xF000 | 0x4000, low & !(0b11 << 62) | 0b10 << 62);
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        high >> 32,
        high >> 16 & 0xFFFF,
        high & 0xFFFF,
        low >> 48,
        low & 0xFFFF_FFFF_FFFF
    )
}

/// `2023-11-14T22:13:20.000Z`, after Howard Hinnant's `civil_from_days`.
fn iso(wall_ms: u64) -> String {
    let of_day = wall_ms % DAY_MS;
    let days = wall_ms / DAY_MS + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:03}Z",
        of_day / 3_600_000,
        of_day / 60_000 % 60,
        of_day / 1_000 % 60,
        of_day % 1_000
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(text: &str, n: u32) -> String {
        let message = Publication {
            topic: "t".into(),
            payload: text.into(),
            variables: true,
            repeat: 3,
            ..Publication::default()
        };
        let now = Now {
            wall_ms: 1_700_000_000_000,
            random: 42,
            ..Now::default()
        };
        String::from_utf8(filled(&message, n, now).payload).unwrap()
    }

    #[test]
    fn names_are_filled_in_and_everything_else_in_braces_stays() {
        assert_eq!(
            fill("{n} {now} {time}", 2),
            "2 1700000000000 2023-11-14T22:13:20.000Z"
        );
        for text in [
            r#"{"a":{"b":1}}"#,
            "{",
            "}{",
            "{nn}",
            "{random:6-1}",
            "{random:x}",
            "{}",
        ] {
            assert_eq!(fill(text, 1), text);
        }
        assert_eq!(fill(r#"{"a":{n}}"#, 3), r#"{"a":3}"#);
    }

    #[test]
    fn bytes_of_somebodys_own_are_left_alone_and_the_topic_is_filled_in() {
        let message = Publication {
            topic: "t/{n}".into(),
            payload: b"{n}".to_vec(),
            is_verbatim: true,
            repeat: 2,
            ..Publication::default()
        };
        let filled = filled(&message, 2, Now::default());
        assert_eq!((&*filled.topic, &*filled.payload), ("t/2", &b"{n}"[..]));
    }

    #[test]
    fn chance_stays_in_its_range_and_differs_within_a_message_and_a_series() {
        let mut seen = std::collections::BTreeSet::new();
        for n in 1..200 {
            let text = fill("{random:1-6} {random:1-6}", n);
            assert!(text.split(' ').all(|die| ("1"..="6").contains(&die)), "{text}");
            seen.insert(text);
        }
        assert_eq!(seen.len(), 36, "every pair comes");
        let uuid = fill("{uuid}", 1);
        assert_eq!((uuid.len(), uuid.as_bytes()[14]), (36, b'4'));
        assert_ne!(uuid, fill("{uuid}", 2));
    }

    #[test]
    fn dates_are_right_around_leap_days() {
        for (seconds, day) in [
            (0, "1970-01-01"),
            (951_782_400, "2000-02-29"),
            (1_709_164_800, "2024-02-29"),
            (4_107_542_400, "2100-03-01"),
            (1_735_689_599, "2024-12-31"),
        ] {
            assert!(
                iso(seconds * 1_000).starts_with(day),
                "{} is not {day}",
                iso(seconds * 1_000)
            );
        }
    }
}
