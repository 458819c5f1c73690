//! Undoing is a write as any other.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use s3db::database::{Action, ChangeOptions};
use s3db::encoding::Passphrase;
use s3db::fsck::FsckOptions;
use s3db::op::{Answer, HookPoint, Next, Op, OpLayer, Stage, Verb};
use s3db::resource::NewContent;
use s3db::store::{
    Capability, Condition, Head, ListPage, ListRequest, Object, PutObject, PutResult, Replace, Store,
    VersionPage, VersionsRequest,
};
use s3db::{Database, Error, ErrorKind, ResourceConfig, Result};
use s3db_testkit::assert_requests;
use serde_json::json;

use super::{World, names, open_on, users};

#[tokio::test]
async fn undoing_moves_index_entries_and_unique_values_back() {
    let world = World::new();
    let db = world.open().await;
    let config = ResourceConfig::new("users", json!({"city": "string", "mail": "string|unique"}))
        .partitions(json!({"byCity": {"fields": {"city": "string"}}}));
    let users = db.create_resource(config).await.unwrap();
    users.insert(json!({"id": "ann", "city": "Rome", "mail": "a@x.io"})).await.unwrap();
    users.update("ann", json!({"city": "Oslo", "mail": "b@x.io"})).await.unwrap();

    let plan = users.explain().undo("ann").await.unwrap();
    assert!(plan.refused.is_empty(), "{plan}");
    let requests = plan.requests;
    let (metered, receipts) = users.metered();
    let undone = metered.undo("ann").await.unwrap();
    assert_eq!(receipts.take().requests, requests, "the explanation foresees what is sent");
    assert_eq!(undone.data["mail"], "a@x.io");

    let in_city = async |city: &str| {
        let view = users.partition("byCity", json!({"city": city})).unwrap();
        view.list_ids(Default::default()).await.unwrap()
    };
    assert_eq!((in_city("Rome").await, in_city("Oslo").await), (vec!["ann".to_owned()], vec![]));
    users.insert(json!({"id": "bob", "city": "Oslo", "mail": "b@x.io"})).await.unwrap();
    let error = users.insert(json!({"id": "cid", "city": "Rome", "mail": "a@x.io"})).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unique);

    // The value that it would need is another's by now.
    let error = users.undo("ann").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unique, "{error:?}");
    assert_eq!(users.get("ann").await.unwrap().data["mail"], "a@x.io");
    let (findings, _) = db.fsck(FsckOptions::default()).await.unwrap().collect().await.unwrap();
    assert!(findings.is_empty(), "{findings:?}");
}

#[tokio::test]
async fn undoing_costs_a_list_two_reads_and_a_write() {
    let world = World::new();
    let users = users(&world.open().await).await;
    users.insert(json!({"id": "ann", "name": "Ann"})).await.unwrap();
    users.update("ann", json!({"name": "Anna"})).await.unwrap();
    assert_requests!(users, { list: 1, get: 2, put: 1 }, users.undo("ann")).unwrap();
    let first = users.history("ann").await.unwrap().pop().unwrap().version_id;
    assert_requests!(users, { get: 2, put: 1 }, users.restore_version("ann", &first)).unwrap();
}

#[tokio::test]
async fn undoing_twice_brings_back_what_was_undone() {
    let world = World::new();
    let users = users(&world.open().await).await;
    users.insert(json!({"id": "ann", "name": "Ann", "age": 30})).await.unwrap();
    users.replace("ann", json!({"name": "Anna", "city": "Rome"})).await.unwrap();
    let data = |record: s3db::resource::Record| serde_json::Value::Object(record.data);
    assert_eq!(data(users.undo("ann").await.unwrap()), json!({"name": "Ann", "age": 30}));
    assert_eq!(data(users.undo("ann").await.unwrap()), json!({"name": "Anna", "city": "Rome"}));
    users.delete("ann").await.unwrap();
    users.delete("ann").await.unwrap_err();
    assert_eq!(data(users.undo("ann").await.unwrap()), json!({"name": "Anna", "city": "Rome"}));
    assert_eq!(names(&users, "ann").await, ["Anna", "-", "Anna", "Ann", "Anna", "Ann"]);
    let first = users.history("ann").await.unwrap().pop().unwrap().version_id;
    assert_eq!(data(users.restore_version("ann", &first).await.unwrap()), json!({"name": "Ann", "age": 30}));
}

