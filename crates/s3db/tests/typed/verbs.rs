use s3db::typed::{Secret, Typed};
use s3db::{Database, Document, ErrorKind, doc};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Document)]
#[document(resource = "users", behavior = "body-overflow", timestamps)]
#[document(partition(name = "byCity", on = "address.city"))]
struct User {
    #[document(id)]
    user_id: String,
    #[document(min = 2, max = 80)]
    name: String,
    #[document(email, unique)]
    email: String,
    age: Option<u32>,
    address: Address,
    #[serde(default)]
    tags: Vec<String>,
    #[document(partition)]
    plan: Plan,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Document)]
struct Address {
    city: String,
    zip: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, Document)]
#[serde(rename_all = "lowercase")]
enum Plan {
    Free,
    Paid,
}

fn ann() -> User {
    User {
        user_id: "ann".to_owned(),
        name: "Ann".to_owned(),
        email: "ann@example.com".to_owned(),
        age: Some(30),
        address: Address { city: "Lisbon".to_owned(), zip: None },
        tags: vec!["vip".to_owned()],
        plan: Plan::Free,
    }
}

fn bob() -> User {
    User {
        user_id: "bob".to_owned(),
        name: "Bob".to_owned(),
        email: "bob@example.com".to_owned(),
        age: None,
        address: Address { city: "Porto".to_owned(), zip: Some("4000".to_owned()) },
        tags: Vec::new(),
        plan: Plan::Paid,
    }
}

#[tokio::test]
async fn values_stream_in_and_out_and_have_content() {
    use futures::{StreamExt as _, TryStreamExt as _, stream};

    let (_db, users) = users("streams").await;
    let named = |n: usize, name: &str| User {
        user_id: format!("u{n}"),
        name: name.to_owned(),
        email: format!("u{n}@example.com"),
        ..ann()
    };
    let mut sink = users.sink();
    let values = [named(1, "Ann"), named(2, "B"), named(3, "Cleo")].map(Ok);
    stream::iter(values).forward(&mut sink).await.unwrap();
    let summary = sink.summary();
    assert_eq!((summary.written, summary.failed, summary.failures[0].index), (2, 1, 1));
    let read: Vec<User> = users.stream().map_ok(|stored| stored.value).try_collect().await.unwrap();
    assert_eq!(read, [named(1, "Ann"), named(3, "Cleo")]);
    assert_eq!(users.ids_stream().try_collect::<Vec<_>>().await.unwrap(), ["u1", "u3"]);
    let of_one = users.dynamic().reader().limit(1);
    assert_eq!(users.read(of_one).count().await, 1);

    let stored = users.set_content("u3", vec![1, 2]).await.unwrap();
    assert!(stored.meta.has_content && users.has_content("u3").await.unwrap());
    assert_eq!(users.content("u3").await.unwrap().unwrap().bytes[..], [1, 2]);
    assert_eq!(users.delete_content("u3").await.unwrap().value, named(3, "Cleo"));
}

async fn users(place: &str) -> (Database, Typed<User>) {
    let db = Database::connect(&format!("memory://typed/{place}")).await.unwrap();
    let users = db.resource_of::<User>().await.unwrap();
    (db, users)
}

#[tokio::test]
async fn a_value_is_inserted_read_replaced_and_deleted() {
    let (db, users) = users("verbs").await;
    let stored = users.insert(&ann()).await.unwrap();
    assert_eq!((stored.id.as_str(), &stored.value), ("ann", &ann()));
    assert_eq!(users.get("ann").await.unwrap().value, ann());
    // The id is the key, and not a second time in the document.
    assert!(db.resource("users").unwrap().get("ann").await.unwrap().data.get("user_id").is_none());
    assert_eq!(users.insert(&ann()).await.unwrap_err().kind(), ErrorKind::AlreadyExists);

    let older = User { age: Some(31), ..ann() };
    assert_eq!(users.replace("ann", &older).await.unwrap().age, Some(31));
    assert_eq!(users.upsert(&ann()).await.unwrap().age, Some(30));
    assert_eq!(users.upsert(&bob()).await.unwrap().value, bob());
    assert_eq!(users.count().await.unwrap(), 2);
    users.delete("ann").await.unwrap();
    assert!(users.get_or_none("ann").await.unwrap().is_none());
}

