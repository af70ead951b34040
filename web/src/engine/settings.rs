//! From what the page asks for to what the session is started with.

use bytes::Bytes;
use hearth_mqtt::{
    Properties, Property, Qos, TopicName, Will,
    session::{Secret, SessionOptions, VersionChoice},
};

use crate::wire::{ConnectionOptions, Problem, ProblemKind, Version, WillOptions};

/// Largest packet we accept, in bytes: a message at the store's payload cap of 1 MiB fits sixteen times.
const MAXIMUM_PACKET_SIZE: u32 = 16 * 1024 * 1024;

/// What the session is started with.
///
/// # Errors
/// What cannot be said in CONNECT, with the field that is wrong.
pub fn session_options(options: &ConnectionOptions) -> Result<SessionOptions, Box<Problem>> {
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
        session_expiry_interval: options.session_expiry_interval,
        keep_alive: options.keep_alive,
        receive_maximum: options.receive_maximum,
        maximum_packet_size: MAXIMUM_PACKET_SIZE,
        // None: rmqtt 0.24 takes the announcement and then sends neither topic nor alias, and the bytes that aliases
        // save are few.
        topic_alias_maximum: 0,
        ..SessionOptions::default()
    })
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
        how_we_know: format!("The topic reads {topic:?}. Nothing was dialled."),
        what_to_do: "Type a topic without wildcards, or leave the will empty.".to_owned(),
        field: Some("will_topic".to_owned()),
    })
}
