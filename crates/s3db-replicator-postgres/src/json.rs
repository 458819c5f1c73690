//! Options as a configuration writes them.

use std::time::Duration;

use s3db_core::{Document, Result};
use serde_json::Value;

use crate::options::{OnMismatch, PostgresOptions, SchemaSync, Ssl, Strategy, wrong};

impl PostgresOptions {
    /// Reads the options of a configuration: `connection_string`, or `host`, `port`, `database`, `user` and `password`; `ssl`
    /// (`disable`, `prefer`, `require`, `verify-full`), `root_ca`, `schema`, `pool_size_max`, `connect_timeout_ms`,
    /// `statement_timeout_ms`, `lock_timeout_ms`, `idle_in_transaction_timeout_ms`, `log_table` and `schema_sync`. Those that
    /// s3db.js has may be written as there, such as `connectionString`.
    ///
    /// Errors: `Config` naming an unknown option, or one of a wrong form; never with its value.
    pub fn from_json(options: &Document) -> Result<Self> {
        let mut read = Self::default();
        for (name, value) in options {
            let name = name.as_str();
            let text = || value.as_str().map(str::to_owned).ok_or_else(|| wrong(name, "a text"));
            let time =
                || value.as_u64().map(Duration::from_millis).ok_or_else(|| wrong(name, "milliseconds"));
            match name {
                "connection_string" | "connectionString" => read.connection_string = Some(text()?),
                "host" => read.host = Some(text()?),
                "port" => {
                    let port = value.as_u64().and_then(|port| u16::try_from(port).ok());
                    read.port = Some(port.filter(|port| *port > 0).ok_or_else(|| wrong(name, "a port"))?);
                }
                "database" => read.database = Some(text()?),
                "user" => read.user = Some(text()?),
                "password" => read.password = Some(text()?),
                "ssl" => read.read_ssl(value)?,
                "root_ca" => read.root_ca = Some(text()?),
                "schema" => read.schema = Some(text()?),
                "pool_size_max" => {
                    let size = value.as_u64().and_then(|size| usize::try_from(size).ok());
                    read.pool_size_max = size.ok_or_else(|| wrong(name, "a number from 1 to 1000"))?;
                }
                "connect_timeout_ms" => read.connect_timeout = time()?,
                "statement_timeout_ms" => read.statement_timeout = time()?,
                "lock_timeout_ms" => read.lock_timeout = time()?,
                "idle_in_transaction_timeout_ms" => read.idle_timeout = time()?,
                "log_table" | "logTable" if value.is_null() => {}
                "log_table" | "logTable" => read.log_table = Some(text()?),
                "schema_sync" | "schemaSync" => read.schema_sync = schema_sync(name, value)?,
                _ => return Err(wrong(name, "no such option")),
            }
        }
        read.check()?;
        Ok(read)
    }

    /// `true` and objects are what Node's client takes.
    fn read_ssl(&mut self, value: &Value) -> Result<()> {
        let forms = "disable, prefer, require or verify-full";
        self.ssl = Some(match value {
            Value::Bool(true) => Ssl::VerifyFull,
            Value::Bool(false) => Ssl::Disable,
            Value::String(word) => Ssl::parse(word).ok_or_else(|| wrong("ssl", forms))?,
            Value::Object(object) => {
                if let Some(ca) = object.get("ca") {
                    self.root_ca =
                        Some(ca.as_str().ok_or_else(|| wrong("ssl.ca", "certificates in PEM"))?.to_owned());
                }
                match object.get("rejectUnauthorized") {
                    Some(Value::Bool(false)) => Ssl::Require,
                    Some(Value::Bool(true)) | None => Ssl::VerifyFull,
                    Some(_) => return Err(wrong("ssl.rejectUnauthorized", "true or false")),
                }
            }
            _ => return Err(wrong("ssl", forms)),
        });
        Ok(())
    }
}

impl Ssl {
    pub(crate) fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "disable" => Self::Disable,
            "prefer" => Self::Prefer,
            "require" => Self::Require,
            "verify-full" => Self::VerifyFull,
            _ => return None,
        })
    }
}

fn schema_sync(option: &str, value: &Value) -> Result<Option<SchemaSync>> {
    let options = match value {
        Value::Null | Value::Bool(false) => return Ok(None),
        Value::Bool(true) => return Ok(Some(SchemaSync::new())),
        Value::Object(options) => options,
        _ => return Err(wrong(option, "true, false or an object")),
    };
    let mut sync = SchemaSync::new();
    let mut is_enabled = true;
    for (name, value) in options {
        let name = name.as_str();
        let wrong = |wanted: &str| wrong(&format!("{option}.{name}"), wanted);
        let flag = || value.as_bool().ok_or_else(|| wrong("true or false"));
        match name {
            "enabled" => is_enabled = flag()?,
            "strategy" => {
                sync.strategy = match value.as_str() {
                    Some("alter") => Strategy::Alter,
                    Some("drop-create") => Strategy::DropCreate,
                    Some("validate-only") => Strategy::ValidateOnly,
                    _ => return Err(wrong("alter, drop-create or validate-only")),
                }
            }
            "on_mismatch" | "onMismatch" => {
                sync.on_mismatch = match value.as_str() {
                    Some("error") => OnMismatch::Error,
                    Some("warn") => OnMismatch::Warn,
                    Some("ignore") => OnMismatch::Ignore,
                    _ => return Err(wrong("error, warn or ignore")),
                }
            }
            "auto_create_table" | "autoCreateTable" => sync.auto_create_table = flag()?,
            "auto_create_columns" | "autoCreateColumns" => sync.auto_create_columns = flag()?,
            // s3db.js has it and does nothing with it.
            "dropMissingColumns" if !flag()? => {}
            "dropMissingColumns" => return Err(wrong("false: no column is ever dropped")),
            _ => return Err(wrong("no such option")),
        }
    }
    Ok(is_enabled.then_some(sync))
}

#[cfg(test)]
mod tests;
