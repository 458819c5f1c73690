//! What of a document goes into a row. Pure.

use s3db_core::{Document, Resource};
use serde_json::json;

/// How much of a text that is cut stays.
const KEPT_CHARS: usize = 100;

/// A document without its secrets, cut to size.
#[derive(Debug)]
pub(crate) struct Image {
    pub(crate) document: Document,
    /// Fields that were cut, with the bytes of JSON that they had.
    pub(crate) cut: Document,
}

/// The image of a document, of about `bytes_max` bytes of JSON at most: the largest fields are cut first.
pub(crate) fn of(document: &Document, resource: Option<&Resource>, bytes_max: usize) -> Image {
    let mut document = without_marks(document.clone());
    match resource {
        Some(resource) => resource.redact(&mut document),
        // Deleted meanwhile: nobody knows any more what is secret.
        None => document.retain(|name, _| name == "id"),
    }
    let mut sizes: Vec<(String, usize)> =
        document.iter().map(|(name, value)| (name.clone(), value.to_string().len())).collect();
    let mut bytes: usize = sizes.iter().map(|(name, size)| name.len() + size + 4).sum();
    sizes.sort_by_key(|(_, size)| std::cmp::Reverse(*size));
    let mut cut = Document::new();
    for (name, size) in sizes {
        if bytes <= bytes_max {
            break;
        }
        let Some(value) = document.get_mut(&name) else {
            continue;
        };
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let kept: String = text.chars().take(KEPT_CHARS).collect();
        let shorter = json!(format!("{kept}…"));
        let left = shorter.to_string().len();
        if left < size {
            *value = shorter;
            bytes = bytes.saturating_sub(size - left);
            cut.insert(name, json!(size));
        }
    }
    Image { document, cut }
}

/// Without what s3db.js writes beside the fields, under names that begin with `_` or `$`.
pub(crate) fn without_marks(document: Document) -> Document {
    document.into_iter().filter(|(name, _)| !name.starts_with(['_', '$'])).collect()
}
