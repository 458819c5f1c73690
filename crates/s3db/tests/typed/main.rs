//! Typed documents, as a user of the library writes them.
#![cfg(feature = "derive")]

mod opening;
mod survival;
mod types;
mod verbs;
