//! PostgreSQL for tests: a database of a shared server for most, a server of its own for a test that stops or kills it.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, Weak};

use chuoi::embedded::{PostgresOptions, PostgresServer};
use tempfile::TempDir;

use super::{blocking, folder};

/// A server with what it keeps.
struct Server {
    postgres: PostgresServer,
    _folder: TempDir, // After the server that uses it.
}

impl Server {
    fn start(fast: bool) -> Server {
        let folder = folder();
        let options = PostgresOptions { folder: folder.path().to_owned(), fast, ..PostgresOptions::default() };
        Server { postgres: PostgresServer::start(&options).expect("a PostgreSQL"), _folder: folder }
    }
}

/// An empty database on a server that all tests of this process share; it ends with the last of them.
pub struct Database {
    url: String,
    _server: Arc<Server>,
}

impl Database {
    /// Makes a database, and starts the server if no other test holds it.
    pub async fn create() -> Database {
        static SHARED: Mutex<Weak<Server>> = Mutex::new(Weak::new());
        static NUMBER: AtomicU32 = AtomicU32::new(1);
        blocking(|| {
            let server = {
                let mut shared = SHARED.lock().expect("not poisoned");
                shared.upgrade().unwrap_or_else(|| {
                    let server = Arc::new(Server::start(true));
                    *shared = Arc::downgrade(&server);
                    server
                })
            };
            let name = format!("test_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
            server.postgres.create_database(&name).expect("a database");
            Database { url: server.postgres.url(&name), _server: server }
        })
        .await
    }

    /// How to connect to it.
    pub fn url(&self) -> &str {
        &self.url
    }
}

/// A PostgreSQL of one test's own, with an empty database.
pub struct Postgres {
    server: Arc<Mutex<Server>>,
    url: String,
}

impl Postgres {
    /// Starts it; it does not wait for its disk.
    pub async fn start() -> Postgres {
        Postgres::with(true).await
    }

    /// Starts it; what it commits is on disk.
    pub async fn start_durable() -> Postgres {
        Postgres::with(false).await
    }

    async fn with(fast: bool) -> Postgres {
        blocking(move || {
            let server = Server::start(fast);
            server.postgres.create_database("test").expect("a database");
            Postgres { url: server.postgres.url("test"), server: Arc::new(Mutex::new(server)) }
        })
        .await
    }

    /// How to connect to its database; the same after every restart.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its process, the parent of its sessions.
    pub fn pid(&self) -> u32 {
        self.server.lock().expect("not poisoned").postgres.pid()
    }

    /// Ends its sessions and lets it end in order.
    pub async fn stop(&self) {
        self.act(|postgres| postgres.stop()).await;
    }

    /// Ends it as a crash would.
    pub async fn kill(&self) {
        self.act(|postgres| postgres.kill()).await;
    }

    /// Starts it again on what it kept, and waits until it answers.
    pub async fn start_again(&self) {
        self.act(|postgres| postgres.start_again().expect("a PostgreSQL on its old folder")).await;
    }

    async fn act(&self, act: impl FnOnce(&mut PostgresServer) + Send + 'static) {
        let server = self.server.clone();
        blocking(move || act(&mut server.lock().expect("not poisoned").postgres)).await;
    }
}
