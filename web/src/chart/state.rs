//! What the user chose to see of a chart, and moving about in time.

use std::{collections::HashSet, rc::Rc};

use yew::{AttrValue, Reducible};

use super::plan::Look;
use crate::wire::{ChartSpan, ChartView, SeriesName};

/// Series in one chart; more cannot be told apart.
pub(crate) const SERIES: usize = 6;
/// The ranges that have a button, ms.
pub(crate) const RANGES: [(&str, ChartSpan); 4] = [
    ("5 min", ChartSpan::Last(300_000)),
    ("1 h", ChartSpan::Last(3_600_000)),
    ("24 h", ChartSpan::Last(86_400_000)),
    ("All", ChartSpan::All),
];
/// Shortest span, ms.
const SHORTEST_MS: f64 = 1_000.0;
/// So much can be seen although there is nothing older, ms.
const LONGEST_MS: f64 = 300_000.0;

/// A series that can be shown.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Choice {
    pub(crate) name: SeriesName,
    /// For people.
    pub(crate) label: AttrValue,
}

/// What the engine showed last, ms since epoch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Bounds {
    pub(crate) from: f64,
    pub(crate) to: f64,
    pub(crate) now: f64,
    pub(crate) oldest: f64,
}

impl From<&ChartView> for Bounds {
    fn from(view: &ChartView) -> Self {
        let now = view.now_ms as f64;
        Self {
            from: view.from_ms as f64,
            to: view.to_ms as f64,
            now,
            oldest: view.oldest_ms.map_or(now, |at| at as f64),
        }
    }
}

/// What is seen of a chart.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct State {
    pub(crate) look: Look,
    /// Names of what is chosen, for people.
    pub(crate) labels: Vec<AttrValue>,
    pub(crate) span: ChartSpan,
    /// ms since epoch.
    pub(crate) cursor: Option<u64>,
    /// The cursor was moved by a key: then its value is said.
    pub(crate) by_key: bool,
    /// The page of the table, if it is shown.
    pub(crate) table: Option<usize>,
}

/// What the user does.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Act {
    /// Shows a series, or no longer.
    Choose(Choice),
    /// Hides a series of the legend, or shows it again.
    Toggle(usize),
    OneScale,
    Band,
    /// Opens a page of the table, or closes it.
    Table(Option<usize>),
    Span(ChartSpan),
    /// By a factor, about a place (0 left, 1 right).
    Zoom(Bounds, f64, f64),
    /// By a part of the span, to the right.
    Pan(Bounds, f64),
    /// To these ends.
    Move(Bounds, f64, f64),
    Cursor(Option<u64>, bool),
}

impl State {
    /// Shows all there is of these.
    pub(crate) fn new(shown: Vec<Choice>) -> Self {
        let (names, labels) = shown
            .into_iter()
            .take(SERIES)
            .map(|choice| (choice.name, choice.label))
            .unzip();
        Self {
            look: Look {
                chosen: names,
                hidden: HashSet::new(),
                one_scale: false,
                band: true,
            },
            labels,
            span: ChartSpan::All,
            cursor: None,
            by_key: false,
            table: None,
        }
    }

    /// Follows the time.
    pub(crate) fn is_live(&self) -> bool {
        !matches!(self.span, ChartSpan::Between(..))
    }

    /// What is chosen, with its label.
    pub(crate) fn choices(&self) -> impl Iterator<Item = Choice> {
        let names = self.look.chosen.iter().zip(&self.labels);
        names.map(|(name, label)| Choice {
            name: name.clone(),
            label: label.clone(),
        })
    }

    fn choose(&mut self, choice: Choice) {
        let held = self.look.chosen.iter().position(|name| *name == choice.name);
        match held {
            Some(slot) => {
                self.look.chosen.remove(slot);
                self.labels.remove(slot);
                // What comes after moves up by one, hidden or not.
                let hidden = std::mem::take(&mut self.look.hidden);
                let others = hidden.into_iter().filter(|other| *other != slot);
                self.look.hidden = others.map(|other| other - usize::from(other > slot)).collect();
            }
            None if self.look.chosen.len() < SERIES => {
                self.look.chosen.push(choice.name);
                self.labels.push(choice.label);
            }
            None => {}
        }
    }

    /// The ends that are or will be on the screen: a drag is faster than the engine's answer.
    pub(crate) fn ends(&self, bounds: Bounds) -> (f64, f64) {
        match self.span {
            ChartSpan::Between(from, to) => (from as f64, to as f64),
            ChartSpan::Last(span) => (bounds.to - span as f64, bounds.to),
            ChartSpan::All => (bounds.from, bounds.to),
        }
    }

