//! The servers that the tests talk to: installed, started and stopped here, never assumed.

mod ministack;
mod postgres;
mod process;
mod python;
mod seaweedfs;

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use crate::{step, workspace};
use process::Server;

/// Bucket that every server has.
const BUCKET: &str = "s3db-test";

/// What `cargo xtask services` is asked to do.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Install the servers into the target folder.
    Install,
    /// Start the servers and leave them running; prints the variables that tests read.
    Start,
    /// Stop the servers that `start` left running.
    Stop,
    /// Say which servers are running.
    Status,
    /// Print the variables of the running servers.
    Env,
    /// Run a command with the servers up, and stop them after it.
    Run {
        /// The command and its arguments.
        #[arg(required = true, trailing_var_arg = true)]
        command: Vec<String>,
    },
}

/// Runs `cargo xtask services`.
pub(crate) fn run(args: Args) -> Result<()> {
    match args.action {
        Action::Install => install(),
        Action::Start => {
            stop_recorded()?;
            let running = start()?;
            record(&running)?;
            print_env(running.env());
            running.leave();
            Ok(())
        }
        Action::Stop => stop_recorded(),
        Action::Status => {
            for server in recorded()? {
                let state = if server.is_alive() { "running" } else { "gone" };
                println!("{:<10} {state} pid={}", server.name(), server.pid());
            }
            Ok(())
        }
        Action::Env => {
            let state = read_state()?;
            let env = state["env"].as_object().cloned().unwrap_or_default();
            print_env(
                &env.iter()
                    .map(|(n, v)| (n.clone(), v.as_str().unwrap_or_default().to_owned()))
                    .collect::<Vec<_>>(),
            );
            Ok(())
        }
        Action::Run { command } => {
            let running = start()?;
            let (program, arguments) = command.split_first().context("no command")?;
            let status =
                Command::new(program).args(arguments).envs(running.env().iter().cloned()).status()?;
            drop(running);
            if !status.success() {
                bail!("the command failed: {status}");
            }
            Ok(())
        }
    }
}

/// Downloads and installs the servers; does nothing where they are installed. Safe to run beside a build.
pub(crate) fn install() -> Result<()> {
    let bin = python::install()?;
    match postgres::install(&bin) {
        Err(error) if !step::is_ci() => println!("PostgreSQL is left out: {error:#}"),
        outcome => drop(outcome?),
    }
    Ok(())
}

/// Starts the servers and waits until they answer. Dropping the value stops them.
pub(crate) fn start() -> Result<Running> {
    let bin = python::install()?;
    // Each server that is up is stopped again if a later one does not start.
    let mut running = Running::default();
    let (server, url) = seaweedfs::start(&bin).context("start SeaweedFS")?;
    running.add("S3DB_TEST_SEAWEEDFS", url, server);
    let (server, url) = ministack::start(&bin).context("start MiniStack")?;
    running.add("S3DB_TEST_MINISTACK", url, server);
    match postgres::install(&bin).and_then(|bin| postgres::start(&bin)) {
        Ok(postgres) => {
            running.add("S3DB_TEST_POSTGRES", postgres.url, postgres.server);
            running.tell("S3DB_TEST_POSTGRES_CA", postgres.certificate.display().to_string());
        }
        Err(error) if step::is_ci() => return Err(error.context("start PostgreSQL")),
        Err(error) => println!("skipped: tests that need PostgreSQL, which does not start here: {error:#}"),
    }
    Ok(running)
}

/// Servers that are up. They stop when this is dropped.
#[derive(Debug, Default)]
pub(crate) struct Running {
    env: Vec<(String, String)>,
    servers: Vec<Server>,
}

impl Running {
    /// What the tests read to find the servers.
    pub(crate) fn env(&self) -> &[(String, String)] {
        &self.env
    }

    /// Prints the end of each server's log, for whoever reads why a test failed.
    pub(crate) fn print_last_words(&self) {
        for server in &self.servers {
            println!("the log of {} ends so:\n{}", server.name(), server.last_words());
        }
    }

    fn add(&mut self, variable: &str, url: String, server: Server) {
        self.tell(variable, url);
        self.servers.push(server);
    }

    fn tell(&mut self, variable: &str, value: String) {
        self.env.push((variable.to_owned(), value));
    }

    /// Lets the servers run on after this program.
    fn leave(mut self) {
        self.servers.drain(..).for_each(Server::leave);
    }
}

/// Where servers keep their data and logs.
fn folder() -> Result<PathBuf> {
    let folder = workspace::target_dir()?.join("services");
    std::fs::create_dir_all(&folder).with_context(|| format!("make {}", folder.display()))?;
    Ok(folder)
}

fn state_file() -> Result<PathBuf> {
    Ok(folder()?.join("running.json"))
}

fn record(running: &Running) -> Result<()> {
    let servers: Vec<Value> =
        running.servers.iter().map(|s| json!({"name": s.name(), "pid": s.pid()})).collect();
    let env: serde_json::Map<String, Value> =
        running.env.iter().map(|(n, v)| (n.clone(), json!(v))).collect();
    std::fs::write(state_file()?, json!({"servers": servers, "env": env}).to_string())
        .context("note the servers")
}

fn read_state() -> Result<Value> {
    match std::fs::read_to_string(state_file()?) {
        Ok(text) => serde_json::from_str(&text).context("read which servers are running"),
        Err(_) => Ok(Value::Null),
    }
}

fn recorded() -> Result<Vec<Server>> {
    let state = read_state()?;
    let servers = state["servers"].as_array().cloned().unwrap_or_default();
    let known = servers.iter().filter_map(|s| {
        let pid = u32::try_from(s["pid"].as_u64()?).ok()?;
        Some(Server::known(s["name"].as_str()?, pid))
    });
    Ok(known.collect())
}

fn stop_recorded() -> Result<()> {
    drop(recorded()?);
    match std::fs::remove_file(state_file()?) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).context("forget the servers")
        }
        _ => Ok(()),
    }
}

fn print_env(env: &[(String, String)]) {
    for (name, value) in env {
        println!("export {name}={value}");
    }
}
