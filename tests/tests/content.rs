//! Content of the user's own, beside the fields of a document.

mod breaking;
mod reads;

use std::sync::Arc;

use s3db::behavior::Behavior;
use s3db::database::{Action, ChangeOptions};
use s3db::resource::{NewContent, WriteCheck};
use s3db::store::{Condition, MemoryStore, Metadata, PutObject, Store as _};
use s3db::{Database, ErrorKind, Resource, ResourceConfig};
use s3db_testkit::TestEnv;
use serde_json::json;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\xff";

async fn files(store: &MemoryStore, behavior: Behavior) -> (Database, Resource) {
    let env = Arc::new(TestEnv::new(1));
    let db = Database::builder_on(Arc::new(store.clone()), "app").env(env).connect().await.unwrap();
    let attributes = json!({"title": "string", "n": "number|optional", "text": "string|optional"});
    let config = ResourceConfig::new("files", attributes)
        .behavior(behavior)
        .timestamps(true)
        .partitions(json!({"byTitle": {"fields": {"title": "string"}}}));
    let files = db.create_resource(config).await.unwrap();
    (db, files)
}

fn picture() -> NewContent {
    NewContent::new(PNG).content_type("image/png")
}

async fn put(store: &MemoryStore, id: &str, metadata: &[(&str, &str)], body: &'static str) {
    let metadata = Arc::new(metadata.iter().copied().collect::<Metadata>());
    let object = PutObject { metadata, body: body.into(), content_type: Some("application/json".into()) };
    let key = format!("app/resource=files/data/id={id}");
    store.put(&key, object, Condition::None).await.unwrap();
}

#[tokio::test]
async fn content_comes_and_goes_and_the_fields_stay_under_every_behavior() {
    for behavior in Behavior::ALL {
        let store = MemoryStore::new();
        let (_db, files) = files(&store, behavior).await;
        let fields = json!({"id": "a", "title": "São Paulo", "n": 12.5, "text": "plain"});
        let inserted = files.insert(fields).await.unwrap();
        assert!(!files.has_content("a").await.unwrap());
        assert_eq!(files.content("a").await.unwrap(), None, "{behavior}");

        let set = files.set_content("a", picture()).await.unwrap();
        assert_eq!(set.data, inserted.data, "{behavior}");
        assert!(set.meta.has_content && set.meta.content_length == PNG.len() as u64, "{behavior}");
        assert!(files.has_content("a").await.unwrap(), "{behavior}");
        let read = files.content("a").await.unwrap().unwrap();
        assert_eq!((&read.bytes[..], read.content_type.as_deref()), (PNG, Some("image/png")), "{behavior}");
        assert_eq!(read.etag, set.meta.etag);
        assert_eq!(files.get("a").await.unwrap().data, inserted.data, "{behavior}");

        let updated = files.update("a", json!({"n": 13})).await.unwrap();
        assert_eq!((&updated.data["n"], &updated.data["title"]), (&json!(13), &json!("São Paulo")));
        assert_eq!(files.content("a").await.unwrap().unwrap().bytes, PNG, "{behavior}: an update keeps it");
        files.set_content("a", NewContent::new(vec![7])).await.unwrap();
        assert_eq!(files.content("a").await.unwrap().unwrap().bytes[..], [7]);

        let left = files.delete_content("a").await.unwrap();
        assert!(!left.meta.has_content && left.data == updated.data, "{behavior}");
        assert!(!files.has_content("a").await.unwrap());
        let read = files.get("a").await.unwrap();
        assert_eq!((&read.data, read.meta.check), (&updated.data, WriteCheck::Checked), "{behavior}");
        assert_eq!(
            files.partition("byTitle", json!({"title": "São Paulo"})).unwrap().count().await.unwrap(),
            1
        );
        files.delete("a").await.unwrap();
        assert!(store.objects().iter().all(|(key, _)| !key.contains("/resource=files/")), "{behavior}");
    }
}

#[tokio::test]
async fn fields_in_the_body_move_to_the_metadata_or_the_content_is_refused() {
    let store = MemoryStore::new();
    let (_db, files) = files(&store, Behavior::BodyOverflow).await;
    files.insert(json!({"id": "long", "title": "T", "text": "x".repeat(5000)})).await.unwrap();
    let before = store.objects();
    let refused = files.set_content("long", picture()).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::TooLarge, "{refused}");
    assert!(format!("{refused:?}").contains("must fit the metadata"), "{refused:?}");
    assert_eq!(store.objects().len(), before.len());
    let long = files.get("long").await.unwrap();
    assert_eq!((long.data["text"].as_str().unwrap().len(), long.meta.has_content), (5000, false));

    // What fits the metadata but not beside the entries that describe content.
    let (_db, strict) = self::files(&MemoryStore::new(), Behavior::EnforceLimits).await;
    let mut text = "x".repeat(2048);
    while strict.insert(json!({"id": "full", "title": "T", "text": text})).await.is_err() {
        text.pop();
    }
    let wordy = format!("image/{}", "x".repeat(240));
    let refused = strict.set_content("full", picture().content_type(wordy)).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::TooLarge, "{refused}");
    // And an update of a document with content that would not leave room.
    strict.insert(json!({"id": "small", "title": "T"})).await.unwrap();
    strict.set_content("small", picture()).await.unwrap();
    let refused = strict.update("small", json!({"text": text})).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::TooLarge, "{refused}");
    assert_eq!(strict.content("small").await.unwrap().unwrap().bytes, PNG);
}

