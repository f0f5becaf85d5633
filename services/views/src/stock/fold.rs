//! Lots, and what each place holds of them: sums of postings, nothing else.

use crate::Error;
use crate::fold::{At, Part, Sums};
use domain::event::{Fact, Lot};
use domain::id::{LotId, SiteCode};
use domain::posting::{Outside, Place};
use std::collections::BTreeMap;

/// What a batch changes about lots and balances.
#[derive(Debug, Default)]
pub struct Changes {
    /// Lots that it names in full.
    pub lots: BTreeMap<LotId, LotChange>,
    /// Change of each balance at a site.
    pub sites: Sums<(SiteCode, LotId)>,
    /// Change of what is outside, by reason: more for what leaves, less for what enters.
    pub outside: BTreeMap<(LotId, Outside), i128>,
}

/// A lot that a batch names in full.
#[derive(Debug, PartialEq, Eq)]
pub struct LotChange {
    /// Where it was first named in the batch, and how.
    pub first: (At, Lot),
    /// Where a harvest or a transformation last began it in the batch, and how: that replaces what was known.
    pub begun: Option<(At, Lot)>,
    /// By how much the number of events that begin or open it, and stand, changes.
    pub begins: i64,
}

impl Changes {
    /// Takes what an event moves.
    pub fn fold(&mut self, at: At, part: &Part<'_>) {
        match &part.event.fact {
            Fact::Harvested(fact) => self.lot(at, part, &fact.lot, true),
            Fact::LotOpened(fact) => self.lot(at, part, &fact.lot, false),
            Fact::Transformed(fact) => fact.outputs.iter().for_each(|(lot, _)| self.lot(at, part, lot, true)),
            _ => {}
        }
        for moved in &part.moves {
            let posting = &moved.posting;
            let quantity = part.sign() * i128::from(posting.quantity.0);
            for (place, change) in [(&posting.from, -quantity), (&posting.to, quantity)] {
                match place {
                    Place::Site(site) => self.sites.add((site.clone(), posting.lot), change),
                    Place::Outside(reason) => *self.outside.entry((posting.lot, *reason)).or_default() += change,
                    Place::Shipment(_) => {} // In the shipments' lines.
                }
            }
        }
    }

    fn lot(&mut self, at: At, part: &Part<'_>, lot: &Lot, begins: bool) {
        let change = self.lots.entry(lot.id).or_insert_with(|| LotChange { first: (at, lot.clone()), begun: None, begins: 0 });
        if begins && !part.is_reversal {
            change.begun = Some((at, lot.clone()));
        }
        change.begins += if part.is_reversal { -1 } else { 1 };
    }

    /// Takes note of the balances that a command leaves.
    pub fn end_of_command(&mut self) {
        self.sites.end_of_command();
    }
}

/// A lot keeps the chain in which it was begun.
pub fn other_chain_said(lot: LotId, chain: &str, said: &str) -> Error {
    Error::Unfoldable(format!("lot {lot} was begun in chain {chain} and keeps it; an event says {said}"))
}

/// Only what was begun moves.
pub fn never_begun(lot: LotId) -> Error {
    Error::Unfoldable(format!("lot {lot} moves and was never begun"))
}

/// No site holds less than nothing.
pub fn below_nothing(site: &str, lot: LotId, held_milli: i64) -> Error {
    Error::Unfoldable(format!("{site} would hold {held_milli} thousandths of lot {lot}; a site holds nothing less than 0"))
}
