//! One call, one fault: what its caller is told, and what is stored.

use std::time::Duration;

use s3db::store::{Condition, PutObject, S3Store, Store as _};
use s3db::{Document, ErrorKind, Resource, ResourceConfig};
use s3db_testkit::fault_proxy::Fault;
use serde_json::json;

use super::{Wire, scripted};

const LATE: Fault = Fault::Late(Duration::from_millis(60));
const TWICE: Fault = Fault::Duplicate(Duration::from_millis(60));

async fn counters(wire: &Wire) -> (Resource, Resource) {
    let config = ResourceConfig::new("counters", json!({"n": "number", "city": "string|optional"}))
        .partitions(json!({"byCity": {"fields": {"city": "string"}}}));
    let direct = wire.create(config).await;
    (direct, wire.through_proxy().await.resource("counters").unwrap())
}

fn add_one(counter: &mut Document) -> s3db::Result<()> {
    let n = counter["n"].as_u64().unwrap_or(0);
    counter["n"] = json!(n + 1);
    Ok(())
}

/// What the SDK mends by itself, or the library by looking at what is stored.
const MENDED: [&[Fault]; 10] = [
    &[Fault::CutBefore],
    &[Fault::LoseAnswer],
    // AWS may refuse a retry with 409 instead of 412, while the first try is still being done.
    &[Fault::LoseAnswer, Fault::WriteConflict],
    &[Fault::WriteConflict],
    &[Fault::SlowDown],
    &[Fault::ServerError],
    &[Fault::LoseAnswer, Fault::LoseAnswer, Fault::ServerError],
    &[Fault::TruncateAnswer],
    &[TWICE],
    &[LATE],
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fault_of_the_network_is_no_answer_to_the_caller() {
    scripted("mended", async |wire| {
        let (direct, counters) = counters(wire).await;
        for (i, faults) in MENDED.into_iter().enumerate() {
            let id = format!("c{i}");
            let goes_wrong = |method: &str, part: &str| {
                faults.iter().for_each(|fault| wire.proxy.next(method, part, *fault));
            };
            let key = format!("data/id={id}");

            goes_wrong("PUT", &key);
            let inserted = counters.insert(json!({"id": id, "n": 0, "city": "Rome"})).await;
            let inserted = inserted.unwrap_or_else(|error| panic!("insert with {faults:?}: {error:?}"));
            wire.proxy.settle().await;
            let stored = direct.get(&id).await.unwrap();
            assert_eq!(stored.meta.etag, inserted.meta.etag, "insert with {faults:?}");

            goes_wrong("PUT", &key);
            let updated = counters.update_with(&id, add_one).await;
            let updated = updated.unwrap_or_else(|error| panic!("update with {faults:?}: {error:?}"));
            wire.proxy.settle().await;
            let stored = direct.get(&id).await.unwrap();
            assert_eq!(
                (&stored.data["n"], &stored.meta.etag),
                (&json!(1), &updated.meta.etag),
                "update with {faults:?}"
            );

            goes_wrong("GET", &key);
            let read =
                counters.get(&id).await.unwrap_or_else(|error| panic!("get with {faults:?}: {error:?}"));
            assert_eq!(read.data["n"], 1);
            goes_wrong("GET", "list-type=2");
            assert_eq!(counters.count().await.unwrap(), 1, "count with {faults:?}");

            goes_wrong("PUT", "city=Oslo");
            goes_wrong("DELETE", "city=Rome");
            counters
                .update(&id, json!({"city": "Oslo"}))
                .await
                .unwrap_or_else(|error| panic!("move with {faults:?}: {error:?}"));

            goes_wrong("DELETE", &key);
            counters.delete(&id).await.unwrap_or_else(|error| panic!("delete with {faults:?}: {error:?}"));
            wire.proxy.settle().await;
            assert_eq!(
                direct.get(&id).await.unwrap_err().kind(),
                ErrorKind::NotFound,
                "delete with {faults:?}"
            );
        }
        let counts = wire.proxy.counts();
        assert!(counts.faults() > 50, "{counts:?}");
        wire.repair().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_in_doubt_is_said_and_what_is_not_is_not() {
    scripted("doubt", async |wire| {
        let (direct, counters) = counters(wire).await;
        let goes_wrong = |method: &str, part: &str, faults: &[Fault]| {
            faults.iter().for_each(|fault| wire.proxy.next(method, part, *fault));
        };
        // Every try of the SDK is cut: nothing has happened, which nobody here can know.
        goes_wrong("PUT", "data/id=cut", &[Fault::CutBefore; 4]);
        let error = counters.insert(json!({"id": "cut", "n": 0})).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.is_retryable(), error.is_outcome_unknown()),
            (ErrorKind::Unavailable, true, true)
        );
        assert_eq!(direct.get("cut").await.unwrap_err().kind(), ErrorKind::NotFound);

        // Every try is refused: surely nothing has happened.
        for (id, fault, kind) in [
            ("busy", Fault::SlowDown, ErrorKind::Throttled),
            ("meets", Fault::WriteConflict, ErrorKind::Conflict),
        ] {
            goes_wrong("PUT", &format!("data/id={id}"), &[fault; 4]);
            let error = counters.insert(json!({"id": id, "n": 0})).await.unwrap_err();
            assert_eq!((error.kind(), error.is_retryable()), (kind, true), "{error:?}");
            assert_eq!(direct.get(id).await.unwrap_err().kind(), ErrorKind::NotFound);
        }

        // The first try was done and its answer lost; the others were refused for another reason.
        let refusals = [Fault::LoseAnswer, Fault::SlowDown, Fault::SlowDown, Fault::SlowDown];
        goes_wrong("PUT", "data/id=done", &refusals);
        counters.insert(json!({"id": "done", "n": 0})).await.unwrap();
        direct.get("done").await.unwrap();

        // Below the documents nothing is read back: the store says that it does not know.
        let store = S3Store::connect(wire.config.clone().endpoint(wire.proxy.endpoint())).await.unwrap();
        let key = |name: &str| format!("{}/{name}", wire.prefix);
        store.put(&key("a"), PutObject::default(), Condition::None).await.unwrap();
        goes_wrong("DELETE", &key("a"), &refusals);
        let error = store.delete(&key("a"), Condition::None).await.unwrap_err();
        assert_eq!((error.kind(), error.is_outcome_unknown()), (ErrorKind::Throttled, true), "{error:?}");
        goes_wrong("POST", "delete", &refusals);
        let error = store.delete_many(&[key("b")]).await.unwrap_err();
        assert_eq!((error.kind(), error.is_outcome_unknown()), (ErrorKind::Throttled, true), "{error:?}");
        goes_wrong("PUT", &key("c"), &refusals);
        let error = store.copy(&key("a"), &key("c"), None, Condition::None).await.unwrap_err();
        assert!(error.is_outcome_unknown(), "{error:?}");
    })
    .await;
}
