//! From facts to findings.

use std::net::IpAddr;

use super::{Also, Facts, Finding, HttpAnswer, Kind, Listener, Reached, TlsFault, finding, opened};

/// Ports on which brokers speak MQTT without WebSocket.
const PLAIN_MQTT_PORTS: [u16; 3] = [1883, 8883, 18883];

/// The port of RabbitMQ's web pages; its Web MQTT listens elsewhere.
const RABBITMQ_PAGES: u16 = 15672;

/// What is behind the ways of a browser that nobody can change.
const THROUGH_A_BRIDGE: &str = "go through a Hearth bridge";

/// What it all means; the most important first, and at least one.
pub fn diagnose(facts: &Facts) -> Vec<Finding> {
    let listener = &facts.listener;
    let mut findings = Vec::new();
    if facts.origin.starts_with("https://") && !listener.secure {
        findings.push(mixed_content(&listener.to_string()));
    }
    match &facts.reached {
        Reached::UnknownName => findings.push(unknown_name(listener)),
        Reached::Refused => findings.push(refused(listener)),
        Reached::Silent { waited_s } => findings.push(no_answer(&listener.authority(), *waited_s)),
        Reached::NoRoute { reason } => findings.push(no_route(listener, reason)),
        Reached::Tls(fault) => findings.push(tls(listener, fault, &facts.also)),
        Reached::NoHttp => findings.push(no_http(listener, &facts.also)),
        Reached::Http(answer) => findings.push(http(facts, answer)),
        Reached::Opened(opened) => findings.extend(opened::conclude(facts, opened)),
    }
    findings
}

/// The page came by https, the broker is dialled by ws.
pub fn mixed_content(address: &str) -> Finding {
    finding(
        Kind::MixedContent,
        "This page may only open encrypted connections",
        format!("The page came over https, and browsers then forbid {address}."),
        "The address begins with ws:// and the page with https://.",
        "Use wss:// if the broker has a TLS listener. Or connect through a Hearth bridge, or open this page over http.".to_owned(),
    )
}

/// Nobody answered within the time we wait.
pub fn no_answer(authority: &str, waited_s: u64) -> Finding {
    finding(
        Kind::Unreachable,
        "Nobody answers at this address",
        format!("{authority} did not answer."),
        format!("The connection was given {waited_s} s to open."),
        "Check that the host is on and on the same network, and that no firewall holds the port back."
            .to_owned(),
    )
}

/// A WebSocket opens, but not for MQTT.
pub fn no_subprotocol(address: &str, works_at_path: Option<&str>) -> Finding {
    let what_to_do = match works_at_path {
        Some(path) => use_path(path),
        None => "Check the path: another program seems to answer on this one.".to_owned(),
    };
    finding(
        Kind::NotMqtt,
        "There is a WebSocket, but it does not speak MQTT",
        format!("{address} opens a WebSocket but does not agree to the subprotocol mqtt."),
        "The same address opened when mqtt was not asked for.",
        what_to_do,
    )
}

/// HTTP answers, the WebSocket does not open.
pub fn wrong_path(authority: &str, path: &str, works_at_path: Option<&str>) -> Finding {
    let (how_we_know, what_to_do) = match works_at_path {
        Some(path) => (
            format!(
                "An HTTP request was answered, the WebSocket was refused. {path} on the same host accepts one."
            ),
            use_path(path),
        ),
        None => (
            "An HTTP request was answered, the WebSocket was refused. /mqtt, /ws and / were tried as well."
                .to_owned(),
            "Look up the path of the broker's WebSocket listener, often /mqtt, /ws or /.".to_owned(),
        ),
    };
    finding(
        Kind::WrongPath,
        "Something answers, but not on this path",
        format!("{authority} answers, but {path} is no MQTT WebSocket there."),
        how_we_know,
        what_to_do,
    )
}

/// Neither a WebSocket nor HTTP is there, as far as a page can see; `page` is where to trust a certificate of one's own, under TLS.
pub fn nobody_answers(authority: &str, port: u16, page: Option<&str>) -> Finding {
    let mut to_do = if is_plain_mqtt_port(port) {
        format!(
            "Port {port} is usually MQTT without WebSocket, which browsers cannot speak. Use the broker's WebSocket listener, often 9001, 8083 or 8080, or {THROUGH_A_BRIDGE}."
        )
    } else {
        "Check that the broker runs, has a WebSocket listener, and that host and port are right (often 9001, 8083 or 8080). A port that speaks plain MQTT looks the same from a browser.".to_owned()
    };
    if let Some(page) = page {
        to_do.push_str(&format!(
            " If its certificate is your own, open {page} once and trust it, or use a Hearth bridge."
        ));
    }
    finding(
        Kind::Unreachable,
        "Nobody answers at this address",
        format!("No WebSocket opens at {authority}."),
        "Neither a WebSocket nor an HTTP request to this host and port was answered.",
        to_do,
    )
}

