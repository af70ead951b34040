//! The opening handshake of a WebSocket as a browser sends it, and whatever comes back.

use std::time::Duration;

use axum::http::StatusCode;
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use hearth_model::doctor::{HttpAnswer, Listener};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};

use super::NetworkStream;
use crate::{
    auth::random_bytes,
    websocket::{
        WebSocket,
        handshake::{SUBPROTOCOL, accept},
    },
};

/// More than any server sends in front of its answer.
const LONGEST_HEAD_BYTES: usize = 64 * 1024;
const MOST_HEADERS: usize = 100;

/// Of the body of a refusal.
const BODY_SHOWN: usize = 160;

/// How long the body of a refusal may take.
const BODY_WAIT: Duration = Duration::from_millis(500);

/// How libwebsockets writes what others write in small letters. It gives no name.
const UPGRADE_OF_LIBWEBSOCKETS: &str = "WebSocket";

/// What is asked for.
pub(crate) struct Ask<'a> {
    pub(crate) listener: &'a Listener,
    pub(crate) origin: Option<&'a str>,
    pub(crate) with_subprotocol: bool,
}

/// What comes back.
pub(crate) enum Answer {
    Opened {
        stream: NetworkStream,
        /// What came behind the answer already.
        early: Vec<u8>,
        accept_fits: bool,
        subprotocol: Option<String>,
        /// The server is libwebsockets, or writes as it does.
        is_libwebsockets: bool,
    },
    Http(HttpAnswer),
    NoHttp,
}

/// Longer than anybody waits: the caller of [`Ask::open`] bounds the time.
const UNBOUNDED: Duration = Duration::from_secs(3_600);

impl Ask<'_> {
    /// Asks on an open connection for MQTT; says why there is no WebSocket.
    pub(crate) async fn open(&self, stream: NetworkStream) -> Result<WebSocket<NetworkStream>, String> {
        let fault = match self.on(stream, UNBOUNDED).await {
            Answer::Opened {
                stream,
                early,
                accept_fits: true,
                subprotocol: Some(subprotocol),
                is_libwebsockets,
            } if subprotocol == SUBPROTOCOL => {
                return Ok(match is_libwebsockets {
                    true => WebSocket::with_nudges(stream, early),
                    false => WebSocket::new(stream, early),
                });
            }
            Answer::Opened {
                accept_fits: false, ..
            } => "the answer is for another request (Sec-WebSocket-Accept)".to_owned(),
            Answer::Opened {
                subprotocol: Some(other),
                ..
            } => format!("the answer names the subprotocol {other}, not {SUBPROTOCOL}"),
            Answer::Opened { .. } => format!("the answer names no subprotocol, not even {SUBPROTOCOL}"),
            Answer::Http(answer) => of_http(&answer),
            Answer::NoHttp => "the answer is not HTTP (MQTT over TCP is mqtt:// or mqtts://)".to_owned(),
        };
        Err(format!("{fault}, at {}", self.listener))
    }

    /// Asks on an open connection.
    pub(crate) async fn on(&self, mut stream: NetworkStream, wait: Duration) -> Answer {
        let Ok(random) = random_bytes::<16>() else {
            return Answer::NoHttp;
        };
        let key = BASE64.encode(random);
        let request = self.request(&key);
        let exchange = async {
            stream.write_all(request.as_bytes()).await.ok()?;
            read_head(&mut stream).await
        };
        let Ok(Some(head)) = timeout(wait, exchange).await else {
            return Answer::NoHttp;
        };
        if head.status == 101 {
            return Answer::Opened {
                stream,
                accept_fits: head.accept.as_deref() == Some(&accept(key.as_bytes())),
                subprotocol: head.subprotocol,
                is_libwebsockets: head.upgrade.as_deref() == Some(UPGRADE_OF_LIBWEBSOCKETS),
                early: head.rest,
            };
        }
        Answer::Http(HttpAnswer {
            status: head.status,
            server: head.server,
            location: head.location,
            body: body(&mut stream, head.rest).await,
        })
    }

    fn request(&self, key: &str) -> String {
        let Listener { path, secure, .. } = self.listener;
        let authority = self.listener.authority();
        // Without the port that is the scheme's own, as browsers write it.
        let own = if *secure { ":443" } else { ":80" };
        let authority = authority.strip_suffix(own).unwrap_or(&authority);
        let mut request = format!(
            "GET {path} HTTP/1.1\r\nHost: {authority}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\nUser-Agent: hearth\r\n"
        );
        if let Some(origin) = self.origin {
            request.push_str(&format!("Origin: {origin}\r\n"));
        }
        if self.with_subprotocol {
            request.push_str("Sec-WebSocket-Protocol: mqtt\r\n");
        }
        request.push_str("\r\n");
        request
    }
}

/// An answer that is not 101, in one line.
fn of_http(answer: &HttpAnswer) -> String {
    let reason = StatusCode::from_u16(answer.status)
        .ok()
        .and_then(|status| status.canonical_reason());
    let mut words = format!("status {}", answer.status);
    for (before, more) in [
        (" ", reason),
        (" from ", answer.server.as_deref()),
        (", leading to ", answer.location.as_deref()),
        (": ", Some(answer.body.as_str()).filter(|body| !body.is_empty())),
    ] {
        if let Some(more) = more {
            words.push_str(before);
            words.push_str(more);
        }
    }
    words
}

struct Head {
    status: u16,
    server: Option<String>,
    location: Option<String>,
    accept: Option<String>,
    subprotocol: Option<String>,
    upgrade: Option<String>,
    rest: Vec<u8>,
}

/// Nothing when it is not HTTP.
async fn read_head(stream: &mut NetworkStream) -> Option<Head> {
    let mut bytes = Vec::new();
    loop {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
        let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
        let mut response = httparse::Response::new(&mut headers);
        match response.parse(&bytes) {
            Ok(httparse::Status::Complete(len)) => {
                let header = |name: &str| {
                    let found = response
                        .headers
                        .iter()
                        .find(|header| header.name.eq_ignore_ascii_case(name))?;
                    Some(printable(found.value))
                };
                return Some(Head {
                    status: response.code?,
                    server: header("server"),
                    location: header("location"),
                    accept: header("sec-websocket-accept"),
                    subprotocol: header("sec-websocket-protocol"),
                    upgrade: header("upgrade"),
                    rest: bytes.get(len..).unwrap_or_default().to_vec(),
                });
            }
            Ok(httparse::Status::Partial) if bytes.len() <= LONGEST_HEAD_BYTES => {}
            Ok(httparse::Status::Partial) | Err(_) => return None,
        }
    }
}

async fn body(stream: &mut NetworkStream, mut bytes: Vec<u8>) -> String {
    let reading = async {
        while bytes.len() < BODY_SHOWN * 4 && stream.read_buf(&mut bytes).await.is_ok_and(|len| len > 0) {}
    };
    let _enough = timeout(BODY_WAIT, reading).await;
    let text = printable(&bytes);
    // A page says nothing in its first lines.
    match text.trim_start().starts_with('<') {
        true => String::new(),
        false => text.chars().take(BODY_SHOWN).collect(),
    }
}

/// As text that cannot move the cursor of a terminal.
fn printable(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.trim().replace(|c: char| c.is_control(), " ")
}
