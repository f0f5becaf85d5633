//! Logistic units: lots in a crate, crates on a pallet. None of it moves goods; a unit is shipped as a whole.

use super::LotAmount;
use crate::id::{SiteCode, Sscc};

/// What goes into a logistic unit, or comes out of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packed {
    /// The unit.
    pub sscc: Sscc,
    /// Where.
    pub site: SiteCode,
    /// Lots.
    pub lines: Vec<LotAmount>,
    /// Units inside it.
    pub units: Vec<Sscc>,
}
