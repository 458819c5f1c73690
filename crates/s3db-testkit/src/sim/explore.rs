//! Visiting the worlds of many seeds.

use std::fmt;
use std::future::Future;

use super::{Sim, SimOptions};

/// Lines of a trace that a printed [`Failure`] shows at most.
const LINES_SHOWN: usize = 200;

/// A world in which something was wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Failure {
    /// Its seed, which gives the same world again.
    pub seed: u64,
    /// What was wrong.
    pub violation: String,
    /// Its events, one a line: virtual time, process, request, key, outcome.
    pub trace: Vec<String>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {}: {}", self.seed, self.violation)?;
        writeln!(f, "events (virtual time, process, request, key, outcome):")?;
        let skipped = self.trace.len().saturating_sub(LINES_SHOWN);
        if skipped > 0 {
            writeln!(f, "  ({skipped} earlier ones)")?;
        }
        self.trace.iter().skip(skipped).try_for_each(|line| writeln!(f, "  {line}"))
    }
}

impl std::error::Error for Failure {}

impl Sim {
    /// Runs a scenario in the world of each seed, with the mixture of faults that the seed picks
    /// ([`SimOptions::new`]), until one shows a violation. An error that the scenario returns is one.
    ///
    /// The world that failed is run once more for its events. Replay it with its seed alone:
    ///
    /// ```
    /// use s3db_testkit::sim::Sim;
    ///
    /// async fn scenario(sim: Sim) -> Result<(), String> {
    ///     if sim.below(10) == 7 { Err("it was a seven".to_owned()) } else { Ok(()) }
    /// }
    ///
    /// let failure = Sim::explore(0..1000, scenario).expect_err("one in ten is a seven");
    /// assert_eq!(failure.violation, "it was a seven");
    /// assert_eq!(Sim::explore([failure.seed], scenario), Err(failure));
    /// ```
    ///
    /// In a test, `Sim::explore(0..1000, scenario).unwrap_or_else(|failure| panic!("{failure}"))` prints what is needed.
    ///
    /// # Errors
    /// The first world in which something was wrong.
    pub fn explore<F, E>(
        seeds: impl IntoIterator<Item = u64>,
        scenario: impl Fn(Self) -> F,
    ) -> Result<(), Failure>
    where
        F: Future<Output = Result<(), E>>,
        E: fmt::Display,
    {
        let run = |seed, keeps_trace| {
            let report = Self::run(SimOptions::new(seed).trace(keeps_trace), &scenario);
            let refused = report.value.and_then(Result::err).map(|error| error.to_string());
            (report.violation.or(refused), report.trace)
        };
        for seed in seeds {
            if let (Some(violation), _) = run(seed, false) {
                let (_, trace) = run(seed, true);
                return Err(Failure { seed, violation, trace });
            }
        }
        Ok(())
    }
}
