//! Who leads, for how long, and what that costs.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use s3db_coordinator::{CoordinatorOptions, Validity};
use s3db_core::Result;
use s3db_core::plugin::{Context, Installer, Leadership, Manifest, Plugin, Purge, Requirement};
use serde_json::json;

use crate::support::{Fleet, Process, leader, pass};

fn refs(processes: &[Process]) -> Vec<&Process> {
    processes.iter().collect()
}

#[tokio::test(start_paused = true)]
async fn a_process_alone_leads_at_once_and_all_its_plugins_are_told() {
    let fleet = Fleet::new();
    let one = fleet.process().await;
    let (a, b) = (one.coordinator.leadership().unwrap(), one.coordinator.leadership().unwrap());
    let told = async { tokio::join!(a.changed(None), b.changed(None)) };
    assert_eq!(tokio::time::timeout(Duration::from_secs(6), told).await.unwrap(), (Some(1), Some(1)));
    let state = fleet.state().await;
    assert_eq!((&state["leaderId"], &state["epoch"]), (&json!(one.coordinator.worker_id()), &json!(1)));
    assert!(a.is_leader(1) && !a.is_leader(2) && a.confirm(1).await.unwrap() && !a.confirm(2).await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn of_two_processes_on_one_host_exactly_one_leads_at_any_time() {
    let fleet = Fleet::new();
    let same = || CoordinatorOptions::default().worker_name("same");
    let (one, two) = (fleet.process_with(same(), 0).await, fleet.process_with(same(), 0).await);
    pass(10, &[&one, &two]).await;
    for _ in 0..6 {
        pass(10, &[&one, &two]).await;
        assert!(one.leads() != two.leads());
    }
    assert_ne!(one.coordinator.worker_id(), two.coordinator.worker_id());
}

#[tokio::test(start_paused = true)]
async fn ten_processes_that_start_together_agree_within_three_beats() {
    let fleet = Fleet::new();
    let processes = fleet.processes(10).await;
    pass(18, &refs(&processes)).await;
    let leaders: Vec<_> = processes.iter().map(|process| process.coordinator.leader().unwrap()).collect();
    assert!(leaders.windows(2).all(|pair| pair[0] == pair[1]), "{leaders:?}");
    assert_eq!((leaders[0].epoch, fleet.state().await["epoch"].as_u64()), (1, Some(1)));
}

#[tokio::test(start_paused = true)]
async fn a_healthy_leader_stays_and_its_epoch_too() {
    let fleet = Fleet::new();
    let processes = fleet.processes(3).await;
    let all = refs(&processes);
    pass(6, &all).await;
    let first = leader(&all).coordinator.worker_id();
    for _ in 0..10 {
        pass(15, &all).await;
        assert_eq!((leader(&all).coordinator.worker_id(), leader(&all).epoch()), (first.clone(), Some(1)));
    }
    assert!(processes.iter().all(|process| process.coordinator.stats().leader_changes == 1));
}

#[tokio::test(start_paused = true)]
async fn when_a_leader_stops_the_next_one_need_not_wait_for_its_lease() {
    let fleet = Fleet::new();
    let (one, two) = (fleet.process().await, fleet.process().await);
    pass(7, &[&one, &two]).await;
    let (first, second) = if one.leads() { (&one, &two) } else { (&two, &one) };
    first.db.clone().close().await;
    assert!(!first.leads());
    pass(6, &[first, second]).await;
    assert_eq!(second.epoch(), Some(2));
    // It has left nothing behind, and one of the same name that starts again is told that it leads, too.
    assert_eq!(second.coordinator.workers().await.unwrap().len(), 1);
    second.db.clone().close().await;
    let again = fleet.process().await;
    assert_eq!(again.coordinator.leadership().unwrap().changed(None).await, Some(3));
}

#[tokio::test(start_paused = true)]
async fn namespaces_have_leaders_of_their_own() {
    let fleet = Fleet::new();
    let of = |namespace: &str| CoordinatorOptions::default().namespace(namespace);
    let (a, b) = (fleet.process_with(of("a"), 0).await, fleet.process_with(of("b"), 0).await);
    pass(7, &[&a]).await;
    a.db.close().await;
    let a = fleet.process_with(of("a"), 0).await;
    pass(7, &[&a]).await;
    assert_eq!((a.epoch(), b.epoch()), (Some(2), Some(1)));
}

#[tokio::test(start_paused = true)]
async fn work_of_an_epoch_that_is_over_is_refused() {
    let fleet = Fleet::new();
    let mut one = fleet.process().await;
    let mut epochs = Vec::new();
    for _ in 0..3 {
        pass(7, &[&one]).await;
        epochs.push(one.epoch().unwrap());
        let two = fleet.process().await;
        one.db.close().await;
        one = two;
    }
    while !one.leads() {
        pass(1, &[&one]).await;
    }
    assert_eq!((epochs, one.epoch()), (vec![1, 2, 3], Some(4)));
    let valid = |epoch| one.coordinator.validate(epoch);
    assert_eq!(
        (valid(4), valid(3), valid(2), valid(5), valid(0)),
        (Validity::Current, Validity::Grace, Validity::Stale, Validity::Stale, Validity::Stale)
    );
    assert_eq!(one.coordinator.stats().epoch_drifts, 3);
    pass(6, &[&one]).await;
    assert_eq!(one.coordinator.validate(3), Validity::Stale);
}

#[tokio::test(start_paused = true)]
async fn an_hour_costs_no_process_more_than_800_requests() {
    let fleet = Fleet::new();
    let processes = fleet.processes(2).await;
    let all = refs(&processes);
    pass(7, &all).await;
    let before: Vec<_> = processes.iter().map(|process| process.db.requests()).collect();
    // Twenty plugins that ask, and wait to be told.
    let plugins: Vec<_> = (0..20).map(|_| processes[0].coordinator.leadership().unwrap()).collect();
    for _ in 0..360 {
        pass(10, &all).await;
        assert!(plugins.iter().all(|plugin| plugin.epoch() == processes[0].epoch()));
    }
    for (process, before) in processes.iter().zip(before) {
        let sent = process.db.requests() - before;
        assert!(sent.total() > 500 && sent.total() <= 800, "{sent}");
    }
}

/// A plugin of another kind, which counts the times that it is told that it leads.
#[derive(Debug)]
struct Sweeper {
    name: String,
    told: Arc<AtomicU64>,
}

#[async_trait::async_trait]
impl Plugin for Sweeper {
    fn manifest(&self) -> Manifest {
        Manifest::new(&self.name, "1.0.0").requires(Requirement::plugin("coordinator"))
    }

    async fn install(&self, installer: &mut Installer) -> Result<()> {
        let told = self.told.clone();
        installer.task("sweeps", |context, shutdown| async move {
            let leadership = context.service::<Leadership>("coordinator")?;
            let mut epoch = None;
            loop {
                tokio::select! {
                    biased;
                    () = shutdown.requested() => return Ok(()),
                    changed = leadership.changed(epoch) => epoch = changed,
                }
                told.fetch_add(u64::from(epoch.is_some()), Ordering::SeqCst);
            }
        });
        Ok(())
    }

    async fn uninstall(&self, _: &Context, _: Purge) -> Result<()> {
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn twenty_plugins_share_one_heartbeat_and_each_is_told_once() {
    let fleet = Fleet::new();
    let one = fleet.process().await;
    let told = Arc::new(AtomicU64::new(0));
    let installed = (0..20).map(|number| {
        let sweeper = Sweeper { name: format!("sweeper-{number}"), told: told.clone() };
        one.db.plugin(sweeper)
    });
    futures::future::try_join_all(installed).await.unwrap();
    pass(20, &[&one]).await;
    assert_eq!((told.load(Ordering::SeqCst), one.epoch()), (20, Some(1)));
    assert_eq!(one.coordinator.workers().await.unwrap().len(), 1);
    // One loop: a look every 5 to 6 seconds, and the first one at once.
    let looks = one.coordinator.stats().heartbeats;
    assert!((4..=5).contains(&looks), "{looks}");
}

#[tokio::test(start_paused = true)]
async fn people_see_who_leads_and_who_takes_part() {
    let fleet = Fleet::new();
    let (one, two) = (fleet.process().await, fleet.process().await);
    pass(7, &[&one, &two]).await;
    let status = one.db.run_plugin_command("coordinator", "status", Default::default()).await.unwrap();
    assert_eq!(status["workers"].as_array().unwrap().len(), 2);
    assert_eq!((&status["epoch"], &status["is_leader"]), (&json!(1), &json!(one.leads())));
    let metrics = one.db.plugin_metrics();
    let epoch = metrics.iter().find(|metric| metric.metric.name == "s3db_coordinator_epoch").unwrap();
    assert_eq!(epoch.readings[0].value, 1.0);
}
