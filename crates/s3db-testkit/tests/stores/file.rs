use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use s3db_core::Result;
use s3db_core::store::{
    ByteRange, Capability, Condition, ETag, FileOptions, FileStore, Fsync, Head, ListPage, ListRequest,
    Object, PutObject, PutResult, Reading, Replace, Store, VersionPage, VersionsRequest,
};
use s3db_testkit::conformance::{self, Options};

async fn open(folder: &Path) -> FileStore {
    FileStore::open(folder, FileOptions { fsync: Fsync::Never, ..FileOptions::default() }).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_file_store_conforms_under_every_fsync_policy() {
    for fsync in [Fsync::Never, Fsync::Data, Fsync::Always] {
        let folder = tempfile::tempdir().unwrap();
        let options = FileOptions { fsync, ..FileOptions::default() };
        let store = FileStore::open(folder.path(), options).await.unwrap();
        conformance::check(Arc::new(store), Options::default()).await.assert_green();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn several_instances_on_one_folder_conform_as_one_store() {
    let folder = tempfile::tempdir().unwrap();
    let mut instances = Vec::new();
    for _ in 0..4 {
        instances.push(open(folder.path()).await);
    }
    conformance::check(Arc::new(InTurn { instances, next: AtomicUsize::new(0) }), Options::default())
        .await
        .assert_green();
}

/// Sends each call to another instance.
#[derive(Debug)]
struct InTurn {
    instances: Vec<FileStore>,
    next: AtomicUsize,
}

impl InTurn {
    fn next(&self) -> &FileStore {
        &self.instances[self.next.fetch_add(1, Ordering::Relaxed) % self.instances.len()]
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Store for InTurn {
    fn capability(&self) -> &Capability {
        self.next().capability()
    }

    async fn put(&self, key: &str, object: PutObject, condition: Condition) -> Result<PutResult> {
        self.next().put(key, object, condition).await
    }

    async fn get(&self, key: &str) -> Result<Option<Object>> {
        self.next().get(key).await
    }

    async fn read_range(
        &self,
        key: &str,
        range: ByteRange,
        if_match: Option<&ETag>,
    ) -> Result<Option<Reading>> {
        self.next().read_range(key, range, if_match).await
    }

    async fn head(&self, key: &str) -> Result<Option<Head>> {
        self.next().head(key).await
    }

    async fn copy(
        &self,
        from: &str,
        to: &str,
        replace: Option<Replace>,
        condition: Condition,
    ) -> Result<PutResult> {
        self.next().copy(from, to, replace, condition).await
    }

    async fn list(&self, request: ListRequest) -> Result<ListPage> {
        self.next().list(request).await
    }

    async fn delete(&self, key: &str, condition: Condition) -> Result<()> {
        self.next().delete(key, condition).await
    }

    async fn delete_many(&self, keys: &[String]) -> Result<Vec<Result<()>>> {
        self.next().delete_many(keys).await
    }

    async fn list_versions(&self, request: VersionsRequest) -> Result<VersionPage> {
        self.next().list_versions(request).await
    }

    async fn get_version(&self, key: &str, version_id: &str) -> Result<Option<Object>> {
        self.next().get_version(key, version_id).await
    }
}
