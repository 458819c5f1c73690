//! A server's process: started in a group of its own, stopped by that group, never by name.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

/// How long a server may take to answer; a busy machine is several times slower than a quiet one.
const ATTEMPTS_MAX: u32 = 300;
const PAUSE: Duration = Duration::from_millis(200);

/// A running server. Dropping it ends its process group.
#[derive(Debug)]
pub(super) struct Server {
    name: String,
    pid: u32,
    child: Option<Child>,
    leave: bool,
}

impl Server {
    /// Starts `command`, with its output in `log`.
    pub(super) fn start(name: &str, command: &mut Command, log: &Path) -> Result<Self> {
        let log = File::create(log).with_context(|| format!("make {}", log.display()))?;
        let child = command
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("run {name}"))?;
        Ok(Self { name: name.to_owned(), pid: child.id(), child: Some(child), leave: false })
    }

    /// A server that an earlier run left running.
    pub(super) fn known(name: &str, pid: u32) -> Self {
        Self { name: name.to_owned(), pid, child: None, leave: false }
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

    /// Waits until `answers` is true, or says what the server logged.
    pub(super) fn wait(&mut self, log: &Path, answers: impl Fn() -> bool) -> Result<()> {
        for _ in 0..ATTEMPTS_MAX {
            if answers() {
                return Ok(());
            }
            if let Some(child) = &mut self.child
                && let Some(status) = child.try_wait()?
            {
                bail!("{} ended at once ({status}); its log is {}", self.name, log.display());
            }
            std::thread::sleep(PAUSE);
        }
        bail!("{} does not answer; its log is {}", self.name, log.display())
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
        self.signal("-TERM");
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
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = [0_u8; 16];
    stream.read_exact(&mut answer[..12]).ok()?;
    std::str::from_utf8(&answer[9..12]).ok()?.parse().ok()
}
