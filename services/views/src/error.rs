//! What can go wrong in the views, and what a caller hears of it.

use tokio_postgres::error::SqlState;
use tonic::Status;
use wire::status::ServiceError;

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
    /// There is no key to check traceability codes with.
    #[error("no key to check traceability codes with; start the query services with --code-keys FILE")]
    NoCodeKeys,
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

    /// Whether PostgreSQL refused a statement for another that failed before it in its transaction.
    pub(crate) fn is_of_an_aborted_transaction(&self) -> bool {
        matches!(self, Error::Database(error) if error.code() == Some(&SqlState::IN_FAILED_SQL_TRANSACTION))
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
        let cause = &error as &dyn std::error::Error;
        let problem = error.to_string();
        let told = match &error {
            Error::Malformed { field, value, allowed } => {
                ServiceError::Malformed { field: (*field).into(), value: value.clone(), allowed: allowed.clone() }
            }
            Error::NotFound { what, name, hint } => {
                ServiceError::NotFound { what: (*what).into(), name: name.clone(), hint: (*hint).into() }
            }
            Error::NoCodeKeys => ServiceError::NoCodeKeys,
            Error::Behind { at, asked, .. } => ServiceError::PositionNotReached { at_least: asked.clone(), reached: at.clone() },
            Error::Empty => ServiceError::Unavailable { what: "the views, to which no projector has written yet,".into() },
            Error::Superseded(_) => ServiceError::Unavailable { what: "the views, which another projector writes,".into() },
            Error::Journal(_) => ServiceError::Unavailable { what: "the journal".into() },
            // A constraint or a statement at fault is ours; anything else is PostgreSQL being away.
            Error::Database(database) if database.as_db_error().is_some_and(|said| !away(said.code())) => {
                ServiceError::Broken { problem, is_data: false }
            }
            Error::Pool(_) | Error::Database(_) => ServiceError::Unavailable { what: "PostgreSQL".into() },
            Error::OtherJournal { .. } | Error::Settings(_) | Error::Migration(_) => {
                ServiceError::Broken { problem, is_data: false }
            }
            Error::Unfoldable(_) | Error::Damaged { .. } => ServiceError::Broken { problem, is_data: true },
        };
        match told {
            ServiceError::Broken { .. } => tracing::error!(error = cause, "could not answer a query"),
            ServiceError::Unavailable { .. } => tracing::warn!(error = cause, "could not answer a query"),
            _ => {}
        }
        told.into()
    }
}

/// Class 57: shut down or cancelled; 53: out of resources; 08: connection; 40: transaction rolled back.
fn away(code: &tokio_postgres::error::SqlState) -> bool {
    ["57", "53", "08", "40"].iter().any(|class| code.code().starts_with(class))
}
