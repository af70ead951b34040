//! `[broker.embedded]`: the broker that runs inside the bridge.

use std::{net::SocketAddr, path::PathBuf};

use super::{Secret, reader::Section};

/// What the embedded broker needs to start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmbeddedBrokerConfig {
    /// The name that people see. Default: `Embedded broker`.
    pub name: String,
    /// Where MQTT over TCP is spoken. Default `127.0.0.1:1883`: the usual port, on this machine only.
    pub listen: SocketAddr,
    /// Where retained messages and sessions are kept. Default `hearth-data/broker`.
    pub storage_dir: PathBuf,
    /// Lets clients in that give no user name. Default: only while no users are listed.
    pub allow_anonymous: bool,
    /// What clients without a user name may do, when they are let in.
    pub anonymous: TopicPermissions,
    /// The accounts.
    pub users: Vec<BrokerUser>,
    /// Network connections at one time. Default 10,000.
    pub max_connections: u32,
    /// Bytes of the largest packet taken. Default 2 MiB.
    pub max_packet_bytes: u32,
    /// Messages kept for one session while its client is away. Default 1,000.
    pub max_queued_messages: u32,
    /// Sessions whose clients are away are forgotten after this time at the latest, in seconds. Default 7 days.
    pub max_session_expiry_s: u32,
}

/// One account of the embedded broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokerUser {
    /// The user name of CONNECT.
    pub name: String,
    /// The password of CONNECT.
    pub password: Secret,
    /// What the account may do.
    pub permissions: TopicPermissions,
}

/// Topic filters that bound what a client may do; `%u` is the user name, `%c` the client id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicPermissions {
    /// Topic names that match one of these may be published to. Default: all.
    pub publish: Vec<String>,
    /// Topic filters within one of these may be subscribed to. Default: all.
    pub subscribe: Vec<String>,
}

impl Default for TopicPermissions {
    fn default() -> Self {
        Self {
            publish: vec!["#".into()],
            subscribe: vec!["#".into()],
        }
    }
}

impl EmbeddedBrokerConfig {
    pub(crate) fn read(section: Section<'_>) -> Self {
        let users: Vec<BrokerUser> = section
            .list("users")
            .into_iter()
            .filter_map(BrokerUser::read)
            .collect();
        let anonymous = section.section("anonymous");
        let config = Self {
            name: section.text("name").unwrap_or_else(|| "Embedded broker".into()),
            listen: section
                .text("listen")
                .unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 1883))),
            storage_dir: section
                .text("storage_dir")
                .unwrap_or_else(|| "hearth-data/broker".into()),
            allow_anonymous: section.flag("allow_anonymous", users.is_empty()),
            anonymous: TopicPermissions::read(&anonymous),
            max_connections: number(&section, "max_connections", 1..=1_000_000, 10_000),
            max_packet_bytes: number(&section, "max_packet_bytes", 1_024..=268_435_460, 2 * 1024 * 1024),
            max_queued_messages: number(&section, "max_queued_messages", 1..=1_000_000, 1_000),
            max_session_expiry_s: number(
                &section,
                "max_session_expiry_s",
                0..=u64::from(u32::MAX),
                7 * 24 * 3600,
            ),
            users,
        };
        anonymous.finish();
        if !config.listen.ip().is_loopback() && config.allow_anonymous && !section.is_set("allow_anonymous") {
            let message = format!(
                "{} is beyond this machine, and no users are listed",
                config.listen
            );
            let fix = "add [[broker.embedded.users]], or say allow_anonymous = true if everybody may connect";
            section.mistake("listen", message, fix.into());
        }
        let mut names: Vec<&str> = config.users.iter().map(|user| user.name.as_str()).collect();
        names.sort_unstable();
        if let Some(twice) = names.windows(2).find_map(|pair| {
            if let [a, b] = pair {
                (a == b).then_some(a)
            } else {
                None
            }
        }) {
            section.mistake(
                "users",
                format!("the user \"{twice}\" is listed twice"),
                "keep one of them".into(),
            );
        }
        section.finish();
        config
    }
}

fn number(
    section: &Section<'_>,
    key: &'static str,
    range: std::ops::RangeInclusive<u64>,
    default: u64,
) -> u32 {
    u32::try_from(section.integer(key, range, default)).unwrap_or(u32::MAX)
}

impl BrokerUser {
    fn read(section: Section<'_>) -> Option<Self> {
        let name = section.text::<String>("name").filter(|name| !name.is_empty());
        if name.is_none() {
            section.mistake("name", "a user needs a name".into(), "add name = \"…\"".into());
        }
        let password = match section.text::<PathBuf>("password_file") {
            Some(file) => Self::read_password(&section, &file),
            None => section.secret("password"),
        };
        if password.is_none() && !section.is_set("password_file") {
            let fix = "add password = \"…\" or password_file = \"…\"";
            section.mistake("password", "a user needs a password".into(), fix.into());
        }
        let permissions = TopicPermissions::read(&section);
        section.finish();
        Some(Self {
            name: name?,
            password: password?,
            permissions,
        })
    }

    fn read_password(section: &Section<'_>, file: &std::path::Path) -> Option<Secret> {
        if section.is_set("password") {
            let message = "password and password_file exclude each other".to_owned();
            section.mistake("password", message, "keep one of them".into());
        }
        match std::fs::read_to_string(file) {
            Ok(text) => Some(Secret::new(text.trim_end_matches(['\r', '\n']))),
            Err(error) => {
                let message = format!("{} cannot be read: {error}", file.display());
                section.mistake(
                    "password_file",
                    message,
                    "name a file that the bridge may read".into(),
                );
                None
            }
        }
    }
}

impl TopicPermissions {
    fn read(section: &Section<'_>) -> Self {
        let all = Self::default();
        let publish = section.texts("publish");
        let subscribe = section.texts("subscribe");
        Self {
            publish: if section.is_set("publish") {
                publish
            } else {
                all.publish
            },
            subscribe: if section.is_set("subscribe") {
                subscribe
            } else {
                all.subscribe
            },
        }
    }
}
