//! Names of types and fields.

/// Words that no field of a struct can be called; `r#` before them makes them names.
const KEYWORDS: [&str; 47] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "do", "dyn", "else",
    "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro",
    "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return", "static", "struct", "trait",
    "true", "try", "type", "typeof", "unsafe", "unsized", "use", "virtual", "where", "while",
];

/// `user_profiles` becomes `UserProfiles`.
pub(super) fn pascal(name: &str) -> String {
    let mut out = String::new();
    let mut upper = true;
    for c in name.chars() {
        if !c.is_ascii_alphanumeric() {
            upper = true;
        } else if upper {
            out.push(c.to_ascii_uppercase());
            upper = false;
        } else {
            out.push(c);
        }
    }
    if out.starts_with(|c: char| c.is_ascii_digit()) || out.is_empty() { format!("T{out}") } else { out }
}

/// `firstName` becomes `first_name`.
pub(super) fn snake(name: &str) -> String {
    let mut out = String::new();
    let mut before = '_';
    for c in name.chars() {
        if c.is_ascii_uppercase() && (before.is_ascii_lowercase() || before.is_ascii_digit()) {
            out.push('_');
        }
        out.push(if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' });
        before = c;
    }
    match out.as_str() {
        "self" | "super" | "crate" | "id" => format!("{out}_field"),
        keyword if KEYWORDS.contains(&keyword) => format!("r#{out}"),
        _ if out.starts_with(|c: char| c.is_ascii_digit()) || out.chars().all(|c| c == '_') => {
            format!("field_{out}")
        }
        _ => out,
    }
}

/// `users` becomes `user`, where that is clear.
pub(super) fn singular(name: &str) -> String {
    match name {
        _ if name.ends_with("ies") && name.len() > 4 => format!("{}y", &name[..name.len() - 3]),
        _ if name.ends_with("ss") || name.ends_with("us") || name.ends_with("is") => name.to_owned(),
        _ if name.ends_with('s') && name.len() > 2 => name[..name.len() - 1].to_owned(),
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_language() {
        for (given, name) in [
            ("users", "User"),
            ("user_profiles", "UserProfile"),
            ("cities", "City"),
            ("status", "Status"),
            ("4d", "T4d"),
        ] {
            assert_eq!(pascal(&singular(given)), name);
        }
        for (given, name) in [
            ("firstName", "first_name"),
            ("URL", "url"),
            ("type", "r#type"),
            ("a-b", "a_b"),
            ("2fa", "field_2fa"),
            ("self", "self_field"),
        ] {
            assert_eq!(snake(given), name);
        }
    }
}
