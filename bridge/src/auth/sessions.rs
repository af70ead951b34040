//! Who is logged in: random tokens in cookies, their hashes here.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};
use tokio_util::sync::CancellationToken;

use super::{
    Identity, NoRandomBytes,
    accounts::{Account, Accounts},
    random_bytes,
};

/// Letters of a token of 256 bits.
const TOKEN_LEN: usize = 43;

/// What a browser proves its login with, or its form. Printed nowhere.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Token(String);

impl Token {
    pub(crate) fn new() -> Result<Self, NoRandomBytes> {
        Ok(Self(URL_SAFE_NO_PAD.encode(random_bytes::<32>()?)))
    }

    /// What a browser sent, if it can be a token at all.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let fits = text.len() == TOKEN_LEN
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
        fits.then(|| Self(text.to_owned()))
    }

    /// For the cookie.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    /// What forms carry to show that they come from a page of ours: only who can read the cookie can make it.
    pub(crate) fn for_forms(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.hash("form"))
    }

    fn hash(&self, purpose: &str) -> [u8; 32] {
        Sha256::new()
            .chain_update(purpose)
            .chain_update(&self.0)
            .finalize()
            .into()
    }
}

/// One login of one browser.
pub(crate) struct Session {
    pub(crate) identity: Identity,
    account: Account,
    form_token: String,
    began: Instant,
    activity: Mutex<Activity>,
    over: CancellationToken,
}

struct Activity {
    last: Instant,
    /// WebSockets.
    open: usize,
}

impl Session {
    pub(crate) fn form_token(&self) -> &str {
        &self.form_token
    }

    /// For as long as a WebSocket is open.
    pub(crate) fn enter(self: &Arc<Self>) -> Presence {
        self.activity().open += 1;
        Presence {
            over: self.over.clone(),
            session: Some(Arc::clone(self)),
        }
    }

    fn activity(&self) -> MutexGuard<'_, Activity> {
        self.activity.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn silent_since(&self, now: Instant) -> Instant {
        let activity = self.activity();
        if activity.open > 0 { now } else { activity.last }
    }
}

/// Somebody at an open WebSocket.
pub(crate) struct Presence {
    over: CancellationToken,
    session: Option<Arc<Session>>,
}

impl Presence {
    /// Nobody's login can end here.
    pub(crate) fn of_anybody() -> Self {
        Self {
            over: CancellationToken::new(),
            session: None,
        }
    }

    /// There is no login: it is over from the beginning.
    pub(crate) fn of_nobody() -> Self {
        let presence = Self::of_anybody();
        presence.over.cancel();
        presence
    }

    /// Cancelled when the login ends.
    pub(crate) fn over(&self) -> &CancellationToken {
        &self.over
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        if let Some(session) = &self.session {
            let mut activity = session.activity();
            activity.open = activity.open.saturating_sub(1);
            activity.last = Instant::now();
        }
    }
}

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum EndedBy {
    Logout,
    LogoutEverywhere,
    /// Another login in the same browser.
    NewLogin,
    Idle,
    Lifetime,
    /// The account was removed, or its password or role changed.
    Account,
    /// The user has too many.
    Limit,
}

impl EndedBy {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Logout => "logout",
            Self::LogoutEverywhere => "logout_everywhere",
            Self::NewLogin => "new_login",
            Self::Idle => "idle",
            Self::Lifetime => "lifetime",
            Self::Account => "account",
            Self::Limit => "limit",
        }
    }
}

/// All sessions. As many as there are accounts, times the limit per user.
pub(crate) struct Sessions {
    idle: Duration,
    lifetime: Duration,
    max_per_user: usize,
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    by_hash: HashMap<[u8; 32], Arc<Session>>,
    ended: BTreeMap<EndedBy, u64>,
}

impl Table {
    fn end(&mut self, hash: &[u8; 32], by: EndedBy) -> bool {
        let Some(session) = self.by_hash.remove(hash) else {
            return false;
        };
        session.over.cancel();
        *self.ended.entry(by).or_default() += 1;
        tracing::info!(user = session.identity.user, by = by.word(), "a login ended");
        true
    }

