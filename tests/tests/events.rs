//! Those who listen to a database, and its own hooks.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use futures::FutureExt as _;
use s3db::database::{Action, ChangeOptions, DatabasePoint, EventFilter, EventKind, Events, WhenFull};
use s3db::op::Verb;
use s3db::store::{Condition, MemoryStore, PutObject, Store};
use s3db::{Database, Error, ErrorKind, Event, Resource, ResourceConfig};
use s3db_testkit::TestEnv;
use serde_json::json;
use tokio::sync::mpsc;

async fn open_on(store: Arc<dyn Store>) -> Database {
    Database::builder_on(store, "app").env(Arc::new(TestEnv::new(1))).connect().await.unwrap()
}

fn config() -> ResourceConfig {
    ResourceConfig::new("users", json!({"name": "string"}))
}

async fn users() -> (Database, Resource) {
    let db = open_on(Arc::new(MemoryStore::new())).await;
    let users = db.create_resource(config()).await.unwrap();
    (db, users)
}

/// Runs one call of each kind.
async fn call_all(users: &Resource) {
    users.insert(json!({"id": "a", "name": "Ann"})).await.unwrap();
    users.update("a", json!({"name": "Anna"})).await.unwrap();
    users.replace("a", json!({"name": "Ann"})).await.unwrap();
    users.get("a").await.unwrap();
    users.get_many(["a", "z"]).await;
    users.list(Default::default()).await.unwrap();
    users.count().await.unwrap();
    users.delete("a").await.unwrap();
    users.get("a").await.unwrap_err();
}

fn told(events: &mut Events) -> String {
    let line = |event: Event| match event {
        Event::Changed(change) => format!("{:?} {}", change.action, change.id),
        Event::Called { verb, id, documents, failed, .. } => {
            format!("{verb} {} {documents} {failed}", id.as_deref().unwrap_or("-"))
        }
        event => format!("{:?}", event.kind()),
    };
    std::iter::from_fn(|| events.try_next()).map(line).collect::<Vec<_>>().join(", ")
}

#[tokio::test]
async fn a_listener_hears_what_its_filter_asks_for_and_nothing_else() {
    let (db, users) = users().await;
    let orders = db.create_resource(ResourceConfig::new("orders", json!({"name": "string"}))).await.unwrap();
    let mut changes = db.events_of(EventFilter::changes().resource("users"));
    let mut inserts = db.events_of(EventFilter::of([EventKind::Changed(Action::Insert)]));
    let mut of_a = db.events_of(EventFilter::changes().id("a"));
    let mut calls = db.events_of(EventFilter::calls([Verb::Insert, Verb::GetMany, Verb::List, Verb::Delete]));
    let mut notices = db.events();
    call_all(&users).await;
    orders.insert(json!({"id": "o", "name": "x"})).await.unwrap();
    assert_eq!(told(&mut changes), "Insert a, Update a, Replace a, Delete a");
    assert_eq!(told(&mut inserts), "Insert a, Insert o");
    assert_eq!(told(&mut of_a), "Insert a, Update a, Replace a, Delete a");
    assert_eq!(told(&mut calls), "insert a 1 0, get_many - 1 1, list - 1 0, delete a 1 0, insert o 1 0");
    assert_eq!(told(&mut notices), "");
    assert_eq!(calls.missed(), 0);
}

#[tokio::test]
async fn a_change_tells_what_was_there_before_and_after() {
    let (db, users) = users().await;
    users.insert(json!({"id": "a", "name": "Ann"})).await.unwrap();
    let mut changes = db.events_of(EventFilter::changes());
    users.update("a", json!({"name": "Anna"})).await.unwrap();
    users.delete("a").await.unwrap();
    let mut next = || match changes.try_next() {
        Some(Event::Changed(change)) => change,
        other => panic!("{other:?}"),
    };
    let updated = next();
    assert_eq!(updated.before.as_ref().unwrap()["name"], "Ann");
    assert_eq!(updated.after.as_ref().unwrap()["name"], "Anna");
    let deleted = next();
    assert_eq!(
        (deleted.before.as_ref().unwrap()["name"].as_str(), deleted.after.as_ref()),
        (Some("Anna"), None)
    );
}

#[tokio::test]
async fn a_database_without_listeners_sends_no_request_more() {
    let requests = async |db: &Database, users: &Resource| {
        let before = db.requests();
        call_all(users).await;
        db.requests() - before
    };
    let (db, users) = users().await;
    let alone = requests(&db, &users).await;
    let listening = db.events_of(EventFilter::calls([Verb::Get]));
    assert_eq!(requests(&db, &users).await, alone, "calls cost nothing");
    drop(listening);
    drop(db.events_of(EventFilter::all()));
    assert_eq!(requests(&db, &users).await, alone);
}

#[tokio::test]
async fn a_slow_listener_loses_the_oldest_and_knows_how_many() {
    let (db, users) = users().await;
    let mut changes = db.events_of(EventFilter::changes().capacity(2));
    for id in ["a", "b", "c", "d"] {
        users.insert(json!({"id": id, "name": "x"})).await.unwrap();
    }
    assert_eq!(told(&mut changes), "Insert c, Insert d");
    assert_eq!(changes.missed(), 2);
}

