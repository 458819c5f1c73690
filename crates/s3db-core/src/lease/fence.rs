//! Fencing: how what a lease protects tells a late holder from the one in charge.

use crate::{Document, Error, ErrorKind, Result};

/// The fencing number of a lease, to be left in whatever the lease protects.
///
/// A holder can be stopped for any time between looking at its lease and writing: by the operating system, by a full
/// disk, by the network. No clock helps against that. A number does: every write leaves the writer's epoch in what it
/// writes, and refuses when a higher one is there. The check and the write must be one step, which a conditional write
/// makes of them.
///
/// ```
/// # fn main() -> s3db_core::Result<()> { tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use s3db_core::lease::{AcquireOptions, Fence};
/// use s3db_core::{Database, ErrorKind, ResourceConfig};
/// use serde_json::json;
///
/// let db = Database::connect("memory://bank/fence").await?;
/// let leases = db.plugin_storage("ledger")?.leases();
/// let books = db.create_resource(ResourceConfig::new("books", json!({"total": "number", "epoch": "number"}))).await?;
/// books.insert(json!({"id": "main", "total": 0, "epoch": 0})).await?;
///
/// let lease = leases.acquire("close-the-books", AcquireOptions::default()).await?.expect("nobody holds it");
/// let fence = lease.fence();
/// books
///     .update_with("main", |book| {
///         fence.mark(book, "epoch")?;
///         book["total"] = json!(100);
///         Ok(())
///     })
///     .await?;
///
/// // Somebody who held the lease before, and has slept since.
/// let late = Fence::new(fence.epoch() - 1);
/// let refused = books.update_with("main", |book| late.mark(book, "epoch")).await.unwrap_err();
/// assert_eq!(refused.kind(), ErrorKind::Conflict);
/// assert_eq!(refused.message(), "a later holder of the lease has written already");
/// # Ok(()) }) }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fence {
    epoch: u64,
}

impl Fence {
    /// The fence of an epoch.
    pub fn new(epoch: u64) -> Self {
        Self { epoch }
    }

    /// The epoch.
    pub fn epoch(self) -> u64 {
        self.epoch
    }

    /// Whether a holder of this epoch may write over what the epoch `last` wrote; `None` when nobody has.
    ///
    /// Errors: `Conflict` when a later holder has written.
    pub fn admit(self, last: Option<u64>) -> Result<()> {
        match last {
            Some(last) if last > self.epoch => {
                Err(Error::new(ErrorKind::Conflict, "a later holder of the lease has written already")
                    .with("epoch", self.epoch)
                    .with("last_epoch", last)
                    .hint("this holder's lease ended; stop its work"))
            }
            _ => Ok(()),
        }
    }

    /// [Admits](Self::admit) by the epoch in a field of `document`, and leaves this epoch there. An absent or null field
    /// admits everybody.
    ///
    /// Errors: as [`admit`](Self::admit); `Corrupt` when the field is no epoch.
    pub fn mark(self, document: &mut Document, field: &str) -> Result<()> {
        let last = match document.get(field) {
            None | Some(serde_json::Value::Null) => None,
            Some(value) => Some(whole(value).ok_or_else(|| {
                Error::new(ErrorKind::Corrupt, "the field holds no epoch").with("field", field)
            })?),
        };
        self.admit(last)?;
        document.insert(field.to_owned(), self.epoch.into());
        Ok(())
    }
}

fn whole(value: &serde_json::Value) -> Option<u64> {
    let float = || value.as_f64().filter(|n| n.fract() == 0.0 && (0.0..=9e15).contains(n)).map(|n| n as u64);
    value.as_u64().or_else(float)
}
