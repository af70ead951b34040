//! What the page was started with: the serving host's answer to `api/config`, and the parameters of its address.

use std::rc::Rc;

use hearth_model::api::{AuthMode, BridgeBroker, BridgeConfig};
use yew::prelude::*;

use super::{handle::EngineHandle, limits, state::Key, use_selected};
use crate::{
    pages::{
        profiles::{self, LastUsed},
        route,
    },
    platform::{client_id, page},
    wire::{Command, ConnectionOptions, Frame, Notice, Patch, Version},
};

/// What the page was started with.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Start {
    /// The answer of the serving host has not come yet.
    pub loading: bool,
    /// `None`: the host is no bridge, ask for a broker.
    pub bridge: Option<BridgeConfig>,
    /// Parameters of the address.
    pub params: StartParams,
    /// The client id of this tab, for the form.
    pub client_id: String,
    /// The broker of the bridge that was used last.
    pub used_last: Option<String>,
}

/// Start-up parameters: query of the page or of the hash route, the latter wins. Never a secret.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StartParams {
    /// Id of a broker at the bridge.
    pub broker: Option<String>,
    /// `ws://host:port/path`.
    pub url: Option<String>,
    pub version: Version,
    pub client_id: Option<String>,
    pub username: Option<String>,
    /// Seconds.
    pub keep_alive: Option<u16>,
    pub clean_start: Option<bool>,
    /// `(filter, QoS)`.
    pub subscribe: Vec<(String, u8)>,
    /// Connect at once.
    pub connect: bool,
    /// There was a password; it was not taken.
    pub held_secret: bool,
    /// It stood in the broker's address, which is not dialled then.
    pub held_in_url: bool,
}

/// What the page was started with; changes once, when the serving host answered.
#[hook]
pub fn use_start() -> Rc<Start> {
    use_selected(Key::Start, |state: &super::PageState| state.start.clone())
}

/// Why nothing can be published from this page, if the user's role says so.
#[hook]
pub fn use_look_only() -> Option<AttrValue> {
    use_start().look_only()
}

/// Whether this user may look after the home: where nobody logs in, everybody does.
#[hook]
pub fn use_is_admin() -> bool {
    let start = use_start();
    let user = start.bridge.as_ref().and_then(|bridge| bridge.user.as_ref());
    user.is_none_or(|user| user.may_manage)
}

/// Reads the address, asks the serving host, and connects if one of them says where to.
pub(super) async fn run(engine: EngineHandle) {
    let (of_page, of_route) = page::queries();
    let mut params = StartParams::default();
    params.read(&of_page);
    params.read(&of_route);
    let mut start = Start {
        loading: true,
        bridge: None,
        params,
        client_id: client_id::for_this_tab(),
        used_last: None,
    };
    set(&engine, &start);
    engine.send(Command::Limit(limits::chosen()));
    let by_address = start.needs_no_answer(&page::folder());
    if by_address {
        connect(&engine, &start);
    }
    let answer = page::fetch_json("api/config").await;
    start.bridge = answer.and_then(|text| BridgeConfig::read(&text));
    start.loading = false;
    if let Some(user) = start.bridge.as_ref().and_then(|bridge| bridge.user.as_ref()) {
        start.client_id = client_id::for_user(&user.name, start.client_id);
    }
    set(&engine, &start);
    if let Some(notice) = start.notice() {
        engine.apply(Frame {
            patches: vec![Patch::Notice(notice)],
        });
    }
    if !by_address {
        // What was asked for in the address goes before what was used last.
        if start.params.broker.is_none() && start.params.url.is_none() {
            match profiles::last_used(&start.client_id) {
                Some(LastUsed::Address(options)) => return engine.send(Command::Connect(options)),
                Some(LastUsed::Broker(id)) => start.used_last = Some(id),
                None => {}
            }
        }
        connect(&engine, &start);
    }
}

/// Makes an engine ready that is to live beside `first` as the page's `number`th: it waits for the user to say where to.
pub(super) fn beside(engine: &EngineHandle, first: &EngineHandle, number: u32) {
    let mut start = first.read(|state| (*state.start).clone());
    // Two connections with one client id would take each other over for ever.
    let own = start.client_id.split('.').next().unwrap_or_default();
    start.client_id = format!("{own}.{number}");
    start.params = StartParams::default();
    set(engine, &start);
    engine.send(Command::Limit(limits::chosen()));
}

fn set(engine: &EngineHandle, start: &Start) {
    engine.change(|state| {
        state.start = Rc::new(start.clone());
        vec![Key::Start]
    });
}

