//! Rust text without its comments, texts and tests, and the paths in it. Enough for our rules; not a parser.

/// The code alone: comments, string and character literals become blanks, so that lines keep their numbers.
pub(super) fn code_only(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let skipped = match literal_or_comment(rest, code.chars().next_back()) {
            Some(length) => {
                let (skipped, after) = rest.split_at(length);
                code.extend(skipped.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
                rest = after;
                continue;
            }
            None => first.len_utf8(),
        };
        code.push(first);
        rest = rest.split_at(skipped).1;
    }
    code
}

/// Code up to a test module at the end of the file.
pub(super) fn before_tests(code: &str) -> &str {
    code.split_once("#[cfg(test)]\nmod tests {").map_or(code, |(before, _)| before)
}

/// Every path that begins with `crate::`, with its line: `use crate::{a, b::{c, d}}` gives `a`, `b::c` and `b::d`.
pub(super) fn crate_paths(code: &str) -> Vec<(usize, String)> {
    let mut paths = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let before = code.get(..at).unwrap_or_default();
        if before.ends_with(is_word) || before.ends_with('$') {
            continue;
        }
        let line = before.matches('\n').count() + 1;
        let tree = code.get(at + "crate::".len()..).unwrap_or_default();
        let mut found = Vec::new();
        expand(tree, "", &mut found);
        paths.extend(found.into_iter().map(|path| (line, path)));
    }
    paths
}

/// Whether `word` stands in `line`, and not as a part of a longer name.
pub(super) fn has_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line.get(..at).unwrap_or_default();
        let after = line.get(at + word.len()..).unwrap_or_default();
        !before.ends_with(is_word) && !after.starts_with(is_word)
    })
}

/// Adds the paths of one use tree to `paths`, and returns what follows the tree.
fn expand<'a>(tree: &'a str, prefix: &str, paths: &mut Vec<String>) -> &'a str {
    let tree = tree.trim_start();
    if let Some(group) = tree.strip_prefix('{') {
        let mut rest = group.trim_start();
        while !rest.is_empty() && !rest.starts_with('}') {
            let after = expand(rest, prefix, paths);
            // An alias or a character that no path holds: go on behind it.
            let skipped = after.find([',', '}']).unwrap_or(after.len());
            rest = after.get(skipped..).unwrap_or_default();
            rest = rest.strip_prefix(',').unwrap_or(rest).trim_start();
        }
        return rest.strip_prefix('}').unwrap_or(rest);
    }
    let length = tree.find(|c| !is_word(c) && c != '*').unwrap_or(tree.len());
    let (segment, rest) = tree.split_at(length);
    let path = if prefix.is_empty() { segment.to_owned() } else { format!("{prefix}::{segment}") };
    match rest.strip_prefix("::") {
        Some(deeper) if !deeper.starts_with('<') => expand(deeper, &path, paths),
        _ => {
            paths.push(path);
            rest
        }
    }
}

/// The length of a comment or literal at the start of `rest`, if there is one. `before` is the character before it.
fn literal_or_comment(rest: &str, before: Option<char>) -> Option<usize> {
    if rest.starts_with("//") {
        return Some(rest.find('\n').unwrap_or(rest.len()));
    }
    if rest.starts_with("/*") {
        return Some(rest.find("*/").map_or(rest.len(), |end| end + 2));
    }
    if rest.starts_with('"') {
        return Some(closed(rest, '"'));
    }
    if rest.starts_with('r') && !before.is_some_and(|c| is_word(c) && c != 'b') {
        let hashes = rest.split_at(1).1.chars().take_while(|c| *c == '#').count();
        let body = rest.get(1 + hashes..)?.strip_prefix('"')?;
        let end = format!("\"{}", "#".repeat(hashes));
        return Some(2 + hashes + body.find(&end).map_or(body.len(), |at| at + end.len()));
    }
    if let Some(body) = rest.strip_prefix('\'') {
        // A lifetime has no closing quote behind its first character.
        let mut chars = body.chars();
        let first = chars.next()?;
        return (first == '\\' || chars.next() == Some('\'')).then(|| closed(rest, '\''));
    }
    None
}

/// The length of a literal that begins with a quote and ends with the next one that is not escaped.
fn closed(literal: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in literal.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return at + c.len_utf8(),
            _ => {}
        }
    }
    literal.len()
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_paths(code: &str, expected: &[&str]) {
        let paths: Vec<String> = crate_paths(&code_only(code)).into_iter().map(|(_, path)| path).collect();
        assert_eq!(paths, expected);
    }

    #[test]
    fn every_branch_of_a_use_tree_is_a_path() {
        check_paths(
            "use crate::{Error, store::{Metadata, self as s}, key::*};",
            &["Error", "store::Metadata", "store::self", "key::*"],
        );
    }

    #[test]
    fn a_path_in_an_expression_counts() {
        check_paths("fn f() -> crate::Result<()> { crate::env::now(1) }", &["Result", "env::now"]);
    }

    #[test]
    fn comments_and_texts_hold_no_path() {
        check_paths(
            "// crate::store\nlet a = \"crate::store\"; let b = r#\"crate::x \"# ; /* crate::y */",
            &[],
        );
    }

    #[test]
    fn other_crates_with_a_similar_name_do_not_count() {
        check_paths("use my_crate::store; use $crate::store;", &[]);
    }

    #[test]
    fn lifetimes_are_code_and_characters_are_not() {
        assert_eq!(code_only("f::<'a>('\"', '\\'', b'x')"), "f::<'a>(   ,     , b   )");
    }

    #[test]
    fn lines_keep_their_numbers() {
        assert_eq!(crate_paths(&code_only("/* one\ntwo */\nuse crate::a;")), [(3, "a".to_owned())]);
    }
}
