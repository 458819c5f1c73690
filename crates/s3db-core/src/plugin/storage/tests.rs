//! Plugin storage, and what s3db.js left in the bucket of `tests/buckets/plugin-base.json`.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use futures::future::join_all;
use serde_json::{Value, json};

use super::{PluginStorage, Scope, SetOptions, WriteMode, slug, value};
use crate::key::Keys;
use crate::lease::tests::{Flaky, World};
use crate::store::{Condition, MemoryOptions, MemoryStore, Metadata, PutObject, Store};
use crate::{Error, ErrorKind};

const MODES: [WriteMode; 3] = [WriteMode::BodyOverflow, WriteMode::BodyOnly, WriteMode::EnforceLimits];

fn on(store: Arc<dyn Store>, world: &Arc<World>, slug: &str) -> PluginStorage {
    PluginStorage::new(store, world.clone(), Keys::new("app"), slug, 2047, 32).unwrap()
}

fn storage() -> (PluginStorage, Arc<World>, Arc<Flaky>) {
    let world = World::new();
    let store = Flaky::new(&world);
    (on(store.clone(), &world, "p"), world, store)
}

fn mode(mode: WriteMode) -> SetOptions {
    SetOptions { mode, ..SetOptions::default() }
}

#[tokio::test]
async fn values_keep_their_types_in_every_mode() {
    let document = json!({
        "a": "007", "b": null, "c": "true", "d": true, "e": 7, "f": 7.5, "g": 30.0, "h": "", "i": " x ", "j": "{\"a\":1}",
        "k": "[x]", "l": {"n": "007", "m": [null, "1"]}, "m": [1, "2", {}], "n": "null", "o": "undefined", "p": "0x10",
        "q": "Infinity", "r": "São Paulo", "s": "d:j", "t": 9_007_199_254_740_993_i64, "u": u64::MAX, "v": -0.0, "w": 1e300,
        "camelCase": "kept", "x y": 1, "é": 2, "_private": 3, "": 4, "z": "1e3", "long": "y".repeat(300), "zero": 0,
        "bytes": "\u{0}\u{1F600}", "font": "font/woff2", "word": "=?UTF-8?B?w6k=?=", "blank": "  ", "feff": "\u{feff}5",
    });
    for write in MODES {
        let (storage, _, _) = storage();
        storage.set("k", document.clone(), mode(write)).await.unwrap();
        let read = Value::Object(storage.get("k").await.unwrap().unwrap());
        assert_eq!(read, document, "{write:?}");
    }
}

