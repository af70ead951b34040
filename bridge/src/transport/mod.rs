//! Network connections to brokers: TCP, TLS over it, and WebSocket over either.

mod acknowledgements;
mod fault;
mod patient;
mod proxy;
mod reach;
mod tls;
mod upgrade;
mod verify;

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use hearth_model::doctor::{Listener, TlsFault};
use rustls::{ClientConnection, pki_types::CertificateDer};
use socket2::{SockRef, TcpKeepalive};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf},
    net::TcpStream,
    time::timeout_at,
};
use tokio_rustls::client::TlsStream;

pub use self::tls::TlsError;
use self::{acknowledgements::Acknowledgements, reach::Reach, tls::Tls};
pub(crate) use self::{
    fault::tls_fault,
    patient::{Patience, Patient, Watch},
    proxy::Ends,
    tls::{Reloads, check_authorities, key_pair},
    upgrade::{Answer, Ask},
};
use crate::{
    config::{BrokerAddress, BrokerConfig, ProxyProtocol, TlsConfig},
    websocket::WebSocket,
};

/// Knows how to reach one broker.
pub(crate) struct Dialer {
    reach: Reach,
    tls: Option<Arc<Tls>>,
    /// The path of its WebSocket listener, where it is reached by one.
    websocket_path: Option<String>,
    proxy_protocol: Option<ProxyProtocol>,
    quick_ack_writes: u32,
}

/// Why a broker cannot be reached.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DialError {
    #[error("the connection was refused")]
    Refused,
    #[error("{0}")]
    Unreachable(String),
    #[error("TLS failed: {0}")]
    Tls(TlsFault),
    /// There is a connection, but no WebSocket.
    #[error("no WebSocket opens: {0}")]
    Upgrade(String),
    #[error("no answer in time")]
    Timeout,
    #[error("the name was not resolved in time")]
    NameTimeout,
}

impl Dialer {
    /// Reads certificates, so that mistakes show at the start.
    pub(crate) fn new(address: BrokerAddress, tls: Option<&TlsConfig>) -> Result<Self, TlsError> {
        let tls = match tls {
            Some(config) => Some(Arc::new(Tls::new(config, &address)?)),
            None => None,
        };
        Ok(Self {
            reach: Reach::new(address),
            tls,
            websocket_path: None,
            proxy_protocol: None,
            quick_ack_writes: 0,
        })
    }

    /// Has what the broker says acknowledged at once behind so many writes in 10 ms.
    pub(crate) fn with_quick_acks(self, writes: u32) -> Self {
        Self {
            quick_ack_writes: writes,
            ..self
        }
    }

    /// For a broker of the configuration.
    pub(crate) fn of_broker(broker: &BrokerConfig) -> Result<Self, TlsError> {
        Ok(Self {
            websocket_path: broker.websocket_path.clone(),
            proxy_protocol: broker.proxy_protocol,
            ..Self::new(broker.address.clone(), broker.tls.as_ref())?
        })
    }

    /// Where it dials, for people.
    pub(crate) fn place(&self) -> String {
        match self.listener() {
            Some(listener) => listener.to_string(),
            None => self.reach.address().to_string(),
        }
    }

    fn listener(&self) -> Option<Listener> {
        Some(Listener {
            secure: self.tls.is_some(),
            host: self.reach.address().host.clone(),
            port: self.reach.address().port,
            path: self.websocket_path.clone()?,
        })
    }

    /// How often files of TLS changed.
    pub(crate) fn tls_reloads(&self) -> Option<Reloads> {
        self.tls.as_ref().map(|tls| tls.reloads())
    }

