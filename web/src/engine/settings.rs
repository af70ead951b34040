//! From what the page asks for to what the session is started with.

use bytes::Bytes;
use hearth_devices::DeviceOptions;
use hearth_model::store::StoreOptions;
use hearth_mqtt::{
    Properties, Property, Qos, TopicName, Will,
    session::{Secret, SessionOptions, VersionChoice},
};

use super::input::Now;
use crate::wire::{ConnectionOptions, Limits, Problem, ProblemKind, Version, WillOptions};

const KIB: u32 = 1024;
const MIB: u32 = 1024 * KIB;

/// What the store keeps within these limits.
#[must_use]
pub fn store_options(limits: Limits) -> StoreOptions {
    StoreOptions {
        memory_budget_bytes: limits.memory_mib.saturating_mul(MIB) as usize,
        maximum_topics: limits.topics as usize,
        payload_cap_bytes: limits.payload_kib.saturating_mul(KIB) as usize,
        history_per_topic: limits.history as usize,
        ..StoreOptions::default()
    }
}

/// What devices are read by within these limits.
#[must_use]
pub fn device_options(limits: Limits) -> DeviceOptions {
    DeviceOptions {
        maximum_devices: limits.devices as usize,
        maximum_entities: limits.entities as usize,
        stale_after_intervals: u64::from(limits.silent_intervals),
        stale_floor_ms: u64::from(limits.silent_floor_s) * 1_000,
        open_attention_ms: u64::from(limits.open_min) * 60_000,
        battery_low_percent: f64::from(limits.battery_percent),
        ..DeviceOptions::default()
    }
}

/// What the session is started with.
///
/// # Errors
/// What cannot be said in CONNECT, with the field that is wrong.
pub fn session_options(
    now: Now,
    options: &ConnectionOptions,
    limits: Limits,
) -> Result<SessionOptions, Box<Problem>> {
    let will = options.will.as_ref().map(will).transpose()?;
    Ok(SessionOptions {
        version: match options.version {
            Version::Auto => VersionChoice::Auto,
            Version::V5 => VersionChoice::V5,
            Version::V311 => VersionChoice::V311,
        },
        client_id: options.client_id.clone(),
        username: options.username.clone().filter(|name| !name.is_empty()),
        password: options
            .password
            .clone()
            .filter(|password| !password.is_empty())
            .map(Secret::from),
        will,
        clean_start: options.clean_start,
        // A tab's id is not used again, and 3.1.1 has no expiry: what is kept there would be kept for ever.
        clean_session_v311: options.clean_start,
        session_expiry_interval: options.session_expiry_interval,
        keep_alive: options.keep_alive,
        receive_maximum: options.receive_maximum,
        maximum_packet_size: limits.packet_mib.saturating_mul(MIB),
        queued_messages_maximum: limits.queued as usize,
        // None: rmqtt 0.24 takes the announcement and then sends neither topic nor alias, and the bytes that aliases
        // save are few.
        topic_alias_maximum: 0,
        persistent: outlives_the_page(options),
        calendar_at_zero_ms: now.wall_ms.saturating_sub(now.mono.ms),
        ..SessionOptions::default()
    })
}

/// Whether the session is to go on when the page is loaded again.
#[must_use]
pub fn outlives_the_page(options: &ConnectionOptions) -> bool {
    options.session_expiry_interval > 0 && !options.client_id.is_empty()
}

fn will(options: &WillOptions) -> Result<Will, Box<Problem>> {
    let topic =
        TopicName::parse(&options.topic).map_err(|error| bad_will(&options.topic, &error.to_string()))?;
    let mut properties = Properties::default();
    if options.delay_interval > 0 {
        properties
            .push(&Property::WillDelayInterval(options.delay_interval))
            .map_err(|error| bad_will(&options.topic, &error.to_string()))?;
    }
    Ok(Will {
        topic,
        payload: Bytes::from(options.payload.clone()),
        qos: Qos::from_bits(options.qos).unwrap_or_default(),
        retain: options.retain,
        properties,
    })
}

fn bad_will(topic: &str, error: &str) -> Box<Problem> {
    Box::new(Problem {
        kind: ProblemKind::BadAddress,
        title: "The will topic cannot be used".to_owned(),
        what_happened: format!("{error}."),
        how_we_know: format!("The topic reads “{topic}”. Nothing was dialled."),
        what_to_do: "Type a topic without wildcards, or leave the will empty.".to_owned(),
        field: Some("will_topic".to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_choice_every_limit_is_the_layers_own() {
        let limits = Limits::default();
        assert_eq!(store_options(limits), StoreOptions::default());
        assert_eq!(device_options(limits), DeviceOptions::default());
        let session = session_options(Now::default(), &ConnectionOptions::default(), limits).unwrap();
        let own = SessionOptions::default();
        assert_eq!(
            (session.maximum_packet_size, session.queued_messages_maximum),
            (own.maximum_packet_size, own.queued_messages_maximum)
        );
    }
}
