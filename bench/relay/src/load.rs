//! The workloads: what goes through a peer, and what it cost.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};

use crate::{
    mqtt,
    peer::Peer,
    process::{cpu_ns, memory_bytes},
    subscribers::{Progress, Subscribers},
    websocket::{WebSocket, frame},
};

/// Messages that may be under way to the slowest subscriber: with a tenth of that a relay is measured by its latency, not its capacity.
const WINDOW: u64 = 10_000;

/// QoS 1 messages that wait for their PUBACK: what Mosquitto takes at a time.
const IN_FLIGHT: u64 = 20;

/// What one run of a workload showed.
#[derive(Default)]
pub(crate) struct Figures {
    /// Delivered messages per second.
    pub(crate) rate: f64,
    /// Processor time of the relay per delivered message, in µs; nothing where there is no relay.
    pub(crate) cpu_us: Option<f64>,
    /// Delivered messages per WebSocket frame.
    pub(crate) per_frame: f64,
    /// Latencies from publisher to subscriber in µs, sorted; only of the workloads that look at them.
    pub(crate) latencies_us: Vec<f64>,
}

/// One publisher, `subscribers` subscribers, at full speed.
pub(crate) fn full_speed(peer: &Peer, subscribers: usize, qos: u8, messages: u64) -> Result<Figures> {
    let receivers = Subscribers::open(peer, subscribers, qos)?;
    let mut publisher = WebSocket::connect(peer.port, peer.subprotocol, "bench-publisher")?;
    let cpu_before = peer.pid().map(cpu_ns);
    let progress = Arc::new(Progress::new(subscribers, messages));
    let start = Instant::now();
    let receiving = receivers.receive(Arc::clone(&progress), None);
    match qos {
        0 => publish_qos_0(&mut publisher, messages, &progress)?,
        _ => publish_qos_1(publisher, messages, &progress)?,
    }
    let received = receiving.join().ok().context("the subscribers panicked")??;
    let delivered = messages as f64 * subscribers as f64;
    let seconds = start.elapsed().as_secs_f64();
    let cpu = peer
        .pid()
        .map(cpu_ns)
        .zip(cpu_before)
        .map(|(after, before)| after - before);
    Ok(Figures {
        rate: delivered / seconds,
        cpu_us: cpu.map(|ns| ns as f64 / 1e3 / delivered),
        per_frame: delivered / received.frames as f64,
        latencies_us: Vec::new(),
    })
}

fn publish_qos_0(publisher: &mut WebSocket, messages: u64, progress: &Progress) -> Result<()> {
    for number in 0..messages {
        progress.wait_for_room(number, WINDOW)?;
        publisher.send(&mqtt::publish(None, number))?;
    }
    Ok(())
}

fn publish_qos_1(mut publisher: WebSocket, messages: u64, progress: &Progress) -> Result<()> {
    let acknowledged = Arc::new(AtomicU64::new(0));
    let publishing = thread::current();
    let mut tcp = publisher.tcp.try_clone()?;
    let count = Arc::clone(&acknowledged);
    let reading = thread::spawn(move || -> Result<()> {
        while count.load(Ordering::Relaxed) < messages {
            let mut acks = 0;
            publisher.read(|packet| acks += u64::from(packet[0] == 0x40))?;
            count.fetch_add(acks, Ordering::Relaxed);
            publishing.unpark();
        }
        Ok(())
    });
    for number in 0..messages {
        while number >= acknowledged.load(Ordering::Relaxed) + IN_FLIGHT {
            ensure!(!reading.is_finished(), "the publisher's connection broke");
            thread::park_timeout(Duration::from_millis(100));
        }
        progress.wait_for_room(number, WINDOW)?;
        let packet_id = (number % 60_000 + 1) as u16;
        std::io::Write::write_all(&mut tcp, &frame(&mqtt::publish(Some(packet_id), number)))?;
    }
    reading
        .join()
        .ok()
        .context("the reader of acknowledgements panicked")?
}

