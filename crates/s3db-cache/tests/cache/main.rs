//! The cache as a user sees it: fewer requests, never an old answer.
#![expect(clippy::unwrap_used, reason = "the helpers of these tests fail with a panic, as tests do")]

mod conforms;
mod fresh;
mod limits;
mod s3db_js;
mod support;
mod tiers;
