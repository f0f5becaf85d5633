//! The roles in one process: recorder, projector, query. They share nothing but a port: each meets the others in the journal
//! and in PostgreSQL, so each waits for what it needs itself, and goes on without the rest.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use record::Recorder;
use stream::Journal;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tonic::service::Routes;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;
use tracing::{error, info, warn};
use views::database;

use crate::failure::Failure;
use crate::{feed, notify, webhooks};

/// Pauses between attempts to reach a server, from the first to the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));
/// Calls of one connection at once.
const CALLS: u32 = 4_096;
/// How long callers may take to finish once the services are told to stop.
const GRACE: Duration = Duration::from_secs(10);
/// Names under which the query services report their health.
pub const QUERY_SERVICES: [&str; 9] = [
    "chuoi.stock.v1.StockService",
    "chuoi.throughput.v1.ThroughputService",
    "chuoi.safety.v1.SafetyService",
    "chuoi.report.v1.ReportService",
    "chuoi.programme.v1.ProgrammeService",
    "chuoi.code.v1.CodeService",
    "chuoi.notice.v1.NoticeService",
    "chuoi.trace.v1.TraceService",
    "chuoi.registry.v1.RegistryService",
];
/// Name under which the recorder reports its health.
pub const RECORD_SERVICE: &str = "chuoi.record.v1.RecordService";

/// Which roles run.
#[derive(Clone, Copy, Debug)]
pub struct Roles {
    /// Decides commands and appends.
    pub recorder: bool,
    /// Follows the journal into the tables.
    pub projector: bool,
    /// Answers questions.
    pub query: bool,
    /// Tells every event to whoever listens on NATS.
    pub feed: bool,
    /// Gives notices, and sends them to webhooks.
    pub notices: bool,
}

/// What roles stand on.
#[derive(Clone, Debug)]
pub struct Servers {
    /// The journal.
    pub journal: stream::Settings,
    /// The tables.
    pub database: database::Settings,
    /// Folder for what the recorder does not keep in memory.
    pub recorder_folder: PathBuf,
    /// What the query services check traceability codes with.
    pub code_keys: views::CodeKeys,
    /// File that lists who is told over the web.
    pub webhooks: PathBuf,
    /// Where notices are recorded if no recorder runs here.
    pub other_recorder: String,
}

/// Roles that run.
pub struct Serving {
    /// Where the services listen.
    pub address: SocketAddr,
    /// The journal, where a role needs it.
    pub journal: Option<Journal>,
    stop: watch::Sender<bool>,
    /// The roles, in the order in which they end.
    running: Vec<(&'static str, JoinHandle<Result<(), Failure>>)>,
}

/// Starts roles. Waits until the journal can be opened, and no longer: what else is away is waited for by the role that needs
/// it.
pub async fn start(roles: Roles, servers: Servers, listener: TcpListener) -> Result<Serving, Failure> {
    let address = listener.local_addr().map_err(|error| Failure::failed("cannot tell where the services listen", error))?;
    let (stop, stopped) = watch::channel(false);
    let journal =
        if roles.recorder || roles.projector || roles.feed || roles.notices { Some(open(&servers.journal).await?) } else { None };
    let (health, health_service) = tonic_health::server::health_reporter();
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(wire::DESCRIPTORS)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .build_v1()
        .map_err(|error| Failure::failed("cannot describe the services", error))?;
    let mut running = Vec::new();
    let mut routes = match roles.query {
        true => {
            let pool = database::connect(&servers.database).map_err(|error| Failure::failed("cannot use the database", error))?;
            for service in QUERY_SERVICES {
                health.set_service_status(service, ServingStatus::NotServing).await;
            }
            let (asked, health, closing, mut stopped) = (pool.clone(), health.clone(), stopped.clone(), stopped.clone());
            tokio::spawn(async move {
                let ask = || async { asked.get().await.map(drop).map_err(|error| error.to_string()) };
                tokio::select! {
                    () = told_to_stop(&mut stopped) => {}
                    () = report_query(health, ask) => {}
                }
            });
            views::services_until(pool, servers.database.clone(), servers.code_keys.clone(), closing).add_service(health_service)
        }
        false => Routes::new(health_service),
    };
    routes = routes.add_service(reflection);
    if let (true, Some(journal)) = (roles.recorder, &journal) {
        let (recorder, recording) = Recorder::new(journal.clone(), record::Settings::new(servers.recorder_folder));
        routes = routes.add_service(record::service(recorder.clone()));
        health.set_service_status(RECORD_SERVICE, ServingStatus::NotServing).await;
        tokio::spawn(report_recorder(health.clone(), recorder));
        let recording = async move { recording.run().await.map_err(|error| Failure::failed("the recorder ended", error)) };
        running.push(("recorder", tokio::spawn(recording)));
    }
    if let (true, Some(journal)) = (roles.projector, &journal) {
        let (journal, settings, stopped) = (journal.clone(), servers.database.clone(), stopped.clone());
        running.push(("projector", tokio::spawn(project(journal, settings, stopped))));
    }
    if let (true, Some(journal)) = (roles.feed, &journal) {
        let (journal, settings, mut stopped) = (journal.clone(), servers.database.clone(), stopped.clone());
        running.push((
            "feed",
            tokio::spawn(async move {
                tokio::select! {
                    () = told_to_stop(&mut stopped) => Ok(()),
                    failure = feed::run(journal, &settings) => Err(failure),
                }
            }),
        ));
    }
    if let (true, Some(journal)) = (roles.notices, &journal) {
        let recorder = if roles.recorder { format!("http://{address}") } else { servers.other_recorder.clone() };
        let (journal, settings, mut stopped) = (journal.clone(), servers.database.clone(), stopped.clone());
        let mut told = stopped.clone();
        let (database, file) = (servers.database.clone(), servers.webhooks.clone());
        running.push((
            "notifier",
            tokio::spawn(async move {
                tokio::select! {
                    () = told_to_stop(&mut stopped) => Ok(()),
                    failure = notify::run(journal, &settings, &recorder, notify::Pace::default()) => Err(failure),
                }
            }),
        ));
        running.push((
            "webhooks",
            tokio::spawn(async move {
                tokio::select! {
                    () = told_to_stop(&mut told) => Ok(()),
                    failure = webhooks::run(&database, &file, webhooks::Pace::default()) => Err(failure),
                }
            }),
        ));
    }
    let (incoming, mut told) = (TcpIncoming::from(listener).with_nodelay(Some(true)), stopped);
    let mut graceful = told.clone();
    let services = async move {
        let serve = Server::builder()
            .http2_keepalive_interval(Some(Duration::from_secs(30)))
            // Whoever has to wait is told so; a call that waits for its turn on a connection is told nothing.
            .max_concurrent_streams(Some(CALLS))
            .add_routes(routes)
            .serve_with_incoming_shutdown(incoming, async move { told_to_stop(&mut graceful).await });
        tokio::select! {
            ended = serve => ended.map_err(|error| Failure::failed("the services ended", error)),
            () = async { told_to_stop(&mut told).await; tokio::time::sleep(GRACE).await } => {
                warn!("callers are still at it after {} s; their calls are cut off", GRACE.as_secs());
                Ok(())
            }
        }
    };
    // First, so that it ends first: the recorder ends with the last call.
    running.insert(0, ("services", tokio::spawn(services)));
    Ok(Serving { address, journal, stop, running })
}

impl Serving {
    /// Waits until a role ends by itself, which is a failure.
    pub async fn ended(&mut self) -> Failure {
        let mut each: Vec<_> = self.running.iter_mut().map(|(name, role)| Box::pin(async move { (*name, role.await) })).collect();
        if each.is_empty() {
            return std::future::pending().await;
        }
        let ((name, outcome), index, rest) = futures::future::select_all(each.drain(..)).await;
        drop(rest);
        self.running.remove(index);
        match outcome {
            Ok(Ok(())) => Failure::Failed { message: format!("the {name} ended by itself"), source: None },
            Ok(Err(failure)) => failure,
            Err(panic) => Failure::failed(format!("the {name} ended by itself"), panic),
        }
    }

