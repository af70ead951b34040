//! Random operations, random cuts, kills at any moment: messages arrive as their QoS promises, in order.

mod server;

use std::collections::{BTreeMap, BTreeSet};

use hearth_mqtt::{
    Bytes, BytesMut, MonoTime, ProtocolVersion, Qos,
    session::{
        Event, PersistBatch, PersistKey, PublishId, Session, SessionOptions, SessionState, VersionChoice,
    },
};
use proptest::prelude::*;

use crate::support::{Store, message};
use server::Server;

/// One thing that happens.
#[derive(Debug, Clone, Copy)]
enum Op {
    Publish(Qos, u8),
    ServerPublish(Qos, u8),
    /// So many bytes arrive at the server.
    ToServer(u16),
    /// So many bytes arrive at the client.
    ToClient(u16),
    /// The server works on one packet.
    ServerStep,
    /// The network connection ends; what is under way is lost.
    Cut,
    Open,
    /// The owner takes a batch of changes, and what the application did with the messages so far.
    Persist,
    /// The batch is durable.
    Stored,
    /// The program dies; its successor starts from the store.
    Kill,
    /// The server loses its session.
    Forget,
    Tick(u16),
}

fn qos() -> impl Strategy<Value = Qos> {
    prop_oneof![
        1 => Just(Qos::AtMostOnce),
        2 => Just(Qos::AtLeastOnce),
        4 => Just(Qos::ExactlyOnce)
    ]
}

/// `special` is what only one of the tests does.
fn op(special: Op) -> impl Strategy<Value = Op> {
    prop_oneof![
        6 => (qos(), 0..3u8).prop_map(|(qos, topic)| Op::Publish(qos, topic)),
        6 => (qos(), 0..3u8).prop_map(|(qos, topic)| Op::ServerPublish(qos, topic)),
        10 => (1..200u16).prop_map(Op::ToServer),
        2 => Just(Op::ToServer(u16::MAX)),
        10 => (1..200u16).prop_map(Op::ToClient),
        14 => Just(Op::ServerStep),
        3 => Just(Op::Cut),
        6 => Just(Op::Open),
        6 => Just(Op::Persist),
        6 => Just(Op::Stored),
        3 => Just(special),
        2 => (1..40_000u16).prop_map(Op::Tick),
    ]
}

/// What the application did with the messages it got: QoS, topic, payload.
type AppLog = Vec<(Qos, String, String)>;

struct World {
    options: SessionOptions,
    session: Session,
    server: Server,
    now: u64,
    to_server: BytesMut,
    to_client: BytesMut,
    /// The network connection exists.
    open: bool,
    app: AppLog,
    store: Store,
    /// What the application stored together with the session's records.
    stored_app: AppLog,
    batch: Option<(PersistBatch, AppLog)>,
    /// Messages that the client accepted: by payload, with what became of them.
    published: BTreeMap<String, Published>,
    ids: BTreeMap<PublishId, String>,
    sent_by_server: Vec<(Qos, String, String)>,
    count: u32,
}

#[derive(Debug)]
struct Published {
    qos: Qos,
    topic: String,
    acknowledged: bool,
    failed: bool,
    /// The program died since: perhaps before the message was stored.
    survived_kill: bool,
}

const TOPICS: [&str; 3] = ["a", "b", "c"];

impl World {
    fn new(version: ProtocolVersion, persistent: bool) -> Self {
        let options = SessionOptions {
            version: if version.is_v5() {
                VersionChoice::V5
            } else {
                VersionChoice::V311
            },
            client_id: "model".into(),
            clean_start: false,
            session_expiry_interval: u32::MAX,
            receive_maximum: 5,
            in_flight_maximum: 4,
            persistent,
            ..SessionOptions::default()
        };
        let mut world = Self {
            session: Session::new(options.clone()),
            server: Server::new(version, 4),
            options,
            now: 0,
            to_server: BytesMut::new(),
            to_client: BytesMut::new(),
            open: false,
            app: Vec::new(),
            store: Store::default(),
            stored_app: Vec::new(),
            batch: None,
            published: BTreeMap::new(),
            ids: BTreeMap::new(),
            sent_by_server: Vec::new(),
            count: 0,
        };
        world.settle();
        world
    }

    fn at(&self) -> MonoTime {
        MonoTime::from_ms(self.now)
    }

    fn run(&mut self, op: Op) {
        match op {
            Op::Publish(qos, topic) => self.publish(qos, TOPICS[usize::from(topic)]),
            Op::ServerPublish(qos, topic) => {
                self.count += 1;
                let (topic, payload) = (TOPICS[usize::from(topic)], format!("s{}", self.count));
                self.server.publish(qos, topic, &payload);
                self.sent_by_server.push((qos, topic.into(), payload));
            }
            Op::ToServer(bytes) => self.arrive_at_server(usize::from(bytes)),
            Op::ToClient(bytes) => self.arrive_at_client(usize::from(bytes)),
            Op::ServerStep => drop(self.server.step()),
            Op::Cut => self.cut(),
            Op::Open => self.open(),
            Op::Persist => self.persist(),
            Op::Stored => self.stored(),
            Op::Kill => self.kill(),
            Op::Forget => {
                self.cut();
                self.server.forget();
            }
            Op::Tick(ms) => {
                self.now += u64::from(ms);
                self.session.handle_timeout(self.at());
            }
        }
        self.take_events();
    }

