//! The lease on the bucket, `state.json`, and what to do about it. Pure.

use std::time::Duration;

use s3db_core::Document;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Who holds a lease of which nobody can say who does.
const UNKNOWN: &str = "unknown";

/// The lease, under the names that s3db.js gives its members.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct State {
    #[serde(default)]
    pub(crate) leader_id: Option<String>,
    #[serde(default)]
    pub(crate) leader_pod: Option<String>,
    #[serde(default)]
    pub(crate) epoch: u64,
    /// Milliseconds since 1970, by the clock of who wrote it.
    #[serde(default)]
    pub(crate) lease_start: i64,
    #[serde(default)]
    pub(crate) lease_end: i64,
    #[serde(default)]
    pub(crate) elected_by: Option<String>,
    #[serde(default)]
    pub(crate) elected_at: i64,
    /// The leader has gone of its own will: nobody need wait.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) released: bool,
}

/// Who writes a state, and when.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Writer<'a> {
    pub(crate) id: &'a str,
    pub(crate) pod: &'a str,
    pub(crate) now_ms: i64,
    pub(crate) lease: Duration,
}

impl State {
    /// Reads what stands on the bucket. What is damaged reads as held by nobody knows whom: who held it may not have noticed.
    pub(crate) fn read(value: &Document) -> Self {
        let read = serde_json::from_value(Value::Object(value.clone()));
        read.unwrap_or_else(|_| Self::unknown(value.get("epoch").and_then(Value::as_u64).unwrap_or(0)))
    }

    /// What stands in for a lease that is missing or damaged: whoever held it may not have noticed.
    pub(crate) fn unknown(epoch: u64) -> Self {
        Self {
            leader_id: Some(UNKNOWN.to_owned()),
            leader_pod: None,
            epoch,
            lease_start: 0,
            lease_end: 0,
            elected_by: None,
            elected_at: 0,
            released: false,
        }
    }

    /// A reign that begins.
    pub(crate) fn elected(writer: Writer<'_>, epoch: u64) -> Self {
        Self {
            leader_id: Some(writer.id.to_owned()),
            leader_pod: Some(writer.pod.to_owned()),
            epoch,
            lease_start: writer.now_ms,
            lease_end: writer.now_ms.saturating_add(milliseconds(writer.lease)),
            elected_by: Some(writer.id.to_owned()),
            elected_at: writer.now_ms,
            released: false,
        }
    }

    /// The same reign for one lease more.
    pub(crate) fn renewed(&self, writer: Writer<'_>) -> Self {
        let renewed = Self::elected(writer, self.epoch);
        Self { elected_by: self.elected_by.clone(), elected_at: self.elected_at, ..renewed }
    }

    /// The reign is over. By its end s3db.js sees it too.
    pub(crate) fn released(&self, now_ms: i64) -> Self {
        Self { lease_end: now_ms, released: true, ..self.clone() }
    }

    pub(crate) fn to_value(&self) -> Value {
        serde_json::to_value(self).unwrap_or(Value::Null)
    }

    /// How long the lease lasts that somebody has taken, within what is sensible.
    pub(crate) fn lease(&self) -> Duration {
        let length = u64::try_from(self.lease_end.saturating_sub(self.lease_start)).unwrap_or(0);
        Duration::from_millis(length).min(Duration::from_secs(3600))
    }

    /// Who leads by it, where that can be said.
    pub(crate) fn known_leader(&self) -> Option<&str> {
        self.leader_id.as_deref().filter(|id| !self.is_vacant() && *id != UNKNOWN)
    }

    /// Whether nobody leads by it.
    pub(crate) fn is_vacant(&self) -> bool {
        self.released || self.leader_id.as_ref().is_none_or(String::is_empty)
    }
}

/// What a process that does not lead does about a lease that it has read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Move {
    /// It is our own name: the lease is renewed before it is believed.
    Adopt,
    /// Nobody holds it, or its holder has given no sign of life for the length of the lease.
    TakeOver,
    /// Somebody holds it; look again after so long at the latest.
    Wait(Duration),
}

/// Decides. `unchanged` is for how long this process has seen exactly this lease: no clock of another machine is believed,
/// so that one that is wrong by minutes neither ends a reign nor makes it last.
pub(crate) fn decide(state: &State, own_id: &str, own_lease: Duration, unchanged: Duration) -> Move {
    if state.is_vacant() {
        return Move::TakeOver;
    }
    if state.leader_id.as_deref() == Some(own_id) {
        return Move::Adopt;
    }
    let lease = state.lease().max(own_lease);
    match lease.checked_sub(unchanged).filter(|left| !left.is_zero()) {
        None => Move::TakeOver,
        Some(left) => Move::Wait(left),
    }
}

pub(crate) fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_lease_is_taken_over_when_it_is_free_or_has_not_changed_for_its_length() {
        let check = |change: Value, unchanged_ms: u64, expected: Move| {
            let mut value = json!({"leaderId": "other", "epoch": 4, "leaseStart": 1_000, "leaseEnd": 16_000});
            for (name, member) in change.as_object().unwrap() {
                value[name] = member.clone();
            }
            let state = State::read(value.as_object().unwrap());
            let unchanged = Duration::from_millis(unchanged_ms);
            assert_eq!(decide(&state, "me", Duration::from_secs(15), unchanged), expected, "{change}");
        };
        let wait = |ms| Move::Wait(Duration::from_millis(ms));
        check(json!({}), 0, wait(15_000));
        check(json!({}), 14_999, wait(1));
        check(json!({}), 15_000, Move::TakeOver);
        // Ours is longer, theirs is longer.
        check(json!({"leaseEnd": 6_000}), 5_000, wait(10_000));
        check(json!({"leaseEnd": 31_000}), 15_000, wait(15_000));
        // Their clock is wrong, or what they wrote is.
        check(json!({"leaseStart": 9_000_000, "leaseEnd": 0}), 15_000, Move::TakeOver);
        check(json!({"leaseEnd": i64::MAX}), 3_600_000, Move::TakeOver);
        check(json!({"released": true}), 0, Move::TakeOver);
        check(json!({"leaderId": null}), 0, Move::TakeOver);
        check(json!({"leaderId": 7}), 0, wait(15_000));
        check(json!({"leaderId": 7}), 15_000, Move::TakeOver);
        check(json!({"leaderId": "me"}), 0, Move::Adopt);
    }
}
