use s3db::typed::TypedDocument as _;
use s3db::{Database, Document, ErrorKind, ResourceConfig, doc};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Document)]
#[document(resource = "pets")]
struct Pet {
    #[document(trim)]
    name: String,
    age: Option<u32>,
}

/// The struct a release later.
mod later {
    use super::*;

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Document)]
    #[document(resource = "pets", behavior = "enforce-limits")]
    pub(super) struct Pet {
        #[document(trim, max = 40)]
        pub(super) name: String,
        pub(super) owner: String,
    }
}

async fn database(place: &str) -> Database {
    Database::connect(&format!("memory://typed/{place}")).await.unwrap()
}

#[tokio::test]
async fn a_resource_is_created_once_and_opened_again_for_nothing() {
    let db = database("opening").await;
    db.resource_of::<Pet>().await.unwrap();
    let before = db.requests();
    let pets = db.resource_of::<Pet>().await.unwrap();
    assert_eq!((pets.version().as_str(), db.requests()), ("v1", before));
}

#[tokio::test]
async fn another_spelling_of_the_same_schema_is_no_difference() {
    let db = database("spelling").await;
    let attributes = doc! {
        name: { "type": "string", trim: true },
        age: "number|min:0|required|optional|integer",
    };
    db.create_resource(ResourceConfig::new("pets", attributes)).await.unwrap();
    let difference = db.resource_of::<Pet>().diff().unwrap().unwrap();
    assert!(difference.is_empty(), "{difference}");
    assert!(db.resource_of::<Pet>().named("dogs").diff().unwrap().is_none());
}

#[tokio::test]
async fn a_schema_that_is_different_is_refused_with_every_difference() {
    let db = database("differences").await;
    db.resource_of::<Pet>().await.unwrap();
    let refused = db.resource_of::<later::Pet>().await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Config);
    let message = refused.message();
    for line in [
        "  ~ name: stored string, declared string|max:40",
        "  - age: stored number|integer|min:0|optional, not declared",
        "  + owner: declared string|no-trim, not stored; documents that are there lack it",
        "  ~ behavior: stored body-overflow, declared enforce-limits",
    ] {
        assert!(message.lines().any(|found| found == line), "no `{line}` in\n{message}");
    }
    assert_eq!(db.resource("pets").unwrap().version(), "v1");
}

#[tokio::test]
async fn a_migration_is_asked_for() {
    let db = database("migration").await;
    let pets = db.resource_of::<Pet>().await.unwrap();
    pets.insert(&Pet { name: "Rex".to_owned(), age: Some(3) }).await.unwrap();
    let later = db.resource_of::<later::Pet>().migrate().await.unwrap();
    assert_eq!(later.version(), "v2");
    // The document of before lacks the owner, and says so.
    let listing = later.get_all().await.unwrap();
    assert!(
        listing.unreadable[0].error.to_string().contains("missing field `owner`"),
        "{:?}",
        listing.unreadable
    );
}

#[tokio::test]
async fn a_stored_schema_can_stay_in_force() {
    let db = database("accept").await;
    db.resource_of::<Pet>().await.unwrap();
    let later = db.resource_of::<later::Pet>().accept().await.unwrap();
    assert_eq!(later.version(), "v1");
}

#[tokio::test]
async fn a_resource_that_another_process_has_made_is_not_changed_unasked() {
    let store: std::sync::Arc<dyn s3db::store::Store> = std::sync::Arc::new(s3db::store::MemoryStore::new());
    let mine = Database::builder_on(store.clone(), "app").connect().await.unwrap();
    let theirs = Database::builder_on(store, "app").connect().await.unwrap();
    theirs.resource_of::<Pet>().await.unwrap();
    assert_eq!(mine.resource_of::<later::Pet>().await.unwrap_err().kind(), ErrorKind::Config);
    assert_eq!(mine.resource_of::<Pet>().await.unwrap().version(), "v1");
}

#[test]
fn the_definition_can_be_changed_by_hand() {
    let _: ResourceConfig = Pet::config().id_size(10);
}
