//! Caps, and what a browser is told when they bite.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use futures_util::{SinkExt, StreamExt};
use hearth::server::Server;
use hearth_model::api::close;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::{Duration, Instant, sleep, timeout},
};
use tokio_tungstenite::tungstenite::Message;

use crate::{
    fake_broker::{self, CONNECT, FakeBroker},
    house::{House, soon},
    http,
    program::Program,
    running::{bridge, bridge_to},
    websocket::open,
};

#[tokio::test]
async fn websockets_beyond_the_cap_are_told_and_a_place_that_is_left_is_free_again() {
    for (setting, code) in [
        ("relay.max_connections = 1", close::TOO_MANY_CONNECTIONS),
        (
            "relay.max_connections_per_address = 1",
            close::TOO_MANY_FROM_ADDRESS,
        ),
    ] {
        let broker = FakeBroker::start().await;
        let bridge = bridge_to(broker.address(), setting).await;
        let mut first = open(bridge.address()).await;
        first.send(CONNECT).await;
        let tcp = broker.accept_connect().await;
        assert_eq!(open(bridge.address()).await.closed().await.0, code, "{setting}");
        drop(tcp);
        assert_eq!(first.closed().await.0, close::BROKER_CLOSED);
        first.close().await;
        // The place is left when the relay's task has ended, a moment after the browser knows.
        loop {
            let mut next = open(bridge.address()).await;
            next.send(CONNECT).await;
            tokio::select! {
                _tcp = broker.accept_connect() => break,
                closed = next.closed() => assert_eq!(closed.0, code, "{setting}"),
            }
        }
        let metrics = http::get(bridge.address(), "/metrics", &[]).await.text();
        assert!(
            !metrics.contains(&format!("hearth_relay_ended_total{{code=\"{code}\"}} 0\n")),
            "{metrics}"
        );
    }
}

#[tokio::test]
async fn a_head_that_never_ends_is_given_up_on() {
    let bridge = bridge("http.header_timeout_ms = 1000").await;
    let mut slow = TcpStream::connect(bridge.address()).await.unwrap();
    slow.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
        .await
        .unwrap();
    let mut rest = Vec::new();
    slow.read_to_end(&mut rest).await.unwrap();
    assert_eq!(http::get(bridge.address(), "/healthz", &[]).await.status, 200);
}

#[tokio::test]
async fn a_huge_head_is_refused() {
    let bridge = bridge("http.max_header_bytes = 8192").await;
    let huge = "x".repeat(9_000);
    let answer = http::get(bridge.address(), "/healthz", &[("Cookie", &huge)]).await;
    assert_eq!(answer.status, 431);
    assert_eq!(
        http::get(bridge.address(), "/healthz", &[("Cookie", &huge[..4_000])])
            .await
            .status,
        200
    );
}

