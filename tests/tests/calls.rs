//! Layers and hooks around the verbs.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use s3db::op::{Answer, HookPoint, Next, Op, OpLayer, Stage, Verb};
use s3db::store::MemoryStore;
use s3db::{Database, Document, Error, ErrorKind, Resource, ResourceConfig, Result};
use s3db_testkit::TestEnv;
use serde_json::{Value, json};

type Log = Arc<Mutex<Vec<String>>>;

async fn users() -> (Database, Resource) {
    let env = Arc::new(TestEnv::new(1));
    let db = Database::builder_on(Arc::new(MemoryStore::new()), "app").env(env).connect().await.unwrap();
    let attributes = json!({"name": "string|min:2", "n": "number|optional", "seen": "string|optional"});
    let users = db.create_resource(ResourceConfig::new("users", attributes)).await.unwrap();
    (db, users)
}

/// Calls every verb that layers see, on one document after the other.
async fn call_all(users: &Resource) {
    users.insert(json!({"id": "a", "name": "Ann"})).await.unwrap();
    users.get("a").await.unwrap();
    users.get_or_none("b").await.unwrap();
    users.exists("a").await.unwrap();
    users.update("a", json!({"n": 1})).await.unwrap();
    users.patch("a", json!({"n": 2})).await.unwrap();
    let etag = users.update_with("a", add_one).await.unwrap().meta.etag;
    let etag = users.if_match(&etag).update("a", json!({"n": 4})).await.unwrap().meta.etag;
    users.if_match(&etag).replace("a", json!({"name": "Anna"})).await.unwrap();
    users.upsert(json!({"id": "b", "name": "Bob"})).await.unwrap();
    users.delete("b").await.unwrap();
    assert!(users.insert_many([json!({"id": "c", "name": "Cy"})]).await.failed.is_empty());
    assert!(users.delete_many(["c"]).await.failed.is_empty());
    users.delete_all(true).await.unwrap();
}

fn add_one(document: &mut Document) -> Result<()> {
    let n = document.get("n").and_then(Value::as_i64).unwrap_or(0);
    document.insert("n".into(), (n + 1).into());
    Ok(())
}

#[derive(Debug)]
struct Writes {
    name: &'static str,
    log: Log,
}

#[async_trait]
impl OpLayer for Writes {
    async fn call(&self, op: Op<'_>, next: Next<'_>) -> Result<Answer> {
        self.log.lock().unwrap().push(format!("{} {}", self.name, op.verb()));
        next.run(op).await
    }
}

#[tokio::test]
async fn a_layer_sees_each_call_once_and_none_after_it_is_removed() {
    let (_db, users) = users().await;
    let log = Log::default();
    let layer = users.layer(Stage::Observe, Arc::new(Writes { name: "seen", log: log.clone() }));
    call_all(&users).await;
    let seen: Vec<String> =
        log.lock().unwrap().drain(..).map(|line| line.trim_start_matches("seen ").to_owned()).collect();
    assert_eq!(
        seen.join(" "),
        "insert get get exists update update update update replace upsert delete insert delete_many delete_all"
    );
    layer.remove();
    call_all(&users).await;
    assert!(log.lock().unwrap().is_empty());
}

#[tokio::test]
async fn layers_run_by_stage_and_those_of_the_database_first() {
    let (db, users) = users().await;
    let log = Log::default();
    let layer = |name| Arc::new(Writes { name, log: log.clone() });
    users.layer(Stage::Transform, layer("4")).keep();
    users.layer(Stage::Observe, layer("2")).keep();
    users.layer(Stage::Observe, layer("3")).keep();
    db.layer(Stage::Observe, layer("1")).keep();
    db.layer(Stage::Guard, layer("0")).keep();
    users.exists("a").await.unwrap();
    assert_eq!(log.lock().unwrap().join(", "), "0 exists, 1 exists, 2 exists, 3 exists, 4 exists");
}

/// Runs a call again when it fails, and answers one id by itself.
#[derive(Debug)]
struct Stubborn;

#[async_trait]
impl OpLayer for Stubborn {
    async fn call(&self, op: Op<'_>, next: Next<'_>) -> Result<Answer> {
        if op.id() == Some("wrong") {
            return Ok(Answer::Deleted);
        }
        if let Op::Insert { mut document } = op {
            document.insert("seen".into(), "layer".into());
            return next.run(Op::Insert { document }).await;
        }
        match next.run(op.clone()).await {
            Err(_) => next.run(op).await,
            answer => answer,
        }
    }
}

#[tokio::test]
async fn a_layer_may_change_a_call_run_it_twice_or_answer_by_itself() {
    let (_db, users) = users().await;
    let log = Log::default();
    users.layer(Stage::Guard, Arc::new(Stubborn)).keep();
    users.layer(Stage::Transform, Arc::new(Writes { name: "inner", log: log.clone() })).keep();
    assert_eq!(users.insert(json!({"id": "a", "name": "Ann"})).await.unwrap().data["seen"], "layer");
    users.update("nobody", json!({"n": 1})).await.unwrap_err();
    assert_eq!(log.lock().unwrap().join(", "), "inner insert, inner update, inner update");

    users.delete("wrong").await.unwrap();
    let error = users.get("wrong").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("a layer or hook answered"), "{error}");
}

