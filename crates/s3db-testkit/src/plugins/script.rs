//! Every verb, with what it gave, so that two databases can be compared.

use s3db_core::resource::ListOptions;
use s3db_core::{Document, Record, Resource, Result};
use serde_json::{Value, json};

use crate::conformance::case::{Failure, ensure};

/// Runs every verb, writes and reads in turn and each read twice, and returns what they gave, one line each. The resource
/// is empty before and after.
pub(super) async fn run(users: &Resource) -> Vec<String> {
    let mut lines = Lines { users: users.clone(), lines: Vec::new() };
    let user = |id: &str, name: &str, city: &str| json!({"id": id, "name": name, "city": city});
    lines.reads("at first").await;
    lines.record("insert", users.insert(user("ann", "Ann", "Porto")).await);
    lines.reads("after insert").await;
    lines.record("insert a taken id", users.insert(user("ann", "Other", "Porto")).await);
    lines.record("insert what is not valid", users.insert(json!({"id": "x", "name": 1})).await);
    lines.reads("after refusals").await;
    lines.record("update", users.update("ann", json!({"city": "Lisbon"})).await);
    lines.reads("after update").await;
    lines.record("patch", users.patch("ann", json!({"n": 1})).await);
    lines.reads("after patch").await;
    let increment = |data: &mut Document| {
        data.insert("n".to_owned(), json!(data.get("n").and_then(Value::as_i64).unwrap_or(0) + 1));
        Ok(())
    };
    lines.record("update_with", users.update_with("ann", increment).await);
    lines.reads("after update_with").await;
    let replaced = users.replace("ann", json!({"name": "Anna", "city": "Faro"})).await;
    let etag = replaced.as_ref().ok().map(|record| record.meta.etag.clone());
    lines.record("replace", replaced);
    lines.reads("after replace").await;
    if let Some(etag) = etag {
        lines.record("if_match", users.if_match(&etag).update("ann", json!({"n": 7})).await);
        lines.reads("after if_match").await;
        lines.record("if_match of another", users.if_match(&etag).update("ann", json!({"n": 8})).await);
    }
    lines.record("upsert what is there", users.upsert(user("ann", "Ann", "Porto")).await);
    lines.reads("after upsert").await;
    lines.record("upsert what is not", users.upsert(user("bob", "Bob", "Porto")).await);
    lines.reads("after another upsert").await;
    let many = users.insert_many([
        user("cleo", "Cleo", "Faro"),
        user("ann", "Taken", "Faro"),
        user("dan", "Dan", "Faro"),
    ]);
    let many = many.await;
    let ids: Vec<&str> = many.ok.iter().map(|record| record.id.as_str()).collect();
    lines.push("insert_many", format!("{ids:?}, {} failed", many.failed.len()));
    lines.reads("after insert_many").await;
    lines.push("update what is absent", kind(users.update("nobody", json!({"n": 1})).await.map(|_| ())));
    lines.push("delete", kind(users.delete("bob").await));
    lines.reads("after delete").await;
    lines.push("delete what is absent", kind(users.delete("bob").await));
    let gone = users.delete_many(["cleo", "dan"]).await;
    lines.push("delete_many", format!("{:?}, {} failed", gone.ok, gone.failed.len()));
    lines.reads("after delete_many").await;
    lines.push("delete_all", format!("{:?}", users.delete_all(true).await.map_err(|error| error.kind())));
    lines.reads("after delete_all").await;
    lines.lines
}

/// Names the first line that differs.
pub(super) fn same(expected: &[String], given: &[String]) -> std::result::Result<(), Failure> {
    for (expected, given) in expected.iter().zip(given) {
        ensure!(expected == given, "expected `{expected}`, got `{given}`");
    }
    ensure!(expected.len() == given.len(), "other verbs were called");
    Ok(())
}

struct Lines {
    users: Resource,
    lines: Vec<String>,
}

impl Lines {
    fn push(&mut self, what: &str, gave: impl std::fmt::Display) {
        self.lines.push(format!("{what}: {gave}"));
    }

    fn record(&mut self, what: &str, result: Result<Record>) {
        let gave = shown(result);
        self.push(what, gave);
    }

    /// Every verb that reads, twice: the second answer may be one that was kept.
    async fn reads(&mut self, when: &str) {
        let users = self.users.clone();
        for turn in ["once", "twice"] {
            let when = format!("{when}, {turn}");
            for id in ["ann", "bob"] {
                self.record(&format!("get {id} {when}"), users.get(id).await);
                let exists = users.exists(id).await.map_err(|error| error.kind());
                self.push(&format!("exists {id} {when}"), format!("{exists:?}"));
            }
            let some = users.get_many(["ann", "dan"]).await;
            let some: Vec<String> = some.ok.into_iter().map(|record| shown(Ok(record))).collect();
            self.push(&format!("get_many {when}"), some.join(" "));
            for limit in [None, Some(1), Some(2)] {
                let listed = users.list(ListOptions { limit, ..ListOptions::default() }).await;
                self.records(&format!("list {limit:?} {when}"), listed.map(|listing| listing.records));
            }
            let ids = users.list_ids(ListOptions::default()).await.map_err(|error| error.kind());
            self.push(&format!("list_ids {when}"), format!("{ids:?}"));
            let count = users.count().await.map_err(|error| error.kind());
            self.push(&format!("count {when}"), format!("{count:?}"));
            let page = users.page(2, None).await.map(|page| page.records);
            self.records(&format!("page {when}"), page);
            for filter in [json!({"city": "Porto"}), json!({"city": "Faro"}), json!({"n": {"$gte": 2}})] {
                let found = users.query(filter.clone()).run().await.map(|page| page.records);
                self.records(&format!("query {filter} {when}"), found);
            }
        }
    }

    fn records(&mut self, what: &str, records: Result<Vec<Record>>) {
        let gave = match records {
            Ok(records) => records.into_iter().map(|record| shown(Ok(record))).collect::<Vec<_>>().join(" "),
            Err(error) => error.kind().to_string(),
        };
        self.push(what, gave);
    }
}

fn shown(result: Result<Record>) -> String {
    match result {
        Ok(record) => {
            let mut fields: Vec<(&String, &Value)> = record.data.iter().collect();
            fields.sort_by_key(|(name, _)| *name);
            let fields: Vec<String> =
                fields.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
            format!("{}({})", record.id, fields.join(","))
        }
        Err(error) => error.kind().to_string(),
    }
}

fn kind(result: Result<()>) -> String {
    result.map_or_else(|error| error.kind().to_string(), |()| "done".to_owned())
}
