//! What is added up.

use s3db_core::store::{Outcome, Request, Verb};
use serde::Serialize;

/// Requests by kind, each attempt for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// Reads of an object.
    pub get: u64,
    /// Reads of an object without its body.
    pub head: u64,
    /// Writes.
    pub put: u64,
    /// Copies.
    pub copy: u64,
    /// Pages of listings.
    pub list: u64,
    /// Deletes of one object.
    pub delete: u64,
    /// Deletes of up to a thousand objects.
    pub delete_many: u64,
}

impl Counts {
    /// All kinds added up.
    pub fn total(&self) -> u64 {
        let Self { get, head, put, copy, list, delete, delete_many } = *self;
        [get, head, put, copy, list, delete, delete_many].into_iter().fold(0, u64::saturating_add)
    }

    pub(crate) fn each(&mut self) -> [&mut u64; 7] {
        let Self { get, head, put, copy, list, delete, delete_many } = self;
        [get, head, put, copy, list, delete, delete_many]
    }

    fn of(&mut self, kind: Verb) -> Option<&mut u64> {
        Some(match kind {
            Verb::Get => &mut self.get,
            Verb::Head => &mut self.head,
            Verb::Put => &mut self.put,
            Verb::Copy => &mut self.copy,
            Verb::List => &mut self.list,
            Verb::Delete => &mut self.delete,
            Verb::DeleteMany => &mut self.delete_many,
            _ => return None,
        })
    }
}

/// Requests and bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Sum {
    /// Requests by kind; those that failed and those that were sent again are in it.
    pub requests: Counts,
    /// Of these, those that the client of S3 has sent again by itself.
    pub retries: u64,
    /// Requests that have failed, been refused or been cancelled. An object that is not there is no failure.
    pub failed: u64,
    /// Bytes that went up: keys, metadata and bodies.
    pub bytes_in: u64,
    /// Bytes that came down: keys, metadata and bodies of what was read. What listings answer is not known, and not in it.
    pub bytes_out: u64,
}

impl Sum {
    pub(crate) fn note(&mut self, request: &Request<'_>) {
        let attempts = request.attempts();
        if let Some(count) = self.requests.of(request.kind) {
            *count = count.saturating_add(attempts);
        }
        self.retries = self.retries.saturating_add(request.retries);
        self.failed += u64::from(matches!(request.outcome, Outcome::Failed(_) | Outcome::Cancelled));
        let keys: usize = request.keys.iter().map(String::len).sum();
        let key = (request.key.len() + keys) as u64;
        let up = request.traffic.bytes_in.saturating_add(key).saturating_mul(attempts);
        self.bytes_in = self.bytes_in.saturating_add(up);
        // The key of what was read comes back with nothing but its object.
        let is_read = matches!(request.kind, Verb::Get | Verb::Head) && request.outcome == Outcome::Done;
        let down = request.traffic.bytes_out.saturating_add(if is_read { key } else { 0 });
        self.bytes_out = self.bytes_out.saturating_add(down);
    }

    pub(crate) fn add(&mut self, other: &Self) {
        let mut others = other.requests;
        for (count, other) in self.requests.each().into_iter().zip(others.each()) {
            *count = count.saturating_add(*other);
        }
        self.retries = self.retries.saturating_add(other.retries);
        self.failed = self.failed.saturating_add(other.failed);
        self.bytes_in = self.bytes_in.saturating_add(other.bytes_in);
        self.bytes_out = self.bytes_out.saturating_add(other.bytes_out);
    }
}
