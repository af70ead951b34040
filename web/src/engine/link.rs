//! Socket, timers, clock and randomness of the Worker: the only file that touches them (with [`super::probe`], which
//! opens sockets to find out why this one could not be opened). Storage is `platform`'s.

use std::{cell::RefCell, rc::Rc};

use bytes::Bytes;
use hearth_mqtt::{MonoTime, session::PersistChange};
use js_sys::{Function, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue, prelude::Closure};
use web_sys::{BinaryType, CloseEvent, DedicatedWorkerGlobalScope, Event, File, MessageEvent, WebSocket};

use super::{
    core::Engine,
    input::{Ask, Call, Environment, Input, Now, Stored, Write},
    probe,
};
use crate::platform::{
    database::{Change, Database},
    extras, parts,
    recording::{self, Output},
};
use crate::wire::{Command, Unpacked};

/// Above this many bytes in the browser's send buffer nothing more is taken from the session.
const SEND_BUFFER_HIGH: u32 = 1024 * 1024;
/// How long to wait before looking at the send buffer again, ms: browsers do not tell when it drains.
const SEND_BUFFER_POLL_MS: u64 = 20;
/// Received bytes go to the session in slices of this size, so that due timers (keep-alive!) get their turn between.
const SLICE: usize = 64 * 1024;

/// What `engine.js` calls its function that gathers the frames of a WebSocket.
const GATHER: &str = "gatherFrames";

/// Starts the engine in this Worker.
pub fn run() {
    let Ok(scope) = js_sys::global().dyn_into::<DedicatedWorkerGlobalScope>() else {
        return;
    };
    let environment = Environment {
        secure_page: scope.location().protocol() == "https:",
        formats_later: !parts::is_here(parts::FORMATS),
    };
    let link = Rc::new(RefCell::new(Link {
        engine: Engine::new(environment),
        clock: Clock::new(&scope),
        scope: scope.clone(),
        database: Database::default(),
        file: None,
        output: Output::default(),
        socket: None,
        tick: None,
        timer: None,
        waiting: None,
        sockets_opened: 0,
    }));
    let ticking = link.clone();
    link.borrow_mut().tick = Some(Closure::new(move || {
        ticking.borrow_mut().timer = None;
        drive(&ticking, [Input::Tick]);
    }));
    let on_message = {
        let link = link.clone();
        Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            let data = event.data();
            if let Some(file) = data.dyn_ref::<File>() {
                link.borrow_mut().file = Some(file.clone());
                let (name, bytes) = (file.name(), file.size() as u64);
                return take(&link, Input::File { name, bytes });
            }
            if data.is_null() {
                return drive(&link, [Input::Command(Box::new(Command::Painted))]);
            }
            let bytes = Uint8Array::new(&data).to_vec();
            match postcard::from_bytes(&bytes) {
                Ok(command) => take(&link, Input::Command(Box::new(command))),
                Err(error) => {
                    let text = format!("engine and page do not understand each other: {error}");
                    let _ = link.borrow().scope.post_message(&JsValue::from_str(&text));
                }
            }
        })
    };
    scope.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    on_message.forget();
    // The first frame tells the page that somebody listens here.
    drive(&link, [Input::Tick]);
}

struct Link {
    engine: Engine,
    clock: Clock,
    scope: DedicatedWorkerGlobalScope,
    database: Database,
    /// What the user gave to be read.
    file: Option<File>,
    /// What is being written.
    output: Output,
    socket: Option<Socket>,
    tick: Option<Closure<dyn FnMut()>>,
    timer: Option<(MonoTime, i32)>,
    /// What the page asked for since a part of the program is being loaded, in its order.
    waiting: Option<Vec<Input>>,
    sockets_opened: u32,
}

/// Takes what the page asks for. What needs a part of the program that is not here waits for it, and all behind it.
fn take(link: &Rc<RefCell<Link>>, input: Input) {
    if let Some(waiting) = &mut link.borrow_mut().waiting {
        return waiting.push(input);
    }
    if !is_for_later(&input) || parts::is_here(parts::TOOLS) {
        return drive(link, [input]);
    }
    link.borrow_mut().waiting = Some(vec![input]);
    let link = link.clone();
    wasm_bindgen_futures::spawn_local(async move {
        let missing = parts::load(parts::TOOLS).await.err();
        let mut inputs = link.borrow_mut().waiting.take().unwrap_or_default();
        if let Some(why) = missing {
            inputs.retain(|input| !is_for_later(input));
            inputs.push(Input::NotLoaded(why));
        }
        drive(&link, inputs);
    });
}