    /// The bridge's own certificate, where it shows one to this broker.
    pub(crate) fn own_certificate(&self) -> Option<CertificateDer<'static>> {
        self.tls.as_ref()?.own_certificate()
    }

    /// Connects for a browser, or for the bridge itself, in so much time.
    pub(crate) async fn dial(&self, ends: Option<Ends>, wait: Duration) -> Result<BrokerStream, DialError> {
        self.within(wait, async |addresses| self.open(addresses, ends).await)
            .await
    }

    /// The connection alone, without a WebSocket in it.
    pub(crate) async fn connect(
        &self,
        ends: Option<Ends>,
        wait: Duration,
    ) -> Result<NetworkStream, DialError> {
        self.within(wait, async |addresses| self.reach_one_of(addresses, ends).await)
            .await
    }

    /// Who waits hears whether it is for the name or for the broker.
    async fn within<T>(
        &self,
        wait: Duration,
        dial: impl AsyncFnOnce(Vec<SocketAddr>) -> Result<T, DialError>,
    ) -> Result<T, DialError> {
        let until = tokio::time::Instant::now() + wait;
        let addresses = timeout_at(until, self.reach.addresses())
            .await
            .map_err(|_| DialError::NameTimeout)?
            .map_err(|error| dial_error(&error))?;
        timeout_at(until, dial(addresses))
            .await
            .unwrap_or(Err(DialError::Timeout))
    }

    async fn open(&self, addresses: Vec<SocketAddr>, ends: Option<Ends>) -> Result<BrokerStream, DialError> {
        let stream = self.reach_one_of(addresses, ends).await?;
        let Some(listener) = self.listener() else {
            return Ok(BrokerStream::Bare(
                stream,
                Acknowledgements::new(self.quick_ack_writes),
            ));
        };
        let ask = Ask {
            listener: &listener,
            origin: None,
            with_subprotocol: true,
        };
        let socket = ask.open(stream).await.map_err(DialError::Upgrade)?;
        Ok(BrokerStream::WebSocket(Box::new(socket)))
    }

    async fn reach_one_of(
        &self,
        addresses: Vec<SocketAddr>,
        ends: Option<Ends>,
    ) -> Result<NetworkStream, DialError> {
        let mut tcp = reach::first_of(addresses)
            .await
            .map_err(|error| dial_error(&error))?;
        prepare(&tcp).map_err(|error| dial_error(&error))?;
        if let Some(version) = self.proxy_protocol {
            tcp.write_all(&proxy::header(version, ends))
                .await
                .map_err(|error| dial_error(&error))?;
        }
        let Some(tls) = self.tls.clone() else {
            return Ok(NetworkStream::Tcp(tcp));
        };
        let name = tls.name();
        let connector = tokio::task::spawn_blocking(move || tls.connector())
            .await
            .map_err(|error| DialError::Tls(TlsFault::Other(error.to_string())))?;
        match connector.connect(name, tcp).await {
            Ok(stream) => Ok(NetworkStream::Tls(Box::new(stream))),
            Err(error) => Err(DialError::Tls(tls_fault(&error))),
        }
    }
}

/// How long a silent peer is trusted, and how often it is asked then: a machine that vanished is noticed within about two minutes.
const KEEP_ALIVE: TcpKeepalive = TcpKeepalive::new()
    .with_time(Duration::from_secs(60))
    .with_interval(Duration::from_secs(15))
    .with_retries(4);

/// What the kernel holds at most of what it has not sent yet; half of it has to leave before it takes more. By itself it holds megabytes,
/// and a peer that takes 10 KB a second looks for minutes as one that takes nothing ([`Patience`]). A tenth of this costs fast peers a third
/// of their throughput.
#[cfg(target_os = "linux")]
const UNSENT_BYTES: u32 = 1024 * 1024;

/// Sets what every TCP connection of the bridge has in common.
pub(crate) fn prepare(tcp: &TcpStream) -> io::Result<()> {
    // Packets are small and somebody waits for each: no gathering by the kernel.
    tcp.set_nodelay(true)?;
    let socket = SockRef::from(tcp);
    // Where this cannot be asked for, a peer that takes little at a time is given up on earlier.
    #[cfg(target_os = "linux")]
    let _asked = socket.set_tcp_notsent_lowat(UNSENT_BYTES);
    socket.set_tcp_keepalive(&KEEP_ALIVE)
}

