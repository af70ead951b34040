//! The response to a message, where it was sent from.

use hearth_model::payload::preview;
use yew::prelude::*;

use crate::{
    components::{
        payload::json,
        text::{shortened, visible},
        words,
    },
    pages::route::Route,
    wire::Response,
};

/// Characters shown; the topic has all of it.
const LONGEST: usize = 4_000;

/// What came, when and where.
pub(super) fn answer(response: &Response) -> Html {
    let href = Route::Explorer {
        topic: Some(response.topic.clone()),
    }
    .href();
    let text = readable(&response.payload);
    html! {
        <div class="stack" data-testid="publish-response" data-topic={response.topic.clone()} data-ms={response.after_ms.to_string()}>
            <p>{format!("Response after {} on ", words::interval(response.after_ms))}<a class="link mono" {href}><bdi>{visible(&response.topic)}</bdi></a></p>
            if response.payload.len() > LONGEST {
                <p class="hint">{format!("The response has {}: this is its beginning, its topic has all of it.", words::bytes(response.payload.len() as u64))}</p>
            }
            <pre class="code scroll-x answer" tabindex="0" role="region" aria-label="Response"><bdi>{text}</bdi></pre>
        </div>
    }
}

/// JSON indented, text as it is, else a few words.
fn readable(payload: &[u8]) -> String {
    let Ok(text) = std::str::from_utf8(payload) else {
        return preview(payload, payload.len(), LONGEST);
    };
    let lines = match json::pretty(payload).filter(|_| payload.len() <= LONGEST) {
        Some(lines) => lines,
        None => shortened(text, LONGEST).lines().map(str::to_owned).collect(),
    };
    // Line by line, because the end of a line would be drawn as its picture.
    let lines: Vec<_> = lines.iter().map(|line| visible(line)).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_is_shown_as_what_it_is() {
        assert_eq!(readable(br#"{"a":{"b":1}}"#), "{\n  \"a\": { \"b\": 1 }\n}");
        assert_eq!(readable("a\nb\u{202e}".as_bytes()), "a\nb⟨U+202E⟩");
        assert_eq!(readable(b""), "");
        assert!(readable(&[0xff, 0xfe, 0x00]).chars().all(|c| !c.is_control()));
        assert!(readable("x".repeat(9_000).as_bytes()).len() < 4_100);
    }
}
