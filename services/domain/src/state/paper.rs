//! Papers: each issuer numbers its own, anew each year. What a paper says of a lot it says once: the second natural key of a
//! command, after its id.

use super::State;
use crate::entry::Document;
use crate::event::Event;
use crate::id::{CommandRef, LotId, OrganizationCode};
use crate::text;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What names a paper, as far as two writings of it are alike.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PaperKey {
    /// Who issued it.
    pub issuer: String,
    /// Kind of paper.
    pub kind: String,
    /// Year of its series.
    pub year: i32,
    /// Number in it.
    pub number: String,
}

/// What a command said in the name of a paper: kind of fact, and lot.
pub type Said = (Box<str>, LotId);

/// What was recorded in the name of a paper.
pub type PaperUses = Vec<(CommandRef, Vec<Said>)>;

impl PaperKey {
    /// The key of a paper that an organization's command names. None where it has no number: then it names none.
    pub fn of(document: &Document, organization: &OrganizationCode) -> Option<PaperKey> {
        let number = text::fold(&document.number);
        let issuer = text::fold(&document.issuer);
        let issuer = if issuer.is_empty() { text::fold(organization.as_str()) } else { issuer };
        (!number.is_empty()).then(|| PaperKey { issuer, kind: text::fold(&document.kind), year: document.year, number })
    }
}

/// What events say of lots, of those that a command says itself.
pub fn said(events: &[Event]) -> Vec<Said> {
    let own = events.iter().filter(|event| event.is_primary());
    let mut said: Vec<Said> = own
        .filter(|event| !matches!(event.fact, crate::event::Fact::Voided(_) | crate::event::Fact::Corrected(_)))
        .flat_map(|event| event.postings().into_iter().map(|posting| (Box::from(event.fact.name()), posting.lot)))
        .collect();
    said.sort();
    said.dedup();
    said
}

impl State {
    /// Which command, that still stands, said one of these things already in the name of the same paper.
    pub fn said_by_paper(&self, key: &PaperKey, said: &[Said]) -> Option<CommandRef> {
        let uses = self.papers.get(key)?;
        let stands = |by: &CommandRef| self.voided_by(by).is_none();
        uses.iter().find(|(by, was)| stands(by) && was.iter().any(|one| said.contains(one))).map(|(by, _)| by.clone())
    }

    /// Takes note of what a command said in the name of a paper.
    pub fn note_paper(&mut self, by: &CommandRef, document: Option<&Document>, events: &[Event]) {
        let Some(key) = document.and_then(|document| PaperKey::of(document, &by.organization)) else { return };
        let said = said(events);
        if !said.is_empty() {
            Arc::make_mut(self.papers.get_or_insert_with(key, Arc::default)).push((by.clone(), said));
        }
    }
}
