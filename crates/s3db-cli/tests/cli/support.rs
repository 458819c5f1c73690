//! Runs the binary in a folder of its own.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a helper of tests fails by panicking, and says what is left out"
)]

use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// A folder, and what the binary is told of the outside.
pub(crate) struct Shell {
    dir: TempDir,
    variables: Vec<(String, String)>,
}

/// What keeps the objects of a test.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Server {
    File,
    SeaweedFs,
}

impl Server {
    /// An empty database there, or none where `cargo xtask services` has not started the server.
    pub(crate) fn shell(self, prefix: &str) -> Option<Shell> {
        if matches!(self, Self::File) {
            return Some(Shell::new());
        }
        match std::env::var("S3DB_TEST_SEAWEEDFS") {
            Ok(server) => {
                let connection = format!("{server}/{prefix}-{}", std::process::id());
                Some(Shell::new().set("S3DB_CONNECTION", &connection))
            }
            Err(_) if std::env::var_os("CI").is_some() => {
                panic!("S3DB_TEST_SEAWEEDFS is not set: CI runs these tests")
            }
            Err(_) => {
                println!("skipped on SeaweedFS: start it with `cargo xtask services start`");
                None
            }
        }
    }
}

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Shell {
    pub(crate) fn new() -> Self {
        Self { dir: TempDir::new().unwrap(), variables: Vec::new() }
    }

    /// A database with the resource `users` and two documents.
    pub(crate) fn with_users() -> Self {
        let shell = Self::new();
        let schema = r#"{"name": "string|min:2", "email": "email", "age": "number|optional",
            "region": "string|optional", "profile": {"city": "string|optional", "bio": "string|optional"}}"#;
        shell.ok(&["create-resource", "users", "--schema", schema]);
        shell.ok(&[
            "insert",
            "users",
            "-d",
            r#"[{"id": "ann", "name": "Ann", "email": "ann@example.com", "age": 9, "profile": {"city": "Lisbon", "bio": "b"}},
                {"id": "bob", "name": "Bob", "email": "bob@example.com", "age": 30}]"#,
        ]);
        shell
    }

    pub(crate) fn set(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.dir.path().join(name), text).unwrap();
    }

    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        self.run_with_input(args, "")
    }

    pub(crate) fn run_with_input(&self, args: &[&str], input: &str) -> Ran {
        let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_s3db"));
        command.env_clear().current_dir(self.dir.path()).args(args).write_stdin(input);
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        let output = command.timeout(std::time::Duration::from_secs(60)).output().unwrap();
        Ran {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The binary with arguments, in this folder.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_s3db"));
        command.env_clear().current_dir(self.dir.path()).args(args);
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Starts the binary and does not wait for it.
    pub(crate) fn start(&self, args: &[&str]) -> Child {
        let mut command = self.command(args);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// Runs what must succeed, and returns standard output.
    pub(crate) fn ok(&self, args: &[&str]) -> String {
        let ran = self.run(args);
        assert_eq!(ran.code, 0, "{args:?}: {ran:?}");
        ran.out
    }

    /// Runs what must succeed and print JSON.
    pub(crate) fn json(&self, args: &[&str]) -> Value {
        let out = self.ok(args);
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("{args:?}: {error}: {out}"))
    }

    /// Runs what must fail with this code, print no data, and say all of these on standard error.
    #[track_caller]
    pub(crate) fn fails(&self, args: &[&str], code: i32, says: &[&str]) -> Ran {
        let ran = self.run(args);
        assert_eq!(ran.code, code, "{args:?}: {ran:?}");
        assert_eq!(ran.out, "", "{args:?}: data on standard output");
        for text in says {
            assert!(ran.err.contains(text), "{args:?}: no `{text}` in: {}", ran.err);
        }
        ran
    }

    /// The one file of the database whose name or content marks it as the object of this key.
    /// Removes an object of the database on disk, as a crash or a careless hand would.
    pub(crate) fn lose(&self, key: &str) {
        std::fs::remove_file(self.object_file(key)).unwrap();
    }

    pub(crate) fn object_file(&self, key: &str) -> std::path::PathBuf {
        let mut folders = vec![self.dir.path().join("s3db-data")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if std::fs::read(&path)
                    .is_ok_and(|bytes| contains(&bytes, format!("\"key\":\"{key}\"").as_bytes()))
                {
                    return path;
                }
            }
        }
        panic!("no file holds the object {key}");
    }
}

pub(crate) fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}
