//! Content as a stream, in part and into files.

use std::sync::{Arc, Mutex};

use futures::TryStreamExt as _;
use s3db::behavior::Behavior;
use s3db::budget::Budget;
use s3db::resource::{ContentStream, NewContent};
use s3db::store::{
    ByteRange, FileOptions, FileStore, MemoryStore, Outcome, Request, RequestObserver, Requests, Store, Verb,
};
use s3db::{Database, ErrorKind, Resource, ResourceConfig};
use s3db_testkit::TestEnv;
use s3db_testkit::s3_server::{S3Server, ServerOptions};
use serde_json::json;

use super::breaking::Breaking;

/// Bytes that tell where they are.
fn film(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at % 251) as u8).collect()
}

async fn films(store: Arc<dyn Store>) -> (Database, Resource) {
    let db = Database::builder_on(store, "app").env(Arc::new(TestEnv::new(1))).connect().await.unwrap();
    let config = ResourceConfig::new("films", json!({"title": "string", "about": "string|optional"}))
        .behavior(Behavior::BodyOverflow);
    let films = db.create_resource(config).await.unwrap();
    films.insert(json!({"id": "m", "title": "M"})).await.unwrap();
    (db, films)
}

async fn rest(mut stream: ContentStream) -> s3db::Result<Vec<u8>> {
    let mut all = Vec::new();
    while let Some(bytes) = stream.try_next().await? {
        all.extend_from_slice(&bytes);
    }
    Ok(all)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn content_is_read_as_a_stream_in_part_and_into_a_file_on_every_store() {
    let folder = tempfile::tempdir().unwrap();
    let files = FileStore::open(folder.path().join("db"), FileOptions::default()).await.unwrap();
    let server = S3Server::start(Arc::new(MemoryStore::new()), ServerOptions::default()).await.unwrap();
    let s3 = s3db::store::S3Store::connect(crate::s3::config(&server.connection_string())).await.unwrap();
    let stores: [(&str, Arc<dyn Store>); 3] =
        [("memory", Arc::new(MemoryStore::new())), ("files", Arc::new(files)), ("s3", Arc::new(s3))];
    for (name, store) in stores {
        let (db, films) = films(store).await;
        assert!(films.content("m").stream().await.unwrap().is_none(), "{name}");
        assert_eq!(films.content("m").range(5..).await.unwrap(), None, "{name}: nothing, not a wrong range");
        let missing = films.content("nobody").stream().await.unwrap_err();
        assert_eq!(missing.kind(), ErrorKind::NotFound, "{name}");

        let bytes = film(3_000_001);
        films.set_content("m", NewContent::new(bytes.clone()).content_type("video/ogg")).await.unwrap();
        let before = db.requests();
        let stream = films.content("m").stream().await.unwrap().unwrap();
        assert_eq!((stream.length(), stream.range()), (3_000_001, 0..3_000_001), "{name}");
        assert_eq!(stream.content_type(), Some("video/ogg"), "{name}");
        assert!(rest(stream).await.unwrap() == bytes, "{name}");
        for (range, expected) in [
            (ByteRange::from(..10), 0..10),
            ((1_999_999..2_000_100).into(), 1_999_999..2_000_100),
            ((3_000_000..).into(), 3_000_000..3_000_001),
            ((2_999_990..9_000_000).into(), 2_999_990..3_000_001),
        ] {
            let part = films.content("m").range(range).await.unwrap().unwrap();
            assert!(part.bytes == bytes[expected.clone()], "{name} {range:?}");
            assert_eq!((part.range, part.length), (expected.start as u64..expected.end as u64, 3_000_001));
        }
        assert_eq!(db.requests() - before, Verb::Get.times(5), "{name}: one request each");
        for wrong in [ByteRange::from(3_000_001..), (7..7).into()] {
            let refused = films.content("m").range(wrong).await.unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::Validation, "{name} {wrong:?}");
        }

        let path = folder.path().join(format!("{name}.ogg"));
        std::fs::write(&path, "an old one").unwrap();
        assert_eq!(films.content("m").to_file(&path).await.unwrap(), Some(3_000_001));
        assert!(std::fs::read(&path).unwrap() == bytes, "{name}");
        let nowhere = films.content("m").to_file(folder.path().join("no/such/folder")).await.unwrap_err();
        assert!(nowhere.context("path").is_some(), "{name}: {nowhere:?}");
        assert_eq!(films.content("nobody").to_file(&path).await.unwrap_err().kind(), ErrorKind::NotFound);
        let names = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
        assert!(
            names.into_iter().all(|name| !name.to_string_lossy().contains("content")),
            "nothing is left over"
        );
    }
    server.stop().await;
}

