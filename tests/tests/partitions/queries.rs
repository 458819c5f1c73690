//! Queries through partitions give what a scan gives.

use std::sync::Arc;

use s3db::plan::QueryPlan;
use s3db::store::{Condition, MemoryStore, Metadata, PutObject, Requests, Store};
use s3db::{Resource, ResourceConfig};
use serde_json::{Value, json};

use super::{open, spent, users};

fn partition_of(plan: &QueryPlan) -> &str {
    match plan {
        QueryPlan::Partition(plan) => plan.partition(),
        _ => "none",
    }
}

#[tokio::test]
async fn a_query_takes_the_best_partition_and_reads_only_its_documents() {
    let db = open(&MemoryStore::new()).await;
    let users = users(&db, 30).await;
    for (filter, partition) in [
        (json!({"country": "US"}), "byCountry"),
        (json!({"country": {"$in": ["US", "PT"]}}), "byCountry"),
        (json!({"country": "US", "city": "c1"}), "byPlace"),
        (json!({"city": "c1"}), "none"),
        (json!({"city": "c1", "country": {"$gt": "P"}}), "byPlace"),
        (json!({"country": null}), "none"),
        (json!({"country": {"$in": ["US", null]}}), "none"),
        (json!({"$or": [{"country": "US"}]}), "none"),
        (json!({"country": {"$ne": "US"}}), "none"),
        (json!({"id": "u001", "country": "US"}), "none"),
    ] {
        let query = users.query(filter.clone());
        assert_eq!(partition_of(&query.plan().unwrap()), partition, "{filter}");
        assert_eq!(partition_of(&query.scan().plan().unwrap()), "none", "{filter}");
    }
    let query = users.query(json!({"country": "US", "name": "n4"}));
    assert_eq!(
        query.plan().unwrap().to_string(),
        "1 LIST per 1,000 references: partition=byCountry country=US; 1 GET a candidate"
    );
    let (page, cost) = spent(&db, query.run()).await;
    assert_eq!(page.unwrap().records[0].id, "u004");
    assert_eq!(cost, Requests { list: 1, get: 10, ..Requests::NONE });
}

#[tokio::test]
async fn a_covered_query_reads_no_document() {
    let db = open(&MemoryStore::new()).await;
    let users = users(&db, 30).await;
    let list = Requests { list: 1, ..Requests::NONE };

    let query = || users.query(json!({"country": "US", "city": {"$gte": "c1"}}));
    let (count, cost) = spent(&db, query().count()).await;
    assert_eq!((count.unwrap(), cost), (5, list));
    let (ids, cost) = spent(&db, query().limit(2).ids()).await;
    assert_eq!((ids.unwrap().join(" ").as_str(), cost), ("u001 u007", list));

    let select = query().sort("-id").limit(2).select(["city", "country"]);
    assert_eq!(
        select.plan().unwrap().to_string(),
        "1 LIST per 1,000 references: partition=byPlace country=US; no GET"
    );
    let (selection, cost) = spent(&db, select.run()).await;
    let selection = selection.unwrap();
    assert_eq!(cost, list);
    assert_eq!(selection.rows.iter().map(|row| row.id.as_str()).collect::<Vec<_>>(), ["u025", "u019"]);
    assert_eq!(json!(selection.rows[0].data), json!({"city": "c1", "country": "US"}));
    let next = query()
        .sort("-id")
        .limit(2)
        .cursor(selection.next_cursor.unwrap())
        .select(["city"])
        .run()
        .await
        .unwrap();
    assert_eq!(next.rows.iter().map(|row| row.id.as_str()).collect::<Vec<_>>(), ["u013", "u007"]);

    let (count, cost) = spent(&db, users.query(json!({})).count()).await;
    assert_eq!((count.unwrap(), cost), (30, list));
    let (rows, cost) = spent(&db, query().select(["name"]).run()).await;
    assert_eq!((rows.unwrap().rows.len(), cost.get > 0), (5, true), "the name is in no key");
    let (count, cost) = spent(&db, query().verified(true).count()).await;
    assert_eq!((count.unwrap(), cost.get), (5, 10), "its documents in the US");
    let american = users.partition("byPlace", json!({"country": "US"})).unwrap();
    let verified = american.query(json!({"city": {"$gte": "c1"}})).verified(true);
    let (count, cost) = spent(&db, verified.count()).await;
    assert_eq!((count.unwrap(), cost.get), (5, 5), "other cities are passed over by their keys");
}

