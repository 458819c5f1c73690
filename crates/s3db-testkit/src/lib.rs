//! Conformance kit for stores, and helpers for tests.
