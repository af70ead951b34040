//! The relay against others in front of one Mosquitto, in one run: interleaved rounds, medians and ratios.
//!
//! `cargo xtask bench relay [ROUNDS] [WORKLOAD…] [--only=RELAY…]`. Clients are the same few lines for everybody, and all of them go through
//! the peer, publisher and subscribers alike. Processor time is what the kernel counted for the relay's processes: with two
//! cores for clients, relay and broker, messages per second say less.

mod connection;
mod load;
mod mqtt;
mod peer;
mod process;
mod stream;
mod subscribers;

use std::{path::Path, time::Duration};

use anyhow::{Context, Result, bail};

use crate::{
    load::{CAUTIOUS, CLOSE, EAGER, FAR, Figures, Qos, USUAL},
    peer::{Mosquitto, Peer},
};

/// What can be asked for by name.
const WORKLOADS: [&str; 11] = [
    "one", "close", "qos1", "cautious", "eager", "fifty", "light", "thousand", "bulk", "stalled", "idle",
];

/// Takes the median of what rounds showed.
fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The value below which `share` of the sorted values lie.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let at = (sorted.len() as f64 * share) as usize;
    sorted
        .get(at.min(sorted.len().saturating_sub(1)))
        .copied()
        .unwrap_or(f64::NAN)
}

/// Runs a workload on every peer in turn, `rounds` times after one for warmth.
fn rounds(count: usize, peers: &[Peer], run: impl Fn(&Peer) -> Result<Figures>) -> Vec<Vec<Figures>> {
    let mut all: Vec<Vec<Figures>> = peers.iter().map(|_| Vec::new()).collect();
    for round in 0..=count {
        for (peer, figures) in peers.iter().zip(&mut all) {
            match run(peer) {
                Ok(_) if round == 0 => {}
                Ok(found) => figures.push(found),
                Err(error) => eprintln!("{}: {error:#}", peer.name),
            }
        }
    }
    all
}

/// The median of what some rounds had to say of a relay; the line where none had.
fn relay_cpu(figures: &[Figures]) -> String {
    let cpu: Vec<f64> = figures.iter().filter_map(|figures| figures.cpu_us).collect();
    match cpu.is_empty() {
        true => "–".into(),
        false => format!("{:.2}", median(cpu)),
    }
}

/// Messages per second and processor time.
fn speed(title: &str, count: usize, peers: &[Peer], run: impl Fn(&Peer) -> Result<Figures>) {
    println!(
        "\n{title}\n{:<20} {:>10} {:>9} {:>12} {:>13} {:>14} {:>10} {:>10}",
        "", "msg/s", "× native", "relay µs/msg", "broker µs/msg", "clients µs/msg", "processors", "msg/frame"
    );
    let all = rounds(count, peers, run);
    let native = median(all[0].iter().map(|figures| figures.rate));
    for (peer, figures) in peers.iter().zip(&all) {
        let of = |value: fn(&Figures) -> f64| median(figures.iter().map(value));
        let (rate, cpu) = (of(|one| one.rate), relay_cpu(figures));
        let (broker, clients) = (of(|one| one.broker_us), of(|one| one.client_us));
        let (processors, per_frame) = (of(|one| one.processors), of(|one| one.per_frame));
        println!(
            "{:<20} {rate:>10.0} {:>9.2} {cpu:>12} {broker:>13.2} {clients:>14.2} {processors:>10.2} {per_frame:>10.1}",
            peer.name,
            rate / native
        );
    }
}

/// QoS 1 between one publisher and one subscriber, with at most so many messages that wait for their PUBACK.
fn acknowledged(title: &str, count: usize, mosquitto: &Mosquitto, peers: &[Peer], in_flight: u64) {
    speed(title, count, peers, |peer| {
        load::full_speed(mosquitto, peer, 1, Qos::AtLeastOnce { in_flight }, 30_000, FAR)
    });
}

