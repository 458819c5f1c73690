//! `s3db shell`, in a pipe and on a terminal.

use serde_json::Value;

use crate::support::{Ran, Shell};

fn piped(shell: &Shell, args: &[&str], lines: &str) -> Ran {
    shell.run_with_input(&[&["shell"], args].concat(), lines)
}

#[test]
fn lines_of_a_pipe_do_what_the_binary_does() {
    let shell = Shell::with_users();
    let ran = piped(
        &shell,
        &[],
        "# a comment, and a blank line\n\nget users ann\ns3db list --json\nquery users --sort -age --output csv\n",
    );
    let alone = [
        shell.ok(&["get", "users", "ann"]),
        shell.ok(&["list", "--json"]),
        shell.ok(&["query", "users", "--sort", "-age", "--output", "csv"]),
    ];
    assert_eq!((ran.code, ran.out), (0, alone.concat()), "{}", ran.err);
}

#[test]
fn a_resource_in_use_needs_no_name() {
    let shell = Shell::with_users();
    let ran =
        piped(&shell, &["--json", "--quiet"], "use users\nget ann\ncount\nuse\ncount users\nexit\nnonsense");
    let values = serde_json::Deserializer::from_str(&ran.out).into_iter::<Value>();
    let values: Vec<Value> = values.map(Result::unwrap).collect();
    assert_eq!((ran.code, values.len()), (0, 3), "{ran:?}", ran = ran.err);
    assert_eq!(values[0]["name"], "Ann");
    assert_eq!(values[1], values[2]);

    let ran = piped(&shell, &[], "use usres\nget ann\n");
    assert!(ran.err.contains("usres") && ran.err.contains("users"), "{ran:?}");
    let ran = piped(&shell, &[], "use users\nget users ann\n");
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.err.contains("users is in use"), "{ran:?}");
}

#[test]
fn a_line_may_be_several_within_quotes() {
    let shell = Shell::with_users();
    let ran = piped(
        &shell,
        &[],
        "insert users -d '{\"id\": \"cleo\",\n  \"name\": \"Cleo\",\n  \"email\": \"c@example.com\"}' \\\n  --quiet\nget users cleo\n",
    );
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(shell.json(&["get", "users", "cleo"])["name"], "Cleo");
    let ran = piped(&shell, &[], "get users ann\nget users 'ann\n");
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.err.contains("quote") && ran.err.contains("line 2 failed"), "{ran:?}");
}

#[test]
fn the_exit_code_says_which_lines_failed_and_strict_stops_at_the_first() {
    let shell = Shell::with_users();
    let lines = "get users ann\nget users nobody\nget users bob\n";
    let ran = piped(&shell, &[], lines);
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(ran.out.contains("Bob") && ran.err.contains("line 2 failed"), "{ran:?}");
    let ran = piped(&shell, &["--strict"], lines);
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(ran.out.contains("Ann") && !ran.out.contains("Bob"), "{ran:?}");
    assert_eq!(piped(&shell, &[], "nonsense\nget users nobody\n").code, 1, "a mixture");
    assert_eq!(piped(&shell, &[], "get users --limit\n").code, 2);
    assert_eq!(piped(&shell, &[], "help get\n--version\n").code, 0);
    assert_eq!(piped(&shell, &[], "").code, 0);
    let ran = piped(&shell, &[], "shell\n");
    assert!(ran.code == 2 && ran.err.contains("the shell already"), "{ran:?}");
}

#[test]
fn no_command_eats_the_lines_behind_it() {
    let shell = Shell::with_users();
    for reads in ["insert users", "insert users -f -", "import users -", "load -", "content set users ann"] {
        let ran = piped(&shell, &[], &format!("{reads}\ncount users\n"));
        assert_eq!(ran.code, 2, "{reads}: {ran:?}");
        assert!(ran.err.contains("standard input holds the commands"), "{reads}: {ran:?}");
        assert!(ran.out.contains("users: 2 records"), "{reads}: {ran:?}");
    }
    let ran = piped(&shell, &[], "delete users ann\ncount users\n");
    assert!(ran.code == 2 && ran.err.contains("--force"), "{ran:?}");
}

#[test]
fn options_of_the_shell_hold_for_every_line_that_does_not_say_otherwise() {
    let shell = Shell::new();
    let lines = "create-resource notes -s '{\"text\": \"string\"}'\ninsert notes -d '{\"id\": \"1\", \"text\": \"a\"}'\n\
                 count notes\nlist -c memory://other\ncount notes -c memory://shell\n";
    let ran = piped(&shell, &["-c", "memory://shell"], lines);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(ran.out.matches("notes: 1 record").count(), 2, "the memory of the process stays: {ran:?}");
    assert!(!shell.path().join("s3db-data").exists());

    let shell = Shell::with_users();
    let plan = piped(&shell, &["--explain"], "delete users ann --force\n");
    assert!(plan.code == 0 && plan.out.contains("DELETE"), "{plan:?}");
    assert!(shell.ok(&["count", "users"]).contains("2 records"));
    let sealed = Shell::new().set("KEY", "correct horse");
    let lines = "create-resource cards -s '{\"card\": \"secret\"}'\ninsert cards -d '{\"id\": \"1\", \"card\": \"4111\"}'\nget cards 1\n";
    let ran = piped(&sealed, &["--passphrase-env", "KEY", "--json"], lines);
    assert!(ran.code == 0 && ran.out.contains("4111"), "{ran:?}");
}

