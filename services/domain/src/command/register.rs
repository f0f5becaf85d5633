//! Register: a fact of the registry, said by the authority that keeps it. What it refers to is known already and in use; numbers
//! that GS1 gave are checked and name one thing at a time; a unit in which stock is counted never changes; a merge joins two of a
//! kind and never goes in a circle.

use super::deciding::malformed;
use super::{Context, Point, When, programme};
use crate::event::registry::{
    Capacity, Chain, DuplicateMerged, Member, Membership, NumberAttached, NumberDetached, Organization, Product, Retirement,
    Site, ThingRef,
};
use crate::event::{Event, Fact, RegistryFact};
use crate::id::{OrganizationCode, is_gs1_key};
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
    check(state, day, fact)?;
    let time = state.calendar().day_time(day, Precision::Day, typed.clone());
    Ok(Event { time, violations: Vec::new(), names: Vec::new(), fact: Fact::Registered(fact.clone()) })
}

fn check(state: &State, day: BusinessDay, fact: &RegistryFact) -> Result<(), Refusal> {
    let registry = state.registry();
    match fact {
        RegistryFact::District(district) => named("register.district.name", &district.name),
        RegistryFact::Organization(organization) => check_organization(registry, day, organization),
        RegistryFact::Site(site) => check_site(registry, day, site),
        RegistryFact::Product(product) => check_product(registry, day, product),
        RegistryFact::Chain(chain) => check_chain(registry, day, chain),
        RegistryFact::MemberJoined(membership) => {
            let field = "register.member_joined";
            check_membership(registry, day, field, membership)?;
            in_use(&registry.chains, &format!("{field}.chain_code"), &membership.chain, day)?;
            match &membership.member {
                Member::Site(site) => in_use(&registry.sites, &format!("{field}.site_code"), site, day),
                Member::Product(product) => in_use(&registry.products, &format!("{field}.product_code"), product, day),
            }
        }
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
        RegistryFact::Retired(Retirement { thing, .. }) => check_retired(state, day, thing),
        RegistryFact::Reinstated(Retirement { thing, .. }) => match known(registry, day, "register.reinstated.thing", thing)? {
            Some(_) => Ok(()),
            None => {
                let problem = format!("{} {} is in use on {day}; give a day on which it is retired", thing.kind(), thing.code());
                Err(contradiction("register.reinstated.thing", problem))
            }
        },
        RegistryFact::NumberAttached(attached) => check_attached(registry, day, attached),
        RegistryFact::NumberDetached(detached) => check_detached(registry, day, detached),
        RegistryFact::DuplicateMerged(merged) => check_merged(state, day, merged),
        _ => programme::check(registry, day, fact),
    }
}

/// A thing that is known on the day under this very code; with the day since which it is retired, if it is.
fn known(registry: &Registry, day: BusinessDay, field: &str, thing: &ThingRef) -> Result<Option<BusinessDay>, Refusal> {
    fn of<T: Thing>(book: &Book<T>, day: BusinessDay, field: &str, code: &T::Code) -> Result<Option<BusinessDay>, Refusal> {
        book.find(field, &code.to_string(), day)?;
        unmerged(book, field, code)?;
        Ok(book.retired_since(code, day))
    }
    match thing {
        ThingRef::Organization(code) => of(&registry.organizations, day, &format!("{field}.organization_code"), code),
        ThingRef::Site(code) => of(&registry.sites, day, &format!("{field}.site_code"), code),
        ThingRef::Product(code) => of(&registry.products, day, &format!("{field}.product_code"), code),
        ThingRef::Chain(code) => of(&registry.chains, day, &format!("{field}.chain_code"), code),
    }
}

/// A code that was given up says nothing any more.
fn unmerged<T: Thing>(book: &Book<T>, field: &str, code: &T::Code) -> Result<(), Refusal> {
    let survivor = book.survivor(code);
    if survivor == code {
        return Ok(());
    }
    Err(contradiction(field, format!("{} {code} was merged into {}; say it of that one", T::WHAT, book.describe(survivor))))
}

