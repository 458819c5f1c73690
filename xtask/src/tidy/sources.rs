//! The form of Rust files: small, documented, without exceptions that give no reason.

use super::{File, code::code_only};

/// Above this a file has more than one subject.
const LINES_MAX: usize = 600;

/// Marks of unfinished work. Written in two parts, so that this file does not hold them.
const UNFINISHED: &[&str] = &[concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X:")];

/// Complains of each Rust file that breaks a rule of form.
pub(super) fn check(files: &[File]) -> Vec<String> {
    files.iter().filter(|file| file.has_extension("rs")).flat_map(complaints).collect()
}

fn complaints(file: &File) -> Vec<String> {
    let name = file.name();
    let mut complaints = Vec::new();
    let lines = file.text.lines().count();
    if lines > LINES_MAX {
        complaints.push(format!("{name}: {lines} lines; split what has more than {LINES_MAX}"));
    }
    if !file.is_test() && !file.text.starts_with("//!") {
        complaints.push(format!("{name}:1: begins with no `//!` that says what the file is for"));
    }
    for (at, line) in file.text.lines().enumerate() {
        if let Some(mark) = UNFINISHED.iter().find(|mark| line.contains(**mark)) {
            complaints.push(format!("{name}:{}: {mark} marks unfinished work", at + 1));
        }
    }
    for (at, line) in code_only(&file.text).lines().enumerate() {
        if line.contains("#[allow(") || line.contains("#![allow(") {
            complaints.push(format!("{name}:{}: `allow` hides a lint; `expect` it, with a reason", at + 1));
        }
        if line.contains("todo!(") || line.contains("unimplemented!(") {
            complaints.push(format!("{name}:{}: unfinished code", at + 1));
        }
    }
    complaints
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, text: &str, expected: &[&str]) {
        let complaints = super::complaints(&File { path: path.into(), text: text.to_owned() });
        assert_eq!(complaints, expected);
    }

    #[test]
    fn a_file_says_what_it_is_for_unless_it_is_a_test() {
        check(
            "src/key.rs",
            "fn f() {}",
            &["src/key.rs:1: begins with no `//!` that says what the file is for"],
        );
        check("src/key/tests.rs", "fn f() {}", &[]);
    }

    #[test]
    fn a_hidden_lint_is_found_in_code_and_not_in_comments() {
        let complaint = "a.rs:2: `allow` hides a lint; `expect` it, with a reason";
        check("a.rs", "//! A.\n#[allow(dead_code)]\nfn f() {}", &[complaint]);
        check("a.rs", "//! A.\n// never #[allow(dead_code)]", &[]);
    }

    #[test]
    fn unfinished_work_is_found() {
        check(
            "a.rs",
            concat!("//! A.\n// TO", "DO: more"),
            &[concat!("a.rs:2: TO", "DO marks unfinished work")],
        );
        check("a.rs", "//! A.\nfn f() { todo!() }", &["a.rs:2: unfinished code"]);
    }

    #[test]
    fn a_long_file_is_found() {
        let text = format!("//! A.\n{}", "\n".repeat(LINES_MAX));
        check("a.rs", &text, &["a.rs: 601 lines; split what has more than 600"]);
    }
}
