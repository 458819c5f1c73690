//! Wrong input: each gives its exit code, says what is wrong, and what to try.

use crate::support::Shell;

#[test]
fn a_wrong_connection_is_named_without_its_secret() {
    let shell = Shell::with_users();
    for (connection, says) in [
        ("", "the connection string is empty"),
        ("nonsense", "scheme"),
        ("ftp://host/bucket", "ftp"),
        ("s3://KEY@bucket", "secret"),
        ("file://", "file"),
        ("file://./nowhere", "no database at this place"),
        ("http://KEY:SECRET@127.0.0.1:9/bucket", "127.0.0.1:9"),
    ] {
        let ran = shell.fails(&["list", "-c", connection], 4, &[says]);
        assert!(!ran.err.contains("KEY:SECRET@127"), "{}", ran.err);
    }
    shell.fails(&["list", "-c", "file://./nowhere"], 4, &["hint:", "s3db demo", "--connection"]);
    Shell::new().fails(&["list"], 4, &["s3db-data", "s3db demo", "S3DB_CONNECTION"]);
    Shell::new().set("S3DB_CONNECTION", "bogus://x").fails(&["list"], 4, &["bogus"]);
}

#[test]
fn the_environment_names_the_database_and_the_flag_wins() {
    let shell = Shell::with_users().set("S3DB_CONNECTION", "file://./nowhere");
    shell.fails(&["list"], 4, &["nowhere"]);
    assert!(shell.ok(&["list", "-c", "file://./s3db-data"]).contains("users"));
}

#[test]
fn wrong_usage_is_exit_2() {
    let shell = Shell::with_users();
    for (args, says) in [
        (&["frobnicate"][..], "frobnicate"),
        (&["get", "users"], "<ID>"),
        (&["query", "users", "--limit", "many"], "many"),
        (&["query", "users", "--output", "xml"], "ndjson"),
        (&["query", "users", "--json", "--csv"], "--csv"),
        (&["query", "users", "--filter", "{age: 5}"], "not JSON"),
        (&["insert", "users", "-d", "{name: 5}"], "not JSON"),
        (&["insert", "users", "-d", ""], "empty"),
        (&["insert", "users", "-d", "{}", "-f", "x"], "--file"),
        (&["insert", "users"], "empty"),
        (&["update", "users", "ann", "-d", "[{}]"], "one JSON object"),
        (&["create-resource", "x"], "--schema"),
        (&["create-resource", "x", "-s", "{}", "-b", "sideways"], "sideways"),
    ] {
        shell.fails(args, 2, &[says]);
    }
}

