//! One CONNECT and its answer, over a connection to a broker or in a WebSocket as browsers open it.

use std::{
    process,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use futures_util::{SinkExt, StreamExt};
use hearth_model::doctor::MqttAnswer;
use hearth_mqtt::{
    Bytes, BytesMut, Connack, Connect, Disconnect, Framer, Packet, Properties, Property, ProtocolVersion,
    ReasonCode, Role,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};
use tokio_tungstenite::{WebSocketStream, tungstenite::Message};

use crate::{
    credentials::Credentials,
    transport::{BrokerStream, NetworkStream, tls_fault},
};

/// CONNACK is far smaller; whoever sends more is no broker.
const LARGEST_ANSWER_BYTES: u32 = 256 * 1024;

/// What carries MQTT.
pub(super) enum Pipe {
    Bare(BrokerStream),
    WebSocket(Box<WebSocketStream<NetworkStream>>),
}

impl Pipe {
    async fn send(&mut self, bytes: &[u8]) -> Result<(), MqttAnswer> {
        let sent = match self {
            Self::Bare(stream) => stream.write_all(bytes).await.map_err(|error| lost(&error)),
            Self::WebSocket(socket) => {
                let message = Message::Binary(Bytes::copy_from_slice(bytes));
                socket
                    .send(message)
                    .await
                    .map_err(|error| ended(error.to_string()))
            }
        };
        if let (Err(_), Self::Bare(stream)) = (&sent, &mut *self) {
            // Why is often said before the end: an alert of TLS that waits to be read.
            let mut rest = [0; 64];
            if let Err(error) = stream.read(&mut rest).await {
                return Err(lost(&error));
            }
        }
        sent
    }

    async fn receive(&mut self) -> Result<Bytes, MqttAnswer> {
        match self {
            Self::Bare(stream) => {
                let mut bytes = BytesMut::with_capacity(4096);
                match stream.read_buf(&mut bytes).await {
                    Ok(0) => Err(ended(String::new())),
                    Ok(_) => Ok(bytes.freeze()),
                    Err(error) => Err(lost(&error)),
                }
            }
            Self::WebSocket(socket) => loop {
                match socket.next().await {
                    Some(Ok(Message::Binary(bytes))) => return Ok(bytes),
                    Some(Ok(Message::Text(text))) => {
                        let start: String = text.chars().take(60).collect();
                        return Err(MqttAnswer::NotMqtt(format!("a text frame, \"{start}\"")));
                    }
                    Some(Ok(Message::Close(frame))) => {
                        return Err(MqttAnswer::Closed {
                            code: frame.as_ref().map(|frame| frame.code.into()),
                            reason: frame.map_or(String::new(), |frame| frame.reason.to_string()),
                        });
                    }
                    Some(Ok(_)) => {}
                    Some(Err(error)) => return Err(ended(error.to_string())),
                    None => return Err(ended(String::new())),
                }
            },
        }
    }
}

fn ended(reason: String) -> MqttAnswer {
    MqttAnswer::Closed { code: None, reason }
}

fn lost(error: &std::io::Error) -> MqttAnswer {
    let is_tls = error
        .get_ref()
        .is_some_and(<dyn std::error::Error + Send + Sync>::is::<rustls::Error>);
    ended(match is_tls {
        true => tls_fault(error).to_string(),
        false => error.to_string(),
    })
}

/// Sends CONNECT, waits for CONNACK, and says goodbye.
pub(super) async fn connect(
    mut pipe: Pipe,
    version: ProtocolVersion,
    credentials: Option<&Credentials>,
    wait: Duration,
) -> MqttAnswer {
    let packet = match connect_packet(version, credentials) {
        Ok(packet) => packet,
        Err(reason) => return MqttAnswer::NotTried(reason),
    };
    let mut bytes = BytesMut::new();
    if let Err(error) = packet.encode(version, &mut bytes) {
        return MqttAnswer::NotTried(error.to_string());
    }
    let exchange = async {
        if let Err(answer) = pipe.send(&bytes).await {
            return answer;
        }
        answer(&mut pipe, version).await
    };
    let answer = timeout(wait, exchange).await.unwrap_or(MqttAnswer::Silent {
        waited_s: wait.as_secs(),
    });
    if answer.is_accepted() {
        let mut bytes = BytesMut::new();
        if Packet::Disconnect(Disconnect::with_reason(ReasonCode::SUCCESS))
            .encode(version, &mut bytes)
            .is_ok()
        {
            let _gone = timeout(wait, pipe.send(&bytes)).await;
        }
    }
    answer
}

async fn answer(pipe: &mut Pipe, version: ProtocolVersion) -> MqttAnswer {
    let mut framer = Framer::new(LARGEST_ANSWER_BYTES);
    let mut first = None;
    loop {
        match framer.poll_frame() {
            Ok(Some(frame)) => {
                if version.is_v5()
                    && let Some(code) = Connack::older_refusal(&frame)
                {
                    return refused(code, &Properties::default());
                }
                return match Packet::decode(version, Role::Client, frame) {
                    Ok(Packet::Connack(connack)) => of_connack(&connack, version),
                    Ok(Packet::Auth(_)) => MqttAnswer::NotMqtt(
                        "the broker wants a further step of enhanced authentication".into(),
                    ),
                    Ok(Packet::Disconnect(disconnect)) => {
                        refused(disconnect.reason_code, &disconnect.properties)
                    }
                    Ok(other) => {
                        MqttAnswer::NotMqtt(format!("{:?} in place of CONNACK", other.packet_type()))
                    }
                    Err(error) => MqttAnswer::NotMqtt(error.to_string()),
                };
            }
            // The rest of a greeting, such as that of SSH, would be waited for in vain.
            Ok(None) if first.is_some_and(|byte| !may_begin_an_answer(byte)) => {
                return MqttAnswer::NotMqtt("it does not begin with CONNACK".into());
            }
            Ok(None) => {}
            Err(error) => return MqttAnswer::NotMqtt(error.to_string()),
        }
        match pipe.receive().await {
            Ok(bytes) => {
                first = first.or(bytes.first().copied());
                framer.push(bytes);
            }
            Err(answer) => return answer,
        }
    }
}

/// CONNACK, DISCONNECT or AUTH.
fn may_begin_an_answer(byte: u8) -> bool {
    matches!(byte >> 4, 2 | 14 | 15)
}

fn of_connack(connack: &Connack, version: ProtocolVersion) -> MqttAnswer {
    if connack.reason_code.is_error() {
        return refused(connack.reason_code, &connack.properties);
    }
    MqttAnswer::Accepted {
        limits: match version {
            ProtocolVersion::V311 => Vec::new(),
            ProtocolVersion::V5 => connack
                .properties
                .iter()
                .filter_map(|property| limit(&property))
                .collect(),
        },
    }
}

fn refused(code: ReasonCode, properties: &Properties) -> MqttAnswer {
    let shortened = |text: &str| text.chars().take(200).collect::<String>();
    let other = properties
        .server_reference()
        .map(|other| format!("it names {}", shortened(other)));
    let said: Vec<_> = properties
        .reason_string()
        .map(shortened)
        .into_iter()
        .chain(other)
        .collect();
    let reason_string = (!said.is_empty()).then(|| said.join("; "));
    MqttAnswer::Refused {
        code: code.0,
        name: code.description().to_owned(),
        reason_string,
    }
}

/// What a broker announces, where it is worth a word.
fn limit(property: &Property<'_>) -> Option<String> {
    Some(match property {
        Property::ReceiveMaximum(count) => format!("{count} messages in flight"),
        Property::MaximumPacketSize(bytes) => format!("packets up to {bytes} bytes"),
        Property::TopicAliasMaximum(count) => format!("{count} topic aliases"),
        Property::ServerKeepAlive(seconds) => format!("keep-alive {seconds} s"),
        Property::SessionExpiryInterval(seconds) => format!("sessions kept {seconds} s"),
        Property::MaximumQos(qos) => format!("QoS up to {}", *qos as u8),
        Property::RetainAvailable(false) => "no retained messages".into(),
        Property::WildcardSubscriptionAvailable(false) => "no wildcards".into(),
        Property::SharedSubscriptionAvailable(false) => "no shared subscriptions".into(),
        Property::SubscriptionIdentifierAvailable(false) => "no subscription identifiers".into(),
        _ => return None,
    })
}

fn connect_packet(version: ProtocolVersion, credentials: Option<&Credentials>) -> Result<Packet, String> {
    let mut packet = Connect {
        version,
        clean_start: true,
        keep_alive: 30,
        client_id: client_id().into(),
        will: None,
        username: None,
        password: None,
        properties: Properties::default(),
    };
    match credentials {
        None => {}
        Some(Credentials::UserNamePassword { user_name, password }) => {
            packet.username = Some(user_name.as_str().into());
            packet.password = password
                .as_ref()
                .map(|password| Bytes::copy_from_slice(password.expose().as_bytes()));
        }
        Some(Credentials::Enhanced { .. }) if version == ProtocolVersion::V311 => {
            return Err("3.1.1 has no enhanced authentication; see sat_as_password".into());
        }
        Some(Credentials::Enhanced { method, data }) => {
            packet.properties = Properties::of(&[
                Property::AuthenticationMethod(method),
                Property::AuthenticationData(data.expose()),
            ])
            .map_err(|error| error.to_string())?;
        }
    }
    Ok(Packet::Connect(Box::new(packet)))
}

/// Of its own each time: an id in use would throw somebody out.
fn client_id() -> String {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_nanos());
    format!("hearth-{:x}-{:x}", process::id(), now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_why_and_where_to_go_instead() {
        let (why, other) = (
            Property::ReasonString("full"),
            Property::ServerReference("b:1883"),
        );
        for (properties, said) in [
            (&[][..], None),
            (&[why], Some("full")),
            (&[other], Some("it names b:1883")),
            (&[why, other], Some("full; it names b:1883")),
        ] {
            let answer = refused(
                ReasonCode::USE_ANOTHER_SERVER,
                &Properties::of(properties).unwrap(),
            );
            let expected = MqttAnswer::Refused {
                code: 0x9C,
                name: "Use another server".to_owned(),
                reason_string: said.map(str::to_owned),
            };
            assert_eq!(answer, expected);
        }
    }
}
