//! The same command again: one id stands for one content, for ever. Tells a repetition from another command under the same id.

use crate::id::Digest;
use serde::{Deserialize, Serialize};

/// What is remembered of a recorded command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Sequence of the entry that holds it.
    pub sequence: u64,
    /// Digest of its fields as sent.
    pub digest: Digest,
}

/// How a command id stands to what is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// Nothing is recorded under it: decide.
    New,
    /// This very command is recorded: answer as then, record nothing.
    Repetition {
        /// Sequence of the entry that holds it.
        sequence: u64,
    },
    /// Another command is recorded under it: refuse.
    OtherContent,
}

/// Judges a command by its id (what is remembered under it) and its digest.
pub fn judge(seen: Option<Seen>, digest: Digest) -> Judgement {
    match seen {
        None => Judgement::New,
        Some(seen) if seen.digest == digest => Judgement::Repetition { sequence: seen.sequence },
        Some(_) => Judgement::OtherContent,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_id_stands_for_one_content() {
        let (digest, other) = (Digest::of(b"one"), Digest::of(b"other"));
        let seen = Some(Seen { sequence: 7, digest });
        assert_eq!(judge(None, digest), Judgement::New);
        assert_eq!(judge(seen, digest), Judgement::Repetition { sequence: 7 });
        assert_eq!(judge(seen, other), Judgement::OtherContent);
    }
}
