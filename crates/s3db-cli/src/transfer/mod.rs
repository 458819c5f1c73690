//! Documents from files and to files, of any length, in bounded memory.

use std::path::{Path, PathBuf};

use clap::ValueEnum;

use crate::args::{Format, Global};

mod cells;
mod lines;
mod place;
mod rejects;
mod rows;
mod source;

pub(crate) use cells::{Columns, cell};
pub(crate) use place::{Place, Saved, number};
pub(crate) use rejects::Rejects;
pub(crate) use source::{Bad, Item, Source};

/// Longest document of a file: a line that is longer is most likely no line.
pub(super) const LINE_BYTES_MAX: u64 = 16 << 20;

/// Form of a file of documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FileForm {
    /// One JSON object a line
    Jsonl,
    /// RFC 4180, with a header
    Csv,
}

impl FileForm {
    /// The form that a flag names, or `--csv`, or the end of the file's name; else JSON lines.
    pub(crate) fn of(flag: Option<Self>, global: &Global, file: &str) -> Self {
        let by_name = || {
            let extension = Path::new(file).extension().and_then(|extension| extension.to_str());
            match extension {
                Some(extension) if extension.eq_ignore_ascii_case("csv") => Self::Csv,
                _ => Self::Jsonl,
            }
        };
        flag.unwrap_or_else(|| if global.format() == Some(Format::Csv) { Self::Csv } else { by_name() })
    }
}

/// The name of a file with something behind it.
pub(crate) fn beside(file: &str, ending: &str) -> PathBuf {
    PathBuf::from(format!("{file}{ending}"))
}
