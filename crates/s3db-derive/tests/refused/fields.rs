//! What `#[document(…)]` and serde may not say of a field.

use s3db::Document;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Document)]
#[document(resource = "users")]
struct Misspelt {
    #[document(emial)]
    email: String,
    #[document(uniqe)]
    login: String,
}

#[derive(Serialize, Deserialize, Document)]
#[document(resource = "users")]
struct TwoTypes {
    #[document(email, url)]
    contact: String,
}

#[derive(Serialize, Deserialize, Document)]
#[document(resource = "users")]
struct LengthOfNoNumber {
    #[document(length = "four")]
    pin: String,
}

#[derive(Serialize, Deserialize, Document)]
#[document(resource = "users")]
struct Flattened {
    name: String,
    #[serde(flatten)]
    address: Address,
}

#[derive(Serialize, Deserialize, Document)]
#[document(resource = "users")]
struct WrittenByAFunction {
    #[serde(with = "seconds")]
    born: u64,
}

#[derive(Serialize, Deserialize, Document)]
#[document(resource = "users")]
struct NamesThatNoDocumentHas {
    #[serde(rename = "address.city")]
    city: String,
    #[serde(rename = "$name")]
    name: String,
    #[serde(rename = "__proto__")]
    prototype: String,
}

#[derive(Serialize, Deserialize, Document)]
#[document(resource = "users")]
struct OneNameTwice {
    name: String,
    #[serde(rename = "name")]
    nickname: String,
}

#[derive(Serialize, Deserialize, Document)]
#[document(resource = "users")]
struct TwoIds {
    id: String,
    #[document(id)]
    login: String,
    name: String,
}

#[derive(Serialize, Deserialize, Document)]
struct Address {
    #[document(id)]
    city: String,
    zip: String,
}

fn main() {}
