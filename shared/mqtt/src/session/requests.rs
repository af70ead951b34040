//! SUBSCRIBE and UNSUBSCRIBE on the wire: cut to what the server allows.

use std::ops::Range;

use crate::{
    MonoTime, Packet, PacketId, Properties, Property, ProtocolVersion, ReasonCode, Subscribe,
    SubscriptionOptions, Unsubscribe,
};

use super::{
    Session,
    event::SubscribeId,
    in_flight::WaitsFor,
    limits::Limits,
    state::State,
    subscriptions::{Request, RequestKind, Subscription},
};

/// What to do with the next part of a request.
enum Part {
    /// Send this packet once it has an identifier.
    Send(SubscribeId, RequestKind, Range<usize>, Vec<Subscription>),
    /// The server would refuse this one with this code.
    Refuse(SubscribeId, usize, ReasonCode),
}

impl Session {
    /// Sends the next packet of a request; false when there is nothing to send or no identifier is free.
    pub(crate) fn send_next_request(&mut self, now: MonoTime) -> bool {
        let State::Connected(connection) = &self.state else {
            return false;
        };
        let Some((request, range)) = self.subscriptions.next_unsent() else {
            return false;
        };
        let (id, kind, range, filters) = match plan(&connection.limits, request, range) {
            Part::Send(id, kind, range, filters) => (id, kind, range, filters),
            Part::Refuse(id, index, code) => {
                self.answer_request(id, index..index + 1, [code]);
                return true;
            }
        };
        let waits_for = match kind {
            RequestKind::Subscribe | RequestKind::Resubscribe => WaitsFor::Suback(id, range.clone()),
            RequestKind::Unsubscribe => WaitsFor::Unsuback(id, range.clone()),
        };
        let Some(packet_id) = self.outbound.in_flight.push(waits_for) else {
            return false;
        };
        self.subscriptions.mark_sent(id, &range);
        if !self.write(now, &packet(self.version, kind, packet_id, &filters)) {
            self.outbound.in_flight.undo_push();
            let codes = vec![ReasonCode::UNSPECIFIED_ERROR; range.len()];
            self.answer_request(id, range, codes);
        }
        true
    }

    /// Notes results for a part of a request, and reports when all are there.
    pub(crate) fn answer_request(
        &mut self,
        id: SubscribeId,
        range: Range<usize>,
        codes: impl IntoIterator<Item = ReasonCode>,
    ) {
        let event = self.subscriptions.handle_results(id, range, codes, &mut self.log);
        self.events.extend(event);
    }
}

/// The longest part of a request that the server takes as one packet.
fn plan(limits: &Limits, request: &Request, range: Range<usize>) -> Part {
    let start = range.start;
    let wanted = request.filters.get(range).unwrap_or_default();
    let refusal = |it: &Subscription| match request.kind {
        RequestKind::Subscribe | RequestKind::Resubscribe => limits.subscription_refusal(it),
        RequestKind::Unsubscribe => limits.unsubscription_refusal(&it.filter),
    };
    if let Some(code) = wanted.first().and_then(refusal) {
        return Part::Refuse(request.id, start, code);
    }
    let allowed = wanted.iter().take_while(|it| refusal(it).is_none()).count();
    let mut filters = wanted.get(..allowed).unwrap_or_default();
    // [MQTT5-3.2.2-15] no packet above the server's maximum: halved until it fits.
    while !limits
        .fits(packet(limits.version, request.kind, PacketId::FIRST, filters).encoded_len(limits.version))
    {
        if filters.len() <= 1 {
            return Part::Refuse(request.id, start, ReasonCode::PACKET_TOO_LARGE);
        }
        filters = filters.get(..filters.len() / 2).unwrap_or_default();
    }
    Part::Send(
        request.id,
        request.kind,
        start..start + filters.len(),
        filters.to_vec(),
    )
}

fn packet(
    version: ProtocolVersion,
    kind: RequestKind,
    packet_id: PacketId,
    filters: &[Subscription],
) -> Packet {
    let properties = Properties::new();
    match kind {
        RequestKind::Subscribe | RequestKind::Resubscribe => Packet::Subscribe(Subscribe {
            packet_id,
            filters: filters
                .iter()
                .map(|it| (it.filter.clone(), options(version, it.options)))
                .collect(),
            properties: subscribe_properties(version, filters),
        }),
        RequestKind::Unsubscribe => Packet::Unsubscribe(Unsubscribe {
            packet_id,
            filters: filters.iter().map(|it| it.filter.clone()).collect(),
            properties,
        }),
    }
}

/// 3.1.1 knows the maximum QoS only.
fn options(version: ProtocolVersion, options: SubscriptionOptions) -> SubscriptionOptions {
    match version {
        ProtocolVersion::V5 => options,
        ProtocolVersion::V311 => SubscriptionOptions::at_most(options.maximum_qos),
    }
}

fn subscribe_properties(version: ProtocolVersion, filters: &[Subscription]) -> Properties {
    let mut properties = Properties::new();
    if let (ProtocolVersion::V5, Some(id)) = (version, filters.first().and_then(|it| it.subscription_id)) {
        // Checked when the command was given: 1..=268,435,455.
        let _ = properties.push(&Property::SubscriptionIdentifier(id));
    }
    properties
}
