//! Runs commands under a heading, times them, and counts the tests they report.

use std::{
    io::{BufRead, BufReader, Read, Write},
    process::{Child, Command, Stdio},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};

use crate::tally::Tally;

/// How often a running command is looked at, and an interruption noticed.
const POLL: Duration = Duration::from_millis(50);

/// The steps of one run, in order, with what each took.
#[derive(Debug, Default)]
pub(crate) struct Steps {
    done: Vec<(String, Duration)>,
    tally: Tally,
}

impl Steps {
    /// Runs `work` under a heading. The first failing step ends the run, because the caller returns its error.
    pub(crate) fn step(
        &mut self,
        name: &str,
        work: impl FnOnce(&mut Tally) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        println!("\n━━ {name}");
        let started = now();
        let outcome = if interrupted() { Err(anyhow::anyhow!("interrupted")) } else { work(&mut self.tally) };
        let took = now().saturating_duration_since(started);
        let verdict = if outcome.is_ok() { "ok" } else { "FAILED" };
        println!("━━ {name}: {verdict} after {}", seconds(took));
        self.done.push((name.to_owned(), took));
        outcome.with_context(|| format!("step {name}"))
    }

    /// Prints what each step took and, as the last line, the number of tests.
    pub(crate) fn summary(&self) {
        println!("\n━━ all steps");
        for (name, took) in &self.done {
            println!("{:>9}  {name}", seconds(*took));
        }
        println!("{:>9}  total", seconds(self.done.iter().map(|(_, took)| *took).sum()));
        println!("\n{}", self.tally);
    }
}

/// One step, as a run of its own.
pub(crate) fn alone(name: &str, work: impl FnOnce(&mut Tally) -> anyhow::Result<()>) -> anyhow::Result<()> {
    catch_interrupts()?;
    let mut steps = Steps::default();
    let outcome = steps.step(name, work);
    steps.summary();
    outcome
}

/// Runs a command to its end, with its output passed on as it is.
pub(crate) fn run(command: &mut Command) -> anyhow::Result<()> {
    announce(command);
    let child = command.stdin(Stdio::null()).spawn().with_context(|| format!("start {}", shown(command)))?;
    finish(child, command, None)
}

/// Like [`run`], but ends the command, and what it has started, after `limit`.
pub(crate) fn run_within(command: &mut Command, limit: Duration) -> anyhow::Result<()> {
    announce(command);
    command.stdin(Stdio::null());
    // A group of its own, so that the compilers of a build end with it.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(command, 0);
    let child = command.spawn().with_context(|| format!("start {}", shown(command)))?;
    finish(child, command, Some(limit))
}

/// Like [`run`], and adds the tests that the command reports to `tally`.
pub(crate) fn run_counting(command: &mut Command, tally: &mut Tally) -> anyhow::Result<()> {
    announce(command);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().with_context(|| format!("start {}", shown(command)))?;
    let out = child.stdout.take().map(|pipe| thread::spawn(move || pass_on(pipe, std::io::stdout())));
    let err = child.stderr.take().map(|pipe| thread::spawn(move || pass_on(pipe, std::io::stderr())));
    let outcome = finish(child, command, None);
    for reader in [out, err].into_iter().flatten() {
        match reader.join() {
            Ok(counted) => *tally += counted,
            Err(_) => bail!("the reader of {}'s output died", shown(command)),
        }
    }
    outcome
}

/// Runs a command in silence; its output is shown only when it fails.
pub(crate) fn run_quietly(command: &mut Command) -> anyhow::Result<String> {
    let output =
        command.stdin(Stdio::null()).output().with_context(|| format!("start {}", shown(command)))?;
    if !output.status.success() {
        bail!(
            "{} ended with {}\n{}{}",
            shown(command),
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// From now on Ctrl-C and SIGTERM end the running step, after which servers are stopped, instead of ending us.
pub(crate) fn catch_interrupts() -> anyhow::Result<()> {
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM, signal_hook::consts::SIGHUP] {
        signal_hook::flag::register(signal, Arc::clone(flag())).context("watch for interruptions")?;
    }
    Ok(())
}

/// Whether this machine is a CI machine, where nothing may be skipped.
pub(crate) fn is_ci() -> bool {
    std::env::var("CI").is_ok_and(|value| value == "true" || value == "1")
}

fn interrupted() -> bool {
    flag().load(Ordering::Relaxed)
}

fn flag() -> &'static Arc<AtomicBool> {
    static FLAG: OnceLock<Arc<AtomicBool>> = OnceLock::new();
    FLAG.get_or_init(Arc::default)
}

/// Waits for the child. On an interruption it is asked to end, which a Ctrl-C on a terminal has already done. With a
/// limit the child leads a group, which is asked to end when the time is over.
fn finish(mut child: Child, command: &Command, limit: Option<Duration>) -> anyhow::Result<()> {
    let started = now();
    let target =
        if limit.is_some() && cfg!(unix) { format!("-{}", child.id()) } else { child.id().to_string() };
    let mut asked = None;
    loop {
        if let Some(status) = child.try_wait().context("wait for a command")? {
            return match (status.success(), asked) {
                (true, _) => Ok(()),
                (false, Some(why)) => bail!("{}: {why}", shown(command)),
                (false, None) => bail!("{} ended with {status}", shown(command)),
            };
        }
        let late = limit.is_some_and(|limit| now().saturating_duration_since(started) > limit);
        if asked.is_none() && (interrupted() || late) {
            asked = Some(if late { "took too long and was ended" } else { "interrupted" });
            // The standard library can only kill outright, and a test runner must have the chance to end its tests.
            Command::new("kill").args(["-TERM", "--", &target]).status().context("end a command")?;
        }
        thread::sleep(POLL);
    }
}

/// Copies lines from `from` to `to` and counts the tests they speak of.
fn pass_on(from: impl Read, mut to: impl Write) -> Tally {
    let mut from = BufReader::new(from);
    let mut tally = Tally::default();
    let mut line = Vec::new();
    while from.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
        tally += Tally::of_line(&String::from_utf8_lossy(&line));
        // A closed terminal must not stop the command we read from.
        to.write_all(&line).and_then(|()| to.flush()).ok();
        line.clear();
    }
    tally
}

fn announce(command: &Command) {
    println!("$ {}", shown(command));
}

/// The command as a person would type it.
fn shown(command: &Command) -> String {
    let program = std::path::Path::new(command.get_program());
    let program = program.file_name().unwrap_or(program.as_os_str());
    let words = std::iter::once(program).chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}

#[expect(
    clippy::disallowed_methods,
    reason = "durations of steps are for people; nothing is replayed from them"
)]
pub(crate) fn now() -> Instant {
    Instant::now()
}

fn seconds(took: Duration) -> String {
    format!("{:.1} s", took.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_over_its_time_is_ended_with_what_it_started() {
        let started = now();
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 600 & wait"]);
        let error = run_within(&mut command, Duration::from_millis(100)).unwrap_err();
        assert!(error.to_string().ends_with("took too long and was ended"), "{error}");
        assert!(now().saturating_duration_since(started) < Duration::from_secs(60));

        run_within(&mut Command::new("true"), Duration::from_secs(60)).unwrap();
        let error = run_within(&mut Command::new("false"), Duration::from_secs(60)).unwrap_err();
        assert!(error.to_string().starts_with("false ended with"), "{error}");
    }
}
