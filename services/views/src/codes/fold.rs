//! Codes, revocations and scans: rows that are appended as events come, and never change.

use crate::fold::{At, Said};
use domain::entry::RecordedCommand;
use domain::event::{CodeIssued, CodeRevoked, CodesScanned, Event, Fact};

/// What a batch appends.
#[derive(Debug, Default)]
pub struct Changes {
    /// Codes that were issued.
    pub issued: Vec<(Said, CodeIssued)>,
    /// Codes that were revoked.
    pub revoked: Vec<(Said, CodeRevoked)>,
    /// Codes that were scanned.
    pub scanned: Vec<(Said, CodesScanned)>,
}

impl Changes {
    /// Takes an event that is none of the registry's.
    pub fn fold(&mut self, at: At, command: &RecordedCommand, event: &Event) {
        let said = || Said::of(at, command, event);
        match &event.fact {
            Fact::CodeIssued(issued) => self.issued.push((said(), issued.clone())),
            Fact::CodeRevoked(revoked) => self.revoked.push((said(), revoked.clone())),
            Fact::CodesScanned(scanned) => self.scanned.push((said(), scanned.clone())),
            _ => {}
        }
    }
}
