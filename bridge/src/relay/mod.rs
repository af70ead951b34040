//! From a WebSocket to a broker and back.
//!
//! The relay moves bytes. It reads MQTT only as far as a WebSocket's policy needs: without one, that the first packet is a CONNECT.
//! What may not enter: HTTP beyond the handshake, and anything about pages.

mod client_ids;
mod connect_gate;
mod gate;
mod gather;
mod guard;
mod held;
mod limits;
mod outages;
mod policy;
mod pump;
mod renewal;

use std::{future::poll_fn, io, sync::Arc};

use hearth_model::api::close;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::{Duration, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::{
    client_ids::ClientIds,
    gate::Rules,
    guard::Guard,
    held::HeldBytes,
    limits::Limits,
    outages::Outages,
    pump::{Ending, Pump, PumpOptions},
    renewal::Renewal,
};
pub(crate) use self::{gate::Refusal, limits::network_of, policy::Policy};
use crate::{
    auth::sessions::Presence,
    config::{BrokerId, RelayConfig},
    credentials::{CredentialError, Credentials},
    metrics::RelayMetrics,
    server::{BrowserStream, Heard, Permit},
    transport::{BrokerStream, DialError, Dialer, Ends, Patient},
    websocket::frame::Close,
};

/// How long a browser that was told why it cannot have a broker may take to hear it.
const FAREWELL: Duration = Duration::from_secs(2);

/// All relays of one bridge.
pub(crate) struct Relays {
    limits: Arc<Limits>,
    client_ids: Arc<ClientIds>,
    held: Arc<HeldBytes>,
    options: PumpOptions,
    max_subscribe_bytes: u32,
    dial_timeout: Duration,
    stalled_timeout: Duration,
    tasks: TaskTracker,
    stop: CancellationToken,
    /// Of the way to brokers, and of what they refuse only behind it: TLS after the handshake, an answer to CONNECT.
    unreachable: Outages,
    refused: Outages,
    pub(crate) metrics: RelayMetrics,
}

/// What a browser asked for.
pub(crate) struct Request {
    pub(crate) upgrade: OnUpgrade,
    /// The browser's own address, behind a trusted proxy too, and ours.
    pub(crate) ends: Ends,
    pub(crate) broker: BrokerId,
    pub(crate) dialer: Arc<Dialer>,
    pub(crate) policy: Policy,
    /// Tells when the browser's login ends; from the beginning when nobody is logged in.
    pub(crate) login: Presence,
    /// The place among the HTTP connections, kept as long as the WebSocket lives.
    pub(crate) permit: Permit,
}

impl Relays {
    /// `client_id_prefix` is what client ids of users begin with.
    pub(crate) fn new(config: &RelayConfig, client_id_prefix: Option<&str>) -> Self {
        Self {
            limits: Arc::new(Limits::new(config)),
            client_ids: Arc::new(ClientIds::new(client_id_prefix.unwrap_or_default())),
            held: Arc::new(HeldBytes::new(config.max_held_bytes)),
            options: PumpOptions {
                max_message_bytes: config.max_message_bytes,
                max_message_frames: config.max_message_frames,
                handshake_timeout: config.handshake_timeout,
                connack_timeout: config.connack_timeout,
                idle_timeout: config.idle_timeout,
                stalled_timeout: config.stalled_timeout,
                gather: config.gather,
            },
            max_subscribe_bytes: config.max_subscribe_bytes,
            dial_timeout: config.dial_timeout,
            stalled_timeout: config.stalled_timeout,
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
            unreachable: Outages::default(),
            refused: Outages::default(),
            metrics: RelayMetrics::default(),
        }
    }

    /// WebSockets that are open now.
    pub(crate) fn open(&self) -> usize {
        self.limits.open()
    }

    /// Bytes of packets that have not arrived whole.
    pub(crate) fn held_bytes(&self) -> usize {
        self.held.now()
    }

    /// Connects to a broker within the time that is set for it.
    pub(crate) async fn dial(&self, dialer: &Dialer, ends: Option<Ends>) -> Result<BrokerStream, DialError> {
        dialer.dial(ends, self.dial_timeout).await
    }

    /// Serves a WebSocket in a task of its own.
    pub(crate) fn start(self: &Arc<Self>, request: Request) {
        let relays = Arc::clone(self);
        self.tasks.spawn(async move { relays.serve(request).await });
    }

    /// Closes every WebSocket with 1001; says how many were left when the time was over.
    pub(crate) async fn shut_down(&self, drain: Duration) -> usize {
        self.stop.cancel();
        self.tasks.close();
        let _ended = timeout(drain, self.tasks.wait()).await;
        self.tasks.len()
    }

    async fn serve(&self, request: Request) {
        let Request {
            upgrade,
            ends,
            broker,
            dialer,
            policy,
            login,
            permit,
        } = request;
        let _permit = permit;
        let login_over = login.over();
        let Ok((browser, early)) = browser_stream(upgrade).await else {
            return;
        };
        let browser = Patient::new(browser, self.stalled_timeout);
        // Who is not logged in takes no place from those who are.
        let place = match login_over.is_cancelled() {
            true => Err(not_logged_in()),
            false => self.limits.enter(ends.client.ip(), policy.user()),
        };
        self.metrics.opened();
        let ending = match place {
            Ok(_) => {
                self.connect_and_pump(browser, &early, (&broker, &dialer), ends, policy, login_over)
                    .await
            }
            Err(ref close) => refuse(browser, close.clone()).await,
        };
        let first = self.metrics.ended(match &ending {
            Ending::BrowserClosed(_) | Ending::BrowserGone => None,
            Ending::Closed(close) => Some(close.code),
        });
        if let Ending::Closed(close) = &ending
            && first
            && is_limit(close.code)
        {
            tracing::warn!(%broker, address = %ends.client, code = close.code, reason = close.reason, "a WebSocket met a limit (said once for each code)");
        }
        tracing::debug!(%broker, address = %ends.client, ?ending, "relay ended");
    }

    async fn connect_and_pump(
        &self,
        browser: Patient<BrowserStream>,
        early: &[u8],
        (broker, dialer): (&BrokerId, &Dialer),
        ends: Ends,
        policy: Policy,
        login: &CancellationToken,
    ) -> Ending {
        let stop = self.stop.child_token();
        let dialled = tokio::select! {
            dialled = self.dial(dialer, Some(ends)) => dialled,
            () = stop.cancelled() => return refuse(browser, shutting_down()).await,
            () = login.cancelled() => return refuse(browser, not_logged_in()).await,
        };
        if dialled.is_ok() && self.unreachable.ends(broker) {
            tracing::info!(%broker, "the broker can be reached again");
        }
        match dialled {
            Ok(stream) => match self.guard(broker, policy).await {
                Ok((guard, renewal)) => {
                    let stream = Patient::new(stream, self.stalled_timeout);
                    let mut pump = Pump::new(browser, stream, early, guard, &self.options, &self.metrics);
                    let ending = run(&mut pump, renewal, &stop, login).await;
                    self.tell_of_refusal(broker, dialer, &ending, pump.broker_spoke());
                    ending
                }
                Err(error) => {
                    tracing::warn!(%broker, %error, "the bridge has no credentials for the broker");
                    let words = format!("the bridge's own credentials for broker '{broker}' cannot be read");
                    refuse(browser, Close::new(close::CREDENTIALS_UNAVAILABLE, words)).await
                }
            },
            Err(error) => {
                self.metrics.dial_failed(broker);
                if self.unreachable.begins(broker, error.to_string()) {
                    tracing::warn!(%broker, address = dialer.place(), %error, "cannot reach the broker (said when it changes)");
                }
                refuse(browser, dial_close(broker, dialer, &error)).await
            }
        }
    }

    /// A broker that wants a client certificate says so after the handshake, and one that is none never says a word; who serves it
    /// looks into log and metrics.
    fn tell_of_refusal(&self, broker: &BrokerId, dialer: &Dialer, ending: &Ending, spoke: bool) {
        match ending {
            Ending::Closed(close)
                if matches!(close.code, close::BROKER_TLS_FAILED | close::BROKER_SILENT) =>
            {
                if !spoke {
                    self.metrics.dial_failed(broker);
                }
                if self.refused.begins(broker, close.reason.to_string()) {
                    tracing::warn!(%broker, address = dialer.place(), error = %close.reason, "the broker cannot be used (said when it changes)");
                }
            }
            Ending::Closed(_) | Ending::BrowserClosed(_) | Ending::BrowserGone => {
                if spoke && self.refused.ends(broker) {
                    tracing::info!(%broker, "the broker can be used again");
                }
            }
        }
    }

    /// What looks at a WebSocket with this policy, and where new credentials come from.
    async fn guard(
        &self,
        broker: &BrokerId,
        policy: Policy,
    ) -> Result<(Guard, renewal::Next), CredentialError> {
        if policy.is_empty() {
            return Ok((Guard::connect(), Renewal::never()));
        }
        let mut renewal = Renewal::never();
        let mut credentials = None;
        if let Some(source) = &policy.credentials {
            // What changes from here on is heard of.
            let changes = Renewal::new(source);
            let current = source.current().await?;
            // A user name and a password are shown once and for all.
            if matches!(current, Credentials::Enhanced { .. }) {
                renewal = changes.next();
            }
            credentials = Some(current);
        }
        let user = policy.user().map(str::to_owned);
        let rules = Rules {
            max_packet_bytes: self.options.max_message_bytes,
            max_subscribe_bytes: self.max_subscribe_bytes,
            client_ids: user.is_some().then(|| self.client_ids.desk(broker.clone())),
            user,
            permissions: policy.permissions,
            credentials,
            share: self.held.share(),
        };
        Ok((Guard::gate(rules, broker.clone()), renewal))
    }
}

/// Moves bytes until one side ends, the login ends, or the bridge stops.
async fn run<W, B>(
    pump: &mut Pump<'_, W, B>,
    mut renewal: renewal::Next,
    stop: &CancellationToken,
    login: &CancellationToken,
) -> Ending
where
    W: AsyncRead + AsyncWrite + Unpin,
    B: AsyncRead + AsyncWrite + Unpin,
{
    loop {
        tokio::select! {
            // Bytes come last: they use up what the runtime gives the task for one turn, and the others would never hear of anything.
            biased;
            (next, credentials) = &mut renewal => {
                pump.handle_credentials(credentials);
                renewal = next.next();
                continue;
            }
            () = login.cancelled() => pump.close(not_logged_in()),
            () = stop.cancelled() => pump.close(shutting_down()),
            ending = poll_fn(|cx| pump.poll(cx)) => return ending,
        }
        return poll_fn(|cx| pump.poll(cx)).await;
    }
}

/// Does a limit of the relay stand behind the code? Those on connections are logged where they are met.
fn is_limit(code: u16) -> bool {
    matches!(
        code,
        close::MESSAGE_TOO_BIG
            | close::NO_ROOM
            | close::HANDSHAKE_TIMEOUT
            | close::IDLE_TIMEOUT
            | close::STALLED
            | close::BROKER_STALLED
    )
}

fn shutting_down() -> Close {
    Close::new(close::SHUTTING_DOWN, "the bridge is shutting down")
}

fn not_logged_in() -> Close {
    Close::new(
        close::NOT_LOGGED_IN,
        "nobody is logged in here, or no longer: log in, and load the page again",
    )
}

fn dial_close(broker: &BrokerId, dialer: &Dialer, error: &DialError) -> Close {
    let address = dialer.place();
    match error {
        DialError::Refused => Close::new(
            close::BROKER_UNREACHABLE,
            format!("broker '{broker}' refused the connection at {address}"),
        ),
        DialError::Unreachable(_) | DialError::NameTimeout => Close::new(
            close::BROKER_UNREACHABLE,
            format!("broker '{broker}' cannot be reached at {address}: {error}"),
        ),
        DialError::Upgrade(reason) => Close::new(
            close::BROKER_UNREACHABLE,
            format!("broker '{broker}' opens no WebSocket: {reason}"),
        ),
        DialError::Tls(reason) => Close::new(
            close::BROKER_TLS_FAILED,
            format!("TLS with broker '{broker}' failed: {reason}"),
        ),
        DialError::Timeout => Close::new(
            close::BROKER_TIMEOUT,
            format!("broker '{broker}' did not answer in time at {address}"),
        ),
    }
}

/// The stream under the HTTP connection, and what was read from it already.
async fn browser_stream(upgrade: OnUpgrade) -> Result<(BrowserStream, Vec<u8>), ()> {
    let upgraded = upgrade
        .await
        .map_err(|error| tracing::debug!(%error, "the upgrade was not finished"))?;
    let parts = upgraded
        .downcast::<TokioIo<Heard<Patient<BrowserStream>>>>()
        .map_err(|_| tracing::error!("unknown kind of connection"))?;
    let stream = parts.io.into_inner().into_inner().into_inner();
    Ok((stream, parts.read_buf.to_vec()))
}

/// Tells a browser why it cannot have what it wants. It was let in first, because browsers hide a refused upgrade's reason from the page.
async fn refuse(mut browser: Patient<BrowserStream>, close: Close) -> Ending {
    let farewell = async {
        browser.write_all(&close.frame()).await?;
        browser.shutdown().await?;
        // What it still sends is read, or the end of our side would overtake the close frame.
        let mut rest = [0; 1024];
        while browser.read(&mut rest).await? > 0 {}
        io::Result::Ok(())
    };
    let _heard = timeout(FAREWELL, farewell).await;
    Ending::Closed(close)
}