fn is_for_later(input: &Input) -> bool {
    match input {
        Input::Command(command) => command.is_for_later(),
        Input::File { .. } => true,
        _ => false,
    }
}

/// Gives the inputs to the engine, then does all that it wants done.
fn drive(link: &Rc<RefCell<Link>>, inputs: impl IntoIterator<Item = Input>) {
    let mut held = link.borrow_mut();
    for input in inputs {
        let now = held.clock.now();
        held.engine.handle(now, input);
    }
    loop {
        held.store(link);
        let blocked = held.transmit();
        let Some(call) = held.engine.poll_call() else {
            held.show();
            held.set_timer(blocked);
            return;
        };
        if let Some(input) = held.perform(link, call) {
            let now = held.clock.now();
            held.engine.handle(now, input);
        }
    }
}

impl Link {
    /// Sends what the session has; `true` when the browser's buffer is full.
    fn transmit(&mut self) -> bool {
        let Some(socket) = &self.socket else { return false };
        while socket.web_socket.ready_state() == WebSocket::OPEN {
            if socket.web_socket.buffered_amount() > SEND_BUFFER_HIGH {
                return true;
            }
            let Some(bytes) = self.engine.poll_transmit() else {
                break;
            };
            let _ = socket.web_socket.send_with_u8_array(&bytes);
        }
        false
    }

    /// Starts the transactions that the engine wants; each goes on by itself and tells when it is durable.
    fn store(&mut self, link: &Rc<RefCell<Self>>) {
        loop {
            let now = self.clock.now();
            let Some(write) = self.engine.poll_write(now) else {
                return;
            };
            let (link, database) = (link.clone(), self.database.clone());
            wasm_bindgen_futures::spawn_local(async move {
                let number = write.number;
                let result = put(&database, write).await;
                drive(&link, [Input::Written { number, result }]);
            });
        }
    }

    fn perform(&mut self, link: &Rc<RefCell<Self>>, call: Call) -> Option<Input> {
        match call {
            Call::Dial(url) => {
                self.sockets_opened += 1;
                self.socket = Socket::open(&url, self.sockets_opened, link);
                self.socket.is_none().then_some(Input::RefusedByBrowser)
            }
            Call::HangUp => {
                self.socket = None;
                None
            }
            Call::Load(name) => {
                let (link, database) = (link.clone(), self.database.clone());
                wasm_bindgen_futures::spawn_local(async move {
                    let stored = database.read(&name).await.map(|contents| Stored {
                        heads: contents.heads,
                        records: contents.records,
                    });
                    drive(&link, [Input::Loaded { name, stored }]);
                });
                None
            }
            Call::Unpack {
                request,
                packing,
                media_type,
                payload,
            } => {
                let link = link.clone();
                wasm_bindgen_futures::spawn_local(async move {
                    let result = unpacked(packing, &media_type, &payload).await;
                    drive(&link, [Input::Unpacked { request, result }]);
                });
                None
            }
            Call::Fetch => {
                let link = link.clone();
                wasm_bindgen_futures::spawn_local(async move {
                    let ask = extras::fetch().await.is_ok().then_some(Ask(extras::ask_now));
                    drive(&link, [Input::Fetched(ask)]);
                });
                None
            }
            Call::ReadFile {
                file,
                part,
                rest,
                lines_before,
                is_last,
            } => {
                let (link, given) = (link.clone(), self.file.clone());
                wasm_bindgen_futures::spawn_local(async move {
                    let result = recording::read(given, part, rest, (lines_before, is_last)).await;
                    drive(&link, [Input::FileRead { file, result }]);
                });
                None
            }
            Call::WriteFile { file, form, records } => {
                let (link, output) = (link.clone(), self.output.clone());
                wasm_bindgen_futures::spawn_local(async move {
                    let result = output.write(file, form, &records).await;
                    drive(&link, [Input::FileWritten { file, result }]);
                });
                None
            }
            Call::EndFile => {
                if let Some(file) = self.output.end() {
                    // It fails only for what cannot be sent, and a Blob can.
                    let _ = self.scope.post_message(&file);
                }
                None
            }
            Call::DropFile => {
                self.output.end();
                None
            }
            Call::FetchFormats => {
                let link = link.clone();
                wasm_bindgen_futures::spawn_local(async move {
                    let is_here = parts::load(parts::FORMATS).await.is_ok();
                    drive(&link, [Input::FormatsFetched(is_here)]);
                });
                None
            }
            Call::Probe(url) => {
                let link = link.clone();
                wasm_bindgen_futures::spawn_local(async move {
                    let findings = probe::look(&url).await;
                    drive(&link, [Input::Probed(findings)]);
                });
                None
            }
        }
    }