    fn apply(&mut self, act: Act) {
        match act {
            Act::Choose(choice) => self.choose(choice),
            Act::Toggle(slot) => {
                if !self.look.hidden.remove(&slot) {
                    self.look.hidden.insert(slot);
                }
            }
            Act::OneScale => self.look.one_scale = !self.look.one_scale,
            Act::Band => self.look.band = !self.look.band,
            Act::Table(page) => self.table = page,
            Act::Span(span) => {
                self.span = span;
                self.table = self.table.map(|_| 0);
            }
            Act::Zoom(bounds, about, factor) => {
                let (from, to) = self.ends(bounds);
                let span = (to - from) * factor;
                let longest = (bounds.now - bounds.oldest).max(LONGEST_MS) * 1.05;
                let span = span.clamp(SHORTEST_MS, longest.max(to - from));
                let about_ms = from + (to - from) * about;
                self.span = between(bounds, about_ms - span * about, about_ms + span * (1.0 - about));
            }
            Act::Pan(bounds, way) => {
                let (from, to) = self.ends(bounds);
                let by = (to - from) * way;
                self.span = between(bounds, from + by, to + by);
            }
            Act::Move(bounds, from, to) => self.span = between(bounds, from, to),
            Act::Cursor(at, by_key) => (self.cursor, self.by_key) = (at, by_key),
        }
    }
}

impl Reducible for State {
    type Action = Act;

    fn reduce(self: Rc<Self>, act: Act) -> Rc<Self> {
        let mut next = (*self).clone();
        next.apply(act);
        Rc::new(next)
    }
}

/// A span as near to these ends as there is something to see. One that reaches now follows the time.
fn between(bounds: Bounds, from: f64, to: f64) -> ChartSpan {
    let span = to - from;
    // A bit of nothing shows that there is nothing older.
    let from = from.max(bounds.oldest - span * 0.1);
    let to = from + span;
    if to >= bounds.now {
        return ChartSpan::Last(span as u64);
    }
    ChartSpan::Between(from as u64, to as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::testing::name;

    const BOUNDS: Bounds = Bounds {
        from: 900_000.0,
        to: 1_000_000.0,
        now: 1_000_000.0,
        oldest: 100_000.0,
    };

    fn state(fields: &[&str]) -> State {
        State::new(fields.iter().map(|field| choice(field)).collect())
    }

    fn choice(field: &str) -> Choice {
        Choice {
            name: name(field),
            label: field.to_owned().into(),
        }
    }

    fn after(state: &State, acts: &[Act]) -> State {
        let mut next = state.clone();
        for act in acts {
            next.apply(act.clone());
        }
        next
    }

    #[test]
    fn what_reaches_now_follows_the_time_and_the_past_stays() {
        let live = state(&["t"]);
        let zoomed = after(&live, &[Act::Zoom(BOUNDS, 1.0, 0.5)]);
        assert_eq!(zoomed.span, ChartSpan::Last(50_000));
        let again = after(&zoomed, &[Act::Zoom(BOUNDS, 1.0, 0.5)]);
        assert_eq!(
            again.span,
            ChartSpan::Last(25_000),
            "faster than the engine answers"
        );
        let past = after(&live, &[Act::Zoom(BOUNDS, 0.5, 0.5)]);
        assert_eq!(past.span, ChartSpan::Between(925_000, 975_000));
        assert!(!past.is_live());
        let back = after(&past, &[Act::Pan(BOUNDS, 10.0)]);
        assert_eq!(back.span, ChartSpan::Last(50_000));
    }

    #[test]
    fn a_drag_counts_from_where_the_last_one_ended() {
        let acts = [Act::Pan(BOUNDS, -0.5), Act::Pan(BOUNDS, -0.5)];
        assert_eq!(
            after(&state(&["t"]), &acts).span,
            ChartSpan::Between(800_000, 900_000)
        );
    }

    #[test]
    fn there_is_nothing_beyond_the_oldest_sample_and_nothing_shorter_than_a_second() {
        let oldest = after(&state(&["t"]), &[Act::Pan(BOUNDS, -100.0)]);
        assert_eq!(oldest.span, ChartSpan::Between(90_000, 190_000));
        let widest = after(&state(&["t"]), &[Act::Zoom(BOUNDS, 0.5, 1e9)]);
        assert!(
            matches!(widest.span, ChartSpan::Last(ms) if ms <= 945_000),
            "{:?}",
            widest.span
        );
        let closest = after(&state(&["t"]), &[Act::Zoom(BOUNDS, 0.5, 1e-9)]);
        assert_eq!(closest.span, ChartSpan::Between(949_500, 950_500));
    }

    #[test]
    fn six_series_fit_and_hiding_follows_its_series() {
        let mut held = state(&["a", "b", "c"]);
        held.apply(Act::Toggle(2));
        held.apply(Act::Choose(choice("a")));
        assert_eq!(held.look.hidden, HashSet::from([1]));
        assert_eq!(held.labels, ["b", "c"]);
        for field in ["d", "e", "f", "g", "h"] {
            held.apply(Act::Choose(choice(field)));
        }
        assert_eq!(held.look.chosen.len(), SERIES);
        held.apply(Act::Toggle(1));
        assert!(held.look.hidden.is_empty());
    }
}
