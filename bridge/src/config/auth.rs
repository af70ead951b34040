//! `[auth]`: who decides about access, and what each role may do.

use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

use hearth_model::api::{AuthMode, Role};

use super::{
    AccessConfig,
    network::Network,
    reader::{FromText, Section},
};
use crate::auth::{FOR_ADMINS, Permissions};

/// Who may use the bridge.
#[derive(Clone, Debug)]
pub struct AuthConfig {
    /// Who decides. Default: the broker (`pass-through`).
    pub mode: AuthMode,
    /// The accounts of mode `users`. Default `hearth-data/accounts.toml`.
    pub accounts_file: PathBuf,
    /// A login ends when its browser was silent for so long; an open WebSocket is not silent. Default 7 days.
    pub session_idle: Duration,
    /// A login ends after so long in any case. Default 30 days.
    pub session_lifetime: Duration,
    /// Logins of one user at one time; the one that was silent longest makes room. Default 50.
    pub max_sessions_per_user: usize,
    /// Bounds on guessing passwords.
    pub tries: TryLimits,
    /// The header in which a reverse proxy names the user, in mode `proxy`. Default `X-Forwarded-User`.
    pub proxy_header: HeaderName,
    /// The header in which it names the role. Default: none.
    pub role_header: Option<HeaderName>,
    /// The role of users for whom the proxy names none. Default: viewer.
    pub default_role: Role,
    /// Who may read `/metrics` without being an admin. Default: nobody, and in mode `pass-through` everybody.
    pub metrics_from: Vec<Network>,
    /// What client ids of users must begin with, so that nobody connects with that of a device. Default: nothing.
    pub client_id_prefix: Option<String>,
    /// What each role may do.
    pub roles: RolePermissions,
}

/// How often a password may be guessed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TryLimits {
    /// Wrong passwords for one account before it has to wait. Default 5.
    pub per_account: u32,
    /// The same for one address (IPv6: one /64). Default 20.
    pub per_address: u32,
    /// The first wait; each further wrong password doubles it. Default 1,000 ms.
    pub first_wait: Duration,
    /// The longest wait. Default 900 s.
    pub longest_wait: Duration,
    /// Passwords checked at one time; each costs 19 MiB and a core for a moment. Default 2.
    pub checks_at_a_time: usize,
}

/// What each role may do; `None` is everything.
#[derive(Clone, Debug)]
pub struct RolePermissions {
    viewer: Option<Arc<Permissions>>,
    operator: Option<Arc<Permissions>>,
    admin: Option<Arc<Permissions>>,
}

impl RolePermissions {
    /// `None`: everything.
    #[must_use]
    pub fn of(&self, role: Role) -> Option<&Arc<Permissions>> {
        match role {
            Role::Viewer => self.viewer.as_ref(),
            Role::Operator => self.operator.as_ref(),
            Role::Admin => self.admin.as_ref(),
        }
    }

    fn read(section: &Section<'_>) -> Self {
        let looks = Permissions {
            publish: Vec::new(),
            ..Permissions::default()
        };
        let acts = Permissions {
            deny_publish: FOR_ADMINS.map(str::to_owned).into(),
            ..Permissions::default()
        };
        Self {
            viewer: Some(read_role(section.section("viewer"), looks)),
            operator: Some(read_role(section.section("operator"), acts)),
            admin: read_admin(section.section("admin")),
        }
    }
}

/// An admin may do everything, also in `$…`, which no filter says; unless filters are set.
fn read_admin(section: Section<'_>) -> Option<Arc<Permissions>> {
    let limited = ["publish", "deny_publish", "subscribe"];
    let limited = limited.into_iter().any(|key| section.is_set(key));
    let permissions = read_role(section, Permissions::default());
    limited.then_some(permissions)
}

fn read_role(section: Section<'_>, default: Permissions) -> Arc<Permissions> {
    let permissions = Permissions {
        publish: filters(&section, "publish", default.publish),
        deny_publish: filters(&section, "deny_publish", default.deny_publish),
        subscribe: filters(&section, "subscribe", default.subscribe),
    };
    section.finish();
    Arc::new(permissions)
}

/// The topic filters of a permission.
pub(super) fn filters(section: &Section<'_>, key: &'static str, default: Vec<String>) -> Vec<String> {
    let filters = section.texts::<PermissionFilter>(key);
    if section.is_set(key) {
        filters.into_iter().map(|filter| filter.0).collect()
    } else {
        default
    }
}

struct PermissionFilter(String);

impl FromText for PermissionFilter {
    const EXPECTED: &'static str =
        "a topic filter, such as \"home/+/light/#\" or \"home/%u/#\" (%u: the user, %c: the client id)";

    fn from_text(text: &str) -> Result<Self, String> {
        if text.starts_with("$share/") {
            return Err(
                "a shared subscription is asked for what stands behind its $share/NAME/: leave that out"
                    .into(),
            );
        }
        let permissions = Permissions {
            publish: vec![text.to_owned()],
            ..Permissions::default()
        };
        permissions
            .check()
            .map_err(|(_, reason)| format!("this is not a topic filter: {reason}"))?;
        Ok(Self(text.to_owned()))
    }
}

