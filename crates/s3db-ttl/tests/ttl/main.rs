//! Documents that end, on a clock that runs as fast as nobody waits.
#![expect(clippy::unwrap_used, reason = "the helpers of these tests fail with a panic, as tests do")]

mod conforms;
mod ends;
mod fleet;
mod s3db_js;
mod strategies;
mod support;
mod worlds;
