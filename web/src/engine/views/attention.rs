//! What needs attention, in words that say which thing and how it is.

use hearth_devices::{Attention, Devices, Entity, Reason};
use hearth_model::{age::duration_words, battery, format::format_number, series::Sample, store::Store};

use super::card;
use crate::{
    engine::{home::Home, input::Now},
    wire::{AttentionItem, AttentionReason},
};

/// Most urgent first.
pub(super) fn items(now: Now, home: &Home, store: &Store) -> Vec<AttentionItem> {
    let devices = home.devices();
    let mut items: Vec<AttentionItem> = Vec::new();
    for item in devices.attention(now.wall_ms) {
        let Some(new) = attention_item(now, devices, store, &item) else {
            continue;
        };
        // A battery may be told of twice; once is enough. Of several doors of a device the first is named.
        let same = |item: &AttentionItem| item.device == new.device && item.reason == new.reason;
        if !items.iter().any(same) {
            items.push(new);
        }
    }
    items
}

fn attention_item(now: Now, devices: &Devices, store: &Store, item: &Attention) -> Option<AttentionItem> {
    let device = devices.device(devices.head(item.device))?;
    let (mut state, mut detail) = (String::new(), String::new());
    if let Some((topic, devices)) = &item.bridge {
        detail = format!("{devices} devices are gone with it, {topic} says");
    } else if let Some(usual) = item.usual_interval_ms {
        detail = format!("usually every {}", duration_words(usual));
    } else if let Some(charge) = item.battery {
        state = format!("{} %", format_number(charge, 0));
        let entity = item.entity.as_deref();
        let entity = devices
            .device(item.device)
            .and_then(|device| device.entity(entity?));
        let left = entity.and_then(|entity| battery_left(now, store, entity));
        detail = left.map(left_words).unwrap_or_default();
    } else if item.reason == Reason::Alert {
        item.danger(devices).clone_into(&mut state);
    }
    Some(AttentionItem {
        device: device.id.clone(),
        name: devices.called(item),
        reason: match item.reason {
            Reason::Alert => AttentionReason::Alert,
            Reason::Open => AttentionReason::Open,
            Reason::Unavailable => AttentionReason::Unavailable,
            Reason::Silent => AttentionReason::Silent,
            Reason::Battery => AttentionReason::Battery,
        },
        since: item.since_ms,
        state,
        detail,
    })
}

/// How long a battery will last, ms, when its history says it. What came retained was said at some time before.
fn battery_left(now: Now, store: &Store, entity: &Entity) -> Option<u64> {
    let series = card::series_of(store, entity).filter(|_| !entity.retained)?;
    let is_shown = |last: Sample| {
        entity
            .number()
            .is_some_and(|shown| (shown - last.number).abs() < 0.5)
    };
    series.last().filter(|last| is_shown(*last))?;
    battery::lasts_ms(series, now.wall_ms)
}

fn left_words(left_ms: u64) -> String {
    let about = |count: f64, unit: &str| {
        let count = count.round() as u64;
        let end = if count > 1 { "s" } else { "" };
        format!("about {count} {unit}{end} left")
    };
    match left_ms as f64 / 86_400_000.0 {
        days if days < 1.0 => "less than a day left".to_owned(),
        days if days < 14.0 => about(days, "day"),
        days if days < 60.0 => about(days / 7.0, "week"),
        days => about(days / 30.0, "month"),
    }
}

#[cfg(test)]
mod tests {
    use hearth_model::store::{Arrival, StoreOptions};
    use hearth_mqtt::MonoTime;

    use super::*;

    const HOUR_MS: u64 = 3_600_000;

    /// What is said of a battery that told these charges, one every six hours, the last one retained or not.
    fn said(charges: &[f64], is_retained: bool) -> (String, String) {
        let (mut store, mut home) = (Store::new(StoreOptions::default()), Home::default());
        let mut now = Now {
            mono: MonoTime::ZERO,
            wall_ms: 1_700_000_000_000,
            random: 1,
        };
        for (at, charge) in charges.iter().enumerate() {
            let payload = format!(r#"{{"smoke":false,"battery":{charge}}}"#);
            let change = store.apply(
                now.wall_ms,
                &Arrival {
                    retain: is_retained && at + 1 == charges.len(),
                    ..Arrival::new("zigbee2mqtt/Flur/Rauchmelder", payload.as_bytes())
                },
            );
            change.id().into_iter().for_each(|id| home.note_message(id));
            home.advance(now, &store);
            now.mono = now.mono + 6 * HOUR_MS;
            now.wall_ms += 6 * HOUR_MS;
        }
        now.wall_ms -= 6 * HOUR_MS;
        let items = items(now, &home, &store);
        let battery = items.iter().find(|item| item.reason == AttentionReason::Battery);
        let battery = battery.unwrap();
        assert_eq!(battery.name, "Rauchmelder Flur");
        (battery.state.clone(), battery.detail.clone())
    }

    #[test]
    fn a_battery_that_was_seen_falling_says_how_long_it_lasts() {
        // Made up: one per cent a day, for ten days.
        let falling: Vec<f64> = (0..40).map(|at| 18.0 - f64::from(at / 4)).collect();
        assert_eq!(
            said(&falling, false),
            ("9 %".to_owned(), "about 9 days left".to_owned())
        );
        assert_eq!(said(&falling, true).1, "about 9 days left", "it was heard, too");
        let kept = [&falling[..], &[8.0]].concat();
        assert_eq!(said(&kept, true), ("8 %".to_owned(), String::new()));
        assert_eq!(said(&[8.0; 40], false), ("8 %".to_owned(), String::new()));
    }

    #[test]
    fn a_time_is_said_in_the_unit_in_which_it_can_be_planned() {
        let day = 24 * HOUR_MS;
        for (left, words) in [
            (HOUR_MS, "less than a day left"),
            (day, "about 1 day left"),
            (9 * day, "about 9 days left"),
            (21 * day, "about 3 weeks left"),
            (100 * day, "about 3 months left"),
        ] {
            assert_eq!(left_words(left), words);
        }
    }
}
