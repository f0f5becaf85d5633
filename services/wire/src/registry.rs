//! Facts of the registry, in entries and in commands alike.

use crate::programme;
use crate::proto::chuoi::event::v1 as proto;
use crate::proto::chuoi::event::v1::event::Fact;
use crate::undecodable::{At as _, Undecodable, each};
use crate::words;
use domain::event::registry::{
    Capacity, Chain, District, DuplicateMerged, Member, Membership, NumberAttached, NumberDetached, Organization, Product,
    RegistryFact, Retirement, Site, ThingRef,
};
use domain::id::{BadCode, ChainCode, DistrictCode, OrganizationCode, ProductCode, SiteCode};
use domain::quantity::Milli;
use domain::time::BusinessDay;
use domain::unit::{BaseUnit, MarketUnit};

/// Reads an administrative unit.
pub fn read_district(district: &proto::DistrictRegistered) -> Result<RegistryFact, Undecodable> {
    Ok(RegistryFact::District(District {
        code: DistrictCode::parse(&district.district_code).at("district_code")?,
        name: district.name.clone(),
        kind: district.kind.clone(),
        ends: district.ends_day.map(BusinessDay),
    }))
}

/// Reads an organization.
pub fn read_organization(organization: &proto::OrganizationRegistered) -> Result<RegistryFact, Undecodable> {
    Ok(RegistryFact::Organization(Organization {
        code: OrganizationCode::parse(&organization.organization_code).at("organization_code")?,
        name: organization.name.clone(),
        kind: words::said(words::organization_kind(organization.kind), organization.kind).at("kind")?,
        gln: number(&organization.gln),
    }))
}

/// Reads a site.
pub fn read_site(site: &proto::SiteRegistered) -> Result<RegistryFact, Undecodable> {
    Ok(RegistryFact::Site(Site {
        code: SiteCode::parse(&site.site_code).at("site_code")?,
        name: site.name.clone(),
        kind: words::said(words::site_kind(site.kind), site.kind).at("kind")?,
        organization: OrganizationCode::parse(&site.organization_code).at("organization_code")?,
        district: DistrictCode::parse(&site.district_code).at("district_code")?,
        gln: number(&site.gln),
        latitude_e6: site.latitude_e6,
        longitude_e6: site.longitude_e6,
    }))
}

/// Reads a product kind.
pub fn read_product(product: &proto::ProductRegistered) -> Result<RegistryFact, Undecodable> {
    Ok(RegistryFact::Product(Product {
        code: ProductCode::parse(&product.product_code).at("product_code")?,
        name: product.name.clone(),
        name_en: product.name_en.clone(),
        group: product.group_code.clone(),
        ocop_group: product.ocop_group,
        base_unit: unit(&product.base_unit).at("base_unit")?,
        indivisible: product.indivisible,
        mass_gram: product.mass_gram,
        pieces: product.pieces,
        content_milli: product.content_milli,
        content_unit: product.content_unit.clone(),
        content_kind: product.content_kind.clone(),
        shelf_life_days: product.shelf_life_days,
        temperature_min_celsius: product.temperature_min_celsius,
        temperature_max_celsius: product.temperature_max_celsius,
        gtin: number(&product.gtin),
        brand_owner: (!product.brand_owner_code.is_empty())
            .then(|| OrganizationCode::parse(&product.brand_owner_code))
            .transpose()
            .at("brand_owner_code")?,
        market_units: each(&product.market_units, read_market_unit).at("market_units")?,
    }))
}

/// A ratio that is no ratio would stop every reader that multiplies with it.
fn read_market_unit(unit: &proto::MarketUnit) -> Result<MarketUnit, Undecodable> {
    for (field, value) in [("numerator", unit.numerator), ("denominator", unit.denominator)] {
        if value < 1 {
            return Err(Undecodable::here(format!("is {value}; it is at least 1"))).at(field);
        }
    }
    Ok(MarketUnit { name: unit.name.as_str().into(), numerator: unit.numerator, denominator: unit.denominator })
}

