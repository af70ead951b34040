//! A broker that keeps its part of QoS 2, and a page that is killed between any two steps: also between a transaction
//! and the packet that waits for it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use hearth_mqtt::PacketId;

use super::*;

const MESSAGES: u32 = 12;
const LIVES: u32 = 6;
const RUNS: u32 = 400;

/// xorshift: the same run for the same seed.
struct Random(u32);

impl Random {
    fn below(&mut self, n: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0 % n
    }
}

/// One session at a broker.
#[derive(Default)]
struct Broker {
    has_session: bool,
    is_subscribed: bool,
    /// How often each message of the page was passed on.
    delivered: BTreeMap<Bytes, u32>,
    /// Packet ids of the page whose PUBLISH was passed on and whose PUBREL did not come.
    unreleased: BTreeSet<PacketId>,
    /// Messages for the page that have no PUBREC yet, and those that have no PUBCOMP yet.
    outgoing: BTreeMap<PacketId, PublishParts>,
    released: BTreeSet<PacketId>,
    to_page: VecDeque<Packet>,
}

fn ack(packet_id: PacketId) -> Ack {
    Ack {
        packet_id,
        reason_code: ReasonCode::SUCCESS,
        properties: Properties::new(),
    }
}

impl Broker {
    fn new() -> Self {
        let mut broker = Self::default();
        for n in 1..=MESSAGES {
            let packet_id = PacketId::new(u16::try_from(n).unwrap()).unwrap();
            let publish = PublishParts {
                dup: false,
                qos: Qos::ExactlyOnce,
                retain: false,
                topic: Some(TopicName::parse("in").unwrap()),
                packet_id: Some(packet_id),
                properties: Properties::new(),
                payload: Bytes::from(n.to_string()),
            };
            broker.outgoing.insert(packet_id, publish);
        }
        broker
    }

    fn send_all(&mut self, dup: bool) {
        for publish in self.outgoing.values() {
            let publish = PublishParts {
                dup,
                ..publish.clone()
            };
            self.to_page.push_back(Packet::Publish(publish.into()));
        }
        self.to_page
            .extend(self.released.iter().map(|id| Packet::Pubrel(ack(*id))));
    }

    fn handle(&mut self, packet: Packet) {
        match packet {
            Packet::Connect(connect) => {
                let is_used = self.is_subscribed || !self.delivered.is_empty();
                assert!(!connect.clean_start || !is_used, "the session was left");
                self.has_session &= !connect.clean_start;
                self.to_page.push_back(Packet::Connack(Connack {
                    session_present: self.has_session,
                    reason_code: ReasonCode::SUCCESS,
                    properties: Properties::new(),
                }));
                self.has_session = true;
                if self.is_subscribed {
                    self.send_all(true);
                }
            }
            Packet::Publish(publish) => {
                let id = publish.packet_id.unwrap();
                if self.unreleased.insert(id) {
                    *self.delivered.entry(publish.into_parts().payload).or_default() += 1;
                }
                self.to_page.push_back(Packet::Pubrec(ack(id)));
            }
            Packet::Pubrel(it) => {
                self.unreleased.remove(&it.packet_id);
                self.to_page.push_back(Packet::Pubcomp(ack(it.packet_id)));
            }
            Packet::Pubrec(it) => {
                self.outgoing.remove(&it.packet_id);
                self.released.insert(it.packet_id);
                self.to_page.push_back(Packet::Pubrel(ack(it.packet_id)));
            }
            Packet::Pubcomp(it) => drop(self.released.remove(&it.packet_id)),
            Packet::Subscribe(it) => {
                if !std::mem::replace(&mut self.is_subscribed, true) {
                    self.send_all(false);
                }
                self.to_page.push_back(Packet::Suback(Suback {
                    packet_id: it.packet_id,
                    reason_codes: vec![ReasonCode(2); it.filters.len()],
                    properties: Properties::new(),
                }));
            }
            _ => {}
        }
    }
}

/// The page, the broker, and what is between them.
struct World {
    bench: Bench,
    broker: Broker,
    to_broker: VecDeque<Packet>,
}

impl World {
    fn step(&mut self, what: u32) {
        match what {
            0 => self.bench.end_write(),
            1 => {
                let sent = self.bench.sent();
                self.to_broker.extend(sent);
            }
            2 => {
                if let Some(packet) = self.to_broker.pop_front() {
                    self.broker.handle(packet);
                }
            }
            _ => {
                if let Some(packet) = self.broker.to_page.pop_front() {
                    self.bench.send(&packet);
                }
            }
        }
    }

    fn kill(self, random: &mut Random) -> Self {
        let Self {
            mut bench,
            mut broker,
            ..
        } = self;
        broker.to_page.clear();
        // A transaction that was asked for may still come to its end.
        let kept = random.below(u32::try_from(bench.disk.under_way.len()).unwrap() + 1);
        for _ in 0..kept {
            if let Some(write) = bench.disk.under_way.pop_front() {
                bench.disk.apply(&write).unwrap();
            }
        }
        let mut bench = bench.reload();
        start(&mut bench);
        Self {
            bench,
            broker,
            to_broker: VecDeque::new(),
        }
    }

    fn settle(&mut self) {
        for _ in 0..1_000 {
            for what in 0..4 {
                self.step(what);
            }
        }
    }
}

fn start(bench: &mut Bench) {
    bench.disk.hesitates = false;
    bench.command(Command::Connect(Box::new(options())));
    bench.disk.hesitates = true;
    bench.input(Input::Opened);
}

fn run(seed: u32) {
    let mut random = Random(seed);
    let mut bench = Bench::new();
    start(&mut bench);
    // Published and stored before anything goes wrong: these must arrive.
    bench.command(many(MESSAGES, 2));
    let mut world = World {
        bench,
        broker: Broker::new(),
        to_broker: VecDeque::new(),
    };
    for _ in 0..4 {
        world.step(0);
    }
    for _ in 0..LIVES {
        for _ in 0..random.below(80) {
            let what = random.below(4);
            world.step(what);
        }
        world = world.kill(&mut random);
    }
    world.settle();
    let delivered: Vec<_> = world.broker.delivered.values().copied().collect();
    assert_eq!(
        delivered, [1; MESSAGES as usize],
        "seed {seed}: {:?}",
        world.broker.delivered
    );
    let received = world.bench.counters().received;
    assert_eq!(received, u64::from(MESSAGES), "seed {seed}");
    assert_eq!(world.bench.counters().queued, 0, "seed {seed}");
}

#[test]
fn a_page_killed_at_any_moment_neither_loses_nor_repeats_a_message() {
    for seed in 1..=RUNS {
        run(seed.wrapping_mul(0x9e37_79b9) | 1);
    }
}
