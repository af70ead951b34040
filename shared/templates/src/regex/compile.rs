//! A pattern → steps.

use super::{Regex, Step};
use crate::error::{Error, Result};

/// Steps of a pattern; `{n,m}` repeats them.
const PROGRAM: usize = 10_000;
const NESTING: usize = 30;

struct Compiler<'p> {
    rest: std::str::Chars<'p>,
    program: Vec<Step>,
    groups: usize,
    names: Vec<(String, usize)>,
    loops: usize,
    nesting: usize,
}

type Ranges = Vec<(char, char)>;

pub(super) fn compile(pattern: &str, ignore_case: bool) -> Result<Regex> {
    let (pattern, inline) = pattern
        .strip_prefix("(?i)")
        .map_or((pattern, false), |rest| (rest, true));
    let mut compiler = Compiler {
        rest: pattern.chars(),
        program: Vec::new(),
        groups: 0,
        names: Vec::new(),
        loops: 0,
        nesting: 0,
    };
    compiler.alternatives()?;
    if compiler.peek().is_some() {
        return Err(Error::value("unbalanced parenthesis in a regular expression"));
    }
    compiler.push(Step::Matched)?;
    Ok(Regex {
        program: compiler.program,
        groups: compiler.groups,
        names: compiler.names,
        loops: compiler.loops,
        ignore_case: ignore_case || inline,
    })
}

fn unknown(what: &str) -> Error {
    Error::Unsupported {
        what: "in a regular expression",
        name: what.to_owned(),
    }
}

