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
    connection::Connection,
    mqtt,
    peer::{Mosquitto, Peer},
    process::{cpu_ns, memory_bytes, this_cpu_ns},
    subscribers::{Progress, Subscribers},
};

/// Messages that may be under way to the slowest subscriber: with much less a relay is measured by its latency, not its capacity.
pub(crate) const FAR: u64 = 10_000;

/// A publisher that is close behind its subscriber: what is held back for the sake of fuller frames shows here.
pub(crate) const CLOSE: u64 = 100;

/// QoS 1 messages that wait for their PUBACK with rumqttc's default.
pub(crate) const USUAL: u64 = 100;

/// The same with the default of Mosquitto's and Paho's clients. All may lie in one read of the broker, and then it hears nothing more
/// until it has answered: how soon a relay passes on decides, not what it costs.
pub(crate) const CAUTIOUS: u64 = 20;

/// The same of a publisher that does not wait for the broker, as MQTT.js in a browser: MQTT 3.1.1 has no Receive Maximum. There is
/// always more on its way than one read takes.
pub(crate) const EAGER: u64 = 1_000;

/// Of publisher and subscribers.
#[derive(Clone, Copy)]
pub(crate) enum Qos {
    AtMostOnce,
    AtLeastOnce {
        /// Messages that may wait for their PUBACK.
        in_flight: u64,
    },
}

impl Qos {
    fn level(self) -> u8 {
        match self {
            Self::AtMostOnce => 0,
            Self::AtLeastOnce { .. } => 1,
        }
    }
}

/// What one run of a workload showed.
pub(crate) struct Figures {
    /// Delivered messages per second.
    pub(crate) rate: f64,
    /// Processor time of the relay per delivered message, in µs; nothing where there is no relay.
    pub(crate) cpu_us: Option<f64>,
    /// The same of the broker: what gathers packets for it makes them cheaper.
    pub(crate) broker_us: f64,
    /// The same of the clients, which are one process.
    pub(crate) client_us: f64,
    /// Processors that clients, relay and broker together kept busy: where that is all there are, messages per second say what the
    /// three cost together, and no relay can be as fast as none.
    pub(crate) processors: f64,
    /// Delivered messages per WebSocket frame.
    pub(crate) per_frame: f64,
    /// Latencies from publisher to subscriber in µs, sorted; only of the workloads that look at them.
    pub(crate) latencies_us: Vec<f64>,
}

/// One publisher at full speed, with at most `window` messages under way to the slowest subscriber.
pub(crate) fn full_speed(
    broker: &Mosquitto,
    peer: &Peer,
    subscribers: usize,
    qos: Qos,
    messages: u64,
    window: u64,
) -> Result<Figures> {
    let receivers = Subscribers::open(peer, subscribers, qos.level())?;
    let mut publisher = Connection::connect(peer.port, peer.transport, "bench-publisher")?;
    let progress = Arc::new(Progress::new(subscribers, messages));
    let before = Costs::so_far(broker, peer);
    let start = Instant::now();
    let receiving = receivers.receive(Arc::clone(&progress), None);
    match qos {
        Qos::AtMostOnce => publish_qos_0(&mut publisher, messages, window, &progress)?,
        Qos::AtLeastOnce { in_flight } => {
            publish_qos_1(publisher, messages, in_flight, window, &progress)?;
        }
    }
    let received = receiving.join().ok().context("the subscribers panicked")??;
    let costs = Costs::so_far(broker, peer).since(&before);
    Ok(costs.figures(messages * subscribers as u64, start.elapsed(), received.frames))
}

/// Processor time of everybody who takes part.
struct Costs {
    client_ns: u64,
    relay_ns: Option<u64>,
    broker_ns: u64,
}

impl Costs {
    fn so_far(broker: &Mosquitto, peer: &Peer) -> Self {
        Self {
            client_ns: this_cpu_ns(),
            relay_ns: peer.pid().map(cpu_ns),
            broker_ns: cpu_ns(broker.pid),
        }
    }

    fn since(&self, before: &Self) -> Self {
        Self {
            client_ns: self.client_ns.saturating_sub(before.client_ns),
            relay_ns: self
                .relay_ns
                .zip(before.relay_ns)
                .map(|(now, before)| now.saturating_sub(before)),
            broker_ns: self.broker_ns.saturating_sub(before.broker_ns),
        }
    }