#[tokio::test]
async fn a_range_of_times_reads_the_days_it_touches() {
    let db = open(&MemoryStore::new()).await;
    let config = ResourceConfig::new("visits", json!({"at": "datetime"}))
        .partitions(json!({"byDay": {"fields": {"at": "date|maxlength:10"}}}));
    let visits = db.create_resource(config).await.unwrap();
    for day in 1..=20 {
        visits
            .insert(json!({"id": format!("v{day:02}"), "at": format!("2024-05-{day:02}T12:00:00Z")}))
            .await
            .unwrap();
    }
    let filter = json!({"at": {"$gte": "2024-05-03T13:00:00.000Z", "$lt": "2024-05-06T00:00:00.000Z"}});
    let (page, cost) = spent(&db, visits.query(filter).run()).await;
    assert_eq!(page.unwrap().records.iter().map(|r| r.id.as_str()).collect::<Vec<_>>(), ["v04", "v05"]);
    assert_eq!(cost, Requests { list: 1, get: 4, ..Requests::NONE }, "the documents of four days");
}

/// Small random numbers, the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) as usize % sides
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.roll(from.len())].clone()
    }
}

fn value(dice: &mut Dice, field: &str) -> Value {
    match field {
        "n" => {
            dice.pick(&[json!(1), json!(1.5), json!(-0.0), json!(0), json!(10), json!(9007199254740993_i64)])
        }
        "ok" => dice.pick(&[json!(true), json!(false)]),
        "at" => dice.pick(&[
            json!("2024-01-15T10:00:00.000Z"),
            json!("2024-01-15T23:59:59.999Z"),
            json!("2024-01-16T00:00:00.000Z"),
            json!("2024-02-01T00:00:00.000Z"),
        ]),
        "any" => dice.pick(&[
            json!(1),
            json!("1"),
            json!([1]),
            json!(["1"]),
            json!(true),
            json!("true"),
            json!(""),
        ]),
        _ => dice.pick(&[
            json!("a"),
            json!("ab"),
            json!("abc"),
            json!("abd"),
            json!(""),
            json!("1"),
            json!("ü"),
        ]),
    }
}

fn condition(dice: &mut Dice, field: &str) -> Value {
    match dice.roll(9) {
        0 => Value::Null,
        1 => json!({"$in": [value(dice, field), value(dice, field), value(dice, field)]}),
        2 => json!({"$in": [value(dice, field), null]}),
        3 => json!({"$gte": value(dice, field)}),
        4 => json!({"$gt": value(dice, field), "$lt": value(dice, field)}),
        5 => json!({"$ne": value(dice, field)}),
        _ => value(dice, field),
    }
}

const FIELDS: [&str; 7] = ["s", "t", "n", "ok", "at", "any", "p.q"];

async fn random_documents(dice: &mut Dice, resource: &Resource, count: usize) {
    for id in 0..count {
        let mut document = json!({"id": format!("d{:02}", (id * 7) % count), "must": value(dice, "must")});
        for field in FIELDS {
            let value = match dice.roll(6) {
                0 => continue,
                1 => Value::Null,
                _ => value(dice, field),
            };
            if field == "p.q" {
                document["p"] = json!({"q": value});
            } else {
                document[field] = value;
            }
        }
        resource.insert(document).await.unwrap();
    }
}

