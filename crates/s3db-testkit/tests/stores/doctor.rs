//! The doctor on stores that are right and on stores that are wrong.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;

use async_trait::async_trait;
use s3db_core::doctor::{self, ExamineOptions, Probe, Report, Verdict};
use s3db_core::env::SystemEnv;
use s3db_core::store::{
    Capability, Condition, FileOptions, FileStore, Head, ListPage, ListRequest, MemoryOptions, MemoryStore,
    Object, PutObject, PutResult, Replace, Store,
};
use s3db_core::{Database, Error, ErrorKind, Result};
use s3db_testkit::TestEnv;
use s3db_testkit::wrong::{Fault, WrongStore};

async fn examine(store: Arc<dyn Store>) -> Report {
    doctor::examine(store, Arc::new(SystemEnv), ExamineOptions::below("app")).await.unwrap()
}

/// Every probe that did not hold.
fn complaints(report: &Report) -> Vec<(Probe, Verdict)> {
    let complaints = report.findings.iter().filter(|finding| finding.verdict != Verdict::Holds);
    complaints.map(|finding| (finding.probe, finding.verdict)).collect()
}

#[track_caller]
fn as_predicted(report: &Report) {
    assert_eq!(report.requests, ExamineOptions::below("app").requests(), "{report:#?}");
}

#[tokio::test]
async fn a_store_that_is_right_is_safe_at_the_price_that_was_told_and_is_left_as_it_was() {
    let store = MemoryStore::new();
    store.put("app/s3db.json", PutObject::default(), Condition::None).await.unwrap();
    let report = examine(Arc::new(store.clone())).await;
    assert_eq!(complaints(&report), [], "{report:#?}");
    assert!(report.is_safe() && report.complete && report.left_behind.is_empty());
    assert_eq!(report.findings.len(), Probe::all().count(), "every probe has a finding");
    assert_eq!(report.capability(), *store.capability());
    as_predicted(&report);
    assert_eq!(store.len(), 1, "only what was there before is there");
}

#[tokio::test]
async fn a_folder_is_safe_and_is_left_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(FileStore::open(folder.path(), FileOptions::default()).await.unwrap());
    let report = examine(store.clone()).await;
    // A folder has no limit of headers.
    assert_eq!(complaints(&report), [(Probe::MetadataOverLimit, Verdict::Differs)], "{report:#?}");
    assert!(report.is_safe());
    as_predicted(&report);
    assert!(store.list(ListRequest::default()).await.unwrap().entries.is_empty());
}

#[tokio::test]
async fn every_wrong_store_is_found_and_left_empty() {
    for fault in Fault::ALL {
        let store = Arc::new(WrongStore::new(fault));
        let report = examine(store.clone()).await;
        assert_eq!(complaints(&report), expected(fault), "{fault:?}\n{report:#?}");
        for finding in report.findings.iter().filter(|finding| finding.verdict != Verdict::Holds) {
            assert!(!finding.consequence.is_empty(), "{finding:?} says what it means");
        }
        as_predicted(&report);
        assert!(report.left_behind.is_empty(), "{fault:?}");
        assert!(store.list(ListRequest::default()).await.unwrap().entries.is_empty(), "{fault:?}");
    }
}

