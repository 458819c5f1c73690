//! How each family of types converts, sanitises and checks a value.

pub(super) mod choice;
pub(super) mod formats;
pub(super) mod number;
pub(super) mod structure;
pub(super) mod text;
pub(super) mod uuid;
pub(super) mod web;

mod binary;
mod code;
mod geo;
mod network;
mod schedule;
mod time;

pub(super) use binary::bits;

/// Blanks as JavaScript's `trim` and `\s` see them.
pub(super) fn is_blank(c: char) -> bool {
    matches!(
        c,
        '\t' | '\n' | '\u{b}' | '\u{c}' | '\r' | ' ' | '\u{a0}' | '\u{1680}' | '\u{2000}'
            ..='\u{200a}' | '\u{2028}' | '\u{2029}' | '\u{202f}' | '\u{205f}' | '\u{3000}' | '\u{feff}'
    )
}

/// Length in UTF-16 units, as JavaScript counts.
pub(super) fn utf16_len(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.encode_utf16().count() }
}
