//! Clocks, and the lines that are printed.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use serde_json::json;
use tokio::task::JoinSet;

pub(crate) type Failure = Box<dyn std::error::Error>;

/// Runs `work` and prints how long it took for `n` operations.
pub(crate) async fn timed<F>(workload: &str, n: usize, concurrency: usize, work: F) -> Result<(), Failure>
where
    F: Future<Output = Result<(), Failure>>,
{
    let start = Instant::now();
    work.await?;
    print(workload, n, concurrency, start.elapsed().as_secs_f64());
    Ok(())
}

pub(crate) fn print(workload: &str, n: usize, concurrency: usize, seconds: f64) {
    let per_second = (n as f64 / seconds * 10.0).round() / 10.0;
    println!(
        "{}",
        json!({"workload": workload, "n": n, "concurrency": concurrency, "seconds": seconds, "per_second": per_second})
    );
}

/// Runs `work(0..n)` with `concurrency` tasks that take the next number when they are free.
pub(crate) async fn pool<F, R>(n: usize, concurrency: usize, work: F) -> Result<(), Failure>
where
    F: Fn(usize) -> R + Clone + Send + 'static,
    R: Future<Output = s3db::Result<()>> + Send,
{
    let next = Arc::new(AtomicUsize::new(0));
    let mut tasks: JoinSet<s3db::Result<()>> = JoinSet::new();
    for _ in 0..concurrency {
        let (next, work) = (next.clone(), work.clone());
        tasks.spawn(async move {
            loop {
                let i = next.fetch_add(1, Ordering::Relaxed);
                if i >= n {
                    return Ok(());
                }
                work(i).await?;
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    Ok(())
}

/// CPU seconds of this process, user and system, from `/proc/self/stat`.
pub(crate) fn cpu_seconds() -> Result<f64, Failure> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let after_name = stat.rsplit(") ").next().unwrap_or_default();
    let fields: Vec<&str> = after_name.split(' ').collect();
    let ticks: f64 = [11, 12].iter().filter_map(|i| fields.get(*i)?.parse::<f64>().ok()).sum();
    // USER_HZ is 100 on Linux, whatever the kernel's own tick.
    Ok(ticks / 100.0)
}

/// Prints the memory that this process holds, in bytes.
pub(crate) fn print_rss() {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: u64 = pages.split(' ').nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0);
    println!("{}", json!({"workload": "rss", "bytes": pages * 4096}));
}