#[expect(clippy::panic, reason = "a new fault needs a row here")]
fn expected(fault: Fault) -> Vec<(Probe, Verdict)> {
    use Probe::*;
    use Verdict::{Differs, Lost};
    const RACES: [(Probe, Verdict); 4] = [
        (RacePutIfAbsent, Lost),
        (RacePutIfMatch, Lost),
        (RaceDeleteIfMatch, Lost),
        (RaceCopyIfAbsent, Differs),
    ];
    match fault {
        Fault::IgnoresConditions => [
            &[(PutIfAbsent, Lost), (PutIfMatch, Lost), (DeleteIfMatch, Lost)][..],
            &RACES,
            &[(ConditionalCopy, Differs)],
        ]
        .concat(),
        // Only a race shows it.
        Fault::ChecksBeforeWrite => RACES.to_vec(),
        // Where a delete has won, an update puts the document back.
        Fault::MatchesAbsent => {
            vec![(PutIfMatch, Lost), (DeleteIfMatch, Differs), (RaceDeleteIfMatch, Lost)]
        }
        Fault::DropsMetadata => vec![
            (MetadataLimit, Lost),
            (MetadataNames, Lost),
            (MetadataValues, Lost),
            (MetadataEmptyValues, Differs),
        ],
        Fault::HasNoLimit => vec![(MetadataOverLimit, Differs)],
        Fault::DropsContentType => vec![(ContentType, Differs)],
        Fault::ListsBackwards => vec![(ListOrder, Lost), (ListOrderAcrossLevels, Differs)],
        Fault::LosesLastOfPage => vec![(ListPages, Lost)],
        Fault::StartsAtStart => vec![(ListStartAfter, Lost)],
        Fault::ListsLate => vec![
            (DatesAgree, Differs),
            (EtagAgrees, Lost),
            (KeyBelowKey, Differs),
            (ListDelimiter, Differs),
            (ListAfterWrite, Lost),
        ],
        Fault::IgnoresDelimiter => vec![(ListDelimiter, Differs)],
        Fault::CopyKeepsMetadata => vec![(RaceCopyIfAbsent, Differs), (CopyReplacesMetadata, Differs)],
        Fault::DeleteNeedsObject => vec![(DeleteAbsent, Differs)],
        Fault::IgnoresCase => vec![(KeyDistinct, Lost), (ListPages, Lost), (ListStartAfter, Lost)],
        Fault::NormalisesKeys => vec![(KeyDoubleSlash, Differs)],
        // It says that it cannot, and nobody is to rely on that.
        Fault::IgnoresWhatItCannot => vec![(DeleteIfMatch, Lost), (RaceDeleteIfMatch, Lost)],
        // Nothing of a database relies on old versions; that they are kept is told.
        Fault::ListsOldestFirst | Fault::ForgetsVersions | Fault::HidesVersions => {
            vec![(Versioning, Differs)]
        }
        // The doctor reads no parts; the conformance kit does.
        Fault::IgnoresRange | Fault::ReadsUnchecked | Fault::MixesVersions => Vec::new(),
        other => panic!("say what the doctor finds at {other:?}"),
    }
}

#[tokio::test]
async fn a_store_that_refuses_what_it_cannot_do_is_told_from_one_that_ignores_it() {
    let store = Arc::new(Limited { judges_put_only: true, ..Limited::new(MemoryStore::new()) });
    let report = examine(store.clone()).await;
    let expected = [
        (Probe::DeleteIfMatch, Verdict::Lost),
        (Probe::RaceDeleteIfMatch, Verdict::Lost),
        (Probe::RaceCopyIfAbsent, Verdict::Differs),
        (Probe::ConditionalCopy, Verdict::Differs),
    ];
    assert_eq!(complaints(&report), expected, "{report:#?}");
    let observed = &report.finding(Probe::DeleteIfMatch).unwrap().observed;
    assert!(observed.contains("not judged") && !observed.contains("ignored"), "{observed}");
    let found = report.capability();
    assert!(found.conditional_put && !found.conditional_delete && !found.conditional_copy, "{found:?}");
}

#[tokio::test]
async fn what_was_found_is_a_capability_that_the_store_can_be_given() {
    let report = examine(Arc::new(WrongStore::new(Fault::IgnoresConditions))).await;
    let found = report.capability();
    assert!(!found.conditional_put && !found.conditional_delete && !found.conditional_copy, "{found:?}");
    assert!(found.copy_replaces_metadata && found.list_is_ordered && found.list_is_consistent, "{found:?}");
    let report = examine(Arc::new(WrongStore::new(Fault::NormalisesKeys))).await;
    assert!(!report.capability().keeps_double_slash);
}

#[tokio::test]
async fn an_examination_that_is_broken_off_leaves_nothing() {
    let store = MemoryStore::new();
    let begun = store.clone();
    let stop = std::future::poll_fn(move |_| match begun.len() {
        0 => Poll::Pending,
        _ => Poll::Ready(()),
    });
    let options = ExamineOptions::default();
    let report =
        doctor::examine_until(Arc::new(store.clone()), Arc::new(SystemEnv), options, stop).await.unwrap();
    assert!(!report.complete && !report.is_safe(), "{report:#?}");
    assert!(!report.findings.is_empty() && report.findings.len() < Probe::all().count());
    assert_eq!(store.len(), 0);
}

#[tokio::test]
async fn an_examination_that_fails_leaves_nothing_where_the_store_lets_it() {
    // Wherever it fails: after the first write, in a race, at the end.
    for writes in [1, 40, 120, 200] {
        let store = MemoryStore::new();
        let failing = Limited { writes_left: AtomicU64::new(writes), ..Limited::new(store.clone()) };
        let failed = doctor::examine(Arc::new(failing), Arc::new(SystemEnv), ExamineOptions::default()).await;
        assert_eq!(failed.unwrap_err().kind(), ErrorKind::Unavailable, "after {writes} writes");
        assert_eq!(store.len(), 0, "after {writes} writes");
    }
}

#[tokio::test]
async fn what_cannot_be_removed_is_named() {
    let store = MemoryStore::new();
    let failing = Limited { writes_left: AtomicU64::new(1), removes: false, ..Limited::new(store.clone()) };
    let failed = doctor::examine(Arc::new(failing), Arc::new(SystemEnv), ExamineOptions::default()).await;
    let error = failed.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.context("left_behind").unwrap().starts_with("plugin=s3db-doctor/run="), "{error}");
}

