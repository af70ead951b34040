//! What the close codes of a bridge mean.

use hearth_model::api::close;

use super::{Problem, ProblemKind, problem, shortened};

/// The WebSocket opened and closed with a code before or after CONNACK; `None`: the code says nothing special.
///
/// `is_bridge`: the bridge that serves the page was dialled. Anybody else may close with any code, and has nothing to say about
/// the login at this one; what only a bridge says is believed of another one as far as words go.
pub fn bridge_closed(code: u16, reason: &str, is_bridge: bool) -> Option<Problem> {
    let is_private = matches!(code, 4_400..4_600) && !reason.is_empty();
    let is_general = matches!(
        code,
        close::SHUTTING_DOWN | close::TEXT_FRAME | close::MESSAGE_TOO_BIG
    );
    if !is_bridge && !is_private && !is_general {
        return None;
    }
    let who = if is_bridge || is_private {
        "bridge"
    } else {
        "server"
    };
    let said = if reason.is_empty() {
        format!("The {who} closed with code {code}.")
    } else {
        format!("The {who} says: {}", shortened(reason))
    };
    let (kind, title, what, to_do) = match code {
        close::BROKER_UNREACHABLE => (
            ProblemKind::BrokerUnreachable,
            "The bridge cannot reach its broker",
            "The bridge answers, the broker behind it does not.",
            "Check that the broker runs, and its address in the bridge's configuration. The bridge is asked again until it works.",
        ),
        close::BROKER_TLS_FAILED => (
            ProblemKind::BrokerUnreachable,
            "The bridge does not trust its broker",
            "TLS between the bridge and the broker failed.",
            "Check certificate, host name and CA file in the bridge's configuration.",
        ),
        close::BROKER_TIMEOUT => (
            ProblemKind::BrokerUnreachable,
            "The bridge waits for its broker in vain",
            "The bridge answers, the broker behind it did not answer in time.",
            "Check that the broker's host is on and no firewall stands between bridge and broker.",
        ),
        close::BROKER_SILENT => (
            ProblemKind::BrokerUnreachable,
            "The broker does not answer the bridge",
            "The broker took the connection request and said nothing.",
            "Check the broker's address in the bridge's configuration: another program may answer on this port. A broker under heavy load may also be this slow.",
        ),
        close::BROKER_STALLED => (
            ProblemKind::BrokerUnreachable,
            "The broker takes no more messages",
            "The broker took nothing from this page, or stopped within a message, for too long, and the bridge gave it up.",
            "Nothing, if the broker is overloaded for a while: the connection comes back by itself.",
        ),
        close::IDLE_TIMEOUT | close::STALLED => (
            ProblemKind::ServerClosed,
            "The bridge ended a connection that stood still",
            "For longer than the bridge allows, nothing moved between this page and the broker.",
            "Nothing: the connection comes back by itself. A shorter keep-alive prevents it, or a higher limit in the bridge's configuration.",
        ),
        close::BROKER_LOST => (
            ProblemKind::BrokerUnreachable,
            "The bridge lost its broker",
            "The network connection between bridge and broker broke.",
            "Nothing, if the broker is being restarted: the connection comes back by itself.",
        ),
        close::SHUTTING_DOWN => (
            ProblemKind::ServerClosed,
            "The server is shutting down",
            "The server ended the connection because it stops or restarts.",
            "Nothing, if it is being restarted: the connection comes back by itself.",
        ),
        close::NOT_MQTT | close::HANDSHAKE_TIMEOUT => (
            ProblemKind::Refused,
            "The bridge did not understand this page",
            "The bridge ended the connection before it began.",
            "Load the page again; if that does not help, page and bridge are of different versions.",
        ),
        close::TOO_MANY_CONNECTIONS
        | close::TOO_MANY_FROM_ADDRESS
        | close::TOO_MANY_FROM_USER
        | close::NO_ROOM => (
            ProblemKind::Refused,
            "The bridge has no room for another page",
            "As many pages are connected as the bridge allows.",
            "Close a page elsewhere, or raise the limit in the bridge's configuration.",
        ),
        close::NOT_LOGGED_IN => (
            if is_bridge {
                ProblemKind::LoggedOut
            } else {
                ProblemKind::Refused
            },
            "Nobody is logged in",
            "The login of this browser has ended.",
            "Load the page again, and log in.",
        ),
        close::NOT_AUTHORIZED => (
            ProblemKind::Refused,
            "The bridge refused the connection",
            "What the connection request asks for is not allowed here.",
            "Change the setting that the bridge names, or ask whoever runs it.",
        ),
        close::CLIENT_ID_IN_USE => (
            ProblemKind::Refused,
            "The client id is somebody else's",
            "Another user is connected with this client id.",
            "Choose another client id.",
        ),
        close::MQTT_5_NEEDED => (
            ProblemKind::Refused,
            "This broker needs MQTT 5.0",
            "The bridge signs in to the broker in a way that MQTT 3.1.1 does not have.",
            "Choose version 5.0, or let the page choose.",
        ),
        close::BAD_PACKET => (
            ProblemKind::ServerClosed,
            "The bridge did not understand this page",
            "The bridge ended the connection because of a packet that breaks MQTT.",
            "Load the page again; if that does not help, page and bridge are of different versions.",
        ),
        close::CREDENTIALS_UNAVAILABLE => (
            ProblemKind::BrokerUnreachable,
            "The bridge has no credentials for its broker",
            "The bridge signs in to the broker, but cannot read what it needs for that.",
            "Look into the bridge's log: it names the file.",
        ),
        close::TEXT_FRAME => (
            ProblemKind::NotMqtt,
            "There is a WebSocket, but it does not speak MQTT",
            "The server sent a text frame; MQTT travels in binary ones.",
            "Check the path: another program seems to answer on this one.",
        ),
        close::MESSAGE_TOO_BIG => (
            ProblemKind::ServerClosed,
            "A message was too large for the server",
            "The server ended the connection because of the size of a message.",
            "Send smaller messages, or raise the server's limit.",
        ),
        4_000.. => (
            ProblemKind::ServerClosed,
            "The bridge ended the connection",
            "The bridge ended the connection for a reason.",
            "See what the bridge says. The connection is tried again.",
        ),
        _ => return None,
    };
    Some(problem(kind, title, what.to_owned(), said, to_do.to_owned()))
}
