//! Streams and sinks: many documents in bounded memory.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::{SinkExt as _, StreamExt as _, TryStreamExt as _, stream};
use s3db::budget::Budget;
use s3db::op::HookPoint;
use s3db::resource::ListOptions;
use s3db::store::{
    Capability, Condition, Head, ListPage, ListRequest, MemoryStore, Object, PutObject, PutResult, Replace,
    Store,
};
use s3db::{Database, Error, ErrorKind, Resource, ResourceConfig, Result};
use s3db_testkit::TestEnv;
use serde_json::{Value, json};

/// A memory store that counts what is asked of it at once, and takes a turn of the scheduler for each answer.
#[derive(Debug, Default)]
struct Counting {
    inner: MemoryStore,
    now: AtomicUsize,
    most: AtomicUsize,
    began: AtomicUsize,
    /// Reads that still succeed.
    reads_left: std::sync::Mutex<Option<usize>>,
}

struct Under<'a>(&'a AtomicUsize);

impl Drop for Under<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Counting {
    async fn turn(&self) -> Under<'_> {
        self.began.fetch_add(1, Ordering::SeqCst);
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        let under = Under(&self.now);
        for _ in 0..3 {
            tokio::task::yield_now().await;
        }
        under
    }

    fn most(&self) -> usize {
        self.most.swap(0, Ordering::SeqCst)
    }

    fn began(&self) -> usize {
        self.began.load(Ordering::SeqCst)
    }
}

#[async_trait::async_trait]
impl Store for Counting {
    fn capability(&self) -> &Capability {
        self.inner.capability()
    }

    async fn put(&self, key: &str, object: PutObject, condition: Condition) -> Result<PutResult> {
        let _under = self.turn().await;
        self.inner.put(key, object, condition).await
    }

    async fn get(&self, key: &str) -> Result<Option<Object>> {
        let _under = self.turn().await;
        if let Some(left) = self.reads_left.lock().unwrap().as_mut() {
            *left =
                left.checked_sub(1).ok_or_else(|| Error::new(ErrorKind::Unavailable, "the store is away"))?;
        }
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
        let _under = self.turn().await;
        self.inner.list(request).await
    }

    async fn delete(&self, key: &str, condition: Condition) -> Result<()> {
        self.inner.delete(key, condition).await
    }

    async fn delete_many(&self, keys: &[String]) -> Result<Vec<Result<()>>> {
        self.inner.delete_many(keys).await
    }
}

struct World {
    store: Arc<Counting>,
    users: Resource,
    _db: Database,
}

impl World {
    async fn new(count: usize) -> Self {
        let store = Arc::new(Counting::default());
        let env = Arc::new(TestEnv::new(1));
        let db = Database::builder_on(store.clone(), "app").env(env).connect().await.unwrap();
        let config = ResourceConfig::new(
            "users",
            json!({"name": "string", "city": "string|optional", "key": "secret|optional"}),
        )
        .partitions(json!({"byCity": {"fields": {"city": "string"}}}));
        let users = db.create_resource(config).await.unwrap();
        assert!(users.insert_many((0..count).map(user)).await.failed.is_empty());
        store.most();
        Self { store, users, _db: db }
    }

    /// Makes a document one that nobody can read: sealed under a passphrase that nobody has.
    async fn damage(&self, id: &str) {
        let sealed = "VyaCAy6FiuPMcti21nfJU8jl0wtIV0zjT7bqlwBpkTbjNnTUR/n9Ak9UzLG9jKfGkVa9";
        let key = format!("app/resource=users/data/id={id}");
        let object = PutObject {
            metadata: Arc::new([("0", "N"), ("2", sealed), ("_v", "v1")].into_iter().collect()),
            ..PutObject::default()
        };
        self.store.inner.put(&key, object, Condition::None).await.unwrap();
    }
}

fn id(n: usize) -> String {
    format!("u{n:05}")
}

fn user(n: usize) -> Value {
    json!({"id": id(n), "name": format!("Name {n}"), "city": if n.is_multiple_of(3) { "Porto" } else { "Faro" }})
}

