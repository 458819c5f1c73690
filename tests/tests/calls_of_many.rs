//! Layers and hooks around the verbs that are about many documents.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use s3db::op::{Answer, HookCall, HookPoint, Next, Op, OpLayer, QueryOutput, Stage};
use s3db::resource::ListOptions;
use s3db::store::MemoryStore;
use s3db::{Database, Error, ErrorKind, Resource, ResourceConfig, Result};
use s3db_testkit::TestEnv;
use serde_json::json;

type Log = Arc<Mutex<Vec<String>>>;

async fn users() -> (Database, Resource) {
    let env = Arc::new(TestEnv::new(1));
    let db = Database::builder_on(Arc::new(MemoryStore::new()), "app").env(env).connect().await.unwrap();
    let config = ResourceConfig::new("users", json!({"name": "string", "city": "string"}))
        .partitions(json!({"byCity": {"fields": {"city": "string"}}}));
    let users = db.create_resource(config).await.unwrap();
    for (id, name, city) in [("a", "Ann", "Rome"), ("b", "Bob", "Oslo"), ("c", "Cy", "Rome")] {
        users.insert(json!({"id": id, "name": name, "city": city})).await.unwrap();
    }
    (db, users)
}

fn options(limit: usize) -> ListOptions {
    ListOptions { limit: Some(limit), after: None }
}

/// Calls every read once, and says what it gave.
async fn read_all(users: &Resource) -> Vec<String> {
    let ids = |records: Vec<s3db::Record>| records.into_iter().map(|record| record.id).collect::<String>();
    let rome = users.partition("byCity", json!({"city": "Rome"})).unwrap();
    let page = users.page(2, None).await.unwrap();
    let next = users.page(2, page.next_cursor.as_deref()).await.unwrap();
    let filter = json!({"name": {"$gt": "B"}});
    let rows = users.query(filter.clone()).select(["name"]).run().await.unwrap().rows;
    vec![
        ids(users.list(options(2)).await.unwrap().records),
        ids(users.get_all().await.unwrap().records),
        users.list_ids(options(9)).await.unwrap().concat(),
        ids(page.records) + "," + &ids(next.records),
        users.count().await.unwrap().to_string(),
        ids(users.get_many(["c", "a"]).await.ok),
        ids(users.query(filter.clone()).sort("-name").limit(1).run().await.unwrap().records),
        users.query(filter.clone()).ids().await.unwrap().concat(),
        users.query(filter).count().await.unwrap().to_string(),
        rows.iter().map(|row| row.data["name"].to_string()).collect(),
        ids(rome.list(options(9)).await.unwrap().records),
        rome.list_ids(options(1)).await.unwrap().concat(),
        rome.verified(true).count().await.unwrap().to_string(),
        ids(users.partition("byCity", json!({"city": "Rome"})).unwrap().page(5, None).await.unwrap().records),
        ids(users
            .partition("byCity", json!({}))
            .unwrap()
            .query(json!({"id": "b"}))
            .run()
            .await
            .unwrap()
            .records),
    ]
}

const GIVEN: [&str; 15] =
    ["ab", "abc", "abc", "ab,c", "3", "ca", "c", "bc", "2", "\"Bob\"\"Cy\"", "ac", "a", "2", "ac", "b"];

/// Writes down the key of each read.
#[derive(Debug, Default)]
struct Keys(Log);

#[async_trait]
impl OpLayer for Keys {
    async fn call(&self, op: Op<'_>, next: Next<'_>) -> Result<Answer> {
        self.0.lock().unwrap().push(op.read_key().unwrap_or_else(|| op.verb().to_string()));
        next.run(op).await
    }
}

