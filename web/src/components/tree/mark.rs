//! What a search found, marked in the rows.

use std::ops::Range;

use hearth_model::pattern::Pattern;
use yew::prelude::*;

use crate::{components::text::visible, wire::TreeRow};

/// Finds the parts to mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Marker {
    /// A topic filter matches whole names.
    Filter,
    Pattern(Pattern),
}

impl Marker {
    pub(crate) fn new(search: &str, is_pattern: bool) -> Option<Self> {
        if search.is_empty() {
            return None;
        }
        if is_pattern {
            return Pattern::parse(search).ok().map(Self::Pattern);
        }
        if search.split('/').any(|level| matches!(level, "+" | "#")) {
            return Some(Self::Filter);
        }
        let literal: String = search
            .chars()
            .flat_map(|c| {
                let escape = c.is_ascii_punctuation().then_some('\\');
                escape.into_iter().chain([c])
            })
            .collect();
        Pattern::parse(&literal).ok().map(Self::Pattern)
    }

    /// The part of the row's name that was found, also when the match began in a level above.
    fn in_name(&self, row: &TreeRow) -> Option<Range<usize>> {
        let Self::Pattern(pattern) = self else {
            return row.hit.0.then_some(0..row.name.len());
        };
        let Some(start) = row
            .topic
            .ends_with(&row.name)
            .then(|| row.topic.len() - row.name.len())
        else {
            return pattern.find(&row.name);
        };
        let found = pattern.find(&row.topic)?;
        let part = found.start.saturating_sub(start)..found.end.saturating_sub(start);
        // What ends above was marked above; here it may come once more.
        if part.is_empty() {
            return pattern.find(&row.name);
        }
        Some(part)
    }

    fn in_value(&self, row: &TreeRow) -> Option<Range<usize>> {
        match self {
            Self::Pattern(pattern) if row.hit.1 => pattern.find(&row.preview),
            Self::Pattern(_) | Self::Filter => None,
        }
    }
}

/// The row's name with what was found in it.
pub(super) fn name(marker: Option<&Marker>, row: &TreeRow) -> Html {
    marked(&row.name, marker.and_then(|marker| marker.in_name(row)))
}

/// The row's value with what was found in it; what was found beyond the preview is told.
pub(super) fn value(marker: Option<&Marker>, row: &TreeRow) -> Html {
    let part = marker.and_then(|marker| marker.in_value(row));
    let beyond = row.hit.1 && part.is_none();
    html! {
        <>
            if beyond { <mark class="tree__hit">{"found"}<span class="vh">{" in the payload: "}</span></mark> }
            {marked(&row.preview, part)}
        </>
    }
}

fn marked(text: &str, part: Option<Range<usize>>) -> Html {
    let pieces = part.filter(|part| !part.is_empty()).and_then(|part| {
        Some((
            text.get(..part.start)?,
            text.get(part.clone())?,
            text.get(part.end..)?,
        ))
    });
    match pieces {
        Some((before, found, after)) => {
            html! { <>{visible(before)}<mark>{visible(found)}</mark>{visible(after)}</> }
        }
        None => html! { {visible(text)} },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(topic: &str, preview: &str, hit: (bool, bool)) -> TreeRow {
        TreeRow {
            topic: topic.into(),
            name: topic.rsplit('/').next().unwrap().into(),
            preview: preview.into(),
            hit,
            ..TreeRow::default()
        }
    }

    fn name_of(search: &str, is_pattern: bool, topic: &str) -> Option<String> {
        let row = row(topic, "", (true, false));
        let part = Marker::new(search, is_pattern)?.in_name(&row)?;
        Some(row.name[part].to_owned())
    }

    #[test]
    fn the_part_that_was_found_is_marked_in_the_level_where_it_lies() {
        assert_eq!(name_of("KIT", false, "home/kitchen").as_deref(), Some("kit"));
        assert_eq!(name_of("home/kit", false, "home/kitchen").as_deref(), Some("kit"));
        assert_eq!(name_of("home", false, "home/kitchen"), None);
        assert_eq!(name_of("a.b", false, "x/aXb"), None, "text is no expression");
        assert_eq!(name_of("a.b$", true, "x/aXb").as_deref(), Some("aXb"));
        assert_eq!(name_of("x/+", false, "x/ab").as_deref(), Some("ab"));
        assert_eq!(name_of("(", true, "x/ab"), None);
    }

    #[test]
    fn a_hit_beyond_the_preview_is_told() {
        let marker = Marker::new("open", false).unwrap();
        let seen = row("a", "state: OPEN", (false, true));
        assert_eq!(marker.in_value(&seen), Some(7..11));
        let unseen = row("a", "state: x", (false, true));
        assert_eq!(marker.in_value(&unseen), None);
    }
}
