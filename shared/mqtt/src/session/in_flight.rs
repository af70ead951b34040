//! Everything that waits for an acknowledgement of the server, in the order in which it was sent.

use std::{collections::VecDeque, ops::Range};

use crate::{MonoTime, PacketId, Qos};

use super::{
    event::{ApplicationMessage, PublishId, SubscribeId},
    misbehaviour::SessionRule,
    packet_ids::PacketIds,
};

/// A message on its way to the server.
#[derive(Debug, Clone)]
pub(crate) struct Outgoing {
    pub(crate) id: PublishId,
    pub(crate) message: ApplicationMessage,
    /// When its Message Expiry Interval is over.
    pub(crate) expires_at: Option<MonoTime>,
}

/// What an entry waits for.
#[derive(Debug)]
pub(crate) enum WaitsFor {
    /// Its turn to be sent again: it left on an earlier network connection.
    Resend(Outgoing),
    /// PUBACK: a QoS 1 message was sent.
    Puback(Outgoing),
    /// PUBREC: a QoS 2 message was sent.
    Pubrec(Outgoing),
    /// PUBCOMP: the server has the message, PUBREL was sent. The content is not needed any more.
    Pubcomp {
        id: PublishId,
        /// Counts PUBREC packets, so that a restored session keeps the order of PUBREL ([MQTT5-4.6.0-4]).
        order: u64,
    },
    /// SUBACK for these filters of a request.
    Suback(SubscribeId, Range<usize>),
    /// UNSUBACK for these filters of a request.
    Unsuback(SubscribeId, Range<usize>),
}

impl WaitsFor {
    /// Whether this counts against the server's Receive Maximum.
    fn is_open_flow(&self) -> bool {
        match self {
            Self::Puback(_) | Self::Pubrec(_) | Self::Pubcomp { .. } => true,
            Self::Resend(_) | Self::Suback(..) | Self::Unsuback(..) => false,
        }
    }

    /// What a packet of another kind breaks that comes in place of the answer.
    pub(crate) fn rule(&self) -> SessionRule {
        match self {
            Self::Resend(_) | Self::Puback(_) | Self::Pubrec(_) => SessionRule::PublishAnswer,
            Self::Pubcomp { .. } => SessionRule::PubrelAnswer,
            Self::Suback(..) => SessionRule::SubscribeAnswer,
            Self::Unsuback(..) => SessionRule::UnsubscribeAnswer,
        }
    }

    /// After the first transmission.
    pub(crate) fn sent(outgoing: Outgoing) -> Self {
        match outgoing.message.qos {
            Qos::ExactlyOnce => Self::Pubrec(outgoing),
            Qos::AtMostOnce | Qos::AtLeastOnce => Self::Puback(outgoing),
        }
    }
}

/// One packet that waits for its acknowledgement.
#[derive(Debug)]
pub(crate) struct InFlight {
    pub(crate) packet_id: PacketId,
    pub(crate) waits_for: WaitsFor,
}

/// The one list of everything in flight towards the server.
#[derive(Debug, Default)]
pub(crate) struct InFlightList {
    entries: VecDeque<InFlight>,
    packet_ids: PacketIds,
    open_flows: usize,
    waiting_resends: usize,
    /// Of all messages with their content.
    bytes: usize,
    /// No entry before this index waits to be sent again.
    resend_from: usize,
}