/// One publisher at `per_second` messages, all subscribers' latencies.
pub(crate) fn paced(peer: &Peer, subscribers: usize, per_second: u32, messages: u64) -> Result<Figures> {
    let receivers = Subscribers::open(peer, subscribers, 0)?;
    let mut publisher = WebSocket::connect(peer.port, peer.subprotocol, "bench-publisher")?;
    let cpu_before = peer.pid().map(cpu_ns);
    let progress = Arc::new(Progress::new(subscribers, messages));
    let start = Instant::now();
    let receiving = receivers.receive(progress, Some(start));
    let pause = Duration::from_secs(1) / per_second;
    for number in 0..messages {
        let due = pause * u32::try_from(number)?;
        thread::sleep(due.saturating_sub(start.elapsed()));
        let now_ns = u64::try_from(start.elapsed().as_nanos())?;
        publisher.send(&mqtt::publish(None, now_ns))?;
    }
    let received = receiving.join().ok().context("the subscribers panicked")??;
    let delivered = messages as f64 * subscribers as f64;
    let cpu = peer
        .pid()
        .map(cpu_ns)
        .zip(cpu_before)
        .map(|(after, before)| after - before);
    let mut latencies_us: Vec<f64> = received.latencies_ns.iter().map(|ns| *ns as f64 / 1e3).collect();
    latencies_us.sort_by(f64::total_cmp);
    Ok(Figures {
        rate: delivered / start.elapsed().as_secs_f64(),
        cpu_us: cpu.map(|ns| ns as f64 / 1e3 / delivered),
        per_frame: delivered / received.frames as f64,
        latencies_us,
    })
}

/// Bytes of memory that each of `connections` idle WebSockets costs the process `pid`.
pub(crate) fn idle_memory(peer: &Peer, pid: u32, connections: usize) -> Result<f64> {
    // A few first: what is set up once is not their cost.
    let _first = Subscribers::open(peer, 50, 0)?;
    let before = memory_bytes(pid);
    let _idle = WebSocket::connect_many(connections, |at| {
        WebSocket::connect(peer.port, peer.subprotocol, &format!("bench-idle-{at}"))
    })?;
    Ok(memory_bytes(pid).saturating_sub(before) as f64 / connections as f64)
}

/// A subscriber that never reads, beside one that does: messages per second of the latter, and the memory the relay gained, in bytes.
pub(crate) fn stalled(peer: &Peer, messages: u64) -> Result<(f64, f64)> {
    let pid = peer.pid().context("only a relay can be asked this")?;
    let mut stalled = WebSocket::connect(peer.port, peer.subprotocol, "bench-stalled")?;
    stalled.subscribe(0)?;
    let before = memory_bytes(pid);
    let figures = full_speed(peer, 1, 0, messages)?;
    let gained = memory_bytes(pid).saturating_sub(before) as f64;
    Ok((figures.rate, gained))
}

/// Reads a stream without a broker for `time`: bytes of MQTT per second, and the relay's processor time per MiB in µs.
pub(crate) fn bulk(peer: &Peer, time: Duration) -> Result<(f64, Option<f64>)> {
    let mut socket = WebSocket::open(peer.port, peer.subprotocol)?;
    socket.send(&mqtt::connect("bench-bulk"))?;
    // What lay in buffers before does not count.
    let begin = Instant::now();
    while begin.elapsed() < time / 4 {
        socket.skip()?;
    }
    let cpu_before = peer.pid().map(cpu_ns);
    let start = Instant::now();
    let mut bytes = 0;
    while start.elapsed() < time {
        bytes += socket.skip()?;
    }
    let cpu = peer
        .pid()
        .map(cpu_ns)
        .zip(cpu_before)
        .map(|(after, before)| after - before);
    let mib = bytes as f64 / f64::from(1 << 20);
    Ok((
        bytes as f64 / start.elapsed().as_secs_f64(),
        cpu.map(|ns| ns as f64 / 1e3 / mib),
    ))
}
