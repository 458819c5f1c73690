//! A terminal that a test types on.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a helper of tests fails by panicking")]

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::process::{Child, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::fs::{Mode, OFlags};
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::support::Shell;

/// A hang, not a slow machine.
const WAIT_MAX: Duration = Duration::from_secs(60);

#[cfg(target_os = "linux")]
const CLOSED_IN_CHILDREN: OpenptFlags = OpenptFlags::CLOEXEC;
#[cfg(not(target_os = "linux"))]
const CLOSED_IN_CHILDREN: OpenptFlags = OpenptFlags::empty();

/// The binary on a pseudo-terminal.
pub(crate) struct Terminal {
    keys: File,
    shown: Arc<Shown>,
    reader: Option<JoinHandle<()>>,
    child: Child,
    /// Bytes of what was shown that were waited for.
    passed: usize,
}

#[derive(Default)]
struct Shown {
    bytes: Mutex<Vec<u8>>,
    more: Condvar,
}

impl Terminal {
    pub(crate) fn start(shell: &Shell, args: &[&str]) -> Self {
        let controller = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | CLOSED_IN_CHILDREN).unwrap();
        grantpt(&controller).unwrap();
        unlockpt(&controller).unwrap();
        let size = Winsize { ws_row: 40, ws_col: 160, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&controller, size).unwrap();
        let name = ptsname(&controller, Vec::new()).unwrap();
        let user = File::from(
            rustix::fs::open(&name, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty()).unwrap(),
        );
        let side = || Stdio::from(user.try_clone().unwrap());
        let mut command = shell.command(args);
        command.env("TERM", "xterm-256color").stdin(side()).stdout(side()).stderr(side());
        let child = command.spawn().unwrap();
        // The binary's side is open in the binary alone, so that reading ends with it.
        drop((user, command));
        let keys = File::from(controller);
        let shown = Arc::new(Shown::default());
        let reader = std::thread::spawn({
            let (mut screen, shown) = (keys.try_clone().unwrap(), Arc::clone(&shown));
            move || {
                let mut part = [0; 4096];
                // The other side of a terminal that is gone is an error on Linux and the end elsewhere.
                while let Ok(length @ 1..) = screen.read(&mut part) {
                    shown.bytes.lock().unwrap().extend_from_slice(&part[..length]);
                    shown.more.notify_all();
                }
            }
        });
        Self { keys, shown, reader: Some(reader), child, passed: 0 }
    }

    pub(crate) fn types(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
    }

    /// Waits until the terminal has shown this after what was waited for before.
    #[track_caller]
    pub(crate) fn shows(&mut self, text: &str) {
        let bytes = self.shown.bytes.lock().unwrap();
        let place = |bytes: &[u8]| {
            let new = &bytes[self.passed..];
            new.windows(text.len()).position(|window| window == text.as_bytes())
        };
        let (bytes, waited) =
            self.shown.more.wait_timeout_while(bytes, WAIT_MAX, |bytes| place(bytes).is_none()).unwrap();
        assert!(
            !waited.timed_out(),
            "no {text:?} after {:?}",
            String::from_utf8_lossy(&bytes[self.passed..])
        );
        self.passed += place(&bytes).unwrap() + text.len();
    }

    /// Everything that was shown so far.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.shown.bytes.lock().unwrap()).into_owned()
    }

    /// Ctrl-C while the binary does not read keys one by one: what the terminal makes of it.
    pub(crate) fn interrupt(&self) {
        kill_process(Pid::from_child(&self.child), Signal::INT).unwrap();
    }

    /// Waits for a good end, and returns everything that was shown.
    pub(crate) fn shown_to_the_end(self) -> String {
        let shown = Arc::clone(&self.shown);
        assert_eq!(self.ends(), 0);
        let bytes = shown.bytes.lock().unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Waits for the end, and returns the exit code.
    pub(crate) fn ends(mut self) -> i32 {
        // Reading ends when the binary does.
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        self.child.wait().unwrap().code().unwrap_or_else(|| panic!("ended by a signal: {}", self.text()))
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // A test that failed in the middle leaves no process behind.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
