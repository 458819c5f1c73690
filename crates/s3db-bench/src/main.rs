//! Times s3db on the workloads that s3db.js is timed on, and prints one JSON object a line:
//! `{workload, n, concurrency, seconds, per_second}`.
#![expect(clippy::print_stdout, reason = "figures go to standard output")]
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

mod cache;
mod codec;
mod document;
mod raw;
mod timing;
mod verbs;

use clap::Parser;

/// Times s3db.
#[derive(Debug, Parser)]
struct Args {
    /// Database to write to; everything goes under a fresh prefix.
    #[arg(long, default_value = "memory://bench/db")]
    connection: String,
    /// Documents of a workload.
    #[arg(short, long, default_value_t = 5000)]
    n: usize,
    /// Calls in flight.
    #[arg(short, long, default_value_t = 64)]
    concurrency: usize,
    /// Compares CPU time with a bare loop of aws-sdk-s3 over the same server; needs an `http://` connection.
    #[arg(long)]
    raw: bool,
    /// Times the cache in memory instead: hits, misses and no cache, on one thread.
    #[arg(long)]
    cache: bool,
}

#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args = Args::parse();
    if args.cache {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        return runtime.block_on(cache::run(args.n));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        if args.raw {
            return raw::run(&args.connection, args.n, args.concurrency).await;
        }
        verbs::run(&args.connection, args.n, args.concurrency).await?;
        codec::run()?;
        timing::print_rss();
        Ok(())
    })
}
