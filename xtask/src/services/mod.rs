//! The servers that the tests talk to: installed, started and stopped here, never assumed.

/// What `cargo xtask services` is asked to do.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

/// Runs `cargo xtask services`.
pub(crate) fn run(_args: Args) -> anyhow::Result<()> {
    anyhow::bail!("no server is known yet")
}

/// Downloads and installs the servers; does nothing where they are installed. Safe to run beside a build.
pub(crate) fn install() -> anyhow::Result<()> {
    Ok(())
}

/// Starts the servers and waits until they answer. Dropping the value stops them.
pub(crate) fn start() -> anyhow::Result<Running> {
    Ok(Running { env: Vec::new() })
}

/// Servers that are up. They stop when this is dropped.
#[derive(Debug)]
pub(crate) struct Running {
    env: Vec<(String, String)>,
}

impl Running {
    /// What the tests read to find the servers.
    pub(crate) fn env(&self) -> &[(String, String)] {
        &self.env
    }
}
