//! Each fault as a socket sees it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use s3db::env::{Env as _, SystemEnv};
use s3db_testkit::fault_proxy::{Fault, FaultProxy, Plan};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

const BODY: &str = "0123456789";

/// A server that counts requests and answers each with ten bytes.
struct Upstream {
    endpoint: String,
    requests: Arc<AtomicUsize>,
    _task: JoinSet<()>,
}

impl Upstream {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(AtomicUsize::new(0));
        let (seen, mut task) = (requests.clone(), JoinSet::new());
        task.spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let request = read_head(&mut stream).await;
                assert!(request.to_lowercase().contains("host: signed.example"), "{request}");
                seen.fetch_add(1, Ordering::SeqCst);
                let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: 10\r\nx-from: server\r\n\r\n{BODY}");
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        Self { endpoint, requests, _task: task }
    }

    fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

async fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

/// All bytes that come back for one request.
async fn ask(proxy: &FaultProxy) -> String {
    let mut stream = TcpStream::connect(proxy.endpoint().trim_start_matches("http://")).await.unwrap();
    let request = "GET /bucket/data/id%3Dann HTTP/1.1\r\nhost: signed.example\r\nconnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // A connection that is reset has said all that it had to say.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8(answer).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_fault_happens_on_the_wire_and_to_one_request() {
    let pause = Duration::from_millis(80);
    // The fault, the status of what comes back, its body, and how often the server got the request.
    for (fault, status, body, requests) in [
        (Fault::Delay(pause), "200", BODY, 1),
        (Fault::CutBefore, "", "", 0),
        (Fault::LoseAnswer, "", "", 1),
        (Fault::SlowDown, "503", "<Code>SlowDown</Code>", 0),
        (Fault::ServerError, "500", "<Code>InternalError</Code>", 0),
        (Fault::WriteConflict, "409", "<Code>ConditionalRequestConflict</Code>", 0),
        (Fault::TruncateAnswer, "200", "01234", 1),
        (Fault::Duplicate(pause), "200", BODY, 2),
        (Fault::Late(pause), "", "", 1),
    ] {
        let upstream = Upstream::start().await;
        let proxy = FaultProxy::start(&upstream.endpoint, Plan::none()).await.unwrap();
        proxy.next("PUT", "data/id=ann", Fault::CutBefore);
        proxy.next("GET", "data/id=bob", Fault::CutBefore);
        proxy.next("GET", "data/id=ann", fault);

        let started = SystemEnv.monotonic();
        let answer = ask(&proxy).await;
        let took = SystemEnv.monotonic() - started;
        let (head, found) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        assert_eq!(head.split(' ').nth(1).unwrap_or_default(), status, "{fault:?}: {answer:?}");
        let is_body = if status == "200" { found == body } else { found.contains(body) };
        assert!(is_body, "{fault:?}: {answer:?}");
        if status == "200" {
            assert!(head.to_lowercase().contains("content-length: 10"), "{fault:?}: {answer:?}");
            assert!(head.contains("x-from: server"), "{fault:?}: {answer:?}");
        }
        if matches!(fault, Fault::Delay(_)) {
            assert!(took >= pause, "{took:?}");
        }
        proxy.settle().await;
        assert_eq!(upstream.requests(), requests, "{fault:?}");
        let counts = proxy.counts();
        assert_eq!(
            (counts.faults(), counts.requests, counts.unreachable),
            (1, 1, 0),
            "{fault:?}: {counts:?}"
        );

        let healthy = ask(&proxy).await;
        assert!(
            healthy.starts_with("HTTP/1.1 200") && healthy.ends_with(BODY),
            "after {fault:?}: {healthy:?}"
        );
        assert_eq!(upstream.requests(), requests + 1, "after {fault:?}");
        proxy.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_late_is_not_there_before_and_never_comes_after_the_end() {
    let upstream = Upstream::start().await;
    let proxy = FaultProxy::start(&upstream.endpoint, Plan::none()).await.unwrap();
    proxy.next("GET", "ann", Fault::Late(Duration::from_secs(3600)));
    proxy.next("GET", "ann", Fault::Duplicate(Duration::from_secs(3600)));
    assert_eq!(ask(&proxy).await, "");
    assert!(ask(&proxy).await.ends_with(BODY));
    // A third connection is open and idle when the proxy ends.
    let address = proxy.endpoint().trim_start_matches("http://").to_owned();
    let mut idle = TcpStream::connect(&address).await.unwrap();
    proxy.stop().await;
    assert_eq!(upstream.requests(), 1);
    assert_eq!(idle.read(&mut [0]).await.unwrap_or(0), 0, "the connection is closed");
    assert!(TcpStream::connect(&address).await.is_err(), "the port is closed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_away_is_counted() {
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let proxy = FaultProxy::start(&format!("http://{port}"), Plan::none()).await.unwrap();
    assert_eq!(ask(&proxy).await, "");
    assert_eq!((proxy.counts().unreachable, proxy.counts().faults()), (1, 0));
    assert!(FaultProxy::start("https://localhost", Plan::none()).await.is_err());
    assert!(FaultProxy::start("127.0.0.1:1", Plan::none()).await.is_err());
}
