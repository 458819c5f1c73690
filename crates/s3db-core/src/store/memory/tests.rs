use super::*;

fn body(text: &str) -> PutObject {
    PutObject { body: Bytes::copy_from_slice(text.as_bytes()), ..PutObject::default() }
}

async fn keys(store: &MemoryStore, request: ListRequest) -> Vec<String> {
    let page = store.list(request).await.unwrap();
    page.entries.iter().map(|entry| entry.key.to_string()).chain(page.common_prefixes).collect()
}

#[tokio::test]
async fn stores_of_one_bucket_name_share_their_objects_until_forgotten() {
    let first = MemoryStore::shared("memory-tests-shared");
    first.put("a", body("1"), Condition::None).await.unwrap();
    assert_eq!(MemoryStore::shared("memory-tests-shared").len(), 1);
    assert_eq!(MemoryStore::shared("memory-tests-other").len(), 0);
    MemoryStore::forget_shared("memory-tests-shared");
    assert_eq!(MemoryStore::shared("memory-tests-shared").len(), 0);
    assert_eq!(first.len(), 1);
}

#[tokio::test]
async fn a_snapshot_brings_back_every_object_and_nothing_else() {
    let store = MemoryStore::new();
    store.put("kept", body("old"), Condition::None).await.unwrap();
    let snapshot = store.snapshot();
    store.put("kept", body("new"), Condition::None).await.unwrap();
    store.put("later", body("x"), Condition::None).await.unwrap();
    store.restore(&snapshot);
    assert_eq!(keys(&store, ListRequest::default()).await, ["kept"]);
    assert_eq!(store.get("kept").await.unwrap().unwrap().body, "old");
    store.clear();
    assert!(store.is_empty());
}

#[tokio::test]
async fn a_page_that_ends_on_a_rolled_up_prefix_goes_on_behind_it() {
    let store = MemoryStore::new();
    for key in ["a/1", "a/2", "b", "c/1", "d"] {
        store.put(key, body(""), Condition::None).await.unwrap();
    }
    let mut request =
        ListRequest { delimiter: Some("/".into()), max_keys: Some(1), ..ListRequest::default() };
    let mut seen = Vec::new();
    loop {
        let page = store.list(request.clone()).await.unwrap();
        assert!(page.entries.len() + page.common_prefixes.len() == 1);
        seen.extend(page.entries.iter().map(|entry| entry.key.to_string()));
        seen.extend(page.common_prefixes);
        match page.continuation {
            Some(token) => request.continuation = Some(token),
            None => break,
        }
    }
    assert_eq!(seen, ["a/", "b", "c/", "d"]);
}

#[tokio::test]
async fn a_lower_metadata_limit_is_enforced_on_put_and_copy() {
    let mut options = MemoryOptions::default();
    options.capability.metadata_bytes_max = 4;
    let store = MemoryStore::with(options);
    let metadata = |value: &str| Arc::new(Metadata::from_iter([("ab", value)]));
    let put = |value: &str| PutObject { metadata: metadata(value), ..PutObject::default() };
    store.put("k", put("12"), Condition::None).await.unwrap();
    let error = store.put("k", put("123"), Condition::None).await.unwrap_err();
    assert_eq!((error.kind(), error.context("limit")), (ErrorKind::TooLarge, Some("4")));
    let replace = Replace { metadata: metadata("123"), content_type: None };
    let error = store.copy("k", "l", Some(replace), Condition::None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
}

#[tokio::test]
async fn a_store_with_a_file_is_the_same_after_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bucket.json");
    let store = MemoryStore::open(&path, MemoryOptions::default()).unwrap();
    let object = PutObject {
        metadata: Arc::new(Metadata::from_iter([("b", "é"), ("a", "")])),
        body: Bytes::from_static(b"\0\xff"),
        content_type: Some("text/plain".into()),
    };
    store.put("app/k", object, Condition::None).await.unwrap();
    store.persist().unwrap();
    store.put("not persisted", body(""), Condition::None).await.unwrap();
    let again = MemoryStore::open(&path, MemoryOptions::default()).unwrap();
    assert_eq!(keys(&again, ListRequest::default()).await, ["app/k"]);
    let (before, after) = (store.get("app/k").await.unwrap(), again.get("app/k").await.unwrap());
    assert_eq!(format!("{before:?}"), format!("{after:?}"));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file stays");
}

#[test]
fn a_file_that_is_no_dump_or_cannot_be_written_is_an_error_with_its_path() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bucket.json");
    std::fs::write(&path, "{\"objects\":[").unwrap();
    let error = MemoryStore::open(&path, MemoryOptions::default()).unwrap_err();
    assert_eq!((error.kind(), error.context("path")), (ErrorKind::Corrupt, path.to_str()));
    let error = MemoryStore::new().persist_to(folder.path().join("absent/bucket.json")).unwrap_err();
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Unavailable, false));
    assert_eq!(MemoryStore::new().persist().unwrap_err().kind(), ErrorKind::Config);
}