/// Waits until a line of the metrics stands there.
async fn counted(bridge: &Server, line: &str) {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let metrics = http::get(bridge.address(), "/metrics", &[]).await.text();
        if metrics.lines().any(|found| found == line) {
            return;
        }
        assert!(Instant::now() < deadline, "no {line} in:\n{metrics}");
        sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_websocket_that_is_silent_on_both_sides_is_ended_when_that_is_wanted() {
    let broker = FakeBroker::start().await;
    let bridge = bridge_to(broker.address(), "relay.idle_timeout_ms = 1500").await;
    let mut silent = open(bridge.address()).await;
    silent.send(CONNECT).await;
    let _tcp = broker.accept_connect().await;
    let mut talking = open(bridge.address()).await;
    talking.send(CONNECT).await;
    let mut talking_tcp = broker.accept_connect().await;
    let mut hearing = open(bridge.address()).await;
    hearing.send(CONNECT).await;
    let mut hearing_tcp = broker.accept_connect().await;
    let begun = Instant::now();
    let closed = silent.closed();
    let others = async {
        loop {
            talking.send(&[0xC0, 0]).await;
            assert_eq!(fake_broker::read(&mut talking_tcp, 2).await, [0xC0, 0]);
            fake_broker::write(&mut hearing_tcp, &[0xD0, 0]).await;
            assert_eq!(hearing.receive().await[..], [0xD0, 0]);
            sleep(Duration::from_millis(20)).await;
        }
    };
    let (code, reason) = tokio::select! {
        closed = closed => closed,
        () = others => unreachable!("it never ends"),
    };
    assert_eq!(
        (code, reason.as_str()),
        (
            close::IDLE_TIMEOUT,
            "nothing came from browser or broker for too long"
        )
    );
    assert!(
        begun.elapsed() >= Duration::from_millis(1_500),
        "{:?}",
        begun.elapsed()
    );
    counted(&bridge, "hearth_relay_ended_total{code=\"4410\"} 1").await;
}

/// Writes to a browser that takes nothing, until the bridge has had enough; counts what it took.
async fn flood(mut tcp: TcpStream, taken: Arc<AtomicUsize>) {
    let chunk = vec![0x5A; 64 * 1024];
    while let Ok(written) = tcp.write(&chunk).await {
        taken.fetch_add(written, Ordering::Relaxed);
    }
}

#[tokio::test]
async fn a_browser_that_takes_nothing_does_not_hold_its_relay_for_ever() {
    let broker = FakeBroker::start().await;
    let bridge = bridge_to(broker.address(), "relay.stalled_timeout_ms = 500").await;
    let mut idle = open(bridge.address()).await;
    idle.send(CONNECT).await;
    let _idle_tcp = broker.accept_connect().await;
    let mut stalled = open(bridge.address()).await;
    stalled.send(CONNECT).await;
    let tcp = broker.accept_connect().await;
    timeout(Duration::from_secs(60), flood(tcp, Arc::default()))
        .await
        .unwrap();
    counted(&bridge, "hearth_relay_ended_total{code=\"4411\"} 1").await;
    counted(&bridge, "hearth_relay_connections 1").await;
    drop(stalled);
}

#[tokio::test]
async fn a_browser_that_takes_nothing_disturbs_nobody() {
    const OTHERS: usize = 50;
    let broker = FakeBroker::start().await;
    let bridge = bridge_to(broker.address(), "relay.stalled_timeout_ms = 0").await;
    let mut others = Vec::new();
    for _ in 0..OTHERS {
        let mut browser = open(bridge.address()).await;
        browser.send(CONNECT).await;
        others.push((browser, broker.accept_connect().await));
    }
    let mut stalled = open(bridge.address()).await;
    stalled.send(CONNECT).await;
    let tcp = broker.accept_connect().await;
    let taken = Arc::new(AtomicUsize::new(0));
    let flood = tokio::spawn(flood(tcp, Arc::clone(&taken)));
    // Once nothing more fits between the broker and the stalled one, everybody else is still served.
    let (mut taken_before, mut full_rounds) = (0, 0);
    while full_rounds < 10 {
        for (browser, tcp) in &mut others {
            fake_broker::write(tcp, &[0x30, 3, 0, 1, b'a']).await;
            let received = timeout(Duration::from_secs(20), browser.receive()).await;
            assert_eq!(received.unwrap()[..], [0x30, 3, 0, 1, b'a']);
        }
        let taken_now = taken.load(Ordering::Relaxed);
        let is_full = taken_now > 0 && taken_now == taken_before;
        full_rounds = if is_full { full_rounds + 1 } else { 0 };
        taken_before = taken_now;
    }
    assert!(!flood.is_finished(), "the stalled one is still there");
    flood.abort();
    drop(stalled);
}

#[tokio::test]
async fn a_broker_that_takes_nothing_is_given_up_on_and_the_page_is_told() {
    let broker = FakeBroker::start().await;
    let bridge = bridge_to(broker.address(), "relay.stalled_timeout_ms = 500").await;
    let (mut sink, mut stream) = {
        let mut browser = open(bridge.address()).await;
        browser.send(CONNECT).await;
        browser.socket.split()
    };
    let _tcp = broker.accept_connect().await;
    let chunk = tokio_tungstenite::tungstenite::Bytes::from(vec![0x5A; 64 * 1024]);
    let flood = async { while sink.send(Message::Binary(chunk.clone())).await.is_ok() {} };
    let closed = async {
        loop {
            match stream.next().await {
                Some(Ok(Message::Close(Some(frame)))) => return u16::from(frame.code),
                Some(Ok(_)) => {}
                other => panic!("no close frame but {other:?}"),
            }
        }
    };
    let ((), code) = tokio::join!(flood, timeout(Duration::from_secs(20), closed));
    assert_eq!(code.unwrap(), close::BROKER_STALLED);
}

#[tokio::test]
async fn an_answer_that_nobody_takes_is_given_up_on() {
    let folder = tempfile::TempDir::new().unwrap();
    std::fs::write(folder.path().join("big.bin"), vec![0; 32 * 1024 * 1024]).unwrap();
    let settings = format!(
        "dist = \"{}\"\nhttp.stalled_timeout_ms = 300",
        folder.path().display()
    );
    let bridge = bridge(&settings).await;
    let mut deaf = TcpStream::connect(bridge.address()).await.unwrap();
    deaf.write_all(format!("GET /big.bin HTTP/1.1\r\nHost: {}\r\n\r\n", bridge.address()).as_bytes())
        .await
        .unwrap();
    counted(
        &bridge,
        "hearth_http_connections_failed_total{reason=\"stalled\"} 1",
    )
    .await;
}

#[tokio::test]
async fn an_address_has_so_many_connections_and_not_more() {
    let bridge = bridge("http.max_connections_per_address = 2").await;
    let mut first = TcpStream::connect(bridge.address()).await.unwrap();
    let second = TcpStream::connect(bridge.address()).await.unwrap();
    let mut third = TcpStream::connect(bridge.address()).await.unwrap();
    assert_eq!(third.read(&mut [0]).await.unwrap_or(0), 0);
    drop(second);
    let deadline = Instant::now() + Duration::from_secs(10);
    let request = format!(
        "GET /metrics HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
        bridge.address()
    );
    first.write_all(request.as_bytes()).await.unwrap();
    let mut metrics = String::new();
    first.read_to_string(&mut metrics).await.unwrap();
    assert!(
        metrics.contains("hearth_http_connections_failed_total{reason=\"too_many_from_address\"} 1"),
        "{metrics}"
    );
    // A place that is left is free again, a moment later.
    loop {
        let mut next = TcpStream::connect(bridge.address()).await.unwrap();
        next.write_all(request.as_bytes()).await.unwrap();
        if next.read(&mut [0; 4]).await.is_ok_and(|read| read > 0) {
            break;
        }
        assert!(Instant::now() < deadline, "the place is never free again");
    }
}

#[tokio::test]
async fn connections_beyond_the_cap_wait_are_counted_and_logged_each_time_anew() {
    let (mut program, address) = Program::start("http.max_connections = 2").await;
    for is_first in [true, false] {
        let first = TcpStream::connect(address).await.unwrap();
        let second = TcpStream::connect(address).await.unwrap();
        let mut third = TcpStream::connect(address).await.unwrap();
        program.line_with("http.max_connections is reached").await;
        drop((first, second));
        let request = format!("GET /metrics HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
        third.write_all(request.as_bytes()).await.unwrap();
        let mut metrics = String::new();
        third.read_to_string(&mut metrics).await.unwrap();
        let counted = metrics.contains("hearth_http_connections_waited_total 1\n");
        assert!(counted || !is_first, "{metrics}");
        soon("the places are free again", async || {
            let metrics = http::get(address, "/metrics", &[]).await.text();
            metrics.contains("hearth_http_connections 1\n")
        })
        .await;
    }
}

/// A broker that takes connections and says nothing, with TLS wanted: whoever dials it waits.
async fn silent_tls_broker(settings: &str) -> (TcpListener, Server) {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let ca = crate::certificates::authority_file();
    let broker = format!("[broker.home]\nurl = \"mqtts://localhost:{port}\"\ntls.ca_file = \"{ca}\"");
    (silent, bridge(&format!("{settings}\n{broker}")).await)
}

#[tokio::test]
async fn requests_beyond_the_cap_are_told_to_come_again_but_life_can_be_asked_for() {
    let (silent, bridge) = silent_tls_broker("http.max_requests = 1\nrelay.dial_timeout_ms = 60000").await;
    let address = bridge.address();
    let waiting = tokio::spawn(async move { http::get(address, "/readyz", &[]).await });
    let _dialled = silent.accept().await.unwrap();
    let answer = http::get(address, "/api/config", &[]).await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, "1"));
    assert!(answer.text().contains("\"code\":\"busy\""), "{}", answer.text());
    assert_eq!(http::get(address, "/healthz", &[]).await.status, 200);
    waiting.abort();
    counted(&bridge, "hearth_http_refused_total{reason=\"busy\"} 1").await;
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_answered() {
    let (_silent, bridge) =
        silent_tls_broker("http.request_timeout_ms = 200\nrelay.dial_timeout_ms = 60000").await;
    let answer = http::get(bridge.address(), "/readyz", &[]).await;
    assert_eq!(answer.status, 503);
    assert!(
        answer.text().contains("\"code\":\"request_timeout\""),
        "{}",
        answer.text()
    );
}

#[tokio::test]
async fn a_connection_without_a_request_is_ended() {
    let bridge = bridge("http.header_timeout_ms = 1000").await;
    let mut silent = TcpStream::connect(bridge.address()).await.unwrap();
    assert_eq!(silent.read(&mut [0]).await.unwrap(), 0);
    // After a request too.
    let mut idle = TcpStream::connect(bridge.address()).await.unwrap();
    idle.write_all(format!("GET /healthz HTTP/1.1\r\nHost: {}\r\n\r\n", bridge.address()).as_bytes())
        .await
        .unwrap();
    let mut all = String::new();
    idle.read_to_string(&mut all).await.unwrap();
    assert!(all.starts_with("HTTP/1.1 200"), "{all}");
    // That one was kept for later, as browsers do. Half a request behind a whole one is no such thing.
    let mut half = TcpStream::connect(bridge.address()).await.unwrap();
    half.write_all(format!("GET /healthz HTTP/1.1\r\nHost: {}\r\n\r\n", bridge.address()).as_bytes())
        .await
        .unwrap();
    assert!(half.read(&mut [0; 4096]).await.unwrap() > 0);
    half.write_all(b"GET / HT").await.unwrap();
    assert_eq!(half.read(&mut [0]).await.unwrap(), 0);
    let counted = "hearth_http_connections_failed_total{reason=\"head_timeout\"} 2\n";
    soon(counted, async || {
        let metrics = http::get(bridge.address(), "/metrics", &[]).await.text();
        metrics.contains(counted)
    })
    .await;
}

#[tokio::test]
async fn forms_that_never_arrive_keep_nobody_else_from_being_answered() {
    let house = House::open("http.max_requests = 17").await;
    let address = house.address();
    let slow = format!(
        "POST /login HTTP/1.1\r\nHost: {address}\r\nOrigin: http://{address}\r\nContent-Type: \
         application/x-www-form-urlencoded\r\nContent-Length: 9\r\n\r\n"
    );
    let mut forms = JoinSet::new();
    for _ in 0..17 {
        let mut form = TcpStream::connect(address).await.unwrap();
        form.write_all(slow.as_bytes()).await.unwrap();
        forms.spawn(async move {
            let mut answer = vec![0; 4096];
            let len = form.read(&mut answer).await.unwrap();
            String::from_utf8_lossy(&answer[..len]).into_owned()
        });
    }
    // All but one of them wait for what never comes; that one is told so at once.
    let answer = forms.join_next().await.unwrap().unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 429") && answer.contains("too_many_forms"),
        "{answer}"
    );
    assert_eq!(house.visitor().get("/login").await.status, 200);
}

