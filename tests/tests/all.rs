//! End-to-end tests, one module per subject.

mod bad_input;
mod interop;
mod s3;
mod verbs;
