//! What `#[document(…)]` may not say of a type.

use s3db::Document;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Document)]
#[document(resorce = "users")]
struct Misspelt {
    name: String,
}

#[derive(Serialize, Deserialize, Document)]
#[document(resource = "users", behavior = "body-overflw")]
struct UnknownBehavior {
    name: String,
}

#[derive(Serialize, Deserialize, Document)]
#[document(resource = "users", partition(name = "byCity", on = "adress.city"))]
struct PartitionWithoutField {
    name: String,
    address: String,
}

#[derive(Serialize, Deserialize, Document)]
#[document(resource = "users", partition(name = "byCity"))]
struct PartitionOnNothing {
    name: String,
}

#[derive(Serialize, Deserialize, Document)]
#[document(timestamps)]
struct OptionsWithoutResource {
    name: String,
}

#[derive(Serialize, Deserialize, Document)]
#[document(resource = users)]
struct ResourceWithoutQuotes {
    name: String,
}

#[derive(Serialize, Deserialize, Document)]
#[document(resource = "users")]
struct Generic<T> {
    name: T,
}

#[derive(Serialize, Deserialize, Document)]
#[document(resource = "users")]
struct NothingButAnId {
    id: String,
}

#[derive(Serialize, Deserialize, Document)]
struct Unit;

#[derive(Serialize, Deserialize, Document)]
#[document(resource = "plans")]
enum Plan {
    Free,
    Paid,
}

#[derive(Serialize, Deserialize, Document)]
#[document(resource = "pairs")]
struct Pair(String, String);

#[derive(Serialize, Deserialize, Document)]
enum Never {}

#[derive(Document)]
union Bits {
    whole: u32,
    parts: [u8; 4],
}

fn main() {}
