//! Proves a plugin against the rules of [`Plugin`].
//!
//! Every rule is a named case, run in databases of its own. All cases run, and the [`Report`] names each that failed. A rule
//! that a plugin breaks on purpose can be declared as an [exception](Options::except), which the report shows, and which
//! fails when it is not needed.
//!
//! ```
//! # use async_trait::async_trait;
//! # use s3db_core::plugin::{Installer, Manifest, Plugin};
//! # #[derive(Debug)]
//! # struct Mine(Option<String>);
//! # #[async_trait]
//! # impl Plugin for Mine {
//! #     fn manifest(&self) -> Manifest { Manifest::new("mine", "1.0.0").maybe_namespace(self.0.as_deref()) }
//! #     async fn install(&self, _: &mut Installer) -> s3db_core::Result<()> { Ok(()) }
//! # }
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! use std::sync::Arc;
//! use s3db_core::store::MemoryStore;
//! use s3db_testkit::plugins::{self, Options};
//!
//! let factory = |namespace: Option<&str>| Arc::new(Mine(namespace.map(str::to_owned))) as Arc<dyn Plugin>;
//! plugins::check(Arc::new(MemoryStore::new()), factory, Options::default()).await.assert_green();
//! # });
//! ```

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use s3db_core::env::{Random as _, SystemEnv};
use s3db_core::plugin::Plugin;
use s3db_core::store::Store;

use crate::conformance::case::{Failure, Outcome};
use crate::conformance::{Exceptions, clean};

pub use crate::conformance::{CaseReport, Report, Verdict};

mod cases;
mod ctx;
mod neighbours;
mod script;

use ctx::Ctx;

/// Makes an instance of the plugin, in a namespace or without one. Each call makes a fresh one.
pub(crate) type Factory = Arc<dyn Fn(Option<&str>) -> Arc<dyn Plugin> + Send + Sync>;

/// Choices of a run.
#[derive(Clone)]
#[non_exhaustive]
pub struct Options {
    /// Every key of the run starts with this, followed by a random part.
    pub prefix: String,
    /// Rules that the plugin breaks on purpose.
    pub exceptions: Exceptions,
    /// Makes the plugins that this one requires.
    pub companions: Vec<Factory>,
    /// Tasks of the case under load.
    pub tasks: usize,
    /// Longest time that the plugin may take to stop.
    pub stop_time_max: Duration,
    /// Longest time that one case may take.
    pub case_time_max: Duration,
    /// Runs only the case of this name.
    pub only: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            prefix: "plugin-conformance-".into(),
            exceptions: Exceptions::none(),
            companions: Vec::new(),
            tasks: 8,
            stop_time_max: Duration::from_secs(30),
            case_time_max: Duration::from_secs(300),
            only: None,
        }
    }
}

impl Options {
    /// Declares a rule that the plugin breaks on purpose: the case, and why it cannot pass.
    #[must_use]
    pub fn except(mut self, case: &str, reason: &str) -> Self {
        self.exceptions.0.insert(case.into(), reason.into());
        self
    }

    /// Installs a plugin that this one requires, beside it, in every case.
    #[must_use]
    pub fn companion(
        mut self,
        factory: impl Fn(Option<&str>) -> Arc<dyn Plugin> + Send + Sync + 'static,
    ) -> Self {
        self.companions.push(Arc::new(factory));
        self
    }
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options")
            .field("prefix", &self.prefix)
            .field("only", &self.only)
            .finish_non_exhaustive()
    }
}

/// One rule.
struct Case {
    name: &'static str,
    rule: &'static str,
    run: fn(Ctx) -> BoxFuture<'static, Outcome>,
}

/// Names of all cases with the rule that each one checks, in the order of running.
pub fn cases() -> impl Iterator<Item = (&'static str, &'static str)> {
    cases::all().map(|case| (case.name, case.rule))
}

/// Runs every case on databases in `store`, with plugins of `factory`.
///
/// The store may hold other objects; nothing outside the run's own prefix is touched, and the run removes what it wrote.
/// Call it inside a tokio runtime with the time driver on.
pub async fn check<F>(store: Arc<dyn Store>, factory: F, options: Options) -> Report
where
    F: Fn(Option<&str>) -> Arc<dyn Plugin> + Send + Sync + 'static,
{
    let factory: Factory = Arc::new(factory);
    let mut random = [0; 6];
    SystemEnv.fill(&mut random);
    let run = random.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let unknown = options.exceptions.iter().map(|(name, _)| name);
    let unknown = unknown.filter(|name| !cases::all().any(|case| case.name == *name)).map(str::to_owned);
    let mut report = Report::new(unknown.collect());
    for case in cases::all().filter(|case| options.only.as_ref().is_none_or(|only| only == case.name)) {
        let prefix = format!("{}{run}/{}/", options.prefix, case.name);
        let ctx = Ctx {
            store: store.clone(),
            prefix: prefix.clone(),
            factory: factory.clone(),
            companions: options.companions.clone(),
            tasks: options.tasks,
            stop_time_max: options.stop_time_max,
        };
        let outcome = run_case(case, ctx, options.case_time_max).await;
        clean(store.as_ref(), &prefix).await;
        report.add(case.name, case.rule, outcome, options.exceptions.reason(case.name));
    }
    report
}

async fn run_case(case: &Case, ctx: Ctx, time_max: Duration) -> Outcome {
    let run = AssertUnwindSafe((case.run)(ctx)).catch_unwind();
    match tokio::time::timeout(time_max, run).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(_)) => Err(Failure::new("the plugin panicked")),
        Err(_) => Err(Failure::new(format!("not done after {} s", time_max.as_secs()))),
    }
}
