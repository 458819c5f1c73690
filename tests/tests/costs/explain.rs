//! An explanation names the requests that the call then sends, and changes nothing.

use std::sync::Arc;

use s3db::database::ChangeOptions;
use s3db::explain::Explanation;
use s3db::id::{IdGenerator, Incremental};
use s3db::plan::PartitionWrites;
use s3db::resource::ListOptions;
use s3db::store::{Condition, PutObject, Store as _};
use s3db::{Database, ErrorKind, Resource, ResourceConfig};
use serde_json::json;

use super::recorder::Recorder;
use super::{attributes, database_on, indexed, plain};

struct World {
    db: Database,
    recorder: Recorder,
    what: String,
}

impl World {
    async fn new(what: &str, writes: PartitionWrites) -> Self {
        let recorder = Recorder::default();
        let db = database_on(Arc::new(recorder.clone()), writes).await;
        Self { db, recorder, what: format!("{what} {writes:?}") }
    }

    /// Explains a call, makes sure that nothing has changed, and returns the requests that it foresees.
    async fn foresee(
        &self,
        call: &str,
        explain: impl Future<Output = s3db::Result<Explanation>>,
    ) -> (Vec<String>, Explanation) {
        let before = self.recorder.objects().await;
        let mut events = self.db.events();
        self.recorder.take();
        let plan = explain.await.unwrap_or_else(|error| panic!("{} {call}: {error}", self.what));
        let sent = self.recorder.take();
        assert!(
            sent.iter().all(|sent| ["GET ", "HEAD ", "LIST "].iter().any(|verb| sent.starts_with(verb))),
            "{} {call}: explaining sent {sent:?}",
            self.what
        );
        assert_eq!(sent.len() as u64, plan.looked.total(), "{} {call}", self.what);
        assert_eq!(self.recorder.objects().await, before, "{} {call}: explaining changed objects", self.what);
        assert_eq!(events.try_next(), None, "{} {call}: explaining told an event", self.what);
        assert_eq!(self.db.pending_index_writes(), 0);
        let requests = plan.stages.iter().flat_map(|stage| &stage.requests);
        let mut foreseen: Vec<String> =
            requests.map(|request| format!("{} {}", request.verb, request.key)).collect();
        foreseen.sort();
        (foreseen, plan)
    }

    /// Compares what an explanation foresees with what the call then sends.
    async fn check(
        &self,
        call: &str,
        users: &Resource,
        explain: impl Future<Output = s3db::Result<Explanation>>,
        run: impl AsyncFnOnce(Resource),
    ) {
        let (foreseen, plan) = self.foresee(call, explain).await;
        let (metered, receipts) = users.metered();
        run(metered).await;
        self.db.flush().await;
        let receipt = receipts.take();
        assert_eq!(foreseen, self.recorder.take(), "{} {call}\n{plan}", self.what);
        assert_eq!(plan.requests, receipt.requests, "{} {call}\n{plan}", self.what);
        assert!((plan.dollars() - receipt.dollars()).abs() < 1e-12);
    }
}

/// Each call twice: explained, and then run. What one leaves is what the next one finds.
macro_rules! check_calls {
    ($world:expr, $users:expr; $($verb:ident($($argument:expr),*);)*) => {{
        let users = &$users;
        $(
            // On the heap, and each a function of its own: together this many calls are too large for the stack of a test.
            Box::pin(async {
                let explain = users.explain();
                let explained = async { explain.$verb($($argument),*).await };
                let call = concat!(stringify!($verb), stringify!(($($argument),*)));
                $world.check(call, users, explained, async |users| drop(users.$verb($($argument),*).await)).await;
            })
            .await;
        )*
    }};
}

