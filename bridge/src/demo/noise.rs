//! Randomness that is the same for the same seed, whenever it is asked.

use super::time::{Moment, to_f64};

/// A well-mixed number of two (the finaliser of SplitMix64).
pub(super) fn mix(seed: u64, value: u64) -> u64 {
    let mut mixed = seed
        ^ value
            .wrapping_mul(0x9E37_79B9_7F4A_7C15)
            .wrapping_add(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

/// Between 0 and 1.
pub(super) fn unit(seed: u64, value: u64) -> f64 {
    to_f64(mix(seed, value) >> 11) / to_f64(1 << 53)
}

/// Wanders smoothly between -1 and 1, about once per period.
pub(super) fn wander(seed: u64, now: Moment, period_ms: u64) -> f64 {
    let period_ms = period_ms.max(1);
    let slot = now.home_ms / period_ms;
    let within = to_f64(now.home_ms % period_ms) / to_f64(period_ms);
    let eased = within * within * (3.0 - 2.0 * within);
    let (from, to) = (unit(seed, slot), unit(seed, slot + 1));
    (from + (to - from) * eased) * 2.0 - 1.0
}

/// Is something going on that happens about `times_per_day` times, more in the day than at night, and lasts
/// `lasts_ms`? The answer hangs on nothing but seed and time.
pub(super) fn happens(seed: u64, now: Moment, times_per_day: u64, lasts_ms: u64) -> bool {
    let slot_ms = (86_400_000 / times_per_day.max(1)).max(lasts_ms + 1);
    let (slot, within) = (now.home_ms / slot_ms, now.home_ms % slot_ms);
    let starts = mix(seed, slot.wrapping_mul(2)) % (slot_ms - lasts_ms);
    let awake = (6.5..23.0).contains(&now.hour_of_day());
    let chance = if awake { 0.9 } else { 0.08 };
    (starts..starts + lasts_ms).contains(&within) && unit(seed, slot.wrapping_mul(2) + 1) < chance
}
