//! Python's regular expressions, as far as templates use them, by backtracking with every step paid for.
//!
//! Not there: looking behind further than a few characters, conditional groups, flags inside the pattern other than `(?i)` at its beginning.

mod compile;

use crate::budget::Budget;
use crate::error::{Error, Result};

/// How many characters a pattern may look behind.
const LOOK_BEHIND: usize = 32;

/// A pattern that was read.
pub(crate) struct Regex {
    program: Vec<Step>,
    /// Groups, without the whole match.
    pub(crate) groups: usize,
    names: Vec<(String, usize)>,
    loops: usize,
    ignore_case: bool,
}

#[derive(Debug, Clone)]
enum Step {
    Char(char),
    /// Ranges, and whether they are what is not meant.
    Class(Vec<(char, char)>, bool),
    Any,
    Begin,
    End,
    /// At the edge of a word, or not.
    Edge(bool),
    Save(usize),
    /// First the one, then the other.
    Split(usize, usize),
    Jump(usize),
    /// Remembers the place at the beginning of a round of a loop.
    Mark(usize),
    /// Leaves a loop whose last round consumed nothing.
    Progress(usize),
    Back(usize),
    /// Looks ahead with the steps up to the place, and wants a match or none.
    Look(usize, bool),
    /// The same behind the place.
    LookBehind(usize, bool),
    Matched,
}

/// Where groups begin and end, in bytes; the first is the whole match.
pub(crate) type Found = Vec<Option<usize>>;

enum Undo {
    Branch(usize, usize),
    Slot(usize, Option<usize>),
    Mark(usize, usize),
}

struct Run<'r> {
    regex: &'r Regex,
    budget: &'r Budget,
    text: &'r str,
    slots: Found,
    marks: Vec<usize>,
}

impl Regex {
    pub(crate) fn new(pattern: &str, ignore_case: bool) -> Result<Self> {
        compile::compile(pattern, ignore_case)
    }

    /// The first match from a place on, or only at it.
    pub(crate) fn find(
        &self,
        budget: &Budget,
        text: &str,
        from: usize,
        only_here: bool,
    ) -> Result<Option<Found>> {
        let mut at = from;
        loop {
            budget.spend(1)?;
            let mut run = Run {
                regex: self,
                budget,
                text,
                slots: vec![None; (self.groups + 1) * 2],
                marks: vec![usize::MAX; self.loops],
            };
            if let Some(end) = run.from(0, at)? {
                if let [first, second, ..] = run.slots.as_mut_slice() {
                    *first = Some(at);
                    *second = Some(end);
                }
                return Ok(Some(run.slots));
            }
            let next = text.get(at..).and_then(|rest| rest.chars().next());
            match next {
                Some(char) if !only_here => at += char.len_utf8(),
                _ => return Ok(None),
            }
        }
    }

    /// All matches, one behind the other.
    pub(crate) fn find_all(&self, budget: &Budget, text: &str) -> Result<Vec<Found>> {
        let mut all = Vec::new();
        let mut at = 0;
        while let Some(found) = self.find(budget, text, at, false)? {
            budget.spend(found.len())?;
            let (Some(Some(start)), Some(Some(end))) = (found.first().copied(), found.get(1).copied()) else {
                break;
            };
            all.push(found);
            at = end;
            if start == end {
                match text.get(end..).and_then(|rest| rest.chars().next()) {
                    Some(char) => at += char.len_utf8(),
                    None => break,
                }
            }
        }
        Ok(all)
    }

    /// Python's `re.sub`.
    pub(crate) fn replace(&self, budget: &Budget, text: &str, with: &str) -> Result<String> {
        let mut out = String::new();
        let mut at = 0;
        for found in self.find_all(budget, text)? {
            let (Some(Some(start)), Some(Some(end))) = (found.first().copied(), found.get(1).copied()) else {
                break;
            };
            budget.push(&mut out, text.get(at..start).unwrap_or_default())?;
            self.expand(budget, text, &found, with, &mut out)?;
            at = end;
        }
        budget.push(&mut out, text.get(at..).unwrap_or_default())?;
        Ok(out)
    }

    /// `\1`, `\g<name>` and escapes.
    fn expand(&self, budget: &Budget, text: &str, found: &Found, with: &str, out: &mut String) -> Result<()> {
        budget.spend_bytes(with.len())?;
        let mut rest = with;
        while let Some(at) = rest.find('\\') {
            out.push_str(rest.get(..at).unwrap_or_default());
            rest = rest.get(at + 1..).unwrap_or_default();
            let group = if let Some(named) = rest.strip_prefix("g<") {
                let (name, behind) = named
                    .split_once('>')
                    .ok_or_else(|| Error::value("missing > in a group's name"))?;
                rest = behind;
                name.parse().ok().or_else(|| self.named(name))
            } else if rest.starts_with(|char: char| char.is_ascii_digit()) {
                let digits = rest.bytes().take(2).take_while(u8::is_ascii_digit).count();
                let (number, behind) = rest.split_at_checked(digits).unwrap_or((rest, ""));
                rest = behind;
                number.parse().ok()
            } else {
                let escaped = rest.chars().next().unwrap_or('\\');
                rest = rest.get(escaped.len_utf8()..).unwrap_or_default();
                out.push(match escaped {
                    'n' => '\n',
                    't' => '\t',
                    'r' => '\r',
                    other => other,
                });
                continue;
            };
            let group = group
                .filter(|group| *group <= self.groups)
                .ok_or_else(|| Error::value("invalid group reference"))?;
            budget.push(out, group_text(text, found, group))?;
        }
        out.push_str(rest);
        Ok(())
    }

