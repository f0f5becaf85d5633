//! A place in the journal, as callers see it.

use std::{cmp::Ordering, fmt, str::FromStr};

use uuid::Uuid;

/// A place in a journal: everything up to it has been recorded. For callers it is an opaque text that they give back.
///
/// Positions of one journal are ordered; those of two journals cannot be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Position {
    tag: u64,
    sequence: u64,
}

impl Position {
    /// The place of an entry in the journal of that id.
    pub fn new(journal: Uuid, sequence: u64) -> Position {
        let (high, low) = journal.as_u64_pair();
        Position {
            tag: high ^ low,
            sequence,
        }
    }

    /// Stream sequence of the entry.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// What tells journals apart; made from the journal's id.
    pub fn journal_tag(&self) -> u64 {
        self.tag
    }

    /// The later of two positions.
    pub fn combine(self, other: Position) -> Result<Position, PositionError> {
        match self.partial_cmp(&other) {
            Some(Ordering::Less) => Ok(other),
            Some(_) => Ok(self),
            None => Err(PositionError::OtherJournal {
                position: other.to_string(),
                tag: self.tag,
            }),
        }
    }
}

impl PartialOrd for Position {
    fn partial_cmp(&self, other: &Position) -> Option<Ordering> {
        (self.tag == other.tag).then(|| self.sequence.cmp(&other.sequence))
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}-{}", self.tag, self.sequence)
    }
}

impl FromStr for Position {
    type Err = PositionError;

    fn from_str(text: &str) -> Result<Position, PositionError> {
        parse(text)
            // One text for one position: no signs, capitals or leading zeros.
            .filter(|position| position.to_string() == text)
            .ok_or_else(|| PositionError::Malformed {
                text: text.chars().take(64).collect(),
            })
    }
}

fn parse(text: &str) -> Option<Position> {
    let (tag, sequence) = text.split_once('-')?;
    Some(Position {
        tag: u64::from_str_radix(tag, 16).ok()?,
        sequence: sequence.parse().ok()?,
    })
}

/// Why a text is not a position of this journal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PositionError {
    /// The text was not made by this system.
    #[error("{text:?} is not a position; give back a position as it was received")]
    Malformed {
        /// The text, cut short.
        text: String,
    },
    /// The position is of another journal.
    #[error(
        "position {position} is of another journal than this one ({tag:016x}); drop it and read without"
    )]
    OtherJournal {
        /// The position as text.
        position: String,
        /// This journal's tag.
        tag: u64,
    },
}
