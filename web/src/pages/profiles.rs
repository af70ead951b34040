//! Connections used before, kept in this browser: never with a password unless the user asked for it.

use std::rc::Rc;

use hearth_model::json::{Json, JsonLimits};
use yew::prelude::*;

use crate::{
    components::form::{
        connection::{ConnectionForm, FieldError, Secret},
        kept,
    },
    hooks::{Start, filter_and_qos, use_engine, use_start},
    platform::{page, storage},
    wire::{Command, ConnectionOptions},
};

const KEY: &str = "hearth.connections";
/// What is subscribed to at addresses that are no connections of the user, latest first.
const SUBSCRIPTIONS: &str = "hearth.subscriptions";
/// How many are kept; the one that was used longest ago goes first.
const MOST: usize = 200;
/// How this tab's user connected last, for the next visit; nothing after "Disconnect".
const LAST: &str = "hearth.last";
const USED_AT: &str = "used_at=";
const PASSWORD: &str = "password=";

/// A connection used before.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Profile {
    pub(crate) form: ConnectionForm,
    /// Only when the user chose to keep it.
    password: Option<String>,
    /// ms since epoch
    pub(crate) used_at: u64,
}

impl Profile {
    /// The form as it was, with the password if it was kept.
    pub(crate) fn filled(&self, client_id: &str) -> ConnectionForm {
        ConnectionForm {
            password: Secret(self.password.clone().unwrap_or_default()),
            client_id: client_id.to_owned(),
            ..self.form.clone()
        }
    }
}

impl Profile {
    /// Whether nothing has to be typed first.
    fn can_connect(&self) -> bool {
        (self.form.username.is_empty() || self.password.is_some()) && self.form.errors().is_empty()
    }
}

/// Latest first.
pub(crate) fn load() -> Vec<Profile> {
    let text = storage::lasting().read(KEY).unwrap_or_default();
    read(&text)
}

fn read(text: &str) -> Vec<Profile> {
    let kept = Json::parse(text.as_bytes(), JsonLimits::SETTINGS).unwrap_or(Json::Null);
    let profile = |fields: &Json| {
        let fields: Vec<String> = fields
            .list()
            .iter()
            .filter_map(Json::text)
            .map(str::to_owned)
            .collect();
        let value = |name: &str| fields.iter().find_map(|field| field.strip_prefix(name));
        Profile {
            form: kept::form(&fields),
            password: value(PASSWORD).map(str::to_owned),
            used_at: value(USED_AT).and_then(|ms| ms.parse().ok()).unwrap_or_default(),
        }
    };
    kept.list()
        .iter()
        .filter(|fields| matches!(fields, Json::List(_)))
        .map(profile)
        .collect()
}

fn written(profiles: &[Profile]) -> String {
    let fields = |profile: &Profile| {
        let mut fields = kept::fields(&profile.form);
        fields.push(format!("{USED_AT}{}", profile.used_at));
        fields.extend(
            profile
                .password
                .iter()
                .map(|password| format!("{PASSWORD}{password}")),
        );
        fields
    };
    let list = |profile| Json::List(fields(profile).into_iter().map(Json::Text).collect());
    Json::List(profiles.iter().map(list).collect()).to_json()
}

/// Puts a connection first.
fn remember(form: &ConnectionForm, now: u64) {
    let password = (form.remember && !form.password.0.is_empty()).then(|| form.password.0.clone());
    let mut profiles = load();
    profiles.retain(|known| !is_same(&known.form, form));
    profiles.insert(
        0,
        Profile {
            form: form.clone(),
            password,
            used_at: now,
        },
    );
    profiles.truncate(MOST);
    save(&profiles);
}

/// Keeps what is subscribed to with the connection that was used last for this address, or with the address alone: the
/// brokers of the bridge are no connections of the user.
pub(crate) fn keep_subscriptions(url: &str, subscriptions: &[(String, u8)]) {
    let mut profiles = load();
    let known = profiles
        .iter_mut()
        .find(|known| known.form.address().url() == url);
    if let Some(profile) = known {
        profile.form.subscriptions = subscriptions.to_vec();
        return save(&profiles);
    }
    let store = storage::lasting();
    let mut all = read_subscriptions(&store.read(SUBSCRIPTIONS).unwrap_or_default());
    all.retain(|(known, _)| known != url);
    all.insert(0, (url.to_owned(), subscriptions.to_vec()));
    all.truncate(MOST);
    store.write(SUBSCRIPTIONS, &written_subscriptions(&all));
}

