//! The dictionary of the text codec: frequent words and URL prefixes as `d:` and a code.

/// Words and their codes, by first letter. `font/woff2` has the code of `failed`, which readers take it for.
const WORDS: &[(&str, char)] = &[
    ("application/json", 'j'),
    ("application/xml", 'X'),
    ("application/ld+json", 'J'),
    ("application/pdf", 'Q'),
    ("application/zip", 'z'),
    ("application/octet-stream", 'o'),
    ("application/x-www-form-urlencoded", 'u'),
    ("authorized", 'a'),
    ("captured", 'K'),
    ("completed", 'c'),
    ("cancelled", 'x'),
    ("declined", 'd'),
    ("delivered", 'D'),
    ("failed", 'f'),
    ("font/woff", 'w'),
    (FONT_WOFF2, 'f'),
    ("image/png", 'P'),
    ("image/jpeg", 'I'),
    ("image/gif", 'G'),
    ("image/svg+xml", 'S'),
    ("image/webp", 'W'),
    ("in_transit", 'i'),
    ("initialized", 'n'),
    ("multipart/form-data", 'F'),
    ("processing", 'p'),
    ("refunded", 'R'),
    ("retrying", 'r'),
    ("returned", 'e'),
    ("shipped", 'h'),
    ("succeeded", 's'),
    ("text/html", 'H'),
    ("text/plain", 'T'),
    ("text/css", 'C'),
    ("text/javascript", 'V'),
    ("text/csv", 'v'),
    ("terminated", 'm'),
    ("timeout", 't'),
];

/// The one word that does not come back from the dictionary.
pub(super) const FONT_WOFF2: &str = "font/woff2";

/// URL prefixes and the second letter of their codes, longest first.
const PREFIXES: &[(&str, char)] = &[
    ("https://s3.amazonaws.com/", 's'),
    ("https://api.example.com/", 'A'),
    ("http://localhost:", 'L'),
    ("http://localhost", 'l'),
    ("https://www.", 'W'),
    ("https://api.", 'H'),
    ("https://s3-", 'S'),
    ("/products/", 'p'),
    ("https://", 'h'),
    ("/api/v1/", '1'),
    ("/api/v2/", '2'),
    ("/api/v3/", '3'),
    ("http://", 't'),
    ("/users/", 'u'),
    ("/api/", 'a'),
    ("/v1/", 'v'),
];

/// What stands for a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Code<'a> {
    /// `d:` and this letter.
    Word(char),
    /// `d:@`, this letter, and the rest of the text as it is.
    Prefix(char, &'a str),
}

/// Finds the code of a text that is shorter with it.
pub(super) fn find(text: &str) -> Option<Code<'_>> {
    match text.as_bytes().first()? {
        b'h' | b'/' => {
            let (prefix, code) = PREFIXES.iter().find(|(prefix, _)| text.starts_with(prefix))?;
            text.get(prefix.len()..).filter(|_| prefix.len() > 4).map(|rest| Code::Prefix(*code, rest))
        }
        // Most texts start with another letter, or are no longer than the shortest word.
        b'a' | b'c' | b'd' | b'f' | b'i' | b'm' | b'p' | b'r' | b's' | b't'
            if (6..=33).contains(&text.len()) =>
        {
            WORDS.iter().find(|(word, _)| *word == text).map(|(_, code)| Code::Word(*code))
        }
        _ => None,
    }
}

/// Words that s3db.js looks up on the prototype of its dictionary object: it writes the source of the function that it
/// finds there. Nothing else gives such a text, so the word can be told from it. (`constructor` is the odd one.)
const PROTOTYPE_WORDS: &[(&str, &str)] = &[
    ("Object", "constructor"),
    ("toString", "toString"),
    ("toLocaleString", "toLocaleString"),
    ("valueOf", "valueOf"),
    ("hasOwnProperty", "hasOwnProperty"),
    ("isPrototypeOf", "isPrototypeOf"),
    ("propertyIsEnumerable", "propertyIsEnumerable"),
    ("__defineGetter__", "__defineGetter__"),
    ("__defineSetter__", "__defineSetter__"),
    ("__lookupGetter__", "__lookupGetter__"),
    ("__lookupSetter__", "__lookupSetter__"),
];

/// The text behind the payload of `d:`; `None` when the code is not known.
pub(super) fn expand(payload: &str) -> Option<String> {
    let mut chars = payload.chars();
    let first = chars.next()?;
    if chars.as_str().is_empty() {
        return WORDS.iter().find(|(_, code)| *code == first).map(|(word, _)| (*word).to_owned());
    }
    if first == '@' {
        let code = chars.next()?;
        let (prefix, _) = PREFIXES.iter().find(|(_, c)| *c == code)?;
        return Some([*prefix, chars.as_str()].concat());
    }
    let name = payload.strip_prefix("function ")?.strip_suffix("() { [native code] }")?;
    PROTOTYPE_WORDS.iter().find(|(function, _)| *function == name).map(|(_, word)| (*word).to_owned())
}