#[tokio::test]
async fn content_of_json_is_read_in_part_too() {
    let text = format!(r#"{{"title":"of the content","_v":"v1","long":"{}"}}"#, "x".repeat(5000));
    for stamps in [true, false] {
        let options = |options: &mut s3db::database::DatabaseOptions| options.stamps = stamps;
        let db = Database::builder_on(Arc::new(MemoryStore::new()), "app")
            .options(options)
            .connect()
            .await
            .unwrap();
        let notes =
            db.create_resource(ResourceConfig::new("notes", json!({"title": "string"}))).await.unwrap();
        notes.insert(json!({"id": "n", "title": "N"})).await.unwrap();
        let refused = notes.set_content("n", NewContent::new(text.clone())).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Validation, "it looks like what s3db.js leaves");
        let text = text.replace("_v", "v");
        let json = NewContent::new(text.clone()).content_type("application/json");
        notes.set_content("n", json).await.unwrap();
        let before = db.requests();
        let part = notes.content("n").range(10..20).await.unwrap().unwrap();
        assert_eq!((&part.bytes[..], part.length), (&text.as_bytes()[10..20], text.len() as u64));
        assert!(notes.has_content("n").await.unwrap());
        // Without a stamp only the whole body tells.
        let expected = if stamps { (1, 1) } else { (3, 1) };
        let spent = db.requests() - before;
        assert_eq!((spent.get, spent.head), expected, "stamps {stamps}");
        assert_eq!(rest(notes.content("n").stream().await.unwrap().unwrap()).await.unwrap(), text.as_bytes());
    }
}

#[tokio::test]
async fn a_stream_that_breaks_off_goes_on_where_it_was() {
    let store = Breaking::default();
    let (_db, films) = films(Arc::new(store.clone())).await;
    let bytes = film(100_000);
    films.set_content("m", bytes.clone()).await.unwrap();
    store.cut([30_000, 0, 0, 50_000, 0]);
    let (read, receipt) = films
        .receipt(async |films| rest(films.content("m").range(1..).stream().await.unwrap().unwrap()).await)
        .await;
    assert!(read.unwrap() == bytes[1..]);
    assert_eq!(receipt.requests, Verb::Get.times(6), "each request is on the receipt");
    assert_eq!(store.cuts_left(), 0);

    // A store that gives nothing any more ends it, and so does a budget.
    store.cut([10_000].into_iter().chain([0; 20]));
    let broken = rest(films.content("m").stream().await.unwrap().unwrap()).await.unwrap_err();
    assert_eq!((broken.kind(), broken.context("id")), (ErrorKind::Unavailable, Some("m")));
    assert!((10..20).contains(&store.cuts_left()), "{}", store.cuts_left());
    store.cut([10_000, 0]);
    let limited = films.budget(Budget::requests(1));
    let refused = rest(limited.content("m").stream().await.unwrap().unwrap()).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Budget, "{refused}");
}

#[tokio::test]
async fn a_stream_never_mixes_two_versions_of_the_content() {
    let store = Breaking::default();
    let (_db, films) = films(Arc::new(store.clone())).await;
    for (cut, replaced) in [(false, true), (true, true), (true, false)] {
        films.set_content("m", vec![b'o'; 600_000]).await.unwrap();
        if cut {
            store.cut([300_000]);
        }
        let mut stream = films.content("m").stream().await.unwrap().unwrap();
        let mut read = stream.try_next().await.unwrap().unwrap().to_vec();
        if replaced {
            films.set_content("m", vec![b'n'; 600_000]).await.unwrap();
        } else {
            films.delete("m").await.unwrap();
        }
        let end = loop {
            match stream.try_next().await {
                Ok(Some(bytes)) => read.extend_from_slice(&bytes),
                Ok(None) => break None,
                Err(error) => break Some(error),
            }
        };
        assert!(read.iter().all(|byte| *byte == b'o'), "cut {cut}, replaced {replaced}");
        match end {
            None => assert!(!cut && read.len() == 600_000),
            Some(error) => {
                assert!(cut && error.kind() == ErrorKind::Conflict && error.is_retryable(), "{error:?}");
                assert_eq!(error.context("position"), Some(read.len().to_string().as_str()));
            }
        }
        assert!(stream.try_next().await.unwrap().is_none(), "it has ended");
    }
}

