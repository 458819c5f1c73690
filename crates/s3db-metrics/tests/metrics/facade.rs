use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use metrics::{Counter, Gauge, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use s3db_metrics::Metrics;
use serde_json::json;

use crate::support::{database, users};

/// Keeps counters, and how many durations there were.
#[derive(Debug, Default)]
struct Kept(Mutex<BTreeMap<String, Arc<AtomicU64>>>);

struct Times(Arc<AtomicU64>);

impl HistogramFn for Times {
    fn record(&self, _: f64) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Kept {
    fn of(&self, key: &Key) -> Arc<AtomicU64> {
        let labels: Vec<_> = key.labels().map(|label| format!("{}={}", label.key(), label.value())).collect();
        let name = format!("{} {}", key.name(), labels.join(" "));
        self.0.lock().unwrap().entry(name).or_default().clone()
    }
}

impl Recorder for Kept {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.of(key))
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(Arc::new(Times(self.of(key))))
    }
}

#[tokio::test]
async fn the_recorder_of_the_program_is_told_of_each_call() {
    let kept = Kept::default();
    // This test has one thread, and so has the recorder.
    let _recorder = metrics::set_default_local_recorder(&kept);
    let db = database(&Metrics::new()).await;
    let users = users(&db).await;
    users.insert(json!({"id": "ann", "name": "Ann"})).await.unwrap();
    users.insert(json!({"id": "ann", "name": "Ann"})).await.unwrap_err();
    let of = |name: &str| kept.0.lock().unwrap().get(name).map(|count| count.load(Ordering::Relaxed));
    let labels = "resource=users operation=insert";
    assert_eq!(of(&format!("s3db_operations_total {labels}")), Some(2));
    assert_eq!(of(&format!("s3db_operation_duration_seconds {labels}")), Some(2));
    assert_eq!(of(&format!("s3db_operation_errors_total {labels} kind=already_exists")), Some(1));
    db.close().await;
}
