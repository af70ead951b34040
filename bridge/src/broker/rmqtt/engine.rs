//! Starts and stops the library, in a runtime of its own.

use super::{
    caps::Caps,
    hang_up,
    hooks::{self, Counts},
    retained::Retained,
    routes::Routes,
    shared::Table,
    shared_subscription::TakeTurns,
    snapshot::{Snapshot, Waiting},
    wills::Wills,
};
use crate::broker::{
    AccessControl, BrokerError, CounterReader, EmbeddedOptions, Engine, Limits,
    store::{News, Store},
};
use async_trait::async_trait;
use rmqtt::{
    context::ServerContext,
    net::{Builder, Listener},
    router::DefaultRouter,
    server::MqttServer,
    shared::DefaultShared,
    types::{ListenerId, Message, Reason},
};
use std::{
    io,
    net::SocketAddr,
    num::NonZeroU16,
    sync::{Arc, atomic::Ordering},
    thread,
    time::{Duration, Instant},
};
use tokio::sync::oneshot;

/// Sessions are stored with it, so it stays the same when the port changes.
const LISTENER: ListenerId = 1;
/// How long clients get to take their goodbye.
const GOODBYE: Duration = Duration::from_secs(2);
/// CONNECTs that are worked on at a time. Others wait; who waited longer than [`CONNECT_TIMEOUT`] is refused.
const CONNECTS_AT_A_TIME: usize = 100;
/// How long a client may take for its CONNECT, and its CONNECT may wait.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The library, running on its own threads.
pub(in crate::broker) struct RmqttEngine {
    address: SocketAddr,
    counts: Arc<Counts>,
    caps: Arc<Caps>,
    retained: Retained,
    stop: oneshot::Sender<()>,
    /// Whether everything was saved.
    thread: thread::JoinHandle<bool>,
}

/// Starts the library; returns when the port is open.
pub(in crate::broker) async fn start(
    options: EmbeddedOptions,
    access: Arc<dyn AccessControl>,
) -> Result<RmqttEngine, BrokerError> {
    let store = options.data_dir.as_deref().map(Store::open).transpose()?;
    let counts = Arc::<Counts>::default();
    let caps = Arc::new(Caps::new(&options.limits));
    let retained = Retained::new(options.limits.retained_messages, options.limits.retained_bytes);
    let broker = Broker {
        waiting: Waiting::new(options.limits.queued_messages),
        retained: retained.clone(),
        counts: counts.clone(),
        caps: caps.clone(),
        store: store.map(Arc::new),
        options,
    };
    let (started, has_started) = oneshot::channel();
    let (stop, stopped) = oneshot::channel();
    let thread = thread::Builder::new()
        .name("hearth-broker".to_owned())
        .spawn(move || run_thread(broker, access, started, stopped))
        .map_err(|error| BrokerError::Engine(error.to_string()))?;
    let address = has_started
        .await
        .unwrap_or_else(|_| Err(BrokerError::Engine("its thread ended".to_owned())))?;
    Ok(RmqttEngine {
        address,
        counts,
        caps,
        retained,
        stop,
        thread,
    })
}

#[async_trait]
impl Engine for RmqttEngine {
    fn address(&self) -> SocketAddr {
        self.address
    }

    fn counter_reader(&self) -> CounterReader {
        let (counts, caps, retained) = (self.counts.clone(), self.caps.clone(), self.retained.clone());
        Arc::new(move || counts.read(retained.not_kept(), caps.refused()))
    }

    async fn stop(self: Box<Self>) -> Result<(), BrokerError> {
        // The thread is gone already if this fails.
        let _ = self.stop.send(());
        let thread = self.thread;
        match tokio::task::spawn_blocking(move || thread.join()).await {
            Ok(Ok(true)) => Ok(()),
            Ok(Ok(false)) => Err(BrokerError::NotSaved),
            Ok(Err(_)) | Err(_) => {
                tracing::error!("the embedded broker did not stop cleanly");
                Err(BrokerError::NotSaved)
            }
        }
    }
}

fn run_thread(
    broker: Broker,
    access: Arc<dyn AccessControl>,
    started: oneshot::Sender<Result<SocketAddr, BrokerError>>,
    stopped: oneshot::Receiver<()>,
) -> bool {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("hearth-broker-worker")
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            let _ = started.send(Err(BrokerError::Engine(error.to_string())));
            return true;
        }
    };
    let is_saved = runtime.block_on(broker.run(access, started, stopped));
    // Ends the library's endless tasks.
    runtime.shutdown_timeout(Duration::from_secs(1));
    is_saved
}

struct Broker {
    options: EmbeddedOptions,
    retained: Retained,
    waiting: Waiting,
    counts: Arc<Counts>,
    caps: Arc<Caps>,
    store: Option<Arc<Store>>,
}

