//! What each verb of a resource does, and which requests it sends.

use std::sync::Arc;

use s3db::behavior::Behavior;
use s3db::resource::ListOptions;
use s3db::store::MemoryStore;
use s3db::{Database, ErrorKind, Resource, ResourceConfig};
use s3db_testkit::TestEnv;
use serde_json::{Value, json};

async fn database() -> Database {
    let env = Arc::new(TestEnv::new(1));
    Database::builder_on(Arc::new(MemoryStore::new()), "app").env(env).connect().await.unwrap()
}

async fn users(db: &Database) -> Resource {
    let attributes = json!({
        "name": "string|min:2", "age": "number|integer|optional", "email": "email|optional",
        "profile": { "city": "string|optional", "links": { "home": "url|optional" } }, "tags": "array|items:string|optional",
    });
    db.create_resource(ResourceConfig::new("users", attributes)).await.unwrap()
}

async fn people(count: usize) -> (Database, Resource) {
    let db = database().await;
    let users = users(&db).await;
    let people =
        (0..count).map(|i| json!({"id": format!("u{i:04}"), "name": format!("Name {i}"), "age": i % 10}));
    assert!(users.insert_many(people).await.failed.is_empty());
    (db, users)
}

#[tokio::test]
async fn each_verb_sends_the_fewest_requests() {
    let db = database().await;
    let users = users(&db).await;
    let mut before = db.requests();
    let mut spent = |what: &str, expected: &str| {
        let now = db.requests();
        let requests = now - before;
        before = now;
        assert_eq!(requests.to_string(), expected, "{what}");
    };
    users.insert(json!({"id": "a", "name": "Ann"})).await.unwrap();
    spent("insert", "1 PUT");
    users.get("a").await.unwrap();
    spent("get", "1 GET");
    users.exists("a").await.unwrap();
    spent("exists", "1 HEAD");
    users.update("a", json!({"age": 3})).await.unwrap();
    spent("update", "1 GET + 1 PUT");
    users.replace("a", json!({"name": "Bob"})).await.unwrap();
    spent("replace", "1 PUT");
    users.upsert(json!({"id": "a", "name": "Cleo"})).await.unwrap();
    spent("upsert", "1 GET + 1 PUT");
    users.count().await.unwrap();
    spent("count", "1 LIST");
    users.query(json!({"id": "a"})).run().await.unwrap();
    spent("query by id", "1 GET");
    users.query(json!({"name": "Cleo"})).run().await.unwrap();
    spent("query by field", "1 GET + 1 LIST");
    users.delete("a").await.unwrap();
    spent("delete", "1 HEAD + 1 DELETE");
}

#[tokio::test]
async fn a_document_is_stored_changed_and_deleted() {
    let db = database().await;
    let users = users(&db).await;
    let ann = json!({"name": "  Ann ", "profile": {"city": "Lisboa", "links": {"home": "https://a.example/"}}, "tags": ["x", "y"]});
    let inserted = users.insert(ann).await.unwrap();
    assert_eq!(inserted.id.len(), 22);
    let read = users.get(&inserted.id).await.unwrap();
    assert_eq!(read.data, inserted.data, "what insert returns is what get reads");
    assert_eq!(read.data["name"], "Ann", "texts are trimmed");
    assert_eq!(read.meta.etag, inserted.meta.etag);

    let id = read.id;
    let updated = users.update(&id, json!({"profile.city": "Porto", "tags": ["z"], "age": 4})).await.unwrap();
    assert_eq!(updated.get("profile.city"), Some(&json!("Porto")));
    assert_eq!(updated.get("profile.links.home"), Some(&json!("https://a.example/")), "siblings stay");
    assert_eq!(updated.data["tags"], json!(["z"]));
    let patched = users.patch(&id, json!({"$unset": ["age"], "email": null})).await.unwrap();
    assert!(!patched.data.contains_key("age"));
    let replaced = users.replace(&id, json!({"name": "New"})).await.unwrap();
    assert_eq!(Value::Object(replaced.data), json!({"name": "New"}));
    assert_eq!(Value::Object(users.get(&id).await.unwrap().data), json!({"name": "New"}));
    users.delete(&id).await.unwrap();
    assert!(users.get_or_none(&id).await.unwrap().is_none());
    for error in [
        users.get(&id).await.unwrap_err(),
        users.delete(&id).await.unwrap_err(),
        users.update(&id, json!({"age": 1})).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert_eq!(error.to_string(), format!("document not found resource=users id={id}"));
    }
}