fn connect(engine: &EngineHandle, start: &Start) {
    if let Some(options) = start.options(&page::folder()) {
        engine.send(Command::Connect(Box::new(profiles::with_subscriptions(options))));
    }
}

impl Start {
    /// What in the address was not followed, and why.
    fn notice(&self) -> Option<Notice> {
        let text = match (&self.params.broker, &self.bridge) {
            _ if self.params.held_in_url => {
                "The broker's address in it has a password before the @, and addresses are kept and shown. Nothing was \
                 dialled: type it into the form under Connect, and take it out of the link."
                    .to_owned()
            }
            _ if self.params.held_secret => {
                "It holds a password, and addresses are kept and shown. It was not used; type it into the form.".to_owned()
            }
            (Some(id), None) => format!("It asks for the broker “{id}” of a bridge, but no bridge serves this page."),
            (Some(id), Some(bridge)) if broker_of(bridge, Some(id)).is_none() => {
                let known: Vec<_> = bridge.brokers.iter().map(|broker| broker.id.as_str()).collect();
                format!("It asks for the broker “{id}”, and the bridge knows: {}.", known.join(", "))
            }
            _ => return None,
        };
        let title = "This page's address was not followed".to_owned();
        Some(Notice {
            title,
            text,
            urgent: false,
        })
    }

    /// Does the serving bridge have a page to log in?
    #[must_use]
    pub fn has_login(&self) -> bool {
        self.bridge
            .as_ref()
            .is_some_and(|bridge| bridge.auth == AuthMode::Users)
    }

    /// Why nothing can be published, if the user's role says so.
    fn look_only(&self) -> Option<AttrValue> {
        let user = self
            .bridge
            .as_ref()?
            .user
            .as_ref()
            .filter(|user| !user.may_publish)?;
        Some(format!("Your role is {}: it may look, not act.", user.role.word()).into())
    }

    /// Does this address lead to the simulated home of the serving bridge? No address yet: it will.
    #[must_use]
    pub fn is_simulated(&self, url: &str, folder: &str) -> bool {
        let Some(bridge) = self.bridge.as_ref().filter(|bridge| bridge.simulated) else {
            return false;
        };
        // The simulated home lives in the embedded broker, and nowhere else.
        let is_embedded = |broker: &BridgeBroker| broker.id == "embedded";
        if url.is_empty() {
            return bridge.brokers.iter().any(is_embedded);
        }
        broker_at(bridge, url, folder).is_some_and(is_embedded)
    }

    /// Largest packet on the way to this address, bytes, if it leads to the serving bridge.
    pub(super) fn largest_packet(&self, url: &str, folder: &str) -> Option<u32> {
        let bridge = self.bridge.as_ref()?;
        broker_at(bridge, url, folder).map(|_| bridge.maximum_packet_size)
    }

    /// An address that names a broker need not wait for the host's answer, unless that host may be the bridge it leads to.
    fn needs_no_answer(&self, folder: &str) -> bool {
        let url = self.params.url.as_deref().filter(|_| self.params.connect);
        url.is_some_and(|url| !host_of(url).eq_ignore_ascii_case(host_of(folder)))
    }

    /// Where to connect without a question, if that is known; `folder` is the page's own address.
    #[must_use]
    pub fn options(&self, folder: &str) -> Option<ConnectionOptions> {
        let params = &self.params;
        let (url, name) = match (&params.url, &self.bridge) {
            (Some(url), _) if params.connect && !params.held_in_url => (url.clone(), host_of(url).to_owned()),
            (Some(_), _) | (None, None) => return None,
            (None, Some(bridge)) => {
                let used_last = self
                    .used_last
                    .as_deref()
                    .filter(|id| bridge.brokers.iter().any(|broker| broker.id == **id));
                let broker = broker_of(bridge, params.broker.as_deref().or(used_last))?;
                (websocket_url(folder, &broker.path), broker.name.clone())
            }
        };
        Some(ConnectionOptions {
            url,
            name,
            version: params.version,
            client_id: params.client_id.clone().unwrap_or_else(|| self.client_id.clone()),
            username: params.username.clone(),
            keep_alive: params
                .keep_alive
                .unwrap_or(ConnectionOptions::default().keep_alive),
            clean_start: params.clean_start.unwrap_or(true),
            // Asked for in so many words, it is for every load of the page: nothing is kept.
            session_expiry_interval: match params.clean_start {
                Some(true) => 0,
                Some(false) | None => ConnectionOptions::default().session_expiry_interval,
            },
            subscriptions: params.subscribe.clone(),
            ..ConnectionOptions::default()
        })
    }
}

