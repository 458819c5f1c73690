//! Batches of changes, each in one transaction.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use futures::stream::{self, StreamExt as _};
use s3db_core::{Error, ErrorKind, Result};
use s3db_replicator::{Batch, Delivery, Outcome};
use serde_json::Value;
use tokio_postgres::types::Type;

use crate::failure::{Failure, Refusal};
use crate::name::TableName;
use crate::rows::{RowValues, probe};
use crate::sync::{Place, Tables};
use crate::work::{Columns, Work};

/// Documents that are read from the source at once.
const PARALLELISM: usize = 32;

/// How often columns are added or widened for one batch; another process may drop them again.
const ATTEMPTS: usize = 4;

/// A delivery with its place in the batch.
type Numbered<'a> = (usize, &'a Delivery);

type Outcomes = Vec<(usize, Outcome)>;

/// Why nothing of a transaction was written.
#[derive(Debug, Clone)]
enum Fault {
    /// PostgreSQL refused one of these rows.
    Refused(Box<Refusal>, Vec<(Arc<Place>, RowValues)>),
    /// The table cannot be made as one of the documents needs it.
    Table(Error),
}

/// How an attempt ended that was not cut off.
enum Attempt {
    /// These are committed, or have failed by themselves.
    Done(Outcomes),
    /// Nothing was written: these columns are to be added first.
    Lacks(HashMap<TableName, Columns>),
    Fault(Fault),
}

/// Delivers a batch; an outcome for each delivery, in their order.
pub(crate) async fn deliver(tables: &Tables, batch: &Batch) -> Result<Vec<Outcome>> {
    let all: Vec<Numbered<'_>> = batch.deliveries().iter().enumerate().collect();
    let fault = match together(tables, batch, &all).await? {
        Ok(outcomes) => {
            let outcomes: BTreeMap<usize, Outcome> = outcomes.into_iter().collect();
            return Ok(outcomes.into_values().collect());
        }
        Err(fault) => fault,
    };
    if let [only] = all.as_slice() {
        return Ok(vec![judge(tables, batch, *only, fault).await?]);
    }
    // One of them is at fault: alone, only that one fails.
    let mut gone: Option<Error> = None;
    let mut outcomes = Vec::new();
    for delivery in all {
        let outcome = match &gone {
            Some(error) => Err(error.clone()),
            None => alone(tables, batch, delivery).await,
        };
        outcomes.push(outcome.unwrap_or_else(|error| {
            gone = Some(error.clone());
            Outcome::Failed(error)
        }));
    }
    Ok(outcomes)
}

async fn alone(tables: &Tables, batch: &Batch, delivery: Numbered<'_>) -> Result<Outcome> {
    match together(tables, batch, &[delivery]).await? {
        Ok(outcomes) => Ok(only(outcomes)),
        Err(fault) => judge(tables, batch, delivery, fault).await,
    }
}

fn only(outcomes: Outcomes) -> Outcome {
    outcomes.into_iter().next().map_or(Outcome::Done, |(_, outcome)| outcome)
}

/// What becomes of a document that was refused: a column of ours that is too narrow is widened, once for each fault.
async fn judge(tables: &Tables, batch: &Batch, delivery: Numbered<'_>, mut fault: Fault) -> Result<Outcome> {
    let id = &delivery.1.id;
    let mut attempts = 0;
    loop {
        attempts += 1;
        let (mut refusal, rows) = match fault {
            Fault::Table(error) => return Ok(Outcome::Failed(error.with("id", id))),
            Fault::Refused(refusal, rows) => (refusal, rows),
        };
        let mut expected = None;
        let mut name = delivery.1.routed.to.clone();
        if let Some((place, _)) = rows.first() {
            name.clone_from(&place.name.table);
            if refusal.column.is_none() && refusal.table.is_none() {
                refusal.column = find_column(tables, &refusal, &rows).await?;
            }
            if let Some(column) = &refusal.column {
                expected = place.table.column(column).map(|column| column.sql_type.clone());
                if attempts < ATTEMPTS && tables.widen(&place.name, column, &refusal.code).await? {
                    fault = match together(tables, batch, &[delivery]).await? {
                        Ok(outcomes) => return Ok(only(outcomes)),
                        Err(again) => again,
                    };
                    continue;
                }
            }
        }
        // Where somebody mends the table, the next try sees it.
        rows.iter().for_each(|(place, _)| tables.forget(&place.name));
        return Ok(Outcome::Failed(refusal.into_error(&name, expected.as_deref()).with("id", id)));
    }
}

/// The column whose value it was, which PostgreSQL does not say: each is read alone. 1 statement for each column.
async fn find_column(
    tables: &Tables,
    refusal: &Refusal,
    rows: &[(Arc<Place>, RowValues)],
) -> Result<Option<String>> {
    let connections = &tables.connections;
    if !refusal.code.starts_with("22") {
        return Ok(None);
    }
    let client = connections.get().await?;
    for (place, row) in rows {
        for (name, value) in row {
            let Some(column) = place.table.column(name) else { continue };
            let text = Value::from(vec![Value::from_iter([(name.clone(), value.clone())])]).to_string();
            let sql = probe(column);
            match connections.answer(client.query_typed(&sql, &[(&text, Type::TEXT)])).await {
                Err(Failure::Refused(found)) if found.code == refusal.code => return Ok(Some(name.clone())),
                Err(Failure::Lost(error)) => return Err(error),
                _ => {}
            }
        }
    }
    Ok(None)
}

