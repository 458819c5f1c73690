//! Sealing of secrets: AES-256-GCM under keys that PBKDF2 derives from a passphrase.
//!
//! A sealed text is base64 of salt (16 bytes), nonce (12), cipher text and tag (16). s3db.js takes a fresh salt for
//! each value and pays a derivation of tens of milliseconds each time it reads or writes one. A [`KeyRing`] writes all
//! its values under one salt of its own, with a fresh nonce each, and keeps the keys of the salts that it meets.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use pbkdf2::{Algorithm, pbkdf2_hmac_with_params};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use zeroize::Zeroizing;

use super::base64;
use crate::env::Random;
use crate::{Error, ErrorKind, Result};

/// Rounds of PBKDF2 that the format asks for.
const ROUNDS: pbkdf2::Params = match pbkdf2::Params::new(100_000) {
    Ok(rounds) => rounds,
    Err(_) => panic!("the crate refuses so many rounds"),
};

const SALT_BYTES: usize = 16;
const NONCE_BYTES: usize = 12;
const TAG_BYTES: usize = 16;

/// Derived keys of foreign salts that are kept.
const CACHED_KEYS_MAX: usize = 1024;

/// Releases 19.0.0 to 21.0.11 sealed some values twice; an update by them could add another layer.
const LAYERS_MAX: usize = 4;

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
#[derive(Clone, PartialEq, Eq)]
pub enum Opened {
    /// The plain text. Readers take `null` and `undefined` for null and absent.
    Plain(String),
    /// The text is not in the form of a sealed one: it was never sealed.
    NotSealed,
    /// The text is in the form of a sealed one and does not open under this passphrase: it was sealed under another
    /// one, or damaged, or it is a plain text that happens to be base64 of 44 bytes or more.
    Refused,
    /// The key of its salt is not cached; call again with [`Derive::Allowed`] on a blocking thread.
    NotCached,
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain(_) => "Plain(***)",
            Self::NotSealed => "NotSealed",
            Self::Refused => "Refused",
            Self::NotCached => "NotCached",
        })
    }
}

type Salt = [u8; SALT_BYTES];

/// A derived key. Only the cipher's own schedule, made for one call at a time, is not wiped.
type Key = Zeroizing<[u8; 32]>;

/// Derived keys of one passphrase: one of our own salt for writing, and a bounded cache for foreign salts.
pub struct KeyRing {
    passphrase: Passphrase,
    own_salt: Salt,
    own_key: OnceLock<Key>,
    foreign: Mutex<Cache>,
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRing").field("ready", &self.ready_to_seal()).finish_non_exhaustive()
    }
}

impl KeyRing {
    /// A key ring that writes under a fresh salt. Derives nothing yet.
    pub fn new(passphrase: Passphrase, random: &dyn Random) -> Self {
        let mut own_salt = [0; SALT_BYTES];
        random.fill(&mut own_salt);
        Self { passphrase, own_salt, own_key: OnceLock::new(), foreign: Mutex::default() }
    }

    /// Whether [`seal`](Self::seal) need not derive a key.
    pub fn ready_to_seal(&self) -> bool {
        self.own_key.get().is_some()
    }

    /// Derives the own key, unless that was done. Takes tens of milliseconds: call it on a blocking thread.
    pub fn prepare(&self) {
        self.own_key();
    }

