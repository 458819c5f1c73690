//! Where a command finds its connection string.

use super::{Connection, Credentials, Scheme, config};
use crate::Result;

/// A look-up of environment variables.
type Variable<'v> = &'v dyn Fn(&str) -> Option<String>;

pub(super) fn resolve(flag: Option<&str>, variable: Variable<'_>) -> Result<Option<Connection>> {
    let set = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
    if let Some(flag) = flag {
        return Connection::parse(flag).map(Some).map_err(|e| e.with("source", "--connection"));
    }
    for name in ["S3DB_CONNECTION", "S3DB_CONNECTION_STRING", "S3_CONNECTION_STRING"] {
        if let Some(text) = set(name) {
            return Connection::parse(&text).map(Some).map_err(|e| e.with("source", name));
        }
    }
    // The variable of every other database: a scheme of ours makes it meant for us.
    let ours =
        |text: &str| text.trim().split_once(':').is_some_and(|(scheme, _)| Scheme::parse(scheme).is_some());
    if let Some(text) = set("DATABASE_URL").filter(|text| ours(text)) {
        return Connection::parse(&text).map(Some).map_err(|e| e.with("source", "DATABASE_URL"));
    }
    aws(&set)
}

fn aws(set: Variable<'_>) -> Result<Option<Connection>> {
    let (Some(key), Some(secret)) = (set("AWS_ACCESS_KEY_ID"), set("AWS_SECRET_ACCESS_KEY")) else {
        return Ok(None);
    };
    let Some(bucket) = set("AWS_S3_BUCKET").or_else(|| set("S3_BUCKET")) else {
        return Ok(None);
    };
    let credentials = Credentials::new(key, secret);
    let mut connection = Connection::s3(bucket);
    connection.credentials = Some(match set("AWS_SESSION_TOKEN") {
        Some(token) => credentials.with_session_token(token),
        None => credentials,
    });
    connection.region = set("AWS_REGION").or_else(|| set("AWS_DEFAULT_REGION"));
    connection.endpoint = set("AWS_ENDPOINT_URL_S3").or_else(|| set("AWS_ENDPOINT_URL"));
    connection.path_style = connection.endpoint.is_some();
    if connection.bucket.contains(['/', '\\']) {
        return Err(config("the bucket name holds a `/`").with("source", "AWS_S3_BUCKET"));
    }
    Ok(Some(connection))
}
