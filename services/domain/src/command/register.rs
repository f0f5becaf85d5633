//! Register: a fact of the registry, said by the authority that keeps it. What it refers to is known already; numbers that GS1
//! gave are checked; a unit in which stock is counted never changes.

use super::deciding::malformed;
use super::{Context, Point, When};
use crate::event::registry::{Capacity, Chain, Member, Membership, Organization, Product, Site};
use crate::event::{Event, Fact, RegistryFact};
use crate::id::is_gs1_key;
use crate::quantity::Milli;
use crate::refusal::Refusal;
use crate::state::State;
use crate::state::registry::{Book, Registry, Thing};
use crate::text;
use crate::time::{BusinessDay, Precision};
use crate::unit::{BaseUnit, MarketUnit};

/// A fact of the registry holds from its day on; that day may lie ahead.
pub(super) fn decide(state: &State, context: &Context<'_>, when: Option<&When>, fact: &RegistryFact) -> Result<Event, Refusal> {
    if context.organization != state.authority() {
        return Err(Refusal::NotTheAuthority {
            organization: context.organization.clone(),
            authority: state.authority().clone(),
        });
    }
    let Some(When { point, typed }) = when else {
        return Err(malformed("header.when", "is missing; give the date from which the fact holds"));
    };
    let day = match point {
        Point::Moment { instant, .. } => state.calendar().day(*instant),
        Point::Date { day, .. } => *day,
    };
    check(state.registry(), day, fact)?;
    let time = state.calendar().day_time(day, Precision::Day, typed.clone());
    Ok(Event { time, violations: Vec::new(), fact: Fact::Registered(fact.clone()) })
}

fn check(registry: &Registry, day: BusinessDay, fact: &RegistryFact) -> Result<(), Refusal> {
    match fact {
        RegistryFact::District(district) => named("register.district.name", &district.name),
        RegistryFact::Organization(organization) => check_organization(registry, organization),
        RegistryFact::Site(site) => check_site(registry, day, site),
        RegistryFact::Product(product) => check_product(registry, day, product),
        RegistryFact::Chain(chain) => check_chain(registry, day, chain),
        RegistryFact::MemberJoined(membership) => check_membership(registry, day, "register.member_joined", membership),
        RegistryFact::MemberLeft(membership) => {
            check_membership(registry, day, "register.member_left", membership)?;
            let chains = registry.chains_of(&membership.member, day);
            if !chains.contains(&membership.chain) {
                let problem = format!("it does not belong to chain {} on {day}, so it cannot leave it", membership.chain);
                return Err(contradiction("register.member_left", problem));
            }
            Ok(())
        }
        RegistryFact::Capacity(capacity) => check_capacity(registry, day, capacity),
    }
}

fn check_organization(registry: &Registry, organization: &Organization) -> Result<(), Refusal> {
    named("register.organization.name", &organization.name)?;
    number("register.organization.gln", organization.gln.as_deref(), 13, &registry.organizations, organization)
}

fn check_site(registry: &Registry, day: BusinessDay, site: &Site) -> Result<(), Refusal> {
    named("register.site.name", &site.name)?;
    number("register.site.gln", site.gln.as_deref(), 13, &registry.sites, site)?;
    registry.organizations.find("register.site.organization_code", site.organization.as_str(), day)?;
    registry.districts.find("register.site.district_code", site.district.as_str(), day)?;
    within("register.site.latitude_e6", site.latitude_e6.into(), -90_000_000, 90_000_000)?;
    within("register.site.longitude_e6", site.longitude_e6.into(), -180_000_000, 180_000_000)
}

