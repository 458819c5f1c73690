//! Reading by partition.

use futures::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};
use serde_json::Value;

use super::list::Scanned;
use super::{ListOptions, Listing, Page, Query, Record, Resource, State, document};
use crate::key::{Lookup, Partition};
use crate::op::{Op, PartitionArgs};
use crate::query::{Cursor, Position};
use crate::{Document, Error, ErrorKind, Result};

/// The documents that have given values in the fields of a partition, made by [`Resource::partition`].
///
/// Documents that are read are checked: one that has moved away or is gone is passed over, whatever its reference says.
/// [`list_ids`](Self::list_ids) and [`count`](Self::count) read references alone, unless [`verified`](Self::verified)
/// asks for more, and can name or count a document too many after a crash of a writer, until `fsck`.
#[derive(Debug, Clone)]
#[must_use = "a view of a partition does nothing by itself"]
pub struct PartitionView {
    pub(super) resource: Resource,
    pub(super) partition: Partition,
    /// As they were given.
    pub(super) values: Document,
    lookup: Lookup,
    verified: bool,
}

impl Resource {
    /// The documents with these values in the fields of a partition: of all fields, or of some; `{}` for all documents
    /// of the partition. The values pass through the rules of their fields, so that a time finds its day. Sends nothing.
    ///
    /// Leading fields of the key narrow the listing; others are compared key by key, which lists the whole partition.
    ///
    /// ```
    /// # fn main() -> s3db_core::Result<()> { tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// use s3db_core::{Database, ResourceConfig};
    /// use serde_json::json;
    ///
    /// let db = Database::connect("memory://shop/partitions").await?;
    /// let users = ResourceConfig::new("users", json!({"name": "string", "country": "string"}))
    ///     .partitions(json!({"byCountry": {"fields": {"country": "string"}}}));
    /// let users = db.create_resource(users).await?;
    /// users.insert(json!({"name": "Ann", "country": "PT"})).await?;
    ///
    /// let portuguese = users.partition("byCountry", json!({"country": "PT"}))?;
    /// assert_eq!(portuguese.count().await?, 1);
    /// assert_eq!(portuguese.get_all().await?.records[0].data["name"], "Ann");
    /// # Ok(()) }) }
    /// ```
    ///
    /// Errors: `Config` for a partition that there is not, naming those there are; `Validation` for a field that the
    /// partition lacks.
    pub fn partition(&self, name: &str, values: Value) -> Result<PartitionView> {
        let in_resource = |error: Error| error.with("resource", self.name());
        let state = self.state();
        let partition = self.named_partition(&state, name)?;
        let values = document(values).map_err(in_resource)?;
        let lookup =
            Lookup::of_values(partition, &self.db.keys, self.name(), &values).map_err(in_resource)?;
        let (resource, partition) = (self.clone(), partition.clone());
        Ok(PartitionView { resource, partition, values, lookup, verified: false })
    }

    /// The same for values that come as text, from a command line or a URL: each is read as the type of its field.
    ///
    /// Errors: as [`partition`](Self::partition); `Validation` for a text that is not a number where one is wanted.
    pub fn partition_of_texts<F, T>(
        &self,
        name: &str,
        values: impl IntoIterator<Item = (F, T)>,
    ) -> Result<PartitionView>
    where
        F: Into<String>,
        T: Into<String>,
    {
        let state = self.state();
        let mut typed = Document::new();
        for (path, text) in values {
            let (path, text) = (path.into(), text.into());
            let is_number = state.schema.field(&path).is_some_and(|field| field.type_word == "number");
            let value = if is_number {
                let number = serde_json::from_str::<serde_json::Number>(&text).map_err(|_| {
                    Error::new(ErrorKind::Validation, "the value is not a number")
                        .with("resource", self.name())
                        .with("field", &path)
                        .with("value", &text)
                })?;
                Value::Number(number)
            } else {
                Value::String(text)
            };
            typed.insert(path, value);
        }
        self.partition(name, typed.into())
    }

