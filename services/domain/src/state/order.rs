//! Orders, as far as deciding looks at them.

use super::State;
use crate::event::Ordered;
use crate::id::{ChainCode, CommandRef, OrderId, SiteCode};
use crate::time::BusinessDay;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// An order.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Order {
    /// The buyer's code for it.
    pub name: String,
    /// Site that wants the goods.
    pub site: SiteCode,
    /// Chain that is asked for them.
    pub chain: ChainCode,
    /// What placed it; none where that was voided.
    pub placed: Option<CommandRef>,
    /// What closed it, if that stands, and on which business day.
    pub closed: Option<(CommandRef, BusinessDay)>,
}

impl State {
    /// An order that was ever placed.
    pub fn order(&self, order: OrderId) -> Option<Arc<Order>> {
        self.orders.get(&order)
    }

    pub(super) fn note_ordered(&mut self, ordered: &Ordered, by: &CommandRef, holds: bool) {
        let new = || {
            let (name, site, chain) = (ordered.code.to_string(), ordered.site.clone(), ordered.chain.clone());
            Arc::new(Order { name, site, chain, placed: None, closed: None })
        };
        let order = Arc::make_mut(self.orders.get_or_insert_with(ordered.order, new));
        if holds {
            (order.site, order.chain) = (ordered.site.clone(), ordered.chain.clone());
        }
        if holds {
            order.placed = Some(by.clone());
        } else if order.placed.as_ref() == Some(by) {
            // Placed again it is another order, which nobody closed.
            (order.placed, order.closed) = (None, None);
        }
    }

    pub(super) fn note_order_closed(&mut self, order: OrderId, by: &CommandRef, day: BusinessDay, holds: bool) {
        let Some(order) = self.orders.get_mut(&order) else { return };
        let order = Arc::make_mut(order);
        if holds {
            order.closed = Some((by.clone(), day));
        } else if order.closed.as_ref().is_some_and(|(closed, _)| closed == by) {
            order.closed = None;
        }
    }
}
