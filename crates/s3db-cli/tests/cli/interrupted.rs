//! Imports that end before their time, and what they show while they run.
#![expect(clippy::unwrap_used, reason = "the helpers of a test end it where they fail")]

use std::path::Path;

use serde_json::{Value, json};

use crate::support::Shell;
use crate::terminal::Terminal;

const LINES: u64 = 6000;

/// Documents without ids: a line that is written twice would be two documents.
fn shell(with_ids: bool) -> Shell {
    let shell = Shell::new();
    shell.ok(&["create-resource", "people", "-s", r#"{"name": "string"}"#]);
    let line = |n| match with_ids {
        true => json!({"id": format!("p{n}"), "name": format!("Person {n}")}),
        false => json!({"name": format!("Person {n}")}),
    };
    let lines: String = (0..LINES).map(|n| line(n).to_string() + "\n").collect();
    shell.write("people.jsonl", &lines);
    shell
}

fn count(shell: &Shell) -> u64 {
    shell.json(&["count", "people", "--json"])[0]["count"].as_u64().unwrap()
}

fn progress(shell: &Shell) -> Option<Value> {
    let text = std::fs::read_to_string(shell.path().join("people.jsonl.progress.json")).ok()?;
    serde_json::from_str(&text).ok()
}

#[test]
fn ctrl_c_stops_an_import_which_says_how_to_go_on_and_goes_on_exactly_there() {
    let shell = shell(false);
    let mut terminal = Terminal::start(&shell, &["import", "people", "people.jsonl"]);
    // The bar, which is on terminals only.
    terminal.shows("imported ");
    terminal.shows("documents, ");
    terminal.interrupt();
    terminal.shows("Stopped: everything up to line ");
    terminal.shows("--resume goes on there");
    let text = terminal.text();
    assert_eq!(terminal.ends(), 130, "{text}");
    assert!(text.contains('░') && text.contains("left"), "no bar in {text:?}");

    let there = count(&shell);
    assert!(0 < there && there < LINES, "{there} of {LINES} were written before Ctrl-C");
    let noted = progress(&shell).unwrap();
    assert_eq!(noted["inserted"], there, "what is noted is what is there: {noted}");

    let ran = shell.run(&["import", "people", "people.jsonl", "--resume", "--json"]);
    let summary: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(
        (ran.code, &summary["inserted"], &summary["complete"]),
        (0, &json!(LINES), &json!(true)),
        "{ran:?}"
    );
    assert_eq!(count(&shell), LINES, "each line is there once");
    assert!(progress(&shell).is_none(), "the note is gone when all is done");
    assert!(!ran.err.contains(['\r', '\u{1b}', '░']), "a bar in a pipe: {ran:?}");
}

#[test]
fn a_killed_import_is_resumed_without_a_loss() {
    let shell = shell(true);
    let mut import = shell.start(&["import", "people", "people.jsonl"]);
    while progress(&shell).is_none() && import.try_wait().unwrap().is_none() {
        std::thread::yield_now();
    }
    import.kill().unwrap();
    import.wait().unwrap();
    let noted = progress(&shell).map_or(0, |noted| noted["line"].as_u64().unwrap());
    assert!(noted >= 1000, "it was killed after {noted} lines");
    let ran = shell.run(&["import", "people", "people.jsonl", "--resume", "--json"]);
    let summary: Value = serde_json::from_str(&ran.out).unwrap();
    let done = summary["inserted"].as_u64().unwrap() + summary["there"].as_u64().unwrap();
    assert_eq!((ran.code, done, count(&shell)), (0, LINES, LINES), "{ran:?}");
    assert!(!Path::new(&shell.path().join("people.jsonl.progress.json")).exists());
}

#[test]
fn quiet_and_pipes_show_no_bar() {
    let shell = shell(true);
    let ran = shell.run(&["import", "people", "people.jsonl"]);
    assert!(ran.code == 0 && !ran.err.contains(['\r', '\u{1b}', '░']), "{ran:?}");
    assert!(ran.err.contains(&format!("Imported {LINES} documents")), "{ran:?}");
    let terminal = Terminal::start(&shell, &["export", "people", "out.jsonl", "--quiet"]);
    let shown = terminal.shown_to_the_end();
    assert_eq!(shown, "", "--quiet on a terminal");
}
