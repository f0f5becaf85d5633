//! Orders, as they are said on the command line.

use clap::Args;
use wire::proto::chuoi::record::v1 as record;
use wire::proto::chuoi::record::v1::command::Action;
use wire::proto::chuoi::record::v1::{OrderLine, OrderReference};

use super::facts::Recordable;
use super::typed;

/// A site orders goods of a chain.
#[derive(Args, Clone, Debug)]
pub struct Order {
    /// Site that wants the goods: code, GLN or name
    #[arg(long)]
    pub site: String,
    /// Chain that is asked for them: code or name
    #[arg(long)]
    pub chain: String,
    /// Day by which
    #[arg(long, value_name = "DAY", value_parser = typed::date)]
    pub due: String,
    /// Which product and how much; once for each product
    #[arg(long = "line", value_name = "PRODUCT=QUANTITY", required = true, value_parser = line)]
    pub lines: Vec<OrderLine>,
    /// Your code for it, for example its number [default: the command's id]
    #[arg(long, default_value = "", hide_default_value = true)]
    pub code: String,
}

/// Nothing more is sent for an order.
#[derive(Args, Clone, Debug)]
pub struct CloseOrder {
    /// Order: CODE, BUYER/CODE or its id
    #[arg(value_parser = reference)]
    pub order: OrderReference,
    /// Why
    #[arg(long)]
    pub reason: String,
}

/// An order: `CODE`, `BUYER/CODE` or its id.
pub fn reference(text: &str) -> Result<OrderReference, String> {
    let named = typed::shipment(text).map_err(|error| error.replace("shipment", "order").replace("ISSUER", "BUYER"))?;
    Ok(OrderReference { order_id: named.shipment_id, buyer: named.issuer, order_code: named.shipment_code })
}

/// How much of a product: `PRODUCT=QUANTITY`.
fn line(text: &str) -> Result<OrderLine, String> {
    let (product, much) = text
        .rsplit_once('=')
        .ok_or_else(|| format!("{text:?} says no quantity: say PRODUCT=QUANTITY, for example PK0002=\"12,5 kg\""))?;
    Ok(OrderLine { product: product.trim().to_owned(), quantity: Some(typed::quantity(much)?) })
}

impl Recordable for Order {
    fn action(&self) -> Action {
        Action::PlaceOrder(record::PlaceOrder {
            site: self.site.clone(),
            order_code: self.code.clone(),
            chain: self.chain.clone(),
            due_date: self.due.clone(),
            lines: self.lines.clone(),
        })
    }
}

impl Recordable for CloseOrder {
    fn action(&self) -> Action {
        Action::CloseOrder(record::CloseOrder { order: Some(self.order.clone()), reason: self.reason.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_named_by_its_buyer_and_code_and_its_lines_by_product() {
        let named = reference("DV-SM001/DDH-12").unwrap();
        assert_eq!((named.buyer.as_str(), named.order_code.as_str()), ("DV-SM001", "DDH-12"));
        assert!(reference("  ").unwrap_err().contains("names no order"));
        let ordered = line("Rau muống=\"1,5 tạ\"".replace('"', "").as_str()).unwrap();
        assert_eq!((ordered.product.as_str(), ordered.quantity.unwrap().value_milli), ("Rau muống", 1_500));
        assert!(line("PK0002").unwrap_err().contains("PRODUCT=QUANTITY"));
    }
}
