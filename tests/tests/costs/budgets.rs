//! A budget is never passed, and never leaves half of a write.

use std::sync::Arc;

use s3db::budget::Budget;
use s3db::plan::PartitionWrites;
use s3db::resource::ListOptions;
use s3db::store::{Condition, PutObject, Store as _};
use s3db::{Database, Error, ErrorKind};
use s3db_testkit::requests;
use serde_json::json;

use super::recorder::Recorder;
use super::{database_on, indexed, plain};

async fn world(writes: PartitionWrites) -> (Recorder, Database) {
    let recorder = Recorder::default();
    let db = database_on(Arc::new(recorder.clone()), writes).await;
    (recorder, db)
}

#[track_caller]
fn check(error: &Error, budget: &str, spent: &str, refused: &str) {
    assert_eq!(error.kind(), ErrorKind::Budget, "{error}");
    let context = |name| error.context(name).unwrap_or_default();
    assert_eq!(
        (context("budget"), context("spent"), context("refused")),
        (budget, spent, refused),
        "{error}"
    );
    assert!(!error.is_outcome_unknown() && !error.is_retryable());
}

#[tokio::test]
async fn a_write_that_the_budget_does_not_allow_whole_sends_nothing() {
    for writes in [PartitionWrites::Safe, PartitionWrites::Parallel, PartitionWrites::Background] {
        let (recorder, db) = world(writes).await;
        let users = indexed(&db).await;
        let ann = json!({"id": "ann", "name": "Ann", "email": "a@e.io", "region": "EU"});
        recorder.take();
        let error = users.budget(Budget::requests(2)).insert(ann.clone()).await.unwrap_err();
        check(&error, "2 requests", "no requests", "3 PUT");
        assert_eq!(recorder.take(), Vec::<String>::new());

        let exact = users.budget(Budget::requests(3));
        exact.insert(ann).await.unwrap();
        db.flush().await;
        assert_eq!(exact.spent(), requests! { put: 3 });

        recorder.take();
        let frugal = users.budget(Budget::requests(6));
        let error = frugal.update("ann", json!({"region": "US", "email": "b@e.io"})).await.unwrap_err();
        check(&error, "6 requests", "1 GET", "1 GET + 1 HEAD + 3 PUT + 2 DELETE");
        assert_eq!(recorder.take(), ["GET app/resource=indexed/data/id=ann"]);
        let error = frugal.delete("ann").await.unwrap_err();
        check(&error, "6 requests", "2 GET", "1 GET + 1 HEAD + 3 DELETE");
        assert_eq!(recorder.take(), ["GET app/resource=indexed/data/id=ann"]);

        let enough = users.budget(Budget::requests(8));
        enough.update("ann", json!({"region": "US", "email": "b@e.io"})).await.unwrap();
        db.flush().await;
        assert_eq!((recorder.take().len(), enough.spent().total()), (8, 8), "{writes:?}");
    }
}

#[tokio::test]
async fn of_a_bulk_write_each_item_is_done_or_is_not() {
    let (recorder, db) = world(PartitionWrites::Safe).await;
    let users = indexed(&db).await;
    recorder.take();
    let frugal = users.budget(Budget::requests(10));
    let many = (0..10)
        .map(|n| json!({"id": format!("u{n}"), "name": "N", "email": format!("{n}@e.io"), "region": "EU"}));
    let batch = frugal.insert_many(many).await;
    assert_eq!((batch.ok.len(), batch.failed.len()), (3, 7));
    assert!(
        batch.failed.iter().all(|failed| failed.error.kind() == ErrorKind::Budget && failed.id.is_some())
    );
    assert_eq!((recorder.take().len(), frugal.spent()), (9, requests! { put: 9 }));
    let done: Vec<&str> = batch.ok.iter().map(|record| record.id.as_str()).collect();
    assert_eq!(users.list_ids(ListOptions::default()).await.unwrap(), done);
    assert_eq!(users.partition("byRegion", json!({"region": "EU"})).unwrap().count().await.unwrap(), 3);
    for failed in &batch.failed {
        let id = failed.id.as_deref().unwrap();
        assert!(
            !recorder.objects().await.iter().any(|object| object.contains(&format!("id={id}\""))),
            "{id}"
        );
    }
    // One request is left: too few for another document of this resource.
    let error = frugal.insert(json!({"name": "N", "region": "EU"})).await.unwrap_err();
    check(&error, "10 requests", "9 PUT", "2 PUT");

    let deleted = users.budget(Budget::requests(12)).delete_many(["u0", "u1", "u2"]).await;
    assert_eq!((deleted.ok.len(), deleted.failed.len()), (2, 1), "{:?}", deleted.failed);
}

