//! `s3db doctor`: on a folder, over S3, and the policy.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use serde_json::{Value, json};

use crate::support::{Server, Shell, contains};

#[test]
fn a_folder_is_examined_at_a_price_that_is_told_and_left_as_it_was() {
    let shell = Shell::with_users();
    let before = shell.ok(&["dump"]);
    let ran = shell.run(&["doctor"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let price = ran.err.find("the examination sends").expect("the price is told");
    let verdict = ran.err.find("Every promise holds").expect("the verdict is told");
    assert!(price < verdict && !ran.err.contains('$'), "{}", ran.err);
    for text in
        ["put_if_match", "race_delete_if_match", "clock_skew", "differs metadata_over_limit", "means:"]
    {
        assert!(ran.out.contains(text), "no {text} in {}", ran.out);
    }
    assert_eq!(shell.ok(&["dump"]), before);
    assert_eq!(shell.run(&["fsck"]).code, 0);
}

#[test]
fn findings_are_json_for_programs_about_a_folder() {
    findings_are_json(Server::File);
}

#[test]
fn findings_are_json_for_programs_about_seaweedfs() {
    findings_are_json(Server::SeaweedFs);
}

fn findings_are_json(server: Server) {
    let Some(shell) = server.shell("doctor") else { return };
    shell.ok(&["create-resource", "users", "--schema", r#"{"name": "string"}"#]);
    let ran = shell.run(&["doctor", "--json", "--writers", "4", "--rounds", "2", "-q"]);
    let report: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((ran.code, &report["safe"]), (0, &json!(true)), "{report}");
    assert_eq!((&report["complete"], &report["left_behind"]), (&json!(true), &json!([])));
    let findings = report["findings"].as_array().unwrap();
    let absent = findings.iter().find(|finding| finding["probe"] == "race_put_if_absent").unwrap();
    assert_eq!(
        (&absent["verdict"], &absent["observed"], &absent["advice"]),
        (&json!("holds"), &json!("one of 4, in 2 rounds"), &json!(""))
    );
    let lines = shell.run(&["doctor", "--output", "ndjson", "--writers", "2", "--rounds", "1"]);
    assert_eq!(lines.out.lines().count(), findings.len());
}

/// Ctrl-C comes while the examination has objects in the folder.
#[cfg(unix)]
#[test]
fn an_interrupted_examination_cleans_up_and_is_exit_130() {
    let shell = Shell::with_users();
    let before = shell.ok(&["dump"]);
    let mut child = shell.start(&["doctor", "--writers", "64", "--rounds", "100"]);
    while !holds_an_examination(&shell.path().join("s3db-data")) {
        assert!(child.try_wait().unwrap().is_none(), "it ended before it was interrupted");
        std::thread::park_timeout(std::time::Duration::from_millis(2));
    }
    let pid = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(shell.ok(&["dump"]), before);
}

/// Whether a file below the folder is an object of an examination. Files may go while they are looked at.
#[cfg(unix)]
fn holds_an_examination(folder: &std::path::Path) -> bool {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).any(|path| {
        if path.is_dir() {
            holds_an_examination(&path)
        } else {
            std::fs::read(&path).is_ok_and(|bytes| contains(&bytes, b"\"key\":\"plugin=s3db-doctor/"))
        }
    })
}

#[test]
fn the_policy_is_printed_without_connecting() {
    let connection = "s3://bucket/app?endpoint=http://127.0.0.1:1";
    let shell = Shell::new().set("S3DB_CONNECTION", connection);
    let policy = shell.json(&["doctor", "--policy"]);
    assert_eq!(policy["Statement"][0]["Action"], json!(["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]));
    assert_eq!(policy["Statement"][0]["Resource"], "arn:aws:s3:::bucket/app/*");
    let reader = shell.json(&["doctor", "--policy", "--read-only"]);
    assert_eq!(reader["Statement"][0]["Action"], json!(["s3:GetObject"]));
    assert_eq!(reader["Statement"][1]["Action"], json!(["s3:ListBucket"]));
}

#[test]
fn what_makes_no_sense_is_refused() {
    let shell = Shell::new();
    shell.fails(&["doctor", "--policy"], 2, &["only a bucket has a policy", "s3://my-bucket/prefix"]);
    shell.fails(&["doctor"], 4, &["there is no database at this place"]);
    shell.fails(&["doctor", "--read-only"], 2, &["--policy"]);
    shell.fails(&["doctor", "--writers", "1"], 2, &["2..=64"]);
}
