//! What the server allows, and the topic aliases that follow from it.

use std::collections::HashMap;

use crate::{Properties, Property, ProtocolVersion, PublishParts, Qos, ReasonCode, TopicFilter, TopicName};

use super::{event::PublishFailure, subscriptions::Subscription};

/// What the server allows on this network connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// The version spoken.
    pub version: ProtocolVersion,
    /// QoS 1 and 2 messages in flight towards the server: its Receive Maximum or ours, the smaller.
    pub receive_maximum: u16,
    /// Highest QoS the server supports.
    pub maximum_qos: Qos,
    /// Whether it keeps retained messages.
    pub retain_available: bool,
    /// Largest packet it accepts, in bytes; `u32::MAX` without a limit.
    pub maximum_packet_size: u32,
    /// Topic aliases we may use towards it.
    pub topic_alias_maximum: u16,
    /// Whether filters may have wildcards.
    pub wildcard_subscription_available: bool,
    /// Whether subscriptions may have identifiers.
    pub subscription_identifier_available: bool,
    /// Whether subscriptions may be shared.
    pub shared_subscription_available: bool,
    /// How long it keeps the session, in seconds.
    pub session_expiry_interval: u32,
    /// The keep-alive in force, in seconds.
    pub keep_alive: u16,
    /// What topics it offers for responses.
    pub response_information: Option<Box<str>>,
}

impl Limits {
    /// Why this PUBLISH may not be sent, if it may not.
    pub(crate) fn refusal(&self, publish: &PublishParts) -> Option<PublishFailure> {
        // [MQTT5-3.2.2-11] no QoS above the server's maximum.
        if publish.qos > self.maximum_qos {
            return Some(PublishFailure::QosNotSupported);
        }
        // [MQTT5-3.2.2-14] no RETAIN where it is not available.
        if publish.retain && !self.retain_available {
            return Some(PublishFailure::RetainNotSupported);
        }
        // [MQTT5-3.2.2-15] no packet above the server's maximum.
        if !self.fits(publish.encoded_len(self.version)) {
            return Some(PublishFailure::TooLarge);
        }
        None
    }

    pub(crate) fn fits(&self, bytes: usize) -> bool {
        u32::try_from(bytes).is_ok_and(|bytes| bytes <= self.maximum_packet_size)
    }

    /// The reason code with which the server would refuse this subscription; it need not, or may not, be asked.
    pub(crate) fn subscription_refusal(&self, subscription: &Subscription) -> Option<ReasonCode> {
        let filter = &subscription.filter;
        if self.version == ProtocolVersion::V311 {
            return None;
        }
        if let Some(code) = self.unsubscription_refusal(filter) {
            return Some(code);
        }
        if !self.shared_subscription_available && filter.is_shared() {
            return Some(ReasonCode::SHARED_SUBSCRIPTIONS_NOT_SUPPORTED);
        }
        if !self.wildcard_subscription_available && filter.as_str().contains(['+', '#']) {
            return Some(ReasonCode::WILDCARD_SUBSCRIPTIONS_NOT_SUPPORTED);
        }
        if !self.subscription_identifier_available && subscription.subscription_id.is_some() {
            return Some(ReasonCode::SUBSCRIPTION_IDENTIFIERS_NOT_SUPPORTED);
        }
        None
    }

    /// The same for a filter that no subscription can have: [MQTT5-4.8.2-1] [MQTT5-4.8.2-2]. 3.1.1 has no such rule.
    pub(crate) fn unsubscription_refusal(&self, filter: &TopicFilter) -> Option<ReasonCode> {
        let is_wrong = self.version == ProtocolVersion::V5 && filter.sharing_error().is_some();
        is_wrong.then_some(ReasonCode::TOPIC_FILTER_INVALID)
    }
}

/// The topic aliases that we use towards the server on one network connection.
///
/// Given out first come, first served and never taken back: a home publishes to few topics, and replacing aliases
/// costs more bytes than it saves when there are many.
#[derive(Debug)]
pub(crate) struct OutboundAliases {
    maximum: u16,
    aliases: HashMap<TopicName, u16>,
}

impl OutboundAliases {
    pub(crate) fn new(maximum: u16) -> Self {
        Self {
            maximum,
            aliases: HashMap::new(),
        }
    }

    /// Puts an alias into a PUBLISH, and leaves the topic out when the server knows the alias.
    pub(crate) fn apply(&mut self, publish: &PublishParts) -> Option<PublishParts> {
        if self.maximum == 0 {
            return None;
        }
        let topic = publish.topic.as_ref()?;
        let (alias, known) = match self.aliases.get(topic) {
            Some(alias) => (*alias, true),
            // [MQTT5-3.2.2-17] not above the server's Topic Alias Maximum.
            None if self.aliases.len() < usize::from(self.maximum) => {
                (u16::try_from(self.aliases.len() + 1).ok()?, false)
            }
            None => return None,
        };
        let mut properties = Properties::new();
        properties.push(&Property::TopicAlias(alias)).ok()?;
        for property in &publish.properties {
            properties.push(&property).ok()?;
        }
        let mut short = publish.clone();
        short.properties = properties;
        if known {
            short.topic = None;
        }
        Some(short)
    }

    /// The PUBLISH that [`Self::apply`] made was written: the server knows its alias now.
    pub(crate) fn note_sent(&mut self, publish: &PublishParts) {
        if let (Some(topic), Some(alias)) = (&publish.topic, publish.properties.topic_alias()) {
            self.aliases.insert(topic.clone(), alias);
        }
    }
}
