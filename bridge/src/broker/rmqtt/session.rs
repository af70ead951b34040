//! Sessions as the library keeps them, but for the reason that is told to a client that is sent away.

use async_trait::async_trait;
use rmqtt::{
    Result,
    codec::v5::{Disconnect as DisconnectV5, DisconnectReasonCode},
    context::ServerContext,
    session::{DefaultSession, SessionLike, SessionManager},
    types::{
        ConnectInfo, ConnectInfoType, Disconnect, DisconnectInfo, FitterType, Id, IsPing, ListenerConfig,
        MessageQueueType, OutInflightType, Password, Reason, SessionSubs, SubscriptionOptions, Subscriptions,
        TimestampMillis, TopicFilter, UserName,
    },
};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// Makes [`ToldSession`]s.
pub(super) struct Sessions {
    pub(super) stopping: Arc<AtomicBool>,
}

#[async_trait]
impl SessionManager for Sessions {
    async fn create(
        &self,
        id: Id,
        scx: ServerContext,
        listen_cfg: ListenerConfig,
        _fitter: FitterType,
        subscriptions: SessionSubs,
        deliver_queue: MessageQueueType,
        out_inflight: OutInflightType,
        conn_info: ConnectInfoType,
        created_at: TimestampMillis,
        connected_at: TimestampMillis,
        session_present: bool,
        superuser: bool,
        connected: bool,
        disconnect_info: Option<DisconnectInfo>,
        _last_id: Option<Id>,
    ) -> Result<Arc<dyn SessionLike>> {
        let inner = DefaultSession::new(
            id,
            scx,
            listen_cfg,
            subscriptions,
            deliver_queue,
            out_inflight,
            conn_info,
            created_at,
            connected_at,
            session_present,
            superuser,
            connected,
            disconnect_info,
        );
        Ok(Arc::new(ToldSession {
            inner,
            stopping: self.stopping.clone(),
        }))
    }
}

/// The library's session; tells 5.0 clients why they are sent away.
struct ToldSession {
    inner: DefaultSession,
    stopping: Arc<AtomicBool>,
}

impl ToldSession {
    /// The library says 0x87 Not authorized to a client whose session is taken over; the specification wants 0x8E
    /// [MQTT5-3.1.4-3]. A client that is told 0x8E knows not to come back at once.
    fn told(&self, reason: Reason) -> Reason {
        let code = match &reason {
            _ if self.stopping.load(Ordering::Relaxed) => DisconnectReasonCode::ServerShuttingDown,
            Reason::ConnectKicked(false) => DisconnectReasonCode::SessionTakenOver,
            Reason::Reasons(reasons) if reasons.iter().any(|reason| reason.is_kicked(false)) => {
                DisconnectReasonCode::SessionTakenOver
            }
            _ => return reason,
        };
        Reason::ConnectDisconnect(Some(Disconnect::V5(DisconnectV5 {
            reason_code: code,
            session_expiry_interval_secs: None,
            server_reference: None,
            reason_string: None,
            user_properties: Vec::new(),
        })))
    }
}

#[async_trait]
impl SessionLike for ToldSession {
    fn id(&self) -> &Id {
        self.inner.id()
    }
    fn context(&self) -> &ServerContext {
        self.inner.context()
    }
    fn listen_cfg(&self) -> &ListenerConfig {
        self.inner.listen_cfg()
    }
    fn deliver_queue(&self) -> &MessageQueueType {
        self.inner.deliver_queue()
    }
    fn out_inflight(&self) -> &OutInflightType {
        self.inner.out_inflight()
    }
    async fn subscriptions(&self) -> Result<SessionSubs> {
        self.inner.subscriptions().await
    }
    async fn subscriptions_add(
        &self,
        filter: TopicFilter,
        options: SubscriptionOptions,
    ) -> Result<Option<SubscriptionOptions>> {
        self.inner.subscriptions_add(filter, options).await
    }
    async fn subscriptions_remove(&self, filter: &str) -> Result<Option<(TopicFilter, SubscriptionOptions)>> {
        self.inner.subscriptions_remove(filter).await
    }
    async fn subscriptions_drain(&self) -> Result<Subscriptions> {
        self.inner.subscriptions_drain().await
    }
    async fn subscriptions_extend(&self, other: Subscriptions) -> Result<()> {
        self.inner.subscriptions_extend(other).await
    }
    async fn created_at(&self) -> Result<TimestampMillis> {
        self.inner.created_at().await
    }
    async fn session_present(&self) -> Result<bool> {
        self.inner.session_present().await
    }
    async fn connect_info(&self) -> Result<Arc<ConnectInfo>> {
        self.inner.connect_info().await
    }
    fn username(&self) -> Option<&UserName> {
        self.inner.username()
    }
    fn password(&self) -> Option<&Password> {
        self.inner.password()
    }
    async fn protocol(&self) -> Result<u8> {
        self.inner.protocol().await
    }
    async fn superuser(&self) -> Result<bool> {
        self.inner.superuser().await
    }
    async fn connected(&self) -> Result<bool> {
        self.inner.connected().await
    }
    async fn connected_at(&self) -> Result<TimestampMillis> {
        self.inner.connected_at().await
    }
    async fn disconnected_at(&self) -> Result<TimestampMillis> {
        self.inner.disconnected_at().await
    }
    async fn disconnected_reasons(&self) -> Result<Vec<Reason>> {
        self.inner.disconnected_reasons().await
    }
    async fn disconnected_reason(&self) -> Result<Reason> {
        Ok(self.told(self.inner.disconnected_reason().await?))
    }
    async fn disconnected_reason_has(&self) -> bool {
        self.inner.disconnected_reason_has().await
    }
    async fn disconnected_reason_add(&self, reason: Reason) -> Result<()> {
        self.inner.disconnected_reason_add(reason).await
    }
    async fn disconnected_reason_take(&self) -> Result<Reason> {
        self.inner.disconnected_reason_take().await
    }
    async fn disconnect(&self) -> Result<Option<Disconnect>> {
        self.inner.disconnect().await
    }
    async fn disconnected_set(&self, disconnect: Option<Disconnect>, reason: Option<Reason>) -> Result<()> {
        self.inner.disconnected_set(disconnect, reason).await
    }
    async fn on_drop(&self) -> Result<()> {
        self.inner.on_drop().await
    }
    async fn keepalive(&self, ping: IsPing) {
        self.inner.keepalive(ping).await;
    }
}
