//! What somebody may publish, subscribe to and receive.

use super::filter;

/// Topic permissions. A filter may hold `%u` (the user name) and `%c` (the client identifier).
/// Nothing is allowed that no filter allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permissions {
    /// Topics that may be published to. Default: `#`.
    pub publish: Vec<String>,
    /// Topics that may be subscribed to. Default: `#` and `$SYS/#`, which `#` does not hold [MQTT5-4.7.2-1].
    pub subscribe: Vec<String>,
}

impl Default for Permissions {
    fn default() -> Self {
        Self {
            publish: vec!["#".to_owned()],
            subscribe: vec!["#".to_owned(), "$SYS/#".to_owned()],
        }
    }
}

/// Whose permissions are asked for: the names that `%u` and `%c` stand for.
#[derive(Clone, Copy, Debug)]
pub struct Who<'a> {
    /// The user name; `None` is somebody unknown, for whom no filter with `%u` holds.
    pub user_name: Option<&'a str>,
    /// The client identifier.
    pub client_id: &'a str,
}

impl Permissions {
    /// May this topic name be published to, as a message or as a will?
    #[must_use]
    pub fn may_publish(&self, topic: &str, who: Who<'_>) -> bool {
        any_covers(&self.publish, topic, who)
    }

    /// May everything that this topic filter matches be subscribed to? Without the `$share/…/` of a shared subscription.
    #[must_use]
    pub fn may_subscribe(&self, filter: &str, who: Who<'_>) -> bool {
        any_covers(&self.subscribe, filter, who)
    }

    /// May a message on this topic name be read? A session at the broker can hold subscriptions from better days.
    #[must_use]
    pub fn may_receive(&self, topic: &str, who: Who<'_>) -> bool {
        any_covers(&self.subscribe, topic, who)
    }

    /// The first filter that is none, and why.
    pub fn check(&self) -> Result<(), (&str, &'static str)> {
        let mut all = self.publish.iter().chain(&self.subscribe);
        all.try_for_each(|allowed| filter::check(allowed).map_err(|reason| (allowed.as_str(), reason)))
    }
}

fn any_covers(allowed: &[String], asked: &str, who: Who<'_>) -> bool {
    allowed
        .iter()
        .filter_map(|allowed| filter::fill(allowed, who.user_name, who.client_id))
        .any(|allowed| filter::covers(&allowed, asked))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_allowed_that_no_filter_allows() {
        let permissions = Permissions {
            publish: vec!["home/%u/#".to_owned()],
            subscribe: vec!["home/#".to_owned(), "reply/%c".to_owned()],
        };
        let ada = Who {
            user_name: Some("ada"),
            client_id: "tab",
        };
        let nobody = Who {
            user_name: None,
            client_id: "tab",
        };
        assert!(permissions.may_publish("home/ada/lamp", ada));
        assert!(!permissions.may_publish("home/bob/lamp", ada));
        assert!(!permissions.may_publish("home/ada/lamp", nobody));
        assert!(permissions.may_subscribe("home/+/lamp", ada));
        assert!(!permissions.may_subscribe("+/ada", ada));
        assert!(permissions.may_receive("reply/tab", nobody));
        assert!(!permissions.may_receive("reply/other", ada));
    }

    #[test]
    fn the_first_filter_that_is_none_is_named() {
        let permissions = Permissions {
            publish: vec!["a".to_owned(), "a/#/b".to_owned()],
            subscribe: Vec::new(),
        };
        assert_eq!(permissions.check(), Err(("a/#/b", "# stands before the end")));
        assert_eq!(Permissions::default().check(), Ok(()));
    }
}
