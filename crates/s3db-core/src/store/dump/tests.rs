use super::*;
use crate::store::{FileOptions, FileStore, MemoryOptions, MemoryStore, Metadata};

async fn filled() -> MemoryStore {
    let store = MemoryStore::new();
    let object = |body: &'static [u8], content_type: Option<&str>| PutObject {
        metadata: Arc::new(Metadata::from_iter([("b", "2"), ("a", "é\"\\")])),
        body: body.into(),
        content_type: content_type.map(Arc::from),
    };
    store.put("app/é/1", object(b"\0\xff", Some("text/plain")), Condition::None).await.unwrap();
    store.put("app/2", object(b"", None), Condition::None).await.unwrap();
    store.put("application/3", object(b"not below app", None), Condition::None).await.unwrap();
    store
}

fn shared(store: &MemoryStore) -> Arc<dyn Store> {
    Arc::new(store.clone())
}

/// Key, metadata, body and content type.
type Content = (String, Metadata, Vec<u8>, Option<Arc<str>>);

fn contents(store: &MemoryStore) -> Vec<Content> {
    let objects = store.objects().into_iter();
    objects
        .map(|(key, o)| (key.to_string(), (*o.head.metadata).clone(), o.body.to_vec(), o.head.content_type))
        .collect()
}

#[tokio::test]
async fn a_dump_holds_what_is_below_its_prefix_and_loads_below_another() {
    let mut text = Vec::new();
    let dumped = dump(&shared(&filled().await), "app/", &mut text).await.unwrap();
    assert_eq!((dumped.objects, dumped.unreadable.len()), (2, 0));
    assert_eq!(
        String::from_utf8(text.clone()).unwrap(),
        concat!(
            "{\"key_prefix\":\"app\",\"objects\":[\n",
            r#"{"key":"app/2","metadata":{"b":"2","a":"é\"\\"},"body_base64":""},"#,
            "\n",
            r#"{"key":"app/é/1","metadata":{"b":"2","a":"é\"\\"},"body_base64":"AP8=","content_type":"text/plain"}"#,
            "\n]}\n"
        )
    );
    let target = MemoryStore::new();
    for prefix in ["", "other/place"] {
        let text = io::Cursor::new(text.clone());
        let loaded = load(&shared(&target), prefix, text, Destination::MayHoldObjects).await.unwrap();
        assert_eq!(loaded, 2);
    }
    let moved = contents(&target);
    let keys = moved.iter().map(|(key, ..)| key.as_str()).collect::<Vec<_>>();
    assert_eq!(keys, ["2", "other/place/2", "other/place/é/1", "é/1"]);
    let original = contents(&filled().await);
    assert_eq!((&moved[3].1, &moved[3].2, &moved[3].3), (&original[1].1, &original[1].2, &original[1].3));
}

#[tokio::test]
async fn an_object_that_cannot_be_read_is_told_of_and_the_others_are_dumped() {
    let folder = tempfile::tempdir().unwrap();
    let files = FileStore::open(folder.path(), FileOptions::default()).await.unwrap();
    for key in ["bad", "good"] {
        files.put(key, PutObject::default(), Condition::None).await.unwrap();
    }
    std::fs::write(folder.path().join("objects/k-/k-bad"), "").unwrap();
    let store: Arc<dyn Store> = Arc::new(files);
    let mut text = Vec::new();
    let dumped = dump(&store, "", &mut text).await.unwrap();
    assert_eq!(dumped.objects, 1);
    assert_eq!(dumped.unreadable.iter().map(|e| e.context("key")).collect::<Vec<_>>(), [Some("bad")]);
    assert!(String::from_utf8(text).unwrap().contains("\"key\":\"good\""));
}

#[tokio::test]
async fn a_destination_with_objects_is_refused_and_left_as_it_is() {
    let store = filled().await;
    let before = contents(&store);
    let text = r#"{"objects":[{"key":"x"}]}"#.as_bytes();
    let error = load(&shared(&store), "app", text, Destination::MustBeEmpty).await.unwrap_err();
    assert_eq!((error.kind(), error.context("found")), (ErrorKind::AlreadyExists, Some("app/2")));
    assert_eq!(contents(&store), before);
    load(&shared(&store), "ap", text, Destination::MustBeEmpty).await.unwrap();
}

#[tokio::test]
async fn what_is_not_a_whole_dump_is_refused() {
    for (text, part) in [
        ("", "EOF"),
        ("[]", "expected an object"),
        ("{}", "missing field `objects`"),
        (r#"{"objects":[{"key":"a"}"#, "EOF"),
        (r#"{"objects":[{"key":"a","body_base64":"?"}]}"#, "the body of \"a\""),
        (r#"{"objects":[{"key":"a","metadata":{"x":1}}]}"#, "expected a string"),
        (r#"{"objects":[],"key_prefix":"a"}"#, "before `objects`"),
        (r#"{"key_prefix":"a","objects":[{"key":"ab/c"}]}"#, "outside its own prefix"),
        (r#"{"objects":[]} x"#, "trailing"),
    ] {
        let error = load(&shared(&MemoryStore::new()), "", text.as_bytes(), Destination::MustBeEmpty).await;
        let error = error.expect_err(text);
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{text}");
        assert!(error.to_string().contains(part) && error.suggestion().is_some(), "{text}: {error:?}");
    }
}

#[tokio::test]
async fn a_store_that_refuses_an_object_stops_the_load_with_its_key() {
    let many = (0..500).map(|i| format!("{{\"key\":\"{i}\"}}")).collect::<Vec<_>>().join(",");
    let text = format!(
        "{{\"objects\":[{many},{{\"key\":\"big\",\"metadata\":{{\"a\":\"{}\"}}}},{many}]}}",
        "x".repeat(2048)
    );
    let loaded =
        load(&shared(&MemoryStore::new()), "p", io::Cursor::new(text), Destination::MustBeEmpty).await;
    let error = loaded.unwrap_err();
    assert_eq!((error.kind(), error.context("key")), (ErrorKind::TooLarge, Some("p/big")));
}

#[tokio::test]
async fn every_bucket_that_s3db_js_has_written_loads_and_dumps_to_the_same_objects() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/buckets");
    let mut buckets = 0;
    for file in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if file.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        // One object has a few bytes more metadata than S3 takes: its writer had a store without that limit.
        let mut options = MemoryOptions::default();
        options.capability.metadata_bytes_max = FileOptions::default().capability.metadata_bytes_max;
        let (first, second) = (MemoryStore::with(options.clone()), MemoryStore::with(options));
        let bucket = std::fs::File::open(&file).unwrap();
        let loaded = load(&shared(&first), "p", bucket, Destination::MustBeEmpty).await.unwrap();
        assert_eq!(loaded as usize, first.len(), "{file:?}");
        let mut text = Vec::new();
        dump(&shared(&first), "p", &mut text).await.unwrap();
        load(&shared(&second), "p", io::Cursor::new(text), Destination::MustBeEmpty).await.unwrap();
        assert_eq!(contents(&first), contents(&second), "{file:?}");
        buckets += 1;
    }
    assert!(buckets > 15, "{buckets}");
}
