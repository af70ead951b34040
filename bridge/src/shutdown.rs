//! Hears the word to end.

use std::{io, time::Instant};

#[cfg(unix)]
use tokio::signal::unix::{self, SignalKind};

/// The signals that end the process, heard from the moment this exists. Unheard they end it at once, but not where it is process 1 of a
/// container: there they would be lost.
pub struct Signals {
    #[cfg(unix)]
    interrupt: unix::Signal,
    #[cfg(unix)]
    terminate: unix::Signal,
    #[cfg(unix)]
    hang_up: unix::Signal,
    /// SIGHUP says that the terminal was closed; elsewhere it is a habit of people who want files to be read again.
    #[cfg(unix)]
    has_terminal: bool,
}

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Ctrl-C.
    Interrupt,
    /// What service managers send.
    Terminate,
    /// The terminal was closed.
    HangUp,
}

impl Signal {
    /// The exit code of who is ended by it, as shells count: 128 and the signal's number.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::HangUp => 129,
            Self::Interrupt => 130,
            Self::Terminate => 143,
        }
    }
}

impl Signals {
    /// Listens from now on; in a runtime.
    ///
    /// # Errors
    /// The system does not allow it.
    pub fn listen() -> io::Result<Self> {
        #[cfg(unix)]
        {
            use std::io::IsTerminal as _;

            Ok(Self {
                interrupt: unix::signal(SignalKind::interrupt())?,
                terminate: unix::signal(SignalKind::terminate())?,
                hang_up: unix::signal(SignalKind::hangup())?,
                has_terminal: io::stderr().is_terminal(),
            })
        }
        #[cfg(not(unix))]
        Ok(Self {})
    }

    /// The next one that asks for the end, and does not come before `begin`.
    pub async fn next_after(&mut self, begin: Instant) -> Signal {
        loop {
            let signal = self.next().await;
            if Instant::now() >= begin {
                return signal;
            }
        }
    }

    /// The next one that asks for the end.
    pub async fn next(&mut self) -> Signal {
        #[cfg(unix)]
        loop {
            tokio::select! {
                _ = self.interrupt.recv() => return Signal::Interrupt,
                _ = self.terminate.recv() => return Signal::Terminate,
                _ = self.hang_up.recv() => {
                    if self.has_terminal {
                        return Signal::HangUp;
                    }
                    tracing::info!("SIGHUP changes nothing: certificates, accounts and credentials are read by themselves when they change, and settings at the start");
                }
            }
        }
        #[cfg(not(unix))]
        {
            let _asked = tokio::signal::ctrl_c().await;
            Signal::Interrupt
        }
    }
}