#[tokio::test]
async fn what_a_killed_examination_left_is_removed_an_hour_later_and_nothing_else_is() {
    let env = Arc::new(TestEnv::new(1));
    let store = MemoryStore::with(MemoryOptions { env: env.clone(), ..MemoryOptions::default() });
    let put = async |key: &str| {
        store.put(key, PutObject::default(), Condition::None).await.unwrap();
    };
    let document = "app/resource=users/data/id=u1";
    for key in ["app/plugin=s3db-doctor/run=00/reads/clock", "plugin=s3db-doctor/run=00/a", document] {
        put(key).await;
    }
    env.advance_ms(61 * 60 * 1000);
    put("app/plugin=s3db-doctor/run=11/reads/clock").await;
    let options = ExamineOptions::below("app/");
    let report = doctor::examine(Arc::new(store.clone()), env, options).await.unwrap();
    assert!(report.is_safe(), "{report:#?}");
    let page = store.list(ListRequest::default()).await.unwrap();
    let left = page.entries.iter().map(|entry| &*entry.key).collect::<Vec<_>>();
    // Another prefix is another database, and a young examination may be at work.
    assert_eq!(left, ["app/plugin=s3db-doctor/run=11/reads/clock", document, "plugin=s3db-doctor/run=00/a"]);
}

#[tokio::test]
async fn choices_that_prove_nothing_are_refused() {
    for (writers, rounds, prefix) in [(1, 5, ""), (8, 0, ""), (8, 5, &*"p".repeat(600))] {
        let mut options = ExamineOptions::below(prefix);
        (options.writers, options.rounds) = (writers, rounds);
        let store = MemoryStore::new();
        let refused = doctor::examine(Arc::new(store), Arc::new(SystemEnv), options).await;
        assert!(refused.is_err(), "{writers} {rounds}");
    }
}

#[tokio::test]
async fn a_database_examines_its_own_store_below_its_prefix() {
    let db = Database::connect("memory://doctor-of-a-database/app").await.unwrap();
    let report = db.examine(ExamineOptions::default()).await.unwrap();
    assert!(report.is_safe(), "{report:#?}");
    as_predicted(&report);
}

/// A store that goes away after some writes, or refuses conditions.
#[derive(Debug)]
struct Limited {
    inner: MemoryStore,
    writes_left: AtomicU64,
    /// Whether many objects can be deleted at once.
    removes: bool,
    /// Whether it refuses conditions of copies and deletes, and says so.
    judges_put_only: bool,
}

impl Limited {
    fn new(inner: MemoryStore) -> Self {
        Self { inner, writes_left: AtomicU64::new(u64::MAX), removes: true, judges_put_only: false }
    }

    fn gone(&self) -> Error {
        Error::new(ErrorKind::Unavailable, "the server cannot be reached")
    }

    fn write(&self) -> Result<()> {
        let one_less = |left: u64| left.checked_sub(1);
        let taken = self.writes_left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less);
        taken.map(drop).map_err(|_| self.gone())
    }

    fn judge(&self, condition: &Condition) -> Result<()> {
        if self.judges_put_only && *condition != Condition::None {
            return Err(Error::new(ErrorKind::Unsupported, "the server cannot do this"));
        }
        Ok(())
    }
}

#[async_trait]
impl Store for Limited {
    fn capability(&self) -> &Capability {
        self.inner.capability()
    }

    async fn put(&self, key: &str, object: PutObject, condition: Condition) -> Result<PutResult> {
        self.write()?;
        self.inner.put(key, object, condition).await
    }

    async fn get(&self, key: &str) -> Result<Option<Object>> {
        self.inner.get(key).await
    }

    async fn head(&self, key: &str) -> Result<Option<Head>> {
        self.inner.head(key).await
    }

    async fn copy(
        &self,
        from: &str,
        to: &str,
        replace: Option<Replace>,
        condition: Condition,
    ) -> Result<PutResult> {
        self.write()?;
        self.judge(&condition)?;
        self.inner.copy(from, to, replace, condition).await
    }

    async fn list(&self, request: ListRequest) -> Result<ListPage> {
        self.inner.list(request).await
    }

    async fn delete(&self, key: &str, condition: Condition) -> Result<()> {
        self.judge(&condition)?;
        self.inner.delete(key, condition).await
    }

    async fn delete_many(&self, keys: &[String]) -> Result<Vec<Result<()>>> {
        if !self.removes {
            return Err(self.gone());
        }
        self.inner.delete_many(keys).await
    }
}
