//! Answers: what was recorded, and how each command was judged.

use crate::proto::chuoi::record::v1::{Outcome, Recorded, Refused, Verdict};
use crate::status::ServiceError;
use crate::undecodable::write_timestamp;
use crate::{event, status};
use domain::entry::RecordedCommand;
use domain::refusal::Refusal;
use jiff::Timestamp;

/// What was recorded: the same for a command and for each repetition of it. `position` is that of the entry that holds it.
pub fn recorded(position: &str, record_time: Timestamp, command: &RecordedCommand) -> Recorded {
    Recorded {
        position: position.to_owned(),
        record_time: Some(write_timestamp(record_time)),
        command_id: command.id.to_string(),
        events: command.events.iter().map(event::write).collect(),
    }
}

/// Recorded now.
pub fn accepted(command_id: &str, recorded: Recorded) -> Outcome {
    outcome(command_id, Verdict::Accepted, Some(recorded), None)
}

/// Recorded before.
pub fn duplicate(command_id: &str, recorded: Recorded) -> Outcome {
    outcome(command_id, Verdict::Duplicate, Some(recorded), None)
}

/// Not recorded. The command's id is as it was sent, since it may be what is wrong.
pub fn refused(command_id: &str, refusal: &Refusal) -> Outcome {
    outcome(command_id, Verdict::Refused, None, Some(status::refused(refusal)))
}

/// Not decided, or not known to be: the service failed.
pub fn failed(command_id: &str, error: &ServiceError) -> Outcome {
    let verdict = if matches!(error, ServiceError::OutcomeUnknown { .. }) { Verdict::Unknown } else { Verdict::Refused };
    outcome(command_id, verdict, None, Some(status::failed(error)))
}

fn outcome(command_id: &str, verdict: Verdict, recorded: Option<Recorded>, refused: Option<Refused>) -> Outcome {
    Outcome { command_id: command_id.to_owned(), verdict: verdict.into(), recorded, refused }
}
