//! How often passwords may be guessed: per account and per address, with waits that double.

use std::{
    collections::HashMap,
    hash::Hash,
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use sha2::{Digest as _, Sha256};
use tokio::sync::OwnedSemaphorePermit;

use crate::{config::TryLimits, relay::network_of};

/// Accounts and addresses that are remembered, of each kind; beyond, the ones that failed longest ago are forgotten.
const REMEMBERED: usize = 10_000;

/// Wrong passwords of late.
pub(crate) struct Tries {
    limits: TryLimits,
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    /// By hash of the name, for people type passwords into the wrong field. Names that no account has are remembered as well, so that
    /// nobody learns which names exist; but apart, so that made-up names cannot push out real ones.
    accounts: HashMap<[u8; 32], Failures>,
    made_up: HashMap<[u8; 32], Failures>,
    addresses: HashMap<IpAddr, Failures>,
    /// Where accounts were logged in to, by hash of both, and when. Tries there count apart, so that strangers who fail elsewhere
    /// cannot keep somebody out.
    known: HashMap<[u8; 32], Instant>,
}

#[derive(Clone, Copy)]
struct Failures {
    count: u32,
    last: Instant,
}

/// Who tries.
#[derive(Clone, Copy)]
pub(crate) struct Try<'a> {
    pub(crate) name: &'a str,
    /// Is there an account of this name?
    pub(crate) exists: bool,
    pub(crate) address: IpAddr,
}

impl Tries {
    pub(crate) fn new(limits: TryLimits) -> Self {
        Self {
            limits,
            table: Mutex::default(),
        }
    }

    /// Counts a try as failed before it is made, so that many at once are not free; or says how long to wait. Where the account was
    /// logged in to before, what others of the address fail at does not count.
    pub(crate) fn begin(&self, now: Instant, attempt: Try<'_>) -> Result<(), Duration> {
        let mut table = self.lock();
        let (account, address) = (table.account_of(attempt), network_of(attempt.address));
        let limits = &self.limits;
        let of_account = table.names(attempt.exists).get(&account).copied();
        let of_address = table.addresses.get(&address).copied();
        let of_address = of_address.filter(|_| !table.known.contains_key(&account));
        let wait = limits.wait(now, of_account, limits.per_account).max(limits.wait(
            now,
            of_address,
            limits.per_address,
        ));
        if !wait.is_zero() {
            return Err(wait);
        }
        let forgotten_after = limits.forgotten_after();
        failed(now, forgotten_after, table.names(attempt.exists), account);
        failed(now, forgotten_after, &mut table.addresses, address);
        Ok(())
    }