/// The broker with this id, else the default one, else the first.
#[must_use]
fn broker_of<'a>(bridge: &'a BridgeConfig, id: Option<&str>) -> Option<&'a BridgeBroker> {
    match id {
        Some(id) => bridge.brokers.iter().find(|broker| broker.id == id),
        None => bridge
            .brokers
            .iter()
            .find(|broker| broker.default)
            .or_else(|| bridge.brokers.first()),
    }
}

/// The broker of the serving bridge that this address leads to, however the user came by it.
fn broker_at<'a>(bridge: &'a BridgeConfig, url: &str, folder: &str) -> Option<&'a BridgeBroker> {
    // Phones begin what is typed with a capital.
    let leads_to = |path: &str| websocket_url(folder, path).eq_ignore_ascii_case(url);
    let mut brokers = bridge.brokers.iter();
    brokers.find(|broker| leads_to(&broker.path) || (broker.default && leads_to("mqtt")))
}

/// The WebSocket address of a path beside the page.
#[must_use]
pub fn websocket_url(folder: &str, path: &str) -> String {
    let folder = folder
        .strip_prefix("http")
        .map_or_else(|| folder.to_owned(), |rest| format!("ws{rest}"));
    format!("{folder}{}", path.trim_start_matches('/'))
}

fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    // Whatever stands before an @ may be a secret.
    authority.rsplit('@').next().unwrap_or(authority)
}

impl StartParams {
    /// A user name in the address is one like that in `username`; a password is not kept for a moment.
    fn take_url(&mut self, url: &str) {
        let (url, name, has_password) = without_credentials(url);
        self.url = Some(url);
        self.username = self.username.take().or(name);
        self.held_in_url = has_password;
    }

    fn read(&mut self, query: &str) {
        let mut subscribe = Vec::new();
        for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
            // `+` stays: it is a wildcard of Topic Filters, not a blank.
            let value = route::decode(value);
            match name {
                "broker" => self.broker = Some(value),
                "url" => self.take_url(&value),
                "version" => self.version = Version::parse(&value),
                "client_id" => self.client_id = Some(value),
                "username" => self.username = Some(value),
                "keep_alive" => self.keep_alive = value.parse().ok(),
                "clean_start" => self.clean_start = Some(is_yes(&value)),
                "subscribe" => subscribe.push(filter_and_qos(&value)),
                "connect" => self.connect = is_yes(&value),
                // A password does not belong into an address.
                "password" => self.held_secret = true,
                // Not ours: `theme.js` reads `theme`, `platform::locale` reads `lang`.
                _ => {}
            }
        }
        if !subscribe.is_empty() {
            self.subscribe = subscribe;
        }
    }
}

/// Takes user name and password out of an address: the rest, the name, and whether there was a password.
fn without_credentials(url: &str) -> (String, Option<String>, bool) {
    let host = url.find("://").map_or(0, |at| at + 3);
    let (scheme, rest) = url.split_at_checked(host).unwrap_or(("", url));
    let (authority, path) = rest
        .split_at_checked(rest.find(['/', '?', '#']).unwrap_or(rest.len()))
        .unwrap_or((rest, ""));
    let Some((user, place)) = authority.rsplit_once('@') else {
        return (url.to_owned(), None, false);
    };
    let (name, password) = user.split_once(':').unwrap_or((user, ""));
    let name = Some(route::decode(name)).filter(|name| !name.is_empty());
    (format!("{scheme}{place}{path}"), name, !password.is_empty())
}

fn is_yes(value: &str) -> bool {
    matches!(value, "1" | "true" | "yes")
}

/// `filter@qos`, or `filter@0x2d` with all Subscription Options and 0x40 for a Subscription Identifier; a filter may hold
/// an `@` of its own.
pub(crate) fn filter_and_qos(value: &str) -> (String, u8) {
    let options = |text: &str| match text {
        "0" => Some(0),
        "1" => Some(1),
        "2" => Some(2),
        _ => u8::from_str_radix(text.strip_prefix("0x")?, 16)
            .ok()
            .filter(|options| options & 0xbf < 0x30 && options & 3 != 3),
    };
    value
        .rsplit_once('@')
        .and_then(|(filter, text)| Some((filter.to_owned(), options(text)?)))
        .unwrap_or_else(|| (value.to_owned(), 0))
}

#[cfg(test)]
mod tests;
