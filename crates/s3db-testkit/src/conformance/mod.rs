//! Proves a store against the contract of [`Store`].
//!
//! Every rule is a named case, run under a key prefix of its own. All cases run, and the [`Report`] names each that
//! failed. Where a store differs from AWS S3 it says so in its [`Capability`](s3db_core::store::Capability), and the
//! cases ask for what is left: a refusal instead of a silent difference. What no capability describes can be declared
//! as a named [exception](Exceptions), which the report shows, and which fails when it is not needed.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! use std::sync::Arc;
//! use s3db_core::store::MemoryStore;
//! use s3db_testkit::conformance::{self, Options};
//!
//! let report = conformance::check(Arc::new(MemoryStore::new()), Options::default()).await;
//! report.assert_green();
//! # });
//! ```

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use s3db_core::env::{Random, SystemEnv};
use s3db_core::store::{ListRequest, Store};

pub(crate) mod case;
mod cases;
mod report;

use case::{Case, Ctx, Outcome};
pub use report::{CaseReport, Report, Verdict};

/// Choices of a run.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Options {
    /// Every key of the run starts with this, followed by a random part.
    pub prefix: String,
    /// Differences that the caller knows of.
    pub exceptions: Exceptions,
    /// Tasks of the cases that race.
    pub tasks: usize,
    /// Objects of the case that needs more than one full page.
    pub objects: usize,
    /// Longest time that one case may take.
    pub case_time_max: Duration,
    /// Runs only the case of this name.
    pub only: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            prefix: "conformance-".into(),
            exceptions: Exceptions::none(),
            tasks: 32,
            objects: 1050,
            case_time_max: Duration::from_secs(300),
            only: None,
        }
    }
}

impl Options {
    /// Declares a difference: the case, and why it cannot pass.
    #[must_use]
    pub fn except(mut self, case: &str, reason: &str) -> Self {
        self.exceptions.0.insert(case.into(), reason.into());
        self
    }
}

/// Cases that a store is known to fail, with the reason.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Exceptions(pub(crate) BTreeMap<String, String>);

impl Exceptions {
    /// No exceptions.
    pub fn none() -> Self {
        Self::default()
    }

    /// The reason given for a case.
    pub fn reason(&self, case: &str) -> Option<&str> {
        self.0.get(case).map(String::as_str)
    }

    /// Cases and reasons.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(case, reason)| (case.as_str(), reason.as_str()))
    }
}

impl<C: Into<String>, R: Into<String>> FromIterator<(C, R)> for Exceptions {
    fn from_iter<I: IntoIterator<Item = (C, R)>>(exceptions: I) -> Self {
        Self(exceptions.into_iter().map(|(case, reason)| (case.into(), reason.into())).collect())
    }
}

/// Names of all cases with the rule that each one checks, in the order of running.
pub fn cases() -> impl Iterator<Item = (&'static str, &'static str)> {
    cases::all().map(|case| (case.name, case.rule))
}

/// Runs every case on `store`.
///
/// The store may hold other objects; nothing outside the run's own prefix is touched, and the run removes what it
/// wrote. Call it inside a tokio runtime with the time driver on; several threads make the races sharper.
pub async fn check(store: Arc<dyn Store>, options: Options) -> Report {
    let mut random = [0; 6];
    SystemEnv.fill(&mut random);
    let run = random.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let mut report = Report::new(unknown_exceptions(&options));
    for case in cases::all() {
        if options.only.as_ref().is_some_and(|only| only != case.name) {
            continue;
        }
        let prefix = format!("{}{run}/{}/", options.prefix, case.name);
        let ctx = Ctx {
            store: store.clone(),
            prefix: prefix.clone(),
            tasks: options.tasks,
            objects: options.objects,
        };
        let outcome = run_case(case, ctx, options.case_time_max).await;
        clean(store.as_ref(), &prefix).await;
        report.add(case.name, case.rule, outcome, options.exceptions.reason(case.name));
    }
    report
}

fn unknown_exceptions(options: &Options) -> Vec<String> {
    let known = |name: &str| cases::all().any(|case| case.name == name);
    options.exceptions.iter().filter(|(name, _)| !known(name)).map(|(name, _)| name.to_owned()).collect()
}

async fn run_case(case: &Case, ctx: Ctx, time_max: Duration) -> Outcome {
    let run = AssertUnwindSafe((case.run)(ctx)).catch_unwind();
    match tokio::time::timeout(time_max, run).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(_)) => Err(case::Failure::new("the store panicked")),
        Err(_) => Err(case::Failure::new(format!("not done after {} s", time_max.as_secs()))),
    }
}

/// Removes what a case left. A store that cannot do even that has failed a case already.
pub(crate) async fn clean(store: &dyn Store, prefix: &str) {
    // Two passes more than any case needs; a wrong store must not hold the run for ever.
    for _ in 0..8 {
        let Ok(page) = store.list(ListRequest::prefix(prefix)).await else {
            return;
        };
        let keys = page.entries.iter().map(|entry| entry.key.to_string()).collect::<Vec<_>>();
        if keys.is_empty() || store.delete_many(&keys).await.is_err() {
            return;
        }
    }
}
