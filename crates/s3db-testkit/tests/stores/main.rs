//! The stores of s3db against the conformance kit, and the kit against stores that are wrong.

mod kit;
mod memory;
