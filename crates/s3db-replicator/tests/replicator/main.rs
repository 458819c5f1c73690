//! Changes on their way to other systems, on a clock that runs as fast as nobody waits.
#![expect(clippy::unwrap_used, reason = "the helpers of these tests fail with a panic, as tests do")]

mod configuration;
mod conforms;
mod delivers;
mod letters;
mod outages;
mod s3db_js;
mod s3db_target;
mod support;
mod take_over;
mod worlds;
