//! Values as compact text, and back. Pure: no store, no clock, no async.

pub mod codec;
pub mod crypto;
pub mod text;

pub use codec::{Codec, Encoded};
pub use crypto::{Derive, KeyRing, Passphrase};
