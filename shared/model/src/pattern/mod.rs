//! Regular expressions that take linear time whatever the expression and the text: all states are tried side by side
//! (K. Thompson, 1968), nothing is tried again. So neither can freeze the page, which a browser's own RegExp can.
//!
//! The syntax is the common part of other dialects: `.`, `[a-z]`, `[^…]`, `\d \w \s \b` and their opposites, `^`, `$`,
//! `(…)`, `(?:…)`, `|`, `* + ? {m,n}`, `\xHH`, `\uHHHH`. Letters match without regard to case.

mod parse;

use std::fmt;
use std::ops::Range;

use crate::letters::{lower_char, upper_char};
use parse::Node;

/// Steps of a compiled expression at most: it bounds the work per character.
const MAXIMUM_STEPS: usize = 2_000;

/// A compiled expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    steps: Vec<Step>,
}

/// What is wrong with an expression, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatternError {
    /// Place of the character, from 1.
    pub place: usize,
    /// What is wrong.
    pub what: &'static str,
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (at character {})", self.what, self.place)
    }
}

impl std::error::Error for PatternError {}

/// What a character has to be.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Set {
    ranges: Vec<(char, char)>,
    negated: bool,
}

impl Set {
    fn has(&self, c: char) -> bool {
        let within = |c: char| self.ranges.iter().any(|(from, to)| (*from..=*to).contains(&c));
        (within(c) || within(lower_char(c)) || within(upper_char(c))) != self.negated
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Assertion {
    Start,
    End,
    WordBoundary,
    NotWordBoundary,
}

impl Assertion {
    fn holds(self, before: Option<char>, after: Option<char>) -> bool {
        let boundary = before.is_some_and(is_word) != after.is_some_and(is_word);
        match self {
            Self::Start => before.is_none(),
            Self::End => after.is_none(),
            Self::WordBoundary => boundary,
            Self::NotWordBoundary => !boundary,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Any,
    /// Already without case.
    Char(char),
    Set(Set),
    Assert(Assertion),
    /// Go on at both.
    Split(usize, usize),
    Jump(usize),
    Match,
}

impl Pattern {
    /// Compiles an expression.
    ///
    /// # Errors
    /// When it is malformed, uses what a linear search cannot do (look-around, back references), or is too long.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let node = parse::parse(text)?;
        let mut steps = Vec::new();
        emit(&mut steps, &node).ok_or(PatternError {
            place: 1,
            what: "this expression is too large",
        })?;
        steps.push(Step::Match);
        Ok(Self { steps })
    }

    /// Work per character of text, in steps.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.steps.len()
    }

    /// Whether it matches anywhere.
    #[must_use]
    pub fn is_match(&self, text: &str) -> bool {
        self.search(text, true).is_some()
    }

    /// The first match, as long as it can be; in bytes.
    #[must_use]
    pub fn find(&self, text: &str) -> Option<Range<usize>> {
        self.search(text, false)
    }

    fn search(&self, text: &str, any: bool) -> Option<Range<usize>> {
        let mut now = Threads::new(self.steps.len());
        let mut next = Threads::new(self.steps.len());
        let mut found: Option<Range<usize>> = None;
        let mut before = None;
        let mut rest = text.char_indices();
        loop {
            let (at, here) = rest.next().map_or((text.len(), None), |(at, c)| (at, Some(c)));
            if found.is_none() {
                self.add(&mut now, 0, at, (before, here));
            }
            self.note_matches(&now, at, &mut found);
            if found.is_some() && (any || now.list.is_empty()) {
                return found;
            }
            let Some(c) = here else { return found };
            let after = rest.clone().next().map(|(_, c)| c);
            next.clear();
            for (step, began) in now.list.iter().copied() {
                // A later beginning cannot win any more.
                if found.as_ref().is_some_and(|found| began > found.start) {
                    continue;
                }
                let takes = match self.steps.get(step) {
                    Some(Step::Any) => c != '\n',
                    Some(Step::Char(wanted)) => *wanted == lower_char(c),
                    Some(Step::Set(set)) => set.has(c),
                    Some(Step::Assert(_) | Step::Split(..) | Step::Jump(_) | Step::Match) | None => false,
                };
                if takes {
                    self.add(&mut next, step + 1, began, (Some(c), after));
                }
            }
            std::mem::swap(&mut now, &mut next);
            before = Some(c);
        }
    }

    fn note_matches(&self, now: &Threads, at: usize, found: &mut Option<Range<usize>>) {
        for (step, began) in &now.list {
            if self.steps.get(*step) == Some(&Step::Match)
                && found
                    .as_ref()
                    .is_none_or(|found| *began < found.start || (*began == found.start && at > found.end))
            {
                *found = Some(*began..at);
            }
        }
    }

    /// Adds a place and all that is reached from it without a character. Of two ways to the same place the one that
    /// began first stays: it comes first, because beginnings are added in order.
    fn add(
        &self,
        threads: &mut Threads,
        step: usize,
        began: usize,
        (before, after): (Option<char>, Option<char>),
    ) {
        threads.open.push(step);
        while let Some(step) = threads.open.pop() {
            match threads.held.get_mut(step) {
                Some(held) if !*held => *held = true,
                Some(_) | None => continue,
            }
            match self.steps.get(step) {
                Some(Step::Jump(to)) => threads.open.push(*to),
                Some(Step::Split(first, second)) => threads.open.extend([*second, *first]),
                Some(Step::Assert(assertion)) if assertion.holds(before, after) => {
                    threads.open.push(step + 1);
                }
                Some(Step::Assert(_)) | None => {}
                Some(Step::Any | Step::Char(_) | Step::Set(_) | Step::Match) => {
                    threads.list.push((step, began));
                }
            }
        }
    }
}

/// The places that are tried side by side, with where each began.
struct Threads {
    list: Vec<(usize, usize)>,
    held: Vec<bool>,
    /// Ways not gone yet.
    open: Vec<usize>,
}

impl Threads {
    fn new(steps: usize) -> Self {
        Self {
            list: Vec::new(),
            held: vec![false; steps],
            open: Vec::new(),
        }
    }

    fn clear(&mut self) {
        self.list.clear();
        self.held.fill(false);
    }
}

/// Writes the steps of a node; `None` when they are too many.
fn emit(steps: &mut Vec<Step>, node: &Node) -> Option<()> {
    if steps.len() >= MAXIMUM_STEPS {
        return None;
    }
    match node {
        Node::Step(step) => steps.push(step.clone()),
        Node::All(nodes) => {
            for node in nodes {
                emit(steps, node)?;
            }
        }
        Node::One(nodes) => {
            let mut ends = Vec::new();
            for (place, node) in nodes.iter().enumerate() {
                if place + 1 == nodes.len() {
                    emit(steps, node)?;
                    break;
                }
                let split = hold(steps);
                emit(steps, node)?;
                ends.push(hold(steps));
                let end = steps.len();
                set(steps, split, Step::Split(split + 1, end));
            }
            let all_end = steps.len();
            for end in ends {
                set(steps, end, Step::Jump(all_end));
            }
        }
        Node::Repeat(node, least, most) => {
            for _ in 0..*least {
                emit(steps, node)?;
            }
            match most {
                None => {
                    let split = hold(steps);
                    emit(steps, node)?;
                    steps.push(Step::Jump(split));
                    let end = steps.len();
                    set(steps, split, Step::Split(split + 1, end));
                }
                Some(most) => {
                    let mut splits = Vec::new();
                    for _ in *least..*most {
                        splits.push(hold(steps));
                        emit(steps, node)?;
                    }
                    for split in splits {
                        let end = steps.len();
                        set(steps, split, Step::Split(split + 1, end));
                    }
                }
            }
        }
    }
    (steps.len() < MAXIMUM_STEPS).then_some(())
}

/// Keeps a place for a step that is not known yet.
fn hold(steps: &mut Vec<Step>) -> usize {
    steps.push(Step::Match);
    steps.len() - 1
}

fn set(steps: &mut [Step], place: usize, step: Step) {
    if let Some(held) = steps.get_mut(place) {
        *held = step;
    }
}

fn is_word(c: char) -> bool {
    parse::WORDS.iter().any(|(from, to)| (*from..=*to).contains(&c))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use proptest::prelude::*;

    use super::*;

    fn found(pattern: &str, text: &str) -> Option<String> {
        let range = Pattern::parse(pattern).unwrap().find(text)?;
        Some(text[range].to_owned())
    }

    #[test]
    fn expressions_find_what_they_say() {
        for (pattern, text, expected) in [
            ("temp", "home/Kitchen/TEMPerature", Some("TEMP")),
            (
                "^home/[^/]+/temp$",
                "home/kitchen/temp",
                Some("home/kitchen/temp"),
            ),
            ("^home/[^/]+/temp$", "home/kitchen/x/temp", None),
            (r"\d{2,3}", "a1b22c4444", Some("22")),
            (r"(ab|a)(c|bcd)", "xabcd", Some("abcd")),
            (r"\bon\b", "button on", Some("on")),
            ("küche|bad", "x/KÜCHE", Some("KÜCHE")),
            (r"[\w-]+@[a-z.]+", "to: a-b@c.de!", Some("a-b@c.de")),
            (r"[^\d]+", "12ab34", Some("ab")),
            (r"\x41\u00e9", "aé", Some("aé")),
            (r"a.c", "a\nc", None),
            ("", "x", Some("")),
            ("[]a]", "]", Some("]")),
            ("a{,2}", "a{,2}", Some("a{,2}")),
        ] {
            assert_eq!(found(pattern, text).as_deref(), expected, "{pattern} in {text}");
        }
    }

    #[test]
    fn what_cannot_be_searched_is_refused_with_its_place() {
        for (pattern, what, place) in [
            ("a(b", "a group has no end: add )", 2),
            ("a)", "there is no group to end here", 2),
            ("[a", "a set has no end: add ]", 1),
            ("*a", "there is nothing to repeat before this", 1),
            ("a**", "there is nothing to repeat before this", 3),
            ("(?=a)", "look-around cannot be searched in linear time", 2),
            (r"(a)\1", "back references cannot be searched in linear time", 5),
            (r"\q", "this escape is not known", 2),
            ("a{3,2}", "the numbers are in the wrong order", 2),
            ("[z-a]", "the range is in the wrong order", 4),
            ("a\\", "an expression cannot end with \\", 2),
        ] {
            assert_eq!(
                Pattern::parse(pattern),
                Err(PatternError { place, what }),
                "{pattern}"
            );
        }
        assert!(Pattern::parse("(a{100}){100}").is_err());
        assert!(Pattern::parse(&"(".repeat(10_000)).is_err());
    }

    #[test]
    fn what_takes_other_engines_for_ever_ends_at_once() {
        let text = format!("{}!", "a".repeat(4096));
        let began = Instant::now();
        for pattern in [
            "(a+)+$",
            "(a|a)*b",
            "(a*)*b",
            "(.*a){20}b",
            "a?".repeat(200).as_str(),
        ] {
            let pattern = Pattern::parse(pattern).unwrap();
            let _ = pattern.find(&text);
        }
        assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    }

    proptest! {
        #[test]
        fn it_agrees_with_the_regex_crate(
            pattern in r"(\^?(a|b|é|\.|\[ab\]|\[\^a\]|\(a\|b[b]?\)|\(ab\|a\)|\\d|\\b|\\w|\(a\*\))(\*|\+|\?|\{1,2\})?){1,6}\$?",
            text in "[abAé1 /]{0,12}",
        ) {
            let Ok(theirs) = regex::RegexBuilder::new(&pattern).case_insensitive(true).build() else { return Ok(()) };
            let ours = Pattern::parse(&pattern);
            prop_assert!(ours.is_ok(), "{} {:?}", pattern, ours);
            let ours = ours.unwrap();
            prop_assert_eq!(ours.is_match(&text), theirs.is_match(&text), "{} in {}", pattern, text);
            prop_assert_eq!(ours.find(&text).map(|at| at.start), theirs.find(&text).map(|at| at.start()), "{} in {}", pattern, text);
        }

        #[test]
        fn no_text_is_too_strange(pattern in r"[\\\[\](){}*+?|^$.a-c0-9,:=!<-]{0,20}", text in ".{0,40}") {
            if let Ok(pattern) = Pattern::parse(&pattern)
                && let Some(found) = pattern.find(&text)
            {
                prop_assert!(text.get(found).is_some());
            }
        }
    }
}
