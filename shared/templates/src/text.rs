//! What is done with texts by methods and filters alike.

use crate::budget::Budget;
use crate::error::{Error, Result};
use crate::value::Value;

/// White space of Python's `str.isspace()`.
fn space(char: char) -> bool {
    char.is_whitespace() || matches!(char, '\u{1c}'..='\u{1f}')
}

pub(crate) fn stripped<'t>(of: &'t str, chars: Option<&str>, left: bool, right: bool) -> &'t str {
    let strip = |char: char| chars.map_or_else(|| space(char), |chars| chars.contains(char));
    let of = if left { of.trim_start_matches(strip) } else { of };
    if right { of.trim_end_matches(strip) } else { of }
}

pub(crate) fn capitalized(of: &str) -> String {
    let mut chars = of.chars();
    let first: String = chars
        .next()
        .map(|char| char.to_uppercase().collect())
        .unwrap_or_default();
    first + &chars.as_str().to_lowercase()
}

/// `str.title()`: a capital behind everything that is no letter.
pub(crate) fn python_title(of: &str) -> String {
    titled(of, |before| !before.is_alphabetic())
}

/// Jinja's `title`: a capital behind white space, dashes and opening brackets.
pub(crate) fn jinja_title(of: &str) -> String {
    titled(of, |before| {
        space(before) || matches!(before, '-' | '(' | '{' | '[' | '<')
    })
}

fn titled(of: &str, begins: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(of.len());
    let mut before = ' ';
    for char in of.chars() {
        if begins(before) {
            out.extend(char.to_uppercase());
        } else {
            out.extend(char.to_lowercase());
        }
        before = char;
    }
    out
}

pub(crate) fn swapped(of: &str) -> String {
    let mut out = String::with_capacity(of.len());
    for char in of.chars() {
        if char.is_uppercase() {
            out.extend(char.to_lowercase());
        } else {
            out.extend(char.to_uppercase());
        }
    }
    out
}

pub(crate) fn replaced(budget: &Budget, of: &str, old: &str, new: &str, count: i64) -> Result<String> {
    let most = usize::try_from(count).unwrap_or(usize::MAX);
    let found = if old.is_empty() {
        of.chars().count() + 1
    } else {
        of.matches(old).count()
    };
    budget.spend_bytes(of.len().saturating_add(new.len().saturating_mul(found.min(most))))?;
    Ok(of.replacen(old, new, most))
}

pub(crate) fn lines(of: &str) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut rest = of;
    while !rest.is_empty() {
        let end = rest.find(['\n', '\r']).unwrap_or(rest.len());
        let (line, behind) = rest.split_at_checked(end).unwrap_or((rest, ""));
        lines.push(line);
        rest = behind
            .strip_prefix("\r\n")
            .or_else(|| behind.strip_prefix(['\n', '\r']))
            .unwrap_or_default();
    }
    lines
}

/// Python's `split()` without a separator.
pub(crate) fn split_space(of: &str, limit: usize, from_right: bool) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = if from_right {
        of.trim_end_matches(space)
    } else {
        of.trim_start_matches(space)
    };
    while !rest.is_empty() && parts.len() < limit {
        let cut = if from_right {
            rest.rfind(space).and_then(|at| {
                let width = rest.get(at..)?.chars().next()?.len_utf8();
                Some((rest.get(at + width..)?, rest.get(..at)?.trim_end_matches(space)))
            })
        } else {
            rest.find(space)
                .and_then(|at| rest.split_at_checked(at))
                .map(|(part, behind)| (part, behind.trim_start_matches(space)))
        };
        let (part, behind) = cut.unwrap_or((rest, ""));
        parts.push(part);
        rest = behind;
    }
    let rest = if from_right {
        rest.trim_start_matches(space)
    } else {
        rest.trim_end_matches(space)
    };
    // At the limit the rest keeps the white space of its far end.
    if !rest.is_empty() {
        parts.push(rest);
    }
    if from_right {
        parts.reverse();
    }
    parts
}

/// Python's `separator.join(…)`, which takes texts only, or Jinja's `join`, which makes texts of all.
pub(crate) fn joined(budget: &Budget, separator: &str, of: &Value, texts_only: bool) -> Result<Value> {
    let mut out = String::new();
    for (index, item) in of.elements(budget)?.items.iter().enumerate() {
        if index > 0 {
            budget.push(&mut out, separator)?;
        }
        if texts_only && !matches!(item, Value::Str(_)) {
            return Err(Error::value(format!(
                "sequence item {index}: expected str instance, {} found",
                item.type_name()
            )));
        }
        item.write(budget, &mut out)?;
    }
    Ok(Value::from(out))
}

pub(crate) fn zero_filled(budget: &Budget, of: &str, width: i64) -> Result<String> {
    let padding = padding(budget, of, width, '0')?;
    let digits = of.strip_prefix(['+', '-']).unwrap_or(of);
    let sign = of.get(..of.len() - digits.len()).unwrap_or_default();
    Ok(format!("{sign}{}{digits}", "0".repeat(padding)))
}

fn padding(budget: &Budget, of: &str, width: i64, fill: char) -> Result<usize> {
    let width = usize::try_from(width).unwrap_or(0);
    let padding = width.saturating_sub(of.chars().count());
    budget.spend_bytes(padding.saturating_mul(fill.len_utf8()))?;
    Ok(padding)
}

/// `ljust`, `rjust`, `center`.
pub(crate) fn justified(budget: &Budget, of: &str, width: i64, fill: char, how: &str) -> Result<String> {
    let padding = padding(budget, of, width, fill)?;
    let before = match how {
        "ljust" => 0,
        "rjust" => padding,
        // Python puts the odd one to the left if the width is odd.
        _ => padding / 2 + (padding & usize::try_from(width).unwrap_or(0) & 1),
    };
    let mut out = String::new();
    out.extend(std::iter::repeat_n(fill, before));
    out.push_str(of);
    out.extend(std::iter::repeat_n(fill, padding - before));
    Ok(out)
}
