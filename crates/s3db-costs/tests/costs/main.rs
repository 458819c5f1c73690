//! Costs as a user sees them: every request counts, at its price.
#![expect(clippy::unwrap_used, reason = "the helpers of these tests fail with a panic, as tests do")]

mod bills;
mod conforms;
mod counts;
mod support;