/// The name of an HTTP header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderName(pub(crate) axum::http::HeaderName);

impl fmt::Display for HeaderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromText for HeaderName {
    const EXPECTED: &'static str = "the name of an HTTP header, such as \"X-Forwarded-User\"";

    fn from_text(text: &str) -> Result<Self, String> {
        let name = axum::http::HeaderName::from_bytes(text.as_bytes());
        name.map(Self)
            .map_err(|_| "this is not the name of a header".to_owned())
    }
}

impl FromText for Role {
    const EXPECTED: &'static str = "\"viewer\", \"operator\" or \"admin\"";

    fn from_text(text: &str) -> Result<Self, String> {
        Role::parse(text).ok_or_else(|| "there is no such role".to_owned())
    }
}

impl FromText for AuthMode {
    const EXPECTED: &'static str = "\"pass-through\", \"users\" or \"proxy\"";

    fn from_text(text: &str) -> Result<Self, String> {
        Self::parse(text).ok_or_else(|| "there is no such mode".to_owned())
    }
}

impl AuthConfig {
    pub(crate) fn read(section: Section<'_>, access: &AccessConfig) -> Self {
        let roles_section = section.section("roles");
        let roles = RolePermissions::read(&roles_section);
        let has_roles = roles_section.is_set_anywhere();
        roles_section.finish();
        let default_header = axum::http::HeaderName::from_static("x-forwarded-user");
        let config = Self {
            mode: section.text("mode").unwrap_or(AuthMode::PassThrough),
            accounts_file: section
                .text("accounts_file")
                .unwrap_or_else(|| PathBuf::from("hearth-data/accounts.toml")),
            session_idle: seconds(&section, "session_idle_s", 1..=31_536_000, 604_800),
            session_lifetime: seconds(&section, "session_lifetime_s", 1..=31_536_000, 2_592_000),
            max_sessions_per_user: section.integer("max_sessions_per_user", 1..=10_000, 50) as usize,
            tries: TryLimits {
                per_account: section.integer("tries_per_account", 1..=1_000, 5) as u32,
                per_address: section.integer("tries_per_address", 1..=100_000, 20) as u32,
                first_wait: section.duration_ms("first_wait_ms", 100..=3_600_000, 1_000),
                longest_wait: seconds(&section, "longest_wait_s", 1..=86_400, 900),
                checks_at_a_time: section.integer("password_checks_at_a_time", 1..=64, 2) as usize,
            },
            proxy_header: section.text("proxy_header").unwrap_or(HeaderName(default_header)),
            role_header: section.text("role_header"),
            default_role: section.text("default_role").unwrap_or(Role::Viewer),
            metrics_from: section.texts("metrics_from"),
            client_id_prefix: section.text("client_id_prefix"),
            roles,
        };
        if config.mode == AuthMode::Proxy && access.trusted_proxies.is_empty() {
            let message =
                "without trusted proxies nobody's header is believed, and nobody comes in".to_owned();
            let fix = "name the proxy's addresses under [access]: trusted_proxies = [\"127.0.0.1\"]";
            section.mistake("mode", message, fix.into());
        }
        name_what_has_no_effect(&section, config.mode, has_roles);
        if config.session_idle > config.session_lifetime {
            let message = "a login cannot be idle for longer than it lives".to_owned();
            section.mistake(
                "session_idle_s",
                message,
                "make it at most session_lifetime_s".into(),
            );
        }
        section.finish();
        config
    }
}

/// Who sets what only another mode has believes to be safe.
fn name_what_has_no_effect(section: &Section<'_>, mode: AuthMode, has_roles: bool) {
    const OF_ACCOUNTS: [&str; 9] = [
        "accounts_file",
        "session_idle_s",
        "session_lifetime_s",
        "max_sessions_per_user",
        "tries_per_account",
        "tries_per_address",
        "first_wait_ms",
        "longest_wait_s",
        "password_checks_at_a_time",
    ];
    const OF_PROXIES: [&str; 3] = ["proxy_header", "role_header", "default_role"];
    const OF_BOTH: [&str; 2] = ["client_id_prefix", "roles"];
    let others: [(&[&'static str], &str); 3] = [
        (&OF_ACCOUNTS, "mode = \"users\""),
        (&OF_PROXIES, "mode = \"proxy\""),
        (&OF_BOTH, "mode = \"users\" or mode = \"proxy\""),
    ];
    for (keys, of_mode) in others {
        let is_of_mode = match mode {
            AuthMode::Users => keys != OF_PROXIES,
            AuthMode::Proxy => keys != OF_ACCOUNTS,
            _ => false,
        };
        for key in keys.iter().filter(|_| !is_of_mode) {
            let is_set = match *key {
                "roles" => has_roles,
                key => section.is_set(key),
            };
            if is_set {
                let message = format!(
                    "this has an effect with {of_mode} only; the mode is \"{}\"",
                    mode.word()
                );
                section.warning(key, message, format!("set {of_mode} under [auth], or remove it"));
            }
        }
    }
}

fn seconds(
    section: &Section<'_>,
    key: &'static str,
    range: std::ops::RangeInclusive<u64>,
    default: u64,
) -> Duration {
    Duration::from_secs(section.integer(key, range, default))
}