impl InFlightList {
    /// Messages in flight, sent on this network connection or an earlier one.
    pub(crate) fn messages(&self) -> usize {
        self.open_flows + self.waiting_resends
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &InFlight> {
        self.entries.iter()
    }

    /// What the messages are that would have to be sent again.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Messages that count against the server's Receive Maximum.
    pub(crate) fn open_flows(&self) -> usize {
        self.open_flows
    }

    /// Adds an entry at the end; none when all identifiers are in use.
    pub(crate) fn push(&mut self, waits_for: WaitsFor) -> Option<PacketId> {
        let packet_id = self.packet_ids.allocate()?;
        self.count(&waits_for, true);
        self.entries.push_back(InFlight { packet_id, waits_for });
        Some(packet_id)
    }

    /// Gives back the identifier and the entry of a packet that could not be written.
    pub(crate) fn undo_push(&mut self) -> Option<WaitsFor> {
        let index = self.entries.len().checked_sub(1)?;
        self.remove(index)
    }

    /// Adds an entry of an earlier run; false when its identifier is taken.
    pub(crate) fn restore(&mut self, packet_id: PacketId, waits_for: WaitsFor) -> bool {
        let claimed = self.packet_ids.claim(packet_id);
        if claimed {
            self.count(&waits_for, true);
            self.entries.push_back(InFlight { packet_id, waits_for });
        }
        claimed
    }

    /// Where the entry with this identifier is. Acknowledgements come in order, so it is nearly always the first.
    pub(crate) fn position(&self, packet_id: PacketId) -> Option<usize> {
        self.entries.iter().position(|entry| entry.packet_id == packet_id)
    }

    pub(crate) fn get(&self, index: usize) -> Option<&InFlight> {
        self.entries.get(index)
    }

    /// Ends an entry and frees its identifier.
    pub(crate) fn remove(&mut self, index: usize) -> Option<WaitsFor> {
        let entry = self.take(index)?;
        self.packet_ids.release(entry.packet_id);
        Some(entry.waits_for)
    }

    /// Ends a message that will not be sent again. The server may know its identifier until the session ends, and would take another
    /// QoS 2 message with it for the same: that identifier stays in use.
    pub(crate) fn abandon(&mut self, index: usize) {
        if let Some(InFlight {
            packet_id,
            waits_for: WaitsFor::Resend(outgoing),
        }) = self.take(index)
            && outgoing.message.qos != Qos::ExactlyOnce
        {
            self.packet_ids.release(packet_id);
        }
    }

    fn take(&mut self, index: usize) -> Option<InFlight> {
        let entry = self.entries.remove(index)?;
        self.note_removed(index);
        self.count(&entry.waits_for, false);
        Some(entry)
    }

    /// Changes what an entry waits for and moves it to the end.
    pub(crate) fn move_to_end(&mut self, index: usize, waits_for: WaitsFor) {
        let Some(entry) = self.take(index) else {
            return;
        };
        self.count(&waits_for, true);
        self.entries.push_back(InFlight {
            packet_id: entry.packet_id,
            waits_for,
        });
    }

    /// The first message that waits to be sent again.
    pub(crate) fn next_resend(&self) -> Option<(usize, PacketId, &Outgoing)> {
        if self.waiting_resends == 0 {
            return None;
        }
        self.entries
            .iter()
            .enumerate()
            .skip(self.resend_from)
            .find_map(|(index, entry)| match &entry.waits_for {
                WaitsFor::Resend(outgoing) => Some((index, entry.packet_id, outgoing)),
                _ => None,
            })
    }

    /// The message at `index` was sent again.
    pub(crate) fn mark_resent(&mut self, index: usize) {
        let Some(entry) = self.entries.get_mut(index) else {
            return;
        };
        match std::mem::replace(&mut entry.waits_for, WaitsFor::Unsuback(SubscribeId(0), 0..0)) {
            WaitsFor::Resend(outgoing) => {
                entry.waits_for = WaitsFor::sent(outgoing);
                self.waiting_resends -= 1;
                self.open_flows += 1;
                self.resend_from = index + 1;
            }
            other => entry.waits_for = other,
        }
    }

    /// The network connection ended: messages will be sent again, requests are asked anew by their owner.
    pub(crate) fn handle_closed(&mut self) {
        let entries = std::mem::take(&mut self.entries);
        self.open_flows = 0;
        self.waiting_resends = 0;
        self.bytes = 0;
        self.resend_from = 0;
        for InFlight { packet_id, waits_for } in entries {
            let waits_for = match waits_for {
                WaitsFor::Puback(outgoing) | WaitsFor::Pubrec(outgoing) => WaitsFor::Resend(outgoing),
                WaitsFor::Suback(..) | WaitsFor::Unsuback(..) => {
                    self.packet_ids.release(packet_id);
                    continue;
                }
                WaitsFor::Resend(_) | WaitsFor::Pubcomp { .. } => waits_for,
            };
            self.count(&waits_for, true);
            self.entries.push_back(InFlight { packet_id, waits_for });
        }
    }

    /// The server forgot the session: hands out everything and frees all identifiers.
    pub(crate) fn take_all(&mut self) -> VecDeque<InFlight> {
        self.packet_ids = PacketIds::default();
        self.open_flows = 0;
        self.waiting_resends = 0;
        self.bytes = 0;
        self.resend_from = 0;
        std::mem::take(&mut self.entries)
    }

    fn note_removed(&mut self, index: usize) {
        if index < self.resend_from {
            self.resend_from -= 1;
        }
    }

    fn count(&mut self, waits_for: &WaitsFor, added: bool) {
        let bytes = match waits_for {
            WaitsFor::Resend(it) | WaitsFor::Puback(it) | WaitsFor::Pubrec(it) => it.message.cost(),
            WaitsFor::Pubcomp { .. } | WaitsFor::Suback(..) | WaitsFor::Unsuback(..) => 0,
        };
        self.bytes = match added {
            true => self.bytes + bytes,
            false => self.bytes.saturating_sub(bytes),
        };
        let count = match waits_for {
            WaitsFor::Resend(_) => &mut self.waiting_resends,
            _ if waits_for.is_open_flow() => &mut self.open_flows,
            _ => return,
        };
        *count = if added {
            *count + 1
        } else {
            count.saturating_sub(1)
        };
    }
}