/// Do brokers speak MQTT without WebSocket on this port?
pub fn is_plain_mqtt_port(port: u16) -> bool {
    PLAIN_MQTT_PORTS.contains(&port)
}

fn use_path(path: &str) -> String {
    format!("Use {path} as the path.")
}

fn unknown_name(listener: &Listener) -> Finding {
    finding(
        Kind::Unreachable,
        "The host name is not known",
        format!("{} has no address.", listener.host),
        "The name was looked up as this machine looks up every name.",
        "Check the spelling. A name that only your own network knows (.local, .lan, a Kubernetes service) is known only there; the IP address works everywhere.",
    )
}

fn refused(listener: &Listener) -> Finding {
    finding(
        Kind::Unreachable,
        "Nothing listens on this port",
        format!("{} refused the connection.", listener.authority()),
        "The host answered at once: it is on, but the port is closed.",
        "Check that the broker runs and has a WebSocket listener (often 9001, 8083 or 8080; RabbitMQ: 15675), and that it listens on more than its own loopback address.",
    )
}

fn no_route(listener: &Listener, reason: &str) -> Finding {
    finding(
        Kind::Unreachable,
        "There is no way to this host",
        format!("{} cannot be reached from here.", listener.authority()),
        format!("The system said: {reason}."),
        "Check the address, and that this machine is on the right network or VPN.",
    )
}

fn tls(listener: &Listener, fault: &TlsFault, also: &Also) -> Finding {
    let host = &listener.host;
    let said = format!("The TLS handshake failed: {fault}.");
    let (title, what, to_do) = match fault {
        TlsFault::NotTls => return tls_on_plain(listener, also),
        TlsFault::UnknownIssuer => (
            "The certificate is signed by an authority that browsers do not know",
            "A private CA or a self-signed certificate. Browsers refuse it without telling the page why.".to_owned(),
            format!("Install the CA where the browser runs, or {THROUGH_A_BRIDGE} with ca_file."),
        ),
        TlsFault::Expired => (
            "The certificate has expired",
            format!("The certificate of {host} is over."),
            "Renew it and let the broker load it.".to_owned(),
        ),
        TlsFault::NotYetValid => (
            "The certificate is not valid yet",
            format!("The certificate of {host} begins in the future."),
            "Check the clocks of the broker's host and of this machine.".to_owned(),
        ),
        TlsFault::WrongName { names } => (
            "The certificate is for another name",
            format!("The certificate does not hold the name {host}."),
            match names.as_slice() {
                [] => "Dial a name that the certificate holds, or make one that holds this name.".to_owned(),
                names => format!("Dial a name that the certificate holds ({}), or make one that holds {host}.", names.join(", ")),
            },
        ),
        TlsFault::NoNames | TlsFault::Authority | TlsFault::Version1 | TlsFault::WrongPurpose | TlsFault::Weak => {
            let (title, what) = unfit(fault);
            (title, what.to_owned(), fault.remedy(host).unwrap_or_default())
        }
        TlsFault::ClientCertificateWanted | TlsFault::ClientCertificateRefused { .. } => (
            "The listener wants a client certificate",
            "It lets in only those who show a certificate of their own, which a page cannot.".to_owned(),
            format!("Use a listener that asks for user name and password, or {THROUGH_A_BRIDGE} with cert_file and key_file."),
        ),
        TlsFault::NoCommonGround => (
            "The encrypted connection cannot be made",
            format!("{} and a browser find no common way.", listener.authority()),
            "Look into the broker's log; old brokers may offer only TLS versions that browsers have given up.".to_owned(),
        ),
        TlsFault::Other(_) => (
            "The encrypted connection cannot be made",
            format!("The handshake with {} comes to no good end.", listener.authority()),
            "Look into the broker's log: it often says more.".to_owned(),
        ),
    };
    finding(Kind::Tls, title, what, said, to_do)
}

