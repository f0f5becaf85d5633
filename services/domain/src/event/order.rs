//! Orders: what a site wants of a chain, and by when. They move nothing; what is sent for them says so.

use super::Amount;
use crate::id::{ChainCode, OrderId, ProductCode, ShipmentCode, SiteCode};
use crate::time::BusinessDay;

/// A site ordered goods of a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ordered {
    /// Derived from the buyer and its code.
    pub order: OrderId,
    /// The buyer's code for it.
    pub code: ShipmentCode,
    /// Site that wants the goods.
    pub site: SiteCode,
    /// Chain that is asked for them.
    pub chain: ChainCode,
    /// Day by which.
    pub due: BusinessDay,
    /// How much of which products; each product once.
    pub lines: Vec<OrderedLine>,
}

/// How much of a product is ordered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderedLine {
    /// The product.
    pub product: ProductCode,
    /// How much.
    pub amount: Amount,
}

/// Nothing more is sent for an order: the buyer gave it up, or the chain declined it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderClosed {
    /// Which.
    pub order: OrderId,
    /// Site that wanted the goods.
    pub site: SiteCode,
    /// Why, as typed.
    pub reason: Box<str>,
}
