//! The Hearth bridge: serves the page, relays MQTT over WebSocket to brokers, and can be the broker itself.

#![forbid(unsafe_code)]

pub mod broker;
pub mod config;
pub mod demo;
