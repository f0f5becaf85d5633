//! Place an order and close it. It moves no goods and binds nobody: a dispatch that serves it says so, and how far it was filled is
//! read from there.

use super::deciding::{Deciding, TimedFact, malformed};
use super::{OrderReference, Quantity};
use crate::event::{Fact, OrderClosed, Ordered, OrderedLine};
use crate::id::{OrderId, OrganizationCode, ShipmentCode};
use crate::refusal::Refusal;
use crate::state::order::Order;
use crate::time::BusinessDay;
use std::collections::BTreeSet;
use std::sync::Arc;

/// A site orders goods of a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlaceOrder {
    /// Site that wants the goods.
    pub site: String,
    /// The buyer's code for it; empty for the command's id.
    pub code: String,
    /// Chain that is asked for them.
    pub chain: String,
    /// Day by which.
    pub due: BusinessDay,
    /// Products, each once, and how much of them.
    pub lines: Vec<(String, Quantity)>,
}

/// Nothing more is sent for an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloseOrder {
    /// Which.
    pub order: OrderReference,
    /// Why.
    pub reason: Box<str>,
}

pub(super) fn place(deciding: &mut Deciding<'_>, place: &PlaceOrder) -> Result<Vec<TimedFact>, Refusal> {
    let site = deciding.own_site("place_order.site", &place.site)?;
    deciding.takes_goods_on(&site, place.due)?;
    let code = deciding.own_code(&place.code, |fact| match fact {
        Fact::Ordered(ordered) => Some(&ordered.code),
        _ => None,
    });
    let code = read_code("place_order.order_code", &code)?;
    let known = deciding.state.registry().organizations.codes(deciding.context.organization);
    let known = known.iter().filter_map(|buyer| deciding.state.order(OrderId::derive(buyer, &code)));
    if let Some(by) = known.filter_map(|known| known.placed.clone()).next() {
        return Err(Refusal::OrderExists { order: code.to_string(), by });
    }
    let chain = deciding.named(&deciding.state.registry().chains, "place_order.chain", &place.chain)?;
    if place.due < deciding.day() {
        let problem = format!("{} is before {}, the day of the order", place.due, deciding.day());
        return Err(malformed("place_order.due_date", &problem));
    }
    let (mut lines, mut products) = (Vec::new(), BTreeSet::new());
    for (index, (given, quantity)) in place.lines.iter().enumerate() {
        let field = format!("place_order.lines[{index}]");
        let product = deciding.product(&format!("{field}.product"), given)?;
        let amount = deciding.amount(&format!("{field}.quantity"), quantity, &product)?;
        if !products.insert(product.code.clone()) {
            let problem = format!("{} stands in an earlier line too; say each product once", product.code);
            return Err(malformed(&format!("{field}.product"), &problem));
        }
        lines.push(OrderedLine { product: product.code.clone(), amount });
    }
    let order = OrderId::derive(deciding.context.organization, &code);
    let ordered = Ordered { order, code, site: site.code.clone(), chain: chain.code.clone(), due: place.due, lines };
    Ok(vec![(Fact::Ordered(ordered), None)])
}

pub(super) fn close(deciding: &mut Deciding<'_>, close: &CloseOrder) -> Result<Vec<TimedFact>, Refusal> {
    let (id, order) = find(deciding, "close_order.order", &close.order)?;
    if let Some((by, _)) = &order.closed {
        return Err(Refusal::OrderIsClosed { order: order.name.clone(), by: by.clone() });
    }
    let site = deciding.known_site(&order.site)?;
    if let Err(refusal) = deciding.runs(&site) {
        // The chain that was asked may decline.
        let registry = deciding.state.registry();
        let leads = registry
            .chains
            .on(&order.chain, deciding.day())
            .is_some_and(|chain| registry.organizations.same(&chain.lead, deciding.context.organization));
        if !leads {
            return Err(refusal);
        }
    }
    Ok(vec![(Fact::OrderClosed(OrderClosed { order: id, site: order.site.clone(), reason: close.reason.clone() }), None)])
}

/// An order that was placed; of several under one name the one that is not closed.
pub(super) fn find(deciding: &Deciding<'_>, field: &str, given: &OrderReference) -> Result<(OrderId, Arc<Order>), Refusal> {
    let ids: Vec<OrderId> = match given {
        OrderReference::Id(id) => vec![OrderId(*id)],
        OrderReference::Named { buyer, code } => {
            let code = read_code(&format!("{field}.order_code"), code)?;
            let buyer = match buyer.trim() {
                "" => deciding.context.organization.clone(),
                given => buyer_code(deciding, &format!("{field}.buyer"), given)?,
            };
            let codes = deciding.state.registry().organizations.codes(&buyer);
            codes.iter().map(|buyer| OrderId::derive(buyer, &code)).collect()
        }
    };
    let known: Vec<(OrderId, Arc<Order>)> = ids
        .into_iter()
        .filter_map(|id| Some((id, deciding.state.order(id)?)))
        .filter(|(_, order)| order.placed.is_some())
        .collect();
    let open = known.iter().find(|(_, order)| order.closed.is_none());
    open.or(known.first()).cloned().ok_or_else(|| Refusal::NoOrder { field: field.to_owned(), order: given.to_string() })
}

fn buyer_code(deciding: &Deciding<'_>, field: &str, given: &str) -> Result<OrganizationCode, Refusal> {
    deciding.named(&deciding.state.registry().organizations, field, given).map(|found| found.code.clone())
}

fn read_code(field: &str, text: &str) -> Result<ShipmentCode, Refusal> {
    ShipmentCode::parse(text).map_err(|source| Refusal::BadCode { field: field.to_owned(), source })
}
