//! Finds out what a store really does, as opposed to what it is said to do.
//!
//! An examination runs scripts of requests below a prefix of its own and compares the answers with what s3db
//! relies on. It proves refusal: a condition that does not hold must be refused, and the object must be as it was. A
//! server that does not know a condition answers 200, and that is what an examination is for. Races are run as races:
//! several writers with one condition, of whom one may win.
//!
//! The requests of a script are the same whatever the answers, so that an examination tells its price before it begins.
//! Nothing outside the examination's own prefix is read, written or deleted.

use std::sync::Arc;

use futures::future::{Either, select};

use crate::env::Env;
use crate::key::Keys;
use crate::store::{Meter, Requests, Store};
use crate::{Database, Error, ErrorKind, Result};

mod cleaning;
mod policy;
mod probe;
mod report;
mod scripts;
mod trial;

pub use policy::{Access, policy};
pub use probe::Probe;
pub use report::{Finding, Report, Verdict};

use trial::Trial;

/// Plugin slug below which examinations work.
pub const DOCTOR_SLUG: &str = "s3db-doctor";

/// Longest prefix below which an examination still has room for its keys, in bytes.
const PREFIX_BYTES_MAX: usize = 512;

/// Random bytes in the name of one examination.
const RUN_BYTES: usize = 8;

/// Choices of an examination.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExamineOptions {
    /// Prefix of the database: the examination works below it.
    pub prefix: String,
    /// Writers that race; at least 2.
    pub writers: usize,
    /// Rounds of each race; at least 1.
    pub rounds: usize,
}

impl Default for ExamineOptions {
    fn default() -> Self {
        Self { prefix: String::new(), writers: 8, rounds: 5 }
    }
}

impl ExamineOptions {
    /// The default choices below a prefix.
    pub fn below(prefix: impl Into<String>) -> Self {
        Self { prefix: prefix.into(), ..Self::default() }
    }

    /// Requests of an examination. One that is broken off sends fewer; removing what an earlier one has left behind
    /// takes 2 more for each 1,000 objects.
    pub fn requests(&self) -> Requests {
        let scripts: Requests = scripts::ALL.iter().map(|script| (script.requests)(self)).sum();
        scripts + cleaning::REQUESTS
    }

    fn check(&self) -> Result<()> {
        let wrong = |what: &str| Err(Error::new(ErrorKind::Config, what));
        if self.writers < 2 {
            return wrong("a race needs 2 writers");
        }
        if self.rounds < 1 {
            return wrong("a race needs a round");
        }
        if self.prefix.len() > PREFIX_BYTES_MAX {
            return Err(Error::new(
                ErrorKind::TooLarge,
                "the prefix leaves no room for the keys of an examination",
            )
            .with("bytes", self.prefix.len())
            .with("limit", PREFIX_BYTES_MAX));
        }
        Ok(())
    }
}

/// Examines a store.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// use std::sync::Arc;
/// use s3db_core::doctor::{self, ExamineOptions};
/// use s3db_core::env::SystemEnv;
/// use s3db_core::store::MemoryStore;
///
/// let options = ExamineOptions::default();
/// let price = options.requests();
/// let store = MemoryStore::new();
/// let report = doctor::examine(Arc::new(store.clone()), Arc::new(SystemEnv), options).await.unwrap();
/// assert!(report.is_safe());
/// assert_eq!(report.requests, price);
/// assert_eq!(store.len(), 0);
/// # });
/// ```
///
/// Where this future is dropped before it is done, its objects stay; [`examine_until`] can be broken off cleanly. What
/// stays is removed by the first examination that is an hour younger.
///
/// Requests: [`ExamineOptions::requests`]. Errors: `Denied` when the credentials may not read, write, list and delete;
/// `Throttled` and `Unavailable`; `NotFound` for the bucket. What was written is removed then too, as far as that works.
pub async fn examine(store: Arc<dyn Store>, env: Arc<dyn Env>, options: ExamineOptions) -> Result<Report> {
    examine_until(store, env, options, std::future::pending()).await
}

/// Examines a store, and breaks off when `stop` is ready: requests that are under way are waited for. The report is then
/// [incomplete](Report::complete), and everything is removed all the same.
///
/// Requests and errors: as [`examine`].
pub async fn examine_until(
    store: Arc<dyn Store>,
    env: Arc<dyn Env>,
    options: ExamineOptions,
    stop: impl Future<Output = ()> + Send,
) -> Result<Report> {
    options.check()?;
    let mut stop = std::pin::pin!(stop);
    let (store, meter) = Meter::wrap(store);
    let place = Keys::new(&options.prefix).plugin(DOCTOR_SLUG, None)?;
    let root = format!("{place}run={}/", run_name(env.as_ref()));
    let trial = Trial::new(store.as_ref(), env.as_ref(), root, &options);
    let mut outcome = Ok(());
    let mut findings = Vec::new();
    for script in scripts::ALL {
        if trial.is_stopped() {
            break;
        }
        let found = match select(&mut stop, (script.run)(&trial)).await {
            Either::Right((found, _)) => found,
            // A write that is given up may still land. So the script ends by itself, and soon.
            Either::Left(((), rest)) => {
                trial.stop();
                rest.await
            }
        };
        match found {
            Ok(found) => findings.extend(found),
            Err(error) => {
                outcome = Err(error);
                break;
            }
        }
    }
    let left_behind = cleaning::clean(&trial, &place).await;
    if let Err(error) = outcome {
        return Err(if left_behind.is_empty() {
            error
        } else {
            error.with("left_behind", left_behind.join(" "))
        });
    }
    let complete = findings.len() == Probe::all().count();
    let declared = store.capability().clone();
    Ok(Report { findings, requests: meter.snapshot(), left_behind, complete, declared })
}

/// Of one case: what a store does with case is for a script to find out.
fn run_name(env: &dyn Env) -> String {
    let mut bytes = [0; RUN_BYTES];
    env.fill(&mut bytes);
    hex::encode(bytes)
}

impl Database {
    /// Examines the store of this database, below its prefix; `options.prefix` is not looked at.
    ///
    /// A store that checks limits itself, such as the one for S3, does so here too: to learn what its server does with
    /// too much metadata, [`examine`] a store whose [`Capability`](crate::store::Capability) allows it.
    ///
    /// Requests and errors: as [`examine`].
    pub async fn examine(&self, options: ExamineOptions) -> Result<Report> {
        let options = ExamineOptions { prefix: self.key_root().to_owned(), ..options };
        examine(self.store().clone(), self.env().clone(), options).await
    }
}
