//! Appends orders. Nothing here is ever changed.

use super::fold::Changes;
use crate::Error;
use crate::copy::{Rows, send_all};
use deadpool_postgres::Transaction;

/// Rows on their way into the tables of this view.
pub struct Appended {
    orders: Rows,
    lines: Rows,
    closings: Rows,
    shipments: Rows,
}

/// Writes what a batch appends.
pub async fn write(transaction: &Transaction<'_>, changes: &Changes) -> Result<(), Error> {
    let mut appended = Appended::default();
    appended.add(changes);
    send_all(transaction, appended.into_tables()).await
}

impl Default for Appended {
    fn default() -> Appended {
        Appended { orders: Rows::of(10), lines: Rows::of(4), closings: Rows::of(7), shipments: Rows::of(6) }
    }
}

impl Appended {
    /// Takes what a batch appends.
    pub fn add(&mut self, changes: &Changes) {
        for (placed, order) in &changes.placed {
            let rows = self.orders.said(placed).uuid(order.order.0).text(order.code.as_str());
            rows.text(order.site.as_str()).text(order.chain.as_str()).int(placed.day.0).int(order.due.0);
            for line in &order.lines {
                let rows = self.lines.row().big(placed.at.sequence).int(placed.at.ordinal);
                rows.text(line.product.as_str()).big(line.amount.quantity.0);
            }
        }
        for (closed, order) in &changes.closed {
            self.closings.said(closed).uuid(order.order.0).int(closed.day.0).text(&order.reason);
        }
        for (served, order, shipment) in &changes.served {
            self.shipments.said(served).uuid(order.0).uuid(shipment.0);
        }
    }

    /// The rows of each table, with the columns that they go into.
    pub fn into_tables(self) -> [(Rows, &'static str); 4] {
        [
            (
                self.orders,
                "orders (sequence, ordinal, organization_code, command_id, order_id, order_code, site_code, chain_code, ordered_day, \
                 due_day)",
            ),
            (self.lines, "order_lines (sequence, ordinal, product_code, ordered_milli)"),
            (self.closings, "order_closings (sequence, ordinal, organization_code, command_id, order_id, closed_day, reason)"),
            (self.shipments, "order_shipments (sequence, ordinal, organization_code, command_id, order_id, shipment_id)"),
        ]
    }
}
