//! Topic filters as permissions: does one match a topic, does one cover another filter?
//!
//! Topics and filters were checked by the time they come here; permissions are checked at start.

use std::borrow::Cow;

/// Checks a permission. `%u` and `%c` stand for one level or a part of one.
pub(crate) fn check(filter: &str) -> Result<(), &'static str> {
    if filter.is_empty() {
        return Err("it is empty");
    }
    if filter.contains('\0') {
        return Err("it holds a NUL character");
    }
    let mut levels = filter.split('/').peekable();
    while let Some(level) = levels.next() {
        match level {
            "#" if levels.peek().is_some() => return Err("# stands before the end"),
            "#" | "+" => {}
            _ if level.contains(['#', '+']) => return Err("# and + stand for whole levels"),
            _ => {}
        }
    }
    Ok(())
}

/// Puts the client's names into a permission. `None` if a name would widen it: a user called `#` gets nothing, and a client that calls
/// itself `$SYS` does not come by `%c/#` to what wildcards hide.
pub(crate) fn fill<'f>(filter: &'f str, user_name: Option<&str>, client_id: &str) -> Option<Cow<'f, str>> {
    if !filter.contains('%') {
        return Some(Cow::Borrowed(filter));
    }
    let mut filled = String::with_capacity(filter.len() + client_id.len());
    let mut rest = filter;
    while let Some(at) = rest.find('%') {
        let (before, from) = rest.split_at(at);
        filled.push_str(before);
        let name = match from.get(..2) {
            Some("%u") => user_name?,
            Some("%c") => client_id,
            _ => {
                filled.push('%');
                rest = from.get(1..)?;
                continue;
            }
        };
        if name.is_empty() || name.contains(['+', '#', '/']) {
            return None;
        }
        filled.push_str(name);
        rest = from.get(2..)?;
    }
    filled.push_str(rest);
    let widened = filled.starts_with('$') && !filter.starts_with('$');
    (!widened).then_some(Cow::Owned(filled))
}

/// Does `allowed` match every topic that `asked` matches? A topic name is a filter that matches itself only. `#` and `+` at
/// the start do not match `$…` [MQTT5-4.7.2-1].
pub(crate) fn covers(allowed: &str, asked: &str) -> bool {
    if hides_dollar(allowed, asked) {
        return false;
    }
    let mut asked_levels = asked.split('/');
    for level in allowed.split('/') {
        if level == "#" {
            return true;
        }
        match asked_levels.next() {
            Some("#") | None => return false,
            Some(asked_level) if level == "+" || level == asked_level => {}
            Some(_) => return false,
        }
    }
    asked_levels.next().is_none()
}

fn hides_dollar(filter: &str, topic: &str) -> bool {
    topic.starts_with('$') && filter.starts_with(['#', '+'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_matches_as_the_specification_says() {
        for (filter, topic, expected) in [
            ("#", "a", true),
            ("#", "a/b", true),
            ("#", "$SYS/uptime", false),
            ("+/b", "$SYS/b", false),
            ("$SYS/#", "$SYS/uptime", true),
            ("a/#", "a", true),
            ("a/#", "a/b/c", true),
            ("a/#", "ab", false),
            ("a/+", "a/", true),
            ("a/+", "a", false),
            ("a/+", "a/b/c", false),
            ("+/+", "/finance", true),
            ("+", "/finance", false),
            ("방/+/온도", "방/아이/온도", true),
        ] {
            assert_eq!(covers(filter, topic), expected, "{filter} {topic}");
        }
    }

    #[test]
    fn a_permission_covers_a_filter_only_if_it_covers_all_of_it() {
        for (allowed, asked, expected) in [
            ("#", "#", true),
            ("#", "a/+/c/#", true),
            ("#", "$SYS/#", false),
            ("+/#", "a/#", true),
            // The same topics, written differently: a cautious no.
            ("+/#", "#", false),
            ("a/#", "a", true),
            ("a/#", "#", false),
            ("a/#", "+/b", false),
            ("a/+", "a/b", true),
            ("a/+", "a/+", true),
            ("a/+", "a/#", false),
            ("a/b", "a/+", false),
            ("a/b", "a/b", true),
            ("a/b", "a/b/c", false),
            ("a/b/c", "a/b", false),
        ] {
            assert_eq!(covers(allowed, asked), expected, "{allowed} {asked}");
        }
    }

    #[test]
    fn names_are_filled_in_but_cannot_widen_a_permission() {
        assert_eq!(
            fill("home/%u/%c/#", Some("ada"), "tab-1").as_deref(),
            Some("home/ada/tab-1/#")
        );
        assert_eq!(fill("50%/%%u", Some("ada"), "c").as_deref(), Some("50%/%ada"));
        assert_eq!(fill("x%", None, "c").as_deref(), Some("x%"));
        assert_eq!(fill("home/%u", None, "c"), None);
        for name in ["#", "+", "a/b", ""] {
            assert_eq!(fill("home/%u", Some(name), "c"), None, "{name}");
            assert_eq!(fill("home/%c", Some("ada"), name), None, "{name}");
        }
        for name in ["$SYS", "$CONTROL", "$"] {
            assert_eq!(fill("%c/#", Some("ada"), name), None, "{name}");
            assert_eq!(fill("%u/#", Some(name), "tab"), None, "{name}");
        }
        assert_eq!(fill("$SYS/%c/#", None, "$tab").as_deref(), Some("$SYS/$tab/#"));
        assert_eq!(fill("home/%c", None, "$tab").as_deref(), Some("home/$tab"));
    }

    #[test]
    fn a_permission_that_is_no_filter_is_refused() {
        for filter in ["", "a/#/b", "a+", "a/b#", "a\0"] {
            assert!(check(filter).is_err(), "{filter:?}");
        }
        for filter in ["#", "+", "a/+/#", "/", "%u/#"] {
            assert_eq!(check(filter), Ok(()), "{filter:?}");
        }
    }
}
