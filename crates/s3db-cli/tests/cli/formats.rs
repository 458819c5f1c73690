//! How data is printed.

use serde_json::{Value, json};

use crate::support::Shell;

#[test]
fn json_is_one_array_and_nothing_else() {
    let shell = Shell::with_users();
    for args in [["query", "users", "--json"], ["query", "users", "--output=json"]] {
        let records = shell.json(&args);
        assert_eq!(records.as_array().unwrap().len(), 2);
        let names: Vec<_> = records[0].as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(names[..4], ["id", "name", "email", "age"]);
        assert_eq!(records[0]["_v"], "v1");
    }
    assert_eq!(shell.json(&["query", "users", "--json", "-f", r#"{"age": 999}"#]), json!([]));
}

#[test]
fn ndjson_is_one_record_a_line() {
    let shell = Shell::with_users();
    let lines = shell.ok(&["query", "users", "--output", "ndjson"]);
    let ids: Vec<Value> =
        lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["id"].clone()).collect();
    assert_eq!(ids, ["ann", "bob"]);
    assert_eq!(shell.ok(&["get", "users", "ann", "--output", "ndjson"]).lines().count(), 1);
}

#[test]
fn csv_round_trips_through_a_reader_of_rfc_4180() {
    let shell = Shell::new();
    shell.ok(&["create-resource", "t", "-s", r#"{"s": "string|optional", "n": "number|optional", "b": "boolean|optional", "l": "array|items:number|optional", "late": "string|optional"}"#]);
    let awkward = "a, \"b\"\r\nc";
    let documents = json!([
        {"id": "1", "s": awkward, "n": 0, "b": false, "l": [1, 2]},
        {"id": "2", "s": "plain", "late": "only here"},
    ]);
    shell.run_with_input(&["insert", "t"], &documents.to_string());
    let text = shell.ok(&["query", "t", "--csv"]);
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    assert_eq!(reader.headers().unwrap(), vec!["id", "s", "n", "b", "l", "late"]);
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows[0], vec!["1", awkward, "0", "false", "[1,2]", ""]);
    assert_eq!(rows[1], vec!["2", "plain", "", "", "", "only here"]);
}

#[test]
fn data_is_printed_byte_for_byte_and_tables_show_control_characters() {
    let shell = Shell::with_users();
    let name = "\u{1b}[31mred\u{7f}\u{9b}.";
    shell.ok(&["update", "users", "ann", "-d", &json!({"name": name}).to_string()]);
    assert_eq!(shell.json(&["get", "users", "ann"])["name"], name);
    let csv = shell.ok(&["query", "users", "--csv"]);
    assert!(csv.contains(name), "{csv:?}");
    let table = shell.ok(&["query", "users"]);
    assert!(!table.contains('\u{1b}') && table.contains("\\u{1b}[31mred"), "{table:?}");
}

#[test]
fn a_pipe_gets_no_escape_codes() {
    let shell = Shell::with_users();
    for args in
        [&["list"][..], &["query", "users"], &["get", "users", "nobody"], &["demo", "-c", "file://./demo"]]
    {
        let ran = shell.run(args);
        assert!(!ran.out.contains('\u{1b}') && !ran.err.contains('\u{1b}'), "{args:?}: {ran:?}");
    }
}

#[test]
fn long_cells_are_cut_at_50_characters() {
    let shell = Shell::with_users();
    shell.ok(&["update", "users", "ann", "-d", &json!({"name": "x".repeat(90)}).to_string()]);
    let table = shell.ok(&["query", "users"]);
    assert!(table.contains(&format!("{}…", "x".repeat(49))) && !table.contains(&"x".repeat(50)), "{table}");
}

#[test]
fn quiet_says_nothing_but_data_and_errors() {
    let shell = Shell::with_users();
    let ran = shell.run(&["update", "users", "ann", "-d", r#"{"age": 3}"#, "--quiet"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    assert!(shell.run(&["get", "users", "nobody", "--quiet"]).err.contains("not found"));
}

#[test]
fn errors_are_json_where_the_output_is() {
    let shell = Shell::with_users();
    let ran = shell.fails(&["insert", "users", "--json", "-d", r#"{"name": "A", "email": "x"}"#], 1, &[]);
    let error: Value = serde_json::from_str(&ran.err).unwrap();
    assert_eq!(error["error"]["kind"], "validation");
    let fields: Vec<_> =
        error["error"]["fields"].as_array().unwrap().iter().map(|field| &field["field"]).collect();
    assert_eq!(fields, ["name", "email"]);
    let ran = shell.fails(&["get", "users", "nobody", "--output", "ndjson"], 3, &[]);
    assert_eq!(serde_json::from_str::<Value>(&ran.err).unwrap()["error"]["id"], "nobody");
}

#[test]
#[cfg(unix)]
fn a_reader_that_goes_away_is_no_failure() {
    use std::process::{Command, Stdio};
    let shell = Shell::with_users();
    let many: Vec<_> = (0..200)
        .map(|n| json!({"id": format!("u{n}"), "name": "x".repeat(900), "email": "m@example.com"}))
        .collect();
    shell.run_with_input(&["insert", "users"], &json!(many).to_string());
    let mut child = Command::new(env!("CARGO_BIN_EXE_s3db"))
        .args(["query", "users", "--limit", "0", "--output", "ndjson"])
        .current_dir(shell.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(0), ""));
}
