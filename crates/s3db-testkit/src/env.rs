//! A world that a seed replays: its clock moves when it is told to, or when somebody sleeps.

use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use s3db_core::env::{Env, Random};

use crate::random::SplitMix;

/// 2025-01-01T00:00:00Z.
pub(crate) const START_MS: i64 = 1_735_689_600_000;

/// An [`Env`] whose time and randomness come from a seed. Sleeping returns at once and moves the clock.
///
/// ```
/// use s3db_core::env::{Env, Random};
/// use s3db_testkit::TestEnv;
///
/// let (a, b) = (TestEnv::new(7), TestEnv::new(7));
/// let mut bytes = [[0; 8]; 2];
/// a.fill(&mut bytes[0]);
/// b.fill(&mut bytes[1]);
/// assert_eq!(bytes[0], bytes[1]);
/// a.advance_ms(1500);
/// assert_eq!(a.now_ms() - b.now_ms(), 1500);
/// ```
#[derive(Debug)]
pub struct TestEnv(Mutex<State>);

#[derive(Debug)]
struct State {
    random: SplitMix,
    elapsed_ms: i64,
}

impl TestEnv {
    /// A world that starts at 2025-01-01T00:00:00Z.
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(State { random: SplitMix::new(seed), elapsed_ms: 0 }))
    }

    /// Moves the clock.
    pub fn advance_ms(&self, milliseconds: i64) {
        self.with(|state| state.elapsed_ms += milliseconds);
    }

    fn with<T>(&self, action: impl FnOnce(&mut State) -> T) -> T {
        action(&mut self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner()))
    }
}

impl Random for TestEnv {
    fn fill(&self, buffer: &mut [u8]) {
        self.with(|state| state.random.fill(buffer));
    }
}

#[async_trait]
impl Env for TestEnv {
    fn now_ms(&self) -> i64 {
        START_MS + self.with(|state| state.elapsed_ms)
    }

    fn monotonic(&self) -> Duration {
        Duration::from_millis(self.with(|state| state.elapsed_ms).unsigned_abs())
    }

    async fn sleep(&self, duration: Duration) {
        self.advance_ms(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX));
    }
}
