use std::fs;
use std::path::PathBuf;

use bytes::Bytes;
use tempfile::TempDir;

use super::leaves::LEAF_FILES_MAX;
use super::*;
use crate::store::{ETag, Metadata};

async fn open(root: &Path) -> FileStore {
    FileStore::open(root, FileOptions { fsync: Fsync::Never, ..FileOptions::default() }).await.unwrap()
}

async fn opened() -> (TempDir, FileStore) {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    (folder, store)
}

async fn put(store: &FileStore, key: &str) {
    let object = PutObject { body: Bytes::copy_from_slice(key.as_bytes()), ..PutObject::default() };
    store.put(key, object, Condition::None).await.unwrap();
}

async fn put_numbered(store: &FileStore, numbers: std::ops::Range<usize>) -> Vec<String> {
    let keys = numbers.map(numbered).collect::<Vec<_>>();
    for key in &keys {
        put(store, key).await;
    }
    keys
}

fn numbered(number: usize) -> String {
    format!("docs/id=User-{number:06}")
}

async fn list(store: &FileStore, request: ListRequest) -> Vec<String> {
    let mut request = request;
    let mut all = Vec::new();
    loop {
        let page = store.list(request.clone()).await.unwrap();
        all.extend(page.entries.iter().map(|entry| entry.key.to_string()));
        all.extend(page.common_prefixes);
        request.continuation = page.continuation;
        if request.continuation.is_none() {
            return all;
        }
    }
}

fn leaves(root: &Path) -> Vec<(PathBuf, usize)> {
    let mut leaves = fs::read_dir(root.join("objects"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.clone(), fs::read_dir(&path).unwrap().count()))
        .collect::<Vec<_>>();
    leaves.sort();
    leaves
}

/// The path of the only file whose name contains `part`.
fn file_of(root: &Path, part: &str) -> PathBuf {
    let mut found = leaves(root)
        .into_iter()
        .flat_map(|(leaf, _)| fs::read_dir(leaf).unwrap().map(|entry| entry.unwrap().path()))
        .filter(|path| path.file_name().unwrap().to_string_lossy().contains(part))
        .collect::<Vec<_>>();
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

#[tokio::test]
async fn everything_is_there_after_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("not/yet/there");
    let store = FileStore::open(&root, FileOptions::default()).await.unwrap();
    let object = PutObject {
        metadata: Arc::new(Metadata::from_iter([("b", "2"), ("a", "é \" \\")])),
        body: Bytes::from_static(b"\0body"),
        content_type: Some("text/plain".into()),
    };
    let written = store.put("a/B", object.clone(), Condition::None).await.unwrap();
    let before = store.head("a/B").await.unwrap().unwrap();
    drop(store);
    let read = open(&root).await.get("a/B").await.unwrap().unwrap();
    assert_eq!((&read.head.metadata, &read.body), (&object.metadata, &object.body));
    assert_eq!(read.head.content_type, object.content_type);
    assert_eq!(read.head.last_modified_ms, before.last_modified_ms);
    assert_eq!(read.head.etag, written.etag);
    assert_eq!(written.etag, ETag::md5_of(b"\0body"));
}

#[tokio::test]
async fn many_objects_are_spread_over_leaves_and_stay_in_order() {
    let (folder, store) = opened().await;
    let other = open(folder.path()).await;
    assert_eq!(list(&other, ListRequest::default()).await.len(), 0);
    let keys = put_numbered(&store, 0..3500).await;
    let sizes = leaves(folder.path()).into_iter().map(|(_, files)| files).collect::<Vec<_>>();
    assert!(sizes.len() > 3 && sizes.iter().all(|files| *files <= LEAF_FILES_MAX), "{sizes:?}");
    // The other instance has seen none of the splits.
    for store in [&store, &other] {
        assert_eq!(list(store, ListRequest::default()).await, keys);
        for number in [0, 499, 500, 1777, 3499] {
            assert_eq!(store.get(&numbered(number)).await.unwrap().unwrap().body, numbered(number));
        }
        assert!(store.get("docs/id=User-001777x").await.unwrap().is_none());
        let after = ListRequest { start_after: Some(numbered(3000)), ..ListRequest::prefix("docs/") };
        assert_eq!(list(store, after).await, keys[3001..]);
        let rolled = ListRequest { delimiter: Some("/".into()), ..ListRequest::default() };
        assert_eq!(list(store, rolled).await, ["docs/"]);
    }
    put(&other, &numbered(1777)).await;
    assert_eq!(list(&store, ListRequest::default()).await.len(), 3500);
}

