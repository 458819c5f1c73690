//! Several processes on one folder. This binary runs itself again for each of them.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use s3db_core::ErrorKind;
use s3db_core::store::{Condition, FileOptions, FileStore, Fsync, ListRequest, PutObject, Store};

const FOLDER: &str = "S3DB_TEST_FOLDER";
const NAME: &str = "S3DB_TEST_NAME";
const PROCESSES: usize = 3;
const ROUNDS: usize = 150;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_on_one_folder_lose_no_update_and_share_no_claim() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    store.put("counter", body("0 -"), Condition::None).await.unwrap();
    let children =
        (0..PROCESSES).map(|i| start("contend", folder.path(), &i.to_string())).collect::<Vec<_>>();
    let mut won = contend(&store, "here").await;
    for mut child in children {
        let mut said = String::new();
        child.stdout.take().unwrap().read_to_string(&mut said).unwrap();
        assert!(child.wait().unwrap().success(), "{said}");
        won +=
            said.lines().filter_map(|line| line.strip_prefix("won ")?.parse::<usize>().ok()).sum::<usize>();
    }
    assert_eq!(won, ROUNDS, "each claim has one owner");
    let counter = text(&store, "counter").await;
    assert_eq!(counter.split(' ').next(), Some(&*((PROCESSES + 1) * ROUNDS).to_string()));
    let documents = list(&store, "doc/").await;
    assert_eq!(documents.len(), (PROCESSES + 1) * ROUNDS * 4);
    assert!(documents.is_sorted());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_that_is_killed_leaves_every_write_that_it_was_told_of_and_no_half() {
    let folder = tempfile::tempdir().unwrap();
    let mut told = Vec::new();
    // The numbers are such that kills come near splits, which come every thousand objects or fewer.
    for (run, writes) in [900, 1050, 700, 1200].into_iter().enumerate() {
        let mut child = start("write_for_ever", folder.path(), &run.to_string());
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(std::result::Result::ok);
        told.extend(lines.filter_map(|line| Some(line.strip_prefix("wrote ")?.to_owned())).take(writes));
        child.kill().unwrap();
        child.wait().unwrap();

        let store = open(folder.path()).await;
        let listed = list(&store, "doc/").await;
        assert!(listed.is_sorted() && listed.len() >= told.len());
        for key in &listed {
            assert_eq!(text(&store, key).await, format!("body of {key}"));
        }
        let missing = told.iter().filter(|key| listed.binary_search(key).is_err()).collect::<Vec<_>>();
        assert_eq!(missing, Vec::<&String>::new());
        let temporary = std::fs::read_dir(folder.path().join("temporary")).unwrap().count();
        assert_eq!(temporary, 2, "only the folder and the lock of the store that is open now");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "it is run by the test that starts processes"]
async fn contend_child() {
    let store = open(Path::new(&std::env::var(FOLDER).unwrap())).await;
    println!("\nwon {}", contend(&store, &std::env::var(NAME).unwrap()).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "it is run by the test that kills it"]
async fn write_for_ever_child() {
    let store = open(Path::new(&std::env::var(FOLDER).unwrap())).await;
    let name = std::env::var(NAME).unwrap();
    println!();
    // Ends by itself when nobody kills it.
    for i in 0..100_000 {
        let key = format!("doc/{:04}-{name}", (i * 7919) % 10_007);
        store.put(&key, body(&format!("body of {key}")), Condition::None).await.unwrap();
        println!("wrote {key}");
    }
}

/// Counts up, claims and writes; tells how many claims it won.
async fn contend(store: &FileStore, name: &str) -> usize {
    let mut won = 0;
    for round in 0..ROUNDS {
        loop {
            let read = store.get("counter").await.unwrap().unwrap();
            let count =
                String::from_utf8_lossy(&read.body).split(' ').next().unwrap().parse::<usize>().unwrap();
            let next = body(&format!("{} {name} {round}", count + 1));
            match store.put("counter", next, Condition::IfMatch(read.head.etag)).await {
                Ok(_) => break,
                Err(error) => assert_eq!(error.kind(), ErrorKind::Conflict, "{error:?}"),
            }
        }
        match store.put(&format!("claim/{round}"), body(name), Condition::IfAbsent).await {
            Ok(_) => won += 1,
            Err(error) => assert_eq!(error.kind(), ErrorKind::Conflict, "{error:?}"),
        }
        for i in 0..4 {
            store.put(&format!("doc/{round:04}/{name}/{i}"), body("x"), Condition::None).await.unwrap();
        }
    }
    won
}

fn start(what: &str, folder: &Path, name: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "--nocapture", &format!("processes::{what}_child")])
        .env(FOLDER, folder)
        .env(NAME, name)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

async fn open(folder: &Path) -> FileStore {
    FileStore::open(folder, FileOptions { fsync: Fsync::Never, ..FileOptions::default() }).await.unwrap()
}

fn body(text: &str) -> PutObject {
    PutObject { body: text.to_owned().into(), ..PutObject::default() }
}

async fn text(store: &FileStore, key: &str) -> String {
    String::from_utf8(store.get(key).await.unwrap().unwrap().body.to_vec()).unwrap()
}

async fn list(store: &FileStore, prefix: &str) -> Vec<String> {
    let mut request = ListRequest::prefix(prefix);
    let mut all = Vec::new();
    loop {
        let page = store.list(request.clone()).await.unwrap();
        all.extend(page.entries.iter().map(|entry| entry.key.to_string()));
        request.continuation = page.continuation;
        if request.continuation.is_none() {
            return all;
        }
    }
}
