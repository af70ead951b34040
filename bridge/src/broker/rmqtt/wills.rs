//! Wills of clients that say DISCONNECT and want theirs published all the same: every Reason Code but 0x00 asks for it
//! [MQTT5-3.1.2-10]. The library publishes none then.

use rmqtt::{
    Result,
    codec::v5::DisconnectReasonCode,
    session::{Session, SessionState},
    types::{Disconnect, From, Publish},
};

/// When a connection has ended: publishes the will, after its Will Delay Interval or when the session ends, whichever is sooner. Who
/// is back by then leaves none [MQTT5-3.1.3-9].
pub(super) async fn publish_if_asked(session: &Session) -> Result<()> {
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
    tokio::spawn(async move {
        tokio::time::sleep(delay).await;
        if scx.extends.shared().await.entry(id.clone()).is_connected().await {
            return;
        }
        let from = From::from_lastwill(id);
        if let Err(error) = SessionState::forwards(&scx, from, publish, false, expiry).await {
            tracing::warn!(%error, "a will was not published");
        }
    });
    Ok(())
}
