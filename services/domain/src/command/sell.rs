//! Sell: goods go to consumers, by lot or by product. Rules 6 and 7 and "first expired, first out" live here.

use super::deciding::{Deciding, TimedFact, malformed};
use super::{Goods, Sell};
use crate::event::registry::{Product, Site};
use crate::event::{Amount, Fact, LotAmount, Sold};
use crate::id::LotId;
use crate::posting::Place;
use crate::quantity::Milli;
use crate::refusal::Refusal;
use crate::state::ledger::LedgerKey;
use crate::state::{Holder, KnownLot, State};
use crate::time::{BusinessDay, TimeKey};
use std::collections::BTreeSet;
use std::sync::Arc;

/// What a held or recalled lot does instead.
const NOT_SOLD: &str = "is not sold; take it off the shelf, and send it back or destroy it as whoever holds it says";

pub(super) fn decide(deciding: &mut Deciding<'_>, sell: &Sell) -> Result<Vec<TimedFact>, Refusal> {
    let site = deciding.own_site("sell.site", &sell.site)?;
    let (lines, product) = match &sell.goods {
        Goods::Lots(given) => {
            if given.is_empty() {
                return Err(malformed("sell.lines", "is empty; name the lots, or a product"));
            }
            let holder = Holder::Site(site.code.clone());
            let mut lines = Vec::new();
            for (index, line) in given.iter().enumerate() {
                let (lot, amount) = deciding.line(&format!("sell.lines[{index}]"), line, Some(&holder))?;
                unexpired(deciding, lot)?;
                deciding.unblocked(lot, &site, NOT_SOLD)?;
                lines.push(LotAmount { lot, amount });
            }
            (lines, None)
        }
        Goods::Product(given, quantity) => {
            let product = deciding.product("sell.product", given)?;
            deciding.no_catch("sell.quantity", quantity)?;
            let amount = deciding.amount("sell.quantity", quantity, &product)?;
            (first_expired_first_out(deciding, &site, &product, &amount)?, Some(product.code.clone()))
        }
    };
    Ok(vec![(Fact::Sold(Sold { site: site.code.clone(), lines, product }), None)])
}

/// Rule 7: an expired lot is not sold.
fn unexpired(deciding: &mut Deciding<'_>, lot: LotId) -> Result<(), Refusal> {
    let Some(known) = deciding.state.lot(lot) else { return Ok(()) };
    match known.lot.expiry.filter(|expiry| *expiry < deciding.day()) {
        Some(expiry) => {
            let refusal = Refusal::Expired { lot: known.name(), expiry, day: deciding.day() };
            deciding.refuse_or_mark(refusal)
        }
        None => Ok(()),
    }
}

/// Order in which lots leave: by (expiry, age, lot id). What does not expire leaves last.
pub(super) fn leaving_order(known: &KnownLot) -> (BusinessDay, BusinessDay, LotId) {
    let last = BusinessDay(i32::MAX);
    (known.lot.expiry.unwrap_or(last), known.lot.harvest_day.unwrap_or(last), known.lot.id)
}

/// Lots in the order in which they leave.
pub(super) fn in_order(state: &State, lots: BTreeSet<LotId>) -> Vec<Arc<KnownLot>> {
    let mut lots: Vec<_> = lots.into_iter().filter_map(|lot| state.lot(lot)).collect();
    lots.sort_by_key(|known| leaving_order(known));
    lots
}

/// Which lots a sale by product takes: never an expired or held one. What a reported sale took beyond what is known is laid to the lot
/// that was received last, and filled there.
fn first_expired_first_out(
    deciding: &mut Deciding<'_>,
    site: &Site,
    product: &Product,
    amount: &Amount,
) -> Result<Vec<LotAmount>, Refusal> {
    let holder = Holder::Site(site.code.clone());
    let key = LedgerKey::leg(deciding.time.key(), false, false);
    let mut left = amount.quantity;
    let mut lines: Vec<LotAmount> = Vec::new();
    let lots = deciding.state.lots_available(&site.code, &product.code, deciding.day());
    for known in in_order(deciding.state, lots) {
        if known.lot.expiry.is_some_and(|expiry| expiry < deciding.day()) {
            continue;
        }
        if deciding.blocking(known.lot.id, site, NOT_SOLD).is_some() {
            continue;
        }
        let there = deciding.state.ledger(known.lot.id, &holder).map_or(Milli::ZERO, |ledger| ledger.available(key).0);
        let taken = left.min(there);
        if taken > Milli::ZERO {
            left = Milli(left.0 - taken.0);
            lines.push(LotAmount {
                lot: known.lot.id,
                amount: Amount { quantity: taken, given: amount.given.clone(), catch: None },
            });
        }
        if left == Milli::ZERO {
            return Ok(lines);
        }
    }
    let last = received_last(deciding.state, site, product, deciding.time.key());
    let refusal = Refusal::NotEnoughOfProduct {
        place: Place::Site(site.code.clone()),
        product: product.code.clone(),
        day: deciding.day(),
        there: Milli(amount.quantity.0 - left.0),
        asked: amount.quantity,
    };
    let Some(last) = last else { return Err(refusal) };
    if !deciding.is_reported() {
        return Err(refusal);
    }
    match lines.iter_mut().find(|line| line.lot == last) {
        Some(line) => line.amount.quantity = Milli(line.amount.quantity.0 + left.0),
        None => lines.push(LotAmount { lot: last, amount: Amount { quantity: left, given: amount.given.clone(), catch: None } }),
    }
    unexpired(deciding, last)?;
    deciding.unblocked(last, site, NOT_SOLD)?;
    Ok(lines)
}

/// The lot of a product that a site received last, up to a time; ties by lot id.
pub(super) fn received_last(state: &State, site: &Site, product: &Product, until: TimeKey) -> Option<LotId> {
    let holder = Holder::Site(site.code.clone());
    let until = LedgerKey::count(until);
    let lots = state.lots_at(&site.code, &product.code);
    let came = |lot: &LotId| state.ledger(*lot, &holder).and_then(|ledger| ledger.last_incoming(until));
    lots.iter().filter_map(|lot| came(lot).map(|key| (key, *lot))).max().map(|(_, lot)| lot)
}