    fn publish(&mut self, qos: Qos, topic: &str) {
        self.count += 1;
        let payload = format!("c{}", self.count);
        // Now and then one that leaves in two pieces, between which anything may happen.
        let spaces = if self.count % 16 == 5 { 64 * 1024 } else { 0 };
        let sent = message(qos, topic, &format!("{payload}{}", " ".repeat(spaces)));
        if let Ok(id) = self.session.publish(self.at(), sent) {
            let topic = topic.into();
            let it = Published {
                qos,
                topic,
                acknowledged: false,
                failed: false,
                survived_kill: true,
            };
            self.published.insert(payload.clone(), it);
            self.ids.insert(id, payload);
        }
    }

    fn arrive_at_server(&mut self, bytes: usize) {
        while let Some(bytes) = self.session.poll_transmit() {
            self.to_server.extend_from_slice(&bytes);
        }
        let bytes = bytes.min(self.to_server.len());
        self.server.handle_bytes(self.to_server.split_to(bytes).freeze());
    }

    fn arrive_at_client(&mut self, bytes: usize) {
        self.to_client.extend_from_slice(&self.server.take_bytes());
        let bytes = bytes.min(self.to_client.len());
        let bytes: Bytes = self.to_client.split_to(bytes).freeze();
        if self.open {
            self.session.handle_bytes(self.at(), bytes);
        }
    }

    fn cut(&mut self) {
        self.open = false;
        self.to_server.clear();
        self.to_client.clear();
        self.server.close();
        self.session.handle_closed(self.at());
    }

    fn open(&mut self) {
        if self.open {
            return;
        }
        self.open = true;
        self.server.open();
        self.session.handle_opened(self.at());
    }

    fn take_events(&mut self) {
        while let Some(event) = self.session.poll_event() {
            match event {
                Event::Message(it) => {
                    let payload = String::from_utf8(it.payload.to_vec()).unwrap();
                    self.app.push((it.qos, it.topic.as_str().into(), payload));
                }
                Event::Published { id, .. } => self.note(id, |it| it.acknowledged = true),
                Event::PublishFailed { id, .. } => self.note(id, |it| it.failed = true),
                Event::Closed(reason) => {
                    assert!(!reason.to_string().contains("broke the protocol"), "{reason}");
                    self.cut();
                }
                _ => {}
            }
        }
    }

    fn note(&mut self, id: PublishId, change: impl Fn(&mut Published)) {
        if let Some(it) = self
            .ids
            .get(&id)
            .and_then(|payload| self.published.get_mut(payload))
        {
            change(it);
        }
    }

    fn persist(&mut self) {
        if self.batch.is_none() {
            self.batch = self.session.poll_persist().map(|batch| (batch, self.app.clone()));
        }
    }

    fn stored(&mut self) {
        if let Some((batch, app)) = self.batch.take() {
            self.store.apply(&batch);
            self.stored_app = app;
            self.session.handle_persisted(batch.token);
        }
    }

    fn kill(&mut self) {
        // A batch under way may have become durable although nobody was told.
        if self.count.is_multiple_of(2)
            && let Some((batch, app)) = self.batch.take()
        {
            self.store.apply(&batch);
            self.stored_app = app;
        }
        self.batch = None;
        self.open = false;
        self.to_server.clear();
        self.to_client.clear();
        self.server.close();
        self.app = self.stored_app.clone();
        self.session = self.store.restore(self.options.clone());
        // Records of messages (1) and of their exchanges (2) are named after the message.
        let number = |key: &PersistKey| key.as_u64() & ((1 << 48) - 1);
        let kept = self
            .store
            .0
            .keys()
            .filter(|key| matches!(key.as_u64() >> 48, 1 | 2))
            .map(number);
        let kept: BTreeSet<u64> = kept.collect();
        for (id, payload) in &self.ids {
            if let Some(it) = self.published.get_mut(payload) {
                it.survived_kill &= it.acknowledged || kept.contains(&id.0);
            }
        }
    }

    /// Everything works again: runs until nothing is left to do.
    fn settle(&mut self) {
        self.settle_with(0);
    }

    /// As [`Self::settle`], with so many QoS 2 messages that a forgetful server will never release.
    fn settle_with(&mut self, never_released: usize) {
        for _ in 0..200 {
            self.take_events();
            self.open();
            self.persist();
            self.stored();
            self.arrive_at_server(usize::MAX);
            while self.server.step() {}
            self.arrive_at_client(usize::MAX);
            self.take_events();
            let quiet = self.session.state() == SessionState::Connected
                && self.session.queued_messages() == 0
                && self.session.unreleased() <= never_released
                && self.server.is_idle();
            if quiet {
                self.persist();
                self.stored();
                return;
            }
        }
        panic!("it never settles: {:?} {:?}", self.session, self.server);
    }

