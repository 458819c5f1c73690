//! End-to-end tests, one module per subject.

mod interop;
mod verbs;
