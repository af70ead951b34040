//! Wills of clients that say DISCONNECT and want theirs published all the same: every Reason Code but 0x00 asks for it
//! [MQTT5-3.1.2-10]. The library publishes none then.

use rmqtt::{
    Result,
    codec::v5::DisconnectReasonCode,
    session::{Session, SessionState},
    types::{ClientId, Disconnect, From, Publish},
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::{sync::Notify, task::JoinHandle};

/// Those that wait for their Will Delay Interval: one of each client at most. Clones share them.
#[derive(Clone, Default)]
pub(super) struct Wills(Arc<Mutex<HashMap<ClientId, Waiting>>>);

/// One that waits.
struct Waiting {
    /// Its session has ended: it waits no longer.
    ended: Arc<Notify>,
    task: JoinHandle<()>,
}

impl Wills {
    /// Who is back in time goes on with its session and leaves none [MQTT5-3.1.3-9]. A session that ended instead, by Clean Start or
    /// because the name is now another user's, ends the wait.
    pub(super) async fn connected(&self, session: &Session) {
        let Some(waiting) = self.lock().remove(&session.id.client_id) else {
            return;
        };
        if matches!(session.session_present().await, Ok(true)) {
            waiting.task.abort();
        } else {
            waiting.ended.notify_one();
        }
    }

    /// Publishes all that wait, for nobody will when the broker has stopped.
    pub(super) async fn publish_all(&self) {
        let all = std::mem::take(&mut *self.lock());
        for waiting in all.into_values() {
            waiting.ended.notify_one();
            // One that was aborted is published by nobody.
            let _ = waiting.task.await;
        }
    }

    /// When a connection has ended: publishes the will, after its Will Delay Interval or when the session ends, whichever is sooner.
    pub(super) async fn publish_if_asked(&self, session: &Session) -> Result<()> {
        let disconnect = session.disconnect().await?;
        let is_asked = match &disconnect {
            Some(Disconnect::V5(said)) => said.reason_code != DisconnectReasonCode::NormalDisconnection,
            _ => false,
        };
        let info = session.connect_info().await?;
        let Some(will) = info.last_will().filter(|_| is_asked) else {
            return Ok(());
        };
        let delay = will.will_delay_interval().unwrap_or_default();
        let delay = delay.min(session.fitter.session_expiry_interval(disconnect.as_ref()));
        let publish = Publish::try_from(will)?;
        let expiry = publish
            .retain
            .then(|| session.fitter.message_expiry_interval(&publish));
        let (scx, id) = (session.scx.clone(), session.id.clone());
        if delay.is_zero() {
            return SessionState::forwards(&scx, From::from_lastwill(id), publish, false, expiry).await;
        }
        let (wills, client_id) = (self.clone(), id.client_id.clone());
        let ended = Arc::new(Notify::new());
        let has_ended = ended.clone();
        // Nobody finds it before it is in its place.
        let mut all = self.lock();
        let task = tokio::spawn(async move {
            let is_due = tokio::select! {
                () = has_ended.notified() => true,
                () = tokio::time::sleep(delay) => {
                    wills.forget(&id.client_id, &has_ended);
                    // A connection that the client had left for another one may end after that one began.
                    scx.extends.shared().await.entry(id.clone()).id_same() != Some(false)
                }
            };
            if !is_due {
                return;
            }
            if let Err(error) =
                SessionState::forwards(&scx, From::from_lastwill(id), publish, false, expiry).await
            {
                tracing::warn!(%error, "a will was not published");
            }
        });
        if let Some(older) = all.insert(client_id, Waiting { ended, task }) {
            older.task.abort();
        }
        Ok(())
    }

    /// It waits no longer, unless another one does in its place.
    fn forget(&self, client_id: &ClientId, ended: &Arc<Notify>) {
        let mut all = self.lock();
        if all
            .get(client_id)
            .is_some_and(|waiting| Arc::ptr_eq(&waiting.ended, ended))
        {
            all.remove(client_id);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ClientId, Waiting>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
