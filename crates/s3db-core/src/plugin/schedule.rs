//! Work that is done again and again.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{Either, select};

use super::Context;
use super::tasks::{panicked, yield_once};
use crate::env::Env;
use crate::{Error, ErrorKind, Result};

/// How often something is done.
///
/// ```
/// use std::time::Duration;
/// use s3db_core::plugin::Interval;
///
/// let interval = Interval::every(Duration::from_secs(60)).jitter(0.1).at_once();
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    period: Duration,
    jitter: f64,
    at_once: bool,
}

impl Interval {
    /// Once a period, counted from the end of the time before.
    pub fn every(period: Duration) -> Self {
        Self { period, jitter: 0.0, at_once: false }
    }

    /// Makes each pause longer or shorter by up to this part of it, from 0 to 1, so that many processes do not come at the
    /// same moment.
    #[must_use]
    pub fn jitter(mut self, part: f64) -> Self {
        self.jitter = part;
        self
    }

    /// Begins when the plugin has started, not a period later.
    #[must_use]
    pub fn at_once(mut self) -> Self {
        self.at_once = true;
        self
    }

    /// Errors: `Config` for a period of nothing, or a jitter that is no part.
    pub(super) fn check(&self) -> Result<()> {
        let wrong = |option: &str, rule: &str| {
            Err(Error::new(ErrorKind::Config, format!("the {option} of a schedule {rule}")))
        };
        if self.period.is_zero() {
            return wrong("period", "is longer than nothing");
        }
        if !(0.0..=1.0).contains(&self.jitter) {
            return wrong("jitter", "is from 0 to 1");
        }
        Ok(())
    }

    /// The next pause.
    fn pause(&self, env: &dyn Env) -> Duration {
        if self.jitter == 0.0 {
            return self.period;
        }
        let mut bytes = [0_u8; 4];
        env.fill(&mut bytes);
        let random = f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX);
        self.period.mul_f64(1.0 + self.jitter * (2.0 * random - 1.0))
    }
}

/// Does `work` again and again until the plugin stops. A time that fails is reported, and the next one comes all the same;
/// one that is under way when the plugin stops is let to end.
pub(super) async fn run<F, R>(context: Context, name: String, interval: Interval, work: F) -> Result<()>
where
    F: Fn(Context) -> R + Send + Sync,
    R: Future<Output = Result<()>> + Send,
{
    let shutdown = context.shutdown();
    let mut is_first = interval.at_once;
    loop {
        if !std::mem::take(&mut is_first) {
            let pause = interval.pause(context.env().as_ref());
            let sleep = pin!(context.env().sleep(pause));
            if let Either::Left(_) = select(pin!(shutdown.requested()), sleep).await {
                return Ok(());
            }
            // A clock of a simulation may not make us wait at all.
            yield_once().await;
        }
        if shutdown.is_requested() {
            return Ok(());
        }
        // The closure itself may panic as well as its future.
        match AssertUnwindSafe(async { work(context.clone()).await }).catch_unwind().await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => context.report(&name, &error),
            Err(_) => context.report(&name, &panicked()),
        }
    }
}
