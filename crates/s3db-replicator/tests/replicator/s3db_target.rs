//! Another database of this kind as a target.

use s3db_core::behavior::Behavior;
use s3db_core::{Database, ResourceConfig};
use s3db_replicator::{Replicator, ReplicatorOptions, Route, Routes, S3dbTarget, Target};
use serde_json::{Value, json};

async fn pair(
    options: impl FnOnce(S3dbTarget) -> ReplicatorOptions,
    name: &str,
) -> (Database, Database, Replicator) {
    let backup = Database::connect(&format!("memory://backup/{name}")).await.unwrap();
    let replicator = Replicator::with(options(S3dbTarget::on(backup.clone())));
    let db = Database::builder(&format!("memory://shop/{name}")).unwrap().plugin(replicator.clone());
    (db.connect().await.unwrap(), backup, replicator)
}

fn orders() -> ResourceConfig {
    let attributes = json!({
        "customer": "string", "total": "money:2|optional", "at": "datetime|optional", "tags": "array|items:string|optional",
        "address": {"city": "string|optional"}, "text": "string|optional",
    });
    ResourceConfig::new("orders", attributes)
        .behavior(Behavior::BodyOverflow)
        .timestamps(true)
        .partitions(json!({"byCity": {"fields": {"address.city": "string"}}}))
}

#[tokio::test]
async fn the_copy_has_the_documents_their_times_and_their_partitions() {
    let (db, backup, replicator) =
        pair(|target| ReplicatorOptions::default().target("backup", target, Routes::all()), "copy").await;
    let rows = db.create_resource(orders()).await.unwrap();
    for n in 0..20 {
        let order = json!({
            "id": format!("o{n:02}"), "customer": "Ann", "total": 12.5, "at": "2026-01-02T03:04:05.678Z", "tags": ["a", "b"],
            "address": {"city": if n % 2 == 0 { "Rome" } else { "Oslo" }}, "text": "x".repeat(n * 300),
        });
        rows.insert(order).await.unwrap();
    }
    rows.update("o03", json!({"address.city": "Rome"})).await.unwrap();
    rows.delete("o05").await.unwrap();
    replicator.flush().await.unwrap();
    let copy = backup.resource("orders").unwrap();
    let documents = |listing: s3db_core::resource::Listing| -> Vec<Value> {
        listing.records.iter().map(|record| Value::Object(record.fields())).collect()
    };
    assert_eq!(documents(copy.get_all().await.unwrap()), documents(rows.get_all().await.unwrap()));
    let rome = copy.partition("byCity", json!({"address.city": "Rome"})).unwrap();
    assert_eq!(rome.count().await.unwrap(), 11);
    // What is there already is not written again.
    let before = backup.requests();
    replicator.replay(&Default::default()).await.unwrap();
    let spent = backup.requests() - before;
    assert_eq!((spent.put, spent.get), (0, 19));
    db.close().await;
}

#[tokio::test]
async fn two_databases_may_be_targets_of_each_other() {
    let name = "mutual";
    let plain = async |at: &str| Database::connect(&format!("memory://{at}/{name}")).await.unwrap();
    let (left_plain, right_plain) = (plain("left").await, plain("right").await);
    let towards = |db: &Database| {
        let target = S3dbTarget::on(db.clone());
        Replicator::with(ReplicatorOptions::default().target("other", target, Routes::all()))
    };
    let right_replicator = towards(&left_plain);
    let right = Database::builder_on(right_plain.store().clone(), right_plain.key_root())
        .plugin(right_replicator.clone());
    let right = right.connect().await.unwrap();
    let left_replicator = towards(&right);
    let left = Database::builder_on(left_plain.store().clone(), left_plain.key_root())
        .plugin(left_replicator.clone());
    let left = left.connect().await.unwrap();
    let rows = left.create_resource(ResourceConfig::new("notes", json!({"text": "string"}))).await.unwrap();
    rows.insert(json!({"id": "a", "text": "from the left"})).await.unwrap();
    left_replicator.flush().await.unwrap();
    right_replicator.flush().await.unwrap();
    let mirrored = right.resource("notes").unwrap();
    assert_eq!(mirrored.get("a").await.unwrap().data["text"], "from the left");
    mirrored.update("a", json!({"text": "from the right"})).await.unwrap();
    right_replicator.flush().await.unwrap();
    assert_eq!(rows.uncached().get("a").await.unwrap().data["text"], "from the right");
    // It ends: what comes back is what is there.
    let (before, stats) = (left.requests(), left_replicator.stats());
    left_replicator.flush().await.unwrap();
    assert_eq!((left.requests() - before).put, 0);
    assert!(stats.recorded <= 2, "{stats:?}");
    left.close().await;
    right.close().await;
}

#[tokio::test]
async fn what_a_route_leaves_out_is_no_attribute_of_the_copy() {
    let routes = Routes::all().resource("users", Route::to("people").without("age"));
    let (db, backup, replicator) =
        pair(|target| ReplicatorOptions::default().target("backup", target, routes), "left-out").await;
    let attributes = json!({"name": "string", "age": "number", "pin": "secret|optional"});
    let users = db.create_resource(ResourceConfig::new("users", attributes)).await.unwrap();
    users.insert(json!({"id": "a", "name": "A", "age": 3})).await.unwrap();
    replicator.flush().await.unwrap();
    let people = backup.resource("people").unwrap();
    let names: Vec<String> = people.definition().unwrap().attributes.keys().cloned().collect();
    assert_eq!(names, ["name"]);
    assert_eq!(Value::Object(people.get("a").await.unwrap().fields()), json!({"id": "a", "name": "A"}));
    db.close().await;
}

#[tokio::test]
async fn a_resource_that_the_target_lacks_and_may_not_get_is_told_of() {
    let make = |target: S3dbTarget| {
        let target = target.creates_resources(false);
        ReplicatorOptions::default().target("backup", target, Routes::all()).retries(
            1,
            std::time::Duration::from_millis(1),
            std::time::Duration::from_millis(1),
        )
    };
    let (db, _, replicator) = pair(make, "lacks").await;
    let notes = db.create_resource(ResourceConfig::new("notes", json!({"text": "string"}))).await.unwrap();
    notes.insert(json!({"id": "a", "text": "A"})).await.unwrap();
    replicator.flush().await.unwrap();
    let letters = replicator.dead_letters(None).await.unwrap();
    assert!(letters[0].error.contains("create_resources"), "{letters:?}");
    db.close().await;
}

#[tokio::test]
async fn a_connection_string_is_never_shown() {
    let target = S3dbTarget::connect("s3://AKIAKEY:topsecret@bucket/app").unwrap();
    assert!(!format!("{target:?}").contains("topsecret"));
    assert_eq!(target.driver(), "s3db");
    let error = S3dbTarget::connect("s4://AKIAKEY:topsecret@bucket/app").unwrap_err();
    assert!(!format!("{error:?}{error}").contains("topsecret"));
}
