//! Static credentials, which nothing prints.

use std::fmt;

use url::Url;
use zeroize::Zeroizing;

use super::{Scheme, config, decode};
use crate::Result;

/// An access key, its secret and perhaps a session token. `Debug` shows none of them; the secret parts are wiped from
/// memory when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    access_key_id: String,
    secret_access_key: Zeroizing<String>,
    session_token: Option<Zeroizing<String>>,
}

impl Credentials {
    /// Credentials without a session token.
    pub fn new(access_key_id: impl Into<String>, secret_access_key: impl Into<String>) -> Self {
        Self {
            access_key_id: access_key_id.into(),
            secret_access_key: Zeroizing::new(secret_access_key.into()),
            session_token: None,
        }
    }

    /// Adds the token of temporary credentials.
    #[must_use]
    pub fn with_session_token(mut self, token: impl Into<String>) -> Self {
        self.session_token = Some(Zeroizing::new(token.into()));
        self
    }

    /// The access key.
    pub fn access_key_id(&self) -> &str {
        &self.access_key_id
    }

    /// The secret. Do not print it.
    pub fn secret_access_key(&self) -> &str {
        &self.secret_access_key
    }

    /// The session token. Do not print it.
    pub fn session_token(&self) -> Option<&str> {
        self.session_token.as_ref().map(|token| token.as_str())
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(***)")
    }
}

pub(super) fn parse(url: &Url, scheme: Scheme, token: Option<String>) -> Result<Option<Credentials>> {
    let key = decode("access key", url.username())?;
    let secret = decode("secret", url.password().unwrap_or_default())?;
    let credentials = match (key.is_empty(), secret.is_empty()) {
        (true, true) => {
            return match token {
                Some(_) => Err(config("the connection string has a session token but no keys")
                    .hint("write KEY:SECRET@ before the host, or leave the token to the environment")),
                None => Ok(None),
            };
        }
        (false, true) => {
            return Err(config("the connection string has an access key but no secret")
                .hint("write KEY:SECRET@, or leave both out for the credentials of the environment"));
        }
        (true, false) => return Err(config("the connection string has a secret but no access key")),
        (false, false) => Credentials::new(key, secret),
    };
    if scheme == Scheme::Memory {
        return Err(config("`memory://` takes no keys").hint("use memory://bucket/prefix"));
    }
    Ok(Some(match token {
        Some(token) => credentials.with_session_token(token),
        None => credentials,
    }))
}
