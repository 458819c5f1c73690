//! What a database tells those who listen.

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::Arc;

use futures::FutureExt as _;
use serde_json::Value;

use super::Database;
use crate::Result;
use crate::catalog::Catalog;
use crate::op::Stage;

mod bus;
mod calls;
mod event;
mod filter;
mod listener;

pub(crate) use bus::EventSender;
pub use bus::Events;
use calls::Calls;
pub use event::{ChangedDefinition, Event, EventKind, PluginNews};
pub use filter::EventFilter;
pub(super) use listener::Callback;
pub use listener::Listener;

impl Database {
    /// Listens to what no result of a call shows. What opening the database had to tell, such as a catalogue that was
    /// mended, comes first, for every listener.
    pub fn events(&self) -> Events {
        self.events_of(EventFilter::notices())
    }

    /// Listens to the events of a filter.
    ///
    /// While somebody listens to changes, deletes read what they delete: 1 GET in place of 1 HEAD.
    ///
    /// ```
    /// # fn main() -> s3db_core::Result<()> { tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// use s3db_core::database::EventFilter;
    /// use s3db_core::{Database, Event, ResourceConfig};
    /// use serde_json::json;
    ///
    /// let db = Database::connect("memory://shop/events").await?;
    /// let users = db.create_resource(ResourceConfig::new("users", json!({"name": "string"}))).await?;
    /// let mut changes = db.events_of(EventFilter::changes().resource("users"));
    /// users.insert(json!({"id": "ann", "name": "Ann"})).await?;
    /// let Some(Event::Changed(change)) = changes.next().await else { panic!("a change") };
    /// assert_eq!(change.id, "ann");
    /// # Ok(()) }) }
    /// ```
    pub fn events_of(&self, filter: EventFilter) -> Events {
        let wants_calls = filter.wants_calls();
        let mut events = self.inner.events.subscribe(filter);
        if wants_calls {
            let calls = Arc::new(Calls(events.queue().clone()));
            events.set_calls(self.inner.layers.add(Stage::Observe, calls));
        }
        events
    }

    /// Calls `listener` with each event of a filter, one after the other, in a task of its own, until the [`Listener`] is
    /// dropped. No call of the database ever waits for it.
    ///
    /// ```
    /// # fn main() -> s3db_core::Result<()> { tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// use s3db_core::Database;
    /// use s3db_core::database::EventFilter;
    ///
    /// let db = Database::connect("memory://shop/on").await?;
    /// let listener = db.on(EventFilter::notices(), |event| async move { eprintln!("{event:?}") })?;
    /// listener.keep();
    /// # Ok(()) }) }
    /// ```
    ///
    /// Errors: `Config` outside a Tokio runtime.
    pub fn on<F, R>(&self, filter: EventFilter, listener: F) -> Result<Listener>
    where
        F: Fn(Event) -> R + Send + Sync + 'static,
        R: Future<Output = ()> + Send + 'static,
    {
        self.on_callback(filter, callback(listener))
    }

    pub(super) fn on_callback(&self, filter: EventFilter, callback: Callback) -> Result<Listener> {
        Listener::start(self.events_of(filter), callback)
    }
}

/// What is different between two catalogues, by name of the resource.
pub(super) fn differences(before: &Catalog, after: &Catalog) -> Vec<ChangedDefinition> {
    let version = |catalog: &Catalog, name: &str| {
        let version = catalog.entry(name)?.get("currentVersion").and_then(Value::as_str);
        Some(version.unwrap_or("v1").to_owned())
    };
    let names: BTreeSet<&str> = before.resource_names().chain(after.resource_names()).collect();
    let changes = names.into_iter().filter(|name| before.entry(name) != after.entry(name));
    let change = |name: &str| ChangedDefinition {
        resource: name.to_owned(),
        from: version(before, name),
        to: version(after, name),
    };
    changes.map(change).collect()
}

pub(super) fn callback<F, R>(listener: F) -> Callback
where
    F: Fn(Event) -> R + Send + Sync + 'static,
    R: Future<Output = ()> + Send + 'static,
{
    Arc::new(move |event| listener(event).boxed())
}
