use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};

use super::storage::SetOptions;
use super::*;
use crate::database::{ChangeOptions, Event, PluginNews};
use crate::op::HookPoint;
use crate::store::MemoryStore;
use crate::{Database, Error, ErrorKind, ResourceConfig};

type Log = Arc<Mutex<Vec<String>>>;

/// Writes down what happens to it, and fails where it is told to.
#[derive(Debug, Clone, Default)]
struct Probe {
    name: &'static str,
    requires: Option<&'static str>,
    fails_at: Option<&'static str>,
    panics_at: Option<&'static str>,
    log: Log,
}

impl Probe {
    fn new(name: &'static str, log: &Log) -> Self {
        Self { name, log: log.clone(), ..Self::default() }
    }

    fn note(&self, what: &'static str) -> Result<()> {
        self.log.lock().unwrap().push(format!("{} {what}", self.name));
        assert_ne!(self.panics_at, Some(what), "as it was told to");
        match self.fails_at {
            Some(at) if at == what => Err(Error::new(ErrorKind::Denied, "as it was told to")),
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl Plugin for Probe {
    fn manifest(&self) -> Manifest {
        let manifest = Manifest::new(self.name, "1.0.0");
        match self.requires {
            Some(name) => manifest.requires(Requirement::plugin(name).feature(name)),
            None => manifest,
        }
    }

    async fn install(&self, installer: &mut Installer) -> Result<()> {
        let log = self.log.clone();
        installer.hook(HookPoint::BeforeGet, self.name, None, move |call| {
            log.lock().unwrap().push("hook".to_owned());
            async { Ok(call) }
        });
        self.note("install")
    }

    async fn start(&self, _: &Context) -> Result<()> {
        self.note("start")
    }

    async fn stop(&self, _: &Context) -> Result<()> {
        self.note("stop")
    }

    async fn uninstall(&self, _: &Context, _: Purge) -> Result<()> {
        self.note("uninstall")
    }
}

fn taken(log: &Log) -> Vec<String> {
    std::mem::take(&mut *log.lock().unwrap())
}

fn builder() -> crate::database::DatabaseBuilder {
    Database::builder_on(Arc::new(MemoryStore::new()), "")
}

async fn users(db: &Database) -> crate::Resource {
    db.create_resource(ResourceConfig::new("users", json!({"name": "string"}))).await.unwrap()
}

#[tokio::test]
async fn before_or_after_connect_is_the_same_and_close_stops_both() {
    let log = Log::default();
    let db = builder().plugin(Probe::new("early", &log)).connect().await.unwrap();
    db.plugin(Probe::new("late", &log)).await.unwrap();
    assert_eq!(taken(&log), ["early install", "early start", "late install", "late start"]);
    let states: Vec<_> = db.plugins().into_iter().map(|info| (info.slug, info.state)).collect();
    assert_eq!(
        states,
        [("early".to_owned(), PluginState::Running), ("late".to_owned(), PluginState::Running)]
    );
    let users = users(&db).await;
    users.get_or_none("ann").await.unwrap();
    assert_eq!(taken(&log), ["hook", "hook"]);

    db.uninstall_plugin("early", Purge::Keep).await.unwrap();
    assert_eq!(taken(&log), ["early stop", "early uninstall"]);
    users.get_or_none("ann").await.unwrap();
    assert_eq!(taken(&log), ["hook"]);
    db.clone().close().await;
    db.close().await;
    assert_eq!(taken(&log), ["late stop"]);
}

#[tokio::test]
async fn a_failed_start_names_the_plugin_and_undoes_the_others() {
    let log = Log::default();
    let bad = Probe { fails_at: Some("start"), ..Probe::new("bad", &log) };
    let error = builder().plugin(Probe::new("good", &log)).plugin(bad).connect().await.unwrap_err();
    assert_eq!(error.to_string(), "as it was told to plugin=bad stage=start");
    assert_eq!(error.kind(), ErrorKind::Denied);
    assert_eq!(
        taken(&log),
        [
            "good install",
            "bad install",
            "good start",
            "bad start",
            "bad uninstall",
            "good stop",
            "good uninstall"
        ]
    );

    // After connect: the database goes on, without a trace of it.
    let db = builder().connect().await.unwrap();
    let users = users(&db).await;
    for (fails_at, panics_at, says) in [
        (Some("install"), None, "as it was told to plugin=bad stage=install"),
        (None, Some("start"), "the plugin panicked plugin=bad stage=start"),
    ] {
        let bad = Probe { fails_at, panics_at, ..Probe::new("bad", &log) };
        assert_eq!(db.plugin(bad).await.unwrap_err().to_string(), says);
        assert_eq!(db.plugins(), []);
        taken(&log);
        users.get_or_none("ann").await.unwrap();
        assert_eq!(taken(&log), Vec::<String>::new());
    }
}

#[tokio::test]
async fn names_and_needs_are_checked() {
    let log = Log::default();
    let db = builder().plugin(Probe::new("base", &log)).connect().await.unwrap();
    let twice = db.plugin(Probe::new("base", &log)).await.unwrap_err();
    assert_eq!(twice.to_string(), "a plugin of this name is installed plugin=base");
    let needs = Probe { requires: Some("base"), ..Probe::new("above", &log) };
    db.plugin(needs.clone()).await.unwrap();
    let needed = db.uninstall_plugin("base", Purge::Keep).await.unwrap_err();
    assert_eq!(needed.to_string(), "another plugin needs this one plugin=base needed_by=above");
    let unknown = db.uninstall_plugin("nobody", Purge::Keep).await.unwrap_err();
    assert_eq!(unknown.suggestion(), Some("the plugins are: base, above"));
    db.close().await;
    assert!(taken(&log).ends_with(&["above stop".to_owned(), "base stop".to_owned()]));

    let missing = builder().plugin(needs).connect().await.unwrap_err();
    assert!(missing.suggestion().unwrap().contains("the cargo feature `base`"), "{missing:?}");
}

/// Has one of everything that runs by itself.
#[derive(Debug, Default)]
struct Busy {
    ticks: Arc<AtomicUsize>,
    delivered: Arc<Mutex<Vec<String>>>,
    refuses: Arc<AtomicUsize>,
    ended: Arc<AtomicBool>,
    is_deaf: bool,
}

#[derive(Debug)]
struct Sink(Arc<Mutex<Vec<String>>>, Arc<AtomicUsize>);

#[async_trait]
impl ChangeSink for Sink {
    async fn deliver(&self, batch: &ChangeBatch) -> Result<()> {
        if self.1.load(Ordering::SeqCst) > 0 {
            self.1.fetch_sub(1, Ordering::SeqCst);
            return Err(Error::new(ErrorKind::Unavailable, "the target is down"));
        }
        self.0.lock().unwrap().extend(batch.changes.iter().map(|change| change.id.clone()));
        Ok(())
    }
}

#[async_trait]
impl Plugin for Busy {
    fn manifest(&self) -> Manifest {
        Manifest::new("busy", "1.0.0")
    }

    async fn install(&self, installer: &mut Installer) -> Result<()> {
        let ticks = self.ticks.clone();
        let interval = Interval::every(Duration::from_millis(1)).jitter(0.5);
        installer.every(interval, "tick", move |_| {
            let nth = ticks.fetch_add(1, Ordering::SeqCst);
            async move {
                assert_ne!(nth, 1, "the second time");
                if nth == 0 { Err(Error::new(ErrorKind::Denied, "the first time")) } else { Ok(()) }
            }
        })?;
        let (ended, is_deaf) = (self.ended.clone(), self.is_deaf);
        installer.task("wait", move |_, shutdown| async move {
            if is_deaf {
                std::future::pending::<()>().await;
            }
            shutdown.requested().await;
            ended.store(true, Ordering::SeqCst);
            Ok(())
        });
        let sink = Sink(self.delivered.clone(), self.refuses.clone());
        installer.changes("sink", ChangeOptions::new(), Arc::new(sink))?;
        let ticks = self.ticks.clone();
        installer.metric(Metric::counter("busy_ticks", "Times"), move || {
            vec![Reading::new(ticks.load(Ordering::SeqCst) as f64).label("of", "tick")]
        });
        let echo = Command::new("echo", "Says it again").argument(Argument::required("word", "What"));
        installer.command(echo, |_, arguments| async move { Ok(Value::Object(arguments)) });
        installer.provide(self.ticks.clone());
        Ok(())
    }
}

async fn until(holds: impl Fn() -> bool) {
    while !holds() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn schedules_tasks_and_sinks_run_until_stop_and_their_failures_are_seen() {
    let busy = Arc::new(Busy::default());
    busy.refuses.store(2, Ordering::SeqCst);
    let db = builder().plugin(busy.clone()).connect().await.unwrap();
    let mut events = db.events();
    let users = users(&db).await;
    users.insert(json!({"id": "ann", "name": "Ann"})).await.unwrap();
    until(|| busy.ticks.load(Ordering::SeqCst) > 3 && !busy.delivered.lock().unwrap().is_empty()).await;
    assert_eq!(db.plugins()[0].tasks, 3);
    users.insert(json!({"id": "bob", "name": "Bob"})).await.unwrap();
    db.stop_plugins().await.unwrap();
    // A delivery that failed came again, and what was waiting came at the end.
    assert_eq!(*busy.delivered.lock().unwrap(), ["ann", "bob"]);
    assert!(busy.ended.load(Ordering::SeqCst));
    let info = db.plugins().remove(0);
    assert_eq!((info.tasks, info.state, info.failures), (0, PluginState::Stopped, 4));
    let failed = std::iter::from_fn(|| events.try_next())
        .filter(|event| matches!(event, Event::Plugin { news: PluginNews::Failed { .. }, .. }));
    assert_eq!(failed.count(), 4);
}

#[tokio::test]
async fn a_task_that_does_not_end_is_cut_off_and_named() {
    let busy = Arc::new(Busy { is_deaf: true, ..Busy::default() });
    let quick = |options: &mut crate::database::DatabaseOptions| {
        options.plugin_stop_max = Duration::from_millis(50);
    };
    let db = builder().options(quick).plugin(busy.clone()).connect().await.unwrap();
    let error = db.stop_plugins().await.unwrap_err();
    assert_eq!(error.context("tasks"), Some("wait"), "{error}");
    assert_eq!(db.plugins()[0].tasks, 0);
    db.stop_plugins().await.unwrap();
}

#[tokio::test]
async fn commands_metrics_and_services_are_offered() {
    let db = builder().plugin(Busy::default()).connect().await.unwrap();
    let run = |command: &'static str, arguments: Value| {
        let arguments = arguments.as_object().cloned().unwrap_or_default();
        let db = db.clone();
        async move { db.run_plugin_command("busy", command, arguments).await.map_err(|error| error.to_string()) }
    };
    assert_eq!(run("echo", json!({"word": "hi"})).await, Ok(json!({"word": "hi"})));
    let refused = |what: &str| Err(what.to_owned());
    assert_eq!(
        run("echo", json!({})).await,
        refused("the command needs an argument command=echo argument=word")
    );
    assert_eq!(
        run("echo", json!({"word": 1, "x": 1})).await,
        refused("the command has no such argument command=echo argument=x")
    );
    assert_eq!(
        run("sing", json!({})).await,
        refused("the plugin has no such command plugin=busy command=sing")
    );
    let metrics = db.plugin_metrics();
    assert_eq!(metrics[0].metric.name, "busy_ticks");
    assert_eq!(metrics[0].readings[0].labels, [("of".to_owned(), "tick".to_owned())]);

    let context = Context::new(&db, Manifest::new("asks", "1")).unwrap();
    assert!(context.service::<AtomicUsize>("busy").is_ok());
    assert_eq!(context.service::<AtomicBool>("busy").unwrap_err().kind(), ErrorKind::NotFound);
    db.close().await;
}

/// Makes a resource and writes a value.
#[derive(Debug)]
struct Keeper(Option<&'static str>);

#[async_trait]
impl Plugin for Keeper {
    fn manifest(&self) -> Manifest {
        Manifest::new("keeper", "1.0.0").maybe_namespace(self.0)
    }

    async fn install(&self, installer: &mut Installer) -> Result<()> {
        installer.resource(ResourceConfig::new("notes", json!({"text": "string"}))).await?;
        Ok(())
    }

    async fn start(&self, context: &Context) -> Result<()> {
        context.resource("notes")?.upsert(json!({"id": "first", "text": context.slug()})).await?;
        context.storage().for_resource("users")?.set("seen", json!({}), SetOptions::default()).await?;
        context.storage().set("state", json!({"n": 1}), SetOptions::default()).await.map(drop)
    }
}

#[tokio::test]
async fn a_purge_deletes_what_the_instance_made_and_nothing_else() {
    let db = builder().plugin(Keeper(None)).plugin(Keeper(Some("Prod EU"))).connect().await.unwrap();
    users(&db).await.insert(json!({"id": "ann", "name": "Ann"})).await.unwrap();
    assert_eq!(db.resource_names(), ["plg_notes", "plg_prod-eu_notes", "users"]);
    let notes = db.resource("plg_notes").unwrap();
    assert!(notes.is_internal());
    assert_eq!(notes.created_by(), "KeeperPlugin");

    let gone = db.uninstall_plugin("keeper--prod-eu", Purge::Data).await.unwrap();
    assert_eq!(gone.deleted, 3);
    assert_eq!(db.resource_names(), ["plg_notes", "users"]);
    assert_eq!(notes.get("first").await.unwrap().data["text"], "keeper");
    assert_eq!(db.plugin_storage("keeper").unwrap().list("").await.unwrap(), ["state"]);
    assert_eq!(db.uninstall_plugin("keeper", Purge::Keep).await.unwrap().deleted, 0);
    assert_eq!(db.resource_names(), ["plg_notes", "users"]);

    // A resource of the program is not taken over.
    #[derive(Debug)]
    struct Thief;
    #[async_trait]
    impl Plugin for Thief {
        fn manifest(&self) -> Manifest {
            Manifest::new("thief", "1.0.0")
        }
        async fn install(&self, installer: &mut Installer) -> Result<()> {
            installer.resource_named(ResourceConfig::new("users", json!({"a": "string"}))).await.map(drop)
        }
    }
    let error = db.plugin(Thief).await.unwrap_err();
    assert_eq!(error.context("created_by"), Some("user"), "{error}");
    db.close().await;
}

#[tokio::test]
async fn a_plugin_that_installs_another_is_refused_and_does_not_hang() {
    #[derive(Debug)]
    struct Recursive;
    #[async_trait]
    impl Plugin for Recursive {
        fn manifest(&self) -> Manifest {
            Manifest::new("recursive", "1.0.0")
        }
        async fn install(&self, installer: &mut Installer) -> Result<()> {
            installer.context().database()?.plugin(Keeper(None)).await.map(drop)
        }
    }
    let error = builder().plugin(Recursive).connect().await.unwrap_err();
    assert_eq!((error.kind(), error.context("plugin")), (ErrorKind::Config, Some("recursive")));
}
