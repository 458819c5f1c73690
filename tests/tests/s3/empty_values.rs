//! Empty values on a server that drops metadata without a value.

use s3db::behavior::Behavior;
use s3db::{Database, ResourceConfig};
use serde_json::json;

use super::independent;

#[tokio::test]
async fn empty_values_survive_in_the_body_where_a_server_drops_them_from_the_metadata() {
    let Some(connection) = independent("S3DB_TEST_SEAWEEDFS") else { return };
    let db = Database::connect(&format!("{connection}/empty-{}", std::process::id())).await.unwrap();
    let attributes = json!({"text": "string|optional|empty:true", "list": "array|items:string|optional"});
    let config = ResourceConfig::new("things", attributes).behavior(Behavior::BodyOnly);
    let things = db.create_resource(config).await.unwrap();
    things.insert(json!({"id": "a", "text": "", "list": []})).await.unwrap();
    let read = things.get("a").await.unwrap().data;
    assert_eq!((&read["text"], &read["list"]), (&json!(""), &json!([])));
}
