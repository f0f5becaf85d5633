//! What a person sees while something long goes on: a bar on a terminal, else a line for each step that is done. On standard
//! error: standard output holds answers alone.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// Steps of something long, with the time that each took.
#[derive(Debug, Default)]
pub struct Steps {
    seconds: BTreeMap<&'static str, f64>,
}

/// A step that goes on.
pub struct Step {
    bar: ProgressBar,
    what: String,
    begun: Instant,
}

impl Step {
    /// Begins a step, named by what is being done: "starting PostgreSQL".
    pub fn begin(what: impl Into<String>) -> Step {
        let what = what.into();
        let bar = if std::io::stderr().is_terminal() { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
        bar.set_style(style("{spinner} {msg} {elapsed}"));
        bar.set_message(what.clone());
        bar.enable_steady_tick(Duration::from_millis(100));
        Step { bar, what, begun: Instant::now() }
    }

    /// So much of so much is done.
    pub fn reached(&self, done: u64, of: u64) {
        if self.bar.length() != Some(of) {
            self.bar.set_length(of);
            self.bar.set_style(style("{spinner} {msg} {wide_bar} {pos}/{len} {eta}"));
        }
        self.bar.set_position(done);
    }

    /// Ends it; the time it took is its answer.
    pub fn done(self) -> f64 {
        let took = self.begun.elapsed().as_secs_f64();
        self.bar.finish_and_clear();
        eprintln!("{:<50} {took:>6.1} s", self.what);
        took
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        // One that failed leaves no bar behind.
        self.bar.finish_and_clear();
    }
}

impl Steps {
    /// Keeps the time of a step under its short name.
    pub fn keep(&mut self, name: &'static str, seconds: f64) {
        self.seconds.insert(name, (seconds * 1_000.0).round() / 1_000.0);
    }

    /// The times.
    pub fn seconds(&self) -> &BTreeMap<&'static str, f64> {
        &self.seconds
    }
}

fn style(template: &str) -> ProgressStyle {
    // The templates are constants that parse; were one not to, the plain bar is as good.
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
