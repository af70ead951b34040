//! Network connections to brokers: TCP, and TLS over it.

mod fault;
mod patient;
mod proxy;
mod tls;

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use hearth_model::doctor::TlsFault;
use rustls::{ClientConnection, pki_types::CertificateDer};
use socket2::{SockRef, TcpKeepalive};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf},
    net::TcpStream,
};
use tokio_rustls::client::TlsStream;

use self::tls::Tls;
pub use self::tls::TlsError;
pub(crate) use self::{
    fault::tls_fault,
    patient::{Patience, Patient},
    proxy::Ends,
    tls::{Reloads, key_pair},
};
use crate::config::{BrokerAddress, ProxyProtocol, TlsConfig};

/// Knows how to reach one broker.
pub(crate) struct Dialer {
    address: BrokerAddress,
    tls: Option<Arc<Tls>>,
    proxy_protocol: Option<ProxyProtocol>,
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
    #[error("no answer in time")]
    Timeout,
}

impl Dialer {
    /// Reads certificates, so that mistakes show at the start.
    pub(crate) fn new(address: BrokerAddress, tls: Option<&TlsConfig>) -> Result<Self, TlsError> {
        let tls = match tls {
            Some(config) => Some(Arc::new(Tls::new(config, &address)?)),
            None => None,
        };
        Ok(Self {
            address,
            tls,
            proxy_protocol: None,
        })
    }

    /// The broker is told whose connection it gets.
    pub(crate) fn with_proxy_protocol(self, proxy_protocol: Option<ProxyProtocol>) -> Self {
        Self {
            proxy_protocol,
            ..self
        }
    }

    pub(crate) fn address(&self) -> &BrokerAddress {
        &self.address
    }

    /// How often files of TLS changed.
    pub(crate) fn tls_reloads(&self) -> Option<Reloads> {
        self.tls.as_ref().map(|tls| tls.reloads())
    }

    /// Connects for a browser, or for the bridge itself; the caller bounds the time.
    pub(crate) async fn dial(&self, ends: Option<Ends>) -> Result<BrokerStream, DialError> {
        let mut tcp = TcpStream::connect((self.address.host.as_str(), self.address.port))
            .await
            .map_err(|error| dial_error(&error))?;
        prepare(&tcp).map_err(|error| dial_error(&error))?;
        if let Some(version) = self.proxy_protocol {
            tcp.write_all(&proxy::header(version, ends))
                .await
                .map_err(|error| dial_error(&error))?;
        }
        let Some(tls) = self.tls.clone() else {
            return Ok(BrokerStream::Tcp(tcp));
        };
        let name = tls.name();
        let connector = tokio::task::spawn_blocking(move || tls.connector())
            .await
            .map_err(|error| DialError::Tls(TlsFault::Other(error.to_string())))?;
        match connector.connect(name, tcp).await {
            Ok(stream) => Ok(BrokerStream::Tls(Box::new(stream))),
            Err(error) => Err(DialError::Tls(tls_fault(&error))),
        }
    }
}

/// How long a silent peer is trusted, and how often it is asked then: a machine that vanished is noticed within about two minutes.
const KEEP_ALIVE: TcpKeepalive = TcpKeepalive::new()
    .with_time(Duration::from_secs(60))
    .with_interval(Duration::from_secs(15));

/// Sets what every TCP connection of the bridge has in common.
pub(crate) fn prepare(tcp: &TcpStream) -> io::Result<()> {
    // Packets are small and somebody waits for each: no gathering by the kernel.
    tcp.set_nodelay(true)?;
    SockRef::from(tcp).set_tcp_keepalive(&KEEP_ALIVE)
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

/// A connection to a broker.
pub(crate) enum BrokerStream {
    Tcp(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl BrokerStream {
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

    pub(crate) fn peer_address(&self) -> Option<SocketAddr> {
        self.tcp().peer_addr().ok()
    }
}

impl AsyncRead for BrokerStream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for BrokerStream {
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
