//! One connection: TLS if it is wanted, then HTTP/1.1 or HTTP/2.

use std::{
    convert::Infallible,
    error::Error,
    future::Future,
    io,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::Request,
    http::{HeaderValue, Version, header},
    response::Response,
};
use hyper::{
    body::Incoming,
    server::conn::{http1, http2},
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::{net::TcpStream, time::timeout};
use tokio_util::sync::CancellationToken;
use tower_service::Service as _;

use super::{
    Peer, redirect,
    stream::{AllAnswered, BrowserStream, Heard},
    tls::{Tls, is_http2},
};
use crate::{app::App, transport::Patient};

/// Requests that one HTTP/2 connection may have under way.
const MAX_STREAMS: u32 = 100;

/// How long an HTTP/2 connection lives at most; browsers open another one. A peer that goes on asking may leave answers untaken without
/// limit of time, because nothing here is asked about a stream whose window is shut.
const LONGEST_HTTP2: Duration = Duration::from_secs(10 * 60);

/// What a connection is served with.
#[derive(Clone)]
pub(super) enum Purpose {
    Plain,
    Https(Tls),
    /// Everything is led to HTTPS.
    Redirect,
}

/// All that serving one connection needs.
pub(super) struct Connection {
    pub(super) app: App,
    pub(super) router: Router,
    pub(super) purpose: Purpose,
    pub(super) https_port: u16,
    pub(super) peer: Peer,
    pub(super) stop: CancellationToken,
}

/// How a connection begins.
enum Opening {
    Http1(BrowserStream),
    Http2(BrowserStream),
    /// Plain HTTP where TLS was expected.
    NotTls(TcpStream),
}

impl Connection {
    pub(super) async fn serve(self, tcp: TcpStream) {
        let opening = match &self.purpose {
            Purpose::Plain => Ok(Opening::Http1(BrowserStream::Tcp(tcp))),
            Purpose::Redirect => Ok(Opening::NotTls(tcp)),
            Purpose::Https(tls) => {
                let opening = tokio::select! {
                    opening = timeout(self.app.http.header_timeout, open_tls(tls, tcp)) => opening,
                    () = self.stop.cancelled() => return,
                };
                opening.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
            }
        };
        match opening {
            Ok(Opening::Http1(stream)) => self.serve_http1(stream).await,
            // In boxes, or every plain connection would have room for their state.
            Ok(Opening::Http2(stream)) => Box::pin(self.serve_http2(stream)).await,
            Ok(Opening::NotTls(tcp)) => Box::pin(self.redirect(tcp)).await,
            Err(error) => {
                let reason = match error.kind() {
                    io::ErrorKind::TimedOut => "tls_timeout",
                    _ => "tls_failed",
                };
                self.app.metrics.connection_ended(reason);
                tracing::debug!(address = %self.peer.address, %error, "the TLS handshake failed");
            }
        }
    }

    /// It was to be served elsewhere, and is lost.
    pub(super) fn not_handed_over(&self, error: &io::Error) {
        self.app.metrics.connection_ended("not_handed_over");
        tracing::warn!(address = %self.peer.address, %error, "a connection could not be handed over");
    }

    fn patient(&self, stream: BrowserStream) -> Patient<BrowserStream> {
        Patient::new(stream, self.app.http.stalled_timeout)
    }

    fn http1(&self) -> http1::Builder {
        let mut builder = http1::Builder::new();
        builder
            .timer(TokioTimer::new())
            .header_read_timeout(self.app.http.header_timeout)
            .max_buf_size(self.app.http.max_header_bytes);
        builder
    }

    async fn serve_http1(self, stream: BrowserStream) {
        let (router, peer) = (self.router.clone(), self.peer.clone());
        let answered = AllAnswered::default();
        let io = TokioIo::new(Heard::new(self.patient(stream), answered.clone()));
        let noted = answered.clone();
        let service = service_fn(move |request| {
            let answer = answer(router.clone(), peer.clone(), request);
            let noted = noted.clone();
            async move {
                let answer = answer.await;
                noted.set(true);
                answer
            }
        });
        let mut connection = pin!(self.http1().serve_connection(io, service).with_upgrades());
        let result = tokio::select! {
            result = connection.as_mut() => result,
            () = self.stop.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        // A connection that was kept for a later request, which did not come, ends as it should.
        let was_kept = result.as_ref().is_err_and(hyper::Error::is_timeout) && answered.get();
        if !was_kept {
            self.ended(result);
        }
    }

    async fn serve_http2(self, stream: BrowserStream) {
        let (router, peer) = (self.router.clone(), self.peer.clone());
        let requests = Arc::new(Requests::default());
        let counted = Arc::clone(&requests);
        let service = service_fn(move |request| {
            let under_way = counted.begin();
            let answer = answer(router.clone(), peer.clone(), request);
            async move {
                let answer = answer.await;
                drop(under_way);
                answer
            }
        });
        let http = &self.app.http;
        let max_header_bytes = u32::try_from(http.max_header_bytes).unwrap_or(u32::MAX);
        let mut builder = http2::Builder::new(TokioExecutor::new());
        builder
            .timer(TokioTimer::new())
            .max_concurrent_streams(MAX_STREAMS)
            .max_header_list_size(max_header_bytes);
        let mut connection = pin!(builder.serve_connection(TokioIo::new(self.patient(stream)), service));
        let result = tokio::select! {
            result = connection.as_mut() => result,
            was_idle = requests.idle_or_old(http.idle_timeout) => {
                connection.as_mut().graceful_shutdown();
                // Without requests nothing is under way, and a peer that does not answer the goodbye is not waited for. What is under
                // way has the time of a request.
                let patience = if was_idle { http.header_timeout } else { http.request_timeout };
                match timeout(patience, connection).await {
                    Ok(result) => result,
                    Err(_) => Ok(()),
                }
            }
            () = self.stop.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        self.ended(result);
    }

    async fn redirect(self, tcp: TcpStream) {
        let (app, peer, https_port) = (self.app.clone(), self.peer.clone(), self.https_port);
        let service = service_fn(move |request: hyper::Request<Incoming>| {
            let request = request.map(Body::new);
            let mut response = redirect::to_https(&app, &peer, https_port, &request);
            let close = HeaderValue::from_static("close");
            response.headers_mut().insert(header::CONNECTION, close);
            async move { Ok::<_, Infallible>(response) }
        });
        let io = TokioIo::new(self.patient(BrowserStream::Tcp(tcp)));
        let connection = self.http1().serve_connection(io, service);
        let result = tokio::select! {
            result = connection => result,
            () = self.stop.cancelled() => return,
        };
        self.ended(result);
    }

    /// Counts why a connection ended that should not have.
    fn ended(&self, result: hyper::Result<()>) {
        let Err(error) = result else { return };
        let reason = if error.is_parse_too_large() {
            "head_too_big"
        } else if error.is_parse() {
            "bad_request"
        } else if error.is_timeout() {
            "head_timeout"
        } else if io_kind(&error) == Some(io::ErrorKind::TimedOut) {
            "stalled"
        } else {
            "broken"
        };
        self.app.metrics.connection_ended(reason);
        tracing::debug!(address = %self.peer.address, reason, %error, "connection ended");
    }
}

/// Decides by the first byte: TLS begins with a handshake record (0x16), HTTP with a letter.
async fn open_tls(tls: &Tls, tcp: TcpStream) -> io::Result<Opening> {
    let mut first = [0];
    if tcp.peek(&mut first).await? == 1 && first.first().is_some_and(u8::is_ascii_alphabetic) {
        return Ok(Opening::NotTls(tcp));
    }
    let stream = tls.accept(tcp).await?;
    let http2 = is_http2(&stream);
    let stream = BrowserStream::Tls(Box::new(stream));
    Ok(if http2 {
        Opening::Http2(stream)
    } else {
        Opening::Http1(stream)
    })
}

fn answer(
    mut router: Router,
    peer: Peer,
    request: hyper::Request<Incoming>,
) -> impl Future<Output = Result<Response, Infallible>> + Send + 'static {
    let mut request: Request = request.map(Body::new);
    // HTTP/2 names the host elsewhere; from here on it is in one place.
    if request.version() == Version::HTTP_2
        && !request.headers().contains_key(header::HOST)
        && let Some(authority) = request.uri().authority()
        && let Ok(host) = HeaderValue::from_str(authority.as_str())
    {
        request.headers_mut().insert(header::HOST, host);
    }
    request.extensions_mut().insert(peer);
    router.call(request)
}

fn io_kind(error: &(dyn Error + 'static)) -> Option<io::ErrorKind> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(io) = error.downcast_ref::<io::Error>() {
            return Some(io.kind());
        }
        cause = error.source();
    }
    None
}

/// The requests of one connection.
#[derive(Default)]
struct Requests {
    begun: AtomicU64,
    ended: AtomicU64,
}

/// A request that is worked on.
struct UnderWay(Arc<Requests>);

impl Requests {
    fn begin(self: &Arc<Self>) -> UnderWay {
        self.begun.fetch_add(1, Ordering::Relaxed);
        UnderWay(Arc::clone(self))
    }

    /// Returns when there was no request for that long, or the connection has lived long enough; says whether it was idle.
    async fn idle_or_old(&self, limit: Duration) -> bool {
        timeout(LONGEST_HTTP2, self.idle_for(limit)).await.is_ok()
    }

    /// Returns when there was no request for that long.
    async fn idle_for(&self, limit: Duration) {
        loop {
            let begun = self.begun.load(Ordering::Relaxed);
            tokio::time::sleep(limit).await;
            if self.begun.load(Ordering::Relaxed) == begun && self.ended.load(Ordering::Relaxed) == begun {
                return;
            }
        }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.ended.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{Instant, sleep};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_never_stops_asking_ends_all_the_same() {
        let requests = Arc::new(Requests::default());
        let begun = Instant::now();
        let asking = async {
            loop {
                drop(requests.begin());
                sleep(Duration::from_secs(2)).await;
            }
        };
        let was_idle = tokio::select! {
            was_idle = requests.idle_or_old(Duration::from_secs(120)) => was_idle,
            () = asking => unreachable!("it asks for ever"),
        };
        assert!(!was_idle && begun.elapsed() >= LONGEST_HTTP2);
        assert!(requests.idle_or_old(Duration::from_secs(120)).await);
    }
}