    fn show(&mut self) {
        let now = self.clock.now();
        if let Some(frame) = self.engine.poll_frame(now) {
            let bytes = Uint8Array::from(frame.as_slice());
            let transfer = js_sys::Array::of1(&bytes.buffer());
            let _ = self.scope.post_message_with_transfer(&bytes, &transfer);
        }
    }

    fn set_timer(&mut self, blocked: bool) {
        let now = self.clock.now().mono;
        let wanted = self
            .engine
            .poll_timeout()
            .into_iter()
            .chain(blocked.then(|| now + SEND_BUFFER_POLL_MS))
            .min();
        let (Some(at), Some(tick)) = (wanted, &self.tick) else {
            return;
        };
        match self.timer {
            // A timer that comes too early does no harm; setting one for every message would.
            Some((set, _)) if set <= at => return,
            Some((_, handle)) => self.scope.clear_timeout_with_handle(handle),
            None => {}
        }
        let wait_ms = i32::try_from(now.ms_until(at)).unwrap_or(i32::MAX);
        let handle = self
            .scope
            .set_timeout_with_callback_and_timeout_and_arguments_0(tick.as_ref().unchecked_ref(), wait_ms);
        self.timer = handle.ok().map(|handle| (at, handle));
    }
}

/// Asks the second module; its words are those of `hearth_extras::perform`.
async fn unpacked(packing: String, media_type: &str, payload: &[u8]) -> Result<Unpacked, String> {
    let (wanted, word) = if packing.is_empty() {
        (2, media_type)
    } else {
        (1, &*packing)
    };
    let request = [&[wanted], word.as_bytes(), &[0], payload].concat();
    extras::fetch().await?;
    let answer = extras::ask_now(&request)?;
    if wanted == 1 {
        return Ok(Unpacked {
            packing,
            payload: answer,
        });
    }
    let mut parts = answer.splitn(2, |byte| *byte == 0);
    let mut part = || parts.next().unwrap_or_default().to_vec();
    Ok(Unpacked {
        packing: String::from_utf8(part()).unwrap_or_default(),
        payload: part(),
    })
}

async fn put(database: &Database, write: Write) -> Result<(), String> {
    let changes = write.changes.iter().map(|change| match change {
        PersistChange::Put(key, bytes) => Change::Put(key.as_u64(), bytes),
        PersistChange::Delete(key) => Change::Delete(key.as_u64()),
    });
    database
        .write(&write.name, write.clear, write.head.as_deref(), changes)
        .await
}

/// An open or opening WebSocket. Dropping it closes it, and its events end.
struct Socket {
    web_socket: WebSocket,
    /// Ends the gathering of frames; `true` as the argument: what was gathered is delivered first.
    end: Function,
    _on_open: Closure<dyn FnMut(Event)>,
    _on_bytes: Closure<dyn FnMut(JsValue)>,
    _on_close: Closure<dyn FnMut(CloseEvent)>,
}