    pub(super) fn named_partition<'s>(&self, state: &'s State, name: &str) -> Result<&'s Partition> {
        state.partitions.iter().find(|partition| partition.name == name).ok_or_else(|| {
            let known: Vec<&str> = state.partitions.iter().map(|partition| partition.name.as_str()).collect();
            let hint = match known.as_slice() {
                [] => "the resource has no partitions".to_owned(),
                known => format!("the partitions are: {}", known.join(", ")),
            };
            Error::new(ErrorKind::Config, "the resource has no such partition")
                .with("partition", name)
                .with("resource", self.name())
                .hint(hint)
        })
    }

    /// Reads a document if it has these values in a partition.
    ///
    /// Requests: 1 GET. Errors: as [`partition`](Self::partition); `NotFound` also when the document has other values.
    pub async fn get_from_partition(&self, id: &str, name: &str, values: Value) -> Result<Record> {
        self.partition(name, values)?.get(id).await
    }
}

impl PartitionView {
    /// Makes [`list_ids`](Self::list_ids) and [`count`](Self::count) read every document, at 1 GET each.
    pub fn verified(mut self, verified: bool) -> Self {
        self.verified = verified;
        self
    }

    /// Ids, in the order of their UTF-8 bytes. Requests: 1 LIST per 1,000 references.
    pub async fn list_ids(&self, options: ListOptions) -> Result<Vec<String>> {
        let Some(chain) = self.resource.chain() else {
            return self.list_ids_now(options).await;
        };
        let op = Op::ListIds { partition: Some(self.args()), options, verified: self.verified };
        chain.run(&self.resource, op).await?.ids()
    }

    pub(super) async fn list_ids_now(&self, options: ListOptions) -> Result<Vec<String>> {
        let limit = options.limit.unwrap_or(usize::MAX);
        if self.verified {
            return Ok(self.take(options.after, limit).await?.0.ids());
        }
        self.ids(options.after, limit).take(limit).try_collect().await
    }

    /// Documents, in the order of their ids.
    ///
    /// Requests: 1 LIST per 1,000 references + 1 GET a document.
    pub async fn list(&self, options: ListOptions) -> Result<Listing> {
        let Some(chain) = self.resource.chain() else {
            return self.list_now(options).await;
        };
        let op = Op::List { partition: Some(self.args()), options };
        chain.run(&self.resource, op).await?.listing()
    }

    pub(super) async fn list_now(&self, options: ListOptions) -> Result<Listing> {
        let (mut listing, _) = self.take(options.after, options.limit.unwrap_or(usize::MAX)).await?;
        self.resource.after_reads(&mut listing.records, &mut listing.unreadable).await?;
        Ok(listing)
    }

    /// All documents of the view. Requests: as [`list`](Self::list).
    pub async fn get_all(&self) -> Result<Listing> {
        self.list(ListOptions::default()).await
    }

    /// Number of references. Requests: 1 LIST per 1,000.
    pub async fn count(&self) -> Result<u64> {
        let Some(chain) = self.resource.chain() else {
            return self.count_now().await;
        };
        let op = Op::Count { partition: Some(self.args()), verified: self.verified };
        chain.run(&self.resource, op).await?.count()
    }

    pub(super) async fn count_now(&self) -> Result<u64> {
        if self.verified {
            return Ok(self.take(None, usize::MAX).await?.0.ids().len() as u64);
        }
        self.resource.count_references(&self.lookup).await
    }

    /// One page of `size` documents (100 when 0), and the cursor of the next.
    ///
    /// Requests: where all fields are given, 1 LIST per 1,000 references of the page, otherwise of the view; + 1 GET a
    /// document.
    /// Errors: `Config` for a cursor of another view.
    pub async fn page(&self, size: usize, cursor: Option<&str>) -> Result<Page> {
        let Some(chain) = self.resource.chain() else {
            return self.page_now(size, cursor).await;
        };
        let (size, cursor) = (super::list::page_size(size), cursor.map(str::to_owned));
        let op = Op::Page { partition: Some(self.args()), size, cursor };
        chain.run(&self.resource, op).await?.page()
    }

