//! Whoever observes requests is told of each that came to the server.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use s3db::ResourceConfig;
use s3db::store::{Request, RequestObserver};
use s3db_testkit::fault_proxy::Fault;
use serde_json::json;

use super::scripted;

#[derive(Debug, Default)]
struct Attempts(AtomicU64);

impl RequestObserver for Attempts {
    fn request(&self, request: &Request<'_>) {
        self.0.fetch_add(request.attempts(), Ordering::Relaxed);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_the_client_sends_again_is_observed_each_time() {
    scripted("observed", async |wire| {
        wire.create(ResourceConfig::new("users", json!({"name": "string"}))).await;
        let db = wire.through_proxy().await;
        let users = db.resource("users").unwrap();
        let before = wire.proxy.counts().requests;
        let attempts = Arc::new(Attempts::default());
        let observing = db.observe_requests(attempts.clone());
        let faults = [
            Fault::CutBefore,
            Fault::LoseAnswer,
            Fault::SlowDown,
            Fault::ServerError,
            Fault::WriteConflict,
            Fault::TruncateAnswer,
        ];
        for (i, fault) in faults.into_iter().enumerate() {
            let id = format!("u{i}");
            wire.proxy.next("PUT", &format!("data/id={id}"), fault);
            let ((), receipt) = users
                .receipt(async |users| {
                    users.insert(json!({"id": id, "name": "Ann"})).await.unwrap();
                    wire.proxy.next("GET", &format!("data/id={id}"), fault);
                    users.get(&id).await.unwrap();
                    wire.proxy.next("GET", "list-type=2", fault);
                    users.count().await.unwrap();
                })
                .await;
            assert!(receipt.retries >= 3, "{fault:?}: {receipt:?}");
        }
        users.get("nobody").await.unwrap_err();
        users.insert(json!({"id": "u0", "name": "Bob"})).await.unwrap_err();
        wire.proxy.settle().await;
        let came = wire.proxy.counts().requests - before;
        assert_eq!(attempts.0.load(Ordering::Relaxed), came, "on {}", wire.site);
        observing.remove();
    })
    .await;
}