impl Compiler<'_> {
    fn peek(&self) -> Option<char> {
        self.rest.clone().next()
    }

    fn skip(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        if found {
            self.rest.next();
        }
        found
    }

    fn push(&mut self, step: Step) -> Result<()> {
        if self.program.len() >= PROGRAM {
            return Err(Error::value("a regular expression that is too large"));
        }
        self.program.push(step);
        Ok(())
    }

    fn set(&mut self, at: usize, step: Step) {
        if let Some(place) = self.program.get_mut(at) {
            *place = step;
        }
    }

    /// `a|b`
    fn alternatives(&mut self) -> Result<()> {
        if self.nesting >= NESTING {
            return Err(Error::TooDeep { limit: NESTING });
        }
        self.nesting += 1;
        let mut ends = Vec::new();
        loop {
            let split = self.program.len();
            self.push(Step::Jump(split + 1))?;
            self.sequence()?;
            if !self.skip('|') {
                break;
            }
            ends.push(self.program.len());
            self.push(Step::Matched)?;
            self.set(split, Step::Split(split + 1, self.program.len()));
        }
        let end = self.program.len();
        for at in ends {
            self.set(at, Step::Jump(end));
        }
        self.nesting -= 1;
        Ok(())
    }

    fn sequence(&mut self) -> Result<()> {
        while let Some(char) = self.peek() {
            if char == '|' || char == ')' {
                return Ok(());
            }
            let begin = self.program.len();
            self.atom()?;
            self.repeats(begin)?;
        }
        Ok(())
    }

    fn atom(&mut self) -> Result<()> {
        match self.rest.next().unwrap_or_default() {
            '.' => self.push(Step::Any),
            '^' => self.push(Step::Begin),
            '$' => self.push(Step::End),
            '(' => self.group(),
            '[' => self.class(),
            '\\' => self.escape(),
            '*' | '+' | '?' => Err(Error::value("nothing to repeat in a regular expression")),
            char => self.push(Step::Char(char)),
        }
    }

    fn group(&mut self) -> Result<()> {
        let mut group = None;
        let mut look = None;
        let mut behind = false;
        if self.skip('?') {
            match self.rest.next() {
                Some(':') => {}
                Some('=') => look = Some(true),
                Some('!') => look = Some(false),
                Some('<') if matches!(self.peek(), Some('=' | '!')) => {
                    behind = true;
                    look = Some(self.rest.next() == Some('='));
                }
                Some('P') if self.skip('<') => {
                    let name: String = self.rest.by_ref().take_while(|char| *char != '>').collect();
                    self.groups += 1;
                    self.names.push((name, self.groups));
                    group = Some(self.groups);
                }
                other => return Err(unknown(&format!("(?{}", other.unwrap_or(' ')))),
            }
        } else {
            self.groups += 1;
            group = Some(self.groups);
        }
        let begin = self.program.len();
        if let Some(group) = group {
            self.push(Step::Save(group * 2))?;
        } else if look.is_some() {
            self.push(Step::Matched)?;
        }
        self.alternatives()?;
        if !self.skip(')') {
            return Err(Error::value("missing ), unterminated subpattern"));
        }
        if let Some(group) = group {
            self.push(Step::Save(group * 2 + 1))?;
        } else if let Some(wanted) = look {
            self.push(Step::Matched)?;
            let end = self.program.len();
            self.set(
                begin,
                if behind {
                    Step::LookBehind(end, wanted)
                } else {
                    Step::Look(end, wanted)
                },
            );
        }
        Ok(())
    }

    fn escape(&mut self) -> Result<()> {
        let char = self
            .rest
            .next()
            .ok_or_else(|| Error::value("bad escape (end of pattern)"))?;
        if let Some((ranges, negated)) = shorthand(char) {
            return self.push(Step::Class(ranges, negated));
        }
        match char {
            'b' => self.push(Step::Edge(true)),
            'B' => self.push(Step::Edge(false)),
            'A' => self.push(Step::Begin),
            'Z' => self.push(Step::End),
            '1'..='9' => self.push(Step::Back(char as usize - '0' as usize)),
            char => {
                let plain = self.plain(char)?;
                self.push(Step::Char(plain))
            }
        }
    }

    fn plain(&mut self, char: char) -> Result<char> {
        let digits = match char {
            'n' => return Ok('\n'),
            't' => return Ok('\t'),
            'r' => return Ok('\r'),
            'f' => return Ok('\u{c}'),
            'v' => return Ok('\u{b}'),
            '0' => return Ok('\0'),
            'x' => 2,
            'u' => 4,
            char if char.is_ascii_alphabetic() => return Err(Error::value(format!("bad escape \\{char}"))),
            char => return Ok(char),
        };
        let hex: String = self.rest.by_ref().take(digits).collect();
        u32::from_str_radix(&hex, 16)
            .ok()
            .and_then(char::from_u32)
            .ok_or_else(|| Error::value("incomplete escape in a regular expression"))
    }

    fn class(&mut self) -> Result<()> {
        let negated = self.skip('^');
        let mut ranges = Ranges::new();
        let mut first = true;
        loop {
            let char = self
                .rest
                .next()
                .ok_or_else(|| Error::value("unterminated character set"))?;
            if char == ']' && !first {
                return self.push(Step::Class(ranges, negated));
            }
            first = false;
            let low = if char == '\\' {
                let escaped = self
                    .rest
                    .next()
                    .ok_or_else(|| Error::value("unterminated character set"))?;
                if let Some((all, not)) = shorthand(escaped) {
                    ranges.extend(if not { inverted(&all) } else { all });
                    continue;
                }
                if escaped == 'b' {
                    '\u{8}'
                } else {
                    self.plain(escaped)?
                }
            } else {
                char
            };
            let mut ahead = self.rest.clone();
            let high = match (ahead.next(), ahead.next()) {
                (Some('-'), Some(high)) if high != ']' => {
                    self.rest = ahead;
                    if high == '\\' {
                        let escaped = self.rest.next().unwrap_or_default();
                        self.plain(escaped)?
                    } else {
                        high
                    }
                }
                _ => low,
            };
            if high < low {
                return Err(Error::value("bad character range"));
            }
            ranges.push((low, high));
        }
    }

    /// `*`, `+`, `?`, `{n,m}` behind what begins at a step.
    fn repeats(&mut self, begin: usize) -> Result<()> {
        let (least, most) = match self.peek() {
            Some('*') => (0, None),
            Some('+') => (1, None),
            Some('?') => (0, Some(1)),
            Some('{') => match self.counts() {
                Some(counts) => counts,
                None => return Ok(()),
            },
            _ => return Ok(()),
        };
        // The sign, or the last bracket of the counts.
        self.rest.next();
        let greedy = !self.skip('?');
        if matches!(self.peek(), Some('*' | '+')) {
            return Err(Error::value("multiple repeat"));
        }
        let once = self.program.split_off(begin);
        for _ in 0..least {
            self.again(&once, begin)?;
        }
        match most {
            None => self.endless(&once, begin, greedy),
            Some(most) => {
                let mut splits = Vec::new();
                for _ in least..most {
                    splits.push(self.program.len());
                    self.push(Step::Matched)?;
                    self.again(&once, begin)?;
                }
                let end = self.program.len();
                for at in splits {
                    self.set(
                        at,
                        if greedy {
                            Step::Split(at + 1, end)
                        } else {
                            Step::Split(end, at + 1)
                        },
                    );
                }
                Ok(())
            }
        }
    }

    /// `{n}`, `{n,}`, `{,m}`, `{n,m}`, up to its last bracket; anything else is text.
    fn counts(&mut self) -> Option<(usize, Option<usize>)> {
        let text = self.rest.as_str().get(1..)?;
        let (inner, _) = text.split_once('}')?;
        let (least, most) = match inner.split_once(',') {
            None => {
                let count = inner.parse().ok()?;
                (count, Some(count))
            }
            Some((least, most)) => (
                if least.is_empty() { 0 } else { least.parse().ok()? },
                if most.is_empty() {
                    None
                } else {
                    Some(most.parse().ok()?)
                },
            ),
        };
        if least > PROGRAM || most.is_some_and(|most| most > PROGRAM || most < least) {
            return None;
        }
        self.rest = text.get(inner.len()..)?.chars();
        Some((least, most))
    }

    fn endless(&mut self, once: &[Step], begin: usize, greedy: bool) -> Result<()> {
        let mark = self.loops;
        self.loops += 1;
        let split = self.program.len();
        self.push(Step::Matched)?;
        self.push(Step::Mark(mark))?;
        self.again(once, begin)?;
        self.push(Step::Progress(mark))?;
        self.push(Step::Jump(split))?;
        let end = self.program.len();
        self.set(
            split,
            if greedy {
                Step::Split(split + 1, end)
            } else {
                Step::Split(end, split + 1)
            },
        );
        Ok(())
    }

    /// A copy of steps that began somewhere else.
    fn again(&mut self, steps: &[Step], begin: usize) -> Result<()> {
        let here = self.program.len();
        let moved = |to: usize| to - begin + here;
        for step in steps {
            self.push(match step {
                Step::Split(first, second) => Step::Split(moved(*first), moved(*second)),
                Step::Jump(to) => Step::Jump(moved(*to)),
                Step::Look(behind, wanted) => Step::Look(moved(*behind), *wanted),
                Step::LookBehind(behind, wanted) => Step::LookBehind(moved(*behind), *wanted),
                other => other.clone(),
            })?;
        }
        Ok(())
    }
}

