//! What a rehearsal writes down: the requests in the order of their stages.

use super::{PlannedRequest, Stage};
use crate::key::Keys;
use crate::store::{Condition, Requests, Verb};

/// Requests that are written down one by one; more are only counted.
const ROWS_MAX: usize = 1000;

/// Requests of a rehearsal.
///
/// A request joins the stage behind the last one that was answered before it began: what is begun together can be sent
/// at once, and what waits for an answer comes later.
#[derive(Debug, Default)]
pub(super) struct Script {
    rows: Vec<Row>,
    /// Rows that were not kept.
    omitted: u64,
    requests: Requests,
    background: Requests,
    /// The last stage of which a request was answered.
    answered: u32,
    /// Whether what comes now is done after the call has returned.
    in_background: bool,
}

#[derive(Debug)]
struct Row {
    stage: u32,
    background: bool,
    request: PlannedRequest,
}

/// A request that has begun.
#[derive(Debug, Clone, Copy)]
pub(super) struct Begun(u32);

impl Script {
    pub(super) fn begin(
        &mut self,
        keys: &Keys,
        verb: Verb,
        key: &str,
        condition: &Condition,
        bytes: usize,
    ) -> Begun {
        let stage = self.answered + 1;
        self.requests += verb.times(1);
        if self.in_background {
            self.background += verb.times(1);
        }
        if self.rows.len() < ROWS_MAX {
            let why = match verb {
                Verb::List => super::why::why_listed(key).to_owned(),
                _ => super::why::why(verb, &keys.parse(key)),
            };
            let request = PlannedRequest {
                verb,
                key: key.to_owned(),
                condition: match condition {
                    Condition::None => None,
                    Condition::IfAbsent => Some("if-none-match"),
                    Condition::IfMatch(_) => Some("if-match"),
                },
                bytes: bytes as u64,
                why,
            };
            self.rows.push(Row { stage, background: self.in_background, request });
        } else {
            self.omitted += 1;
        }
        Begun(stage)
    }

    pub(super) fn end(&mut self, begun: Begun) {
        self.answered = self.answered.max(begun.0);
    }

    /// What comes now is done after the call has returned, or is done before again.
    pub(super) fn set_background(&mut self, in_background: bool) {
        self.in_background = in_background;
        // Nothing of one side shares a stage with the other.
        self.answered = self.answered.max(self.rows.last().map_or(0, |row| row.stage));
    }

    pub(super) fn requests(&self) -> Requests {
        self.requests
    }

    pub(super) fn background(&self) -> Requests {
        self.background
    }

    pub(super) fn omitted(&self) -> u64 {
        self.omitted
    }

    /// The stages so far, in order.
    pub(super) fn into_stages(self) -> Vec<Stage> {
        let mut rows = self.rows;
        rows.sort_by_key(|row| row.stage);
        let mut stages: Vec<(u32, Stage)> = Vec::new();
        for Row { stage, background, request } in rows {
            match stages.last_mut() {
                Some((number, last)) if *number == stage => last.requests.push(request),
                _ => stages.push((stage, Stage { background, requests: vec![request] })),
            }
        }
        stages.into_iter().map(|(_, stage)| stage).collect()
    }
}
