use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    time::timeout,
};

use super::*;
use crate::websocket::frame::{binary_frame, pong_frame};

/// A WebSocket whose network takes `room` bytes at a time, and the broker's end.
fn socket(room: usize) -> (WebSocket<DuplexStream>, DuplexStream) {
    let (ours, theirs) = duplex(room);
    (WebSocket::new(ours, Vec::new()), theirs)
}

/// Reads what the bridge sent until it ends, as a server does.
async fn payload_of(mut from: DuplexStream) -> Vec<u8> {
    let mut written = Vec::new();
    from.read_to_end(&mut written).await.unwrap();
    let len = FrameReader::of_browser(u32::MAX, 1)
        .read(&mut written, &mut Control::default())
        .unwrap();
    written.truncate(len);
    written
}

#[tokio::test]
async fn what_is_written_arrives_however_little_the_network_takes() {
    let bytes: Vec<u8> = (0..200_000_u32).map(|n| (n % 251) as u8).collect();
    for room in [1, 13, 4_096, 1 << 20] {
        let (mut ours, theirs) = socket(room);
        let writing = async {
            ours.write_all(&bytes).await.unwrap();
            ours.flush().await.unwrap();
            drop(ours);
        };
        let ((), received) = tokio::join!(writing, payload_of(theirs));
        assert!(received == bytes, "{room} bytes at a time");
    }
}

#[tokio::test]
async fn nothing_more_is_taken_while_a_frame_waits() {
    let (mut ours, theirs) = socket(1_000);
    for _ in 0..100 {
        let writing = ours.write(&[7; 60_000]);
        let _waiting = timeout(Duration::from_millis(1), writing).await;
    }
    assert!(ours.pending.len() <= FRAME_BYTES + MASKED_HEADER_BYTES);
    drop(theirs);
}

#[tokio::test]
async fn an_empty_write_sends_nothing_and_two_frames_have_two_keys() {
    let (mut ours, mut theirs) = socket(1_000);
    assert_eq!(ours.write(&[]).await.unwrap(), 0);
    ours.write_all(&[0; 4]).await.unwrap();
    ours.write_all(&[0; 4]).await.unwrap();
    let mut written = [0; 20];
    theirs.read_exact(&mut written).await.unwrap();
    let (first, second) = written.split_at(10);
    assert_eq!(
        (&first[..2], &second[..2]),
        (&[0x82, 0x84][..], &[0x82, 0x84][..])
    );
    assert_ne!(first[2..6], second[2..6], "the masking keys");
    // Zeros show the key once more.
    assert_eq!((&first[2..6], &second[2..6]), (&first[6..], &second[6..]));
}

#[tokio::test]
async fn what_came_with_the_handshake_is_read_first() {
    let (ours, mut theirs) = duplex(1_000);
    let early = [binary_frame(b"ear", &[]), binary_frame(b"ly, ", &[])].concat();
    let (early, rest) = early.split_at(early.len() - 2);
    let mut ours = WebSocket::new(ours, early.to_vec());
    theirs.write_all(rest).await.unwrap();
    theirs.write_all(&binary_frame(b"late", &[])).await.unwrap();
    drop(theirs);
    let mut received = String::new();
    ours.read_to_string(&mut received).await.unwrap();
    assert_eq!(received, "early, late");
    let (ours, _theirs) = duplex(1_000);
    let mut ours = WebSocket::new(ours, binary_frame(b"more than a small reader takes", &[]));
    let mut chunk = [0; 8];
    assert_eq!(ours.read(&mut chunk).await.unwrap(), 6);
    assert_eq!(&chunk[..6], b"more t");
}

#[tokio::test]
async fn of_many_pings_the_newest_is_answered_behind_a_frame_that_waits() {
    let (mut ours, mut theirs) = socket(16);
    let _taken = ours.write(&[1; 40]).await.unwrap();
    for number in 0..50_u8 {
        // A masked ping would be a fault.
        let mut ping = pong_frame(&[number]);
        ping[0] = 0x89;
        theirs.write_all(&ping).await.unwrap();
        let mut chunk = [0; 100];
        let reading = ours.read(&mut chunk);
        assert!(timeout(Duration::from_millis(1), reading).await.is_err());
    }
    assert!(ours.pending.len() <= 46);
    let flushing = async {
        ours.flush().await.unwrap();
        drop(ours);
    };
    let reading = async {
        let mut written = Vec::new();
        theirs.read_to_end(&mut written).await.unwrap();
        written
    };
    let ((), written) = tokio::join!(flushing, reading);
    assert_eq!(written.len(), 46 + 7, "one frame and one pong");
    let (pong, key) = (&written[46..], written[48]);
    assert_eq!((pong[0], pong[6] ^ key), (0x8A, 49));
}

