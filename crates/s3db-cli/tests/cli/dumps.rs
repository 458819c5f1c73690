//! Dumps of whole databases.

use serde_json::{Value, json};

use crate::support::Shell;

#[test]
fn a_dump_loads_into_an_empty_place_with_every_byte() {
    let shell = Shell::with_users();
    shell.ok(&["dump", "one.json"]);
    assert_eq!(shell.json(&["load", "one.json", "-c", "file://./copy", "--json"]), json!({"objects": 3}));
    let (one, two) = (shell.json(&["dump"]), shell.json(&["dump", "-c", "file://./copy"]));
    assert_eq!(one, two);
    assert_eq!(shell.json(&["get", "users", "ann", "-c", "file://./copy"])["profile"]["city"], "Lisbon");
}

#[test]
fn a_dump_goes_through_a_pipe() {
    let shell = Shell::with_users();
    let dump = shell.ok(&["dump"]);
    let ran = shell.run_with_input(&["load", "-", "-c", "file://./copy"], &dump);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(shell.ok(&["count", "users", "-c", "file://./copy"]), "users: 2 records\n");
}

#[test]
fn the_prefix_of_the_dump_is_taken_off() {
    let shell = Shell::with_users();
    let mut dump = shell.json(&["dump"]);
    dump["key_prefix"] = json!("apps/one");
    for object in dump["objects"].as_array_mut().unwrap() {
        object["key"] = json!(format!("apps/one/{}", object["key"].as_str().unwrap()));
    }
    shell.write("prefixed.json", &dump.to_string());
    shell.ok(&["load", "prefixed.json", "-c", "file://./copy"]);
    assert_eq!(shell.ok(&["count", "users", "-c", "file://./copy"]), "users: 2 records\n");
}

#[test]
fn a_place_that_is_not_empty_is_refused_unless_told_to() {
    let shell = Shell::with_users();
    shell.ok(&["dump", "users.json"]);
    shell.ok(&["update", "users", "ann", "-d", r#"{"name": "Changed"}"#]);
    shell.fails(&["load", "users.json"], 1, &["holds objects", "--merge"]);
    assert_eq!(shell.json(&["get", "users", "ann"])["name"], "Changed");
    for flag in ["--merge", "--force"] {
        shell.ok(&["load", "users.json", flag]);
        assert_eq!(shell.json(&["get", "users", "ann"])["name"], "Ann");
    }
    shell.fails(&["dump", "users.json"], 2, &["exists already", "--force"]);
    shell.ok(&["dump", "users.json", "--force"]);
}

#[test]
fn what_is_no_dump_is_refused() {
    let shell = Shell::new();
    for (text, says) in [
        ("[]", "dump"),
        ("{\"key_prefix\": \"\"}", "objects"),
        ("{\"objects\": [], \"key_prefix\": \"a\"}", "must come before"),
        ("{\"key_prefix\": \"a\", \"objects\": [{\"key\": \"b/c\"}]}", "key_prefix"),
        ("{\"key_prefix\": \"\", \"objects\": [{\"key\": \"b\", \"body_base64\": \"!\"}]}", "the body of"),
        ("{\"key_prefix\": \"\", \"objects\": [{\"key\": \"b\"", "EOF"),
    ] {
        shell.write("bad.json", text);
        shell.fails(&["load", "bad.json", "--merge"], 1, &[says]);
    }
    shell.fails(&["load", "missing.json"], 1, &["missing.json"]);
}

#[test]
fn a_damaged_catalogue_is_dumped_as_it_is() {
    let shell = Shell::with_users();
    let mut dump = shell.json(&["dump"]);
    let objects = dump["objects"].as_array_mut().unwrap();
    let catalogue = objects.iter_mut().find(|object| object["key"] == "s3db.json").unwrap();
    catalogue["body_base64"] = json!("eyJ2ZXJzaW9u");
    let damaged: Value = catalogue.clone();
    shell.write("damaged.json", &dump.to_string());
    shell.ok(&["load", "damaged.json", "-c", "file://./damaged"]);
    let again = shell.json(&["dump", "-c", "file://./damaged"]);
    assert!(again["objects"].as_array().unwrap().contains(&damaged), "{again}");
}
