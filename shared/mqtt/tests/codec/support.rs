//! Bytes written so that a reader can check them, and the checks every vector goes through.

use hearth_mqtt::{
    Bytes, BytesMut, DecodeError, Framer, Packet, PacketId, ProtocolVersion, Role, Rule, TopicFilter,
    TopicName,
};

pub(crate) use hearth_mqtt::ProtocolVersion::{V5, V311};

/// Bytes from hexadecimal text; `#` starts a comment, `"…"` stands for ASCII text.
pub(crate) fn hex(text: &str) -> Bytes {
    let mut out = Vec::new();
    for line in text.lines() {
        for (index, part) in line.split('"').enumerate() {
            if index % 2 == 1 {
                out.extend_from_slice(part.as_bytes());
                continue;
            }
            let (code, comment) = part.split_once('#').unwrap_or((part, ""));
            for byte in code.split_whitespace() {
                out.push(u8::from_str_radix(byte, 16).unwrap_or_else(|_| panic!("not a byte: {byte}")));
            }
            if code.len() != part.len() || !comment.is_empty() {
                break;
            }
        }
    }
    out.into()
}

pub(crate) fn id(number: u16) -> PacketId {
    PacketId::new(number).expect("not zero")
}

pub(crate) fn name(text: &str) -> TopicName {
    TopicName::parse(text).expect("a topic name")
}

pub(crate) fn filter(text: &str) -> TopicFilter {
    TopicFilter::parse(text).expect("a topic filter")
}

/// Body behind a fixed header with the right Remaining Length.
pub(crate) fn framed(first_byte: u8, body: &[u8]) -> Bytes {
    let mut out = vec![first_byte];
    let mut len = body.len();
    loop {
        let more = len > 0x7F;
        out.push((len & 0x7F) as u8 | if more { 0x80 } else { 0 });
        len >>= 7;
        if !more {
            break;
        }
    }
    out.extend_from_slice(body);
    out.into()
}

pub(crate) fn decode(version: ProtocolVersion, receiver: Role, wire: &Bytes) -> Result<Packet, DecodeError> {
    Packet::decode_exact(version, receiver, wire.clone())
}

pub(crate) fn encode(version: ProtocolVersion, packet: &Packet) -> Bytes {
    let mut out = BytesMut::new();
    packet.encode(version, &mut out).expect("can be written");
    assert_eq!(
        out.len(),
        packet.encoded_len(version),
        "the length is known before: {packet:?}"
    );
    out.freeze()
}

/// A vector: these bytes are this packet, and this packet is these bytes. Cuts are refused.
pub(crate) fn check(version: ProtocolVersion, receiver: Role, wire: &str, packet: &Packet) {
    let wire = hex(wire);
    assert_eq!(decode(version, receiver, &wire).as_ref(), Ok(packet));
    assert_eq!(encode(version, packet), wire, "{packet:?}");
    check_cuts(version, receiver, &wire);
}

/// As [`check`], for bytes that are not the form we write.
pub(crate) fn check_reads(version: ProtocolVersion, receiver: Role, wire: &str, packet: &Packet) {
    let wire = hex(wire);
    assert_eq!(decode(version, receiver, &wire).as_ref(), Ok(packet));
    assert_eq!(
        decode(version, receiver, &encode(version, packet)).as_ref(),
        Ok(packet)
    );
}

/// Cut at every length, a packet is waited for; with the Remaining Length cut too it is another packet or none.
pub(crate) fn check_cuts(version: ProtocolVersion, receiver: Role, wire: &Bytes) {
    for len in 0..wire.len() {
        let mut framer = Framer::new(u32::MAX);
        framer.push(wire.slice(..len));
        assert_eq!(framer.poll_frame(), Ok(None), "cut at {len}");
        assert_eq!(framer.buffered_bytes(), len);
        let error = decode(version, receiver, &wire.slice(..len)).expect_err("cut");
        assert_eq!(error.rule(), Rule::Truncated, "cut at {len}");
    }
    let whole = decode(version, receiver, wire);
    let body = wire.slice(
        wire.iter()
            .skip(1)
            .position(|byte| byte & 0x80 == 0)
            .map_or(0, |at| at + 2)..,
    );
    for len in 0..body.len() {
        let shorter = decode(version, receiver, &framed(wire[0], &body[..len]));
        assert_ne!(shorter, whole, "cut at {len}");
    }
}

/// These bytes break this rule in a field whose name holds `field`.
pub(crate) fn check_bad(version: ProtocolVersion, receiver: Role, wire: &str, rule: Rule, field: &str) {
    let wire = hex(wire);
    let error = match decode(version, receiver, &wire) {
        Ok(packet) => panic!("{wire:02x?} was taken for {packet:?}"),
        Err(error) => error,
    };
    assert_eq!(error.rule(), rule, "{error}");
    assert!(error.field().contains(field), "{error} does not name {field}");
    assert!(
        error
            .statement()
            .starts_with(if version.is_v5() { "MQTT5-" } else { "MQTT311-" })
    );
    assert!(error.to_string().contains(error.statement()));
}