/// `\d` and its kin, and whether they are what is not meant.
fn shorthand(char: char) -> Option<(Ranges, bool)> {
    let ranges = match char.to_ascii_lowercase() {
        'd' => vec![('0', '9')],
        's' => vec![
            ('\t', '\r'),
            (' ', ' '),
            ('\u{85}', '\u{85}'),
            ('\u{a0}', '\u{a0}'),
            ('\u{2000}', '\u{200a}'),
        ],
        // Letters beyond Latin-1 as one range: what is no letter among them is seldom asked for.
        'w' => vec![
            ('0', '9'),
            ('A', 'Z'),
            ('_', '_'),
            ('a', 'z'),
            ('\u{c0}', '\u{d6}'),
            ('\u{d8}', '\u{f6}'),
            ('\u{f8}', '\u{1fff}'),
            ('\u{2c00}', '\u{2dff}'),
            ('\u{3005}', '\u{ffdc}'),
        ],
        _ => return None,
    };
    Some((ranges, char.is_ascii_uppercase()))
}

/// All characters outside of ranges that are in order.
fn inverted(ranges: &[(char, char)]) -> Ranges {
    let mut outside = Ranges::new();
    let mut next = 0;
    for (low, high) in ranges {
        if let (Some(from), Some(to)) = (
            char::from_u32(next),
            char::from_u32((*low as u32).wrapping_sub(1)),
        ) {
            outside.push((from, to));
        }
        next = *high as u32 + 1;
    }
    outside.extend(char::from_u32(next).map(|from| (from, char::MAX)));
    outside
}
