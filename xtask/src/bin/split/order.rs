//! The order in which functions stand: those that are alike side by side, because what is near costs a compressor less to name.
//!
//! By names alone a first visit is 10 KB larger. The order means nothing to the code.

use std::cmp::Reverse;

/// Two functions are alike in so far as they have pieces of this many bytes in common …
const PIECE_BYTES: usize = 5;
/// … which are in no more functions than this.
const COMMON: usize = 1_000;
/// What a function before the last one counts, against the last one.
const FADES: f64 = 0.5;
/// How much longer functions are held back: they have more in common with any other.
const LENGTH_POWER: f64 = 0.3;

/// The places of the bodies in the new order: each time the one that is most like the last few.
pub(crate) fn alike(bodies: &[&[u8]]) -> Vec<usize> {
    let (pieces, pieces_of) = pieces(bodies);
    let lengths: Vec<f64> = pieces_of
        .iter()
        .map(|of| (of.len() as f64 + 8.0).powf(LENGTH_POWER))
        .collect();
    let mut alike = vec![0.0; bodies.len()];
    // Fading is to count what comes later for more.
    let mut weight = 1.0;
    let mut left: Vec<usize> = (0..bodies.len()).collect();
    let mut order = Vec::with_capacity(bodies.len());
    let mut at = 0;
    while !left.is_empty() {
        let next = left.remove(at);
        order.push(next);
        for piece in pieces_of.get(next).into_iter().flatten() {
            let Some(functions) = pieces.get(*piece) else {
                continue;
            };
            let rare = 1.0 + (COMMON as f64 / functions.len() as f64).ln();
            for function in functions {
                if let Some(alike) = alike.get_mut(*function) {
                    *alike += weight * rare;
                }
            }
        }
        weight /= FADES;
        if weight > 1e100 {
            alike.iter_mut().for_each(|alike| *alike /= weight);
            weight = 1.0;
        }
        let score = |function: usize| alike.get(function).zip(lengths.get(function)).map(|(a, b)| a / b);
        let scores = left.iter().map(|function| score(*function).unwrap_or_default());
        // Among equals the first, so that what has no like follows the order that it has.
        let best = scores
            .zip((0..).map(Reverse))
            .max_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        at = best.map_or(0, |(_, Reverse(at))| at);
    }
    order
}

/// In which functions each piece is, and which pieces each function has.
fn pieces(bodies: &[&[u8]]) -> (Vec<Vec<usize>>, Vec<Vec<usize>>) {
    let mut all: Vec<(&[u8], usize)> = Vec::new();
    for (function, body) in bodies.iter().enumerate() {
        all.extend(body.windows(PIECE_BYTES).map(|piece| (piece, function)));
    }
    all.sort_unstable();
    all.dedup();
    let mut pieces = Vec::new();
    let mut pieces_of = vec![Vec::new(); bodies.len()];
    for group in all.chunk_by(|a, b| a.0 == b.0) {
        if (2..=COMMON).contains(&group.len()) {
            for (_, function) in group {
                if let Some(of) = pieces_of.get_mut(*function) {
                    of.push(pieces.len());
                }
            }
            pieces.push(group.iter().map(|(_, function)| *function).collect());
        }
    }
    (pieces, pieces_of)
}
