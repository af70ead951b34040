//! A server that sends messages without end: over TCP to relays, in WebSocket frames to those who pass them through.

use std::{
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
    thread,
};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use sha1::{Digest, Sha1};

use crate::mqtt;

/// Bytes of one write, about what a busy broker sends at once.
const CHUNK: usize = 16 * 1024;

/// The answer to the key in a request.
fn upgrade(request: &[u8]) -> String {
    let request = String::from_utf8_lossy(request);
    let key = request
        .lines()
        .find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "))
        .unwrap_or_default();
    let digest = Sha1::new()
        .chain_update(key)
        .chain_update("258EAFA5-E914-47DA-95CA-C5AB0DC85B11")
        .finalize();
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {}\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n",
        BASE64.encode(digest)
    )
}

/// Bytes of one message of the stream.
pub(crate) fn message_bytes() -> usize {
    mqtt::publish(None, 0).len()
}

/// Listens until the program ends; the port.
pub(crate) fn start() -> io::Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let port = listener.local_addr()?.port();
    thread::spawn(move || {
        for tcp in listener.incoming().flatten() {
            // Clients leave in the middle: that is how each stream ends.
            thread::spawn(move || serve(tcp));
        }
    });
    Ok(port)
}

fn serve(mut tcp: TcpStream) -> io::Result<()> {
    tcp.set_nodelay(true)?;
    let mut first = [0; 2048];
    let read = tcp.read(&mut first)?;
    let in_frames = first[..read].starts_with(b"GET ");
    if in_frames {
        tcp.write_all(upgrade(&first[..read]).as_bytes())?;
    }
    let message = mqtt::publish(None, 0);
    let messages = message.repeat(CHUNK / message.len());
    let mut chunk = Vec::new();
    if in_frames {
        chunk.extend([0x82, 126]);
        chunk.extend((messages.len() as u16).to_be_bytes());
    }
    chunk.extend(messages);
    loop {
        tcp.write_all(&chunk)?;
    }
}
