//! Patterns written for JavaScript, compiled for the `regex` crate, which never backtracks.

use regex::{Regex, RegexBuilder};

/// Compiles `source` with JavaScript `flags`; the error says what is not supported.
pub(super) fn compile(source: &str, flags: &str) -> Result<Regex, String> {
    let dot_all = flags.contains('s');
    let mut builder = RegexBuilder::new(&translate(source, dot_all));
    for flag in flags.chars() {
        match flag {
            'i' => builder.case_insensitive(true),
            'm' => builder.multi_line(true),
            // `u` is the only way here, and the others do not change whether a text matches.
            's' | 'u' | 'v' | 'g' | 'y' | 'd' => &mut builder,
            other => return Err(format!("unknown pattern flag `{other}`")),
        };
    }
    builder.build().map_err(|error| match error {
        regex::Error::Syntax(text) => {
            text.lines().last().unwrap_or_default().trim().trim_start_matches("error: ").to_owned()
        }
        other => other.to_string(),
    })
}

/// Rewrites what the two dialects spell the same and read differently: `\d`, `\w` and `\b` are ASCII in JavaScript,
/// `.` leaves out four line ends, `[` and `&&` are plain inside a class, and `[^]` is any character.
fn translate(source: &str, dot_all: bool) -> String {
    let mut out = String::with_capacity(source.len() + 16);
    let mut chars = source.chars().peekable();
    let mut in_class = false;
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('d') => out.push_str(if in_class { "0-9" } else { "[0-9]" }),
                Some('D') => out.push_str("[^0-9]"),
                Some('w') => out.push_str(if in_class { "0-9A-Za-z_" } else { "[0-9A-Za-z_]" }),
                Some('W') => out.push_str("[^0-9A-Za-z_]"),
                Some('b') if in_class => out.push_str("\\x08"),
                Some('b') => out.push_str("(?-u:\\b)"),
                Some('0') => out.push_str("\\x00"),
                Some(escaped) if escaped.is_ascii_alphanumeric() || is_punctuation(escaped) => {
                    out.extend(['\\', escaped])
                }
                Some(plain) => out.push(plain),
                None => out.push('\\'),
            },
            '[' if in_class => out.push_str("\\["),
            '[' => {
                let rest: String = chars.clone().take(2).collect();
                if rest.starts_with("^]") {
                    chars.nth(1);
                    out.push_str("[\\s\\S]");
                } else if rest.starts_with(']') {
                    chars.next();
                    out.push_str("[^\\s\\S]");
                } else {
                    in_class = true;
                    out.push('[');
                }
            }
            ']' => {
                in_class = false;
                out.push(']');
            }
            '&' | '~' if in_class => out.extend(['\\', c]),
            '.' if !in_class && dot_all => out.push_str("[\\s\\S]"),
            '.' if !in_class => out.push_str("[^\\n\\r\\u{2028}\\u{2029}]"),
            other => out.push(other),
        }
    }
    out
}

fn is_punctuation(c: char) -> bool {
    c.is_ascii_punctuation()
}
