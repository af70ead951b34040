use std::{future::poll_fn, sync::Arc};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    sync::{oneshot, watch},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::{
    auth::Permissions,
    config::{BrokerId, CredentialsConfig},
    credentials::CredentialSource,
    relay::{gate::Rules, held::HeldBytes, renewal::Renewal, run},
};

const PING_BYTES: usize = 125;

fn options() -> PumpOptions {
    PumpOptions {
        max_message_bytes: 1024,
        max_message_frames: 100,
        handshake_timeout: Duration::from_secs(60),
        connack_timeout: Duration::from_secs(60),
        idle_timeout: Duration::ZERO,
        stalled_timeout: Duration::ZERO,
        gather: Duration::ZERO,
    }
}

/// A ping whose payload is `fill` all over; the mask is 0.
fn ping(fill: u8) -> Vec<u8> {
    let mut frame = vec![0x89, 0x80 | 125, 0, 0, 0, 0];
    frame.extend_from_slice(&[fill; PING_BYTES]);
    frame
}

async fn poll_once(pump: &mut Pump<'_, DuplexStream, DuplexStream>) {
    poll_fn(|cx| {
        assert!(pump.poll(cx).is_pending(), "the relay ended");
        Poll::Ready(())
    })
    .await;
}

#[tokio::test]
async fn a_browser_that_pings_and_never_reads_costs_one_pong() {
    let metrics = RelayMetrics::default();
    let (mut browser, browser_end) = duplex(1024);
    let (_broker, broker_end) = duplex(1024);
    let mut pump = Pump::new(
        browser_end,
        broker_end,
        &[],
        Guard::connect(),
        &options(),
        &metrics,
    );
    for n in 0..200_u8 {
        browser.write_all(&ping(n)).await.unwrap();
        poll_once(&mut pump).await;
    }
    assert!(pump.to_browser.bytes.len() <= 2 * (PING_BYTES + 2));

    // It reads after all: what was answered is whole, and the newest ping is among it.
    let (mut heard, mut chunk) = (Vec::new(), [0; 1024]);
    for _ in 0..4 {
        let len = browser.read(&mut chunk).await.unwrap();
        heard.extend_from_slice(chunk.get(..len).unwrap_or_default());
        poll_once(&mut pump).await;
        if heard.ends_with(&[199; PING_BYTES]) {
            break;
        }
    }
    assert_eq!(heard.len() % (PING_BYTES + 2), 0);
    assert!(heard.ends_with(&[199; PING_BYTES]));
}

#[tokio::test(start_paused = true)]
async fn a_browser_that_never_reads_does_not_outlive_the_farewell() {
    let limit = Duration::from_secs(10);
    let late = PumpOptions {
        handshake_timeout: limit,
        ..options()
    };
    let idle = PumpOptions {
        idle_timeout: limit,
        ..options()
    };
    for (options, code) in [(late, close::HANDSHAKE_TIMEOUT), (idle, close::IDLE_TIMEOUT)] {
        let metrics = RelayMetrics::default();
        let (mut browser, browser_end) = duplex(PING_BYTES);
        let (_broker, broker_end) = duplex(1024);
        let guard = Guard::connect();
        let mut pump = Pump::new(browser_end, broker_end, &[], guard, &options, &metrics);
        for part in ping(7).chunks(PING_BYTES) {
            browser.write_all(part).await.unwrap();
            poll_once(&mut pump).await;
        }
        assert!(!pump.to_browser.is_empty(), "the pong is stuck");
        let begun = tokio::time::Instant::now();
        let ending = poll_fn(|cx| pump.poll(cx));
        let ending = timeout(Duration::from_secs(3_600), ending).await;
        let Ok(Ending::Closed(close)) = ending else {
            panic!("{ending:?} instead of {code}");
        };
        assert!(begun.elapsed() <= 2 * limit + FAREWELL, "{:?}", begun.elapsed());
        assert_eq!(close.code, code);
    }
}

/// A pump behind CONNECT and CONNACK, whose browser may neither publish nor receive anything.
async fn guarded(
    metrics: &RelayMetrics,
) -> (DuplexStream, DuplexStream, Pump<'_, DuplexStream, DuplexStream>) {
    guarded_with(metrics, READ_BYTES, &[], &options()).await
}

