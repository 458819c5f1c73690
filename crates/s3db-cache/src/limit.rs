//! How much memory a cache may take.

use std::path::Path;

use s3db_core::{Error, ErrorKind, Result};

/// The limit of a cache.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum MemoryLimit {
    /// Bytes.
    Bytes(u64),
    /// Part of the memory that this process may have, above 0 and up to 1: that of its control group where it has one, else
    /// that of the machine.
    Part(f64),
}

impl MemoryLimit {
    /// In bytes. Reads small files of the system: not for async threads.
    pub(crate) fn bytes(self) -> Result<u64> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            Self::Part(part) => {
                let all = memory_bytes_max().ok_or_else(|| {
                    Error::new(ErrorKind::Config, "the memory of this machine is not known here")
                        .hint("give the limit of the cache in bytes")
                })?;
                Ok((all as f64 * part) as u64)
            }
        }
    }
}

/// Bytes of memory that this process may have: the smaller of what its control group and the machine have. `None` where
/// the system does not tell, as outside Linux.
pub fn memory_bytes_max() -> Option<u64> {
    memory_below(Path::new("/"))
}

fn memory_below(root: &Path) -> Option<u64> {
    let read = |path: &str| std::fs::read_to_string(root.join(path)).ok();
    // The control group's own folder is mounted there in a container; outside one these are those of the whole system.
    let group =
        read("sys/fs/cgroup/memory.max").or_else(|| read("sys/fs/cgroup/memory/memory.limit_in_bytes"));
    let group = group.and_then(|text| text.trim().parse::<u64>().ok());
    let machine = read("proc/meminfo").and_then(|text| {
        let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
        let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        kilobytes.checked_mul(1024)
    });
    match (group, machine) {
        (Some(group), Some(machine)) => Some(group.min(machine)),
        (one, other) => one.or(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(files: &[(&str, &str)], expected: Option<u64>) {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        assert_eq!(memory_below(root.path()), expected, "{files:?}");
    }

    #[test]
    fn the_memory_of_a_process_is_that_of_its_control_group_or_of_the_machine() {
        let machine = ("proc/meminfo", "MemTotal:       16384 kB\nMemFree:  1 kB\n");
        check(&[], None);
        check(&[machine], Some(16_777_216));
        check(&[machine, ("sys/fs/cgroup/memory.max", "max\n")], Some(16_777_216));
        check(&[machine, ("sys/fs/cgroup/memory.max", "1048576\n")], Some(1_048_576));
        check(&[machine, ("sys/fs/cgroup/memory/memory.limit_in_bytes", "2097152\n")], Some(2_097_152));
        // What version 1 says where there is no limit.
        check(
            &[machine, ("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n")],
            Some(16_777_216),
        );
    }
}
