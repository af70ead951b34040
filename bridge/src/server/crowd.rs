//! More threads for many browsers.
//!
//! With few connections threads that wake each other cost more than they bring, so the bridge uses half of the processors. Where one
//! message goes to hundreds of browsers each has work of its own, and the last of them waits for all the others. So once there is a crowd
//! the other processors get a thread each, and what comes goes to the thread that serves the fewest. Each looks at its own sockets: where
//! one looks for all and gets no processor for a while, because the broker is busy there, another that has one stands idle.

use std::sync::OnceLock;

use tokio::{
    net::TcpStream,
    runtime::{Builder, Runtime},
};
use tokio_util::task::TaskTracker;

use super::connection::Connection;

/// The threads for a crowd, which start with it.
pub(super) struct Crowd {
    threads: usize,
    /// The threads that take connections and serve them where there is no crowd; one at least.
    here: usize,
    /// So many connections are one.
    connections: usize,
    runtimes: OnceLock<Vec<Runtime>>,
}

impl Crowd {
    /// With no threads everything is served where connections are taken.
    pub(super) fn new(here: usize, threads: usize, connections: usize) -> Self {
        Self {
            threads,
            here: here.max(1),
            connections,
            runtimes: OnceLock::new(),
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

    /// The thread that serves the fewest, once there is a crowd; none where that is one of those that take connections.
    fn next(&self, connections: usize) -> Option<&Runtime> {
        if self.threads == 0 || connections < self.connections {
            return None;
        }
        let runtimes = self.runtimes.get_or_init(|| self.start());
        let there = |runtime: &&Runtime| runtime.metrics().num_alive_tasks();
        let here =
            connections.saturating_sub(runtimes.iter().map(|runtime| there(&runtime)).sum()) / self.here;
        runtimes
            .iter()
            .min_by_key(there)
            .filter(|runtime| there(runtime) < here)
    }

    fn start(&self) -> Vec<Runtime> {
        tracing::info!(
            connections = self.connections,
            threads = self.threads,
            "there is a crowd: more threads serve the connections that come from now on"
        );
        (0..self.threads)
            .filter_map(|_| {
                Builder::new_multi_thread()
                    .worker_threads(1)
                    .thread_name("hearth-crowd")
                    .enable_all()
                    .build()
                    .inspect_err(|error| tracing::warn!(%error, "no more threads can be started"))
                    .ok()
            })
            .collect()
    }
}

impl Drop for Crowd {
    /// Ends the threads, with what is left on them. Whoever serves may be dropped where nothing may wait, and a runtime waits when it
    /// is dropped.
    fn drop(&mut self) {
        for runtime in self.runtimes.take().into_iter().flatten() {
            runtime.shutdown_background();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_serves_a_crowd_may_be_dropped_anywhere() {
        let crowd = Crowd::new(1, 1, 0);
        assert!(crowd.next(1).is_some());
        drop(crowd);
    }

    #[test]
    fn threads_start_with_the_crowd_and_not_before() {
        let crowd = Crowd::new(1, 1, 3);
        assert!(crowd.next(2).is_none() && crowd.runtimes.get().is_none());
        assert!(crowd.next(3).is_some());
        assert!(
            Crowd::new(1, 0, 3).next(3).is_none(),
            "without threads there is none"
        );
    }

    #[test]
    fn a_crowd_is_shared_evenly() {
        let crowd = Crowd::new(2, 2, 8);
        for connections in 0..40 {
            if let Some(runtime) = crowd.next(connections) {
                runtime.spawn(std::future::pending::<()>());
            }
        }
        let runtimes = crowd.runtimes.get().expect("they have started");
        let there: Vec<usize> = runtimes
            .iter()
            .map(|runtime| runtime.metrics().num_alive_tasks())
            .collect();
        assert_eq!(there, [10, 10], "two threads here serve the other twenty");
    }
}