/// With what was kept for the address, unless something is asked for already.
pub(crate) fn with_subscriptions(mut options: ConnectionOptions) -> ConnectionOptions {
    if options.subscriptions.is_empty() {
        let all = read_subscriptions(&storage::lasting().read(SUBSCRIPTIONS).unwrap_or_default());
        let kept = all.into_iter().find(|(known, _)| *known == options.url);
        options.subscriptions = kept.map(|(_, subscriptions)| subscriptions).unwrap_or_default();
    }
    options
}

/// Subscriptions by address.
type Subscriptions = Vec<(String, Vec<(String, u8)>)>;

fn read_subscriptions(text: &str) -> Subscriptions {
    let kept = Json::parse(text.as_bytes(), JsonLimits::SETTINGS).unwrap_or(Json::Null);
    let entry = |fields: &Json| {
        let mut fields = fields.list().iter().filter_map(Json::text);
        Some((fields.next()?.to_owned(), fields.map(filter_and_qos).collect()))
    };
    kept.list().iter().filter_map(entry).collect()
}

fn written_subscriptions(all: &Subscriptions) -> String {
    let entry = |(url, subscriptions): &(String, Vec<(String, u8)>)| {
        let filters = subscriptions
            .iter()
            .map(|(filter, options)| kept::subscription(filter, *options));
        Json::List([url.clone()].into_iter().chain(filters).map(Json::Text).collect())
    };
    Json::List(all.iter().map(entry).collect()).to_json()
}

/// Removes a connection and its password.
pub(crate) fn forget(profile: &Profile) {
    let mut profiles = load();
    profiles.retain(|known| known != profile);
    save(&profiles);
}

/// Takes connections over, behind those that are known already; how many were new, and how many there was no room for.
pub(crate) fn add(forms: Vec<ConnectionForm>) -> (usize, usize) {
    let mut profiles = load();
    let before = profiles.len();
    for form in forms {
        if !profiles.iter().any(|known| is_same(&known.form, &form)) {
            profiles.push(Profile {
                form,
                password: None,
                used_at: 0,
            });
        }
    }
    let too_many = profiles.len().saturating_sub(MOST);
    profiles.truncate(MOST);
    save(&profiles);
    (profiles.len().saturating_sub(before), too_many)
}

/// Puts a connection back that was removed.
pub(crate) fn restore(profile: &Profile) {
    let mut profiles = load();
    put_back(&mut profiles, profile);
    save(&profiles);
}

/// Puts a connection where it stood, unless it has been made anew meanwhile.
fn put_back(profiles: &mut Vec<Profile>, profile: &Profile) {
    if profiles.iter().any(|known| is_same(&known.form, &profile.form)) {
        return;
    }
    let at = profiles.partition_point(|known| known.used_at > profile.used_at);
    profiles.insert(at, profile.clone());
    profiles.truncate(MOST);
}

/// The user connected to a broker of the bridge, to an address (`Some("")`), or wants no connection.
pub(crate) fn note_used(broker: Option<&str>) {
    match broker {
        Some(broker) => drop(storage::lasting().write(LAST, broker)),
        None => storage::lasting().remove(LAST),
    }
}

/// How to go on where the last visit ended.
pub(crate) enum LastUsed {
    /// The id of a broker at the bridge.
    Broker(String),
    /// An address, with everything that connecting needs.
    Address(Box<ConnectionOptions>),
}

/// What was connected when the page was last here; nothing when it needs a password that was not kept.
pub(crate) fn last_used(client_id: &str) -> Option<LastUsed> {
    let broker = storage::lasting().read(LAST)?;
    if !broker.is_empty() {
        return Some(LastUsed::Broker(broker));
    }
    let profiles = load();
    let last = profiles.first().filter(|last| last.can_connect())?;
    Some(LastUsed::Address(Box::new(last.filled(client_id).options())))
}

/// Whether two forms are one connection to the user.
fn is_same(one: &ConnectionForm, other: &ConnectionForm) -> bool {
    one.address().url() == other.address().url() && one.username == other.username
}

fn save(profiles: &[Profile]) {
    storage::lasting().write(KEY, &written(profiles));
}

