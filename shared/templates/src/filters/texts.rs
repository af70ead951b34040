//! Filters of texts. What is no text is made one first.

use std::rc::Rc;

use crate::arguments::Values;
use crate::budget::Budget;
use crate::error::{Error, Result};
use crate::format;
use crate::regex::{Regex, group_text};
use crate::text;
use crate::value::Value;

pub(super) fn filter(budget: &Budget, name: &str, value: &Value, values: &Values) -> Result<Option<Value>> {
    if !NAMES.contains(&name) {
        return Ok(None);
    }
    let of = value.text(budget)?;
    budget.spend_bytes(of.len())?;
    let result = match name {
        "lower" => of.to_lowercase(),
        "upper" => of.to_uppercase(),
        "title" => text::jinja_title(&of),
        "capitalize" => text::capitalized(&of),
        "trim" => {
            let chars = match values.get(0, "chars") {
                None | Some(Value::None) => None,
                Some(chars) => Some(chars.text(budget)?),
            };
            text::stripped(&of, chars.as_deref(), true, true).to_owned()
        }
        "replace" => {
            let (old, new) = (
                values.need(0, "old")?.text(budget)?,
                values.need(1, "new")?.text(budget)?,
            );
            text::replaced(budget, &of, &old, &new, values.int(2, "count", -1)?)?
        }
        "truncate" => truncate(&of, values)?,
        "center" => text::justified(budget, &of, values.int(0, "width", 80)?, ' ', "center")?,
        "format" => {
            let argument = if values.named.is_empty() {
                Value::tuple(values.positional.clone())?
            } else {
                let named = values
                    .named
                    .iter()
                    .map(|(name, value)| (Value::Str(name.clone()), value.clone()));
                crate::access::dict_of(budget, named)?
            };
            format::printf(budget, &of, &argument)?
        }
        "indent" => indent(budget, &of, values)?,
        "escape" | "e" | "forceescape" => escaped(budget, &of)?,
        "striptags" => striptags(&of),
        "wordcount" => {
            let words = of
                .split(|char: char| !char.is_alphanumeric() && char != '_')
                .filter(|word| !word.is_empty());
            return Ok(Some(Value::Int(i64::try_from(words.count()).unwrap_or(i64::MAX))));
        }
        "urlencode" => urlencode(budget, &of)?,
        "slugify" => slugify(&of, &values.text(0, "separator", "_")?),
        "ordinal" => ordinal(&of)?,
        "ord" => {
            let mut chars = of.chars();
            match (chars.next(), chars.next()) {
                (Some(char), None) => return Ok(Some(Value::Int(i64::from(char as u32)))),
                _ => return Err(Error::value("ord() expected a character")),
            }
        }
        "base64_encode" => base64_encode(budget, of.as_bytes())?,
        "base64_decode" => base64_decode(budget, &of)?,
        other => return regex(budget, other, &of, values).map(Some),
    };
    Ok(Some(Value::from(result)))
}

const NAMES: [&str; 26] = [
    "lower",
    "upper",
    "title",
    "capitalize",
    "trim",
    "replace",
    "truncate",
    "center",
    "format",
    "indent",
    "escape",
    "e",
    "forceescape",
    "striptags",
    "wordcount",
    "urlencode",
    "slugify",
    "ordinal",
    "ord",
    "base64_encode",
    "base64_decode",
    "regex_match",
    "regex_search",
    "regex_replace",
    "regex_findall",
    "regex_findall_index",
];

fn regex(budget: &Budget, name: &str, of: &Rc<str>, values: &Values) -> Result<Value> {
    let find = values.text(0, "find", "")?;
    let flag_at = match name {
        "regex_replace" | "regex_findall_index" => 2,
        _ => 1,
    };
    let regex = Regex::new(&find, values.flag(flag_at, "ignorecase", false))?;
    match name {
        "regex_match" | "regex_search" => {
            let found = regex.find(budget, of, 0, name == "regex_match")?;
            Ok(Value::Bool(found.is_some()))
        }
        "regex_replace" => {
            let with = values.text(1, "replace", "")?;
            regex.replace(budget, of, &with).map(Value::from)
        }
        _ => {
            let mut all = Vec::new();
            for found in regex.find_all(budget, of)? {
                let group = |group: usize| {
                    let text = group_text(of, &found, group);
                    budget.spend_bytes(text.len()).map(|()| Value::from(text))
                };
                all.push(match regex.groups {
                    0 => group(0)?,
                    1 => group(1)?,
                    groups => Value::tuple((1..=groups).map(group).collect::<Result<_>>()?)?,
                });
            }
            let all = Value::list(all)?;
            if name == "regex_findall" {
                return Ok(all);
            }
            let index = values.int(1, "index", 0)?;
            let item = crate::access::item(budget, &all, &Value::Int(index))?;
            if item.is_undefined() {
                return Err(Error::value("list index out of range"));
            }
            Ok(item)
        }
    }
}

