//! The limits that the user chose, kept in this browser.

use hearth_model::json::{Json, JsonLimits};

use crate::{platform::storage, wire::Limits};

const KEY: &str = "hearth.limits";

/// What was chosen, else the defaults.
pub(crate) fn chosen() -> Limits {
    storage::lasting()
        .read(KEY)
        .map(|text| read(&text))
        .unwrap_or_default()
}

/// Keeps a choice; a browser that keeps nothing has it until the page is closed.
pub(crate) fn choose(limits: Limits) {
    storage::lasting().write(KEY, &written(limits));
}

fn names(limits: &mut Limits) -> [(&'static str, &mut u32); 12] {
    [
        ("memory_mib", &mut limits.memory_mib),
        ("topics", &mut limits.topics),
        ("payload_kib", &mut limits.payload_kib),
        ("history", &mut limits.history),
        ("devices", &mut limits.devices),
        ("entities", &mut limits.entities),
        ("silent_intervals", &mut limits.silent_intervals),
        ("silent_floor_s", &mut limits.silent_floor_s),
        ("open_min", &mut limits.open_min),
        ("battery_percent", &mut limits.battery_percent),
        ("queued", &mut limits.queued),
        ("packet_mib", &mut limits.packet_mib),
    ]
}

/// What is missing or no number is as by default.
fn read(text: &str) -> Limits {
    let mut limits = Limits::default();
    let kept = Json::parse(text.as_bytes(), JsonLimits::SETTINGS).unwrap_or(Json::Null);
    for (name, limit) in names(&mut limits) {
        if let Some(number) = kept.get(name).and_then(Json::number) {
            *limit = number as u32;
        }
    }
    limits
}

fn written(mut limits: Limits) -> String {
    let member = |(name, limit): (&str, &mut u32)| (name.to_owned(), Json::whole(u64::from(*limit)));
    Json::Object(names(&mut limits).into_iter().map(member).collect()).to_json()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_chosen_is_read_again_and_what_is_missing_is_as_by_default() {
        let limits = Limits {
            memory_mib: 7,
            packet_mib: 3,
            ..Limits::default()
        };
        assert_eq!(read(&written(limits)), limits);
        let some = read(r#"{"topics":12,"history":"many","other":1}"#);
        assert_eq!((some.topics, some.history), (12, Limits::default().history));
        assert_eq!(read("nonsense"), Limits::default());
    }
}
