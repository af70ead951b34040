//! Sorting at the size of one sort, for lists of all types.
//!
//! The standard library's sort is the fastest there is, and 5 KB of the page for each type and order it is used
//! with. Here it is used once, for places in a list.

use std::cmp::Ordering;

/// Sorts a list; what is equal keeps its order.
pub fn sort_by<T>(items: &mut [T], compare: impl Fn(&T, &T) -> Ordering) {
    let swaps = {
        let items = &*items;
        swaps(
            items.len(),
            &|a, b| match (items.get(a as usize), items.get(b as usize)) {
                (Some(a), Some(b)) => compare(a, b),
                _ => Ordering::Equal,
            },
        )
    };
    for (a, b) in swaps {
        items.swap(a as usize, b as usize);
    }
}

/// Sorts a list by what `key` gives for each; what is equal keeps its order.
pub fn sort_by_key<T, K: Ord>(items: &mut [T], key: impl Fn(&T) -> K) {
    sort_by(items, |a, b| key(a).cmp(&key(b)));
}

/// The swaps, one after the other, that bring a list of `len` into order.
#[inline(never)]
#[cfg_attr(not(test), expect(clippy::disallowed_methods, reason = "the one"))]
fn swaps(len: usize, compare: &dyn Fn(u32, u32) -> Ordering) -> Vec<(u32, u32)> {
    // Nothing here has four thousand million entries: memory ends first.
    let mut from: Vec<u32> = (0..u32::try_from(len).unwrap_or(u32::MAX)).collect();
    from.sort_by(|a, b| compare(*a, *b));
    let mut swaps = Vec::new();
    for start in 0..from.len() {
        // Along one cycle: each place gets what belongs there, the rest travels with the hole.
        let mut place = start;
        while let Some(next) = from.get(place).map(|next| *next as usize)
            && next != start
        {
            swaps.push((place as u32, next as u32));
            if let Some(held) = from.get_mut(place) {
                *held = place as u32;
            }
            place = next;
        }
        if let Some(held) = from.get_mut(place) {
            *held = place as u32;
        }
    }
    swaps
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn lists_are_sorted_as_the_standard_library_does(items in proptest::collection::vec((0_u8..20, proptest::num::u8::ANY), 0..200)) {
            let (mut ours, mut theirs) = (items.clone(), items);
            sort_by_key(&mut ours, |item| item.0);
            theirs.sort_by_key(|item| item.0);
            proptest::prop_assert_eq!(ours, theirs);
        }
    }
}
