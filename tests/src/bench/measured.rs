//! What a closed loop of callers measured: how many were accepted, and how long each waited.

use hdrhistogram::Histogram;
use std::time::{Duration, Instant};

/// Figures of one run.
#[derive(Clone, Debug)]
pub struct Measured {
    /// Accepted events.
    pub accepted: u64,
    /// Refused by a rule.
    pub refused: u64,
    /// Turned away because too many wait.
    pub shed: u64,
    /// From the first call to the last answer.
    pub seconds: f64,
    /// Microseconds that each waited: thousands of callers measure at once, and a histogram each would take what they measure.
    waits: Vec<u32>,
}

impl Measured {
    /// Nothing yet.
    pub fn none() -> Measured {
        Measured { accepted: 0, refused: 0, shed: 0, seconds: 0.0, waits: Vec::new() }
    }

    /// Takes note of one answer.
    pub fn waited(&mut self, since: Instant) {
        self.took(since.elapsed());
    }

    /// Takes note of a time.
    pub fn took(&mut self, time: Duration) {
        self.waits.push(u32::try_from(time.as_micros()).unwrap_or(u32::MAX).max(1));
    }

    /// Puts what callers measured side by side together.
    pub fn together(parts: impl IntoIterator<Item = Measured>, seconds: f64) -> Measured {
        parts.into_iter().fold(Measured { seconds, ..Measured::none() }, |mut sum, part| {
            sum.accepted += part.accepted;
            sum.refused += part.refused;
            sum.shed += part.shed;
            sum.waits.extend(part.waits);
            sum
        })
    }

    /// Accepted events in a second.
    pub fn rate(&self) -> f64 {
        self.accepted as f64 / self.seconds
    }

    /// Milliseconds that so many percent did not exceed.
    pub fn ms(&self, percent: f64) -> f64 {
        let mut micros = Histogram::<u64>::new_with_bounds(1, u32::MAX.into(), 3).expect("bounds of a histogram");
        self.waits.iter().for_each(|wait| micros.saturating_record((*wait).into()));
        micros.value_at_percentile(percent) as f64 / 1_000.0
    }
}

/// The middle one.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
