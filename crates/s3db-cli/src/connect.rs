//! Opening the database that the flags and the environment name.

use std::sync::Arc;

use s3db::connection::{Connection, Scheme};
use s3db::encoding::Passphrase;
use s3db::env::Env;
use s3db::key::Keys;
use s3db::store::Store;
use s3db::{Database, Error, ErrorKind};
use serde_json::Value;

use crate::args::{DEFAULT_CONNECTION, Global, PASSPHRASE_VARIABLE};
use crate::exit::{Failure, Outcome};
use crate::output::Output;

/// Whether a command needs the database to be there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// A folder that does not exist is an error, most likely a wrong path.
    Existing,
    /// A folder is made.
    Created,
}

/// Opens the database.
pub(crate) async fn open(global: &Global, wanted: Wanted, out: &mut Output) -> Outcome<Database> {
    let connection = resolve(global).map_err(Failure::Connection)?;
    open_at(global, connection, wanted, out).await
}

/// Opens the database of a connection.
pub(crate) async fn open_at(
    global: &Global,
    connection: Connection,
    wanted: Wanted,
    out: &mut Output,
) -> Outcome<Database> {
    if wanted == Wanted::Existing {
        folder_exists(&connection).map_err(Failure::Connection)?;
    }
    let mut builder = global.costs.builder(global, connection);
    if let Some(passphrase) = passphrase(global)? {
        builder = builder.passphrase(passphrase);
    }
    let db = builder.connect().await.map_err(Failure::Connection)?;
    out.events(db.events());
    Ok(db)
}

/// Opens the store alone and returns where its keys begin: nothing is read, and a damaged catalogue is left as it is.
pub(crate) async fn store(global: &Global, wanted: Wanted) -> Outcome<(Arc<dyn Store>, String)> {
    let connection = resolve(global).map_err(Failure::Connection)?;
    if wanted == Wanted::Existing {
        folder_exists(&connection).map_err(Failure::Connection)?;
    }
    let store = crate::costs::open_store(global, &connection).await?;
    Ok((store, Keys::new(&connection.prefix).root().to_owned()))
}

/// The connection that the flags and the environment name.
pub(crate) fn connection(global: &Global) -> Outcome<Connection> {
    resolve(global).map_err(Failure::Connection)
}

/// A store that leaves every judgement to its server.
pub(crate) struct Bare {
    pub(crate) store: Arc<dyn Store>,
    /// The same store, where it is a server.
    #[cfg(feature = "s3")]
    pub(crate) s3: Option<s3db::store::S3Store>,
}

/// Opens the store of a connection, without the limits that a store for S3 checks itself.
pub(crate) async fn bare(connection: &Connection, env: &Arc<dyn Env>) -> Outcome<Bare> {
    folder_exists(connection).map_err(Failure::Connection)?;
    #[cfg(feature = "s3")]
    if matches!(connection.scheme, Scheme::S3 | Scheme::Http | Scheme::Https) {
        use s3db::store::{Capability, S3Config, S3Store};
        let mut capability = Capability::default();
        capability.metadata_bytes_max = usize::MAX;
        let config = S3Config::from_connection(connection).map_err(Failure::Connection)?;
        let s3 = S3Store::connect(config.capability(capability)).await.map_err(Failure::Connection)?;
        return Ok(Bare { store: Arc::new(s3.clone()), s3: Some(s3) });
    }
    let store = s3db::store::open(connection, env).await.map_err(Failure::Connection)?;
    Ok(Bare {
        store,
        #[cfg(feature = "s3")]
        s3: None,
    })
}

/// A resource, with a word to the user about what cannot work.
pub(crate) fn resource(
    db: &Database,
    name: &str,
    global: &Global,
    out: &mut Output,
) -> Outcome<s3db::Resource> {
    let resource = db.resource(name)?;
    for warning in resource.warnings() {
        out.warn(&format!("{name}: {warning}"));
    }
    if passphrase(global)?.is_none() {
        let secrets = secret_fields(db, name)?;
        if !secrets.is_empty() {
            out.warn(&format!(
                "{name} has secret fields ({}), and there is no passphrase to open or seal them: set {}",
                secrets.join(", "),
                global.passphrase_env
            ));
        }
    }
    Ok(resource)
}

/// The passphrase, from the environment. An empty one counts as none.
///
/// A variable that was named on purpose and is not there is an error.
pub(crate) fn passphrase(global: &Global) -> Outcome<Option<Passphrase>> {
    let name = &global.passphrase_env;
    match std::env::var(name) {
        Ok(text) if !text.is_empty() => Ok(Some(Passphrase::new(text))),
        Err(std::env::VarError::NotUnicode(_)) => {
            Err(Failure::usage(format!("the variable {name} does not hold UTF-8 text"), "set it to a text"))
        }
        _ if name == PASSPHRASE_VARIABLE => Ok(None),
        _ => Err(Failure::usage(
            format!("the variable {name}, named by --passphrase-env, is not set"),
            format!("export {name}=… or leave the flag out"),
        )),
    }
}

/// The connection: the flag, then the environment, then the folder `s3db-data`.
fn resolve(global: &Global) -> s3db::Result<Connection> {
    let found = Connection::resolve(global.connection.as_deref(), |name| std::env::var(name).ok())?;
    found.map_or_else(|| Connection::parse(DEFAULT_CONNECTION), Ok)
}

fn folder_exists(connection: &Connection) -> s3db::Result<()> {
    match &connection.path {
        Some(path) if connection.scheme == Scheme::File && !path.is_dir() => {
            Err(Error::new(ErrorKind::NotFound, "there is no database at this place")
                .with("connection", connection)
                .hint(
                    "`s3db demo` makes one to play with, `s3db create-resource` a new one; \
                     another place is named with --connection or S3DB_CONNECTION",
                ))
        }
        _ => Ok(()),
    }
}

/// Paths of the fields that are sealed.
fn secret_fields(db: &Database, name: &str) -> Outcome<Vec<String>> {
    let mut fields = Vec::new();
    if let Some(definition) = crate::commands::schema::definition(db, name)? {
        for (field, attribute) in &definition.attributes {
            collect_secrets(field, attribute, &mut fields);
        }
    }
    Ok(fields)
}

fn collect_secrets(path: &str, attribute: &Value, into: &mut Vec<String>) {
    match attribute {
        Value::String(rule) if is_secret(rule) => into.push(path.to_owned()),
        Value::Object(members) => match members.get("type").and_then(Value::as_str) {
            Some(rule) if is_secret(rule) => into.push(path.to_owned()),
            _ => {
                for (name, member) in members {
                    collect_secrets(&format!("{path}.{name}"), member, into);
                }
            }
        },
        _ => {}
    }
}

fn is_secret(rule: &str) -> bool {
    let kind = rule.split(['|', ':']).next().unwrap_or_default().trim();
    matches!(kind, "secret" | "secretAny" | "secretNumber")
}
