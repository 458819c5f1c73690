//! s3db.js lists partitions that we wrote, and goes on with our sequences as we do with its own.

use std::sync::Arc;

use s3db::resource::ListOptions;
use s3db::store::{MemoryOptions, MemoryStore};
use s3db::{Resource, ResourceConfig};
use s3db_testkit::TestEnv;
use serde_json::{Value, json};

use super::{fill, objects, open, peer};

/// Partitions and values; s3db.js lists exactly these, and the last column is what it and we must find.
const LISTS: [(&str, &str, &str); 11] = [
    ("byCountry", r#"{"country": "PT"}"#, "ann gil"),
    ("byCountry", r#"{"country": "BR"}"#, "bob"),
    ("byCountry", r#"{"country": "US"}"#, "cat"),
    ("byPlace", r#"{"city": "São Paulo", "country": "BR"}"#, "bob"),
    ("byPlace", r#"{"city": "Porto"}"#, "ann gil"),
    ("byRooms", r#"{"rooms": 2.5}"#, "ann cat"),
    ("byRooms", r#"{"rooms": 0}"#, "bob"),
    ("byDay", r#"{"born": "2001-02-03T23:59:59.000Z"}"#, "ann cat"),
    ("byTown", r#"{"home.town": "Minho"}"#, "ann"),
    ("byShort", r#"{"name": "Gildas"}"#, "gil"),
    ("byOpen", r#"{"open": false}"#, "cat"),
];

fn people() -> ResourceConfig {
    let attributes = json!({
        "name": "string", "country": "string|optional|empty:true", "city": "string|optional", "rooms": "number|optional",
        "born": "datetime|optional", "open": "boolean|optional", "home": {"town": "string|optional"},
    });
    ResourceConfig::new("people", attributes).timestamps(true).partitions(json!({
        "byCountry": {"fields": {"country": "string"}},
        "byPlace": {"fields": {"country": "string", "city": "string"}},
        "byRooms": {"fields": {"rooms": "number"}},
        "byDay": {"fields": {"born": "date|maxlength:10"}},
        "byTown": {"fields": {"home.town": "string"}},
        "byShort": {"fields": {"name": "string|maxlength:4"}},
        "byOpen": {"fields": {"open": "boolean"}},
    }))
}

/// Documents that were inserted, moved by every verb, emptied and deleted.
async fn write_people(people: &Resource) {
    for document in [
        json!({"id": "ann", "name": "Ann", "country": "BR", "city": "Porto", "rooms": 1, "born": "2001-02-03T04:05:06.000Z"}),
        json!({"id": "bob", "name": "Bob", "country": "US", "city": "Porto", "rooms": 2.5, "open": true}),
        json!({"id": "cat", "name": "Cat", "country": "USA", "rooms": 2.5, "born": "2001-02-03T05:00:00.000Z", "open": false}),
        json!({"id": "dan", "name": "Dan", "country": "PT", "city": "Porto", "rooms": 2.5}),
        json!({"id": "eve", "name": "Eve", "country": "PT", "city": "Porto", "rooms": 7}),
        json!({"id": "gil", "name": "Gilda", "country": "PT", "city": "Porto"}),
        json!({"id": "hal", "name": "Hal", "country": ""}),
    ] {
        people.insert(document).await.unwrap();
    }
    people.update("ann", json!({"country": "PT", "rooms": 2.5, "home": {"town": "Minho"}})).await.unwrap();
    people.patch("cat", json!({"country": "US"})).await.unwrap();
    let bob = json!({"name": "Bob", "country": "BR", "city": "São Paulo", "rooms": 0});
    people.replace("bob", bob).await.unwrap();
    people.update("eve", json!({"country": null, "city": null, "rooms": null})).await.unwrap();
    people.delete("dan").await.unwrap();
}

fn numbered(resource: &str, generator: &str) -> ResourceConfig {
    let definition = json!({"name": resource, "attributes": {"label": "string"}, "idGenerator": generator});
    ResourceConfig::from_json(&definition).unwrap()
}

fn words(ids: &Value) -> String {
    let ids = ids.as_array().into_iter().flatten().filter_map(Value::as_str);
    ids.collect::<Vec<_>>().join(" ")
}

async fn lists_as_expected(people: &Resource, lists: &[(&str, &str, &str)], who: &str) {
    for (partition, values, expected) in lists {
        let view = people.partition(partition, serde_json::from_str(values).unwrap()).unwrap();
        let what = format!("{who}: {partition} {values}");
        assert_eq!(view.list_ids(ListOptions::default()).await.unwrap().join(" "), *expected, "{what}");
        let listed = view.get_all().await.unwrap();
        let ids: Vec<&str> = listed.records.iter().map(|record| record.id.as_str()).collect();
        assert_eq!(ids.join(" "), *expected, "{what}");
    }
}

#[tokio::test]
async fn s3db_js_lists_our_partitions_and_each_goes_on_with_the_sequences_of_the_other() {
    let env = Arc::new(TestEnv::new(51));
    let store = MemoryStore::with(MemoryOptions { env: env.clone(), ..MemoryOptions::default() });
    let db = open(store.clone(), env).await;
    let people = db.create_resource(people()).await.unwrap();
    write_people(&people).await;
    lists_as_expected(&people, &LISTS, "ours").await;
    // Not for s3db.js, which lists the prefix of an empty value and finds all.
    lists_as_expected(&people, &[("byCountry", r#"{"country": ""}"#, "hal")], "ours").await;
    let sequences = [
        ("plain", "incremental", "1 2 3", "4 5", "6"),
        ("orders", "incremental:ORD-0041", "ORD-0041 ORD-0042 ORD-0043", "ORD-0044 ORD-0045", "ORD-0046"),
        ("quick", "incremental:fast", "1 2 3", "101 102", "201"),
    ];
    for (resource, generator, expected, _, _) in sequences {
        let made = db.create_resource(numbered(resource, generator)).await.unwrap();
        let mut ids = Vec::new();
        for _ in 0..3 {
            ids.push(made.insert(json!({"label": "ours"})).await.unwrap().id);
        }
        assert_eq!(ids.join(" "), expected);
    }

    let lists = LISTS.map(|(partition, values, _)| {
        let values: Value = serde_json::from_str(values).unwrap();
        json!({"resource": "people", "partition": partition, "values": values})
    });
    let inserts = sequences.map(|(resource, generator, ..)| {
        let documents = [json!({"label": "theirs"}), json!({"label": "theirs"})];
        json!({"resource": resource, "attributes": {"label": "string"}, "idGenerator": generator, "documents": documents})
    });
    let updates = json!([
        {"resource": "people", "id": "ann", "changes": {"country": "ES"}},
        {"resource": "people", "id": "gil", "changes": {"city": "Faro"}},
    ]);
    let input = json!({"objects": objects(&store), "lists": lists, "inserts": inserts, "updates": updates});
    let output = peer::visit("partitions", &input);

    for (at, (partition, values, expected)) in LISTS.iter().enumerate() {
        let theirs = &output["lists"][at];
        assert_eq!(words(&theirs["ids"]), *expected, "s3db.js: {partition} {values}");
        assert_eq!(words(&theirs["documents"]), *expected, "s3db.js reads: {partition} {values}");
    }
    for (at, (resource, _, _, expected, _)) in sequences.iter().enumerate() {
        assert_eq!(words(&output["inserts"][at]), *expected, "s3db.js numbers {resource}");
    }

    let after = MemoryStore::new();
    fill(&after, output["objects"].as_array().unwrap()).await;
    let db = open(after, Arc::new(TestEnv::new(52))).await;
    for (resource, generator, _, _, expected) in sequences {
        // s3db.js has dropped the prefix and the digits from the catalogue: the program says them again, as it must there.
        let resource = db.create_resource(numbered(resource, generator)).await.unwrap();
        assert_eq!(resource.insert(json!({"label": "ours again"})).await.unwrap().id, expected);
        assert_eq!(resource.count().await.unwrap(), 6, "no number was given twice");
    }
    // What s3db.js has moved is where it is now, and nowhere else.
    let people = db.resource("people").unwrap();
    let moved = [
        ("byCountry", r#"{"country": "PT"}"#, "gil"),
        ("byCountry", r#"{"country": "ES"}"#, "ann"),
        ("byPlace", r#"{"city": "Porto"}"#, "ann"),
        ("byPlace", r#"{"city": "Faro", "country": "PT"}"#, "gil"),
        ("byRooms", r#"{"rooms": 2.5}"#, "ann cat"),
    ];
    lists_as_expected(&people, &moved, "after s3db.js").await;
}
