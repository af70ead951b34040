//! PINGREQ when the client was silent, and giving up on a silent server.

use crate::MonoTime;

use super::timer::earliest;

/// What the keep-alive asks for when its time has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeepAliveStep {
    /// Nothing is due.
    Wait,
    /// Send a PINGREQ.
    Ping,
    /// The server did not answer: close the network connection.
    GiveUp,
}

/// The keep-alive of one network connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KeepAlive {
    /// Zero switches it off ([MQTT5-3.1.2-22] speaks of non-zero values only).
    interval_ms: u64,
    response_ms: u64,
    last_sent: MonoTime,
    last_received: MonoTime,
    ping_sent: Option<MonoTime>,
}

impl KeepAlive {
    /// `response_ms` is how long a PINGRESP may take; without one, as long as the keep-alive itself.
    pub(crate) fn new(
        keep_alive_s: u16,
        response_ms: Option<u64>,
        last_sent: MonoTime,
        now: MonoTime,
    ) -> Self {
        let interval_ms = u64::from(keep_alive_s) * 1000;
        Self {
            interval_ms,
            response_ms: response_ms.unwrap_or(interval_ms),
            last_sent,
            last_received: now,
            ping_sent: None,
        }
    }

    pub(crate) fn handle_sent(&mut self, now: MonoTime) {
        self.last_sent = now;
    }

    /// Any bytes prove that the server lives; a PINGRESP may be queued behind 10,000 retained messages.
    pub(crate) fn handle_received(&mut self, now: MonoTime) {
        self.last_received = now;
    }

    /// A PINGRESP came.
    pub(crate) fn handle_pong(&mut self) {
        self.ping_sent = None;
    }

    /// The owner wants to know now whether the server still answers.
    pub(crate) fn handle_probe(&mut self, now: MonoTime) -> bool {
        let asks = self.ping_sent.is_none();
        if asks {
            self.ping_sent = Some(now);
        }
        asks
    }

    pub(crate) fn deadline(&self) -> Option<MonoTime> {
        earliest(self.next_ping(), self.give_up_at())
    }

    /// When we have to say something. A PINGRESP that is late frees nobody from that: the server counts our packets.
    fn next_ping(&self) -> Option<MonoTime> {
        // [MQTT5-3.1.2-20] at most one interval between two packets that we send. A client that sends all the
        // time would never notice a dead server, so two intervals without a word from it ask as well.
        let silent_client = self.last_sent + self.interval_ms;
        let silent_server = self.last_received + self.interval_ms.saturating_mul(2);
        let at = match self.ping_sent {
            Some(_) => silent_client,
            None => silent_client.min(silent_server),
        };
        (self.interval_ms > 0).then_some(at)
    }

    /// Until when a PINGREQ may have no answer.
    fn give_up_at(&self) -> Option<MonoTime> {
        let response_ms = match self.response_ms {
            0 => PROBE_RESPONSE_MS,
            response_ms => response_ms,
        };
        self.ping_sent
            .map(|sent| sent.max(self.last_received) + response_ms)
    }

    pub(crate) fn handle_timeout(&mut self, now: MonoTime) -> KeepAliveStep {
        let is_over = |at: Option<MonoTime>| at.is_some_and(|at| now >= at);
        if is_over(self.give_up_at()) {
            return KeepAliveStep::GiveUp;
        }
        if is_over(self.next_ping()) {
            self.ping_sent.get_or_insert(now);
            return KeepAliveStep::Ping;
        }
        KeepAliveStep::Wait
    }
}

/// How long a PINGRESP may take when keep-alive is off and the owner probed, in ms.
const PROBE_RESPONSE_MS: u64 = 10_000;
