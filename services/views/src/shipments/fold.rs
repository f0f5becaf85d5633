//! Shipments, and what is on its way on each.

use crate::Error;
use crate::fold::{At, Part, Sums};
use domain::entry::RecordedCommand;
use domain::event::{Event, Fact};
use domain::id::{LotId, ShipmentId, SiteCode};
use domain::posting::{Outside, Place};
use domain::time::BusinessDay;
use jiff::Timestamp;
use std::collections::BTreeMap;
use uuid::Uuid;

/// What a batch changes about shipments.
#[derive(Debug, Default)]
pub struct Changes {
    /// Shipments that it names.
    pub shipments: BTreeMap<ShipmentId, ShipmentChange>,
    /// Change of each figure of a line.
    pub lines: BTreeMap<(ShipmentId, LotId), LineChange>,
    /// Change of what is on its way on a line.
    pub open: Sums<(ShipmentId, LotId)>,
}

/// What a batch says about a shipment.
#[derive(Debug, PartialEq, Eq)]
pub struct ShipmentChange {
    /// Where it is first named in the batch.
    pub first: At,
    /// Who issued its code, and the code.
    pub name: Option<(String, String)>,
    /// Its dispatch, the last that is said.
    pub dispatch: Option<Dispatch>,
    /// By how much the number of dispatches that stand changes.
    pub dispatches: i32,
    /// Where its goods arrived before a dispatch was known.
    pub arrived: Option<SiteCode>,
}

/// How a shipment left.
#[derive(Debug, PartialEq, Eq)]
pub struct Dispatch {
    /// Site that it left.
    pub from: SiteCode,
    /// Site that it goes to.
    pub to: SiteCode,
    /// Trip.
    pub trip: Option<String>,
    /// SSCC.
    pub sscc: Option<String>,
    /// When.
    pub time: Timestamp,
    /// Business day.
    pub day: BusinessDay,
    /// Command that recorded it.
    pub command: Uuid,
    /// The shipment whose goods it takes back.
    pub return_of: Option<ShipmentId>,
    /// Whether the goods stay the sender's until they are sold.
    pub is_consignment: bool,
}

/// By how much the figures of a line change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LineChange {
    /// Sent.
    pub sent: i128,
    /// Received after the dispatch was known.
    pub received: i128,
    /// Turned away.
    pub refused: i128,
    /// Short.
    pub short: i128,
    /// Received before the dispatch was known.
    pub unmatched: i128,
    /// What of that the dispatch turned out to have sent.
    pub matched: i128,
    /// Back where it left.
    pub cancelled: i128,
}

impl Changes {
    /// Takes what an event moves.
    pub fn fold(&mut self, at: At, command: &RecordedCommand, part: &Part<'_>) {
        match &part.event.fact {
            Fact::Dispatched(fact) => {
                let dispatch = || Dispatch {
                    trip: fact.trip.as_deref().map(str::to_owned),
                    sscc: fact.sscc.as_deref().map(str::to_owned),
                    is_consignment: fact.is_consignment,
                    ..Dispatch::at(part.event, command, &fact.from, &fact.to)
                };
                let name = (command.organization.to_string(), fact.code.to_string());
                self.dispatched(at, fact.shipment, part, name, dispatch);
            }
            Fact::DeliveryRefused(fact) => {
                if let Some((back, to)) = &fact.returned {
                    let dispatch =
                        || Dispatch { return_of: Some(fact.shipment), ..Dispatch::at(part.event, command, &fact.site, to) };
                    // A return has no code of its own.
                    self.dispatched(at, *back, part, (command.organization.to_string(), String::new()), dispatch);
                }
            }
            Fact::Received(fact) => {
                if let Some((issuer, code)) = &fact.unmatched {
                    let change = self.shipment(at, fact.shipment);
                    change.arrived = Some(fact.site.clone());
                    change.name = Some((issuer.to_string(), code.to_string()));
                }
            }
            _ => {}
        }
        for moved in &part.moves {
            let (lot, quantity) = (moved.posting.lot, part.sign() * i128::from(moved.posting.quantity.0));
            match (&moved.posting.from, &moved.posting.to) {
                (Place::Shipment(from), Place::Shipment(back)) => {
                    self.line(*from, lot, -quantity).refused += quantity;
                    self.line(*back, lot, quantity).sent += quantity;
                }
                (Place::Site(_), Place::Shipment(to)) => self.line(*to, lot, quantity).sent += quantity,
                (Place::Shipment(from), Place::Site(_)) if matches!(part.event.fact, Fact::ShipmentCancelled(_)) => {
                    self.line(*from, lot, -quantity).cancelled += quantity
                }
                (Place::Shipment(from), Place::Site(_)) => self.line(*from, lot, -quantity).received += quantity,
                (Place::Shipment(from), Place::Outside(Outside::Unmatched)) => {
                    self.line(*from, lot, -quantity).matched += quantity
                }
                (Place::Shipment(from), Place::Outside(Outside::Lost)) => self.line(*from, lot, -quantity).short += quantity,
                (Place::Shipment(from), Place::Outside(_)) => self.line(*from, lot, -quantity).refused += quantity,
                (Place::Outside(Outside::Unmatched), Place::Site(_)) => {
                    if let Fact::Received(fact) = &part.event.fact {
                        self.line(fact.shipment, lot, 0).unmatched += quantity;
                    }
                }
                (_, Place::Shipment(to)) => self.line(*to, lot, quantity).sent += quantity,
                (Place::Site(_) | Place::Outside(_), Place::Site(_) | Place::Outside(_)) => {}
            }
        }
    }

    /// Takes note of what a command leaves on the road.
    pub fn end_of_command(&mut self) {
        self.open.end_of_command();
    }

    fn dispatched(
        &mut self,
        at: At,
        id: ShipmentId,
        part: &Part<'_>,
        name: (String, String),
        dispatch: impl FnOnce() -> Dispatch,
    ) {
        let change = self.shipment(at, id);
        change.name = Some(name);
        if part.is_reversal {
            change.dispatches -= 1;
        } else {
            change.dispatches += 1;
            change.dispatch = Some(dispatch());
        }
    }

    fn shipment(&mut self, at: At, id: ShipmentId) -> &mut ShipmentChange {
        self.shipments.entry(id).or_insert_with(|| ShipmentChange {
            first: at,
            name: None,
            dispatch: None,
            dispatches: 0,
            arrived: None,
        })
    }

    fn line(&mut self, shipment: ShipmentId, lot: LotId, open: i128) -> &mut LineChange {
        self.open.add((shipment, lot), open);
        self.lines.entry((shipment, lot)).or_default()
    }
}

impl Dispatch {
    fn at(event: &Event, command: &RecordedCommand, from: &SiteCode, to: &SiteCode) -> Dispatch {
        Dispatch {
            from: from.clone(),
            to: to.clone(),
            trip: None,
            sscc: None,
            time: event.time.instant,
            day: event.time.business_day,
            command: command.id.0,
            return_of: None,
            is_consignment: false,
        }
    }
}

/// No shipment carries less than nothing (rule 5).
pub fn below_nothing(shipment: ShipmentId, lot: LotId, open_milli: i64) -> Error {
    Error::Unfoldable(format!(
        "shipment {shipment} would carry {open_milli} thousandths of lot {lot}; a shipment carries nothing less than 0"
    ))
}
