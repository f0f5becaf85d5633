//! A place in the journal, as callers see it.

use std::{cmp::Ordering, fmt, str::FromStr};

use uuid::Uuid;

/// A place in a journal: everything up to it has been recorded. For callers it is an opaque text that they give back.
///
/// It lies after an entry, or, for whoever takes the journal event by event, after one event within an entry. Positions of one
/// journal are ordered; those of two journals cannot be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Position {
    tag: u64,
    sequence: u64,
    ordinal: Option<u32>,
}

impl Position {
    /// The place of an entry in the journal of that id.
    pub fn new(journal: Uuid, sequence: u64) -> Position {
        let (high, low) = journal.as_u64_pair();
        Position { tag: high ^ low, sequence, ordinal: None }
    }

    /// The place after one event of the same entry, by its number among the entry's events.
    pub fn within(self, ordinal: u32) -> Position {
        Position { ordinal: Some(ordinal), ..self }
    }

    /// Stream sequence of the entry.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Number of the event after which it lies; none where that is the whole entry.
    pub fn ordinal(&self) -> Option<u32> {
        self.ordinal
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
            None => Err(PositionError::OtherJournal { position: other.to_string(), tag: self.tag }),
        }
    }
}

impl PartialOrd for Position {
    fn partial_cmp(&self, other: &Position) -> Option<Ordering> {
        let place = |position: &Position| (position.sequence, position.ordinal.map_or(u64::MAX, u64::from));
        (self.tag == other.tag).then(|| place(self).cmp(&place(other)))
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}-{}", self.tag, self.sequence)?;
        self.ordinal.map_or(Ok(()), |ordinal| write!(f, ".{ordinal}"))
    }
}

impl FromStr for Position {
    type Err = PositionError;

    fn from_str(text: &str) -> Result<Position, PositionError> {
        parse(text)
            // One text for one position: no signs, capitals or leading zeros.
            .filter(|position| position.to_string() == text)
            .ok_or_else(|| PositionError::Malformed { text: text.chars().take(64).collect() })
    }
}

fn parse(text: &str) -> Option<Position> {
    let (tag, place) = text.split_once('-')?;
    let (sequence, ordinal) = match place.split_once('.') {
        Some((sequence, ordinal)) => (sequence, Some(ordinal.parse().ok()?)),
        None => (place, None),
    };
    Some(Position { tag: u64::from_str_radix(tag, 16).ok()?, sequence: sequence.parse().ok()?, ordinal })
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
    #[error("position {position} is of another journal than this one ({tag:016x}); drop it and read without")]
    OtherJournal {
        /// The position as text.
        position: String,
        /// This journal's tag.
        tag: u64,
    },
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const JOURNAL: Uuid = Uuid::from_u128(0x0192_0000_0000_7000_8000_0000_0000_0001);
    const OTHER: Uuid = Uuid::from_u128(0x0192_0000_0000_7000_8000_0000_0000_0002);

    #[test]
    fn positions_of_one_journal_are_ordered_and_combine_to_the_later() {
        let (early, late) = (Position::new(JOURNAL, 3), Position::new(JOURNAL, 20));
        assert!(early < late);
        assert!(early.within(0) < early.within(1) && early.within(u32::MAX) < early && early < late.within(0));
        assert_eq!(early.combine(late), Ok(late));
        assert_eq!(late.combine(early), Ok(late));
    }

    #[test]
    fn positions_of_two_journals_have_no_order() {
        let (here, there) = (Position::new(JOURNAL, 3), Position::new(OTHER, 3));
        assert_eq!(here.partial_cmp(&there), None);
        let error = here.combine(there).unwrap_err();
        assert!(error.to_string().contains("another journal"), "{error}");
    }

    #[test]
    fn the_text_stays_as_callers_have_it() {
        assert_eq!(Position::new(JOURNAL, 42).to_string(), "8192000000007001-42");
        assert_eq!(Position::new(JOURNAL, 42).within(7).to_string(), "8192000000007001-42.7");
    }

    #[test]
    #[rustfmt::skip] // Columns.
    fn one_position_has_one_text() {
        for (text, right) in [
            ("8192000000007001-42",                   true),
            ("8192000000007001-0",                    true),
            ("8192000000007001-18446744073709551615", true),
            ("8192000000007001-18446744073709551616", false),
            ("8192000000007001-42.0",                 true),
            ("8192000000007001-42.4294967295",        true),
            ("8192000000007001-42.4294967296",        false),
            ("8192000000007001-42.",                  false),
            ("8192000000007001-42.07",                false),
            ("8192000000007001-42.-1",                false),
            ("8192000000007001-042",                  false),
            ("8192000000007001-+42",                  false),
            ("+192000000007001-42",                   false),
            ("819200000000700A-42",                   false),
            ("192000000007001-42",                    false),
            ("08192000000007001-42",                  false),
            ("8192000000007001-",                     false),
            ("8192000000007001",                      false),
            ("-42",                                   false),
            ("-",                                     false),
            ("",                                      false),
            (" 8192000000007001-42",                  false),
            ("８192000000007001-42",                  false),
        ] {
            assert_eq!(text.parse::<Position>().is_ok(), right, "{text:?}");
        }
    }

    #[test]
    fn a_long_wrong_text_is_cut_short_in_the_message() {
        let error = "ô".repeat(5_000).parse::<Position>().unwrap_err();
        assert!(error.to_string().len() < 250, "{error}");
    }

    proptest! {
        #[test]
        fn text_and_back_is_the_same(journal: u128, sequence: u64, ordinal: u32) {
            let position = Position::new(Uuid::from_u128(journal), sequence);
            prop_assert_eq!(position.to_string().parse(), Ok(position));
            prop_assert_eq!(position.within(ordinal).to_string().parse(), Ok(position.within(ordinal)));
        }

        #[test]
        fn any_text_is_a_position_or_an_error(text in ".*|[0-9a-f]{0,17}-?[0-9]{0,21}\\.?[0-9]{0,12}") {
            if let Ok(position) = text.parse::<Position>() {
                prop_assert_eq!(position.to_string(), text);
            }
        }
    }
}
