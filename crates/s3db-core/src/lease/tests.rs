//! Leases with a clock that moves when somebody sleeps, and a store that loses answers.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures::future::{join_all, pending};

use super::{AcquireOptions, Lease, Leases};
use crate::env::{Env, Random};
use crate::store::{
    Capability, Condition, Head, ListPage, ListRequest, MemoryOptions, MemoryStore, Meter, Object, PutObject,
    PutResult, Replace, Store,
};
use crate::{Error, ErrorKind, Result};

const KEY: &str = "plugin=p/locks/job";

/// A world of one test: sleeping moves its clock.
#[derive(Debug)]
pub(crate) struct World {
    now_ms: AtomicI64,
    random: AtomicU64,
}

impl World {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { now_ms: AtomicI64::new(1_800_000_000_000), random: AtomicU64::new(1) })
    }

    pub(crate) fn advance(&self, ms: i64) {
        self.now_ms.fetch_add(ms, Ordering::Relaxed);
    }
}

impl Random for World {
    fn fill(&self, buffer: &mut [u8]) {
        for byte in buffer {
            let n = self.random.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed);
            *byte = ((n ^ (n >> 31)).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 56) as u8;
        }
    }
}

#[async_trait]
impl Env for World {
    fn now_ms(&self) -> i64 {
        self.now_ms.load(Ordering::Relaxed)
    }

    fn monotonic(&self) -> Duration {
        Duration::from_millis(self.now_ms().unsigned_abs())
    }

    async fn sleep(&self, duration: Duration) {
        self.advance(i64::try_from(duration.as_millis()).unwrap());
        tokio::task::yield_now().await;
    }
}

/// A store that lets others go first, and may lose answers after the work is done.
#[derive(Debug)]
pub(crate) struct Flaky {
    inner: MemoryStore,
    /// How the next answers to writes are lost.
    lost: Mutex<Vec<ErrorKind>>,
}

impl Flaky {
    pub(crate) fn new(world: &Arc<World>) -> Arc<Self> {
        let inner = MemoryStore::with(MemoryOptions { env: world.clone(), ..MemoryOptions::default() });
        Arc::new(Self { inner, lost: Mutex::default() })
    }

    /// `Unavailable`: no answer came. `Conflict`: a retry below was refused by what the first try had written.
    pub(crate) fn lose_next(&self, kind: ErrorKind) {
        self.lost.lock().unwrap().push(kind);
    }

    async fn answer<T>(&self, done: Result<T>) -> Result<T> {
        let lost = self.lost.lock().unwrap().pop();
        match lost {
            Some(kind) => Err(Error::new(kind, "the answer was lost").outcome_unknown(true)),
            None => done,
        }
    }
}

#[async_trait]
impl Store for Flaky {
    fn capability(&self) -> &Capability {
        self.inner.capability()
    }

    async fn put(&self, key: &str, object: PutObject, condition: Condition) -> Result<PutResult> {
        tokio::task::yield_now().await;
        let done = self.inner.put(key, object, condition).await;
        self.answer(done).await
    }

    async fn get(&self, key: &str) -> Result<Option<Object>> {
        tokio::task::yield_now().await;
        self.inner.get(key).await
    }

    async fn head(&self, key: &str) -> Result<Option<Head>> {
        self.inner.head(key).await
    }

    async fn copy(&self, from: &str, to: &str, with: Option<Replace>, on: Condition) -> Result<PutResult> {
        self.inner.copy(from, to, with, on).await
    }

    async fn list(&self, request: ListRequest) -> Result<ListPage> {
        self.inner.list(request).await
    }

    async fn delete(&self, key: &str, condition: Condition) -> Result<()> {
        let done = self.inner.delete(key, condition).await;
        self.answer(done).await
    }

    async fn delete_many(&self, keys: &[String]) -> Result<Vec<Result<()>>> {
        self.inner.delete_many(keys).await
    }
}

fn leases(store: &Arc<Flaky>, world: &Arc<World>) -> Leases {
    Leases::new(store.clone(), "plugin=p/locks/", world.clone())
}

fn now() -> AcquireOptions {
    AcquireOptions::default()
}

async fn body(store: &Flaky) -> serde_json::Value {
    serde_json::from_slice(&store.inner.get(KEY).await.unwrap().unwrap().body).unwrap()
}

async fn write(store: &Flaky, body: &str) {
    let object = PutObject { body: body.to_owned().into(), ..PutObject::default() };
    store.inner.put(KEY, object, Condition::None).await.unwrap();
}

