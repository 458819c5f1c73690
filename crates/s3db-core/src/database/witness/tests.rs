//! Every verb, seen by a witness, on a store that fails and hangs where it is told to.

use std::future::Future;
use std::sync::Mutex;

use futures::future::BoxFuture;
use futures::{FutureExt as _, SinkExt as _};
use serde_json::json;

use super::*;
use crate::database::Action;
use crate::plugin::{Installer, Manifest, Plugin, Purge};
use crate::store::{
    Capability, Condition, Head, ListPage, ListRequest, MemoryStore, Object, PutObject, PutResult, Replace,
    Store,
};
use crate::{Database, Resource, ResourceConfig};

/// What the store does with the puts and deletes of documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Mood {
    #[default]
    Obeys,
    /// Does it, and never answers.
    Hangs,
    /// Says that it cannot say.
    Doubts,
    /// Refuses.
    Denies,
    /// Loses the race against another writer, once.
    LosesARace,
}

#[derive(Debug, Default)]
struct Moody {
    inner: MemoryStore,
    mood: Mutex<Mood>,
    /// Puts and deletes that were sent.
    sent: Mutex<Vec<String>>,
}

impl Moody {
    async fn meets(&self, key: &str) -> Result<()> {
        self.sent.lock().unwrap().push(key.to_owned());
        let mood = *self.mood.lock().unwrap();
        if !key.contains("/data/") {
            return Ok(());
        }
        match mood {
            Mood::Obeys => Ok(()),
            Mood::Hangs => std::future::pending().await,
            Mood::Doubts => Err(Error::new(ErrorKind::Unavailable, "nobody knows")),
            Mood::Denies => Err(Error::new(ErrorKind::Denied, "not you")),
            Mood::LosesARace => {
                *self.mood.lock().unwrap() = Mood::Obeys;
                Err(Error::new(ErrorKind::Conflict, "another writer was faster"))
            }
        }
    }

    fn sent(&self) -> usize {
        self.sent.lock().unwrap().len()
    }
}

#[async_trait]
impl Store for Moody {
    fn capability(&self) -> &Capability {
        self.inner.capability()
    }

    async fn put(&self, key: &str, object: PutObject, condition: Condition) -> Result<PutResult> {
        self.meets(key).await?;
        self.inner.put(key, object, condition).await
    }

    async fn get(&self, key: &str) -> Result<Option<Object>> {
        self.inner.get(key).await
    }

    async fn head(&self, key: &str) -> Result<Option<Head>> {
        self.inner.head(key).await
    }

    async fn copy(
        &self,
        from: &str,
        to: &str,
        new: Option<Replace>,
        condition: Condition,
    ) -> Result<PutResult> {
        self.meets(to).await?;
        self.inner.copy(from, to, new, condition).await
    }

    async fn list(&self, request: ListRequest) -> Result<ListPage> {
        self.inner.list(request).await
    }

    async fn delete(&self, key: &str, condition: Condition) -> Result<()> {
        self.meets(key).await?;
        self.inner.delete(key, condition).await
    }

    async fn delete_many(&self, keys: &[String]) -> Result<Vec<Result<()>>> {
        for key in keys {
            self.meets(key).await?;
        }
        self.inner.delete_many(keys).await
    }
}

/// Writes down what it sees.
#[derive(Debug, Clone)]
struct Scribe {
    name: &'static str,
    options: WitnessOptions,
    /// What it refuses with, or `None` to panic.
    refuses: Option<Option<ErrorKind>>,
    panics_at_the_end: bool,
    keeps_nothing: bool,
    store: Arc<Moody>,
    /// What it has seen, each with the puts and deletes that had been sent by then.
    log: Arc<Mutex<Vec<(String, usize)>>>,
}

impl Scribe {
    fn note(&self, what: String) {
        self.log.lock().unwrap().push((what, self.store.sent()));
    }

    fn taken(&self) -> Vec<(String, usize)> {
        std::mem::take(&mut *self.log.lock().unwrap())
    }

    fn lines(&self) -> Vec<String> {
        self.taken().into_iter().map(|(what, _)| what).collect()
    }
}

fn name_in(document: Option<&crate::Document>) -> String {
    document.map_or("-".to_owned(), |document| document["name"].as_str().unwrap().to_owned())
}

