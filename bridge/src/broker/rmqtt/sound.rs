//! What the library lets through although no client may send it: receivers end their connection over it, and with a retained
//! message they would do so at every connect. So one client could keep all others away.

use rmqtt::{
    codec::v5::{LastWill as LastWillV5, PublishProperties, UserProperties},
    types::{LastWill, Publish},
};

/// Is a PUBLISH one that every client takes?
pub(super) fn is_sound(publish: &Publish) -> bool {
    is_topic_name(&publish.topic) && publish.properties.as_ref().is_none_or(are_sound)
}

/// Is a will one that can be published?
pub(super) fn is_sound_will(will: &LastWill<'_>) -> bool {
    match will {
        LastWill::V3(will) => is_topic_name(&will.topic),
        LastWill::V5(will) => is_topic_name(&will.topic) && is_sound_will_of_v5(will),
    }
}

fn is_sound_will_of_v5(will: &LastWillV5) -> bool {
    is_text(will.content_type.as_deref())
        && will.response_topic.as_deref().is_none_or(is_topic_name)
        && are_texts(&will.user_properties)
}

fn are_sound(properties: &PublishProperties) -> bool {
    is_text(properties.content_type.as_deref())
        && properties.response_topic.as_deref().is_none_or(is_topic_name)
        && are_texts(&properties.user_properties)
}

/// No wildcards [MQTT5-3.3.2-2] [MQTT5-3.3.2-14], at least one character [MQTT5-4.7.3-1]: topic aliases, with which it might be
/// empty, are switched off.
fn is_topic_name(topic: &str) -> bool {
    !topic.is_empty() && !topic.contains(['+', '#', '\0'])
}

fn are_texts(properties: &UserProperties) -> bool {
    properties
        .iter()
        .all(|(name, value)| is_text(Some(name)) && is_text(Some(value)))
}

/// [MQTT5-1.5.4-2]
fn is_text(text: Option<&str>) -> bool {
    text.is_none_or(|text| !text.contains('\0'))
}
