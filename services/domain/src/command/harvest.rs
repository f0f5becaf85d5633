//! Harvest: a lot begins at a producing site.

use super::Harvest;
use super::deciding::{Deciding, Naming, TimedFact, malformed};
use crate::event::registry::{Product, Site};
use crate::event::{Fact, Harvested, Lot};
use crate::refusal::Refusal;
use crate::time::{BusinessDay, Precision};

pub(super) fn decide(deciding: &mut Deciding<'_>, harvest: &Harvest) -> Result<Vec<TimedFact>, Refusal> {
    let site = deciding.own_site("harvest.site", &harvest.site)?;
    producing(deciding, &site, "a lot begins")?;
    deciding.takes_goods(&site)?;
    let (mut lot, product) = deciding.new_lot("harvest.lot", &harvest.lot, &site, Naming::Own)?;
    begins_now(deciding, &lot)?;
    let amount = deciding.amount("harvest.quantity", &harvest.quantity, &product)?;
    lot.harvest_day = Some(deciding.day());
    lot.harvest_time = (deciding.time.precision == Precision::Moment).then_some(deciding.time.instant);
    lot.expiry = expiry(deciding, "harvest.lot", &lot, &product)?;
    Ok(vec![(Fact::Harvested(Harvested { lot, site: site.code.clone(), amount, plot: harvest.plot.clone() }), None)])
}

/// Lots begin where goods are grown or made.
pub(super) fn producing(deciding: &Deciding<'_>, site: &Site, what: &'static str) -> Result<(), Refusal> {
    if site.kind.is_producing() {
        return Ok(());
    }
    Err(Refusal::WrongKindOfSite {
        site: deciding.state.registry().sites.describe(&site.code),
        kind: site.kind.as_str(),
        what,
        allowed: "farms, livestock farms, aquafarms, packing houses, processors and slaughterhouses",
    })
}

/// A lot is begun once.
pub(super) fn begins_now(deciding: &Deciding<'_>, lot: &Lot) -> Result<(), Refusal> {
    match deciding.state.lot(lot.id).and_then(|known| known.begun.clone().map(|by| (known.name(), by))) {
        Some((lot, by)) => Err(Refusal::LotBegun { lot, by }),
        None => Ok(()),
    }
}

/// Last day on which a lot that is made now may be sold: as said, or by the product's shelf life.
pub(super) fn expiry(deciding: &Deciding<'_>, field: &str, lot: &Lot, product: &Product) -> Result<Option<BusinessDay>, Refusal> {
    match lot.expiry {
        Some(expiry) if expiry < deciding.day() => {
            let problem = format!("{expiry} lies before {}, when the lot is made; check day and month", deciding.day());
            Err(malformed(&format!("{field}.expiry_date"), &problem))
        }
        Some(expiry) => Ok(Some(expiry)),
        None if product.shelf_life_days == 0 => Ok(None),
        // A shelf life beyond the calendar is no expiry at all.
        None => Ok(i32::try_from(product.shelf_life_days).ok().map(|days| deciding.day().plus(days))),
    }
}
