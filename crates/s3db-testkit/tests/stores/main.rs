//! The stores of s3db against the conformance kit, and the kit against stores that are wrong.
#![expect(clippy::unwrap_used, reason = "the helpers of these tests fail with a panic, as tests do")]

mod doctor;
mod file;
mod kit;
mod memory;
mod processes;
