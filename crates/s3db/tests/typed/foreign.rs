//! Fields of types that other crates give: times of chrono, and decimals.
#![cfg(all(feature = "chrono", feature = "decimal"))]

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use rust_decimal::Decimal;
use s3db::{Database, Document};
use serde::{Deserialize, Serialize};
use serde_json::json;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Document)]
#[document(resource = "invoices")]
struct Invoice {
    id: String,
    sent_at: DateTime<Utc>,
    due: NaiveDate,
    opens: Option<NaiveTime>,
    total: Decimal,
}

#[tokio::test]
async fn times_of_chrono_and_decimals_come_back_as_they_were() {
    let db = Database::connect("memory://typed/foreign").await.unwrap();
    let invoices = db.resource_of::<Invoice>().await.unwrap();
    for (id, sent_at, due, opens, total) in [
        ("usual", "2026-02-28T23:59:59.999Z", "2028-02-29", Some("08:30:00"), "19.90"),
        ("early", "1969-12-31T23:59:59.001Z", "1900-01-01", None, "-0.000000000000000000000001"),
        (
            "large",
            "2199-01-01T00:00:00Z",
            "2199-12-31",
            Some("23:59:59.999"),
            "79228162514264337593543950335",
        ),
    ] {
        let opens = opens.map(|text| text.parse().unwrap());
        let (sent_at, due, total) = (sent_at.parse().unwrap(), due.parse().unwrap(), total.parse().unwrap());
        let invoice = Invoice { id: id.into(), sent_at, due, opens, total };
        invoices.insert(&invoice).await.unwrap();
        assert_eq!(*invoices.get(id).await.unwrap(), invoice);
    }
    let wrong = json!({"id": "wrong", "sent_at": "yesterday", "due": "2026-01-01", "total": "1"});
    assert_eq!(invoices.dynamic().insert(wrong).await.unwrap_err().fields()[0].field, "sent_at");
}
