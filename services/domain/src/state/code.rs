//! Traceability codes, as far as deciding looks at them.

use super::State;
use crate::event::CodeIssued;
use crate::id::{CommandRef, TraceCode};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A code.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Code {
    /// What issued it; none where that was voided.
    pub issued: Option<CommandRef>,
    /// What revoked it, if that stands.
    pub revoked: Option<CommandRef>,
}

impl State {
    /// A code that was ever issued.
    pub fn code(&self, code: &TraceCode) -> Option<Arc<Code>> {
        self.codes.get(code)
    }

    pub(super) fn note_code_issued(&mut self, issued: &CodeIssued, by: &CommandRef, holds: bool) {
        let code = Arc::make_mut(self.codes.get_or_insert_with(issued.code.clone(), Arc::default));
        if holds {
            code.issued = Some(by.clone());
        } else if code.issued.as_ref() == Some(by) {
            code.issued = None;
        }
    }

    pub(super) fn note_code_revoked(&mut self, code: &TraceCode, by: &CommandRef, holds: bool) {
        let Some(code) = self.codes.get_mut(code) else { return };
        let code = Arc::make_mut(code);
        if holds {
            code.revoked = Some(by.clone());
        } else if code.revoked.as_ref() == Some(by) {
            code.revoked = None;
        }
    }
}