async fn check_all_verbs(world: &World, users: &Resource) {
    let user = |id: &str, region: &str| json!({"id": id, "name": "N", "email": format!("{id}@e.io"), "region": region});
    check_calls!(world, users;
        insert(user("ann", "EU"));
        insert(user("ann", "US"));
        insert(json!({"id": "bare", "name": "B"}));
        insert(json!({"id": "thief", "name": "T", "email": "ann@e.io", "region": "EU"}));
        insert(json!({"id": "wrong", "name": 7}));
        insert_many((0..6).map(|n| user(&format!("m{}", n % 5), "EU")));
        update("ann", json!({"name": "Anna"}));
        update("ann", json!({"region": "US", "email": "anna@e.io"}));
        update("ann", json!({"$unset": ["region", "email"]}));
        patch("ann", json!({"region": "EU", "email": "ann@e.io"}));
        update("ann", json!({"email": "m1@e.io"}));
        update("nobody", json!({"name": "N"}));
        upsert(json!({"id": "ann", "name": "A"}));
        upsert(user("new", "EU"));
        replace("ann", json!({"name": "A", "region": "US"}));
        replace("fresh", json!({"name": "F", "region": "US"}));
        get("ann");
        get_many(["ann", "bare", "nobody"]);
        exists("ann");
        count();
        list_ids(ListOptions::default());
        list(ListOptions::default());
        list(ListOptions { limit: Some(2), after: Some("ann".to_owned()) });
        get_all();
        page(3, None);
        set_content("ann", vec![1, 2, 3]);
        has_content("ann");
        content("ann");
        update("ann", json!({"name": "Ann"}));
        set_content("ann", Vec::new());
        delete_content("ann");
        delete_content("ann");
        set_content("nobody", vec![1]);
        delete("ann");
        delete("ann");
        delete_many(["m0", "m1", "nobody"]);
    );
    world
        .check(
            "update_with",
            users,
            users.explain().update_with("fresh", |fresh| {
                fresh.insert("region".to_owned(), json!("EU"));
                Ok(())
            }),
            async |users| drop(users.update("fresh", json!({"region": "EU"})).await),
        )
        .await;
    let etag = users.get("fresh").await.unwrap().meta.etag;
    let explain = users.explain().if_match(&etag);
    let changes = || json!({"region": "US"});
    world
        .check("if_match update", users, explain.update("fresh", changes()), async |users| {
            drop(users.if_match(&etag).update("fresh", changes()).await);
        })
        .await;
    world
        .check("if_match replace", users, explain.replace("fresh", json!({"name": "F"})), async |users| {
            drop(users.if_match(&etag).replace("fresh", json!({"name": "F"})).await);
        })
        .await;
    world
        .check("if_match delete", users, explain.delete("fresh"), async |users| {
            drop(users.if_match(&etag).delete("fresh").await);
        })
        .await;
    for filter in [json!({}), json!({"id": "bare"}), json!({"region": "EU"}), json!({"name": "N"})] {
        let call = format!("query {filter}");
        let query = |users: &Resource| users.query(filter.clone());
        world
            .check(&call, users, query(users).explain(), async |users| drop(query(&users).run().await))
            .await;
        let sorted = users.explain().query(filter.clone()).sort("-name").limit(1).run();
        world
            .check(&call, users, sorted, async |users| {
                drop(query(&users).sort("-name").limit(1).run().await);
            })
            .await;
    }
    check_calls!(world, users; delete_all(true);  delete_all(true););
}

#[tokio::test]
async fn every_verb_sends_what_its_explanation_has_named() {
    use PartitionWrites::{Background, Parallel, Safe};
    for writes in [Safe, Parallel, Background] {
        let world = World::new("plain", writes).await;
        check_all_verbs(&world, &plain(&world.db).await).await;
        let world = World::new("indexed", writes).await;
        check_all_verbs(&world, &indexed(&world.db).await).await;
    }
    let world = World::new("timestamps", Safe).await;
    let config = ResourceConfig::new("timed", attributes()).timestamps(true);
    check_all_verbs(&world, &world.db.create_resource(config).await.unwrap()).await;
    // Somebody who follows changes makes deletes read what they delete.
    let world = World::new("followed", Safe).await;
    let mut changes = world.db.changes(ChangeOptions::new());
    let users = plain(&world.db).await;
    world.foresee("insert", users.explain().insert(json!({"id": "a", "name": "A"}))).await;
    assert_eq!(changes.try_next(), None, "a rehearsal is no change");
    check_all_verbs(&world, &users).await;
}