#[tokio::test]
async fn a_taken_id_is_refused_and_the_first_document_stays() {
    let (_db, users) = people(1).await;
    let error = users.insert(json!({"id": "u0000", "name": "Other"})).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    assert_eq!(users.get("u0000").await.unwrap().data["name"], "Name 0");
    users.upsert(json!({"id": "u0000", "name": "Other"})).await.unwrap();
    users.upsert(json!({"id": "new", "name": "Newcomer"})).await.unwrap();
    assert_eq!(users.get("u0000").await.unwrap().data["name"], "Other");
    assert_eq!(users.count().await.unwrap(), 2);
}

#[tokio::test]
async fn concurrent_updates_lose_nothing() {
    for behavior in Behavior::ALL {
        let db = database().await;
        let config = ResourceConfig::new("counters", json!({"a": "object|optional", "b": "string|optional"}));
        let counters = db.create_resource(config.behavior(behavior)).await.unwrap();
        counters.insert(json!({"id": "c", "a": {}})).await.unwrap();
        let mut tasks = tokio::task::JoinSet::new();
        for i in 0..12 {
            let counters = counters.clone();
            tasks.spawn(async move { counters.update("c", json!({format!("a.k{i}"): i})).await });
        }
        while let Some(done) = tasks.join_next().await {
            done.unwrap().unwrap();
        }
        let members = counters.get("c").await.unwrap().data["a"].as_object().unwrap().len();
        assert_eq!(members, 12, "{behavior}");
    }
}

#[tokio::test]
async fn batches_report_each_failure_beside_the_successes() {
    let (_db, users) = people(3).await;
    let batch = users
        .insert_many([
            json!({"id": "x", "name": "Xi"}),
            json!({"name": "x"}),
            json!({"id": "u0000", "name": "Dup"}),
        ])
        .await;
    assert_eq!(batch.ok.len(), 1);
    let failed: Vec<_> = batch.failed.iter().map(|f| (f.index, f.error.kind())).collect();
    assert_eq!(failed, [(1, ErrorKind::Validation), (2, ErrorKind::AlreadyExists)]);
    let got = users.get_many(["u0001", "nope", "x"]).await;
    assert_eq!(got.ok.iter().map(|r| r.id.as_str()).collect::<Vec<_>>(), ["u0001", "x"]);
    assert_eq!(got.failed[0].error.kind(), ErrorKind::NotFound);
    let deleted = users.delete_many(["u0000", "a/b", "x"]).await;
    assert_eq!(deleted.ok, ["u0000", "x"]);
    assert_eq!(deleted.failed[0].index, 1);
    assert_eq!(users.list_ids(ListOptions::default()).await.unwrap(), ["u0001", "u0002"]);
}

#[tokio::test]
async fn listings_pages_and_counts_see_every_document_once() {
    let (db, users) = people(2345).await;
    assert_eq!(users.count().await.unwrap(), 2345);
    assert_eq!(users.get_all().await.unwrap().records.len(), 2345);
    let some = users.list(ListOptions { limit: Some(5), after: Some("u0009".into()) }).await.unwrap();
    assert_eq!(
        some.records.iter().map(|r| r.id.as_str()).collect::<Vec<_>>(),
        ["u0010", "u0011", "u0012", "u0013", "u0014"]
    );
    let (mut ids, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let page = users.page(500, cursor.as_deref()).await.unwrap();
        ids.extend(page.records.into_iter().map(|record| record.id));
        match page.next_cursor {
            Some(next) => cursor = Some(next),
            None => break,
        }
    }
    assert_eq!(ids.len(), 2345);
    assert!(ids.is_sorted());
    let other = db.create_resource(ResourceConfig::new("other", json!({"a": "string"}))).await.unwrap();
    let error = other.page(500, cursor.as_deref()).await.unwrap_err();
    assert_eq!(error.message(), "the cursor belongs to another query");
}

#[tokio::test]
async fn a_query_filters_sorts_and_goes_on_where_it_ended() {
    let (_db, users) = people(100).await;
    let query = || users.query(json!({"age": {"$gte": 8}})).sort("-age").sort("id").limit(7);
    let (mut found, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let query = cursor.take().map_or_else(query, |cursor| query().cursor(cursor));
        let page = query.run().await.unwrap();
        found.extend(page.records.into_iter().map(|r| (r.data["age"].as_i64().unwrap(), r.id)));
        match page.next_cursor {
            Some(next) => cursor = Some(next),
            None => break,
        }
    }
    assert_eq!(found.len(), 20);
    assert_eq!((found[0].0, found[19].0), (9, 8));
    assert!(found.is_sorted_by(|a, b| a.0 > b.0 || (a.0 == b.0 && a.1 < b.1)));
    let first = users.query(json!({"age": 3})).limit(3).run().await.unwrap();
    assert_eq!(first.records.len(), 3);
    let rest =
        users.query(json!({"age": 3})).limit(30).cursor(first.next_cursor.unwrap()).run().await.unwrap();
    assert_eq!(rest.records.len(), 7);
    assert!(rest.next_cursor.is_none());
    assert_eq!(users.query(json!({"age": {"$gt": 100}})).run().await.unwrap().records.len(), 0);
}

