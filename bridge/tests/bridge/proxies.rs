//! Behind a reverse proxy, and in front of one.

use std::{net::SocketAddr, path::Path, process::Stdio, time::Duration};

use hearth::{config::Config, server::Server};
use hearth_model::api::close;
use tempfile::TempDir;
use tokio::{
    io::AsyncReadExt,
    net::{TcpListener, TcpStream},
    process::{Child, Command},
};

use crate::{
    fake_broker::{self, CONNECT, FakeBroker},
    http,
    mosquitto::Mosquitto,
    mqtt::Client,
    running::{bridge, bridge_to},
    websocket::{Browser, open, open_over},
};

/// Opens a WebSocket as a reverse proxy at this machine would for a browser at `client`.
async fn open_for(bridge: SocketAddr, client: &str, origin: &str) -> Browser {
    let tcp = TcpStream::connect(bridge).await.unwrap();
    let headers = [
        ("Origin", origin),
        ("X-Forwarded-For", client),
        ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-Host", "hearth.example"),
    ];
    open_over(tcp, &format!("ws://{bridge}/mqtt"), &headers).await
}

const SETTINGS: &str = "access.trusted_proxies = [\"127.0.0.1\"]\naccess.public_hosts = [\"hearth.example\"]\n\
                        relay.max_connections_per_address = 1\n";

#[tokio::test]
async fn behind_a_trusted_proxy_limits_and_origins_are_those_of_the_browser() {
    let broker = FakeBroker::start().await;
    let bridge = bridge_to(broker.address(), SETTINGS).await;
    let origin = "https://hearth.example";
    let mut first = open_for(bridge.address(), "192.0.2.1", origin).await;
    first.send(CONNECT).await;
    let _first_tcp = broker.accept_connect().await;
    let mut second = open_for(bridge.address(), "192.0.2.2", origin).await;
    second.send(CONNECT).await;
    let _second_tcp = broker.accept_connect().await;
    let mut third = open_for(bridge.address(), "127.0.0.1, 192.0.2.1", origin).await;
    assert_eq!(third.closed().await.0, close::TOO_MANY_FROM_ADDRESS);
}

#[tokio::test]
async fn without_trust_the_headers_change_nothing() {
    let broker = FakeBroker::start().await;
    let settings = SETTINGS.replace("127.0.0.1", "192.0.2.77");
    let bridge = bridge_to(broker.address(), &settings).await;
    let own = format!("http://{}", bridge.address());
    let mut first = open_for(bridge.address(), "192.0.2.1", &own).await;
    first.send(CONNECT).await;
    let _tcp = broker.accept_connect().await;
    let mut second = open_for(bridge.address(), "192.0.2.2", &own).await;
    assert_eq!(second.closed().await.0, close::TOO_MANY_FROM_ADDRESS);
    let foreign = [("X-Forwarded-Host", "localhost"), ("Host", "evil.example")];
    assert_eq!(http::get(bridge.address(), "/", &foreign).await.status, 421);
}

#[tokio::test]
async fn the_host_that_a_trusted_proxy_names_is_checked_like_any_other() {
    let bridge = bridge(SETTINGS).await;
    for (host, status) in [("hearth.example", 200), ("evil.example", 421), ("a b", 421)] {
        let headers = [("X-Forwarded-Host", host)];
        let answer = http::get(bridge.address(), "/healthz", &headers).await;
        assert_eq!(answer.status, status, "{host}");
    }
}

/// The PROXY header that a broker gets, before anything else.
async fn proxy_header(version: &str, settings: &str) -> (Vec<u8>, Vec<u8>) {
    let broker = FakeBroker::start().await;
    let settings = format!(
        "{settings}\n[broker.home]\nurl = \"mqtt://{}\"\nproxy_protocol = \"{version}\"",
        broker.address()
    );
    let bridge = bridge(&settings).await;
    let mut browser = if settings.contains("trusted_proxies") {
        open_for(bridge.address(), "192.0.2.1:7", "https://hearth.example").await
    } else {
        open(bridge.address()).await
    };
    browser.send(CONNECT).await;
    let mut tcp = broker.accept().await;
    let header = match version {
        "v2" => fake_broker::read(&mut tcp, 28).await,
        _ => line(&mut tcp).await,
    };
    assert_eq!(fake_broker::read(&mut tcp, CONNECT.len()).await, CONNECT);
    // The bridge's own question whether the broker is there names no browser.
    let ready = tokio::spawn(async move { http::get(bridge.address(), "/readyz", &[]).await.status });
    let mut probe = Vec::new();
    broker.accept().await.read_to_end(&mut probe).await.unwrap();
    assert_eq!(ready.await.unwrap(), 200);
    (header, probe)
}

async fn line(tcp: &mut TcpStream) -> Vec<u8> {
    let mut line = Vec::new();
    while !line.ends_with(b"\n") {
        line.push(tcp.read_u8().await.unwrap());
    }
    line
}

#[tokio::test]
async fn a_broker_is_told_the_browsers_address_by_the_proxy_protocol() {
    let (header, probe) = proxy_header("v2", "").await;
    let read = ppp::v2::Header::try_from(header.as_slice()).unwrap();
    assert!(
        matches!(read.addresses, ppp::v2::Addresses::IPv4(ends) if ends.source_address.is_loopback() && ends.source_port != 0),
        "{read:?}"
    );
    let probe = ppp::v2::Header::try_from(probe.as_slice()).unwrap();
    assert_eq!(probe.command, ppp::v2::Command::Local);

    let (header, _) = proxy_header("v2", SETTINGS).await;
    let read = ppp::v2::Header::try_from(header.as_slice()).unwrap();
    assert!(
        matches!(read.addresses, ppp::v2::Addresses::IPv4(ends) if ends.source_address.to_string() == "192.0.2.1" && ends.source_port == 7),
        "{read:?}"
    );
    let start = "PROXY TCP4 192.0.2.1 127.0.0.1 7 ";
    let (header, probe) = proxy_header("v1", SETTINGS).await;
    assert!(header.starts_with(start.as_bytes()), "{header:?}");
    assert_eq!(probe, b"PROXY UNKNOWN\r\n");
}

