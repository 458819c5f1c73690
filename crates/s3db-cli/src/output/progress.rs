//! Progress of long work.

use std::io::IsTerminal as _;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use s3db::env::{Env as _, SystemEnv};

use super::Output;
use crate::args::Global;

/// How often a line is written where there is no terminal for a bar.
const LINE_EVERY_MS: i64 = 10_000;

/// How often a bar is drawn anew.
const BAR_EVERY_MS: i64 = 100;

/// A progress bar on standard error, if that is a terminal.
pub(crate) fn bar(global: &Global, things: &str) -> ProgressBar {
    styled(global, &format!("{{bar:40}} {{pos}}/{{len}} {things}, {{eta}} left"))
}

fn styled(global: &Global, template: &str) -> ProgressBar {
    let target = if global.quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
    let bar = ProgressBar::with_draw_target(Some(0), target);
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

/// Documents that go by: a bar with rate and time left on a terminal, a line now and then elsewhere.
pub(crate) struct Meter {
    bar: ProgressBar,
    verb: &'static str,
    on_terminal: bool,
    began_ms: i64,
    told_ms: i64,
    /// Documents of an earlier run, which do not count for the rate.
    before: u64,
}

impl Meter {
    /// `total` is in the unit of `at`, if it is known.
    pub(crate) fn new(global: &Global, verb: &'static str, total: Option<u64>, before: u64) -> Self {
        let template = match total {
            Some(_) => "{bar:30} {percent}%  {msg}, {eta} left",
            None => "{spinner} {msg}, {elapsed}",
        };
        let bar = styled(global, template);
        bar.set_length(total.unwrap_or(0));
        let now = SystemEnv.now_ms();
        let on_terminal = std::io::stderr().is_terminal();
        Self { bar, verb, on_terminal, began_ms: now, told_ms: now, before }
    }

    /// Tells how many documents have gone by, and how far that is.
    pub(crate) fn tell(&mut self, documents: u64, at: u64, out: &mut Output) {
        let now = SystemEnv.now_ms();
        let every = if self.on_terminal { BAR_EVERY_MS } else { LINE_EVERY_MS };
        if now - self.told_ms < every {
            return;
        }
        self.told_ms = now;
        let seconds = (now - self.began_ms).max(1) as f64 / 1000.0;
        let rate = documents.saturating_sub(self.before) as f64 / seconds;
        let text = format!("{} {documents} documents, {rate:.0}/s", self.verb);
        if self.on_terminal {
            self.bar.set_message(text);
            self.bar.set_position(at);
        } else {
            out.note(&text);
        }
    }

    /// Takes the bar away.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
