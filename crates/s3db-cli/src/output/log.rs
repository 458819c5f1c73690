//! What the library logs.

use std::io;

use tracing_subscriber::EnvFilter;

/// Warnings of the library, but for those that come as events or that a resource holds: they are told by their own words.
const WARNINGS: &str = "s3db_core=warn,s3db_core::database::compile=error,s3db_core::database::catalog=error";

/// Prints warnings of the library on standard error. `S3DB_LOG` asks for more, in the syntax of `RUST_LOG`.
pub(super) fn start() {
    let wanted = std::env::var("S3DB_LOG").unwrap_or_else(|_| WARNINGS.to_owned());
    let filter = EnvFilter::try_new(wanted).unwrap_or_else(|_| EnvFilter::new(WARNINGS));
    let started = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(false)
        .with_target(false)
        .without_time()
        .try_init();
    // It fails only where a subscriber is set already, which then prints instead.
    drop(started);
}
