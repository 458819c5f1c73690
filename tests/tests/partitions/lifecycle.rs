//! Partitions that lose their fields, and partitions that come when the documents are there already.

use std::sync::Arc;
use std::time::Duration;

use s3db::fsck::{FindingKind, FsckOptions};
use s3db::resource::{ReindexOptions, ReindexProgress};
use s3db::store::{Condition, MemoryStore, PutObject, Requests, Store};
use s3db::{Database, ErrorKind, Event, Resource, ResourceConfig};
use serde_json::{Value, json};

use super::{open, spent};

async fn loose(store: &MemoryStore) -> Database {
    let builder = Database::builder_on(Arc::new(store.clone()), "");
    builder.options(|options| options.strict_validation = false).connect().await.unwrap()
}

fn people(attributes: Value, partitions: Value) -> ResourceConfig {
    ResourceConfig::new("people", attributes).partitions(partitions)
}

fn by(field: &str) -> Value {
    json!({ "fields": { field: "string" } })
}

async fn reindex(
    resource: &Resource,
    options: ReindexOptions,
) -> (s3db::resource::Reindexed, Vec<ReindexProgress>) {
    let mut steps = Vec::new();
    let reindexed = resource.reindex(options, &mut |progress| steps.push(progress)).await.unwrap();
    (reindexed, steps)
}

#[tokio::test]
async fn an_orphaned_partition_is_found_shown_and_removed_without_a_document_being_lost() {
    let store = MemoryStore::new();
    let fields = json!({"name": "string", "city": "string", "region": "string"});
    let both = json!({"byCity": by("city"), "byRegion": by("region")});
    let before = open(&store).await.create_resource(people(fields, both.clone())).await.unwrap();
    before.insert(json!({"id": "ann", "name": "Ann", "city": "Rome", "region": "IT"})).await.unwrap();

    // The field goes, and its partition stays.
    let fields = json!({"name": "string", "city": "string"});
    let error = open(&store).await.create_resource(people(fields.clone(), both.clone())).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("partition=byRegion field=region"), "{error}");
    loose(&store).await.create_resource(people(fields, both)).await.unwrap();

    // Opening a database with an orphan never fails, strict or not.
    let db = open(&store).await;
    let people = db.resource("people").unwrap();
    assert!(people.warnings()[0].contains("byRegion"), "{:?}", people.warnings());
    people.insert(json!({"id": "bob", "name": "Bob", "city": "Rome"})).await.unwrap();
    let (orphans, cost) = spent(&db, async { people.find_orphaned_partitions() }).await;
    let orphans = orphans.unwrap();
    assert_eq!(cost, Requests::NONE);
    assert_eq!(
        (orphans[0].name.as_str(), &orphans[0].missing_fields[..]),
        ("byRegion", &["region".to_owned()][..])
    );

    let (preview, cost) = spent(&db, people.remove_orphaned_partitions(true)).await;
    assert_eq!((preview.unwrap(), cost), (orphans.clone(), Requests::NONE));
    assert_eq!(people.partitions().unwrap().len(), 2);

    let mut events = db.events();
    let (removed, cost) = spent(&db, people.remove_orphaned_partitions(false)).await;
    assert_eq!((removed.unwrap(), cost), (orphans, Requests { get: 1, put: 1, ..Requests::NONE }));
    let told = std::iter::from_fn(|| events.try_next())
        .find(|event| matches!(event, Event::OrphanedPartitionsRemoved { .. }));
    let expected =
        Event::OrphanedPartitionsRemoved { resource: "people".into(), partitions: vec!["byRegion".into()] };
    assert_eq!(told, Some(expected));

    let again = open(&store).await.resource("people").unwrap();
    assert!(again.warnings().is_empty() && again.find_orphaned_partitions().unwrap().is_empty());
    assert_eq!(again.remove_orphaned_partitions(false).await.unwrap(), []);
    assert_eq!(again.partition("byCity", json!({"city": "Rome"})).unwrap().count().await.unwrap(), 2);
    assert_eq!(again.query(json!({"city": "Rome"})).ids().await.unwrap(), ["ann", "bob"]);
}

