//! The listener against RFC 6455: hundreds of cases in the families of the Autobahn test suite, whose own run by
//! `cargo xtask autobahn`. Behind the bridge stands a broker that sends back what it gets, so that payload is compared too; after the
//! listed cases come cases made by chance. `HEARTH_WEBSOCKET_SECONDS=600 cargo test -p hearth --test bridge rfc6455 -- --nocapture`
//! goes on for ten minutes, and prints a report by family.

mod cases;
mod peer;

use std::{collections::BTreeMap, net::SocketAddr};

use tokio::{
    io::AsyncWriteExt,
    time::{Duration, Instant},
};

use self::{
    cases::{Case, End},
    peer::{Heard, echo_broker, frame, open},
};
use crate::running::bridge_to;

const MAX_MESSAGE_BYTES: usize = 4 * 1024 * 1024;
const MAX_MESSAGE_FRAMES: usize = 5_000;

/// Plays a case, and says what is wrong about the answer.
async fn play(bridge: SocketAddr, case: &Case) -> Result<(), String> {
    // What follows the handshake at once, and what comes later.
    let (early, late) = if case.chop == 0 {
        case.bytes.split_at(case.bytes.len().min(100))
    } else {
        (&[][..], &case.bytes[..])
    };
    let (mut listening, mut write) = open(bridge, early).await;
    let ours = tokio::spawn({
        let (late, chop, end) = (late.to_vec(), case.chop, case.end);
        async move {
            // The bridge may close while the rest is on its way.
            for part in late.chunks(if chop == 0 { late.len().max(1) } else { chop }) {
                if write.write_all(part).await.is_err() {
                    break;
                }
            }
            if end == End::Fine {
                // The close frame would overtake what the broker still sends back, so it waits for its turn.
                return Some(write);
            }
            let _gone = write.flush().await;
            // Held open: the bridge must end the connection, not we.
            std::future::pending::<Option<_>>().await
        }
    });
    let mut heard = Heard::default();
    if case.end == End::Fine {
        listening.hear(&mut heard, Some(case.echo.len())).await;
        let mut write = ours.await.unwrap().unwrap();
        let _gone = write.write_all(&frame(0x88, &1000_u16.to_be_bytes())).await;
        listening.hear(&mut heard, None).await;
    } else {
        listening.hear(&mut heard, None).await;
        ours.abort();
    }
    judge(case, &heard)
}

fn judge(case: &Case, heard: &Heard) -> Result<(), String> {
    if let Some(fault) = &heard.fault {
        return Err(fault.clone());
    }
    let wanted = match case.end {
        End::Fine => Some(1000),
        End::Closed(code) => code,
        End::Refused(code) => Some(code),
    };
    if heard.close != Some(wanted) {
        return Err(format!("closed with {:?} instead of {wanted:?}", heard.close));
    }
    if case.end == End::Fine && heard.payload != case.echo {
        return Err(format!(
            "{} bytes came back changed, of {}",
            heard.payload.len(),
            case.echo.len()
        ));
    }
    if !case.echo.starts_with(&heard.payload) {
        return Err("bytes came back that were not sent".into());
    }
    // Older pings need no answer of their own (5.5.3), but the newest does, and none comes twice or out of turn.
    let mut pings = case.pings.iter();
    if !heard.pongs.iter().all(|pong| pings.any(|ping| ping == pong)) {
        return Err(format!(
            "{} pongs do not fit {} pings",
            heard.pongs.len(),
            case.pings.len()
        ));
    }
    if case.end == End::Fine && heard.pongs.last() != case.pings.last() {
        return Err("the newest ping was not answered".into());
    }
    Ok(())
}

/// Passed and failed cases by family.
#[derive(Default)]
struct Report {
    families: BTreeMap<String, (usize, usize)>,
    failures: Vec<String>,
}

impl Report {
    fn note(&mut self, case: &Case, result: Result<(), String>) {
        let family = case.id.split(['.', ' ']).next().unwrap_or_default().to_owned();
        let (passed, failed) = self.families.entry(family).or_default();
        match result {
            Ok(()) => *passed += 1,
            Err(reason) => {
                *failed += 1;
                self.failures.push(format!("{}: {reason}", case.id));
            }
        }
    }

    fn print(&self) {
        for (family, (passed, failed)) in &self.families {
            let about = match family.as_str() {
                "1" => "framing",
                "2" => "pings and pongs",
                "3" => "reserved bits",
                "4" => "opcodes",
                "5" => "fragmentation",
                "6" => "text, which MQTT does not have",
                "7" => "closing",
                "8" => "masks and lengths",
                "9" => "limits and large messages",
                _ => "by chance",
            };
            println!("{family:>6}  {about:<32} {passed:>6} passed {failed:>3} failed");
        }
    }
}

/// Numbers by chance that are the same in every run (splitmix64).
fn random(seed: u64) -> impl FnMut(usize) -> usize {
    let mut state = seed;
    move |below| {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((mixed ^ (mixed >> 31)) % below as u64).unwrap()
    }
}

#[tokio::test]
async fn the_listener_keeps_to_the_websocket_protocol() {
    let seconds = std::env::var("HEARTH_WEBSOCKET_SECONDS").map_or(1, |text| text.parse().expect("seconds"));
    let broker = echo_broker().await;
    let settings = format!(
        "relay.max_message_bytes = {MAX_MESSAGE_BYTES}\nrelay.max_message_frames = {MAX_MESSAGE_FRAMES}"
    );
    let bridge = bridge_to(broker, &settings).await;
    let begun = Instant::now();
    let mut report = Report::default();
    for case in cases::all() {
        report.note(&case, play(bridge.address(), &case).await);
    }
    let mut seed = 0;
    while begun.elapsed() < Duration::from_secs(seconds) || seed < 50 {
        let case = cases::by_chance(seed, &mut random(seed));
        report.note(&case, play(bridge.address(), &case).await);
        seed += 1;
    }
    report.print();
    assert!(report.failures.is_empty(), "{}", report.failures.join("\n"));
}
