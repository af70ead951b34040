//! Why there is no MQTT over WebSocket at an address: from what was seen to what it means and what to do.
//!
//! Pure: whoever dials fills in [`Facts`]; [`diagnose`] reasons. A program that opens sockets sees much, a page very little, because
//! browsers hide why a WebSocket failed. What a page can conclude as well is in functions of its own. Our page repeats those sentences
//! instead of calling them, because its download is counted by the byte; a test there compares the two.

mod opened;
mod reason;

use std::fmt;

pub use self::reason::{
    diagnose, is_plain_mqtt_port, mixed_content, no_answer, no_subprotocol, nobody_answers, wrong_path,
};

/// Paths that brokers listen on; worth trying when another does not work.
pub const USUAL_PATHS: [&str; 3] = ["/mqtt", "/ws", "/"];

/// A WebSocket address in its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// `wss`, not `ws`.
    pub secure: bool,
    /// Name or address; IPv6 without brackets.
    pub host: String,
    /// The port, the scheme's own filled in.
    pub port: u16,
    /// With its slash, and the query if there is one.
    pub path: String,
}

impl Listener {
    /// Host and port as they stand in an address.
    pub fn authority(&self) -> String {
        match self.host.contains(':') {
            true => format!("[{}]:{}", self.host, self.port),
            false => format!("{}:{}", self.host, self.port),
        }
    }

    /// The same listener with another scheme.
    pub fn with_tls(&self, secure: bool) -> Self {
        Self {
            secure,
            ..self.clone()
        }
    }
}

impl fmt::Display for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.secure { "wss" } else { "ws" };
        write!(f, "{scheme}://{}{}", self.authority(), self.path)
    }
}

/// What was seen while dialling as a browser does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// What was dialled.
    pub listener: Listener,
    /// The Origin that was sent: the page that would dial.
    pub origin: String,
    /// How far it went.
    pub reached: Reached,
    /// What else was tried because of that.
    pub also: Also,
}

/// How far the dial went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reached {
    /// The name has no address.
    UnknownName,
    /// The port is closed.
    Refused,
    /// No answer in this many seconds.
    Silent {
        /// The time given.
        waited_s: u64,
    },
    /// No way to the host.
    NoRoute {
        /// What the system said.
        reason: String,
    },
    /// The encrypted connection could not be made.
    Tls(TlsFault),
    /// The request was not answered by HTTP.
    NoHttp,
    /// HTTP, but not the switch to WebSocket.
    Http(HttpAnswer),
    /// A WebSocket is open.
    Opened(Opened),
}

/// Why TLS failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TlsFault {
    /// The other side does not speak TLS.
    NotTls,
    /// Nobody who is trusted signed the certificate.
    UnknownIssuer,
    /// The certificate is over.
    Expired,
    /// The certificate is not valid yet, or the clock is wrong.
    NotYetValid,
    /// The certificate is for others.
    WrongName {
        /// The names in it.
        names: Vec<String>,
    },
    /// The certificate holds no names at all; nobody takes its CN for one any more.
    NoNames,
    /// The certificate says that it is an authority's, and is not trusted itself.
    Authority,
    /// The certificate is of a version that cannot hold names.
    Version1,
    /// The certificate is for something else than servers.
    WrongPurpose,
    /// The certificate is signed in a way that is given up.
    Weak,
    /// There is no version of TLS, or no cipher, that both sides know.
    NoCommonGround,
    /// The other side wants a certificate from us.
    ClientCertificateWanted,
    /// The other side does not accept our certificate.
    ClientCertificateRefused {
        /// Its alert.
        alert: String,
    },
    /// Something else.
    Other(String),
}

impl fmt::Display for TlsFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotTls => f.write_str("the other side does not speak TLS"),
            Self::UnknownIssuer => {
                f.write_str("the certificate is signed by an authority that is not trusted here")
            }
            Self::Expired => f.write_str("the certificate has expired"),
            Self::NotYetValid => f.write_str("the certificate is not valid yet, or the clock here is wrong"),
            Self::WrongName { names } if names.is_empty() => {
                f.write_str("the certificate is for another name")
            }
            Self::WrongName { names } => {
                write!(f, "the certificate is for other names: {}", names.join(", "))
            }
            Self::NoNames => {
                f.write_str("the certificate holds no names (subjectAltName); its CN does not count")
            }
            Self::Authority => {
                f.write_str("the certificate is that of an authority (CA:TRUE), and not in ca_file itself")
            }
            Self::Version1 => f.write_str("the certificate is of X.509 version 1, which holds no names"),
            Self::WrongPurpose => {
                f.write_str("the certificate is not for servers (its extendedKeyUsage has no serverAuth)")
            }
            Self::Weak => f.write_str("the certificate is signed in a way that is given up, such as SHA-1"),
            Self::NoCommonGround => f.write_str(
                "the two sides have no version of TLS in common, or no cipher (1.2 and 1.3 are known here)",
            ),
            Self::ClientCertificateWanted => {
                f.write_str("the other side wants a client certificate, and none was shown")
            }
            Self::ClientCertificateRefused { alert } => {
                write!(
                    f,
                    "the other side does not accept the client certificate ({alert})"
                )
            }
            Self::Other(reason) => f.write_str(reason),
        }
    }
}

/// An answer that is not 101.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HttpAnswer {
    /// The status, such as 404.
    pub status: u16,
    /// The Server header.
    pub server: Option<String>,
    /// The Location header.
    pub location: Option<String>,
    /// The beginning of the body, if it is text.
    pub body: String,
}