/// Lets hooks of every point write down what they see.
fn log_hooks(users: &Resource) -> Log {
    let log = Log::default();
    for &point in HookPoint::ALL {
        let log = log.clone();
        users
            .hook(point, "log", move |call| {
                log.lock().unwrap().push(point.to_string());
                async move { Ok(call) }
            })
            .keep();
    }
    log
}

#[tokio::test]
async fn hooks_run_before_and_after_their_verb() {
    let (_db, users) = users().await;
    let log = log_hooks(&users);
    let seen = || std::mem::take(&mut *log.lock().unwrap()).join(" ");
    users.insert(json!({"id": "a", "name": "Ann"})).await.unwrap();
    assert_eq!(seen(), "beforeInsert afterInsert");
    users.get("a").await.unwrap();
    assert_eq!(seen(), "beforeGet afterGet");
    users.get_or_none("b").await.unwrap();
    assert_eq!(seen(), "beforeGet");
    users.update("a", json!({"n": 1})).await.unwrap();
    assert_eq!(seen(), "beforeUpdate afterUpdate");
    users.replace("a", json!({"name": "Bob"})).await.unwrap();
    assert_eq!(seen(), "beforeReplace afterReplace");
    users.upsert(json!({"id": "a", "name": "Cy"})).await.unwrap();
    assert_eq!(seen(), "beforeUpsert beforeUpdate afterUpdate afterUpsert");
    users.upsert(json!({"id": "b", "name": "Dee"})).await.unwrap();
    assert_eq!(seen(), "beforeUpsert beforeInsert afterInsert afterUpsert");
    users.delete("a").await.unwrap();
    assert_eq!(seen(), "beforeDelete afterDelete");
    assert!(users.delete_many(["b"]).await.failed.is_empty());
    assert_eq!(seen(), "beforeDeleteMany beforeDelete afterDelete afterDeleteMany");
}

#[tokio::test]
async fn a_hook_changes_what_is_written_and_the_next_one_sees_it() {
    let (db, users) = users().await;
    for (name, mark) in [("first", "1"), ("second", "2")] {
        for point in [HookPoint::BeforeInsert, HookPoint::BeforeUpdate, HookPoint::BeforeReplace] {
            users
                .hook(point, name, move |mut call| async move {
                    let document = call.document.as_mut().unwrap();
                    let seen = document.get("seen").and_then(Value::as_str).unwrap_or_default();
                    let seen = format!("{seen}{mark}");
                    document.insert("seen".into(), seen.into());
                    Ok(call)
                })
                .keep();
        }
    }
    let stored = async || db.resource("users").unwrap().get("a").await.unwrap().data["seen"].clone();
    users.insert(json!({"id": "a", "name": "Ann"})).await.unwrap();
    assert_eq!(stored().await, "12");
    users.update("a", json!({"n": 1})).await.unwrap();
    assert_eq!(stored().await, "1212");
    users.replace("a", json!({"name": "Ann", "seen": "-"})).await.unwrap();
    assert_eq!(stored().await, "-12");
}

#[tokio::test]
async fn what_a_hook_makes_of_a_document_is_validated() {
    let (db, users) = users().await;
    users
        .hook(HookPoint::BeforeInsert, "shorten", |mut call| async move {
            call.document.as_mut().unwrap().insert("name".into(), "A".into());
            Ok(call)
        })
        .keep();
    let error = users.insert(json!({"id": "a", "name": "Ann"})).await.unwrap_err();
    assert_eq!(error.fields()[0].rule, "stringMin");
    assert_eq!(db.requests().put, 1, "the catalogue alone");
}