#[tokio::test]
async fn all_documents_come_in_order_and_no_more_are_held_than_asked() {
    let world = World::new(2500).await;
    let ids: Vec<String> = world.users.ids_stream().try_collect().await.unwrap();
    assert_eq!(ids, world.users.list_ids(ListOptions::default()).await.unwrap());
    world.store.most();
    let before = world.store.began();
    let documents = world.users.reader().concurrency(7).documents();
    let read: Vec<String> = documents.map_ok(|record| record.id).try_collect().await.unwrap();
    assert_eq!(read, ids);
    assert_eq!(world.store.began() - before, 2500 + 3, "1 GET a document + 1 LIST per 1,000 ids");
    let most = world.store.most();
    assert!((2..=8).contains(&most), "{most}: seven documents and a listing at most");

    let porto = world.users.partition("byCity", json!({"city": "Porto"})).unwrap();
    let read: Vec<String> =
        porto.reader().documents().map_ok(|record| record.id).try_collect().await.unwrap();
    assert_eq!(read, porto.list_ids(ListOptions::default()).await.unwrap());
    let read: Vec<String> = porto.reader().limit(3).ids().try_collect().await.unwrap();
    assert_eq!(read, [id(0), id(3), id(6)]);
    // A document that has moved away is passed over, whatever the reference says.
    world.users.update(&id(3), json!({"city": "Faro"})).await.unwrap();
    let read: Vec<String> =
        porto.reader().limit(3).documents().map_ok(|record| record.id).try_collect().await.unwrap();
    assert_eq!(read, [id(0), id(6), id(9)]);
}

#[tokio::test]
async fn a_slow_reader_makes_the_stream_wait() {
    let world = World::new(300).await;
    let before = world.store.began();
    let mut documents = world.users.reader().concurrency(5).documents();
    for _ in 0..3 {
        documents.try_next().await.unwrap().unwrap();
    }
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    let began = world.store.began() - before;
    assert!(began <= 1 + 3 + 5 + 1, "{began} requests for three documents");
}

#[tokio::test]
async fn a_stream_dropped_half_way_leaves_nothing_running() {
    let world = World::new(300).await;
    let mut documents = world.users.reader().concurrency(9).documents();
    documents.try_next().await.unwrap().unwrap();
    drop(documents);
    assert_eq!(world.store.now.load(Ordering::SeqCst), 0);
    let began = world.store.began();
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(world.store.began(), began);

    let mut sink = world.users.writer().concurrency(4).sink();
    for n in 1000..1050 {
        sink.feed(user(n)).await.unwrap();
    }
    let summary = sink.into_summary();
    let began = world.store.began();
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!((world.store.now.load(Ordering::SeqCst), world.store.began()), (0, began));
    // What is there is whole, all that was settled is there, and nothing else than what may have been under way.
    let listing = world.users.list(ListOptions { after: Some(id(999)), limit: None }).await.unwrap();
    assert!(listing.unreadable.is_empty());
    let there: BTreeSet<String> = listing.records.into_iter().map(|record| record.id).collect();
    let settled = usize::try_from(summary.settled()).unwrap();
    assert!((46..50).contains(&settled) && summary.accepted == 50, "{summary:?}");
    assert!((1000..1000 + settled).all(|n| there.contains(&id(n))));
}

#[tokio::test]
async fn an_unreadable_document_is_an_error_among_the_others() {
    let world = World::new(10).await;
    world.damage(&id(4)).await;
    let items: Vec<Result<String>> =
        world.users.stream().map(|record| record.map(|record| record.id)).collect().await;
    assert_eq!(items.len(), 10);
    let errors: Vec<&Error> = items.iter().filter_map(|item| item.as_ref().err()).collect();
    assert_eq!(errors.len(), 1);
    assert_eq!((errors[0].kind(), errors[0].context("id")), (ErrorKind::Crypto, Some(id(4).as_str())));
    let pages: Vec<_> = world.users.reader().batch_size(4).pages().try_collect().await.unwrap();
    let sizes: Vec<_> = pages.iter().map(|page| (page.records.len(), page.unreadable.len())).collect();
    assert_eq!(sizes, [(4, 0), (3, 1), (2, 0)]);
}

#[tokio::test]
async fn a_stream_goes_on_where_it_was_left_also_after_the_store_failed() {
    let world = World::new(50).await;
    *world.store.reads_left.lock().unwrap() = Some(20);
    let mut documents = world.users.stream();
    assert_eq!(documents.resume_token(), None);
    let mut read = Vec::new();
    let failed = loop {
        match documents.next().await.unwrap() {
            Ok(record) => read.push(record.id),
            Err(error) => break error,
        }
    };
    assert_eq!(failed.kind(), ErrorKind::Unavailable);
    assert!(documents.next().await.is_none(), "a failure of the store ends the stream");
    *world.store.reads_left.lock().unwrap() = None;
    let token = documents.resume_token().unwrap();
    let rest = world.users.reader().resume(&token).unwrap().documents();
    read.extend(rest.map_ok(|record| record.id).try_collect::<Vec<_>>().await.unwrap());
    assert_eq!(read, (0..50).map(id).collect::<Vec<_>>());

    let mut pages = world.users.reader().batch_size(20).pages();
    let first = pages.try_next().await.unwrap().unwrap();
    let rest = world.users.reader().resume(first.next_cursor.as_deref().unwrap()).unwrap();
    assert_eq!(rest.ids().try_next().await.unwrap(), Some(id(20)));
    let view = world.users.partition("byCity", json!({"city": "Porto"})).unwrap();
    assert_eq!(view.reader().resume(&token).unwrap_err().kind(), ErrorKind::Config);
    assert_eq!(world.users.reader().resume("nonsense").unwrap_err().kind(), ErrorKind::Config);
}

