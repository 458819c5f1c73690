//! Passphrases and credentials: where they come from, and that they go nowhere.

use crate::support::{Shell, contains};

const CARD: &str = "4111-1111-1111-1111";

fn with_card(shell: Shell) -> Shell {
    shell.ok(&["create-resource", "cards", "-s", r#"{"name": "string", "card": "secret|optional"}"#]);
    shell.ok(&["insert", "cards", "-d", &format!(r#"{{"id": "c1", "name": "Ann", "card": "{CARD}"}}"#)]);
    shell
}

#[test]
fn a_secret_is_sealed_on_disk_and_opens_with_the_passphrase() {
    let shell = with_card(Shell::new().set("S3DB_PASSPHRASE", "correct horse"));
    assert_eq!(shell.json(&["get", "cards", "c1"])["card"], CARD);
    let bytes = std::fs::read(shell.object_file("resource=cards/data/id=c1")).unwrap();
    assert!(contains(&bytes, b"Ann") && !contains(&bytes, CARD.as_bytes()));
}

#[test]
fn the_passphrase_may_come_from_another_variable() {
    let shell = with_card(
        Shell::new().set("S3DB_PASSPHRASE", "correct horse").set("OTHER", "correct horse").set("WRONG", "x"),
    );
    assert_eq!(shell.json(&["get", "cards", "c1", "--passphrase-env", "OTHER"])["card"], CARD);
    shell.fails(&["get", "cards", "c1", "--passphrase-env", "WRONG"], 1, &["card", "passphrase"]);
    shell.fails(&["get", "cards", "c1", "--passphrase-env", "MISSING"], 2, &["MISSING", "not set"]);
}

#[test]
fn without_a_passphrase_the_command_says_what_to_set() {
    let sealed = with_card(Shell::new().set("S3DB_PASSPHRASE", "correct horse"));
    let connection = format!("file://{}", sealed.path().join("s3db-data").display());
    let shell = Shell::new();
    let says = ["secret fields (card)", "S3DB_PASSPHRASE"];
    let ran = shell.run(&["get", "cards", "c1", "-c", &connection]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(says.iter().all(|text| ran.err.contains(text)), "{}", ran.err);
    let insert = ["insert", "cards", "-c", &connection, "-d", r#"{"name": "Bob", "card": "5500-0000"}"#];
    let ran = shell.fails(&insert, 1, &says);
    assert!(!ran.err.contains("5500-0000"), "{}", ran.err);
}

#[test]
fn no_secret_reaches_output_or_errors() {
    let passphrase = "horse-battery-staple";
    let connection = "http://KEYKEY:s3cr3tk3y@127.0.0.1:9/bucket/prefix";
    let shell = with_card(Shell::new().set("S3DB_PASSPHRASE", passphrase)).set("BAD", "other-passphrase");
    for args in [
        &["get", "cards", "c1", "--passphrase-env", "BAD"][..],
        &["query", "cards", "--passphrase-env", "BAD"],
        &["insert", "cards", "-d", r#"{"id": "x", "name": 5, "card": {"a": "s3cr3tk3y"}}"#],
        &["list", "-c", connection],
        &["list", "-c", "http://KEYKEY:s3cr3tk3y/with/slash@127.0.0.1:9/bucket"],
        &["schema", "cards"],
        &["dump"],
    ] {
        let ran = shell.run(args);
        for secret in [passphrase, "other-passphrase", "s3cr3tk3y", "KEYKEY", CARD] {
            assert!(
                !ran.out.contains(secret) && !ran.err.contains(secret),
                "{args:?} shows {secret}: {ran:?}"
            );
        }
    }
}
