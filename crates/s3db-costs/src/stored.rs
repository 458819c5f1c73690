//! What the objects weigh that this process has written.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use s3db_core::store::{Outcome, Request, Verb};

/// Sizes of objects by a hash of their keys, so many at most.
#[derive(Debug)]
pub(crate) struct Stored {
    sizes: HashMap<u64, u64>,
    hasher: RandomState,
    keys_max: usize,
    pub(crate) bytes: u64,
    /// Writes whose size is not in `bytes`, because there were too many keys.
    pub(crate) untracked: u64,
}

impl Stored {
    pub(crate) fn new(keys_max: usize) -> Self {
        Self { sizes: HashMap::new(), hasher: RandomState::new(), keys_max, bytes: 0, untracked: 0 }
    }

    pub(crate) fn objects(&self) -> usize {
        self.sizes.len()
    }

    pub(crate) fn note(&mut self, request: &Request<'_>) {
        if request.outcome != Outcome::Done {
            return;
        }
        match request.kind {
            Verb::Put => self.put(request.key, request.traffic.bytes_in),
            Verb::Copy => {
                let source = request.source.and_then(|source| self.sizes.get(&self.hasher.hash_one(source)));
                if let Some(size) = source.copied() {
                    let source = request.source.map_or(0, str::len) as u64;
                    self.put(request.key, size.saturating_sub(source));
                } else {
                    self.untracked += 1;
                }
            }
            Verb::Delete => self.forget(request.key),
            Verb::DeleteMany => {
                for (key, result) in request.keys.iter().zip(request.results) {
                    if result.is_ok() {
                        self.forget(key);
                    }
                }
            }
            _ => {}
        }
    }

    fn put(&mut self, key: &str, size: u64) {
        let (hash, size) = (self.hasher.hash_one(key), size + key.len() as u64);
        if self.sizes.len() >= self.keys_max && !self.sizes.contains_key(&hash) {
            self.untracked += 1;
            return;
        }
        let before = self.sizes.insert(hash, size).unwrap_or(0);
        self.bytes = self.bytes.saturating_sub(before).saturating_add(size);
    }

    fn forget(&mut self, key: &str) {
        let before = self.sizes.remove(&self.hasher.hash_one(key)).unwrap_or(0);
        self.bytes = self.bytes.saturating_sub(before);
    }
}
