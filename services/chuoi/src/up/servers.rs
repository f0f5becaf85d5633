//! The private servers of `chuoi up`: started side by side, started again when one dies, stopped in order.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tracing::{error, warn};

use crate::embedded::{self, NatsOptions, NatsServer, PostgresOptions, PostgresServer};
use crate::failure::Failure;

/// How often is looked whether the servers still run.
const LOOK: Duration = Duration::from_millis(500);
/// The database that holds the views.
const DATABASE: &str = "chuoi";

/// A NATS server and a PostgreSQL that run as children.
#[derive(Clone)]
pub struct Embedded {
    // Everything that is done to them blocks; what runs on another thread takes its turn.
    children: Arc<Mutex<Option<(NatsServer, PostgresServer)>>>,
    /// Address of the NATS server, with its password.
    pub nats_url: String,
    /// Address of the database.
    pub database_url: String,
}

impl Embedded {
    /// Starts both.
    pub async fn start(folder: &Path) -> Result<Embedded, Failure> {
        let (of_nats, of_postgres) = (folder.join("nats"), folder.join("postgres"));
        let nats = blocking(move || NatsServer::start(&NatsOptions { folder: of_nats, ..NatsOptions::default() }));
        let postgres = blocking(move || {
            let postgres = PostgresServer::start(&PostgresOptions { folder: of_postgres, ..PostgresOptions::default() })?;
            postgres.create_database(DATABASE)?;
            Ok(postgres)
        });
        // Both to their end: one that started while the other failed is stopped as it is dropped.
        let (nats, postgres) = tokio::join!(nats, postgres);
        let (nats, postgres) = (nats?, postgres?);
        let (nats_url, database_url) = (nats.url(), postgres.url(DATABASE));
        Ok(Embedded { children: Arc::new(Mutex::new(Some((nats, postgres)))), nats_url, database_url })
    }

    /// Starts again whichever ends, for as long as this is waited for; ends with the failure of one that cannot be.
    pub async fn watch(&self) -> Failure {
        loop {
            tokio::time::sleep(LOOK).await;
            let children = Arc::clone(&self.children);
            let looked = blocking(move || {
                let mut children = children.lock().unwrap_or_else(PoisonError::into_inner);
                let Some((nats, postgres)) = children.as_mut() else { return Ok(()) };
                if let Some(status) = nats.ended() {
                    warn!(%status, "nats-server ended; starting it again");
                    nats.start_again()?;
                }
                if let Some(status) = postgres.ended() {
                    warn!(%status, "PostgreSQL ended; starting it again");
                    postgres.start_again()?;
                }
                Ok(())
            });
            if let Err(failure) = looked.await {
                error!("{}", failure.report());
                return failure;
            }
        }
    }

    /// Stops both, the tables first: they can be rebuilt from the journal.
    pub async fn stop(&self) -> Result<(), Failure> {
        let children = Arc::clone(&self.children);
        blocking(move || {
            let taken = children.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some((mut nats, mut postgres)) = taken {
                postgres.stop();
                nats.stop();
            }
            Ok(())
        })
        .await
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, embedded::Error> + Send + 'static) -> Result<T, Failure> {
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => Err(Failure::failed("cannot run the private servers", error)),
        Err(panic) => Err(Failure::failed("cannot run the private servers", panic)),
    }
}
