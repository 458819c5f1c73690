//! What happened in a world, in order.

use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

/// Lines that are kept; a longer run keeps its last ones.
const LINES_MAX: usize = 100_000;

/// The events of a run: always as a hash, and as text when asked for.
#[derive(Debug)]
pub(super) struct Trace {
    hasher: DefaultHasher,
    lines: Option<Vec<String>>,
}

impl Trace {
    pub(super) fn new(keeps_lines: bool) -> Self {
        // The hasher of `new` has fixed keys.
        Self { hasher: DefaultHasher::new(), lines: keeps_lines.then(Vec::new) }
    }

    pub(super) fn event(&mut self, now_ms: u64, who: &str, verb: &str, key: &str, what: &str) {
        (now_ms, who, verb, key, what).hash(&mut self.hasher);
        if let Some(lines) = &mut self.lines {
            let mut line = String::new();
            // Writing to a text does not fail.
            let _ = write!(line, "{:>9}.{:03} {who:<5} {verb:<7} {key} {what}", now_ms / 1000, now_ms % 1000);
            if lines.len() == LINES_MAX {
                lines.remove(0);
            }
            lines.push(line.trim_end().to_owned());
        }
    }

    pub(super) fn hash(&self) -> u64 {
        self.hasher.finish()
    }

    pub(super) fn lines(&mut self) -> Vec<String> {
        self.lines.take().unwrap_or_default()
    }
}
