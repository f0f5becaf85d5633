//! Pack and unpack: what goes into a logistic unit and comes out of it. It moves no goods; what is in a unit is there, and where
//! the unit is.

use super::LotLine;
use super::deciding::{Deciding, TimedFact, malformed};
use crate::event::registry::Site;
use crate::event::{Amount, Fact, LotAmount, Packed};
use crate::id::{LotId, Sscc};
use crate::quantity::Milli;
use crate::refusal::Refusal;
use crate::state::Holder;
use std::collections::BTreeMap;

/// Goods go into a logistic unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pack {
    /// Where.
    pub site: String,
    /// The unit: its SSCC.
    pub sscc: String,
    /// Lots that go in.
    pub lines: Vec<LotLine>,
    /// Units that go in: their SSCCs.
    pub units: Vec<String>,
}

/// Goods come out of a logistic unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unpack {
    /// Where.
    pub site: String,
    /// The unit: its SSCC.
    pub sscc: String,
    /// What comes out.
    pub extent: UnitExtent,
}

/// Some of a unit, or everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UnitExtent {
    /// Lots and units, by their SSCCs.
    Some(Vec<LotLine>, Vec<String>),
    /// Everything that is directly in it.
    Everything,
}

pub(super) fn pack(deciding: &mut Deciding<'_>, pack: &Pack) -> Result<Vec<TimedFact>, Refusal> {
    let site = deciding.own_site("pack.site", &pack.site)?;
    let sscc = sscc("pack.sscc", &pack.sscc)?;
    is_here(deciding, &sscc, &site)?;
    if pack.lines.is_empty() && pack.units.is_empty() {
        return Err(malformed("pack.lines", "is empty; name the lots or the units that go in"));
    }
    let lines = lines(deciding, "pack.lines", &pack.lines, &site)?;
    let holder = Holder::Site(site.code.clone());
    let mut packed: BTreeMap<LotId, Milli> =
        deciding.state.unit(&sscc).iter().flat_map(|unit| unit.lots().collect::<Vec<_>>()).collect();
    for line in &lines {
        let sum = packed.entry(line.lot).or_default();
        *sum = Milli(sum.0.saturating_add(line.amount.quantity.0));
        let there = deciding.state.held(line.lot, &holder);
        if *sum > there {
            let (place, lot, asked) = (holder.clone().into(), deciding.name_of(line.lot)?, *sum);
            deciding.refuse_or_mark(Refusal::NotEnough { place, lot, day: deciding.day(), there, asked })?;
        }
    }
    let mut units = Vec::new();
    for (index, given) in pack.units.iter().enumerate() {
        let field = format!("pack.units[{index}]");
        let inner = self::sscc(&field, given)?;
        let Some(known) = deciding.state.unit(&inner) else { return Err(unknown(&field, &inner)) };
        is_here(deciding, &inner, &site)?;
        if let Some(outer) = known.within() {
            return Err(Refusal::UnitInside { sscc: inner.clone(), outer: outer.clone() });
        }
        if deciding.state.nested(&inner).contains(&sscc) {
            return Err(malformed(&field, &format!("holds {sscc} itself; a unit does not go into itself")));
        }
        if !units.contains(&inner) {
            units.push(inner);
        }
    }
    Ok(vec![(Fact::Packed(Packed { sscc, site: site.code.clone(), lines, units }), None)])
}

