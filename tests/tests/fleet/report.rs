//! What processes have said, each in a file of its own: a line for each thing, written after it was acknowledged.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::sync::Mutex;

#[derive(Debug, Default)]
pub(super) struct Report {
    /// The number of each change of an account.
    pub(super) changes: Vec<i64>,
    /// Sessions, and their last deadline.
    pub(super) sessions: BTreeMap<String, i64>,
    /// Epochs, and the process that led under each.
    pub(super) epochs: Vec<(u64, String)>,
}

impl Report {
    /// Of all processes. A line that a killed process has not finished says nothing.
    pub(super) fn read(folder: &Path) -> Self {
        let mut report = Self::default();
        for file in std::fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            let process = path.file_stem().unwrap().to_string_lossy().into_owned();
            let text = std::fs::read_to_string(&path).unwrap();
            let lines = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
            for line in lines {
                let words: Vec<&str> = line.split_whitespace().collect();
                match words[..] {
                    ["change", n] => report.changes.push(n.parse().unwrap()),
                    ["session", id, ends] => {
                        let ends: i64 = ends.parse().unwrap();
                        let known = report.sessions.entry(id.to_owned()).or_insert(ends);
                        *known = ends.max(*known);
                    }
                    ["epoch", epoch] => report.epochs.push((epoch.parse().unwrap(), process.clone())),
                    _ => panic!("{line}"),
                }
            }
        }
        report
    }
}

/// The file of one process.
#[derive(Debug)]
pub(super) struct Teller(Mutex<File>);

impl Teller {
    pub(super) fn new(folder: &Path, process: u32) -> Self {
        let path = folder.join(format!("{process}.log"));
        Self(Mutex::new(OpenOptions::new().create(true).append(true).open(path).unwrap()))
    }

    pub(super) fn tell(&self, line: &str) {
        self.0.lock().unwrap().write_all(format!("{line}\n").as_bytes()).unwrap();
    }
}