#[async_trait]
impl ChangeWitness for Scribe {
    async fn prepare(&self, change: &Arc<Change>) -> Result<Ticket> {
        let Change { id, action, before, after, etag, number, .. } = &**change;
        assert!(etag.is_none() && *number == 0);
        self.note(format!("{action:?} {id} {} {}", name_in(before.as_ref()), name_in(after.as_ref())));
        match self.refuses {
            Some(Some(kind)) => Err(Error::new(kind, "not without me")),
            Some(None) => panic!("as it was told to"),
            None if self.keeps_nothing => Ok(Ticket::none()),
            None => Ok(Ticket::new(change.id.clone())),
        }
    }

    fn settle(&self, ticket: Ticket, change: &Arc<Change>, ending: &Ending) {
        assert_eq!(ticket.take::<String>().as_ref(), Some(&change.id), "the ticket is its own");
        self.note(match ending {
            Ending::Committed { etag, version } => {
                assert_eq!(etag.is_some(), change.action != Action::Delete);
                format!("{} committed {version}", change.id)
            }
            other => format!("{} {other:?}", change.id).to_lowercase(),
        });
        assert!(!self.panics_at_the_end, "as it was told to");
    }
}

#[async_trait]
impl Plugin for Scribe {
    fn manifest(&self) -> Manifest {
        Manifest::new(self.name, "1.0.0")
    }

    async fn install(&self, installer: &mut Installer) -> Result<()> {
        installer.resource(ResourceConfig::new("own", json!({"name": "string"}))).await?;
        installer.witness("w", self.options.clone(), Arc::new(self.clone()));
        Ok(())
    }
}

struct World {
    store: Arc<Moody>,
    db: Database,
    users: Resource,
    scribe: Scribe,
}

impl World {
    /// A database with Ann, Bob and content of Bob's, then a witness that `change` has made another.
    async fn new(change: impl FnOnce(&mut Scribe)) -> Self {
        let store = Arc::new(Moody::default());
        let db = Database::builder_on(store.clone(), "").connect().await.unwrap();
        let users =
            db.create_resource(ResourceConfig::new("users", json!({"name": "string"}))).await.unwrap();
        for name in ["ann", "bob"] {
            users.insert(json!({"id": name, "name": name})).await.unwrap();
        }
        users.set_content("bob", vec![1, 2]).await.unwrap();
        let mut scribe = Scribe {
            name: "scribe",
            options: WitnessOptions::new(),
            refuses: None,
            panics_at_the_end: false,
            keeps_nothing: false,
            store: store.clone(),
            log: Arc::default(),
        };
        change(&mut scribe);
        db.plugin(scribe.clone()).await.unwrap();
        Self { store, db, users, scribe }
    }

    fn set(&self, mood: Mood) {
        *self.store.mood.lock().unwrap() = mood;
    }
}

type Verb = fn(Resource) -> BoxFuture<'static, Result<()>>;

/// Makes a verb of an expression.
macro_rules! verb {
    (|$users:ident| $call:expr) => {
        |$users: Resource| async move { $call.await.map(drop) }.boxed()
    };
}