async fn check(resource: &Resource, filter: &Value, sort: Option<&str>) -> (String, bool) {
    let query = || {
        let query = resource.query(filter.clone());
        if let Some(sort) = sort { query.sort(sort) } else { query }
    };
    let plan = query().plan().unwrap();
    let all: Vec<String> = query().scan().run().await.unwrap().records.into_iter().map(|r| r.id).collect();
    let found: Vec<String> = query().run().await.unwrap().records.into_iter().map(|r| r.id).collect();
    assert_eq!(found, all, "{filter} {sort:?}: {plan}");
    assert_eq!(
        query().ids().await.unwrap(),
        all,
        "{filter} {sort:?}: {}",
        query().select([""; 0]).plan().unwrap()
    );
    assert_eq!(query().count().await.unwrap(), all.len() as u64, "{filter}");
    let mut paged = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let mut query = query().limit(2);
        if let Some(cursor) = cursor {
            query = query.cursor(cursor);
        }
        let page = query.run().await.unwrap();
        paged.extend(page.records.into_iter().map(|r| r.id));
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(paged, all, "{filter} {sort:?} in pages: {plan}");
    let covered = query().select([""; 0]).plan().unwrap().is_covered();
    (partition_of(&plan).to_owned(), covered)
}

#[tokio::test]
async fn a_query_through_a_partition_finds_what_a_scan_finds() {
    let mut used = std::collections::BTreeMap::<String, usize>::new();
    let mut covered = 0;
    for seed in 0..12 {
        let mut dice = Dice(seed);
        let db = open(&MemoryStore::new()).await;
        let config = ResourceConfig::new(
            "r",
            json!({
                "must": "string|empty:true", "s": "string|optional|empty:true", "t": "string|optional", "n": "number|optional",
                "ok": "boolean|optional", "at": "datetime|optional", "any": "any|optional",
                "p": {"q": "string|optional"},
            }),
        )
        .timestamps(true)
        .partitions(json!({
            "byS": {"fields": {"s": "string"}},
            "byT": {"fields": {"t": "string|maxlength:2"}},
            "byN": {"fields": {"n": "number"}},
            "byDay": {"fields": {"at": "date|maxlength:10"}},
            "byAny": {"fields": {"any": "string"}},
            "bySN": {"fields": {"s": "string", "n": "number", "ok": "boolean"}},
            "byMust": {"fields": {"must": "string", "p.q": "string"}},
        }));
        let resource = db.create_resource(config).await.unwrap();
        random_documents(&mut dice, &resource, 40).await;
        for _ in 0..40 {
            let mut filter = serde_json::Map::new();
            let any = ["s", "t", "n", "ok", "at", "any", "p.q", "must"];
            let fields: Vec<&str> = match dice.roll(4) {
                0 => vec!["s", "n", "ok"],
                few => (0..few).map(|_| dice.pick(&any)).collect(),
            };
            for field in fields {
                filter.insert(field.to_owned(), condition(&mut dice, field));
            }
            let sort = dice.pick(&[None, Some("n"), Some("-s"), Some("id")]);
            let (partition, is_covered) = check(&resource, &filter.into(), sort).await;
            *used.entry(partition).or_default() += 1;
            covered += usize::from(is_covered);
        }
    }
    assert_eq!(used.len(), 8, "every partition is used, and the scan: {used:?}");
    assert!(covered > 20, "{covered}");
}

