//! Takes connections, up to the limits, and serves each in a task of its own.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use tokio::{
    net::{TcpListener, TcpStream},
    time::timeout,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    Peer,
    connection::{Connection, Purpose},
    crowd::Crowd,
    places::Place,
    tls::Tls,
};
use crate::{app::App, config::WebScheme, router::router, transport};

/// How long to wait after the system could not hand out a connection, most often for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Where connections come in.
pub(super) struct Listeners {
    pub(super) main: TcpListener,
    pub(super) https_port: u16,
    /// Plain HTTP that is led to HTTPS.
    pub(super) redirect: Option<TcpListener>,
    pub(super) tls: Option<Tls>,
}

/// What accepting needs beside the listener.
struct Accepting {
    app: App,
    router: Router,
    connections: TaskTracker,
    crowd: Arc<Crowd>,
    https_port: u16,
    stop: CancellationToken,
}

impl Listeners {
    /// Serves until it is told to stop, and then waits for what is still under way.
    pub(super) async fn serve(self, app: App, stop: CancellationToken, drain: Duration, crowd: Arc<Crowd>) {
        let accepting = Accepting {
            router: router(app.clone()),
            connections: TaskTracker::new(),
            crowd,
            https_port: self.https_port,
            stop: stop.clone(),
            app: app.clone(),
        };
        let fresh = async {
            match &self.tls {
                Some(tls) => tls.clone().keep_fresh(app).await,
                None => std::future::pending().await,
            }
        };
        let redirect = async {
            if let Some(listener) = self.redirect {
                accepting.run(listener, &Purpose::Redirect).await;
            }
        };
        let purpose = self.tls.clone().map_or(Purpose::Plain, Purpose::Https);
        tokio::select! {
            _ended = async { tokio::join!(accepting.run(self.main, &purpose), redirect) } => {}
            () = fresh => {}
        }
        accepting.connections.close();
        let _ended = timeout(drain, accepting.connections.wait()).await;
    }
}

impl Accepting {
    async fn run(&self, listener: TcpListener, purpose: &Purpose) {
        let mut is_failing = false;
        loop {
            let accepted = tokio::select! {
                accepted = self.next(&listener) => accepted,
                () = self.stop.cancelled() => return,
            };
            match accepted {
                Ok(Some((tcp, address, local, place))) => {
                    if std::mem::take(&mut is_failing) {
                        tracing::info!("connections are taken again");
                    }
                    self.app.metrics.connected();
                    let scheme = match purpose {
                        Purpose::Https(_) => WebScheme::Https,
                        Purpose::Plain | Purpose::Redirect => WebScheme::Http,
                    };
                    let connection = Connection {
                        app: self.app.clone(),
                        router: self.router.clone(),
                        purpose: purpose.clone(),
                        https_port: self.https_port,
                        peer: Peer {
                            address,
                            local,
                            scheme,
                            permit: Arc::new(place),
                        },
                        stop: self.stop.clone(),
                    };
                    self.crowd.serve(&self.connections, connection, tcp);
                }
                Ok(None) => self.app.metrics.connection_ended("too_many_from_address"),
                Err(error) => {
                    self.app.metrics.connection_ended("not_taken");
                    if !is_failing {
                        tracing::warn!(%error, "connections cannot be taken (said when it changes)");
                    }
                    is_failing = true;
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    /// The next connection, with its two ends; nothing when its address has as many as it may.
    async fn next(
        &self,
        listener: &TcpListener,
    ) -> io::Result<Option<(TcpStream, SocketAddr, SocketAddr, Place)>> {
        let (tcp, address) = listener.accept().await?;
        transport::prepare(&tcp)?;
        let local = tcp.local_addr()?;
        let place = self.app.places.take(address.ip(), &self.app.metrics).await?;
        Ok(place.map(|place| (tcp, address, local, place)))
    }
}