impl Broker {
    /// Until it is told to stop; says whether everything was saved then.
    async fn run(
        self,
        access: Arc<dyn AccessControl>,
        started: oneshot::Sender<Result<SocketAddr, BrokerError>>,
        mut stopped: oneshot::Receiver<()>,
    ) -> bool {
        let (listener, address) = match listen(&self.options) {
            Ok(listening) => listening,
            Err(error) => {
                let _ = started.send(Err(error));
                return true;
            }
        };
        let scx = self.context().await;
        let wills = Wills::default();
        let register = hooks::register(
            &scx,
            access.clone(),
            self.counts.clone(),
            self.caps.clone(),
            self.waiting.clone(),
            wills.clone(),
        )
        .await;
        let server = MqttServer::new(scx.clone())
            .listener_by_id(listener, LISTENER)
            .build();
        if let Some(snapshot) = self.store.as_ref().and_then(|store| store.load::<Snapshot>()) {
            snapshot
                .restore(&scx, LISTENER, &self.retained, &self.waiting, &*access)
                .await;
        }
        let accepting = tokio::spawn(server.run());
        let _ = started.send(Ok(address));
        tracing::info!(%address, "embedded broker started");

        tokio::select! {
            () = self.save_until(&scx, &mut stopped) => {}
            () = hang_up::on_who_has_left(&scx, &self.caps) => {}
        }

        accepting.abort();
        // Aborted: that is the error.
        let _ = accepting.await;
        self.say_goodbye(&scx).await;
        let _ = tokio::time::timeout(GOODBYE, wills.publish_all()).await;
        let is_saved = self.save(Snapshot::take_last(&scx, &self.retained).await).await;
        register.stop().await;
        // The context holds these and they hold the context: without this nothing would ever be freed.
        *scx.extends.shared_mut().await = Box::new(DefaultShared::new(None));
        *scx.extends.router_mut().await = Box::new(DefaultRouter::new(None));
        tracing::info!(%address, "embedded broker stopped");
        is_saved
    }

    async fn context(&self) -> ServerContext {
        let scx = ServerContext::new().busy_check_enable(false).build().await;
        *scx.extends.shared_mut().await = Box::new(Table {
            sessions: DefaultShared::new(Some(scx.clone())),
            caps: self.caps.clone(),
        });
        *scx.extends.router_mut().await = Box::new(Routes(DefaultRouter::new(Some(scx.clone()))));
        *scx.extends.retain_mut().await = Box::new(self.retained.clone());
        *scx.extends.shared_subscription_mut().await = Box::new(TakeTurns::default());
        scx
    }

    /// Saves now and then until told to stop. A large home is saved less often: at most a twentieth of the time.
    async fn save_until(&self, scx: &ServerContext, stopped: &mut oneshot::Receiver<()>) {
        let mut pause = self.options.snapshot_interval;
        loop {
            if tokio::time::timeout(pause, &mut *stopped).await.is_ok() {
                return;
            }
            if self.store.is_some() {
                let begun = Instant::now();
                self.save(Snapshot::take_running(scx, &self.retained, &self.waiting).await)
                    .await;
                pause = self.options.snapshot_interval.max(begun.elapsed() * 20);
            }
        }
    }

    /// Says whether that worked; where nothing is kept, nothing can fail.
    async fn save(&self, snapshot: Snapshot) -> bool {
        let Some(store) = self.store.clone() else {
            return true;
        };
        let writer = Arc::clone(&store);
        let saved = tokio::task::spawn_blocking(move || writer.save(&snapshot)).await;
        let saved = saved.unwrap_or_else(|panicked| Err(io::Error::other(panicked)));
        let is_saved = saved.is_ok();
        let (news, file) = (store.news(is_saved), store.file().display());
        if let Err(error) = saved {
            self.counts.snapshots_failed.fetch_add(1, Ordering::Relaxed);
            if news == Some(News::Fails) {
                tracing::error!(%file, %error, "the broker's sessions and retained messages cannot be saved: a restart would lose what has changed; make room, or let the bridge write there");
            }
        } else if news == Some(News::Works) {
            tracing::info!(%file, "the broker's sessions and retained messages are saved again");
        }
        is_saved
    }

    /// Hangs up on every client and waits until that is done, so that their wills and what they had in flight are in
    /// the last snapshot. The library closes a connection before it writes its DISCONNECT, so no client hears why.
    async fn say_goodbye(&self, scx: &ServerContext) {
        let senders: Vec<_> = scx
            .extends
            .shared()
            .await
            .iter()
            .filter_map(|entry| entry.tx())
            .collect();
        for sender in senders {
            // A client that just left has nobody listening.
            let _ = sender.unbounded_send(Message::Closed(Reason::ConnectRemoteClose));
        }
        let given_up = Instant::now() + GOODBYE;
        // The library has no event for this.
        while scx.connections.count() > 0 && Instant::now() < given_up {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

fn listen(options: &EmbeddedOptions) -> Result<(Listener, SocketAddr), BrokerError> {
    let address = options.listen;
    let failed = |error: rmqtt::Error| match error.downcast::<io::Error>() {
        Ok(error) if error.kind() == io::ErrorKind::AddrInUse => BrokerError::PortTaken { address },
        Ok(source) => BrokerError::Listen { address, source },
        Err(error) => BrokerError::Engine(format!("{error:#}")),
    };
    let listener = listener(address, &options.limits)
        .bind()
        .and_then(Listener::tcp)
        .map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}

fn listener(address: SocketAddr, limits: &Limits) -> Builder {
    Builder::new()
        .name("embedded")
        .laddr(address)
        .nodelay(true)
        // Elsewhere than on Unix it would let a second program take the port over.
        .reuseaddr(cfg!(unix).then_some(true))
        .max_handshaking_limit(CONNECTS_AT_A_TIME)
        .handshake_timeout(CONNECT_TIMEOUT)
        // Anonymous clients are our decision, not the library's.
        .allow_anonymous(false)
        // The caps of connections, sessions, subscriptions and topic levels are ours (`Caps`).
        .max_packet_size(limits.maximum_packet_size)
        .max_mqueue_len(limits.queued_messages)
        .max_inflight(NonZeroU16::new(limits.in_flight).unwrap_or(NonZeroU16::MIN))
        // None: rmqtt 0.24 sends a known topic as an empty name and forgets the alias [MQTT5-3.3.2-1].
        .max_topic_aliases(0)
        .session_expiry_interval(limits.session_expiry)
        .max_session_expiry_interval(limits.session_expiry)
        // Sent again after a reconnect only [MQTT5-4.4.0-1].
        .message_retry_interval(Duration::ZERO)
        // A message expires when it says so, never by a default.
        .message_expiry_interval(Duration::ZERO)
}
