//! Where the library asks: may this client come in, publish, subscribe? And where it tells what it dropped.

use super::{
    caps::Caps,
    in_flight,
    snapshot::Waiting,
    sound::{is_sound, is_sound_will},
    wills::Wills,
};
use crate::broker::{
    Counters, Refused,
    access::{AccessControl, Action, Client, Denied, Login},
};
use async_trait::async_trait;
use rmqtt::{
    codec::v5::SubscribeAckReason,
    context::ServerContext,
    hook::{Handler, HookResult, Parameter, Register, ReturnType, Type},
    session::Session,
    types::{AuthResult, ConnectInfo, LastWill, PublishAclResult, SubscribeReturn},
};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// Counted by the hooks.
#[derive(Default)]
pub(super) struct Counts {
    logins_denied: AtomicU64,
    publishes_denied: AtomicU64,
    subscriptions_denied: AtomicU64,
    messages_dropped: AtomicU64,
    pub(super) snapshots_failed: AtomicU64,
}

impl Counts {
    pub(super) fn read(&self, retained_not_kept: u64, refused: Refused) -> Counters {
        Counters {
            logins_denied: self.logins_denied.load(Ordering::Relaxed),
            publishes_denied: self.publishes_denied.load(Ordering::Relaxed),
            subscriptions_denied: self.subscriptions_denied.load(Ordering::Relaxed),
            messages_dropped: self.messages_dropped.load(Ordering::Relaxed),
            retained_not_kept,
            snapshots_failed: self.snapshots_failed.load(Ordering::Relaxed),
            refused,
        }
    }
}

/// Answers the library's questions.
#[derive(Clone)]
struct Gate {
    access: Arc<dyn AccessControl>,
    counts: Arc<Counts>,
    caps: Arc<Caps>,
    waiting: Waiting,
    wills: Wills,
}

/// Registers the hooks. The registration must be kept for as long as the broker runs.
pub(super) async fn register(
    scx: &ServerContext,
    access: Arc<dyn AccessControl>,
    counts: Arc<Counts>,
    caps: Arc<Caps>,
    waiting: Waiting,
    wills: Wills,
) -> Box<dyn Register> {
    let gate = Gate {
        access,
        counts,
        caps,
        waiting,
        wills,
    };
    let register = scx.extends.hook_mgr().register();
    for asked in [
        Type::ClientAuthenticate,
        Type::ClientSubscribeCheckAcl,
        Type::MessagePublishCheckAcl,
        Type::MessageExpiryCheck,
        Type::MessageDelivered,
        Type::MessageDropped,
        Type::OfflineMessage,
        Type::ClientConnected,
        Type::ClientDisconnected,
        Type::SessionTerminated,
    ] {
        register.add(asked, Box::new(gate.clone())).await;
    }
    register.start().await;
    register
}

impl Gate {
    async fn login(&self, info: &ConnectInfo) -> AuthResult {
        let will = info.last_will();
        if !will.as_ref().is_none_or(is_sound_will) {
            self.counts.logins_denied.fetch_add(1, Ordering::Relaxed);
            tracing::info!(
                client_id = &**info.client_id(),
                "login refused: its will is malformed"
            );
            return AuthResult::NotAuthorized;
        }
        let will_topic = will.as_ref().map(|will| match will {
            LastWill::V3(will) => &*will.topic,
            LastWill::V5(will) => &*will.topic,
        });
        let login = Login {
            client_id: info.client_id(),
            user_name: info.username().map(|name| &**name),
            password: info.password().map(|password| &**password),
            address: info.id().remote_addr.map(|address| address.ip()),
            will_topic,
        };
        let Err(denied) = self.access.authenticate(&login).await else {
            return AuthResult::Allow(false, None);
        };
        self.counts.logins_denied.fetch_add(1, Ordering::Relaxed);
        let user = login.user_name.filter(|name| self.access.knows(name));
        tracing::info!(client_id = login.client_id, user, ?denied, "login refused");
        match denied {
            Denied::BadUserNameOrPassword => AuthResult::BadUsernameOrPassword,
            Denied::NotAuthorized => AuthResult::NotAuthorized,
        }
    }

    fn may(&self, session: &Session, action: Action<'_>, count: &AtomicU64) -> bool {
        let client = Client {
            client_id: &session.id.client_id,
            user_name: session.id.username.as_deref(),
        };
        let allowed = self.access.authorize(client, action);
        if !allowed {
            count.fetch_add(1, Ordering::Relaxed);
            tracing::debug!(
                client_id = client.client_id,
                user = client.user_name,
                ?action,
                "not permitted"
            );
        }
        allowed
    }
}

#[async_trait]
impl Handler for Gate {
    async fn hook(&self, parameter: &Parameter, result: Option<HookResult>) -> ReturnType {
        match parameter {
            Parameter::ClientAuthenticate(info) => {
                return (false, Some(HookResult::AuthResult(self.login(info).await)));
            }
            Parameter::MessagePublishCheckAcl(session, publish) => {
                if !is_sound(publish) {
                    self.counts.publishes_denied.fetch_add(1, Ordering::Relaxed);
                    tracing::info!(
                        client_id = &*session.id.client_id,
                        "disconnected: a malformed PUBLISH"
                    );
                    let refused =
                        PublishAclResult::rejected(true, Some("malformed topic or property".into()));
                    return (false, Some(HookResult::PublishAclResult(refused)));
                }
                let action = Action::Publish(&publish.topic);
                if !self.may(session, action, &self.counts.publishes_denied) {
                    let refused = PublishAclResult::rejected(false, Some("not permitted".into()));
                    return (false, Some(HookResult::PublishAclResult(refused)));
                }
            }
            Parameter::ClientSubscribeCheckAcl(session, subscribe) => {
                let action = Action::Subscribe(&subscribe.topic_filter);
                if !self.may(session, action, &self.counts.subscriptions_denied) {
                    let refused = SubscribeReturn::new_failure(SubscribeAckReason::NotAuthorized);
                    return (false, Some(HookResult::SubscribeAclResult(refused)));
                }
                if let Err(reason) = self.caps.subscribe(session, &subscribe.topic_filter).await {
                    let refused = SubscribeReturn::new_failure(reason);
                    return (false, Some(HookResult::SubscribeAclResult(refused)));
                }
            }
            Parameter::MessageExpiryCheck(session, _, publish)
                if in_flight::is_too_large(session, publish, &self.caps).await =>
            {
                return (false, Some(HookResult::MessageExpiry));
            }
            Parameter::MessageDelivered(session, from, publish) => {
                in_flight::keep(session, from, publish).await;
            }
            Parameter::ClientDisconnected(session, reason) => {
                if let Err(error) = self.wills.publish_if_asked(session).await {
                    tracing::warn!(client_id = &*session.id.client_id, %error, "a will was not published");
                }
                self.caps.ended(&session.id, reason);
            }
            Parameter::MessageDropped(..) => {
                self.counts.messages_dropped.fetch_add(1, Ordering::Relaxed);
            }
            Parameter::OfflineMessage(session, from, publish) => self.waiting.push(session, from, publish),
            Parameter::ClientConnected(session) => {
                self.wills.connected(session).await;
                self.waiting.forget(&session.id.client_id);
            }
            Parameter::SessionTerminated(session, _) => self.waiting.forget(&session.id.client_id),
            _ => {}
        }
        (true, result)
    }
}
