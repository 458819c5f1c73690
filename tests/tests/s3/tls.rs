//! Requests over TLS, with the root certificates of the system.

use std::path::Path;
use std::sync::Arc;

use rcgen::CertifiedKey;
use rustls::pki_types::PrivateKeyDer;
use s3db::store::{Condition, PutObject, Store};
use s3db_testkit::s3_server::ServerOptions;
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio_rustls::TlsAcceptor;

use super::{config, connect, server};

/// Tells the process that this test starts that it is the client, and where the server is.
const CLIENT: &str = "S3DB_TEST_TLS_CLIENT";

/// A process learns from its environment where the root certificates are, so that the client is a process of its own.
#[tokio::test]
async fn a_bucket_is_reached_over_tls_and_a_stranger_s_certificate_is_refused() {
    if let Ok(connection) = std::env::var(CLIENT) {
        return be_client(&connection).await;
    }
    let server = server(ServerOptions::default()).await;
    let [ours, other] =
        [(); 2].map(|()| rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap());
    let port = terminate_tls(&ours, server.endpoint().trim_start_matches("http://").to_owned()).await;
    let connection = format!("https://test:testsecret@localhost:{port}/bucket");
    let folder = tempfile::tempdir().unwrap();
    for (name, roots, expected) in
        [("ours", ours.cert.pem(), "read back: hello"), ("other", other.cert.pem(), "Error(unavailable")]
    {
        let file = folder.path().join(name);
        std::fs::write(&file, roots).unwrap();
        let says = run_client(&connection, &file).await;
        assert!(says.contains(expected), "{name}: {says}");
        assert_eq!(name == "other", says.contains("invalid peer certificate"), "{name}: {says}");
    }
    server.stop().await;
}

async fn be_client(connection: &str) {
    let store = connect(config(connection).attempts_max(1)).await;
    let hello = PutObject { body: "hello".into(), ..PutObject::default() };
    match store.put("greeting", hello, Condition::None).await {
        Ok(_) => {
            let read = store.get("greeting").await.unwrap().unwrap();
            println!("read back: {}", String::from_utf8_lossy(&read.body));
        }
        Err(error) => println!("{error:?}"),
    }
}

/// What this very test says as a client.
async fn run_client(connection: &str, roots: &Path) -> String {
    let test = std::thread::current().name().unwrap().to_owned();
    let mut client = Command::new(std::env::current_exe().unwrap());
    client.args(["--exact", "--nocapture", &test]).env(CLIENT, connection).env("SSL_CERT_FILE", roots);
    let output = client.output().await.unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Passes on to `plain` what comes in over TLS. Returns the port.
async fn terminate_tls(key: &CertifiedKey<rcgen::KeyPair>, plain: String) -> u16 {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let private = PrivateKeyDer::try_from(key.signing_key.serialize_der()).unwrap();
    let settings = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![key.cert.der().clone()], private)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(settings));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, plain) = (acceptor.clone(), plain.clone());
            tokio::spawn(async move {
                // A client that trusts another certificate ends the handshake.
                let Ok(mut encrypted) = acceptor.accept(stream).await else { return };
                let mut to = TcpStream::connect(plain).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut encrypted, &mut to).await;
            });
        }
    });
    port
}
