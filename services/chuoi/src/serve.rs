//! `chuoi serve`: roles against servers that exist.

use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tracing::info;
use views::database;

use crate::config::{Key, Settings};
use crate::failure::Failure;
use crate::roles::{self, Roles, Servers};

/// Runs it until told to stop.
pub async fn run(settings: Settings, roles: Roles) -> Result<(), Failure> {
    let address = settings.listen()?;
    let listener = TcpListener::bind(address).await.map_err(|error| {
        let remedy = "choose another with --listen";
        Failure::failed(format!("cannot listen on {address}; {remedy}"), error)
    })?;
    let recorder_folder = settings.data()?.join("recorder").join(format!("{}-{}", settings.text(Key::Stream), address.port()));
    let other_recorder = settings.text(Key::Server).to_owned();
    let other_recorder = if other_recorder.contains("://") { other_recorder } else { format!("http://{other_recorder}") };
    let (journal, database, webhooks) = (journal(&settings), database(&settings), settings.webhooks()?);
    let code_keys = settings.code_keys()?;
    let servers = Servers { journal, database, recorder_folder, webhooks, other_recorder, code_keys };
    let mut stop = Stop::new()?;
    let mut serving = tokio::select! {
        serving = roles::start(roles, servers, listener) => serving?,
        () = stop.told() => return Ok(()),
    };
    info!(address = %serving.address, recorder = roles.recorder, projector = roles.projector, query = roles.query, "serving");
    let failure = tokio::select! {
        failure = serving.ended() => Some(failure),
        () = stop.told() => None,
    };
    info!("stopping");
    let stopped = serving.stop().await;
    failure.map_or(stopped, Err)
}

/// Where the journal is.
pub fn journal(settings: &Settings) -> stream::Settings {
    stream::Settings::new(settings.text(Key::NatsUrl), settings.text(Key::Stream))
}

/// Where the tables are.
pub fn database(settings: &Settings) -> database::Settings {
    database::Settings::of(settings.text(Key::DatabaseUrl))
}

/// The signals by which a process is told to stop.
pub struct Stop {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    hang_up: tokio::signal::unix::Signal,
}

impl Stop {
    /// Listens from now on.
    pub fn new() -> Result<Stop, Failure> {
        let listen = |kind| signal(kind).map_err(|error| Failure::failed("cannot listen to signals", error));
        Ok(Stop {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            hang_up: listen(SignalKind::hangup())?,
        })
    }

    /// Waits for one of them.
    pub async fn told(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.hang_up.recv() => {}
        }
    }
}