#[tokio::test]
async fn a_partition_that_comes_later_is_used_once_it_is_reindexed() {
    let store = MemoryStore::new();
    let db = open(&store).await;
    let fields = json!({"name": "string", "city": "string|optional"});
    let people = db.create_resource(people(fields, Value::Null)).await.unwrap();
    for n in 0..10 {
        people
            .insert(
                json!({"id": format!("p{n}"), "name": "x", "city": if n % 2 == 0 { "Rome" } else { "Oslo" }}),
            )
            .await
            .unwrap();
    }
    people.insert(json!({"id": "nowhere", "name": "x"})).await.unwrap();

    let error = people.add_partition("byZip", by("zip")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config, "{error}");
    people.add_partition("byCity", by("city")).await.unwrap();
    let (again, cost) = spent(&db, people.add_partition("byCity", by("city"))).await;
    assert_eq!((again.unwrap(), cost), ((), Requests { get: 1, ..Requests::NONE }), "nothing to write");
    let error = people.add_partition("byCity", by("name")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error}");
    assert_eq!(people.version(), "v2");

    people.insert(json!({"id": "p10", "name": "x", "city": "Rome"})).await.unwrap();
    let rome = || people.query(json!({"city": "Rome"}));
    assert_eq!(rome().plan().unwrap().to_string(), "1 LIST per 1,000 ids: all ids; 1 GET a document");
    assert_eq!(rome().count().await.unwrap(), 6, "by a scan");
    assert!(!people.partitions().unwrap()[0].is_complete);

    let ((reindexed, steps), cost) = spent(&db, reindex(&people, ReindexOptions::default())).await;
    assert_eq!((reindexed.documents, reindexed.written, reindexed.failed), (12, 10, 0), "{reindexed:?}");
    assert_eq!(reindexed.complete, ["byCity"]);
    assert_eq!(steps.iter().map(|step| (step.done, step.total)).collect::<Vec<_>>(), [(0, 12), (12, 12)]);
    // One catalogue before, one to mark it, one checkpoint that is not there; a document is read once.
    assert_eq!(cost, Requests { list: 2, get: 12 + 3, put: 11 + 1, delete: 1, ..Requests::NONE });

    let (ids, cost) = spent(&db, rome().ids()).await;
    assert_eq!((ids.unwrap().len(), cost), (6, Requests { list: 1, ..Requests::NONE }));
    assert!(open(&store).await.resource("people").unwrap().partitions().unwrap()[0].is_complete);

    // Away and back again: what was written meanwhile has no reference.
    let fields = json!({"name": "string", "city": "string|optional"});
    let config = |partitions| super::lifecycle::people(fields.clone(), partitions);
    let people = db.create_resource(config(Value::Null)).await.unwrap();
    people.insert(json!({"id": "p11", "name": "x", "city": "Rome"})).await.unwrap();
    let people = db.create_resource(config(json!({"byCity": by("city")}))).await.unwrap();
    assert_eq!(people.query(json!({"city": "Rome"})).count().await.unwrap(), 7);
    assert!(!people.partitions().unwrap()[0].is_complete);
}

#[tokio::test]
async fn what_a_writer_with_the_older_definition_leaves_out_is_found_and_put_back() {
    let store = MemoryStore::new();
    let people =
        open(&store).await.create_resource(people(json!({"city": "string"}), Value::Null)).await.unwrap();
    let stale = open(&store).await;
    people.add_partition("byCity", by("city")).await.unwrap();
    assert_eq!(reindex(&people, ReindexOptions::default()).await.0.complete, ["byCity"]);

    // It has not refreshed, and so it knows of no partition.
    let late = stale.resource("people").unwrap();
    for id in ["ann", "bob"] {
        late.insert(json!({"id": id, "city": "Rome"})).await.unwrap();
    }
    let found = || async { people.query(json!({"city": "Rome"})).ids().await.unwrap() };
    assert_eq!(found().await, [""; 0], "queries rely on the partition");

    // A check tells of it, and a reindex puts back what is missing; so does the check when it repairs.
    let check = || async {
        let options = FsckOptions { grace: Duration::ZERO, ..FsckOptions::default() };
        open(&store).await.fsck(options).await.unwrap().collect().await.unwrap().0
    };
    let missing = check().await;
    assert_eq!(
        missing.iter().map(|finding| finding.kind).collect::<Vec<_>>(),
        [FindingKind::MissingReference; 2]
    );
    assert_eq!(reindex(&people, ReindexOptions::default()).await.0.written, 2);
    assert_eq!(found().await, ["ann", "bob"]);
    assert!(check().await.is_empty());

    // A change by a writer that knows the partition indexes the document too, and a refresh ends the trouble.
    late.insert(json!({"id": "cat", "city": "Oslo"})).await.unwrap();
    people.update("cat", json!({"city": "Rome"})).await.unwrap();
    stale.refresh().await.unwrap();
    late.insert(json!({"id": "dan", "city": "Rome"})).await.unwrap();
    assert_eq!(found().await, ["ann", "bob", "cat", "dan"]);
    assert!(check().await.is_empty());
}