#[cfg(unix)]
mod on_a_terminal {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::terminal::Terminal;

    /// A shell that keeps its lines below the folder of the test.
    fn shell() -> Shell {
        let shell = Shell::with_users();
        let state = shell.path().join("state").display().to_string();
        shell.set("XDG_STATE_HOME", &state)
    }

    fn history(shell: &Shell) -> String {
        std::fs::read_to_string(shell.path().join("state/s3db/history")).unwrap_or_default()
    }

    #[test]
    fn tab_completes_commands_resources_options_and_fields() {
        let shell = shell();
        let mut terminal = Terminal::start(&shell, &["shell"]);
        terminal.shows("s3db> ");
        terminal.types("cou\tus\t\r");
        terminal.shows("count users");
        terminal.shows("users: 2 records");
        terminal.shows("s3db> ");
        terminal.types("use us\t\r");
        terminal.shows("users> ");
        terminal.types("que\t--so\t-a\t --outp\tcs\t\r");
        terminal.shows("query --sort -age --output csv");
        terminal.shows("bob,Bob,bob@example.com,30");
        terminal.shows("users> ");
        terminal.types("query -f '{\"profile.ci\t\": \"Lisbon\"}' --json\r");
        terminal.shows("profile.city");
        terminal.shows("ann@example.com");
        terminal.shows("users> ");
        terminal.types("\u{4}");
        assert_eq!(terminal.ends(), 0);
    }

    #[test]
    fn lines_are_kept_for_the_next_time_but_those_with_secrets() {
        let shell = shell();
        shell.ok(&["create-resource", "logins", "-s", r#"{"name": "string", "word": "password|optional"}"#]);
        let mut terminal = Terminal::start(&shell, &["shell"]);
        terminal.shows("s3db> ");
        for (line, says) in [
            ("get users ann", "ann@example.com"),
            (r#"insert users -d '{"name": "Kept", "email": "kept@example.com"}'"#, "kept@example.com"),
            (r#"insert logins -d '{"name": "a", "word": "hunter2-hunter2"}'"#, "not kept"),
            (r#"insret logins -d '{"word": "hunter2-hunter2"}'"#, "not kept"),
            ("list -c http://KEY:s3cr3tk3y@127.0.0.1:9/bucket", "not kept"),
        ] {
            terminal.types(&format!("{line}\r"));
            terminal.shows(says);
            terminal.shows("s3db> ");
        }
        terminal.types("exit\r");
        assert_eq!(terminal.ends(), 0);
        let kept = history(&shell);
        assert!(kept.contains("get users ann") && kept.contains("Kept"), "{kept}");
        assert!(!kept.contains("hunter2") && !kept.contains("s3cr3tk3y"), "{kept}");
        let mode =
            |path: &str| std::fs::metadata(shell.path().join(path)).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode("state/s3db"), mode("state/s3db/history")), (0o700, 0o600));

        let mut terminal = Terminal::start(&shell, &["shell"]);
        terminal.shows("s3db> ");
        // `exit`, the insert, and the line that was typed first.
        terminal.types("\u{1b}[A\u{1b}[A\u{1b}[A\r");
        terminal.shows("get users ann");
        terminal.shows("ann@example.com");
        terminal.shows("s3db> ");
        terminal.types("exit\r");
        assert_eq!(terminal.ends(), 0);
    }

    #[test]
    fn no_file_is_made_where_none_is_wanted() {
        let shell = shell().set("S3DB_HISTORY", "");
        let mut terminal = Terminal::start(&shell, &["shell"]);
        terminal.shows("s3db> ");
        terminal.types("count users\r");
        terminal.shows("2 records");
        terminal.shows("s3db> ");
        terminal.types("exit\r");
        assert_eq!(terminal.ends(), 0);
        assert!(!shell.path().join("state").exists());
    }

    #[test]
    fn ctrl_c_gives_up_the_line_or_the_command_and_not_the_shell() {
        let shell = shell();
        let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let connection = format!("http://key:word@{}/bucket", silent.local_addr().unwrap());
        let mut terminal = Terminal::start(&shell, &["shell"]);
        terminal.shows("s3db> ");
        terminal.types("delete users ann\u{3}");
        terminal.shows("s3db> ");
        if cfg!(feature = "s3") {
            // A server that takes the connection and never answers.
            terminal.types(&format!("list -c {connection}\r"));
            let _held = silent.accept().unwrap();
            terminal.interrupt();
            terminal.shows("interrupted");
            terminal.shows("s3db> ");
        }
        terminal.types("get users ann\r");
        terminal.shows("ann@example.com");
        terminal.shows("s3db> ");
        terminal.types("get users 'a\r");
        terminal.types("nn'\r");
        terminal.shows("document not found");
        terminal.shows("s3db> ");
        terminal.types("exit\r");
        assert_eq!(terminal.ends(), 0);
    }

    #[test]
    fn a_question_is_answered_on_the_terminal() {
        let shell = shell();
        let mut terminal = Terminal::start(&shell, &["shell"]);
        terminal.shows("s3db> ");
        terminal.types("delete users ann\r");
        terminal.shows("[y/N] ");
        terminal.types("y\n");
        terminal.shows("Deleted ID: ann");
        terminal.shows("s3db> ");
        terminal.types("\u{4}");
        assert_eq!(terminal.ends(), 0);
        assert!(shell.ok(&["count", "users"]).contains("1 record"));
    }
}