/// Reads a chain.
pub fn read_chain(chain: &proto::ChainRegistered) -> Result<RegistryFact, Undecodable> {
    Ok(RegistryFact::Chain(Chain {
        code: ChainCode::parse(&chain.chain_code).at("chain_code")?,
        name: chain.name.clone(),
        lead: OrganizationCode::parse(&chain.lead_organization_code).at("lead_organization_code")?,
        district: DistrictCode::parse(&chain.district_code).at("district_code")?,
        group: chain.group_code.clone(),
        share_supermarket_percent: chain.share_supermarket_percent,
        share_general_percent: chain.share_general_percent,
        share_specialty_percent: chain.share_specialty_percent,
    }))
}

/// Reads that a member joined.
pub fn read_joined(joined: &proto::ChainMemberJoined) -> Result<RegistryFact, Undecodable> {
    use proto::chain_member_joined::Member::{ProductCode, SiteCode};
    Ok(RegistryFact::MemberJoined(Membership {
        chain: ChainCode::parse(&joined.chain_code).at("chain_code")?,
        member: match &joined.member {
            Some(SiteCode(code)) => member_site(code)?,
            Some(ProductCode(code)) => member_product(code)?,
            None => return no_member(),
        },
        is_primary: joined.is_primary,
    }))
}

/// Reads that a member left.
pub fn read_left(left: &proto::ChainMemberLeft) -> Result<RegistryFact, Undecodable> {
    use proto::chain_member_left::Member::{ProductCode, SiteCode};
    Ok(RegistryFact::MemberLeft(Membership {
        chain: ChainCode::parse(&left.chain_code).at("chain_code")?,
        member: match &left.member {
            Some(SiteCode(code)) => member_site(code)?,
            Some(ProductCode(code)) => member_product(code)?,
            None => return no_member(),
        },
        is_primary: false,
    }))
}

fn member_site(code: &str) -> Result<Member, Undecodable> {
    SiteCode::parse(code).map(Member::Site).at("site_code")
}

fn member_product(code: &str) -> Result<Member, Undecodable> {
    ProductCode::parse(code).map(Member::Product).at("product_code")
}

fn no_member<T>() -> Result<T, Undecodable> {
    let problem = "is missing, or of a kind that this version does not know; say a site_code or a product_code";
    Err(Undecodable::here(problem)).at("member")
}

/// Reads what a chain can carry.
pub fn read_capacity(capacity: &proto::CapacityDeclared) -> Result<RegistryFact, Undecodable> {
    Ok(RegistryFact::Capacity(Capacity {
        chain: ChainCode::parse(&capacity.chain_code).at("chain_code")?,
        quantity_per_day: Milli(capacity.quantity_per_day_milli),
        unit: unit(&capacity.unit).at("unit")?,
    }))
}

/// Reads that a thing is retired.
pub fn read_retired(retired: &proto::Retired) -> Result<RegistryFact, Undecodable> {
    let thing = read_thing(retired.thing.as_ref()).at("thing")?;
    Ok(RegistryFact::Retired(Retirement { thing, reason: retired.reason.clone() }))
}

/// Reads that a thing is in use again.
pub fn read_reinstated(reinstated: &proto::Reinstated) -> Result<RegistryFact, Undecodable> {
    let thing = read_thing(reinstated.thing.as_ref()).at("thing")?;
    Ok(RegistryFact::Reinstated(Retirement { thing, reason: reinstated.reason.clone() }))
}

/// Reads that a number names a thing.
pub fn read_attached(attached: &proto::NumberAttached) -> Result<RegistryFact, Undecodable> {
    let owner = (!attached.brand_owner_code.is_empty()).then(|| OrganizationCode::parse(&attached.brand_owner_code));
    Ok(RegistryFact::NumberAttached(NumberAttached {
        thing: read_thing(attached.thing.as_ref()).at("thing")?,
        number: attached.number.clone(),
        brand_owner: owner.transpose().at("brand_owner_code")?,
        moved_from: number(&attached.moved_from_code),
    }))
}

/// Reads that a number names a thing no longer.
pub fn read_detached(detached: &proto::NumberDetached) -> Result<RegistryFact, Undecodable> {
    let thing = read_thing(detached.thing.as_ref()).at("thing")?;
    Ok(RegistryFact::NumberDetached(NumberDetached { thing, number: detached.number.clone() }))
}

