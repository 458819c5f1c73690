//! What each command does.

use serde_json::json;

use crate::support::Shell;

#[test]
fn a_resource_is_created_listed_and_shown() {
    let shell = Shell::with_users();
    let list = shell.ok(&["list"]);
    assert!(list.contains("users") && list.contains("body-overflow"), "{list}");
    let rows = shell.json(&["list", "--json"]);
    assert_eq!(rows[0]["resource"], "users");
    assert_eq!(rows[0]["partitions"], json!([]));
    let schema = shell.json(&["schema", "users", "--format", "json"]);
    assert_eq!(schema["attributes"]["name"], "string|min:2");
    assert_eq!(schema["paranoid"], true);
}

#[test]
fn every_flag_of_create_resource_is_in_the_definition() {
    let shell = Shell::new();
    shell.write("notes.json", r#"{"text": "string", "region": "string"}"#);
    let made = shell.json(&[
        "create-resource",
        "notes",
        "--schema",
        "@notes.json",
        "--behavior",
        "body-only",
        "--timestamps",
        "--no-paranoid",
        "--partitions",
        r#"{"byRegion": {"fields": {"region": "string"}}}"#,
    ]);
    assert_eq!(made["behavior"], "body-only");
    assert_eq!(made["timestamps"], true);
    assert_eq!(made["paranoid"], false);
    assert_eq!(made["partitions"]["byRegion"]["fields"]["region"], "string");
}

#[test]
fn the_same_definition_changes_nothing_and_another_is_the_next_version() {
    let shell = Shell::new();
    let create = |schema: &str| shell.json(&["create-resource", "a", "--schema", schema])["version"].clone();
    assert_eq!(create(r#"{"x": "string"}"#), "v1");
    assert_eq!(create(r#"{"x": "string"}"#), "v1");
    assert_eq!(create(r#"{"x": "string", "y": "number|optional"}"#), "v2");
}

#[test]
fn a_document_lives_from_insert_to_delete() {
    let shell = Shell::with_users();
    let cleo = r#"{"id": "cleo", "name": "Cleo", "email": "cleo@example.com"}"#;
    assert_eq!(shell.json(&["insert", "users", "-d", cleo])["id"], "cleo");
    assert_eq!(shell.json(&["get", "users", "cleo"])["name"], "Cleo");
    assert_eq!(shell.json(&["update", "users", "cleo", "-d", r#"{"age": 31}"#])["age"], 31);
    assert_eq!(shell.json(&["patch", "users", "cleo", "-d", r#"{"age": 32}"#])["name"], "Cleo");
    assert_eq!(shell.ok(&["delete", "users", "cleo", "--force"]), "");
    shell.fails(&["get", "users", "cleo"], 3, &["document not found", "cleo"]);
    shell.fails(&["delete", "users", "cleo", "--force"], 3, &["cleo"]);
}

#[test]
fn a_dotted_update_keeps_the_siblings() {
    let shell = Shell::with_users();
    let ann = shell.json(&["update", "users", "ann", "-d", r#"{"profile.city": "Porto"}"#]);
    assert_eq!(ann["profile"], json!({"city": "Porto", "bio": "b"}));
    assert_eq!(shell.json(&["get", "users", "ann"])["profile"], ann["profile"]);
}

#[test]
fn replace_writes_whole_and_upsert_merges_or_inserts() {
    let shell = Shell::with_users();
    let whole = r#"{"name": "Anna", "email": "anna@example.com"}"#;
    let ann = shell.json(&["replace", "users", "ann", "-d", whole]);
    assert_eq!((&ann["name"], ann.get("age")), (&json!("Anna"), None));
    let ann = shell.json(&["upsert", "users", "-d", r#"{"id": "ann", "age": 10}"#]);
    assert_eq!((&ann["name"], &ann["age"]), (&json!("Anna"), &json!(10)));
    let new =
        shell.json(&["upsert", "users", "-d", r#"{"id": "dev", "name": "Dev", "email": "dev@example.com"}"#]);
    assert_eq!(new["id"], "dev");
}

#[test]
fn an_id_that_is_taken_is_not_overwritten() {
    let shell = Shell::with_users();
    let other = r#"{"id": "ann", "name": "Other", "email": "other@example.com"}"#;
    shell.fails(&["insert", "users", "-d", other], 1, &["ann"]);
    assert_eq!(shell.json(&["get", "users", "ann"])["name"], "Ann");
}

#[test]
fn many_documents_come_from_an_array_a_file_or_a_pipe() {
    let document = |id: &str| format!(r#"{{"id": "{id}", "name": "Name", "email": "{id}@example.com"}}"#);
    for (args, input) in [
        (vec!["-f", "many.ndjson"], String::new()),
        (vec!["-f", "-"], format!("[{}, {}]", document("x"), document("y"))),
        (vec!["-d", "-"], format!("{} {}", document("x"), document("y"))),
        (vec!["-d", "@many.ndjson"], String::new()),
        (vec![], format!("{}\n{}\n", document("x"), document("y"))),
    ] {
        let shell = Shell::with_users();
        shell.write("many.ndjson", &format!("{}\n{}\n", document("x"), document("y")));
        let args = [vec!["insert", "users"], args].concat();
        let ran = shell.run_with_input(&args, &input);
        assert_eq!((ran.code, ran.out.as_str()), (0, "x\ny\n"), "{args:?}: {}", ran.err);
        assert_eq!(shell.ok(&["count", "users"]), "users: 4 records\n");
    }
}

#[test]
fn each_failing_document_of_many_is_reported_and_the_others_are_in() {
    let shell = Shell::with_users();
    let many = r#"{"id": "x", "name": "X-ray", "email": "x@example.com"}
        {"id": "bad", "name": "B", "email": "nowhere"}
        {"id": "ann", "name": "Again", "email": "ann@example.com"}
        {"id": "y", "name": "Yak", "email": "y@example.com"}"#;
    let ran = shell.run_with_input(&["insert", "users", "-f", "-"], many);
    assert_eq!((ran.code, ran.out.as_str()), (1, "x\ny\n"), "{ran:?}");
    for text in ["item 2, id bad", "  name: ", "  email: ", "item 3, id ann", "inserted 2 of 4"] {
        assert!(ran.err.contains(text), "no `{text}` in {}", ran.err);
    }
    let ran =
        shell.run_with_input(&["insert", "users", "--output", "ndjson"], r#"[{"id": "z", "name": "Z"}]"#);
    let error: serde_json::Value = serde_json::from_str(ran.err.lines().next().unwrap()).unwrap();
    assert_eq!((&error["error"]["item"], &error["error"]["kind"]), (&json!(1), &json!("validation")));
}

#[test]
fn documents_before_a_broken_line_are_in_and_the_line_is_named() {
    let shell = Shell::with_users();
    let many = "{\"id\": \"x\", \"name\": \"Xa\", \"email\": \"x@e.io\"}\n{\"id\": \"y\", \"name\": \"Ya\", \"email\": \"y@e.io\"}\n{oops\n";
    let ran = shell.run_with_input(&["insert", "users"], many);
    assert_eq!((ran.code, ran.out.as_str()), (2, "x\ny\n"), "{ran:?}");
    assert!(ran.err.contains("after 2 documents") && ran.err.contains("line 3"), "{}", ran.err);
}

#[test]
fn queries_filter_sort_limit_and_go_on() {
    let shell = Shell::with_users();
    for (args, ids) in [
        (vec![], vec!["ann", "bob"]),
        (vec!["-f", r#"{"name": "Ann"}"#], vec!["ann"]),
        (vec!["-f", r#"{"age": {"gt": 25}}"#], vec!["bob"]),
        (vec!["-f", r#"{"age": {"$lte": 25}}"#], vec!["ann"]),
        (vec!["-f", r#"{"profile.city": "Lisbon"}"#], vec!["ann"]),
        (vec!["-f", r#"{"id": "bob"}"#], vec!["bob"]),
        (vec!["--sort", "-age"], vec!["bob", "ann"]),
        (vec!["--limit", "1"], vec!["ann"]),
        (vec!["--limit", "0"], vec!["ann", "bob"]),
        (vec!["-f", r#"{"name": "Nobody"}"#], vec![]),
    ] {
        let records = shell.json(&[vec!["query", "users", "--json"], args.clone()].concat());
        let found: Vec<_> =
            records.as_array().unwrap().iter().map(|record| record["id"].as_str().unwrap()).collect();
        assert_eq!(found, ids, "{args:?}");
    }
    let first = shell.run(&["query", "users", "--limit", "1", "--output", "ndjson"]);
    let cursor = first.err.trim().rsplit(' ').next().unwrap();
    let second = shell.ok(&["query", "users", "--limit", "1", "--output", "ndjson", "--cursor", cursor]);
    assert!(second.contains("bob") && !second.contains("ann"), "{second}");
}

#[test]
fn ten_documents_are_shown_unless_more_are_asked_for() {
    let shell = Shell::with_users();
    let many: Vec<_> = (0..20)
        .map(|n| json!({"id": format!("u{n:02}"), "name": "Many", "email": "m@example.com"}))
        .collect();
    shell.run_with_input(&["insert", "users"], &json!(many).to_string());
    assert_eq!(shell.json(&["query", "users", "--json"]).as_array().unwrap().len(), 10);
    assert_eq!(shell.ok(&["query", "users", "-l", "0", "--output", "ndjson"]).lines().count(), 22);
}

#[test]
fn counts_of_a_field_are_sorted_and_sum_to_the_total() {
    let shell = Shell::with_users();
    for (id, region) in [("a", "US"), ("b", "EU"), ("c", "EU")] {
        let document = json!({"id": id, "name": "Name", "email": "e@example.com", "region": region});
        shell.ok(&["insert", "users", "-d", &document.to_string()]);
    }
    let rows = shell.json(&["count", "users", "--by", "region", "--json"]);
    let expected =
        json!([{"region": "EU", "count": 2}, {"region": null, "count": 2}, {"region": "US", "count": 1}]);
    assert_eq!(rows, expected);
    assert_eq!(shell.json(&["count", "users", "--json"])[0]["count"], 5);
}

#[test]
fn nothing_is_deleted_where_nobody_can_be_asked() {
    let shell = Shell::with_users();
    shell.fails(&["delete", "users", "ann"], 2, &["nothing was deleted", "--force"]);
    assert_eq!(shell.ok(&["count", "users"]), "users: 2 records\n");
}

#[test]
fn several_documents_are_deleted_and_the_missing_one_is_named() {
    let shell = Shell::with_users();
    let ran = shell.run(&["delete", "users", "ann", "nobody", "bob", "--force", "--json"]);
    assert_eq!(ran.code, 3, "{ran:?}");
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&ran.out).unwrap(),
        json!({"deleted": ["ann", "bob"]})
    );
    assert!(ran.err.contains("nobody"), "{}", ran.err);
    assert_eq!(shell.ok(&["count", "users"]), "users: 0 records\n");
}

#[test]
fn help_shows_examples_and_never_a_connection() {
    let shell = Shell::new().set("S3DB_CONNECTION", "s3://KEY:hidden-value@bucket");
    let commands = [
        "demo",
        "list",
        "create-resource",
        "schema",
        "insert",
        "get",
        "update",
        "patch",
        "replace",
        "upsert",
        "delete",
        "query",
        "count",
        "dump",
        "load",
    ];
    for command in commands {
        let help = shell.ok(&[command, "--help"]);
        assert!(help.contains("Example") && help.contains(&format!("s3db {command}")), "{command}: {help}");
        assert!(!help.contains("hidden-value"), "{help}");
    }
    let help = shell.run(&[]);
    assert_eq!(help.code, 2);
    assert!(commands.iter().all(|command| help.err.contains(command)), "{}", help.err);
    assert!(shell.ok(&["--version"]).starts_with("s3db "));
}