#[tokio::test]
async fn a_hook_that_fails_or_panics_ends_the_call_and_nothing_is_written_before() {
    for (panics, message) in [(false, "closed on sundays"), (true, "a hook panicked")] {
        for point in [
            HookPoint::BeforeInsert,
            HookPoint::BeforeUpdate,
            HookPoint::BeforeReplace,
            HookPoint::BeforeDelete,
        ] {
            let (_db, users) = users().await;
            let ann = users.insert(json!({"id": "a", "name": "Ann"})).await.unwrap();
            let hook = users.hook(point, "closed", move |_call| async move {
                // Of the kind by which the verbs know a lost race: that of a hook is not one.
                let error = Error::new(ErrorKind::Conflict, "closed on sundays");
                if panics { panic!("in the hook") } else { Err(error) }
            });
            let error = match point {
                HookPoint::BeforeInsert => users.insert(json!({"id": "b", "name": "Bob"})).await.map(drop),
                HookPoint::BeforeUpdate => users.update("a", json!({"n": 1})).await.map(drop),
                HookPoint::BeforeReplace => users.replace("a", json!({"name": "Bob"})).await.map(drop),
                _ => users.delete("a").await,
            }
            .unwrap_err();
            assert_eq!(error.message(), message, "{point}");
            assert_eq!(error.context("hook"), Some("closed"), "{point}");
            assert_eq!(error.context("point"), Some(point.as_str()));
            assert_eq!(error.context("written"), None, "{point}");
            assert_eq!(users.get("a").await.unwrap().data, ann.data, "{point}");
            assert_eq!(users.count().await.unwrap(), 1, "{point}");

            hook.remove();
            users.update("a", json!({"n": 1})).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_hook_that_fails_after_a_write_says_that_it_was_written() {
    let (_db, users) = users().await;
    for point in
        [HookPoint::AfterInsert, HookPoint::AfterUpdate, HookPoint::AfterReplace, HookPoint::AfterDelete]
    {
        users
            .hook(point, "mail", |_call| async move { Err(Error::new(ErrorKind::Conflict, "no mail today")) })
            .keep();
    }
    let check = |error: Error| {
        assert_eq!((error.message(), error.context("written")), ("no mail today", Some("true")));
        assert!(!error.is_retryable());
    };
    check(users.insert(json!({"id": "a", "name": "Ann"})).await.unwrap_err());
    check(users.update_with("a", add_one).await.unwrap_err());
    assert_eq!(users.get("a").await.unwrap().data["n"], 1, "once");
    check(users.upsert(json!({"id": "b", "name": "Bob"})).await.unwrap_err());
    check(users.replace("a", json!({"name": "Bob"})).await.unwrap_err());
    check(users.delete("a").await.unwrap_err());
    assert_eq!(users.list_ids(s3db::resource::ListOptions::default()).await.unwrap(), ["b"]);
}

#[tokio::test]
async fn hooks_before_and_after_a_change_know_what_was_stored() {
    let (_db, users) = users().await;
    let log = Log::default();
    for point in
        [HookPoint::BeforeUpdate, HookPoint::AfterUpdate, HookPoint::BeforeDelete, HookPoint::AfterDelete]
    {
        let log = log.clone();
        users
            .hook(point, "log", move |call| {
                let n = |document: &Option<Document>| {
                    document.as_ref().map(|d| d["n"].clone()).unwrap_or_default()
                };
                log.lock().unwrap().push(format!("{point} {} -> {}", n(&call.stored), n(&call.document)));
                async move { Ok(call) }
            })
            .keep();
    }
    users.insert(json!({"id": "a", "name": "Ann", "n": 1})).await.unwrap();
    users.update("a", json!({"n": 2})).await.unwrap();
    users.delete("a").await.unwrap();
    assert_eq!(
        log.lock().unwrap().join(", "),
        "beforeUpdate 1 -> 2, afterUpdate 1 -> 2, beforeDelete 2 -> null, afterDelete 2 -> null"
    );
}

#[tokio::test]
async fn hooks_of_the_catalogue_are_kept_and_told_but_not_run() {
    let catalog = json!({
        "version": "1", "resources": { "users": { "currentVersion": "v1", "versions": { "v1": {
            "attributes": {"name": "string"}, "behavior": "body-overflow",
            "hooks": {
                "beforeInsert": {"count": 2, "handlers": [{"name": "bound slug", "length": 1, "type": "function"}, {"name": null}]},
                "afterGet": ["(function named)"],
            },
        } } } },
    });
    let store = Arc::new(MemoryStore::new());
    let object = s3db::store::PutObject { body: catalog.to_string().into(), ..Default::default() };
    s3db::store::Store::put(store.as_ref(), "app/s3db.json", object, s3db::store::Condition::None)
        .await
        .unwrap();
    let db = Database::builder_on(store, "app").connect().await.unwrap();
    let users = db.resource("users").unwrap();
    users.hook(HookPoint::BeforeInsert, "slug", |call| async move { Ok(call) }).keep();
    let hooks: Vec<_> =
        users.stored_hooks().into_iter().map(|hook| (hook.point, hook.name, hook.is_registered)).collect();
    let slug = Some("slug".to_owned());
    assert_eq!(
        hooks,
        [
            ("beforeInsert".to_owned(), slug, true),
            ("beforeInsert".to_owned(), None, false),
            ("afterGet".to_owned(), None, false)
        ]
    );
    users.insert(json!({"id": "a", "name": "Ann"})).await.unwrap();
    assert_eq!(
        db.catalog()["resources"]["users"]["versions"]["v1"]["hooks"]["afterGet"],
        json!(["(function named)"])
    );
}

#[test]
fn what_a_hook_sees_is_not_shown_by_debug() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let (_db, users) = users().await;
        let log = Log::default();
        let shown = log.clone();
        users
            .hook(HookPoint::BeforeInsert, "debug", move |call| {
                shown.lock().unwrap().push(format!("{call:?}"));
                async move { Ok(call) }
            })
            .keep();
        users.insert(json!({"id": "a", "name": "a secret"})).await.unwrap();
        let shown = log.lock().unwrap().join("");
        assert!(shown.contains("name") && !shown.contains("a secret"), "{shown}");
    });
    assert_eq!(Verb::DeleteMany.to_string(), "delete_many");
}
