//! Sending documents again, as they are now.

use std::pin::pin;
use std::sync::Arc;

use futures::StreamExt as _;
use s3db_core::plugin::Shutdown;
use s3db_core::{Database, Error, ErrorKind, Result};
use serde::Serialize;

use crate::courier::{Courier, Delivered, Patience};
use crate::target::{Batch, Delivery};

/// Which documents are sent again.
///
/// ```
/// use s3db_replicator::Replay;
///
/// let one = Replay::all().resource("users").id("ann");
/// ```
#[derive(Debug, Clone, Default)]
pub struct Replay {
    target: Option<String>,
    resources: Vec<String>,
    ids: Vec<String>,
}

impl Replay {
    /// All documents of all resources that go to targets, to all targets.
    pub fn all() -> Self {
        Self::default()
    }

    /// Only to this target.
    #[must_use]
    pub fn target(mut self, name: impl Into<String>) -> Self {
        self.target = Some(name.into());
        self
    }

    /// Only of this resource; calls add up.
    #[must_use]
    pub fn resource(mut self, name: impl Into<String>) -> Self {
        self.resources.push(name.into());
        self
    }

    /// Only the document of this id, also one that is gone; calls add up.
    #[must_use]
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.ids.push(id.into());
        self
    }
}

/// What a replay did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Replayed {
    /// Documents that a target has taken, once for each target.
    pub sent: u64,
    /// Documents that a target did not take, and that were put aside.
    pub put_aside: u64,
}

/// Sends documents to the targets. Waits for those that are down.
pub(crate) async fn run(
    db: &Database,
    replay: &Replay,
    couriers: &[Arc<Courier>],
    batch_max: usize,
    shutdown: &Shutdown,
) -> Result<Replayed> {
    let chosen: Vec<&Arc<Courier>> = couriers
        .iter()
        .filter(|courier| replay.target.as_ref().is_none_or(|name| *name == courier.name))
        .collect();
    if chosen.is_empty() {
        let known: Vec<&str> = couriers.iter().map(|courier| courier.name.as_str()).collect();
        return Err(Error::new(ErrorKind::Config, "there is no target of this name")
            .with("target", replay.target.as_deref().unwrap_or_default())
            .hint(format!("the targets are: {}", known.join(", "))));
    }
    db.refresh().await?;
    for name in &replay.resources {
        db.resource(name)?;
    }
    let names = if replay.resources.is_empty() { db.resource_names() } else { replay.resources.clone() };
    let mut replayed = Replayed::default();
    for name in names {
        let routes: Vec<_> =
            chosen.iter().filter_map(|courier| Some((*courier, courier.route(db, &name)?))).collect();
        if routes.is_empty() {
            continue;
        }
        let resource = db.resource(&name)?;
        let ids = if replay.ids.is_empty() {
            resource.ids_stream().left_stream()
        } else {
            futures::stream::iter(replay.ids.iter().cloned().map(Ok)).right_stream()
        };
        let mut chunks = pin!(ids.ready_chunks(batch_max));
        while let Some(chunk) = chunks.next().await {
            let ids = chunk.into_iter().collect::<Result<Vec<String>>>()?;
            for (courier, routed) in &routes {
                let deliveries = ids.iter().map(|id| Delivery {
                    routed: routed.clone(),
                    id: id.clone(),
                    changes: Vec::new(),
                });
                let batch = Batch::new(deliveries.collect());
                match courier.deliver_batch(batch, shutdown, Patience::Endless).await {
                    Delivered::All { put_aside, .. } => {
                        replayed.sent += (ids.len() as u64).saturating_sub(put_aside);
                        replayed.put_aside += put_aside;
                    }
                    Delivered::Stopped => return Err(stopped()),
                }
            }
        }
    }
    Ok(replayed)
}

pub(crate) fn stopped() -> Error {
    Error::new(ErrorKind::Unavailable, "the replicator stops")
        .hint("what is left is delivered when it runs again; a replay begins anew")
}
