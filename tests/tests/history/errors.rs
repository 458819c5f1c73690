//! What is said where there is no history.

use std::sync::Arc;

use s3db::store::{FileOptions, FileStore, MemoryOptions, MemoryStore, Store};
use s3db::{Database, Error, ErrorKind};
use s3db_testkit::s3_server::{S3Server, ServerOptions};
use serde_json::json;

use super::{World, users};
use crate::s3::independent;

#[track_caller]
fn check(error: &Error, kind: ErrorKind, says: &str, hint: &str) {
    assert_eq!(error.kind(), kind, "{error:?}");
    assert!(error.to_string().contains(says), "{says:?} is not in {error:?}");
    let suggestion = error.suggestion().unwrap_or_default();
    assert!(suggestion.contains(hint), "{hint:?} is not in {suggestion:?}");
}

#[tokio::test]
async fn a_store_that_keeps_no_versions_says_how_to_have_them() {
    let folder = tempfile::tempdir().unwrap();
    let file = FileStore::open(folder.path(), FileOptions::default()).await.unwrap();
    let stores: [(Arc<dyn Store>, &str); 2] =
        [(Arc::new(MemoryStore::new()), "keep_versions"), (Arc::new(file), "versioning turned on")];
    for (store, hint) in stores {
        let db = Database::builder_on(store, "").connect().await.unwrap();
        let users = users(&db).await;
        users.insert(json!({"id": "ann", "name": "Ann"})).await.unwrap();
        let says = "keeps no old versions";
        check(&users.history("ann").await.unwrap_err(), ErrorKind::Unsupported, says, hint);
        check(&users.get_as_of("ann", 0).await.unwrap_err(), ErrorKind::Unsupported, says, hint);
        check(&users.undo("ann").await.unwrap_err(), ErrorKind::Unsupported, says, hint);
        check(&users.get_version("ann", "1").await.unwrap_err(), ErrorKind::Unsupported, says, hint);
        check(&users.diff("ann", "1", "2").await.unwrap_err(), ErrorKind::Unsupported, says, hint);
        let error = users.history("ann").await.unwrap_err();
        assert_eq!((error.context("resource"), error.context("id")), (Some("users"), Some("ann")));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_of_s3_without_versioning_is_told_from_one_without_the_document() {
    for variable in ["S3DB_TEST_SEAWEEDFS", "S3DB_TEST_MINISTACK"] {
        let Some(connection) = independent(variable) else { continue };
        let prefix = format!("{connection}/no-history-{}", std::process::id());
        let db = Database::connect(&prefix).await.unwrap();
        let users = users(&db).await;
        users.insert(json!({"id": "ann", "name": "Ann"})).await.unwrap();
        let error = users.history("ann").await.unwrap_err();
        check(&error, ErrorKind::Unsupported, "has kept no old versions", "put-bucket-versioning");
        check(&users.undo("ann").await.unwrap_err(), ErrorKind::Unsupported, "has kept no", "versioning");
        let error = users.history("bob").await.unwrap_err();
        check(&error, ErrorKind::NotFound, "no version of the document is kept", "never written");
        users.delete_all(true).await.unwrap();
    }
}

#[tokio::test]
async fn a_version_that_is_not_there_is_named() {
    let world = World::new();
    let users = users(&world.open().await).await;
    users.insert(json!({"id": "ann", "name": "Ann"})).await.unwrap();
    users.insert(json!({"id": "bob", "name": "Bob"})).await.unwrap();
    let of_bob = users.history("bob").await.unwrap().remove(0).version_id;
    for id in [&*of_bob, "nonsense", ""] {
        let error = users.get_version("ann", id).await.unwrap_err();
        check(&error, ErrorKind::NotFound, "no such version", "history");
        assert_eq!(error.context("version_id"), Some(id));
        let error = users.restore_version("ann", id).await.unwrap_err();
        check(&error, ErrorKind::NotFound, "no such version", "history");
    }
    check(&users.history("nobody").await.unwrap_err(), ErrorKind::NotFound, "no version", "never written");
    check(&users.undo("nobody").await.unwrap_err(), ErrorKind::NotFound, "no version", "never written");
}

#[tokio::test]
async fn there_is_nothing_to_undo_where_the_document_was_not_there_before() {
    let world = World::new();
    let users = users(&world.open().await).await;
    users.insert(json!({"id": "ann", "name": "Ann"})).await.unwrap();
    check(&users.undo("ann").await.unwrap_err(), ErrorKind::NotFound, "no version before", "delete");
    users.delete("ann").await.unwrap();
    users.insert(json!({"id": "ann", "name": "Anna"})).await.unwrap();
    let error = users.undo("ann").await.unwrap_err();
    check(&error, ErrorKind::NotFound, "was not there", "restore_version");
    assert_eq!(users.get("ann").await.unwrap().data["name"], "Anna", "nothing was written");
}

#[tokio::test]
async fn credentials_that_may_not_read_versions_are_told_which_actions_they_need() {
    let bucket = Arc::new(MemoryStore::with(MemoryOptions::default().keep_versions()));
    let mut options = ServerOptions::default();
    let connection = s3db::connection::Connection::parse("s3://bucket").unwrap();
    options.policy = Some(s3db::doctor::policy(&connection, s3db::doctor::Access::ReadWrite).unwrap());
    let server = S3Server::start(bucket, options).await.unwrap();
    let users = users(&Database::connect(&server.connection_string()).await.unwrap()).await;
    users.insert(json!({"id": "ann", "name": "Ann"})).await.unwrap();
    for error in [
        users.history("ann").await.unwrap_err(),
        users.get_version("ann", "memory-000001").await.unwrap_err(),
    ] {
        check(&error, ErrorKind::Denied, "", "s3:ListBucketVersions");
        check(&error, ErrorKind::Denied, "", "s3:GetObjectVersion");
    }
    server.stop().await;
}