    pub(super) async fn page_now(&self, size: usize, cursor: Option<&str>) -> Result<Page> {
        let size = super::list::page_size(size);
        let scope = format!("page:{}:{}", self.resource.name(), self.scope());
        let after =
            cursor.map(|cursor| Cursor::decode(cursor, &scope)).transpose()?.map(|position| position.id);
        let (mut listing, last) = self.take(after, size).await?;
        self.resource.after_reads(&mut listing.records, &mut listing.unreadable).await?;
        let next_cursor = last.map(|id| Cursor::new(scope, Position { values: Vec::new(), id }).encode());
        Ok(Page { records: listing.records, unreadable: listing.unreadable, next_cursor })
    }

    /// Reads a document of the view.
    ///
    /// Requests: 1 GET. Errors: `NotFound` also when the document has other values.
    pub async fn get(&self, id: &str) -> Result<Record> {
        let record = self.resource.get(id).await?;
        if self.holds(&record) {
            return Ok(record);
        }
        Err(self.resource.not_found(id).with("partition", &self.partition.name))
    }

    /// Starts a query of these documents; see [`Resource::query`].
    pub fn query(&self, filter: Value) -> Query {
        self.resource.query(filter).within(self.clone())
    }

    /// The partition and its values, as they were given.
    pub(super) fn args(&self) -> PartitionArgs {
        PartitionArgs { name: self.partition.name.clone(), values: self.values.clone() }
    }

    pub(super) fn resource(&self) -> &Resource {
        &self.resource
    }

    pub(super) fn lookup(&self) -> &Lookup {
        &self.lookup
    }

    pub(super) fn definition(&self) -> &Partition {
        &self.partition
    }

    /// Whether a document, as it is now, belongs here.
    pub(super) fn holds(&self, record: &Record) -> bool {
        let Resource { db, shared, .. } = &self.resource;
        let key = self.partition.foreign_key(
            &db.keys,
            &shared.name,
            &record.id,
            &record.data,
            &record.meta.version,
        );
        key.is_some_and(|key| self.lookup.matches(&key))
    }

    /// What a cursor is bound to.
    pub(super) fn scope(&self) -> String {
        let prefixes: Vec<&str> = self.lookup.ranges().iter().map(|range| range.prefix.as_str()).collect();
        format!("{}{:?}", prefixes.join("|"), self.lookup.wanted())
    }

    pub(super) fn ids(&self, after: Option<String>, need: usize) -> BoxStream<'_, Result<String>> {
        let found = self.resource.referenced(&self.lookup, after, need, Box::new(|_, _| Some(None)));
        found.map_ok(|(id, _)| id).boxed()
    }

    /// Up to `limit` documents after an id, and where to go on when there may be more. Reads no more documents than it
    /// returns, but for those that a reference names in vain.
    async fn take(&self, after: Option<String>, limit: usize) -> Result<(Listing, Option<String>)> {
        let mut listing = Listing::default();
        let mut ids = self.ids(after, limit.saturating_add(1));
        let mut waiting: Vec<String> = Vec::new();
        let mut last = None;
        loop {
            let missing = limit.saturating_sub(listing.records.len() + listing.unreadable.len());
            if missing == 0 {
                let more = ids.try_next().await?.is_some();
                return Ok((listing, last.filter(|_| more)));
            }
            // So many that the requests in flight never fall short, and never all of a large partition.
            let batch = missing.min(self.resource.db.options.parallelism.saturating_mul(8));
            while waiting.len() < batch
                && let Some(id) = ids.try_next().await?
            {
                waiting.push(id);
            }
            if waiting.is_empty() {
                return Ok((listing, None));
            }
            last = waiting.last().cloned();
            let fetched = stream::iter(waiting.drain(..).map(Ok));
            let mut documents =
                std::pin::pin!(self.resource.fetch_all(fetched, self.resource.db.options.parallelism));
            while let Some(scanned) = documents.next().await {
                match scanned? {
                    Scanned::Record(record) if self.holds(&record) => listing.records.push(record),
                    Scanned::Record(_) => {}
                    Scanned::Unreadable(unreadable) => listing.unreadable.push(unreadable),
                }
            }
        }
    }
}

impl Listing {
    fn ids(self) -> Vec<String> {
        self.records.into_iter().map(|record| record.id).collect()
    }
}