    fn end_where(&mut self, by: impl Fn(&Session) -> Option<EndedBy>) {
        let over: Vec<_> = self
            .by_hash
            .iter()
            .filter_map(|(hash, session)| Some((*hash, by(session)?)))
            .collect();
        for (hash, by) in over {
            self.end(&hash, by);
        }
    }
}

impl Sessions {
    pub(crate) fn new(idle: Duration, lifetime: Duration, max_per_user: usize) -> Self {
        Self {
            idle,
            lifetime,
            max_per_user,
            table: Mutex::default(),
        }
    }

    /// Begins a session under a token that nobody has seen before.
    pub(crate) fn begin(&self, now: Instant, user: &str, account: Account) -> Result<Token, NoRandomBytes> {
        let token = Token::new()?;
        let session = Session {
            identity: Identity {
                user: user.to_owned(),
                role: account.role,
            },
            account,
            form_token: token.for_forms(),
            began: now,
            activity: Mutex::new(Activity { last: now, open: 0 }),
            over: CancellationToken::new(),
        };
        let mut table = self.lock();
        let of_user = || {
            table
                .by_hash
                .iter()
                .filter(|(_, session)| session.identity.user == user)
        };
        if of_user().count() >= self.max_per_user {
            let silent = of_user().min_by_key(|(_, session)| session.silent_since(now));
            let silent = silent.map(|(hash, _)| *hash);
            silent.map(|hash| table.end(&hash, EndedBy::Limit));
        }
        table.by_hash.insert(token.hash("session"), Arc::new(session));
        Ok(token)
    }

    /// The session of this token, which is not silent now.
    pub(crate) fn find(&self, now: Instant, token: &Token) -> Option<Arc<Session>> {
        let hash = token.hash("session");
        let mut table = self.lock();
        let session = Arc::clone(table.by_hash.get(&hash)?);
        if let Some(by) = self.is_over(now, &session) {
            table.end(&hash, by);
            return None;
        }
        session.activity().last = now;
        Some(session)
    }

    /// Ends the session of one browser.
    pub(crate) fn end(&self, token: &Token, by: EndedBy) {
        self.lock().end(&token.hash("session"), by);
    }

    /// Ends every session of a user.
    pub(crate) fn end_all_of(&self, user: &str) {
        let of_user =
            |session: &Session| (session.identity.user == user).then_some(EndedBy::LogoutEverywhere);
        self.lock().end_where(of_user);
    }

    /// Ends what is over by time.
    pub(crate) fn end_what_is_over(&self, now: Instant) {
        self.lock().end_where(|session| self.is_over(now, session));
    }

    /// Ends the sessions of accounts that are not what they were.
    pub(crate) fn keep_only(&self, accounts: &Accounts) {
        let changed = |session: &Session| {
            let same = accounts.get(&session.identity.user) == Some(&session.account);
            (!same).then_some(EndedBy::Account)
        };
        self.lock().end_where(changed);
    }

    /// The longest that one lives.
    pub(crate) fn lifetime(&self) -> Duration {
        self.lifetime
    }

    /// How many there are.
    pub(crate) fn open(&self) -> usize {
        self.lock().by_hash.len()
    }

    /// How many ended, by reason.
    pub(crate) fn ended(&self) -> BTreeMap<EndedBy, u64> {
        self.lock().ended.clone()
    }