#[tokio::test]
async fn what_an_earlier_crash_has_left_is_foreseen() {
    let world = World::new("leftovers", PartitionWrites::Safe).await;
    let users = indexed(&world.db).await;
    for (key, body) in [
        ("app/resource=indexed/partition=byRegion/region=EU/id=ann", r#"{"_w":"old"}"#),
        ("app/resource=indexed/partition=byRegion/region=US/id=ann", r#"{"_w":"old"}"#),
    ] {
        let object = PutObject { body: body.into(), ..PutObject::default() };
        world.recorder.store().put(key, object, Condition::None).await.unwrap();
    }
    check_calls!(world, users;
        insert(json!({"id": "ann", "name": "A", "region": "EU", "email": "a@e.io"}));
        update("ann", json!({"region": "US"}));
    );
}

#[tokio::test]
async fn numbers_are_foreseen_and_not_taken() {
    for setting in ["incremental:1", "incremental:fast:1"] {
        let world = World::new(setting, PartitionWrites::Safe).await;
        let ids = IdGenerator::Incremental(Incremental::parse(setting).unwrap());
        let orders =
            world.db.create_resource(ResourceConfig::new("orders", attributes()).id_generator(ids)).await;
        let orders = orders.unwrap();
        check_calls!(world, orders;
            insert(json!({"name": "first"}));
            insert(json!({"name": "second"}));
            insert_many([json!({"name": "third"}), json!({"name": "fourth"})]);
        );
        let mut ids = orders.list_ids(ListOptions::default()).await.unwrap();
        ids.sort();
        assert_eq!(ids, ["1", "2", "3", "4"], "{setting}: explaining took no number");
    }
}

#[tokio::test]
async fn a_query_that_stops_at_its_limit_sends_no_more_than_foreseen() {
    let world = World::new("limits", PartitionWrites::Safe).await;
    let users = indexed(&world.db).await;
    let many =
        (0..90).map(|n| json!({"id": format!("u{n:02}"), "name": format!("N{}", n % 3), "region": "EU"}));
    assert!(users.insert_many(many).await.failed.is_empty());
    let (_, plan) = world.foresee("all", users.query(json!({})).limit(5).explain()).await;
    assert!(!plan.at_most);
    let (_, receipt) = users.receipt(async |users| users.query(json!({})).limit(5).run().await).await;
    assert_eq!(plan.requests, receipt.requests);

    let (_, plan) = world.foresee("some", users.query(json!({"name": "N1"})).limit(2).explain()).await;
    assert!(plan.at_most && plan.to_string().contains("\nat most 90 GET + 1 LIST"), "{plan}");
    let (_, receipt) =
        users.receipt(async |users| users.query(json!({"name": "N1"})).limit(2).run().await).await;
    assert!(receipt.requests.get < plan.requests.get && receipt.requests.list == plan.requests.list);
}

#[tokio::test]
async fn why_a_call_would_be_refused_is_told() {
    let world = World::new("refused", PartitionWrites::Safe).await;
    let users = indexed(&world.db).await;
    users.insert(json!({"id": "ann", "name": "Ann", "email": "a@e.io"})).await.unwrap();
    let kinds = |plan: &Explanation| plan.refused.iter().map(|error| error.kind()).collect::<Vec<_>>();
    let explain = users.explain();
    let (_, taken) = world.foresee("taken", explain.insert(json!({"id": "ann", "name": "Ann"}))).await;
    assert_eq!(kinds(&taken), [ErrorKind::AlreadyExists]);
    let (requests, wrong) = world.foresee("wrong", explain.insert(json!({"id": "b"}))).await;
    assert_eq!((requests, kinds(&wrong)), (vec![], vec![ErrorKind::Validation]));
    let two = [json!({"id": "x", "name": "X"}), json!({"id": "eve", "name": "Eve", "email": "a@e.io"})];
    let (_, batch) = world.foresee("batch", explain.insert_many(two)).await;
    assert_eq!(kinds(&batch), [ErrorKind::Unique]);
    assert!(batch.to_string().contains("refused: another document holds the unique value"), "{batch}");
    assert_eq!(explain.query(json!({"a": {"$near": 1}})).run().await.unwrap_err().kind(), ErrorKind::Config);
}

#[tokio::test]
async fn several_calls_are_explained_together_and_see_each_other() {
    let world = World::new("together", PartitionWrites::Safe).await;
    let users = indexed(&world.db).await;
    let (read, plan) = users
        .explain()
        .run(async |users| {
            users.insert(json!({"id": "ann", "name": "Ann", "region": "EU"})).await?;
            users.update("ann", json!({"name": "Anna"})).await?;
            assert_eq!(users.partition("byRegion", json!({"region": "EU"}))?.count().await?, 1);
            users.get("ann").await
        })
        .await;
    assert_eq!(read.unwrap().data["name"], "Anna");
    assert_eq!(plan.requests.to_string(), "2 GET + 3 PUT + 1 LIST");
    assert!(users.get_or_none("ann").await.unwrap().is_none());
}
