//! The means of the whole-system tests: a real Chromium, real brokers, the built bridge, a static file server.
//!
//! Everything here waits for conditions with a deadline and ends what it started when it is dropped. No product code lives here, and
//! nothing here knows the page but by the names of its elements (`data-testid`).

pub mod aedes;
pub mod amqtt;
pub mod blaster;
pub mod bridge;
pub mod browser;
pub mod case;
pub mod mosquitto;
pub mod nginx;
pub mod page;
pub mod process;
pub mod rabbitmq;
pub mod static_server;
pub mod wait;
pub mod webdriver;
