//! Explanations as a table for people.

use std::fmt;

use super::{Explanation, PlannedRequest};
use crate::price::Dollars;
use crate::receipt::Bytes;
use crate::store::Requests;

/// Requests of one kind in one stage that are shown; of more, the number is.
const ALIKE_MAX: usize = 4;

impl fmt::Display for Explanation {
    /// One line a request: stage (`+` after the call has returned), kind, key, condition, bytes and what it is for. Then
    /// the sum.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(query) = &self.query {
            writeln!(f, "{}: {}", query.plan, query.why)?;
        }
        let rows = self.rows();
        let width = |cell: fn(&Line) -> usize| rows.iter().map(cell).max().unwrap_or(0);
        let (key, condition, bytes) = (
            width(|row| row.key.chars().count()),
            width(|row| row.condition.len()),
            width(|row| row.bytes.len()),
        );
        for row in &rows {
            let line = format!(
                "{:>3} {:<11} {:<key$}  {:<condition$}  {:>bytes$}  {}",
                row.stage, row.verb, row.key, row.condition, row.bytes, row.why
            );
            writeln!(f, "{}", line.trim_end())?;
        }
        if self.omitted > 0 {
            writeln!(f, "    … and {} more requests", self.omitted)?;
        }
        let at_most = if self.at_most { "at most " } else { "" };
        writeln!(f, "{at_most}{}, {} ({})", self.requests, Dollars(self.dollars()), self.prices)?;
        if self.in_background != Requests::NONE {
            writeln!(f, "{} of them (+) after the call has returned", self.in_background)?;
        }
        for error in &self.refused {
            writeln!(f, "refused: {error}")?;
        }
        Ok(())
    }
}

/// One line of the table.
struct Line {
    stage: String,
    verb: &'static str,
    key: String,
    condition: &'static str,
    bytes: String,
    why: String,
}

impl Explanation {
    fn rows(&self) -> Vec<Line> {
        let mut rows = Vec::new();
        for (number, stage) in self.stages.iter().enumerate() {
            let mark = if stage.background { "+" } else { "" };
            let number = format!("{mark}{}", number + 1);
            for alike in stage.requests.chunk_by(|a, b| (a.verb, &a.why) == (b.verb, &b.why)) {
                let shown = if alike.len() > ALIKE_MAX { ALIKE_MAX - 1 } else { alike.len() };
                rows.extend(alike.iter().take(shown).map(|request| line(&number, request)));
                if let Some(request) = alike.get(shown) {
                    let key = format!("… {} more", alike.len() - shown);
                    rows.push(Line { key, condition: "", bytes: String::new(), ..line(&number, request) });
                }
            }
        }
        rows
    }
}

fn line(stage: &str, request: &PlannedRequest) -> Line {
    let bytes = if request.bytes == 0 { String::new() } else { Bytes(request.bytes).to_string() };
    Line {
        stage: stage.to_owned(),
        verb: request.verb.as_str(),
        key: request.key.clone(),
        condition: request.condition.unwrap_or_default(),
        bytes,
        why: request.why.clone(),
    }
}
