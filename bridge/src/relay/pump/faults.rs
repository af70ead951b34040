//! What errors of the two streams mean.

use std::io;

use hearth_model::api::close;

use crate::{
    transport::tls_fault,
    websocket::{Ended, frame::Close},
};

/// Has the other side taken nothing for too long?
pub(super) fn is_stalled(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::TimedOut
}

/// What the end of a broker's stream means for the browser. A broker that wants a certificate says so only after the handshake
/// (TLS 1.3), so this is where it is heard.
pub(super) fn broker_error(error: &io::Error) -> Close {
    let cause = error.get_ref();
    match cause.and_then(|cause| cause.downcast_ref::<Ended>()) {
        Some(ended @ Ended::Closed { .. }) => return Close::new(close::BROKER_CLOSED, ended.to_string()),
        Some(ended @ Ended::Broken(_)) => return Close::new(close::BROKER_LOST, ended.to_string()),
        None => {}
    }
    match cause.is_some_and(<dyn std::error::Error + Send + Sync>::is::<rustls::Error>) {
        true => Close::new(
            close::BROKER_TLS_FAILED,
            format!("TLS with the broker failed: {}", tls_fault(error)),
        ),
        false => Close::new(close::BROKER_LOST, "the connection to the broker broke"),
    }
}
