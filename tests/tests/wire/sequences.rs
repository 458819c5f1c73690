//! Several processes number their documents.

use std::collections::BTreeMap;

use s3db::{ErrorKind, Resource, ResourceConfig};
use serde_json::json;
use tokio::task::JoinSet;

use super::everywhere;

const WRITERS: usize = 3;
const EACH: usize = 10;

/// Inserts documents, and returns the id of each that was acknowledged with its label.
async fn number(orders: &Resource, writer: usize) -> Vec<(String, String)> {
    let mut given = Vec::new();
    for i in 0..EACH {
        let label = format!("{writer}-{i}");
        match orders.insert(json!({"label": label})).await {
            Ok(order) => given.push((order.id, label)),
            Err(error) => assert!(
                // The id is taken only by a write of this call whose answer was lost, never by another call.
                error.is_outcome_unknown()
                    || error.is_retryable() && error.kind() != ErrorKind::AlreadyExists,
                "{error:?}"
            ),
        }
    }
    given
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_number_is_given_twice() {
    everywhere("sequences", async |wire| {
        for (name, ids) in [("orders", json!("incremental")), ("fast", json!("incremental:fast"))] {
            let definition = json!({"name": name, "attributes": {"label": "string"}, "idGenerator": ids});
            let orders = wire.create(ResourceConfig::from_json(&definition).unwrap()).await;
            let mut writers = JoinSet::new();
            for writer in 0..WRITERS {
                let orders = wire.through_proxy().await.resource(name).unwrap();
                writers.spawn(async move { number(&orders, writer).await });
            }
            let given: Vec<(String, String)> = writers.join_all().await.into_iter().flatten().collect();
            wire.proxy.settle().await;
            let distinct: BTreeMap<_, _> = given.iter().cloned().collect();
            assert_eq!(distinct.len(), given.len(), "a number was given twice: {given:?}");
            assert!(given.len() > WRITERS * EACH / 3, "{} came through", given.len());
            let stored = super::all(&orders).await;
            for (id, label) in distinct {
                assert_eq!(stored[&id]["label"], label, "order {id} is the one that was numbered so");
            }
            let mut labels: Vec<_> = stored.values().map(|order| order["label"].to_string()).collect();
            labels.sort();
            let count = labels.len();
            labels.dedup();
            assert_eq!(labels.len(), count, "no order is stored under two numbers");
        }
    })
    .await;
}
