//! A payload beside the one before, or beside one that was chosen.

use std::rc::Rc;

use yew::prelude::*;

use super::{
    diff::{self, Change},
    hex, json,
    lines::{DrawLine, Lines},
    viewer::{Form, LONGEST_LINE, ViewerProps, code_line, raw_lines},
};
use crate::{components::words, hooks::use_unpacked, wire::Unpacked};

/// Bytes that are no text are compared without being asked up to this length.
const LONG_BYTES: usize = 16 * 1024;

/// `None`: not compared; `Some(None)`: too many lines differ.
type Compared = Option<Option<Rc<Vec<Change>>>>;

/// The message before as the second module reads it, while two packed messages are compared.
#[hook]
pub(super) fn use_unpacked_previous(props: &ViewerProps, form: Form, compares: bool) -> Option<Rc<Unpacked>> {
    let nothing = use_memo((), |()| Rc::<[u8]>::from([]));
    let packing = match form {
        Form::Packed(word, _) if compares => Some(word),
        _ => None,
    };
    let payload = props.previous.as_ref().unwrap_or(&nothing);
    use_unpacked(packing, &props.media_type, payload)?.ok()
}

/// What changed since the message before, or since the one that was chosen.
#[hook]
pub(super) fn use_compared(
    props: &ViewerProps,
    compares: bool,
    new: Option<&Result<Rc<Unpacked>, Rc<str>>>,
    old: Option<&Rc<Unpacked>>,
) -> Rc<Compared> {
    // What is packed is compared by what it says, when both of it can be read.
    let plain = new.and_then(|new| new.clone().ok()).zip(old.cloned());
    use_memo(
        (props.payload.clone(), props.previous.clone(), plain, compares),
        |(new, old, plain, compares)| {
            let old = old.as_ref()?;
            // Pictures may come several times a second: only who compares waits for their bytes.
            let is_long = |bytes: &[u8]| bytes.len() > LONG_BYTES && std::str::from_utf8(bytes).is_err();
            if !compares && (is_long(old) || is_long(new)) {
                return None;
            }
            let (old, new) = match plain {
                Some((new, old)) => (readable(&old.payload), readable(&new.payload)),
                None => (readable(old), readable(new)),
            };
            Some(diff::compare(&old, &new).map(Rc::new))
        },
    )
}

pub(super) fn changed_words(changes: &[Change], is_same: bool) -> String {
    match (diff::changed(changes), is_same) {
        (0, true) => "Same as before".to_owned(),
        (0, false) => "Same, but written differently".to_owned(),
        (n, _) => format!("{} changed", words::count(n as u64, "line", "lines")),
    }
}

/// The lines that are compared: JSON by entry, text as it is, other bytes by sixteen.
fn readable(payload: &[u8]) -> Vec<String> {
    let lines = json::pretty(payload).or_else(|| {
        let text = std::str::from_utf8(payload).ok()?;
        Some(text.lines().map(str::to_owned).collect())
    });
    let Some(lines) = lines else {
        let rows = (0..hex::row_count(payload.len())).map(|at| hex::row(payload, at));
        return rows
            .map(|row| format!("{} {} {}", row.offset, row.digits, row.text))
            .collect();
    };
    // Of a long line that is one piece only the beginning would be seen, and not what changed.
    let broken = |line: String| match line.len() > LONGEST_LINE {
        true => raw_lines(&line),
        false => vec![line],
    };
    lines.into_iter().flat_map(broken).collect()
}

pub(super) fn comparison(compared: &Compared) -> Html {
    let Some(Some(changes)) = compared else {
        return html! {
            <p class="hint viewer__note" data-testid="topic-diff">
                {"These two messages differ in too many lines to compare."}
            </p>
        };
    };
    let (count, changes) = (changes.len(), changes.clone());
    let draw = DrawLine(Rc::new(move |index| match changes.get(index) {
        Some(Change::Same(line)) => code_line(None, "", line, None),
        Some(Change::Gone(line)) => code_line(Some("l--del"), "−", line, None),
        Some(Change::New(line)) => code_line(Some("l--add"), "+", line, None),
        None => Html::default(),
    }));
    html! {
        <div data-testid="topic-diff">
            <Lines {count} {draw} class="code json" label="Differences" />
        </div>
    }
}