/// Delivers these in one transaction, after columns were added that they need.
async fn together(
    tables: &Tables,
    batch: &Batch,
    deliveries: &[Numbered<'_>],
) -> Result<Result<Outcomes, Fault>> {
    let mut was_forgotten = false;
    for _ in 0..ATTEMPTS {
        match attempt(tables, batch, deliveries).await? {
            Attempt::Done(outcomes) => return Ok(Ok(outcomes)),
            // Somebody has altered the table since it was looked at.
            Attempt::Fault(Fault::Refused(refusal, rows))
                if refusal.is_of_a_table_that_changed() && !was_forgotten =>
            {
                was_forgotten = true;
                rows.iter().for_each(|(place, _)| tables.forget(&place.name));
                tables.forget_log();
            }
            Attempt::Fault(fault) => return Ok(Err(fault)),
            Attempt::Lacks(columns) => {
                for (name, columns) in columns {
                    match tables.add(&name, &columns).await {
                        Err(error) if !error.is_retryable() => return Ok(Err(Fault::Table(error))),
                        added => added?,
                    }
                }
            }
        }
    }
    Err(Error::new(ErrorKind::Unavailable, "another program drops columns that documents need"))
}

/// A delivery whose table is known.
type Placed<'a> = (usize, &'a Delivery, Arc<Place>);

/// Finds the tables of deliveries, each once; those whose table does not fit have failed.
async fn place<'a>(
    tables: &Tables,
    deliveries: &[Numbered<'a>],
    outcomes: &mut Outcomes,
) -> Result<Vec<Placed<'a>>> {
    let mut placed = Vec::new();
    let mut places: HashMap<&str, Result<Arc<Place>>> = HashMap::new();
    for (number, delivery) in deliveries {
        let resource = delivery.routed.resource.name();
        let found = match places.get(resource) {
            Some(found) => found.clone(),
            None => {
                let found = tables.of(&delivery.routed).await.map(Arc::new);
                places.entry(resource).or_insert(found).clone()
            }
        };
        match found {
            Ok(place) => placed.push((*number, *delivery, place)),
            Err(error) if error.is_retryable() => return Err(error),
            Err(error) => outcomes.push((*number, Outcome::Failed(error.with("id", &delivery.id)))),
        }
    }
    Ok(placed)
}

/// The numbers that stand for documents, in the order in which every process locks them.
fn locks(placed: &[Placed<'_>]) -> Vec<String> {
    let mut locks: Vec<i64> =
        placed.iter().map(|(_, delivery, place)| place.name.lock(Some(&delivery.id))).collect();
    locks.sort_unstable();
    locks.dedup();
    locks.iter().map(i64::to_string).collect()
}

async fn attempt(tables: &Tables, batch: &Batch, deliveries: &[Numbered<'_>]) -> Result<Attempt> {
    let mut outcomes = Vec::new();
    let log = tables.log().await?;
    let placed = place(tables, deliveries, &mut outcomes).await?;
    if placed.is_empty() {
        return Ok(Attempt::Done(outcomes));
    }

    let connections = &tables.connections;
    let mut client = connections.get().await?;
    let begun = connections.answer(client.transaction()).await;
    let transaction = begun.map_err(|failure| failure.into_error(""))?;
    // First the locks, then the reading: what is read stays true until it is written, or another process reads after us.
    let begin = format!(
        "{} SELECT pg_advisory_xact_lock(k) FROM unnest(ARRAY[{}]::int8[]) AS k",
        connections.limits(),
        locks(&placed).join(",")
    );
    let locked = connections.answer(transaction.batch_execute(&begin)).await;
    locked.map_err(|failure| failure.into_error(""))?;

    let reads: Vec<_> = placed.iter().map(|(_, delivery, _)| batch.read(delivery)).collect();
    let writes: Vec<_> = stream::iter(reads).buffered(PARALLELISM).collect().await;

    let mut work = Work::default();
    for ((number, delivery, place), write) in placed.iter().zip(writes) {
        let failed = match write {
            Ok(write) => work.take(tables, delivery, place, write),
            Err(error) => Some(error),
        };
        if failed.is_none() && log.is_some() {
            work.log(delivery);
        }
        outcomes.push((*number, failed.map_or(Outcome::Done, Outcome::Failed)));
    }
    let lacking = work.lacks();
    if !lacking.is_empty() {
        return Ok(Attempt::Lacks(lacking));
    }
    let written = match work.write(tables, &transaction, log.as_ref()).await {
        // Some constraints are looked at last.
        Ok(()) => connections.answer(transaction.commit()).await,
        failed => failed,
    };
    match written {
        Ok(()) => Ok(Attempt::Done(outcomes)),
        Err(Failure::Refused(refusal)) => Ok(Attempt::Fault(Fault::Refused(refusal, work.into_rows()))),
        Err(Failure::Lost(error)) => Err(error),
    }
}
