//! Partitions: queries by them, orphaned ones, and ones that come when the documents are there already.

use s3db::{Database, ResourceConfig};
use serde_json::{Value, json};

use crate::support::Shell;

/// Five people in two countries, and a partition that lost its field.
fn people() -> Shell {
    let shell = Shell::new();
    let schema = r#"{"name": "string", "country": "string", "city": "string", "rooms": "number"}"#;
    let by_place = r#"{"byPlace": {"fields": {"country": "string", "city": "string"}}, "byRooms": {"fields": {"rooms": "number"}}}"#;
    shell.ok(&["create-resource", "people", "--schema", schema, "--partitions", by_place]);
    for (id, country, city, rooms) in
        [("ann", "PT", "Porto", "1.5"), ("bob", "PT", "Lisbon", "2"), ("cat", "PTX", "Porto", "2")]
    {
        let person = format!(
            r#"{{"id": "{id}", "name": "n", "country": "{country}", "city": "{city}", "rooms": {rooms}}}"#
        );
        shell.ok(&["insert", "people", "-d", &person]);
    }
    shell
}

fn ids(found: &Value) -> String {
    let ids = found.as_array().into_iter().flatten().filter_map(|one| one["id"].as_str());
    ids.collect::<Vec<_>>().join(" ")
}

#[test]
fn a_query_by_partition_finds_what_has_the_values() {
    let shell = people();
    for (values, expected) in [
        (&["country=PT"][..], "ann bob"),
        (&["city=Porto"], "ann cat"),
        (&["city=Porto", "country=PT"], "ann"),
        (&[], "ann bob cat"),
        (&["country=P"], ""),
    ] {
        let mut args = vec!["query", "people", "--json", "--partition", "byPlace"];
        values.iter().for_each(|value| args.extend(["--value", value]));
        assert_eq!(ids(&shell.json(&args)), expected, "{values:?}");
        args.extend(["--limit", "0", "--output", "ndjson"]);
        args.retain(|arg| *arg != "--json");
        assert_eq!(shell.ok(&args).lines().count(), expected.split_whitespace().count(), "{values:?}");
    }
    let filtered =
        ["query", "people", "--json", "-p", "byPlace", "-v", "country=PT", "-f", r#"{"rooms": 2}"#];
    assert_eq!(ids(&shell.json(&filtered)), "bob");
    // A number is read as one, however it is written.
    assert_eq!(ids(&shell.json(&["query", "people", "--json", "-p", "byRooms", "-v", "rooms=1.50"])), "ann");

    let count = |args: &[&str]| shell.ok(&[&["count", "people"], args].concat());
    for (args, expected) in [
        (&["-p", "byPlace", "-v", "country=PT"][..], "people: 2 records"),
        (&["--partition", "byPlace", "--value", "city=Porto", "--value", "country=PT"], "people: 1 record"),
        (&["-p", "byPlace"], "people: 3 records"),
        (&["-p", "byRooms", "-v", "rooms=1.50"], "people: 1 record"),
    ] {
        assert_eq!(count(args).trim(), expected, "{args:?}");
    }
    shell.fails(&["count", "people", "-p", "byName"], 1, &["no such partition"]);
    shell.fails(&["count", "people", "-v", "country=PT"], 2, &["--partition"]);
    shell.fails(&["count", "people", "-p", "byPlace", "--by", "city"], 2, &["--by"]);

    shell.fails(&["query", "people", "-p", "byName"], 1, &["no such partition", "byPlace, byRooms"]);
    shell.fails(&["query", "people", "-p", "byPlace", "-v", "name=n"], 1, &["city, country"]);
    shell.fails(&["query", "people", "-p", "byRooms", "-v", "rooms=two"], 1, &["not a number"]);
    shell.fails(&["query", "people", "-p", "byPlace", "-v", "country"], 2, &["FIELD=VALUE"]);
    shell.fails(&["query", "people", "-v", "country=PT"], 2, &["--partition"]);
}

#[test]
fn a_partition_that_is_added_is_complete_after_a_reindex() {
    let shell = people();
    let added = shell.run(&[
        "partitions",
        "people",
        "--json",
        "--add",
        r#"{"byCity": {"fields": {"city": "string"}}}"#,
    ]);
    assert_eq!(added.code, 0, "{added:?}");
    assert!(added.err.contains("s3db reindex people"), "{}", added.err);
    let states = |listed: &Value| {
        let listed = listed.as_array().unwrap().iter();
        listed
            .map(|one| format!("{}:{}", one["partition"].as_str().unwrap(), one["state"].as_str().unwrap()))
            .collect::<Vec<_>>()
    };
    let listed: Value = serde_json::from_str(&added.out).unwrap();
    assert_eq!(states(&listed), ["byCity:incomplete", "byPlace:complete", "byRooms:complete"]);
    assert_eq!(listed[1]["fields"], json!({"city": "string", "country": "string"}));

    let by_city = ["query", "people", "--json", "-p", "byCity", "-v", "city=Porto"];
    assert_eq!(ids(&shell.json(&by_city)), "");
    let done = shell.json(&["reindex", "people", "--partition", "byCity", "--json"]);
    assert_eq!(
        done,
        json!({"documents": 3, "written": 3, "failed": 0, "complete": ["byCity"], "resumed": false})
    );
    assert_eq!(ids(&shell.json(&by_city)), "ann cat");
    assert_eq!(states(&shell.json(&["partitions", "people", "--json"]))[0], "byCity:complete");
    let again = shell.run(&["reindex", "people"]);
    assert!(again.err.contains("Looked at 3 documents and wrote 0 references"), "{again:?}");
    shell.fails(&["reindex", "people", "--partition", "byName"], 1, &["no such partition"]);
    shell.fails(
        &["partitions", "people", "--add", r#"{"byZip": {"fields": {"zip": "string"}}}"#],
        1,
        &["zip"],
    );
}

#[test]
fn orphaned_partitions_are_shown_and_removed_when_asked_for() {
    let shell = people();
    let folder = format!("file://{}/s3db-data", shell.path().display());
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let builder = Database::builder(&folder).unwrap().options(|options| options.strict_validation = false);
        let db = builder.connect().await.unwrap();
        let fields = json!({"name": "string", "country": "string", "city": "string"});
        let partitions = json!({
            "byPlace": {"fields": {"country": "string", "city": "string"}}, "byRooms": {"fields": {"rooms": "number"}},
        });
        db.create_resource(ResourceConfig::new("people", fields).partitions(partitions)).await.unwrap();
    });
    let table = shell.ok(&["partitions", "people"]);
    assert!(table.contains("orphaned") && table.contains("rooms"), "{table}");
    let preview = shell.run(&["partitions", "people", "--remove-orphaned", "--dry-run"]);
    assert!(preview.out.contains("byRooms") && preview.err.contains("nothing was changed"), "{preview:?}");
    assert_eq!(shell.json(&["partitions", "people", "--json"]).as_array().unwrap().len(), 2);
    let removed = shell.json(&["partitions", "people", "--remove-orphaned", "--json"]);
    assert_eq!(removed, json!([{"partition": "byRooms", "missing": "rooms"}]));
    assert_eq!(shell.json(&["partitions", "people", "--json"]).as_array().unwrap().len(), 1);
    assert_eq!(shell.json(&["partitions", "people", "--remove-orphaned", "--json"]), json!([]));
    shell.fails(&["partitions", "people", "--dry-run"], 2, &["--remove-orphaned"]);
}
