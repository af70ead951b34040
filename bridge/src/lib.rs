//! The Hearth bridge: serves the page, relays MQTT over WebSocket to brokers, and can be the broker itself.

#![forbid(unsafe_code)]

pub mod auth;
pub mod broker;
pub mod config;
pub mod demo;
pub mod health;
pub mod server;
pub mod shutdown;
pub mod telemetry;

mod access;
mod app;
mod client;
#[cfg_attr(
    not(test),
    expect(dead_code, reason = "the relay reads them when it writes CONNECT")
)]
mod credentials;
mod error;
mod home;
mod metrics;
mod relay;
mod router;
mod routes;
mod transport;
mod visitor;

pub use transport::TlsError;
