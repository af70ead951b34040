//! Attempts to break the bridge from outside: each is refused and counted, and a neighbour notices nothing.

mod frames;
mod requests;

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::{
    task::JoinHandle,
    time::{Duration, Instant, sleep},
};

use crate::{
    fake_broker::{self, CONNECT, FakeBroker},
    http,
    websocket::open,
};

/// How long an answer may take.
const DEADLINE: Duration = Duration::from_secs(20);

/// What a metric must have counted in the end.
type Counts = BTreeMap<String, u64>;

/// A WebSocket that is used all the time, and must be answered.
struct Neighbour {
    stop: Arc<AtomicBool>,
    /// The slowest answer.
    task: JoinHandle<Duration>,
}

impl Neighbour {
    async fn start(bridge: SocketAddr, broker: &FakeBroker) -> Self {
        let mut browser = open(bridge).await;
        browser.send(CONNECT).await;
        let mut tcp = broker.accept_connect().await;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let task = tokio::spawn(async move {
            let mut slowest = Duration::ZERO;
            while !stopped.load(Ordering::Relaxed) {
                let begun = Instant::now();
                browser.send(&[0xC0, 0]).await;
                assert_eq!(fake_broker::read(&mut tcp, 2).await, [0xC0, 0]);
                fake_broker::write(&mut tcp, &[0xD0, 0]).await;
                assert_eq!(browser.receive().await[..], [0xD0, 0]);
                slowest = slowest.max(begun.elapsed());
                sleep(Duration::from_millis(1)).await;
            }
            slowest
        });
        Self { stop, task }
    }

    async fn was_not_disturbed(self) {
        self.stop.store(true, Ordering::Relaxed);
        let slowest = self.task.await.expect("the neighbour was served");
        assert!(
            slowest < Duration::from_secs(2),
            "the neighbour waited {slowest:?}"
        );
    }
}

async fn compare(bridge: SocketAddr, counts: &Counts) {
    let deadline = Instant::now() + DEADLINE;
    loop {
        let metrics = http::get(bridge, "/metrics", &[]).await.text();
        let found: Counts = metrics
            .lines()
            .filter_map(|line| line.rsplit_once(' '))
            .filter(|(name, _)| counts.contains_key(*name))
            .map(|(name, count)| (name.to_owned(), count.parse().unwrap()))
            .collect();
        if &found == counts {
            return;
        }
        assert!(
            Instant::now() < deadline,
            "counted {found:#?} instead of {counts:#?}"
        );
        sleep(Duration::from_millis(50)).await;
    }
}
