//! Settings: defaults, then the TOML file, then `HEARTH_…` variables, then flags; later ones win.
//!
//! A key is read in one place, with its default; what is not read is unknown and refused. All mistakes are reported at once,
//! each with its place and its fix. What may not enter: anything that acts on a setting.

mod access;
mod aio;
mod auth;
mod broker;
mod credentials;
mod dapr;
mod demo;
mod embedded;
mod files;
mod http;
mod log;
mod network;
mod problem;
mod reader;
mod relay;
mod secret;
mod shown;
mod text;
mod tls;
mod yaml;

use std::{
    collections::BTreeMap,
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use hearth_model::api::AuthMode;
use toml::de::DeTable;

use self::reader::FlagValue;
pub use self::{
    access::{AccessConfig, HostName, ProxyHeaders, WebOrigin, WebScheme},
    auth::{AuthConfig, HeaderName, RolePermissions, TryLimits},
    broker::{BrokerAddress, BrokerConfig, BrokerId, ProxyProtocol},
    credentials::{CredentialsConfig, PasswordSource},
    demo::DemoConfig,
    embedded::EmbeddedBrokerConfig,
    http::{HttpConfig, HttpTlsConfig},
    log::{LogConfig, LogFormat},
    network::Network,
    problem::{ConfigError, Origin, Problem},
    relay::RelayConfig,
    secret::{Secret, SecretBytes},
    tls::{AlpnProtocol, PemSource, TlsConfig},
};
pub(crate) use self::{
    files::open_regular,
    reader::{FromText, Section, Source},
};

/// The annotated example: every key with its default. Tests keep it complete and valid.
pub const EXAMPLE: &str = include_str!("../../hearth.example.toml");

/// Everything that can be set, with nothing left to look up.
#[derive(Clone, Debug)]
pub struct Config {
    /// The one address for page, API and WebSockets. Default `127.0.0.1:9001`.
    pub listen: SocketAddr,
    /// The folder with the built page. Default: the page inside the binary; a development build has none and takes `dist`.
    pub dist: Option<PathBuf>,
    /// The broker behind `/mqtt`. Default: the embedded one, or the first of [`Self::brokers`].
    pub default_broker: Option<BrokerId>,
    /// The brokers that the relay dials: those of the configuration in the order of their ids, then those of Dapr and the `AIO_…` variables.
    pub brokers: Vec<BrokerConfig>,
    /// The broker inside the bridge, when it is wanted.
    pub embedded: Option<EmbeddedBrokerConfig>,
    /// The simulated home, when it is wanted.
    pub demo: Option<DemoConfig>,
    /// Which hosts and origins are let in.
    pub access: AccessConfig,
    /// Who decides about access, and what each role may do.
    pub auth: AuthConfig,
    /// Bounds of the HTTP side.
    pub http: HttpConfig,
    /// Bounds of the relay.
    pub relay: RelayConfig,
    /// Threads that everything but the embedded broker runs on. Default: half of the processors, rounded up. Waking another thread
    /// costs more than what a message costs, and the brokers and browsers beside the bridge need processors too.
    pub worker_threads: usize,
    /// Threads beside them, one for each of the other processors, that start when there are many connections. None where `worker_threads`
    /// is set.
    pub crowd_threads: usize,
    /// So many connections are a crowd. Default 100: fifty that are all sent the same are served no faster by two threads than by one.
    pub crowd_connections: usize,
    /// How long a shutdown may take before what is left is dropped. Default 5,000 ms.
    pub drain: Duration,
    /// What is logged.
    pub log: LogConfig,
    /// `HEARTH_…` variables that no setting has, with the one that was perhaps meant. They may belong to somebody else (Kubernetes
    /// makes such variables for a service named `hearth`), so they are reported and not refused.
    pub unknown_variables: Vec<(String, Option<String>)>,
    /// What other people's settings (Dapr components, `AIO_…` variables) say and the bridge cannot follow.
    pub warnings: Vec<Problem>,
}

/// What the command line says.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// `--listen ADDRESS`
    pub listen: Option<String>,
    /// `--dist DIR`
    pub dist: Option<String>,
    /// `--demo`
    pub demo: bool,
    /// `--broker-listen ADDRESS`
    pub broker_listen: Option<String>,
    /// `--dapr FILE`
    pub dapr: Option<String>,
    /// `--dapr-secrets DIR`
    pub dapr_secrets: Option<String>,
}