#[tokio::test]
async fn a_layer_sees_each_read_of_many_once_with_all_that_it_asks_for() {
    let (_db, users) = users().await;
    assert_eq!(read_all(&users).await, GIVEN);
    let log = Log::default();
    let layer = users.layer(Stage::Observe, Arc::new(Keys(log.clone())));
    assert_eq!(read_all(&users).await, GIVEN, "the way through layers gives the same");
    let mut seen = std::mem::take(&mut *log.lock().unwrap());
    let next_page = seen.remove(1);
    assert!(
        next_page.starts_with(r#"page {"cursor":""#) && next_page.ends_with(r#"","size":2}"#),
        "{next_page}"
    );
    let rome = r#""partition":{"name":"byCity","values":{"city":"Rome"}}"#;
    let filter = r#""filter":{"name":{"$gt":"B"}}"#;
    assert_eq!(
        seen,
        [
            r#"page {"size":2}"#.to_owned(),
            format!(r#"query {{"fields":["name"],{filter}}}"#),
            r#"list {"limit":2}"#.to_owned(),
            "list {}".to_owned(),
            r#"list_ids {"limit":9}"#.to_owned(),
            "count {}".to_owned(),
            r#"get_many {"ids":["c","a"]}"#.to_owned(),
            format!(r#"query {{{filter},"limit":1,"sort":["-name"]}}"#),
            format!(r#"query {{{filter},"output":"ids"}}"#),
            format!(r#"query {{{filter},"output":"count"}}"#),
            format!(r#"list {{"limit":9,{rome}}}"#),
            format!(r#"list_ids {{"limit":1,{rome}}}"#),
            format!(r#"count {{{rome},"verified":true}}"#),
            format!(r#"page {{{rome},"size":5}}"#),
            r#"query {"filter":{"id":"b"},"partition":{"name":"byCity","values":{}}}"#.to_owned(),
        ]
    );
    layer.remove();
    assert_eq!(read_all(&users).await, GIVEN);
    assert!(log.lock().unwrap().is_empty());
}

/// Keeps the whole answers of reads as JSON, and gives them from there.
#[derive(Debug, Default)]
struct Kept(Mutex<std::collections::HashMap<String, String>>);

#[async_trait]
impl OpLayer for Kept {
    async fn call(&self, op: Op<'_>, next: Next<'_>) -> Result<Answer> {
        let Some(key) = op.read_key() else { return next.run(op).await };
        let kept = self.0.lock().unwrap().get(&key).cloned();
        if let Some(kept) = kept {
            return Ok(serde_json::from_str(&kept).unwrap());
        }
        let answer = next.run(op).await?;
        if answer.is_whole() {
            self.0.lock().unwrap().insert(key, serde_json::to_string(&answer).unwrap());
        }
        Ok(answer)
    }
}

#[tokio::test]
async fn answers_survive_as_json_so_that_a_cache_can_keep_them() {
    let (db, users) = users().await;
    users.layer(Stage::Cache, Arc::new(Kept::default())).keep();
    let seen = users.get("a").await.unwrap();
    assert_eq!(read_all(&users).await, GIVEN);
    let before = db.requests();
    assert_eq!(users.get("a").await.unwrap(), seen);
    assert_eq!(read_all(&users).await, GIVEN);
    assert_eq!(db.requests(), before, "nothing was sent");

    users.delete("c").await.unwrap();
    assert_eq!(users.count().await.unwrap(), 3, "this cache never forgets");
    assert_eq!(users.uncached().count().await.unwrap(), 2);
    assert_eq!(users.uncached().get("c").await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn the_cursor_of_a_kept_page_serves_the_same_filter_in_another_order() {
    let (_db, users) = users().await;
    users.layer(Stage::Cache, Arc::new(Kept::default())).keep();
    let first = users.query(json!({"city": "Rome", "name": {"$gte": "A", "$lt": "Z"}})).limit(1);
    let cursor = first.run().await.unwrap().next_cursor.unwrap();
    let second = users.query(json!({"name": {"$lt": "Z", "$gte": "A"}, "city": "Rome"})).limit(1);
    assert_eq!(second.cursor(cursor).run().await.unwrap().records[0].id, "c");
}

/// The points around reads of many documents, and the calls that they stand around.
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
async fn hooks_run_around_each_verb_of_many_and_after_each_document_that_is_read() {
    let (_db, users) = users().await;
    let log = log_hooks(&users);
    let seen = || std::mem::take(&mut *log.lock().unwrap()).join(" ");
    let rome = users.partition("byCity", json!({"city": "Rome"})).unwrap();
    rome.get_all().await.unwrap();
    assert_eq!(seen(), "beforeList afterGet afterGet afterList");
    users.list_ids(options(1)).await.unwrap();
    assert_eq!(seen(), "beforeListIds afterListIds");
    users.page(1, None).await.unwrap();
    assert_eq!(seen(), "beforePage afterGet afterPage");
    users.count().await.unwrap();
    assert_eq!(seen(), "beforeCount afterCount");
    users.query(json!({"name": "Bob"})).run().await.unwrap();
    assert_eq!(seen(), "beforeQuery afterGet afterQuery");
    users.query(json!({"name": "Bob"})).count().await.unwrap();
    assert_eq!(seen(), "beforeQuery afterQuery");
    users.get_many(["b"]).await;
    assert_eq!(seen(), "beforeGetMany beforeGet afterGet afterGetMany");
    users.exists("a").await.unwrap();
    assert_eq!(seen(), "beforeExists afterExists");
    users.upsert(json!({"id": "a", "name": "Anna"})).await.unwrap();
    assert_eq!(seen(), "beforeUpsert beforeUpdate afterUpdate afterUpsert");
    users.delete_many(["a"]).await;
    assert_eq!(seen(), "beforeDeleteMany beforeDelete afterDelete afterDeleteMany");
    users.delete_all(true).await.unwrap();
    let seen = seen();
    assert!(seen.starts_with("beforeDeleteAll beforeDelete"), "{seen}");
    assert!(seen.ends_with("afterDelete afterDeleteAll"), "{seen}");
}

#[tokio::test]
async fn a_hook_narrows_what_is_asked_and_changes_what_is_given() {
    let (_db, users) = users().await;
    let in_rome = users.hook(HookPoint::BeforeQuery, "tenant", |mut call| async move {
        if let Some(Op::Query(args)) = &mut call.op {
            args.filter = json!({"$and": [args.filter.clone(), {"city": "Rome"}]});
        }
        Ok(call)
    });
    assert_eq!(users.query(json!({})).ids().await.unwrap(), ["a", "c"]);
    in_rome.remove();
    let one = users.hook(HookPoint::BeforeGetMany, "one", |mut call| async move {
        if let Some(Op::GetMany { ids }) = &mut call.op {
            ids.truncate(1);
        }
        Ok(call)
    });
    assert_eq!(users.get_many(["a", "b"]).await.ok.len(), 1);
    one.remove();
    users
        .hook(HookPoint::AfterList, "mask", |mut call| async move {
            for record in call.answer.iter_mut().flat_map(Answer::documents_mut) {
                record.data.insert("name".into(), "***".into());
            }
            Ok(call)
        })
        .keep();
    assert!(users.get_all().await.unwrap().records.iter().all(|record| record.data["name"] == "***"));
    users
        .hook(HookPoint::BeforeUpsert, "city", |mut call| async move {
            call.document.as_mut().unwrap().insert("city".into(), "Bonn".into());
            Ok(call)
        })
        .keep();
    assert_eq!(users.upsert(json!({"id": "d", "name": "Di"})).await.unwrap().data["city"], "Bonn");
}

#[tokio::test]
async fn a_document_that_a_hook_refuses_is_reported_beside_the_others() {
    let (_db, users) = users().await;
    users
        .hook(HookPoint::AfterGet, "oslo", |call| async move {
            match &call.document {
                Some(document) if document["city"] == "Oslo" => {
                    Err(Error::new(ErrorKind::Denied, "not for you"))
                }
                _ => Ok(call),
            }
        })
        .keep();
    let listing = users.get_all().await.unwrap();
    assert_eq!(listing.records.len(), 2);
    assert_eq!(
        (listing.unreadable[0].id.as_str(), listing.unreadable[0].error.message()),
        ("b", "not for you")
    );
    assert_eq!(users.page(5, None).await.unwrap().unreadable.len(), 1);
    assert_eq!(users.query(json!({"city": "Oslo"})).run().await.unwrap().unreadable.len(), 1);
    assert_eq!(users.get_many(["a", "b"]).await.failed[0].error.context("hook"), Some("oslo"));
}

#[tokio::test]
async fn a_hook_around_many_that_fails_panics_or_goes_astray_ends_its_call_alone() {
    type Hook = fn(HookCall) -> Result<HookCall>;
    let cases: [(HookPoint, Hook, &str); 5] = [
        (HookPoint::BeforeCount, |_| Err(Error::new(ErrorKind::Denied, "closed")), "closed"),
        (HookPoint::BeforeCount, |_| panic!("in the hook"), "a hook panicked"),
        (HookPoint::AfterCount, |_| panic!("in the hook"), "a hook panicked"),
        (
            HookPoint::BeforeCount,
            |mut call| {
                call.op = Some(Op::DeleteAll { force: true });
                Ok(call)
            },
            "a hook made another call of this one",
        ),
        (
            HookPoint::AfterCount,
            |mut call| {
                call.answer = Some(Answer::Exists(true));
                Ok(call)
            },
            "a layer or hook answered with something that the verb does not give",
        ),
    ];
    for (point, hook, message) in cases {
        let (_db, users) = users().await;
        let registered = users.hook(point, "closed", move |call| async move { hook(call) });
        let error = users.count().await.unwrap_err();
        assert_eq!(error.message(), message, "{point}");
        assert_eq!(users.list_ids(options(9)).await.unwrap().len(), 3, "{message}");
        registered.remove();
        assert_eq!(users.count().await.unwrap(), 3, "{message}");
    }
}

#[tokio::test]
async fn a_hook_that_fails_after_many_were_deleted_says_that_it_was_done() {
    let (_db, users) = users().await;
    for point in [HookPoint::AfterDeleteMany, HookPoint::AfterDeleteAll, HookPoint::AfterUpsert] {
        users
            .hook(point, "mail", |_call| async move { Err(Error::new(ErrorKind::Conflict, "no mail")) })
            .keep();
    }
    let check =
        |error: &Error| assert_eq!((error.message(), error.context("written")), ("no mail", Some("true")));
    check(&users.upsert(json!({"id": "a", "name": "Anna"})).await.unwrap_err());
    check(&users.delete_many(["a"]).await.failed[0].error);
    check(&users.delete_all(true).await.unwrap_err());
    assert_eq!(users.count().await.unwrap(), 0);
}

#[tokio::test]
async fn a_layer_may_answer_a_query_with_fields_of_its_own() {
    #[derive(Debug)]
    struct Nothing;
    #[async_trait]
    impl OpLayer for Nothing {
        async fn call(&self, op: Op<'_>, next: Next<'_>) -> Result<Answer> {
            match &op {
                Op::Query(args) if args.output == QueryOutput::Count => Ok(Answer::Count(0)),
                _ => next.run(op).await,
            }
        }
    }
    let (_db, users) = users().await;
    users.layer(Stage::Transform, Arc::new(Nothing)).keep();
    assert_eq!(users.query(json!({})).count().await.unwrap(), 0);
    assert_eq!(users.query(json!({})).ids().await.unwrap().len(), 3);
}