fn check_retired(state: &State, day: BusinessDay, thing: &ThingRef) -> Result<(), Refusal> {
    let field = "register.retired.thing";
    if let Some(since) = known(state.registry(), day, field, thing)? {
        let problem = format!("{} {} is retired since {since} already", thing.kind(), thing.code());
        return Err(contradiction(field, problem));
    }
    not_the_authority(state, field, thing, "retired")
}

fn not_the_authority(state: &State, field: &str, thing: &ThingRef, done: &str) -> Result<(), Refusal> {
    match thing {
        ThingRef::Organization(code) if state.registry().organizations.same(code, state.authority()) => {
            Err(contradiction(field, format!("{code} keeps the registry; it cannot be {done}")))
        }
        _ => Ok(()),
    }
}

fn check_attached(registry: &Registry, day: BusinessDay, attached: &NumberAttached) -> Result<(), Refusal> {
    let field = "register.number_attached";
    known(registry, day, &format!("{field}.thing"), &attached.thing)?;
    if !matches!(attached.thing, ThingRef::Product(_)) && attached.brand_owner.is_some() {
        return Err(malformed(&format!("{field}.brand_owner_code"), "only a GTIN has a brand owner; leave it out"));
    }
    match &attached.thing {
        ThingRef::Organization(code) => attach(&registry.organizations, day, field, code, attached),
        ThingRef::Site(code) => attach(&registry.sites, day, field, code, attached),
        ThingRef::Product(code) => {
            attach(&registry.products, day, field, code, attached)?;
            let Some(owner) = &attached.brand_owner else {
                return Err(malformed(&format!("{field}.brand_owner_code"), "is missing; a GTIN has one brand owner: give it"));
            };
            one_owner(registry, day, &format!("{field}.brand_owner_code"), &attached.number, owner)
        }
        ThingRef::Chain(_) => Err(numbers_no_chain(field)),
    }
}

fn attach<T: Thing>(
    book: &Book<T>,
    day: BusinessDay,
    field: &str,
    code: &T::Code,
    NumberAttached { number, moved_from, .. }: &NumberAttached,
) -> Result<(), Refusal> {
    is_number::<T>(&format!("{field}.number"), number)?;
    let moved = moved_from.as_deref().map(|code| T::parse_code(code).ok_or(code)).transpose().map_err(|code| {
        malformed(&format!("{field}.moved_from_code"), &format!("{code:?} is no code of a {}; give the code", T::WHAT))
    })?;
    match (book.other_holder(number, day, code), &moved) {
        (Some((from, holder)), Some(moved)) if from <= day && book.same(holder, moved) => Ok(()),
        (Some((from, holder)), _) => {
            let problem = format!(
                "{number} is the number of {} {} since {from}; to move it, give that code as moved_from_code and a day from {from} on",
                T::WHAT,
                book.describe(holder)
            );
            Err(contradiction(&format!("{field}.number"), problem))
        }
        (None, Some(moved)) => {
            let problem = format!("{} {moved} does not have {number} on {day}; leave it out", T::WHAT);
            Err(contradiction(&format!("{field}.moved_from_code"), problem))
        }
        (None, None) => Ok(()),
    }
}

fn check_detached(registry: &Registry, day: BusinessDay, detached: &NumberDetached) -> Result<(), Refusal> {
    let field = "register.number_detached";
    fn detach<T: Thing>(book: &Book<T>, day: BusinessDay, field: &str, code: &T::Code, number: &str) -> Result<(), Refusal> {
        if book.by_number(number, day).is_some_and(|holder| book.same(holder, code)) {
            return Ok(());
        }
        Err(contradiction(&format!("{field}.number"), format!("{} {code} does not have {number} on {day}", T::WHAT)))
    }
    known(registry, day, &format!("{field}.thing"), &detached.thing)?;
    match &detached.thing {
        ThingRef::Organization(code) => detach(&registry.organizations, day, field, code, &detached.number),
        ThingRef::Site(code) => detach(&registry.sites, day, field, code, &detached.number),
        ThingRef::Product(code) => detach(&registry.products, day, field, code, &detached.number),
        ThingRef::Chain(_) => Err(numbers_no_chain(field)),
    }
}

fn numbers_no_chain(field: &str) -> Refusal {
    malformed(&format!("{field}.thing"), "is a chain; GS1 numbers organizations and sites (GLN) and products (GTIN)")
}

