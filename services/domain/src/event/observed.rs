//! What somebody saw and what moves nothing: temperatures, inspections, samples, certificates.

use crate::id::{LotId, ShipmentId, SiteCode, Sscc};

/// What was observed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ObservationKind {
    /// A temperature was read.
    Temperature,
    /// Somebody inspected.
    Inspection,
    /// A sample was tested.
    Sample,
    /// A certificate was looked at.
    CertificateCheck,
    /// Anything else.
    Other,
    /// A plot was treated.
    Treatment,
}

/// Whether what was seen is as it should be (CBV: conformant, non_conformant).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Finding {
    /// Not said.
    Unspecified,
    /// As it should be.
    Conformant,
    /// Not as it should be.
    NonConformant,
}

/// A temperature, and between which it has to lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Temperature {
    /// Thousandths of a degree Celsius.
    pub milli_celsius: i32,
    /// The lowest allowed, likewise: as said, or as the products are stored.
    pub min_milli_celsius: Option<i32>,
    /// The highest allowed, likewise.
    pub max_milli_celsius: Option<i32>,
}

impl Temperature {
    /// Whether it lies beyond what is allowed.
    pub fn is_breach(&self) -> bool {
        self.min_milli_celsius.is_some_and(|min| self.milli_celsius < min)
            || self.max_milli_celsius.is_some_and(|max| self.milli_celsius > max)
    }
}

/// A plot was treated with what has a waiting time before harvest.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Treatment {
    /// Reference to the plot or barn, as harvests name it.
    pub plot: Box<str>,
    /// Days that have to pass before a harvest.
    pub waiting_days: u16,
}

/// Something was observed, of at least one of these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    /// At a site.
    pub site: Option<SiteCode>,
    /// Of a shipment.
    pub shipment: Option<ShipmentId>,
    /// Of a logistic unit.
    pub sscc: Option<Sscc>,
    /// Of lots.
    pub lots: Vec<LotId>,
    /// What.
    pub kind: ObservationKind,
    /// In words: which test, which certificate.
    pub what: Box<str>,
    /// Number of the report, sample or certificate.
    pub reference: Option<Box<str>>,
    /// What came out.
    pub finding: Finding,
    /// The temperature.
    pub temperature: Option<Temperature>,
    /// The treatment of a plot at the site.
    pub treatment: Option<Treatment>,
}
