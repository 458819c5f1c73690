//! The verbs of a resource.

use std::time::{SystemTime, UNIX_EPOCH};

use s3db::encoding::Passphrase;
use s3db::{Database, ResourceConfig};
use serde_json::{Map, Value, json};

use crate::document::{attributes, document, document_with_id};
use crate::timing::{Failure, pool, timed};

pub(crate) async fn run(connection: &str, n: usize, c: usize) -> Result<(), Failure> {
    let passphrase = Passphrase::new("correct horse");
    let db = Database::builder(connection)?
        .passphrase(passphrase)
        .options(|o| o.parallelism = c)
        .connect()
        .await?;
    let suffix = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
    let users = db.create_resource(ResourceConfig::new(format!("users-{suffix}"), attributes())).await?;
    let id = |i: usize| format!("u{i:08}");

    let r = users.clone();
    timed(
        "insert",
        n,
        c,
        pool(n, c, move |i| {
            let r = r.clone();
            async move { r.insert(document_with_id(id(i), i)).await.map(drop) }
        }),
    )
    .await?;
    let r = users.clone();
    timed(
        "get",
        n,
        c,
        pool(n, c, move |i| {
            let r = r.clone();
            async move { r.get(&id(i)).await.map(drop) }
        }),
    )
    .await?;
    let r = users.clone();
    timed(
        "update",
        n,
        c,
        pool(n, c, move |i| {
            let r = r.clone();
            async move { r.update(&id(i), json!({"age": 99})).await.map(drop) }
        }),
    )
    .await?;
    let r = users.clone();
    timed(
        "replace",
        n,
        c,
        pool(n, c, move |i| {
            let r = r.clone();
            async move { r.replace(&id(i), document(i)).await.map(drop) }
        }),
    )
    .await?;
    timed("list-all", n, 1, async { expect(users.get_all().await?.records.len(), n) }).await?;
    timed("count", n, 1, async { expect(usize::try_from(users.count().await?)?, n) }).await?;
    timed("query-scan", n, 1, async {
        expect(users.query(json!({"region": "eu"})).run().await?.records.len(), (n + 2) / 4)
    })
    .await?;
    let s = n.min(1000);
    let r = users.clone();
    timed(
        "get-seq",
        s,
        1,
        pool(s, 1, move |i| {
            let r = r.clone();
            async move { r.get(&id(i)).await.map(drop) }
        }),
    )
    .await?;
    let r = users.clone();
    timed(
        "insert-seq",
        s,
        1,
        pool(s, 1, move |i| {
            let r = r.clone();
            async move { r.insert(document_with_id(format!("z{i}"), i)).await.map(drop) }
        }),
    )
    .await?;
    let r = users.clone();
    timed(
        "delete",
        n,
        c,
        pool(n, c, move |i| {
            let r = r.clone();
            async move { r.delete(&id(i)).await }
        }),
    )
    .await?;

    let secrets = db
        .create_resource(ResourceConfig::new(
            format!("secrets-{suffix}"),
            json!({"name": "string", "token": "secret"}),
        ))
        .await?;
    let s = n.min(200);
    let r = secrets.clone();
    timed("insert-secret", s, c, pool(s, c, move |i| { let r = r.clone(); async move { r.insert(json!({"id": id(i), "name": "n", "token": format!("tok-{i}")})).await.map(drop) } })).await?;
    let r = secrets.clone();
    timed(
        "get-secret",
        s,
        c,
        pool(s, c, move |i| {
            let r = r.clone();
            async move { r.get(&id(i)).await.map(drop) }
        }),
    )
    .await?;

    let vectors = db
        .create_resource(ResourceConfig::new(format!("vecs-{suffix}"), json!({"vector": "embedding:1536"})))
        .await?;
    let vector: Value = (0..1536).map(|i| f64::from(i).sin() * 0.9).collect();
    let e = n.min(500);
    let r = vectors.clone();
    timed(
        "insert-embedding-1536",
        e,
        c,
        pool(e, c, move |i| {
            let (r, v) = (r.clone(), vector.clone());
            // Not `json!`, which would copy the vector once more.
            let document = Map::from_iter([("id".to_owned(), id(i).into()), ("vector".to_owned(), v)]);
            async move { r.insert(document.into()).await.map(drop) }
        }),
    )
    .await?;
    let r = vectors.clone();
    timed(
        "get-embedding-1536",
        e,
        c,
        pool(e, c, move |i| {
            let r = r.clone();
            async move { r.get(&id(i)).await.map(drop) }
        }),
    )
    .await?;
    Ok(())
}

fn expect(got: usize, wanted: usize) -> Result<(), Failure> {
    if got == wanted { Ok(()) } else { Err(format!("got {got} documents, wanted {wanted}").into()) }
}
