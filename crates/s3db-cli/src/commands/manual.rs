//! `s3db completions` and `s3db man`, both made from the command line itself.

use std::path::PathBuf;

use clap::CommandFactory as _;
use clap_complete::Shell;
use clap_mangen::Man;

use crate::args::Cli;
use crate::exit::{Failure, Outcome};
use crate::output::Output;

/// Arguments of `completions`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  s3db completions bash > ~/.local/share/bash-completion/completions/s3db
  s3db completions zsh > ~/.zfunc/_s3db
  s3db completions fish > ~/.config/fish/completions/s3db.fish
  s3db completions powershell >> $PROFILE

Connects to nothing.")]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Arguments of `man`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  s3db man | man -l -
  s3db man --out ~/.local/share/man/man1

Connects to nothing.")]
pub(crate) struct ManArgs {
    /// Folder for one page a command; it is made if it is not there
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

pub(crate) fn completions(args: &CompletionsArgs, out: &mut Output) -> Outcome {
    let mut code = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "s3db", &mut code);
    out.raw().write_all(&code).map_err(Failure::output)
}

pub(crate) fn man(args: &ManArgs, out: &mut Output) -> Outcome {
    let command = Cli::command();
    let Some(folder) = &args.out else {
        let mut page = Vec::new();
        Man::new(command).render(&mut page).map_err(Failure::output)?;
        return out.raw().write_all(&page).map_err(Failure::output);
    };
    // `s3db.1`, and `s3db-list.1` and so on.
    let written = std::fs::create_dir_all(folder).and_then(|()| clap_mangen::generate_to(command, folder));
    written.map_err(|error| Failure::Io {
        what: format!("write the manual pages to {}", folder.display()),
        error,
    })?;
    out.done(&format!("Wrote the manual pages to {}", folder.display()));
    Ok(())
}
