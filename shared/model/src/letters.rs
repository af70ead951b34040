//! Small and capital letters of the alphabets that have them: Latin, Greek, Cyrillic, Armenian.
//!
//! The standard library knows more (Cherokee, Georgian capitals, Deseret, phonetic letters, letters that become two);
//! its tables are 10 KB of the page. So in what the page runs, nothing goes through `to_lowercase` or `to_uppercase`.

use std::ops::RangeInclusive;

/// First and last capital, and how far its small letter is; 1: capitals and small letters take turns.
const CAPITALS: [(u16, u16, i16); 41] = [
    (0xC0, 0xD6, 32),
    (0xD8, 0xDE, 32),
    (0x100, 0x12E, 1),
    (0x132, 0x136, 1),
    (0x139, 0x147, 1),
    (0x14A, 0x176, 1),
    (0x178, 0x178, -121),
    (0x179, 0x17D, 1),
    (0x181, 0x181, 210),
    (0x186, 0x186, 206),
    (0x189, 0x18A, 205),
    (0x18F, 0x18F, 202),
    (0x190, 0x190, 203),
    (0x198, 0x198, 1),
    (0x1A0, 0x1A4, 1),
    (0x1AF, 0x1AF, 1),
    (0x1B3, 0x1B5, 1),
    (0x1CD, 0x1DB, 1),
    (0x1DE, 0x1EE, 1),
    (0x1F8, 0x21E, 1),
    (0x222, 0x232, 1),
    (0x386, 0x386, 38),
    (0x388, 0x38A, 37),
    (0x38C, 0x38C, 64),
    (0x38E, 0x38F, 63),
    (0x391, 0x3A1, 32),
    (0x3A3, 0x3AB, 32),
    (0x3D8, 0x3EE, 1),
    (0x400, 0x40F, 80),
    (0x410, 0x42F, 32),
    (0x460, 0x480, 1),
    (0x48A, 0x4BE, 1),
    (0x4C0, 0x4C0, 15),
    (0x4C1, 0x4CD, 1),
    (0x4D0, 0x52E, 1),
    (0x531, 0x556, 48),
    (0x1E00, 0x1E94, 1),
    (0x1E9E, 0x1E9E, -7615),
    (0x1EA0, 0x1EFE, 1),
    (0x2160, 0x216F, 16),
    (0xFF21, 0xFF3A, 32),
];

/// Between these the table has nothing: Hangul, Kana, Han and others.
const WITHOUT_CAPITALS: RangeInclusive<u16> = 0x2180..=0xFF20;

/// The small letter of a capital; everything else as it is.
#[must_use]
pub fn lower_char(character: char) -> char {
    if character.is_ascii() {
        return character.to_ascii_lowercase();
    }
    changed(character, |(first, last, by), code| {
        (is_in(first, last, by, code)).then(|| code.wrapping_add_signed(by))
    })
}

/// The capital of a small letter; everything else as it is.
#[must_use]
pub fn upper_char(character: char) -> char {
    if character.is_ascii() {
        return character.to_ascii_uppercase();
    }
    changed(character, |(first, last, by), code| {
        let capital = code.wrapping_sub(by as u16);
        // Nobody writes a sharp s as a capital.
        (is_in(first, last, by, capital) && code != 0xDF).then_some(capital)
    })
}

/// Whether a character is a capital letter.
#[inline]
#[must_use]
pub fn is_upper(character: char) -> bool {
    if character.is_ascii() {
        return character.is_ascii_uppercase();
    }
    lower_char(character) != character
}

/// Whether a character is a small letter that has a capital.
#[inline]
#[must_use]
pub fn is_lower(character: char) -> bool {
    if character.is_ascii() {
        return character.is_ascii_lowercase();
    }
    upper_char(character) != character || character == 'ß'
}

/// A text in small letters.
#[must_use]
pub fn lower(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    text.chars().map(lower_char).collect()
}

fn is_in(first: u16, last: u16, by: i16, code: u16) -> bool {
    (first..=last).contains(&code) && (by != 1 || (code - first).is_multiple_of(2))
}

fn changed(character: char, change: impl Fn((u16, u16, i16), u16) -> Option<u16>) -> char {
    let code = u16::try_from(u32::from(character)).ok();
    code.filter(|code| !WITHOUT_CAPITALS.contains(code))
        .and_then(|code| CAPITALS.iter().find_map(|range| change(*range, code)))
        .and_then(|code| char::from_u32(u32::from(code)))
        .unwrap_or(character)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(mut characters: impl Iterator<Item = char>) -> Option<char> {
        characters.next().filter(|_| characters.next().is_none())
    }

    #[test]
    fn letters_that_change_do_so_as_the_standard_library_says() {
        for character in '\0'..=char::MAX {
            let (lower, upper) = (lower_char(character), upper_char(character));
            if lower != character {
                assert_eq!(Some(lower), one(character.to_lowercase()), "{character:?}");
            }
            if upper != character {
                assert_eq!(Some(upper), one(character.to_uppercase()), "{character:?}");
            }
        }
    }

    #[test]
    fn a_letter_that_changes_is_large_or_small() {
        for character in '\0'..=char::MAX {
            let is_large = lower_char(character) != character;
            assert_eq!(is_upper(character), is_large, "{character:?}");
            let is_small = upper_char(character) != character || character == 'ß';
            assert_eq!(is_lower(character), is_small, "{character:?}");
        }
    }

    #[test]
    fn what_is_said_to_have_no_capitals_is_in_no_row_of_the_table() {
        for (first, last, by) in CAPITALS {
            for capital in first..=last {
                let small = capital.wrapping_add_signed(by);
                assert!(!WITHOUT_CAPITALS.contains(&capital) && !WITHOUT_CAPITALS.contains(&small));
            }
        }
    }

    #[test]
    fn the_alphabets_of_people_change_whole() {
        for alphabet in [
            "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
            "ÄÖÜÀÂÆÇÉÈÊËÎÏÔŒÙÛŸÑÁÍÓÚÃÕÅØĄĆĘŁŃŚŹŻČĎĚŇŘŠŤŮÝŽŐŰĂÂȘȚĞŞÐÞƏƠƯẤỆỮ",
            "ΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩΆΈΉΊΌΎΏΪΫ",
            "АБВГДЕЁЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯЇІЄҐЎЂЈЉЊЋЏҚҢӨҮҺӘ",
            "ԱԲԳԴԵԶԷԸԹԺԻԼԽԾԿՀՁՂՃՄՅՆՇՈՉՊՋՌՍՎՏՐՑՒՓՔՕՖ",
        ] {
            let small: String = alphabet.chars().flat_map(char::to_lowercase).collect();
            assert_eq!(lower(alphabet), small);
            assert_eq!(small.chars().map(upper_char).collect::<String>(), alphabet);
            assert!(alphabet.chars().all(is_upper) && small.chars().all(is_lower));
        }
        assert_eq!(lower("Straße 아이 방 ÄÖ"), "straße 아이 방 äö");
        assert!(is_lower('ß') && !is_upper('ß') && !is_upper('한') && !is_lower('1'));
    }
}
