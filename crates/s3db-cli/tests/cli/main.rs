//! The binary, as a person or a script uses it.

mod bad_input;
mod buckets;
mod commands;
mod demo;
mod dumps;
mod formats;
mod secrets;
mod support;
