//! Harvest: a lot begins at a producing site.

use super::Harvest;
use super::deciding::{Deciding, Naming, TimedFact, malformed};
use crate::event::registry::{Product, Site};
use crate::event::{Amount, Fact, Harvested, HouseholdShare, Lot};
use crate::quantity::Milli;
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
    let households = households(deciding, harvest, &amount, &product)?;
    let (site, plot) = (site.code.clone(), harvest.plot.clone());
    Ok(vec![(Fact::Harvested(Harvested { lot, site, amount, plot, households }), None)])
}

/// Who brought the goods that are commingled in a lot. Where all parts were weighed, they are the lot.
fn households(
    deciding: &Deciding<'_>,
    harvest: &Harvest,
    amount: &Amount,
    product: &Product,
) -> Result<Vec<HouseholdShare>, Refusal> {
    let mut shares: Vec<HouseholdShare> = Vec::new();
    for (index, (household, quantity)) in harvest.households.iter().enumerate() {
        let field = format!("harvest.households[{index}]");
        is_reference(&format!("{field}.household"), household)?;
        if shares.iter().any(|share| share.household == *household) {
            return Err(malformed(&format!("{field}.household"), &format!("{household:?} is named twice; sum its parts")));
        }
        let quantity = match quantity {
            Some(quantity) => deciding.amount(&format!("{field}.quantity"), quantity, product)?.quantity,
            None => Milli::ZERO,
        };
        shares.push(HouseholdShare { household: household.clone(), quantity });
    }
    let sum: i128 = shares.iter().map(|share| i128::from(share.quantity.0)).sum();
    let all_weighed = !shares.is_empty() && shares.iter().all(|share| share.quantity != Milli::ZERO);
    let whole = i128::from(amount.quantity.0);
    if sum > whole || (all_weighed && sum != whole) {
        let sum = Milli(i64::try_from(sum).unwrap_or(i64::MAX));
        let problem =
            format!("bring {sum} together, and the lot is {}; weigh again, or leave out what was not weighed", amount.quantity);
        return Err(malformed("harvest.households", &problem));
    }
    Ok(shares)
}

/// Longest reference to a household.
const REFERENCE: usize = 40;

/// A person is named by a reference only: an event can never be deleted.
fn is_reference(field: &str, given: &str) -> Result<(), Refusal> {
    let is_code = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
    let digits = given.chars().filter(char::is_ascii_digit).count();
    let is_phone = digits >= 9 && digits == given.len();
    if given.is_empty() || given.len() > REFERENCE || !given.chars().all(is_code) || is_phone {
        let problem = format!(
            "{given:?} is no reference: 1 to {REFERENCE} of letters without marks, digits, '-', '_', '.' and '/', never a name or a phone number"
        );
        return Err(malformed(field, &problem));
    }
    Ok(())
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
