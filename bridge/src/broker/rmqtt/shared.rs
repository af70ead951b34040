//! The library's table of sessions, but for how a session is taken over, and for whom there is room.
//!
//! Left alone, the library refuses a client with 0x88 Server unavailable when its last connection is just ending: a
//! reloaded page would be turned away now and then. And it sends what was in flight again in the wrong order.

use super::{caps::Caps, places::Place};
use async_trait::async_trait;
use rmqtt::{
    Result,
    inflight::MomentStatus,
    net::MqttError,
    session::Session,
    shared::{DefaultShared, Entry, RetainLoadCallback, Shared},
    types::{
        ConnectInfo, ForwardedCount, ForwardedRecipients, From, Id, IsAdmin, MsgID, NodeId, OfflineSession,
        Publish, Reason, SessionStatus, SubRelations, SubRelationsMap, SubsSearchParams, SubsSearchResult,
        Subscribe, SubscribeReturn, To, TopicFilter, Tx, Unsubscribe,
    },
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// How long a connection may take to end when the client is back already.
const PATIENCE: Duration = Duration::from_secs(2);
/// The library has no event for it.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// Whether nothing of a session may be left when its connection is closed, as it is by the client's next one
/// [MQTT311-3.1.2-6], [MQTT5-4.1.0-2]. The library would hand it on.
pub(super) async fn ends_with_its_connection(session: &Session) -> Result<bool> {
    Ok(match session.connect_info().await?.as_ref() {
        ConnectInfo::V3(_, connect) => connect.clean_session,
        ConnectInfo::V5(..) => {
            let disconnect = session.disconnect().await?;
            session
                .fitter
                .session_expiry_interval(disconnect.as_ref())
                .is_zero()
        }
    })
}

type Undelivered = Vec<(To, From, Publish, Reason)>;

/// The library's table.
#[derive(Clone)]
pub(super) struct Table {
    pub(super) sessions: DefaultShared,
    pub(super) caps: Arc<Caps>,
}

impl Table {
    fn patient(&self, entry: Box<dyn Entry>) -> Box<dyn Entry> {
        Box::new(PatientEntry {
            entry,
            table: self.clone(),
            place: None,
        })
    }
}

#[async_trait]
impl Shared for Table {
    fn entry(&self, id: Id) -> Box<dyn Entry> {
        self.patient(self.sessions.entry(id))
    }
    fn exist(&self, client_id: &str) -> bool {
        self.sessions.exist(client_id)
    }
    async fn forwards(
        &self,
        message_id: Option<MsgID>,
        from: From,
        publish: Publish,
    ) -> std::result::Result<ForwardedCount, (ForwardedCount, Undelivered)> {
        self.sessions.forwards(message_id, from, publish).await
    }
    async fn forwards_and_get_shareds(
        &self,
        from: From,
        publish: Publish,
    ) -> std::result::Result<(SubRelationsMap, ForwardedRecipients), (ForwardedRecipients, Undelivered)> {
        self.sessions.forwards_and_get_shareds(from, publish).await
    }
    async fn forwards_to(
        &self,
        from: From,
        publish: &Publish,
        relations: SubRelations,
        message_id: Option<MsgID>,
    ) -> std::result::Result<ForwardedRecipients, (ForwardedRecipients, Undelivered)> {
        self.sessions
            .forwards_to(from, publish, relations, message_id)
            .await
    }
    fn iter(&self) -> Box<dyn Iterator<Item = Box<dyn Entry>> + Sync + Send + '_> {
        Box::new(self.sessions.iter().map(|entry| self.patient(entry)))
    }
    fn random_session(&self) -> Option<Session> {
        self.sessions.random_session()
    }
    async fn session_status(&self, client_id: &str) -> Option<SessionStatus> {
        self.sessions.session_status(client_id).await
    }
    async fn client_states_count(&self) -> usize {
        self.sessions.client_states_count().await
    }
    fn sessions_count(&self) -> usize {
        self.sessions.sessions_count()
    }
    async fn query_subscriptions(&self, asked: &SubsSearchParams) -> Vec<SubsSearchResult> {
        self.sessions.query_subscriptions(asked).await
    }
    async fn subscriptions_count(&self) -> usize {
        self.sessions.subscriptions_count().await
    }
    async fn retain_load_with(
        &self,
        filter: &TopicFilter,
        callback: Arc<dyn RetainLoadCallback>,
    ) -> Result<Vec<(NodeId, MsgID)>> {
        self.sessions.retain_load_with(filter, callback).await
    }
}

