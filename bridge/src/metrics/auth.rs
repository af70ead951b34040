//! Logins and sessions, or what a proxy said.

use std::sync::atomic::{AtomicU64, Ordering};

use super::Text;
use crate::auth::{Auth, Mode, ProxyIdentity, users::Users};

impl Text {
    pub(super) fn auth(&mut self, auth: &Auth) {
        match &auth.mode {
            Mode::PassThrough => {}
            Mode::Users(users) => self.users(users),
            Mode::Proxy(proxy) => self.proxy(proxy),
        }
    }

    fn users(&mut self, users: &Users) {
        let counted = &users.counted;
        let results = [
            ("succeeded", &counted.succeeded),
            ("wrong", &counted.wrong),
            ("too_many", &counted.too_many),
            ("busy", &counted.busy),
        ];
        self.by_word(
            "hearth_logins_total",
            "Logins, by result; too_many: refused for wrong passwords before.",
            "result",
            results.map(read),
        );
        self.counter(
            "hearth_password_checks_total",
            "Passwords checked, for accounts that exist and others.",
            &counted.checks,
        );
        self.head("hearth_sessions", "Browsers logged in now.", "gauge");
        self.line("hearth_sessions", "", users.sessions.open() as u64);
        let ended = users.sessions.ended().into_iter();
        self.by_word(
            "hearth_sessions_ended_total",
            "Logins that ended, by reason.",
            "reason",
            ended.map(|(by, count)| (by.word(), count)),
        );
        self.counter(
            "hearth_accounts_reload_failures_total",
            "Changes of the file of accounts that could not be read.",
            &counted.reload_failures,
        );
    }

    fn proxy(&mut self, proxy: &ProxyIdentity) {
        let counted = &proxy.counted;
        let reasons = [
            ("untrusted", &counted.untrusted),
            ("missing", &counted.missing),
            ("unclear", &counted.unclear),
        ];
        self.by_word(
            "hearth_proxy_identities_refused_total",
            "Requests without a user who is believed, by reason; untrusted: the header came from elsewhere.",
            "reason",
            reasons.map(read),
        );
    }

    pub(super) fn by_word(
        &mut self,
        name: &str,
        help: &str,
        label: &str,
        counts: impl IntoIterator<Item = (&'static str, u64)>,
    ) {
        self.head(name, help, "counter");
        for (word, count) in counts {
            self.line(name, &format!("{{{label}=\"{word}\"}}"), count);
        }
    }
}

fn read((word, counter): (&'static str, &AtomicU64)) -> (&'static str, u64) {
    (word, counter.load(Ordering::Relaxed))
}
