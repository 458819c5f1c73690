//! What a run found.

use std::fmt;

use super::case::{Done, Outcome};

/// The outcome of every case of a run.
#[derive(Debug, Clone)]
pub struct Report {
    cases: Vec<CaseReport>,
    unknown_exceptions: Vec<String>,
}

/// The outcome of one case.
#[derive(Debug, Clone)]
pub struct CaseReport {
    /// Name of the case.
    pub name: &'static str,
    /// The rule that it checks.
    pub rule: &'static str,
    /// What came out.
    pub verdict: Verdict,
}

/// What came out of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The rule holds.
    Passed,
    /// There was nothing to check, because of what the store declares.
    NotApplicable(&'static str),
    /// The rule does not hold.
    Failed(String),
    /// The rule does not hold, as declared.
    Excepted {
        /// The reason that was declared.
        reason: String,
        /// How it failed.
        failure: String,
    },
    /// The rule holds although an exception was declared: remove the exception.
    ExceptionNotNeeded,
}

impl Report {
    pub(crate) fn new(unknown_exceptions: Vec<String>) -> Self {
        Self { cases: Vec::new(), unknown_exceptions }
    }

    pub(crate) fn add(
        &mut self,
        name: &'static str,
        rule: &'static str,
        outcome: Outcome,
        exception: Option<&str>,
    ) {
        let verdict = match (outcome, exception) {
            (Err(failure), None) => Verdict::Failed(failure.0),
            (Err(failure), Some(reason)) => Verdict::Excepted { reason: reason.into(), failure: failure.0 },
            (Ok(_), Some(_)) => Verdict::ExceptionNotNeeded,
            (Ok(Done::Passed), None) => Verdict::Passed,
            (Ok(Done::NotApplicable(why)), None) => Verdict::NotApplicable(why),
        };
        self.cases.push(CaseReport { name, rule, verdict });
    }

    /// Every case that ran, in order.
    pub fn cases(&self) -> &[CaseReport] {
        &self.cases
    }

    /// Names of the cases that failed, and of the exceptions that were not needed or name no case.
    pub fn failed(&self) -> Vec<&str> {
        let bad =
            |case: &&CaseReport| matches!(case.verdict, Verdict::Failed(_) | Verdict::ExceptionNotNeeded);
        let cases = self.cases.iter().filter(bad).map(|case| case.name);
        cases.chain(self.unknown_exceptions.iter().map(String::as_str)).collect()
    }

    /// Whether every case passed, was declared, or had nothing to check; and at least one ran.
    pub fn is_green(&self) -> bool {
        !self.cases.is_empty() && self.failed().is_empty()
    }

    /// Panics with the whole report unless it is green.
    ///
    /// # Panics
    /// When a case failed, an exception is not needed, or no case ran.
    #[expect(clippy::panic, reason = "this is an assertion for tests")]
    pub fn assert_green(&self) {
        if !self.is_green() {
            panic!("it does not conform\n{self}");
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut passed = 0;
        for case in &self.cases {
            match &case.verdict {
                Verdict::Passed => passed += 1,
                Verdict::NotApplicable(why) => writeln!(f, "n/a       {}: {why}", case.name)?,
                Verdict::Failed(failure) => {
                    writeln!(f, "FAILED    {}: {failure}\n          rule: {}", case.name, case.rule)?;
                }
                Verdict::Excepted { reason, failure } => {
                    writeln!(f, "exception {}: {reason}\n          it failed with: {failure}", case.name)?;
                }
                Verdict::ExceptionNotNeeded => {
                    writeln!(f, "FAILED    {}: an exception is declared, but the case passes", case.name)?;
                }
            }
        }
        for name in &self.unknown_exceptions {
            writeln!(f, "FAILED    {name}: an exception names a case that does not exist")?;
        }
        write!(f, "{passed} of {} cases passed", self.cases.len())
    }
}
