//! The conformance kit for plugins: a sound one passes on every store, and each wrong one fails the cases that forbid it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use s3db_core::plugin::Plugin;
use s3db_core::store::{FileOptions, FileStore, Fsync, MemoryStore};
use s3db_testkit::plugins::{self, Options, Verdict};
use s3db_testkit::wrong::plugin::{PluginFault, WrongPlugin};

fn factory(fault: PluginFault) -> impl Fn(Option<&str>) -> Arc<dyn Plugin> + Send + Sync + 'static {
    move |namespace| Arc::new(WrongPlugin::new(fault, namespace))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_sound_plugin_conforms_in_memory_and_in_a_folder() {
    let store = MemoryStore::new();
    let sound = factory(PluginFault::Nothing);
    plugins::check(Arc::new(store.clone()), sound, Options::default()).await.assert_green();
    assert_eq!(store.len(), 0, "a run leaves nothing behind");

    let folder = tempfile::tempdir().unwrap();
    let options = FileOptions { fsync: Fsync::Never, ..FileOptions::default() };
    let store = FileStore::open(folder.path(), options).await.unwrap();
    plugins::check(Arc::new(store), factory(PluginFault::Nothing), Options::default()).await.assert_green();
}

#[tokio::test]
async fn each_fault_fails_exactly_the_cases_that_forbid_it() {
    let mut seen = BTreeSet::new();
    let mut wrong = Vec::new();
    for fault in PluginFault::ALL {
        let mut options = Options::default();
        options.stop_time_max = Duration::from_millis(20);
        let report = plugins::check(Arc::new(MemoryStore::new()), factory(fault), options).await;
        if report.failed() != expected(fault) {
            wrong.push(format!("{fault:?}: expected {:?}\n{report}", expected(fault)));
        }
        seen.extend(report.failed().into_iter().map(str::to_owned));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    let all: BTreeSet<String> = plugins::cases().map(|(name, _)| name.to_owned()).collect();
    assert_eq!(seen, all, "each case is failed by a plugin");
}

#[expect(clippy::panic, reason = "a new fault needs a row here")]
fn expected(fault: PluginFault) -> Vec<&'static str> {
    match fault {
        PluginFault::ChangesItsName => vec![
            "manifest_is_sound",
            "before_or_after_connect",
            "name_is_taken_once",
            "instances_share_nothing",
            "data_outlives_uninstall",
            "comes_and_goes_under_load",
        ],
        PluginFault::IgnoresNamespace => vec!["manifest_is_sound", "instances_share_nothing"],
        PluginFault::AnswersStale => vec!["verbs_are_unchanged", "comes_and_goes_under_load"],
        PluginFault::LooksOnce => vec!["before_or_after_connect", "reinstall_does_not_stack"],
        PluginFault::AttachesByItself => vec!["uninstall_leaves_nothing", "own_storage_down_spares_reads"],
        PluginFault::Stacks => vec!["reinstall_does_not_stack"],
        PluginFault::IsDeaf => vec![
            "instances_share_nothing",
            "uninstall_leaves_nothing",
            "reinstall_does_not_stack",
            "stop_joins_its_tasks",
            "purge_leaves_no_object",
            "data_outlives_uninstall",
            "comes_and_goes_under_load",
        ],
        PluginFault::LocksForEver => vec![
            "reinstall_does_not_stack",
            "failed_neighbour_undoes_it",
            "data_outlives_uninstall",
            "comes_and_goes_under_load",
        ],
        PluginFault::WritesElsewhere => vec!["keys_stay_in_its_space"],
        PluginFault::MakesByItself => vec!["resources_are_marked"],
        PluginFault::PurgesByPrefix => vec!["instances_share_nothing", "purge_leaves_no_object"],
        PluginFault::PurgesAlways => vec!["data_outlives_uninstall"],
        PluginFault::ReadsThroughStorage => vec!["own_storage_down_spares_reads"],
        PluginFault::KeepsDatabase => vec!["database_is_let_go"],
        other => panic!("say which cases {other:?} fails"),
    }
}

#[tokio::test]
async fn an_exception_is_reported_and_must_be_needed() {
    let options = Options::default()
        .except("verbs_are_unchanged", "it keeps what it has read")
        .except("database_is_let_go", "not so");
    let report =
        plugins::check(Arc::new(MemoryStore::new()), factory(PluginFault::AnswersStale), options).await;
    let case = report.cases().iter().find(|case| case.name == "verbs_are_unchanged").unwrap();
    assert!(matches!(&case.verdict, Verdict::Excepted { .. }), "{report}");
    assert!(report.failed().contains(&"database_is_let_go"), "{report}");
}