/// Each verb that writes, and the changes that it makes.
fn verbs() -> Vec<(&'static str, Verb, Vec<&'static str>)> {
    vec![
        ("insert", verb!(|users| users.insert(json!({"id": "cy", "name": "new"}))), vec!["Insert cy - new"]),
        (
            "insert_many",
            verb!(|users| async {
                users.insert_many([json!({"id": "cy", "name": "new"})]).await.into_result()
            }),
            vec!["Insert cy - new"],
        ),
        (
            "sink",
            verb!(|users| async {
                let mut sink = users.sink();
                sink.send(json!({"id": "cy", "name": "new"})).await?;
                sink.close().await?;
                let failed = sink.into_summary().failures.pop();
                failed.map_or(Ok(()), |failed| Err(failed.error))
            }),
            vec!["Insert cy - new"],
        ),
        ("update", verb!(|users| users.update("ann", json!({"name": "new"}))), vec!["Update ann ann new"]),
        ("patch", verb!(|users| users.patch("ann", json!({"name": "new"}))), vec!["Update ann ann new"]),
        (
            "update_with",
            verb!(|users| users.update_with("ann", |ann| {
                ann["name"] = json!("new");
                Ok(())
            })),
            vec!["Update ann ann new"],
        ),
        (
            "update beside content",
            verb!(|users| users.update("bob", json!({"name": "new"}))),
            vec!["Update bob bob new"],
        ),
        ("replace", verb!(|users| users.replace("ann", json!({"name": "new"}))), vec!["Replace ann ann new"]),
        (
            "replace of nothing",
            verb!(|users| users.replace("cy", json!({"name": "new"}))),
            vec!["Replace cy - new"],
        ),
        (
            "upsert",
            verb!(|users| users.upsert(json!({"id": "ann", "name": "new"}))),
            vec!["Update ann ann new"],
        ),
        (
            "upsert of nothing",
            verb!(|users| users.upsert(json!({"id": "cy", "name": "new"}))),
            vec!["Insert cy - new"],
        ),
        ("set_content", verb!(|users| users.set_content("ann", vec![7_u8])), vec!["SetContent ann ann ann"]),
        ("delete_content", verb!(|users| users.delete_content("bob")), vec!["DeleteContent bob bob bob"]),
        ("delete", verb!(|users| users.delete("ann")), vec!["Delete ann ann -"]),
        (
            "delete_many",
            verb!(|users| async { users.delete_many(["ann", "bob"]).await.into_result() }),
            vec!["Delete ann ann -", "Delete bob bob -"],
        ),
        ("delete_all", verb!(|users| users.delete_all(true)), vec!["Delete ann ann -", "Delete bob bob -"]),
    ]
}

fn id_of(change: &str) -> &str {
    change.split(' ').nth(1).unwrap()
}

#[tokio::test]
async fn each_change_of_each_verb_is_shown_before_its_first_request_and_settled_after() {
    for (verb, call, changes) in verbs() {
        let world = World::new(|_| ()).await;
        let before = world.store.sent();
        call(world.users.clone()).await.unwrap_or_else(|error| panic!("{verb}: {error}"));
        let log = world.scribe.taken();
        let mut lines: Vec<&str> = log.iter().map(|(what, _)| what.as_str()).collect();
        lines.sort_unstable();
        let mut expected: Vec<String> = changes.iter().map(ToString::to_string).collect();
        expected.extend(changes.iter().map(|change| format!("{} committed v1", id_of(change))));
        expected.sort_unstable();
        assert_eq!(lines, expected, "{verb}");
        assert_eq!(log[0].1, before, "{verb}: nothing was sent when the first change was shown");
        for change in changes {
            let at = |what: &str| log.iter().position(|(line, _)| line == what).unwrap();
            assert!(at(change) < at(&format!("{} committed v1", id_of(change))), "{verb}");
        }
    }
}

#[tokio::test]
async fn a_witness_that_refuses_or_panics_keeps_each_verb_from_sending_anything() {
    // Kinds that would be tried again, if a store had said so.
    let kinds = [ErrorKind::Unavailable, ErrorKind::Conflict, ErrorKind::AlreadyExists];
    for refusal in kinds.map(Some).into_iter().chain([None]) {
        for (verb, call, changes) in verbs() {
            let world = World::new(|scribe| scribe.refuses = Some(refusal)).await;
            let before = world.store.sent();
            let error = call(world.users.clone()).await.expect_err(verb);
            assert_eq!(error.kind(), refusal.unwrap_or(ErrorKind::Unsupported), "{verb}: {error}");
            assert_eq!(error.context("witness"), Some("scribe/w"), "{verb}: {error}");
            assert_eq!(world.store.sent(), before, "{verb}: something was sent");
            assert_eq!(world.scribe.lines().len(), changes.len(), "{verb}: no second try, nothing settled");
        }
    }
}

