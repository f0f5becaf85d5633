//! Orders, closings and the shipments that serve them: rows that are appended as events come, and never change.

use crate::fold::At;
use domain::entry::RecordedCommand;
use domain::event::{Event, Fact, OrderClosed, Ordered};
use domain::id::{CommandRef, OrderId, ShipmentId};
use domain::time::BusinessDay;

/// Where an event stands, the command that recorded it, and its business day.
#[derive(Debug)]
pub struct Said {
    /// Where it stands.
    pub at: At,
    /// Its command.
    pub by: CommandRef,
    /// Its day.
    pub day: BusinessDay,
}

/// What a batch appends.
#[derive(Debug, Default)]
pub struct Changes {
    /// Orders that were placed.
    pub placed: Vec<(Said, Ordered)>,
    /// Orders that were closed.
    pub closed: Vec<(Said, OrderClosed)>,
    /// Shipments that serve orders.
    pub served: Vec<(Said, OrderId, ShipmentId)>,
}

impl Changes {
    /// Takes an event that is none of the registry's.
    pub fn fold(&mut self, at: At, command: &RecordedCommand, event: &Event) {
        let said = || {
            let by = CommandRef { organization: command.organization.clone(), command: command.id };
            Said { at, by, day: event.time.business_day }
        };
        match &event.fact {
            Fact::Ordered(ordered) => self.placed.push((said(), ordered.clone())),
            Fact::OrderClosed(closed) => self.closed.push((said(), closed.clone())),
            Fact::Dispatched(dispatched) => {
                self.served.extend(dispatched.order.map(|order| (said(), order, dispatched.shipment)));
            }
            _ => {}
        }
    }
}
