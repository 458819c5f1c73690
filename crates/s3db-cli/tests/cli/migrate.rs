//! Definitions in a file: what differs, and bringing the database there.

use serde_json::{Value, json};

use crate::support::Shell;

/// The file after the database was made: users have one more field and a partition, and orders are new.
fn changed(shell: &Shell) {
    let file = json!({"resources": {
        "users": {
            "attributes": {
                "name": "string|min:2", "email": "email", "age": "number|optional", "region": "string|optional",
                "profile": {"city": "string|optional", "bio": "string|optional"}, "vip": "boolean|optional"
            },
            "partitions": {"byCity": {"fields": {"profile.city": "string"}}}
        },
        "orders": {"attributes": {"total": "number"}, "behavior": "body-only"}
    }});
    shell.write("resources.json", &file.to_string());
}

fn members(rows: &Value) -> Vec<String> {
    let rows = rows.as_array().into_iter().flatten();
    rows.map(|row| {
        format!("{} {}", row["resource"].as_str().unwrap_or(""), row["member"].as_str().unwrap_or(""))
    })
    .collect()
}

#[test]
fn a_file_is_compared_applied_and_then_agrees() {
    let shell = Shell::with_users();
    shell.ok(&[
        "insert",
        "users",
        "-d",
        r#"{"id": "cat", "name": "Cat", "email": "c@e.io", "profile": {"city": "Oslo"}}"#,
    ]);
    changed(&shell);
    let ran = shell.run(&["schema-diff", "resources.json", "--json"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    let rows: Value = serde_json::from_str(&ran.out).unwrap_or_default();
    let found = members(&rows);
    assert_eq!(&found[..2], ["users attributes.vip", "users partitions.byCity"]);
    assert!(found.contains(&"orders attributes.total".to_owned()), "{found:?}");
    assert_eq!((&rows[0]["stored"], &rows[0]["wanted"]), (&Value::Null, &json!("boolean|optional")));

    let dry = shell.run(&["migrate", "resources.json", "--dry-run", "--json"]);
    assert!(dry.code == 0 && dry.err.contains("nothing was changed"), "{dry:?}");
    let plan: Value = serde_json::from_str(&dry.out).unwrap_or_default();
    assert_eq!(plan[0]["version"], "v1 to v2");
    assert_eq!(plan[0]["changes"], "attributes.vip, partitions.byCity");
    assert_eq!(plan[0]["index"], "byCity");
    assert_eq!(plan[0]["requests"], "7 GET + 5 PUT + 2 LIST + 1 DELETE");
    assert_eq!(plan[1]["version"], "new, v1");
    assert_eq!(shell.json(&["schema", "users"])["version"], "v1");

    let ran = shell.run(&["migrate", "resources.json"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    for text in
        ["users went from v1 to v2", "Indexed 3 documents of users, 2 references", "Created resource: orders"]
    {
        assert!(ran.err.contains(text), "{text}: {ran:?}");
    }
    assert_eq!(shell.json(&["schema", "orders"])["behavior"], "body-only");
    let by_city = ["query", "users", "--json", "-p", "byCity", "-v", "profile.city=Oslo"];
    assert_eq!(shell.json(&by_city)[0]["id"], "cat");
    assert_eq!(shell.json(&["partitions", "users", "--json"])[0]["state"], "complete");

    assert!(shell.run(&["schema-diff", "resources.json"]).err.contains("nothing differs"));
    assert_eq!(shell.json(&["schema-diff", "resources.json", "--json"]), json!([]));
    assert_eq!(shell.json(&["migrate", "resources.json", "--json"]), json!([]));
}

#[test]
fn what_the_file_does_not_say_stays() {
    let shell = Shell::new();
    let schema = r#"{"name": "string", "mail": "string"}"#;
    let partitions = r#"{"byMail": {"fields": {"mail": "string"}}}"#;
    let create = ["create-resource", "users", "--schema", schema, "--partitions", partitions, "--behavior"];
    shell.ok(&[&create[..], &["user-managed", "--timestamps", "--no-paranoid"]].concat());
    shell.ok(&["create-resource", "other", "--schema", schema]);
    let before = shell.json(&["schema", "users"]);
    shell.write(
        "same.json",
        r#"{"resources": {"users": {"attributes": {"name": "string", "mail": "string"}}}}"#,
    );
    let ran = shell.run(&["schema-diff", "same.json"]);
    assert!(ran.code == 0 && ran.err.contains("not in the file: other"), "{ran:?}");

    // What `s3db schema` prints can be put into the file as it is.
    shell.write("printed.json", &json!({"resources": {"users": before}}).to_string());
    shell.ok(&["schema-diff", "printed.json"]);

    shell.write("plain.json", r#"{"resources": {"users": {"timestamps": false, "paranoid": true}}}"#);
    shell.ok(&["migrate", "plain.json"]);
    let after = shell.json(&["schema", "users"]);
    assert_eq!((&after["timestamps"], &after["paranoid"]), (&json!(false), &json!(true)));
    assert_eq!(after["behavior"], "user-managed");
    assert_eq!(after["partitions"], json!({"byMail": {"fields": {"mail": "string"}}}));
}

#[test]
fn a_wrong_file_changes_nothing_and_is_told() {
    let shell = Shell::with_users();
    for (text, code, says) in [
        ("[]", 2, "not a JSON object"),
        (r#"{"users": {}}"#, 2, "unknown member `users`"),
        (r#"{"resources": []}"#, 2, "no object `resources`"),
        (r#"{"resources": {"users": 1}}"#, 2, "users is not an object"),
        (r#"{"resources": {"users": {"name": "people"}}}"#, 2, "another name"),
        (r#"{"resources": {"users": {"atributes": {}}}}"#, 1, "member=atributes"),
        (r#"{"resources": {"users": {"attributes": {"name": "strong"}}}}"#, 1, "strong"),
        (
            r#"{"resources": {"users": {"partitions": {"byShoe": {"fields": {"shoe": "string"}}}}}}"#,
            1,
            "shoe",
        ),
        (r#"{"resources": {"orders": {}}}"#, 1, "member=attributes"),
    ] {
        shell.write("wrong.json", text);
        for command in ["schema-diff", "migrate"] {
            shell.fails(&[command, "wrong.json"], code, &[says]);
        }
    }
    assert_eq!(shell.json(&["schema", "users"])["version"], "v1");
    shell.fails(&["migrate", "nowhere.json"], 1, &["nowhere.json"]);
}
