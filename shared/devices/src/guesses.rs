//! Guesses wait for a moment without announcements: what is about to be announced is not shown as a guess before.

use crate::device::DeviceId;
use crate::registry::Devices;

/// Longest that a guess waits, ms, however much is announced meanwhile.
const LONGEST_MS: u64 = 3_000;

/// What guesses wait for.
#[derive(Debug, Default)]
pub(crate) struct Guesses {
    /// How long announcements have to be quiet; 0: nothing waits.
    pub(crate) quiet_ms: u64,
    /// When something was announced last.
    pub(crate) announced_at_ms: u64,
    /// Whether any may wait.
    pub(crate) are_waiting: bool,
}

/// Whether a device is a guess that is not shown yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Waiting {
    #[default]
    No,
    /// Since the clock is looked at the next time: what was kept came long ago.
    Begins,
    /// Since then.
    Since(u64),
}

impl Devices {
    /// From now on a guess is shown when nothing was announced for so long: see [`Self::show_guesses`].
    pub fn hold_guesses(&mut self, quiet_ms: u64) {
        self.guesses.quiet_ms = quiet_ms;
    }

    /// Whether it is a guess that is not shown yet.
    #[must_use]
    pub fn is_waiting(&self, id: DeviceId) -> bool {
        let tracked = self.tracked.get(id.0);
        tracked.is_some_and(|tracked| tracked.waiting != Waiting::No)
    }

    /// Shows the guesses that have waited long enough. Gives how many ms the next one still waits.
    pub fn show_guesses(&mut self, now_ms: u64) -> Option<u64> {
        if !std::mem::take(&mut self.guesses.are_waiting) {
            return None;
        }
        let is_reading = !self.holds_announcements();
        let mut next: Option<u64> = None;
        for (at, tracked) in self.tracked.iter_mut().enumerate() {
            let since = match tracked.waiting {
                Waiting::No => continue,
                Waiting::Begins => now_ms,
                Waiting::Since(since) => since,
            };
            let quiet = since.max(self.guesses.announced_at_ms) + self.guesses.quiet_ms;
            let longest = since + LONGEST_MS;
            let until = if is_reading { quiet.min(longest) } else { longest };
            // A clock that was put back makes nobody wait.
            if until <= now_ms || now_ms < since {
                tracked.waiting = Waiting::No;
                self.structure += 1;
                self.changed.insert(DeviceId(at));
            } else {
                tracked.waiting = Waiting::Since(since);
                let left = until - now_ms;
                next = Some(next.map_or(left, |next| next.min(left)));
            }
        }
        self.guesses.are_waiting = next.is_some();
        next
    }
}

#[cfg(test)]
mod tests {
    use hearth_model::store::Arrival;

    use super::*;
    use crate::DeviceOptions;

    const CONFIG: &[u8] = br#"{"name":"Lamp","stat_t":"attic/lamp","uniq_id":"l","dev":{"ids":"l"}}"#;

    fn home() -> Devices {
        let mut devices = Devices::new(DeviceOptions::default());
        devices.hold_guesses(300);
        devices
    }

    fn say(devices: &mut Devices, now_ms: u64, topic: &str, payload: &[u8]) {
        devices.apply(now_ms, &Arrival::new(topic, payload));
        devices.settle(now_ms);
    }

    #[test]
    fn a_guess_is_shown_when_announcements_have_been_quiet() {
        let mut devices = home();
        say(&mut devices, 1_000, "attic/fan/speed", b"3");
        assert_eq!(devices.show_guesses(1_000), Some(300));
        say(&mut devices, 1_200, "homeassistant/sensor/l/config", CONFIG);
        assert_eq!(devices.show_guesses(1_200), Some(300), "one more may come");
        assert_eq!(devices.iter().count(), 1, "what is announced is shown");
        let before = devices.structure();
        assert_eq!(devices.show_guesses(1_500), None);
        assert_eq!(devices.iter().count(), 2);
        assert!(devices.structure() > before);
    }

    #[test]
    fn what_is_announced_was_never_shown_as_a_guess() {
        let mut devices = home();
        say(&mut devices, 1_000, "attic/lamp", b"12");
        assert_eq!((devices.iter().count(), devices.rooms().len()), (0, 0));
        devices.show_guesses(1_000);
        say(&mut devices, 1_290, "homeassistant/sensor/l/config", CONFIG);
        let shown: Vec<bool> = devices.iter().map(|(_, device)| device.is_announced).collect();
        assert_eq!(shown, [true]);
        assert_eq!(devices.show_guesses(1_290), None);
    }

    #[test]
    fn a_guess_waits_three_seconds_at_most_however_much_is_announced() {
        let mut devices = home();
        say(&mut devices, 1_000, "attic/fan/speed", b"3");
        let mut shown_at = None;
        for now_ms in (1_000..6_000).step_by(100) {
            let topic = format!("homeassistant/sensor/x{now_ms}/config");
            say(&mut devices, now_ms, &topic, CONFIG);
            devices.show_guesses(now_ms);
            if devices.iter().any(|(_, device)| !device.is_announced) {
                shown_at = shown_at.or(Some(now_ms));
            }
        }
        assert_eq!(shown_at, Some(4_000));
    }

    #[test]
    fn guesses_wait_while_announcements_are_not_read_yet() {
        let mut devices = home();
        devices.hold_announcements();
        say(&mut devices, 1_000, "attic/lamp", b"12");
        say(&mut devices, 1_000, "homeassistant/sensor/l/config", CONFIG);
        assert_eq!(devices.show_guesses(1_000), Some(3_000));
        assert_eq!(devices.show_guesses(2_000), Some(2_000));
        devices.take_held_announcements();
        say(&mut devices, 2_500, "homeassistant/sensor/l/config", CONFIG);
        devices.show_guesses(2_500);
        let shown: Vec<bool> = devices.iter().map(|(_, device)| device.is_announced).collect();
        assert_eq!(shown, [true]);
    }
}
