//! The lock object: its JSON, and what it says at a moment. Pure.

use bytes::Bytes;
use serde_json::{Map, Value, json};

/// Largest integer that every reader of JSON holds exactly, s3db.js too.
const EXACT_MAX: u64 = 1 << 53;

/// `_expiresAt` of a released lock. Not zero, which s3db.js takes for "never".
const LONG_AGO_MS: i64 = 1;

/// The body of a lock object.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct LockBody {
    pub(super) worker_id: String,
    /// Names the acquisition; empty when the lock was released.
    pub(super) token: String,
    pub(super) acquired_at_ms: i64,
    /// Absent in locks that never expire, which s3db.js can read but does not write.
    pub(super) expires_at_ms: Option<i64>,
    /// Fencing number. s3db.js writes none: the time at which it acquired stands for it.
    pub(super) epoch: u64,
}

impl LockBody {
    /// Reads a body that this crate or s3db.js wrote; `None` for anything else.
    pub(super) fn parse(body: &[u8]) -> Option<Self> {
        let members: Map<String, Value> = serde_json::from_slice(body).ok()?;
        let token = members.get("token")?.as_str()?.to_owned();
        let acquired_at_ms = milliseconds(members.get("acquiredAt")?)?;
        let expires_at_ms = match members.get("_expiresAt") {
            None => None,
            Some(value) => Some(milliseconds(value)?),
        };
        let epoch = match members.get("epoch") {
            Some(value) => value.as_u64().filter(|epoch| *epoch < EXACT_MAX)?,
            None => u64::try_from(acquired_at_ms).unwrap_or(0),
        };
        let worker_id = members.get("workerId").and_then(Value::as_str).unwrap_or("unknown").to_owned();
        Some(Self { worker_id, token, acquired_at_ms, expires_at_ms, epoch })
    }

    /// The members of s3db.js in its order, and then ours.
    pub(super) fn to_json(&self) -> Bytes {
        let mut members =
            json!({"workerId": self.worker_id, "token": self.token, "acquiredAt": self.acquired_at_ms});
        if let Some(expires_at_ms) = self.expires_at_ms {
            members["_expiresAt"] = expires_at_ms.into();
        }
        members["epoch"] = self.epoch.into();
        members.to_string().into()
    }

    /// The same lock, given back: readable as expired by everybody, with the epoch kept for the next holder.
    pub(super) fn released(&self) -> Self {
        Self { token: String::new(), expires_at_ms: Some(LONG_AGO_MS), ..self.clone() }
    }

    pub(super) fn is_released(&self) -> bool {
        self.token.is_empty()
    }

    /// Whether the lock may be taken, by a clock that may differ from the holder's by `skew_ms`.
    pub(super) fn is_free(&self, now_ms: i64, skew_ms: i64) -> bool {
        self.expires_at_ms.is_some_and(|at| now_ms > at.saturating_add(skew_ms))
    }
}

/// The epoch of the next holder: above the one before, and above that of any lock that was deleted since, as long as
/// the clocks of holders differ by less than the time between them.
pub(super) fn next_epoch(before: u64, now_ms: i64) -> u64 {
    u64::try_from(now_ms).unwrap_or(0).max(before.saturating_add(1))
}

fn milliseconds(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_f64().map(|ms| ms as i64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_of_s3db_js_is_read_and_its_time_stands_for_the_epoch() {
        let body =
            br#"{"workerId":"w1","token":"_SEw","acquiredAt":1795385110385,"_expiresAt":1795385140385}"#;
        let lock = LockBody::parse(body).unwrap();
        assert_eq!((lock.worker_id.as_str(), lock.token.as_str()), ("w1", "_SEw"));
        assert_eq!((lock.expires_at_ms, lock.epoch), (Some(1_795_385_140_385), 1_795_385_110_385));
        // The lock around a sequence has no worker.
        let lock = LockBody::parse(br#"{"token":"t","acquiredAt":5,"_expiresAt":6}"#).unwrap();
        assert_eq!(lock.worker_id, "unknown");
    }

    #[test]
    fn what_is_no_lock_is_not_taken_for_one() {
        for body in [
            "",
            "{",
            "null",
            "[]",
            r#"{"token":"t"}"#,
            r#"{"token":1,"acquiredAt":5}"#,
            r#"{"token":"t","acquiredAt":5,"_expiresAt":"soon"}"#,
            r#"{"token":"t","acquiredAt":5,"_expiresAt":6,"epoch":18446744073709551615}"#,
            r#"{"token":"t","acquiredAt":5,"_expiresAt":6,"epoch":-1}"#,
        ] {
            assert_eq!(LockBody::parse(body.as_bytes()), None, "{body}");
        }
    }

    #[test]
    fn a_released_lock_is_free_at_once_and_remembers_its_epoch() {
        let lock = LockBody {
            worker_id: "w".into(),
            token: "t".into(),
            acquired_at_ms: 1000,
            expires_at_ms: Some(31_000),
            epoch: 7,
        };
        let free: Vec<bool> =
            [31_000, 31_250, 31_251].into_iter().map(|now| lock.is_free(now, 250)).collect();
        assert_eq!(free, [false, false, true]);
        let released = LockBody::parse(&lock.released().to_json()).unwrap();
        assert!(released.is_released() && released.is_free(1000, 250));
        assert_eq!(released.epoch, 7);
        assert_eq!(
            lock.to_json(),
            r#"{"workerId":"w","token":"t","acquiredAt":1000,"_expiresAt":31000,"epoch":7}"#
        );
        assert!(!LockBody { expires_at_ms: None, ..lock }.is_free(i64::MAX, 0), "a lock without end");
    }

    #[test]
    fn epochs_grow_whatever_the_clock_says() {
        assert_eq!(next_epoch(5, 1000), 1000);
        assert_eq!(next_epoch(1000, 1000), 1001);
        assert_eq!(next_epoch(2000, 1000), 2001);
        assert_eq!(next_epoch(0, -5), 1);
    }
}
