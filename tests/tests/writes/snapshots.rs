//! What is kept of a document before an update brings it to a new version of its schema, when requests fail.

use s3db::store::Store as _;
use s3db::{Database, ResourceConfig};
use serde_json::json;

use super::faulty::{Fault, Faulty};

#[tokio::test]
async fn an_update_that_is_cut_off_leaves_the_document_or_a_snapshot_of_it() {
    // Which request fails, how, and whether the update comes through all the same.
    for (part, fault, is_mended) in [
        ("historical/id=ann", Fault::NotSent, false),
        ("historical/id=ann", Fault::AnswerLost, false),
        ("historical/id=ann", Fault::RefusedByItself, true),
        ("data/id=ann", Fault::NotSent, false),
        ("data/id=ann", Fault::RefusedByItself, true),
    ] {
        let what = format!("{part} {fault:?}");
        let store = Faulty::new();
        let builder = Database::builder_on(store.clone(), "").options(|options| options.versioning = true);
        let db = builder.connect().await.unwrap();
        let config = ResourceConfig::new("users", json!({"name": "string", "age": "string"}));
        let users = db.create_resource(config).await.unwrap();
        users.insert(json!({"id": "ann", "name": "Ann", "age": "30"})).await.unwrap();
        users.update_attributes(json!({"name": "string", "age": "number"})).await.unwrap();

        store.next_put(part, fault);
        let updated = users.update("ann", json!({"age": 31})).await;
        assert_eq!(updated.is_ok(), is_mended, "{what}: {updated:?}");
        if let Err(error) = &updated {
            assert!(!part.starts_with("historical") || !error.is_outcome_unknown(), "{what}: {error:?}");
            assert_eq!(users.get("ann").await.unwrap().data["age"], "30", "{what}");
            // Once more, over what the first try has left.
            users.update("ann", json!({"age": 31})).await.unwrap();
        }
        let now = users.get("ann").await.unwrap();
        assert_eq!((&now.data["age"], now.meta.version.as_str()), (&json!(31), "v2"), "{what}");
        let kept = users.snapshot("ann").await.unwrap().unwrap();
        assert_eq!((&kept.data["age"], kept.meta.version.as_str()), (&json!("30"), "v1"), "{what}");
        let by_version = users.partition("byVersion", json!({"_v": "v2"})).unwrap();
        assert_eq!(by_version.list_ids(Default::default()).await.unwrap(), ["ann"], "{what}");
        assert!(store.head("resource=users/historical/id=ann").await.unwrap().is_some());
    }
}
