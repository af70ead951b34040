//! What earlier lives of the page left in storage, and what becomes of a session without storage.

use hearth_mqtt::session::PersistToken;

use super::{
    super::{
        input::{Now, Stored},
        keeper::{Failure, Found},
    },
    Engine,
};

impl Engine {
    pub(super) fn handle_loaded(&mut self, now: Now, name: &str, stored: Result<Stored, String>) {
        if let Some(found) = self.keeper.handle_loaded(now, name, stored) {
            self.stop_waiting(now, found);
        }
    }

    pub(super) fn stop_waiting(&mut self, now: Now, found: Found) {
        self.start_session(now, found);
        for input in std::mem::take(&mut self.waiting) {
            // One of them may begin another session.
            self.handle_or_wait(now, input);
        }
    }

    pub(super) fn start_session(&mut self, now: Now, found: Found) {
        let is_restored = !found.records.is_empty();
        match self.connection.start_session(found.records) {
            Ok(()) if is_restored => {
                self.received_once = found.received;
                self.received += found.received;
                // Also what the broker remembers: its retained messages come again, and this page is empty.
                self.subscriptions.handle_restored(now, &mut self.connection);
            }
            Ok(()) => {}
            Err(error) => {
                self.keeper.start_anew();
                self.notice(
                    "What waited here could not be read",
                    &format!("{error}. The session starts anew."),
                );
            }
        }
        if let Some(reason) = found.fault {
            self.go_on_without_storage(&reason);
        }
        self.views.note_numbers();
    }

    /// What waited for this write may leave.
    pub(super) fn release(&mut self, token: Option<PersistToken>) {
        if let (Some(session), Some(token)) = (self.connection.session(), token) {
            session.handle_persisted(token);
        }
    }

    pub(super) fn handle_failure(&mut self, failure: &Failure) {
        self.release(failure.token);
        self.go_on_without_storage(&failure.reason);
    }

    /// Nothing waits for storage any more.
    pub(super) fn go_on_without_storage(&mut self, reason: &str) {
        self.notice(
            "This browser stores nothing for this page",
            &format!(
                "Everything works, but messages that wait for the broker are lost when the page is closed or loaded again. The browser says: {reason}."
            ),
        );
    }
}
