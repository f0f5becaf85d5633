//! The harness: real servers for scenario tests, on free ports and in folders of their own, so that tests run side by side.
//! What a test starts ends with the test, or with the test process if that is killed.
//!
//! Knows how to start, stop, kill and restart servers; knows no rule of the domain. It panics where a test cannot go on.

#![allow(clippy::expect_used, reason = "a test that has no servers has nothing to say")]

mod database;
mod nats;
mod system;
pub mod world;

pub use database::{Database, Postgres};
pub use nats::Nats;
pub use system::{Process, System};

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::ExitCode;

use tempfile::TempDir;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::spawn_blocking;

/// What most scenarios need: a nats-server of their own and an empty database.
pub struct Servers {
    /// Holds nothing yet.
    pub nats: Nats,
    /// Holds no table yet.
    pub database: Database,
}

impl Servers {
    /// Starts both.
    pub async fn start() -> Servers {
        let (nats, database) = tokio::join!(Nats::start(), Database::create());
        Servers { nats, database }
    }
}

/// An empty folder that is removed with this value.
pub fn folder() -> TempDir {
    tempfile::Builder::new().prefix("chuoi-test-").tempdir().expect("a temporary folder")
}

/// A loopback address that nobody listens on at this moment.
pub fn free_address() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("the port's number")
}

/// Runs until it is through, or until SIGTERM or SIGINT: what is dropped then ends its processes and removes its folders.
pub async fn until_told_to_end(run: impl Future<Output = ExitCode>) -> ExitCode {
    let mut ended = signal(SignalKind::terminate()).expect("a handler");
    tokio::select! {
        outcome = run => outcome,
        _ = ended.recv() => ExitCode::FAILURE,
        _ = tokio::signal::ctrl_c() => ExitCode::FAILURE,
    }
}

/// Runs what blocks where it may.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    spawn_blocking(work).await.expect("no panic")
}