/// Certificates of one's own that are no good for a server, and how they come about.
fn unfit(fault: &TlsFault) -> (&'static str, &'static str) {
    match fault {
        TlsFault::Authority => (
            "The certificate is that of an authority, not of a server",
            "It says CA:TRUE of itself, as `openssl req -x509` makes it. Such a one is taken only where it is trusted itself.",
        ),
        TlsFault::Version1 => (
            "The certificate is of a kind that holds no names",
            "It is of X.509 version 1, as `openssl x509 -req` makes it without an extension file. The name of a server stands in subjectAltName, which only version 3 has.",
        ),
        TlsFault::NoNames => (
            "The certificate holds no names",
            "The name of a server stands in subjectAltName. Browsers have given up to look for it in the CN.",
        ),
        TlsFault::WrongPurpose => (
            "The certificate is not for servers",
            "Its extendedKeyUsage allows something else, such as clientAuth, and not serverAuth.",
        ),
        _ => (
            "The certificate is signed in a way that is given up",
            "Whoever checks it does not know the kind of its signature, or no longer trusts it.",
        ),
    }
}

impl TlsFault {
    /// How to make a certificate for this host that does not have the fault, where it is one of the certificate's own making.
    pub fn remedy(&self, host: &str) -> Option<String> {
        let kind = if host.parse::<IpAddr>().is_ok() {
            "IP"
        } else {
            "DNS"
        };
        let name = format!("subjectAltName={kind}:{host}");
        let line = format!(
            "`openssl req -x509 -newkey rsa:2048 -nodes -days 800 -keyout broker.key -out broker.crt -subj /CN={host} -addext basicConstraints=critical,CA:FALSE -addext {name}`"
        );
        let signed = format!(
            "An authority of your own signs one with `openssl x509 -req` and `-extfile FILE`, where a line of FILE says {name}."
        );
        match self {
            Self::Authority => Some(format!(
                "Make one for a server: {line}. Or trust this very one: name it in ca_file of a Hearth bridge, or install it where the browser runs."
            )),
            Self::Version1 | Self::NoNames => Some(format!(
                "Make one of version 3 that holds {host}: {line}. {signed}"
            )),
            Self::WrongPurpose => Some(format!(
                "Make one with extendedKeyUsage=serverAuth, or without extendedKeyUsage: {line}. {signed}"
            )),
            Self::Weak => Some(format!("Make one that is signed with SHA-256: {line}. {signed}")),
            Self::NotTls
            | Self::UnknownIssuer
            | Self::Expired
            | Self::NotYetValid
            | Self::WrongName { .. }
            | Self::NoCommonGround
            | Self::ClientCertificateWanted
            | Self::ClientCertificateRefused { .. }
            | Self::Other(_) => None,
        }
    }
}

fn tls_on_plain(listener: &Listener, also: &Also) -> Finding {
    let plain = listener.with_tls(false);
    if also.plain_mqtt == Some(false) {
        return plain_mqtt(listener, false);
    }
    if also.speaks_plain_http {
        return finding(
            Kind::Tls,
            "This port speaks without TLS",
            format!("{} answers plain HTTP, not TLS.", listener.authority()),
            "The TLS handshake was not answered, a plain HTTP request was.",
            format!(
                "Use {plain}, or turn TLS on at the listener: a page that came over https can use nothing else."
            ),
        );
    }
    finding(
        Kind::Tls,
        "This port does not speak TLS",
        format!(
            "{} is open, but does not answer a TLS handshake.",
            listener.authority()
        ),
        "What came back was no TLS, and a plain HTTP request was not answered either.",
        "Check the port: it belongs to something else.",
    )
}

fn plain_mqtt(listener: &Listener, under_tls: bool) -> Finding {
    let kind = if under_tls {
        "MQTT over TLS"
    } else {
        "MQTT over TCP"
    };
    finding(
        Kind::PlainMqtt,
        "This is a port for MQTT without WebSocket",
        format!("{} speaks {kind}, which no browser can.", listener.authority()),
        "A CONNECT without WebSocket around it was answered by a CONNACK.",
        format!(
            "Use the broker's WebSocket listener (Mosquitto: a line \"protocol websockets\" under a listener of its own, often 9001), or {THROUGH_A_BRIDGE}: url = \"{}://{}\".",
            if under_tls { "mqtts" } else { "mqtt" },
            listener.authority()
        ),
    )
}

fn no_http(listener: &Listener, also: &Also) -> Finding {
    if let Some(under_tls) = also.plain_mqtt {
        return plain_mqtt(listener, under_tls);
    }
    if also.speaks_tls {
        return finding(
            Kind::Tls,
            "This port speaks TLS",
            format!(
                "{} answers a TLS handshake, not plain HTTP.",
                listener.authority()
            ),
            "The plain HTTP request was not answered, a TLS handshake was.",
            format!("Use {}.", listener.with_tls(true)),
        );
    }
    finding(
        Kind::NotMqtt,
        "What listens here speaks neither HTTP nor MQTT",
        format!("{} is open, but answers no HTTP request.", listener.authority()),
        "An HTTP request and an MQTT CONNECT were sent; neither was answered in its own language.",
        "Check the port: it belongs to something else.",
    )
}

