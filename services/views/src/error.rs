//! What can go wrong in the views, and the one place where that becomes a gRPC status.

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

/// Why the views could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A field of a request cannot be read, or is beyond its limit.
    #[error("{field} is {value:?}; allowed: {allowed}")]
    Malformed {
        /// Name of the field.
        field: &'static str,
        /// Value as given.
        value: String,
        /// What is allowed.
        allowed: String,
    },
    /// Something that the views do not know.
    #[error("{what} {name:?} is not known; {hint}")]
    NotFound {
        /// Kind of thing.
        what: &'static str,
        /// Name as given.
        name: String,
        /// What to do.
        hint: &'static str,
    },
    /// The views have not reached the position that was asked for.
    #[error("the views are at position {at} and did not reach {asked} within {waited_millis} ms; ask again")]
    Behind {
        /// Position of the views.
        at: String,
        /// Position that was asked for.
        asked: String,
        /// How long was waited.
        waited_millis: u128,
    },
    /// Nothing was projected yet.
    #[error("the views are empty: no projector has written to them; start one, and ask again")]
    Empty,
    /// The views hold another journal than the one that is read.
    #[error("the views hold journal {views} and the stream is journal {journal}; rebuild the views, or connect to their journal")]
    OtherJournal {
        /// Journal of the views.
        views: String,
        /// Journal of the stream.
        journal: String,
    },
    /// Another projector wrote in between.
    #[error("another projector moved the checkpoint past sequence {0}; reading it again")]
    Superseded(u64),
    /// A batch breaks what the tables promise.
    #[error("{0}")]
    Unfoldable(String),
    /// An entry cannot be read.
    #[error("entry {sequence} of the journal cannot be read: {reason}; the projector stops here, see `chuoi doctor`")]
    Damaged {
        /// Its sequence.
        sequence: u64,
        /// Why.
        reason: String,
    },
    /// The journal cannot be read.
    #[error("the journal cannot be read")]
    Journal(#[from] stream::Error),
    /// PostgreSQL refused or failed.
    #[error("PostgreSQL: {}", said(.0))]
    Database(#[from] tokio_postgres::Error),
    /// No connection to PostgreSQL.
    #[error("no connection to PostgreSQL; see that it runs and that the URL is right")]
    Pool(#[from] deadpool_postgres::PoolError),
    /// The pool cannot be built.
    #[error("the settings of PostgreSQL cannot be used: {0}")]
    Settings(String),
    /// The migrations failed.
    #[error("the tables could not be migrated")]
    Migration(#[from] refinery::Error),
}

/// What PostgreSQL itself said, which the driver's own message leaves out.
fn said(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(said) => {
            let detail = said.detail().map(|detail| format!(" ({detail})")).unwrap_or_default();
            format!("{}{detail}", said.message())
        }
        None => error.to_string(),
    }
}

impl Error {
    /// Whether it lies in the data: sent again, it would fail again.
    pub fn is_in_the_data(&self) -> bool {
        match self {
            Error::Unfoldable(_) => true,
            // Class 22: data exceptions; 23: constraints.
            Error::Database(error) => {
                error.code().is_some_and(|code| code.code().starts_with("22") || code.code().starts_with("23"))
            }
            _ => false,
        }
    }

    /// Whether it is of no use to go on without a person.
    pub fn is_final(&self) -> bool {
        match self {
            Error::Damaged { .. } | Error::OtherJournal { .. } | Error::Settings(_) => true,
            Error::Journal(error) => matches!(error, stream::Error::Damage { .. }),
            _ => false,
        }
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Status {
        let (code, details) = match &error {
            Error::Malformed { field, value, allowed } => (
                Code::InvalidArgument,
                ErrorDetails::with_bad_request_violation(*field, format!("{value:?} was given; allowed: {allowed}")),
            ),
            Error::NotFound { what, name, hint } => {
                (Code::NotFound, ErrorDetails::with_resource_info(*what, name.as_str(), "", *hint))
            }
            Error::Behind { .. } => (Code::DeadlineExceeded, ErrorDetails::with_retry_info(Some(RETRY))),
            Error::Empty => (Code::Unavailable, ErrorDetails::with_retry_info(Some(RETRY))),
            Error::Superseded(_) | Error::Journal(_) | Error::Pool(_) => {
                (Code::Unavailable, ErrorDetails::with_retry_info(Some(RETRY)))
            }
            Error::Database(error) => {
                // A constraint or a statement at fault is ours; anything else is PostgreSQL being away.
                let code =
                    if error.as_db_error().is_some_and(|said| !away(said.code())) { Code::Internal } else { Code::Unavailable };
                (code, ErrorDetails::new())
            }
            Error::OtherJournal { .. } => (Code::FailedPrecondition, ErrorDetails::new()),
            Error::Unfoldable(_) | Error::Damaged { .. } => (Code::DataLoss, ErrorDetails::new()),
            Error::Settings(_) | Error::Migration(_) => (Code::Internal, ErrorDetails::new()),
        };
        match code {
            Code::Internal | Code::DataLoss => {
                tracing::error!(error = &error as &dyn std::error::Error, "could not answer a query")
            }
            Code::Unavailable => tracing::warn!(error = &error as &dyn std::error::Error, "could not answer a query"),
            _ => {}
        }
        Status::with_error_details(code, error.to_string(), details)
    }
}

const RETRY: std::time::Duration = std::time::Duration::from_millis(500);

/// Class 57: shut down or cancelled; 53: out of resources; 08: connection; 40: transaction rolled back.
fn away(code: &tokio_postgres::error::SqlState) -> bool {
    ["57", "53", "08", "40"].iter().any(|class| code.code().starts_with(class))
}
