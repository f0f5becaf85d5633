//! Notices: rows that are appended as they are given, and never change.

use crate::fold::At;
use domain::entry::RecordedCommand;
use domain::event::{Event, Fact, NoticeGiven};
use domain::id::CommandId;
use domain::time::BusinessDay;
use jiff::Timestamp;

/// A notice that was given.
#[derive(Debug)]
pub struct Given {
    /// Where it stands.
    pub at: At,
    /// Its command.
    pub command: CommandId,
    /// When the journal took it.
    pub record_time: Timestamp,
    /// Its day.
    pub day: BusinessDay,
    /// What it says.
    pub notice: NoticeGiven,
}

/// What a batch appends.
#[derive(Debug, Default)]
pub struct Changes(pub Vec<Given>);

impl Changes {
    /// Takes an event that is none of the registry's.
    pub fn fold(&mut self, at: At, record_time: Timestamp, command: &RecordedCommand, event: &Event) {
        if let Fact::NoticeGiven(notice) = &event.fact {
            let (command, day) = (command.id, event.time.business_day);
            self.0.push(Given { at, command, record_time, day, notice: notice.clone() });
        }
    }
}
