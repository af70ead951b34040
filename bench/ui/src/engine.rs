//! How many messages a second each client takes in.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use e2e::blaster::{Blast, Blaster, Framing};
use e2e::browser::{Browser, Screen};
use e2e::page::{Page, by};
use e2e::static_server::StaticServer;
use e2e::wait::until_within;

use crate::peers::Peers;
use crate::statistics::median;
use crate::{folder, number, page_url};

const PATIENCE: Duration = Duration::from_secs(60);
const TOPICS: u32 = 1_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Client {
    Raw,
    Hearth,
    MqttJs,
    Paho,
}

const CLIENTS: [Client; 4] = [Client::Raw, Client::Hearth, Client::MqttJs, Client::Paho];

impl Client {
    fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw WebSocket counter",
            Self::Hearth => "Hearth",
            Self::MqttJs => "MQTT.js 5",
            Self::Paho => "paho-mqtt 1.1",
        }
    }

    /// Messages that keep it busy for two to four seconds.
    fn messages(self, framing: Framing) -> u64 {
        match (self, framing) {
            (_, Framing::OnePerFrame) => 60_000,
            (Self::Raw, Framing::Coalesced) => 3_000_000,
            (Self::Hearth, Framing::Coalesced) => 1_500_000,
            (Self::MqttJs, Framing::Coalesced) => 60_000,
            (Self::Paho, Framing::Coalesced) => 300_000,
        }
    }
}

struct Bench {
    page: String,
    peers: Peers,
    server: Blaster,
    clients: Vec<Client>,
}

/// `[ROUNDS [coalesced | frames]] [--only=NAME,…]`
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let (only, arguments): (Vec<_>, Vec<_>) = arguments
        .iter()
        .cloned()
        .partition(|argument| argument.starts_with("--only="));
    let arguments = arguments.as_slice();
    let rounds = number(arguments, 0, 7)?;
    let framings: &[Framing] = match arguments.get(1).map(String::as_str) {
        None => &[Framing::Coalesced, Framing::OnePerFrame],
        Some("coalesced") => &[Framing::Coalesced],
        Some("frames") => &[Framing::OnePerFrame],
        Some(other) => bail!("`{other}` is neither `coalesced` nor `frames`"),
    };
    let files = StaticServer::start(folder("BENCH_PAGE")?, "/")?;
    let bench = Bench {
        page: files.url(),
        peers: Peers::start(&folder("BENCH_MODULES")?)?,
        server: Blaster::start()?,
        clients: asked_for(&only),
    };
    for framing in framings {
        bench.compare(*framing, rounds)?;
    }
    Ok(())
}

/// All of them, or those whose names begin so.
fn asked_for(only: &[String]) -> Vec<Client> {
    let names: Vec<_> = only
        .iter()
        .flat_map(|only| only.trim_start_matches("--only=").split(','))
        .map(str::to_lowercase)
        .collect();
    let is_asked_for = |client: &Client| {
        let name = client.name().to_lowercase();
        names.is_empty() || names.iter().any(|asked| name.starts_with(asked))
    };
    CLIENTS.into_iter().filter(is_asked_for).collect()
}

impl Bench {
    fn compare(&self, framing: Framing, rounds: u64) -> Result<()> {
        let what = match framing {
            Framing::Coalesced => "coalesced into frames of 16 KiB (goal: 500,000/s, 20 × MQTT.js)",
            Framing::OnePerFrame => "one message per frame (goal: 0.95 × the raw counter)",
        };
        println!("{what}, {TOPICS} topics, JSON; {rounds} interleaved rounds");
        let clients = &self.clients;
        let mut rates = vec![Vec::new(); clients.len()];
        for round in 0..rounds {
            let mut turns: Vec<_> = clients.iter().copied().zip(&mut rates).collect();
            // Another begins each round: whoever runs after a rest has a cooler machine.
            turns.rotate_left(round as usize % clients.len().max(1));
            for (client, of_client) in turns {
                let rate = self
                    .intake(client, framing)
                    .with_context(|| format!("{} in round {round}", client.name()))?;
                of_client.push(rate);
            }
        }
        let middle = |client: Client| {
            let found = clients.iter().zip(&rates).find(|(other, _)| **other == client);
            found.map_or(f64::NAN, |(_, rates)| median(rates))
        };
        println!(
            "  {:<24} {:>12} {:>8} {:>10}",
            "", "messages/s", "× raw", "× MQTT.js"
        );
        for (client, of_client) in clients.iter().zip(&rates) {
            let rate = median(of_client);
            println!(
                "  {:<24} {rate:>12.0} {:>8.2} {:>10.1}   ({})",
                client.name(),
                rate / middle(Client::Raw),
                rate / middle(Client::MqttJs),
                spread(of_client)
            );
        }
        Ok(())
    }

    /// Messages per second from the first byte sent to the acknowledgement of the last message.
    fn intake(&self, client: Client, framing: Framing) -> Result<f64> {
        let browser = Browser::start(Screen::Desktop, false)?;
        let page = Page::new(browser);
        let blast = Blast {
            messages: client.messages(framing),
            topics: TOPICS,
            per_second: None,
            framing,
            retain: false,
        };
        let url = match client {
            Client::Hearth => page_url(&self.page, &self.server.url(), "/"),
            Client::Raw => self.peers.url("raw.html", &self.server.url()),
            Client::MqttJs => self.peers.url("mqttjs.html", &self.server.url()),
            Client::Paho => self.peers.url("paho.html", &self.server.url()),
        };
        page.open(&url)?;
        let mut subscriber = self.server.subscriber(PATIENCE)?;
        // Code is compiled and, coalesced, our budget is full before the clock starts: that is how a page spends its life.
        subscriber.blast(&blast)?;
        subscriber.finish(PATIENCE)?;
        let begun = Instant::now();
        subscriber.blast(&blast)?;
        let done = subscriber.finish(PATIENCE)?;
        self.nothing_is_lost(client, &page, 2 * (blast.messages + 1))?;
        Ok(blast.messages as f64 / (done - begun).as_secs_f64())
    }

    fn nothing_is_lost(&self, client: Client, page: &Page, sent: u64) -> Result<()> {
        let counted = |expected: u64, read: &dyn Fn() -> Result<Option<u64>>| {
            let mut last = None;
            let found = until_within(Duration::from_secs(10), "the page's count", || {
                last = read()?;
                Ok((last == Some(expected)).then_some(()))
            });
            found.with_context(|| format!("sent {expected}, the page counts {last:?}"))
        };
        match client {
            Client::Hearth => counted(sent, &|| page.number(&by("messages-received"))),
            Client::MqttJs | Client::Paho => counted(sent, &|| page.script("return window.received", &[])),
            Client::Raw => {
                // It has counted the bytes, and says so by its acknowledgement.
                let frames = until_within(PATIENCE, "the raw counter", || {
                    page.script::<Option<u64>>("return window.received ?? null", &[])
                })?;
                ensure!(frames > 0);
                Ok(())
            }
        }
    }
}

fn spread(rates: &[f64]) -> String {
    let (mut low, mut high) = (f64::INFINITY, 0.0_f64);
    for rate in rates {
        (low, high) = (low.min(*rate), high.max(*rate));
    }
    format!("{low:.0}–{high:.0}")
}