impl Overrides {
    fn flags(&self) -> BTreeMap<&'static str, FlagValue> {
        let texts = [
            ("listen", "--listen", self.listen.clone()),
            ("dist", "--dist", self.dist.clone()),
            ("demo.enabled", "--demo", self.demo.then(|| "true".to_owned())),
            (
                "broker.embedded.listen",
                "--broker-listen",
                self.broker_listen.clone(),
            ),
            ("dapr_component", "--dapr", self.dapr.clone()),
            ("dapr_secrets_dir", "--dapr-secrets", self.dapr_secrets.clone()),
        ];
        texts
            .into_iter()
            .filter_map(|(key, flag, text)| Some((key, FlagValue { flag, text: text? })))
            .collect()
    }
}

impl Config {
    /// Reads the file, if one is named, and what stands above it.
    pub fn load(
        file: Option<&Path>,
        environment: &BTreeMap<String, String>,
        overrides: &Overrides,
    ) -> Result<Self, ConfigError> {
        let Some(file) = file else {
            return Self::parse("no file", "", environment, overrides);
        };
        let name = file.display().to_string();
        let text = std::fs::read_to_string(file).map_err(|error| {
            let fix = match error.kind() {
                io::ErrorKind::InvalidData => "save it as UTF-8",
                _ => "name an existing file with --config or HEARTH_CONFIG; `hearth example-config` prints one to begin with",
            };
            ConfigError {
                problems: vec![Problem {
                    origin: Origin::WholeFile(name.clone()),
                    key: String::new(),
                    message: format!("cannot be read: {error}"),
                    fix: fix.into(),
                }],
            }
        })?;
        Self::parse(&name, &text, environment, overrides)
    }

    /// Reads the text of a file; `name` is only said in mistakes.
    pub fn parse(
        name: &str,
        text: &str,
        environment: &BTreeMap<String, String>,
        overrides: &Overrides,
    ) -> Result<Self, ConfigError> {
        let source = Source::new(name.to_owned(), text, environment, overrides.flags());
        let table = match DeTable::parse(text) {
            Ok(table) => table,
            Err(error) => return Err(not_toml(&source, &error)),
        };
        let config = Self::read(&source, Section::top(&source, table.get_ref()));
        let problems = source.into_problems();
        if problems.is_empty() {
            Ok(config)
        } else {
            Err(ConfigError { problems })
        }
    }

    fn read<'s>(source: &'s Source<'s>, top: Section<'s>) -> Self {
        let (mut brokers, embedded) = read_brokers(&top.section("broker"), source);
        add_brokers_of_others(&top, source, &mut brokers);
        let relay = RelayConfig::read(top.section("relay"));
        let access = AccessConfig::read(top.section("access"));
        let (worker_threads, crowd_threads) = threads(top.integer("worker_threads", 0..=1_024, 0));
        let mut config = Self {
            listen: top
                .text("listen")
                .unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 9001))),
            dist: top.text("dist"),
            default_broker: None,
            brokers,
            embedded,
            demo: DemoConfig::read(top.section("demo")),
            auth: AuthConfig::read(top.section("auth"), &access),
            access,
            http: HttpConfig::read(top.section("http"), relay.max_connections_per_address),
            relay,
            worker_threads,
            crowd_threads,
            crowd_connections: top.integer("crowd_connections", 1..=1_000_000, 100) as usize,
            drain: top.duration_ms("drain_ms", 100..=600_000, 5_000),
            log: LogConfig::read(top.section("log")),
            unknown_variables: Vec::new(),
            warnings: Vec::new(),
        };
        if config.demo.is_some() && config.brokers.is_empty() && config.embedded.is_none() {
            let embedded = top.section("broker").section("embedded");
            let is_named = embedded.is_set("name");
            let embedded = config.embedded.insert(EmbeddedBrokerConfig::read(&embedded));
            if !is_named {
                // The page is headed by it: a home, not a program.
                "Lindenweg 12".clone_into(&mut embedded.name);
            }
        }
        if config.demo.is_some() && config.embedded.is_none() {
            let fix = "add a section [broker.embedded], or turn the simulated home off";
            top.section("demo").mistake(
                "enabled",
                "the simulated home lives in the embedded broker".into(),
                fix.into(),
            );
        }
        config.default_broker = read_default_broker(&top, &config);
        refuse_open_relay(&top, &config);
        look_at_trust_in_everybody(&top, &config);
        refuse_one_port_for_two(&top, &config);
        top.finish();
        config.warnings = source.take_warnings();
        config.unknown_variables = source.unknown_variables();
        config
            .unknown_variables
            .retain(|(name, _)| name != "HEARTH_CONFIG");
        config
    }

    /// Does the bridge show credentials of its own to this broker?
    pub fn injects_credentials(&self, id: &BrokerId) -> bool {
        self.brokers
            .iter()
            .any(|broker| broker.id == *id && broker.credentials.is_some())
    }

    /// Ids and names of all brokers, the embedded one first.
    pub fn broker_names(&self) -> impl Iterator<Item = (BrokerId, &str)> {
        let embedded = self
            .embedded
            .iter()
            .map(|broker| (BrokerId::embedded(), broker.name.as_str()));
        embedded.chain(
            self.brokers
                .iter()
                .map(|broker| (broker.id.clone(), broker.name.as_str())),
        )
    }
}