fn dial_error(error: &io::Error) -> DialError {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => DialError::Refused,
        io::ErrorKind::TimedOut => DialError::Timeout,
        io::ErrorKind::HostUnreachable => DialError::Unreachable("no route to the host".into()),
        io::ErrorKind::NetworkUnreachable => DialError::Unreachable("no route to the network".into()),
        _ => DialError::Unreachable(error.to_string()),
    }
}

/// A connection to a machine.
#[derive(Debug)]
pub(crate) enum NetworkStream {
    Tcp(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl NetworkStream {
    /// What was agreed on, if it is TLS.
    pub(crate) fn tls(&self) -> Option<&ClientConnection> {
        match self {
            Self::Tcp(_) => None,
            Self::Tls(stream) => Some(stream.get_ref().1),
        }
    }

    /// The certificate of the other side.
    pub(crate) fn certificate(&self) -> Option<&CertificateDer<'static>> {
        self.tls()?.peer_certificates()?.first()
    }

    fn tcp(&self) -> &TcpStream {
        match self {
            Self::Tcp(tcp) => tcp,
            Self::Tls(stream) => stream.get_ref().0,
        }
    }

    /// Has the kernel acknowledge what comes next as soon as it is read.
    fn acknowledge_soon(&self) {
        // Where this cannot be asked for, messages come as they always did.
        #[cfg(target_os = "linux")]
        let _asked = self.tcp().set_quickack(true);
    }

    pub(crate) fn peer_address(&self) -> Option<SocketAddr> {
        self.tcp().peer_addr().ok()
    }
}

impl AsyncRead for NetworkStream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for NetworkStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

/// A connection to a broker: what goes in and comes out is MQTT.
#[derive(Debug)]
pub(crate) enum BrokerStream {
    Bare(NetworkStream, Acknowledgements),
    WebSocket(Box<WebSocket<NetworkStream>>),
}

impl BrokerStream {
    /// MQTT with nothing around it.
    pub(crate) fn bare(stream: NetworkStream) -> Self {
        Self::Bare(stream, Acknowledgements::new(0))
    }

    /// What carries it.
    pub(crate) fn network(&self) -> &NetworkStream {
        match self {
            Self::Bare(stream, _) => stream,
            Self::WebSocket(socket) => socket.get_ref(),
        }
    }

    pub(crate) fn is_websocket(&self) -> bool {
        matches!(self, Self::WebSocket(_))
    }
}

impl AsyncRead for BrokerStream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Bare(stream, _) => Pin::new(stream).poll_read(cx, buf),
            Self::WebSocket(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for BrokerStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Bare(stream, acknowledgements) => {
                let written = Pin::new(&mut *stream).poll_write(cx, bytes);
                if written.is_ready() && acknowledgements.are_wanted_behind_a_write(Instant::now()) {
                    stream.acknowledge_soon();
                }
                written
            }
            Self::WebSocket(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Bare(stream, _) => Pin::new(stream).poll_flush(cx),
            Self::WebSocket(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Bare(stream, _) => Pin::new(stream).poll_shutdown(cx),
            Self::WebSocket(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    /// With the nine times that Linux asks by itself it took more than three minutes.
    #[tokio::test]
    async fn a_machine_that_vanished_is_noticed_within_two_minutes() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let tcp = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        prepare(&tcp).unwrap();
        let socket = SockRef::from(&tcp);
        let silent = socket.tcp_keepalive_time().unwrap();
        let asked = socket.tcp_keepalive_interval().unwrap() * socket.tcp_keepalive_retries().unwrap();
        assert_eq!(silent + asked, Duration::from_secs(120));
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn the_kernel_does_not_hide_that_a_peer_takes_something() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let tcp = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        prepare(&tcp).unwrap();
        assert_eq!(SockRef::from(&tcp).tcp_notsent_lowat().unwrap(), UNSENT_BYTES);
    }
}
