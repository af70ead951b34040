//! Moves bytes between one browser and one broker.
//!
//! One task serves both directions. Reads go into a buffer of the thread and are written on at once; only what the other side would not
//! take is kept, and then nothing more is read until it has. So an idle relay owns no buffer, a slow side slows the other, and at
//! most one read per direction is ever held.

mod faults;
mod options;
mod pending;
mod turn;

use std::{
    cell::RefCell,
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use hearth_model::api::close;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

pub(crate) use self::options::PumpOptions;
use self::{
    faults::{broker_error, is_stalled},
    pending::Pending,
    turn::Turn,
};
use super::{
    connect_gate::{ConnectGate, NotConnect},
    gate::Passed,
    gather::Gather,
    guard::Guard,
};
use crate::{
    credentials::Credentials,
    metrics::RelayMetrics,
    transport::{Patience, Watch},
    websocket::frame::{self, Close, Control, FrameReader, HEADER_ROOM},
};

/// Bytes taken from one side in one read, and so the most that one frame holds.
const READ_BYTES: usize = 64 * 1024;

/// A read that brings so much has very likely left more behind. It is less than a whole one, for frames of a broker lose their headers.
const FULL_BYTES: usize = READ_BYTES / 2;

/// How long the other side of a close has to answer it.
const FAREWELL: Duration = Duration::from_secs(2);

thread_local! {
    /// Room for one frame header and one read.
    static BUFFER: RefCell<Box<[u8]>> = RefCell::new(vec![0; HEADER_ROOM + READ_BYTES].into());
}

/// Why a relay ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The browser closed the WebSocket, with this code if it gave one.
    BrowserClosed(Option<u16>),
    /// The browser's network connection ended without a close frame.
    BrowserGone,
    /// We closed the WebSocket.
    Closed(Close),
}

/// Where the WebSocket stands.
#[derive(Debug)]
enum Stage {
    /// Bytes go both ways.
    Open,
    /// We sent a close frame, and wait for the browser's.
    Closing(Close),
    /// The browser said that it is done; the broker gets the rest and the end of the stream.
    BrowserDone { code: Option<u16>, gone: bool },
}

/// One browser, one broker.
pub(crate) struct Pump<'m, W, B> {
    browser: W,
    broker: B,
    reader: FrameReader,
    guard: Guard,
    gather: Gather,
    stage: Stage,
    to_browser: Pending,
    to_broker: Pending,
    /// What the newest ping held that waits for an answer: one, however many come, for a browser may send and never read.
    ping: Option<Vec<u8>>,
    /// The broker takes nothing more; what it still says is read.
    broker_deaf: bool,
    /// The write side of the broker's stream was shut down.
    broker_shut: bool,
    /// The write side of the browser's stream was shut down.
    browser_shut: bool,
    /// The browser broke the protocol: its close frame would not be recognised any more.
    broken: bool,
    /// The tick of a busy line.
    tick: Option<Pin<Box<Sleep>>>,
    ticking: bool,
    /// Until CONNECT must have come, the broker must have answered it, or the farewell must be over.
    deadline: Option<Pin<Box<Sleep>>>,
    connack_timeout: Duration,
    /// CONNECT is on its way to the broker.
    connect_passed: bool,
    /// The broker has said something.
    broker_spoke: bool,
    /// Runs out when nothing is heard from either side.
    idle: Patience,
    /// Runs out when so many answers wait for the broker to go on that the browser is not read, and it does not.
    broker_pause: Patience,
    /// Runs out when a packet that the browser has begun does not go on: what is held of it has its place among what all may hold.
    begun: Watch<(u64, usize)>,
    turn: Turn,
    metrics: &'m RelayMetrics,
    max_message_bytes: u32,
}