#[tokio::test]
async fn after_a_shutdown_nothing_is_written_and_the_answer_is_the_end() {
    let (mut ours, mut theirs) = socket(1_000);
    ours.shutdown().await.unwrap();
    assert_eq!(
        ours.write(b"x").await.unwrap_err().kind(),
        io::ErrorKind::BrokenPipe
    );
    ours.shutdown().await.unwrap();
    theirs.write_all(&[0x88, 2, 0x03, 0xE8]).await.unwrap();
    let error = ours.read(&mut [0; 10]).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the broker closed the WebSocket with code 1000"
    );
    assert_eq!(ours.read(&mut [0; 10]).await.unwrap(), 0);
    drop(ours);
    let mut written = Vec::new();
    theirs.read_to_end(&mut written).await.unwrap();
    assert_eq!((written.len(), &written[..2]), (8, &[0x88, 0x82][..]));
}

/// A WebSocket with nudges, and the broker's end.
fn nudging() -> (WebSocket<DuplexStream>, DuplexStream) {
    let (ours, theirs) = duplex(1 << 20);
    (WebSocket::with_nudges(ours, Vec::new()), theirs)
}

/// Reads for a while, and says what came.
async fn read_for(ours: &mut WebSocket<DuplexStream>, time: Duration) -> Vec<u8> {
    let mut received = Vec::new();
    let reading = async { while ours.read_buf(&mut received).await.is_ok_and(|len| len > 0) {} };
    let _over = timeout(time, reading).await;
    received
}

/// How many nudges the broker has got, among short frames.
async fn nudges(theirs: &mut DuplexStream) -> usize {
    let mut written = vec![0; 1 << 20];
    let len = timeout(Duration::ZERO, theirs.read(&mut written))
        .await
        .map_or(0, Result::unwrap);
    let (mut rest, mut count) = (&written[..len], 0);
    while let [first, second, ..] = *rest {
        let payload_len = usize::from(second & 0x7F);
        count += usize::from((first, payload_len) == (0x8A, 0));
        rest = &rest[6 + payload_len..];
    }
    count
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_owes_something_and_is_silent_is_nudged_once() {
    let (mut ours, mut theirs) = nudging();
    read_for(&mut ours, Duration::from_secs(1)).await;
    assert_eq!(nudges(&mut theirs).await, 0, "nothing was sent yet");
    ours.write_all(b"publish").await.unwrap();
    read_for(&mut ours, Duration::from_secs(1)).await;
    assert_eq!(nudges(&mut theirs).await, 1);
    let (mut plain, mut theirs) = socket(1_000);
    plain.write_all(b"publish").await.unwrap();
    read_for(&mut plain, Duration::from_secs(1)).await;
    assert_eq!(nudges(&mut theirs).await, 0, "others do not sleep");
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_answers_is_not_nudged() {
    let (mut ours, mut theirs) = nudging();
    for _ in 0..100 {
        ours.write_all(b"publish").await.unwrap();
        theirs.write_all(&binary_frame(b"puback", &[])).await.unwrap();
        assert_eq!(read_for(&mut ours, Duration::from_millis(5)).await, b"puback");
    }
    read_for(&mut ours, Duration::from_secs(1)).await;
    assert_eq!(nudges(&mut theirs).await, 0);
}

#[tokio::test(start_paused = true)]
async fn who_is_never_answered_nudges_a_hundred_times_a_second_at_most() {
    for gap in [Duration::from_millis(1), Duration::from_millis(5)] {
        let (mut ours, mut theirs) = nudging();
        let begun = tokio::time::Instant::now();
        while begun.elapsed() < Duration::from_secs(1) {
            ours.write_all(b"publish").await.unwrap();
            read_for(&mut ours, gap).await;
        }
        let count = nudges(&mut theirs).await;
        assert!(count <= 100, "{count} nudges, {gap:?} between messages");
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_that_leaves_the_broker_in_pieces_takes_a_nudge_for_each_and_no_time_between() {
    let (mut ours, mut theirs) = nudging();
    let begun = tokio::time::Instant::now();
    let broker = async {
        let message = binary_frame(&[7; 40_000], &[]);
        for piece in message.chunks(4_096) {
            theirs.write_all(piece).await.unwrap();
            let mut nudge = [0; 6];
            if piece.len() == 4_096 {
                theirs.read_exact(&mut nudge).await.unwrap();
                assert_eq!(nudge[..2], [0x8A, 0x80]);
            }
        }
    };
    let mut received = vec![0; 40_000];
    let (_, read) = tokio::join!(broker, ours.read_exact(&mut received));
    assert_eq!(read.unwrap(), 40_000);
    assert!(
        begun.elapsed() < Duration::from_millis(5),
        "{:?}",
        begun.elapsed()
    );
}
