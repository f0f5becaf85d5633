//! Count: a fact about a place. After "N at time T" the place holds N at T (rule 11), by lot or by product.

use super::deciding::{Deciding, TimedFact, malformed};
use super::sell::{in_order, received_last};
use super::{Count, Goods};
use crate::event::registry::{Product, Site};
use crate::event::{Amount, CountBasis, Counted, CountedLine, Fact};
use crate::id::LotId;
use crate::quantity::Milli;
use crate::refusal::Refusal;
use crate::state::Holder;
use crate::state::ledger::LedgerKey;
use std::collections::BTreeSet;

pub(super) fn decide(deciding: &mut Deciding<'_>, count: &Count) -> Result<Vec<TimedFact>, Refusal> {
    let site = deciding.own_site("count.site", &count.site)?;
    let (lines, product) = match &count.goods {
        Goods::Lots(given) => {
            if given.is_empty() {
                return Err(malformed("count.lines", "is empty; name the lots, or a product"));
            }
            let holder = Holder::Site(site.code.clone());
            let mut lines = Vec::new();
            let mut named = BTreeSet::new();
            for (index, line) in given.iter().enumerate() {
                let field = format!("count.lines[{index}]");
                let known = deciding.lot(&format!("{field}.lot"), &line.lot, Some(&holder))?;
                let product = deciding.product_of(&known)?;
                let counted = deciding.counted_amount(&format!("{field}.quantity"), &line.quantity, &product)?;
                if !named.insert(known.lot.id) {
                    return Err(malformed(&format!("{field}.lot"), "is counted twice in one count; give one line for each lot"));
                }
                not_yet_counted(deciding, &site, known.lot.id)?;
                lines.push(line_of(deciding, &holder, known.lot.id, counted));
            }
            (lines, None)
        }
        Goods::Product(given, quantity) => {
            let product = deciding.product("count.product", given)?;
            deciding.no_catch("count.quantity", quantity)?;
            let counted = deciding.counted_amount("count.quantity", quantity, &product)?;
            for lot in deciding.state.lots_at(&site.code, &product.code) {
                not_yet_counted(deciding, &site, lot)?;
            }
            (inferred(deciding, &site, &product, counted)?, Some(product.code.clone()))
        }
    };
    let counted = Counted { site: site.code.clone(), basis: CountBasis::Stocktake, lines, product };
    Ok(vec![(Fact::Counted(counted), None)])
}

fn line_of(deciding: &Deciding<'_>, holder: &Holder, lot: LotId, counted: Amount) -> CountedLine {
    let expected = expected(deciding, holder, lot);
    let variance = Milli(counted.quantity.0 - expected.0);
    CountedLine { lot, counted, expected, variance }
}

fn expected(deciding: &Deciding<'_>, holder: &Holder, lot: LotId) -> Milli {
    let key = LedgerKey::count(deciding.time.key());
    deciding.state.ledger(lot, holder).map_or(Milli::ZERO, |ledger| ledger.expected_before(key))
}

/// Two counts of one lot, place and time would be two facts about one thing.
fn not_yet_counted(deciding: &Deciding<'_>, site: &Site, lot: LotId) -> Result<(), Refusal> {
    let Some(known) = deciding.state.lot(lot) else { return Ok(()) };
    let key = LedgerKey::count(deciding.time.key());
    let ledger = deciding.state.ledger(lot, &Holder::Site(site.code.clone()));
    let by_lot = ledger.and_then(|ledger| ledger.count_at(key).map(|made| (made.time.clone(), made.by.clone())));
    let by_product = || deciding.state.product_count(&site.code, &known.lot.product, deciding.time.key());
    match by_lot.or_else(by_product) {
        Some((at, by)) => {
            let site = deciding.state.registry().sites.describe(&site.code);
            Err(Refusal::CountedAlready { lot: known.name(), site, at, by })
        }
        None => Ok(()),
    }
}

/// A count without lots: what is missing is taken first-expired-first, what is found goes to the lot received last.
fn inferred(deciding: &Deciding<'_>, site: &Site, product: &Product, counted: Amount) -> Result<Vec<CountedLine>, Refusal> {
    let holder = Holder::Site(site.code.clone());
    let lots: Vec<(LotId, Milli)> = in_order(deciding.state, deciding.state.lots_at(&site.code, &product.code))
        .into_iter()
        .map(|known| (known.lot.id, expected(deciding, &holder, known.lot.id)))
        .collect();
    let expected: i64 = lots.iter().map(|(_, expected)| expected.0).sum();
    let mut missing = (expected - counted.quantity.0).max(0);
    let found = (counted.quantity.0 - expected).max(0);
    let last = received_last(deciding.state, site, product, deciding.time.key()).or(lots.last().map(|(lot, _)| *lot));
    if found > 0 && last.is_none() {
        return Err(Refusal::Unknown {
            field: "count.product".to_owned(),
            what: "lot of the product at this site",
            value: product.code.to_string(),
            nearest: Vec::new(),
        });
    }
    let lines = lots.into_iter().map(|(lot, expected)| {
        let taken = missing.min(expected.0);
        missing -= taken;
        let variance = Milli(if Some(lot) == last { found - taken } else { -taken });
        let counted = Amount { quantity: Milli(expected.0 + variance.0), given: counted.given.clone(), catch: None };
        CountedLine { lot, counted, expected, variance }
    });
    // Lots that are not named stand at zero all the same.
    Ok(lines.filter(|line| line.expected != Milli::ZERO || line.counted.quantity != Milli::ZERO).collect())
}
