//! How explanations look.

use std::sync::Arc;

use serde_json::json;

use crate::price::AWS_S3_STANDARD;
use crate::store::MemoryStore;
use crate::{Database, Resource, ResourceConfig};

async fn users() -> Resource {
    let builder = Database::builder_on(Arc::new(MemoryStore::new()), "");
    let db = builder.options(|options| options.prices = Some(AWS_S3_STANDARD)).connect().await;
    let attributes = json!({"name": "string", "email": "string|unique|optional", "city": "string|optional"});
    let config = ResourceConfig::new("users", attributes)
        .partitions(json!({"byCity": {"fields": {"city": "string"}}}));
    let users = db.expect("a database").create_resource(config).await.expect("a resource");
    let ann = json!({"id": "ann", "name": "Ann", "email": "a@b.c", "city": "Rome"});
    users.insert(ann).await.expect("ann");
    users
}

#[tokio::test]
async fn an_explanation_is_a_table_with_stages_keys_conditions_and_reasons() {
    let plan = users().await.explain().update("ann", json!({"city": "Oslo"})).await.expect("a plan");
    let text = plan.to_string();
    let starts = [
        "  1 GET         resource=users/data/id=ann",
        "  2 HEAD        resource=users/partition=byCity/city=Rome/id=ann",
        "  2 PUT         resource=users/partition=byCity/city=Oslo/id=ann  if-none-match",
        "  3 PUT         resource=users/data/id=ann                        if-match",
        "  4 DELETE      resource=users/partition=byCity/city=Rome/id=ann  if-match",
        "1 GET + 1 HEAD + 2 PUT + 1 DELETE, $0.0000108 (AWS S3 Standard, us-east-1)",
    ];
    let ends = [
        "reads the document",
        "looks at the old index entry of byCity, to delete only that one",
        "index entry of byCity",
        "writes the document: the commit",
        "removes the old index entry of byCity",
        "us-east-1)",
    ];
    assert_eq!(text.lines().count(), starts.len(), "{text}");
    for ((line, start), end) in text.lines().zip(starts).zip(ends) {
        assert!(line.starts_with(start) && line.ends_with(end), "{line}\n{text}");
    }
}

#[tokio::test]
async fn an_explanation_is_an_object_for_programs() {
    let users = users().await;
    let bob = json!({"id": "bob", "name": "Bob", "email": "a@b.c"});
    let plan = serde_json::to_value(users.explain().insert(bob).await.expect("a plan")).expect("JSON");
    assert_eq!(plan["refused"][0]["kind"], "unique");
    assert_eq!(plan["stages"][0]["requests"][0]["verb"], "PUT");
    assert_eq!(plan["stages"][0]["requests"][0]["condition"], "if-none-match");
    assert_eq!(
        plan["requests"],
        json!({"get": 2, "head": 0, "put": 1, "copy": 0, "list": 0, "delete": 0, "delete_many": 0})
    );
    assert_eq!(plan["prices"], "aws-s3/standard/us-east-1");
    assert_eq!(plan["looked"]["head"], 1);

    let query = users.query(json!({"city": "Rome"})).explain().await.expect("a plan");
    let query = serde_json::to_value(query).expect("JSON");
    assert_eq!((&query["query"]["pages"], &query["query"]["fetches"]), (&1.into(), &1.into()));
    assert_eq!(query["query"]["why"], "byCity holds every match, and fewer others");
}

#[tokio::test]
async fn many_requests_alike_are_shown_as_a_few() {
    let users = users().await;
    let plan = users.explain().get_many((0..1500).map(|n| format!("u{n}"))).await.expect("a plan");
    let text = plan.to_string();
    assert!(text.contains("… 29 more") && text.contains("… and 500 more requests"), "{text}");
    assert!(text.ends_with("1500 GET, $0.0006 (AWS S3 Standard, us-east-1)\n"), "{text}");
    assert_eq!(plan.looked.total(), 0);
}
