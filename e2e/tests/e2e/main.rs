//! The whole system in a real Chromium, with real brokers. Run by `cargo xtask e2e`.

mod accessibility;
mod announced;
mod arrange;
mod behind_the_bridge;
mod charts;
mod connections;
mod direct;
mod embedded_broker;
mod explorer;
mod figures;
mod formats;
mod harness;
mod hostile;
mod load;
mod other_brokers;
mod outages;
mod payloads;
mod peers;
mod recordings;
mod reload;
mod screens;
mod start_up;
mod talk;
mod templates;
mod trouble;
mod users;
