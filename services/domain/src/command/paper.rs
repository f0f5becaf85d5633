//! Papers: what a paper says of a lot it says once. The same slip typed or sent again, under another command id, is found here.

use crate::entry::Document;
use crate::event::Event;
use crate::id::CommandRef;
use crate::refusal::Refusal;
use crate::state::State;
use crate::state::paper::{PaperKey, said};

pub(super) fn check(state: &State, by: &CommandRef, document: Option<&Document>, events: &[Event]) -> Result<(), Refusal> {
    let Some(document) = document else { return Ok(()) };
    let Some(key) = PaperKey::of(document, &by.organization) else { return Ok(()) };
    match state.said_by_paper(&key, &said(events)) {
        Some(by) => Err(Refusal::PaperUsed {
            paper: format!("{} {}/{} of {}", document.kind, document.year, document.number, key.issuer.to_uppercase()),
            by,
        }),
        None => Ok(()),
    }
}