/// s3db.js joins values like paths, and a slash at the end is gone from the key.
#[tokio::test]
async fn a_value_that_s3db_js_wrote_with_a_slash_at_its_end_is_that_of_the_document() {
    let store = MemoryStore::new();
    let db = open(&store).await;
    let config = ResourceConfig::new("r", json!({"s": "string", "t": "string"})).partitions(
        json!({"byS": {"fields": {"s": "string"}}, "byST": {"fields": {"s": "string", "t": "string"}}}),
    );
    let resource = db.create_resource(config).await.unwrap();
    resource.insert(json!({"id": "ours", "s": "US", "t": "x"})).await.unwrap();
    let put = async |key: &str, metadata: Metadata| {
        let object = PutObject { metadata: Arc::new(metadata), ..PutObject::default() };
        let prefix = store.objects()[0].0.rsplit_once("resource=r/").unwrap().0.to_owned();
        store.put(&format!("{prefix}resource=r/{key}"), object, Condition::None).await.unwrap();
    };
    for (id, s, t) in [("a", "US/", "x"), ("b", "US", "x/"), ("c", "US/.", "x")] {
        put(&format!("data/id={id}"), Metadata::from_iter([("0", s), ("1", t), ("_v", "v1")])).await;
        put(&format!("partition=byS/s=US/id={id}"), Metadata::from_iter([("_v", "v1")])).await;
        put(&format!("partition=byST/s=US/t=x/id={id}"), Metadata::from_iter([("_v", "v1")])).await;
    }
    for filter in
        [json!({"s": "US"}), json!({"s": "US/"}), json!({"s": {"$gte": ""}}), json!({"s": "US", "t": "x/"})]
    {
        let covered = resource.query(filter.clone()).select(["s"]);
        assert!(covered.plan().unwrap().is_covered(), "{filter}");
        let shown = |rows: Vec<Value>| {
            let mut rows = rows;
            rows.sort_by_key(Value::to_string);
            rows
        };
        let told = covered.run().await.unwrap().rows;
        let told = shown(told.into_iter().map(|row| json!({"id": row.id, "s": row.data["s"]})).collect());
        let scanned = resource.query(filter.clone()).scan().run().await.unwrap().records;
        let scanned = shown(scanned.into_iter().map(|r| json!({"id": r.id, "s": r.data["s"]})).collect());
        assert_eq!(told, scanned, "{filter}");
        assert!(!scanned.is_empty(), "{filter}");
    }
    let (rows, cost) = spent(&db, resource.query(json!({"s": "US"})).select(["s"]).run()).await;
    assert_eq!(rows.unwrap().rows.len(), 2, "ours, and b");
    assert_eq!(cost, Requests { list: 1, get: 3, ..Requests::NONE }, "ours is told by its key");
}

#[tokio::test]
async fn a_key_that_does_not_tell_its_value_is_no_answer() {
    let store = MemoryStore::new();
    let db = open(&store).await;
    let config = |kind: &str| {
        ResourceConfig::new("r", json!({"n": kind, "s": "string"}))
            .partitions(json!({"byN": {"fields": {"n": "number"}}, "byS": {"fields": {"s": "string"}}}))
    };
    let resource = db.create_resource(config("number")).await.unwrap();
    for (id, n) in [("a", 9007199254740993_i64), ("b", 9007199254740992), ("c", 7)] {
        resource.insert(json!({"id": id, "n": n, "s": "x"})).await.unwrap();
    }
    let (ids, cost) = spent(&db, resource.query(json!({"n": {"$gte": 0}})).select(["n"]).run()).await;
    let values: Vec<Value> = ids.unwrap().rows.into_iter().map(|row| row.data["n"].clone()).collect();
    assert_eq!(values, [json!(9007199254740993_i64), json!(9007199254740992_i64), json!(7)]);
    assert_eq!(cost, Requests { list: 1, get: 2, ..Requests::NONE }, "two of three numbers share their key");

    // Texts of documents from before, which were numbers then.
    let resource = db.create_resource(config("string")).await.unwrap();
    resource.insert(json!({"id": "d", "n": "7", "s": "x"})).await.unwrap();
    for filter in [json!({"n": "7"}), json!({"n": 7}), json!({"n": {"$gt": ""}}), json!({"n": {"$gt": 0}})] {
        let scanned = resource.query(filter.clone()).scan().ids().await.unwrap();
        assert_eq!(resource.query(filter.clone()).ids().await.unwrap(), scanned, "{filter}");
    }
}
