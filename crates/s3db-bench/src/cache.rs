//! The cache in memory, on one core: what a hit costs, and what a miss costs more than no cache.

use std::time::Instant;

use s3db::cache::{Cache, CacheOptions};
use s3db::{Database, Resource, ResourceConfig};
use serde_json::json;

use crate::document::{attributes, document_with_id};
use crate::timing::{Failure, print};

/// Turns of each measurement, in turn, so that what else runs disturbs all alike.
const TURNS: usize = 5;

pub(crate) async fn run(n: usize) -> Result<(), Failure> {
    let cache = Cache::with(CacheOptions::default());
    let db = Database::builder("memory://bench/cache")?.plugin(cache.clone()).connect().await?;
    let cached = filled(&db, n).await?;
    let plain = filled(&Database::connect("memory://bench/plain").await?, n).await?;
    let ids: Vec<String> = (0..n).map(id).collect();
    let (mut hits, mut misses, mut without) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..TURNS {
        cache.clear();
        misses.push(each(&cached, &ids).await?);
        // What was kept first may still be on its way into the map.
        each(&cached, &ids).await?;
        let before = cache.stats();
        hits.push(each(&cached, &ids).await?);
        let stats = cache.stats();
        if (stats.hits - before.hits) < n as u64 {
            return Err(format!("only {} of {n} reads were hits", stats.hits - before.hits).into());
        }
        without.push(each(&plain, &ids).await?);
    }
    let (hit, miss, without) = (median(hits), median(misses), median(without));
    print("cache-hit", n, 1, hit);
    print("cache-miss", n, 1, miss);
    print("no-cache", n, 1, without);
    let overhead = (miss - without) / n as f64 * 1e6;
    println!(
        "{}",
        json!({"workload": "cache-miss-overhead", "microseconds": (overhead * 100.0).round() / 100.0})
    );
    db.close().await;
    Ok(())
}

fn id(i: usize) -> String {
    format!("u{i:08}")
}

async fn filled(db: &Database, n: usize) -> Result<Resource, Failure> {
    let users = db.create_resource(ResourceConfig::new("users", attributes())).await?;
    for i in 0..n {
        users.insert(document_with_id(id(i), i)).await?;
    }
    Ok(users)
}

/// Seconds of reading each document once.
async fn each(users: &Resource, ids: &[String]) -> Result<f64, Failure> {
    let start = Instant::now();
    for id in ids {
        std::hint::black_box(users.get(id).await?);
    }
    Ok(start.elapsed().as_secs_f64())
}

fn median(mut seconds: Vec<f64>) -> f64 {
    seconds.sort_by(f64::total_cmp);
    seconds.get(seconds.len() / 2).copied().unwrap_or(f64::NAN)
}
