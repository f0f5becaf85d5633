//! Receive: goods of a shipment arrive, in as many parts as it takes. Rule 5 lives here: what arrives above what was sent is a
//! surplus beside it, never silent; a receipt that nobody dispatched is kept as unmatched.

use super::deciding::{Deciding, Naming, TimedFact, malformed};
use super::settle::name_of;
use super::{Extent, LotLine, LotReference, NewLot, Receive};
use crate::event::registry::Member;
use crate::event::{Amount, CountBasis, Counted, CountedLine, Fact, Lot, LotAmount, LotOpened, Received};
use crate::id::{LotId, OrganizationCode, ShipmentCode, ShipmentId};
use crate::quantity::Milli;
use crate::refusal::Refusal;
use crate::state::{Departure, Holder, Shipment};
use std::collections::BTreeMap;

pub(super) fn decide(deciding: &mut Deciding<'_>, receive: &Receive) -> Result<Vec<TimedFact>, Refusal> {
    let (id, named) = deciding.shipment_id(&receive.shipment)?;
    let known = deciding.state.shipment(id);
    let departed = known.as_ref().and_then(|it| it.dispatched.as_ref().map(|departure| (it, departure)));
    match (departed, named) {
        (Some((shipment, departure)), _) => of_shipment(deciding, receive, shipment, departure),
        (None, Some(named)) if deciding.is_reported() => unmatched(deciding, receive, id, named),
        // Says what is unknown.
        (None, _) => deciding.shipment(&receive.shipment).map(|_| Vec::new()),
    }
}

fn of_shipment(
    deciding: &mut Deciding<'_>,
    receive: &Receive,
    shipment: &Shipment,
    departure: &Departure,
) -> Result<Vec<TimedFact>, Refusal> {
    if !receive.site.trim().is_empty() {
        let site = deciding.site("receive.site", &receive.site)?;
        let sites = &deciding.state.registry().sites;
        if !sites.same(&site.code, &departure.to) {
            return Err(Refusal::NotTheDestination {
                shipment: shipment.name.clone(),
                destination: sites.describe(&departure.to),
                site: sites.describe(&site.code),
            });
        }
    }
    let site = deciding.known_site(&departure.to)?;
    deciding.runs(&site)?;
    after_dispatch(deciding, shipment, departure)?;
    if !departure.is_return {
        deciding.takes_goods(&site)?;
    }
    let arrived = match &receive.extent {
        Extent::Everything => open_lines(deciding, shipment)?,
        Extent::Lines(lines) => lines_of(deciding, "receive.lines", shipment, lines)?,
    };
    let (mut received, mut surplus) = (Vec::new(), Vec::new());
    let mut open: BTreeMap<LotId, Milli> = BTreeMap::new();
    for (lot, amount) in arrived {
        let before = *open.entry(lot).or_insert_with(|| deciding.state.held(lot, &Holder::Shipment(shipment.id)));
        let chain = deciding.state.lot(lot).map(|known| known.lot.chain.clone());
        if let Some(chain) = chain {
            deciding.in_chain(&Member::Site(site.code.clone()), &chain)?;
        }
        let taken = amount.quantity.min(before);
        let over = Milli(amount.quantity.0 - taken.0);
        if over > Milli::ZERO {
            more_than_open(deciding, shipment, lot, before, amount.quantity)?;
            surplus.push(CountedLine { lot, counted: Amount::from(over), expected: Milli::ZERO, variance: over });
        }
        if taken > Milli::ZERO {
            open.insert(lot, Milli(before.0 - taken.0));
            received
                .push(LotAmount { lot, amount: if over == Milli::ZERO { amount } else { Amount { quantity: taken, ..amount } } });
        }
    }
    let mut facts = Vec::new();
    if !received.is_empty() {
        let received = Received { shipment: shipment.id, site: site.code.clone(), lines: received, unmatched: None };
        facts.push((Fact::Received(received), None));
    }
    if !surplus.is_empty() {
        let counted = Counted { site: site.code.clone(), basis: CountBasis::Surplus, lines: surplus, product: None };
        facts.push((Fact::Counted(counted), None));
    }
    Ok(facts)
}

/// Rule 5: a shipment arrives after it left.
pub(super) fn after_dispatch(deciding: &Deciding<'_>, shipment: &Shipment, departure: &Departure) -> Result<(), Refusal> {
    if deciding.time.surely_before(&departure.time) {
        let (dispatched, arrived) = (departure.time.clone(), deciding.time.clone());
        return Err(Refusal::BeforeDispatch { shipment: shipment.name.clone(), dispatched, arrived });
    }
    Ok(())
}

