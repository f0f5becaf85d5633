//! Lots and balances in memory, as they become when the journal is read from its beginning; written once, at the end.

use super::fold::{Changes, below_nothing, never_begun, other_chain_said};
use crate::Error;
use crate::copy::Rows;
use crate::database::big;
use crate::fold::At;
use crate::load::{Obstacle, Piece, fits, pieces, sorted};
use domain::event::Lot;
use domain::id::{LotId, SiteCode};
use domain::posting::Outside;
use std::collections::{BTreeSet, HashMap};

/// The tables of this view.
#[derive(Default)]
pub struct Tables {
    lots: HashMap<LotId, Known>,
    sites: HashMap<(SiteCode, LotId), i64>,
    outside: HashMap<(LotId, Outside), i64>,
}

struct Known {
    at: At,
    lot: Lot,
    begins: i64,
}

impl Tables {
    /// Whether what a batch changes can be taken; asked in the order in which the writer would come upon it.
    pub fn check(&self, changes: &Changes, moving: &BTreeSet<LotId>) -> Result<(), Obstacle> {
        for (id, change) in &changes.lots {
            let (_, lot) = change.begun.as_ref().unwrap_or(&change.first);
            if let Some(known) = self.lots.get(id).filter(|known| known.lot.chain != lot.chain) {
                return Err(Obstacle::Refused(other_chain_said(*id, known.lot.chain.as_str(), lot.chain.as_str())));
            }
        }
        if let Some(lot) = moving.iter().find(|lot| !changes.lots.contains_key(lot) && !self.lots.contains_key(lot)) {
            return Err(Obstacle::Refused(never_begun(*lot)));
        }
        for (key, sum) in changes.sites.iter() {
            let (site, lot) = key;
            let held = i128::from(self.sites.get(key).copied().unwrap_or(0));
            if held + sum.low < 0 {
                return Err(Obstacle::Refused(below_nothing(site.as_str(), *lot, fits(held + sum.low)?)));
            }
            fits(held + sum.change)?;
        }
        for (key, change) in &changes.outside {
            fits(i128::from(self.outside.get(key).copied().unwrap_or(0)) + change)?;
        }
        Ok(())
    }

    /// Takes what a batch changes, which was checked.
    pub fn apply(&mut self, changes: Changes) {
        for (id, change) in changes.lots {
            let begun = change.begun.is_some();
            let (at, lot) = change.begun.unwrap_or(change.first);
            match self.lots.get_mut(&id) {
                None => {
                    self.lots.insert(id, Known { at, lot, begins: change.begins });
                }
                Some(known) => {
                    known.begins += change.begins;
                    if begun {
                        known.at = at;
                        (known.lot.expiry, known.lot.harvest_day, known.lot.harvest_time) =
                            (lot.expiry, lot.harvest_day, lot.harvest_time);
                    }
                }
            }
        }
        for (key, sum) in changes.sites.into_sums() {
            add(&mut self.sites, key, sum.change);
        }
        for (key, change) in changes.outside {
            add(&mut self.outside, key, change);
        }
    }

    /// A lot that was begun.
    pub fn lot(&self, id: LotId) -> Option<&Lot> {
        self.lots.get(&id).map(|known| &known.lot)
    }

    /// The rows of each table.
    pub fn rows(&self) -> impl Iterator<Item = Result<Piece, Error>> {
        let into = "lots (lot_id, issuer_code, product_code, lot_code, chain_code, expiry_day, harvest_day, harvest_time, sequence, \
                    ordinal, begins)";
        let lots = pieces(into, 11, sorted(&self.lots), |rows, (id, Known { at, lot, begins })| {
            rows.uuid(id.0).text(lot.issuer.as_str()).text(lot.product.as_str()).text(lot.code.as_str());
            rows.text(lot.chain.as_str()).maybe(lot.expiry, |rows, day| rows.int(day.0));
            rows.maybe(lot.harvest_day, |rows, day| rows.int(day.0)).maybe(lot.harvest_time, Rows::instant);
            rows.big(at.sequence).int(at.ordinal).big(*begins);
            Ok(())
        });
        let mut totals = HashMap::new();
        for ((site, id), held) in &self.sites {
            // What was never begun is refused.
            if let Some(lot) = self.lot(*id) {
                *totals.entry((site, &lot.product, &lot.chain)).or_insert(0_i128) += i128::from(*held);
            }
        }
        let mut totals: Vec<_> = totals.into_iter().collect();
        totals.sort_unstable();
        let stock = pieces("stock (site_code, lot_id, quantity_milli)", 3, sorted(&self.sites), |rows, ((site, id), held)| {
            rows.text(site.as_str()).uuid(id.0).big(**held);
            Ok(())
        });
        let into = "stock_totals (site_code, product_code, chain_code, quantity_milli)";
        let totals = pieces(into, 4, totals, |rows, ((site, product, chain), held)| {
            rows.text(site.as_str()).text(product.as_str()).text(chain.as_str()).big(big(*held)?);
            Ok(())
        });
        let into = "outside (lot_id, reason, quantity_milli)";
        let outside = pieces(into, 3, sorted(&self.outside), |rows, ((lot, reason), quantity)| {
            rows.uuid(lot.0).text(reason.as_str()).big(**quantity);
            Ok(())
        });
        lots.chain(stock).chain(totals).chain(outside)
    }
}

/// Adds to a sum that was checked to fit; nothing is no row.
fn add<K: Eq + std::hash::Hash>(sums: &mut HashMap<K, i64>, key: K, change: i128) {
    if change == 0 {
        return;
    }
    let sum = i128::from(sums.get(&key).copied().unwrap_or(0)) + change;
    match i64::try_from(sum) {
        Ok(0) => {
            sums.remove(&key);
        }
        Ok(sum) => {
            sums.insert(key, sum);
        }
        Err(_) => {}
    }
}
