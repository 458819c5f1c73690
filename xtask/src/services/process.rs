//! A server's process: started in a group of its own, stopped by that group, never by name.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

/// How long a server may take to answer; a busy machine is several times slower than a quiet one.
const WAIT_MAX: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(200);
/// How much of a log is told when something fails.
const LOG_LINES: usize = 30;

/// A running server. Dropping it ends its process group.
#[derive(Debug)]
pub(super) struct Server {
    name: String,
    pid: u32,
    child: Option<Child>,
    log: PathBuf,
    leave: bool,
}

impl Server {
    /// Starts `command`, with its output in `log`.
    pub(super) fn start(name: &str, command: &mut Command, log: &Path) -> Result<Self> {
        let path = log.to_owned();
        let log = File::create(log).with_context(|| format!("make {}", log.display()))?;
        let child = command
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("run {name}"))?;
        Ok(Self { name: name.to_owned(), pid: child.id(), child: Some(child), log: path, leave: false })
    }

    /// A server that an earlier run left running.
    pub(super) fn known(name: &str, pid: u32) -> Self {
        Self { name: name.to_owned(), pid, child: None, log: PathBuf::new(), leave: false }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn pid(&self) -> u32 {
        self.pid
    }

    pub(super) fn is_alive(&self) -> bool {
        self.signal("-0")
    }

    /// Lets the process run on.
    pub(super) fn leave(mut self) {
        self.leave = true;
    }

    /// Waits until `does` is true, or says `what` the server does not do, and what it logged.
    pub(super) fn wait(&mut self, what: &str, does: impl Fn() -> bool) -> Result<()> {
        let started = crate::step::now();
        while started.elapsed() < WAIT_MAX {
            if does() {
                return Ok(());
            }
            if let Some(child) = &mut self.child
                && let Some(status) = child.try_wait()?
            {
                bail!("{} ended at once ({status}); its log ends so:\n{}", self.name, self.last_words());
            }
            std::thread::sleep(PAUSE);
        }
        bail!("{} does not {what}; its log ends so:\n{}", self.name, self.last_words())
    }

    /// The end of what it has logged.
    pub(super) fn last_words(&self) -> String {
        let logged = std::fs::read(&self.log).unwrap_or_default();
        let logged = String::from_utf8_lossy(&logged);
        let lines: Vec<_> = logged.lines().collect();
        lines[lines.len().saturating_sub(LOG_LINES)..].join("\n")
    }

    fn signal(&self, signal: &str) -> bool {
        let group = format!("-{}", self.pid);
        let sent = Command::new("kill")
            .args([signal, "--", &group])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        sent.is_ok_and(|status| status.success())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.leave {
            return;
        }
        self.signal(polite_signal(&self.name));
        for _ in 0..50 {
            let gone = match &mut self.child {
                Some(child) => child.try_wait().is_ok_and(|status| status.is_some()),
                None => !self.is_alive(),
            };
            if gone {
                break;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        self.signal("-KILL");
        if let Some(child) = &mut self.child {
            let _ = child.wait();
        }
    }
}

/// What asks a server to end. PostgreSQL waits for its clients after a TERM.
fn polite_signal(name: &str) -> &'static str {
    if name == "postgres" { "-INT" } else { "-TERM" }
}

/// A port that nobody listens on, and neither on the port `apart` above it.
pub(super) fn free_port(apart: u16) -> Result<u16> {
    for _ in 0..100 {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let Some(second) = port.checked_add(apart) else { continue };
        if TcpListener::bind(("127.0.0.1", second)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no free port was found")
}

/// The status of one HTTP request without a body.
pub(super) fn http_status(port: u16, method: &str, path: &str) -> Option<u16> {
    http_status_with(port, method, path, "")
}

/// The status of one HTTP request.
pub(super) fn http_status_with(port: u16, method: &str, path: &str, body: &str) -> Option<u16> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = [0_u8; 16];
    stream.read_exact(&mut answer[..12]).ok()?;
    std::str::from_utf8(&answer[9..12]).ok()?.parse().ok()
}
