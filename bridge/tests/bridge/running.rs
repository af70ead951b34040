//! A bridge of one's own on a free port.

use std::{collections::BTreeMap, net::SocketAddr};

use hearth::{
    config::{Config, ConfigError, Overrides},
    server::{Server, StartError},
};

/// Starts a bridge with the given settings; `listen` is set already.
pub(crate) async fn bridge(settings: &str) -> Server {
    start(settings).await.expect("the bridge starts")
}

/// Reads settings.
pub(crate) fn parse(settings: &str) -> Result<Config, ConfigError> {
    let text = format!("listen = \"127.0.0.1:0\"\n{settings}");
    Config::parse("test.toml", &text, &BTreeMap::new(), &Overrides::default())
}

pub(crate) async fn start(settings: &str) -> Result<Server, StartError> {
    Server::start(parse(settings).expect("the settings are right")).await
}

/// Starts a bridge in front of one broker, with more settings.
pub(crate) async fn bridge_to(broker: SocketAddr, settings: &str) -> Server {
    bridge(&format!("{settings}\n[broker.home]\nurl = \"mqtt://{broker}\"\n")).await
}
