//! Metrics as a user sees them: each call once, over a real connection, and counters that only grow.
#![expect(clippy::unwrap_used, reason = "the helpers of these tests fail with a panic, as tests do")]

mod calls;
mod conforms;
mod facade;
mod rows;
mod scrapes;
mod support;
