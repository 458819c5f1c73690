//! Reading by partition, and queries that go through one.

mod lifecycle;
mod queries;
mod s3db_js;

use std::sync::Arc;

use s3db::resource::ListOptions;
use s3db::store::{Condition, MemoryStore, PutObject, Requests, Store};
use s3db::{Database, ErrorKind, Resource, ResourceConfig};
use serde_json::{Value, json};

async fn open(store: &MemoryStore) -> Database {
    Database::builder_on(Arc::new(store.clone()), "").connect().await.unwrap()
}

/// Users of three countries: `u000` of PT, `u001` of US, `u002` of USA, `u003` of PT, …
async fn users(db: &Database, count: usize) -> Resource {
    let config = ResourceConfig::new(
        "users",
        json!({"name": "string", "country": "string|optional", "city": "string|optional"}),
    )
    .partitions(json!({
        "byCountry": {"fields": {"country": "string"}},
        "byPlace": {"fields": {"country": "string", "city": "string"}},
    }));
    let users = db.create_resource(config).await.unwrap();
    let documents = (0..count).map(|n| {
        let country = ["PT", "US", "USA"][n % 3];
        json!({"id": format!("u{n:03}"), "name": format!("n{n}"), "country": country, "city": format!("c{}", n % 2)})
    });
    assert!(users.insert_many(documents).await.failed.is_empty());
    users
}

fn ids(listing: &s3db::resource::Listing) -> Vec<&str> {
    listing.records.iter().map(|record| record.id.as_str()).collect()
}

async fn spent<T>(db: &Database, work: impl Future<Output = T>) -> (T, Requests) {
    let before = db.requests();
    let value = work.await;
    (value, db.requests() - before)
}

#[tokio::test]
async fn a_partition_lists_its_documents_at_the_price_of_its_references() {
    let db = open(&MemoryStore::new()).await;
    let users = users(&db, 30).await;
    let american = users.partition("byCountry", json!({"country": "US"})).unwrap();

    let (listing, cost) = spent(&db, american.get_all()).await;
    assert_eq!(
        ids(&listing.unwrap()),
        (0..10).map(|n| format!("u{:03}", n * 3 + 1)).collect::<Vec<_>>(),
        "never USA"
    );
    assert_eq!(cost, Requests { list: 1, get: 10, ..Requests::NONE });

    let (count, cost) = spent(&db, american.count()).await;
    assert_eq!((count.unwrap(), cost), (10, Requests { list: 1, ..Requests::NONE }));

    let options = ListOptions { limit: Some(3), after: Some("u004".into()) };
    let (found, cost) = spent(&db, american.list_ids(options.clone())).await;
    assert_eq!(
        (found.unwrap().join(" ").as_str(), cost),
        ("u007 u010 u013", Requests { list: 1, ..Requests::NONE })
    );
    let (found, cost) = spent(&db, american.list(options)).await;
    assert_eq!(ids(&found.unwrap()), ["u007", "u010", "u013"]);
    assert_eq!(cost, Requests { list: 1, get: 3, ..Requests::NONE });

    let mut seen = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let page = american.page(4, cursor.as_deref()).await.unwrap();
        assert!(page.records.len() <= 4);
        seen.extend(page.records.into_iter().map(|record| record.id));
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
        let other = users.partition("byCountry", json!({"country": "PT"})).unwrap();
        assert_eq!(other.page(4, cursor.as_deref()).await.unwrap_err().kind(), ErrorKind::Config);
    }
    assert_eq!(seen, (0..10).map(|n| format!("u{:03}", n * 3 + 1)).collect::<Vec<_>>());
}

