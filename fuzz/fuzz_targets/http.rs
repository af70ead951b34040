//! What a stranger may send to the one port: nothing panics, every connection ends, and nothing is left behind.
//!
//! The first byte chooses a bridge (open, with users, behind a proxy that names them), the second how the rest is cut into writes.

#![no_main]

use std::{
    collections::BTreeMap,
    io::{ErrorKind, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use hearth::{
    auth::{
        Role,
        accounts::{Account, AccountsFile},
    },
    config::{Config, Overrides},
    server::Server,
};
use tokio::runtime::Runtime;

/// A line on which nothing came for so long has said what it has to say.
const QUIET: Duration = Duration::from_millis(3);

/// A connection whose client has left must have ended by then.
const DEADLINE: Duration = Duration::from_secs(30);

/// No answer to any request is longer.
const LONGEST_ANSWER: usize = 1 << 20;

/// How many inputs come between two looks at what is left of them.
const LOOK_EVERY: u64 = 2_000;

static BRIDGES: LazyLock<Bridges> = LazyLock::new(Bridges::start);
static INPUTS: AtomicU64 = AtomicU64::new(0);

struct Bridges {
    addresses: [SocketAddr; 3],
    _running: (Runtime, [Server; 3]),
}

impl Bridges {
    fn start() -> Self {
        let folder = std::env::temp_dir().join(format!("hearth-fuzz-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder for the page");
        for file in ["index.html", "app-0123456789abcdef.js"] {
            std::fs::write(folder.join(file), file).expect("a file of the page");
        }
        let settings = settings(&folder, broker());
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let servers = settings.map(|settings| {
            let config = Config::parse("fuzz", &settings, &BTreeMap::new(), &Overrides::default());
            let server = runtime.block_on(Server::start(config.expect("good settings")));
            server.expect("a bridge that starts")
        });
        Self {
            addresses: servers.each_ref().map(Server::address),
            _running: (runtime, servers),
        }
    }
}

fn settings(folder: &PathBuf, broker: SocketAddr) -> [String; 3] {
    let accounts = AccountsFile::new(folder.join("accounts.toml"));
    let ada = Account::new(Role::Admin, "correct horse").expect("an account");
    let added = accounts.edit(|all| {
        all.insert("ada".to_owned(), ada);
        Ok(())
    });
    added.expect("a file of accounts");
    let common = format!(
        "listen = \"127.0.0.1:0\"\ndist = \"{}\"\n[broker.home]\nurl = \"mqtt://{broker}\"\n\
         [relay]\nmax_message_bytes = 65536\nhandshake_timeout_ms = 500\n[http]\nheader_timeout_ms = 500\n\
         [access]\npublic_hosts = [\"h\"]\nallowed_origins = [\"http://h\"]\ntrusted_proxies = [\"127.0.0.1\"]\n[auth]\n",
        folder.display()
    );
    [
        String::new(),
        format!(
            "mode = \"users\"\naccounts_file = \"{}\"\n",
            accounts.path().display()
        ),
        "mode = \"proxy\"\n".to_owned(),
    ]
    .map(|auth| format!("{common}{auth}"))
}

/// Takes every CONNECT, sends back what else it hears, and ends when its client does.
fn broker() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port for the broker");
    let address = listener.local_addr().expect("its address");
    thread::spawn(move || {
        for mut tcp in listener.incoming().flatten() {
            thread::spawn(move || {
                let mut chunk = [0; 4096];
                let mut is_first = true;
                while let Ok(read @ 1..) = tcp.read(&mut chunk) {
                    let answer = if is_first {
                        &[0x20, 2, 0, 0]
                    } else {
                        &chunk[..read]
                    };
                    is_first = false;
                    if tcp.write_all(answer).is_err() {
                        return;
                    }
                }
            });
        }
    });
    address
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let [which, piece, bytes @ ..] = data else {
        return;
    };
    let address = BRIDGES.addresses[usize::from(*which) % 3];
    let piece = if *piece == 0 {
        bytes.len()
    } else {
        usize::from(*piece)
    };
    let answer = talk(address, bytes.chunks(piece.max(1)));
    let is_http = answer.is_empty() || answer.starts_with(b"HTTP/1.");
    assert!(is_http, "{:?}", String::from_utf8_lossy(&answer));
    if INPUTS.fetch_add(1, Ordering::Relaxed) % LOOK_EVERY == LOOK_EVERY - 1 {
        nothing_is_left(BRIDGES.addresses[0]);
    }
});

/// All that the bridge answers. The client leaves when nothing more comes.
fn talk<'a>(address: SocketAddr, parts: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut tcp = TcpStream::connect(address).expect("the bridge takes connections");
    tcp.set_nodelay(true).expect("an open socket");
    for part in parts {
        // The bridge may have ended it already.
        if tcp.write_all(part).is_err() {
            break;
        }
    }
    tcp.set_read_timeout(Some(QUIET)).expect("an open socket");
    let (mut answer, mut chunk, mut has_left) = (Vec::new(), [0; 16 * 1024], false);
    loop {
        match tcp.read(&mut chunk) {
            Ok(0) => return answer,
            Ok(read) => answer.extend_from_slice(&chunk[..read]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                assert!(!has_left, "the connection does not end");
                has_left = true;
                let _gone = tcp.shutdown(Shutdown::Write);
                tcp.set_read_timeout(Some(DEADLINE)).expect("an open socket");
            }
            // It was reset, for there was more to read than the bridge wanted to.
            Err(_) => return answer,
        }
        assert!(answer.len() <= LONGEST_ANSWER, "an answer without end");
    }
}

/// Soon no connection is open but the one that asks.
fn nothing_is_left(address: SocketAddr) {
    let deadline = Instant::now() + DEADLINE;
    loop {
        let request = b"GET /metrics HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
        let metrics = String::from_utf8(talk(address, [&request[..]].into_iter())).expect("text");
        let open = |name: &str| {
            let line = metrics.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|count| count.trim().parse::<u64>().ok())
        };
        if open("hearth_http_connections ") == Some(1) && open("hearth_relay_connections ") == Some(0) {
            return;
        }
        assert!(Instant::now() < deadline, "connections are left:\n{metrics}");
        thread::sleep(Duration::from_millis(10));
    }
}
