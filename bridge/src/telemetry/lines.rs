//! Writes the lines of the log in a thread of its own: whoever takes them may be slow or stuck, and the bridge goes on.

use std::{
    io::{self, Write},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

use tracing_subscriber::fmt::MakeWriter;

use super::budget;

/// Lines that may wait for whoever takes them.
const WAITING: usize = 1_024;

/// How often somebody who waits for the end of the lines looks.
const LOOK: Duration = Duration::from_millis(10);

/// Where lines go.
#[derive(Clone)]
pub(super) struct Lines {
    waiting: SyncSender<Vec<u8>>,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    sent: AtomicU64,
    written: AtomicU64,
    /// Since it was said last.
    lost: AtomicU64,
}

impl Lines {
    /// Through a thread to `output`.
    pub(super) fn to(output: impl Write + Send + 'static) -> io::Result<Self> {
        let (waiting, lines) = sync_channel(WAITING);
        let counts = Arc::<Counts>::default();
        let counted = Arc::clone(&counts);
        thread::Builder::new()
            .name("hearth-log".to_owned())
            .spawn(move || write(output, &lines, &counted))?;
        Ok(Self { waiting, counts })
    }

    /// Waits until everything is written, but not for ever.
    pub(super) fn flush(&self, wait: Duration) {
        let (sent, begun) = (self.counts.sent.load(Ordering::Acquire), Instant::now());
        while self.counts.written.load(Ordering::Acquire) < sent && begun.elapsed() < wait {
            thread::sleep(LOOK);
        }
    }
}

fn write(mut output: impl Write, lines: &Receiver<Vec<u8>>, counts: &Counts) {
    for line in lines {
        // Nobody takes them any more: there is no place to say so.
        let _gone = output.write_all(&line);
        counts.written.fetch_add(1, Ordering::Release);
        let lost = counts.lost.swap(0, Ordering::Relaxed);
        if lost > 0 {
            tracing::error!(
                lines = lost,
                "lines of the log were left out, because nobody took them"
            );
        }
    }
}

impl Write for Lines {
    /// The subscriber writes each line at once.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        match self.waiting.try_send(line.to_vec()) {
            Ok(()) => {
                self.counts.sent.fetch_add(1, Ordering::Release);
            }
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                self.counts.lost.fetch_add(1, Ordering::Relaxed);
                budget::lost();
            }
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'w> MakeWriter<'w> for Lines {
    type Writer = Self;

    fn make_writer(&'w self) -> Self {
        self.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Mutex,
        mpsc::{Sender, channel},
    };

    use super::*;

    /// Says when it is given a line, and takes it when it is told to.
    struct Slow {
        given: Sender<()>,
        may: Receiver<()>,
        taken: Arc<Mutex<Vec<u8>>>,
    }

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.given.send(()).map_err(io::Error::other)?;
            self.may.recv().map_err(io::Error::other)?;
            self.taken.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn who_takes_no_lines_holds_nobody_up_and_gets_those_that_wait() {
        let ((given, has), (go, may)) = (channel(), channel());
        let taken = Arc::<Mutex<Vec<u8>>>::default();
        let slow = Slow {
            given,
            may,
            taken: Arc::clone(&taken),
        };
        let mut lines = Lines::to(slow).unwrap();
        // The thread holds the first line before the others come, so it makes no room among them.
        lines.write_all(b"0\n").unwrap();
        has.recv().unwrap();
        let all = WAITING * 2;
        for n in 1..all {
            lines.write_all(format!("{n}\n").as_bytes()).unwrap();
        }
        lines.flush(Duration::from_millis(1));
        assert_eq!(taken.lock().unwrap().len(), 0);
        assert_eq!(
            lines.counts.lost.load(Ordering::Relaxed),
            (all - WAITING - 1) as u64
        );
        for _ in 0..all {
            go.send(()).unwrap();
        }
        lines.flush(Duration::from_secs(20));
        let taken = String::from_utf8(taken.lock().unwrap().clone()).unwrap();
        let expected: String = (0..=WAITING).map(|n| format!("{n}\n")).collect();
        assert_eq!(taken, expected);
    }
}
