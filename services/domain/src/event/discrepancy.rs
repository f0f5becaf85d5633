//! What somebody has to look at: the book and the world differ, or a rule was broken in the world (rule 12).

use super::{CountBasis, Event, Fact};
use crate::id::CommandRef;

/// Why somebody has to look at an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Discrepancy {
    /// It broke a rule and had happened already.
    Violation,
    /// More was taken than the book had.
    Shortfall,
    /// More arrived than was sent.
    Surplus,
    /// Less arrived than was sent.
    Short,
    /// Nobody logged the dispatch.
    Unmatched,
    /// Goods were turned away.
    Refused,
    /// A count and the book differ.
    CountVariance,
    /// Not as it should be.
    NonConformant,
}

impl Discrepancy {
    /// All of them.
    pub const ALL: &[Discrepancy] = &[
        Discrepancy::Violation,
        Discrepancy::Shortfall,
        Discrepancy::Surplus,
        Discrepancy::Short,
        Discrepancy::Unmatched,
        Discrepancy::Refused,
        Discrepancy::CountVariance,
        Discrepancy::NonConformant,
    ];

    /// Its name in tables.
    pub const fn as_str(self) -> &'static str {
        match self {
            Discrepancy::Violation => "violation",
            Discrepancy::Shortfall => "shortfall",
            Discrepancy::Surplus => "surplus",
            Discrepancy::Short => "short",
            Discrepancy::Unmatched => "unmatched",
            Discrepancy::Refused => "refused",
            Discrepancy::CountVariance => "count_variance",
            Discrepancy::NonConformant => "non_conformant",
        }
    }

    /// What of an event has to be looked at, the gravest first; none if nothing.
    pub fn of(event: &Event) -> Option<Discrepancy> {
        if !event.violations.is_empty() {
            return Some(Discrepancy::Violation);
        }
        match &event.fact {
            Fact::Counted(counted) => match counted.basis {
                CountBasis::Provisional => Some(Discrepancy::Shortfall),
                CountBasis::Surplus => Some(Discrepancy::Surplus),
                CountBasis::Stocktake => {
                    counted.lines.iter().any(|line| line.variance.0 != 0).then_some(Discrepancy::CountVariance)
                }
            },
            Fact::ShortReported(_) => Some(Discrepancy::Short),
            Fact::DeliveryRefused(_) => Some(Discrepancy::Refused),
            Fact::Received(received) => received.unmatched.is_some().then_some(Discrepancy::Unmatched),
            Fact::Observed(observed) => (observed.finding == super::Finding::NonConformant).then_some(Discrepancy::NonConformant),
            _ => None,
        }
    }
}

/// Somebody looked at what a command recorded, and says what came of it. Goods do not move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiscrepancyResolved {
    /// The command.
    pub command: CommandRef,
    /// What came of it, as typed.
    pub resolution: Box<str>,
}