#[tokio::test]
async fn reads_stop_where_the_budget_ends() {
    let (recorder, db) = world(PartitionWrites::Safe).await;
    let users = plain(&db).await;
    users.insert_many((0..9).map(|n| json!({"id": format!("u{n}"), "name": "N"}))).await;
    recorder.take();
    for budget in 0..10 {
        let frugal = users.budget(Budget::requests(budget));
        let error = frugal.get_all().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Budget, "a shorter list would be a lie");
        assert_eq!(recorder.take().len() as u64, budget);
        let refused = error.context("refused").unwrap();
        assert!(refused.starts_with(if budget == 0 { "LIST app/" } else { "GET app/" }), "{refused}");
    }
    assert_eq!(users.budget(Budget::requests(10)).get_all().await.unwrap().records.len(), 9);
    let some = users.budget(Budget::requests(2)).get_many(["u0", "u1", "u2"]).await;
    assert_eq!((some.ok.len(), some.failed[0].error.kind()), (2, ErrorKind::Budget));
    let error = users.budget(Budget::requests(2)).delete_all(true).await.unwrap_err();
    assert_eq!((error.kind(), error.context("deleted")), (ErrorKind::Budget, Some("9")), "{error}");
}

#[tokio::test]
async fn a_budget_in_dollars_counts_each_kind_at_its_price() {
    let (_, db) = world(PartitionWrites::Safe).await;
    let users = plain(&db).await;
    // Two PUT at $5 a million, and nothing left for a GET.
    let frugal = users.budget(Budget::dollars(0.000_01));
    frugal.insert(json!({"id": "a", "name": "A"})).await.unwrap();
    frugal.insert(json!({"id": "b", "name": "B"})).await.unwrap();
    check(&frugal.get("a").await.unwrap_err(), "$0.00001", "2 PUT", "GET app/resource=plain/data/id=a");
    // A DELETE costs nothing, and the HEAD before it does.
    let error = frugal.delete("a").await.unwrap_err();
    check(&error, "$0.00001", "2 PUT", "HEAD app/resource=plain/data/id=a");
    assert_eq!(frugal.delete_many(["a"]).await.ok, ["a"]);
}

#[tokio::test]
async fn clones_share_a_budget_and_inner_budgets_are_bound_by_outer_ones() {
    let (_, db) = world(PartitionWrites::Safe).await;
    let (users, receipts) = plain(&db).await.metered();
    let outer = users.budget(Budget::requests(3));
    let inner = outer.budget(Budget::requests(2));
    inner.count().await.unwrap();
    outer.clone().count().await.unwrap();
    inner.count().await.unwrap();
    check(&inner.count().await.unwrap_err(), "3 requests", "3 LIST", "LIST app/resource=plain/data/id=");
    assert_eq!((inner.spent(), outer.spent()), (requests! { list: 2 }, requests! { list: 3 }));
    assert_eq!(receipts.take().requests, requests! { list: 3 }, "what was refused was not sent");
}

#[tokio::test]
async fn a_plan_that_became_dearer_is_refused_before_its_document_and_taken_back() {
    let (recorder, db) = world(PartitionWrites::Safe).await;
    let users = indexed(&db).await;
    let reference = "app/resource=indexed/partition=byRegion/region=EU/id=ann";
    let left = PutObject { body: r#"{"_w":"old"}"#.into(), ..PutObject::default() };
    recorder.store().put(reference, left, Condition::None).await.unwrap();
    recorder.take();
    let ann = json!({"id": "ann", "name": "Ann", "email": "a@e.io", "region": "EU"});
    // The entry of a write that was cut off stands in the way: a GET, a HEAD and a PUT more than the plan.
    let frugal = users.budget(Budget::requests(4));
    let error = frugal.insert(ann.clone()).await.unwrap_err();
    check(&error, "4 requests", "1 GET + 2 PUT", "HEAD app/resource=indexed/data/id=ann");
    let sent = recorder.take();
    assert_eq!(sent.len() as u64, frugal.spent().total());
    assert!(
        sent.iter().any(|sent| sent.starts_with("DELETE app/plugin=s3db-unique")),
        "the claim went back: {sent:?}"
    );
    assert!(!recorder.objects().await.iter().any(|object| object.contains("/data/id=ann")));
    users.insert(ann).await.unwrap();
}

#[tokio::test]
async fn many_calls_at_once_never_pass_the_budget() {
    let (recorder, db) = world(PartitionWrites::Safe).await;
    let users = indexed(&db).await;
    recorder.take();
    let frugal = users.budget(Budget::requests(50));
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..40 {
        let users = frugal.clone();
        let document =
            json!({"id": format!("u{n}"), "name": "N", "email": format!("{n}@e.io"), "region": "EU"});
        tasks.spawn(async move { users.insert(document).await.is_ok() });
    }
    let done = tasks.join_all().await.into_iter().filter(|done| *done).count();
    assert_eq!((done, recorder.take().len(), frugal.spent().put), (16, 48, 48));
    let objects = recorder.objects().await;
    let of = |part: &str| objects.iter().filter(|object| object.contains(part)).count();
    assert_eq!((of("/data/id="), of("/partition="), of("s3db-unique")), (16, 16, 16));
}
