//! The embedded servers: a private nats-server and a private PostgreSQL as children of this process, each with a folder
//! of its own. Only this machine reaches them, and only with what they were started with: a password for nats-server, a
//! private folder around PostgreSQL's socket. They end when this process ends, even by `kill -9`.
//!
//! Knows no stream, table or setting of chuoi's own. Everything here blocks: in async code call it through
//! `spawn_blocking`.

mod child;
mod nats;
mod postgres;
mod predecessor;
mod tools;

pub use nats::{NatsOptions, NatsServer};
pub use postgres::{PostgresOptions, PostgresServer};
pub use tools::{PostgresPrograms, nats_server, postgres_programs};

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

/// What keeps a server from running here.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nothing that is new enough was found.
    #[error("{program} {needed} or newer is needed, found {found}; deploy/setup installs it")]
    Missing {
        /// What was looked for.
        program: &'static str,
        /// The oldest version that will do.
        needed: &'static str,
        /// What was found and where, or where was looked in vain.
        found: String,
    },
    /// The operating system said no.
    #[error("could not {doing}")]
    Io {
        /// What was tried.
        doing: String,
        /// What it said.
        #[source]
        source: io::Error,
    },
    /// Another process serves the same folder.
    #[error("{program} already runs on {folder}, as process {pid}; stop that one, or choose another folder")]
    Busy {
        /// The server.
        program: &'static str,
        /// The folder that both want.
        folder: PathBuf,
        /// The other one.
        pid: i32,
    },
    /// The server ended before it answered.
    #[error("{program} ended at its start ({status}); the end of {log}:\n{tail}")]
    Ended {
        /// The server.
        program: &'static str,
        /// How it ended.
        status: ExitStatus,
        /// Where it writes.
        log: PathBuf,
        /// The last lines there.
        tail: String,
    },
    /// The server runs and does not answer.
    #[error("{program} did not answer within {seconds} seconds; the end of {log}:\n{tail}")]
    Silent {
        /// The server.
        program: &'static str,
        /// How long was waited.
        seconds: u64,
        /// Where it writes.
        log: PathBuf,
        /// The last lines there.
        tail: String,
    },
    /// A program that should do its work and end failed.
    #[error("{program} failed ({status}):\n{output}")]
    Failed {
        /// The program.
        program: &'static str,
        /// How it ended.
        status: ExitStatus,
        /// What it wrote.
        output: String,
    },
    /// PostgreSQL refused a statement.
    #[error("PostgreSQL refused to {doing}")]
    Sql {
        /// What was tried.
        doing: String,
        /// What it said.
        #[source]
        source: ::postgres::Error,
    },
}

type Result<T> = std::result::Result<T, Error>;

/// The same outcome, with what was tried.
fn tried<T>(outcome: io::Result<T>, doing: impl FnOnce() -> String) -> Result<T> {
    outcome.map_err(|source| Error::Io { doing: doing(), source })
}

/// The last lines of a log, for a person who has to find out what is wrong.
fn tail(log: &Path) -> String {
    let text = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}
