//! Changes on their way into a real PostgreSQL: the one that `S3DB_TEST_POSTGRES` names.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "the helpers of these tests fail with a panic, as tests do, and say what they skip"
)]

mod connecting;
mod converging;
mod delivers;
mod log;
mod outages;
mod poison;
mod schema;
mod support;
mod values;
