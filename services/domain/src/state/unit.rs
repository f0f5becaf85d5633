//! Logistic units: what is in them, and where they are.

use super::{Holder, State};
use crate::event::Packed;
use crate::id::{LotId, ShipmentId, SiteCode, Sscc};
use crate::quantity::Milli;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A logistic unit.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Unit {
    /// Where it was packed last.
    pub site: SiteCode,
    /// Lots that went in less those that came out, in thousandths; the order of voids does not matter to a sum.
    contents: BTreeMap<LotId, i64>,
    /// Units that went in, less those that came out.
    units: BTreeMap<Sscc, i32>,
    /// Units that it went into, less those that it came out of.
    within: BTreeMap<Sscc, i32>,
    /// The shipment that it left with last.
    pub shipment: Option<ShipmentId>,
}

impl Unit {
    /// Lots directly in it.
    pub fn lots(&self) -> impl Iterator<Item = (LotId, Milli)> {
        self.contents.iter().filter(|(_, milli)| **milli > 0).map(|(lot, milli)| (*lot, Milli(*milli)))
    }

    /// Units directly in it.
    pub fn units(&self) -> impl Iterator<Item = &Sscc> {
        self.units.iter().filter(|(_, times)| **times > 0).map(|(unit, _)| unit)
    }

    /// The unit that it is in.
    pub fn within(&self) -> Option<&Sscc> {
        self.within.iter().find(|(_, times)| **times > 0).map(|(unit, _)| unit)
    }
}

impl State {
    /// A logistic unit.
    pub fn unit(&self, sscc: &Sscc) -> Option<Arc<Unit>> {
        self.units.get(sscc)
    }

    /// Every lot in a unit, through all units in it.
    pub fn contents(&self, sscc: &Sscc) -> BTreeMap<LotId, Milli> {
        let mut all: BTreeMap<LotId, Milli> = BTreeMap::new();
        for unit in self.nested(sscc) {
            for (lot, quantity) in self.unit(&unit).iter().flat_map(|unit| unit.lots().collect::<Vec<_>>()) {
                let sum = all.entry(lot).or_default();
                *sum = Milli(sum.0.saturating_add(quantity.0));
            }
        }
        all
    }

    /// A unit and all units in it.
    pub fn nested(&self, sscc: &Sscc) -> BTreeSet<Sscc> {
        let (mut all, mut next) = (BTreeSet::new(), vec![sscc.clone()]);
        while let Some(sscc) = next.pop() {
            if let Some(unit) = self.unit(&sscc)
                && all.insert(sscc)
            {
                next.extend(unit.units().cloned());
            }
        }
        all
    }

    /// Where a unit is: at a site, or on a shipment that still carries something.
    pub fn place_of_unit(&self, sscc: &Sscc) -> Option<Holder> {
        let (mut sscc, mut seen) = (sscc.clone(), BTreeSet::new());
        let unit = loop {
            let unit = self.unit(&sscc)?;
            match unit.within() {
                Some(outer) if seen.insert(outer.clone()) => sscc = outer.clone(),
                _ => break unit,
            }
        };
        let Some(shipment) = unit.shipment else { return Some(Holder::Site(unit.site.clone())) };
        let known = self.shipment(shipment)?;
        let holder = Holder::Shipment(shipment);
        if known.lines.keys().any(|lot| self.held(*lot, &holder) > Milli::ZERO) {
            return Some(holder);
        }
        // Nobody took it in: it goes back whole.
        let went_back = known.lines.iter().all(|(_, line)| line.back >= line.sent);
        let end = known.dispatched.as_ref().map(|departure| if went_back { &departure.from } else { &departure.to });
        Some(Holder::Site(end.unwrap_or(&unit.site).clone()))
    }

    pub(super) fn note_packed(&mut self, packed: &Packed, goes_in: bool) {
        let sign = if goes_in { 1 } else { -1 };
        let unit = self.unit_mut(&packed.sscc, &packed.site);
        for line in &packed.lines {
            *unit.contents.entry(line.lot).or_default() += sign * line.amount.quantity.0;
        }
        for inner in &packed.units {
            *unit.units.entry(inner.clone()).or_default() += sign as i32;
        }
        if goes_in {
            // Whoever packs it has it before him.
            (unit.site, unit.shipment) = (packed.site.clone(), None);
        }
        for inner in &packed.units {
            let inner = self.unit_mut(inner, &packed.site);
            *inner.within.entry(packed.sscc.clone()).or_default() += sign as i32;
            (inner.site, inner.shipment) = (packed.site.clone(), None);
        }
    }

    pub(super) fn note_unit_left(&mut self, sscc: &str, shipment: ShipmentId, holds: bool) {
        let Ok(sscc) = Sscc::parse(sscc) else { return };
        let Some(unit) = self.units.get_mut(&sscc) else { return };
        Arc::make_mut(unit).shipment = holds.then_some(shipment);
    }

    fn unit_mut(&mut self, sscc: &Sscc, site: &SiteCode) -> &mut Unit {
        let new = || {
            let (contents, units, within) = Default::default();
            Arc::new(Unit { site: site.clone(), contents, units, within, shipment: None })
        };
        Arc::make_mut(self.units.get_or_insert_with(sscc.clone(), new))
    }
}