    /// Stops all roles in order: callers first, then what they called.
    pub async fn stop(self) -> Result<(), Failure> {
        self.stop.send_replace(true);
        let mut first = Ok(());
        for (name, role) in self.running {
            let outcome =
                role.await.unwrap_or_else(|panic| Err(Failure::failed(format!("the {name} failed as it stopped"), panic)));
            info!("stopped the {name}");
            first = first.and(outcome);
        }
        first
    }
}

/// Waits until all are told to stop, or nobody is left who could tell.
async fn told_to_stop(stopped: &mut watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

/// Opens the journal as soon as NATS answers. What a person has to see to is an error at once.
async fn open(settings: &stream::Settings) -> Result<Journal, Failure> {
    let mut pause = PAUSES.0;
    loop {
        match Journal::open(settings).await {
            Ok(journal) => return Ok(journal),
            Err(error @ (stream::Error::Unreachable { .. } | stream::Error::Request { .. })) => {
                warn!(error = &error as &dyn std::error::Error, "waiting for NATS");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(PAUSES.1);
            }
            Err(error) => return Err(Failure::failed("cannot open the journal", error)),
        }
    }
}

async fn project(journal: Journal, settings: database::Settings, mut stopped: watch::Receiver<bool>) -> Result<(), Failure> {
    let mut pause = PAUSES.0;
    loop {
        let migrated = tokio::select! {
            () = told_to_stop(&mut stopped) => return Ok(()),
            migrated = database::migrate(&settings) => migrated,
        };
        match migrated {
            Ok(()) => break,
            Err(error) if error.is_final() => return Err(Failure::failed("cannot prepare the tables", error)),
            Err(error) => {
                warn!(error = &error as &dyn std::error::Error, "waiting for PostgreSQL");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(PAUSES.1);
            }
        }
    }
    let outcome = views::Projector::new(journal, settings).run(async move { told_to_stop(&mut stopped).await }).await;
    outcome.map_err(|error| Failure::failed("the projector ended", error))
}

async fn report_recorder(health: HealthReporter, recorder: Recorder) {
    if recorder.ready().await {
        health.set_service_status(RECORD_SERVICE, ServingStatus::Serving).await;
        info!("the recorder takes commands");
    } else {
        error!("the recorder ended before it had caught up");
    }
}

/// Reports the query services as serving once PostgreSQL answers.
async fn report_query<F: Future<Output = Result<(), String>>>(health: HealthReporter, ask: impl Fn() -> F) {
    let mut pause = PAUSES.0;
    while let Err(error) = ask().await {
        warn!(error, "waiting for PostgreSQL");
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(PAUSES.1);
    }
    for service in QUERY_SERVICES {
        health.set_service_status(service, ServingStatus::Serving).await;
    }
    info!("the query services answer");
}
