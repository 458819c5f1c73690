//! One sequence at a time, on a store that fails on purpose.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use serde_json::{Value, json};

use super::{Sequence, Sequences};
use crate::env::SystemEnv;
use crate::id::{Incremental, NUMBER_MAX};
use crate::store::{
    Capability, Condition, Head, ListPage, ListRequest, MemoryStore, Object, PutObject, PutResult, Replace,
    Store,
};
use crate::{Error, ErrorKind, Result};

const KEY: &str = "resource=r/sequence=id/value";

/// Writes, then says otherwise, as often as told.
#[derive(Debug)]
struct LosesAnswers {
    inner: MemoryStore,
    left: AtomicU32,
    kind: ErrorKind,
    outcome_unknown: bool,
}

#[async_trait]
impl Store for LosesAnswers {
    fn capability(&self) -> &Capability {
        self.inner.capability()
    }

    async fn put(&self, key: &str, object: PutObject, condition: Condition) -> Result<PutResult> {
        let put = self.inner.put(key, object, condition).await?;
        match self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)) {
            Ok(_) => Err(Error::new(self.kind, "the answer was lost").outcome_unknown(self.outcome_unknown)),
            Err(_) => Ok(put),
        }
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
        self.inner.copy(from, to, new, condition).await
    }

    async fn list(&self, request: ListRequest) -> Result<ListPage> {
        self.inner.list(request).await
    }

    async fn delete(&self, key: &str, condition: Condition) -> Result<()> {
        self.inner.delete(key, condition).await
    }

    async fn delete_many(&self, keys: &[String]) -> Result<Vec<Result<()>>> {
        self.inner.delete_many(keys).await
    }
}

fn sequence<'a>(store: &'a dyn Store, sequences: &Sequences) -> Sequence<'a> {
    Sequence { store, env: &SystemEnv, key: KEY.to_owned(), field: "id", local: sequences.of("id") }
}

async fn put(store: &dyn Store, body: &str) {
    let object = PutObject { body: body.to_owned().into(), ..PutObject::default() };
    store.put(KEY, object, Condition::None).await.unwrap();
}

async fn stored(store: &dyn Store) -> Value {
    serde_json::from_slice(&store.get(KEY).await.unwrap().unwrap().body).unwrap()
}

#[tokio::test]
async fn a_write_that_won_and_whose_answer_was_lost_gives_its_number() {
    for (kind, outcome_unknown) in
        [(ErrorKind::Conflict, true), (ErrorKind::Conflict, false), (ErrorKind::Unavailable, true)]
    {
        let inner = MemoryStore::new();
        let store = LosesAnswers { inner, left: AtomicU32::new(2), kind, outcome_unknown };
        let sequences = Sequences::default();
        let mut given = Vec::new();
        for _ in 0..4 {
            given.push(sequence(&store, &sequences).next(&Incremental::default()).await.unwrap());
        }
        assert_eq!(given, [1, 2, 3, 4], "{kind:?}: nothing twice and nothing burnt");
        assert_eq!(stored(&store).await["value"], 5);
    }
}

#[tokio::test]
async fn members_of_others_survive_and_the_layout_is_that_of_s3db_js() {
    let (store, sequences) = (MemoryStore::new(), Sequences::default());
    put(&store, r#"{"value":7.0,"name":"id","createdAt":"2020-01-01T00:00:00.000Z","owner":{"x":1}}"#).await;
    let sequence = sequence(&store, &sequences);
    assert_eq!(sequence.next(&Incremental::default()).await.unwrap(), 7);
    let object = stored(&store).await;
    assert_eq!((&object["value"], &object["owner"]), (&json!(8), &json!({"x": 1})));
    assert_eq!(object["createdAt"], "2020-01-01T00:00:00.000Z");
    assert!(object["updatedAt"].is_string() && object["_w"].is_string());
    sequence.reset(3).await.unwrap();
    assert_eq!(stored(&store).await["value"], 3);
    assert!(stored(&store).await["resetAt"].is_string());
    let head = store.head(KEY).await.unwrap().unwrap();
    assert_eq!(head.content_type.as_deref(), Some("application/json"));
}

#[tokio::test]
async fn a_damaged_value_object_is_named_left_alone_and_mended_by_a_reset() {
    for body in ["", "[1]", "{\"value\":", "{}", "{\"value\":\"x\"}", "{\"value\":1.5}", "{\"value\":1e300}"]
    {
        let (store, sequences) = (MemoryStore::new(), Sequences::default());
        put(&store, body).await;
        let sequence = sequence(&store, &sequences);
        let error = sequence.next(&Incremental::default()).await.unwrap_err();
        assert_eq!((error.kind(), error.context("key")), (ErrorKind::Corrupt, Some(KEY)), "{body}");
        assert!(error.suggestion().unwrap().contains("reset_sequence"), "{error:?}");
        assert_eq!(store.get(KEY).await.unwrap().unwrap().body, body.as_bytes());
        sequence.reset(42).await.unwrap();
        assert_eq!(sequence.next(&Incremental::default()).await.unwrap(), 42, "{body}");
    }
}

#[tokio::test]
async fn a_sequence_ends_before_numbers_that_javascript_cannot_count() {
    for (start, increment) in [(NUMBER_MAX - 1, 1), (-(NUMBER_MAX - 1), -1), (0, NUMBER_MAX)] {
        let (store, sequences) = (MemoryStore::new(), Sequences::default());
        let settings = Incremental { start, increment, ..Incremental::default() };
        let sequence = sequence(&store, &sequences);
        assert_eq!(sequence.next(&settings).await.unwrap(), start);
        let error = sequence.next(&settings).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TooLarge, "{error}");
        assert_eq!(sequence.reserve(&settings, 100_000).await.unwrap_err().kind(), ErrorKind::TooLarge);
    }
}

#[tokio::test]
async fn a_batch_counts_by_the_increment_upwards_and_downwards() {
    for (increment, expected) in [(1, vec![5, 6, 7]), (10, vec![5, 15, 25]), (-2, vec![5, 3, 1])] {
        let (store, sequences) = (MemoryStore::new(), Sequences::default());
        let settings = Incremental { start: 5, increment, batch_size: 2, ..Incremental::default() };
        let fast = Incremental { mode: super::SequenceMode::Fast, ..settings.clone() };
        let sequence = sequence(&store, &sequences);
        let mut given = Vec::new();
        for _ in 0..3 {
            given.push(sequence.next(&fast).await.unwrap());
        }
        assert_eq!(given, expected);
        let status = sequence.local.batch_status().unwrap();
        assert_eq!((status.remaining, status.current), (1, expected[2] + increment));
        let reserved = sequence.reserve(&settings, 3).await.unwrap();
        let start = 5 + 4 * increment;
        assert_eq!(reserved.numbers().collect::<Vec<_>>(), [start, start + increment, start + 2 * increment]);
        assert_eq!(reserved.end, start + 3 * increment);
    }
}

#[tokio::test]
async fn a_caller_that_gives_up_keeps_nobody_waiting() {
    let (store, sequences) = (MemoryStore::new(), Arc::new(Sequences::default()));
    let local = sequences.of("id");
    let held = local.turn.lock().await;
    let waiting = sequence(&store, &sequences);
    let settings = Incremental::default();
    let mut given_up = Box::pin(waiting.next(&settings));
    assert!(futures::poll!(&mut given_up).is_pending());
    drop(given_up);
    drop(held);
    assert_eq!(sequence(&store, &sequences).next(&settings).await.unwrap(), 1);
}
