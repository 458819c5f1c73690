//! CPU time of a document operation against that of a bare aws-sdk-s3 loop which sends the same requests to the same
//! server with the same client settings.

use std::time::{SystemTime, UNIX_EPOCH};

use aws_credential_types::Credentials;
use aws_sdk_s3::config::{BehaviorVersion, Region, RequestChecksumCalculation, ResponseChecksumValidation};
use aws_sdk_s3::primitives::ByteStream;
use aws_smithy_http_client::tls;
use s3db::connection::Connection;
use s3db::store::Object;
use s3db::{Database, ResourceConfig};
use serde_json::json;

use crate::document::{attributes, document_with_id};
use crate::timing::{Failure, cpu_seconds, pool};

/// Rounds of both loops; they alternate, so that a slow moment of the machine hits both.
const ROUNDS: usize = 3;

pub(crate) async fn run(connection: &str, n: usize, c: usize) -> Result<(), Failure> {
    let parsed = Connection::parse(connection)?;
    let db = Database::builder(connection)?.options(|o| o.parallelism = c).connect().await?;
    let suffix = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
    let users = db.create_resource(ResourceConfig::new(format!("users-{suffix}"), attributes())).await?;
    let id = |round: usize, i: usize| format!("u{round}-{i:08}");
    let bare = Bare { client: client(&parsed)?, bucket: parsed.bucket.clone(), suffix };

    let (mut ours, mut theirs) = ([0.0; 2], [0.0; 2]);
    for round in 0..ROUNDS {
        let r = users.clone();
        ours[0] += cpu(pool(n, c, move |i| {
            let r = r.clone();
            async move { r.insert(document_with_id(id(round, i), i)).await.map(drop) }
        }))
        .await?;
        let r = users.clone();
        ours[1] += cpu(pool(n, c, move |i| {
            let r = r.clone();
            async move { r.get(&id(round, i)).await.map(drop) }
        }))
        .await?;
        let key = format!("{}resource={}/data/id={}", db.key_root(), users.name(), id(round, 0));
        let object = db.store().get(&key).await?.ok_or("the document is gone")?;
        let b = bare.clone();
        theirs[0] += cpu(pool(n, c, move |i| {
            let (b, object) = (b.clone(), object.clone());
            async move { b.put(&id(round, i), &object).await }
        }))
        .await?;
        let b = bare.clone();
        theirs[1] += cpu(pool(n, c, move |i| {
            let b = b.clone();
            async move { b.get(&id(round, i)).await }
        }))
        .await?;
    }
    for (i, workload) in ["insert", "get"].into_iter().enumerate() {
        let micros = |seconds: f64| (seconds / (n * ROUNDS) as f64 * 1e7).round() / 10.0;
        println!(
            "{}",
            json!({
                "workload": format!("cpu-{workload}"), "n": n * ROUNDS, "concurrency": c,
                "s3db_cpu_us": micros(ours[i]), "sdk_cpu_us": micros(theirs[i]),
                "ratio": (ours[i] / theirs[i] * 1000.0).round() / 1000.0,
            })
        );
    }
    users.delete_all(true).await?;
    Ok(())
}

/// A bare client, and where it writes.
#[derive(Clone)]
struct Bare {
    client: aws_sdk_s3::Client,
    bucket: String,
    suffix: u128,
}

impl Bare {
    async fn put(&self, id: &str, object: &Object) -> s3db::Result<()> {
        let mut request = self.client.put_object().bucket(&self.bucket).key(self.key(id)).if_none_match("*");
        for (name, value) in object.head.metadata.iter() {
            request = request.metadata(name, value);
        }
        if let Some(content_type) = &object.head.content_type {
            request = request.content_type(&**content_type);
        }
        request.body(ByteStream::from(object.body.clone())).send().await.map(drop).map_err(failed)
    }

    async fn get(&self, id: &str) -> s3db::Result<()> {
        let object =
            self.client.get_object().bucket(&self.bucket).key(self.key(id)).send().await.map_err(failed)?;
        object.body.collect().await.map(drop).map_err(failed)
    }

    fn key(&self, id: &str) -> String {
        format!("raw-{}/data/id={id}", self.suffix)
    }
}

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> s3db::Error {
    s3db::Error::new(s3db::ErrorKind::Unavailable, "the bare client failed").caused_by(error)
}

/// The bare client, set up as the store of s3db sets its own up.
fn client(connection: &Connection) -> Result<aws_sdk_s3::Client, Failure> {
    let credentials =
        connection.credentials.as_ref().ok_or("the connection string must hold a key and a secret")?;
    let credentials = Credentials::new(
        credentials.access_key_id(),
        credentials.secret_access_key(),
        credentials.session_token().map(str::to_owned),
        None,
        "bench",
    );
    let http = aws_smithy_http_client::Builder::new()
        .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring))
        .build_https();
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .http_client(http)
        .region(Region::new(connection.region.clone().unwrap_or_else(|| "us-east-1".to_owned())))
        .endpoint_url(connection.endpoint.clone().ok_or("the connection string must name an endpoint")?)
        .force_path_style(true)
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
        .credentials_provider(credentials)
        .build();
    Ok(aws_sdk_s3::Client::from_conf(config))
}

async fn cpu<F: Future<Output = Result<(), Failure>>>(work: F) -> Result<f64, Failure> {
    let start = cpu_seconds()?;
    work.await?;
    Ok(cpu_seconds()? - start)
}
