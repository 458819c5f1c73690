//! `s3db import` and `s3db export`.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "the helpers of a test end it where they fail, and say what they saw"
)]

use serde_json::{Value, json};

use crate::support::{Ran, Shell};

fn people(range: std::ops::Range<u32>) -> String {
    range
        .map(|n| {
            json!({"id": format!("p{n:07}"), "name": format!("Person {n}"), "age": n % 90}).to_string() + "\n"
        })
        .collect()
}

fn shell() -> Shell {
    let shell = Shell::new();
    let schema = r#"{"name": "string|min:2", "age": "number|optional", "email": "email|optional|unique",
        "tags": "array|items:string|optional", "place": {"city": "string|optional", "zip": "string|optional"}}"#;
    shell.ok(&["create-resource", "people", "--schema", schema]);
    shell
}

fn rejected(shell: &Shell, file: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(shell.path().join(file)).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn read(shell: &Shell, file: &str) -> String {
    std::fs::read_to_string(shell.path().join(file)).unwrap()
}

#[track_caller]
fn imported(ran: &Ran, code: i32, inserted: u64, there: u64, rejected: u64) {
    let summary: Value = serde_json::from_str(&ran.out).unwrap();
    let counted = (&summary["inserted"], &summary["there"], &summary["rejected"]);
    assert_eq!(counted, (&json!(inserted), &json!(there), &json!(rejected)), "{ran:?}");
    assert_eq!(ran.code, code, "{ran:?}");
}

#[test]
fn what_is_imported_is_exported_byte_for_byte() {
    let shell = shell();
    let text = people(0..2500);
    shell.write("people.jsonl", &text);
    shell.ok(&["import", "people", "people.jsonl"]);
    shell.ok(&["export", "people", "again.jsonl"]);
    assert_eq!(read(&shell, "again.jsonl"), text);
    assert_eq!(shell.ok(&["export", "people"]), text, "through a pipe");
    for left in [
        "people.jsonl.rejected.jsonl",
        "people.jsonl.progress.json",
        "again.jsonl.part",
        "again.jsonl.progress.json",
    ] {
        assert!(!shell.path().join(left).exists(), "{left} was left behind");
    }
    imported(&shell.run_with_input(&["import", "people", "-", "--json"], &text), 0, 0, 2500, 0);
    shell.fails(&["export", "people", "again.jsonl"], 2, &["exists already", "--force"]);
    let old = shell.ok(&["export", "people", "--filter", r#"{"age": {"gt": 88}}"#]);
    assert_eq!(old.lines().count(), text.lines().filter(|line| line.contains("\"age\":89}")).count());
}

#[test]
fn bad_lines_land_in_a_file_with_their_reason_and_the_rest_is_written() {
    let shell = shell();
    let mut lines: Vec<String> = people(0..300).lines().map(str::to_owned).collect();
    lines[39] = "{\"name\": \"broken".to_owned();
    lines[99] = json!({"id": "short", "name": "x"}).to_string();
    lines[149] = json!({"id": "p0000001", "name": "Another"}).to_string();
    lines[199] = json!({"id": "e1", "name": "One", "email": "same@example.com"}).to_string();
    lines[249] = json!({"id": "e2", "name": "Two", "email": "same@example.com"}).to_string();
    lines[259] = "[1]".to_owned();
    shell.write("people.jsonl", &lines.join("\n"));
    let dry = shell.run(&["import", "people", "people.jsonl", "--dry-run", "--concurrency", "1"]);
    assert_eq!(dry.code, 1, "{dry:?}");
    assert!(dry.err.contains("line 100: ") && dry.err.contains("name: "), "{dry:?}");
    assert_eq!(shell.json(&["count", "people", "--json"])[0]["count"], 0, "--dry-run wrote something");
    assert!(!shell.path().join("people.jsonl.rejected.jsonl").exists());

    let ran = shell.run(&["import", "people", "people.jsonl", "--json", "--concurrency", "1"]);
    imported(&ran, 1, 295, 0, 5);
    let rejected_lines = rejected(&shell, "people.jsonl.rejected.jsonl");
    let told: Vec<_> = rejected_lines
        .iter()
        .map(|line| (line["line"].as_u64().unwrap(), line["error"]["kind"].as_str().unwrap()))
        .collect();
    assert_eq!(
        told,
        [
            (40, "validation"),
            (100, "validation"),
            (150, "already_exists"),
            (250, "unique"),
            (260, "validation")
        ]
    );
    assert_eq!(rejected_lines[0]["text"], lines[39]);
    assert_eq!(rejected_lines[1]["error"]["fields"][0]["field"], "name");
    assert_eq!(rejected_lines[2]["document"]["name"], "Another");
    assert_eq!(shell.json(&["get", "people", "p0000299"])["name"], "Person 299");

    imported(&shell.run(&["import", "people", "people.jsonl", "--json", "--existing", "skip"]), 1, 0, 296, 4);
    assert_eq!(shell.json(&["get", "people", "p0000001"])["name"], "Person 1");
    imported(
        &shell.run(&[
            "import",
            "people",
            "people.jsonl",
            "--json",
            "--existing",
            "replace",
            "--concurrency",
            "1",
        ]),
        1,
        0,
        296,
        4,
    );
    assert_eq!(shell.json(&["get", "people", "p0000001"])["name"], "Another");
}

#[test]
fn an_import_that_was_stopped_goes_on_and_writes_nothing_twice() {
    let shell = shell();
    // Without ids a line that was written twice would be two documents.
    let lines: String = (0..500).map(|n| json!({"name": format!("Person {n}")}).to_string() + "\n").collect();
    shell.write("people.jsonl", &format!("nonsense\n{lines}"));
    let ran = shell.run(&["import", "people", "people.jsonl", "--budget", "200"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(
        ran.err.contains("Imported 200 documents")
            && ran.err.contains("--resume")
            && ran.err.contains("budget"),
        "{ran:?}"
    );
    assert_eq!(shell.json(&["count", "people", "--json"])[0]["count"], 200);
    shell.ok(&["create-resource", "others", "--schema", r#"{"name": "string"}"#]);
    shell.fails(&["import", "others", "people.jsonl", "--resume"], 2, &["another run", "resource"]);
    let ran = shell.run(&["import", "people", "people.jsonl", "--resume", "--json"]);
    imported(&ran, 1, 500, 0, 1);
    assert_eq!(shell.json(&["count", "people", "--json"])[0]["count"], 500);
    assert_eq!(rejected(&shell, "people.jsonl.rejected.jsonl").len(), 1);
    assert!(!shell.path().join("people.jsonl.progress.json").exists());
}

#[test]
fn an_export_that_was_stopped_goes_on() {
    let shell = shell();
    let text = people(0..1200);
    shell.write("people.jsonl", &text);
    shell.ok(&["import", "people", "people.jsonl"]);
    // What a killed run leaves: a part that is longer than what is noted.
    let page = shell.json(&["query", "people", "--limit", "1", "--json"]);
    assert_eq!(page[0]["id"], "p0000000");
    shell.write("out.jsonl.part", "whatever");
    shell.ok(&["export", "people", "out.jsonl", "--resume"]);
    assert_eq!(read(&shell, "out.jsonl"), text, "nothing was noted, so that it begins again");
    shell.write("out.jsonl.progress.json", "{");
    shell.fails(&["export", "people", "out.jsonl", "--force", "--resume"], 2, &["progress.json", "--resume"]);
}

#[test]
fn csv_goes_both_ways() {
    let shell = shell();
    let documents = json!([
        {"id": "1", "name": "Ann, \"A\"", "age": 0, "tags": ["a", "b"], "place": {"city": "Lisbon", "zip": "0123"}},
        {"id": "2", "name": "two\nlines"},
    ]);
    shell.run_with_input(&["insert", "people"], &documents.to_string());
    shell.ok(&["export", "people", "people.csv"]);
    let text = read(&shell, "people.csv");
    assert!(text.starts_with("id,name,age,email,tags,place\r\n1,\"Ann, \"\"A\"\"\",0,,"), "{text}");
    shell.ok(&["delete", "people", "1", "2", "--force"]);
    shell.ok(&["import", "people", "people.csv"]);
    let lines = shell.ok(&["export", "people"]);
    let back: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(json!(back), documents);

    let rows = "id,name,place.city\n3,Cleo,Porto\n4,Dan\n5,E\n6,Fay,Faro\n";
    let ran = shell.run_with_input(&["import", "people", "-", "--format", "csv", "--json"], rows);
    imported(&ran, 1, 2, 0, 2);
    assert_eq!(shell.json(&["get", "people", "3"])["place"], json!({"city": "Porto"}));
    let told = rejected(&shell, "people.rejected.jsonl");
    assert_eq!((&told[0]["line"], &told[1]["line"]), (&json!(3), &json!(4)));
    assert!(told[0]["error"]["message"].as_str().unwrap().contains("2 cells, and the header 3"), "{told:?}");
}

#[test]
fn explaining_an_import_writes_nothing_beside_the_file() {
    let shell = shell();
    shell.write("people.jsonl", &(people(0..3) + "nonsense\n"));
    let plan = shell.run(&["import", "people", "people.jsonl", "--explain", "--json"]);
    let plan: Value = serde_json::from_str(&plan.out).unwrap();
    assert_eq!(plan["requests"]["put"], 3);
    let ran = shell.run(&["import", "people", "people.jsonl", "--receipt", "--json"]);
    let receipt = ran.err.lines().find(|line| line.starts_with("{\"receipt\"")).unwrap();
    assert_eq!(serde_json::from_str::<Value>(receipt).unwrap()["receipt"]["requests"], plan["requests"]);
    shell.ok(&["export", "people", "out.jsonl", "--explain"]);
    assert!(!shell.path().join("out.jsonl").exists() && !shell.path().join("out.jsonl.part").exists());
}

#[test]
fn what_cannot_be_read_or_resumed_is_refused() {
    let shell = shell();
    shell.fails(&["import", "people", "nowhere.jsonl"], 1, &["nowhere.jsonl"]);
    shell.fails(&["import", "people", "s3db-data"], 2, &["is a folder"]);
    shell.fails(&["import", "people", "-", "--resume"], 2, &["standard input cannot be resumed"]);
    shell.fails(&["export", "people", "--resume"], 2, &["standard output cannot be resumed"]);
    shell.fails(&["import", "people", "-", "--budget", "much"], 2, &["such as $0.50"]);
    shell.fails(&["import", "nobody", "-"], 3, &["nobody"]);
}

/// Resident memory of a process in KiB, and the most that it ever was.
#[cfg(target_os = "linux")]
fn peak_kib(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// Runs a command to its end, tells how long it took, and returns the most memory that was seen.
#[cfg(target_os = "linux")]
fn measured(shell: &Shell, args: &[&str]) -> u64 {
    use s3db::env::{Env as _, SystemEnv};
    let began_ms = SystemEnv.now_ms();
    let mut child = shell.start(args);
    let mut peak = 0;
    while child.try_wait().unwrap().is_none() {
        peak = peak_kib(child.id()).unwrap_or(0).max(peak);
        // The kernel keeps the peak: there is no need to take a core from the command for it.
        std::thread::park_timeout(std::time::Duration::from_millis(5));
    }
    assert!(child.wait().unwrap().success(), "{args:?}");
    println!("{}: {} ms, {peak} KiB", args[0], SystemEnv.now_ms() - began_ms);
    peak
}

#[cfg(target_os = "linux")]
fn passes_through_in_bounded_memory(documents: u32) {
    use std::io::Write as _;
    let shell = shell();
    let mut file = std::io::BufWriter::new(std::fs::File::create(shell.path().join("in.jsonl")).unwrap());
    for from in (0..documents).step_by(1000) {
        file.write_all(people(from..(from + 1000).min(documents)).as_bytes()).unwrap();
    }
    drop(file.into_inner().unwrap());
    let import = measured(&shell, &["import", "people", "in.jsonl"]);
    let export = measured(&shell, &["export", "people", "out.jsonl"]);
    for peak in [import, export] {
        assert!(0 < peak && peak < 128 << 10, "{peak} KiB for {documents} documents");
    }
    let open = |name: &str| std::io::BufReader::new(std::fs::File::open(shell.path().join(name)).unwrap());
    let (mut before, mut after) =
        (std::io::BufRead::lines(open("in.jsonl")), std::io::BufRead::lines(open("out.jsonl")));
    for n in 0..documents {
        assert_eq!(before.next().unwrap().unwrap(), after.next().unwrap().unwrap(), "document {n}");
    }
    assert!(before.next().is_none() && after.next().is_none());
}

#[test]
#[cfg(target_os = "linux")]
fn many_documents_pass_through_in_bounded_memory() {
    passes_through_in_bounded_memory(5_000);
}

#[test]
#[cfg(target_os = "linux")]
#[ignore = "takes minutes: run it in release"]
fn a_million_documents_pass_through_in_bounded_memory() {
    passes_through_in_bounded_memory(1_000_000);
}
