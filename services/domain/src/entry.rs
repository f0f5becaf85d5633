//! What one append recorded: commands with their events, whole or not at all (rule 3).

use crate::event::Event;
use crate::id::{CommandId, Digest, EventId, OrganizationCode};
use jiff::Timestamp;

/// One message of the journal.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// When the journal took it: never before its predecessor's.
    pub record_time: Timestamp,
    /// How the journal began; in the first entry alone.
    pub genesis: Option<Genesis>,
    /// Commands in the order in which they were decided.
    pub commands: Vec<RecordedCommand>,
}

/// How a journal began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Genesis {
    /// IANA name of the time zone whose days are the business days.
    pub business_time_zone: String,
    /// Code of the authority that keeps the registry: the first organization.
    pub authority: OrganizationCode,
    /// Its name.
    pub authority_name: String,
}

/// One command as it was recorded: who sent it, and every event that it caused.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordedCommand {
    /// Organization on whose behalf it was sent.
    pub organization: OrganizationCode,
    /// Its id.
    pub id: CommandId,
    /// Digest of its fields as sent.
    pub digest: Digest,
    /// Reference to the person or system that acted.
    pub actor: String,
    /// Device that sent it.
    pub device: String,
    /// Program and version that sent it.
    pub client: String,
    /// Whether the sender reported what had already happened.
    pub reported_fact: bool,
    /// Remark, as typed.
    pub note: String,
    /// The paper behind it.
    pub document: Option<Document>,
    /// What happened; never empty.
    pub events: Vec<Event>,
}

impl RecordedCommand {
    /// Its events with their ids.
    pub fn identified_events(&self) -> impl Iterator<Item = (EventId, &Event)> {
        self.events.iter().enumerate().map(|(index, event)| (EventId::derive(&self.organization, self.id, index), event))
    }
}

/// A paper: each issuer numbers its own, anew each year.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Organization that issued it, as given.
    pub issuer: String,
    /// Kind of paper, for example PXK (issue slip).
    pub kind: String,
    /// Year of its number series.
    pub year: i32,
    /// Number in that series.
    pub number: String,
}