#[tokio::test]
async fn some_fields_of_a_partition_find_all_that_have_them_leading_or_not() {
    let db = open(&MemoryStore::new()).await;
    let users = users(&db, 12).await;
    for (values, expected) in [
        (json!({}), "u000 u001 u002 u003 u004 u005 u006 u007 u008 u009 u010 u011"),
        (json!({"city": "c1"}), "u001 u003 u005 u007 u009 u011"),
        (json!({"country": "US"}), "u001 u004 u007 u010"),
        (json!({"city": "c1", "country": "US"}), "u001 u007"),
        (json!({"city": "c"}), ""),
    ] {
        let view = users.partition("byPlace", values.clone()).unwrap();
        assert_eq!(ids(&view.get_all().await.unwrap()).join(" "), expected, "{values}");
        assert_eq!(view.list_ids(ListOptions::default()).await.unwrap().join(" "), expected, "{values}");
        assert_eq!(view.count().await.unwrap(), expected.split_whitespace().count() as u64, "{values}");
    }
    assert_eq!(
        users.get_from_partition("u001", "byPlace", json!({"country": "US"})).await.unwrap().id,
        "u001"
    );
    let elsewhere = users.get_from_partition("u001", "byPlace", json!({"country": "PT"})).await.unwrap_err();
    assert_eq!(elsewhere.kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn a_wrong_partition_or_field_says_what_there_is() {
    let db = open(&MemoryStore::new()).await;
    let users = users(&db, 0).await;
    let error = users.partition("byRegion", json!({})).unwrap_err();
    assert_eq!(error.to_string(), "the resource has no such partition partition=byRegion resource=users");
    assert_eq!(error.suggestion(), Some("the partitions are: byCountry, byPlace"));
    let error = users.partition("byPlace", json!({"region": 1})).unwrap_err();
    assert_eq!(error.suggestion(), Some("the fields of the partition are, in key order: city, country"));
}

#[tokio::test]
async fn references_that_no_longer_hold_are_passed_over() {
    let store = MemoryStore::new();
    let db = open(&store).await;
    let users = users(&db, 6).await;
    for (partition, id) in [
        ("byCountry/country=PT", "u001"),
        ("byCountry/country=PT", "gone"),
        ("byPlace/city=c0/country=PT", "u001"),
    ] {
        let key = format!("resource=users/partition={partition}/id={id}");
        store.put(&key, PutObject::default(), Condition::None).await.unwrap();
    }
    let view = users.partition("byCountry", json!({"country": "PT"})).unwrap();
    assert_eq!(ids(&view.get_all().await.unwrap()), ["u000", "u003"]);
    assert_eq!(ids(&view.list(ListOptions { limit: Some(2), after: None }).await.unwrap()), ["u000", "u003"]);
    assert_eq!(ids(&users.partition("byPlace", json!({})).unwrap().get_all().await.unwrap()).len(), 6);
    assert_eq!(view.count().await.unwrap(), 4, "references are counted");
    assert_eq!(view.clone().verified(true).count().await.unwrap(), 2);
    assert_eq!(view.verified(true).list_ids(ListOptions::default()).await.unwrap(), ["u000", "u003"]);
    let found = users.query(json!({"country": "PT"})).run().await.unwrap();
    assert_eq!(found.records.iter().map(|r| r.id.as_str()).collect::<Vec<_>>(), ["u000", "u003"]);
}

#[tokio::test]
async fn a_document_that_moves_is_found_in_its_new_place_only() {
    let db = open(&MemoryStore::new()).await;
    let users = users(&db, 3).await;
    users.update("u000", json!({"country": "BR"})).await.unwrap();
    for (country, expected) in [("PT", 0), ("BR", 1)] {
        let view = users.partition("byCountry", json!({"country": country})).unwrap();
        assert_eq!(view.count().await.unwrap(), expected, "{country}");
    }
    users.update("u000", json!({"country": Value::Null})).await.unwrap();
    // On another task, as a server does it.
    let (of_all, brazilian) = (users.clone(), json!({"country": "BR"}));
    let elsewhere = tokio::spawn(async move {
        let view = of_all.partition("byCountry", json!({})).unwrap();
        let found = of_all.query(brazilian).sort("name").run().await.unwrap().records.len();
        (view.get_all().await.unwrap().records.len(), view.page(1, None).await.unwrap().records.len(), found)
    });
    assert_eq!(elsewhere.await.unwrap(), (2, 1, 0));
    assert_eq!(users.partition("byCountry", json!({})).unwrap().count().await.unwrap(), 2);
}
