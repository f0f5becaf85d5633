//! Where the journal is and how it is kept.

use std::time::Duration;

use crate::Error;

/// Where the journal is and how it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Addresses of nats-server, separated by commas: `nats://127.0.0.1:4222`.
    pub url: String,
    /// Name of the stream, with the generation in it (`chuoi-journal-1`): a restored journal gets a new name, so that a
    /// writer which was frozen before the restore cannot append to it.
    pub stream: String,
    /// Copies of the stream in a cluster: 1 or 3. `init` makes so many; a stream with fewer is refused.
    pub replicas: usize,
    /// How long one request may take before it counts as lost, and how long a stream may look shorter than it was
    /// before that counts as damage.
    pub timeout: Duration,
}

impl Settings {
    /// A single copy, five seconds for a request.
    pub fn new(url: impl Into<String>, stream: impl Into<String>) -> Settings {
        Settings { url: url.into(), stream: stream.into(), replicas: 1, timeout: Duration::from_secs(5) }
    }

    /// The one subject of the stream. Derived, so that no two generations share one.
    pub fn subject(&self) -> String {
        format!("{}.entries", self.stream)
    }

    /// NATS takes dots and wildcards in a name for structure.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if self.stream.is_empty() || !self.stream.chars().all(allowed) {
            return Err(Error::StreamName { name: self.stream.clone() });
        }
        Ok(())
    }
}
