//! Our own `Session` over WebSockets through the bridge, as the page drives it.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use futures_util::{SinkExt, StreamExt};
use hearth_mqtt::{
    MonoTime, Qos, SubscriptionOptions, TopicFilter, TopicName,
    session::{
        ApplicationMessage, Event, PublishId, Session, SessionOptions, SessionState, Subscription,
        VersionChoice,
    },
};
use tokio::{
    net::TcpStream,
    sync::watch,
    time::{Duration, Instant, interval, sleep},
};
use tokio_tungstenite::tungstenite::Message;

use super::Messages;
use crate::websocket::open_over;

/// What a client does with its session.
pub(super) trait Work: Send + 'static {
    /// Time has passed.
    fn tick(&mut self, session: &mut Session, now: MonoTime);
    fn event(&mut self, event: Event);
    fn is_done(&self, session: &Session) -> bool;
}

fn options(client_id: String) -> SessionOptions {
    SessionOptions {
        version: VersionChoice::V5,
        client_id,
        session_expiry_interval: 3_600,
        ..SessionOptions::default()
    }
}

/// Keeps a session connected, whatever happens to its connections, until the work is done.
pub(super) async fn drive<W: Work>(mut session: Session, bridge: SocketAddr, mut work: W) -> W {
    let begun = Instant::now();
    let now = || MonoTime::from_ms(u64::try_from(begun.elapsed().as_millis()).unwrap());
    let origin = format!("http://{bridge}");
    let url = format!("ws://{bridge}/mqtt");
    let mut tries = 0_u64;
    loop {
        let tcp = TcpStream::connect(bridge).await.unwrap();
        tcp.set_nodelay(true).unwrap();
        let mut socket = open_over(tcp, &url, &[("Origin", &origin)]).await.socket;
        session.handle_opened(now());
        let mut ticks = interval(Duration::from_millis(20));
        while session.state() != SessionState::Offline {
            work.tick(&mut session, now());
            while let Some(event) = session.poll_event() {
                work.event(event);
            }
            if work.is_done(&session) {
                return work;
            }
            while let Some(bytes) = session.poll_transmit() {
                if socket.send(Message::Binary(bytes)).await.is_err() {
                    session.handle_closed(now());
                }
            }
            let due = session
                .poll_timeout()
                .map_or(60_000, |due| due.ms.saturating_sub(now().ms));
            tokio::select! {
                frame = socket.next() => match frame {
                    Some(Ok(Message::Binary(bytes))) => session.handle_bytes(now(), bytes),
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                    Some(_) | None => session.handle_closed(now()),
                },
                _ = ticks.tick() => {}
                () = sleep(Duration::from_millis(due)) => session.handle_timeout(now()),
            }
        }
        while let Some(event) = session.poll_event() {
            work.event(event);
        }
        if work.is_done(&session) {
            return work;
        }
        // Not all at once.
        tries += 1;
        sleep(Duration::from_millis(20 + tries * 37 % 100)).await;
    }
}

/// Publishes numbered messages, a few at a time, and notes which were acknowledged.
pub(super) struct Publisher {
    pub(super) client: usize,
    pub(super) acknowledged: Vec<u64>,
    sent: HashMap<PublishId, u64>,
    next: u64,
    count: Arc<AtomicU64>,
    stop: watch::Receiver<bool>,
}

impl Publisher {
    const IN_FLIGHT: usize = 4;

    pub(super) fn new(client: usize, count: Arc<AtomicU64>, stop: watch::Receiver<bool>) -> Self {
        Self {
            client,
            acknowledged: Vec::new(),
            sent: HashMap::new(),
            next: 0,
            count,
            stop,
        }
    }

    pub(super) fn session(&self) -> Session {
        Session::new(options(format!("publisher-{}", self.client)))
    }
}

impl Work for Publisher {
    fn tick(&mut self, session: &mut Session, now: MonoTime) {
        if *self.stop.borrow() || self.sent.len() >= Self::IN_FLIGHT {
            return;
        }
        let topic = TopicName::parse(&format!("kills/{}", self.client)).unwrap();
        let text = format!("{} {}", self.client, self.next);
        let message = ApplicationMessage::new(topic, text).with_qos(Qos::AtLeastOnce);
        self.sent
            .insert(session.publish(now, message).unwrap(), self.next);
        self.next += 1;
    }

    fn event(&mut self, event: Event) {
        match event {
            Event::Published { id, reason_code } => {
                assert!(!reason_code.is_error(), "{reason_code:?}");
                self.acknowledged.extend(self.sent.remove(&id));
                self.count.fetch_add(1, Ordering::Relaxed);
            }
            Event::PublishFailed { .. } => panic!("{event:?}"),
            _ => {}
        }
    }

    fn is_done(&self, _session: &Session) -> bool {
        *self.stop.borrow() && self.sent.is_empty()
    }
}

/// Subscribes to everything, and notes what arrives.
pub(super) struct Collector {
    received: Arc<Mutex<Messages>>,
    subscribed: watch::Sender<bool>,
    asked: bool,
    stop: watch::Receiver<bool>,
}

impl Collector {
    pub(super) fn new(
        received: Arc<Mutex<Messages>>,
        subscribed: watch::Sender<bool>,
        stop: watch::Receiver<bool>,
    ) -> Self {
        Self {
            received,
            subscribed,
            asked: false,
            stop,
        }
    }

    pub(super) fn session(&self) -> Session {
        Session::new(SessionOptions {
            // Mosquitto 2.0.11 does not store sessions that began with Clean Start.
            clean_start: false,
            ..options("collector".to_owned())
        })
    }
}

impl Work for Collector {
    fn tick(&mut self, session: &mut Session, now: MonoTime) {
        if !std::mem::replace(&mut self.asked, true) {
            let filter = TopicFilter::parse("kills/#").unwrap();
            let options = SubscriptionOptions::at_most(Qos::AtLeastOnce);
            session
                .subscribe(now, vec![Subscription::new(filter, options)])
                .unwrap();
        }
    }

    fn event(&mut self, event: Event) {
        match event {
            Event::Message(message) => {
                self.received
                    .lock()
                    .unwrap()
                    .insert(super::broker::parse(&message.payload));
            }
            Event::Subscribed { .. } => self.subscribed.send(true).unwrap(),
            _ => {}
        }
    }

    fn is_done(&self, _session: &Session) -> bool {
        *self.stop.borrow()
    }
}