fn check_merged(state: &State, day: BusinessDay, merged: &DuplicateMerged) -> Result<(), Refusal> {
    let (registry, field) = (state.registry(), "register.duplicate_merged");
    let (duplicate, survivor) = (&merged.duplicate, &merged.survivor);
    known(registry, day, &format!("{field}.duplicate"), duplicate)?;
    not_the_authority(state, &format!("{field}.duplicate"), duplicate, "merged into another")?;
    match (duplicate, survivor) {
        (ThingRef::Organization(duplicate), ThingRef::Organization(survivor)) => {
            merge(&registry.organizations, day, field, duplicate, survivor, |one, other| {
                differing("kind", one.kind.as_str(), other.kind.as_str())
            })
        }
        (ThingRef::Site(duplicate), ThingRef::Site(survivor)) => {
            merge(&registry.sites, day, field, duplicate, survivor, |one, other| {
                let organizations = &registry.organizations;
                let (runs, other_runs) = (organizations.survivor(&one.organization), organizations.survivor(&other.organization));
                // Who may record what stands there would change without anybody saying so.
                differing("kind", one.kind.as_str(), other.kind.as_str())
                    .or_else(|| differing("organization", runs.as_str(), other_runs.as_str()))
            })
        }
        (ThingRef::Product(duplicate), ThingRef::Product(survivor)) => {
            merge(&registry.products, day, field, duplicate, survivor, |one, other| {
                let whole = |product: &Product| if product.indivisible { "whole units only" } else { "parts of units" };
                differing("base unit", one.base_unit.code(), other.base_unit.code())
                    .or_else(|| differing("count", whole(one), whole(other)))
            })
        }
        (ThingRef::Chain(_), ThingRef::Chain(_)) => {
            Err(malformed(&format!("{field}.duplicate"), "is a chain; lots keep their chain: retire the one that is not used"))
        }
        _ => {
            let problem = format!("is a {}, the duplicate a {}; give two of a kind", survivor.kind(), duplicate.kind());
            Err(malformed(&format!("{field}.survivor"), &problem))
        }
    }
}

fn merge<T: Thing>(
    book: &Book<T>,
    day: BusinessDay,
    field: &str,
    duplicate: &T::Code,
    survivor: &T::Code,
    differing: impl Fn(&T, &T) -> Option<String>,
) -> Result<(), Refusal> {
    let one = book.find(&format!("{field}.duplicate"), &duplicate.to_string(), day)?;
    let other = book.find(&format!("{field}.survivor"), &survivor.to_string(), day)?;
    if book.same(duplicate, survivor) {
        let problem = format!("{survivor} is {} itself; a thing is not merged into itself", book.describe(duplicate));
        return Err(contradiction(&format!("{field}.survivor"), problem));
    }
    match differing(&one, &other) {
        Some(how) => Err(contradiction(&format!("{field}.survivor"), format!("{how}; only one thing under two codes is merged"))),
        None => Ok(()),
    }
}

fn differing(what: &str, one: &str, other: &str) -> Option<String> {
    (one != other).then(|| format!("the duplicate's {what} is {one}, the survivor's {other}"))
}

/// What is registered under a retired thing would be retired from its first day on.
pub(super) fn in_use<T: Thing>(book: &Book<T>, field: &str, code: &T::Code, day: BusinessDay) -> Result<(), Refusal> {
    match book.retired_since(code, day) {
        Some(since) => {
            let problem = format!("{} {} is retired since {since}; reinstate it first", T::WHAT, book.describe(code));
            Err(contradiction(field, problem))
        }
        None => Ok(()),
    }
}

fn check_organization(registry: &Registry, day: BusinessDay, organization: &Organization) -> Result<(), Refusal> {
    named("register.organization.name", &organization.name)?;
    unmerged(&registry.organizations, "register.organization.organization_code", &organization.code)?;
    number("register.organization.gln", organization.gln.as_deref(), day, &registry.organizations, organization)
}

