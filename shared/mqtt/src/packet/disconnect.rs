//! DISCONNECT: the last packet of a network connection.

use super::{Properties, ReasonCode};

/// The network connection is about to end. Only clients send it in 3.1.1, and without a reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disconnect {
    /// Why; [`ReasonCode::SUCCESS`] is a normal disconnection.
    pub reason_code: ReasonCode,
    /// Reason String and so on; none in 3.1.1.
    pub properties: Properties,
}

impl Disconnect {
    /// `reason_code`, without properties.
    #[must_use]
    pub fn with_reason(reason_code: ReasonCode) -> Self {
        Self {
            reason_code,
            properties: Properties::new(),
        }
    }
}
