//! The views: tables in PostgreSQL that answer what the journal alone could not answer fast, and the services that read them.
//!
//! The only crate that knows PostgreSQL. Knows no NATS beyond the journal that it reads, and decides nothing: what stands in the
//! journal happened. Every table can be dropped and rebuilt from the journal, to the same rows.
//!
//! In the order of the flow: [`Projector`] reads entries, `fold` turns them into changes (pure), [`Writer`] writes them in one
//! transaction with the checkpoint, `read` answers from one consistent cut. Each view has its fold, write and read side by side.

mod chains;
mod codes;
mod condition;
mod copy;
pub mod database;
mod error;
mod filter;
mod fold;
mod load;
mod names;
mod notices;
mod orders;
mod page;
mod programme;
mod projector;
mod read;
mod registry;
mod report;
mod safety;
mod shipments;
mod statistics;
mod stock;
mod throughput;
mod trace;
mod verify;
mod watching;
mod writer;

pub use chains::Chains;
pub use codes::{BadKeys, CodeKeys};
pub use condition::{Condition, ParkedCommand, condition};
pub use error::Error;
pub use fold::Numbered;
pub use notices::deliveries::{Attempt, Cursor, Deliveries, Outgoing};
pub use notices::due::{Horizon, Outlook};
pub use projector::Projector;
pub use verify::{Difference, Rebuild, Report, rebuild, verify};
pub use writer::Writer;

use deadpool_postgres::Pool;
use std::time::SystemTime;
use tonic::service::Routes;
use wire::proto::chuoi::code::v1::code_service_server::CodeServiceServer;
use wire::proto::chuoi::notice::v1::notice_service_server::NoticeServiceServer;
use wire::proto::chuoi::programme::v1::programme_service_server::ProgrammeServiceServer;
use wire::proto::chuoi::registry::v1::registry_service_server::RegistryServiceServer;
use wire::proto::chuoi::report::v1::report_service_server::ReportServiceServer;
use wire::proto::chuoi::safety::v1::safety_service_server::SafetyServiceServer;
use wire::proto::chuoi::stock::v1::stock_service_server::StockServiceServer;
use wire::proto::chuoi::throughput::v1::throughput_service_server::ThroughputServiceServer;
use wire::proto::chuoi::trace::v1::trace_service_server::TraceServiceServer;

/// The query services over a pool: StockService, ThroughputService, TraceService, SafetyService,
/// ReportService, ProgrammeService, CodeService, NoticeService, RegistryService. Call it inside a runtime.
pub fn services(pool: Pool) -> Routes {
    over(read::Views::over(pool, tokio::sync::watch::channel(false).1), CodeKeys::default())
}

/// The same, with the keys that traceability codes are checked with, told by projectors how far the tables of these settings are;
/// watches, which nothing else ends, end when `closing` turns true.
pub fn services_until(
    pool: Pool,
    settings: database::Settings,
    keys: CodeKeys,
    closing: tokio::sync::watch::Receiver<bool>,
) -> Routes {
    over(read::Views::over(pool, closing).hearing(settings), keys)
}

fn over(views: read::Views, keys: CodeKeys) -> Routes {
    Routes::new(StockServiceServer::new(stock::service::Service(views.clone())))
        .add_service(ThroughputServiceServer::new(throughput::service::Service(views.clone())))
        .add_service(TraceServiceServer::new(trace::service::Service(views.clone())))
        .add_service(SafetyServiceServer::new(safety::service::Service(views.clone())))
        .add_service(ReportServiceServer::new(report::service::Service(views.clone())))
        .add_service(ProgrammeServiceServer::new(programme::service::Service(views.clone())))
        .add_service(CodeServiceServer::new(codes::service::Service(views.clone(), keys)))
        .add_service(NoticeServiceServer::new(notices::service::Service(views.clone())))
        .add_service(RegistryServiceServer::new(registry::service::Service(views)))
}

fn timestamp(instant: jiff::Timestamp) -> prost_types::Timestamp {
    // Protobuf counts nanoseconds forward from the second, also before 1970.
    let nanos = instant.as_nanosecond();
    let seconds = nanos.div_euclid(1_000_000_000);
    prost_types::Timestamp {
        seconds: seconds.try_into().unwrap_or(i64::MAX),
        nanos: nanos.rem_euclid(1_000_000_000).try_into().unwrap_or(0),
    }
}

/// As PostgreSQL's driver takes it. Every timestamp fits where instants count 64 bits of seconds.
fn system_time(instant: jiff::Timestamp) -> SystemTime {
    SystemTime::try_from(instant).unwrap_or(SystemTime::UNIX_EPOCH)
}

fn timestamp_of(time: SystemTime) -> Option<prost_types::Timestamp> {
    jiff::Timestamp::try_from(time).ok().map(timestamp)
}
