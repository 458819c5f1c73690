//! The number of tests that a run executed, read from the closing lines of the test runners.

use std::{fmt, ops::AddAssign};

/// How many tests passed, failed and were skipped.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tally {
    passed: u64,
    failed: u64,
    skipped: u64,
}

impl Tally {
    /// What one line of a test runner's output says; nothing for every other line.
    ///
    /// Two runners are understood: `test result: ok. 5 passed; 0 failed; 1 ignored; …` of `cargo test`, and
    /// `Summary [ 0.2s] 6 tests run: 5 passed, 1 failed, 1 skipped` of nextest.
    pub(crate) fn of_line(line: &str) -> Self {
        let line = without_colours(line);
        let line = line.trim();
        let Some(counts) = line.strip_prefix("test result: ").or_else(|| line.strip_prefix("Summary ["))
        else {
            return Self::default();
        };
        let words: Vec<&str> = counts.split_whitespace().collect();
        let count = |name: &str| {
            let named = words.windows(2).find_map(|pair| match pair {
                [number, word] if word.trim_end_matches([';', ',', '.']) == name => number.parse().ok(),
                _ => None,
            });
            named.unwrap_or(0)
        };
        Self {
            passed: count("passed"),
            failed: count("failed") + count("timed"),
            skipped: count("ignored") + count("skipped"),
        }
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}

/// The line without terminal colours: `ESC [ … m`.
fn without_colours(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        plain.push_str(before);
        rest = after.split_once('m').map_or("", |(_, after)| after);
    }
    plain.push_str(rest);
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, passed: u64, failed: u64, skipped: u64) {
        assert_eq!(Tally::of_line(line), Tally { passed, failed, skipped });
    }

    #[test]
    fn closing_lines_of_both_runners_are_counted() {
        check(
            "test result: ok. 5 passed; 0 failed; 1 ignored; 0 measured; 7 filtered out; finished in 0.00s",
            5,
            0,
            1,
        );
        check("test result: FAILED. 4 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out", 4, 2, 0);
        check("     Summary [   0.246s] 6 tests run: 5 passed, 1 failed, 3 skipped", 5, 1, 3);
        check(
            "     Summary [   1.2s] 9 tests run: 7 passed (1 slow), 1 failed, 1 timed out, 0 skipped",
            7,
            2,
            0,
        );
    }

    #[test]
    fn colours_hide_no_count() {
        check(
            "\u{1b}[32;1m     Summary\u{1b}[0m [   0.2s] \u{1b}[1m6\u{1b}[0m tests run: \u{1b}[1m6\u{1b}[0m \u{1b}[32;1mpassed\u{1b}[0m, 0 skipped",
            6,
            0,
            0,
        );
    }

    #[test]
    fn other_lines_count_nothing() {
        check("test schema::tests::names_every_field ... ok", 0, 0, 0);
        check("3 passed", 0, 0, 0);
    }
}
