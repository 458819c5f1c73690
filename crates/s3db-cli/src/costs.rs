//! `--explain` and `--receipt`: what a command would send, and what it has cost.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use s3db::Database;
use s3db::connection::{Connection, Scheme};
use s3db::database::DatabaseBuilder;
use s3db::env::SystemEnv;
use s3db::explain::Rehearsal;
use s3db::price::Prices;
use s3db::receipt::Receipts;
use s3db::store::{Store, StoreLayer as _};
use serde_json::json;

use crate::args::Global;
use crate::exit::{Failure, Outcome};
use crate::output::Output;

/// What all stores of a command share. Clones share it too.
#[derive(Debug, Clone, Default)]
pub(crate) struct Costs(Arc<Layers>);

#[derive(Debug, Default)]
struct Layers {
    receipts: OnceLock<Receipts>,
    rehearsal: OnceLock<Rehearsal>,
    skips_documents: AtomicBool,
}

impl Costs {
    /// Of the command only the number of documents matters, where it is explained.
    pub(crate) fn skip_documents(&self) {
        self.0.skips_documents.store(true, Ordering::Relaxed);
    }

    /// The layers that the flags ask for, around a store.
    pub(crate) fn wrap(
        &self,
        global: &Global,
        connection: &Connection,
        store: Arc<dyn Store>,
    ) -> Arc<dyn Store> {
        let store = self.receipts(global, connection).map_or(store.clone(), |receipts| receipts.wrap(store));
        self.rehearsal(global, connection).map_or(store.clone(), |rehearsal| rehearsal.wrap(store))
    }

    /// The layers that the flags ask for, around the store of a database.
    pub(crate) fn builder(&self, global: &Global, connection: Connection) -> DatabaseBuilder {
        let receipts = self.receipts(global, &connection);
        let rehearsal = self.rehearsal(global, &connection);
        let mut builder = Database::builder_for(stand_in(global, connection));
        if let Some(layer) = receipts {
            builder = builder.layer(layer);
        }
        if let Some(layer) = rehearsal {
            builder = builder.layer(layer);
        }
        builder
    }

    fn receipts(&self, global: &Global, connection: &Connection) -> Option<Receipts> {
        let make = || Receipts::new(Arc::new(SystemEnv), Prices::of(connection));
        global.receipt.then(|| self.0.receipts.get_or_init(make).clone())
    }

    fn rehearsal(&self, global: &Global, connection: &Connection) -> Option<Rehearsal> {
        let make = || {
            let rehearsal = Rehearsal::new(Arc::new(SystemEnv), Prices::of(connection), &connection.prefix);
            if self.0.skips_documents.load(Ordering::Relaxed) {
                rehearsal.skip_documents();
            }
            rehearsal
        };
        global.explain.then(|| self.0.rehearsal.get_or_init(make).clone())
    }

    /// Prints what was asked for, at the end of the command.
    pub(crate) fn tell(&self, out: &mut Output) -> Outcome {
        if let Some(rehearsal) = self.0.rehearsal.get() {
            out.explanation(&rehearsal.explanation())?;
        }
        if let Some(receipts) = self.0.receipts.get() {
            let receipt = receipts.take();
            out.receipt(&receipt.to_string(), &json!({ "receipt": receipt }));
        }
        Ok(())
    }
}

/// Explaining must not make the folder of a database: memory stands for one that is not there.
fn stand_in(global: &Global, connection: Connection) -> Connection {
    let is_missing = connection.path.as_ref().is_some_and(|path| !path.is_dir());
    if global.explain && connection.scheme == Scheme::File && is_missing {
        return Connection::memory("s3db-explain");
    }
    connection
}

/// The store of a connection, with the layers that the flags ask for.
pub(crate) async fn open_store(global: &Global, connection: &Connection) -> Outcome<Arc<dyn Store>> {
    let env: Arc<dyn s3db::env::Env> = Arc::new(SystemEnv);
    let place = stand_in(global, connection.clone());
    let store = s3db::store::open(&place, &env).await.map_err(Failure::Connection)?;
    Ok(global.costs.wrap(global, connection, store))
}
