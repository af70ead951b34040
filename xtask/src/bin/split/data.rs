//! Which bytes of memory go with which part.

use std::collections::BTreeSet;

use crate::linked::{Linked, Memory};

/// Fewer bytes than this between two pieces go with them: a piece of its own says where it begins, and how long it is.
/// Constants are never written to, so that it does no harm to write them again.
const GAP_BYTES: usize = 8;

/// What memory holds: pieces with their addresses.
#[derive(Debug, Default)]
pub(crate) struct Constants {
    /// With the first module, and with each part.
    pub(crate) first: Vec<(u32, Vec<u8>)>,
    pub(crate) parts: Vec<Vec<(u32, Vec<u8>)>>,
}

impl Constants {
    pub(crate) fn of(memory: &Memory, linked: &Linked, places: &[BTreeSet<usize>], parts: usize) -> Self {
        // What belongs to no constant that goes, stays.
        let mut goes: Vec<Option<BTreeSet<usize>>> = vec![None; memory.bytes.len()];
        for (symbol, parts) in linked.symbols.iter().zip(places) {
            for at in symbol.place.clone() {
                let Some(place) = at
                    .checked_sub(memory.from)
                    .and_then(|at| goes.get_mut(at as usize))
                else {
                    continue;
                };
                match place {
                    None => *place = Some(parts.clone()),
                    // Two constants share it: it goes only if both do.
                    Some(others) if others.is_empty() || parts.is_empty() => others.clear(),
                    Some(others) => others.extend(parts),
                }
            }
        }
        let stays = |goes: &Option<BTreeSet<usize>>| goes.as_ref().is_none_or(BTreeSet::is_empty);
        let first: Vec<bool> = goes.iter().map(stays).collect();
        let of = |part: usize| -> Vec<bool> {
            let goes = goes.iter();
            goes.map(|goes| goes.as_ref().is_some_and(|goes| goes.contains(&part)))
                .collect()
        };
        Self {
            first: pieces(memory, &first),
            parts: (0..parts).map(|part| pieces(memory, &of(part))).collect(),
        }
    }
}

fn pieces(memory: &Memory, wanted: &[bool]) -> Vec<(u32, Vec<u8>)> {
    let mut pieces: Vec<(u32, Vec<u8>)> = Vec::new();
    let mut gap: Vec<u8> = Vec::new();
    for ((byte, wanted), address) in memory.bytes.iter().zip(wanted).zip(memory.from..) {
        if !wanted {
            gap.push(*byte);
            continue;
        }
        match pieces.last_mut() {
            Some((_, piece)) if gap.len() < GAP_BYTES => {
                piece.append(&mut gap);
                piece.push(*byte);
            }
            _ => {
                gap.clear();
                pieces.push((address, vec![*byte]));
            }
        }
        gap.clear();
    }
    pieces
}