impl Socket {
    /// `None`: the browser refuses the URL.
    fn open(url: &str, number: u32, link: &Rc<RefCell<Link>>) -> Option<Self> {
        // Exactly one subprotocol: Mosquitto 2.1 drops lists, EMQX once refused them.
        let web_socket = WebSocket::new_with_str(url, "mqtt").ok()?;
        web_socket.set_binary_type(BinaryType::Arraybuffer);
        let opened = link.clone();
        let on_open =
            Closure::<dyn FnMut(Event)>::new(move |_| from_socket(&opened, number, [Input::Opened]));
        let received = link.clone();
        let on_bytes =
            Closure::<dyn FnMut(JsValue)>::new(move |data: JsValue| match data.dyn_into::<Uint8Array>() {
                Ok(bytes) => from_socket(&received, number, slices(bytes.to_vec())),
                // [MQTT-6.0.0-1] MQTT travels in binary frames only.
                Err(_) => from_socket(&received, number, [Input::TextFrame]),
            });
        let gather: Function = Reflect::get(&js_sys::global(), &JsValue::from_str(GATHER))
            .ok()?
            .dyn_into()
            .ok()?;
        let end: Function = gather
            .call2(&JsValue::NULL, &web_socket, on_bytes.as_ref())
            .ok()?
            .dyn_into()
            .ok()?;
        let (closed, deliver) = (link.clone(), end.clone());
        let on_close = Closure::<dyn FnMut(CloseEvent)>::new(move |event: CloseEvent| {
            let _ = deliver.call1(&JsValue::NULL, &JsValue::TRUE);
            let (code, reason) = (event.code(), event.reason());
            from_socket(&closed, number, [Input::Closed { code, reason }]);
        });
        web_socket.set_onopen(Some(on_open.as_ref().unchecked_ref()));
        web_socket.set_onclose(Some(on_close.as_ref().unchecked_ref()));
        Some(Self {
            web_socket,
            end,
            _on_open: on_open,
            _on_bytes: on_bytes,
            _on_close: on_close,
        })
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.web_socket.set_onopen(None);
        self.web_socket.set_onclose(None);
        let _ = self.end.call0(&JsValue::NULL);
        let _ = self.web_socket.close();
    }
}

/// An event of a socket that was replaced meanwhile says nothing about the present one.
fn from_socket(link: &Rc<RefCell<Link>>, number: u32, inputs: impl IntoIterator<Item = Input>) {
    if link.borrow().sockets_opened == number {
        drive(link, inputs);
    }
}

fn slices(bytes: Vec<u8>) -> impl Iterator<Item = Input> {
    let mut rest = Bytes::from(bytes);
    std::iter::from_fn(move || {
        let slice = rest.split_to(rest.len().min(SLICE));
        (!slice.is_empty()).then_some(Input::Bytes(slice))
    })
}

/// The Worker's clock and randomness.
struct Clock {
    performance: Option<web_sys::Performance>,
    /// What the monotonic clock missed while the machine slept, ms.
    slept_ms: f64,
    last: (f64, f64),
    random: u32,
}

impl Clock {
    fn new(scope: &DedicatedWorkerGlobalScope) -> Self {
        let mut seed = [0; 4];
        if let Ok(crypto) = scope.crypto() {
            let _ = crypto.get_random_values_with_u8_array(&mut seed);
        }
        let performance = scope.performance();
        let last = (
            performance.as_ref().map_or(0.0, web_sys::Performance::now),
            js_sys::Date::now(),
        );
        Self {
            performance,
            slept_ms: 0.0,
            last,
            random: u32::from_le_bytes(seed) | 1,
        }
    }

    fn now(&mut self) -> Now {
        let mono = self
            .performance
            .as_ref()
            .map_or_else(js_sys::Date::now, web_sys::Performance::now);
        let wall = js_sys::Date::now();
        // Some systems stop the monotonic clock while they sleep. The server's clock went on: so must the keep-alive.
        let missed = (wall - self.last.1) - (mono - self.last.0);
        if missed > 5_000.0 {
            self.slept_ms += missed;
        }
        self.last = (mono, wall);
        // Marsaglia's xorshift: enough to spread retries.
        self.random ^= self.random << 13;
        self.random ^= self.random >> 17;
        self.random ^= self.random << 5;
        Now {
            mono: MonoTime::from_ms((mono + self.slept_ms) as u64),
            wall_ms: wall as u64,
            random: self.random,
        }
    }
}
