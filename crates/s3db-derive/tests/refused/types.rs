//! Types that no attribute can have, and types that are no documents.

use std::collections::BTreeMap;
use std::time::Duration;

use s3db::{Database, Document};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Address {
    city: String,
}

#[derive(Serialize, Deserialize, Document)]
#[document(resource = "users")]
struct User {
    name: String,
    address: Address,
    lasts: Duration,
    by_number: BTreeMap<u32, String>,
}

#[derive(Serialize, Deserialize, Document)]
struct Part {
    name: String,
}

async fn opens_what_is_no_resource(db: &Database) {
    let _ = db.resource_of::<Part>();
}

fn main() {}
