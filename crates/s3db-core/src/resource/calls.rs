//! The way of a call: layers, hooks, verb.

use std::future::Future;
use std::sync::Arc;

use super::{OpenedContent, PartitionView, Record, Resource, Shared, State};
use crate::op::{
    Answer, Chain, HookCall, HookPoint, Layers, Op, OpLayer, PartitionArgs, Registration, Stage,
};
use crate::{Document, Error, Result};

impl Resource {
    /// Puts a layer around the verbs of this resource, for all its handles in this process.
    pub fn layer(&self, stage: Stage, layer: Arc<dyn OpLayer>) -> Registration {
        self.shared.layers.add(stage, layer)
    }

    /// Runs `hook` before or after a verb, for all handles of this resource in this process. `name` stands in errors, and
    /// tells which hook of the [catalogue](Self::stored_hooks) it is.
    ///
    /// ```
    /// # fn main() -> s3db_core::Result<()> { tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// use s3db_core::op::HookPoint;
    /// use s3db_core::{Database, ResourceConfig};
    /// use serde_json::json;
    ///
    /// let db = Database::connect("memory://shop/hooks").await?;
    /// let users = db.create_resource(ResourceConfig::new("users", json!({"name": "string", "slug": "string|optional"}))).await?;
    /// users
    ///     .hook(HookPoint::BeforeInsert, "slug", |mut call| async move {
    ///         if let Some(document) = &mut call.document {
    ///             let slug = document["name"].as_str().unwrap_or("").to_lowercase();
    ///             document.insert("slug".into(), slug.into());
    ///         }
    ///         Ok(call)
    ///     })
    ///     .keep();
    /// assert_eq!(users.insert(json!({"name": "Ann"})).await?.data["slug"], "ann");
    /// # Ok(()) }) }
    /// ```
    pub fn hook<F, R>(&self, point: HookPoint, name: &str, hook: F) -> Registration
    where
        F: Fn(HookCall) -> R + Send + Sync + 'static,
        R: Future<Output = Result<HookCall>> + Send + 'static,
    {
        self.shared.hooks.add(point, name, None, hook)
    }

    /// A handle whose calls skip all layers and hooks.
    pub(crate) fn bare(&self) -> Self {
        Self { is_bare: true, ..self.clone() }
    }

    /// A handle whose reads skip the layers of [`Stage::Cache`], so that they are answered by the store. Its writes go through
    /// them, as any.
    pub fn uncached(&self) -> Self {
        Self { skipped: Some(Stage::Cache), ..self.clone() }
    }

    /// What a call goes through; `None` where there is nothing, so that the verb can run at once.
    pub(super) fn chain(&self) -> Option<Chain> {
        let Shared { layers, hooks, .. } = self.shared.as_ref();
        let is_used = self.db.layers.is_used() || layers.is_used();
        let is_used = is_used || self.db.hooks.is_around() || hooks.is_around();
        (is_used && !self.is_bare).then(|| Layers::chain(&self.db.layers, layers, self.skipped))
    }

    /// Runs a call without its layers: the hooks around it, and the verb.
    pub(crate) async fn run_hooked(&self, op: Op<'_>) -> Result<Answer> {
        if self.is_bare {
            return self.run_verb(op).await;
        }
        let at = |error: Error| error.with("resource", self.name());
        let hooks = [&self.db.hooks, &self.shared.hooks];
        let mut op = op;
        for hooks in hooks {
            op = hooks.before_call(self.name(), op).await.map_err(at)?;
        }
        let after = hooks.map(|hooks| hooks.after_call(self.name(), &op));
        let mut answer = self.run_verb(op).await?;
        for after in after.into_iter().flatten() {
            answer = after.run(answer).await.map_err(at)?;
        }
        Ok(answer)
    }