/// `worker_threads` and the threads for a crowd.
fn threads(wanted: u64) -> (usize, usize) {
    if wanted > 0 {
        return (wanted as usize, 0);
    }
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    let half = processors.div_ceil(2);
    (half, processors - half)
}

fn read_brokers<'s>(
    section: &Section<'s>,
    source: &'s Source<'s>,
) -> (Vec<BrokerConfig>, Option<EmbeddedBrokerConfig>) {
    // `embedded = true` is told where that section is read.
    if let Some((key, origin)) = section.first_beside_children("embedded") {
        let fix = "write url and the other keys under a line [broker.home], with an id of your choice";
        source.report(Problem {
            origin,
            key: section.key(&key),
            message: "a broker needs an id: [broker.home]".into(),
            fix: fix.into(),
        });
    }
    let mut children: BTreeMap<String, Section<'s>> = section.children().into_iter().collect();
    for id in source
        .environment
        .keys()
        .filter_map(|name| broker_of_variable(name))
    {
        children.entry(id.clone()).or_insert_with(|| section.child(&id));
    }
    let embedded = children
        .remove("embedded")
        .unwrap_or_else(|| section.child("embedded"));
    let embedded_config = EmbeddedBrokerConfig::read(&embedded);
    let is_wanted = embedded.is_set_anywhere();
    embedded.finish();
    let mut brokers = Vec::new();
    for (id, child) in children {
        if let Err(reason) = <BrokerId as FromText>::from_text(&id) {
            let fix = format!("use {}", <BrokerId as FromText>::EXPECTED);
            source.report(Problem {
                origin: child.origin(),
                key: format!("broker.{id}"),
                message: reason,
                fix,
            });
        }
        brokers.extend(BrokerConfig::read(&id, child, source));
    }
    (brokers, is_wanted.then_some(embedded_config))
}

/// Brokers that other programs' settings describe come after our own, which so stay the default.
fn add_brokers_of_others<'s>(top: &Section<'s>, source: &'s Source<'s>, brokers: &mut Vec<BrokerConfig>) {
    let component = files::readable_file(top, "dapr_component");
    let secrets_dir = top.text("dapr_secrets_dir");
    broker::warn_of_secrets_for_nobody(top);
    let dapr = component.and_then(|file| dapr::Component::read(source, &file, secrets_dir, None));
    let is_taken = |brokers: &[BrokerConfig], id| brokers.iter().any(|broker| broker.id == id);
    if let Some(broker) = dapr {
        if is_taken(brokers, broker.id.clone()) || broker.id == BrokerId::embedded() {
            let message = format!("there is a broker \"{}\" already", broker.id);
            let fix = "write [broker.ID] with dapr_component = \"…\" and an id of your choice";
            top.mistake("dapr_component", message, fix.into());
        }
        brokers.push(broker);
    }
    // Our own file wins over variables that are meant for other programs too.
    if !is_taken(brokers, BrokerId::aio()) {
        brokers.extend(aio::read(source));
    }
}

/// `HEARTH_BROKER_GARDEN_SHED_URL` makes a broker `garden-shed`, with or without a file.
fn broker_of_variable(name: &str) -> Option<String> {
    let id = name.strip_prefix("HEARTH_BROKER_")?.strip_suffix("_URL")?;
    Some(id.to_ascii_lowercase().replace('_', "-"))
}

fn read_default_broker(top: &Section<'_>, config: &Config) -> Option<BrokerId> {
    let ids: Vec<BrokerId> = config.broker_names().map(|(id, _)| id).collect();
    let Some(wanted) = top.text::<BrokerId>("default_broker") else {
        return ids.into_iter().next();
    };
    if !ids.contains(&wanted) {
        let known: Vec<&str> = ids.iter().map(BrokerId::as_str).collect();
        let fix = match problem::nearest(wanted.as_str(), known.iter().copied()) {
            Some(meant) => format!("did you mean \"{meant}\"?"),
            None if known.is_empty() => format!("add a section [broker.{wanted}]"),
            None => format!(
                "add a section [broker.{wanted}], or name one of: {}",
                known.join(", ")
            ),
        };
        top.mistake("default_broker", format!("there is no broker \"{wanted}\""), fix);
    }
    Some(wanted)
}

