//! The codec and the session as the page runs them. JavaScript copies a chunk into [`input`]'s memory, as the Worker does
//! with what its WebSocket brings, and calls one of the others; packets and messages stay on this side.

use std::{cell::RefCell, hint::black_box};

use hearth_mqtt::{
    Bytes, BytesMut, Connack, Framer, MonoTime, Packet, Properties, ProtocolVersion, ReasonCode, Role,
    session::{Event, Session, SessionOptions, VersionChoice},
};

struct State {
    input: Vec<u8>,
    input_len: usize,
    framer: Framer,
    session: Option<Session>,
    now: u64,
}

thread_local! {
    static STATE: RefCell<State> = RefCell::new(State {
        input: Vec::new(),
        input_len: 0,
        framer: Framer::new(1 << 20),
        session: None,
        now: 1,
    });
}

const fn version(number: u32) -> ProtocolVersion {
    if number == 5 {
        ProtocolVersion::V5
    } else {
        ProtocolVersion::V311
    }
}

/// Where to put the next chunk of `len` bytes, all of them.
#[unsafe(no_mangle)]
pub extern "C" fn input(len: usize) -> *mut u8 {
    STATE.with_borrow_mut(|state| {
        state.input = Vec::with_capacity(len);
        state.input_len = len;
        state.input.as_mut_ptr()
    })
}

impl State {
    /// What JavaScript has put there.
    fn take_input(&mut self) -> Bytes {
        let mut input = std::mem::take(&mut self.input);
        let len = std::mem::take(&mut self.input_len);
        assert!(len <= input.capacity());
        // SAFETY: there is room for so many, and JavaScript has written them all, as wasm-bindgen does for the page.
        unsafe { input.set_len(len) };
        input.into()
    }
}

/// Decodes the chunk; says how many packets became whole.
#[unsafe(no_mangle)]
pub extern "C" fn decode(number: u32) -> u32 {
    STATE.with_borrow_mut(|state| {
        let chunk = state.take_input();
        state.framer.push(chunk);
        let mut packets = 0;
        while let Ok(Some(packet)) = state.framer.poll_packet(version(number), Role::Client) {
            black_box(packet);
            packets += 1;
        }
        packets
    })
}

fn connected(number: u32) -> Session {
    let now = MonoTime { ms: 1 };
    let mut session = Session::new(SessionOptions {
        version: match version(number) {
            ProtocolVersion::V311 => VersionChoice::V311,
            ProtocolVersion::V5 => VersionChoice::V5,
        },
        client_id: String::from("bench"),
        ..SessionOptions::default()
    });
    session.handle_opened(now);
    let connack = Packet::Connack(Connack {
        session_present: false,
        reason_code: ReasonCode::SUCCESS,
        properties: Properties::new(),
    });
    let mut bytes = BytesMut::new();
    connack
        .encode(version(number), &mut bytes)
        .expect("can be written");
    session.handle_bytes(now, bytes.freeze());
    while session.poll_event().is_some() {}
    while session.poll_transmit().is_some() {}
    session
}

/// Gives the chunk to a session; says how many messages came out.
#[unsafe(no_mangle)]
pub extern "C" fn receive(number: u32) -> u32 {
    STATE.with_borrow_mut(|state| {
        state.now += 1;
        let chunk = state.take_input();
        let session = state.session.get_or_insert_with(|| connected(number));
        session.handle_bytes(MonoTime { ms: state.now }, chunk);
        let mut messages = 0;
        while let Some(event) = session.poll_event() {
            messages += u32::from(matches!(event, Event::Message(_)));
            black_box(event);
        }
        while let Some(bytes) = session.poll_transmit() {
            black_box(bytes);
        }
        messages
    })
}
