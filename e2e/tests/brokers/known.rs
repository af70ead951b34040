//! What brokers are known to lack, and with which versions that was seen.

use hearth_mqtt::ProtocolVersion;
use hearth_mqtt::ProtocolVersion::{V5, V311};

use crate::brokers::Kind;
use crate::brokers::Kind::{Aedes, Amqtt, Embedded, Mosquitto, RabbitMq};
use crate::rig::Finding;

/// The versions that the table speaks of. What other versions do differently is said, and fails no test.
pub(crate) const fn seen_with(kind: Kind) -> &'static str {
    match kind {
        Mosquitto => "2.0.11",
        Aedes => "1.2.0",
        Amqtt => "0.12.1",
        Embedded => "0.1.0",
        RabbitMq => "3.10.8",
    }
}

/// Whether a broker speaks a version at all.
pub(crate) const fn speaks(kind: Kind, version: ProtocolVersion) -> bool {
    match (kind, version) {
        (Mosquitto | Embedded, V5) | (_, V311) => true,
        (Aedes | Amqtt | RabbitMq, V5) => false,
    }
}

/// What a broker lacks in some cases.
struct Known {
    broker: Kind,
    versions: &'static [ProtocolVersion],
    cases: &'static [&'static str],
    /// How it shows, in one of these ways.
    how: &'static [&'static str],
    /// It goes well now and then.
    sometimes: bool,
}

const fn lacks(
    broker: Kind,
    versions: &'static [ProtocolVersion],
    cases: &'static [&'static str],
    how: &'static [&'static str],
) -> Known {
    Known {
        broker,
        versions,
        cases,
        how,
        sometimes: false,
    }
}

const fn sometimes(
    broker: Kind,
    versions: &'static [ProtocolVersion],
    cases: &'static [&'static str],
    how: &'static [&'static str],
) -> Known {
    Known {
        broker,
        versions,
        cases,
        how,
        sometimes: true,
    }
}

