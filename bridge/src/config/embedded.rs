//! `[broker.embedded]`: the broker that runs inside the bridge.

use std::{collections::BTreeMap, io, net::SocketAddr, path::PathBuf, time::Duration};

use super::{
    Secret,
    auth::filters,
    files::{self, Holds, cannot_be_read, open_regular, secret_path},
    reader::Section,
};
use crate::{
    auth::{Password, PasswordError, Permissions},
    broker::{EmbeddedOptions, Limits, UserOptions},
};

/// What the embedded broker needs to start.
#[derive(Clone, Debug)]
pub struct EmbeddedBrokerConfig {
    /// The name that people see. Default: `Embedded broker`.
    pub name: String,
    /// The rest, as the broker takes it; its defaults are the defaults of the settings.
    pub options: EmbeddedOptions,
}

impl EmbeddedBrokerConfig {
    /// Asks for every key; what else is there is for the caller to find.
    pub(crate) fn read(section: &Section<'_>) -> Self {
        let default = EmbeddedOptions::default();
        let users = read_users(section);
        let anonymous = section.section("anonymous");
        let allow_anonymous = section.flag("allow_anonymous", users.is_empty());
        let listen = section
            .text("listen")
            .unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 1883)));
        let options = EmbeddedOptions {
            listen,
            data_dir: Some(
                section
                    .text("storage_dir")
                    .unwrap_or_else(|| PathBuf::from("hearth-data/broker")),
            ),
            snapshot_interval: seconds(
                section,
                "snapshot_interval_s",
                1..=86_400,
                default.snapshot_interval,
            ),
            anonymous: Some(allow_anonymous),
            anonymous_permissions: read_permissions(&anonymous),
            users,
            limits: read_limits(section, &default.limits),
        };
        anonymous.finish();
        if !listen.ip().is_loopback() && allow_anonymous && !section.is_set("allow_anonymous") {
            let message = format!("{listen} is beyond this machine, and no users are listed");
            let fix = "add [[broker.embedded.users]], or say allow_anonymous = true if everybody may connect";
            section.mistake("listen", message, fix.into());
        }
        if !allow_anonymous && options.users.is_empty() {
            let message = "nobody can come in: no users are listed".to_owned();
            section.warning("allow_anonymous", message, "add [[broker.embedded.users]]".into());
        }
        let name = section.text("name").unwrap_or_else(|| "Embedded broker".into());
        Self { name, options }
    }
}

fn read_limits(section: &Section<'_>, default: &Limits) -> Limits {
    let count = |key, default: usize| number(section, key, 1..=10_000_000, default as u64) as usize;
    Limits {
        connections: count("max_connections", default.connections),
        sessions: count("max_sessions", default.sessions),
        maximum_packet_size: number(
            section,
            "max_packet_bytes",
            1_024..=268_435_460,
            default.maximum_packet_size.into(),
        ),
        queued_messages: count("max_queued_messages", default.queued_messages),
        topic_levels: number(
            section,
            "max_topic_levels",
            1..=65_535,
            default.topic_levels as u64,
        ) as usize,
        subscriptions: count("max_subscriptions", default.subscriptions),
        in_flight: u16::try_from(section.integer("max_in_flight", 1..=65_535, default.in_flight.into()))
            .unwrap_or(u16::MAX),
        retained_messages: count("max_retained_messages", default.retained_messages),
        retained_bytes: number(
            section,
            "max_retained_bytes",
            1_024..=4_294_967_295,
            default.retained_bytes as u64,
        ) as usize,
        session_expiry: seconds(
            section,
            "max_session_expiry_s",
            0..=u64::from(u32::MAX),
            default.session_expiry,
        ),
    }
}

fn seconds(
    section: &Section<'_>,
    key: &'static str,
    range: std::ops::RangeInclusive<u64>,
    default: Duration,
) -> Duration {
    Duration::from_secs(section.integer(key, range, default.as_secs()))
}

fn number(
    section: &Section<'_>,
    key: &'static str,
    range: std::ops::RangeInclusive<u64>,
    default: u64,
) -> u32 {
    u32::try_from(section.integer(key, range, default)).unwrap_or(u32::MAX)
}

fn read_users(section: &Section<'_>) -> BTreeMap<String, UserOptions> {
    let mut users = BTreeMap::new();
    for user in section.list("users") {
        let name = user.text::<String>("name").filter(|name| !name.is_empty());
        let permissions = read_permissions(&user);
        let password = read_password(&user);
        match name {
            None => user.mistake("name", "a user needs a name".into(), "add name = \"…\"".into()),
            Some(name) if users.contains_key(&name) => {
                user.mistake(
                    "name",
                    format!("the user \"{name}\" is listed twice"),
                    "keep one of them".into(),
                );
            }
            Some(name) => users.extend(password.map(|password| {
                (
                    name,
                    UserOptions {
                        password,
                        permissions,
                    },
                )
            })),
        }
        user.finish();
    }
    users
}

fn read_password(user: &Section<'_>) -> Option<Password> {
    let (key, secret) = match (user.is_set("password"), user.is_set("password_file")) {
        (true, true) => {
            let message = "password and password_file exclude each other".to_owned();
            user.mistake("password", message, "keep one of them".into());
            return None;
        }
        (true, false) => ("password", user.secret("password")?),
        (false, true) => ("password_file", password_in_file(user)?),
        (false, false) => {
            let fix = "add password = \"…\" or password_file = \"…\"";
            user.mistake("password", "a user needs a password".into(), fix.into());
            return None;
        }
    };
    let password = Password::from_config(secret.expose());
    if let Err(error) = password.check() {
        let fix = match error {
            PasswordError::Empty => "write a password there, or remove the user",
            PasswordError::NotArgon2 | PasswordError::TooDear | PasswordError::Hashing => {
                "make a new hash, or write the password itself"
            }
        };
        user.mistake(key, error.to_string(), fix.into());
    }
    Some(password)
}

fn password_in_file(user: &Section<'_>) -> Option<Secret> {
    let key = "password_file";
    let file = secret_path(user, key)?;
    match open_regular(&file).and_then(io::read_to_string) {
        Ok(text) => Some(Secret::new(text.trim_end_matches(['\r', '\n']))),
        Err(error) => {
            let message = cannot_be_read(&file, Holds::Secret, &error);
            user.mistake(key, message, files::FIX.into());
            None
        }
    }
}

fn read_permissions(section: &Section<'_>) -> Permissions {
    let all = Permissions::default();
    Permissions {
        publish: filters(section, "publish", all.publish),
        subscribe: filters(section, "subscribe", all.subscribe),
        deny_publish: all.deny_publish,
    }
}