/// The same with room for so many bytes of the browser, which may receive what these filters match.
async fn guarded_with<'m>(
    metrics: &'m RelayMetrics,
    room: usize,
    subscribe: &[&str],
    options: &PumpOptions,
) -> (DuplexStream, DuplexStream, Pump<'m, DuplexStream, DuplexStream>) {
    let rules = Rules {
        max_packet_bytes: 1024,
        max_subscribe_bytes: 1024,
        user: Some("vic".to_owned()),
        permissions: Some(Arc::new(Permissions {
            publish: Vec::new(),
            deny_publish: Vec::new(),
            subscribe: subscribe.iter().map(|filter| (*filter).to_owned()).collect(),
        })),
        credentials: None,
        client_ids: None,
        share: Arc::new(HeldBytes::new(usize::MAX)).share(),
    };
    let (mut browser, browser_end) = duplex(room);
    let (mut broker, broker_end) = duplex(READ_BYTES);
    let guard = Guard::gate(rules, BrokerId::embedded());
    let mut pump = Pump::new(browser_end, broker_end, &[], guard, options, metrics);
    let connect = [0x10, 13, 0, 4, b'M', b'Q', b'T', b'T', 4, 2, 0, 0, 0, 1, b't'];
    browser.write_all(&masked(&connect)).await.unwrap();
    poll_once(&mut pump).await;
    broker.write_all(&[0x20, 2, 0, 0]).await.unwrap();
    poll_once(&mut pump).await;
    let mut chunk = [0; 1024];
    assert_eq!(broker.read(&mut chunk).await.unwrap(), connect.len());
    assert_eq!(browser.read(&mut chunk).await.unwrap(), 6);
    (browser, broker, pump)
}

/// A binary frame of at most 125 bytes; the mask is 0.
fn masked(payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x82, 0x80 | u8::try_from(payload.len()).unwrap(), 0, 0, 0, 0];
    frame.extend_from_slice(payload);
    frame
}

/// PUBLISH with QoS 1 on a topic of one letter, many times: each is answered by four bytes.
fn publishes(count: usize) -> Vec<u8> {
    [0x32, 5, 0, 1, b'a', 0, 7].repeat(count)
}

#[tokio::test]
async fn a_browser_that_is_refused_and_never_reads_is_not_read_for_ever() {
    let metrics = RelayMetrics::default();
    let (mut browser, _broker, mut pump) = guarded(&metrics).await;
    let frame = masked(&publishes(17)).repeat(400);
    let mut written = 0;
    for _ in 0..200 {
        // Written as far as the pump takes it.
        poll_fn(|cx| {
            if let Poll::Ready(len) = Pin::new(&mut browser).poll_write(cx, &frame) {
                written += len.unwrap();
            }
            Poll::Ready(())
        })
        .await;
        poll_once(&mut pump).await;
    }
    assert!(written < 1024 * 1024, "{written} bytes were taken");
    assert!(pump.to_browser.bytes.len() < 3 * READ_BYTES);
    assert!(pump.to_broker.is_empty());
    // When it reads, it gets its answers.
    let mut heard = [0; 1024];
    assert!(browser.read(&mut heard).await.unwrap() > 4);
    assert_eq!(heard.get(..2), Some(&[0x82, 126][..]));
    assert_eq!(heard.get(4..8), Some(&[0x40, 2, 0, 7][..]));
}

#[tokio::test]
async fn a_broker_whose_messages_are_dropped_and_that_never_reads_is_not_read_for_ever() {
    let metrics = RelayMetrics::default();
    let (_browser, mut broker, mut pump) = guarded(&metrics).await;
    let messages = publishes(5_000);
    let mut written = 0;
    for _ in 0..200 {
        poll_fn(|cx| {
            if let Poll::Ready(len) = Pin::new(&mut broker).poll_write(cx, &messages) {
                written += len.unwrap();
            }
            Poll::Ready(())
        })
        .await;
        poll_once(&mut pump).await;
    }
    assert!(written < 1024 * 1024, "{written} bytes were taken");
    assert!(pump.to_broker.bytes.len() < 3 * READ_BYTES);
    assert!(pump.to_browser.is_empty());
    // When it reads, it gets its acknowledgements.
    let mut heard = [0; 1024];
    assert!(broker.read(&mut heard).await.unwrap() > 4);
    assert_eq!(heard.get(..4), Some(&[0x40, 2, 0, 7][..]));
}

/// Frames with messages that are refused and not answered.
const FLOOD_FRAME_BYTES: usize = 6 + 17 * 5;

fn flood(frames: usize) -> Vec<u8> {
    masked(&[0x30, 3, 0, 1, b'a'].repeat(17)).repeat(frames)
}

/// Writes as much as there is room for.
async fn fill(browser: &mut DuplexStream, bytes: &[u8]) -> usize {
    poll_fn(|cx| {
        Poll::Ready(match Pin::new(&mut *browser).poll_write(cx, bytes) {
            Poll::Ready(written) => written.unwrap(),
            Poll::Pending => 0,
        })
    })
    .await
}

#[tokio::test(start_paused = true)]
async fn a_browser_that_floods_has_its_turn_and_no_more() {
    let metrics = RelayMetrics::default();
    let (frames, room) = (10_000, 10_000 * FLOOD_FRAME_BYTES);
    let (mut browser, _broker, mut pump) = guarded_with(&metrics, room, &[], &options()).await;
    let flood = flood(frames);
    assert_eq!(fill(&mut browser, &flood).await, room);
    poll_once(&mut pump).await;
    let read = fill(&mut browser, &flood).await;
    assert!((READ_BYTES..room / 2).contains(&read), "{read} bytes in one turn");
    // It is woken again, without anything new, until everything is read.
    let ending = timeout(Duration::from_secs(1), poll_fn(|cx| pump.poll(cx))).await;
    assert!(ending.is_err(), "the relay ended: {ending:?}");
    assert_eq!(fill(&mut browser, &flood).await, room);
}

