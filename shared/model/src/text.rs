//! Text from outside, made safe to show: nothing invisible, nothing that turns the direction of its neighbours.

use std::borrow::Cow;

/// Whether a character is spelled out instead of shown: controls, and the characters that override or isolate
/// direction (U+200E/F, U+202A–E, U+2066–9), line and paragraph separators, blanks without a width but for the joiners, which
/// scripts and emoji need, the byte order mark.
#[must_use]
pub fn is_unsafe(character: char) -> bool {
    matches!(character,
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}' | '\u{2029}'
        | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

/// Appends a character spelled out, in the one way there is for it: `⟨LF⟩`, `⟨U+202E⟩`. Not as the pictures that Unicode has for
/// controls, which many fonts lack, nor with a backslash, which may be what is really there.
pub fn push_spelled(out: &mut String, character: char) {
    match character {
        '\0' => out.push_str("⟨NUL⟩"),
        '\t' => out.push_str("⟨TAB⟩"),
        '\n' => out.push_str("⟨LF⟩"),
        '\r' => out.push_str("⟨CR⟩"),
        _ => out.push_str(&format!("⟨U+{:04X}⟩", u32::from(character))),
    }
}

/// One line of safe text: unsafe characters are spelled out.
#[must_use]
pub fn safe_text(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    push_safe(&mut out, text);
    Cow::Owned(out)
}

/// Many lines of safe text: line feeds and tabs stay, a carriage return before a line feed goes, the rest as
/// [`safe_text`].
#[must_use]
pub fn safe_lines(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\n' | '\t' => out.push(character),
            '\r' if characters.peek() == Some(&'\n') => {}
            other => push_safe_char(&mut out, other),
        }
    }
    out
}

/// Safe text of at most `limit` characters, with an ellipsis as the last when something was left out.
#[must_use]
pub fn safe_short(text: &str, limit: usize) -> String {
    let mut out = String::with_capacity(text.len().min(limit.saturating_mul(4)));
    push_short(&mut out, text, limit);
    out
}

/// Appends as [`safe_short`]; `false` when something was left out.
pub(crate) fn push_short(out: &mut String, text: &str, limit: usize) -> bool {
    let mut characters = text.chars();
    for _ in 0..limit.saturating_sub(1) {
        match characters.next() {
            Some(character) => push_safe_char(out, character),
            None => return true,
        }
    }
    let last = characters.next();
    match (last, characters.next()) {
        (None, _) => true,
        (Some(character), None) if limit > 0 => {
            push_safe_char(out, character);
            true
        }
        _ => {
            out.push('…');
            false
        }
    }
}

pub(crate) fn push_safe(out: &mut String, text: &str) {
    for character in text.chars() {
        push_safe_char(out, character);
    }
}

fn push_safe_char(out: &mut String, character: char) {
    if is_unsafe(character) {
        push_spelled(out, character);
    } else {
        out.push(character);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn harmless_text_is_left_alone() {
        for text in ["", "home/아이 방", "Südfenster", "😀 👩‍👧", "مرحبا"] {
            assert!(matches!(safe_text(text), Cow::Borrowed(same) if same == text));
        }
    }

    #[test]
    fn invisible_and_direction_characters_are_spelled_out() {
        assert_eq!(
            safe_text("a\0b\u{202e}c\u{2066}d\ne"),
            "a⟨NUL⟩b⟨U+202E⟩c⟨U+2066⟩d⟨LF⟩e"
        );
        assert_eq!(
            safe_text("\u{1b}[31m\u{7f}\u{9b}"),
            "⟨U+001B⟩[31m⟨U+007F⟩⟨U+009B⟩"
        );
        assert_eq!(safe_text("a\u{200b}\u{2060}"), "a⟨U+200B⟩⟨U+2060⟩");
    }

    #[test]
    fn lines_stay_lines() {
        assert_eq!(safe_lines("a\r\nb\rc\td\u{7}"), "a\nb⟨CR⟩c\td⟨U+0007⟩");
    }

    #[test]
    fn long_text_ends_in_an_ellipsis() {
        assert_eq!(safe_short("abcdef", 4), "abc…");
        assert_eq!(safe_short("abcd", 4), "abcd");
        assert_eq!(safe_short("", 4), "");
        assert_eq!(safe_short("가나다", 2), "가…");
        assert_eq!(safe_short("abc", 0), "…");
    }
}