fn check_product(registry: &Registry, day: BusinessDay, product: &Product) -> Result<(), Refusal> {
    named("register.product.name", &product.name)?;
    number("register.product.gtin", product.gtin.as_deref(), 14, &registry.products, product)?;
    match (&product.gtin, &product.brand_owner) {
        (Some(_), None) => {
            return Err(malformed("register.product.brand_owner_code", "is missing; a GTIN has one brand owner: give it"));
        }
        (_, Some(owner)) => {
            registry.organizations.find("register.product.brand_owner_code", owner.as_str(), day)?;
        }
        (None, None) => {}
    }
    if let Some(known) = registry.products.latest(&product.code)
        && known.base_unit != product.base_unit
    {
        let problem = format!(
            "product {} is counted in {}; its unit never changes: register another product for {}",
            product.code, known.base_unit, product.base_unit
        );
        return Err(contradiction("register.product.base_unit", problem));
    }
    for (field, value) in [("mass_gram", product.mass_gram), ("pieces", product.pieces), ("content_milli", product.content_milli)]
    {
        within(&format!("register.product.{field}"), value, 0, Milli::MAX_LINE.0)?;
    }
    within("register.product.ocop_group", product.ocop_group.into(), 0, 6)?;
    within("register.product.shelf_life_days", product.shelf_life_days.into(), 0, 36_525)?;
    if let (Some(min), Some(max)) = (product.temperature_min_celsius, product.temperature_max_celsius)
        && min > max
    {
        let problem = format!("the lowest temperature {min} is above the highest {max}");
        return Err(malformed("register.product.temperature_min_celsius", &problem));
    }
    for (index, unit) in product.market_units.iter().enumerate() {
        check_market_unit(&format!("register.product.market_units[{index}]"), unit)?;
    }
    Ok(())
}

fn check_market_unit(field: &str, unit: &MarketUnit) -> Result<(), Refusal> {
    named(&format!("{field}.name"), &unit.name)?;
    within(&format!("{field}.numerator"), unit.numerator, 1, 1_000_000_000)?;
    within(&format!("{field}.denominator"), unit.denominator, 1, 1_000_000_000)
}

fn check_chain(registry: &Registry, day: BusinessDay, chain: &Chain) -> Result<(), Refusal> {
    named("register.chain.name", &chain.name)?;
    registry.organizations.find("register.chain.lead_organization_code", chain.lead.as_str(), day)?;
    registry.districts.find("register.chain.district_code", chain.district.as_str(), day)?;
    let shares = [chain.share_supermarket_percent, chain.share_general_percent, chain.share_specialty_percent];
    let sum: u64 = shares.iter().map(|share| u64::from(*share)).sum();
    if sum > 100 {
        return Err(malformed("register.chain", &format!("the planned shares sum to {sum} percent; at most 100 is allowed")));
    }
    Ok(())
}

fn check_membership(registry: &Registry, day: BusinessDay, field: &str, membership: &Membership) -> Result<(), Refusal> {
    registry.chains.find(&format!("{field}.chain_code"), membership.chain.as_str(), day)?;
    match &membership.member {
        Member::Site(site) => registry.sites.find(&format!("{field}.site_code"), site.as_str(), day).map(|_| ()),
        Member::Product(product) => registry.products.find(&format!("{field}.product_code"), product.as_str(), day).map(|_| ()),
    }
}

fn check_capacity(registry: &Registry, day: BusinessDay, capacity: &Capacity) -> Result<(), Refusal> {
    registry.chains.find("register.capacity.chain_code", capacity.chain.as_str(), day)?;
    if capacity.unit == BaseUnit::Litre {
        return Err(malformed("register.capacity.unit", "is LTR; a capacity is in KGM (by nominal mass) or H87 (pieces)"));
    }
    within("register.capacity.quantity_per_day_milli", capacity.quantity_per_day.0, 1, Milli::MAX_LINE.0)
}

fn named(field: &str, name: &str) -> Result<(), Refusal> {
    if name.trim().is_empty() {
        return Err(malformed(field, "is empty; give the name"));
    }
    if text::nfc(name) != *name {
        return Err(malformed(field, &format!("{name:?} is not in NFC with single spaces; send {:?}", text::nfc(name))));
    }
    Ok(())
}

/// A GS1 number names one thing for ever.
fn number<T: Thing>(field: &str, number: Option<&str>, digits: usize, book: &Book<T>, thing: &T) -> Result<(), Refusal> {
    let Some(number) = number else { return Ok(()) };
    if !is_gs1_key(number, digits) {
        return Err(malformed(
            field,
            &format!("{number:?} is not {digits} digits of which the last is the check digit of the others"),
        ));
    }
    match book.by_alias(number) {
        Some(other) if other != thing.code() => {
            Err(contradiction(field, format!("{number} is the number of {} {} already", T::WHAT, book.describe(other))))
        }
        _ => Ok(()),
    }
}

fn within(field: &str, value: i64, least: i64, most: i64) -> Result<(), Refusal> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(malformed(field, &format!("is {value}; allowed is {least} to {most}")))
}

fn contradiction(field: &str, problem: String) -> Refusal {
    Refusal::Contradiction { field: field.to_owned(), problem }
}