/// Listens for PROXY headers of clients at 192.0.2.1 and 2001:db8::7, and passes their bytes on.
struct HaProxy {
    process: Child,
    address: SocketAddr,
    _folder: TempDir,
}

impl HaProxy {
    async fn start(broker: SocketAddr) -> Self {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("haproxy.cfg");
        // A free port may be taken by another test before HAProxy has it.
        for _try in 0..5 {
            let address = TcpListener::bind("127.0.0.1:0")
                .await
                .unwrap()
                .local_addr()
                .unwrap();
            let text = format!(
                "defaults\n mode tcp\n timeout connect 5s\n timeout client 60s\n timeout server 60s\n\
                 frontend f\n bind {address} accept-proxy\n tcp-request content reject unless {{ src 192.0.2.1 2001:db8::7 }}\n \
                 default_backend b\nbackend b\n server s {broker}\n"
            );
            std::fs::write(&file, text).unwrap();
            let program = ["/usr/sbin/haproxy", "/usr/local/sbin/haproxy"];
            let program = program.into_iter().find(|path| Path::new(path).exists());
            let mut command = Command::new(program.unwrap_or("haproxy"));
            command.arg("-db").arg("-f").arg(&file);
            command.stdout(Stdio::null()).stderr(Stdio::null());
            let mut process = command.kill_on_drop(true).spawn().expect("HAProxy is installed");
            while process.try_wait().unwrap().is_none() {
                if TcpStream::connect(address).await.is_ok() {
                    return Self {
                        process,
                        address,
                        _folder: folder,
                    };
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        panic!("HAProxy does not start");
    }
}

/// A broker at an IPv6 address, and a bridge at all addresses of both families. There may be no IPv6 on this machine.
#[tokio::test]
async fn both_families_come_to_one_address_and_go_on_to_a_broker_of_either() {
    let Ok(broker) = TcpListener::bind("[::1]:0").await else {
        return;
    };
    let settings = format!(
        "listen = \"[::]:0\"\naccess.trusted_proxies = [\"127.0.0.1\", \"::1\"]\nrelay.max_connections_per_address = 1\n[broker.home]\nurl = \"mqtt://{}\"",
        broker.local_addr().unwrap()
    );
    let config = Config::parse("test.toml", &settings, &Default::default(), &Default::default()).unwrap();
    let bridge = Server::start(config).await.unwrap();
    let port = bridge.address().port();
    let mut open_ones = Vec::new();
    for (host, client) in [
        ("127.0.0.1", ""),
        ("[::1]", ""),
        ("127.0.0.1", "2001:db8::7"),
        ("[::1]", "192.0.2.1"),
    ] {
        let tcp = TcpStream::connect(format!("{host}:{port}")).await.unwrap();
        let origin = format!("http://{host}:{port}");
        let headers = [("Origin", origin.as_str()), ("X-Forwarded-For", client)];
        let mut browser = open_over(tcp, &format!("ws://{host}:{port}/mqtt"), &headers).await;
        browser.send(CONNECT).await;
        let (mut tcp, _) = broker.accept().await.unwrap();
        assert_eq!(fake_broker::read(&mut tcp, CONNECT.len()).await, CONNECT);
        open_ones.push((browser, tcp));
    }
    // The neighbours of an IPv6 address are one client, and an IPv4 address is one in whichever way it came.
    for (host, client) in [
        ("127.0.0.1", "2001:db8::8"),
        ("127.0.0.1", "192.0.2.1"),
        ("127.0.0.1", ""),
    ] {
        let tcp = TcpStream::connect(format!("{host}:{port}")).await.unwrap();
        let origin = format!("http://{host}:{port}");
        let headers = [("Origin", origin.as_str()), ("X-Forwarded-For", client)];
        let mut browser = open_over(tcp, &format!("ws://{host}:{port}/mqtt"), &headers).await;
        assert_eq!(browser.closed().await.0, close::TOO_MANY_FROM_ADDRESS, "{client}");
    }
}

#[tokio::test]
async fn another_implementation_reads_the_header_and_believes_the_address_in_it() {
    let mosquitto = Mosquitto::start();
    for version in ["v1", "v2"] {
        let mut proxy = HaProxy::start(mosquitto.address()).await;
        let broker = format!("[broker.home]\nurl = \"mqtt://{}\"", proxy.address);
        let bridge = bridge(&format!("{SETTINGS}{broker}\nproxy_protocol = \"{version}\"")).await;
        for address in ["192.0.2.1", "198.51.100.9, [2001:db8::7]:443, 127.0.0.1"] {
            let known = open_for(bridge.address(), address, "https://hearth.example").await;
            Client::connect(known).await.subscribe("home/#").await;
        }
        let mut other = open_for(bridge.address(), "192.0.2.2", "https://hearth.example").await;
        other.send(CONNECT).await;
        let code = other.closed().await.0;
        assert!(
            matches!(code, close::BROKER_CLOSED | close::BROKER_LOST),
            "{version}: {code}"
        );
        proxy.process.kill().await.unwrap();
    }
}
