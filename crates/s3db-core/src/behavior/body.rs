//! The JSON of a body.

use super::stamp;
use crate::encoding::js;

/// Writes the members of a JSON object into one buffer.
pub(super) struct BodyWriter {
    pub(super) out: String,
    first: bool,
}

impl BodyWriter {
    pub(super) fn new(stamp: Option<&str>, capacity: usize) -> Self {
        let mut out = String::with_capacity(capacity + 48);
        match stamp {
            Some(stamp) => {
                out.push_str(&stamp::alone(stamp));
                out.pop();
            }
            None => out.push('{'),
        }
        Self { out, first: stamp.is_none() }
    }

    pub(super) fn name(&mut self, name: &str) {
        if !std::mem::take(&mut self.first) {
            self.out.push(',');
        }
        js::push_json_string(&mut self.out, name);
        self.out.push(':');
    }

    pub(super) fn finish(mut self) -> String {
        self.out.push('}');
        self.out
    }
}