/// A client's place in the table; waits for the last connection of the client to end.
struct PatientEntry {
    entry: Box<dyn Entry>,
    table: Table,
    /// While CONNECT is worked on.
    place: Option<Place>,
}

#[async_trait]
impl Entry for PatientEntry {
    async fn try_lock(&self) -> Result<Box<dyn Entry>> {
        let given_up = Instant::now() + PATIENCE;
        let entry = loop {
            match self.entry.try_lock().await {
                Ok(locked) => break locked,
                Err(error) if Instant::now() >= given_up => return Err(error),
                Err(_) => tokio::time::sleep(LOOK_AGAIN).await,
            }
        };
        // Only a CONNECT locks, when the client may come in. The library answers an error with 0x88 Server unavailable, and 3.1.1
        // with 3; it has no way to say 0x97 Quota exceeded.
        let (has_session, sessions) = (entry.exist(), self.table.sessions.sessions_count());
        let place = self.table.caps.enter(&entry.id(), has_session, sessions);
        let place = place.ok_or(MqttError::ServiceUnavailable)?;
        Ok(Box::new(Self {
            entry,
            table: self.table.clone(),
            place: Some(place),
        }))
    }
    async fn kick(
        &mut self,
        clean_start: bool,
        clear_subscriptions: bool,
        is_admin: IsAdmin,
    ) -> Result<OfflineSession> {
        let nothing_is_left = match self.entry.session() {
            // A client identifier is no secret. Whoever uses that of another user gets nothing of what is his: neither his
            // subscriptions nor the messages that wait for him.
            Some(session) if session.id.username != self.entry.id().username => true,
            Some(session) => ends_with_its_connection(&session).await?,
            None => false,
        };
        let clean_start = clean_start || nothing_is_left;
        let clear_subscriptions = clear_subscriptions || nothing_is_left;
        let given_up = Instant::now() + PATIENCE;
        loop {
            match self.entry.kick(clean_start, clear_subscriptions, is_admin).await {
                Ok(OfflineSession::Exist(Some(mut session))) => {
                    // They are taken from the end [MQTT5-4.6.0-1].
                    session.inflight_messages.reverse();
                    for message in &mut session.inflight_messages {
                        // The client has it: what is sent again is PUBREL, whatever became of PUBLISH.
                        if message.status == MomentStatus::UnComplete {
                            message.publish.dup = false;
                        }
                    }
                    return Ok(OfflineSession::Exist(Some(session)));
                }
                Ok(session) => return Ok(session),
                Err(error) if Instant::now() >= given_up => return Err(error),
                Err(_) => tokio::time::sleep(LOOK_AGAIN).await,
            }
        }
    }
    fn id(&self) -> Id {
        self.entry.id()
    }
    fn id_same(&self) -> Option<bool> {
        self.entry.id_same()
    }
    async fn set(&mut self, session: Session, sender: Tx) -> Result<()> {
        if let Some(place) = self.place.take() {
            let sender = sender.clone();
            place.keep(move || sender.is_closed());
        }
        self.entry.set(session, sender).await
    }
    async fn remove(&mut self) -> Result<Option<(Session, Tx)>> {
        self.entry.remove().await
    }
    async fn remove_with(&mut self, id: &Id) -> Result<Option<(Session, Tx)>> {
        self.entry.remove_with(id).await
    }
    async fn online(&self) -> bool {
        self.entry.online().await
    }
    async fn is_connected(&self) -> bool {
        self.entry.is_connected().await
    }
    fn session(&self) -> Option<Session> {
        self.entry.session()
    }
    fn exist(&self) -> bool {
        self.entry.exist()
    }
    fn tx(&self) -> Option<Tx> {
        self.entry.tx()
    }
    async fn subscribe(&self, subscribe: &Subscribe) -> Result<SubscribeReturn> {
        self.entry.subscribe(subscribe).await
    }
    async fn unsubscribe(&self, unsubscribe: &Unsubscribe) -> Result<bool> {
        self.entry.unsubscribe(unsubscribe).await
    }
    async fn publish(
        &self,
        from: From,
        publish: Publish,
    ) -> std::result::Result<(), (From, Publish, Reason)> {
        self.entry.publish(from, publish).await
    }
    async fn subscriptions(&self) -> Option<Vec<SubsSearchResult>> {
        self.entry.subscriptions().await
    }
}
