//! What looks at the bytes of one WebSocket: as little as its policy allows.

use super::{
    client_ids::Claim,
    connect_gate::ConnectGate,
    gate::{Gate, Refusal, Rules},
};
use crate::{config::BrokerId, credentials::Credentials, metrics::RelayMetrics};

/// From nearly nothing to every packet.
pub(crate) enum Guard {
    /// The first packet must be CONNECT; it passes as it arrives.
    Connect(ConnectGate),
    /// Packets are judged.
    Gate(Box<GateGuard>),
    /// Bytes pass. The client id stays claimed.
    Open { _claim: Option<Claim> },
}

/// A gate, and whose it is.
pub(crate) struct GateGuard {
    pub(crate) gate: Gate,
    user: Option<String>,
    broker: BrokerId,
}

impl Guard {
    /// For a WebSocket without a policy.
    pub(crate) fn connect() -> Self {
        Self::Connect(ConnectGate::First)
    }

    /// For a WebSocket with one.
    pub(crate) fn gate(rules: Rules, broker: BrokerId) -> Self {
        Self::Gate(Box::new(GateGuard {
            user: rules.user.clone(),
            gate: Gate::new(rules),
            broker,
        }))
    }

    pub(crate) fn handle_credentials(&mut self, credentials: Credentials) {
        if let Self::Gate(guard) = self {
            guard.gate.handle_credentials(credentials);
        }
    }

    /// Steps aside when there is nothing more to judge.
    pub(crate) fn open_if_done(&mut self) {
        if let Self::Gate(guard) = self
            && guard.gate.is_done()
        {
            let done = std::mem::replace(self, Self::Open { _claim: None });
            if let Self::Gate(guard) = done {
                *self = Self::Open {
                    _claim: guard.gate.into_claim(),
                };
            }
        }
    }

    /// How far the browser is with a packet that is held until it is whole.
    pub(crate) fn begun(&self) -> Option<(u64, usize)> {
        match self {
            Self::Gate(guard) => guard.gate.begun(),
            Self::Connect(_) | Self::Open { .. } => None,
        }
    }

    /// Answers of a gate that wait for the end of a packet on its way to the browser.
    pub(crate) fn waiting_for_browser(&self) -> usize {
        match self {
            Self::Gate(guard) => guard.gate.waiting_for_browser(),
            Self::Connect(_) | Self::Open { .. } => 0,
        }
    }
}

impl GateGuard {
    /// Counts what was refused, and logs the first of it.
    pub(crate) fn report(&mut self, metrics: &RelayMetrics) {
        for (refusal, count) in self.gate.take_refusals() {
            metrics.refused(refusal.label(), count);
        }
        let Some((refusal, what)) = self.gate.take_first_refusal() else {
            return;
        };
        let (user, broker, kind) = (self.user.as_deref().unwrap_or("-"), &self.broker, refusal.label());
        match refusal {
            // The operator's to mend.
            Refusal::Credentials | Refusal::Broker => {
                tracing::warn!(user, %broker, kind, ?what, "refused (said once for each WebSocket)");
            }
            Refusal::Will
            | Refusal::ClientId
            | Refusal::AuthenticationMethod
            | Refusal::Version
            | Refusal::Publish
            | Refusal::Subscribe
            | Refusal::Receive
            | Refusal::BadPacket
            | Refusal::TooLarge
            | Refusal::NoRoom => {
                tracing::info!(user, %broker, kind, ?what, "refused (said once for each WebSocket)");
            }
        }
    }
}