#[tokio::test]
async fn what_is_brought_back_is_whole_with_content_secrets_passwords_and_times() {
    let world = World::new();
    let db = Database::builder_on(Arc::new(world.bucket.clone()), "")
        .env(world.env.clone())
        .passphrase(Passphrase::new("correct horse battery staple"))
        .connect()
        .await
        .unwrap();
    let attributes = json!({"name": "string", "token": "secret", "login": "password|min:8"});
    let users = db.create_resource(ResourceConfig::new("users", attributes).timestamps(true)).await.unwrap();
    users
        .insert(json!({"id": "ann", "name": "Ann", "token": "tok", "login": "hunter2hunter2"}))
        .await
        .unwrap();
    let picture = NewContent::new(vec![1u8, 2, 3]).content_type("image/png");
    let before = users.set_content("ann", picture).await.unwrap();
    let before = users.get("ann").await.map(|record| (record.data, before.meta.has_content)).unwrap();
    world.env.advance_ms(5000);
    users.delete("ann").await.unwrap();
    let undone = users.undo("ann").await.unwrap();
    for (name, value) in &before.0 {
        if name != "updatedAt" {
            assert_eq!(undone.data.get(name), Some(value), "{name}");
        }
    }
    assert_eq!(undone.data["updatedAt"], "2025-01-01T00:00:05.000Z");
    let found = users.get("ann").await.unwrap();
    assert_eq!(found.data["token"], "tok");
    assert_eq!(found.data["login"], before.0["login"], "a hash is not hashed again");
    assert!(undone.meta.has_content);
    let content = users.content("ann").await.unwrap().unwrap();
    assert_eq!((&content.bytes[..], content.content_type.as_deref()), (&[1u8, 2, 3][..], Some("image/png")));

    // And without the content again.
    users.delete_content("ann").await.unwrap();
    users.set_content("ann", vec![9u8]).await.unwrap();
    assert!(!users.undo("ann").await.unwrap().meta.has_content);
    assert!(users.content("ann").await.unwrap().is_none());
}

#[tokio::test]
async fn what_is_brought_back_must_fit_the_schema_of_today_and_is_written_under_it() {
    let world = World::new();
    let db = world.open().await;
    let users = db.create_resource(ResourceConfig::new("users", json!({"name": "string"}))).await.unwrap();
    users.insert(json!({"id": "ann", "name": "A"})).await.unwrap();
    users.update("ann", json!({"name": "Anna"})).await.unwrap();
    users.update_attributes(json!({"name": "string|min:2"})).await.unwrap();
    let error = users.undo("ann").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Validation, "{error:?}");
    assert!(error.to_string().contains("name"), "{error}");
    assert_eq!(users.get("ann").await.unwrap().data["name"], "Anna");
    users.update_attributes(json!({"name": "string"})).await.unwrap();
    let undone = users.undo("ann").await.unwrap();
    assert_eq!((&undone.data["name"], undone.meta.version), (&json!("A"), users.version()));
}

/// Lets another writer in after versions were listed.
#[derive(Debug)]
struct Overtaken {
    inner: Arc<dyn Store>,
    other: Database,
    listings: AtomicU32,
}

#[async_trait]
impl Store for Overtaken {
    fn capability(&self) -> &Capability {
        self.inner.capability()
    }

    async fn put(&self, key: &str, object: PutObject, condition: Condition) -> Result<PutResult> {
        self.inner.put(key, object, condition).await
    }

    async fn get(&self, key: &str) -> Result<Option<Object>> {
        self.inner.get(key).await
    }

    async fn head(&self, key: &str) -> Result<Option<Head>> {
        self.inner.head(key).await
    }

    async fn copy(&self, from: &str, to: &str, new: Option<Replace>, on: Condition) -> Result<PutResult> {
        self.inner.copy(from, to, new, on).await
    }

