//! The few MQTT 3.1.1 packets of the load, written by hand: what is measured here shares no code with what measures.

/// The topic of every message.
pub(crate) const TOPIC: &str = "bench/relay/load";

/// Bytes of every payload; the first eight are a number of the sender's.
pub(crate) const PAYLOAD_BYTES: usize = 100;

/// CONNACK that accepts.
pub(crate) const CONNACK: [u8; 4] = [0x20, 2, 0, 0];

fn packet(first_byte: u8, body: &[u8]) -> Vec<u8> {
    assert!(
        body.len() < 16_384,
        "two bytes of Remaining Length are enough here"
    );
    let mut packet = vec![first_byte];
    match body.len() {
        short @ 0..128 => packet.push(short as u8),
        long => packet.extend([(long & 0x7F) as u8 | 0x80, (long >> 7) as u8]),
    }
    packet.extend(body);
    packet
}

fn text(text: &str) -> Vec<u8> {
    let mut bytes = (text.len() as u16).to_be_bytes().to_vec();
    bytes.extend(text.bytes());
    bytes
}

/// CONNECT with a clean session and no keep-alive.
pub(crate) fn connect(client_id: &str) -> Vec<u8> {
    packet(
        0x10,
        &[text("MQTT"), vec![4, 0x02, 0, 0], text(client_id)].concat(),
    )
}

/// SUBSCRIBE to the topic of the load.
pub(crate) fn subscribe(qos: u8) -> Vec<u8> {
    packet(0x82, &[vec![0, 1], text(TOPIC), vec![qos]].concat())
}

/// PUBLISH of `number`; QoS 0 without a packet identifier.
pub(crate) fn publish(packet_id: Option<u16>, number: u64) -> Vec<u8> {
    let mut body = text(TOPIC);
    body.extend(packet_id.iter().flat_map(|id| id.to_be_bytes()));
    body.extend(number.to_be_bytes());
    body.extend([b'x'; PAYLOAD_BYTES - 8]);
    packet(if packet_id.is_some() { 0x32 } else { 0x30 }, &body)
}

/// PUBACK.
pub(crate) fn puback(packet_id: [u8; 2]) -> [u8; 4] {
    [0x40, 2, packet_id[0], packet_id[1]]
}

/// What a subscriber sees of a PUBLISH.
pub(crate) struct Received {
    pub(crate) packet_id: Option<[u8; 2]>,
    pub(crate) number: u64,
}

/// Takes a packet of the load apart; nothing when it is not PUBLISH.
pub(crate) fn received(packet: &[u8]) -> Option<Received> {
    if packet[0] & 0xF0 != 0x30 {
        return None;
    }
    let header = if packet[1] & 0x80 == 0 { 2 } else { 3 };
    let behind_topic = header + 2 + TOPIC.len();
    let has_id = packet[0] & 0x06 != 0;
    let payload = behind_topic + if has_id { 2 } else { 0 };
    Some(Received {
        packet_id: has_id.then(|| [packet[behind_topic], packet[behind_topic + 1]]),
        number: u64::from_be_bytes(packet[payload..payload + 8].try_into().ok()?),
    })
}

/// The length of the whole packet at the beginning, once it has arrived.
pub(crate) fn whole_len(bytes: &[u8]) -> Option<usize> {
    let len = match *bytes {
        [_, len @ 0..128, ..] => 2 + usize::from(len),
        [_, low, high, ..] => 3 + (usize::from(low & 0x7F) | usize::from(high) << 7),
        _ => return None,
    };
    (bytes.len() >= len).then_some(len)
}
