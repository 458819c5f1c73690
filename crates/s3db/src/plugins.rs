//! The plugins of this project, by name.

use crate::plugin::PluginRegistry;

/// A registry that knows all plugins of this project. Those whose cargo feature is off are refused, with its name.
///
/// ```
/// # fn main() -> s3db::Result<()> {
/// let registry = s3db::plugins::registry();
/// # #[cfg(feature = "cache")]
/// let plugins = registry.build_all(&serde_json::json!([{"plugin": "cache", "options": {"memory_percent": 10}}]))?;
/// # #[cfg(not(feature = "cache"))]
/// assert!(registry.build("cache", &serde_json::json!({})).is_err());
/// # Ok(()) }
/// ```
pub fn registry() -> PluginRegistry {
    let mut registry = PluginRegistry::new();
    #[cfg(feature = "audit")]
    s3db_audit::register(&mut registry);
    #[cfg(not(feature = "audit"))]
    registry.absent("audit", "audit");
    #[cfg(feature = "cache")]
    s3db_cache::register(&mut registry);
    #[cfg(not(feature = "cache"))]
    registry.absent("cache", "cache");
    #[cfg(feature = "coordinator")]
    s3db_coordinator::register(&mut registry);
    #[cfg(not(feature = "coordinator"))]
    registry.absent("coordinator", "coordinator");
    #[cfg(feature = "replicator")]
    s3db_replicator::register(&mut registry, drivers());
    #[cfg(not(feature = "replicator"))]
    registry.absent("replicator", "replicator");
    #[cfg(feature = "ttl")]
    s3db_ttl::register(&mut registry);
    #[cfg(not(feature = "ttl"))]
    registry.absent("ttl", "ttl");
    #[cfg(feature = "costs")]
    s3db_costs::register(&mut registry);
    #[cfg(not(feature = "costs"))]
    registry.absent("costs", "costs");
    #[cfg(feature = "metrics")]
    s3db_metrics::register(&mut registry);
    #[cfg(not(feature = "metrics"))]
    registry.absent("metrics", "metrics");
    registry
}

/// The targets of the replicator, by the names of their drivers.
#[cfg(feature = "replicator")]
fn drivers() -> s3db_replicator::Drivers {
    let mut drivers = s3db_replicator::Drivers::new();
    #[cfg(feature = "replicator-postgres")]
    s3db_replicator_postgres::register(&mut drivers);
    #[cfg(not(feature = "replicator-postgres"))]
    drivers.absent("postgres", "replicator-postgres");
    drivers
}
