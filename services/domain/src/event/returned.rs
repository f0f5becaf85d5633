//! Goods that come back: from a consumer, or with a truck that turned round.

use super::LotAmount;
use crate::id::{ShipmentId, SiteCode};

/// Why a consumer brings goods back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReturnReason {
    /// Not said.
    Unspecified,
    /// Quality below what was expected.
    Quality,
    /// Damaged goods or packing.
    Damaged,
    /// Past its expiry day.
    Expired,
    /// Recalled.
    Recalled,
    /// Not what was meant.
    WrongGoods,
}

/// A consumer brings goods back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomerReturned {
    /// Where.
    pub site: SiteCode,
    /// What.
    pub lines: Vec<LotAmount>,
    /// Why.
    pub reason: ReturnReason,
}

/// A shipment, or what is still on its way of it, does not arrive: it is back where it left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShipmentCancelled {
    /// The shipment.
    pub shipment: ShipmentId,
    /// The site that it had left.
    pub site: SiteCode,
    /// What came back.
    pub lines: Vec<LotAmount>,
    /// Why, as typed.
    pub reason: Box<str>,
}
