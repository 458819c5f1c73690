//! The access keys that a server knows.

use async_trait::async_trait;
use s3s::auth::{S3Auth, SecretKey};
use s3s::{S3Error, S3ErrorCode, S3Result};

use super::ServerOptions;

/// One access key and its secret.
pub(super) struct Keys {
    access_key_id: String,
    secret: SecretKey,
}

impl Keys {
    pub(super) fn of(options: &ServerOptions) -> Self {
        Self {
            access_key_id: options.access_key_id.clone(),
            secret: SecretKey::from(options.secret_access_key.clone()),
        }
    }
}

#[async_trait]
impl S3Auth for Keys {
    async fn get_secret_key(&self, access_key_id: &str) -> S3Result<SecretKey> {
        if access_key_id == self.access_key_id {
            return Ok(self.secret.clone());
        }
        Err(S3Error::with_message(
            S3ErrorCode::InvalidAccessKeyId,
            "The AWS Access Key Id you provided does not exist in our records.",
        ))
    }
}