    /// The password was right: the account begins anew. Of the address only this try is taken back, or whoever has one account could
    /// guess at the others for ever.
    pub(crate) fn succeeded(&self, now: Instant, attempt: Try<'_>) {
        let mut table = self.lock();
        let here = here(attempt);
        for account in [account_of(attempt.name), here] {
            table.names(attempt.exists).remove(&account);
        }
        make_room(&mut table.known, &here, |at| *at);
        table.known.insert(here, now);
        if let Some(failures) = table.addresses.get_mut(&network_of(attempt.address)) {
            failures.count = failures.count.saturating_sub(1);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn names(&mut self, exist: bool) -> &mut HashMap<[u8; 32], Failures> {
        if exist {
            &mut self.accounts
        } else {
            &mut self.made_up
        }
    }

    fn account_of(&self, attempt: Try<'_>) -> [u8; 32] {
        let here = here(attempt);
        if self.known.contains_key(&here) {
            here
        } else {
            account_of(attempt.name)
        }
    }
}

/// Computes what takes a turn, on a thread that may be busy. The turn is given back when that has ended: if who asked hangs up, it goes
/// on, and keeps its memory and its core.
pub(crate) async fn verified(
    turn: OwnedSemaphorePermit,
    verify: impl FnOnce() -> bool + Send + 'static,
) -> bool {
    let verifying = tokio::task::spawn_blocking(move || {
        let matches = verify();
        drop(turn);
        matches
    });
    verifying.await.unwrap_or(false)
}

impl TryLimits {
    /// Until the next try, from now.
    fn wait(&self, now: Instant, failures: Option<Failures>, free: u32) -> Duration {
        let Some(Failures { count, last }) = failures else {
            return Duration::ZERO;
        };
        let since = now.saturating_duration_since(last);
        if count < free || since >= self.forgotten_after() {
            return Duration::ZERO;
        }
        let doubled = 1u32.checked_shl(count - free).unwrap_or(u32::MAX);
        let wait = self.first_wait.saturating_mul(doubled).min(self.longest_wait);
        wait.saturating_sub(since)
    }

    fn forgotten_after(&self) -> Duration {
        self.longest_wait * 4
    }
}

fn failed<K: Eq + Hash + Copy>(
    now: Instant,
    forgotten_after: Duration,
    table: &mut HashMap<K, Failures>,
    key: K,
) {
    if table.len() >= REMEMBERED && !table.contains_key(&key) {
        table.retain(|_, failures| now.saturating_duration_since(failures.last) < forgotten_after);
    }
    make_room(table, &key, |failures| failures.last);
    let failures = table.entry(key).or_insert(Failures { count: 0, last: now });
    if now.saturating_duration_since(failures.last) >= forgotten_after {
        failures.count = 0;
    }
    failures.count = failures.count.saturating_add(1);
    failures.last = now;
}

/// Forgets the oldest if there is no room for another key.
fn make_room<K: Eq + Hash + Copy, V>(table: &mut HashMap<K, V>, key: &K, at: impl Fn(&V) -> Instant) {
    if table.len() < REMEMBERED || table.contains_key(key) {
        return;
    }
    let oldest = table.iter().min_by_key(|(_, value)| at(value));
    if let Some(oldest) = oldest.map(|(key, _)| *key) {
        table.remove(&oldest);
    }
}

fn account_of(name: &str) -> [u8; 32] {
    Sha256::digest(name).into()
}

/// The account at this address, which has no line break.
fn here(attempt: Try<'_>) -> [u8; 32] {
    Sha256::digest(format!("{}\n{}", network_of(attempt.address), attempt.name)).into()
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, mpsc};

    use tokio::sync::Semaphore;

    use super::*;

    const FIRST_WAIT: Duration = Duration::from_secs(1);

    const LIMITS: TryLimits = TryLimits {
        per_account: 3,
        per_address: 5,
        first_wait: FIRST_WAIT,
        longest_wait: Duration::from_secs(60),
        checks_at_a_time: 1,
    };

    fn attempt(name: &str, number: u32) -> Try<'_> {
        Try {
            name,
            exists: name == "ada",
            address: IpAddr::from(number.to_be_bytes()),
        }
    }

    /// What a patient guesser at one account from ever new addresses waits before each try.
    #[test]
    fn waits_double_up_to_the_longest_one_for_real_and_made_up_names_alike() {
        for name in ["ada", "nobody"] {
            let tries = Tries::new(LIMITS);
            let mut now = Instant::now();
            let mut waits = Vec::new();
            for address in 0..11 {
                let wait = tries.begin(now, attempt(name, address)).err().unwrap_or_default();
                now += wait;
                if !wait.is_zero() {
                    assert_eq!(tries.begin(now, attempt(name, address)), Ok(()));
                }
                waits.push(wait.as_secs());
            }
            assert_eq!(waits, [0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60], "{name}");
        }
    }

    #[test]
    fn one_address_has_so_many_tries_whatever_names_it_uses() {
        let tries = Tries::new(LIMITS);
        let now = Instant::now();
        for number in 0..5 {
            assert_eq!(tries.begin(now, attempt(&format!("user{number}"), 1)), Ok(()));
        }
        assert_eq!(tries.begin(now, attempt("user9", 1)), Err(FIRST_WAIT));
        assert_eq!(tries.begin(now, attempt("user9", 2)), Ok(()));
        // Having an account of one's own does not help.
        tries.succeeded(now, attempt("user0", 1));
        assert_eq!(tries.begin(now, attempt("user9", 1)), Ok(()));
        assert!(tries.begin(now, attempt("user8", 1)).is_err());
    }

    #[test]
    fn the_right_password_lets_the_account_begin_anew() {
        let tries = Tries::new(LIMITS);
        let now = Instant::now();
        for round in 0..3 {
            for number in 0..3 {
                assert_eq!(tries.begin(now, attempt("ada", number)), Ok(()), "{round}");
            }
            tries.succeeded(now, attempt("ada", 0));
        }
    }

