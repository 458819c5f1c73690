//! On whose behalf a write is done.
//!
//! A program that serves many people says for whom each call is; what follows changes, such as an audit, finds it in
//! [`Change::actor`](crate::database::Change::actor).

use std::future::Future;
use std::sync::Arc;

tokio::task_local! {
    static ACTOR: Arc<str>;
}

/// Runs `work` on behalf of `actor`: the name of a user, or of a part of the program. Tasks that `work` spawns know nothing of
/// it.
///
/// ```
/// # fn main() -> s3db_core::Result<()> { tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use s3db_core::{Database, ResourceConfig, actor};
/// use s3db_core::database::ChangeOptions;
/// use serde_json::json;
///
/// let db = Database::connect("memory://shop/actors").await?;
/// let users = db.create_resource(ResourceConfig::new("users", json!({"name": "string"}))).await?;
/// let mut changes = db.changes(ChangeOptions::new());
/// actor::acting_as("alice", users.insert(json!({"name": "Ann"}))).await?;
/// assert_eq!(changes.next().await.unwrap().actor.as_deref(), Some("alice"));
/// # Ok(()) }) }
/// ```
pub async fn acting_as<F: Future>(actor: impl Into<Arc<str>>, work: F) -> F::Output {
    ACTOR.scope(actor.into(), work).await
}

/// On whose behalf this runs, if somebody has said so.
pub fn current() -> Option<Arc<str>> {
    ACTOR.try_with(Arc::clone).ok()
}
