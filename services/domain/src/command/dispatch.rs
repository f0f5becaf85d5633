//! Dispatch: a shipment leaves a site. What was received of it before it was known is matched.

use super::Dispatch;
use super::deciding::{Deciding, TimedFact, malformed};
use crate::event::registry::Member;
use crate::event::{Amount, Dispatched, DispatchedLine, Fact, LotAmount, Matched};
use crate::id::{LotId, ShipmentCode, ShipmentId, is_gs1_key};
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
    if dispatch.lines.is_empty() {
        return Err(malformed("dispatch.lines", "is empty; name what is on the shipment"));
    }
    if let Some(sscc) = dispatch.sscc.as_deref().filter(|sscc| !is_gs1_key(sscc, 18)) {
        return Err(malformed("dispatch.sscc", &format!("{sscc:?} is not an SSCC: 18 digits, the last a check digit")));
    }
    let code = if dispatch.code.trim().is_empty() { deciding.by.command.to_string() } else { dispatch.code.clone() };
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
    for (index, line) in dispatch.lines.iter().enumerate() {
        let field = format!("dispatch.lines[{index}]");
        let (lot, amount) = deciding.line(&field, line, Some(&holder))?;
        let chain = deciding.lot(&field, &super::LotReference::Id(lot.0), None)?.lot.chain.clone();
        for site in [&from.code, &to.code] {
            deciding.in_chain(&Member::Site(site.clone()), &chain)?;
        }
        let came_back = again.entry(lot).or_insert_with(|| {
            deciding.state.ledger(lot, &holder).map_or(Milli::ZERO, |ledger| ledger.returned.max(Milli::ZERO))
        });
        let redispatched = amount.quantity.min(*came_back);
        *came_back = Milli(came_back.0 - redispatched.0);
        lines.push(DispatchedLine { lot, amount, redispatched });
    }
    let matched = matched(deciding, shipment, &lines);
    let dispatched = Dispatched {
        shipment,
        code,
        from: from.code.clone(),
        to: to.code.clone(),
        lines,
        trip: dispatch.trip.clone(),
        sscc: dispatch.sscc.clone(),
    };
    let mut facts = vec![(Fact::Dispatched(dispatched), None)];
    facts.extend(matched);
    Ok(facts)
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