    /// What they come to for each message.
    fn figures(&self, delivered: u64, time: Duration, frames: u64) -> Figures {
        let delivered = delivered as f64;
        let per_message_us = |ns: u64| ns as f64 / 1e3 / delivered;
        let all_ns = self.client_ns + self.relay_ns.unwrap_or_default() + self.broker_ns;
        Figures {
            rate: delivered / time.as_secs_f64(),
            cpu_us: self.relay_ns.map(per_message_us),
            broker_us: per_message_us(self.broker_ns),
            client_us: per_message_us(self.client_ns),
            processors: all_ns as f64 / time.as_nanos() as f64,
            per_frame: delivered / frames as f64,
            latencies_us: Vec::new(),
        }
    }
}

fn publish_qos_0(publisher: &mut Connection, messages: u64, window: u64, progress: &Progress) -> Result<()> {
    for number in 0..messages {
        progress.wait_for_room(number, window)?;
        publisher.send(&mqtt::publish(None, number))?;
    }
    Ok(())
}

fn publish_qos_1(
    mut publisher: Connection,
    messages: u64,
    in_flight: u64,
    window: u64,
    progress: &Progress,
) -> Result<()> {
    let acknowledged = Arc::new(AtomicU64::new(0));
    let publishing = thread::current();
    let (mut tcp, transport) = (publisher.tcp.try_clone()?, publisher.transport);
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
        while number >= acknowledged.load(Ordering::Relaxed) + in_flight {
            ensure!(!reading.is_finished(), "the publisher's connection broke");
            thread::park_timeout(Duration::from_millis(100));
        }
        progress.wait_for_room(number, window)?;
        let packet_id = (number % 60_000 + 1) as u16;
        let packet = mqtt::publish(Some(packet_id), number);
        std::io::Write::write_all(&mut tcp, &transport.wrap(&packet))?;
    }
    reading
        .join()
        .ok()
        .context("the reader of acknowledgements panicked")?
}

/// One publisher at `per_second` messages, all subscribers' latencies.
pub(crate) fn paced(
    broker: &Mosquitto,
    peer: &Peer,
    subscribers: usize,
    per_second: u32,
    messages: u64,
) -> Result<Figures> {
    let receivers = Subscribers::open(peer, subscribers, 0)?;
    let mut publisher = Connection::connect(peer.port, peer.transport, "bench-publisher")?;
    let progress = Arc::new(Progress::new(subscribers, messages));
    let before = Costs::so_far(broker, peer);
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
    let costs = Costs::so_far(broker, peer).since(&before);
    let mut latencies_us: Vec<f64> = received.latencies_ns.iter().map(|ns| *ns as f64 / 1e3).collect();
    latencies_us.sort_by(f64::total_cmp);
    Ok(Figures {
        latencies_us,
        ..costs.figures(messages * subscribers as u64, start.elapsed(), received.frames)
    })
}

/// Bytes of memory that each of `connections` idle WebSockets costs the process `pid`.
pub(crate) fn idle_memory(peer: &Peer, pid: u32, connections: usize) -> Result<f64> {
    // A few first: what is set up once is not their cost.
    let _first = Subscribers::open(peer, 50, 0)?;
    let before = memory_bytes(pid);
    let _idle = Connection::connect_many(connections, |at| {
        Connection::connect(peer.port, peer.transport, &format!("bench-idle-{at}"))
    })?;
    Ok(memory_bytes(pid).saturating_sub(before) as f64 / connections as f64)
}

/// A subscriber that never reads, beside one that does: messages per second of the latter, and the memory the relay gained, in bytes.
pub(crate) fn stalled(broker: &Mosquitto, peer: &Peer, messages: u64) -> Result<(f64, f64)> {
    let pid = peer.pid().context("only a relay can be asked this")?;
    let mut stalled = Connection::connect(peer.port, peer.transport, "bench-stalled")?;
    stalled.subscribe(0)?;
    let before = memory_bytes(pid);
    let figures = full_speed(broker, peer, 1, Qos::AtMostOnce, messages, FAR)?;
    let gained = memory_bytes(pid).saturating_sub(before) as f64;
    Ok((figures.rate, gained))
}

/// Reads a stream without a broker for `time`: bytes of MQTT per second, and the relay's processor time per MiB in µs.
pub(crate) fn bulk(peer: &Peer, time: Duration) -> Result<(f64, Option<f64>)> {
    let mut socket = Connection::open(peer.port, peer.transport)?;
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
