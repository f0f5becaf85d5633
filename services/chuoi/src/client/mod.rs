//! The client commands: what people say on the command line goes to the services over gRPC, and the answers are shown in
//! words and tables.
//!
//! Knows no rule of the domain: what may be recorded, the services say.

pub mod answer;
pub mod changes;
pub mod codes;
pub mod facts;
pub mod ledger;
pub mod names;
pub mod notices;
pub mod order;
pub mod programme;
pub mod record;
pub mod refusals;
pub mod registry;
pub mod report;
pub mod safety;
pub mod shipments;
pub mod simulate;
pub mod stock;
pub mod throughput;
pub mod trace;
pub mod trade;
pub mod typed;
pub mod watch;

use std::time::Duration;

use clap::Args;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Response, Status};

use crate::config::{ClientFlags, Key, Output, Settings};
use crate::failure::Failure;
use crate::output;

/// The greatest answer that is read: a page of 5,000 rows fits many times over.
const ANSWER_LIMIT: usize = 64 * 1024 * 1024;
/// How long one answer may take. Queries wait a few seconds for a position; the rest is for a machine under load.
const PATIENCE: Duration = Duration::from_secs(60);

/// What every client command works with.
pub struct Client {
    /// The settings in effect.
    pub settings: Settings,
    /// The services.
    pub channel: Channel,
    /// How answers are shown.
    pub output: Output,
}

/// What every reading command heeds.
#[derive(Args, Clone, Debug, Default)]
pub struct ReadFlags {
    /// Settings.
    #[command(flatten)]
    pub client: ClientFlags,
    /// Answer only from this position of the journal on, as a recording command printed it
    #[arg(long, value_name = "POSITION", default_value = "", hide_default_value = true)]
    pub at_least: String,
}

/// Said beside a list that goes on beyond the rows that are shown.
pub const MORE: &str = "more      there are more rows: --all, or a greater --limit, shows them";

/// How much a listing command shows.
#[derive(Args, Clone, Debug)]
pub struct Paging {
    /// Rows to show at most
    #[arg(long, value_name = "ROWS", default_value_t = 100)]
    pub limit: usize,
    /// Show everything, however long
    #[arg(long, conflicts_with = "limit")]
    pub all: bool,
}

impl Paging {
    /// Rows that are still wanted.
    pub fn wanted(&self, have: usize) -> usize {
        if self.all { usize::MAX } else { self.limit.saturating_sub(have) }
    }

    /// Size of the next page, where the service allows at most so many rows.
    pub fn page_size(&self, have: usize, most: usize) -> i32 {
        i32::try_from(self.wanted(have).min(most)).unwrap_or(i32::MAX)
    }
}

impl Client {
    /// Connects to the services that the settings name.
    pub async fn connect(settings: Settings) -> Result<Client, Failure> {
        let output = settings.output()?;
        let settings = settings.with_running();
        let url = settings.text(Key::Server).to_owned();
        let endpoint = Endpoint::from_shared(if url.contains("://") { url.clone() } else { format!("http://{url}") })
            .map_err(|_| settings.wrong(Key::Server, "is not an address of services", "give one such as http://127.0.0.1:7420"))?
            .connect_timeout(Duration::from_secs(5))
            .timeout(PATIENCE);
        let channel = endpoint.connect().await.map_err(|error| {
            let source = settings.get(Key::Server).map(|found| found.source.to_string()).unwrap_or_default();
            let message = format!(
                "no chuoi services answer at {url} (from {source}); start them with `chuoi up`, or say where they are with --server URL"
            );
            Failure::unavailable(message, error)
        })?;
        Ok(Client { settings, channel, output })
    }

    /// The zone whose days are the business days.
    pub fn zone(&self) -> Result<TimeZone, Failure> {
        zone(&self.settings)
    }

    /// Shows an answer: words for people, the message itself for scripts.
    pub fn show(
        &self,
        name: &str,
        message: &impl prost_reflect::prost::Message,
        words: impl FnOnce() -> String,
    ) -> Result<(), Failure> {
        match self.output {
            Output::Json => output::print(&output::json::of(name, message)?.to_string()),
            Output::Csv => {
                let (text, more) = output::csv::of(name, message)?;
                output::print(&text)?;
                if more {
                    // Not among the rows, which a spreadsheet takes for rows.
                    eprintln!("{MORE}");
                }
                Ok(())
            }
            Output::Table => output::print(&words()),
        }
    }
}

/// The zone whose days are the business days.
pub fn zone(settings: &Settings) -> Result<TimeZone, Failure> {
    TimeZone::get(settings.text(Key::TimeZone)).map_err(|_| {
        settings.wrong(Key::TimeZone, "is not a time zone that is known", "give an IANA name such as Asia/Ho_Chi_Minh")
    })
}

/// An instant as messages carry it.
pub fn timestamp(instant: Timestamp) -> prost_types::Timestamp {
    // Protobuf counts nanoseconds forward from the second, also before 1970.
    let (seconds, nanos) = (instant.as_second(), instant.subsec_nanosecond());
    if nanos < 0 {
        return prost_types::Timestamp { seconds: seconds - 1, nanos: nanos + 1_000_000_000 };
    }
    prost_types::Timestamp { seconds, nanos }
}

/// An instant as a clock of this zone shows it.
pub fn local(time: &prost_types::Timestamp, zone: &TimeZone) -> String {
    let instant = Timestamp::new(time.seconds, time.nanos).unwrap_or_default();
    zone.to_datetime(instant).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// A generated client with the limits that answers need.
macro_rules! service {
    ($client:ty, $channel:expr) => {
        <$client>::new($channel).max_decoding_message_size($crate::client::ANSWER_LIMIT)
    };
}
pub(crate) use service;

/// The answer of a query, or why there is none.
pub fn answered<T>(answer: Result<Response<T>, Status>) -> Result<T, Failure> {
    answer.map(Response::into_inner).map_err(|status| failure(&status))
}

/// A query.
pub fn query<T>(message: T) -> Request<T> {
    Request::new(message)
}

/// Whether a call that ended so may be made again as it is.
pub fn may_pass(code: Code) -> bool {
    // Cancelled is what the client's own deadline says.
    matches!(code, Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled | Code::Aborted | Code::ResourceExhausted)
}

/// A status as a failure: one paragraph for a person.
pub fn failure(status: &Status) -> Failure {
    let explained = wire::status::explain(status);
    let mut said = explained.message;
    if explained.rule != 0 {
        said = format!("{said} (rule {})", explained.rule);
    }
    // Most messages name the field themselves.
    let unnamed: Vec<String> = explained.fields.into_iter().filter(|field| !field.is_empty() && !said.contains(field)).collect();
    if !unnamed.is_empty() {
        said = format!("{said} (field {})", unnamed.join(", "));
    }
    match status.code() {
        code if may_pass(code) => Failure::Unavailable { message: said, source: None },
        Code::Internal | Code::Unknown | Code::DataLoss => Failure::Failed { message: said, source: None },
        Code::Unimplemented => Failure::Failed {
            message: format!("the services do not know this request ({said}); are they of another version, or is that no chuoi?"),
            source: None,
        },
        _ => Failure::Refused(said),
    }
}
