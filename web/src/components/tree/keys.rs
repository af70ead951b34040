//! What a key does in the tree. Pure.

use crate::wire::TreeView;
use hearth_model::letters::lower;

/// Letters typed within this time belong together.
const TOGETHER_MS: u64 = 700;

/// What a key asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// Go to this row.
    To(u32),
    /// Open or close a branch.
    Toggle(String, bool),
    /// Show a topic.
    Open(String),
    /// The key belongs to the tree but does nothing here.
    Nothing,
}

/// The letters typed in a row.
#[derive(Debug, Default)]
pub(crate) struct TypeAhead {
    text: String,
    at: u64,
}

impl TypeAhead {
    fn push(&mut self, letter: &str, now: u64) -> &str {
        if now.saturating_sub(self.at) > TOGETHER_MS {
            self.text.clear();
        }
        self.at = now;
        self.text.push_str(&lower(letter));
        &self.text
    }
}

/// What `key` does with the keyboard on row `at`; `None`: the key is not ours.
pub(crate) fn step(
    view: &TreeView,
    at: Option<u32>,
    page: u32,
    key: &str,
    typed: &mut TypeAhead,
    now: u64,
) -> Option<Step> {
    let last = view.total_rows.checked_sub(1)?;
    let row = |index: u32| view.rows.get(index.checked_sub(view.first_row)? as usize);
    let here = at.unwrap_or(0);
    let current = at.and_then(row);
    let step = match key {
        "ArrowDown" => Step::To(at.map_or(0, |at| (at + 1).min(last))),
        "ArrowUp" => Step::To(here.saturating_sub(1)),
        "PageDown" => Step::To((here + page).min(last)),
        "PageUp" => Step::To(here.saturating_sub(page)),
        "Home" => Step::To(0),
        "End" => Step::To(last),
        "ArrowRight" => match current {
            Some(row) if row.expanded == Some(false) => Step::Toggle(row.topic.clone(), true),
            Some(row) if row.expanded == Some(true) => Step::To((here + 1).min(last)),
            _ => Step::Nothing,
        },
        "ArrowLeft" => match current {
            Some(row) if row.expanded == Some(true) => Step::Toggle(row.topic.clone(), false),
            Some(row) => parent(view, here, row.level).map_or(Step::Nothing, Step::To),
            None => Step::Nothing,
        },
        "Enter" | " " => match current {
            Some(row) if row.is_topic => Step::Open(row.topic.clone()),
            Some(row) => Step::Toggle(row.topic.clone(), row.expanded != Some(true)),
            None => Step::Nothing,
        },
        letter if letter.chars().count() == 1 => {
            let text = typed.push(letter, now).to_owned();
            // The first letter looks further on, more letters may stay on the row.
            let skip = u32::from(text.chars().count() == 1);
            found(view, here + skip, &text).map_or(Step::Nothing, Step::To)
        }
        _ => return None,
    };
    Some(step)
}

fn parent(view: &TreeView, at: u32, level: u16) -> Option<u32> {
    let above = view
        .rows
        .iter()
        .zip(view.first_row..)
        .filter(|(_, index)| *index < at);
    above
        .filter(|(row, _)| row.level < level)
        .last()
        .map(|(_, index)| index)
}

/// The next row whose name starts with `text`, from `from` on and then from the top.
fn found(view: &TreeView, from: u32, text: &str) -> Option<u32> {
    let matching = || {
        view.rows
            .iter()
            .zip(view.first_row..)
            .filter(|(row, _)| lower(&row.name).starts_with(text))
            .map(|(_, index)| index)
    };
    matching()
        .find(|index| *index >= from)
        .or_else(|| matching().next())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::TreeRow;

    fn row(topic: &str, expanded: Option<bool>) -> TreeRow {
        TreeRow {
            topic: topic.into(),
            name: topic.rsplit('/').next().unwrap().into(),
            level: u16::try_from(topic.matches('/').count()).unwrap(),
            expanded,
            topics_below: 0,
            is_topic: expanded.is_none(),
            retained: false,
            preview: String::new(),
            rate: 0.0,
        }
    }

    fn view() -> TreeView {
        TreeView {
            total_rows: 6,
            rows: vec![
                row("home", Some(true)),
                row("home/door", None),
                row("home/hall", Some(false)),
                row("home/heat", None),
                row("zigbee2mqtt", Some(false)),
                row("zz", None),
            ],
            ..TreeView::default()
        }
    }

    fn press(at: Option<u32>, key: &str) -> Option<Step> {
        step(&view(), at, 3, key, &mut TypeAhead::default(), 0)
    }

    #[test]
    fn arrows_move_open_and_close() {
        assert_eq!(press(None, "ArrowDown"), Some(Step::To(0)));
        assert_eq!(press(Some(5), "ArrowDown"), Some(Step::To(5)));
        assert_eq!(
            press(Some(2), "ArrowRight"),
            Some(Step::Toggle("home/hall".into(), true))
        );
        assert_eq!(press(Some(0), "ArrowRight"), Some(Step::To(1)));
        assert_eq!(
            press(Some(0), "ArrowLeft"),
            Some(Step::Toggle("home".into(), false))
        );
        assert_eq!(press(Some(3), "ArrowLeft"), Some(Step::To(0)), "to the parent");
        assert_eq!(press(Some(1), "PageDown"), Some(Step::To(4)));
        assert_eq!(press(Some(1), "End"), Some(Step::To(5)));
    }

    #[test]
    fn enter_shows_a_topic_and_toggles_a_branch() {
        assert_eq!(press(Some(1), "Enter"), Some(Step::Open("home/door".into())));
        assert_eq!(
            press(Some(4), "Enter"),
            Some(Step::Toggle("zigbee2mqtt".into(), true))
        );
        assert_eq!(press(None, "Tab"), None, "Tab leaves the tree");
    }

    #[test]
    fn letters_find_the_next_name_that_starts_with_them() {
        let mut typed = TypeAhead::default();
        let mut press = |at, key: &str, now| step(&view(), Some(at), 3, key, &mut typed, now);
        assert_eq!(press(0, "h", 1_000), Some(Step::To(2)));
        assert_eq!(press(2, "e", 1_100), Some(Step::To(3)));
        assert_eq!(press(3, "z", 5_000), Some(Step::To(4)));
        assert_eq!(press(4, "Z", 5_100), Some(Step::To(5)));
    }
}
