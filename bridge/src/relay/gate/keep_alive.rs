//! A browser that only sends what is refused is alive, but its broker hears nothing of it.
//!
//! In the place of a refused packet the broker gets a PINGREQ, one at a time, and the browser does not see its PINGRESP.

/// Which of the PINGRESPs to come are the browser's own.
#[derive(Debug, Default)]
pub(super) struct KeepAlive {
    /// Did CONNECT ask for a Keep Alive?
    pub(super) wanted: bool,
    /// PINGREQs of the browser that were not answered yet.
    browsers: u32,
    /// That many PINGRESPs come before the answer to ours.
    before_ours: Option<u32>,
}

impl KeepAlive {
    /// The browser asks.
    pub(super) fn note_browsers(&mut self) {
        self.browsers = self.browsers.saturating_add(1);
    }

    /// A packet was swallowed: does the broker need a PINGREQ instead?
    pub(super) fn ask(&mut self) -> bool {
        if !self.wanted || self.before_ours.is_some() {
            return false;
        }
        self.before_ours = Some(self.browsers);
        true
    }

    /// The broker answers: is that for the browser?
    pub(super) fn is_for_browser(&mut self) -> bool {
        match self.before_ours {
            Some(0) => {
                self.before_ours = None;
                return false;
            }
            Some(before) => self.before_ours = Some(before - 1),
            None => {}
        }
        self.browsers = self.browsers.saturating_sub(1);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_told_apart_by_their_order() {
        let mut pings = KeepAlive {
            wanted: true,
            ..KeepAlive::default()
        };
        pings.note_browsers();
        assert!(pings.ask());
        assert!(!pings.ask(), "one at a time");
        pings.note_browsers();
        let answers = [(); 3].map(|()| pings.is_for_browser());
        assert_eq!(answers, [true, false, true]);
        assert!(pings.ask());
        assert!(!pings.is_for_browser());
        assert!(pings.is_for_browser(), "what nobody asked for is not ours");
    }

    #[test]
    fn without_a_keep_alive_nothing_is_asked() {
        assert!(!KeepAlive::default().ask());
    }
}
