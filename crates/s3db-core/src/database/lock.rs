//! The lock that s3db.js takes around its writes of the catalogue.
//!
//! Ours are conditional and need no lock. Those of s3db.js are not: it reads, merges and writes under this lock, and a
//! write of ours in between would be gone. So we take the lock too, as a courtesy. It is never what keeps our own
//! writers apart: after 30 seconds anybody may take it over.

use std::time::Duration;

use serde_json::{Value, json};

use super::Inner;
use crate::store::{Condition, ETag, Object, PutObject};
use crate::{Error, ErrorKind, Result};

/// How long the lock holds, as in s3db.js.
const TTL_MS: i64 = 30_000;

/// s3db.js may delete the object this long after it was taken.
const KEPT_MS: i64 = 90_000;

/// Longer than any one holder has it.
const WAIT_MAX: Duration = Duration::from_secs(35);

const PAUSE_MIN: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// The lock, held.
#[derive(Debug)]
pub(super) struct HeldLock {
    key: String,
    etag: ETag,
}

impl Inner {
    /// Takes the lock, once its holder lets go of it or has had its time. `None` where it is not to be taken.
    ///
    /// Requests: 1 conditional PUT; while it is held 1 GET and 1 PUT more after each pause.
    pub(super) async fn lock_catalog(&self) -> Result<Option<HeldLock>> {
        if !self.options.respect_s3db_js_lock {
            return Ok(None);
        }
        let key = self.keys.catalog_lock();
        let started = self.env.monotonic();
        let mut pause = PAUSE_MIN;
        let mut lock_id = [0; 12];
        self.env.fill(&mut lock_id);
        let lock_id = format!("lock-s3db-{}", hex::encode(lock_id));
        loop {
            if let Some(etag) = self.put_lock(&key, &lock_id, Condition::IfAbsent).await? {
                return Ok(Some(HeldLock { key, etag }));
            }
            let held = self.store.get(&key).await.map_err(in_lock)?;
            if let Some(object) = &held {
                let body: Value = serde_json::from_slice(&object.body).unwrap_or_default();
                if body["lockId"] == lock_id.as_str() {
                    // The answer to our own first try was lost.
                    return Ok(Some(HeldLock { key, etag: object.head.etag.clone() }));
                }
                if expires_ms(object, &body) <= self.env.now_ms()
                    && let Some(etag) =
                        self.put_lock(&key, &lock_id, Condition::IfMatch(object.head.etag.clone())).await?
                {
                    return Ok(Some(HeldLock { key, etag }));
                }
                if self.env.monotonic().saturating_sub(started) >= WAIT_MAX {
                    return Err(still_held(&key, &body));
                }
            }
            self.env.sleep(pause).await;
            pause = PAUSE_MAX.min(pause * 2);
        }
    }

    /// Lets go of the lock, unless somebody has taken it over.
    ///
    /// Requests: 1 conditional DELETE; 1 HEAD and 1 DELETE where the store has none.
    pub(super) async fn unlock_catalog(&self, lock: HeldLock) {
        let released = if self.store.capability().conditional_delete {
            self.store.delete(&lock.key, Condition::IfMatch(lock.etag)).await
        } else {
            match self.store.head(&lock.key).await {
                Ok(Some(head)) if head.etag == lock.etag => {
                    self.store.delete(&lock.key, Condition::None).await
                }
                result => result.map(drop),
            }
        };
        // The catalogue is written, and the lock ends by itself: nothing is left for the caller to do.
        if let Err(error) = released {
            tracing::debug!(%error, "the lock of the catalogue was not released");
        }
    }

    /// Writes the lock; `None` when somebody else was first.
    async fn put_lock(&self, key: &str, lock_id: &str, condition: Condition) -> Result<Option<ETag>> {
        let now = self.env.now_ms();
        let body = json!({
            "lockId": lock_id,
            "holderId": lock_id,
            "acquiredAt": now,
            "expiresAt": now + TTL_MS,
            "_expiresAt": now + KEPT_MS,
        });
        let object = PutObject {
            body: body.to_string().into(),
            content_type: Some("application/json".into()),
            ..PutObject::default()
        };
        match self.store.put(key, object, condition).await {
            Ok(put) => Ok(Some(put.etag)),
            Err(error) if error.kind() == ErrorKind::Conflict => Ok(None),
            Err(error) => Err(in_lock(error)),
        }
    }
}

/// When the lock ends. One that cannot be read has the usual time from when it was written.
fn expires_ms(object: &Object, body: &Value) -> i64 {
    let told = body["expiresAt"].as_f64().map(|ms| ms as i64);
    told.unwrap_or_else(|| object.head.last_modified_ms.saturating_add(TTL_MS))
}

fn still_held(key: &str, body: &Value) -> Error {
    let holder = body["holderId"].as_str().unwrap_or("unknown");
    Error::new(ErrorKind::Conflict, "another process holds the lock of the catalogue")
        .with("key", key)
        .with("holder", holder)
        .with("waited_seconds", WAIT_MAX.as_secs())
        .hint("try again later, or delete the lock object if its holder is gone")
        .retryable(true)
}

fn in_lock(error: Error) -> Error {
    error.with("object", "the lock of s3db.json")
}
