//! Dispatch: a shipment leaves a site. What was received of it before it was known is matched.

use super::deciding::{Deciding, TimedFact, malformed};
use super::pack::shipped;
use super::{Dispatch, OrderReference};
use crate::event::registry::{Member, Site};
use crate::event::{Amount, Dispatched, DispatchedLine, Fact, LotAmount, Matched};
use crate::id::{LotId, OrderId, ShipmentCode, ShipmentId};
use crate::quantity::Milli;
use crate::refusal::Refusal;
use crate::state::Holder;
use crate::time::EventTime;
use std::collections::BTreeMap;

pub(super) fn decide(deciding: &mut Deciding<'_>, dispatch: &Dispatch) -> Result<Vec<TimedFact>, Refusal> {
    let from = deciding.own_site("dispatch.from_site", &dispatch.from)?;
    let to = deciding.site("dispatch.to_site", &dispatch.to)?;
    if from.code == to.code {
        return Err(malformed("dispatch.to_site", "is the site that it leaves; a shipment goes to another site"));
    }
    deciding.takes_goods(&to)?;
    let code = deciding.own_code(&dispatch.code, |fact| match fact {
        Fact::Dispatched(dispatched) => Some(&dispatched.code),
        _ => None,
    });
    let code =
        ShipmentCode::parse(&code).map_err(|source| Refusal::BadCode { field: "dispatch.shipment_code".to_owned(), source })?;
    let shipment = ShipmentId::derive(deciding.context.organization, &code);
    let issuers = deciding.state.registry().organizations.codes(deciding.context.organization);
    let known = issuers.iter().filter_map(|issuer| deciding.state.shipment(ShipmentId::derive(issuer, &code)));
    if let Some(by) = known.filter_map(|known| known.dispatched.as_ref().map(|departure| departure.by.clone())).next() {
        return Err(Refusal::ShipmentExists { shipment: code.to_string(), by });
    }
    let holder = Holder::Site(from.code.clone());
    let mut lines: Vec<DispatchedLine> = Vec::new();
    let mut again: BTreeMap<LotId, Milli> = BTreeMap::new();
    for (lot, amount) in goods(deciding, dispatch, &from)? {
        let Some(known) = deciding.state.lot(lot) else { continue };
        for site in [&from.code, &to.code] {
            deciding.in_chain(&Member::Site(site.clone()), &known.lot.chain)?;
        }
        if !deciding.goes_back(&known, &to) {
            deciding.unblocked(lot, &from, "goes back to where it came from, to waste or to destruction")?;
        }
        let came_back = again.entry(lot).or_insert_with(|| {
            deciding.state.ledger(lot, &holder).map_or(Milli::ZERO, |ledger| ledger.returned.max(Milli::ZERO))
        });
        let redispatched = amount.quantity.min(*came_back);
        *came_back = Milli(came_back.0 - redispatched.0);
        lines.push(DispatchedLine { lot, amount, redispatched });
    }
    let order = match &dispatch.order {
        Some(given) => Some(served(deciding, given, &to)?),
        None => None,
    };
    let matched = matched(deciding, shipment, &lines);
    let dispatched = Dispatched {
        shipment,
        code,
        from: from.code.clone(),
        to: to.code.clone(),
        lines,
        trip: dispatch.trip.clone(),
        sscc: dispatch.sscc.clone(),
        is_consignment: dispatch.is_consignment,
        order,
    };
    let mut facts = vec![(Fact::Dispatched(dispatched), None)];
    facts.extend(matched);
    Ok(facts)
}

/// The order that it serves: one of the site that it goes to.
fn served(deciding: &Deciding<'_>, given: &OrderReference, to: &Site) -> Result<OrderId, Refusal> {
    let (id, order) = super::order::find(deciding, "dispatch.order", given)?;
    // What left before it was closed served it, whenever that is told.
    if let Some((by, _)) = order.closed.as_ref().filter(|(_, since)| deciding.day() > *since) {
        return Err(Refusal::OrderIsClosed { order: order.name.clone(), by: by.clone() });
    }
    let sites = &deciding.state.registry().sites;
    if sites.same(&order.site, &to.code) {
        return Ok(id);
    }
    let problem =
        format!("order {} is of {}; the shipment goes to {}", order.name, sites.describe(&order.site), sites.describe(&to.code));
    Err(Refusal::Contradiction { field: "dispatch.order".to_owned(), problem })
}

/// What leaves: the lines, or everything in the logistic unit.
fn goods(deciding: &Deciding<'_>, dispatch: &Dispatch, from: &Site) -> Result<Vec<(LotId, Amount)>, Refusal> {
    let holder = Holder::Site(from.code.clone());
    let line = |(index, line)| deciding.line(&format!("dispatch.lines[{index}]"), line, Some(&holder));
    let lines = dispatch.lines.iter().enumerate().map(line).collect::<Result<Vec<_>, _>>()?;
    let mut sums: BTreeMap<LotId, Milli> = BTreeMap::new();
    for (lot, amount) in &lines {
        let sum = sums.entry(*lot).or_default();
        *sum = Milli(sum.0.saturating_add(amount.quantity.0));
    }
    let unit = match dispatch.sscc.as_deref() {
        Some(sscc) => shipped(deciding, sscc, from, &sums)?,
        None => None,
    };
    match unit {
        Some(contents) if lines.is_empty() => Ok(contents.into_iter().map(|(lot, all)| (lot, Amount::from(all))).collect()),
        _ if lines.is_empty() => {
            Err(malformed("dispatch.lines", "is empty; name what is on the shipment, or a logistic unit that was packed"))
        }
        _ => Ok(lines),
    }
}

/// What earlier receipts took of it, an event for each receipt; dated at the receipt, or at the dispatch if that is later.
fn matched(deciding: &Deciding<'_>, shipment: ShipmentId, lines: &[DispatchedLine]) -> Vec<TimedFact> {
    let Some(known) = deciding.state.shipment(shipment) else { return Vec::new() };
    let mut open: BTreeMap<LotId, Milli> = BTreeMap::new();
    for line in lines {
        let open = open.entry(line.lot).or_default();
        *open = Milli(open.0 + line.amount.quantity.0);
    }
    let mut facts = Vec::new();
    for receipt in &known.unmatched {
        let Some(open) = open.get_mut(&receipt.lot) else { continue };
        let taken = receipt.quantity.min(*open);
        if taken > Milli::ZERO {
            *open = Milli(open.0 - taken.0);
            let lines = vec![LotAmount { lot: receipt.lot, amount: Amount::from(taken) }];
            let time = later(&receipt.time, &deciding.time);
            facts.push((Fact::Matched(Matched { shipment, lines }), Some(EventTime { typed: None, ..time.clone() })));
        }
    }
    facts
}

fn later<'a>(a: &'a EventTime, b: &'a EventTime) -> &'a EventTime {
    if a.surely_before(b) { b } else { a }
}
