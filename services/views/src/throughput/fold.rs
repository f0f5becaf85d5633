//! Flows: how much passed a stage on a business day. What is voided is taken back on the day of the original.

use crate::fold::Part;
use domain::event::Fact;
use domain::id::{LotId, SiteCode};
use domain::posting::{Outside, Place};
use domain::time::BusinessDay;
use std::collections::BTreeMap;

/// What a batch changes about flows.
#[derive(Debug, Default)]
pub struct Changes {
    /// Change of each flow.
    pub flows: BTreeMap<Key, Flow>,
}

/// What flowed where, when.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// Business day.
    pub day: BusinessDay,
    /// Stage.
    pub stage: Stage,
    /// The lot; written as its chain and product.
    pub lot: LotId,
    /// Where it happened.
    pub site: SiteCode,
    /// For a dispatch where it goes to.
    pub to_site: Option<SiteCode>,
}

/// By how much a flow changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flow {
    /// Quantity.
    pub quantity: i128,
    /// For a dispatch what had not been dispatched before.
    pub first: i128,
    /// Movements.
    pub movements: i64,
}

impl Flow {
    /// Takes another change of the same flow.
    pub fn add(&mut self, other: Flow) {
        self.quantity += other.quantity;
        self.first += other.first;
        self.movements += other.movements;
    }
}

/// Stages, numbered as in `chuoi.throughput.v1.Stage`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Harvested.
    Harvested = 1,
    /// Opening balance.
    Opened = 2,
    /// Went into processing.
    Consumed = 3,
    /// Came out of processing.
    Produced = 4,
    /// Left a site on a shipment.
    Dispatched = 5,
    /// Arrived.
    Received = 6,
    /// Turned away.
    Refused = 7,
    /// Lost on the road.
    Short = 8,
    /// Sold.
    Sold = 9,
    /// Wasted.
    Wasted = 10,
    /// Found in a count.
    Found = 11,
    /// Missing in a count.
    Missing = 12,
    /// Brought back by consumers.
    Returned = 13,
    /// Turned round on the road.
    Cancelled = 14,
}

impl Changes {
    /// Takes what an event moves.
    pub fn fold(&mut self, part: &Part<'_>) {
        let Some((site, to_site)) = sites(&part.event.fact) else { return };
        for moved in &part.moves {
            let Some((stage, direction)) = stage(&part.event.fact, &moved.posting.from, &moved.posting.to) else { continue };
            let key =
                Key { day: moved.posting.day(), stage, lot: moved.posting.lot, site: site.clone(), to_site: to_site.cloned() };
            let flow = self.flows.entry(key).or_default();
            let sign = part.sign() * i128::from(direction);
            flow.quantity += sign * i128::from(moved.posting.quantity.0);
            flow.first += sign * i128::from(moved.first.0);
            // A movement that takes back a provisional find is one more, not one less.
            flow.movements += if part.is_reversal { -1 } else { 1 };
        }
    }
}

/// Where an event happened, and where a dispatch goes to.
pub(crate) fn sites(fact: &Fact) -> Option<(&SiteCode, Option<&SiteCode>)> {
    match fact {
        Fact::Harvested(fact) => Some((&fact.site, None)),
        Fact::LotOpened(fact) => Some((&fact.site, None)),
        Fact::Transformed(fact) => Some((&fact.site, None)),
        Fact::Dispatched(fact) => Some((&fact.from, Some(&fact.to))),
        Fact::Received(fact) => Some((&fact.site, None)),
        Fact::DeliveryRefused(fact) => Some((&fact.site, None)),
        Fact::ShortReported(fact) => Some((&fact.site, None)),
        Fact::Sold(fact) => Some((&fact.site, None)),
        Fact::Wasted(fact) => Some((&fact.site, None)),
        Fact::Counted(fact) => Some((&fact.site, None)),
        Fact::CountRestated(fact) => Some((&fact.site, None)),
        // What is booked under another code of the same site did not move.
        Fact::Matched(_) | Fact::Rebooked(_) | Fact::Voided(_) | Fact::Corrected(_) | Fact::Registered(_) => None,
        Fact::CustomerReturned(fact) => Some((&fact.site, None)),
        Fact::ShipmentCancelled(fact) => Some((&fact.site, None)),
        Fact::Held(_)
        | Fact::Released(_)
        | Fact::Recalled(_)
        | Fact::RecallAcknowledged(_)
        | Fact::Packed(_)
        | Fact::Unpacked(_)
        | Fact::Observed(_)
        | Fact::DiscrepancyResolved(_)
        | Fact::Ordered(_)
        | Fact::OrderClosed(_)
        | Fact::CodeIssued(_)
        | Fact::CodeRevoked(_)
        | Fact::CodesScanned(_)
        | Fact::NoticeGiven(_) => None,
    }
}

