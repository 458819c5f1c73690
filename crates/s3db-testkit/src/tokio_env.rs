//! A world whose time is that of tokio: in a test with a paused clock it passes when it is told to, or when all wait.

use std::time::Duration;

use async_trait::async_trait;
use s3db_core::env::{Env, Random, SystemEnv};
use tokio::time::Instant;

/// An [`Env`] whose clocks follow tokio's, for tests with `start_paused = true` or `tokio::time::pause`. Several of one `start`
/// are machines whose wall clocks differ. Randomness is that of the system.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// use s3db_core::env::Env;
/// use s3db_testkit::TokioEnv;
///
/// let start = tokio::time::Instant::now();
/// let (right, fast) = (TokioEnv::new(start, 0), TokioEnv::new(start, 600_000));
/// assert!(fast.now_ms() - right.now_ms() >= 600_000);
/// # });
/// ```
#[derive(Debug)]
pub struct TokioEnv {
    start: Instant,
    wrong_by_ms: i64,
}

impl TokioEnv {
    /// A machine on which it is 2025-01-01T00:00:00Z at `start`, but for so many milliseconds.
    pub fn new(start: Instant, wrong_by_ms: i64) -> Self {
        Self { start, wrong_by_ms }
    }
}

impl Random for TokioEnv {
    fn fill(&self, buffer: &mut [u8]) {
        SystemEnv.fill(buffer);
    }
}

#[async_trait]
impl Env for TokioEnv {
    fn now_ms(&self) -> i64 {
        let elapsed = i64::try_from(self.monotonic().as_millis()).unwrap_or(i64::MAX);
        crate::env::START_MS.saturating_add(elapsed).saturating_add(self.wrong_by_ms)
    }

    fn monotonic(&self) -> Duration {
        self.start.elapsed()
    }

    #[expect(clippy::disallowed_methods, reason = "this is an Env, which is where tests get their time from")]
    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}