#[test]
fn wrong_schemas_list_what_is_unknown() {
    let shell = Shell::new();
    let create =
        |schema: &str, says: &[&str]| drop(shell.fails(&["create-resource", "x", "-s", schema], 1, says));
    create(r#"{"a": "strnig", "b": "number|minn:1"}"#, &["strnig", "minn"]);
    create(r#"[1]"#, &["object"]);
    shell.fails(&["create-resource", "a/b", "-s", r#"{"a": "string"}"#], 1, &["a/b"]);
    let partitions =
        ["create-resource", "x", "-s", r#"{"a": "string"}"#, "-p", r#"{"byB": {"fields": {"b": "string"}}}"#];
    shell.fails(&partitions, 1, &["byB", "`a`"].map(|text| text.trim_matches('`')));
    assert_eq!(shell.ok(&["list", "--json"]).trim(), "[]");
}

#[test]
fn wrong_ids_are_refused_before_anything_is_written() {
    let shell = Shell::with_users();
    let long = "x".repeat(2048);
    for id in ["a/b", "a\\b", "a=b", "a%b", "../x", long.as_str()] {
        let document = serde_json::json!({"id": id, "name": "Name", "email": "e@example.com"}).to_string();
        shell.fails(&["insert", "users", "-d", &document], 1, &["hint:"]);
        shell.fails(&["get", "users", id], 1, &["hint:"]);
        shell.fails(&["delete", "users", id, "--force"], 1, &["hint:"]);
    }
    assert_eq!(shell.ok(&["count", "users"]), "users: 2 records\n");
}

#[test]
fn absent_things_are_exit_3() {
    let shell = Shell::with_users();
    for args in [
        &["get", "users", "nobody"][..],
        &["update", "users", "nobody", "-d", "{}"],
        &["delete", "users", "nobody", "--force"],
        &["get", "nothing", "x"],
        &["query", "nothing"],
        &["count", "nothing"],
        &["schema", "nothing"],
    ] {
        shell.fails(args, 3, &["not found"]);
    }
    shell.fails(&["query", "nothing"], 3, &["users"]);
}

#[test]
fn every_wrong_field_is_on_a_line_of_its_own() {
    let shell = Shell::with_users();
    let ran =
        shell.fails(&["insert", "users", "-d", r#"{"name": "A", "email": "nowhere", "age": "old"}"#], 1, &[]);
    let fields: Vec<_> = ran
        .err
        .lines()
        .filter(|line| line.starts_with("  "))
        .filter_map(|line| line.trim().split(':').next())
        .collect();
    assert_eq!(fields, ["name", "email", "age"], "{}", ran.err);
}

#[test]
fn a_document_over_the_limit_is_refused_under_enforce_limits() {
    let shell = Shell::new();
    shell.ok(&["create-resource", "small", "-b", "enforce-limits", "-s", r#"{"text": "string"}"#]);
    let document = serde_json::json!({"id": "big", "text": "x".repeat(3000)}).to_string();
    shell.fails(&["insert", "small", "-d", &document], 1, &["limit", "hint:"]);
    assert_eq!(shell.ok(&["count", "small"]), "small: 0 records\n");
}

#[test]
fn a_truncated_catalogue_is_an_error_and_stays_as_it_is() {
    let shell = Shell::with_users();
    let mut dump = shell.json(&["dump"]);
    for object in dump["objects"].as_array_mut().unwrap() {
        if object["key"] == "s3db.json" {
            let body = object["body_base64"].as_str().unwrap().to_owned();
            object["body_base64"] = serde_json::json!(body[..body.len() / 8 * 4]);
        }
    }
    shell.write("cut.json", &dump.to_string());
    shell.ok(&["load", "cut.json", "-c", "file://./cut"]);
    shell.fails(&["list", "-c", "file://./cut"], 1, &["s3db.json", "hint:"]);
    let after = shell.json(&["dump", "-c", "file://./cut"]);
    assert_eq!(after["objects"], dump["objects"]);
}

#[test]
fn a_mended_catalogue_is_told_once_with_the_key_of_its_backup() {
    let shell = Shell::new();
    let bucket = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/buckets/self-healing.json");
    shell.ok(&["load", bucket]);
    let ran = shell.run(&["list"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(ran.err.lines().count(), 1, "{ran:?}");
    let backup = ran.err.split_once("kept as ").unwrap().1.trim();
    assert!(backup.starts_with("s3db.json.corrupted.") && ran.err.contains("has been mended"), "{ran:?}");
    assert!(shell.ok(&["dump"]).contains(&format!("\"key\":\"{backup}\"")), "{backup} is there");
    assert_eq!(shell.run(&["list"]).err, "", "it is sound now");
}

#[test]
fn an_unreadable_document_is_reported_beside_the_others() {
    let shell = Shell::with_users();
    let file = shell.object_file("resource=users/data/id=ann");
    std::fs::write(&file, b"damaged").unwrap();
    let ran = shell.run(&["query", "users", "--json"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let records: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(records[0]["id"], "bob");
    assert!(ran.err.contains("\"ann\""), "{}", ran.err);
    assert_eq!(shell.run(&["query", "users", "--json", "--strict"]).code, 1);
    shell.fails(&["get", "users", "ann"], 1, &["ann"]);
}
