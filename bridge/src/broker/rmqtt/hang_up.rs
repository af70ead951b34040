//! Closes the connection of who has said DISCONNECT and waits for that (section 3.14.4 of 3.1.1 and of 5.0). The library would wait
//! for the client.

use super::caps::Caps;
use rmqtt::{
    context::ServerContext,
    types::{Id, Message, Reason},
};
use std::time::{Duration, Instant};

/// The library has no event for DISCONNECT. Clients that wait for the end are few, and none of them is in a hurry.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Looks for them as long as the broker runs; where many are connected, at most a twentieth of the time.
pub(super) async fn on_who_has_left(scx: &ServerContext, caps: &Caps) {
    let mut pause = LOOK_AGAIN;
    loop {
        tokio::time::sleep(pause).await;
        let begun = Instant::now();
        for id in caps.connected() {
            hang_up_if_left(scx, id).await;
        }
        pause = LOOK_AGAIN.max(begun.elapsed() * 20);
    }
}

async fn hang_up_if_left(scx: &ServerContext, id: Id) {
    let entry = scx.extends.shared().await.entry(id.clone());
    // In this order: a sender that was there before this connection's session still was is this connection's.
    let (Some(sender), Some(session)) = (entry.tx(), entry.session()) else {
        return;
    };
    if session.id == id && matches!(session.disconnect().await, Ok(Some(_))) {
        // Who is gone meanwhile has nobody listening.
        let _ = sender.unbounded_send(Message::Closed(Reason::ConnectRemoteClose));
    }
}
