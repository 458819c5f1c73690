//! The sequence behind incremental ids: look at it, set it, take from it.

use futures::stream::{self, StreamExt as _, TryStreamExt as _};

use super::{Resource, State};
use crate::id::{IdGenerator, Incremental};
use crate::key::ParsedKey;
use crate::sequence::{BatchStatus, IdBatch, Sequence, SequenceInfo};
use crate::store::ListRequest;
use crate::{Document, Error, ErrorKind, Result};

/// The field that ids are numbers of.
const ID: &str = "id";

impl Resource {
    /// The number that the sequence of a field hands out next; `None` before its first number. The sequence of
    /// incremental ids is that of the field `id`.
    ///
    /// ```
    /// # fn main() -> s3db_core::Result<()> { tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// use s3db_core::id::{IdGenerator, Incremental};
    /// use s3db_core::{Database, ResourceConfig};
    /// use serde_json::json;
    ///
    /// let db = Database::connect("memory://shop/sequences").await?;
    /// let ids = IdGenerator::Incremental(Incremental::parse("incremental:ORD-0001")?);
    /// let orders = db.create_resource(ResourceConfig::new("orders", json!({"item": "string"})).id_generator(ids)).await?;
    ///
    /// assert_eq!(orders.insert(json!({"item": "tea"})).await?.id, "ORD-0001");
    /// assert_eq!(orders.sequence_value("id").await?, Some(2));
    ///
    /// let batch = orders.reserve_batch(3).await?;
    /// assert_eq!(batch.ids().collect::<Vec<_>>(), ["ORD-0002", "ORD-0003", "ORD-0004"]);
    ///
    /// orders.reset_sequence("id", 1000).await?;
    /// assert_eq!(orders.insert(json!({"item": "rice"})).await?.id, "ORD-1000");
    /// assert_eq!(orders.list_sequences().await?[0].next, 1001);
    /// # Ok(()) }) }
    /// ```
    ///
    /// Requests: 1 GET. Errors: `Config` for a bad field name, `Corrupt` when the object cannot be understood.
    pub async fn sequence_value(&self, field: &str) -> Result<Option<i64>> {
        let info = self.sequence(field)?.read().await.map_err(|error| self.in_resource(error))?;
        Ok(info.map(|info| info.next))
    }

    /// Sets the number that the sequence of a field hands out next. A lower one than before can meet ids that are taken;
    /// such inserts fail with `AlreadyExists`. Batches that other processes have reserved stay theirs.
    ///
    /// Also mends a value object that cannot be understood.
    ///
    /// Requests: 1 GET + 1 conditional PUT. Errors: `Config` for a bad field name or a number beyond ±2⁵³, `Conflict`
    /// when other writers kept coming between.
    pub async fn reset_sequence(&self, field: &str, next: i64) -> Result<()> {
        self.sequence(field)?.reset(next).await.map_err(|error| self.in_resource(error))
    }

    /// All sequences of the resource, by field.
    ///
    /// Requests: 1 LIST per thousand, and 1 GET per sequence. Errors: `Corrupt` when one cannot be understood.
    pub async fn list_sequences(&self) -> Result<Vec<SequenceInfo>> {
        let keys = self.db.keys.sequences(self.name())?;
        let mut fields = Vec::new();
        let mut continuation = None;
        loop {
            let request = ListRequest {
                prefix: keys.clone(),
                continuation: continuation.take(),
                ..ListRequest::default()
            };
            let page = self.store.list(request).await.map_err(|error| self.in_resource(error))?;
            for object in &page.entries {
                if let ParsedKey::Sequence { field, lock: false, .. } = self.db.keys.parse(&object.key) {
                    fields.push(field.to_owned());
                }
            }
            match page.continuation {
                Some(next) => continuation = Some(next),
                None => break,
            }
        }
        let reads = fields.iter().map(|field| async move { self.sequence(field)?.read().await });
        let found: Vec<Option<SequenceInfo>> = stream::iter(reads)
            .buffered(self.db.options.parallelism)
            .try_collect()
            .await
            .map_err(|error| self.in_resource(error))?;
        Ok(found.into_iter().flatten().collect())
    }

    /// Takes `count` ids of an incremental resource for the caller, who gives them to documents himself. Inserts do not
    /// use them.
    ///
    /// Requests: 1 GET + 1 conditional PUT. Errors: `Config` when the resource has no incremental ids, or for a count
    /// that is not from 1 to 100,000; `Conflict` when other writers kept coming between.
    pub async fn reserve_batch(&self, count: u32) -> Result<IdBatch> {
        let IdGenerator::Incremental(settings) = self.id_generator() else {
            let error = Error::new(ErrorKind::Config, "the resource has no incremental ids")
                .hint("create it with an incremental id generator");
            return Err(self.in_resource(error));
        };
        self.sequence(ID)?.reserve(&settings, count).await.map_err(|error| self.in_resource(error))
    }

    /// The batch that inserts of this process take ids from; `None` before the first insert, and where ids are not taken
    /// in batches. Sends nothing.
    pub fn batch_status(&self) -> Option<BatchStatus> {
        self.shared.sequences.of(ID).batch_status()
    }

    /// Gives up what is left of that batch, so that the next insert reserves another. The numbers are a gap.
    /// Returns what was given up. Sends nothing.
    pub fn release_batch(&self) -> Option<BatchStatus> {
        self.shared.sequences.of(ID).release_batch()
    }

    /// Which ids documents get that come without one.
    pub fn id_generator(&self) -> IdGenerator {
        self.shared.custom_ids().unwrap_or_else(|| self.state().ids.clone())
    }

    /// An id for a validated document that came without one.
    pub(super) async fn draw_id(&self, state: &State, document: &Document) -> Result<String> {
        let custom = self.shared.custom_ids();
        let ids = custom.as_ref().unwrap_or(&state.ids);
        let drawn = match ids {
            IdGenerator::Incremental(settings) => self.next_id(settings).await,
            ids => {
                let env = self.db.env.as_ref();
                ids.generate(env, env.now_ms(), document).map(Option::unwrap_or_default)
            }
        };
        drawn.map_err(|error| self.in_resource(error))
    }

    async fn next_id(&self, settings: &Incremental) -> Result<String> {
        Ok(settings.format(self.sequence(ID)?.next(settings).await?))
    }

    fn sequence<'a>(&'a self, field: &'a str) -> Result<Sequence<'a>> {
        Ok(Sequence {
            store: self.store.as_ref(),
            env: self.db.env.as_ref(),
            key: self.db.keys.sequence(self.name(), field).map_err(|error| self.in_resource(error))?,
            field,
            local: self.shared.sequences.of(field),
        })
    }

    fn in_resource(&self, error: Error) -> Error {
        error.with("resource", self.name())
    }
}
