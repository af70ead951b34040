//! The embedded broker, tried with clients that are not ours: rumqttc (3.1.1 and 5.0) and the Mosquitto tools.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod client;
mod command_line;
mod delivery;
mod demo;
mod limits;
mod malformed;
mod permissions;
mod persistence;
mod sessions;
mod wills;
mod written;

use hearth::broker::{self, EmbeddedOptions, RunningBroker};
use std::{net::SocketAddr, path::Path};

/// On any free port of this machine; keeps nothing.
fn options() -> EmbeddedOptions {
    EmbeddedOptions {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        ..EmbeddedOptions::default()
    }
}

fn options_with_data(dir: &Path) -> EmbeddedOptions {
    EmbeddedOptions {
        data_dir: Some(dir.to_owned()),
        ..options()
    }
}

async fn start() -> RunningBroker {
    broker::start(options()).await.unwrap()
}
