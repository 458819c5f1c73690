//! The policy that `s3db doctor --policy` prints is enough for everything that a database does, and no action is in it
//! for nothing.

use std::sync::Arc;

use s3db::connection::Connection;
use s3db::doctor::{Access, ExamineOptions, policy};
use s3db::env::{Env, SystemEnv};
use s3db::fsck::FsckOptions;
use s3db::id::IdGenerator;
use s3db::lease::AcquireOptions;
use s3db::plugin::storage::{Scope, SetOptions};
use s3db::store::{Condition, MemoryStore, PutObject, dump};
use s3db::{Database, ErrorKind, ResourceConfig, Result};
use s3db_testkit::s3_server::{S3Server, ServerOptions};
use serde_json::{Value, json};

/// A server over `store` that allows what a policy does.
async fn server(store: &MemoryStore, policy: Value) -> S3Server {
    let mut options = ServerOptions::default();
    options.policy = Some(policy);
    S3Server::start(Arc::new(store.clone()), options).await.unwrap()
}

fn least(access: Access) -> Value {
    policy(&Connection::parse("s3://bucket/app").unwrap(), access).unwrap()
}

/// Everything that a database writes and reads, at a prefix.
async fn live(server: &S3Server, prefix: &str) -> Result<()> {
    let connection = format!("{}/{prefix}", server.connection_string());
    let db = Database::connect(&connection).await?;
    let ids = IdGenerator::from_json(&json!("incremental:fast"))?;
    let config = ResourceConfig::new(
        "users",
        json!({ "city": "string", "email": "string|unique", "n": "number|optional" }),
    )
    .partitions(json!({ "byCity": { "fields": { "city": "string" } } }))
    .id_generator(ids);
    let users = db.create_resource(config).await?;
    let id = users.insert(json!({ "city": "Rome", "email": "a@x.io" })).await?.id;
    users.insert(json!({ "id": "b", "city": "Oslo", "email": "b@x.io" })).await?;
    assert_eq!(users.get("nobody").await.unwrap_err().kind(), ErrorKind::NotFound);
    users.update(&id, json!({ "city": "Paris", "email": "c@x.io" })).await?;
    users.patch(&id, json!({ "n": 1 })).await?;
    users.replace("b", json!({ "city": "Rome", "email": "b@x.io" })).await?;
    users.upsert(json!({ "id": "d", "city": "Rome", "email": "d@x.io" })).await?;
    read(&db).await?;
    users.reserve_batch(3).await?;
    users.reset_sequence("id", 100).await?;
    users.delete(&id).await?;
    let mut deleted = users.delete_many(["d".to_owned()]).await;
    if let Some(failed) = deleted.failed.pop() {
        return Err(failed.error);
    }

    let storage = db.plugin_storage("reports")?;
    storage.set("day", json!({ "n": 1 }), SetOptions::default()).await?;
    storage.increment("count", 2).await?;
    storage.get("day").await?;
    storage.list("").await?;
    storage.leases().with_lock("nightly", AcquireOptions::default(), |_| async { Ok(()) }).await?;
    storage.delete("day").await?;
    storage.delete_all(Scope::Everywhere).await?;

    db.fsck(FsckOptions { repair: true, ..FsckOptions::default() }).await?.collect().await?;
    assert!(db.examine(ExamineOptions::default()).await?.is_safe());
    users.delete_all(true).await?;
    db.close().await;
    Ok(())
}

/// Everything that only reads.
async fn read(db: &Database) -> Result<()> {
    let users = db.resource("users")?;
    users.get("b").await?;
    users.exists("nobody").await?;
    users.list_ids(Default::default()).await?;
    users.get_all().await?;
    users.count().await?;
    users.page(2, None).await?;
    users.query(json!({ "city": "Rome" })).run().await?;
    users.query(json!({ "n": 1 })).run().await?;
    users.list_sequences().await?;
    dump::dump(db.store(), db.key_root(), &mut Vec::new()).await?;
    db.fsck(FsckOptions::default()).await?.collect().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_least_policy_is_enough_for_everything_below_the_prefix_and_for_nothing_else() {
    let store = MemoryStore::new();
    let server = server(&store, least(Access::ReadWrite)).await;
    live(&server, "app").await.unwrap();
    assert_eq!(live(&server, "other").await.unwrap_err().kind(), ErrorKind::Denied);
    assert_eq!(live(&server, "app2").await.unwrap_err().kind(), ErrorKind::Denied);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_action_of_the_policy_can_be_left_out() {
    let actions = [Access::ReadWrite.object_actions(), Access::ReadWrite.bucket_actions()].concat();
    assert_eq!(actions.len(), 4);
    for left_out in actions {
        let mut less = least(Access::ReadWrite);
        for statement in less["Statement"].as_array_mut().unwrap() {
            statement["Action"].as_array_mut().unwrap().retain(|action| action != left_out);
        }
        let server = server(&MemoryStore::new(), less).await;
        let denied = live(&server, "app").await.unwrap_err();
        assert_eq!(denied.kind(), ErrorKind::Denied, "without {left_out}: {denied:?}");
        server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_reads_with_its_policy_and_writes_nothing() {
    let store = MemoryStore::new();
    let owner = Database::builder_on(Arc::new(store.clone()), "app").connect().await.unwrap();
    let config = ResourceConfig::new("users", json!({ "city": "string", "n": "number|optional" }))
        .partitions(json!({ "byCity": { "fields": { "city": "string" } } }));
    let users = owner.create_resource(config).await.unwrap();
    users.insert(json!({ "id": "b", "city": "Rome", "n": 1 })).await.unwrap();

    let server = server(&store, least(Access::ReadOnly)).await;
    let db = Database::connect(&format!("{}/app", server.connection_string())).await.unwrap();
    read(&db).await.unwrap();
    let before = store.len();
    let refused = db.resource("users").unwrap().insert(json!({ "city": "Oslo" })).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Denied);
    assert_eq!(store.len(), before);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_permission_to_list_no_new_database_opens_and_the_doctor_says_what_lacks() {
    let mut less = least(Access::ReadWrite);
    less["Statement"].as_array_mut().unwrap().truncate(1);
    let server = server(&MemoryStore::new(), less).await;
    let connection = format!("{}/app", server.connection_string());
    let opened = Database::connect(&connection).await.unwrap_err();
    assert_eq!(opened.kind(), ErrorKind::Denied, "a new database cannot be opened");
    let env: Arc<dyn Env> = Arc::new(SystemEnv);
    let store = s3db::store::open(&Connection::parse(&connection).unwrap(), &env).await.unwrap();
    store.put("app/x", PutObject::default(), Condition::None).await.unwrap();
    let examined = s3db::doctor::examine(store, env, ExamineOptions::below("app")).await.unwrap_err();
    assert_eq!(examined.kind(), ErrorKind::Denied);
    assert!(examined.suggestion().unwrap().contains("s3:ListBucket"), "{examined:?}");
    server.stop().await;
}
