//! Commands about orders.

use super::{as_typed, day, quantity, text, uuid, within_limit};
use crate::proto::chuoi::record::v1 as proto;
use crate::undecodable::{At as _, Undecodable, each, required};
use domain::command::{Action, CloseOrder, OrderReference, PlaceOrder};

pub(super) fn place_order(place: &proto::PlaceOrder) -> Result<Action, Undecodable> {
    let line = |line: &proto::OrderLine| Ok::<_, Undecodable>((text(&line.product).at("product")?, quantity(&line.quantity)?));
    let read = || {
        if place.lines.is_empty() {
            return Err(Undecodable::here("is empty; name the products")).at("lines");
        }
        within_limit(place.lines.len()).at("lines")?;
        Ok(PlaceOrder {
            site: text(&place.site).at("site")?,
            code: text(&place.order_code).at("order_code")?,
            chain: text(&place.chain).at("chain")?,
            due: day(&place.due_date).at("due_date")?,
            lines: each(&place.lines, line).at("lines")?,
        })
    };
    read().map(Action::PlaceOrder).at("place_order")
}

pub(super) fn close_order(close: &proto::CloseOrder) -> Result<Action, Undecodable> {
    let read = || {
        Ok::<_, Undecodable>(CloseOrder {
            order: required(&close.order).and_then(order_reference).at("order")?,
            reason: as_typed(&close.reason).map(Box::from).at("reason")?,
        })
    };
    read().map(Action::CloseOrder).at("close_order")
}

pub(super) fn order_reference(order: &proto::OrderReference) -> Result<OrderReference, Undecodable> {
    let named = !(order.buyer.is_empty() && order.order_code.is_empty());
    match (order.order_id.is_empty(), named) {
        (false, false) => uuid(&order.order_id).map(OrderReference::Id).at("order_id"),
        (false, true) => Err(Undecodable::here("says both its id and what names it; say one")),
        (true, _) if order.order_code.is_empty() => {
            Err(Undecodable::here("is missing; give the order's code, or its id")).at("order_code")
        }
        (true, _) => {
            Ok(OrderReference::Named { buyer: text(&order.buyer).at("buyer")?, code: text(&order.order_code).at("order_code")? })
        }
    }
}
