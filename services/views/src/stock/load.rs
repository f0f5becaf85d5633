//! Lots and balances in memory, as they become when the journal is read from its beginning; written once, at the end.

use super::fold::{Changes, below_nothing, never_begun, other_chain_said};
use crate::Error;
use crate::copy::Rows;
use crate::database::big;
use crate::fold::At;
use crate::load::{Obstacle, fits};
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

    /// The rows of each table, with the columns that they go into.
    pub fn rows(&self) -> Result<[(Rows, &'static str); 4], Error> {
        let mut lots = Rows::of(11);
        for (id, Known { at, lot, begins }) in &self.lots {
            lots.row().uuid(id.0).text(lot.issuer.as_str()).text(lot.product.as_str()).text(lot.code.as_str());
            lots.text(lot.chain.as_str()).maybe(lot.expiry, |rows, day| rows.int(day.0));
            lots.maybe(lot.harvest_day, |rows, day| rows.int(day.0)).maybe(lot.harvest_time, Rows::instant);
            lots.big(at.sequence).int(at.ordinal).big(*begins);
        }
        let (mut stock, mut totals) = (Rows::of(3), HashMap::new());
        for ((site, id), held) in &self.sites {
            stock.row().text(site.as_str()).uuid(id.0).big(*held);
            // What was never begun is refused.
            if let Some(lot) = self.lot(*id) {
                *totals.entry((site, &lot.chain, &lot.product)).or_insert(0_i128) += i128::from(*held);
            }
        }
        let mut by_product = Rows::of(4);
        for ((site, chain, product), held) in totals {
            by_product.row().text(site.as_str()).text(chain.as_str()).text(product.as_str()).big(big(held)?);
        }
        let mut outside = Rows::of(3);
        for ((lot, reason), quantity) in &self.outside {
            outside.row().uuid(lot.0).text(reason.as_str()).big(*quantity);
        }
        Ok([
            (
                lots,
                "lots (lot_id, issuer_code, product_code, lot_code, chain_code, expiry_day, harvest_day, harvest_time, sequence, \
                 ordinal, begins)",
            ),
            (stock, "stock (site_code, lot_id, quantity_milli)"),
            (by_product, "stock_totals (site_code, chain_code, product_code, quantity_milli)"),
            (outside, "outside (lot_id, reason, quantity_milli)"),
        ])
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