/// Strangers fill the relay's places with nothing.
#[tokio::test]
async fn who_is_not_logged_in_takes_no_place_from_those_who_are() {
    let house = House::open("relay.max_connections = 1").await;
    let user = house.logged_in("vic").await;
    // It is told to log in, and stays as long as it may.
    let mut stranger = open(house.address()).await;
    let mut told = user.websocket().await;
    told.send(CONNECT).await;
    assert!(
        timeout(Duration::from_millis(500), told.socket.next())
            .await
            .is_err(),
        "the user is let in"
    );
    assert_eq!(stranger.closed().await.0, close::NOT_LOGGED_IN);
}

/// The bridge signs in, so CONNECT is judged when it is whole, and held until then.
#[tokio::test]
async fn unfinished_packets_of_all_browsers_are_held_up_to_a_cap() {
    /// With the 18 bytes before it the Remaining Length is 40,018: D2 B8 02.
    const WILL_BYTES: u16 = 40_000;
    let broker = FakeBroker::start().await;
    let bridge = bridge(&format!(
        "relay.max_held_bytes = 65536\n[broker.home]\nurl = \"mqtt://{}\"\ncredentials.user_name = \"bridge\"",
        broker.address()
    ))
    .await;
    let will = vec![b'x'; WILL_BYTES as usize];
    let head = &[0, 4, b'M', b'Q', b'T', b'T', 4, 6, 0, 0, 0, 1, b't', 0, 1, b'w'];
    let connect = [&[0x10, 0xD2, 0xB8, 2][..], head, &WILL_BYTES.to_be_bytes(), &will].concat();
    let (most, rest) = connect.split_at(connect.len() - 2);
    let mut first = open(bridge.address()).await;
    first.send(most).await;
    held(&bridge, |bytes| bytes >= most.len()).await;
    let mut second = open(bridge.address()).await;
    second.send(most).await;
    let (code, reason) = second.closed().await;
    assert_eq!(code, close::NO_ROOM, "{reason}");
    // Who was there first notices nothing.
    first.send(rest).await;
    let (mut tcp, _second) = (broker.accept().await, broker.accept().await);
    assert_eq!(fake_broker::read(&mut tcp, 1).await, [0x10]);
    held(&bridge, |bytes| bytes == 0).await;
    let mut third = open(bridge.address()).await;
    third.send(most).await;
    held(&bridge, |bytes| bytes >= most.len()).await;
    second.close().await;
    for line in [
        "hearth_relay_refused_total{kind=\"no_room\"} 1\n",
        "hearth_relay_ended_total{code=\"4432\"} 1\n",
    ] {
        soon(line, async || {
            let metrics = http::get(bridge.address(), "/metrics", &[]).await.text();
            metrics.contains(line)
        })
        .await;
    }
}

/// Waits until so many bytes are held.
async fn held(bridge: &Server, are_there: impl Fn(usize) -> bool) {
    soon("bytes are held", async || {
        let metrics = http::get(bridge.address(), "/metrics", &[]).await.text();
        let line = metrics
            .lines()
            .find_map(|line| line.strip_prefix("hearth_relay_held_bytes "));
        are_there(line.expect("the metric is there").parse().unwrap())
    })
    .await;
}
