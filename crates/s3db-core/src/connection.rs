//! Connection strings. Pure.