#[tokio::test]
async fn content_and_updates_at_once_lose_nothing() {
    let store = MemoryStore::new();
    let (_db, files) = files(&store, Behavior::BodyOverflow).await;
    for round in 0..20 {
        let id = format!("r{round}");
        files.insert(json!({"id": id, "title": "T", "n": 0})).await.unwrap();
        let add = |files: Resource, id: String| async move {
            files
                .update_with(&id, |data| {
                    data["n"] = json!(data["n"].as_i64().unwrap_or(0) + 1);
                    Ok(())
                })
                .await
                .unwrap();
        };
        // One of each: updates of a document that has content already see only changes of the content.
        let update = tokio::spawn(add(files.clone(), id.clone()));
        let set = tokio::spawn({
            let (files, id) = (files.clone(), id.clone());
            async move { files.set_content(&id, picture()).await.unwrap() }
        });
        update.await.unwrap();
        set.await.unwrap();
        let read = files.get(&id).await.unwrap();
        assert_eq!((&read.data["n"], read.meta.has_content), (&json!(1), true), "{id}");
    }
    let seen = files.insert(json!({"id": "seen", "title": "T"})).await.unwrap().meta.etag;
    files.update("seen", json!({"n": 1})).await.unwrap();
    let refused = files.if_match(&seen).set_content("seen", picture()).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Conflict);
    let now = files.get("seen").await.unwrap().meta.etag;
    let now = files.if_match(&now).set_content("seen", picture()).await.unwrap().meta.etag;
    assert_eq!(files.if_match(&seen).delete_content("seen").await.unwrap_err().kind(), ErrorKind::Conflict);
    files.if_match(&now).delete_content("seen").await.unwrap();
}

#[tokio::test]
async fn bad_content_is_refused_and_nothing_is_written() {
    let store = MemoryStore::new();
    let (db, files) = files(&store, Behavior::BodyOverflow).await;
    files.insert(json!({"id": "a", "title": "T"})).await.unwrap();
    let before = db.requests();
    for (content, field) in [
        (NewContent::new(Vec::new()), "content"),
        (picture().content_type("png"), "content_type"),
        (picture().content_type("image/p\ng"), "content_type"),
        (picture().content_type(""), "content_type"),
        (NewContent::new(r#"{"_w":"abc"}"#), "content"),
    ] {
        let refused = files.set_content("a", content.clone()).await.unwrap_err();
        assert_eq!(
            (refused.kind(), refused.context("field")),
            (ErrorKind::Validation, Some(field)),
            "{content:?}"
        );
    }
    assert_eq!((db.requests() - before).put, 0);
    for refused in [
        files.set_content("nobody", picture()).await.unwrap_err(),
        files.delete_content("nobody").await.unwrap_err(),
        files.content("nobody").await.unwrap_err(),
    ] {
        assert_eq!((refused.kind(), refused.context("id")), (ErrorKind::NotFound, Some("nobody")));
    }
    assert!(!files.has_content("nobody").await.unwrap());
}

#[tokio::test]
async fn changes_tell_of_content() {
    let store = MemoryStore::new();
    let (db, files) = files(&store, Behavior::BodyOverflow).await;
    files.insert(json!({"id": "a", "title": "T"})).await.unwrap();
    let mut changes = db.changes(ChangeOptions::new());
    let etag = files.set_content("a", picture()).await.unwrap().meta.etag;
    files.delete_content("a").await.unwrap();
    files.delete_content("a").await.unwrap();
    let set = changes.try_next().unwrap();
    assert_eq!((set.action, set.etag.as_ref()), (Action::SetContent, Some(&etag)));
    assert_eq!(set.before, set.after);
    assert_eq!(changes.try_next().unwrap().action, Action::DeleteContent);
    assert_eq!(changes.try_next(), None, "there was nothing left to delete");
}

#[tokio::test]
async fn json_is_content_too_and_no_field() {
    for behavior in Behavior::ALL {
        let store = MemoryStore::new();
        let (_db, files) = files(&store, behavior).await;
        let inserted = files.insert(json!({"id": "a", "title": "T"})).await.unwrap();
        let note = NewContent::new(r#"{"title":"of the content","x":1}"#).content_type("application/json");
        files.set_content("a", note).await.unwrap();
        assert_eq!(files.get("a").await.unwrap().data, inserted.data, "{behavior}");
        assert!(files.has_content("a").await.unwrap(), "{behavior}");
    }
}

#[tokio::test]
async fn what_updates_by_s3db_js_leave_is_no_content() {
    let store = MemoryStore::new();
    let (_db, files) = files(&store, Behavior::BodyOverflow).await;
    let leaked = [("_v", "v1"), ("_hascontent", "true"), ("_contentlength", "25"), ("_mimetype", "d:j")];
    let overflow: Vec<(&str, &str)> = [("0", "T"), ("_overflow", "true")].into_iter().chain(leaked).collect();
    put(&store, "overflow", &overflow, r#"{"2":"moved to the body"}"#).await;
    let copied: Vec<(&str, &str)> = [("0", "T")].into_iter().chain(leaked).collect();
    put(&store, "copied", &copied, r#"{"0":"T","_v":"v1","n":1}"#).await;
    for id in ["overflow", "copied"] {
        assert!(!files.has_content(id).await.unwrap(), "{id}");
        assert_eq!(files.content(id).await.unwrap(), None, "{id}");
        let updated = files.update(id, json!({"text": "y".repeat(4000)})).await.unwrap();
        assert_eq!(updated.data["text"].as_str().unwrap().len(), 4000, "{id}: it can overflow as ever");
    }
}
