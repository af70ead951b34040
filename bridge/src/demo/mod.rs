//! A simulated home, to have something to look at: devices that publish over MQTT as real ones do.
//!
//! Each device is a pure state machine ([`Device`]) that is told the time and never asks for it; the runner gives
//! each its own `rumqttc` client, an implementation that is not ours. Client ids begin with `simulated-`.
//!
//! ```no_run
//! # async fn example() {
//! use hearth::demo::{self, DemoOptions};
//!
//! let demo = demo::start(&DemoOptions { speed: 60, ..DemoOptions::default() });
//! demo.stop().await;
//! # }
//! ```

mod climate;
mod device;
mod devices;
mod noise;
mod runner;
mod time;

pub use device::{Availability, Device, Message};
pub use devices::home;
pub use runner::RunningDemo;
pub use time::Moment;

use std::{
    fmt,
    net::{Ipv4Addr, SocketAddr},
};

/// Options of the simulated home.
#[derive(Clone)]
pub struct DemoOptions {
    /// The broker that the devices connect to, MQTT over TCP.
    pub broker: SocketAddr,
    /// User name and password of all devices, if the broker wants some.
    pub credentials: Option<(String, String)>,
    /// The same seed gives the same home.
    pub seed: u64,
    /// How many times faster than real the home's days pass.
    pub speed: u32,
}

impl Default for DemoOptions {
    fn default() -> Self {
        Self {
            broker: SocketAddr::from((Ipv4Addr::LOCALHOST, 1883)),
            credentials: None,
            seed: 1,
            speed: 1,
        }
    }
}

impl fmt::Debug for DemoOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DemoOptions")
            .field("broker", &self.broker)
            .field("user_name", &self.credentials.as_ref().map(|(name, _)| name))
            .field("seed", &self.seed)
            .field("speed", &self.speed)
            .finish()
    }
}

/// Starts every device of the simulated home. They connect, and connect again, until they are stopped.
#[must_use]
pub fn start(options: &DemoOptions) -> RunningDemo {
    let devices = home(options.seed);
    runner::run(options, devices)
}