/// What the form starts with: parameters of the address, else what was used last, else nothing.
fn initial(start: &Start, last: Option<&Profile>) -> ConnectionForm {
    let params = &start.params;
    let mut form = match (&params.url, last) {
        (Some(url), _) => ConnectionForm::from_options(&ConnectionOptions {
            url: url.clone(),
            version: params.version,
            username: params.username.clone(),
            ..ConnectionOptions::default()
        }),
        (None, Some(last)) => last.filled(&start.client_id),
        (None, None) => ConnectionForm {
            secure: page::is_secure(),
            ..ConnectionForm::default()
        },
    };
    form.client_id = params
        .client_id
        .clone()
        .unwrap_or_else(|| start.client_id.clone());
    if let Some(keep_alive) = params.keep_alive {
        form.keep_alive = keep_alive.to_string();
    }
    if let Some(clean_start) = params.clean_start {
        form.clean_start = clean_start;
    }
    if !params.subscribe.is_empty() {
        form.subscriptions.clone_from(&params.subscribe);
    }
    form
}

/// The form of this visit.
#[hook]
pub(crate) fn use_connection_form() -> UseStateHandle<Rc<ConnectionForm>> {
    let start = use_start();
    let first = start.clone();
    let form = use_state(move || Rc::new(initial(&first, load().first())));
    // What the address says comes once the page has read it; what was typed meanwhile stays.
    let filled = use_mut_ref(|| (*form).clone());
    let state = form.clone();
    use_effect_with(start, move |start| {
        if *filled.borrow() == *state {
            let again = Rc::new(initial(start, load().first()));
            filled.borrow_mut().clone_from(&again);
            state.set(again);
        }
    });
    form
}

/// Checks the form and connects; the errors of the last try.
#[hook]
pub(crate) fn use_submit(form: &UseStateHandle<Rc<ConnectionForm>>) -> (Rc<Vec<FieldError>>, Callback<()>) {
    let engine = use_engine();
    let errors = use_state(|| Rc::new(Vec::new()));
    let (found, form) = (errors.clone(), form.clone());
    let submit = Callback::from(move |()| {
        let mut whole = (**form).clone();
        let wrong = whole.errors();
        if wrong.is_empty() {
            whole.spread_address();
            remember(&whole, engine.now());
            note_used(Some(""));
            engine.send(Command::Connect(Box::new(whole.options())));
            form.set(Rc::new(whole));
        }
        found.set(Rc::new(wrong));
    });
    ((*errors).clone(), submit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_removed_connection_comes_back_once_where_it_stood() {
        let profile = |host: &str, used_at: u64| Profile {
            form: ConnectionForm {
                host: host.into(),
                ..ConnectionForm::default()
            },
            password: None,
            used_at,
        };
        let mut profiles = vec![profile("new", 3), profile("old", 1)];
        put_back(&mut profiles, &profile("removed", 2));
        put_back(&mut profiles, &profile("removed", 2));
        let hosts: Vec<&str> = profiles.iter().map(|known| known.form.host.as_str()).collect();
        assert_eq!(hosts, ["new", "removed", "old"]);
    }

    #[test]
    fn a_connection_that_needs_a_password_is_not_made_without_it() {
        let profile = |username: &str, password: Option<&str>, host: &str| Profile {
            form: ConnectionForm {
                host: host.into(),
                username: username.into(),
                ..ConnectionForm::default()
            },
            password: password.map(str::to_owned),
            used_at: 0,
        };
        assert!(profile("", None, "b").can_connect());
        assert!(profile("u", Some("p"), "b").can_connect());
        assert!(!profile("u", None, "b").can_connect());
        assert!(!profile("", None, "").can_connect());
    }

    #[test]
    fn subscriptions_of_an_address_come_back_as_they_were_kept() {
        let all = vec![
            (
                "ws://bridge/mqtt".to_owned(),
                vec![("#".to_owned(), 0), ("a@b/+".to_owned(), 0x6d)],
            ),
            ("ws://other/mqtt".to_owned(), vec![]),
        ];
        assert_eq!(read_subscriptions(&written_subscriptions(&all)), all);
        for nonsense in ["", "{}", "[[]]", "[7]", "[["] {
            assert_eq!(read_subscriptions(nonsense), [], "{nonsense}");
        }
    }

    #[test]
    fn connections_come_back_as_they_were_kept() {
        let profile = |host: &str, password: Option<&str>| Profile {
            form: ConnectionForm {
                host: host.into(),
                ..ConnectionForm::default()
            },
            password: password.map(str::to_owned),
            used_at: 1_790_000_000_000,
        };
        let all = [profile("a", None), profile("b", Some("p=\"\n"))];
        assert_eq!(read(&written(&all)), all);
        for nonsense in ["", "{}", "[{\"form\":{}}]", "[["] {
            assert_eq!(read(nonsense), [], "{nonsense}");
        }
    }
}
