//! The store's own clock. Ages of objects are never measured with the clock of this machine.

use crate::key::{CLAIM_SLUG, Keys};
use crate::store::{Condition, PutObject, Store};
use crate::{Error, ErrorKind, Result};

/// Now, by the clock that dates objects. Requests: 1 PUT + 1 HEAD.
pub(crate) async fn server_now_ms(store: &dyn Store, keys: &Keys) -> Result<i64> {
    let key = keys.below(&format!("plugin={CLAIM_SLUG}/clock"));
    store.put(&key, PutObject::default(), Condition::None).await?;
    let head = store.head(&key).await?;
    let head = head.ok_or_else(|| {
        Error::new(ErrorKind::Unavailable, "an object that was just written cannot be read").with("key", &key)
    })?;
    Ok(head.last_modified_ms)
}
