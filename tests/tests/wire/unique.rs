//! Several processes want one unique value.

use std::collections::BTreeMap;

use s3db::fsck::FindingKind;
use s3db::{Document, ErrorKind, Resource, ResourceConfig};
use serde_json::json;
use tokio::task::JoinSet;

use super::everywhere;

const CONTENDERS: usize = 4;
const EMAILS: usize = 6;

/// Tries until it is known who has the value; whether it is this document.
async fn contend(users: &Resource, id: &str, email: &str) -> bool {
    for _ in 0..500 {
        let error = match users.insert(json!({"id": id, "email": email})).await {
            Ok(_) => return true,
            Err(error) => error,
        };
        match error.kind() {
            // An earlier try, whose answer was lost.
            ErrorKind::AlreadyExists if !error.is_outcome_unknown() => return true,
            ErrorKind::Unique if !error.is_retryable() => {
                assert_ne!(error.context("holder"), Some(id), "refused by itself: {error:?}");
                return false;
            }
            _ => assert!(error.is_retryable() || error.is_outcome_unknown(), "{error:?}"),
        }
        // A contender whose write was cut off holds the value until its own next try.
        tokio::task::yield_now().await;
    }
    panic!("{id} got no answer in 500 tries");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_who_want_a_value_one_gets_it() {
    everywhere("unique", async |wire| {
        let attributes = json!({"email": "email|unique"});
        let users = wire.create(ResourceConfig::new("users", attributes)).await;
        let mut contenders = JoinSet::new();
        for contender in 0..CONTENDERS {
            let users = wire.through_proxy().await.resource("users").unwrap();
            contenders.spawn(async move {
                let mut won = Vec::new();
                for n in 0..EMAILS {
                    let (id, email) = (format!("c{contender}-{n}"), format!("{n}@example.com"));
                    if contend(&users, &id, &email).await {
                        won.push((email, id));
                    }
                }
                won
            });
        }
        let won: Vec<(String, String)> = contenders.join_all().await.into_iter().flatten().collect();
        wire.proxy.settle().await;

        let winners: BTreeMap<_, _> = won.iter().cloned().collect();
        assert_eq!((winners.len(), won.len()), (EMAILS, EMAILS), "each value has one winner: {won:?}");
        let stored = super::all(&users).await;
        let email = |user: &Document| user["email"].as_str().unwrap().to_owned();
        let holders: BTreeMap<_, _> = stored.iter().map(|(id, user)| (email(user), id.clone())).collect();
        assert_eq!(holders, winners);
        assert_eq!(stored.len(), EMAILS, "no second document holds a value: {stored:?}");
        super::excuse_only(&wire.repair().await, &[FindingKind::StaleClaim]);
    })
    .await;
}
