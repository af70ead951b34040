//! CONNACK: the server's answer to CONNECT.

use super::{Properties, ReasonCode};

/// The server's answer to CONNECT.
///
/// The return codes 1 to 5 of 3.1.1 are mapped to the reason codes of 5.0 that mean the same, and back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connack {
    /// Whether the server holds Session State from an earlier network connection.
    pub session_present: bool,
    /// Success, or why not.
    pub reason_code: ReasonCode,
    /// What the server grants; none in 3.1.1.
    pub properties: Properties,
}
