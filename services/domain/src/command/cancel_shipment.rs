//! Cancel shipment: a truck turned round, or never left. What is still on its way is back where it left; the sender says so.

use super::deciding::{Deciding, TimedFact};
use super::receive::after_dispatch;
use super::refuse_delivery::settle_open;
use super::{Extent, ShipmentReference};
use crate::event::{Fact, ShipmentCancelled};
use crate::refusal::Refusal;

/// A shipment, or what is still on its way of it, comes back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CancelShipment {
    /// The shipment.
    pub shipment: ShipmentReference,
    /// What comes back.
    pub extent: Extent,
    /// Why.
    pub reason: Box<str>,
}

pub(super) fn decide(deciding: &mut Deciding<'_>, cancel: &CancelShipment) -> Result<Vec<TimedFact>, Refusal> {
    let shipment = deciding.shipment(&cancel.shipment)?;
    let Some(departure) = &shipment.dispatched else { return Ok(Vec::new()) };
    let site = deciding.known_site(&departure.from)?;
    deciding.runs(&site)?;
    after_dispatch(deciding, &shipment, departure)?;
    let lines = settle_open(deciding, "cancel_shipment.lines", &shipment, &cancel.extent)?;
    let cancelled =
        ShipmentCancelled { shipment: shipment.id, site: departure.from.clone(), lines, reason: cancel.reason.clone() };
    Ok(vec![(Fact::ShipmentCancelled(cancelled), None)])
}