    /// Seals a text under a fresh nonce. Derives the own key on first use, which takes tens of milliseconds.
    ///
    /// # Errors
    ///
    /// `Crypto` when the cipher refuses, which takes a text of gigabytes.
    pub fn seal(&self, plain: &str, random: &dyn Random) -> Result<String> {
        let mut nonce = [0; NONCE_BYTES];
        random.fill(&mut nonce);
        let mut sealed = Vec::with_capacity(SALT_BYTES + NONCE_BYTES + plain.len() + TAG_BYTES);
        sealed.extend_from_slice(&self.own_salt);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(plain.as_bytes());
        let failed = || Error::new(ErrorKind::Crypto, "the secret cannot be sealed");
        let body = sealed.get_mut(SALT_BYTES + NONCE_BYTES..).ok_or_else(failed)?;
        let tag = cipher(self.own_key())
            .and_then(|key| {
                key.seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), body).ok()
            })
            .ok_or_else(failed)?;
        sealed.extend_from_slice(tag.as_ref());
        let mut out = String::with_capacity(sealed.len().div_ceil(3) * 4);
        base64::push(&mut out, &sealed);
        Ok(out)
    }

    /// Opens a sealed text, down to the text inside when it was sealed more than once.
    ///
    /// Safe to call from several threads: a salt is derived once, and the others wait for it.
    pub fn open(&self, sealed: &str, derive: Derive) -> Opened {
        let mut opened = match self.open_layer(sealed, derive) {
            Layer::Plain(text) => text,
            Layer::Outcome(outcome) => return outcome,
        };
        for _ in 1..LAYERS_MAX {
            // We seal once, so under our own salt there is no second layer to try.
            if opened.own {
                break;
            }
            match self.open_layer(&opened.text, derive) {
                Layer::Plain(inner) => opened = inner,
                Layer::Outcome(Opened::NotCached) => return Opened::NotCached,
                Layer::Outcome(_) => break,
            }
        }
        Opened::Plain(opened.text)
    }

    fn open_layer(&self, sealed: &str, derive: Derive) -> Layer {
        let Some((salt, nonce, mut body)) = split(sealed) else {
            return Layer::Outcome(Opened::NotSealed);
        };
        let own = salt == self.own_salt;
        let slot = if own { None } else { self.cache().slot(salt, derive) };
        let key = match (own, &slot, derive) {
            (true, _, Derive::Allowed) => Some(self.own_key()),
            (true, _, Derive::CachedOnly) => self.own_key.get(),
            (false, Some(slot), Derive::Allowed) => Some(slot.get_or_init(|| self.derive(&salt))),
            (false, Some(slot), Derive::CachedOnly) => slot.get(),
            (false, None, _) => None,
        };
        let Some(key) = key else {
            return Layer::Outcome(Opened::NotCached);
        };
        let nonce = Nonce::assume_unique_for_key(nonce);
        let plain = cipher(key).and_then(|key| {
            let plain = key.open_in_place(nonce, Aad::empty(), &mut body).ok()?;
            Some(String::from_utf8_lossy(plain).into_owned())
        });
        match plain {
            Some(text) => Layer::Plain(Plain { text, own }),
            None => Layer::Outcome(Opened::Refused),
        }
    }

    fn own_key(&self) -> &Key {
        self.own_key.get_or_init(|| self.derive(&self.own_salt))
    }

    fn cache(&self) -> MutexGuard<'_, Cache> {
        // The cache is whole between any two statements, so a panic elsewhere does not spoil it.
        self.foreign.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn derive(&self, salt: &Salt) -> Key {
        let mut key = Zeroizing::new([0; 32]);
        // Not ring's: where the processor knows SHA-256, this takes two thirds of the time. And not the generic function,
        // which would be compiled with this crate, and so without optimisation in its tests.
        let passphrase = self.passphrase.expose().as_bytes();
        pbkdf2_hmac_with_params(passphrase, salt, Algorithm::Pbkdf2Sha256, ROUNDS, key.as_mut_slice());
        key
    }
}

enum Layer {
    Plain(Plain),
    Outcome(Opened),
}

struct Plain {
    text: String,
    own: bool,
}

/// Keys of foreign salts. A slot is handed out empty, so that the derivation runs outside the lock.
#[derive(Default)]
struct Cache {
    slots: HashMap<Salt, (u64, Arc<OnceLock<Key>>)>,
    clock: u64,
}

impl Cache {
    /// The place of a salt's key; a new one only for a caller that will fill it.
    fn slot(&mut self, salt: Salt, derive: Derive) -> Option<Arc<OnceLock<Key>>> {
        self.clock += 1;
        if derive == Derive::Allowed && !self.slots.contains_key(&salt) {
            if self.slots.len() >= CACHED_KEYS_MAX {
                self.evict();
            }
            self.slots.insert(salt, (0, Arc::default()));
        }
        let (used, slot) = self.slots.get_mut(&salt)?;
        *used = self.clock;
        Some(Arc::clone(slot))
    }

    /// Drops the key that was not used for the longest time. A scan is nothing beside the derivation that follows.
    fn evict(&mut self) {
        let oldest = self.slots.iter().min_by_key(|(_, (used, _))| *used).map(|(salt, _)| *salt);
        if let Some(salt) = oldest {
            self.slots.remove(&salt);
        }
    }
}

/// Salt, nonce and the rest of a text in the form of a sealed one.
fn split(sealed: &str) -> Option<(Salt, [u8; NONCE_BYTES], Vec<u8>)> {
    // 44 bytes are 59 base64 digits without padding.
    if sealed.len() < (SALT_BYTES + NONCE_BYTES + TAG_BYTES) * 4 / 3 {
        return None;
    }
    let mut bytes = base64::decode_strict(sealed)?;
    let salt = *bytes.first_chunk::<SALT_BYTES>()?;
    let nonce = *bytes.get(SALT_BYTES..)?.first_chunk::<NONCE_BYTES>()?;
    if bytes.len() < SALT_BYTES + NONCE_BYTES + TAG_BYTES {
        return None;
    }
    let body = bytes.split_off(SALT_BYTES + NONCE_BYTES);
    Some((salt, nonce, body))
}

fn cipher(key: &Key) -> Option<LessSafeKey> {
    UnboundKey::new(&AES_256_GCM, key.as_slice()).ok().map(LessSafeKey::new)
}