#[tokio::test]
async fn timestamps_are_kept_and_index_entries_follow_the_document() {
    let env = Arc::new(TestEnv::new(3));
    let store = MemoryStore::new();
    let db = Database::builder_on(Arc::new(store.clone()), "").env(env.clone()).connect().await.unwrap();
    let config = ResourceConfig::new("notes", json!({"region": "string", "text": "string|optional"}));
    let notes = db.create_resource(config.timestamps(true).partitions(json!(["region"]))).await.unwrap();
    let references = || -> Vec<String> {
        let keys = store.objects().into_iter().map(|(key, _)| key.to_string());
        keys.filter(|key| key.contains("/partition=byRegion/")).collect()
    };
    let first = notes
        .insert(json!({"id": "n", "region": "eu", "createdAt": "1999-01-01T00:00:00.000Z"}))
        .await
        .unwrap();
    assert_eq!(first.data["createdAt"], "2025-01-01T00:00:00.000Z", "the clock decides");
    assert_eq!(references(), ["resource=notes/partition=byRegion/region=eu/id=n"]);
    env.advance_ms(60_000);
    let second = notes.update("n", json!({"region": "us"})).await.unwrap();
    assert_eq!(second.data["createdAt"], first.data["createdAt"]);
    assert_eq!(second.data["updatedAt"], "2025-01-01T00:01:00.000Z");
    assert_eq!(references(), ["resource=notes/partition=byRegion/region=us/id=n"]);
    let third = notes.replace("n", json!({"region": "ap"})).await.unwrap();
    assert_eq!(third.data["createdAt"], first.data["createdAt"], "a replace keeps when it was made");
    assert_eq!(references(), ["resource=notes/partition=byRegion/region=ap/id=n"]);
    notes.delete("n").await.unwrap();
    assert_eq!(store.len(), 1, "only the catalogue is left");
}

#[tokio::test]
async fn delete_all_needs_force_and_stays_within_the_resource() {
    let (db, users) = people(1200).await;
    let other = db.create_resource(ResourceConfig::new("users2", json!({"name": "string"}))).await.unwrap();
    other.insert(json!({"name": "stays"})).await.unwrap();
    let error = users.delete_all(false).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied);
    assert_eq!(users.count().await.unwrap(), 1200);
    assert_eq!(users.delete_all(true).await.unwrap(), 1200);
    assert_eq!((users.count().await.unwrap(), other.count().await.unwrap()), (0, 1));
}

#[tokio::test]
async fn a_changed_definition_is_a_new_version_and_old_documents_stay_readable() {
    let (db, users) = people(1).await;
    let wider = json!({"nick": "string|optional", "name": "string|min:2", "age": "number|integer|optional"});
    let again = db.create_resource(ResourceConfig::new("users", wider.clone())).await.unwrap();
    assert_eq!(
        (again.version(), users.version()),
        ("v2".to_owned(), "v2".to_owned()),
        "handles that exist follow"
    );
    assert_eq!(again.get("u0000").await.unwrap().data["name"], "Name 0");
    let before = db.requests();
    db.create_resource(ResourceConfig::new("users", wider)).await.unwrap();
    assert_eq!((db.requests() - before).to_string(), "1 GET", "the same definition writes nothing");
}

#[tokio::test]
async fn a_body_only_document_fits_whatever_the_length_of_its_field_map() {
    let db = database().await;
    for fields in 90..140 {
        let name = |i: usize| format!("field{i:05}x");
        let attributes: serde_json::Map<String, Value> =
            (0..fields).map(|i| (name(i), json!("string|optional"))).collect();
        let config = ResourceConfig::new(format!("wide{fields}"), attributes.into());
        let wide = db.create_resource(config.behavior(Behavior::BodyOnly)).await.unwrap();
        wide.insert(json!({"id": "w", name(0): "first", name(fields - 1): "last"})).await.unwrap();
        assert_eq!(wide.get("w").await.unwrap().data[&name(fields - 1)], "last", "{fields} fields");
    }
}

