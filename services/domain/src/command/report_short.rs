//! Short: goods of a shipment did not arrive. Its destination says so, or its sender, who else could never close a shipment
//! that nobody takes in.

use super::ReportShort;
use super::deciding::{Deciding, TimedFact};
use super::receive::after_dispatch;
use super::refuse_delivery::settle_open;
use crate::event::{Fact, ShortReported};
use crate::refusal::Refusal;

pub(super) fn decide(deciding: &mut Deciding<'_>, short: &ReportShort) -> Result<Vec<TimedFact>, Refusal> {
    let shipment = deciding.shipment(&short.shipment)?;
    let Some(departure) = &shipment.dispatched else { return Ok(Vec::new()) };
    let site = deciding.known_site(&departure.to)?;
    if let Err(not_the_destination) = deciding.runs(&site) {
        let sender = deciding.known_site(&departure.from)?;
        deciding.runs(&sender).map_err(|_| not_the_destination)?;
    }
    after_dispatch(deciding, &shipment, departure)?;
    let lines = settle_open(deciding, "report_short.lines", &shipment, &short.extent)?;
    Ok(vec![(Fact::ShortReported(ShortReported { shipment: shipment.id, site: site.code.clone(), lines }), None)])
}
