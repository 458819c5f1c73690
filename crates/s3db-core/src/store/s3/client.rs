//! The SDK's client, built once per store.

use std::time::Duration;

use aws_config::environment::EnvironmentVariableRegionProvider;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::ProfileFileRegionProvider;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::{RetryConfig, RetryPartition};
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{Region, RequestChecksumCalculation, ResponseChecksumValidation};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use url::Url;

use super::attempts::{MarkRetries, RetryMeetings};
use super::identity::Identity;
use super::{S3Config, http};
use crate::Result;
use crate::store::Capability;

/// The region that is signed for when nobody names one.
const REGION_DEFAULT: &str = "us-east-1";

/// A client, and where it goes.
pub(super) struct Connected {
    pub(super) client: Client,
    /// For people: the origin of the server, or the region of AWS.
    pub(super) endpoint: String,
    pub(super) identity: Identity,
    /// What may be relied on as long as nobody has said more.
    pub(super) capability: Capability,
}

/// Builds the client. Sends nothing to the bucket.
///
/// # Errors
/// `Config` when TLS is needed and the system has no root certificates.
pub(super) async fn connect(config: &S3Config) -> Result<Connected> {
    let sdk = sdk_config(config, http_client(config)?).await;
    let region = sdk.region().map_or(REGION_DEFAULT, Region::as_ref).to_owned();
    let endpoint = config.endpoint.clone().or_else(|| endpoint_of_environment(&sdk));
    let identity = Identity::default();
    let mut builder = aws_sdk_s3::config::Builder::from(&sdk)
        .interceptor(MarkRetries)
        .retry_classifier(RetryMeetings)
        .interceptor(identity.clone())
        .force_path_style(config.path_style || (config.endpoint.is_none() && endpoint.is_some()))
        // One unhealthy server must not use up the retries of another one.
        .retry_partition(RetryPartition::new(format!(
            "s3db {} {region} {}",
            endpoint.as_deref().unwrap_or_default(),
            config.bucket
        )));
    if endpoint.is_some() {
        // AWS checks a CRC32 of every body. Other servers may not know the header, and need it for nothing.
        builder = builder
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
    }
    if let Some(given) = &config.endpoint {
        builder = builder.endpoint_url(given);
    }
    // SeaweedFS drops them. What another server does is not known before it was asked, and s3db can do without.
    let keeps_empty_metadata = endpoint.as_deref().is_none_or(is_aws);
    let capability = Capability { keeps_empty_metadata, object_versions: true, ..Capability::default() };
    Ok(Connected {
        client: Client::from_conf(builder.build()),
        endpoint: endpoint.unwrap_or_else(|| format!("AWS {region}")),
        identity,
        capability,
    })
}

/// Whether an endpoint is one of AWS's own.
fn is_aws(endpoint: &str) -> bool {
    let url = Url::parse(endpoint).ok();
    let host = url.as_ref().and_then(Url::host_str).unwrap_or_default();
    host.ends_with(".amazonaws.com") || host.ends_with(".amazonaws.com.cn")
}

/// What the SDK takes from `AWS_ENDPOINT_URL_S3`, `AWS_ENDPOINT_URL` or the profile. It applies it by itself.
fn endpoint_of_environment(sdk: &SdkConfig) -> Option<String> {
    let of_s3 = std::env::var("AWS_ENDPOINT_URL_S3").ok().filter(|endpoint| !endpoint.is_empty());
    of_s3.or_else(|| sdk.endpoint_url().map(str::to_owned))
}

/// One client for the bucket and for the chain of credentials, which speaks TLS even where the bucket's server does not.
fn http_client(config: &S3Config) -> Result<SharedHttpClient> {
    let is_plain = config.endpoint.as_deref().is_some_and(|endpoint| endpoint.starts_with("http://"));
    if is_plain && config.credentials.is_some() {
        return Ok(http::plain(config.connect_timeout));
    }
    match http::encrypted(config.connect_timeout) {
        // Without root certificates, what needs no TLS still works.
        Err(_) if is_plain => Ok(http::plain(config.connect_timeout)),
        outcome => outcome,
    }
}

async fn sdk_config(config: &S3Config, http_client: SharedHttpClient) -> SdkConfig {
    // A date, not `latest`: an update of the SDK must not change what goes over the wire.
    let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .region(region(config).await)
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(config.connect_timeout)
                .operation_attempt_timeout(config.attempt_timeout)
                // So that a process that was stopped for long does not go on with its attempts.
                .operation_timeout(longest_operation(config))
                .build(),
        )
        .retry_config(
            RetryConfig::adaptive()
                .with_max_attempts(config.attempts_max.max(1))
                .with_max_backoff(config.backoff_max),
        );
    loader = match &config.credentials {
        Some(credentials) => loader.credentials_provider(aws_credential_types::Credentials::new(
            credentials.access_key_id(),
            credentials.secret_access_key(),
            credentials.session_token().map(str::to_owned),
            None,
            "s3db",
        )),
        None => loader,
    };
    loader.http_client(http_client).load().await
}

/// As long as all attempts and the pauses between them may take.
fn longest_operation(config: &S3Config) -> Duration {
    let attempts = config.attempts_max.max(1);
    let pauses = config.backoff_max.saturating_mul(attempts - 1);
    config.attempt_timeout.saturating_mul(attempts).saturating_add(pauses)
}

/// The given region; else that of the environment, then that of the profile. The instance's metadata service, which
/// can take seconds to not answer, is asked for credentials only.
async fn region(config: &S3Config) -> Region {
    let given = config.region.clone().map(Region::new);
    RegionProviderChain::first_try(given)
        .or_else(EnvironmentVariableRegionProvider::new())
        .or_else(ProfileFileRegionProvider::new())
        .region()
        .await
        .unwrap_or(Region::from_static(REGION_DEFAULT))
}
