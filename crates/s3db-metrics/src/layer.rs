//! Sees each call.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use s3db_core::Result;
use s3db_core::op::{Answer, Next, Op, OpLayer};

use crate::registry::Registry;

/// What calls are counted under whose caller has gone away.
const CANCELLED: &str = "cancelled";

#[derive(Debug)]
pub(crate) struct MetricsLayer {
    pub(crate) registry: Arc<Registry>,
    pub(crate) facade: bool,
}

#[async_trait]
impl OpLayer for MetricsLayer {
    async fn call(&self, op: Op<'_>, next: Next<'_>) -> Result<Answer> {
        let mut timer = Timer {
            layer: self,
            resource: next.resource_name().to_owned(),
            verb: op.verb().as_str(),
            started: self.registry.env.monotonic(),
            is_over: false,
        };
        let answer = next.run(op).await;
        timer.end(answer.as_ref().err().map(|error| error.kind().as_str()));
        answer
    }
}

/// A call on its way. Dropped before it is over, it was cancelled.
struct Timer<'a> {
    layer: &'a MetricsLayer,
    resource: String,
    verb: &'static str,
    started: Duration,
    is_over: bool,
}

impl Timer<'_> {
    fn end(&mut self, error: Option<&'static str>) {
        self.is_over = true;
        let Self { layer, resource, verb, started, .. } = self;
        let took = layer.registry.env.monotonic().saturating_sub(*started);
        layer.registry.call(resource, verb, took, error);
        if layer.facade {
            let labels = [("resource", resource.clone()), ("operation", (*verb).to_owned())];
            metrics::histogram!("s3db_operation_duration_seconds", &labels).record(took.as_secs_f64());
            metrics::counter!("s3db_operations_total", &labels).increment(1);
            if let Some(kind) = error {
                let [resource, operation] = labels;
                let labels = [resource, operation, ("kind", kind.to_owned())];
                metrics::counter!("s3db_operation_errors_total", &labels).increment(1);
            }
        }
    }
}

impl Drop for Timer<'_> {
    fn drop(&mut self) {
        if !self.is_over {
            self.end(Some(CANCELLED));
        }
    }
}
