//! The bridge from outside: real sockets, and a real Mosquitto behind it.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

mod abuse;
mod assets;
mod certificates;
mod check;
mod check_start;
mod credentials;
mod crowd;
mod doctor;
mod failures;
mod fake_broker;
mod handshake;
mod home;
mod house;
mod http;
mod https;
mod identity;
mod kills;
mod limits;
mod log;
mod login;
mod memory;
mod metrics;
mod mosquitto;
mod mqtt;
mod outages;
mod permissions;
mod program;
mod proxies;
mod relay;
mod rfc6455;
mod running;
mod sessions;
mod shutdown;
mod sign_in;
mod tls;
mod token_broker;
mod websocket;
mod websocket_brokers;
mod websocket_listener;