#[tokio::test]
async fn a_writer_that_goes_away_while_it_waits_for_a_slow_listener_has_told_the_others() {
    let (db, users) = users().await;
    let _slow = db.changes(ChangeOptions::new().capacity(1).when_full(WhenFull::Wait));
    let mut changes = db.events_of(EventFilter::changes());
    users.insert(json!({"id": "a", "name": "Ann"})).await.unwrap();
    let waiting = users.insert(json!({"id": "b", "name": "Bob"})).now_or_never();
    assert!(waiting.is_none(), "it waits for room");
    assert_eq!(told(&mut changes), "Insert a, Insert b");
    assert_eq!(users.last_change(), 2);
}

#[tokio::test]
async fn definitions_and_catalogue_writes_are_told() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let (db, other) = (open_on(store.clone()).await, open_on(store).await);
    let mut events = db.events_of(EventFilter::all());
    let mut seen_by_other = other.events_of(EventFilter::all());
    db.create_resource(config()).await.unwrap();
    assert_eq!(told(&mut events), "CatalogWritten, ResourceCreated");
    db.create_resource(config()).await.unwrap();
    assert_eq!(told(&mut events), "", "nothing has changed");
    db.create_resource(ResourceConfig::new("users", json!({"name": "string", "age": "number|optional"})))
        .await
        .unwrap();
    assert_eq!(told(&mut events), "CatalogWritten, VersionUpdated, ResourceUpdated");

    other.refresh().await.unwrap();
    let Some(Event::DefinitionsChanged { changes }) = seen_by_other.next().await else { panic!("changes") };
    assert_eq!(
        (changes[0].resource.as_str(), &changes[0].from, changes[0].to.as_deref()),
        ("users", &None, Some("v2"))
    );
    other.refresh().await.unwrap();
    assert_eq!(told(&mut seen_by_other), "");
    db.clone().close().await;
    assert_eq!(told(&mut events), "Closed");
    drop(db);
    assert_eq!(events.next().await, None);
}

#[tokio::test]
async fn a_listener_given_to_the_builder_hears_of_a_mended_catalogue() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let body = r#"{"version": "1", "resources": {},}"#;
    let object = PutObject { body: body.into(), ..Default::default() };
    store.put("app/s3db.json", object, Condition::None).await.unwrap();
    let (heard, mut hears) = mpsc::unbounded_channel();
    let listener = move |event: Event| {
        let heard = heard.clone();
        async move { heard.send(event.kind()).unwrap_or_default() }
    };
    let db =
        Database::builder_on(store, "app").on_event(EventFilter::all(), listener).connect().await.unwrap();
    assert_eq!(hears.recv().await, Some(EventKind::CatalogHealed));
    assert_eq!(hears.recv().await, Some(EventKind::Connected));
    drop(db);
    assert_eq!(hears.recv().await, None, "its task ends with the database");
}

#[tokio::test]
async fn a_listener_is_called_in_order_until_it_is_dropped() {
    let (db, users) = users().await;
    let (heard, mut hears) = mpsc::unbounded_channel();
    let listener = db
        .on(EventFilter::changes(), move |event| {
            let heard = heard.clone();
            async move { drop(heard.send(event.id().unwrap_or_default().to_owned())) }
        })
        .unwrap();
    for id in ["a", "b", "c"] {
        users.insert(json!({"id": id, "name": "x"})).await.unwrap();
    }
    for id in ["a", "b", "c"] {
        assert_eq!(hears.recv().await.as_deref(), Some(id));
    }
    drop(listener);
    assert_eq!(hears.recv().await, None, "the closure is gone");
    users.insert(json!({"id": "d", "name": "x"})).await.unwrap();
}

#[tokio::test]
async fn a_listener_that_panics_is_called_again() {
    let (db, users) = users().await;
    let (heard, mut hears) = mpsc::unbounded_channel();
    let listener = db
        .on(EventFilter::changes(), move |event| {
            let heard = heard.clone();
            assert!(event.id() != Some("a"), "in the closure");
            async move {
                assert!(event.id() != Some("b"), "in its future");
                drop(heard.send(event.id().unwrap_or_default().to_owned()));
            }
        })
        .unwrap();
    for id in ["a", "b", "c"] {
        users.insert(json!({"id": id, "name": "x"})).await.unwrap();
    }
    assert_eq!(hears.recv().await.as_deref(), Some("c"));
    assert_eq!((listener.panics(), listener.missed()), (2, 0));
}

#[tokio::test]
async fn a_listener_that_hangs_holds_up_nobody() {
    let (db, users) = users().await;
    let calls = Arc::new(AtomicU64::new(0));
    let (counted, (started, mut has_started)) = (calls.clone(), mpsc::unbounded_channel());
    let listener = db
        .on(EventFilter::changes().capacity(2), move |_event| {
            counted.fetch_add(1, Ordering::Relaxed);
            let _ = started.send(());
            std::future::pending()
        })
        .unwrap();
    users.insert(json!({"id": "first", "name": "x"})).await.unwrap();
    has_started.recv().await.unwrap();
    for id in ["a", "b", "c", "d"] {
        users.insert(json!({"id": id, "name": "x"})).await.unwrap();
    }
    assert_eq!(listener.missed(), 2, "two wait, two are lost, and no insert has waited");
    db.flush().await;
    db.clone().close().await;
    assert_eq!(calls.load(Ordering::Relaxed), 1);
    listener.remove();
    assert_eq!(has_started.recv().await, None, "it is cut off");
    assert_eq!(users.count().await.unwrap(), 5);
}

