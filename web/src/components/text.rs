//! Text that came from a broker: always text, never markup, and nothing in it is invisible.

use hearth_model::text::{is_unsafe, push_spelled};
use yew::prelude::*;

/// `text` with everything spelled out that would not be seen, as the engine does it; here also the joiners, because two topics
/// may differ in nothing else.
///
/// A topic such as `a\u{202e}b` would otherwise turn round what stands after it.
pub(crate) fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_unsafe(c) || matches!(c, '\u{200c}' | '\u{200d}') {
            push_spelled(&mut out, c);
        } else {
            out.push(c);
        }
    }
    out
}

/// At most `most` characters of `text`, with an ellipsis if something is missing.
pub(crate) fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// Foreign text in its own direction, so that it cannot turn its surroundings round.
#[derive(Properties, PartialEq)]
pub(crate) struct ForeignProps {
    pub(crate) text: AttrValue,
}

/// Draws [`visible`] text in isolation.
#[component]
pub(crate) fn Foreign(props: &ForeignProps) -> Html {
    html! { <bdi lang={language(&props.text)}>{visible(&props.text)}</bdi> }
}

/// The `lang` of a text where its script tells it without doubt: Hangul is Korean, kana is Japanese.
pub(crate) fn language(text: &str) -> Option<&'static str> {
    text.chars().find_map(|c| match c {
        '\u{ac00}'..='\u{d7a3}' | '\u{1100}'..='\u{11ff}' => Some("ko"),
        '\u{3040}'..='\u{30ff}' => Some("ja"),
        'ß' | 'ẞ' => Some("de"),
        _ => None,
    })
}

/// A short name for an element of a broker's text, usable in `id`: the text itself may hold anything.
pub(crate) fn element_id(prefix: &str, text: &str) -> String {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{prefix}-{hash:x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_foreign_text_is_invisible() {
        assert_eq!(visible("a\u{0}b\n"), "a⟨NUL⟩b⟨LF⟩");
        assert_eq!(visible("x\u{202e}y\u{2066}"), "x⟨U+202E⟩y⟨U+2066⟩");
        assert_eq!(visible("\u{200c}\u{200d}\u{85}"), "⟨U+200C⟩⟨U+200D⟩⟨U+0085⟩");
        assert_eq!(
            visible(&hearth_model::text::safe_text("\u{202e}\t")),
            visible("\u{202e}\t")
        );
        assert_eq!(visible("Küche 아이 방 😀"), "Küche 아이 방 😀");
    }

    #[test]
    fn an_element_id_has_no_space_whatever_the_text() {
        let id = element_id("card", "a b\"<c>");
        assert!(id.starts_with("card-") && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'));
        assert_ne!(id, element_id("card", "a b\"<d>"));
    }

    #[test]
    fn shortening_cuts_between_characters() {
        assert_eq!(shortened("아이 방", 2), "아이…");
        assert_eq!(shortened("ab", 2), "ab");
    }
}
