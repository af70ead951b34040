//! Sessions and retained messages as they are written down, and how they come back.

use super::{
    retained::{Kept, Retained},
    shared::ends_with_its_connection,
};
use crate::broker::access::{AccessControl, Action, Client};
use rmqtt::{
    Result,
    context::ServerContext,
    inflight::OutInflightMessage,
    session::{OfflineInfo, Session, SessionState},
    shared::Entry,
    types::{
        ClientId, ConnectInfo, Disconnect, DisconnectInfo, From, Id, ListenerId, OfflineSession, Publish,
        Retain, SessionSubs, SubscriptionOptions, TimestampMillis, TopicFilter,
    },
    utils::timestamp_millis,
};
use serde::{Deserialize, Serialize};
use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

type Message = (From, Publish);

/// Everything that outlives the broker.
#[derive(Serialize, Deserialize)]
pub(super) struct Snapshot {
    sessions: Vec<StoredSession>,
    retained: Vec<StoredRetained>,
}

#[derive(Serialize, Deserialize)]
struct StoredSession {
    id: Id,
    /// Without password and will.
    connect: ConnectInfo,
    /// Its DISCONNECT may have changed how long the session is kept.
    disconnect: Option<Disconnect>,
    created_at: TimestampMillis,
    connected_at: TimestampMillis,
    disconnected_at: TimestampMillis,
    subscriptions: Vec<(TopicFilter, SubscriptionOptions)>,
    in_flight: Vec<OutInflightMessage>,
    queued: VecDeque<Message>,
}

#[derive(Serialize, Deserialize)]
struct StoredRetained {
    retain: Retain,
    expires_at_ms: Option<u64>,
}

/// Messages that wait for clients that are away, in order: the library's own queues cannot be read without emptying
/// them. Cheap to clone; clones share the messages.
#[derive(Clone)]
pub(super) struct Waiting {
    by_client: Arc<Mutex<HashMap<ClientId, VecDeque<Message>>>>,
    messages_max: usize,
}

impl Waiting {
    pub(super) fn new(messages_max: usize) -> Self {
        Self {
            by_client: Arc::default(),
            messages_max,
        }
    }

    pub(super) fn push(&self, session: &Session, from: &From, publish: &Publish) {
        self.put(session.id.client_id.clone(), [(from.clone(), publish.clone())]);
    }

    fn put(&self, client_id: ClientId, messages: impl IntoIterator<Item = Message>) {
        let mut by_client = self.by_client.lock().unwrap_or_else(PoisonError::into_inner);
        let queue = by_client.entry(client_id).or_default();
        queue.extend(messages);
        let surplus = queue.len().saturating_sub(self.messages_max);
        queue.drain(..surplus);
    }

    pub(super) fn forget(&self, client_id: &ClientId) {
        self.by_client
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(client_id);
    }

    fn of(&self, client_id: &ClientId) -> VecDeque<Message> {
        let by_client = self.by_client.lock().unwrap_or_else(PoisonError::into_inner);
        by_client.get(client_id).cloned().unwrap_or_default()
    }
}

impl Snapshot {
    /// While the broker runs. What waits for a client that is connected just now is not in it.
    pub(super) async fn take_running(scx: &ServerContext, retained: &Retained, waiting: &Waiting) -> Self {
        let mut sessions = Vec::new();
        for entry in entries(scx).await {
            let Some(session) = entry.session() else { continue };
            match running_session(&session, waiting).await {
                Ok(stored) => sessions.extend(stored),
                Err(error) => tracing::warn!(client_id = %session.id.client_id, %error, "session not saved"),
            }
        }
        Self {
            sessions,
            retained: store_retained(retained),
        }
    }

    /// When the broker stops: takes the sessions away, with everything that waits in them.
    pub(super) async fn take_last(scx: &ServerContext, retained: &Retained) -> Self {
        let mut sessions = Vec::new();
        for mut entry in entries(scx).await {
            let Some(session) = entry.session() else { continue };
            match last_session(&session, entry.as_mut()).await {
                Ok(stored) => sessions.extend(stored),
                Err(error) => tracing::warn!(client_id = %session.id.client_id, %error, "session not saved"),
            }
        }
        Self {
            sessions,
            retained: store_retained(retained),
        }
    }

    /// Gives everything back to a broker that does not take connections yet.
    pub(super) async fn restore(
        self,
        scx: &ServerContext,
        listener: ListenerId,
        retained: &Retained,
        waiting: &Waiting,
        access: &dyn AccessControl,
    ) {
        let now = SystemTime::now();
        for StoredRetained {
            retain,
            expires_at_ms,
        } in self.retained
        {
            let expires_at = expires_at_ms.map(|ms| SystemTime::UNIX_EPOCH + Duration::from_millis(ms));
            if expires_at.is_none_or(|at| at > now) {
                retained.keep(Kept { retain, expires_at });
            }
        }
        for mut stored in self.sessions {
            // The configuration may have changed since: what may no longer be heard is not heard again.
            let client = Client {
                client_id: &stored.id.client_id,
                user_name: stored.id.username.as_deref(),
            };
            stored
                .subscriptions
                .retain(|(filter, _)| access.authorize(client, Action::Subscribe(filter)));
            let client_id = stored.id.client_id.clone();
            if let Err(error) = restore_session(stored, scx, listener, waiting).await {
                tracing::warn!(%client_id, %error, "session not restored");
            }
        }
    }
}