    fn is_over(&self, now: Instant, session: &Session) -> Option<EndedBy> {
        if now.saturating_duration_since(session.began) >= self.lifetime {
            return Some(EndedBy::Lifetime);
        }
        let silent = now.saturating_duration_since(session.silent_since(now));
        (silent >= self.idle).then_some(EndedBy::Idle)
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::{Password, Role};

    const IDLE: Duration = Duration::from_secs(60);
    const LIFETIME: Duration = Duration::from_secs(600);

    fn sessions(max_per_user: usize) -> Sessions {
        Sessions::new(IDLE, LIFETIME, max_per_user)
    }

    fn account(role: Role) -> Account {
        Account {
            role,
            password: Password::Hash("hash".into()),
        }
    }

    #[test]
    fn a_session_ends_when_it_is_silent_for_too_long_or_too_old() {
        let sessions = sessions(9);
        let start = Instant::now();
        let token = sessions.begin(start, "ada", account(Role::Viewer)).unwrap();
        let mut now = start;
        while now + IDLE / 2 < start + LIFETIME {
            now += IDLE / 2;
            assert!(sessions.find(now, &token).is_some(), "{:?}", now - start);
        }
        assert!(sessions.find(start + LIFETIME, &token).is_none());
        let token = sessions.begin(start, "ada", account(Role::Viewer)).unwrap();
        assert!(sessions.find(start + IDLE, &token).is_none());
        assert_eq!(
            sessions.ended(),
            [(EndedBy::Idle, 1), (EndedBy::Lifetime, 1)].into()
        );
    }

    #[test]
    fn an_open_websocket_is_not_silent_but_grows_old() {
        let sessions = sessions(9);
        let start = Instant::now();
        let token = sessions.begin(start, "ada", account(Role::Viewer)).unwrap();
        let presence = sessions.find(start, &token).unwrap().enter();
        sessions.end_what_is_over(start + IDLE * 2);
        assert!(!presence.over().is_cancelled());
        sessions.end_what_is_over(start + LIFETIME);
        assert!(presence.over().is_cancelled());
        assert_eq!(sessions.open(), 0);
    }

    #[test]
    fn logging_out_ends_one_browser_and_everywhere_ends_all_of_the_user() {
        let sessions = sessions(9);
        let now = Instant::now();
        let tokens: Vec<_> = ["ada", "ada", "ada", "bob"]
            .map(|user| sessions.begin(now, user, account(Role::Viewer)).unwrap())
            .into();
        let open: Vec<_> = tokens
            .iter()
            .map(|token| sessions.find(now, token).unwrap().enter())
            .collect();
        let over = || {
            open.iter()
                .map(|presence| presence.over().is_cancelled())
                .collect::<Vec<_>>()
        };
        sessions.end(&tokens[0], EndedBy::Logout);
        assert_eq!(over(), [true, false, false, false]);
        sessions.end_all_of("ada");
        assert_eq!(over(), [true, true, true, false]);
        assert!(sessions.find(now, &tokens[1]).is_none() && sessions.find(now, &tokens[3]).is_some());
    }

    #[test]
    fn a_user_has_so_many_sessions_and_the_one_that_was_silent_longest_makes_room() {
        let sessions = sessions(2);
        let start = Instant::now();
        let begin = |second| {
            let now = start + Duration::from_secs(second);
            sessions.begin(now, "ada", account(Role::Viewer)).unwrap()
        };
        let other = sessions.begin(start, "bob", account(Role::Viewer)).unwrap();
        let (first, second) = (begin(0), begin(1));
        sessions.find(start + Duration::from_secs(2), &first);
        let third = begin(3);
        let now = start + Duration::from_secs(4);
        assert!(sessions.find(now, &second).is_none());
        for token in [&first, &third, &other] {
            assert!(sessions.find(now, token).is_some());
        }
    }

    #[test]
    fn a_changed_or_removed_account_ends_its_sessions_only() {
        let sessions = sessions(9);
        let now = Instant::now();
        let token = |user, role| sessions.begin(now, user, account(role)).unwrap();
        let (ada, bob, eve) = (
            token("ada", Role::Admin),
            token("bob", Role::Viewer),
            token("eve", Role::Viewer),
        );
        let accounts = Accounts::from([
            ("ada".to_owned(), account(Role::Admin)),
            ("bob".to_owned(), account(Role::Operator)),
        ]);
        sessions.keep_only(&accounts);
        assert!(sessions.find(now, &ada).is_some());
        assert!(sessions.find(now, &bob).is_none() && sessions.find(now, &eve).is_none());
    }

    #[test]
    fn tokens_are_of_43_letters_and_tell_nothing_of_each_other() {
        let (one, other) = (Token::new().unwrap(), Token::new().unwrap());
        assert!(one != other && Token::parse(one.expose()).is_some());
        assert_ne!(one.for_forms(), other.for_forms());
        assert_ne!(one.for_forms(), URL_SAFE_NO_PAD.encode(one.hash("session")));
        for text in [
            "",
            "short",
            &"x".repeat(44),
            &"ü".repeat(21),
            &format!("{}=", "x".repeat(42)),
        ] {
            assert!(Token::parse(text).is_none(), "{text}");
        }
    }
}