/// Everything that is on its way; refused if that is nothing.
pub(super) fn open_lines(deciding: &Deciding<'_>, shipment: &Shipment) -> Result<Vec<(LotId, Amount)>, Refusal> {
    let holder = Holder::Shipment(shipment.id);
    let open: Vec<_> = shipment
        .lines
        .keys()
        .map(|lot| (*lot, deciding.state.held(*lot, &holder)))
        .filter(|(_, open)| *open > Milli::ZERO)
        .map(|(lot, open)| (lot, Amount::from(open)))
        .collect();
    if open.is_empty() {
        let settled =
            shipment.lines.iter().find_map(|(lot, line)| line.settled.as_ref().map(|settled| (*lot, line.sent, settled)));
        return Err(match settled {
            Some((lot, sent, (by, at))) => Refusal::AlreadyReceived {
                shipment: shipment.name.clone(),
                lot: name_of(deciding.state, lot)?,
                by: by.clone(),
                at: at.clone(),
                asked: sent,
            },
            None => malformed("everything", "nothing is on its way in this shipment"),
        });
    }
    Ok(open)
}

/// Lines looked up among what the shipment carries.
pub(super) fn lines_of(
    deciding: &mut Deciding<'_>,
    field: &str,
    shipment: &Shipment,
    lines: &[LotLine],
) -> Result<Vec<(LotId, Amount)>, Refusal> {
    if lines.is_empty() {
        return Err(malformed(field, "is empty; name the lots, or say everything"));
    }
    let holder = Holder::Shipment(shipment.id);
    let mut found = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let (lot, amount) = deciding.line(&format!("{field}[{index}]"), line, Some(&holder))?;
        if shipment.lines.get(&lot).is_none_or(|line| line.sent == Milli::ZERO) {
            let carries = shipment.lines.keys().map(|lot| Ok(name_of(deciding.state, *lot)?.to_string()));
            let carries = carries.collect::<Result<Vec<String>, Refusal>>()?;
            deciding.refuse_or_mark(Refusal::NotOnShipment {
                shipment: shipment.name.clone(),
                lot: name_of(deciding.state, lot)?,
                carries: carries.join(", "),
            })?;
        }
        found.push((lot, amount));
    }
    Ok(found)
}

/// The first receipt of a line may bring more than was sent: a surplus. After that it is likelier that somebody received
/// twice: where nothing is open any more it always is refused, saying who did it and when.
fn more_than_open(
    deciding: &mut Deciding<'_>,
    shipment: &Shipment,
    lot: LotId,
    open: Milli,
    asked: Milli,
) -> Result<(), Refusal> {
    let Some((by, at)) = shipment.lines.get(&lot).and_then(|line| line.settled.as_ref()) else { return Ok(()) };
    let (name, shipment) = (name_of(deciding.state, lot)?, shipment.name.clone());
    if open == Milli::ZERO {
        return Err(Refusal::AlreadyReceived { shipment, lot: name, by: by.clone(), at: at.clone(), asked });
    }
    deciding.refuse_or_mark(Refusal::MoreThanOpen { shipment, lot: name, open, asked })
}

/// Rule 12: goods that stand in the shop although nobody logged that they left.
fn unmatched(
    deciding: &mut Deciding<'_>,
    receive: &Receive,
    shipment: ShipmentId,
    (issuer, code): (OrganizationCode, ShipmentCode),
) -> Result<Vec<TimedFact>, Refusal> {
    let site = deciding.own_site("receive.site", &receive.site)?;
    deciding.takes_goods(&site)?;
    let Extent::Lines(given) = &receive.extent else {
        return Err(malformed(
            "receive.everything",
            "nobody logged the shipment, so nobody knows what everything is; name the lots",
        ));
    };
    if given.is_empty() {
        return Err(malformed("receive.lines", "is empty; name the lots"));
    }
    let mut facts: Vec<TimedFact> = Vec::new();
    let mut lines = Vec::new();
    for (index, line) in given.iter().enumerate() {
        let field = format!("receive.lines[{index}]");
        let (lot, amount) = match deciding.line(&field, line, None) {
            Err(refusal @ Refusal::Unknown { what: "lot", .. }) => {
                let Some(new) = announced(&line.lot, &issuer) else { return Err(refusal) };
                let (lot, product) = deciding.new_lot(&format!("{field}.lot"), &new, &site, Naming::Any)?;
                let amount = deciding.amount(&format!("{field}.quantity"), &line.quantity, &product)?;
                let id = lot.id;
                if !facts.iter().any(|(fact, _)| matches!(fact, Fact::LotOpened(known) if known.lot.id == id)) {
                    facts.push(announcement(lot, &site.code));
                }
                (id, amount)
            }
            found => found?,
        };
        lines.push(LotAmount { lot, amount });
    }
    let received = Received { shipment, site: site.code.clone(), lines, unmatched: Some((issuer, code)) };
    facts.push((Fact::Received(received), None));
    Ok(facts)
}

/// A lot that nobody logged either, as its label names it; its issuer is whoever sent it, unless the label says otherwise.
fn announced(reference: &LotReference, sender: &OrganizationCode) -> Option<NewLot> {
    let LotReference::Named { issuer, product, code } = reference else { return None };
    let issuer = if issuer.trim().is_empty() { sender.to_string() } else { issuer.clone() };
    Some(NewLot { issuer, product: product.clone(), code: code.clone(), chain: String::new(), expiry: None })
}

fn announcement(lot: Lot, site: &crate::id::SiteCode) -> TimedFact {
    (Fact::LotOpened(LotOpened { lot, site: site.clone(), amount: Amount::from(Milli::ZERO) }), None)
}