#[tokio::test]
async fn leaves_that_became_empty_are_removed_by_a_listing() {
    let (folder, store) = opened().await;
    let keys = put_numbered(&store, 0..10_500).await;
    let before = leaves(folder.path()).len();
    assert!(before > 18, "{before}");
    for some in keys[..10_000].chunks(1000) {
        store.delete_many(some).await.unwrap();
    }
    assert_eq!(list(&store, ListRequest::default()).await, keys[10_000..]);
    let after = leaves(folder.path()).len();
    assert!(after <= 3, "{after}");
    put(&store, &keys[5000]).await;
    assert_eq!(list(&store, ListRequest::default()).await.len(), 501);
}

#[tokio::test]
async fn keys_that_no_short_name_parts_stay_right_in_one_leaf() {
    let (folder, store) = opened().await;
    let keys = (0..1100).map(|i| format!("{}/{i:05}", "é".repeat(150))).collect::<Vec<_>>();
    for key in &keys {
        put(&store, key).await;
    }
    assert_eq!(leaves(folder.path()).len(), 1);
    assert_eq!(list(&store, ListRequest::default()).await, keys);
}

#[tokio::test]
async fn a_damaged_file_is_an_error_that_names_it_and_never_fails_a_listing() {
    let (folder, store) = opened().await;
    for damage in ["cut", "empty", "foreign", "swapped", "flipped"] {
        put(&store, "good").await;
        put(&store, "bad").await;
        let (good, bad) = (file_of(folder.path(), "good"), file_of(folder.path(), "bad"));
        let bytes = fs::read(&bad).unwrap();
        match damage {
            "cut" => fs::write(&bad, &bytes[..bytes.len() - 1]).unwrap(),
            "empty" => fs::write(&bad, "").unwrap(),
            "foreign" => {
                fs::write(&bad, "# a text of somebody else, which is longer than any header of ours").unwrap()
            }
            "swapped" => drop(fs::copy(&good, &bad).unwrap()),
            _ => fs::write(&bad, [&bytes[..bytes.len() - 1], b"X"].concat()).unwrap(),
        }
        let error = store.get("bad").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{damage}: {error:?}");
        assert_eq!(error.context("path"), Some(&*bad.to_string_lossy()));
        assert_eq!(list(&store, ListRequest::default()).await, ["bad", "good"], "{damage}");
        let if_absent = store.put("bad", PutObject::default(), Condition::IfAbsent).await.unwrap_err();
        assert_eq!(if_absent.kind(), ErrorKind::Conflict, "{damage}");
        put(&store, "bad").await;
        assert_eq!(store.get("bad").await.unwrap().unwrap().body, "bad");
        fs::write(&bad, "").unwrap();
        store.delete("bad", Condition::None).await.unwrap();
        assert_eq!(list(&store, ListRequest::default()).await, ["good"]);
    }
}

#[tokio::test]
async fn files_of_others_in_the_folder_are_left_alone() {
    let (folder, store) = opened().await;
    put(&store, "a").await;
    let (leaf, _) = leaves(folder.path()).remove(0);
    for name in [".DS_Store", "k-A", "notes.txt", "h-12"] {
        fs::write(leaf.join(name), "x").unwrap();
    }
    fs::create_dir(folder.path().join("objects/lost")).unwrap();
    drop(store);
    let store = open(folder.path()).await;
    assert_eq!(list(&store, ListRequest::default()).await, ["a"]);
    assert!(leaf.join("notes.txt").exists());
}

