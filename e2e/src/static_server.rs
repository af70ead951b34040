//! A plain web server for a folder of files, as any static host would be. It counts what it sends.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Result;

/// Serves a folder below a path, such as `/` or `/some/where/`.
pub struct StaticServer {
    port: u16,
    base: &'static str,
    sent: Arc<AtomicU64>,
}

impl StaticServer {
    /// Starts to serve `folder`; the server lives as long as the test process.
    pub fn start(folder: PathBuf, base: &'static str) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let sent = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&sent);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (folder, counter) = (folder.clone(), Arc::clone(&counter));
                std::thread::spawn(move || serve(&stream, &folder, base, &counter));
            }
        });
        Ok(Self { port, base, sent })
    }

    /// The address of the page.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}{}", self.port, self.base)
    }

    /// How many bytes of bodies have been sent so far.
    #[must_use]
    pub fn bytes_sent(&self) -> u64 {
        self.sent.load(Ordering::SeqCst)
    }
}

/// Answers the requests of one connection. A broken connection ends it: the browser asks again.
fn serve(stream: &TcpStream, folder: &Path, base: &str, sent: &AtomicU64) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut stream = stream;
    loop {
        let (path, accepts_brotli) = read_request(&mut reader)?;
        let answer = find(folder, base, &path, accepts_brotli);
        let (status, headers, body) = match answer {
            Some((headers, body)) => ("200 OK", headers, body),
            None => (
                "404 Not Found",
                "Content-Type: text/plain\r\n".to_owned(),
                b"not found".to_vec(),
            ),
        };
        let length = body.len();
        write!(
            stream,
            "HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\n\r\n"
        )
        .ok()?;
        stream.write_all(&body).ok()?;
        sent.fetch_add(u64::try_from(length).ok()?, Ordering::SeqCst);
    }
}

/// The path that is asked for, and whether the client takes brotli.
fn read_request(reader: &mut impl BufRead) -> Option<(String, bool)> {
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let target = line.split(' ').nth(1)?;
    let path = target.split(['?', '#']).next()?.to_owned();
    let mut accepts_brotli = false;
    loop {
        line.clear();
        reader.read_line(&mut line).ok()?;
        let header = line.trim_end().to_ascii_lowercase();
        if header.is_empty() {
            return Some((path, accepts_brotli));
        }
        accepts_brotli |= header
            .strip_prefix("accept-encoding:")
            .is_some_and(|value| value.contains("br"));
    }
}

fn find(folder: &Path, base: &str, path: &str, accepts_brotli: bool) -> Option<(String, Vec<u8>)> {
    let relative = match path.strip_prefix(base)? {
        "" => "index.html",
        name => name,
    };
    let relative = Path::new(relative);
    if !relative
        .components()
        .all(|part| matches!(part, Component::Normal(_)))
    {
        return None;
    }
    let content_type = match relative.extension().and_then(|extension| extension.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript",
        Some("css") => "text/css",
        Some("wasm") => "application/wasm",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("webmanifest" | "json") => "application/json",
        _ => "application/octet-stream",
    };
    // Files with a hash in their name never change; the page itself is asked for anew.
    let caching = if content_type.starts_with("text/html") {
        "no-cache"
    } else {
        "max-age=3600"
    };
    let headers = format!("Content-Type: {content_type}\r\nCache-Control: {caching}\r\n");
    let file = folder.join(relative);
    if accepts_brotli {
        let mut compressed = file.clone().into_os_string();
        compressed.push(".br");
        if let Ok(body) = std::fs::read(compressed) {
            return Some((format!("{headers}Content-Encoding: br\r\n"), body));
        }
    }
    Some((headers, std::fs::read(file).ok()?))
}
