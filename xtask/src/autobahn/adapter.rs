//! Between the suite, which wants a server that echoes messages, and the bridge, behind which streams of MQTT are echoed.
//!
//! It asks for the subprotocol, sends the CONNECT that must come first, and gives what comes back the limits that messages had: towards
//! a broker they mean nothing. Everything else is between suite and bridge.

use std::{
    io::{self, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use anyhow::{Context, Result};

use super::frames::{Echo, FromClient};

const CONNECT: [u8; 15] = [0x10, 13, 0, 4, b'M', b'Q', b'T', b'T', 4, 2, 0, 0, 0, 1, b't'];

/// A head of HTTP is not longer.
const LONGEST_HEAD: usize = 16 * 1024;

/// A broker that takes a CONNECT and sends back what follows.
pub(super) fn echo_broker() -> Result<SocketAddr> {
    listen(|mut tcp| {
        tcp.read_exact(&mut [0; CONNECT.len()])?;
        let mut chunk = vec![0; 64 * 1024];
        loop {
            match tcp.read(&mut chunk)? {
                0 => return Ok(()),
                read => tcp.write_all(chunk.get(..read).unwrap_or_default())?,
            }
        }
    })
}

/// Listens for the suite.
pub(super) fn start(bridge: SocketAddr) -> Result<SocketAddr> {
    listen(move |client| adapt(client, bridge))
}

/// Serves each connection in a thread of its own, until the program ends.
fn listen(serve: impl Fn(TcpStream) -> io::Result<()> + Clone + Send + 'static) -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").context("a free port")?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for tcp in listener.incoming().flatten() {
            let serve = serve.clone();
            // Cases end connections in every way; the suite says what was wrong about it.
            thread::spawn(move || serve(tcp));
        }
    });
    Ok(address)
}

fn adapt(mut client: TcpStream, address: SocketAddr) -> io::Result<()> {
    client.set_nodelay(true)?;
    let mut bridge = TcpStream::connect(address)?;
    bridge.set_nodelay(true)?;
    let asked = read_head(&mut client)?;
    let own = format!(
        "GET /mqtt HTTP/1.1\r\nHost: {address}\r\nOrigin: http://{address}\r\nSec-WebSocket-Protocol: mqtt\r\n"
    );
    let rest = asked
        .lines()
        .skip(1)
        .filter(|line| !begins_with(line, &["host", "origin", "sec-websocket-protocol"]));
    let rest: String = rest.map(|line| format!("{line}\r\n")).collect();
    bridge.write_all(format!("{own}{rest}").as_bytes())?;
    let answer = read_head(&mut bridge)?;
    let answer = answer
        .lines()
        .filter(|line| !begins_with(line, &["sec-websocket-protocol"]));
    let answer: String = answer.map(|line| format!("{line}\r\n")).collect();
    // A mask of zeros.
    bridge.write_all(&[&[0x82, 0x80 | CONNECT.len() as u8, 0, 0, 0, 0][..], &CONNECT].concat())?;
    client.write_all(answer.as_bytes())?;
    relay(&client, &bridge)
}

/// Up to and with the empty line.
fn read_head(tcp: &mut TcpStream) -> io::Result<String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && head.len() < LONGEST_HEAD {
        tcp.read_exact(&mut byte)?;
        head.extend(byte);
    }
    String::from_utf8(head).map_err(io::Error::other)
}

fn begins_with(line: &str, names: &[&str]) -> bool {
    let name = line.split(':').next().unwrap_or_default();
    names.iter().any(|other| name.eq_ignore_ascii_case(other))
}

fn relay(client: &TcpStream, bridge: &TcpStream) -> io::Result<()> {
    // Whoever writes to the client holds this, or frames would mix.
    let echo = Arc::new(Mutex::new(Echo::default()));
    let (mut from_client, mut to_bridge) = (client.try_clone()?, bridge.try_clone()?);
    let (mut acknowledged, told) = (client.try_clone()?, Arc::clone(&echo));
    let up = thread::spawn(move || -> io::Result<()> {
        let (mut frames, mut chunk) = (FromClient::default(), vec![0; 64 * 1024]);
        loop {
            let read = from_client.read(&mut chunk)?;
            if read == 0 {
                return to_bridge.shutdown(Shutdown::Write);
            }
            let bytes = chunk.get_mut(..read).unwrap_or_default();
            let ended = frames.pass(bytes);
            to_bridge.write_all(bytes)?;
            let mut echo = told.lock().unwrap_or_else(PoisonError::into_inner);
            acknowledged.write_all(&echo.sent(ended))?;
        }
    });
    let (mut from_bridge, mut to_client) = (bridge, client);
    let mut chunk = vec![0; 64 * 1024];
    loop {
        let read = from_bridge.read(&mut chunk)?;
        if read == 0 {
            let _gone = to_client.shutdown(Shutdown::Write);
            let _ended = up.join();
            return Ok(());
        }
        let mut echo = echo.lock().unwrap_or_else(PoisonError::into_inner);
        to_client.write_all(&echo.heard(chunk.get(..read).unwrap_or_default()))?;
    }
}