#[tokio::test]
async fn temporary_files_of_the_dead_are_removed_and_those_of_the_living_are_kept() {
    let (folder, living) = opened().await;
    let temporary = folder.path().join("temporary");
    let count = || fs::read_dir(&temporary).unwrap().count();
    assert_eq!(count(), 2);
    for (name, with_lock) in [("dead", true), ("older", false)] {
        fs::create_dir(temporary.join(name)).unwrap();
        fs::write(temporary.join(name).join("0"), "half an obj").unwrap();
        if with_lock {
            fs::write(temporary.join(format!("{name}.lock")), "").unwrap();
        }
    }
    assert_eq!(list(&living, ListRequest::default()).await.len(), 0);
    let second = open(folder.path()).await;
    assert_eq!(count(), 4, "two instances with a folder and a lock each");
    put(&living, "a").await;
    drop((living, second));
    assert_eq!(count(), 0);
}

#[tokio::test]
async fn a_crash_in_the_middle_of_a_split_loses_and_hides_nothing() {
    // As the crash leaves it: before any file was moved, in the middle, and with an epoch that is cut.
    for (moved, epoch) in
        [(0, "busy 0123456789abcdef\n"), (300, "busy 0123456789abcdef\n"), (300, "read"), (1000, "")]
    {
        let (folder, store) = opened().await;
        let keys = put_numbered(&store, 0..LEAF_FILES_MAX).await;
        let (old, _) = leaves(folder.path()).remove(0);
        let new = folder.path().join("objects").join(name::of_key(&numbered(0)));
        fs::write(folder.path().join("epoch"), epoch).unwrap();
        fs::create_dir(&new).unwrap();
        for key in &keys[..moved] {
            fs::rename(old.join(name::of_key(key)), new.join(name::of_key(key))).unwrap();
        }
        // One that lived on, one that comes later.
        for store in [store, open(folder.path()).await] {
            assert_eq!(list(&store, ListRequest::default()).await, keys, "moved {moved}");
            for key in [&keys[0], &keys[299], &keys[300], &keys[999]] {
                assert!(store.get(key).await.unwrap().is_some(), "moved {moved}: {key}");
                let taken = store.put(key, PutObject::default(), Condition::IfAbsent).await.unwrap_err();
                assert_eq!(taken.kind(), ErrorKind::Conflict);
            }
        }
    }
}

#[tokio::test]
async fn a_path_that_is_no_place_for_a_store_is_refused_with_a_hint() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "x").unwrap();
    let foreign = folder.path().join("foreign");
    fs::create_dir_all(foreign.join("src")).unwrap();
    let newer = folder.path().join("newer");
    fs::create_dir(&newer).unwrap();
    fs::write(newer.join("s3db-files"), "s3db file store 2\n").unwrap();
    for (path, kind) in [
        (file.clone(), ErrorKind::Config),
        (file.join("below"), ErrorKind::Config),
        (folder.path().to_owned(), ErrorKind::Config),
        (foreign, ErrorKind::Config),
        (newer, ErrorKind::Unsupported),
    ] {
        let error = FileStore::open(&path, FileOptions::default()).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{path:?}: {error:?}");
        assert!(error.context("path").is_some() && error.suggestion().is_some(), "{error:?}");
    }
    assert!(!folder.path().join("locks").exists(), "a refused folder is left as it was");
}

#[test]
fn refusals_of_the_system_tell_what_to_do() {
    for (io, kind, retryable) in [
        (io::ErrorKind::PermissionDenied, ErrorKind::Denied, false),
        (io::ErrorKind::ReadOnlyFilesystem, ErrorKind::Denied, false),
        (io::ErrorKind::StorageFull, ErrorKind::Unavailable, false),
        (io::ErrorKind::Interrupted, ErrorKind::Unavailable, true),
    ] {
        let error = io_error(io.into(), "write", Path::new("/data/x"));
        assert_eq!((error.kind(), error.is_retryable()), (kind, retryable));
        assert_eq!(error.context("path"), Some("/data/x"));
    }
}

#[tokio::test]
async fn a_folder_that_was_removed_is_a_missing_bucket() {
    let (folder, store) = opened().await;
    put(&store, "a").await;
    fs::remove_dir_all(folder.path()).unwrap();
    let error = store.put("b", PutObject::default(), Condition::None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.context("bucket").is_some());
    let error = store.get("a").await.unwrap_err();
    assert_eq!((error.kind(), error.context("bucket").is_some()), (ErrorKind::NotFound, true));
}
