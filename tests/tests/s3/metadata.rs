//! Metadata that HTTP makes hard.

use std::sync::Arc;

use s3db::store::{Condition, Metadata, PutObject, Store};
use s3db_testkit::s3_server::ServerOptions;

use super::{config, connect, server};

async fn comes_back(metadata: Metadata) {
    let server = server(ServerOptions::default()).await;
    let store = connect(config(&server.connection_string())).await;
    let object = PutObject { metadata: Arc::new(metadata.clone()), ..PutObject::default() };
    store.put("a", object, Condition::None).await.unwrap();
    let sorted = |metadata: &Metadata| {
        let mut entries =
            metadata.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect::<Vec<_>>();
        entries.sort();
        entries
    };
    assert_eq!(sorted(&store.head("a").await.unwrap().unwrap().metadata), sorted(&metadata));
    assert_eq!(sorted(&store.get("a").await.unwrap().unwrap().head.metadata), sorted(&metadata));
    server.stop().await;
}

/// The server decodes and encodes words as AWS does.
#[tokio::test]
async fn values_that_no_header_can_carry_come_back() {
    comes_back(Metadata::from_iter([
        ("accent", "é"),
        ("long", &"日本語😀".repeat(40)),
        ("edges", " blanks "),
        ("lines", "a\nb"),
        ("words", "=?UTF-8?B?w6k=?="),
    ]))
    .await;
}

/// 2 KB hold some 600 entries; HTTP libraries stop at 100 headers unless told otherwise.
#[tokio::test]
async fn hundreds_of_entries_come_back() {
    comes_back((0..500).map(|i| (format!("{i:x}"), "1")).collect()).await;
}