fn truncate(of: &str, values: &Values) -> Result<String> {
    let size = |number: i64| usize::try_from(number).unwrap_or(0);
    let length = size(values.int(0, "length", 255)?);
    let kill_words = values.flag(1, "killwords", false);
    let end = values.text(2, "end", "...")?;
    let leeway = match values.get(3, "leeway") {
        None | Some(Value::None) => 5,
        Some(leeway) => size(leeway.as_int()?),
    };
    if of.chars().count() <= length.saturating_add(leeway) {
        return Ok(of.to_owned());
    }
    let Some(kept) = length.checked_sub(end.chars().count()) else {
        return Err(Error::value("the end is longer than the length of truncate"));
    };
    let mut cut: String = of.chars().take(kept).collect();
    if !kill_words && let Some((words, _)) = cut.rsplit_once(' ') {
        cut = words.to_owned();
    }
    Ok(cut + &end)
}

fn indent(budget: &Budget, of: &str, values: &Values) -> Result<String> {
    let prefix = match values.get(0, "width") {
        Some(Value::Str(prefix)) => prefix.to_string(),
        other => {
            let width = usize::try_from(other.map_or(Ok(4), Value::as_int)?).unwrap_or(0);
            budget.spend_bytes(width)?;
            " ".repeat(width)
        }
    };
    let (first, blank) = (values.flag(1, "first", false), values.flag(2, "blank", false));
    let mut out = String::new();
    for (index, line) in text::lines(of).iter().enumerate() {
        if index > 0 {
            out.push('\n');
        }
        if (index > 0 || first) && (blank || !line.is_empty()) {
            budget.push(&mut out, &prefix)?;
        }
        budget.push(&mut out, line)?;
    }
    Ok(out)
}

fn escaped(budget: &Budget, of: &str) -> Result<String> {
    let mut out = String::new();
    for char in of.chars() {
        match char {
            '&' => budget.push(&mut out, "&amp;")?,
            '<' => budget.push(&mut out, "&lt;")?,
            '>' => budget.push(&mut out, "&gt;")?,
            '"' => budget.push(&mut out, "&#34;")?,
            '\'' => budget.push(&mut out, "&#39;")?,
            char => out.push(char),
        }
    }
    Ok(out)
}

fn striptags(of: &str) -> String {
    let mut out = String::new();
    let mut rest = of;
    while let Some((before, tag)) = rest.split_once('<') {
        out.push_str(before);
        match tag.split_once('>') {
            Some((_, behind)) => rest = behind,
            None => {
                out.push('<');
                rest = tag;
            }
        }
    }
    out.push_str(rest);
    text::split_space(&out, usize::MAX, false).join(" ")
}

fn urlencode(budget: &Budget, of: &str) -> Result<String> {
    budget.spend(of.len())?;
    let mut out = String::new();
    for byte in of.bytes() {
        if byte.is_ascii_alphanumeric() || b"_.-~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    Ok(out)
}

fn slugify(of: &str, separator: &str) -> String {
    let mut out = String::new();
    let mut gap = false;
    for char in of.to_lowercase().chars() {
        if char == '\'' {
            continue;
        }
        if char.is_alphanumeric() {
            if gap && !out.is_empty() {
                out.push_str(separator);
            }
            gap = false;
            out.push(char);
        } else {
            gap = true;
        }
    }
    if out.is_empty() && !of.is_empty() {
        "unknown".to_owned()
    } else {
        out
    }
}

fn ordinal(of: &str) -> Result<String> {
    let number: i64 = of
        .trim()
        .parse()
        .map_err(|_| Error::value("ordinal needs a whole number"))?;
    let suffix = match (number.unsigned_abs() % 100, number.unsigned_abs() % 10) {
        (11..=13, _) => "th",
        (_, 1) => "st",
        (_, 2) => "nd",
        (_, 3) => "rd",
        _ => "th",
    };
    Ok(format!("{of}{suffix}"))
}

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn base64_encode(budget: &Budget, bytes: &[u8]) -> Result<String> {
    budget.spend(bytes.len())?;
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let bits = chunk
            .iter()
            .fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte))
            << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let six = (bits >> (18 - 6 * place)) as usize & 63;
            out.push(match BASE64.get(six) {
                Some(byte) if place <= chunk.len() => char::from(*byte),
                _ => '=',
            });
        }
    }
    Ok(out)
}

fn base64_decode(budget: &Budget, of: &str) -> Result<String> {
    budget.spend(of.len())?;
    let mut bytes = Vec::new();
    let mut bits = 0_u32;
    let mut count = 0;
    for byte in of.trim_end_matches('=').bytes() {
        let Some(six) = BASE64.iter().position(|known| *known == byte) else {
            return Err(Error::value("this is not base64"));
        };
        bits = (bits << 6 | six as u32) & 0xff_ffff;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    String::from_utf8(bytes).map_err(|_| Error::value("base64 of what is no text"))
}
