//! What PostgreSQL has.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use tokio_postgres::{Client, NoTls};

pub(super) struct Tables {
    client: Client,
    schema: String,
}

impl Tables {
    pub(super) async fn new(connection: &str, schema: &str) -> Self {
        let (client, worker) = tokio_postgres::connect(connection, NoTls).await.unwrap();
        tokio::spawn(worker);
        let statements = format!("DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}");
        client.batch_execute(&statements).await.unwrap();
        Self { client, schema: schema.to_owned() }
    }

    /// The accounts by their ids, and how many sessions there are.
    pub(super) async fn documents(&self) -> (BTreeMap<String, Value>, i64) {
        let accounts = format!("SELECT id, n, text FROM {}.accounts", self.schema);
        let accounts = self.client.query(&accounts, &[]).await.unwrap().into_iter().map(|row| {
            let (n, text): (i32, Option<String>) = (row.get("n"), row.get("text"));
            (row.get("id"), json!({"n": n, "text": text}))
        });
        let sessions = format!("SELECT count(*) FROM {}.sessions", self.schema);
        (accounts.collect(), self.client.query_one(&sessions, &[]).await.unwrap().get(0))
    }

    /// The numbers that the log has of changes of a resource.
    pub(super) async fn logged(&self, resource: &str) -> BTreeSet<i64> {
        let query = format!(
            "SELECT (coalesce(data, before)->>'n')::float8::int8 FROM {}.changes WHERE resource_name = $1",
            self.schema
        );
        let rows = self.client.query(&query, &[&resource]).await.unwrap();
        rows.into_iter().filter_map(|row| row.get::<_, Option<i64>>(0)).collect()
    }

    pub(super) async fn drop(self) {
        self.client.batch_execute(&format!("DROP SCHEMA {} CASCADE", self.schema)).await.unwrap();
    }
}
