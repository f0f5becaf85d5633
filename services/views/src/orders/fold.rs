//! Orders, closings and the shipments that serve them: rows that are appended as events come, and never change.

use crate::fold::{At, Said};
use domain::entry::RecordedCommand;
use domain::event::{Event, Fact, OrderClosed, Ordered};
use domain::id::{OrderId, ShipmentId};

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
        let said = || Said::of(at, command, event);
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
