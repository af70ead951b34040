//! How many bytes all gates together hold back of packets that have not arrived whole.
//!
//! One packet may be as large as `relay.max_message_bytes`. Many browsers that each send nearly one of that size, and then nothing more,
//! would fill the memory of the machine otherwise.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// What is held of all.
#[derive(Debug)]
pub(crate) struct HeldBytes {
    maximum: usize,
    now: AtomicUsize,
}

/// What is held of one; given back when dropped.
#[derive(Debug)]
pub(crate) struct Share {
    all: Arc<HeldBytes>,
    bytes: usize,
}

impl HeldBytes {
    pub(crate) fn new(maximum: usize) -> Self {
        Self {
            maximum,
            now: AtomicUsize::new(0),
        }
    }

    /// Nothing yet.
    pub(crate) fn share(self: &Arc<Self>) -> Share {
        Share {
            all: Arc::clone(self),
            bytes: 0,
        }
    }

    /// How many there are now.
    pub(crate) fn now(&self) -> usize {
        self.now.load(Ordering::Relaxed)
    }
}

impl Share {
    /// So many are held from now on. No if there is no room for them: the share is as large as before then.
    #[must_use]
    pub(crate) fn set(&mut self, bytes: usize) -> bool {
        if bytes > self.bytes {
            let more = bytes - self.bytes;
            let before = self.all.now.fetch_add(more, Ordering::Relaxed);
            if before.saturating_add(more) > self.all.maximum {
                self.all.now.fetch_sub(more, Ordering::Relaxed);
                return false;
            }
        } else {
            self.all.now.fetch_sub(self.bytes - bytes, Ordering::Relaxed);
        }
        self.bytes = bytes;
        true
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.all.now.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_grow_up_to_the_maximum_and_are_given_back() {
        let all = Arc::new(HeldBytes::new(100));
        let (mut first, mut second) = (all.share(), all.share());
        assert!(first.set(60) && second.set(40));
        assert!(!second.set(41), "there is no room for another byte");
        assert_eq!(all.now(), 100);
        assert!(first.set(10) && second.set(90));
        drop(second);
        assert_eq!(all.now(), 10);
        assert!(first.set(0));
        assert_eq!(all.now(), 0);
    }
}