    #[test]
    fn strangers_cannot_keep_somebody_out_where_they_were_logged_in_before() {
        let tries = Tries::new(LIMITS);
        let now = Instant::now();
        let (home, elsewhere) = (attempt("ada", 1), attempt("ada", 2));
        tries.begin(now, home).unwrap();
        tries.succeeded(now, home);
        (0..3).for_each(|_| tries.begin(now, elsewhere).unwrap());
        assert_eq!(tries.begin(now, elsewhere), Err(FIRST_WAIT));
        assert_eq!(tries.begin(now, attempt("ada", 3)), Err(FIRST_WAIT));
        // At home there are as many tries as ever, and no more.
        (0..3).for_each(|_| tries.begin(now, home).unwrap());
        assert_eq!(tries.begin(now, home), Err(FIRST_WAIT));
    }

    #[test]
    fn strangers_cannot_use_up_the_tries_of_an_address_for_those_who_were_logged_in_there() {
        let tries = Tries::new(LIMITS);
        let now = Instant::now();
        tries.begin(now, attempt("ada", 1)).unwrap();
        tries.succeeded(now, attempt("ada", 1));
        for number in 0..LIMITS.per_address {
            tries.begin(now, attempt(&format!("user{number}"), 1)).unwrap();
        }
        assert_eq!(tries.begin(now, attempt("nobody", 1)), Err(FIRST_WAIT));
        // As many guesses as anywhere.
        (0..3).for_each(|_| tries.begin(now, attempt("ada", 1)).unwrap());
        assert_eq!(tries.begin(now, attempt("ada", 1)), Err(FIRST_WAIT));
    }

    #[tokio::test]
    async fn who_hangs_up_gives_no_turn_back_before_the_check_has_ended() {
        let checks = Arc::new(Semaphore::new(1));
        let (end, ended) = mpsc::channel::<()>();
        let turn = Arc::clone(&checks).acquire_owned().await.unwrap();
        let mut check = Box::pin(verified(turn, move || ended.recv().is_ok()));
        tokio::select! {
            biased;
            _matches = check.as_mut() => unreachable!("it has not ended"),
            () = std::future::ready(()) => {}
        }
        drop(check);
        assert_eq!(checks.available_permits(), 0);
        end.send(()).unwrap();
        let _turn = checks.acquire().await.unwrap();
    }

    #[test]
    fn places_of_logins_are_bounded_and_the_oldest_is_forgotten() {
        let tries = Tries::new(LIMITS);
        let start = Instant::now();
        for number in 0..REMEMBERED as u32 + 1 {
            tries.succeeded(
                start + Duration::from_millis(number.into()),
                attempt("ada", number),
            );
        }
        let table = tries.lock();
        assert_eq!(table.known.len(), REMEMBERED);
        assert!(!table.known.contains_key(&here(attempt("ada", 0))));
    }

    #[test]
    fn a_try_that_came_too_early_does_not_make_the_wait_longer() {
        let tries = Tries::new(LIMITS);
        let now = Instant::now();
        (0..3).for_each(|number| tries.begin(now, attempt("ada", number)).unwrap());
        for _ in 0..100 {
            assert_eq!(tries.begin(now, attempt("ada", 9)), Err(FIRST_WAIT));
        }
        assert_eq!(tries.begin(now + FIRST_WAIT, attempt("ada", 9)), Ok(()));
    }

    #[test]
    fn failures_are_forgotten_in_time() {
        let tries = Tries::new(LIMITS);
        let now = Instant::now();
        (0..3).for_each(|number| tries.begin(now, attempt("ada", number)).unwrap());
        let later = now + LIMITS.forgotten_after();
        (0..3).for_each(|number| tries.begin(later, attempt("ada", number)).unwrap());
    }

    #[test]
    fn made_up_names_are_bounded_and_push_out_no_real_one() {
        let tries = Tries::new(LIMITS);
        let now = Instant::now();
        (0..3).for_each(|number| tries.begin(now, attempt("ada", number)).unwrap());
        for number in 0..REMEMBERED as u32 + 100 {
            let _counted = tries.begin(now, attempt(&number.to_string(), number));
        }
        let table = tries.lock();
        assert!(table.made_up.len() <= REMEMBERED && table.addresses.len() <= REMEMBERED);
        drop(table);
        assert!(tries.begin(now, attempt("ada", 99_999)).is_err());
    }
}
