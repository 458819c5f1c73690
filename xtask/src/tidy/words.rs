//! Text that ties the repository to one machine: it must build and read the same everywhere.

use super::File;

/// What must stand in no file, in parts, so that this file does not hold it.
const TIED: &[(&[&str], &str)] = &[
    (&["/ro", "ot/"], "a folder of one machine"),
    (&["/ho", "me/"], "a folder of one machine"),
    (&["/wo", "rk/"], "a folder of one machine"),
    (&["/Us", "ers/"], "a folder of one machine"),
    (&["../sh", "ared"], "a folder outside the repository"),
    (&["registry.np", "mjs"], "the host of a registry; clients know theirs"),
    (&["py", "pi.org"], "the host of a registry; clients know theirs"),
    (&["index.crates", ".io"], "the host of a registry; clients know theirs"),
    (&["deb.deb", "ian.org"], "the host of a registry; clients know theirs"),
];

/// Complains of each line that is tied to a machine. Recorded data is left as it was recorded.
pub(super) fn check(files: &[File]) -> Vec<String> {
    let mut complaints = Vec::new();
    for file in files.iter().filter(|file| !file.has_extension("json")) {
        for (at, line) in file.text.lines().enumerate() {
            for (parts, why) in TIED {
                if line.contains(&parts.concat()) {
                    complaints.push(format!("{}:{}: `{}` is {why}", file.name(), at + 1, parts.concat()));
                }
            }
        }
    }
    complaints
}