#[derive(Debug, Default)]
struct Log(Mutex<Vec<(Outcome, u64, Option<&'static str>)>>);

impl RequestObserver for Log {
    fn request(&self, request: &Request<'_>) {
        assert_eq!((request.kind, request.resource()), (Verb::Get, Some("films")));
        self.0.lock().unwrap().push((request.outcome, request.traffic.bytes_out, request.operation));
    }
}

#[tokio::test]
async fn observers_hear_of_a_stream_when_it_is_over() {
    let store = Breaking::default();
    let (db, films) = films(Arc::new(store.clone())).await;
    let set = films.set_content("m", film(300_000)).await.unwrap();
    let log = Arc::new(Log::default());
    let observing = db.observe_requests(log.clone());
    let told = || std::mem::take(&mut *log.0.lock().unwrap());

    let stream = films.content("m").stream().await.unwrap().unwrap();
    assert_eq!(told(), [], "it is on its way");
    rest(stream).await.unwrap();
    let whole = told();
    assert_eq!((whole.len(), whole[0].0, whole[0].2), (1, Outcome::Done, Some("content")));
    assert!(whole[0].1 > set.meta.content_length, "{whole:?}: metadata and body");

    store.cut([100_000]);
    rest(films.content("m").stream().await.unwrap().unwrap()).await.unwrap();
    let broken = told();
    assert_eq!(
        broken.iter().map(|(outcome, _, operation)| (*outcome, *operation)).collect::<Vec<_>>(),
        [(Outcome::Failed(ErrorKind::Unavailable), Some("content")), (Outcome::Done, Some("content"))]
    );

    let mut stream = films.content("m").stream().await.unwrap().unwrap();
    stream.try_next().await.unwrap().unwrap();
    drop(stream);
    let dropped = told();
    assert_eq!((dropped.len(), dropped[0].0), (1, Outcome::Cancelled));
    assert!(dropped[0].1 < set.meta.content_length, "what has come by then");
    observing.remove();
}

#[tokio::test]
async fn an_explanation_names_the_requests_of_a_stream() {
    let (db, films) = films(Arc::new(MemoryStore::new())).await;
    films.set_content("m", film(300_000)).await.unwrap();
    assert_eq!(films.explain().content("m").await.unwrap().requests, Verb::Get.times(1));
    let before = db.requests();
    let (read, plan) = films
        .explain()
        .run(async |films| films.content("m").range(7..).stream().await.unwrap().is_some())
        .await;
    assert!(read);
    assert_eq!(plan.requests, Verb::Get.times(1));
    assert_eq!(db.requests() - before, Verb::Get.times(1), "which it has sent, to know whether there is any");
    assert_eq!(Requests::NONE + plan.requests, plan.looked);
}

#[tokio::test]
async fn a_damaged_file_never_gives_its_last_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let files = FileStore::open(folder.path(), FileOptions::default()).await.unwrap();
    let (_db, films) = films(Arc::new(files)).await;
    films.set_content("m", film(700_000)).await.unwrap();
    let objects = folder.path().join("objects");
    let leaf = std::fs::read_dir(&objects).unwrap().next().unwrap().unwrap().path();
    for entry in std::fs::read_dir(leaf).unwrap() {
        let path = entry.unwrap().path();
        let mut bytes = std::fs::read(&path).unwrap();
        if bytes.len() > 700_000 {
            let at = bytes.len() - 650_000;
            bytes[at] ^= 1;
            std::fs::write(&path, bytes).unwrap();
        }
    }
    let damaged = rest(films.content("m").stream().await.unwrap().unwrap()).await.unwrap_err();
    assert_eq!(damaged.kind(), ErrorKind::Corrupt, "{damaged}");
    assert_eq!(films.content("m").await.unwrap_err().kind(), ErrorKind::Corrupt);
}
