//! Waits for the word to end.

use tokio::signal;

/// Returns when the process is asked to end: Ctrl-C or SIGTERM.
pub async fn requested() {
    #[cfg(unix)]
    {
        use signal::unix::{SignalKind, signal};

        match signal(SignalKind::terminate()) {
            Ok(mut terminate) => tokio::select! {
                _ = signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            },
            Err(_) => {
                let _asked = signal::ctrl_c().await;
            }
        }
    }
    #[cfg(not(unix))]
    {
        let _asked = signal::ctrl_c().await;
    }
}
