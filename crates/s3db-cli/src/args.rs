//! The command line: global flags and the list of commands. The flags of a command stand beside its code.

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::commands;
use crate::costs::Costs;

/// Where the database is when nobody says.
pub(crate) const DEFAULT_CONNECTION: &str = "file://./s3db-data";

/// Holds the passphrase when nobody names another variable.
pub(crate) const PASSPHRASE_VARIABLE: &str = "S3DB_PASSPHRASE";

/// Keep documents in S3, in anything that speaks S3, or in a folder.
#[derive(Debug, Parser)]
#[command(
    name = "s3db",
    version,
    arg_required_else_help = true,
    propagate_version = true,
    max_term_width = 100
)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const AFTER_HELP: &str = "\
Connections:
  file://./folder                                  a folder (default: file://./s3db-data)
  s3://bucket/prefix?region=eu-west-1              AWS S3, with your usual AWS credentials
  s3://KEY:SECRET@bucket/prefix                    AWS S3; percent-encode `/` in the secret as %2F
  http://KEY:SECRET@localhost:9000/bucket/prefix   MinIO, SeaweedFS, Ceph, R2 and others

Exit codes: 0 ok, 1 failed, 2 wrong usage, 3 not found, 4 no connection.
Data goes to standard output, all else to standard error.

Start with: s3db demo";

/// Flags of every command.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// Connection string [env: S3DB_CONNECTION] [default: file://./s3db-data]
    // Read from the environment by hand: clap would print the value, and its secret, in the help.
    #[arg(short, long, global = true, value_name = "URL")]
    pub(crate) connection: Option<String>,

    /// Form of the data on standard output
    #[arg(long, global = true, value_enum, value_name = "FORM")]
    pub(crate) output: Option<Format>,

    /// Same as --output json
    #[arg(long, global = true, conflicts_with_all = ["output", "csv"])]
    pub(crate) json: bool,

    /// Same as --output csv
    #[arg(long, global = true, conflicts_with = "output")]
    pub(crate) csv: bool,

    /// Say nothing but data and errors
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,

    /// No colours; so does NO_COLOR
    #[arg(long, global = true)]
    pub(crate) no_color: bool,

    /// Print the requests that the command would send, and what they cost; change nothing
    #[arg(long, global = true)]
    pub(crate) explain: bool,

    /// Say on standard error what the command has cost
    #[arg(long, global = true)]
    pub(crate) receipt: bool,

    #[arg(skip)]
    pub(crate) costs: Costs,

    /// Environment variable that holds the passphrase of secret fields
    #[arg(long, global = true, value_name = "NAME", default_value = PASSPHRASE_VARIABLE)]
    pub(crate) passphrase_env: String,
}

impl Global {
    /// The form that was asked for, if one was.
    pub(crate) fn format(&self) -> Option<Format> {
        match self {
            Self { json: true, .. } => Some(Format::Json),
            Self { csv: true, .. } => Some(Format::Csv),
            _ => self.output,
        }
    }

    /// Takes from the options of a session what a line of it does not say.
    pub(crate) fn inherit(&mut self, session: &Self) {
        self.connection = self.connection.take().or_else(|| session.connection.clone());
        self.output = self.format().or_else(|| session.format());
        (self.json, self.csv) = (false, false);
        self.quiet |= session.quiet;
        self.no_color |= session.no_color;
        self.explain |= session.explain;
        self.receipt |= session.receipt;
        if self.passphrase_env == PASSPHRASE_VARIABLE {
            self.passphrase_env.clone_from(&session.passphrase_env);
        }
    }
}

/// Form of the data on standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people; long values are cut
    Table,
    /// One JSON value
    Json,
    /// One JSON value a line
    Ndjson,
    /// RFC 4180, without the system fields
    Csv,
}

impl Format {
    /// Whether a program reads the output, so that errors should be JSON too.
    pub(crate) fn is_json(self) -> bool {
        matches!(self, Self::Json | Self::Ndjson)
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a small shop database, use it, and show what happens underneath
    Demo(commands::demo::Args),
    /// List the resources
    #[command(visible_alias = "ls")]
    List(commands::list::Args),
    /// Create a resource, or give one a new version of its schema
    CreateResource(commands::create_resource::Args),
    /// Show the definition of a resource
    Schema(commands::schema::Args),
    /// Say how the definitions of a file differ from those of the database
    SchemaDiff(commands::schema_diff::Args),
    /// Bring the database to the definitions of a file, and index what needs it
    Migrate(commands::migrate::Args),
    /// Print a type of Rust or TypeScript for the documents of a resource
    Types(commands::types::Args),
    /// Insert one document, or many
    Insert(commands::insert::Args),
    /// Show one document, as it is or as it was
    Get(commands::get::Args),
    /// Change fields of a document; what is not named stays
    Update(commands::write::UpdateArgs),
    /// Same as update
    Patch(commands::write::PatchArgs),
    /// Write a document whole, whatever was there
    Replace(commands::write::ReplaceArgs),
    /// Update the document with this id, or insert it
    Upsert(commands::write::UpsertArgs),
    /// Delete documents
    Delete(commands::delete::Args),
    /// List the old versions of a document, where the bucket keeps versions
    History(commands::history::Args),
    /// Show what is different between two versions of a document
    Diff(commands::diff::Args),
    /// Take the last change of a document back, or its delete
    Undo(commands::undo::Args),
    /// Read, set or delete the content of a document: bytes of your own beside its fields
    Content(commands::content::Args),
    /// Find documents
    Query(commands::query::Args),
    /// Count the documents of a resource
    Count(commands::count::Args),
    /// Show how a resource is configured, and the requests that a query or a write would send
    Explain(commands::explain::Args),
    /// Count documents, bytes, index entries and versions, and say what storing them costs
    Stats(commands::stats::Args),
    /// Weigh documents: how near they are to the limit, which fields weigh how much, which behavior suits
    Analyze(commands::analyze::Args),
    /// List the partitions of a resource, add some, or remove orphaned ones
    Partitions(commands::partitions::Args),
    /// Give stored documents their references in partitions that came later
    Reindex(commands::reindex::Args),
    /// Check documents, references and unique values against each other, and repair
    Fsck(commands::fsck::Args),
    /// Find out what the store really does, or print the policy that a database needs
    Doctor(commands::doctor::Args),
    /// Read documents from a file of JSON lines or CSV, of any length
    Import(commands::import::Args),
    /// Write the documents of a resource to a file of JSON lines or CSV
    Export(commands::export::Args),
    /// Write the whole database to a file
    Dump(commands::dump::DumpArgs),
    /// Read a dump into an empty database
    Load(commands::dump::LoadArgs),
    /// Give commands one after the other, on a terminal with history and completion, or from a pipe
    Shell(crate::shell::Args),
    /// Print the code that lets a shell complete this command
    Completions(commands::manual::CompletionsArgs),
    /// Print the manual page, or write one page a command
    Man(commands::manual::ManArgs),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_help_of_every_command_shows_an_example() {
        for command in Cli::command().get_subcommands().filter(|command| command.get_name() != "help") {
            let name = command.get_name();
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.starts_with("Example"), "{name} has no example");
            assert!(help.contains(&format!("s3db {name}")), "the example of {name} does not call it: {help}");
            assert!(command.get_about().is_some(), "{name} does not say what it does");
        }
    }
}