impl<'m, W, B> Pump<'m, W, B>
where
    W: AsyncRead + AsyncWrite + Unpin,
    B: AsyncRead + AsyncWrite + Unpin,
{
    /// `early` holds what the browser sent right behind its handshake.
    pub(crate) fn new(
        browser: W,
        broker: B,
        early: &[u8],
        guard: Guard,
        options: &PumpOptions,
        metrics: &'m RelayMetrics,
    ) -> Self {
        let mut pump = Self {
            browser,
            broker,
            reader: FrameReader::of_browser(options.max_message_bytes, options.max_message_frames),
            guard,
            gather: Gather::new(options.gather),
            stage: Stage::Open,
            to_browser: Pending::default(),
            to_broker: Pending::default(),
            ping: None,
            broker_deaf: false,
            broker_shut: false,
            browser_shut: false,
            broken: false,
            tick: None,
            ticking: false,
            deadline: Some(Box::pin(sleep(options.handshake_timeout))),
            connack_timeout: options.connack_timeout,
            connect_passed: false,
            broker_spoke: false,
            idle: Patience::new(options.idle_timeout),
            broker_pause: Patience::new(options.stalled_timeout),
            begun: Watch::new(options.stalled_timeout),
            turn: Turn::default(),
            metrics,
            max_message_bytes: options.max_message_bytes,
        };
        let mut early = early.to_vec();
        let passed = pump.take_frames(&mut early);
        pump.to_broker
            .push(early.get(..passed.unchanged).unwrap_or_default());
        pump.to_broker.push(&passed.rest);
        pump
    }

    /// Has the broker said anything?
    pub(crate) fn broker_spoke(&self) -> bool {
        self.broker_spoke
    }

    /// The bridge's credentials have changed.
    pub(crate) fn handle_credentials(&mut self, credentials: Credentials) {
        if matches!(self.stage, Stage::Open) {
            self.guard.handle_credentials(credentials);
            self.after_guard(Ok(()));
        }
    }

    /// Ends the WebSocket: what is on its way goes first.
    pub(crate) fn close(&mut self, close: Close) {
        if matches!(self.stage, Stage::Open) {
            self.to_browser.push(&close.frame());
            self.stage = Stage::Closing(close);
            self.deadline = Some(Box::pin(sleep(FAREWELL)));
        }
    }

    /// Moves what can be moved, for one turn.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Ending> {
        self.turn.begin();
        loop {
            // A close frame that is due sets the time for the farewell, which wakes nobody before it was polled.
            if self.poll_deadline(cx).is_ready() {
                match self.time_is_up() {
                    Some(ending) => return Poll::Ready(ending),
                    None => continue,
                }
            }
            if matches!(self.stage, Stage::Open) && self.idle.poll_over(cx).is_ready() {
                self.close(Close::new(
                    close::IDLE_TIMEOUT,
                    "nothing came from browser or broker for too long",
                ));
                continue;
            }
            let up = self.poll_up(cx);
            let down = self.poll_down(cx);
            match (up, down) {
                (Poll::Ready(Some(ending)), _) | (_, Poll::Ready(Some(ending))) => {
                    return Poll::Ready(ending);
                }
                (Poll::Pending, Poll::Pending) => return Poll::Pending,
                (Poll::Ready(None), _) | (_, Poll::Ready(None)) => ready!(self.turn.poll_goes_on(cx)),
            }
        }
    }

    fn poll_deadline(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self.deadline.as_mut() {
            Some(deadline) => deadline.as_mut().poll(cx),
            None => Poll::Pending,
        }
    }

    fn time_is_up(&mut self) -> Option<Ending> {
        self.deadline = None;
        match &self.stage {
            Stage::Open if self.connect_passed => {
                self.close(Close::new(
                    close::BROKER_SILENT,
                    "the broker took CONNECT and said nothing: no CONNACK came in time",
                ));
                None
            }
            Stage::Open => {
                self.close(Close::new(
                    close::HANDSHAKE_TIMEOUT,
                    "no MQTT CONNECT arrived in time",
                ));
                None
            }
            Stage::Closing(close) => Some(Ending::Closed(close.clone())),
            Stage::BrowserDone { .. } => Some(self.browser_ending()),
        }
    }

    fn browser_ending(&self) -> Ending {
        match self.stage {
            Stage::BrowserDone { code, gone: false } => Ending::BrowserClosed(code),
            Stage::BrowserDone { gone: true, .. } | Stage::Open | Stage::Closing(_) => Ending::BrowserGone,
        }
    }

    /// One step from browser to broker: `Ready(None)` if something moved.
    fn poll_up(&mut self, cx: &mut Context<'_>) -> Poll<Option<Ending>> {
        if !self.to_broker.is_empty() {
            if let Err(error) = ready!(self.to_broker.poll_flush(&mut self.broker, cx)) {
                self.broker_deaf = true;
                self.to_broker = Pending::default();
                if is_stalled(&error) {
                    self.close(Close::new(
                        close::BROKER_STALLED,
                        "the broker took nothing for too long",
                    ));
                }
            }
            return Poll::Ready(None);
        }
        match self.stage {
            // Whether the browser is still there is only seen by reading, which the broker holds up here.
            Stage::Open if self.to_browser.is_empty() && self.guard.waiting_for_browser() > READ_BYTES => {
                ready!(self.broker_pause.poll_over(cx));
                self.close(Close::new(
                    close::BROKER_STALLED,
                    "the broker did not go on for too long, and the bridge's answers wait for it",
                ));
                Poll::Ready(None)
            }
            // Answers that the browser does not take slow what it sends.
            Stage::Open
                if self.to_browser.own() > READ_BYTES || self.guard.waiting_for_browser() > READ_BYTES =>
            {
                Poll::Pending
            }
            Stage::Open | Stage::Closing(_) => BUFFER.with_borrow_mut(|buffer| self.poll_browser(cx, buffer)),
            Stage::BrowserDone { .. } if self.broker_shut => Poll::Pending,
            Stage::BrowserDone { .. } => {
                self.broker_deaf |= ready!(Pin::new(&mut self.broker).poll_shutdown(cx)).is_err();
                self.broker_shut = true;
                Poll::Ready(self.broker_deaf.then(|| self.browser_ending()))
            }
        }
    }

    fn poll_browser(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<Option<Ending>> {
        let mut read = ReadBuf::new(buffer);
        let Poll::Ready(result) = Pin::new(&mut self.browser).poll_read(cx, &mut read) else {
            let is_open = matches!(self.stage, Stage::Open);
            ready!(self.begun.poll_over(cx, self.guard.begun().filter(|_| is_open)));
            self.close(Close::new(
                close::STALLED,
                "the browser began a packet and did not go on for too long",
            ));
            return Poll::Ready(None);
        };
        let filled = read.filled_mut();
        if result.is_err() || filled.is_empty() {
            return Poll::Ready(self.browser_is_done(None, true));
        }
        self.idle.moved();
        self.turn.looked_at(filled.len());
        let passed = self.take_frames(filled);
        let payload = filled.get(..passed.unchanged).unwrap_or_default();
        self.send_to_broker(cx, payload, passed.rest);
        Poll::Ready(match &self.stage {
            Stage::BrowserDone { .. } if self.broker_deaf => Some(self.browser_ending()),
            Stage::Closing(close) if self.to_browser.is_empty() && self.reader.is_closed() => {
                Some(Ending::Closed(close.clone()))
            }
            Stage::Open | Stage::Closing(_) | Stage::BrowserDone { .. } => None,
        })
    }

    /// Takes frames apart and does what they say; the payload for the broker is left at the beginning, unless a gate changed it.
    fn take_frames(&mut self, bytes: &mut [u8]) -> Passed {
        let mut control = Control::default();
        let read = self.reader.read(bytes, &mut control);
        if !matches!(self.stage, Stage::Open) {
            return Passed::default();
        }
        if let Some(ping) = control.ping {
            self.ping = Some(ping);
            self.answer_ping();
        }
        let passed = match read {
            Ok(payload_len) => self.pass_guard(bytes.get(..payload_len).unwrap_or_default()),
            Err(refusal) => {
                self.broken = true;
                self.close(refusal);
                Passed::default()
            }
        };
        if let Some(code) = control.close
            && matches!(self.stage, Stage::Open)
        {
            self.to_browser.push(&frame::close_echo(code));
            self.browser_is_done(code, false);
        }
        passed
    }

    /// Queues the pong when nothing else is in the way.
    fn answer_ping(&mut self) {
        if self.to_browser.is_empty()
            && let Some(ping) = self.ping.take()
        {
            self.to_browser.push(&frame::pong_frame(&ping));
        }
    }

    fn pass_guard(&mut self, payload: &[u8]) -> Passed {
        match &mut self.guard {
            Guard::Open { .. } => Passed::whole(payload.len()),
            Guard::Connect(_) if payload.is_empty() => Passed::default(),
            Guard::Connect(gate) => match gate.advance(payload) {
                Ok(ConnectGate::Body { missing }) if missing > self.max_message_bytes => {
                    let reason = format!("a CONNECT of more than {} bytes", self.max_message_bytes);
                    self.close(Close::new(close::MESSAGE_TOO_BIG, reason));
                    Passed::default()
                }
                Ok(ConnectGate::Open) => {
                    self.guard = Guard::Open { _claim: None };
                    self.connect_passes();
                    Passed::whole(payload.len())
                }
                Ok(further) => {
                    *gate = further;
                    Passed::whole(payload.len())
                }
                Err(NotConnect) => {
                    self.close(Close::new(
                        close::NOT_MQTT,
                        "the first packet is not an MQTT CONNECT",
                    ));
                    Passed::default()
                }
            },
            Guard::Gate(guard) => {
                let (passed, result) = guard.gate.handle_browser(payload);
                if !self.connect_passed && guard.gate.has_connected() {
                    self.connect_passes();
                }
                self.after_guard(result);
                passed
            }
        }
    }

    /// From now on it is the broker's turn.
    fn connect_passes(&mut self) {
        self.connect_passed = true;
        let waits = !self.broker_spoke && !self.connack_timeout.is_zero();
        self.deadline = waits.then(|| Box::pin(sleep(self.connack_timeout)));
    }

    /// Sends what a gate itself has to say, and closes if it says so.
    fn after_guard(&mut self, result: Result<(), Close>) {
        if let Guard::Gate(guard) = &mut self.guard {
            guard.report(self.metrics);
            let (answer, to_broker) = (guard.gate.take_for_browser(), guard.gate.take_for_broker());
            if !answer.is_empty() {
                self.metrics.sent(answer.len());
                self.to_browser.push_own(&frame::binary_frame(&answer, &[]));
            }
            if !self.broker_deaf {
                self.to_broker.push_own(&to_broker);
            }
        }
        match result {
            Ok(()) => self.guard.open_if_done(),
            Err(close) => self.close(close),
        }
    }

    fn browser_is_done(&mut self, code: Option<u16>, gone: bool) -> Option<Ending> {
        if let Stage::Closing(close) = &self.stage {
            return Some(Ending::Closed(close.clone()));
        }
        self.stage = Stage::BrowserDone { code, gone };
        self.deadline = Some(Box::pin(sleep(FAREWELL)));
        None
    }

    /// `payload`, and behind it what a gate has put there.
    fn send_to_broker(&mut self, cx: &mut Context<'_>, payload: &[u8], mut rest: Vec<u8>) {
        if (payload.is_empty() && rest.is_empty()) || self.broker_deaf {
            return;
        }
        self.gather.heard_back();
        self.metrics.received(payload.len() + rest.len());
        let written = if rest.is_empty() {
            self.to_broker.write(&mut self.broker, cx, payload)
        } else {
            rest.splice(..0, payload.iter().copied());
            self.to_broker.write_owned(&mut self.broker, cx, rest)
        };
        self.broker_deaf = written.is_err();
    }

    /// One step from broker to browser.
    fn poll_down(&mut self, cx: &mut Context<'_>) -> Poll<Option<Ending>> {
        if !self.to_browser.is_empty() {
            return match ready!(self.to_browser.poll_flush(&mut self.browser, cx)) {
                Ok(()) => {
                    if matches!(self.stage, Stage::Open) {
                        self.answer_ping();
                    }
                    Poll::Ready(None)
                }
                Err(error) => Poll::Ready(self.browser_lost(&error)),
            };
        }
        let over = match &self.stage {
            Stage::Open => false,
            Stage::Closing(close) if self.reader.is_closed() => {
                return Poll::Ready(Some(Ending::Closed(close.clone())));
            }
            Stage::Closing(_) => self.broken,
            Stage::BrowserDone { .. } => true,
        };
        if over && !self.browser_shut {
            // Browsers report the end only when they see the end of the stream.
            let _gone = ready!(Pin::new(&mut self.browser).poll_shutdown(cx));
            self.browser_shut = true;
        }
        match &self.stage {
            Stage::Closing(_) => Poll::Pending,
            // Acknowledgements that the broker does not take slow what it sends.
            Stage::Open if self.to_broker.own() > READ_BYTES => Poll::Pending,
            Stage::Open | Stage::BrowserDone { .. } => {
                ready!(self.poll_tick(cx));
                BUFFER.with_borrow_mut(|buffer| self.poll_broker(cx, buffer))
            }
        }
    }

    fn poll_tick(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.ticking
            && let Some(tick) = self.tick.as_mut()
        {
            ready!(tick.as_mut().poll(cx));
            self.ticking = false;
        }
        Poll::Ready(())
    }

    fn poll_broker(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<Option<Ending>> {
        let Some((room, rest)) = buffer.split_first_chunk_mut::<HEADER_ROOM>() else {
            return Poll::Pending;
        };
        let mut read = ReadBuf::new(rest);
        let result = ready!(Pin::new(&mut self.broker).poll_read(cx, &mut read));
        let payload_len = read.filled().len();
        let full = payload_len >= FULL_BYTES;
        if !matches!(self.stage, Stage::Open) {
            let over = result.is_err() || payload_len == 0;
            return Poll::Ready(over.then(|| self.browser_ending()));
        }
        if let Err(error) = result {
            self.close(broker_error(&error));
            return Poll::Ready(None);
        }
        if payload_len == 0 {
            self.close(Close::new(
                close::BROKER_CLOSED,
                "the broker closed the connection",
            ));
            return Poll::Ready(None);
        }
        self.idle.moved();
        self.broker_pause.moved();
        if !self.broker_spoke {
            self.broker_spoke = true;
            if self.connect_passed {
                self.deadline = None;
            }
        }
        if let Guard::Gate(_) = self.guard {
            let payload = buffer.get_mut(..HEADER_ROOM + payload_len).unwrap_or_default();
            return Poll::Ready(self.send_judged(cx, payload, full));
        }
        let header_len = frame::write_binary_header(room, payload_len);
        let whole = buffer
            .get(HEADER_ROOM - header_len..HEADER_ROOM + payload_len)
            .unwrap_or_default();
        self.note_sent(payload_len, full);
        let written = self.to_browser.write(&mut self.browser, cx, whole);
        Poll::Ready(written.err().and_then(|error| self.browser_lost(&error)))
    }

    /// Sends what a gate lets through of a payload that stands behind the room for a header.
    fn send_judged(&mut self, cx: &mut Context<'_>, buffer: &mut [u8], full: bool) -> Option<Ending> {
        let Guard::Gate(guard) = &mut self.guard else {
            return None;
        };
        let (room, payload) = buffer.split_first_chunk_mut::<HEADER_ROOM>()?;
        self.turn.looked_at(payload.len());
        let (passed, result) = guard.gate.handle_broker(payload);
        let len = passed.unchanged + passed.rest.len();
        let written = if len == 0 {
            Ok(())
        } else if passed.rest.is_empty() {
            let header_len = frame::write_binary_header(room, len);
            let whole = buffer
                .get(HEADER_ROOM - header_len..HEADER_ROOM + len)
                .unwrap_or_default();
            self.to_browser.write(&mut self.browser, cx, whole)
        } else {
            let unchanged = payload.get(..passed.unchanged).unwrap_or_default();
            let whole = frame::binary_frame(unchanged, &passed.rest);
            self.to_browser.write_owned(&mut self.browser, cx, whole)
        };
        if len > 0 {
            self.note_sent(len, full);
        }
        if let Err(error) = written {
            return self.browser_lost(&error);
        }
        self.after_guard(result);
        None
    }

    fn note_sent(&mut self, payload_len: usize, full: bool) {
        self.metrics.sent(payload_len);
        if let Some(until) = self.gather.sent(Instant::now(), payload_len, full) {
            self.start_tick(until);
        }
    }

    fn start_tick(&mut self, until: Instant) {
        let until = tokio::time::Instant::from_std(until);
        match self.tick.as_mut() {
            Some(tick) => tick.as_mut().reset(until),
            None => self.tick = Some(Box::pin(tokio::time::sleep_until(until))),
        }
        self.ticking = true;
    }

    fn browser_lost(&mut self, error: &io::Error) -> Option<Ending> {
        self.to_browser = Pending::default();
        match &self.stage {
            Stage::Closing(close) => Some(Ending::Closed(close.clone())),
            Stage::BrowserDone { .. } => None,
            // It would not take a close frame either.
            Stage::Open if is_stalled(error) => Some(Ending::Closed(Close::new(
                close::STALLED,
                "the browser took nothing for too long",
            ))),
            Stage::Open => self.browser_is_done(None, true),
        }
    }
}

#[cfg(test)]
mod tests;