/// Latencies over all rounds.
fn latency(title: &str, count: usize, peers: &[Peer], run: impl Fn(&Peer) -> Result<Figures>) {
    println!(
        "\n{title}\n{:<20} {:>10} {:>10} {:>14} {:>12} {:>13} {:>14}",
        "", "p50 µs", "p99 µs", "p99 − native", "relay µs/msg", "broker µs/msg", "clients µs/msg"
    );
    let all = rounds(count, peers, run);
    let of =
        |figures: &[Figures], share| median(figures.iter().map(|one| quantile(&one.latencies_us, share)));
    let native = of(&all[0], 0.99);
    for (peer, figures) in peers.iter().zip(&all) {
        let (p50, p99, cpu) = (of(figures, 0.5), of(figures, 0.99), relay_cpu(figures));
        let broker = median(figures.iter().map(|one| one.broker_us));
        let clients = median(figures.iter().map(|one| one.client_us));
        println!(
            "{:<20} {p50:>10.0} {p99:>10.0} {:>14.0} {cpu:>12} {broker:>13.2} {clients:>14.2}",
            peer.name,
            p99 - native
        );
    }
}

/// Everybody who can be started; who cannot is named. With `only`, relays with one of these texts in their names.
fn peers(folder: &Path, websocket_port: u16, tcp_port: u16, with_users: bool, only: &[String]) -> Vec<Peer> {
    let relays = [
        Some(Peer::hearth(folder, tcp_port)),
        Some(Peer::hearth_by_websocket(folder, websocket_port)),
        with_users.then(|| Peer::hearth_with_users(folder, websocket_port)),
        Some(Peer::haproxy(folder, websocket_port)),
        Some(Peer::websocat(folder, tcp_port)),
        Some(Peer::websockify(folder, tcp_port)),
    ];
    let started = relays
        .into_iter()
        .flatten()
        .filter_map(|relay| relay.inspect_err(|error| eprintln!("left out: {error:#}")).ok())
        .filter(|peer| only.is_empty() || only.iter().any(|text| peer.name.contains(text)));
    [Peer::native(websocket_port), Peer::native_tcp(tcp_port)]
        .into_iter()
        .chain(started)
        .collect()
}

fn bulk(count: usize, folder: &Path, only: &[String]) -> Result<()> {
    let port = stream::start()?;
    let peers = peers(folder, port, port, false, only);
    println!(
        "\nbulk: a stream without a broker, one browser\n{:<20} {:>12} {:>9} {:>13}",
        "", "msg/s", "× native", "relay µs/MiB"
    );
    let mut all: Vec<Vec<(f64, Option<f64>)>> = peers.iter().map(|_| Vec::new()).collect();
    for _ in 0..count {
        for (peer, found) in peers.iter().zip(&mut all) {
            match load::bulk(peer, Duration::from_millis(800)) {
                Ok(one) => found.push(one),
                Err(error) => eprintln!("{}: {error:#}", peer.name),
            }
        }
    }
    let native = median(all[0].iter().map(|one| one.0));
    for (peer, found) in peers.iter().zip(&all) {
        let rate = median(found.iter().map(|one| one.0));
        let cpu = found.iter().filter_map(|one| one.1).collect::<Vec<_>>();
        let cpu = if cpu.is_empty() {
            "–".into()
        } else {
            format!("{:.0}", median(cpu))
        };
        println!(
            "{:<20} {:>12.0} {:>9.2} {cpu:>13}",
            peer.name,
            rate / stream::message_bytes() as f64,
            rate / native
        );
    }
    Ok(())
}

fn idle(peers: &[Peer], broker_pid: u32) {
    println!(
        "\nidle: private memory per open WebSocket\n{:<20} {:>14} {:>14}",
        "", "KiB at 2,000", "KiB at 9,000"
    );
    for peer in peers {
        let pid = peer.pid().unwrap_or(broker_pid);
        // A process of its own for each connection would need more memory than there is.
        let sizes: &[usize] = if peer.name == "websockify" {
            &[100]
        } else {
            &[2_000, 9_000]
        };
        let cells: Vec<String> = sizes
            .iter()
            .map(|connections| match load::idle_memory(peer, pid, *connections) {
                Ok(bytes) => format!("{:>14.1}", bytes / 1024.0),
                Err(error) => format!("{error:#}"),
            })
            .collect();
        let note = if sizes.len() == 1 { " (at 100)" } else { "" };
        println!("{:<20} {}{note}", peer.name, cells.join(" "));
    }
}

