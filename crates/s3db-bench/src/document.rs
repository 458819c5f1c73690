//! The documents that are written: the same as those that s3db.js is timed with.

use serde_json::{Value, json};

/// Attributes of the documents.
pub(crate) fn attributes() -> Value {
    json!({
        "name": "string|required", "email": "email|required", "age": "number|min:0", "active": "boolean",
        "region": "string", "ip": "ip4", "score": "number", "bio": "string",
        "profile": { "city": "string", "lang": "string" }, "tags": "array|items:string",
    })
}

/// The `i`th document, without its id.
pub(crate) fn document(i: usize) -> Value {
    let region = ["us", "eu", "ap", "sa"][i % 4];
    json!({
        "name": format!("User Number {i}"), "email": format!("user{i}@example.com"), "age": 18 + i % 60,
        "active": i.is_multiple_of(2), "region": region,
        "ip": format!("10.{}.{}.{}", (i >> 16) & 255, (i >> 8) & 255, i & 255),
        "score": (i * 37 % 10007) as f64 / 7.0,
        "bio": "Likes long walks on the beach and distributed systems. ".repeat(2),
        "profile": { "city": "São Paulo", "lang": "pt-BR" }, "tags": ["alpha", "beta", format!("t{}", i % 10)],
    })
}

/// The `i`th document, with its id.
pub(crate) fn document_with_id(id: &str, i: usize) -> Value {
    let mut document = document(i);
    document["id"] = id.into();
    document
}
