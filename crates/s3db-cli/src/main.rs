//! The `s3db` command: documents in S3, or in a folder, from the shell.

mod args;
mod commands;
mod connect;
mod costs;
mod exit;
mod input;
mod output;
mod shell;
mod transfer;

use std::process::ExitCode;

use clap::Parser as _;

#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Threads for the disk and for hashing. Each keeps memory of its own, about 2 MiB, and a disk wins nothing by more.
const BLOCKING_THREADS_MAX: usize = 16;

fn main() -> ExitCode {
    let cli = args::Cli::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(BLOCKING_THREADS_MAX)
        .build();
    let code = match runtime {
        Ok(runtime) => runtime.block_on(async {
            exit::end_on_interrupt();
            commands::whole(cli).await
        }),
        Err(error) => {
            let failure = exit::Failure::Io { what: "start the runtime".to_owned(), error };
            output::Output::new(&cli.global).finish(Err(failure))
        }
    };
    code.into()
}
