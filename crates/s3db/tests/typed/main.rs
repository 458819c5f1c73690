//! Typed documents, as a user of the library writes them.
#![cfg(feature = "derive")]
#![expect(clippy::unwrap_used, reason = "the helpers of a test end it where they fail")]

mod foreign;
mod opening;
mod survival;
mod types;
mod verbs;