fn check_site(registry: &Registry, day: BusinessDay, site: &Site) -> Result<(), Refusal> {
    named("register.site.name", &site.name)?;
    unmerged(&registry.sites, "register.site.site_code", &site.code)?;
    number("register.site.gln", site.gln.as_deref(), day, &registry.sites, site)?;
    registry.organizations.find("register.site.organization_code", site.organization.as_str(), day)?;
    if registry.sites.retired_since(&site.code, day).is_none() {
        in_use(&registry.organizations, "register.site.organization_code", &site.organization, day)?;
    }
    registry.districts.find("register.site.district_code", site.district.as_str(), day)?;
    within("register.site.latitude_e6", site.latitude_e6.into(), -90_000_000, 90_000_000)?;
    within("register.site.longitude_e6", site.longitude_e6.into(), -180_000_000, 180_000_000)
}

fn check_product(registry: &Registry, day: BusinessDay, product: &Product) -> Result<(), Refusal> {
    named("register.product.name", &product.name)?;
    unmerged(&registry.products, "register.product.product_code", &product.code)?;
    number("register.product.gtin", product.gtin.as_deref(), day, &registry.products, product)?;
    match (&product.gtin, &product.brand_owner) {
        (Some(_), None) => {
            return Err(malformed("register.product.brand_owner_code", "is missing; a GTIN has one brand owner: give it"));
        }
        (gtin, Some(owner)) => {
            one_owner(registry, day, "register.product.brand_owner_code", gtin.as_deref().unwrap_or_default(), owner)?;
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
    if registry.chains.retired_since(&chain.code, day).is_none() {
        in_use(&registry.organizations, "register.chain.lead_organization_code", &chain.lead, day)?;
    }
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
    in_use(&registry.chains, "register.capacity.chain_code", &capacity.chain, day)?;
    if capacity.unit == BaseUnit::Litre {
        return Err(malformed("register.capacity.unit", "is LTR; a capacity is in KGM (by nominal mass) or H87 (pieces)"));
    }
    within("register.capacity.quantity_per_day_milli", capacity.quantity_per_day.0, 1, Milli::MAX_LINE.0)
}

pub(super) fn named(field: &str, name: &str) -> Result<(), Refusal> {
    if name.trim().is_empty() {
        return Err(malformed(field, "is empty; give the name"));
    }
    if text::nfc(name) != *name {
        return Err(malformed(field, &format!("{name:?} is not in NFC with single spaces; send {:?}", text::nfc(name))));
    }
    Ok(())
}

/// A GS1 number names one thing at a time. What is registered with a number takes it from no other: that is said as such.
fn number<T: Thing>(field: &str, number: Option<&str>, day: BusinessDay, book: &Book<T>, thing: &T) -> Result<(), Refusal> {
    let Some(number) = number else { return Ok(()) };
    is_number::<T>(field, number)?;
    match book.other_holder(number, day, thing.code()) {
        Some((from, other)) => {
            let problem =
                format!("{number} is the number of {} {} since {from}; move it from there", T::WHAT, book.describe(other));
            Err(contradiction(field, problem))
        }
        None => Ok(()),
    }
}

fn is_number<T: Thing>(field: &str, number: &str) -> Result<(), Refusal> {
    if is_gs1_key(number, T::DIGITS) {
        return Ok(());
    }
    let problem = format!("{number:?} is not {} digits of which the last is the check digit of the others", T::DIGITS);
    Err(malformed(field, &problem))
}

/// A GTIN has one brand owner for ever: lots are named by it.
fn one_owner(registry: &Registry, day: BusinessDay, field: &str, gtin: &str, owner: &OrganizationCode) -> Result<(), Refusal> {
    registry.organizations.find(field, owner.as_str(), day)?;
    match registry.brand_owner(gtin) {
        Some(known) if !registry.organizations.same(known, owner) => {
            let problem = format!("{gtin} is owned by {}, not by {owner}", registry.organizations.describe(known));
            Err(contradiction(field, problem))
        }
        _ => Ok(()),
    }
}

pub(super) fn within(field: &str, value: i64, least: i64, most: i64) -> Result<(), Refusal> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(malformed(field, &format!("is {value}; allowed is {least} to {most}")))
}

pub(super) fn contradiction(field: &str, problem: String) -> Refusal {
    Refusal::Contradiction { field: field.to_owned(), problem }
}
