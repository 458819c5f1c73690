//! The shop of the demo: its schemas and documents.

use s3db::env::{Random as _, SystemEnv};
use s3db::{Database, Error, ErrorKind, ResourceConfig};
use serde_json::{Value, json};

use crate::commands::schema::definition;
use crate::exit::Outcome;

/// Fields of a customer.
pub(super) fn customer_attributes() -> Value {
    json!({
        "name": "string|min:2",
        "email": "email",
        "points": "number|integer|min:0|default:0",
        "ip": "ip4|optional",
        "born": "dateonly|optional",
        "tags": "array|items:string|optional",
        "address": { "street": "string", "city": "string", "zip": "string|optional" },
        "card": "secret|optional",
    })
}

fn order_attributes() -> Value {
    json!({
        "customer": "string",
        "status": "string|enum:open,paid,shipped,cancelled",
        "total": "money",
        "items": { "type": "array", "items": { "type": "object", "props": { "sku": "string", "count": "number" } } },
        "placed": "datetime",
    })
}

/// The resources of the shop.
pub(super) fn resources() -> (ResourceConfig, ResourceConfig) {
    let customers = ResourceConfig::new("customers", customer_attributes());
    let orders = ResourceConfig::new("orders", order_attributes());
    (customers, orders)
}

/// Refuses a database that has resources of these names with other fields: they are not ours to change.
pub(super) fn refuse_foreign(db: &Database) -> Outcome {
    for (name, ours) in [("customers", customer_attributes()), ("orders", order_attributes())] {
        let Some(there) = definition(db, name)? else { continue };
        let same = ours
            .as_object()
            .is_some_and(|ours| ours.keys().all(|field| there.attributes.contains_key(field)));
        if !same {
            return Err(Error::new(
                ErrorKind::AlreadyExists,
                "the database has a resource of this name that is not the demo's",
            )
            .with("resource", name)
            .hint("run the demo in another place: s3db demo -c file://./demo")
            .into());
        }
    }
    Ok(())
}

/// Removes the demo's own documents of a run before.
pub(super) async fn clear(db: &Database) -> Outcome {
    for (resource, documents) in [("customers", customers()), ("orders", orders())] {
        let ids = documents.iter().filter_map(|document| document["id"].as_str().map(str::to_owned));
        let failed = db.resource(resource)?.delete_many(ids).await.failed;
        // Where nothing was before, there is nothing to remove.
        if let Some(failed) = failed.into_iter().find(|failed| failed.error.kind() != ErrorKind::NotFound) {
            return Err(failed.error.into());
        }
    }
    Ok(())
}

/// A passphrase nobody has used before.
pub(super) fn passphrase() -> String {
    let mut bytes = [0_u8; 12];
    SystemEnv.fill(&mut bytes);
    let hex: Vec<String> =
        bytes.chunks(3).map(|part| part.iter().map(|byte| format!("{byte:02x}")).collect()).collect();
    format!("demo-{}", hex.join("-"))
}

pub(super) fn customers() -> Vec<Value> {
    vec![
        json!({
            "id": "ann", "name": "Ann Silva", "email": "ann@example.com", "points": 1250, "ip": "192.168.10.20",
            "born": "1990-04-12", "tags": ["vip", "newsletter"], "card": "4111 1111 1111 1111",
            "address": { "street": "Rua Augusta 24", "city": "Lisbon", "zip": "1100-053" },
        }),
        json!({
            "id": "bob", "name": "Bob Nakamura", "email": "bob@example.com", "points": 80, "ip": "10.0.0.7",
            "born": "1984-11-02", "tags": ["newsletter"],
            "address": { "street": "Sakura-dōri 3", "city": "京都", "zip": "604-8006" },
        }),
        json!({
            "id": "cleo", "name": "Cleo Brandt", "email": "cleo@example.com",
            "born": "2001-07-30", "tags": [], "card": "5500 0000 0000 0004",
            "address": { "street": "Lindenweg 8", "city": "Zürich" },
        }),
        json!({
            "id": "dev", "name": "Dev Patel", "email": "dev@example.com", "points": 415, "ip": "203.0.113.9",
            "address": { "street": "12 Hill Road", "city": "Mumbai" },
        }),
    ]
}

pub(super) fn orders() -> Vec<Value> {
    let order = |id: &str, customer: &str, status: &str, total: f64, sku: &str, count: u32, placed: &str| {
        json!({
            "id": id, "customer": customer, "status": status, "total": total,
            "items": [{ "sku": sku, "count": count }], "placed": placed,
        })
    };
    vec![
        order("o-1001", "ann", "shipped", 129.9, "LAMP-2", 1, "2026-01-12T09:15:00.000Z"),
        order("o-1002", "bob", "paid", 24.5, "TEA-11", 3, "2026-01-14T18:02:11.000Z"),
        order("o-1003", "ann", "cancelled", 899.0, "DESK-1", 1, "2026-01-20T11:40:05.000Z"),
        order("o-1004", "cleo", "paid", 310.25, "CHAIR-4", 2, "2026-02-02T07:30:00.000Z"),
        order("o-1005", "dev", "open", 64.0, "LAMP-1", 2, "2026-02-03T21:05:49.000Z"),
        order("o-1006", "bob", "shipped", 75.75, "TEA-20", 5, "2026-02-10T13:22:30.000Z"),
    ]
}