    /// How often each payload is in a log.
    fn counts(log: &AppLog) -> BTreeMap<&str, usize> {
        let mut counts = BTreeMap::new();
        for (_, _, payload) in log {
            *counts.entry(payload.as_str()).or_default() += 1;
        }
        counts
    }

    /// The first occurrences of each topic and QoS are in the order in which they were published.
    fn check_order(log: &AppLog) {
        let mut last: BTreeMap<(&str, Qos), u32> = BTreeMap::new();
        let mut seen = BTreeSet::new();
        for (qos, topic, payload) in log {
            if !seen.insert(payload) {
                continue;
            }
            let number: u32 = payload[1..].parse().unwrap();
            let last = last.entry((topic, *qos)).or_default();
            assert!(*last < number, "{payload} after {last} on {topic} with {qos:?}");
            *last = number;
        }
    }

    /// Every message that the client accepted arrived as its QoS promises.
    fn check_published(&self, exactly_once: bool) {
        let counts = Self::counts(&self.server.log);
        for (payload, it) in &self.published {
            let count = counts.get(payload.as_str()).copied().unwrap_or(0);
            let promised = it.survived_kill && !it.failed && it.qos > Qos::AtMostOnce;
            assert!(count > 0 || !promised, "{payload} ({it:?}) was lost");
            if it.acknowledged && it.qos > Qos::AtMostOnce {
                assert!(
                    count > 0,
                    "{payload} ({it:?}) was acknowledged and did not arrive"
                );
            }
            if exactly_once && it.qos == Qos::ExactlyOnce {
                assert!(count <= 1, "{payload} on {} arrived {count} times", it.topic);
            }
            if it.qos == Qos::AtMostOnce {
                assert!(count <= 1, "QoS 0 {payload} arrived {count} times");
            }
        }
    }

    /// Every message of the server arrived as its QoS promises. `kills`: a QoS 1 message may have been acknowledged by
    /// a program that died before it stored what it did with it.
    fn check_received(&self, kills: bool) {
        let counts = Self::counts(&self.app);
        for (qos, topic, payload) in &self.sent_by_server {
            let count = counts.get(payload.as_str()).copied().unwrap_or(0);
            match qos {
                Qos::ExactlyOnce => assert_eq!(count, 1, "{payload} on {topic}"),
                Qos::AtLeastOnce => assert!(count > 0 || kills, "{payload} on {topic} was lost"),
                Qos::AtMostOnce => assert!(count <= 1, "QoS 0 {payload} arrived {count} times"),
            }
        }
    }

    /// What a forgetful server loses is its affair; what it sends with QoS 2 still arrives once at most.
    fn check_not_repeated(&self) {
        let counts = Self::counts(&self.app);
        for (qos, topic, payload) in &self.sent_by_server {
            let count = counts.get(payload.as_str()).copied().unwrap_or(0);
            assert!(
                *qos != Qos::ExactlyOnce || count <= 1,
                "{payload} on {topic} arrived {count} times"
            );
        }
    }
}

fn version() -> impl Strategy<Value = ProtocolVersion> {
    prop_oneof![Just(ProtocolVersion::V5), Just(ProtocolVersion::V311)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    /// Cuts at any byte lose nothing, repeat nothing and keep the order.
    #[test]
    fn every_qos_keeps_its_promise_over_cut_connections(
        version in version(),
        ops in prop::collection::vec(op(Op::ServerStep), 1..250),
    ) {
        let mut world = World::new(version, false);
        for op in ops {
            world.run(op);
        }
        world.settle();
        world.check_published(true);
        world.check_received(false);
        World::check_order(&world.server.log);
        World::check_order(&world.app);
    }

    /// The program dies at any moment and comes back from its store: exactly once still holds.
    #[test]
    fn exactly_once_holds_when_the_program_is_killed(
        version in version(),
        ops in prop::collection::vec(op(Op::Kill), 1..250),
    ) {
        let mut world = World::new(version, true);
        for op in ops {
            world.run(op);
        }
        world.settle();
        world.check_published(true);
        world.check_received(true);
        World::check_order(&world.server.log);
        let app: AppLog = world.app.iter().filter(|it| it.0 == Qos::ExactlyOnce).cloned().collect();
        World::check_order(&app);
    }

    /// A server that forgets its session: nothing is lost in silence.
    #[test]
    fn a_forgetful_server_loses_nothing_in_silence(
        version in version(),
        ops in prop::collection::vec(op(Op::Forget), 1..250),
    ) {
        let mut world = World::new(version, false);
        for op in ops {
            world.run(op);
        }
        // A CONNACK with Session Present = 0 may get lost: what the client holds then is never released.
        world.settle_with(usize::MAX);
        world.check_published(false);
        world.check_not_repeated();
    }
}