#[tokio::test]
async fn each_verb_tells_the_witness_how_it_failed() {
    for (mood, ending) in [(Mood::Denies, "refused"), (Mood::Doubts, "unknown")] {
        for (verb, call, changes) in verbs() {
            let world = World::new(|_| ()).await;
            world.set(mood);
            call(world.users.clone()).await.expect_err(verb);
            let lines = world.scribe.lines();
            for change in changes {
                assert!(lines.contains(&format!("{} {ending}", id_of(change))), "{verb}: {lines:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_call_that_is_dropped_while_its_request_is_under_way_is_settled_as_unknown() {
    for (verb, call, changes) in verbs() {
        let world = World::new(|_| ()).await;
        world.set(Mood::Hangs);
        poll_a_while(call(world.users.clone())).await;
        let lines = world.scribe.lines();
        for change in changes {
            assert!(lines.contains(&format!("{} unknown", id_of(change))), "{verb}: {lines:?}");
        }
    }
}

/// Polls a future that hangs until it has got as far as it gets, and drops it.
async fn poll_a_while(work: impl Future<Output = Result<()>>) {
    let mut work = Box::pin(work);
    for _ in 0..100 {
        assert!(futures::poll!(&mut work).is_pending());
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_lost_race_is_refused_and_the_next_try_is_shown_anew() {
    let world = World::new(|_| ()).await;
    world.set(Mood::LosesARace);
    world.users.update("ann", json!({"name": "new"})).await.unwrap();
    let twice = ["Update ann ann new", "ann refused", "Update ann ann new", "ann committed v1"];
    assert_eq!(world.scribe.lines(), twice);
}

#[tokio::test]
async fn when_a_second_witness_refuses_the_first_learns_that_nothing_was_written() {
    let world = World::new(|_| ()).await;
    let second = Scribe {
        name: "second",
        refuses: Some(Some(ErrorKind::Denied)),
        log: Arc::default(),
        ..world.scribe.clone()
    };
    world.db.plugin(second).await.unwrap();
    let error = world.users.delete("ann").await.unwrap_err();
    assert_eq!((error.kind(), error.context("witness")), (ErrorKind::Denied, Some("second/w")));
    assert_eq!(world.scribe.lines(), ["Delete ann ann -", "ann refused"]);
    world.db.uninstall_plugin("second", Purge::Keep).await.unwrap();
    world.users.delete("ann").await.unwrap();
    assert_eq!(world.scribe.lines(), ["Delete ann ann -", "ann committed v1"]);
}

#[tokio::test]
async fn a_witness_that_keeps_nothing_is_not_told_and_one_that_panics_at_the_end_harms_nobody() {
    let world = World::new(|scribe| scribe.keeps_nothing = true).await;
    world.users.delete("ann").await.unwrap();
    assert_eq!(world.scribe.lines(), ["Delete ann ann -"]);

    let world = World::new(|scribe| scribe.panics_at_the_end = true).await;
    world.users.delete("ann").await.unwrap();
    assert_eq!(world.scribe.lines(), ["Delete ann ann -", "ann committed v1"]);
    assert!(!world.users.exists("ann").await.unwrap());
}

#[tokio::test]
async fn a_witness_sees_the_resources_that_it_asked_for_and_never_its_own() {
    let named = |name: &str| WitnessOptions::new().resource(name);
    for (options, resource, is_seen) in [
        (WitnessOptions::new(), "users", true),
        (WitnessOptions::new(), "plg_others", false),
        (WitnessOptions::new(), "plg_own", false),
        (WitnessOptions::new().except_resource("users"), "users", false),
        (named("plg_others"), "plg_others", true),
        (named("plg_others"), "users", false),
        (named("plg_own"), "plg_own", false),
    ] {
        let world = World::new(|scribe| scribe.options = options.clone()).await;
        if resource == "plg_others" {
            let config = ResourceConfig::new(resource, json!({"name": "string"}));
            world.db.create_resource(config).await.unwrap();
        }
        let resource = world.db.resource(resource).unwrap();
        resource.insert(json!({"id": "cy", "name": "new"})).await.unwrap();
        assert_eq!(!world.scribe.lines().is_empty(), is_seen, "{options:?} {}", resource.name());
    }
}

#[tokio::test]
async fn an_explanation_asks_no_witness_and_foresees_what_is_read_for_it() {
    let world = World::new(|_| ()).await;
    let foreseen = world.users.explain().delete("ann").await.unwrap();
    assert!(world.scribe.lines().is_empty());
    assert!(foreseen.to_string().contains("1 GET + 1 DELETE"), "{foreseen}");
    world.db.uninstall_plugin("scribe", Purge::Keep).await.unwrap();
    world.users.delete("ann").await.unwrap();
    assert!(world.scribe.lines().is_empty(), "it is out");
}
