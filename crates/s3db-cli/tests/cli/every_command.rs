//! Every command of the binary, end to end: in a pipe, and on a terminal where there is one to make.
#![expect(clippy::unwrap_used, reason = "the helpers of a test end it where they fail")]

use crate::support::Shell;

/// One call of each command, in an order in which all succeed, and a word of what it says on standard output or error.
/// A command without a row fails the test: add one.
const CALLS: &[(&[&str], &str)] = &[
    (&["demo", "-c", "file://./demo"], "A small shop"),
    (&["list"], "users"),
    (&["create-resource", "orders", "-s", r#"{"total": "number", "region": "string|optional"}"#], "Created"),
    (&["schema", "users"], "attributes"),
    (&["types", "users"], "pub struct User"),
    (&["insert", "users", "-d", r#"{"id": "cleo", "name": "Cleo", "email": "c@example.com"}"#], "cleo"),
    (&["get", "users", "cleo"], "c@example.com"),
    (&["update", "users", "cleo", "-d", r#"{"age": 41}"#], "41"),
    (&["patch", "users", "cleo", "-d", r#"{"age": 42}"#], "42"),
    (&["replace", "users", "cleo", "-d", r#"{"name": "Cleo B", "email": "c@example.com"}"#], "Cleo B"),
    (&["upsert", "users", "-d", r#"{"id": "dan", "name": "Dan", "email": "d@example.com"}"#], "dan"),
    (&["delete", "users", "dan", "--force"], "dan"),
    (&["content", "set", "users", "ann", "--file", "orders.jsonl", "--type", "text/plain"], ""),
    (&["content", "get", "users", "ann", "--file", "copy.jsonl", "--force"], ""),
    (&["content", "delete", "users", "ann"], ""),
    (&["query", "users", "-f", r#"{"name": "Ann"}"#], "ann@example.com"),
    (&["count", "users"], "3 records"),
    (&["explain", "users", "-f", r#"{"name": "Ann"}"#], "Plan"),
    (&["stats"], "users"),
    (&["analyze", "users"], "Suits"),
    (&["partitions", "orders", "--add", r#"{"byRegion": {"fields": {"region": "string"}}}"#], "byRegion"),
    (&["reindex", "orders"], ""),
    (&["fsck"], "Clean"),
    (&["doctor", "--rounds", "1", "--writers", "2"], "promise"),
    (&["migrate", "resources.json"], ""),
    (&["schema-diff", "resources.json"], "nothing differs"),
    (&["import", "orders", "orders.jsonl"], "Imported 2 documents"),
    (&["export", "orders"], "\"total\":7"),
    (&["dump", "all.json", "--force"], "Dumped"),
    (&["load", "all.json", "--merge"], "Loaded"),
    (&["shell"], ""),
    (&["completions", "bash"], "_s3db"),
    (&["man"], ".TH s3db 1"),
];

/// Commands that need what a folder does not have, and the reason that they give there. Their own tests run them elsewhere.
const REFUSED: &[(&[&str], &str)] = &[
    (&["history", "users", "ann"], "keeps no old versions"),
    (&["diff", "users", "ann"], "keeps no old versions"),
    (&["undo", "users", "ann"], "keeps no old versions"),
];

fn shell() -> Shell {
    let shell = Shell::with_users();
    shell.write("orders.jsonl", "{\"id\":\"1\",\"total\":7}\n{\"id\":\"2\",\"total\":8}\n");
    shell.write("resources.json", r#"{"resources": {"tags": {"attributes": {"name": "string"}}}}"#);
    shell
}

/// The commands that there are, by their manual pages.
fn commands(shell: &Shell) -> Vec<String> {
    shell.ok(&["man", "--out", "pages"]);
    let pages = std::fs::read_dir(shell.path().join("pages")).unwrap();
    let mut names: Vec<String> = pages
        .map(|page| page.unwrap().file_name().into_string().unwrap())
        .filter_map(|page| page.strip_prefix("s3db-")?.strip_suffix(".1").map(str::to_owned))
        .collect();
    names.sort();
    names
}

#[test]
fn every_command_works_in_a_pipe_and_none_is_left_out() {
    let shell = shell();
    for (args, says) in CALLS {
        let ran = shell.run(args);
        assert_eq!(ran.code, 0, "{args:?}: {ran:?}");
        assert!(ran.out.contains(says) || ran.err.contains(says), "{args:?}: no `{says}` in {ran:?}");
        assert!(
            !ran.out.contains('\u{1b}') && !ran.err.contains('\u{1b}'),
            "{args:?}: colours in a pipe: {ran:?}"
        );
    }
    for (args, says) in REFUSED {
        shell.fails(args, 1, &[says, "versioning"]);
    }
    let commands = commands(&shell);
    assert!(commands.len() > 20, "{commands:?}");
    for command in commands {
        assert!(
            CALLS.iter().chain(REFUSED).any(|(args, _)| calls(args, &command)),
            "{command} has no row in CALLS"
        );
    }
}

/// Whether a call is one of this command; `content-get` is `content get`.
fn calls(args: &[&str], command: &str) -> bool {
    let is = |words: usize| args.get(..words).is_some_and(|words| words.join("-") == command);
    is(1) || is(2)
}

/// Runs the binary on a terminal that `script` makes.
#[cfg(target_os = "linux")]
fn on_a_terminal(shell: &Shell, args: &[&str], no_color: bool) -> Option<(i32, String)> {
    let quoted = |arg: &&str| format!("'{}'", arg.replace('\'', "'\\''"));
    let call: Vec<String> = [env!("CARGO_BIN_EXE_s3db")].iter().chain(args).map(quoted).collect();
    let mut command = std::process::Command::new("script");
    command.args(["--quiet", "--return", "--command", &call.join(" "), "/dev/null"]);
    command.env_clear().env("TERM", "xterm-256color").env("PATH", std::env::var_os("PATH")?);
    command.current_dir(shell.path()).stdin(std::process::Stdio::null());
    if no_color {
        command.env("NO_COLOR", "1");
    }
    let output = command.output().ok()?;
    Some((output.status.code().unwrap_or(-1), String::from_utf8_lossy(&output.stdout).into_owned()))
}

#[test]
#[cfg(target_os = "linux")]
fn every_command_works_on_a_terminal() {
    let shell = shell();
    // The shell waits for keys there: its tests type them.
    for (args, says) in CALLS.iter().filter(|(args, _)| *args != ["shell"]) {
        let Some((code, text)) = on_a_terminal(&shell, args, false) else {
            println!("skipped: `script` makes the terminal, and is not installed");
            return;
        };
        assert_eq!(code, 0, "{args:?}: {text}");
        assert!(text.contains(says), "{args:?}: no `{says}` in {text}");
    }
    for (no_color, colored) in [(false, true), (true, false)] {
        let (_, text) = on_a_terminal(&shell, &["list"], no_color).unwrap();
        assert_eq!(text.contains("\u{1b}["), colored, "NO_COLOR {no_color}: {text:?}");
    }
}

#[test]
fn completions_know_every_command_in_every_shell() {
    let shell = Shell::new();
    let commands = commands(&shell);
    for name in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let code = shell.ok(&["completions", name]);
        for command in commands
            .iter()
            .filter(|name| CALLS.iter().chain(REFUSED).any(|(args, _)| args[0] == name.as_str()))
        {
            assert!(code.contains(command.as_str()), "{name} does not know {command}");
        }
    }
    shell.fails(&["completions", "cmd"], 2, &["fish"]);
    let page = std::fs::read_to_string(shell.path().join("pages/s3db-import.1")).unwrap();
    assert!(page.contains("jsonl") && page.contains("Examples"), "{page}");
}