#[tokio::test]
async fn fields_are_changed_by_name() {
    let (_, users) = users("changes").await;
    users.insert(&ann()).await.unwrap();
    let changed = users.update("ann", User::age().set(31)).await.unwrap();
    assert_eq!(changed.value, User { age: Some(31), ..ann() });
    let changed = users
        .update("ann", [User::age().add(2), User::name().set("Anna"), User::address().zip().set("1100")])
        .await
        .unwrap();
    assert_eq!((changed.age, changed.name.as_str()), (Some(33), "Anna"));
    assert_eq!(changed.address, Address { city: "Lisbon".to_owned(), zip: Some("1100".to_owned()) });
    let changed =
        users.update("ann", User::age().clear().and(User::address().set(bob().address))).await.unwrap();
    assert_eq!((changed.age, &changed.address), (None, &bob().address));

    let changed = users
        .update_with("ann", |user| {
            user.tags.push("new".to_owned());
            Ok(())
        })
        .await
        .unwrap();
    assert_eq!(changed.tags, ["vip", "new"]);
    let refused = users.update("ann", User::name().set("A")).await.unwrap_err();
    assert_eq!((refused.kind(), refused.fields()[0].field.as_str()), (ErrorKind::Validation, "name"));
    assert_eq!(users.update("eve", User::age().set(1)).await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn an_edit_keeps_fields_that_the_type_does_not_know() {
    let (db, users) = users("unknown").await;
    users.insert(&ann()).await.unwrap();
    db.resource("users").unwrap().update("ann", doc! { note: "hers", "address.floor": 3 }).await.unwrap();
    users
        .update_with("ann", |user| {
            user.address.city = "Faro".to_owned();
            Ok(())
        })
        .await
        .unwrap();
    users.upsert(&User { age: None, ..ann() }).await.unwrap();
    let record = db.resource("users").unwrap().get("ann").await.unwrap();
    assert_eq!(record.data["note"], "hers");
}

#[tokio::test]
async fn queries_are_made_of_field_names() {
    let (_, users) = users("queries").await;
    let inserted = users.insert_many([ann(), bob(), User { name: "B".to_owned(), ..ann() }]).await;
    assert_eq!((inserted.ok.len(), inserted.failed[0].index), (2, 2));
    for (filter, ids) in [
        (User::age().gt(18), vec!["ann"]),
        (User::age().is_none(), vec!["bob"]),
        (User::age().is_some() & User::address().city().eq("Lisbon"), vec!["ann"]),
        (User::address().city().is_in(["Lisbon", "Porto"]), vec!["ann", "bob"]),
        (User::name().starts_with("B") | User::age().lte(30), vec!["ann", "bob"]),
        (!User::plan().eq(Plan::Paid), vec!["ann"]),
        (User::plan().eq(Plan::Paid).and(User::user_id().eq("bob")), vec!["bob"]),
        (User::address().eq(bob().address), vec!["bob"]),
        (User::name().matches("^A").or(User::name().ne("Ann")), vec!["ann", "bob"]),
    ] {
        let page = users.query(filter.clone()).run().await.unwrap();
        let found: Vec<&str> = page.records.iter().map(|record| record.id.as_str()).collect();
        assert_eq!(found, ids, "{filter:?}");
    }
    let page = users.query(s3db::typed::Expr::all()).sort(User::name().desc()).limit(1).run().await.unwrap();
    assert_eq!((page.records[0].name.as_str(), page.next_cursor.is_some()), ("Bob", true));
    assert_eq!(users.get_all().await.unwrap().records.len(), 2);
    let got = users.get_many(["bob", "eve", "ann"]).await;
    assert_eq!((got.ok[1].id.as_str(), got.failed[0].index), ("ann", 1));
}

#[tokio::test]
async fn a_write_under_a_condition_is_refused_after_another() {
    let (_, users) = users("condition").await;
    let seen = users.insert(&ann()).await.unwrap().meta.etag;
    users.update("ann", User::age().set(31)).await.unwrap();
    let late = users.if_match(&seen).update("ann", User::age().set(40)).await.unwrap_err();
    assert_eq!(late.kind(), ErrorKind::Conflict);
    assert_eq!(users.get("ann").await.unwrap().age, Some(31));
}

#[tokio::test]
async fn a_document_that_does_not_fit_the_type_is_named_and_not_in_the_way() {
    let (db, users) = users("misfit").await;
    users.insert(&bob()).await.unwrap();
    let raw = db.resource("users").unwrap();
    raw.insert(doc! {
        id: "odd", name: "Odd", email: "odd@example.com", plan: "free", address: { city: "Rome" }, tags: []
    })
    .await
    .unwrap();
    let other = db
        .create_resource(s3db::ResourceConfig::new("others", doc! { name: "string", age: "any" }))
        .await
        .unwrap();
    other.insert(doc! { id: "x", name: "X", age: "thirty" }).await.unwrap();
    let others: Typed<User> = Typed::over(other);
    let error = others.get("x").await.unwrap_err();
    assert_eq!(
        (error.kind(), error.context("id"), error.context("resource")),
        (ErrorKind::Validation, Some("x"), Some("others"))
    );
    assert!(!error.fields().is_empty(), "{error}");
    let listing = others.get_all().await.unwrap();
    assert_eq!((listing.records.len(), listing.unreadable.len()), (0, 1));
    let mut stream = others.stream();
    let refused = futures::StreamExt::next(&mut stream).await.unwrap().unwrap_err();
    assert_eq!((refused.kind(), refused.context("id")), (ErrorKind::Validation, Some("x")));
    assert_eq!(users.get_all().await.unwrap().records.len(), 2);
}

#[derive(Debug, Serialize, Deserialize, Document)]
#[document(resource = "tokens")]
struct Token {
    owner: String,
    value: Secret<String>,
    pin: Secret<u32>,
    old: Vec<Secret<String>>,
}

#[tokio::test]
async fn secrets_are_sealed_at_rest_and_never_shown() {
    let db = Database::builder("memory://typed/secrets")
        .unwrap()
        .passphrase(s3db::encoding::Passphrase::new("a long passphrase"))
        .connect()
        .await
        .unwrap();
    let tokens = db.resource_of::<Token>().await.unwrap();
    let old = vec![Secret::from("first"), Secret::from("second")];
    let token = Token { owner: "ann".to_owned(), value: "hunter2".into(), pin: Secret::new(4711), old };
    assert!(!format!("{token:?}").contains("hunter2"));
    let stored = tokens.insert(&token).await.unwrap();
    let read = tokens.get(&stored.id).await.unwrap();
    assert_eq!((read.value.value.expose().as_str(), *read.pin.expose()), ("hunter2", 4711));
    assert_eq!(read.old[1].expose(), "second");
    let key = db.store().list(s3db::store::ListRequest::prefix("secrets/resource=tokens")).await.unwrap();
    let object = db.store().get(&key.entries[0].key).await.unwrap().unwrap();
    let bytes = format!("{:?} {:?}", object.head.metadata, object.body);
    for secret in ["hunter2", "4711", "second", "7d9"] {
        assert!(!bytes.contains(secret), "{secret} is in {bytes}");
    }
}
