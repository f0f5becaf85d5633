//! A nats-server of one test's own.

use std::path::Path;
use std::sync::{Arc, Mutex};

use chuoi::embedded::{NatsOptions, NatsServer};
use tempfile::TempDir;

use super::{blocking, folder};

/// A nats-server with what it keeps; both are gone with this value.
pub struct Nats {
    server: Arc<Mutex<NatsServer>>,
    folder: TempDir, // After the server that uses it.
}

impl Nats {
    /// Starts it on a free port.
    pub async fn start() -> Nats {
        blocking(|| {
            let folder = folder();
            let options = NatsOptions { folder: folder.path().to_owned(), ..NatsOptions::default() };
            let server = NatsServer::start(&options).expect("a nats-server");
            Nats { server: Arc::new(Mutex::new(server)), folder }
        })
        .await
    }

    /// Where it listens; the same after every restart.
    pub fn url(&self) -> String {
        self.server.lock().expect("not poisoned").url()
    }

    /// Where it keeps what it holds.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.server.lock().expect("not poisoned").pid()
    }

    /// Lets it end in order.
    pub async fn stop(&self) {
        self.with(|server| server.stop()).await;
    }

    /// Ends it as a crash would.
    pub async fn kill(&self) {
        self.with(|server| server.kill()).await;
    }

    /// Starts it again on what it kept, and waits until it answers.
    pub async fn start_again(&self) {
        self.with(|server| server.start_again().expect("a nats-server on its old folder")).await;
    }

    async fn with(&self, act: impl FnOnce(&mut NatsServer) + Send + 'static) {
        let server = self.server.clone();
        blocking(move || act(&mut server.lock().expect("not poisoned"))).await;
    }
}
