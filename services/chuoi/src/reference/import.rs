//! The import: the tables' commands sent by the authority that keeps the registry.

use tonic::transport::Channel;
use wire::proto::chuoi::record::v1::Verdict;

use super::batch::{BatchError, Batches};
use super::commands::commands;
use super::tables::Tables;

/// How an import went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Facts that were not known.
    pub accepted: u64,
    /// Facts that an earlier import had recorded.
    pub duplicates: u64,
    /// Facts that were refused.
    pub refused: Vec<Refused>,
    /// Position of the journal that holds all of it; empty if nothing was recorded, now or before.
    pub position: String,
}

/// A fact that was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The fact's command.
    pub command_id: String,
    /// Stable reason.
    pub reason: String,
    /// For people.
    pub message: String,
}

/// Why an import stopped.
#[derive(Debug, thiserror::Error)]
#[error("the import stopped after {done} of {total} facts")]
pub struct ImportError {
    /// Facts that were judged.
    pub done: usize,
    /// All facts.
    pub total: usize,
    /// What went wrong.
    #[source]
    pub source: BatchError,
}

/// Records all that the tables say, in the name of the authority that keeps the registry. `progress` hears how many facts are
/// judged, of how many.
pub async fn import(
    channel: Channel,
    tables: &Tables,
    authority: &str,
    mut progress: impl FnMut(usize, usize),
) -> Result<Report, ImportError> {
    let commands = commands(tables);
    let total = commands.len();
    let mut done = 0;
    progress(done, total);
    let outcomes = Batches::new(channel)
        .record(authority, commands, |judged| {
            done += judged;
            progress(done, total);
        })
        .await;
    let outcomes = outcomes.map_err(|source| ImportError { done, total, source })?;
    let mut report = Report::default();
    for outcome in outcomes {
        match outcome.verdict() {
            Verdict::Accepted => report.accepted += 1,
            Verdict::Duplicate => report.duplicates += 1,
            Verdict::Refused | Verdict::Unknown | Verdict::Unspecified => {
                let refused = outcome.refused.unwrap_or_default();
                report.refused.push(Refused { command_id: outcome.command_id, reason: refused.reason, message: refused.message });
                continue;
            }
        }
        if let Some(recorded) = outcome.recorded {
            report.position = recorded.position;
        }
    }
    Ok(report)
}
