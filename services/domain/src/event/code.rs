//! Traceability codes: what stands on goods and names them to whoever scans it. They move nothing.

use crate::id::{DistrictCode, LotId, ProductCode, TraceCode};

/// A code was issued by the organization that said so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeIssued {
    /// Derived from the command.
    pub code: TraceCode,
    /// Product that it stands on.
    pub product: ProductCode,
    /// Lot that it stands on; none for all of the product.
    pub lot: Option<LotId>,
}

/// A code was revoked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeRevoked {
    /// Which.
    pub code: TraceCode,
    /// Why, as typed.
    pub reason: Box<str>,
}

/// How often a code was scanned somewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scan {
    /// Which.
    pub code: TraceCode,
    /// Where, as far as anybody knows.
    pub district: Option<DistrictCode>,
    /// How often.
    pub count: i64,
}

/// Codes were scanned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodesScanned {
    /// Counts.
    pub scans: Vec<Scan>,
}
