use std::future::poll_fn;

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use super::*;

const PING_BYTES: usize = 125;

fn options() -> PumpOptions {
    PumpOptions {
        max_message_bytes: 1024,
        max_message_frames: 100,
        handshake_timeout: Duration::from_secs(60),
        idle_timeout: Duration::ZERO,
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
    let mut pump = Pump::new(browser_end, broker_end, &[], Guard::connect(), &options(), &metrics);
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
