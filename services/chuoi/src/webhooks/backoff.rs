//! When to try again.

use std::time::Duration;

/// Pauses between attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// After the first failure.
    pub first: Duration,
    /// At most, also where the receiver asks for more.
    pub longest: Duration,
}

impl Default for Backoff {
    fn default() -> Backoff {
        Backoff { first: Duration::from_secs(1), longest: Duration::from_secs(300) }
    }
}

impl Backoff {
    /// The pause after so many failures in a row, the first being 1: twice as long each time, up to the longest, of which between a
    /// half and all is taken, by `chance` out of `u32::MAX`, so that those who failed together do not come back together. What the
    /// receiver asked for is the least.
    pub fn pause(&self, failures: u32, chance: u32, asked: Option<Duration>) -> Duration {
        let doublings = failures.saturating_sub(1).min(31);
        let whole = self.first.saturating_mul(1 << doublings).min(self.longest);
        let half = whole / 2;
        let more = half.mul_f64(f64::from(chance) / f64::from(u32::MAX));
        (half + more).max(asked.unwrap_or_default().min(self.longest))
    }
}

/// What a receiver asks for by `Retry-After`: seconds, or a moment as HTTP writes it.
pub fn retry_after(header: &str, now: jiff::Timestamp) -> Option<Duration> {
    let header = header.trim();
    if let Ok(seconds) = header.parse::<u32>() {
        return Some(Duration::from_secs(seconds.into()));
    }
    let moment = jiff::fmt::rfc2822::parse(header).ok()?.timestamp();
    Some(Duration::try_from(moment.duration_since(now)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    const BACKOFF: Backoff = Backoff { first: Duration::from_secs(1), longest: Duration::from_secs(300) };

    #[test]
    fn pauses_grow_to_the_longest_and_never_beyond() {
        let most: Vec<u64> = (1..=12).map(|failures| BACKOFF.pause(failures, u32::MAX, None).as_secs()).collect();
        assert_eq!(most, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
        for failures in [0, 1, 7, 40, u32::MAX] {
            let (least, most) = (BACKOFF.pause(failures, 0, None), BACKOFF.pause(failures, u32::MAX, None));
            assert!(least * 2 == most && most <= BACKOFF.longest, "{failures}: {least:?} to {most:?}");
        }
    }

    #[test]
    fn what_a_receiver_asks_for_is_heeded_up_to_the_longest() {
        assert_eq!(BACKOFF.pause(1, 0, Some(Duration::from_secs(20))), Duration::from_secs(20));
        assert_eq!(BACKOFF.pause(1, 0, Some(Duration::from_secs(9_999))), Duration::from_secs(300));
        let now = "2026-11-28T03:00:00Z".parse().unwrap();
        for (header, seconds) in [
            ("120", Some(120)),
            ("Sat, 28 Nov 2026 03:01:30 GMT", Some(90)),
            ("Sat, 28 Nov 2026 02:00:00 GMT", Some(0)),
            ("soon", None),
        ] {
            assert_eq!(retry_after(header, now), seconds.map(Duration::from_secs), "{header}");
        }
    }
}