async fn entries(scx: &ServerContext) -> Vec<Box<dyn Entry>> {
    scx.extends.shared().await.iter().collect()
}

fn store_retained(retained: &Retained) -> Vec<StoredRetained> {
    let stored = |Kept { retain, expires_at }| StoredRetained {
        retain,
        expires_at_ms: expires_at
            .and_then(|at: SystemTime| at.duration_since(SystemTime::UNIX_EPOCH).ok())
            .and_then(|since| u64::try_from(since.as_millis()).ok()),
    };
    retained.all(SystemTime::now()).into_iter().map(stored).collect()
}

async fn running_session(session: &Session, waiting: &Waiting) -> Result<Option<StoredSession>> {
    let Some(head) = session_head(session).await? else {
        return Ok(None);
    };
    let subscriptions = session.subscriptions().await?;
    let subscriptions = subscriptions
        .read()
        .await
        .iter()
        .map(|(f, o)| (f.clone(), o.clone()))
        .collect();
    let in_flight = session.out_inflight().write().await.clone_inflight_messages();
    let queued = waiting.of(&session.id.client_id);
    Ok(Some(StoredSession {
        subscriptions,
        in_flight,
        queued,
        ..head
    }))
}

async fn last_session(session: &Session, entry: &mut dyn Entry) -> Result<Option<StoredSession>> {
    let Some(head) = session_head(session).await? else {
        return Ok(None);
    };
    match entry.kick(false, false, false).await? {
        OfflineSession::Exist(Some(OfflineInfo {
            subscriptions,
            offline_messages: queued,
            inflight_messages: mut in_flight,
            ..
        })) => {
            // For a client that takes its session over they come with the newest first.
            in_flight.reverse();
            Ok(Some(StoredSession {
                subscriptions,
                in_flight,
                queued,
                ..head
            }))
        }
        OfflineSession::Exist(None) | OfflineSession::NotExist => Ok(None),
    }
}

/// All but what waits and what is subscribed. `None`: the session ends with its connection.
async fn session_head(session: &Session) -> Result<Option<StoredSession>> {
    if ends_with_its_connection(session).await? {
        return Ok(None);
    }
    let disconnected_at = match session.disconnected_at().await? {
        0 => timestamp_millis(),
        at => at,
    };
    Ok(Some(StoredSession {
        id: session.id.clone(),
        connect: without_secrets(session.connect_info().await?.as_ref()),
        disconnect: session.disconnect().await?,
        created_at: session.created_at().await?,
        connected_at: session.connected_at().await?,
        disconnected_at,
        subscriptions: Vec::new(),
        in_flight: Vec::new(),
        queued: VecDeque::new(),
    }))
}

/// The password does not belong on a disk. The will of a client that was away has been published already, and must
/// not be published again at every start.
fn without_secrets(connect: &ConnectInfo) -> ConnectInfo {
    let mut connect = connect.clone();
    match &mut connect {
        ConnectInfo::V3(_, connect) => {
            connect.password = None;
            connect.last_will = None;
        }
        ConnectInfo::V5(_, connect) => {
            connect.password = None;
            connect.auth_data = None;
            connect.last_will = None;
        }
    }
    connect
}

async fn restore_session(
    stored: StoredSession,
    scx: &ServerContext,
    listener: ListenerId,
    waiting: &Waiting,
) -> Result<()> {
    let Some(listen_cfg) = scx
        .listen_cfgs
        .get(&listener)
        .map(|listen_cfg| listen_cfg.clone())
    else {
        return Ok(());
    };
    let connect = Arc::new(stored.connect);
    let fitter =
        scx.extends
            .fitter_mgr()
            .await
            .create(connect.clone(), stored.id.clone(), listen_cfg.clone());
    let away_ms = u64::try_from(timestamp_millis().saturating_sub(stored.disconnected_at)).unwrap_or(0);
    let kept_for = fitter.session_expiry_interval(stored.disconnect.as_ref());
    let left = kept_for.saturating_sub(Duration::from_millis(away_ms));
    if left.is_zero() {
        return Ok(());
    }
    let mut disconnected = DisconnectInfo::new(stored.disconnected_at);
    disconnected.mqtt_disconnect = stored.disconnect;
    let (queue_max, in_flight_max) = (fitter.max_mqueue_len(), fitter.max_inflight());
    let session = Session::new(
        stored.id.clone(),
        scx.clone(),
        queue_max,
        listen_cfg,
        fitter,
        None,
        in_flight_max,
        stored.created_at,
        connect,
        false,
        false,
        false,
        stored.connected_at,
        SessionSubs::from(stored.subscriptions.iter().cloned().collect()),
        Some(disconnected),
        None,
    )
    .await?;
    waiting.put(stored.id.client_id.clone(), stored.queued.iter().cloned());
    for message in stored.queued {
        // Full only if the cap was lowered meanwhile; then the newest go, as when they arrive.
        if session.deliver_queue().push(message).is_err() {
            break;
        }
    }
    for message in stored.in_flight {
        session.out_inflight().write().await.push_back(message);
    }
    let sender = SessionState::offline_restart(session.clone(), left).await?;
    scx.extends
        .shared()
        .await
        .entry(stored.id.clone())
        .set(session, sender)
        .await?;
    for (filter, options) in stored.subscriptions {
        scx.extends
            .router()
            .await
            .add(&filter, stored.id.clone(), options)
            .await?;
    }
    Ok(())
}
