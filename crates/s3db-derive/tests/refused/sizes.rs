//! A document that must fit the metadata, and may not.

use s3db::Document;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Document)]
#[document(resource = "users", must_fit)]
struct User {
    #[document(max = 80)]
    name: String,
    biography: String,
}

fn main() {}
