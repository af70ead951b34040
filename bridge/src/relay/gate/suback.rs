//! SUBSCRIBEs of which a part was refused: their SUBACK is completed when it comes.

use std::collections::HashMap;

use hearth_mqtt::{PacketId, ReasonCode};

/// Filters of all open SUBSCRIBEs with a refused part. Beyond it they are refused whole.
const MAX_FILTERS: usize = 10_000;

/// Which places of an open SUBSCRIBE were refused.
#[derive(Debug, Default)]
pub(super) struct PartlyRefused {
    open: HashMap<PacketId, Box<[bool]>>,
    filters: usize,
}

impl PartlyRefused {
    pub(super) fn contains(&self, packet_id: PacketId) -> bool {
        self.open.contains_key(&packet_id)
    }

    /// Remembers which filters are allowed; `false` when there is no room. An identifier that is open is never inserted again.
    pub(super) fn insert(&mut self, packet_id: PacketId, allowed: &[bool]) -> bool {
        if self.filters + allowed.len() > MAX_FILTERS {
            return false;
        }
        self.filters += allowed.len();
        self.open.insert(packet_id, allowed.into());
        true
    }

    /// Is this SUBSCRIBE one of them? It is forgotten then.
    pub(super) fn remove(&mut self, packet_id: PacketId) -> Option<Box<[bool]>> {
        let allowed = self.open.remove(&packet_id)?;
        self.filters -= allowed.len();
        Some(allowed)
    }
}

/// The broker's codes at the places of the filters that it saw, `refusal` at the others.
pub(super) fn complete(allowed: &[bool], codes: &[ReasonCode], refusal: ReasonCode) -> Vec<ReasonCode> {
    let mut codes = codes.iter().copied();
    let places = allowed.iter().map(|allowed| match allowed {
        // A broker that answers too little has not granted the rest.
        true => codes.next().unwrap_or(ReasonCode::UNSPECIFIED_ERROR),
        false => refusal,
    });
    places.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_stand_at_their_places() {
        let (yes, no) = (true, false);
        let granted = [ReasonCode::GRANTED_QOS_1, ReasonCode::GRANTED_QOS_2];
        let completed = complete(&[no, yes, no, yes, no], &granted, ReasonCode::NOT_AUTHORIZED);
        assert_eq!(completed.map_codes(), [0x87, 1, 0x87, 2, 0x87]);
        assert_eq!(
            complete(&[yes, yes], &granted[..1], ReasonCode::NOT_AUTHORIZED).map_codes(),
            [1, 0x80]
        );
    }

    trait Codes {
        fn map_codes(&self) -> Vec<u8>;
    }

    impl Codes for Vec<ReasonCode> {
        fn map_codes(&self) -> Vec<u8> {
            self.iter().map(|code| code.0).collect()
        }
    }

    #[test]
    fn what_is_remembered_is_bounded_and_given_back() {
        let mut open = PartlyRefused::default();
        let id = |number| PacketId::new(number).unwrap();
        assert!(open.insert(id(1), &[true; MAX_FILTERS - 1]));
        assert!(!open.insert(id(2), &[true, false]));
        assert!(open.contains(id(1)) && !open.contains(id(2)));
        assert_eq!(open.remove(id(1)).as_deref(), Some(&[true; MAX_FILTERS - 1][..]));
        assert_eq!(open.remove(id(1)), None);
        assert!(open.insert(id(2), &[true, false]), "there is room again");
        assert_eq!(open.remove(id(2)).as_deref(), Some(&[true, false][..]));
        assert!(open.open.is_empty() && open.filters == 0);
    }
}
