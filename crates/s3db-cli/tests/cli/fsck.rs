//! `s3db fsck`, from a clean database over a damaged one to a repaired one.

use serde_json::Value;

use crate::support::Shell;

const LOST: &str = "resource=people/partition=byCity/city=Oslo/id=bob";

/// A database with an index, one entry of which is lost, and a document less than it points to.
fn damaged() -> Shell {
    let shell = Shell::new();
    let schema = r#"{"city": "string", "email": "string|unique"}"#;
    let partitions = r#"{"byCity": {"fields": {"city": "string"}}}"#;
    shell.ok(&["create-resource", "people", "--schema", schema, "--partitions", partitions]);
    for (id, city) in [("ann", "Rome"), ("bob", "Oslo")] {
        let user = format!(r#"{{"id": "{id}", "city": "{city}", "email": "{id}@x.io"}}"#);
        shell.ok(&["insert", "people", "-d", &user]);
    }
    let clean = shell.run(&["fsck"]);
    assert_eq!((clean.code, clean.out.as_str()), (0, ""), "{clean:?}");
    assert!(
        clean.err.contains("2 documents, 2 references, 2 claims; the check sends 4 GET"),
        "{}",
        clean.err
    );
    assert!(clean.err.contains("Clean"), "{}", clean.err);
    assert!(!clean.err.contains('$'), "a folder has no price: {}", clean.err);
    shell.lose(LOST);
    shell.lose("resource=people/data/id=ann");
    shell
}

#[test]
fn a_damaged_database_is_told_repaired_and_clean() {
    let shell = damaged();
    let young = shell.run(&["fsck", "--repair"]);
    assert_eq!(young.code, 1, "{young:?}");
    assert!(young.out.contains("pending") && !young.out.contains("done"), "{}", young.out);
    let found = shell.run(&["fsck", "people", "--grace", "0"]);
    assert_eq!(found.code, 1, "{found:?}");
    for text in ["missing_reference", "dangling_reference", "stale_claim", "possible"] {
        assert!(found.out.contains(text), "no {text} in {}", found.out);
    }
    assert!(found.err.contains("3 findings are left; --repair"), "{}", found.err);
    let repaired = shell.run(&["fsck", "--repair", "--grace", "0"]);
    assert_eq!(repaired.code, 0, "{repaired:?}");
    assert!(repaired.err.contains("Repaired 3 of 3 findings"), "{}", repaired.err);
    let again = shell.run(&["fsck", "--grace", "0"]);
    assert_eq!((again.code, again.out.as_str()), (0, ""), "{again:?}");
}

#[test]
fn findings_come_as_lines_of_json() {
    let shell = damaged();
    let ran = shell.run(&["fsck", "--json", "--grace", "0"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    let findings: Vec<Value> = ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(findings.len(), 3);
    let lost = findings.iter().find(|finding| finding["kind"] == "missing_reference").unwrap();
    assert_eq!(lost["key"], LOST);
    assert_eq!(
        (&lost["resource"], &lost["id"], &lost["repair"]),
        (&"people".into(), &"bob".into(), &"possible".into())
    );
}

#[test]
fn a_wrong_age_or_resource_is_refused() {
    let shell = damaged();
    shell.fails(&["fsck", "--grace", "15x"], 2, &["write 90s, 15m, 2h or 1d"]);
    shell.fails(&["fsck", "nobody"], 3, &["resource not found"]);
}