/// What came after 101.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// Does Sec-WebSocket-Accept answer the key?
    pub accept_fits: bool,
    /// The subprotocol that was agreed to.
    pub subprotocol: Option<String>,
    /// The answer to CONNECT of 5.0.
    pub v5: MqttAnswer,
    /// The answer to CONNECT of 3.1.1.
    pub v311: MqttAnswer,
}

/// The answer to CONNECT.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MqttAnswer {
    /// Nobody asked, for this reason.
    NotTried(String),
    /// CONNACK with success, and what the broker announced about its limits.
    Accepted {
        /// Such as `Receive Maximum 20`.
        limits: Vec<String>,
    },
    /// CONNACK with a refusal.
    Refused {
        /// The Reason Code; codes of 3.1.1 as the ones of 5.0 that mean the same.
        code: u8,
        /// Its name.
        name: String,
        /// What the broker added.
        reason_string: Option<String>,
    },
    /// The other side ended the connection first.
    Closed {
        /// The close code of the WebSocket, if it is one and was closed in order.
        code: Option<u16>,
        /// The close reason, or what the network said.
        reason: String,
    },
    /// Nothing came in this many seconds.
    Silent {
        /// The time given.
        waited_s: u64,
    },
    /// Something that is not MQTT.
    NotMqtt(String),
}

impl MqttAnswer {
    /// Is a broker there that let us in?
    pub fn is_accepted(&self) -> bool {
        matches!(self, Self::Accepted { .. })
    }

    /// Did a broker answer, whatever it said?
    pub fn is_connack(&self) -> bool {
        matches!(self, Self::Accepted { .. } | Self::Refused { .. })
    }
}

impl fmt::Display for MqttAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotTried(reason) => write!(f, "not tried: {reason}"),
            Self::Accepted { limits } if limits.is_empty() => f.write_str("accepted"),
            Self::Accepted { limits } => write!(f, "accepted; {}", limits.join(", ")),
            Self::Refused {
                code,
                name,
                reason_string,
            } => {
                write!(f, "refused: {name} (0x{code:02X})")?;
                match reason_string {
                    Some(said) => write!(f, ", \"{said}\""),
                    None => Ok(()),
                }
            }
            Self::Closed {
                code: Some(code),
                reason,
            } if reason.is_empty() => {
                write!(f, "the connection was closed with code {code}")
            }
            Self::Closed {
                code: Some(code),
                reason,
            } => {
                write!(f, "the connection was closed with code {code}: {reason}")
            }
            Self::Closed { code: None, reason } if reason.is_empty() => {
                f.write_str("the connection was closed without an answer")
            }
            Self::Closed { code: None, reason } => write!(f, "the connection ended: {reason}"),
            Self::Silent { waited_s } => write!(f, "no answer within {waited_s} s"),
            Self::NotMqtt(what) => write!(f, "the answer is not MQTT: {what}"),
        }
    }
}

/// What was tried beside the dial itself; `None` and `false` where it was not tried or did not work.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Also {
    /// MQTT without WebSocket answered on this port; `Some(true)`: under TLS.
    pub plain_mqtt: Option<bool>,
    /// A TLS handshake began on a port that was dialled without.
    pub speaks_tls: bool,
    /// HTTP without TLS answered on a port that was dialled with it.
    pub speaks_plain_http: bool,
    /// A WebSocket opens when the subprotocol is not asked for.
    pub opens_without_subprotocol: bool,
    /// A WebSocket opens when no Origin is sent: it is the Origin that is refused.
    pub opens_without_origin: bool,
    /// A WebSocket with the subprotocol opens on this path of the same host.
    pub works_at_path: Option<String>,
}

/// What is being said: for programs, and for the choice of a colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A broker answers and lets in.
    Works,
    /// A broker answers, and wants to know who it is.
    NeedsCredentials,
    /// The address cannot be reached.
    Unreachable,
    /// TLS failed, or is missing, or is too much.
    Tls,
    /// A browser would not even try.
    MixedContent,
    /// Another path is needed.
    WrongPath,
    /// What is there is not MQTT over WebSocket.
    NotMqtt,
    /// MQTT is there, without WebSocket.
    PlainMqtt,
    /// The Origin is refused.
    Origin,
    /// Something in between does not let WebSockets through.
    Proxy,
    /// The broker refused for another reason.
    Refused,
}

/// One conclusion: what happened, how that is known, what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What kind of conclusion it is.
    pub kind: Kind,
    /// In one line.
    pub title: String,
    /// What happened.
    pub what_happened: String,
    /// What was seen.
    pub how_we_know: String,
    /// What to do about it; empty when there is nothing to do.
    pub what_to_do: String,
}

impl Finding {
    /// Does a page reach a broker all the same?
    pub fn is_fault(&self) -> bool {
        !matches!(self.kind, Kind::Works | Kind::NeedsCredentials)
    }
}

fn finding(
    kind: Kind,
    title: &str,
    what_happened: impl Into<String>,
    how_we_know: impl Into<String>,
    what_to_do: impl Into<String>,
) -> Finding {
    Finding {
        kind,
        title: title.to_owned(),
        what_happened: what_happened.into(),
        how_we_know: how_we_know.into(),
        what_to_do: what_to_do.into(),
    }
}

#[cfg(test)]
mod tests;
