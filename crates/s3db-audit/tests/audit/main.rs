//! The audit as a user sees it: one row for each change, that can be found again, without secrets.
#![expect(clippy::unwrap_used, reason = "the helpers of these tests fail with a panic, as tests do")]

mod conforms;
mod faults;
mod queries;
mod rows;
mod s3db_js;
mod support;