/// With credentials of the bridge, or a certificate, a broker cannot tell strangers from friends.
fn refuse_open_relay(top: &Section<'_>, config: &Config) {
    let shown = config
        .brokers
        .iter()
        .find_map(|broker| Some((broker, broker.shows_own()?)));
    let Some((broker, own)) = shown else { return };
    let is_reached_by_others =
        !config.access.public_hosts.is_empty() || !config.access.trusted_proxies.is_empty();
    if config.listen.ip().is_loopback()
        && is_reached_by_others
        && config.auth.mode == AuthMode::PassThrough
        && !config.access.open_relay_with_own_credentials
    {
        let message = format!(
            "whoever comes in by the proxy uses the bridge's {own} for broker \"{}\"",
            broker.id
        );
        let fix = "if the proxy does not ask who it is: [auth] mode = \"users\"; if it does, open_relay_with_own_credentials = true says so";
        top.section("access")
            .warning("open_relay_with_own_credentials", message, fix.into());
    }
    if config.listen.ip().is_loopback()
        || config.auth.mode != AuthMode::PassThrough
        || config.access.open_relay_with_own_credentials
    {
        return;
    }
    let message = format!(
        "{} is beyond this machine, and whoever reaches it would use the bridge's {own} for broker \"{}\"",
        config.listen, broker.id
    );
    let fix = "listen = \"127.0.0.1:9001\", or [auth] mode = \"users\", or remove what the bridge shows, or say [access] open_relay_with_own_credentials = true if something else keeps strangers out";
    top.mistake("listen", message, fix.into());
}

/// The second to come would find the port taken.
fn refuse_one_port_for_two(top: &Section<'_>, config: &Config) {
    let fix = || "choose another port for one of the two".to_owned();
    let redirect = config.http.tls.as_ref().and_then(|tls| tls.redirect_listen);
    if redirect.is_some_and(|address| are_one_port(address, config.listen)) {
        let tls = top.section("http").section("tls");
        tls.mistake("redirect_listen", "`listen` has this port already".into(), fix());
    }
    let Some(embedded) = &config.embedded else { return };
    for (address, by) in [
        (Some(config.listen), "listen"),
        (redirect, "http.tls.redirect_listen"),
    ] {
        if address.is_some_and(|address| are_one_port(address, embedded.options.listen)) {
            let section = top.section("broker").section("embedded");
            section.mistake("listen", format!("`{by}` has this port already"), fix());
        }
    }
}

/// Whoever listens everywhere takes the port at each address of the kind; everywhere of IPv6 is everywhere of IPv4 too.
fn are_one_port(one: SocketAddr, other: SocketAddr) -> bool {
    let covers =
        |one: SocketAddr, other: SocketAddr| one.ip().is_unspecified() && (one.is_ipv6() || other.is_ipv4());
    one.port() == other.port()
        && one.port() != 0
        && (one.ip() == other.ip() || covers(one, other) || covers(other, one))
}

/// Who believes everybody's headers is told by strangers who they are.
fn look_at_trust_in_everybody(top: &Section<'_>, config: &Config) {
    let Some(network) = config
        .access
        .trusted_proxies
        .iter()
        .find(|network| network.is_everybody())
    else {
        return;
    };
    let access = top.section("access");
    let fix = "name the addresses of the proxy alone, such as trusted_proxies = [\"10.0.0.7\"]".to_owned();
    match config.auth.mode {
        AuthMode::Proxy if !config.listen.ip().is_loopback() => {
            let message =
                format!("{network} is everybody: whoever reaches the bridge could call himself anybody");
            access.mistake("trusted_proxies", message, fix);
        }
        _ => {
            let message = format!(
                "{network} is everybody: whoever reaches the bridge could make up an address for himself"
            );
            access.warning("trusted_proxies", message, fix);
        }
    }
}

pub(crate) fn not_toml(source: &Source<'_>, error: &toml::de::Error) -> ConfigError {
    let origin = match error.span() {
        Some(span) => source.place(span),
        None => Origin::WholeFile(source.file.clone()),
    };
    let message = format!("this is not TOML: {}", error.message().replace('\n', ", "));
    let fix = "write key = value, texts in quotes, sections in [brackets]; `hearth example-config` shows how"
        .into();
    ConfigError {
        problems: vec![Problem {
            origin,
            key: String::new(),
            message,
            fix,
        }],
    }
}

#[cfg(test)]
mod tests;
