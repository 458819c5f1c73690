//! `s3db content`.

use serde_json::json;

use crate::support::Shell;

#[test]
fn content_goes_in_and_comes_out_as_it_was() {
    let shell = Shell::with_users();
    let bytes = (0..=255_u8).collect::<Vec<_>>();
    std::fs::write(shell.path().join("ann.png"), &bytes).expect("a file");
    let set =
        shell.json(&["content", "set", "users", "ann", "--file", "ann.png", "--type", "image/png", "--json"]);
    assert_eq!(set, json!({"contentLength": 256}));
    shell.ok(&["content", "get", "users", "ann", "--file", "copy.png"]);
    assert_eq!(std::fs::read(shell.path().join("copy.png")).expect("a file"), bytes);
    let again = shell.run(&["content", "get", "users", "ann", "--file", "copy.png"]);
    assert_eq!(again.code, 2, "{}", again.err);
    shell.ok(&["content", "get", "users", "ann", "--file", "copy.png", "--force"]);
    let ann = shell.json(&["get", "users", "ann"]);
    assert_eq!(
        (&ann["_hasContent"], &ann["_mimeType"], &ann["age"]),
        (&json!(true), &json!("image/png"), &json!(9))
    );

    for (range, expected) in [("0-9", &bytes[..10]), ("250-", &bytes[250..]), ("254-999", &bytes[254..])] {
        shell.ok(&["content", "get", "users", "ann", "--range", range, "--out", "part.png", "--force"]);
        assert_eq!(std::fs::read(shell.path().join("part.png")).expect("a file"), expected, "{range}");
    }
    shell.ok(&["content", "set", "users", "ann", "part.png", "--type", "image/png"]);
    assert_eq!(shell.json(&["get", "users", "ann"])["_contentLength"], json!(2));

    let piped = shell.run_with_input(&["content", "set", "users", "ann"], "piped in");
    assert_eq!(piped.code, 0, "{}", piped.err);
    assert_eq!(shell.ok(&["content", "get", "users", "ann"]), "piped in");
    let plan = shell.run(&["content", "delete", "users", "ann", "--explain"]);
    assert!(plan.code == 0 && plan.out.contains("PUT") || plan.err.contains("PUT"), "{plan:?}");
    assert_eq!(shell.ok(&["content", "get", "users", "ann"]), "piped in");

    shell.ok(&["content", "delete", "users", "ann"]);
    let none = shell.run(&["content", "get", "users", "ann"]);
    assert!(none.code == 3 && none.out.is_empty() && none.err.contains("no content"), "{none:?}");
    assert_eq!(shell.json(&["get", "users", "ann"])["_hasContent"], json!(false));
}

#[test]
fn content_that_cannot_be_is_refused() {
    let shell = Shell::with_users();
    for (args, input, code, says) in [
        (&["content", "set", "users", "ann"][..], "", 1, "content cannot be empty"),
        (&["content", "set", "users", "ann", "--type", "png"], "x", 1, "content_type"),
        (&["content", "set", "users", "nobody"], "x", 3, "not found"),
        (&["content", "set", "users", "ann", "--file", "gone.png"], "", 1, "gone.png"),
        (&["content", "get", "users", "ann"], "", 3, "has no content"),
        (&["content", "get", "users", "ann", "--range", "9-3"], "", 2, "two numbers such as 0-99"),
    ] {
        let ran = shell.run_with_input(args, input);
        assert!(ran.code == code && ran.err.contains(says), "{args:?}: {ran:?}");
    }
}
