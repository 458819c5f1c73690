//! The binary, as a person or a script uses it.

mod bad_input;
mod buckets;
mod commands;
mod content;
mod costs;
mod demo;
mod doctor;
mod dumps;
mod every_command;
mod formats;
mod fsck;
#[cfg(feature = "s3")]
mod history;
mod insight;
#[cfg(unix)]
mod interrupted;
mod many_processes;
mod migrate;
mod partitions;
#[cfg(feature = "s3")]
mod s3;
mod s3db_js;
mod secrets;
mod shell;
mod support;
#[cfg(unix)]
mod terminal;
mod transfer;
mod types;
