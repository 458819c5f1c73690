//! Time, randomness and sleeping, taken from one place so that a seed can replay a run.

use std::cell::RefCell;
use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

/// Source of random bytes.
pub trait Random: Send + Sync {
    /// Fills `buffer` with random bytes; cryptographically strong outside simulations.
    fn fill(&self, buffer: &mut [u8]);

    /// As [`fill`](Self::fill), with bytes that may have been drawn ahead. For what names a write, not for keys and
    /// nonces: two machines that go on from one snapshot of memory can draw the same.
    fn fill_ahead(&self, buffer: &mut [u8]) {
        self.fill(buffer);
    }
}

/// The outside world, apart from the store.
#[async_trait]
pub trait Env: Random + fmt::Debug {
    /// Wall clock, in milliseconds since 1970-01-01T00:00:00Z.
    fn now_ms(&self) -> i64;

    /// Clock that never goes back, from an arbitrary start.
    fn monotonic(&self) -> Duration;

    /// Sleeps. Dropping the future ends the sleep.
    async fn sleep(&self, duration: Duration);
}

/// The real clock, the operating system's randomness, and tokio's timer.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEnv;

impl Random for SystemEnv {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the system's randomness")]
    fn fill(&self, buffer: &mut [u8]) {
        if let Err(error) = getrandom::fill(buffer) {
            // Going on with predictable keys and ids would be worse than ending the process.
            tracing::error!(%error, "the operating system gives no randomness");
            std::process::abort();
        }
    }

    fn fill_ahead(&self, buffer: &mut [u8]) {
        let drawn = AHEAD.try_with(|ahead| ahead.try_borrow_mut().is_ok_and(|mut ahead| ahead.give(buffer)));
        if drawn != Ok(true) {
            self.fill(buffer);
        }
    }
}

thread_local! {
    static AHEAD: RefCell<Ahead> = const { RefCell::new(Ahead { bytes: [0; AHEAD_BYTES], used: AHEAD_BYTES, process: 0 }) };
}

/// Random bytes of one thread. A call of the system for each dozen bytes costs more than the bytes.
struct Ahead {
    bytes: [u8; AHEAD_BYTES],
    used: usize,
    /// A process that was forked must not use the bytes of its parent.
    process: u32,
}

/// Bytes that are drawn at once: what the system gives without being interrupted, 256, holds some twenty stamps.
const AHEAD_BYTES: usize = 252;

impl Ahead {
    fn give(&mut self, buffer: &mut [u8]) -> bool {
        let process = std::process::id();
        if self.process != process || AHEAD_BYTES - self.used < buffer.len() {
            SystemEnv.fill(&mut self.bytes);
            (self.used, self.process) = (0, process);
        }
        let Some(bytes) = self.bytes.get_mut(self.used..self.used + buffer.len()) else { return false };
        buffer.copy_from_slice(bytes);
        bytes.fill(0);
        self.used += buffer.len();
        true
    }
}

#[async_trait]
impl Env for SystemEnv {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the system's clock")]
    fn now_ms(&self) -> i64 {
        match std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
            Err(before) => -i64::try_from(before.duration().as_millis()).unwrap_or(i64::MAX),
        }
    }

    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the monotonic clock")]
    fn monotonic(&self) -> Duration {
        use std::sync::LazyLock;
        use std::time::Instant;
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        START.elapsed()
    }

    #[expect(clippy::disallowed_methods, reason = "this is the one place that sleeps")]
    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}
