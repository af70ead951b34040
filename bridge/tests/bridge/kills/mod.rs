//! Brokers that are killed while many browsers publish with QoS 1.
//!
//! What a bridge can promise: an acknowledgement that a browser sees was sent by the broker, and nothing that a broker has stored
//! before it acknowledged is lost on the way. So one broker here stores each message before it acknowledges, in a process of its
//! own that is killed with SIGKILL; the other is a Mosquitto, which stores when it is asked to end, and is asked by SIGTERM.
//!
//! `HEARTH_KILLS=50 HEARTH_KILL_CLIENTS=500 cargo test -p hearth --test bridge kills -- --nocapture` is the full size.

mod broker;
mod client;

use std::{
    collections::{HashMap, HashSet},
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Duration, Instant, sleep, timeout},
};

use self::{
    broker::{Broker, StoringBroker, TerminatedMosquitto},
    client::{Collector, Publisher, drive},
};
use crate::running::bridge_to;

/// How long anything that must happen may take.
const DEADLINE: Duration = Duration::from_secs(120);

/// Messages by client and number.
type Messages = HashSet<(usize, u64)>;

fn size(variable: &str, default: usize) -> usize {
    std::env::var(variable).map_or(default, |text| text.parse().expect("a number"))
}

/// What a run brought to light.
struct Outcome {
    acknowledged: Messages,
    acknowledged_twice: usize,
}

/// Publishes from many browsers while the broker is killed again and again; until every message is acknowledged.
async fn publish_through_kills(
    broker: &mut impl Broker,
    bridge: SocketAddr,
    clients: usize,
    kills: usize,
) -> Outcome {
    let count = Arc::new(AtomicU64::new(0));
    let (stop, stopped) = watch::channel(false);
    let mut publishers = JoinSet::new();
    for client in 0..clients {
        let publisher = Publisher::new(client, Arc::clone(&count), stopped.clone());
        publishers.spawn(drive(publisher.session(), bridge, publisher));
    }
    for kill in 0..kills {
        // It is under load when it is killed: messages were acknowledged since it came back.
        let enough = count.load(Ordering::Relaxed) + clients as u64;
        timeout(DEADLINE, async {
            while count.load(Ordering::Relaxed) < enough {
                sleep(Duration::from_millis(5)).await;
            }
        })
        .await
        .unwrap_or_else(|_| panic!("kill {kill}: the clients do not come back"));
        broker.kill().await;
        broker.start().await;
    }
    stop.send(true).unwrap();
    let mut outcome = Outcome {
        acknowledged: Messages::new(),
        acknowledged_twice: 0,
    };
    let deadline = Instant::now() + DEADLINE;
    while let Some(publisher) = tokio::time::timeout_at(deadline, publishers.join_next())
        .await
        .expect("every message is acknowledged in the end")
    {
        let publisher = publisher.unwrap();
        for number in publisher.acknowledged {
            let new = outcome.acknowledged.insert((publisher.client, number));
            outcome.acknowledged_twice += usize::from(!new);
        }
    }
    outcome
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_storing_broker_acknowledged_is_there_however_often_it_is_killed() {
    let (clients, kills) = (size("HEARTH_KILL_CLIENTS", 50), size("HEARTH_KILLS", 10));
    let mut broker = StoringBroker::new().await;
    let bridge = bridge_to(broker.address(), "").await;
    let begun = Instant::now();
    let outcome = publish_through_kills(&mut broker, bridge.address(), clients, kills).await;
    broker.kill().await;
    let stored = broker.stored();
    let there: Messages = stored.iter().copied().collect();
    println!(
        "storing broker: {kills} × SIGKILL, {clients} clients, {} messages acknowledged, {} stored ({} of them again), {:.1} s",
        outcome.acknowledged.len(),
        there.len(),
        stored.len() - there.len(),
        begun.elapsed().as_secs_f32()
    );
    let lost: Vec<_> = outcome.acknowledged.difference(&there).collect();
    assert!(lost.is_empty(), "acknowledged and not there: {lost:?}");
    assert_eq!(outcome.acknowledged_twice, 0);
    assert!(outcome.acknowledged.len() >= clients * kills);
    // Each client's messages came in order, what came again aside.
    let mut newest: HashMap<usize, u64> = HashMap::new();
    let mut seen = Messages::new();
    for (client, number) in stored {
        if seen.insert((client, number)) {
            let before = newest.insert(client, number);
            assert!(
                before.is_none_or(|before| before < number),
                "client {client}: {number} after {before:?}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_mosquitto_acknowledged_arrives_however_often_it_is_restarted() {
    let (clients, kills) = (size("HEARTH_KILL_CLIENTS", 50), size("HEARTH_KILLS", 10));
    let mut broker = TerminatedMosquitto::new().await;
    let bridge = bridge_to(broker.address(), "").await;
    let begun = Instant::now();
    // The collector goes through the bridge and the same kills, with a session that outlives them.
    let (stop, stopped) = watch::channel(false);
    let (subscribed, is_subscribed) = watch::channel(false);
    let received = Arc::new(std::sync::Mutex::new(Messages::new()));
    let collector = Collector::new(Arc::clone(&received), subscribed, stopped);
    let session = collector.session();
    let collecting = tokio::spawn(drive(session, bridge.address(), collector));
    timeout(DEADLINE, is_subscribed.clone().wait_for(|subscribed| *subscribed))
        .await
        .unwrap()
        .unwrap();
    let outcome = publish_through_kills(&mut broker, bridge.address(), clients, kills).await;
    let deadline = Instant::now() + DEADLINE;
    let lost = loop {
        let lost: Vec<_> = {
            let received = received.lock().unwrap();
            outcome.acknowledged.difference(&received).copied().collect()
        };
        if lost.is_empty() || Instant::now() > deadline {
            break lost;
        }
        sleep(Duration::from_millis(50)).await;
    };
    stop.send(true).unwrap();
    collecting.await.unwrap();
    println!(
        "Mosquitto: {kills} × SIGTERM, {clients} clients, {} messages acknowledged, {} received, {:.1} s",
        outcome.acknowledged.len(),
        received.lock().unwrap().len(),
        begun.elapsed().as_secs_f32()
    );
    assert!(lost.is_empty(), "acknowledged and never received: {lost:?}");
    assert!(outcome.acknowledged.len() >= clients * kills);
}