#[tokio::test]
async fn an_interrupted_reindex_goes_on_where_it_was() {
    let store = MemoryStore::new();
    let db = open(&store).await;
    let people = db.create_resource(people(json!({"city": "string"}), Value::Null)).await.unwrap();
    let documents = (0..2500).map(|n| json!({"id": format!("p{n:04}"), "city": "Rome"}));
    assert!(people.insert_many(documents).await.failed.is_empty());
    people.add_partition("byCity", by("city")).await.unwrap();

    let dying = people.clone();
    let died = tokio::spawn(async move {
        let mut progress = |progress: ReindexProgress| assert!(progress.done < 2000, "dies here");
        dying.reindex(ReindexOptions::default(), &mut progress).await.map(drop)
    });
    assert!(died.await.unwrap_err().is_panic());
    assert!(!people.partitions().unwrap()[0].is_complete);

    let ((reindexed, steps), cost) = spent(&db, reindex(&people, ReindexOptions::default())).await;
    assert!(reindexed.resumed, "{reindexed:?}");
    assert_eq!((reindexed.documents, reindexed.written), (1500, 500), "{reindexed:?}");
    assert_eq!((steps[0].done, steps.last().unwrap().done, cost.get), (1000, 2500, 1500 + 3));
    assert_eq!(people.query(json!({"city": "Rome"})).count().await.unwrap(), 2500);
    assert_eq!(people.partition("byCity", json!({})).unwrap().count().await.unwrap(), 2500);

    // A run that ended leaves nothing to take up.
    let (again, _) = reindex(&people, ReindexOptions::default()).await;
    assert_eq!((again.resumed, again.documents, again.written), (false, 2500, 0));
}

#[tokio::test]
async fn documents_that_cannot_be_indexed_are_named_and_keep_queries_on_the_scan() {
    let store = MemoryStore::new();
    let db = open(&store).await;
    let people =
        db.create_resource(people(json!({"city": "string", "zip": "string"}), Value::Null)).await.unwrap();
    people.insert(json!({"id": "ann", "city": "Rome", "zip": "1"})).await.unwrap();
    people.insert(json!({"id": "bob", "city": "Rome/Ostia", "zip": "2"})).await.unwrap();
    people.add_partition("byCity", by("city")).await.unwrap();
    people.add_partition("byZip", by("zip")).await.unwrap();

    let (reindexed, _) = reindex(&people, ReindexOptions::default()).await;
    assert_eq!(
        (reindexed.written, reindexed.failed, &reindexed.complete[..]),
        (3, 1, &["byZip".to_owned()][..])
    );
    let failure = &reindexed.failures[0];
    assert_eq!((failure.id.as_str(), failure.partition.as_deref()), ("bob", Some("byCity")));
    assert_eq!(people.query(json!({"city": "Rome/Ostia"})).ids().await.unwrap(), ["bob"], "by a scan");

    let broken = PutObject { body: "{".into(), ..PutObject::default() };
    let metadata = [("_v", "v1"), ("_overflow", "true")].into_iter().collect::<s3db::store::Metadata>();
    let broken = PutObject { metadata: metadata.into(), ..broken };
    store.put("resource=people/data/id=cat", broken, Condition::None).await.unwrap();
    let unreadable = people.get("cat").await.is_err();
    let by_zip = ReindexOptions { partitions: Some(vec!["byZip".into()]), restart: true };
    let (reindexed, _) = reindex(&people, by_zip).await;
    assert_eq!((reindexed.documents, reindexed.failed), (3, u64::from(unreadable)), "{reindexed:?}");

    let unknown = ReindexOptions { partitions: Some(vec!["byName".into()]), restart: false };
    let error = people.reindex(unknown, &mut |_| {}).await.unwrap_err();
    assert_eq!(error.suggestion(), Some("the partitions are: byCity, byZip"));
}
