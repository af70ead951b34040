//! The core against a scripted server, in virtual time.

mod admins;
mod arrange;
mod cards;
mod chart;
mod connection;
mod control;
mod disk;
mod export;
mod formats;
mod page;
mod publish;
mod recorded;
mod reload;
mod replay;
mod retained;
mod subscriptions;
mod templates;
mod topic;
mod tree;

use bytes::{Bytes, BytesMut};
use hearth_mqtt::{
    Ack, Connack, Framer, MonoTime, Packet, Properties, ProtocolVersion, PublishParts, Qos, ReasonCode, Role,
    Suback, TopicName,
};

use self::disk::Disk;
use super::{
    core::Engine,
    input::{Call, Environment, Findings, Input, Now},
};
use crate::wire::{
    Action, Command, ConnectionOptions, ConnectionState, ConnectionView, ControlState, DeviceCard,
    EntityValue, Frame, Limits, Outcome, Patch, ProblemKind, Publication, TreeWindow, Version, View,
};

const URL: &str = "ws://broker:9001/mqtt";
const WALL_AT_ZERO_MS: u64 = 1_700_000_000_000;

/// An engine, the page that paints all it gets, and a server that does what it is told.
struct Bench {
    engine: Engine,
    ms: u64,
    version: ProtocolVersion,
    framer: Framer,
    patches: Vec<Patch>,
    calls: Vec<Call>,
    disk: Disk,
}

impl Bench {
    fn new() -> Self {
        Self::with_disk(Disk::default())
    }

    /// A page that finds this in its storage.
    fn with_disk(disk: Disk) -> Self {
        Self::of(Environment::default(), disk)
    }

    fn of(environment: Environment, disk: Disk) -> Self {
        let engine = Engine::new(environment);
        let framer = Framer::new(1024 * 1024);
        let mut bench = Self {
            engine,
            ms: 0,
            version: ProtocolVersion::V5,
            framer,
            patches: vec![],
            calls: vec![],
            disk,
        };
        bench.input(Input::Tick);
        bench
    }

    fn connected() -> Self {
        let mut bench = Self::new();
        bench.begin();
        bench
    }

    fn connected_by_3_1_1() -> Self {
        let mut bench = Self::new();
        bench.version = ProtocolVersion::V311;
        bench.command(Command::Connect(Box::new(ConnectionOptions {
            version: Version::V311,
            ..options()
        })));
        bench.input(Input::Opened);
        bench.answer_connect(ReasonCode::SUCCESS);
        bench
    }

    fn begin(&mut self) {
        self.command(Command::Connect(Box::new(options())));
        self.input(Input::Opened);
        self.answer_connect(ReasonCode::SUCCESS);
    }

    fn now(&self) -> Now {
        Now {
            mono: MonoTime::from_ms(self.ms),
            wall_ms: WALL_AT_ZERO_MS + self.ms,
            random: u32::MAX,
        }
    }

    fn input(&mut self, input: Input) {
        self.engine.handle(self.now(), input);
        self.store();
        while let Some(call) = self.engine.poll_call() {
            match call {
                Call::Load(_) if self.disk.hesitates => {}
                Call::Load(name) => {
                    let stored = self.disk.read(&name);
                    self.engine.handle(self.now(), Input::Loaded { name, stored });
                    self.store();
                }
                call => self.calls.push(call),
            }
        }
        self.paint();
    }

    fn store(&mut self) {
        while let Some(write) = self.engine.poll_write(self.now()) {
            self.disk.writes += 1;
            self.disk.under_way.push_back(write);
            if !self.disk.hesitates {
                self.end_write();
            }
        }
    }

    /// The oldest write ends.
    fn end_write(&mut self) {
        if let Some(write) = self.disk.under_way.pop_front() {
            let (number, result) = (write.number, self.disk.apply(&write));
            self.engine.handle(self.now(), Input::Written { number, result });
            self.store();
        }
    }

