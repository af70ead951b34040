//! The syntax of expressions: text → tree.

use super::{Assertion, PatternError, Set, Step};
use crate::letters::lower_char;

/// Groups within groups at most: reading them nests as deep.
const MAXIMUM_DEPTH: usize = 50;
/// The largest number in `{m,n}`.
const MAXIMUM_REPEAT: u32 = 1_000;

/// An expression as a tree.
#[derive(Clone, Debug)]
pub(super) enum Node {
    Step(Step),
    /// One after the other.
    All(Vec<Node>),
    /// One of them.
    One(Vec<Node>),
    /// From so often to so often; `None`: without end.
    Repeat(Box<Node>, u32, Option<u32>),
}

pub(super) fn parse(text: &str) -> Result<Node, PatternError> {
    let mut parser = Parser {
        chars: text.chars().collect(),
        at: 0,
        depth: 0,
    };
    let node = parser.alternatives()?;
    match parser.peek() {
        None => Ok(node),
        Some(_) => Err(parser.error(parser.at, "there is no group to end here")),
    }
}

struct Parser {
    chars: Vec<char>,
    at: usize,
    depth: usize,
}

impl Parser {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn take(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += 1;
        Some(c)
    }

    fn take_if(&mut self, wanted: char) -> bool {
        let there = self.peek() == Some(wanted);
        self.at += usize::from(there);
        there
    }

    #[expect(clippy::unused_self, reason = "reads as what it is at its callers")]
    fn error(&self, at: usize, what: &'static str) -> PatternError {
        PatternError { place: at + 1, what }
    }

    fn alternatives(&mut self) -> Result<Node, PatternError> {
        let mut all = vec![self.sequence()?];
        while self.take_if('|') {
            all.push(self.sequence()?);
        }
        Ok(Node::One(all))
    }

    fn sequence(&mut self) -> Result<Node, PatternError> {
        let mut nodes = Vec::new();
        while let Some(c) = self.peek() {
            if matches!(c, '|' | ')') {
                break;
            }
            let node = self.single()?;
            nodes.push(self.repeated(node)?);
        }
        Ok(Node::All(nodes))
    }

    fn single(&mut self) -> Result<Node, PatternError> {
        let at = self.at;
        let step = match self.take() {
            Some('(') => return self.group(at),
            Some('[') => Step::Set(self.set(at)?),
            Some('.') => Step::Any,
            Some('^') => Step::Assert(Assertion::Start),
            Some('$') => Step::Assert(Assertion::End),
            Some('*' | '+' | '?') => return Err(self.error(at, "there is nothing to repeat before this")),
            Some('\\') => self.escape()?,
            Some(c) => Step::Char(lower_char(c)),
            None => return Ok(Node::All(Vec::new())),
        };
        Ok(Node::Step(step))
    }

    fn group(&mut self, at: usize) -> Result<Node, PatternError> {
        self.depth += 1;
        if self.depth > MAXIMUM_DEPTH {
            return Err(self.error(at, "groups are nested too deep"));
        }
        if self.peek() == Some('?') {
            let mark = self.at;
            self.at += 1;
            match self.take() {
                Some(':') => {}
                Some('=' | '!' | '<') => {
                    return Err(self.error(mark, "look-around cannot be searched in linear time"));
                }
                _ => return Err(self.error(mark, "this kind of group is not known")),
            }
        }
        let node = self.alternatives()?;
        if !self.take_if(')') {
            return Err(self.error(at, "a group has no end: add )"));
        }
        self.depth -= 1;
        Ok(node)
    }

    fn repeated(&mut self, node: Node) -> Result<Node, PatternError> {
        let at = self.at;
        let (least, most) = match self.peek() {
            Some('*') => (0, None),
            Some('+') => (1, None),
            Some('?') => (0, Some(1)),
            Some('{') => {
                return match self.counts() {
                    Some((_, least, most)) if most.is_some_and(|most| most < least) => {
                        Err(self.error(at, "the numbers are in the wrong order"))
                    }
                    Some((_, least, most)) if least.max(most.unwrap_or(0)) > MAXIMUM_REPEAT => {
                        Err(self.error(at, "this repeats too often"))
                    }
                    Some((end, least, most)) => {
                        self.at = end;
                        // Whether it takes much or little makes no difference to what matches.
                        self.take_if('?');
                        Ok(Node::Repeat(Box::new(node), least, most))
                    }
                    // No numbers: the brace stands for itself.
                    None => Ok(node),
                };
            }
            _ => return Ok(node),
        };
        self.at += 1;
        self.take_if('?');
        Ok(Node::Repeat(Box::new(node), least, most))
    }

    /// `{m}`, `{m,}` or `{m,n}` from here on, and where it ends.
    fn counts(&self) -> Option<(usize, u32, Option<u32>)> {
        let rest = self.chars.get(self.at + 1..)?;
        let len = rest.iter().position(|c| *c == '}')?;
        let text: String = rest.get(..len)?.iter().collect();
        let end = self.at + len + 2;
        let number = |text: &str| {
            let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
            digits.then(|| text.parse().unwrap_or(u32::MAX))
        };
        match text.split_once(',') {
            None => number(&text).map(|n| (end, n, Some(n))),
            Some((least, "")) => Some((end, number(least)?, None)),
            Some((least, most)) => Some((end, number(least)?, Some(number(most)?))),
        }
    }