/// Everything that is not here is there.
const KNOWN: &[Known] = &[
    lacks(
        Mosquitto,
        &[V5],
        &["take_over_reason"],
        &["closes without a reason"],
    ),
    lacks(
        Mosquitto,
        &[V5],
        &["topic_alias_to_client"],
        &["sends every topic in full"],
    ),
    // aedes
    lacks(
        Aedes,
        &[V5],
        &["connects"],
        &["the server refused the connection: Unsupported Protocol Version (0x84)"],
    ),
    lacks(Aedes, &[V311], &["empty_session"], &["Session Present is 0"]),
    sometimes(
        Aedes,
        &[V311],
        &[
            "away_qos_1",
            "away_qos_2",
            "receive_cut_at_puback",
            "receive_killed_at_puback",
            "receive_cut_at_pubrec",
            "receive_killed_at_pubrec",
            "receive_cut_at_pubrel",
            "receive_killed_at_pubrel",
            "receive_cut_at_pubcomp",
            "receive_killed_at_pubcomp",
        ],
        &[
            "not in order",
            "some come twice",
            "some are never released",
            "ends the connection",
        ],
    ),
    // amqtt
    lacks(
        Amqtt,
        &[V5],
        &["connects"],
        &["the server did not answer the connection request"],
    ),
    lacks(Amqtt, &[V311], &["silence"], &["still there after 8 s"]),
    lacks(Amqtt, &[V311], &["take_over"], &["the older one stays"]),
    sometimes(
        Amqtt,
        &[V311],
        &["no_strays"],
        &["retained messages of other clients' filters come at CONNECT"],
    ),
    lacks(Amqtt, &[V311], &["session_ends"], &["Session Present is 1"]),
    lacks(
        Amqtt,
        &[V311],
        &["send_cut_at_pubcomp", "send_killed_at_pubcomp"],
        &["the exchange does not end"],
    ),
    sometimes(
        Amqtt,
        &[V311],
        &["no_will_on_disconnect"],
        &["the will is published"],
    ),
    sometimes(
        Amqtt,
        &[V311],
        &[
            "receive_cut_at_puback",
            "receive_killed_at_puback",
            "receive_cut_at_pubrec",
            "receive_killed_at_pubrec",
            "receive_cut_at_pubrel",
            "receive_killed_at_pubrel",
            "receive_cut_at_pubcomp",
            "receive_killed_at_pubcomp",
        ],
        &["some are lost", "some are never released"],
    ),
    // The broker inside the bridge.
    lacks(
        Embedded,
        &[V5],
        &["take_over_reason"],
        &["closes without a reason"],
    ),
    lacks(Embedded, &[V5], &["server_keep_alive"], &["takes any keep-alive"]),
    lacks(
        Embedded,
        &[V5],
        &["nobody_listens", "unknown_unsubscribe"],
        &["says success"],
    ),
    lacks(Embedded, &[V5], &["topic_alias_to_server"], &["takes none"]),
    lacks(
        Embedded,
        &[V5],
        &["topic_alias_to_client"],
        &["sends every topic in full"],
    ),
    sometimes(
        Embedded,
        &[V5, V311],
        &[
            "send_cut_at_pubrec",
            "send_killed_at_pubrec",
            "send_cut_at_pubrel",
            "send_killed_at_pubrel",
        ],
        &["some come twice"],
    ),
    sometimes(
        Embedded,
        &[V5, V311],
        &[
            "away_qos_1",
            "away_qos_2",
            "receive_cut_at_puback",
            "receive_killed_at_puback",
            "receive_cut_at_pubrec",
            "receive_killed_at_pubrec",
        ],
        &["not in order"],
    ),
    // RabbitMQ
    lacks(RabbitMq, &[V5], &["connects"], &["the network connection ended"]),
    lacks(
        RabbitMq,
        &[V311],
        &["wrong_password"],
        &["closes without a reason"],
    ),
    lacks(
        RabbitMq,
        &[V311],
        &[
            "qos_2",
            "large_qos_2",
            "burst_qos_2",
            "suback",
            "retained_qos_2",
            "away_qos_2",
            "send_cut_at_pubrec",
            "send_killed_at_pubrec",
            "send_cut_at_pubrel",
            "send_killed_at_pubrel",
            "send_cut_at_pubcomp",
            "send_killed_at_pubcomp",
            "receive_cut_at_pubrec",
            "receive_killed_at_pubrec",
            "receive_cut_at_pubrel",
            "receive_killed_at_pubrel",
            "receive_cut_at_pubcomp",
            "receive_killed_at_pubcomp",
        ],
        &["QoS 2 is granted as QoS 1"],
    ),
    lacks(
        RabbitMq,
        &[V311],
        &["qos_2_to_server", "will_qos_2"],
        &["taken as QoS 1"],
    ),
    lacks(RabbitMq, &[V311], &["dots"], &["`a.b` becomes `a/b`"]),
    lacks(RabbitMq, &[V311], &["wildcards"], &["`+` matches `$x`"]),
    lacks(
        RabbitMq,
        &[V311],
        &["retained_wildcard"],
        &["only by the exact topic"],
    ),
    lacks(
        RabbitMq,
        &[V311],
        &["no_will_on_disconnect"],
        &["the will is published"],
    ),
    lacks(RabbitMq, &[V311], &["empty_session"], &["Session Present is 0"]),
];

fn known(kind: Kind, version: ProtocolVersion, case: &str) -> Option<&'static Known> {
    KNOWN.iter().find(|known| {
        known.broker == kind && known.versions.contains(&version) && known.cases.contains(&case)
    })
}

/// Whether a case may find this.
pub(crate) fn is_expected(kind: Kind, version: ProtocolVersion, case: &str, found: &Finding) -> bool {
    match (found, known(kind, version, case)) {
        (Finding::Has, known) => known.is_none_or(|known| known.sometimes),
        (Finding::Lacks(how), Some(known)) => known.how.contains(&how.as_str()),
        (Finding::Lacks(_), None) => false,
    }
}

/// How it shows that a broker lacks something, in words for the table.
pub(crate) fn in_words(kind: Kind, version: ProtocolVersion, case: &str) -> Option<String> {
    let known = known(kind, version, case)?;
    let how = known.how.join(", or ");
    Some(if known.sometimes {
        format!("sometimes: {how}")
    } else {
        how
    })
}
