//! All subscribers of a workload, in one thread.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle, Thread},
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use polling::{Event, Events, Poller};

use crate::{connection::Connection, mqtt, peer::Peer};

/// A silence that means that something was lost.
const SILENCE: Duration = Duration::from_secs(20);

/// How far the subscribers are; the publisher waits for them.
pub(crate) struct Progress {
    /// Messages that all subscribers together have received.
    received: AtomicU64,
    subscribers: u64,
    messages: u64,
    failed: AtomicBool,
    publisher: Thread,
}

impl Progress {
    /// The calling thread is the publisher.
    pub(crate) fn new(subscribers: usize, messages: u64) -> Self {
        Self {
            received: AtomicU64::new(0),
            subscribers: subscribers as u64,
            messages,
            failed: AtomicBool::new(false),
            publisher: thread::current(),
        }
    }

    /// Waits until fewer than `window` messages are under way.
    pub(crate) fn wait_for_room(&self, sent: u64, window: u64) -> Result<()> {
        while sent >= self.received.load(Ordering::Relaxed) / self.subscribers + window {
            ensure!(!self.failed.load(Ordering::Relaxed), "the subscribers gave up");
            thread::park_timeout(Duration::from_millis(100));
        }
        Ok(())
    }

    fn add(&self, count: u64) {
        self.received.fetch_add(count, Ordering::Relaxed);
        self.publisher.unpark();
    }

    fn is_complete(&self) -> bool {
        self.received.load(Ordering::Relaxed) >= self.subscribers * self.messages
    }
}

/// What all subscribers saw.
#[derive(Default)]
pub(crate) struct Report {
    pub(crate) frames: u64,
    pub(crate) latencies_ns: Vec<u64>,
}

/// Connected and subscribed clients.
pub(crate) struct Subscribers {
    sockets: Vec<Connection>,
}

impl Subscribers {
    pub(crate) fn open(peer: &Peer, count: usize, qos: u8) -> Result<Self> {
        let sockets = Connection::connect_many(count, |at| {
            let id = format!("bench-subscriber-{at}");
            let mut socket = Connection::connect(peer.port, peer.transport, &id)?;
            socket.subscribe(qos)?;
            Ok(socket)
        })?;
        Ok(Self { sockets })
    }

    /// Receives until everything has come; with `start` the numbers of the messages are times since then, in ns.
    pub(crate) fn receive(
        self,
        progress: Arc<Progress>,
        start: Option<Instant>,
    ) -> JoinHandle<Result<Report>> {
        thread::spawn(move || {
            let result = receive(self.sockets, &progress, start);
            progress.failed.store(result.is_err(), Ordering::Relaxed);
            progress.publisher.unpark();
            result
        })
    }
}

fn receive(mut sockets: Vec<Connection>, progress: &Progress, start: Option<Instant>) -> Result<Report> {
    let poller = Poller::new()?;
    let frames_before: u64 = sockets.iter().map(|socket| socket.frame_count).sum();
    for (key, socket) in sockets.iter().enumerate() {
        // SAFETY: every socket is deleted from the poller before it is dropped, or the poller is dropped first.
        unsafe { poller.add(&socket.tcp, Event::readable(key))? };
    }
    let mut report = Report::default();
    let mut events = Events::new();
    while !progress.is_complete() {
        events.clear();
        poller.wait(&mut events, Some(SILENCE))?;
        ensure!(
            !events.is_empty(),
            "messages were lost: {} came",
            progress.received.load(Ordering::Relaxed)
        );
        for event in events.iter() {
            let socket = &mut sockets[event.key];
            let count = take(socket, start, &mut report)?;
            progress.add(count);
            poller.modify(&socket.tcp, Event::readable(event.key))?;
        }
    }
    for socket in &sockets {
        poller.delete(&socket.tcp)?;
    }
    report.frames = sockets.iter().map(|socket| socket.frame_count).sum::<u64>() - frames_before;
    Ok(report)
}

/// One read of one subscriber; acknowledges what asks for it.
fn take(socket: &mut Connection, start: Option<Instant>, report: &mut Report) -> io::Result<u64> {
    let mut acks = Vec::new();
    let mut count = 0;
    socket.read(|packet| {
        if let Some(received) = mqtt::received(packet) {
            count += 1;
            let latency =
                start.map(|start| (start.elapsed().as_nanos() as u64).saturating_sub(received.number));
            report.latencies_ns.extend(latency);
            acks.extend(received.packet_id.map(mqtt::puback).into_iter().flatten());
        }
    })?;
    for acks in acks.chunks(120) {
        socket.send(acks)?;
    }
    Ok(count)
}
