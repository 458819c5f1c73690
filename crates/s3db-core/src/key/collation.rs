//! The order of field names in a reference key.
//!
//! s3db.js sorts them with JavaScript's `localeCompare`, which is the Unicode collation of `en-US`: letters first by
//! base letter, then by accent, then lower case before upper case; punctuation before symbols before digits before
//! letters. This is that order for the printable ASCII characters and the letters of Latin-1 and Latin Extended-A.
//! Any other character sorts after `z`, by code point, which is right for most scripts but not for symbols.

use std::cmp::Ordering;

/// Every ASCII character that the collation does not ignore, up to the letters, in order.
const BEFORE_LETTERS: &str = "\t\n\u{b}\u{c}\r _-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$0123456789";

/// Accented letters and their base letters. The rows are in the order of their accents.
const ACCENTS: [(&str, &str); 15] = [
    ("áćéíĺńóŕśúýź", "aceilnorsuyz"),
    ("àèìòù", "aeiou"),
    ("ăĕğĭŏŭ", "aegiou"),
    ("âĉêĝĥîĵôŝûŵŷ", "aceghijosuwy"),
    ("čďěľňřšťž", "cdelnrstz"),
    ("åů", "au"),
    ("äëïöüÿ", "aeiouy"),
    ("őű", "ou"),
    ("ãĩñõũ", "ainou"),
    ("ċėġż", "cegz"),
    ("đħłø", "dhlo"),
    ("ð", "d"),
    ("çģķļņŗşţ", "cgklnrst"),
    ("ąęįų", "aeiu"),
    ("āēīōū", "aeiou"),
];

/// Letters that count as two.
const PAIRS: [(char, &str); 4] = [('æ', "ae"), ('œ', "oe"), ('ß', "ss"), ('ĳ', "ij")];

/// Compares two names as `a.localeCompare(b)` does.
///
/// ```
/// use s3db_core::key::locale_compare;
///
/// let mut names = ["b", "B", "a10", "A", "a", "_v", "ab", "a.b"];
/// names.sort_by(|a, b| locale_compare(a, b));
/// assert_eq!(names, ["_v", "a", "A", "a.b", "a10", "ab", "b", "B"]);
/// ```
pub fn locale_compare(a: &str, b: &str) -> Ordering {
    let (a, b) = (weights(a), weights(b));
    let by = |level: fn(&Weight) -> u32| a.iter().map(level).cmp(b.iter().map(level));
    by(|w| w.base).then_with(|| by(|w| w.accent)).then_with(|| by(|w| w.case))
}

struct Weight {
    base: u32,
    accent: u32,
    case: u32,
}

fn weights(text: &str) -> Vec<Weight> {
    let mut out = Vec::with_capacity(text.len());
    for c in text.chars() {
        push_weights(c, &mut out);
    }
    out
}

fn push_weights(c: char, out: &mut Vec<Weight>) {
    if let Some(at) = BEFORE_LETTERS.find(c) {
        return out.push(Weight { base: at as u32, accent: 0, case: 0 });
    }
    if c.is_ascii_control() {
        return;
    }
    let mut lower = c.to_lowercase();
    let (Some(small), None) = (lower.next(), lower.next()) else {
        return out.push(Weight { base: c as u32, accent: 0, case: 0 });
    };
    let case = u32::from(small != c);
    if let Some((_, pair)) = PAIRS.iter().find(|(letter, _)| *letter == small) {
        // The accent weight tells the ligature from the two letters.
        return out.extend(pair.chars().map(|base| Weight { base: base as u32, accent: 1, case }));
    }
    for (row, (accented, bases)) in (2u32..).zip(ACCENTS) {
        if let Some((_, base)) = accented.chars().zip(bases.chars()).find(|(letter, _)| *letter == small) {
            return out.push(Weight { base: base as u32, accent: row, case });
        }
    }
    out.push(Weight { base: small as u32, accent: 0, case });
}
