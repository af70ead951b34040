//! More threads for many browsers.
//!
//! With few connections threads that wake each other cost more than they bring, so the bridge uses half of the processors. Where one
//! message goes to hundreds of browsers each has work of its own, and the last of them waits for all the others. So what comes when there
//! is a crowd already is served by a runtime of its own, with a thread for each processor.

use std::sync::OnceLock;

use tokio::{
    net::TcpStream,
    runtime::{Builder, Runtime},
};
use tokio_util::task::TaskTracker;

use super::connection::Connection;
use crate::give_way;

/// The threads for a crowd, which start with it.
pub(super) struct Crowd {
    threads: usize,
    /// So many connections are one.
    connections: usize,
    runtime: OnceLock<Option<Runtime>>,
}

impl Crowd {
    /// With no threads everything is served where connections are taken.
    pub(super) fn new(threads: usize, connections: usize) -> Self {
        Self {
            threads,
            connections,
            runtime: OnceLock::new(),
        }
    }

    /// Serves a connection, here or there.
    pub(super) fn serve(&self, connections: &TaskTracker, connection: Connection, tcp: TcpStream) {
        // Those that have a place: `connections` no longer holds what has become a WebSocket. This one has a place already.
        let others = connection.app.places.open().saturating_sub(1);
        let Some(runtime) = self.next(others) else {
            connections.spawn(connection.serve(tcp));
            return;
        };
        let tcp = match tcp.into_std() {
            Ok(tcp) => tcp,
            Err(error) => return connection.not_handed_over(&error),
        };
        let serving = async move {
            match TcpStream::from_std(tcp) {
                Ok(tcp) => connection.serve(tcp).await,
                Err(error) => connection.not_handed_over(&error),
            }
        };
        connections.spawn_on(serving, runtime.handle());
    }

    /// The other runtime, once there is a crowd.
    fn next(&self, connections: usize) -> Option<&Runtime> {
        if self.threads == 0 || connections < self.connections {
            return None;
        }
        self.runtime.get_or_init(|| self.start()).as_ref()
    }

    fn start(&self) -> Option<Runtime> {
        tracing::info!(
            connections = self.connections,
            threads = self.threads,
            "there is a crowd: more threads serve the connections that come from now on"
        );
        give_way::to_others(&mut Builder::new_multi_thread())
            .worker_threads(self.threads)
            .thread_name("hearth-crowd")
            .enable_all()
            .build()
            .inspect_err(|error| tracing::warn!(%error, "no more threads can be started"))
            .ok()
    }
}

impl Drop for Crowd {
    /// Ends the threads, with what is left on them. Whoever serves may be dropped where nothing may wait, and a runtime waits when it
    /// is dropped.
    fn drop(&mut self) {
        if let Some(Some(runtime)) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_serves_a_crowd_may_be_dropped_anywhere() {
        let crowd = Crowd::new(1, 0);
        assert!(crowd.next(0).is_some());
        drop(crowd);
    }

    #[test]
    fn threads_start_with_the_crowd_and_not_before() {
        let crowd = Crowd::new(1, 3);
        assert!(crowd.next(2).is_none() && crowd.runtime.get().is_none());
        assert!(crowd.next(3).is_some());
        assert!(
            Crowd::new(0, 3).next(3).is_none(),
            "without threads there is none"
        );
    }
}