    async fn list(&self, request: ListRequest) -> Result<ListPage> {
        self.inner.list(request).await
    }

    async fn delete(&self, key: &str, condition: Condition) -> Result<()> {
        self.inner.delete(key, condition).await
    }

    async fn delete_many(&self, keys: &[String]) -> Result<Vec<Result<()>>> {
        self.inner.delete_many(keys).await
    }

    async fn list_versions(&self, request: VersionsRequest) -> Result<VersionPage> {
        let page = self.inner.list_versions(request).await?;
        if self.listings.fetch_add(1, Ordering::SeqCst) == 0 {
            self.other.resource("users")?.update("ann", json!({"name": "of another"})).await?;
        }
        Ok(page)
    }

    async fn get_version(&self, key: &str, version_id: &str) -> Result<Option<Object>> {
        self.inner.get_version(key, version_id).await
    }
}

#[tokio::test]
async fn a_change_of_another_writer_meanwhile_is_what_is_undone() {
    let world = World::new();
    let other = world.open().await;
    let theirs = users(&other).await;
    theirs.insert(json!({"id": "ann", "name": "Ann"})).await.unwrap();
    theirs.update("ann", json!({"name": "Anna"})).await.unwrap();
    let (inner, listings) = (Arc::new(world.bucket.clone()), AtomicU32::new(0));
    let db = open_on(Arc::new(Overtaken { inner, other, listings }), world.env.clone()).await;
    let undone = db.resource("users").unwrap().undo("ann").await.unwrap();
    assert_eq!(undone.data["name"], "Anna");
    assert_eq!(names(&theirs, "ann").await, ["Anna", "of another", "Anna", "Ann"]);
}

#[tokio::test]
async fn listeners_and_hooks_hear_of_it_as_of_a_replace() {
    let world = World::new();
    let db = world.open().await;
    let users = users(&db).await;
    users.insert(json!({"id": "ann", "name": "Ann"})).await.unwrap();
    users.update("ann", json!({"name": "Anna"})).await.unwrap();
    let mut changes = db.changes(ChangeOptions::default());
    users
        .hook(HookPoint::BeforeReplace, "city", |mut call| async move {
            if let Some(document) = &mut call.document {
                document.insert("city".into(), "Rome".into());
            }
            Ok(call)
        })
        .keep();
    assert_eq!(users.undo("ann").await.unwrap().data["city"], "Rome");
    let change = changes.next().await.unwrap();
    assert_eq!((change.action, &*change.id), (Action::Replace, "ann"));
    assert_eq!(change.before.as_ref().unwrap()["name"], "Anna");
    assert_eq!(change.after.as_ref().unwrap()["name"], "Ann");
}

#[derive(Debug)]
struct ReadOnly;

#[async_trait]
impl OpLayer for ReadOnly {
    async fn call(&self, op: Op<'_>, next: Next<'_>) -> Result<Answer> {
        match op.verb() {
            verb if verb.is_read() => next.run(op).await,
            verb => Err(Error::new(ErrorKind::Denied, "this process only reads").with("verb", verb)),
        }
    }
}

#[tokio::test]
async fn a_layer_sees_reads_of_versions_and_may_refuse_an_undo() {
    let world = World::new();
    let users = users(&world.open().await).await;
    users.insert(json!({"id": "ann", "name": "Ann"})).await.unwrap();
    users.update("ann", json!({"name": "Anna"})).await.unwrap();
    users.layer(Stage::Guard, Arc::new(ReadOnly)).keep();
    assert_eq!(names(&users, "ann").await, ["Anna", "Ann"]);
    let first = users.history("ann").await.unwrap().pop().unwrap();
    assert_eq!(users.get_version("ann", &first.version_id).await.unwrap().data["name"], "Ann");
    assert_eq!(users.get_as_of("ann", first.at_ms).await.unwrap().data["name"], "Anna", "both in one moment");
    let error = users.undo("ann").await.unwrap_err();
    assert_eq!((error.kind(), error.context("verb")), (ErrorKind::Denied, Some(Verb::Undo.as_str())));
    let error = users.restore_version("ann", &first.version_id).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied);
}