#[tokio::test]
async fn a_sink_writes_so_many_at_once_and_tells_what_failed() {
    let world = World::new(0).await;
    let mut sink = world.users.writer().concurrency(6).sink();
    let values = (0..200).map(|n| Ok(if n % 50 == 7 { json!({"id": id(n), "name": 1}) } else { user(n) }));
    stream::iter(values).forward(&mut sink).await.unwrap();
    let most = world.store.most();
    // A document with a partition is two requests, one after the other.
    assert!((2..=6).contains(&most), "{most}");
    let summary = sink.summary();
    assert_eq!((summary.accepted, summary.written, summary.failed), (200, 196, 4));
    let failed: Vec<_> = summary.failures.iter().map(|failed| (failed.index, failed.error.kind())).collect();
    assert_eq!(failed, [7, 57, 107, 157].map(|n| (n, ErrorKind::Validation)));
    assert_eq!(world.users.count().await.unwrap(), 196);

    // Written again, each is refused by itself; an upsert takes them.
    let values = || stream::iter((0..3).map(user));
    let again: Vec<_> = world.users.writer().write(values()).collect().await;
    assert!(again.iter().all(|item| item.result.as_ref().unwrap_err().kind() == ErrorKind::AlreadyExists));
    let again: Vec<_> = world.users.writer().upsert().write(values()).collect().await;
    assert_eq!(again.iter().map(|item| item.index).collect::<Vec<_>>(), [0, 1, 2]);
    assert!(again.iter().all(|item| item.result.is_ok()));
}

#[tokio::test]
async fn a_budget_that_is_used_up_half_way_tells_what_was_done_and_what_was_not() {
    let world = World::new(0).await;
    // Two requests a document: room for ten.
    let frugal = world.users.budget(Budget::requests(21));
    let mut sink = frugal.writer().concurrency(3).sink();
    let mut input = stream::iter((0..100).map(|n| Ok(user(n))));
    let refused = (&mut input).forward(&mut sink).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Budget);
    let summary = sink.into_summary();
    assert_eq!((summary.written, summary.settled()), (10, summary.accepted), "{summary:?}");
    assert!(summary.accepted <= 13, "{summary:?}: no more were begun");
    assert!(summary.failures.iter().all(|failed| failed.error.kind() == ErrorKind::Budget));
    assert_eq!(world.users.count().await.unwrap(), summary.written);

    let frugal = world.users.budget(Budget::requests(9));
    let mut input = stream::iter((200..300).map(user));
    let told: Vec<_> = frugal.writer().concurrency(2).write(&mut input).collect().await;
    let done: Vec<u64> = told.iter().filter(|item| item.result.is_ok()).map(|item| item.index).collect();
    assert_eq!(done, [0, 1, 2, 3]);
    assert!(told.len() <= 6 && told[4].result.as_ref().unwrap_err().kind() == ErrorKind::Budget);
    let taken = u64::try_from(100 - input.count().await).unwrap();
    assert_eq!(told.len() as u64, taken, "all that was taken is told of");
}

#[tokio::test]
async fn hooks_see_what_streams_read_and_write() {
    let world = World::new(5).await;
    world
        .users
        .hook(HookPoint::AfterGet, "stars", |mut call| async move {
            if call.id.as_deref() == Some("u00003") {
                return Err(Error::new(ErrorKind::Denied, "not this one"));
            }
            if let Some(document) = &mut call.document {
                document.insert("name".to_owned(), json!("***"));
            }
            Ok(call)
        })
        .keep();
    world.users.hook(HookPoint::BeforeListIds, "counts", |call| async move { Ok(call) }).keep();
    let items: Vec<_> = world.users.stream().collect().await;
    let names: Vec<_> =
        items.iter().map(|item| item.as_ref().ok().map(|record| &record.data["name"])).collect();
    let star = json!("***");
    assert_eq!(names, [Some(&star), Some(&star), Some(&star), None, Some(&star)]);
    world
        .users
        .hook(HookPoint::BeforeListIds, "nobody", |_| async {
            Err(Error::new(ErrorKind::Denied, "no lists"))
        })
        .keep();
    let refused = world.users.ids_stream().try_next().await.unwrap_err();
    assert_eq!((refused.kind(), refused.context("hook")), (ErrorKind::Denied, Some("nobody")));
    assert_eq!(world.users.stream().count().await, 1, "the refusal alone");
}
