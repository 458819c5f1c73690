//! Content over connections that break.

use s3db::{ErrorKind, ResourceConfig};
use s3db_testkit::fault_proxy::Fault;
use serde_json::json;

use super::scripted;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn content_that_is_cut_half_way_comes_whole_and_of_one_version() {
    scripted("content", async |wire| {
        let direct = wire.create(ResourceConfig::new("films", json!({"title": "string"}))).await;
        direct.insert(json!({"id": "m", "title": "M"})).await.unwrap();
        let film = (0..1_500_000_u32).map(|at| (at % 251) as u8).collect::<Vec<_>>();
        direct.set_content("m", film.clone()).await.unwrap();
        let db = wire.through_proxy().await;
        let films = db.resource("films").unwrap();
        for (fault, requests) in
            [(Fault::CutBefore, 1), (Fault::LoseAnswer, 1), (Fault::SlowDown, 1), (Fault::TruncateAnswer, 2)]
        {
            let before = db.requests();
            wire.proxy.next("GET", "data/id=m", fault);
            let read = films.content("m").range(1000..).await.unwrap().unwrap();
            assert!(read.bytes == film[1000..], "{fault:?} on {}", wire.site);
            // What the client sends again by itself is counted as a retry.
            assert_eq!((db.requests() - before).get, requests, "{fault:?} on {}", wire.site);
        }

        // The proxy has sent half of it when the content is replaced.
        wire.proxy.next("GET", "data/id=m", Fault::TruncateAnswer);
        let stream = films.content("m").stream().await.unwrap().unwrap();
        direct.set_content("m", vec![b'n'; 1_500_000]).await.unwrap();
        let read = futures::TryStreamExt::try_collect::<Vec<_>>(stream).await.unwrap_err();
        assert_eq!(read.kind(), ErrorKind::Conflict, "{read} on {}", wire.site);
        assert!(films.content("m").await.unwrap().unwrap().bytes.iter().all(|byte| *byte == b'n'));
    })
    .await;
}
