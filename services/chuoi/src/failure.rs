//! How the program fails: what it says, and the exit code that tells a script which kind of failure it was.

use std::error::Error;
use std::fmt::Write as _;
use std::process::ExitCode;

/// What went wrong, for a person.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The command line or a setting cannot be used as it is; nothing was tried. Exit code 2.
    #[error("{0}")]
    Usage(String),
    /// The servers answered, and the answer is no. Exit code 1.
    #[error("{0}")]
    Refused(String),
    /// What should answer does not. Exit code 3.
    #[error("{message}")]
    Unavailable {
        /// What was tried, and what to do.
        message: String,
        /// What the other side or the system said.
        #[source]
        source: Option<Box<dyn Error + Send + Sync>>,
    },
    /// Anything else that failed. Exit code 1.
    #[error("{message}")]
    Failed {
        /// What was tried.
        message: String,
        /// What the other side or the system said.
        #[source]
        source: Option<Box<dyn Error + Send + Sync>>,
    },
    /// Whoever read the output stopped reading, as `head` does. Nothing to say.
    #[error("the reader of the output is gone")]
    NobodyReads,
}

impl Failure {
    /// Something that should answer does not.
    pub fn unavailable(message: impl Into<String>, source: impl Into<Box<dyn Error + Send + Sync>>) -> Failure {
        Failure::Unavailable { message: message.into(), source: Some(source.into()) }
    }

    /// Something failed.
    pub fn failed(message: impl Into<String>, source: impl Into<Box<dyn Error + Send + Sync>>) -> Failure {
        Failure::Failed { message: message.into(), source: Some(source.into()) }
    }

    /// What a script sees.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Failure::NobodyReads => ExitCode::SUCCESS,
            Failure::Refused(_) | Failure::Failed { .. } => ExitCode::from(1),
            Failure::Usage(_) => ExitCode::from(2),
            Failure::Unavailable { .. } => ExitCode::from(3),
        }
    }

    /// The message, and in a line of their own its causes, each said once.
    pub fn report(&self) -> String {
        with_causes(self, "\n  because: ")
    }
}

/// An error and its causes in one line, each said once.
pub fn chain(error: &dyn Error) -> String {
    with_causes(error, ": ")
}

fn with_causes(error: &dyn Error, mut lead: &str) -> String {
    let mut report = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error.to_string();
        if !report.contains(&said) {
            let _ = write!(report, "{lead}{said}"); // Writing to a String cannot fail.
            lead = ": ";
        }
        cause = error.source();
    }
    report
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_told_once() {
        let refused = std::io::Error::other("connection refused");
        let failure = Failure::unavailable("nothing answers at 127.0.0.1:7420 (connection refused)", refused);
        assert_eq!(failure.report(), "nothing answers at 127.0.0.1:7420 (connection refused)");
        let failure = Failure::failed("could not read /etc/chuoi.toml", std::io::Error::other("no such file"));
        assert_eq!(failure.report(), "could not read /etc/chuoi.toml\n  because: no such file");
    }
}