#[test]
fn what_s3db_js_would_misread_goes_to_the_body() {
    let place = |document: Value, mode, expires| {
        let placed = value::place(document.as_object().unwrap(), mode, expires, "S", 2047).unwrap();
        let metadata: Vec<String> =
            placed.metadata.iter().map(|(name, text)| format!("{name}={text}")).collect();
        format!("{} | {}", metadata.join(" "), std::str::from_utf8(&placed.body).unwrap())
    };
    let document = json!({"z": "007", "n": 10, "t": "x", "o": {"a": 1}, "null": null, "Up": 1});
    for (mode, expires, expected) in [
        (WriteMode::BodyOverflow, None, r#"t=x n=10 o={"a":1} | {"_w":"S","z":"007","null":null,"Up":1}"#),
        (
            WriteMode::EnforceLimits,
            Some(5),
            r#"_expiresat=5 t=x n=10 o={"a":1} | {"_w":"S","z":"007","null":null,"Up":1}"#,
        ),
        (
            WriteMode::BodyOnly,
            Some(5),
            r#" | {"_w":"S","_expiresAt":5,"z":"007","n":10,"t":"x","o":{"a":1},"null":null,"Up":1}"#,
        ),
    ] {
        assert_eq!(place(document.clone(), mode, expires), expected);
    }
    assert_eq!(place(json!({"t": "x"}), WriteMode::BodyOverflow, None), r#"t=x | {"_w":"S"}"#);
    let long = json!({"big": "y".repeat(2100), "small": 1});
    assert!(
        place(long.clone(), WriteMode::BodyOverflow, None).starts_with(r#"small=1 | {"_w":"S","big":"yyy"#)
    );
    let refused = value::place(long.as_object().unwrap(), WriteMode::EnforceLimits, None, "S", 2047);
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::TooLarge);
}

#[tokio::test]
async fn what_s3db_js_wrote_is_read_as_it_reads_it() {
    let world = World::new();
    // Inside the life of the value that expires.
    world.advance(1_795_385_200_000 - 1_800_000_000_000);
    let store = MemoryStore::with(MemoryOptions { env: world.clone(), ..MemoryOptions::default() });
    fill(&store, include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/buckets/plugin-base.json")))
        .await;
    let storage = PluginStorage::new(
        Arc::new(store.clone()),
        world.clone(),
        Keys::new("databases/app"),
        &slug("demo", Some("eu west")).unwrap(),
        2047,
        32,
    )
    .unwrap();
    let users = storage.for_resource("users").unwrap();
    assert_eq!(storage.list("").await.unwrap(), ["blob", "config/main", "hits", "locks/rebuild"]);
    for (from, key, expected) in [
        (&storage, "config/main", json!({"max": 10, "label": "x", "enabled": true, "nested": {"a": 1}})),
        (&storage, "hits", json!({"value": 3})),
        (&users, "state", json!({"cursor": "abc"})),
    ] {
        assert_eq!(Value::Object(from.get(key).await.unwrap().unwrap()), expected, "{key}");
    }
    let blob = storage.get("blob").await.unwrap().unwrap();
    assert_eq!(blob["list"], json!([1, 2, 3]));
    assert!(blob["text"].as_str().unwrap().len() > 2000 && blob.len() == 2);
    let next = users.get("sequence=invoice/value").await.unwrap().unwrap();
    assert_eq!((&next["value"], &next["name"]), (&json!(1001), &json!("invoice")));
    // Counting goes on where s3db.js stopped, and from then on every change has a version.
    assert!(!storage.get_with_version("hits").await.unwrap().unwrap().is_checked);
    assert_eq!(storage.increment("hits", 1).await.unwrap(), 4);
    assert!(storage.get_with_version("hits").await.unwrap().unwrap().is_checked);
    assert!(storage.ttl("config/main").await.unwrap().is_some());
    let leases = storage.leases();
    assert_eq!(leases.lock_info("rebuild").await.unwrap(), None, "it expired at …140385");
    assert!(leases.acquire("rebuild", Default::default()).await.unwrap().is_some());

    world.advance(3_600_000);
    let objects = store.len();
    assert_eq!(storage.get("config/main").await.unwrap(), None);
    assert_eq!(store.len(), objects, "a reader deletes nothing");
    assert_eq!(storage.delete_all(Scope::Everywhere).await.unwrap(), 6);
    assert_eq!(store.len(), 1, "the catalogue stays");
}

#[tokio::test]
async fn fifty_concurrent_increments_from_two_clients_make_fifty() {
    let world = World::new();
    let store = Flaky::new(&world);
    let clients = [on(store.clone(), &world, "p"), on(store, &world, "p")];
    let sums = join_all((0..50).map(|i| clients[i % 2].increment("hits", 1))).await;
    let mut sums: Vec<i64> = sums.into_iter().map(Result::unwrap).collect();
    sums.sort_unstable();
    assert_eq!(sums, (1..=50).collect::<Vec<_>>(), "each sum is given once");
    assert_eq!(clients[0].decrement("hits", 8).await.unwrap(), 42);
}

#[tokio::test]
async fn counters_keep_what_stands_beside_them_and_refuse_what_is_no_number() {
    let (storage, _, _) = storage();
    for write in [WriteMode::BodyOverflow, WriteMode::BodyOnly] {
        let options = SetOptions { ttl: Some(Duration::from_secs(60)), ..mode(write) };
        storage.set("c", json!({"value": 5, "Name": "x"}), options).await.unwrap();
        assert_eq!(storage.increment("c", -2).await.unwrap(), 3);
        assert_eq!(Value::Object(storage.get("c").await.unwrap().unwrap()), json!({"value": 3, "Name": "x"}));
        assert!(storage.ttl("c").await.unwrap().is_some(), "the time to live stays");
    }
    storage.set("c", json!({"value": "many"}), SetOptions::default()).await.unwrap();
    assert_eq!(storage.increment("c", 1).await.unwrap_err().kind(), ErrorKind::Validation);
    storage.set("c", json!({"value": i64::MAX}), SetOptions::default()).await.unwrap();
    assert_eq!(storage.increment("c", 1).await.unwrap_err().kind(), ErrorKind::Validation);
    assert_eq!(storage.increment_for("d", 1, Duration::from_secs(1)).await.unwrap(), 1);
    assert_eq!(storage.ttl("d").await.unwrap(), Some(Duration::from_secs(1)));
}

#[tokio::test]
async fn conditions_see_changes_of_metadata() {
    let (storage, _, _) = storage();
    let same = || json!({"t": "x"});
    let first = storage.set_if_absent("k", same(), SetOptions::default()).await.unwrap().unwrap();
    assert_eq!(storage.set_if_absent("k", same(), SetOptions::default()).await.unwrap(), None);
    let second = storage.set_if_version("k", same(), &first, SetOptions::default()).await.unwrap().unwrap();
    assert_ne!(first, second, "equal values, different writes");
    assert_eq!(storage.set_if_version("k", same(), &first, SetOptions::default()).await.unwrap(), None);
    assert!(!storage.delete_if_version("k", &first).await.unwrap());
    assert!(storage.has("k").await.unwrap());
    assert!(storage.delete_if_version("k", &second).await.unwrap());
    assert!(!storage.delete_if_version("k", &second).await.unwrap());
    let condition = SetOptions { condition: Condition::IfAbsent, ..SetOptions::default() };
    storage.set("k", same(), condition.clone()).await.unwrap();
    assert_eq!(storage.set("k", same(), condition).await.unwrap_err().kind(), ErrorKind::AlreadyExists);
    storage.delete("k").await.unwrap();
    assert_eq!(storage.get("k").await.unwrap(), None);
}

#[tokio::test]
async fn a_store_without_conditional_deletes_deletes_under_a_condition_all_the_same() {
    let world = World::new();
    let mut options = MemoryOptions { env: world.clone(), ..MemoryOptions::default() };
    options.capability.conditional_delete = false;
    let storage = on(Arc::new(MemoryStore::with(options)), &world, "p");
    let first = storage.set("k", json!({"a": 1}), SetOptions::default()).await.unwrap();
    let second = storage.set("k", json!({"a": 2}), SetOptions::default()).await.unwrap();
    assert!(!storage.delete_if_version("k", &first).await.unwrap());
    assert!(storage.delete_if_version("k", &second).await.unwrap());
    assert_eq!(storage.get("k").await.unwrap(), None);
    assert!(storage.set_if_absent("k", json!({"a": 3}), SetOptions::default()).await.unwrap().is_some());
}

#[tokio::test]
async fn a_lost_answer_is_looked_up() {
    for kind in [ErrorKind::Unavailable, ErrorKind::Conflict] {
        let (storage, _, store) = storage();
        store.lose_next(kind);
        let version = storage.set_if_absent("k", json!({"a": 1}), SetOptions::default()).await.unwrap();
        store.lose_next(kind);
        let version = version.expect("it was ours");
        let next =
            storage.set_if_version("k", json!({"a": 2}), &version, SetOptions::default()).await.unwrap();
        assert!(next.is_some());
        store.lose_next(kind);
        assert_eq!(storage.increment("n", 1).await.unwrap(), 1);
        store.lose_next(kind);
        assert_eq!(storage.increment("n", 1).await.unwrap(), 2, "nothing is counted twice");
        store.lose_next(kind);
        let doubt: Error = storage.delete_if_version("k", &next.unwrap()).await.unwrap_err();
        assert!(doubt.kind() == ErrorKind::Conflict && doubt.is_outcome_unknown());
    }
}

#[tokio::test]
async fn values_expire_and_can_live_longer() {
    for write in MODES {
        let (storage, world, store) = storage();
        let options = SetOptions { ttl: Some(Duration::from_secs(10)), ..mode(write) };
        let version = storage.set("k", json!({"a": 1}), options.clone()).await.unwrap();
        assert_eq!(storage.ttl("k").await.unwrap(), Some(Duration::from_secs(10)));
        assert!(storage.touch("k", Duration::from_secs(5)).await.unwrap(), "{write:?}");
        assert_eq!(storage.ttl("k").await.unwrap(), Some(Duration::from_secs(15)));
        world.advance(15_001);
        assert_eq!(storage.get("k").await.unwrap(), None);
        assert!(!storage.has("k").await.unwrap());
        assert!(!storage.touch("k", Duration::from_secs(5)).await.unwrap(), "it does not come back to life");
        assert!(store.get("app/plugin=p/k").await.unwrap().is_some(), "a reader deletes nothing");
        assert_eq!(storage.set_if_version("k", json!({"a": 2}), &version, mode(write)).await.unwrap(), None);
        assert!(storage.set_if_absent("k", json!({"a": 2}), mode(write)).await.unwrap().is_some());
        assert_eq!(storage.ttl("k").await.unwrap(), None);
        assert!(!storage.touch("k", Duration::from_secs(5)).await.unwrap());
    }
}

#[tokio::test]
async fn expired_values_can_be_cleared_away_and_locks_stay() {
    let (storage, world, _) = storage();
    storage.set("old", json!({"a": 1}), SetOptions::ttl(Duration::from_secs(1))).await.unwrap();
    storage.set("new", json!({"a": 1}), SetOptions::default()).await.unwrap();
    storage.leases().acquire("l", Default::default()).await.unwrap().unwrap().release().await.unwrap();
    world.advance(1001);
    assert_eq!(storage.remove_expired("").await.unwrap(), 1);
    assert_eq!(storage.list("").await.unwrap(), ["locks/l", "new"]);
}

#[tokio::test]
async fn listing_and_purging_have_no_limit_and_touch_nothing_else() {
    use futures::TryStreamExt as _;
    let world = World::new();
    let store = Arc::new(MemoryStore::new());
    let storage = on(store.clone(), &world, "p");
    let others = [on(store.clone(), &world, "p2"), on(store.clone(), &world, "p--x")];
    for other in &others {
        other.set("k", json!({"a": 1}), SetOptions::default()).await.unwrap();
        other.for_resource("users").unwrap().set("k", json!({"a": 1}), SetOptions::default()).await.unwrap();
    }
    let document = PutObject::default();
    store.put("app/resource=users/data/id=plugin=p", document, Condition::None).await.unwrap();
    for i in 0..2500 {
        storage.set(&format!("item/{i:04}"), json!({"i": i}), SetOptions::default()).await.unwrap();
    }
    let users = storage.for_resource("users").unwrap();
    users.set("state", json!({"a": 1}), SetOptions::default()).await.unwrap();
    assert_eq!(storage.list("item/").await.unwrap().len(), 2500);
    assert_eq!(storage.list("item/01").await.unwrap().len(), 100);
    let entries: Vec<_> = storage.entries("item/24").try_collect().await.unwrap();
    assert_eq!(entries.len(), 100);
    assert_eq!((entries[7].0.as_str(), &entries[7].1["i"]), ("item/2407", &json!(2407)));
    assert_eq!(storage.namespaces().await.unwrap(), ["p", "p--x"]);
    assert_eq!(others[1].namespaces().await.unwrap(), ["p", "p--x"], "siblings are seen from within one");
    assert_eq!(storage.delete_all(Scope::Here).await.unwrap(), 2500);
    assert!(users.has("state").await.unwrap());
    assert_eq!(storage.delete_all(Scope::Everywhere).await.unwrap(), 1);
    assert_eq!(store.len(), 5);
}

#[tokio::test]
async fn what_cannot_be_kept_is_refused() {
    let (storage, _, store) = storage();
    let mut deep = json!(1);
    for _ in 0..120 {
        deep = json!([deep]);
    }
    for value in [json!([1]), json!("x"), json!({"_w": "x"}), json!({"_expiresAt": 1}), json!({"deep": deep})]
    {
        let refused = storage.set("k", value.clone(), SetOptions::default()).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Validation, "{value}");
    }
    for key in ["", "a//b", "../x", "x/", "."] {
        assert_eq!(storage.get(key).await.unwrap_err().kind(), ErrorKind::Config, "{key}");
    }
    for slug in ["", "a/b", "s3db-unique"] {
        let world = World::new();
        let made = PluginStorage::new(store.clone(), world, Keys::new(""), slug, 2047, 32);
        assert_eq!(made.unwrap_err().kind(), ErrorKind::Config, "{slug}");
    }
    let broken = PutObject { body: "[1]".into(), ..PutObject::default() };
    store.put("app/plugin=p/k", broken, Condition::None).await.unwrap();
    assert_eq!(storage.get("k").await.unwrap_err().kind(), ErrorKind::Corrupt);
}

#[test]
fn a_namespace_is_written_as_s3db_js_writes_it() {
    for (base, namespace, expected) in [
        ("my-cool", Some("My Inst_1"), "my-cool--my-inst-1"),
        ("demo", Some("eu west"), "demo--eu-west"),
        ("demo", Some("--!"), "demo"),
        ("demo", None, "demo"),
    ] {
        assert_eq!(slug(base, namespace).unwrap(), expected);
    }
}

async fn fill(store: &MemoryStore, bucket: &str) {
    let bucket: Value = serde_json::from_str(bucket).unwrap();
    for object in bucket["objects"].as_array().unwrap() {
        let metadata = object["metadata"].as_object().unwrap().iter();
        let metadata: Metadata =
            metadata.map(|(name, text)| (name.as_str(), text.as_str().unwrap())).collect();
        let body = base64::engine::general_purpose::STANDARD.decode(object["body_base64"].as_str().unwrap());
        let put = PutObject { metadata: metadata.into(), body: body.unwrap().into(), content_type: None };
        store.put(object["key"].as_str().unwrap(), put, Condition::None).await.unwrap();
    }
}
