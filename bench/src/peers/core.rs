//! mqtt-protocol-core.

use std::hint::black_box;

use mqtt_protocol_core::mqtt::{
    common::Cursor,
    connection::{PacketBuildResult, PacketBuilder, PacketData, RawPacket},
    packet::{v3_1_1, v5_0},
};

use crate::{Entry, work::Stream};

pub(crate) const NAME: &str = "mqtt-protocol-core 0.7";

fn decode(stream: &Stream, parse: fn(RawPacket)) -> Entry {
    let stream = stream.clone();
    Entry::new(NAME, move || {
        stream.for_each_part(|_, chunks| {
            let mut builder = PacketBuilder::with_maximum_packet_size(1 << 20);
            let mut packets = 0;
            let mut buffer = Vec::new();
            for chunk in chunks {
                buffer.clear();
                buffer.extend_from_slice(chunk);
                let mut cursor = Cursor::new(&buffer[..]);
                loop {
                    match builder.feed(&mut cursor) {
                        PacketBuildResult::Complete(packet) => {
                            parse(packet);
                            packets += 1;
                        }
                        PacketBuildResult::Incomplete => break,
                        PacketBuildResult::Error(error) => panic!("{error:?}"),
                    }
                }
            }
            packets
        })
    })
}

macro_rules! parse {
    ($name:ident, $version:ident, $($auth:tt)?) => {
        fn $name(packet: RawPacket) {
            let kind = packet.packet_type();
            let flags = packet.flags();
            let data = match packet.data {
                PacketData::Publish(data) => {
                    black_box($version::Publish::parse(flags, data).expect("sound"));
                    return;
                }
                PacketData::Normal(data) => data,
            };
            match kind {
                1 => drop(black_box($version::Connect::parse(&data).expect("sound"))),
                2 => drop(black_box($version::Connack::parse(&data).expect("sound"))),
                4 => drop(black_box($version::Puback::parse(&data).expect("sound"))),
                5 => drop(black_box($version::Pubrec::parse(&data).expect("sound"))),
                6 => drop(black_box($version::Pubrel::parse(&data).expect("sound"))),
                7 => drop(black_box($version::Pubcomp::parse(&data).expect("sound"))),
                8 => drop(black_box($version::Subscribe::parse(&data).expect("sound"))),
                9 => drop(black_box($version::Suback::parse(&data).expect("sound"))),
                10 => drop(black_box($version::Unsubscribe::parse(&data).expect("sound"))),
                11 => drop(black_box($version::Unsuback::parse(&data).expect("sound"))),
                12 => drop(black_box($version::Pingreq::parse(&data).expect("sound"))),
                13 => drop(black_box($version::Pingresp::parse(&data).expect("sound"))),
                14 => drop(black_box($version::Disconnect::parse(&data).expect("sound"))),
                $(15 => drop(black_box($version::$auth::parse(&data).expect("sound"))),)?
                other => panic!("packet type {other}"),
            }
        }
    };
}
parse!(v3, v3_1_1,);
parse!(v5, v5_0, Auth);

pub(crate) fn decode_v3(stream: &Stream) -> Entry {
    decode(stream, v3)
}

pub(crate) fn decode_v5(stream: &Stream) -> Entry {
    decode(stream, v5)
}