/// A lock as s3db.js writes it, expired a second ago.
async fn expired_lock_of_s3db_js(store: &Flaky, world: &World) {
    let acquired = world.now_ms() - 31_000;
    let expired = acquired + 30_000;
    write(
        store,
        &format!(r#"{{"workerId":"w1","token":"theirs","acquiredAt":{acquired},"_expiresAt":{expired}}}"#),
    )
    .await;
}

#[tokio::test]
async fn a_lease_costs_one_request_to_take_to_renew_and_to_give_back() {
    let world = World::new();
    let (store, meter) = Meter::wrap(Flaky::new(&world));
    let leases = Leases::new(store, "plugin=p/locks/", world.clone()).worker("host-1");
    let mut before = meter.snapshot();
    let mut spent = |what: &str, expected: &str| {
        let now = meter.snapshot();
        assert_eq!((now - before).to_string(), expected, "{what}");
        before = now;
    };
    let lease = leases.acquire("job", now()).await.unwrap().unwrap();
    spent("acquire", "1 PUT");
    lease.renew().await.unwrap();
    spent("renew", "1 PUT");
    assert!(leases.acquire("job", now()).await.unwrap().is_none());
    spent("a held lease", "1 GET + 1 PUT");
    let info = leases.lock_info("job").await.unwrap().unwrap();
    assert_eq!((info.worker_id.as_str(), info.epoch), ("host-1", lease.epoch()));
    spent("look", "1 GET");
    assert!(lease.release().await.unwrap());
    spent("release", "1 PUT");
    assert!(!lease.release().await.unwrap(), "there is nothing more to give back");
    spent("release again", "no requests");
    assert!(!lease.is_valid());
    assert!(!leases.is_locked("job").await.unwrap());
    spent("look", "1 GET");
    let next = leases.acquire("job", now()).await.unwrap().unwrap();
    spent("acquire again", "1 GET + 2 PUT");
    assert!(next.epoch() > lease.epoch(), "the epoch outlives a release");
}

#[tokio::test]
async fn s3db_js_can_read_who_holds_it() {
    let world = World::new();
    let store = Flaky::new(&world);
    let lease = leases(&store, &world).worker("w").acquire("job", now()).await.unwrap().unwrap();
    let at = world.now_ms();
    let expected = serde_json::json!({
        "workerId": "w", "token": lease.token(), "acquiredAt": at, "_expiresAt": at + 30_000, "epoch": lease.epoch(),
    });
    assert_eq!(body(&store).await, expected);
    assert_eq!(lease.expires_at_ms(), at + 30_000);
    assert!(!format!("{lease:?}").contains(lease.token()));
}

#[tokio::test]
async fn of_twenty_contenders_on_an_expired_lock_one_gets_it() {
    for _ in 0..20 {
        let world = World::new();
        let store = Flaky::new(&world);
        expired_lock_of_s3db_js(&store, &world).await;
        let contenders: Vec<Leases> = (0..20).map(|_| leases(&store, &world)).collect();
        let got = join_all(contenders.iter().map(|leases| leases.acquire("job", now()))).await;
        let got: Vec<Lease> = got.into_iter().filter_map(Result::unwrap).collect();
        assert_eq!(got.len(), 1);
        assert_eq!(body(&store).await["token"], got[0].token());
        assert!(got[0].epoch() > u64::try_from(world.now_ms() - 31_000).unwrap());
    }
}

#[tokio::test]
async fn holders_follow_each_other_and_none_overlap() {
    let world = World::new();
    let store = Flaky::new(&world);
    let held: Mutex<Vec<Lease>> = Mutex::default();
    let turns = (0..20).map(|_| async {
        let leases = leases(&store, &world);
        let wait = AcquireOptions::wait(Duration::from_secs(100_000));
        let lease = leases.acquire("job", wait).await.unwrap().unwrap();
        let before = held.lock().unwrap().clone();
        assert!(before.iter().all(|other| !other.is_valid()), "two hold it");
        assert!(before.iter().all(|other| other.epoch() < lease.epoch()), "an epoch came twice");
        held.lock().unwrap().push(lease.clone());
        tokio::task::yield_now().await;
        // Some give it back, some die.
        if lease.epoch() % 3 != 0 {
            lease.release().await.unwrap();
        }
    });
    join_all(turns).await;
    assert_eq!(held.lock().unwrap().len(), 20);
}

#[tokio::test]
async fn a_holder_that_was_overtaken_can_do_nothing() {
    let world = World::new();
    let store = Flaky::new(&world);
    let leases = leases(&store, &world);
    let late = leases.acquire("job", now()).await.unwrap().unwrap();
    world.advance(30_000);
    assert!(!late.is_valid(), "a holder stops before others may begin");
    assert!(leases.acquire("job", now()).await.unwrap().is_none(), "clocks may differ");
    world.advance(251);
    let holder = leases.acquire("job", now()).await.unwrap().unwrap();
    assert!(holder.epoch() > late.epoch());
    assert!(late.fence().admit(Some(holder.epoch())).is_err());
    assert!(holder.fence().admit(Some(late.epoch())).is_ok());

    assert_eq!(late.renew().await.unwrap_err().kind(), ErrorKind::Conflict);
    assert!(!late.release().await.unwrap());
    assert!(!leases.release("job", "a stranger's token").await.unwrap());
    assert!(!leases.release("job", late.token()).await.unwrap());
    assert_eq!(body(&store).await["token"], holder.token());
    assert!(holder.is_valid());

    assert!(leases.release("job", holder.token()).await.unwrap(), "by its token, from elsewhere");
    assert_eq!(holder.renew().await.unwrap_err().kind(), ErrorKind::Conflict);
}

#[tokio::test]
async fn an_expired_lease_that_nobody_took_can_be_renewed() {
    let world = World::new();
    let store = Flaky::new(&world);
    let lease = leases(&store, &world).acquire("job", now()).await.unwrap().unwrap();
    world.advance(100_000);
    assert!(!lease.is_valid());
    lease.renew().await.unwrap();
    assert!(lease.is_valid());
}

#[tokio::test]
async fn a_lost_answer_loses_no_lease() {
    for kind in [ErrorKind::Unavailable, ErrorKind::Conflict] {
        let world = World::new();
        let store = Flaky::new(&world);
        let leases = leases(&store, &world);
        store.lose_next(kind);
        let lease = leases.acquire("job", now()).await.unwrap().expect("it was ours");
        world.advance(1000);
        store.lose_next(kind);
        lease.renew().await.unwrap();
        assert_eq!(lease.expires_at_ms(), world.now_ms() + 30_000);
        assert_eq!(lease.etag(), store.inner.get(KEY).await.unwrap().unwrap().head.etag);
        store.lose_next(kind);
        assert!(lease.release().await.unwrap(), "{kind}");
        store.lose_next(kind);
        // The PUT whose answer is lost was to create, and wrote nothing.
        match leases.acquire("job", now()).await {
            Ok(taken_over) => assert!(taken_over.is_some() && kind == ErrorKind::Conflict),
            Err(error) => assert!(error.is_retryable() && kind == ErrorKind::Unavailable),
        }
    }
}

#[tokio::test]
async fn a_renewal_that_was_dropped_midway_does_not_lose_the_lease() {
    let world = World::new();
    let store = Flaky::new(&world);
    let lease = leases(&store, &world).acquire("job", now()).await.unwrap().unwrap();
    // The renewal happened, but this handle has never learned of it.
    let mut renewed = body(&store).await;
    renewed["_expiresAt"] = (world.now_ms() + 31_000).into();
    write(&store, &renewed.to_string()).await;
    lease.renew().await.unwrap();
    write(&store, &renewed.to_string()).await;
    assert!(lease.release().await.unwrap());
}

#[tokio::test]
async fn the_epoch_grows_also_after_s3db_js_or_a_purge_deleted_the_lock() {
    let world = World::new();
    let store = Flaky::new(&world);
    let leases = leases(&store, &world);
    let first = leases.acquire("job", now()).await.unwrap().unwrap();
    world.advance(1);
    leases.purge("job").await.unwrap();
    assert_eq!(first.renew().await.unwrap_err().kind(), ErrorKind::Conflict);
    let second = leases.acquire("job", now()).await.unwrap().unwrap();
    assert!(second.epoch() > first.epoch());
}

#[tokio::test]
async fn an_object_that_is_no_lock_is_overwritten_once_it_is_old() {
    let world = World::new();
    let store = Flaky::new(&world);
    let leases = leases(&store, &world);
    write(&store, "not json").await;
    assert!(leases.acquire("job", now()).await.unwrap().is_none());
    assert!(!leases.is_locked("job").await.unwrap());
    assert_eq!(store.inner.get(KEY).await.unwrap().unwrap().body, "not json", "a reader deletes nothing");
    world.advance(30_001);
    assert!(leases.acquire("job", now()).await.unwrap().is_some());
}

#[tokio::test]
async fn bad_arguments_are_refused_before_anything_is_sent() {
    let world = World::new();
    let store = Flaky::new(&world);
    let leases = leases(&store, &world);
    for name in ["", "a//b", "../x", "/x", "x/"] {
        assert_eq!(leases.acquire(name, now()).await.unwrap_err().kind(), ErrorKind::Config, "{name}");
    }
    let short = AcquireOptions { ttl: Duration::from_millis(250), ..now() };
    assert_eq!(leases.acquire("job", short).await.unwrap_err().kind(), ErrorKind::Config);
    assert_eq!(leases.release("job", "").await.unwrap_err().kind(), ErrorKind::Config);
    assert!(store.inner.is_empty());
}

#[tokio::test]
async fn work_under_a_lock_keeps_it_and_gives_it_back() {
    let world = World::new();
    let store = Flaky::new(&world);
    let leases = leases(&store, &world);
    let first = world.now_ms() + 30_000;
    let epoch = leases
        .with_lock("job", now(), |lease| async move {
            // As long as ten times its ttl.
            while lease.expires_at_ms() < first + 300_000 {
                assert!(lease.is_valid());
                tokio::task::yield_now().await;
            }
            Ok(lease.epoch())
        })
        .await
        .unwrap();
    assert!(!leases.is_locked("job").await.unwrap());
    let failed = leases.with_lock("job", now(), |_| async {
        Err::<(), _>(Error::new(ErrorKind::Validation, "the work failed"))
    });
    assert_eq!(failed.await.unwrap_err().kind(), ErrorKind::Validation);
    assert!(!leases.is_locked("job").await.unwrap(), "given back after a failure too");
    let by_hand = leases.with_lock("job", now(), |lease| async move { lease.release().await });
    assert!(by_hand.await.unwrap(), "the work may give it back itself");

    let lease = leases.acquire("job", now()).await.unwrap().unwrap();
    assert!(lease.epoch() > epoch);
    let held = leases.with_lock("job", now(), |_| async { Ok(()) }).await.unwrap_err();
    assert!(held.kind() == ErrorKind::Conflict && held.is_retryable());
}

#[tokio::test]
async fn work_ends_when_its_lock_is_lost() {
    let world = World::new();
    let store = Flaky::new(&world);
    let other = r#"{"workerId":"o","token":"other","acquiredAt":1,"_expiresAt":9000000000000,"epoch":9}"#;
    let leases = leases(&store, &world);
    let work = leases.with_lock("job", now(), |_| {
        let store = store.clone();
        async move {
            write(&store, other).await;
            pending::<Result<()>>().await
        }
    });
    assert_eq!(work.await.unwrap_err().kind(), ErrorKind::Conflict);
    assert_eq!(body(&store).await["token"], "other", "nothing of the new holder was touched");
}

#[tokio::test]
async fn dropped_work_leaves_a_lease_that_ends_by_itself() {
    let world = World::new();
    let store = Flaky::new(&world);
    let leases = leases(&store, &world);
    {
        let work = leases.with_lock("job", now(), |_| pending::<Result<()>>());
        let mut work = std::pin::pin!(work);
        while store.inner.is_empty() {
            assert!(futures::poll!(work.as_mut()).is_pending());
        }
    }
    assert!(leases.acquire("job", now()).await.unwrap().is_none());
    world.advance(31_000);
    assert!(leases.acquire("job", now()).await.unwrap().is_some());
}

#[test]
fn a_fence_stops_late_holders_and_admits_the_first() {
    let mut document = crate::Document::new();
    super::Fence::new(5).mark(&mut document, "epoch").unwrap();
    super::Fence::new(5).mark(&mut document, "epoch").unwrap();
    assert_eq!(super::Fence::new(4).mark(&mut document, "epoch").unwrap_err().kind(), ErrorKind::Conflict);
    super::Fence::new(6).mark(&mut document, "epoch").unwrap();
    assert_eq!(document["epoch"], 6);
    document.insert("epoch".into(), "six".into());
    assert_eq!(super::Fence::new(7).mark(&mut document, "epoch").unwrap_err().kind(), ErrorKind::Corrupt);
}
