//! Several processes change one document.

use std::collections::BTreeSet;

use s3db::{Document, ResourceConfig, Result};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{everywhere, surely_not_done};

const WRITERS: usize = 4;
const EACH: usize = 20;
/// Tag of the insert.
const FIRST: &str = "first";

/// How often each kind of outcome was told.
#[derive(Debug, Default)]
struct Told {
    done: BTreeSet<String>,
    unknown: BTreeSet<String>,
}

fn count(counter: &mut Document, tag: &str) -> Result<()> {
    let n = counter["n"].as_u64().unwrap_or(0);
    counter["n"] = json!(n + 1);
    if let Some(tags) = counter["tags"].as_array_mut() {
        tags.push(json!(tag));
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_increment_is_lost_and_none_counts_twice() {
    everywhere("counting", async |wire| {
        let attributes = json!({"n": "number", "tags": "array|items:string"});
        let counters = wire.create(ResourceConfig::new("counters", attributes)).await;
        // Not the empty list: SeaweedFS drops metadata without a value, faults or none.
        counters.insert(json!({"id": "c", "n": 1, "tags": [FIRST]})).await.unwrap();

        let mut writers = JoinSet::new();
        for writer in 0..WRITERS {
            let counters = wire.through_proxy().await.resource("counters").unwrap();
            writers.spawn(async move {
                let mut told = Told::default();
                for i in 0..EACH {
                    let tag = format!("{writer}-{i}");
                    match counters.update_with("c", |counter| count(counter, &tag)).await {
                        Ok(_) => drop(told.done.insert(tag)),
                        Err(error) if surely_not_done(&error) => {}
                        Err(_) => drop(told.unknown.insert(tag)),
                    }
                }
                told
            });
        }
        let mut told = writers.join_all().await.into_iter().fold(Told::default(), |mut sum, told| {
            sum.done.extend(told.done);
            sum.unknown.extend(told.unknown);
            sum
        });
        told.done.insert(FIRST.to_owned());
        wire.proxy.settle().await;

        let counter = counters.get("c").await.unwrap().data;
        let tags: Vec<&str> = counter["tags"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        let counted: BTreeSet<String> = tags.iter().map(|tag| (*tag).to_owned()).collect();
        assert_eq!(counted.len(), tags.len(), "an increment counts twice: {tags:?}");
        assert_eq!(counter["n"].as_u64(), Some(tags.len() as u64));
        let lost: Vec<_> = told.done.difference(&counted).collect();
        assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
        let denied: Vec<_> =
            counted.iter().filter(|tag| !told.done.contains(*tag) && !told.unknown.contains(*tag)).collect();
        assert!(denied.is_empty(), "counted, although they were said not to be: {denied:?}");
        let (most, least) = (WRITERS * EACH, WRITERS * EACH / 3);
        println!("{} of {most} acknowledged, {} unknown", told.done.len(), told.unknown.len());
        assert!(told.done.len() >= least, "only {} of {most} came through", told.done.len());
        assert!(wire.proxy.counts().faults() > 0);
    })
    .await;
}
