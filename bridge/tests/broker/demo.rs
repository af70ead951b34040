//! The simulated home on the embedded broker.

use crate::{
    client::{Client, Version},
    start,
};
use hearth::demo::{self, DemoOptions, Moment};
use std::{collections::BTreeSet, time::Instant};

#[tokio::test]
async fn the_home_is_there_at_once_and_obeys() {
    let broker = start().await;
    let mut watcher = Client::connected(Version::V5, broker.address(), "watcher").await;
    watcher.subscribe("#", 0).await;
    let begun = Instant::now();
    let demo = demo::start(&DemoOptions {
        broker: broker.address(),
        ..DemoOptions::default()
    });
    let start_of_day = Moment {
        since_start_ms: 0,
        home_ms: 0,
    };
    let mut missing: BTreeSet<String> = demo::home(1)
        .iter_mut()
        .flat_map(|device| {
            let mut said = device.describe(start_of_day);
            said.extend(device.availability().message());
            said.extend(device.announce(start_of_day));
            said.into_iter().map(|message| message.topic)
        })
        .collect();
    while !missing.is_empty() {
        missing.remove(&watcher.message().await.topic);
        assert!(begun.elapsed().as_secs() < 5, "not published: {missing:?}");
    }
    println!("the whole home was there after {:?}", begun.elapsed());

    watcher.send("home/kitchen/light/set", 1, false, "ON");
    loop {
        let message = watcher.message().await;
        if message.topic == "home/kitchen/light/state" && message.payload == b"ON" {
            break;
        }
    }
    demo.stop().await;
    let mut gone = BTreeSet::new();
    while !(gone.contains("home/kitchen/light/status") && gone.contains("tele/tv-plug/LWT")) {
        let message = watcher.message().await;
        if message.payload.eq_ignore_ascii_case(b"offline") {
            gone.insert(message.topic);
        }
    }
    broker.stop().await.unwrap();
}
