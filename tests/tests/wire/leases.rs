//! Several processes want one lease.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use s3db::env::{Env as _, SystemEnv};
use s3db::lease::{AcquireOptions, Lease, Leases};
use tokio::task::JoinSet;

use super::everywhere;

const CONTENDERS: usize = 3;
const EACH: usize = 3;

fn options() -> AcquireOptions {
    AcquireOptions {
        ttl: Duration::from_millis(900),
        wait: Duration::from_secs(20),
        pause_first: Duration::from_millis(10),
        pause_max: Duration::from_millis(60),
        // One clock.
        skew: Duration::from_millis(50),
    }
}

/// All leases that were ever acquired.
type Held = Arc<Mutex<Vec<Lease>>>;

/// Holds the lease a few times, and looks each time whether another one holds it too.
async fn contend(leases: &Leases, held: &Held) -> usize {
    let mut times = 0;
    for turn in 0..EACH * 20 {
        if times == EACH {
            break;
        }
        let lease = match leases.acquire("turn", options()).await {
            Ok(Some(lease)) => lease,
            Ok(None) => continue,
            Err(error) => {
                assert!(error.is_retryable() || error.is_outcome_unknown(), "{error:?}");
                continue;
            }
        };
        {
            let mut held = held.lock().unwrap();
            let others = held.iter().filter(|other| other.is_valid()).count();
            assert!(others == 0 || !lease.is_valid(), "{others} others hold the lease");
            let last = held.iter().map(Lease::epoch).max().unwrap_or(0);
            assert!(lease.epoch() > last, "epoch {} comes after {last}", lease.epoch());
            held.push(lease.clone());
        }
        times += 1;
        SystemEnv.sleep(Duration::from_millis(20)).await;
        if turn % 2 == 0 {
            // Lost, or in doubt: it then ends with its ttl.
            let _ = lease.renew().await;
        }
        if turn % 3 != 2 {
            let _ = lease.release().await;
        }
    }
    times
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_lease_never_has_two_holders() {
    everywhere("leases", async |wire| {
        let held = Held::default();
        let mut contenders = JoinSet::new();
        for _ in 0..CONTENDERS {
            let leases = wire.through_proxy().await.plugin_storage("wire").unwrap().leases();
            let held = held.clone();
            contenders.spawn(async move { contend(&leases, &held).await });
        }
        let times: usize = contenders.join_all().await.into_iter().sum();
        println!("held {times} times");
        assert!(times >= CONTENDERS, "the lease was held {times} times only");
    })
    .await;
}