#[tokio::test]
async fn events_tell_of_committed_writes_only() {
    let db = database().await;
    let config = ResourceConfig::new("notes", json!({"text": "string"})).behavior(Behavior::BodyOverflow);
    let notes = db.create_resource(config).await.unwrap();
    let mut events = db.events();
    let big = json!({"id": "n", "text": "x".repeat(3000)});
    notes.insert(big.clone()).await.unwrap();
    let event = events.try_next();
    assert!(matches!(&event, Some(s3db::Event::Overflowed { id, .. }) if id == "n"), "{event:?}");
    assert_eq!(notes.insert(big).await.unwrap_err().kind(), ErrorKind::AlreadyExists);
    assert_eq!(events.try_next(), None, "a refused write is no news");
}

#[tokio::test]
async fn an_attribute_that_the_schema_does_not_name_keeps_its_name_and_value_in_an_overflow_body() {
    let db = database().await;
    let config = ResourceConfig::new("logs", json!({"at": "datetime"})).behavior(Behavior::BodyOverflow);
    let logs = db.create_resource(config).await.unwrap();
    for name in [".", "a.b", "a..b", "x_", "Mixed Case", "日"] {
        let long = json!(["日".repeat(900)]);
        logs.insert(json!({"id": "l", "at": "2024-01-15T10:20:30.123Z", name: long})).await.unwrap();
        let read = logs.get("l").await.unwrap();
        assert_eq!(read.data.get(name), Some(&long), "{name:?}: {:?}", read.data.keys());
        logs.delete("l").await.unwrap();
    }
}

#[tokio::test]
async fn a_write_gives_back_an_embedding_as_it_will_be_read() {
    let db = database().await;
    let attributes =
        json!({"inner": {"e": "embedding"}, "e": "embedding|optional", "amount": "money|optional"});
    let vectors = db.create_resource(ResourceConfig::new("vectors", attributes)).await.unwrap();
    let short = json!([0.123_456_49, -0.000_000_5, 0.000_000_49, -0.0, 1, 1.5, 3e8, -7.000_000_5]);
    let long: Value = (0..900).map(|i| f64::from(i).sin()).collect();
    let cases = [
        json!({"inner": {"e": short}}),
        json!({"inner": {"e": short}, "e": long}),
        json!({"inner": {"e": long}, "e": short, "amount": 0.305}),
        json!({"inner": {"e": [1e12, 0.5]}, "e": [1e300]}),
    ];
    for (n, document) in cases.into_iter().enumerate() {
        let id = format!("v{n}");
        let mut with_id = document.clone();
        with_id["id"] = json!(id);
        let inserted = vectors.insert(with_id).await.unwrap();
        let read = vectors.get(&id).await.unwrap().data;
        assert_eq!(inserted.data, read, "{id}");
        assert_eq!(vectors.replace(&id, document).await.unwrap().data, read, "{id}");
    }
}

#[tokio::test]
async fn each_behavior_tells_what_became_of_a_document_that_does_not_fit() {
    let db = Database::builder_on(Arc::new(MemoryStore::new()), "").connect().await.unwrap();
    for behavior in Behavior::ALL {
        let config = ResourceConfig::new(behavior.as_str(), json!({"text": "string"})).behavior(behavior);
        let resource = db.create_resource(config).await.unwrap();
        let mut events = db.events();
        let told = |events: &mut s3db::database::Events| {
            std::iter::from_fn(|| events.try_next())
                .map(|event| format!("{event:?}"))
                .collect::<Vec<_>>()
                .join("; ")
        };
        resource.insert(json!({"id": "small", "text": "x"})).await.unwrap();
        let small = told(&mut events);
        let written = resource.insert(json!({"id": "big", "text": "x".repeat(3000)})).await;
        let big = told(&mut events);
        let expected = match behavior {
            Behavior::UserManaged => "ExceedsLimit",
            Behavior::TruncateData => "Truncated",
            Behavior::BodyOverflow => "Overflowed",
            Behavior::EnforceLimits | Behavior::BodyOnly => "",
        };
        assert_eq!(written.is_err(), behavior == Behavior::EnforceLimits, "{behavior}");
        for word in ["ExceedsLimit", "Truncated", "Overflowed"] {
            assert!(!small.contains(word), "{behavior}: {small}");
            assert_eq!(big.contains(word), word == expected, "{behavior}: {big}");
        }
    }
}
