//! A browser's way through a proxy: TLS, WebSocket, MQTT CONNECT.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddrV4, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use rustix::net::{AddressFamily, SocketType};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use tungstenite::client::IntoClientRequest;
use tungstenite::http::HeaderValue;
use tungstenite::{HandshakeError, Message, WebSocket};

/// Long enough for a busy machine, short enough to fail in time.
const PATIENCE: Duration = Duration::from_secs(20);

/// How a browser comes.
#[derive(Clone, Copy)]
pub(crate) struct Browser<'b> {
    /// The address of its machine, one of 127.0.0.0/8.
    pub(crate) from: Ipv4Addr,
    /// The port of 127.0.0.1 that it goes to.
    pub(crate) port: u16,
    /// The name it asks for; the port is added.
    pub(crate) host: &'b str,
    /// With TLS, trusting this authority; without it, plainly.
    pub(crate) ca: Option<&'b Path>,
    /// What a login has given it.
    pub(crate) cookies: Option<&'b str>,
}

pub(crate) trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

impl Browser<'_> {
    /// The origin of the page that this browser has from the site.
    pub(crate) fn origin(&self) -> String {
        let scheme = if self.ca.is_some() { "https" } else { "http" };
        format!("{scheme}://{}:{}", self.host, self.port)
    }

    fn stream(&self) -> Result<Box<dyn Stream>> {
        let socket = rustix::net::socket(AddressFamily::INET, SocketType::STREAM, None)?;
        rustix::net::bind(&socket, &SocketAddrV4::new(self.from, 0))?;
        rustix::net::connect(&socket, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, self.port))?;
        let tcp = TcpStream::from(socket);
        tcp.set_read_timeout(Some(PATIENCE))?;
        let Some(ca) = self.ca else {
            return Ok(Box::new(tcp));
        };
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(ca)?)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from(self.host.to_owned())?;
        let connection = rustls::ClientConnection::new(Arc::new(config), name)?;
        Ok(Box::new(rustls::StreamOwned::new(connection, tcp)))
    }

    /// The head and the body of the answer to a GET.
    pub(crate) fn get(&self, path: &str) -> Result<String> {
        self.ask(&format!("GET {path}"), &[], "")
    }

    /// The same for any method, with headers and a body.
    pub(crate) fn ask(&self, what: &str, headers: &[(&str, &str)], body: &str) -> Result<String> {
        let mut stream = self.stream()?;
        let (host, port, length) = (self.host, self.port, body.len());
        let mut text = format!(
            "{what} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\nContent-Length: {length}\r\n"
        );
        let cookies = self.cookies.map(|cookies| ("Cookie", cookies));
        for (name, value) in headers.iter().copied().chain(cookies) {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        write!(stream, "{text}\r\n{body}")?;
        stream.flush()?;
        let mut answer = Vec::new();
        // Some servers end TLS without a word.
        if let Err(error) = stream.read_to_end(&mut answer)
            && answer.is_empty()
        {
            return Err(error.into());
        }
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }

    /// Logs in on Hearth's page, and returns the cookies as they are sent back.
    pub(crate) fn log_in(&self, base: &str, user: &str, password: &str) -> Result<String> {
        let led = self.get(base)?;
        ensure!(
            led.contains(" 303 ") && header(&led, "location").as_deref() == Some("login"),
            "{led}"
        );
        let page = self.get(&format!("{base}login"))?;
        let (_, token) = page
            .split_once("name=\"token\" value=\"")
            .context("no token in the form")?;
        let token = token.split('"').next().unwrap_or_default();
        let cookie = header(&page, "set-cookie").context("no cookie with the form")?;
        let cookie = cookie.split(';').next().unwrap_or_default();
        let answer = self.ask(
            &format!("POST {base}login"),
            &[
                ("Origin", &self.origin()),
                ("Cookie", cookie),
                ("Content-Type", "application/x-www-form-urlencoded"),
            ],
            &format!("user={user}&password={password}&token={token}"),
        )?;
        ensure!(answer.contains(" 303 "), "{answer}");
        let cookies = answer.lines().filter_map(|line| {
            let (name, value) = line.split_once(": ")?;
            name.eq_ignore_ascii_case("set-cookie").then_some(value)
        });
        let mut kept = Vec::new();
        for cookie in cookies {
            // Through HTTPS the cookie may not travel without it.
            ensure!(self.ca.is_none() || cookie.contains("Secure"), "{cookie}");
            kept.extend(cookie.split(';').next().filter(|pair| !pair.ends_with('=')));
        }
        Ok(kept.join("; "))
    }

    /// Opens a WebSocket; with the status when that is refused.
    pub(crate) fn open(&self, path: &str, headers: &[(&'static str, &str)]) -> Result<Result<Opened, u16>> {
        let scheme = if self.ca.is_some() { "wss" } else { "ws" };
        let address = format!("{scheme}://{}:{}{path}", self.host, self.port);
        let mut request = address.into_client_request()?;
        let mqtt = HeaderValue::from_static("mqtt");
        request.headers_mut().insert("Sec-WebSocket-Protocol", mqtt);
        let cookies = self.cookies.map(|cookies| ("Cookie", cookies));
        for (name, value) in headers.iter().copied().chain(cookies) {
            request.headers_mut().insert(name, HeaderValue::from_str(value)?);
        }
        match tungstenite::client(request, self.stream()?) {
            Ok((socket, _)) => Ok(Ok(Opened(socket))),
            Err(HandshakeError::Failure(tungstenite::Error::Http(answer))) => {
                Ok(Err(answer.status().as_u16()))
            }
            Err(error) => bail!("{path}: {error}"),
        }
    }
}

/// A header of an answer.
fn header(answer: &str, name: &str) -> Option<String> {
    answer.lines().find_map(|line| {
        let (found, value) = line.split_once(": ")?;
        found.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
    })
}

/// An open WebSocket.
pub(crate) struct Opened(WebSocket<Box<dyn Stream>>);

impl Opened {
    /// Sends CONNECT (3.1.1) and returns the broker's code, or the code with which the WebSocket was closed instead.
    pub(crate) fn connect(&mut self, account: Option<(&str, &str)>) -> Result<Answer> {
        let sent = self.0.send(Message::Binary(connect(account)?.into()));
        // What it was closed for is said before the end.
        let sent = sent.is_ok();
        loop {
            match self.0.read()? {
                Message::Binary(bytes) => match *bytes {
                    [0x20, 2, _, code] => return Ok(Answer::Connack(code)),
                    _ => bail!("no CONNACK but {bytes:?}"),
                },
                Message::Close(Some(frame)) => return Ok(Answer::Closed(frame.code.into())),
                Message::Close(None) => bail!("closed without a code (CONNECT sent: {sent})"),
                _ => {}
            }
        }
    }
}

/// What came back for CONNECT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Connack(u8),
    Closed(u16),
}

/// A CONNECT packet of MQTT 3.1.1 with a clean session, a keep-alive of 60 s and a client id that the broker makes.
fn connect(account: Option<(&str, &str)>) -> Result<Vec<u8>> {
    let flags = if account.is_some() {
        0b1100_0010
    } else {
        0b0000_0010
    };
    let mut body = vec![0, 4, b'M', b'Q', b'T', b'T', 4, flags, 0, 60, 0, 0];
    for text in account.iter().flat_map(|(user, password)| [user, password]) {
        body.extend(u16::try_from(text.len())?.to_be_bytes());
        body.extend(text.as_bytes());
    }
    let length = u8::try_from(body.len()).ok().filter(|length| *length < 128);
    let mut packet = vec![0x10, length.context("too long")?];
    packet.extend(body);
    Ok(packet)
}