    /// The page is loaded again: what is not durable is gone.
    fn reload(self) -> Self {
        let mut disk = self.disk;
        disk.under_way.clear();
        let mut next = Self::with_disk(disk);
        next.ms = self.ms;
        next
    }

    fn paint(&mut self) {
        while let Some(frame) = self.engine.poll_frame(self.now()) {
            let frame: Frame = postcard::from_bytes(&frame).unwrap();
            self.patches.extend(frame.patches);
            self.engine
                .handle(self.now(), Input::Command(Box::new(Command::Painted)));
        }
    }

    fn command(&mut self, command: Command) {
        self.input(Input::Command(Box::new(command)));
    }

    /// Lets time pass, with every timer in its time.
    fn wait(&mut self, ms: u64) {
        let until = self.ms + ms;
        while let Some(at) = self.engine.poll_timeout().filter(|at| at.ms <= until) {
            self.ms = self.ms.max(at.ms);
            let before = self.engine.poll_timeout();
            self.input(Input::Tick);
            assert_ne!(
                (before, self.ms),
                (self.engine.poll_timeout(), at.ms.saturating_sub(1)),
                "the engine spins"
            );
        }
        self.ms = until;
        self.input(Input::Tick);
    }

    /// Everything the client sent since the last call.
    fn sent(&mut self) -> Vec<Packet> {
        while let Some(bytes) = self.engine.poll_transmit() {
            self.framer.push(bytes);
        }
        let mut packets = vec![];
        while let Some(frame) = self.framer.poll_frame().unwrap() {
            packets.push(Packet::decode(self.version, Role::Server, frame).unwrap());
        }
        packets
    }

    fn send(&mut self, packet: &Packet) {
        let mut bytes = BytesMut::new();
        packet.encode(self.version, &mut bytes).unwrap();
        self.input(Input::Bytes(bytes.freeze()));
    }

    fn answer_connect(&mut self, reason_code: ReasonCode) {
        let sent = self.sent();
        assert!(matches!(sent.as_slice(), [Packet::Connect(_)]), "{sent:?}");
        self.send(&Packet::Connack(Connack {
            session_present: false,
            reason_code,
            properties: Properties::new(),
        }));
    }

    fn publish(&mut self, topic: &str, payload: &str) {
        self.publish_as(topic, payload, false);
    }

    /// With the mark of what the broker had kept, or without.
    fn publish_as(&mut self, topic: &str, payload: &str, retain: bool) {
        let publish = PublishParts {
            dup: false,
            qos: Qos::AtMostOnce,
            retain,
            topic: Some(TopicName::parse(topic).unwrap()),
            packet_id: None,
            properties: Properties::new(),
            payload: Bytes::copy_from_slice(payload.as_bytes()),
        };
        self.send(&Packet::Publish(publish.into()));
    }

    fn close(&mut self, code: u16, reason: &str) {
        self.input(Input::Closed {
            code,
            reason: reason.to_owned(),
        });
    }

    /// What is known of the connection from the patches.
    fn connection(&self) -> ConnectionView {
        let views = self.patches.iter().rev().filter_map(|patch| match patch {
            Patch::Connection(view) => Some(view.clone()),
            _ => None,
        });
        views.into_iter().next().unwrap()
    }

    fn problem(&self) -> (ConnectionState, Option<ProblemKind>) {
        let view = self.connection();
        (view.state, view.problem.map(|problem| problem.kind))
    }

    fn cards(&self) -> Vec<&DeviceCard> {
        self.patches
            .iter()
            .filter_map(|patch| {
                if let Patch::Card(card) = patch {
                    Some(&**card)
                } else {
                    None
                }
            })
            .collect()
    }
}

fn options() -> ConnectionOptions {
    ConnectionOptions {
        url: URL.into(),
        client_id: "hearth-test".into(),
        ..ConnectionOptions::default()
    }
}

fn publication(qos: u8) -> Command {
    let message = Publication {
        topic: "a".into(),
        payload: b"1".to_vec(),
        qos,
        ..Publication::default()
    };
    Command::Publish { request: 7, message }
}
