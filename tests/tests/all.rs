//! End-to-end tests, one module per subject.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "the helpers of a test end it where they fail, and say what is left out"
)]

mod bad_input;
mod calls;
mod calls_of_many;
mod catalog_lock;
mod content;
mod costs;
mod doctor;
mod events;
mod fleet;
mod fsck;
mod history;
mod ids;
mod interop;
mod log;
mod newcomer;
mod partitions;
mod plugins;
mod policy;
mod s3;
mod streams;
mod validators;
mod verbs;
mod versions;
mod wire;
mod writes;
