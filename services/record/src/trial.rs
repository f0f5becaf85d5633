//! A dry run: commands are judged one after the other on a copy of what the recorder knows, and nothing is recorded.

use crate::recorder::{Asked, Denied, Look, Recorder, find_in, other_content, recorded};
use domain::command::Context;
use domain::entry::RecordedCommand;
use domain::id::{CommandId, CommandRef, OrganizationCode};
use domain::repetition::{Judgement, Seen, judge};
use jiff::Timestamp;
use std::collections::HashMap;
use std::sync::Arc;

/// Commands that a dry run takes: each is kept until its end.
pub const MOST: usize = 100_000;

/// Commands that would be recorded so far, on top of what is.
#[derive(Debug)]
pub struct Trial {
    recorder: Recorder,
    look: Look,
    tried: HashMap<(OrganizationCode, CommandId), Arc<RecordedCommand>>,
}

/// What would become of a command.
#[derive(Debug)]
pub enum Tried {
    /// It would be recorded.
    Accepted,
    /// It is recorded, or would be by an earlier one of the dry run.
    Duplicate,
}

impl Trial {
    /// Begins with what is recorded now.
    pub async fn begin(recorder: &Recorder) -> Result<Trial, Denied> {
        Ok(Trial { recorder: recorder.clone(), look: recorder.look().await?, tried: HashMap::new() })
    }

    /// How many would be recorded so far.
    pub fn len(&self) -> usize {
        self.tried.len()
    }

    /// Judges the next command.
    pub async fn judge(&mut self, asked: &Asked) -> Result<Tried, Denied> {
        let Asked { organization, command, digest, .. } = asked;
        let key = (organization.clone(), command.id);
        let here = self.tried.get(&key).map(|tried| Seen { sequence: 0, digest: tried.digest });
        match judge(here.or_else(|| self.look.ids.get(&key)), *digest) {
            Judgement::New => {}
            Judgement::Repetition { .. } => return Ok(Tried::Duplicate),
            Judgement::OtherContent => return Err(other_content(asked).into()),
        }
        let original = match command.action.names(organization) {
            Some(named) => self.original(named).await?,
            None => None,
        };
        let context = Context { organization, now: Timestamp::now(), original: original.as_deref() };
        let decision = domain::command::decide(&self.look.state, command, &context)?;
        self.look.state = decision.after;
        self.tried.insert(key, Arc::new(recorded(asked, decision.events)));
        Ok(Tried::Accepted)
    }

    async fn original(&self, named: CommandRef) -> Result<Option<Arc<RecordedCommand>>, Denied> {
        let key = (named.organization, named.command);
        if let Some(tried) = self.tried.get(&key) {
            return Ok(Some(Arc::clone(tried)));
        }
        let Some(seen) = self.look.ids.get(&key) else { return Ok(None) };
        let unreachable = |error: &dyn std::error::Error| Denied::Unreachable(error.to_string());
        let live = self.recorder.journal().entry_at(seen.sequence).await.map_err(|error| unreachable(&error))?;
        Ok(find_in(&live, &key.0, key.1).map_err(|error| unreachable(&error))?.map(Arc::new))
    }
}