fn stalled(broker: &Mosquitto, peers: &[Peer]) {
    println!(
        "\nstalled: a subscriber that never reads beside one that does, 200,000 messages\n{:<20} {:>10} {:>22}",
        "", "msg/s", "memory of the relay"
    );
    for peer in peers.iter().filter(|peer| peer.pid().is_some()) {
        match load::stalled(broker, peer, 200_000) {
            Ok((rate, gained)) => println!(
                "{:<20} {rate:>10.0} {:>18.1} MiB",
                peer.name,
                gained / f64::from(1 << 20)
            ),
            Err(error) => println!("{:<20} {error:#}", peer.name),
        }
    }
}

fn main() -> Result<()> {
    let (only, args): (Vec<String>, Vec<String>) = std::env::args()
        .skip(1)
        .partition(|arg| arg.starts_with("--only="));
    let only: Vec<String> = only
        .iter()
        .filter_map(|arg| Some(arg.strip_prefix("--only=")?.to_owned()))
        .collect();
    let (numbers, names): (Vec<&String>, Vec<&String>) =
        args.iter().partition(|arg| arg.parse::<usize>().is_ok());
    let count = numbers.first().and_then(|text| text.parse().ok()).unwrap_or(7);
    if let Some(unknown) = names.iter().find(|name| !WORKLOADS.contains(&name.as_str())) {
        bail!(
            "there is no workload `{unknown}`; there are: {}",
            WORKLOADS.join(", ")
        );
    }
    let wanted = |name: &str| names.is_empty() || names.iter().any(|wanted| *wanted == name);
    rlimit::increase_nofile_limit(u64::MAX).context("the limit of open files")?;
    let folder = tempfile::tempdir()?;
    let (front, behind) = (folder.path().join("relays"), folder.path().join("bulk"));
    std::fs::create_dir(&front)?;
    std::fs::create_dir(&behind)?;
    let mosquitto = Mosquitto::start(folder.path())?;
    let peers = peers(&front, mosquitto.websocket_port, mosquitto.tcp_port, true, &only);
    println!(
        "{count} interleaved rounds; {} processors",
        std::thread::available_parallelism()?
    );
    if wanted("one") {
        speed(
            "one: 1 publisher, 1 subscriber, QoS 0, 100 bytes",
            count,
            &peers,
            |peer| load::full_speed(&mosquitto, peer, 1, Qos::AtMostOnce, 60_000, FAR),
        );
    }
    if wanted("close") {
        speed(
            "close: the same with at most 100 messages under way",
            count,
            &peers,
            |peer| load::full_speed(&mosquitto, peer, 1, Qos::AtMostOnce, 60_000, CLOSE),
        );
    }
    for (name, in_flight) in [("qos1", USUAL), ("cautious", CAUTIOUS), ("eager", EAGER)] {
        if wanted(name) {
            let title = format!(
                "{name}: 1 publisher, 1 subscriber, QoS 1, {in_flight} messages not yet acknowledged"
            );
            acknowledged(&title, count, &mosquitto, &peers, in_flight);
        }
    }
    if wanted("fifty") {
        speed(
            "fifty: 1 publisher, 50 subscribers, QoS 0",
            count,
            &peers,
            |peer| load::full_speed(&mosquitto, peer, 50, Qos::AtMostOnce, 3_000, FAR),
        );
    }
    if wanted("light") {
        latency(
            "light: latency of 1 subscriber at 500 messages/s",
            count,
            &peers,
            |peer| load::paced(&mosquitto, peer, 1, 500, 750),
        );
    }
    if wanted("thousand") {
        // websockify's thousand processes would need all the memory there is: it comes last and is left out.
        let few =
            &peers[..peers.len() - usize::from(peers.last().is_some_and(|last| last.name == "websockify"))];
        latency(
            "thousand: latency of 1,000 subscribers at 20 messages/s",
            count.min(5),
            few,
            |peer| load::paced(&mosquitto, peer, 1_000, 20, 60),
        );
    }
    if wanted("bulk") {
        bulk(count, &behind, &only)?;
    }
    if wanted("stalled") {
        stalled(&mosquitto, &peers);
    }
    if wanted("idle") {
        idle(&peers, mosquitto.pid);
    }
    Ok(())
}
