//! What is wrong with a configuration, said so that it can be put right.

use std::fmt;

/// Where a setting came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The configuration file; line and column count from 1.
    File {
        /// The file, as it was named.
        file: String,
        /// The line of the key or the value.
        line: usize,
        /// The column, in characters.
        column: usize,
    },
    /// An environment variable.
    Environment(String),
    /// A command line flag, such as `--listen`.
    Flag(&'static str),
    /// The file as a whole, when it cannot be read.
    WholeFile(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { file, line, column } => write!(f, "{file}:{line}:{column}"),
            Self::Environment(name) => write!(f, "environment variable {name}"),
            Self::Flag(name) => write!(f, "{name}"),
            Self::WholeFile(file) => f.write_str(file),
        }
    }
}

/// One mistake: where, which key, what is wrong, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where the mistake stands.
    pub origin: Origin,
    /// The whole key, such as `relay.max_connections`; empty when none is meant.
    pub key: String,
    /// What was found and what was expected.
    pub message: String,
    /// What to write instead.
    pub fix: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.origin)?;
        if !self.key.is_empty() {
            write!(f, "`{}`: ", self.key)?;
        }
        write!(f, "{}\n  fix: {}", self.message, self.fix)
    }
}

/// Every mistake of a configuration, in the order of the file.
#[derive(Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// At least one.
    pub problems: Vec<Problem>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.problems.len() {
            1 => f.write_str("the configuration has a mistake:")?,
            count => write!(f, "the configuration has {count} mistakes:")?,
        }
        self.problems
            .iter()
            .try_for_each(|problem| write!(f, "\n{problem}"))
    }
}

impl std::error::Error for ConfigError {}

/// The known word nearest to a mistyped one, if it is near enough to be meant.
pub(crate) fn nearest<'k>(typed: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    known
        .into_iter()
        .map(|word| match is_swapped(typed, word) {
            true => (1, word),
            false => (edit_distance(typed, word), word),
        })
        .filter(|(distance, word)| *distance <= 1 + word.len() / 4)
        .min()
        .map(|(_, word)| word)
}

/// Are two letters that stand beside each other the wrong way round?
fn is_swapped(typed: &str, word: &str) -> bool {
    let differing: Vec<(usize, char, char)> = typed
        .chars()
        .zip(word.chars())
        .enumerate()
        .filter(|(_, (one, other))| one != other)
        .map(|(at, (one, other))| (at, one, other))
        .collect();
    typed.len() == word.len()
        && matches!(differing.as_slice(), [(at, a, b), (next, c, d)] if at + 1 == *next && a == d && b == c)
}

/// How many letters must be put in, taken out or changed (Levenshtein).
fn edit_distance(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.chars().count()).collect();
    for (done, letter) in from.chars().enumerate() {
        let mut above_left = done;
        let mut left = done + 1;
        let mut next = vec![left];
        for (above, other) in row.iter().skip(1).zip(to.chars()) {
            left = (left + 1)
                .min(above + 1)
                .min(above_left + usize::from(letter != other));
            above_left = *above;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_the_one_meant() {
        let known = ["listen", "dist", "default_broker"];
        assert_eq!(nearest("lisen", known), Some("listen"));
        assert_eq!(nearest("defaultbroker", known), Some("default_broker"));
        assert_eq!(nearest("colour", known), None);
        assert_eq!(nearest("ulr", ["url", "name"]), Some("url"));
        assert_eq!(nearest("lru", ["url", "name"]), None);
    }
}