/// Reads that two codes stand for one thing.
pub fn read_merged(merged: &proto::DuplicateMerged) -> Result<RegistryFact, Undecodable> {
    Ok(RegistryFact::DuplicateMerged(DuplicateMerged {
        duplicate: read_thing(merged.duplicate.as_ref()).at("duplicate")?,
        survivor: read_thing(merged.survivor.as_ref()).at("survivor")?,
        reason: merged.reason.clone(),
    }))
}

fn read_thing(thing: Option<&proto::RegisteredThing>) -> Result<ThingRef, Undecodable> {
    use proto::registered_thing::Thing;
    match thing.and_then(|thing| thing.thing.as_ref()) {
        Some(Thing::OrganizationCode(code)) => OrganizationCode::parse(code).map(ThingRef::Organization).at("organization_code"),
        Some(Thing::SiteCode(code)) => SiteCode::parse(code).map(ThingRef::Site).at("site_code"),
        Some(Thing::ProductCode(code)) => ProductCode::parse(code).map(ThingRef::Product).at("product_code"),
        Some(Thing::ChainCode(code)) => ChainCode::parse(code).map(ThingRef::Chain).at("chain_code"),
        None => Err(Undecodable::here(
            "is missing, or of a kind that this version does not know; say the code of an organization, site, product or chain",
        )),
    }
}

fn write_thing(thing: &ThingRef) -> Option<proto::RegisteredThing> {
    use proto::registered_thing::Thing;
    let thing = match thing {
        ThingRef::Organization(code) => Thing::OrganizationCode(code.to_string()),
        ThingRef::Site(code) => Thing::SiteCode(code.to_string()),
        ThingRef::Product(code) => Thing::ProductCode(code.to_string()),
        ThingRef::Chain(code) => Thing::ChainCode(code.to_string()),
    };
    Some(proto::RegisteredThing { thing: Some(thing) })
}

fn unit(code: &str) -> Result<BaseUnit, Undecodable> {
    BaseUnit::from_code(code).ok_or_else(|| {
        BadCode { what: "a unit in which stock is counted", value: code.to_owned(), allowed: "KGM, LTR or H87" }.into()
    })
}

