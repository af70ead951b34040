//! What somebody may publish, subscribe to and receive.

use super::filter;

/// Topic permissions. A filter may hold `%u` (the user name) and `%c` (the client identifier).
/// Nothing is allowed that no filter allows, and nothing that one denies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permissions {
    /// Topics that may be published to. Default: `#`.
    pub publish: Vec<String>,
    /// Of these, those that may not. Default: none.
    pub deny_publish: Vec<String>,
    /// Topics that may be subscribed to. Default: `#` and `$SYS/#`, which `#` does not hold [MQTT5-4.7.2-1].
    pub subscribe: Vec<String>,
}

impl Default for Permissions {
    fn default() -> Self {
        Self {
            publish: vec!["#".to_owned()],
            deny_publish: Vec::new(),
            subscribe: vec!["#".to_owned(), "$SYS/#".to_owned()],
        }
    }
}

/// Where zigbee2mqtt is asked to let in devices, to rename and remove them, and to restart: what belongs to the home, and not
/// what goes on in it. `bridge/config` is what versions before 2 took; its base topic may have a slash.
/// <https://www.zigbee2mqtt.io/guide/usage/mqtt_topics_and_messages.html>
pub(crate) const FOR_ADMINS: [&str; 4] = [
    "+/bridge/request/#",
    "+/+/bridge/request/#",
    "+/bridge/config/#",
    "+/+/bridge/config/#",
];

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
        any_covers(&self.publish, topic, who) && !self.denies(topic, who)
    }

    /// May a zigbee2mqtt bridge at its usual topic be asked for something?
    #[must_use]
    pub fn may_manage(&self, user_name: &str) -> bool {
        let who = Who {
            user_name: Some(user_name),
            client_id: "",
        };
        self.may_publish("zigbee2mqtt/bridge/request/permit_join", who)
    }

    /// RabbitMQ takes a dot for a slash, so `a.b` is denied where `a/b` is.
    fn denies(&self, topic: &str, who: Who<'_>) -> bool {
        !self.deny_publish.is_empty()
            && (any_covers(&self.deny_publish, topic, who)
                || topic.contains('.') && any_covers(&self.deny_publish, &topic.replace('.', "/"), who))
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
        let mut all = self
            .publish
            .iter()
            .chain(&self.deny_publish)
            .chain(&self.subscribe);
        all.try_for_each(|allowed| filter::check(allowed).map_err(|reason| (allowed.as_str(), reason)))
    }
}

fn any_covers(allowed: &[String], asked: &str, who: Who<'_>) -> bool {
    allowed.iter().any(|allowed| filter::permits(allowed, asked, who))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_allowed_that_no_filter_allows() {
        let permissions = Permissions {
            publish: vec!["home/%u/#".to_owned()],
            deny_publish: vec!["home/+/safe".to_owned()],
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
        assert!(!permissions.may_publish("home/ada/safe", ada));
        assert!(!permissions.may_publish("home/ada/lamp", nobody));
        assert!(permissions.may_subscribe("home/+/lamp", ada));
        assert!(!permissions.may_subscribe("+/ada", ada));
        assert!(permissions.may_receive("reply/tab", nobody));
        assert!(!permissions.may_receive("reply/other", ada));
    }

    #[test]
    fn what_is_denied_is_denied_however_it_is_written() {
        let permissions = Permissions {
            deny_publish: FOR_ADMINS.map(str::to_owned).into(),
            ..Permissions::default()
        };
        let who = Who {
            user_name: None,
            client_id: "tab",
        };
        for (topic, expected) in [
            ("zigbee2mqtt/bridge/request/permit_join", false),
            ("zigbee2mqtt/bridge/request", false),
            ("house/z2m/bridge/request/device/remove", false),
            ("zigbee2mqtt/bridge/config/permit_join", false),
            ("zigbee2mqtt.bridge.request.permit_join", false),
            ("zigbee2mqtt/bridge.request/restart", false),
            ("zigbee2mqtt/lamp/set", true),
            ("zigbee2mqtt/bridge/requests", true),
            ("homie/bridge/relay/power/set", true),
            ("home/lamp.1/set", true),
        ] {
            assert_eq!(permissions.may_publish(topic, who), expected, "{topic}");
        }
    }

    #[test]
    fn the_first_filter_that_is_none_is_named() {
        let permissions = Permissions {
            publish: vec!["a".to_owned(), "a/#/b".to_owned()],
            ..Permissions::default()
        };
        assert_eq!(permissions.check(), Err(("a/#/b", "# stands before the end")));
        assert_eq!(Permissions::default().check(), Ok(()));
    }
}
