//! Rebook: what stands under the code of a site's duplicate is brought under the surviving code as a command speaks of it, so that
//! the book of every place stays whole and nobody has to know which code goods were once entered under.

use super::deciding::Deciding;
use super::{Action, Context, Count, Dispatch, Goods, LotLine, Sell, Transform, Waste};
use crate::event::{Amount, Event, Fact, LotAmount, Rebooked};
use crate::id::{CommandRef, LotId, ProductCode, SiteCode};
use crate::quantity::Milli;
use crate::state::ledger::LedgerKey;
use crate::state::{Holder, State};
use crate::time::{BusinessDay, EventTime, Precision};
use std::collections::{BTreeMap, BTreeSet};

/// One event for each duplicate that holds goods which the action names. What cannot be looked up is refused where it is decided.
pub(super) fn decide(state: &State, context: &Context<'_>, by: &CommandRef, time: &EventTime, action: &Action) -> Vec<Event> {
    let (site, lines, product): (&str, Vec<&LotLine>, Option<&str>) = match action {
        Action::Sell(Sell { site, goods }) | Action::Count(Count { site, goods }) => match goods {
            Goods::Lots(lines) => (site, lines.iter().collect(), None),
            Goods::Product(product, _) => (site, Vec::new(), Some(product)),
        },
        Action::Waste(Waste { site, lines, .. }) => (site, lines.iter().collect(), None),
        Action::Dispatch(Dispatch { from, lines, .. }) => (from, lines.iter().collect(), None),
        Action::Transform(Transform { site, inputs, .. }) => (site, inputs.iter().collect(), None),
        _ => return Vec::new(),
    };
    let (registry, day) = (state.registry(), time.business_day);
    let Ok(site) = registry.sites.find("site", site, day) else { return Vec::new() };
    let duplicates = registry.sites.duplicates(&site.code);
    if duplicates.is_empty() {
        return Vec::new();
    }
    let deciding = Deciding::new(state, context, by.clone(), time.clone(), false);
    let holder = Holder::Site(site.code.clone());
    let named = lines.iter().filter_map(|line| deciding.lot("lot", &line.lot, Some(&holder)).ok());
    let named: BTreeSet<LotId> = named.map(|known| known.lot.id).collect();
    let product: Option<ProductCode> =
        product.and_then(|given| registry.products.find("product", given, day).ok()).map(|product| product.code.clone());
    let mut events = Vec::new();
    for duplicate in duplicates {
        let mut lots = named.clone();
        lots.extend(product.iter().flat_map(|product| state.lots_at(&duplicate, product)));
        let mut lines: BTreeMap<Option<BusinessDay>, Vec<LotAmount>> = BTreeMap::new();
        for lot in lots {
            if let Some((since, quantity)) = standing(state, &duplicate, &site.code, lot, time) {
                lines.entry(since).or_default().push(LotAmount { lot, amount: Amount::from(quantity) });
            }
        }
        for (since, lines) in lines {
            let time = match since {
                Some(day) => state.calendar().day_time(day, Precision::Day, None),
                None => EventTime { typed: None, ..time.clone() },
            };
            let fact = Fact::Rebooked(Rebooked { from: duplicate.clone(), to: site.code.clone(), lines });
            events.push(Event { time, violations: Vec::new(), names: Vec::new(), fact });
        }
    }
    events
}

/// How much of a lot is to be brought under the surviving code, and since which day it may stand there: the earlier, the more late
/// entries still find it. None where either code's goods were counted later than that: a count says what stood under its code.
fn standing(
    state: &State,
    duplicate: &SiteCode,
    survivor: &SiteCode,
    lot: LotId,
    time: &EventTime,
) -> Option<(Option<BusinessDay>, Milli)> {
    let (ledger, known) = (state.ledger(lot, &Holder::Site(duplicate.clone()))?, state.lot(lot)?);
    let counted = [duplicate, survivor].into_iter().filter_map(|site| state.last_count(site, &known)).max();
    let key = LedgerKey::leg(time.key(), false, false);
    if counted.is_some_and(|counted| counted > key) {
        return None;
    }
    let quantity = ledger.available(key).0;
    if quantity <= Milli::ZERO {
        return None;
    }
    let stood = |day: &BusinessDay| {
        let key = LedgerKey::leg(state.calendar().day_time(*day, Precision::Day, None).key(), false, false);
        *day < time.business_day && counted.is_none_or(|counted| counted.day < *day) && ledger.available(key).0 >= quantity
    };
    Some((ledger.incoming_days().find(stood), quantity))
}
