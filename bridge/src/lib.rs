//! The Hearth bridge: serves the page, relays MQTT over WebSocket to brokers, and can be the broker itself.

#![forbid(unsafe_code)]

pub mod auth;
pub mod broker;
pub mod commands;
pub mod config;
pub mod demo;
pub mod give_way;
pub mod health;
pub mod server;
pub mod shutdown;
pub mod telemetry;

mod access;
mod app;
mod certificate;
mod client;
mod credentials;
mod error;
mod home;
mod metrics;
mod relay;
mod router;
mod routes;
mod transport;
mod visitor;
mod websocket;

pub use transport::TlsError;