fn http(facts: &Facts, answer: &HttpAnswer) -> Finding {
    let (listener, also) = (&facts.listener, &facts.also);
    let how = answered(answer);
    if also.speaks_tls && !listener.secure {
        return finding(
            Kind::Tls,
            "This port speaks TLS",
            format!("{} wants TLS and was dialled without.", listener.authority()),
            format!("{how} A TLS handshake is answered too."),
            format!("Use {}.", listener.with_tls(true)),
        );
    }
    if also.opens_without_origin || (answer.status == 403 && also.works_at_path.is_none()) {
        return origin(facts, &how);
    }
    if let Some(path) = &also.works_at_path {
        return Finding {
            how_we_know: format!("{how} {path} on the same host accepts a WebSocket."),
            ..wrong_path(&listener.authority(), &listener.path, Some(path))
        };
    }
    if also.opens_without_subprotocol {
        return no_subprotocol(&listener.to_string(), None);
    }
    if listener.port == RABBITMQ_PAGES {
        return finding(
            Kind::WrongPath,
            "This is RabbitMQ's management page",
            "Its Web MQTT listens on a port of its own.",
            how,
            format!(
                "Use ws://{}:15675/ws, and enable the plugin rabbitmq_web_mqtt.",
                listener.host
            ),
        );
    }
    match answer.status {
        301 | 302 | 303 | 307 | 308 => redirect(listener, answer, how),
        401 | 407 => finding(
            Kind::Origin,
            "Something in front asks for a login",
            "The upgrade to WebSocket is refused before a broker is asked.",
            how,
            "Log in there first, or let the path of the WebSocket through without.",
        ),
        426 => finding(
            Kind::Proxy,
            "A proxy in between does not pass the upgrade on",
            format!("{listener} asks for an upgrade to WebSocket, though one was asked for."),
            how,
            "Let the proxy pass it on. nginx: proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection \"upgrade\";",
        ),
        500..=599 => finding(
            Kind::Proxy,
            "The proxy in front does not reach the broker",
            format!(
                "{} answers for a broker that it cannot reach.",
                listener.authority()
            ),
            how,
            "Check that the broker runs, and the address in the proxy's configuration; its log says more.",
        ),
        421 => finding(
            Kind::Origin,
            "The listener does not answer to this name",
            format!(
                "{} refuses requests under the name {}.",
                listener.authority(),
                listener.host
            ),
            how,
            "Dial it by a name that it knows, or add the name to its configuration (Hearth: access.public_hosts).",
        ),
        _ => Finding {
            how_we_know: format!("{how} /mqtt, /ws and / were tried as well."),
            ..wrong_path(&listener.authority(), &listener.path, None)
        },
    }
}

fn origin(facts: &Facts, how: &str) -> Finding {
    let known = match facts.also.opens_without_origin {
        true => format!("{how} Without an Origin the same address opens."),
        false => how.to_owned(),
    };
    finding(
        Kind::Origin,
        "Pages from this origin are not let in",
        format!(
            "{} refuses WebSockets of pages from {}.",
            facts.listener.authority(),
            facts.origin
        ),
        known,
        "Name the origin of your page at the listener: Hearth: access.allowed_origins; Mosquitto: websockets_origin; EMQX: check_origins. With --origin this program dials as a page from elsewhere.",
    )
}

fn redirect(listener: &Listener, answer: &HttpAnswer, how: String) -> Finding {
    let target = answer.location.as_deref().unwrap_or("elsewhere");
    let to_do = match !listener.secure && target.starts_with("https://") {
        true => format!("Use {}.", listener.with_tls(true)),
        false => format!("Dial where it points to: {target}."),
    };
    finding(
        Kind::WrongPath,
        "The address points to another one",
        format!("{listener} redirects to {target}. Browsers do not follow when they open a WebSocket."),
        how,
        to_do,
    )
}

/// The status, who said it, and the beginning of what else it said.
fn answered(answer: &HttpAnswer) -> String {
    let by = match &answer.server {
        Some(server) => format!(" by {server}"),
        None => String::new(),
    };
    let said = match answer.body.trim() {
        "" => String::new(),
        body => format!(": {body}"),
    };
    let stop = if said.ends_with(['.', '!', '}']) { "" } else { "." };
    format!(
        "The upgrade to WebSocket was answered with {}{by}{said}{stop}",
        answer.status
    )
}
