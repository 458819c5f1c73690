//! One value as compact text, and back. Pure: no store, no clock, no async.
//!
//! Two codecs follow each other. The *field codec* ([`Codec`]) turns a value into text by the type of its attribute:
//! a number into base62, an address into base64, an embedding into scaled digits. The *text codec* ([`text`]) makes any
//! text safe for a metadata header. JSON bodies hold the output of the first alone.

pub mod base62;
pub mod codec;
pub mod crypto;
pub mod js;
pub mod mapper;
pub mod password;
pub mod short_keys;
pub mod size;
pub mod text;

mod array;
mod base64;
mod bytes;
mod compress;
mod dictionary;
mod fixed;
mod ident;
mod json;
mod net;
mod number;
pub(crate) mod past_keys;
mod select;
pub(crate) mod time;

pub use codec::{Codec, Encoded};
pub use crypto::{Derive, KeyRing, Opened, Passphrase};
pub use mapper::{DecodeContext, Decoded, EncodeContext, Flat, Mapper, Reading, Warning};
pub use select::PasswordAlgorithm;
pub use short_keys::{PluginRegistries, SchemaRegistry};
pub use time::{iso_from_ms, ms_from_iso};

#[cfg(test)]
mod tests;