/// The stage that a posting of a fact passes, and 1, or -1 where it takes from that stage (a provisional find that goods take back).
/// A match is none: the receipt and the dispatch behind it count already.
pub fn stage(fact: &Fact, from: &Place, to: &Place) -> Option<(Stage, i16)> {
    use Outside::{Consumed, Found, Harvested, Lost, Missing, Opening, Produced, Returned, Sold, Unmatched};
    if matches!(fact, Fact::ShipmentCancelled(_)) {
        return Some((Stage::Cancelled, 1));
    }
    Some(match (from, to) {
        (Place::Outside(Harvested), _) => (Stage::Harvested, 1),
        (Place::Outside(Opening), _) => (Stage::Opened, 1),
        (Place::Outside(Produced), _) => (Stage::Produced, 1),
        (Place::Outside(Found), _) => (Stage::Found, 1),
        (Place::Outside(Returned), _) => (Stage::Returned, 1),
        (Place::Outside(Missing), _) => (Stage::Missing, -1),
        (Place::Outside(Unmatched), _) | (Place::Shipment(_), Place::Site(_)) => (Stage::Received, 1),
        (Place::Shipment(_), Place::Outside(Unmatched)) => return None,
        (Place::Shipment(_), Place::Outside(Lost)) => (Stage::Short, 1),
        (Place::Shipment(_), Place::Shipment(_) | Place::Outside(_)) => (Stage::Refused, 1),
        (Place::Site(_), Place::Shipment(_)) => (Stage::Dispatched, 1),
        (Place::Site(_), Place::Outside(Consumed)) => (Stage::Consumed, 1),
        (Place::Site(_), Place::Outside(Sold)) => (Stage::Sold, 1),
        (Place::Site(_), Place::Outside(Missing)) => (Stage::Missing, 1),
        (Place::Site(_), Place::Outside(Found)) => (Stage::Found, -1),
        (Place::Site(_), Place::Outside(_)) => (Stage::Wasted, 1),
        (Place::Site(_) | Place::Outside(_), _) => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::id::ShipmentId;
    use uuid::Uuid;

    #[test]
    #[rustfmt::skip] // Columns.
    fn each_movement_passes_its_stage_and_a_match_passes_none() {
        let site = || SiteCode::parse("S1").map(Place::Site).unwrap();
        let road = || Place::Shipment(ShipmentId(Uuid::nil()));
        let out = Place::Outside;
        let any_site = SiteCode::parse("S1").unwrap();
        let sold = Fact::Sold(domain::event::Sold { site: any_site.clone(), lines: Vec::new(), product: None });
        let (shipment, reason) = (ShipmentId(Uuid::nil()), Box::from(""));
        let cancelled = domain::event::ShipmentCancelled { shipment, site: any_site, lines: Vec::new(), reason };
        assert_eq!(stage(&Fact::ShipmentCancelled(cancelled), &road(), &site()), Some((Stage::Cancelled, 1)));
        for (from, to, passes) in [
            (out(Outside::Harvested), site(),                   Some((Stage::Harvested, 1))),
            (out(Outside::Opening),   site(),                   Some((Stage::Opened, 1))),
            (out(Outside::Produced),  site(),                   Some((Stage::Produced, 1))),
            (out(Outside::Returned),  site(),                   Some((Stage::Returned, 1))),
            (out(Outside::Found),     site(),                   Some((Stage::Found, 1))),
            (site(),                  out(Outside::Found),      Some((Stage::Found, -1))), // A provisional find, taken back.
            (site(),                  out(Outside::Missing),    Some((Stage::Missing, 1))),
            (site(),                  out(Outside::Consumed),   Some((Stage::Consumed, 1))),
            (site(),                  road(),                   Some((Stage::Dispatched, 1))),
            (road(),                  site(),                   Some((Stage::Received, 1))),
            (out(Outside::Unmatched), site(),                   Some((Stage::Received, 1))),
            (road(),                  out(Outside::Unmatched),  None),
            (road(),                  road(),                   Some((Stage::Refused, 1))),
            (road(),                  out(Outside::Destroyed),  Some((Stage::Refused, 1))),
            (road(),                  out(Outside::Lost),       Some((Stage::Short, 1))),
            (site(),                  out(Outside::Sold),       Some((Stage::Sold, 1))),
            (site(),                  out(Outside::Donated),    Some((Stage::Wasted, 1))),
            (site(),                  out(Outside::Destroyed),  Some((Stage::Wasted, 1))),
        ] {
            assert_eq!(stage(&sold, &from, &to), passes, "{from} to {to}");
        }
    }
}
