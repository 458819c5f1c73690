//! The documents that are written: the same as those that s3db.js is timed with.

use serde_json::{Map, Value, json};

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
    fields(None, i).into()
}

/// The `i`th document, with its id.
pub(crate) fn document_with_id(id: String, i: usize) -> Value {
    fields(Some(id), i).into()
}

/// Every text is made once: `json!` would copy it, and the benchmark would time that.
fn fields(id: Option<String>, i: usize) -> Map<String, Value> {
    let region = ["us", "eu", "ap", "sa"][i % 4];
    let mut out = Map::with_capacity(11);
    if let Some(id) = id {
        out.insert("id".into(), id.into());
    }
    out.insert("name".into(), format!("User Number {i}").into());
    out.insert("email".into(), format!("user{i}@example.com").into());
    out.insert("age".into(), (18 + i % 60).into());
    out.insert("active".into(), i.is_multiple_of(2).into());
    out.insert("region".into(), region.into());
    out.insert("ip".into(), format!("10.{}.{}.{}", (i >> 16) & 255, (i >> 8) & 255, i & 255).into());
    out.insert("score".into(), ((i * 37 % 10007) as f64 / 7.0).into());
    out.insert("bio".into(), "Likes long walks on the beach and distributed systems. ".repeat(2).into());
    out.insert("profile".into(), json!({ "city": "São Paulo", "lang": "pt-BR" }));
    let tags = ["alpha".into(), "beta".into(), Value::from(format!("t{}", i % 10))];
    out.insert("tags".into(), Value::Array(tags.into()));
    out
}
