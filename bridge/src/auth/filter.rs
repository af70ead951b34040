//! Topic filters as permissions: does one match a topic, does one cover another filter?
//!
//! Topics and filters were checked by the time they come here; permissions are checked at start.

use super::permissions::Who;

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

/// Does `allowed` match every topic that `asked` matches? A topic name is a filter that matches itself only. `#` and `+` at
/// the start do not match `$…` [MQTT5-4.7.2-1].
pub(crate) fn covers(allowed: &str, asked: &str) -> bool {
    covers_by(allowed, asked, |level, asked| level == asked)
}

/// The same for a permission, with the client's names in the places of `%u` and `%c`. A name that would widen it holds for nothing: a
/// user called `#` gets nothing, and a client that calls itself `$SYS` does not come by `%c/#` to what wildcards hide.
///
/// This is asked for each message, and a client id may have 64 KiB: it is compared in its place, and costs no more than `asked` is long.
pub(crate) fn permits(allowed: &str, asked: &str, who: Who<'_>) -> bool {
    if !allowed.contains('%') {
        return covers(allowed, asked);
    }
    covers_by(allowed, asked, |level, asked| is_filled(level, asked, who))
}

fn covers_by(allowed: &str, asked: &str, is_same: impl Fn(&str, &str) -> bool) -> bool {
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
            Some(asked_level) if level == "+" || is_same(level, asked_level) => {}
            Some(_) => return false,
        }
    }
    asked_levels.next().is_none()
}

/// What begins with `$` is for filters that say so themselves: not for those with a wildcard there, nor with a name.
fn hides_dollar(filter: &str, topic: &str) -> bool {
    topic.starts_with('$') && !filter.starts_with('$')
}

/// Does the level of a permission read like this with the client's names in it?
fn is_filled(level: &str, asked: &str, who: Who<'_>) -> bool {
    let (mut level, mut asked) = (level, asked);
    while let Some((before, behind)) = level.split_once('%') {
        let Some(rest) = asked.strip_prefix(before) else {
            return false;
        };
        let (rest, next) = if let Some(next) = behind.strip_prefix('u') {
            (who.user_name.and_then(|name| strip_name(rest, name)), next)
        } else if let Some(next) = behind.strip_prefix('c') {
            (strip_name(rest, who.client_id), next)
        } else {
            (rest.strip_prefix('%'), behind)
        };
        let Some(rest) = rest else {
            return false;
        };
        (level, asked) = (next, rest);
    }
    level == asked
}

/// What is behind the name, which is looked at only if it stands there.
fn strip_name<'a>(asked: &'a str, name: &str) -> Option<&'a str> {
    let rest = asked.strip_prefix(name)?;
    (!name.is_empty() && !name.contains(['+', '#', '/'])).then_some(rest)
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

    fn who<'a>(user_name: Option<&'a str>, client_id: &'a str) -> Who<'a> {
        Who { user_name, client_id }
    }

    #[test]
    fn names_are_filled_in_but_cannot_widen_a_permission() {
        let (ada, nobody) = (who(Some("ada"), "tab-1"), who(None, "tab-1"));
        for (permission, asked, who, expected) in [
            ("home/%u/%c/#", "home/ada/tab-1/lamp", ada, true),
            ("home/%u/%c/#", "home/ada/tab-1", ada, true),
            ("home/%u/%c/#", "home/ada/tab-1/#", ada, true),
            ("home/%u/%c/#", "home/ada/tab-2/lamp", ada, false),
            ("home/%u/%c/#", "home/ada/tab-10/lamp", ada, false),
            ("home/%u/%c/#", "home/ada/tab-/lamp", ada, false),
            ("home/%u/%c/#", "home/%u/%c/lamp", ada, false),
            ("home/%u", "home/ada/lamp", ada, false),
            ("home/%u", "home", ada, false),
            ("home/%u", "home/+", ada, false),
            ("home/%u", "home/#", ada, false),
            ("home/%u", "home/ada", nobody, false),
            ("home/%u", "home/", nobody, false),
            ("home/+/%c", "home/any/tab-1", nobody, true),
            ("a-%u-%c-z/+", "a-ada-tab-1-z/b", ada, true),
            ("a-%u-%c-z/+", "a-ada-tab-1-/b", ada, false),
            ("50%/%%u", "50%/%ada", ada, true),
            ("50%/%%u", "50%/ada", ada, false),
            ("x%", "x%", nobody, true),
            ("x%", "x", nobody, false),
            ("%x", "%x", nobody, true),
        ] {
            assert_eq!(
                permits(permission, asked, who),
                expected,
                "{permission} {asked} {who:?}"
            );
        }
        for name in ["#", "+", "a/b", ""] {
            let asked = format!("home/{name}");
            assert!(!permits("home/%u", &asked, who(Some(name), "c")), "{name}");
            assert!(!permits("home/%c", &asked, who(Some("ada"), name)), "{name}");
        }
        for name in ["$SYS", "$CONTROL", "$"] {
            let asked = format!("{name}/uptime");
            assert!(!permits("%c/#", &asked, who(Some("ada"), name)), "{name}");
            assert!(!permits("%u/#", &asked, who(Some(name), "tab")), "{name}");
        }
        assert!(permits("$SYS/%c/#", "$SYS/$tab/a", who(None, "$tab")));
        assert!(permits("home/%c", "home/$tab", who(None, "$tab")));
    }

    /// Both are measured in one run, and the best of several counts: copying the long one takes hundreds of times as long.
    #[test]
    fn a_message_costs_the_same_however_long_the_client_id_is() {
        let cost = |client_id: &str| {
            let rounds = (0..5).map(|_| {
                let begun = std::time::Instant::now();
                for _ in 0..1_000 {
                    for permission in ["home/%c/#", "%c/#", "+/x-%c"] {
                        let who = who(None, std::hint::black_box(client_id));
                        assert!(!permits(permission, "home/a", who));
                    }
                }
                begun.elapsed()
            });
            rounds.min().unwrap()
        };
        let (short, long) = (cost("b"), cost(&"b".repeat(65_535)));
        assert!(long < short * 20, "{long:?} instead of {short:?}");
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