    fn escape(&mut self) -> Result<Step, PatternError> {
        let at = self.at;
        Ok(match self.take() {
            Some('b') => Step::Assert(Assertion::WordBoundary),
            Some('B') => Step::Assert(Assertion::NotWordBoundary),
            Some('1'..='9') => {
                return Err(self.error(at, "back references cannot be searched in linear time"));
            }
            Some(c) => match class(c) {
                Some((ranges, negated)) => Step::Set(Set {
                    ranges: ranges.to_vec(),
                    negated,
                }),
                None => Step::Char(lower_char(self.escaped(c, at)?)),
            },
            None => return Err(self.error(at - 1, "an expression cannot end with \\")),
        })
    }

    /// The character that `\c` stands for.
    fn escaped(&mut self, c: char, at: usize) -> Result<char, PatternError> {
        let digits = match c {
            'n' => return Ok('\n'),
            't' => return Ok('\t'),
            'r' => return Ok('\r'),
            '0' => return Ok('\0'),
            'x' => 2,
            'u' => 4,
            c if c.is_ascii_alphanumeric() => return Err(self.error(at, "this escape is not known")),
            c => return Ok(c),
        };
        let text: String = self.chars.iter().skip(self.at).take(digits).collect();
        self.at += digits;
        let number = u32::from_str_radix(&text, 16)
            .ok()
            .filter(|_| text.len() == digits);
        number
            .and_then(char::from_u32)
            .ok_or_else(|| self.error(at, "this escape is not known"))
    }

    fn set(&mut self, at: usize) -> Result<Set, PatternError> {
        let negated = self.take_if('^');
        let mut ranges = Vec::new();
        let mut first = true;
        loop {
            let place = self.at;
            let from = match self.take() {
                None => return Err(self.error(at, "a set has no end: add ]")),
                Some(']') if !first => return Ok(Set { ranges, negated }),
                Some('\\') => {
                    let c = self
                        .take()
                        .ok_or_else(|| self.error(place, "an expression cannot end with \\"))?;
                    match class(c) {
                        Some((some, false)) => {
                            ranges.extend_from_slice(some);
                            first = false;
                            continue;
                        }
                        Some((_, true)) => {
                            ranges.extend(opposite(c));
                            first = false;
                            continue;
                        }
                        None => self.escaped(c, place + 1)?,
                    }
                }
                Some(c) => c,
            };
            first = false;
            let is_range = self.peek() == Some('-') && self.chars.get(self.at + 1).is_some_and(|c| *c != ']');
            if !is_range {
                ranges.push((from, from));
                continue;
            }
            self.at += 1;
            let place = self.at;
            let to = match self.take() {
                Some('\\') => {
                    let c = self.take().unwrap_or('\\');
                    self.escaped(c, place + 1)?
                }
                Some(c) => c,
                None => from,
            };
            if to < from {
                return Err(self.error(place, "the range is in the wrong order"));
            }
            ranges.push((from, to));
        }
    }
}

const DIGITS: &[(char, char)] = &[('0', '9')];
const SPACES: &[(char, char)] = &[
    ('\t', '\r'),
    (' ', ' '),
    ('\u{a0}', '\u{a0}'),
    ('\u{2000}', '\u{200a}'),
];
/// Letters beyond ASCII count as letters: names of rooms have them.
pub(super) const WORDS: &[(char, char)] = &[
    ('0', '9'),
    ('A', 'Z'),
    ('_', '_'),
    ('a', 'z'),
    ('\u{c0}', '\u{1fff}'),
    ('\u{2c00}', '\u{2fef}'),
    ('\u{3040}', '\u{d7ff}'),
];

/// What `\d`, `\w`, `\s` and their opposites stand for.
fn class(c: char) -> Option<(&'static [(char, char)], bool)> {
    Some(match c {
        'd' => (DIGITS, false),
        'D' => (DIGITS, true),
        's' => (SPACES, false),
        'S' => (SPACES, true),
        'w' => (WORDS, false),
        'W' => (WORDS, true),
        _ => return None,
    })
}

/// All characters that are not of a class, for use within a set.
fn opposite(c: char) -> Vec<(char, char)> {
    let (ranges, _) = class(c).unwrap_or_default();
    let mut all = Vec::new();
    let mut from = Some('\0');
    for (low, high) in ranges {
        if let (Some(start), Some(end)) = (from, before(*low))
            && start <= end
        {
            all.push((start, end));
        }
        from = char::from_u32(u32::from(*high) + 1).or(Some('\u{e000}'));
    }
    all.extend(from.map(|start| (start, char::MAX)));
    all
}

fn before(c: char) -> Option<char> {
    char::from_u32(u32::from(c).checked_sub(1)?)
}
