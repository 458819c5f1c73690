//! Requests are part of the contract of a program: a call that begins to send more of them must fail a test.

/// Numbers of requests by kind; kinds that are not named are none.
///
/// ```
/// use s3db_testkit::requests;
///
/// assert_eq!(requests! { get: 1, put: 2 }.to_string(), "1 GET + 2 PUT");
/// assert_eq!(requests! {}.total(), 0);
/// ```
#[macro_export]
macro_rules! requests {
    { $($kind:ident: $count:expr),* $(,)? } => {
        $crate::core::store::Requests { $($kind: $count,)* ..$crate::core::store::Requests::NONE }
    };
}

/// Awaits a call of a resource, and asserts which requests it sent. Returns what the call returned.
///
/// The call must go through the handle that is named first; within the call the name means a handle that is metered.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use s3db_core::{Database, ResourceConfig};
/// use s3db_testkit::assert_requests;
/// use serde_json::json;
///
/// let db = Database::connect("memory://shop/assert_requests").await?;
/// let users = db.create_resource(ResourceConfig::new("users", json!({"name": "string"}))).await?;
///
/// let ann = json!({"id": "ann", "name": "Ann"});
/// assert_requests!(users, { put: 1 }, users.insert(ann))?;
/// let ann = assert_requests!(users, { get: 1, put: 1 }, users.update("ann", json!({"name": "Anna"})))?;
/// assert_eq!(ann.data["name"], "Anna");
/// # Ok::<(), s3db_core::Error>(()) }).unwrap();
/// ```
#[macro_export]
macro_rules! assert_requests {
    ($resource:ident, { $($kind:ident: $count:expr),* $(,)? }, $call:expr $(,)?) => {{
        let ($resource, receipts) = $resource.metered();
        let result = $call.await;
        let (sent, expected) = (receipts.take().requests, $crate::requests! { $($kind: $count),* });
        assert_eq!(sent, expected, "sent {sent}, expected {expected}: {}", stringify!($call));
        result
    }};
}

#[cfg(test)]
mod tests {
    use s3db_core::{Database, ResourceConfig};
    use serde_json::json;

    #[tokio::test]
    #[should_panic(expected = "sent 1 GET, expected 1 HEAD: users.get_or_none(\"ann\")")]
    async fn another_request_fails_the_test() {
        let db = Database::connect("memory://requests").await.expect("a database");
        let config = ResourceConfig::new("users", json!({"name": "string"}));
        let users = db.create_resource(config).await.expect("a resource");
        let _ = assert_requests!(users, { head: 1 }, users.get_or_none("ann"));
    }
}
