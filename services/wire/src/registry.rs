//! Facts of the registry, in entries and in commands alike.

use crate::proto::chuoi::event::v1 as proto;
use crate::proto::chuoi::event::v1::event::Fact;
use crate::undecodable::{At as _, Undecodable, each};
use crate::words;
use domain::event::registry::{Capacity, Chain, District, Member, Membership, Organization, Product, RegistryFact, Site};
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
