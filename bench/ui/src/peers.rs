//! The pages of the clients that ours is compared with.

use std::path::Path;

use anyhow::{Context, Result};
use e2e::static_server::StaticServer;
use tempfile::TempDir;

/// Serves them; the folder goes with it.
pub(crate) struct Peers {
    server: StaticServer,
    _folder: TempDir,
}

const PAGES: [(&str, &str); 3] = [
    ("raw.html", include_str!("../peers/raw.html")),
    ("mqttjs.html", include_str!("../peers/mqttjs.html")),
    ("paho.html", include_str!("../peers/paho.html")),
];

impl Peers {
    pub(crate) fn start(modules: &Path) -> Result<Self> {
        let folder = TempDir::new()?;
        for (name, text) in PAGES {
            std::fs::write(folder.path().join(name), text)?;
        }
        for (module, name) in [
            ("mqtt/dist/mqtt.min.js", "mqtt.js"),
            ("paho-mqtt/paho-mqtt-min.js", "paho.js"),
        ] {
            let from = modules.join(module);
            std::fs::copy(&from, folder.path().join(name)).with_context(|| from.display().to_string())?;
        }
        Ok(Self {
            server: StaticServer::start(folder.path().to_path_buf(), "/")?,
            _folder: folder,
        })
    }

    /// The address of a peer's page, told to connect to a server.
    pub(crate) fn url(&self, page: &str, server: &str) -> String {
        let server = e2e::page::percent_encoded(server);
        format!("{}{page}?url={server}", self.server.url())
    }
}
