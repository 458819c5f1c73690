//! Pauses between tries.

use std::time::Duration;

use crate::env::Env;

/// First and longest pause before a write that lost a race is tried again.
const BACKOFF_MS: (u64, u64) = (5, 500);

/// Exponential back-off with full jitter, so that writers who collided do not collide again:
/// <https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>.
pub(crate) async fn pause(env: &dyn Env, attempt: u32) {
    let (first, longest) = BACKOFF_MS;
    let ceiling = first.saturating_mul(1 << attempt.min(16)).min(longest);
    let mut bytes = [0_u8; 8];
    env.fill(&mut bytes);
    let pause = u64::from_le_bytes(bytes) % (ceiling + 1);
    env.sleep(Duration::from_millis(pause)).await;
}
