//! The first thing that a newcomer runs.

use crate::support::Shell;

#[test]
fn the_demo_shows_its_steps_and_leaves_a_database() {
    let shell = Shell::new();
    for round in 0..2 {
        let shown = shell.ok(&["demo"]);
        for text in [
            "Insert 4 customers and 6 orders\n  → 10 PUT\n",
            "Read one document\n  → 1 GET\n",
            "\n  → 1 GET + 1 PUT\n  address is now {\"street\":\"Rua Augusta 24\",\"city\":\"Porto\",\"zip\":\"1100-053\"}",
            "both changes are there",
            "6 GET + 1 LIST",
            "→ no requests",
            "export S3DB_PASSPHRASE=demo-",
            "resource=customers/data/id=ann",
        ] {
            assert!(shown.contains(text), "round {round}: no `{text}` in {shown}");
        }
        assert_eq!(shell.ok(&["count", "customers"]), "customers: 4 records\n");
    }
    assert!(shell.path().join("s3db-data").is_dir());
}

#[test]
fn the_commands_that_the_demo_ends_with_work() {
    let shell = Shell::new().set("S3DB_PASSPHRASE", "given");
    let shown = shell.ok(&["demo"]);
    assert!(!shown.contains("export S3DB_PASSPHRASE") && !shown.contains("given"), "{shown}");
    let (_, next) = shown.split_once("Try next:").unwrap();
    let mut tried = 0;
    for line in next.lines().filter(|line| !line.trim().is_empty()) {
        let (_, command) = line.trim().split_once(' ').unwrap();
        let mut words = Vec::new();
        for (at, part) in command.split('\'').enumerate() {
            match at % 2 {
                0 => words.extend(part.split_whitespace()),
                _ => words.push(part),
            }
        }
        shell.ok(&words);
        tried += 1;
    }
    assert_eq!(tried, 9);
    assert_eq!(shell.json(&["get", "customers", "ann"])["card"], "4111 1111 1111 1111");
}

#[test]
fn the_demo_leaves_the_resources_of_others_alone() {
    let shell = Shell::new();
    shell.ok(&["create-resource", "customers", "-s", r#"{"title": "string"}"#]);
    let ran = shell.run(&["demo"]);
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("not the demo's") && ran.err.contains("customers"), "{}", ran.err);
    assert!(shell.ok(&["schema", "customers"]).contains("\"v1\""));
}

#[test]
fn the_demo_does_not_touch_the_database_of_the_environment() {
    let shell = Shell::new().set("S3DB_CONNECTION", "file://./mine");
    shell.ok(&["demo"]);
    assert!(!shell.path().join("mine").exists());
}
