//! Documents that move between partitions.

use std::collections::BTreeMap;

use s3db::fsck::FindingKind;
use s3db::{ErrorKind, Resource, ResourceConfig};
use serde_json::json;
use tokio::task::JoinSet;

use super::{everywhere, surely_not_done};

const WRITERS: usize = 3;
const EACH: usize = 8;
const CITIES: [&str; 3] = ["Rome", "Oslo", "Lima"];

/// What a writer knows of documents that only it writes: their city, `None` for gone. What is in doubt is left out.
type Known = BTreeMap<String, Option<&'static str>>;

async fn work(users: &Resource, writer: usize) -> Known {
    let mut known = Known::new();
    for i in 0..EACH {
        let city = CITIES[(writer + i) % CITIES.len()];
        // One that all of them move about.
        match users.update("shared", json!({"city": city})).await {
            Ok(_) => {}
            Err(error) => drop(surely_not_done(&error)),
        }
        let (new, old) = (format!("new{writer}-{i}"), format!("old{writer}-{i}"));
        match users.insert(json!({"id": new, "city": city})).await {
            Ok(_) => drop(known.insert(new, Some(city))),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => assert!(error.is_outcome_unknown()),
            Err(error) if surely_not_done(&error) => drop(known.insert(new, None)),
            Err(_) => {}
        }
        match users.update(&old, json!({"city": city})).await {
            Ok(_) => drop(known.insert(old.clone(), Some(city))),
            Err(error) if surely_not_done(&error) => drop(known.insert(old.clone(), Some("Rome"))),
            Err(_) => {}
        }
        // Ids are not used again after a delete, so that what the network repeats cannot bring one back.
        if i % 2 == 0 {
            match users.delete(&old).await {
                Ok(()) => drop(known.insert(old, None)),
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    panic!("`{old}` was there, and only this writer deletes it: {error:?}")
                }
                Err(error) if surely_not_done(&error) => {}
                Err(_) => drop(known.remove(&old)),
            }
        }
    }
    known
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_document_is_missing_from_its_partition() {
    everywhere("partitions", async |wire| {
        let config = ResourceConfig::new("users", json!({"city": "string"}))
            .partitions(json!({"byCity": {"fields": {"city": "string"}}}));
        let users = wire.create(config).await;
        users.insert(json!({"id": "shared", "city": "Rome"})).await.unwrap();
        for writer in 0..WRITERS {
            let old = (0..EACH).map(|i| json!({"id": format!("old{writer}-{i}"), "city": "Rome"}));
            assert!(users.insert_many(old).await.failed.is_empty());
        }
        let mut writers = JoinSet::new();
        for writer in 0..WRITERS {
            let users = wire.through_proxy().await.resource("users").unwrap();
            writers.spawn(async move { work(&users, writer).await });
        }
        let known: Known = writers.join_all().await.into_iter().flatten().collect();

        // A crash or a fault leaves index entries too many, and never one too few.
        let findings = wire.repair().await;
        super::excuse_only(&findings, &[FindingKind::DanglingReference, FindingKind::StaleReference]);
        let stored = super::all(&users).await;
        for (id, city) in known {
            let stored = stored.get(&id).and_then(|user| user["city"].as_str());
            assert_eq!(stored, city, "{id} is as its writer was told");
        }
    })
    .await;
}
