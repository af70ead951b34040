//! What a key does in the tree. Pure.

use crate::wire::{TreeCommand, TreeView};
use hearth_model::letters::lower;

/// Letters typed within this time belong together.
const TOGETHER_MS: u64 = 700;

/// What a key asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// Go to this row.
    To(u32),
    /// Change what is open.
    Change(TreeCommand),
    /// Go to the next found topic, or back.
    Find { backward: bool },
    /// Show a topic.
    Open(String),
    /// Show what can be done with the topic in this row.
    Menu(u32, String),
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

/// What a key is pressed on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) view: &'a TreeView,
    pub(crate) at: Option<u32>,
    /// Rows of a page.
    pub(crate) page: u32,
    pub(crate) shift: bool,
    /// ms since epoch
    pub(crate) now: u64,
}

/// What `key` does; `None`: the key is not ours.
pub(crate) fn step(place: Place<'_>, key: &str, typed: &mut TypeAhead) -> Option<Step> {
    let Place {
        view,
        at,
        page,
        shift,
        now,
    } = place;
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
            Some(row) if shift && row.expanded.is_some() => {
                Step::Change(TreeCommand::ToggleBelow(row.topic.clone(), true))
            }
            Some(row) if row.expanded == Some(false) => toggle(&row.topic, true),
            Some(row) if row.expanded == Some(true) => Step::To((here + 1).min(last)),
            _ => Step::Nothing,
        },
        "ArrowLeft" => match current {
            Some(row) if shift && row.expanded.is_some() => {
                Step::Change(TreeCommand::ToggleBelow(row.topic.clone(), false))
            }
            Some(row) if row.expanded == Some(true) => toggle(&row.topic, false),
            Some(row) => parent(view, here, row.level).map_or(Step::Nothing, Step::To),
            None => Step::Nothing,
        },
        "Enter" | " " => match current {
            Some(row) if row.is_topic => Step::Open(row.topic.clone()),
            Some(row) => toggle(&row.topic, row.expanded != Some(true)),
            None => Step::Nothing,
        },
        "ContextMenu" | "F10" if shift || key == "ContextMenu" => {
            return row(here).map(|row| Step::Menu(here, row.topic.clone()));
        }
        "*" => current.map_or(Step::Nothing, |row| {
            Step::Change(TreeCommand::OpenSiblings(row.topic.clone()))
        }),
        "+" => Step::Change(TreeCommand::OpenLevel),
        "F3" => Step::Find { backward: shift },
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

fn toggle(topic: &str, open: bool) -> Step {
    Step::Change(TreeCommand::Toggle(topic.to_owned(), open))
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
            is_topic: expanded.is_none(),
            ..TreeRow::default()
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
        press_with(at, key, false)
    }

    fn press_with(at: Option<u32>, key: &str, shift: bool) -> Option<Step> {
        let view = view();
        let place = Place {
            view: &view,
            at,
            page: 3,
            shift,
            now: 0,
        };
        step(place, key, &mut TypeAhead::default())
    }

    #[test]
    fn keys_open_more_than_one_branch_and_go_through_what_was_found() {
        let below = |open| Step::Change(TreeCommand::ToggleBelow("home".into(), open));
        assert_eq!(press_with(Some(0), "ArrowRight", true), Some(below(true)));
        assert_eq!(press_with(Some(0), "ArrowLeft", true), Some(below(false)));
        assert_eq!(
            press(Some(4), "*"),
            Some(Step::Change(TreeCommand::OpenSiblings("zigbee2mqtt".into())))
        );
        assert_eq!(press(None, "+"), Some(Step::Change(TreeCommand::OpenLevel)));
        assert_eq!(
            press_with(Some(1), "F3", true),
            Some(Step::Find { backward: true })
        );
    }

    #[test]
    fn arrows_move_open_and_close() {
        assert_eq!(press(None, "ArrowDown"), Some(Step::To(0)));
        assert_eq!(press(Some(5), "ArrowDown"), Some(Step::To(5)));
        assert_eq!(press(Some(2), "ArrowRight"), Some(toggle("home/hall", true)));
        assert_eq!(press(Some(0), "ArrowRight"), Some(Step::To(1)));
        assert_eq!(press(Some(0), "ArrowLeft"), Some(toggle("home", false)));
        assert_eq!(press(Some(3), "ArrowLeft"), Some(Step::To(0)), "to the parent");
        assert_eq!(press(Some(1), "PageDown"), Some(Step::To(4)));
        assert_eq!(press(Some(1), "End"), Some(Step::To(5)));
    }

    #[test]
    fn enter_shows_a_topic_and_toggles_a_branch() {
        assert_eq!(press(Some(1), "Enter"), Some(Step::Open("home/door".into())));
        assert_eq!(press(Some(4), "Enter"), Some(toggle("zigbee2mqtt", true)));
        assert_eq!(press(None, "Tab"), None, "Tab leaves the tree");
    }

    #[test]
    fn the_keys_for_a_menu_ask_for_the_one_of_their_row() {
        let menu = |row, topic: &str| Some(Step::Menu(row, topic.to_owned()));
        assert_eq!(press(Some(3), "ContextMenu"), menu(3, "home/heat"));
        assert_eq!(press_with(Some(4), "F10", true), menu(4, "zigbee2mqtt"));
        assert_eq!(press(None, "ContextMenu"), menu(0, "home"), "the first row");
        assert_eq!(press(Some(3), "F10"), None, "the browser's own");
    }

    #[test]
    fn letters_find_the_next_name_that_starts_with_them() {
        let mut typed = TypeAhead::default();
        let view = view();
        let mut press = |at, key: &str, now| {
            let place = Place {
                view: &view,
                at: Some(at),
                page: 3,
                shift: false,
                now,
            };
            step(place, key, &mut typed)
        };
        assert_eq!(press(0, "h", 1_000), Some(Step::To(2)));
        assert_eq!(press(2, "e", 1_100), Some(Step::To(3)));
        assert_eq!(press(3, "z", 5_000), Some(Step::To(4)));
        assert_eq!(press(4, "Z", 5_100), Some(Step::To(5)));
    }
}