#[tokio::test]
async fn new_credentials_do_not_wait_for_the_end_of_a_flood() {
    let metrics = RelayMetrics::default();
    // More than the runtime lets a task read before it runs others.
    let (frames, room) = (200_000, 200_000 * FLOOD_FRAME_BYTES);
    let (mut browser, _broker, mut pump) = guarded_with(&metrics, room, &[], &options()).await;
    let flood = flood(frames);
    assert_eq!(fill(&mut browser, &flood).await, room);
    let (change, mut changes) = watch::channel(0);
    let (tell, told) = oneshot::channel();
    let source = CredentialSource::new(CredentialsConfig::UserName {
        user_name: "bridge".to_owned(),
        password: None,
    });
    let renewal = Box::pin(async move {
        changes.changed().await.unwrap();
        tell.send(()).unwrap();
        (Renewal::new(&source), source.current().await.unwrap())
    });
    change.send(1).unwrap();
    let (stop, login) = (CancellationToken::new(), CancellationToken::new());
    tokio::select! {
        biased;
        told = told => told.unwrap(),
        ending = run(&mut pump, renewal, &stop, &login) => panic!("the relay ended: {ending:?}"),
    }
    let read = fill(&mut browser, &flood).await;
    assert!(read < room / 8, "heard of behind {read} bytes");
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_pauses_within_a_message_does_not_keep_a_browser_that_is_gone() {
    let metrics = RelayMetrics::default();
    let limit = Duration::from_secs(10);
    let options = PumpOptions {
        stalled_timeout: limit,
        ..options()
    };
    let (mut browser, mut broker, mut pump) = guarded_with(&metrics, READ_BYTES, &["a"], &options).await;
    // The beginning of a message of 100 bytes; what the gate has to say waits for its end.
    broker
        .write_all(&[0x30, 100, 0, 1, b'a', b'2', b'1'])
        .await
        .unwrap();
    poll_once(&mut pump).await;
    for _ in 0..1_000 {
        browser.write_all(&masked(&publishes(17))).await.unwrap();
        poll_once(&mut pump).await;
    }
    assert!(pump.guard.waiting_for_browser() > READ_BYTES);
    // A slow broker is no dead one.
    for _ in 0..20 {
        let ending = timeout(limit / 2, poll_fn(|cx| pump.poll(cx))).await;
        assert!(ending.is_err(), "the relay ended: {ending:?}");
        broker.write_all(b".").await.unwrap();
        poll_once(&mut pump).await;
    }
    drop(browser);
    let begun = tokio::time::Instant::now();
    let ending = timeout(Duration::from_secs(3_600), poll_fn(|cx| pump.poll(cx))).await;
    let Ok(Ending::Closed(close)) = ending else {
        panic!("{ending:?}");
    };
    assert_eq!(close.code, close::BROKER_STALLED);
    assert!(begun.elapsed() <= 3 * limit + FAREWELL, "{:?}", begun.elapsed());
}

/// What is held of a packet has its place among what all may hold: nobody keeps it for ever, not even with a byte now and then.
#[tokio::test(start_paused = true)]
async fn a_browser_that_begins_a_packet_and_does_not_go_on_is_given_up() {
    let limit = Duration::from_secs(10);
    let options = PumpOptions {
        stalled_timeout: limit,
        ..options()
    };
    for dribbles in [false, true] {
        let metrics = RelayMetrics::default();
        let (mut browser, _broker, mut pump) = guarded_with(&metrics, READ_BYTES, &["a"], &options).await;
        let packets = publishes(2);
        let (first, second) = packets.split_at(packets.len() / 2);
        // Packets that come in pieces, again and again, are no standstill.
        for _ in 0..20 {
            for piece in [&first[..3], &first[3..], &second[..2]] {
                browser.write_all(&masked(piece)).await.unwrap();
                let ending = timeout(limit / 4, poll_fn(|cx| pump.poll(cx))).await;
                assert!(ending.is_err(), "the relay ended: {ending:?}");
            }
            browser.write_all(&masked(&second[2..])).await.unwrap();
        }
        // The head of 203 bytes, and the topic.
        let begun = tokio::time::Instant::now();
        let head = [0x30, 0xC8, 0x01, 0, 1, b'a'];
        browser.write_all(&masked(&head)).await.unwrap();
        let ending = loop {
            if let Ok(ending) = timeout(limit / 4, poll_fn(|cx| pump.poll(cx))).await {
                break ending;
            }
            if dribbles {
                browser.write_all(&masked(b".")).await.unwrap();
            }
        };
        let Ending::Closed(close) = ending else {
            panic!("{ending:?}");
        };
        assert_eq!(close.code, close::STALLED);
        assert!(begun.elapsed() <= 2 * limit + FAREWELL, "{:?}", begun.elapsed());
    }
}