pub(super) fn unpack(deciding: &mut Deciding<'_>, unpack: &Unpack) -> Result<Vec<TimedFact>, Refusal> {
    let site = deciding.own_site("unpack.site", &unpack.site)?;
    let sscc = sscc("unpack.sscc", &unpack.sscc)?;
    let Some(unit) = deciding.state.unit(&sscc) else { return Err(unknown("unpack.sscc", &sscc)) };
    is_here(deciding, &sscc, &site)?;
    let (lines, units) = match &unpack.extent {
        UnitExtent::Everything => {
            let lines: Vec<_> = unit.lots().map(|(lot, quantity)| LotAmount { lot, amount: Amount::from(quantity) }).collect();
            (lines, unit.units().cloned().collect::<Vec<_>>())
        }
        UnitExtent::Some(given, inner) => {
            let lines = lines(deciding, "unpack.lines", given, &site)?;
            let mut left: BTreeMap<LotId, Milli> = unit.lots().collect();
            for line in &lines {
                let there = left.get(&line.lot).copied().unwrap_or_default();
                let asked = line.amount.quantity;
                if asked > there {
                    return Err(Refusal::NotInUnit { sscc, what: deciding.name_of(line.lot)?.to_string(), there, asked });
                }
                left.insert(line.lot, Milli(there.0 - asked.0));
            }
            let inner = inner.iter().enumerate().map(|(index, given)| {
                let inner = self::sscc(&format!("unpack.units[{index}]"), given)?;
                if unit.units().any(|known| *known == inner) {
                    return Ok(inner);
                }
                let (what, there, asked) = (format!("unit {inner}"), Milli::ZERO, Milli(1_000));
                Err(Refusal::NotInUnit { sscc: sscc.clone(), what, there, asked })
            });
            (lines, inner.collect::<Result<Vec<_>, _>>()?)
        }
    };
    if lines.is_empty() && units.is_empty() {
        return Err(malformed("unpack.sscc", &format!("{sscc} is empty; nothing comes out of it")));
    }
    Ok(vec![(Fact::Unpacked(Packed { sscc, site: site.code.clone(), lines, units }), None)])
}

/// What leaves as a whole: everything in a unit that is known, which has to be what the lines say where there are any. None where
/// the unit is not known: then the lines say it.
pub(super) fn shipped(
    deciding: &Deciding<'_>,
    given: &str,
    site: &Site,
    lines: &BTreeMap<LotId, Milli>,
) -> Result<Option<BTreeMap<LotId, Milli>>, Refusal> {
    let sscc = sscc("dispatch.sscc", given)?;
    let Some(unit) = deciding.state.unit(&sscc) else { return Ok(None) };
    is_here(deciding, &sscc, site)?;
    if let Some(outer) = unit.within() {
        return Err(Refusal::UnitInside { sscc, outer: outer.clone() });
    }
    let contents = deciding.state.contents(&sscc);
    if contents.is_empty() {
        return Ok(None);
    }
    let differs = contents.keys().chain(lines.keys()).find(|lot| contents.get(lot) != lines.get(lot));
    if let (false, Some(lot)) = (lines.is_empty(), differs) {
        let quantity = |of: &BTreeMap<LotId, Milli>| of.get(lot).copied().unwrap_or_default();
        let (there, asked) = (quantity(&contents), quantity(lines));
        return Err(Refusal::UnitNotWhole { sscc, lot: deciding.name_of(*lot)?, there, asked });
    }
    Ok(Some(contents))
}

fn sscc(field: &str, given: &str) -> Result<Sscc, Refusal> {
    Sscc::parse(given).map_err(|source| Refusal::BadCode { field: field.to_owned(), source })
}

fn unknown(field: &str, sscc: &Sscc) -> Refusal {
    Refusal::Unknown { field: field.to_owned(), what: "logistic unit", value: sscc.to_string(), nearest: Vec::new() }
}

/// A unit is packed, unpacked and sent where it is.
fn is_here(deciding: &Deciding<'_>, sscc: &Sscc, site: &Site) -> Result<(), Refusal> {
    let sites = &deciding.state.registry().sites;
    let place = match deciding.state.place_of_unit(sscc) {
        None => return Ok(()),
        Some(Holder::Site(at)) if sites.same(&at, &site.code) => return Ok(()),
        // An empty unit may have been carried anywhere.
        Some(Holder::Site(_)) if deciding.state.contents(sscc).is_empty() => return Ok(()),
        Some(Holder::Site(at)) => sites.describe(&at),
        Some(Holder::Shipment(shipment)) => {
            deciding.state.shipment(shipment).map_or_else(|| shipment.to_string(), |known| format!("shipment {}", known.name))
        }
    };
    Err(Refusal::UnitElsewhere { sscc: sscc.clone(), place, site: sites.describe(&site.code) })
}

fn lines(deciding: &Deciding<'_>, field: &str, given: &[LotLine], site: &Site) -> Result<Vec<LotAmount>, Refusal> {
    let holder = Holder::Site(site.code.clone());
    let line = |(index, line): (usize, &LotLine)| {
        let (lot, amount) = deciding.line(&format!("{field}[{index}]"), line, Some(&holder))?;
        Ok(LotAmount { lot, amount })
    };
    given.iter().enumerate().map(line).collect()
}