    fn named(&self, name: &str) -> Option<usize> {
        self.names
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, group)| *group)
    }
}

/// What a group matched; empty if it took no part.
pub(crate) fn group_text<'t>(text: &'t str, found: &Found, group: usize) -> &'t str {
    match (found.get(group * 2), found.get(group * 2 + 1)) {
        (Some(Some(start)), Some(Some(end))) => text.get(*start..*end).unwrap_or_default(),
        _ => "",
    }
}

fn folded(char: char) -> char {
    let mut lower = char.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(lower), None) => lower,
        _ => char,
    }
}

fn word(char: Option<char>) -> bool {
    char.is_some_and(|char| char.is_alphanumeric() || char == '_')
}

impl Run<'_> {
    /// Where a match that begins at a step and a place ends.
    fn from(&mut self, step: usize, at: usize) -> Result<Option<usize>> {
        let mut stack = vec![Undo::Branch(step, at)];
        while let Some(undo) = stack.pop() {
            match undo {
                Undo::Slot(slot, old) => {
                    if let Some(slot) = self.slots.get_mut(slot) {
                        *slot = old;
                    }
                }
                Undo::Mark(mark, old) => {
                    if let Some(mark) = self.marks.get_mut(mark) {
                        *mark = old;
                    }
                }
                Undo::Branch(step, at) => {
                    if let Some(end) = self.branch(step, at, &mut stack)? {
                        return Ok(Some(end));
                    }
                }
            }
        }
        Ok(None)
    }

    /// Goes on until a match or a step that does not fit.
    fn branch(&mut self, mut step: usize, mut at: usize, stack: &mut Vec<Undo>) -> Result<Option<usize>> {
        let program = &self.regex.program;
        loop {
            self.budget.spend(1)?;
            let Some(now) = program.get(step) else {
                return Ok(None);
            };
            step += 1;
            match now {
                Step::Matched => return Ok(Some(at)),
                Step::Char(_) | Step::Class(..) | Step::Any => {
                    let next = self.text.get(at..).and_then(|rest| rest.chars().next());
                    match next {
                        Some(char) if self.fits(now, char)? => at += char.len_utf8(),
                        _ => return Ok(None),
                    }
                }
                Step::Begin if at != 0 => return Ok(None),
                Step::End if at != self.text.len() && self.text.get(at..) != Some("\n") => return Ok(None),
                Step::Begin | Step::End => {}
                Step::Edge(wanted) => {
                    let before = self.text.get(..at).and_then(|text| text.chars().next_back());
                    let behind = self.text.get(at..).and_then(|text| text.chars().next());
                    if (word(before) != word(behind)) != *wanted {
                        return Ok(None);
                    }
                }
                Step::Save(slot) => {
                    if let Some(place) = self.slots.get_mut(*slot) {
                        stack.push(Undo::Slot(*slot, *place));
                        *place = Some(at);
                    }
                }
                Step::Split(first, second) => {
                    stack.push(Undo::Branch(*second, at));
                    step = *first;
                }
                Step::Jump(to) => step = *to,
                Step::Mark(mark) => {
                    if let Some(place) = self.marks.get_mut(*mark) {
                        stack.push(Undo::Mark(*mark, *place));
                        *place = at;
                    }
                }
                Step::Progress(mark) => {
                    if self.marks.get(*mark) == Some(&at) {
                        return Ok(None);
                    }
                }
                Step::Back(group) => {
                    let wanted = group_text(self.text, &self.slots, *group);
                    self.budget.spend_bytes(wanted.len())?;
                    if !self.text.get(at..).is_some_and(|rest| rest.starts_with(wanted)) {
                        return Ok(None);
                    }
                    at += wanted.len();
                }
                Step::LookBehind(behind, wanted) => {
                    if self.ends_at(step, at)? != *wanted {
                        return Ok(None);
                    }
                    step = *behind;
                }
                Step::Look(behind, wanted) => {
                    if self.from(step, at)?.is_some() != *wanted {
                        return Ok(None);
                    }
                    step = *behind;
                }
            }
        }
    }

    /// Whether a match of the steps ends at a place.
    fn ends_at(&mut self, step: usize, at: usize) -> Result<bool> {
        let before = self.text.get(..at).unwrap_or_default();
        let starts = before
            .char_indices()
            .rev()
            .map(|(start, _)| start)
            .take(LOOK_BEHIND);
        for start in std::iter::once(at).chain(starts) {
            if self.from(step, start)? == Some(at) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn fits(&self, step: &Step, char: char) -> Result<bool> {
        let fold = |char: char| {
            if self.regex.ignore_case {
                folded(char)
            } else {
                char
            }
        };
        Ok(match step {
            Step::Char(wanted) => fold(*wanted) == fold(char),
            Step::Any => char != '\n',
            Step::Class(ranges, negated) => {
                self.budget.spend(ranges.len() / 4)?;
                let within = |char: char| ranges.iter().any(|(low, high)| (*low..=*high).contains(&char));
                let upper = char.to_uppercase().next().unwrap_or(char);
                let found =
                    within(char) || (self.regex.ignore_case && (within(folded(char)) || within(upper)));
                found != *negated
            }
            _ => false,
        })
    }
}
