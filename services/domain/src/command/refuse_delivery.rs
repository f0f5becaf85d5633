//! Refuse: goods are turned away at the door; they go back, or are destroyed there.

use super::deciding::{Deciding, TimedFact};
use super::receive::{after_dispatch, lines_of, open_lines};
use super::settle::name_of;
use super::{Extent, RefuseDelivery};
use crate::event::{DeliveryRefused, Fact, LotAmount};
use crate::id::{LotId, ShipmentId};
use crate::quantity::Milli;
use crate::refusal::Refusal;
use crate::state::{Holder, Shipment};
use std::collections::BTreeMap;

pub(super) fn decide(deciding: &mut Deciding<'_>, refuse: &RefuseDelivery) -> Result<Vec<TimedFact>, Refusal> {
    let shipment = deciding.shipment(&refuse.shipment)?;
    let Some(departure) = &shipment.dispatched else { return Ok(Vec::new()) };
    let site = deciding.known_site(&departure.to)?;
    deciding.runs(&site)?;
    after_dispatch(deciding, &shipment, departure)?;
    let lines = settle_open(deciding, "refuse_delivery.lines", &shipment, &refuse.extent)?;
    let back = ShipmentId::of_return(deciding.context.organization, deciding.by.command);
    let returned = (!refuse.destroyed).then(|| (back, departure.from.clone()));
    let (site, reason) = (site.code.clone(), refuse.reason);
    Ok(vec![(Fact::DeliveryRefused(DeliveryRefused { shipment: shipment.id, site, lines, reason, returned }), None)])
}

/// Lines of what is on its way, never more than that (rule 5).
pub(super) fn settle_open(
    deciding: &mut Deciding<'_>,
    field: &str,
    shipment: &Shipment,
    extent: &Extent,
) -> Result<Vec<LotAmount>, Refusal> {
    let lines = match extent {
        Extent::Everything => open_lines(deciding, shipment)?,
        Extent::Lines(lines) => lines_of(deciding, field, shipment, lines)?,
    };
    let mut left: BTreeMap<LotId, Milli> = BTreeMap::new();
    for (lot, amount) in &lines {
        let open = *left.entry(*lot).or_insert_with(|| deciding.state.held(*lot, &Holder::Shipment(shipment.id)));
        let asked = amount.quantity;
        if asked > open {
            let settled = shipment.lines.get(lot).and_then(|line| line.settled.clone());
            let (name, lot) = (shipment.name.clone(), name_of(deciding.state, *lot)?);
            return Err(match settled {
                Some((by, at)) if open == Milli::ZERO => Refusal::AlreadyReceived { shipment: name, lot, by, at, asked },
                _ => Refusal::MoreThanOpen { shipment: name, lot, open, asked },
            });
        }
        left.insert(*lot, Milli(open.0 - asked.0));
    }
    Ok(lines.into_iter().map(|(lot, amount)| LotAmount { lot, amount }).collect())
}