/// A number of GS1, where there is one.
fn number(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

/// Writes a fact of the registry.
pub fn write(fact: &RegistryFact) -> Fact {
    match fact {
        RegistryFact::District(district) => Fact::DistrictRegistered(proto::DistrictRegistered {
            district_code: district.code.to_string(),
            name: district.name.clone(),
            kind: district.kind.clone(),
            ends_day: district.ends.map(|day| day.0),
        }),
        RegistryFact::Organization(organization) => Fact::OrganizationRegistered(proto::OrganizationRegistered {
            organization_code: organization.code.to_string(),
            name: organization.name.clone(),
            kind: words::write_organization_kind(organization.kind),
            gln: organization.gln.clone().unwrap_or_default(),
        }),
        RegistryFact::Site(site) => Fact::SiteRegistered(proto::SiteRegistered {
            site_code: site.code.to_string(),
            name: site.name.clone(),
            kind: words::write_site_kind(site.kind),
            organization_code: site.organization.to_string(),
            district_code: site.district.to_string(),
            gln: site.gln.clone().unwrap_or_default(),
            latitude_e6: site.latitude_e6,
            longitude_e6: site.longitude_e6,
        }),
        RegistryFact::Product(product) => Fact::ProductRegistered(write_product(product)),
        RegistryFact::Chain(chain) => Fact::ChainRegistered(proto::ChainRegistered {
            chain_code: chain.code.to_string(),
            name: chain.name.clone(),
            lead_organization_code: chain.lead.to_string(),
            district_code: chain.district.to_string(),
            group_code: chain.group.clone(),
            share_supermarket_percent: chain.share_supermarket_percent,
            share_general_percent: chain.share_general_percent,
            share_specialty_percent: chain.share_specialty_percent,
        }),
        RegistryFact::MemberJoined(membership) => {
            use proto::chain_member_joined::Member::{ProductCode, SiteCode};
            Fact::ChainMemberJoined(proto::ChainMemberJoined {
                chain_code: membership.chain.to_string(),
                member: Some(match &membership.member {
                    Member::Site(code) => SiteCode(code.to_string()),
                    Member::Product(code) => ProductCode(code.to_string()),
                }),
                is_primary: membership.is_primary,
            })
        }
        RegistryFact::MemberLeft(membership) => {
            use proto::chain_member_left::Member::{ProductCode, SiteCode};
            Fact::ChainMemberLeft(proto::ChainMemberLeft {
                chain_code: membership.chain.to_string(),
                member: Some(match &membership.member {
                    Member::Site(code) => SiteCode(code.to_string()),
                    Member::Product(code) => ProductCode(code.to_string()),
                }),
            })
        }
        RegistryFact::Capacity(capacity) => Fact::CapacityDeclared(proto::CapacityDeclared {
            chain_code: capacity.chain.to_string(),
            quantity_per_day_milli: capacity.quantity_per_day.0,
            unit: capacity.unit.code().to_owned(),
        }),
        RegistryFact::Retired(Retirement { thing, reason }) => {
            Fact::Retired(proto::Retired { thing: write_thing(thing), reason: reason.clone() })
        }
        RegistryFact::Reinstated(Retirement { thing, reason }) => {
            Fact::Reinstated(proto::Reinstated { thing: write_thing(thing), reason: reason.clone() })
        }
        RegistryFact::NumberAttached(attached) => Fact::NumberAttached(proto::NumberAttached {
            thing: write_thing(&attached.thing),
            number: attached.number.clone(),
            brand_owner_code: attached.brand_owner.as_ref().map(ToString::to_string).unwrap_or_default(),
            moved_from_code: attached.moved_from.clone().unwrap_or_default(),
        }),
        RegistryFact::NumberDetached(NumberDetached { thing, number }) => {
            Fact::NumberDetached(proto::NumberDetached { thing: write_thing(thing), number: number.clone() })
        }
        RegistryFact::DuplicateMerged(DuplicateMerged { duplicate, survivor, reason }) => {
            Fact::DuplicateMerged(proto::DuplicateMerged {
                duplicate: write_thing(duplicate),
                survivor: write_thing(survivor),
                reason: reason.clone(),
            })
        }
        RegistryFact::Certificate(fact) => programme::write_certificate(fact),
        RegistryFact::CertificateStanding(fact) => programme::write_certificate_standing(fact),
        RegistryFact::OcopRegistered(fact) => programme::write_ocop_registered(fact),
        RegistryFact::OcopGraded(fact) => programme::write_ocop_graded(fact),
        RegistryFact::SiteStanding(fact) => programme::write_site_standing(fact),
        RegistryFact::DistrictSucceeded(fact) => programme::write_succession(fact),
        RegistryFact::CraftVillage(fact) => programme::write_village(fact),
        RegistryFact::Target(fact) => programme::write_target(fact),
        RegistryFact::TrademarkCase(fact) => programme::write_trademark(fact),
        RegistryFact::Labels(fact) => programme::write_labels(fact),
    }
}

fn write_product(product: &Product) -> proto::ProductRegistered {
    proto::ProductRegistered {
        product_code: product.code.to_string(),
        name: product.name.clone(),
        name_en: product.name_en.clone(),
        group_code: product.group.clone(),
        ocop_group: product.ocop_group,
        base_unit: product.base_unit.code().to_owned(),
        indivisible: product.indivisible,
        mass_gram: product.mass_gram,
        pieces: product.pieces,
        content_milli: product.content_milli,
        content_unit: product.content_unit.clone(),
        content_kind: product.content_kind.clone(),
        shelf_life_days: product.shelf_life_days,
        temperature_min_celsius: product.temperature_min_celsius,
        temperature_max_celsius: product.temperature_max_celsius,
        gtin: product.gtin.clone().unwrap_or_default(),
        brand_owner_code: product.brand_owner.as_ref().map(ToString::to_string).unwrap_or_default(),
        market_units: product
            .market_units
            .iter()
            .map(|unit| proto::MarketUnit {
                name: unit.name.to_string(),
                numerator: unit.numerator,
                denominator: unit.denominator,
            })
            .collect(),
    }
}
