//! The coordinator as a fleet of processes sees it, on a clock that runs as fast as nobody waits.
#![expect(clippy::unwrap_used, reason = "the helpers of these tests fail with a panic, as tests do")]

mod conforms;
mod elections;
mod faults;
mod s3db_js;
mod support;
