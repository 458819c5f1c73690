//! The text that Prometheus reads, format 0.0.4.

use std::fmt::Write as _;

use s3db_core::plugin::{MetricKind, MetricReadings};

use crate::registry::Registry;

/// Everything as text. `others` are the numbers of plugins, `resources` those there are.
pub(crate) fn exposition(registry: &Registry, others: &[MetricReadings], resources: usize) -> String {
    let state = registry.snapshot();
    let mut text = Text::default();
    text.family("s3db_operations_total", "counter", "Calls of verbs");
    for ((resource, verb), calls) in &state.calls {
        text.line("s3db_operations_total", &[("operation", verb), ("resource", resource)], calls.times.count);
    }
    text.family("s3db_operation_errors_total", "counter", "Calls that failed, by the kind of error");
    for ((resource, verb), calls) in &state.calls {
        for (kind, count) in &calls.errors {
            let labels = [("operation", *verb), ("resource", resource), ("kind", kind)];
            text.line("s3db_operation_errors_total", &labels, count);
        }
    }
    let name = "s3db_operation_duration_seconds";
    text.family(name, "histogram", "How long calls took");
    for ((resource, verb), calls) in &state.calls {
        let bucket = format!("{name}_bucket");
        let (operation, resource) = (("operation", *verb), ("resource", resource.as_ref()));
        for (bound, sum) in calls.times.cumulative() {
            let end = (bound as f64 / 1e6).to_string();
            text.line(&bucket, &[operation, resource, ("le", &end)], sum);
        }
        text.line(&bucket, &[operation, resource, ("le", "+Inf")], calls.times.count);
        text.line(&format!("{name}_sum"), &[operation, resource], calls.times.sum.as_secs_f64());
        text.line(&format!("{name}_count"), &[operation, resource], calls.times.count);
    }
    text.family(
        "s3db_requests_total",
        "counter",
        "Requests of the store, those that were sent again among them",
    );
    for (kind, count) in state.sent.requests.named() {
        text.line("s3db_requests_total", &[("kind", kind)], count);
    }
    text.family("s3db_request_retries_total", "counter", "Requests that the client of S3 has sent again");
    text.line("s3db_request_retries_total", &[], state.sent.retries);
    text.family("s3db_request_bytes_total", "counter", "Metadata and bodies that moved");
    text.line("s3db_request_bytes_total", &[("direction", "in")], state.sent.traffic.bytes_in);
    text.line("s3db_request_bytes_total", &[("direction", "out")], state.sent.traffic.bytes_out);
    text.family("s3db_uptime_seconds", "gauge", "Time since the plugin was installed");
    text.line("s3db_uptime_seconds", &[], registry.uptime().as_secs_f64());
    text.family("s3db_resources_total", "gauge", "Resources of the database");
    text.line("s3db_resources_total", &[], resources);
    text.family("s3db_info", "gauge", "The version");
    text.line("s3db_info", &[("version", env!("CARGO_PKG_VERSION"))], 1);
    text.plugins(others);
    text.0
}

#[derive(Default)]
struct Text(String);

impl Text {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        let help = help.replace('\\', "\\\\").replace('\n', "\\n");
        // Writing to a string does not fail.
        let _ = write!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    fn line(&mut self, name: &str, labels: &[(&str, &str)], value: impl std::fmt::Display) {
        self.0.push_str(name);
        let mut separator = '{';
        for (label, value) in labels {
            let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            let _ = write!(self.0, "{separator}{label}=\"{value}\"");
            separator = ',';
        }
        if !labels.is_empty() {
            self.0.push('}');
        }
        let _ = writeln!(self.0, " {value}");
    }

    /// Numbers of plugins. Those of one name stand together, as the format wants it.
    fn plugins(&mut self, others: &[MetricReadings]) {
        let mut sorted: Vec<&MetricReadings> = others.iter().collect();
        sorted.sort_by(|a, b| a.metric.name.cmp(&b.metric.name));
        let mut last = "";
        for other in sorted {
            let name = other.metric.name.as_str();
            if name != last {
                let kind = if other.metric.kind == MetricKind::Counter { "counter" } else { "gauge" };
                self.family(name, kind, &other.metric.help);
                last = name;
            }
            for reading in &other.readings {
                let mut labels = vec![("plugin", other.plugin.as_str())];
                labels.extend(reading.labels.iter().map(|(name, value)| (name.as_str(), value.as_str())));
                self.line(name, &labels, reading.value);
            }
        }
    }
}