    async fn run_verb(&self, op: Op<'_>) -> Result<Answer> {
        Ok(match op {
            Op::Insert { document } => Answer::Record(Box::new(self.insert_now(document).await?)),
            Op::Get { id } => Answer::Found(self.get_now(&id).await?.map(Box::new)),
            Op::GetMany { ids } => Answer::Records(self.get_many_now(ids).await),
            Op::Exists { id } => Answer::Exists(self.exists_now(&id).await?),
            Op::Update { id, change, if_match } => {
                Answer::Record(Box::new(self.update_now(&id, &change, if_match.as_ref()).await?))
            }
            Op::Replace { id, document, if_match } => {
                Answer::Record(Box::new(self.replace_now(&id, document, if_match.as_ref()).await?))
            }
            Op::Upsert { document } => Answer::Record(Box::new(self.upsert_now(document).await?)),
            Op::Delete { id, if_match } => {
                self.delete_now(&id, if_match.as_ref()).await?;
                Answer::Deleted
            }
            Op::DeleteMany { ids } => Answer::Batch(self.delete_many_now(ids).await),
            Op::DeleteAll { force } => Answer::Count(self.delete_all_now(force).await?),
            Op::List { partition: None, options } => Answer::Listing(self.list_now(options).await?),
            Op::List { partition: Some(partition), options } => {
                Answer::Listing(self.view(partition, false)?.list_now(options).await?)
            }
            Op::ListIds { partition: None, options, .. } => Answer::Ids(self.list_ids_now(options).await?),
            Op::ListIds { partition: Some(partition), options, verified } => {
                Answer::Ids(self.view(partition, verified)?.list_ids_now(options).await?)
            }
            Op::Page { partition: None, size, cursor } => {
                Answer::Page(self.page_now(size, cursor.as_deref()).await?)
            }
            Op::Page { partition: Some(partition), size, cursor } => {
                Answer::Page(self.view(partition, false)?.page_now(size, cursor.as_deref()).await?)
            }
            Op::Count { partition: None, .. } => Answer::Count(self.count_now().await?),
            Op::Count { partition: Some(partition), verified } => {
                Answer::Count(self.view(partition, verified)?.count_now().await?)
            }
            Op::Query(args) => self.query_now(*args).await?,
            Op::Content { id, range, streamed: false } => {
                Answer::Content(self.content_now(&id, range).await?.map(Box::new))
            }
            Op::Content { id, range, streamed: true } => {
                Answer::ContentStream(self.open_content_now(&id, range).await?.map(OpenedContent::new))
            }
            Op::HasContent { id } => Answer::Exists(self.has_content_now(&id).await?),
            Op::SetContent { id, content, if_match } => {
                Answer::Record(Box::new(self.set_content_now(&id, &content, if_match.as_ref()).await?))
            }
            Op::DeleteContent { id, if_match } => {
                Answer::Record(Box::new(self.delete_content_now(&id, if_match.as_ref()).await?))
            }
            Op::History { id, options } => Answer::History(self.history_now(&id, options).await?),
            Op::GetVersion { id, at } => Answer::Found(self.get_at_now(&id, &at).await?.map(Box::new)),
            Op::Undo { id, version_id } => {
                Answer::Record(Box::new(self.undo_now(&id, version_id.as_deref()).await?))
            }
        })
    }

    fn view(&self, partition: PartitionArgs, verified: bool) -> Result<PartitionView> {
        Ok(self.partition(&partition.name, partition.values.into())?.verified(verified))
    }

    pub(super) fn has_hook(&self, point: HookPoint) -> bool {
        !self.is_bare && self.is_hooked(point)
    }

    /// Whether hooks of the database or of the resource run at a point, for handles that do not skip them.
    pub(super) fn is_hooked(&self, point: HookPoint) -> bool {
        self.db.hooks.has(point, self.name()) || self.shared.hooks.has(point, self.name())
    }

    /// Runs the hooks of the database, then those of the resource.
    async fn run_hooks(&self, point: HookPoint, call: HookCall) -> Result<HookCall> {
        let call = self.db.hooks.run(point, call).await?;
        self.shared.hooks.run(point, call).await
    }

    /// What is to be written, after the hooks of a point have seen it.
    pub(super) async fn before_write(
        &self,
        point: HookPoint,
        id: Option<&str>,
        document: Document,
        stored: Option<&Document>,
    ) -> Result<Document> {
        if !self.has_hook(point) {
            return Ok(document);
        }
        let call = self.hook_call(id, Some(document), stored.cloned());
        Ok(self.run_hooks(point, call).await?.document.unwrap_or_default())
    }

    /// What the caller gets, after the hooks of a point have seen it.
    pub(super) async fn after(
        &self,
        point: HookPoint,
        record: Record,
        stored: Option<Document>,
    ) -> Result<Record> {
        if !self.has_hook(point) {
            return Ok(record);
        }
        let call = self.hook_call(Some(&record.id), Some(record.data), stored);
        let data = self.run_hooks(point, call).await?.document.unwrap_or_default();
        Ok(Record { id: record.id, data, meta: record.meta })
    }

    /// Runs the hooks of a point that can only refuse.
    pub(super) async fn ask_hooks(
        &self,
        point: HookPoint,
        id: &str,
        stored: Option<&Document>,
    ) -> Result<()> {
        if self.has_hook(point) {
            self.run_hooks(point, self.hook_call(Some(id), None, stored.cloned())).await?;
        }
        Ok(())
    }

    fn hook_call(&self, id: Option<&str>, document: Option<Document>, stored: Option<Document>) -> HookCall {
        HookCall { id: id.map(str::to_owned), document, stored, ..HookCall::of(self.name()) }
    }

    /// Hooks that the catalogue names. Those of s3db.js are functions of JavaScript: they are kept where they are, and do
    /// not run here; whoever needs one registers its like under the same name with [`hook`](Self::hook).
    pub fn stored_hooks(&self) -> Vec<StoredHook> {
        let state: Arc<State> = self.state();
        let is_registered = |point: &str, name: &str| {
            let mut points = HookPoint::ALL.iter().filter(|known| known.as_str() == point);
            points.any(|point| {
                self.db.hooks.has_named(*point, self.name(), name)
                    || self.shared.hooks.has_named(*point, self.name(), name)
            })
        };
        state
            .stored_hooks
            .iter()
            .map(|(point, name)| StoredHook {
                point: point.clone(),
                name: name.clone(),
                is_registered: name.as_ref().is_some_and(|name| is_registered(point, name)),
            })
            .collect()
    }
}

/// A hook that the catalogue names.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoredHook {
    /// When it runs, such as `beforeInsert`.
    pub point: String,
    /// Its name, where it has one. The nameless of `afterInsert` and `afterDelete` are those by which s3db.js keeps its
    /// partitions.
    pub name: Option<String>,
    /// Whether this process has registered a hook of that name.
    pub is_registered: bool,
}