#[test]
fn a_listener_outside_a_runtime_is_an_error() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let (db, _users) = runtime.block_on(users());
    let error = db.on(EventFilter::all(), |_event| async {}).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("needs a Tokio runtime"), "{error}");
}

const POINTS: [DatabasePoint; 8] = [
    DatabasePoint::BeforeConnect,
    DatabasePoint::AfterConnect,
    DatabasePoint::BeforeCreateResource,
    DatabasePoint::AfterCreateResource,
    DatabasePoint::BeforeCatalogWrite,
    DatabasePoint::AfterCatalogWrite,
    DatabasePoint::BeforeClose,
    DatabasePoint::AfterClose,
];

#[tokio::test]
async fn hooks_of_a_database_run_in_order_around_what_is_done_with_it() {
    let log = Arc::new(Mutex::new(Vec::new()));
    let mut builder = Database::builder_on(Arc::new(MemoryStore::new()), "app");
    for point in POINTS {
        for name in ["1", "2"] {
            let log = log.clone();
            builder = builder.hook(point, name, move |call| {
                log.lock().unwrap().push(format!("{point}{name}"));
                async move { Ok(call) }
            });
        }
    }
    let db = builder.connect().await.unwrap();
    let seen = || std::mem::take(&mut *log.lock().unwrap()).join(" ");
    assert_eq!(seen(), "beforeConnect1 beforeConnect2 afterConnect1 afterConnect2");
    db.create_resource(config()).await.unwrap();
    assert_eq!(
        seen(),
        "beforeCreateResource1 beforeCreateResource2 beforeCatalogWrite1 beforeCatalogWrite2 \
         afterCatalogWrite1 afterCatalogWrite2 afterCreateResource1 afterCreateResource2"
    );
    db.create_resource(config()).await.unwrap();
    assert!(!seen().contains("Catalog"), "nothing was written");
    db.close().await;
    assert_eq!(seen(), "beforeClose1 beforeClose2 afterClose1 afterClose2");
}

#[tokio::test]
async fn a_hook_of_a_database_changes_a_definition_before_it_is_written() {
    let db = open_on(Arc::new(MemoryStore::new())).await;
    let hook = db.hook(DatabasePoint::BeforeCreateResource, "times", |mut call| async move {
        call.config = call.config.map(|config| config.timestamps(true));
        Ok(call)
    });
    let users = db.create_resource(config()).await.unwrap();
    assert!(users.insert(json!({"name": "Ann"})).await.unwrap().data.contains_key("createdAt"));
    hook.remove();
    let orders = db.create_resource(ResourceConfig::new("orders", json!({"name": "string"}))).await.unwrap();
    assert!(!orders.insert(json!({"name": "x"})).await.unwrap().data.contains_key("createdAt"));
}

#[tokio::test]
async fn a_hook_of_a_database_that_fails_or_panics_ends_the_call() {
    for (panics, message) in [(false, "closed on sundays"), (true, "a hook panicked")] {
        for point in POINTS {
            let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
            let builder =
                Database::builder_on(store.clone(), "app").hook(point, "closed", move |_call| async move {
                    let error = Error::new(ErrorKind::Conflict, "closed on sundays");
                    if panics { panic!("in the hook") } else { Err(error) }
                });
            let check = |error: &Error| {
                assert_eq!(error.message(), message, "{point}");
                assert_eq!(error.context("hook"), Some("closed"), "{point}");
            };
            let db = match builder.connect().await {
                Ok(db) => db,
                Err(error) => {
                    assert!(matches!(point, DatabasePoint::BeforeConnect | DatabasePoint::AfterConnect));
                    check(&error);
                    continue;
                }
            };
            let created = db.create_resource(config()).await;
            let is_stored = open_on(store).await.resource("users").is_ok();
            match point {
                DatabasePoint::BeforeCreateResource | DatabasePoint::BeforeCatalogWrite => {
                    check(&created.unwrap_err());
                    assert!(!is_stored, "{point}");
                }
                DatabasePoint::AfterCreateResource | DatabasePoint::AfterCatalogWrite => {
                    let error = created.unwrap_err();
                    check(&error);
                    assert_eq!(error.context("written"), Some("true"), "{point}");
                    assert!(is_stored && db.resource("users").is_ok(), "{point}");
                }
                _ => {
                    created.unwrap();
                    let mut events = db.events();
                    db.clone().close().await;
                    let Some(Event::HookFailed { point: told, error }) = events.try_next() else {
                        panic!("{point}")
                    };
                    assert!(told == point && error.contains(message), "{point}: {error}");
                }
            }
        }
    }
}
