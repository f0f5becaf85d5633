//! The commands that register what the tables say, in an order in which each refers to what stands before it. Pure: the same
//! tables give the same commands under the same ids.

use std::collections::{BTreeMap, BTreeSet};

use domain::event::registry::SiteKind;
use domain::time::BusinessDay;
use domain::unit::BaseUnit;
use uuid::Uuid;
use wire::proto::chuoi::event::v1 as event;
use wire::proto::chuoi::event::v1::chain_member_joined::Member;
use wire::proto::chuoi::record::v1::command::Action;
use wire::proto::chuoi::record::v1::register::Fact;
use wire::proto::chuoi::record::v1::{Command, CommandHeader, Register, When};

use super::tables::{Chain, District, Product, Site, Tables, Target};

/// Day from which the reference registry holds.
const FROM: &str = "2020-01-01";
/// Root of the ids derived here.
const NAMESPACE: Uuid = Uuid::from_u128(0x5d0c_6c1b_8f0e_5a8c_9a55_3f0d_7f4f_20c1);

/// Code of the organization that leads a chain: HTX001 for CH001.
pub fn lead_code(chain: &str) -> String {
    format!("HTX{}", chain.strip_prefix("CH").unwrap_or(chain))
}

/// Code of the organization that runs a site which belongs to no chain: DV-SM001 for SM001.
pub fn organization_code(site: &str) -> String {
    format!("DV-{site}")
}

/// All commands, in order: districts, organizations, sites, products, chains, members, capacities, targets.
pub fn commands(tables: &Tables) -> Vec<Command> {
    let primary: BTreeMap<&str, &str> = tables
        .chain_products
        .iter()
        .filter(|supplied| supplied.is_primary)
        .map(|supplied| (supplied.product.as_str(), supplied.chain.as_str()))
        .collect();
    let by_pieces: BTreeSet<&str> =
        tables.chains.iter().filter(|chain| chain.capacity_unit == BaseUnit::Piece).map(|chain| chain.code.as_str()).collect();
    let counted: BTreeSet<&str> = tables
        .chain_products
        .iter()
        .filter(|supplied| by_pieces.contains(supplied.chain.as_str()))
        .map(|supplied| supplied.product.as_str())
        .collect();
    let mut facts: Vec<Fact> = tables.districts.iter().map(district).collect();
    facts.extend(tables.chains.iter().map(lead));
    facts.extend(tables.sites.iter().filter(|site| site.chain.is_none()).map(operator));
    facts.extend(tables.sites.iter().map(site));
    facts.extend(
        tables.products.iter().map(|it| product(it, primary.get(it.code.as_str()).copied(), counted.contains(it.code.as_str()))),
    );
    facts.extend(tables.chains.iter().map(chain));
    facts.extend(tables.sites.iter().filter_map(|site| {
        let chain = site.chain.as_ref()?;
        Some(joined(chain, Member::SiteCode(site.code.clone()), true))
    }));
    facts.extend(
        tables
            .chain_products
            .iter()
            .map(|supplied| joined(&supplied.chain, Member::ProductCode(supplied.product.clone()), supplied.is_primary)),
    );
    facts.extend(tables.chains.iter().map(capacity));
    facts.extend(tables.targets.iter().map(target));
    facts.into_iter().map(command).collect()
}

/// A fact as a command whose id is derived from all that it says. The program's version is no part of it: a newer one imports the
/// same facts.
fn command(fact: Fact) -> Command {
    let header = CommandHeader {
        when: Some(When { date: FROM.to_owned(), ..When::default() }),
        actor: "registry-import".to_owned(),
        client: "chuoi registry import".to_owned(),
        ..CommandHeader::default()
    };
    let action = Some(Action::Register(Register { fact: Some(fact) }));
    let said = Command { header: Some(header.clone()), action };
    let command_id = Uuid::new_v5(&NAMESPACE, &wire::command::digest(&said).0).to_string();
    Command { header: Some(CommandHeader { command_id, ..header }), ..said }
}

fn district(district: &District) -> Fact {
    Fact::District(event::DistrictRegistered {
        district_code: district.code.clone(),
        name: district.name.clone(),
        kind: district.kind.clone(),
        ends_day: district.ends.map(|date| BusinessDay::of(date).0),
    })
}

fn lead(chain: &Chain) -> Fact {
    Fact::Organization(event::OrganizationRegistered {
        organization_code: lead_code(&chain.code),
        name: chain.lead_name.clone(),
        kind: event::OrganizationKind::Cooperative.into(),
        gln: chain.lead_gln.clone(),
    })
}

fn operator(site: &Site) -> Fact {
    use SiteKind::*;
    let kind = match site.kind {
        Farm | LivestockFarm | Aquafarm => event::OrganizationKind::Farm,
        PackingHouse | Processor | Slaughterhouse => event::OrganizationKind::Processor,
        Warehouse | DistributionCenter => event::OrganizationKind::Distributor,
        Supermarket | GeneralStore | SpecialtyStore | OcopIntroPoint | OcopSalePoint | FairStall | DesignCenter => {
            event::OrganizationKind::Retailer
        }
    };
    Fact::Organization(event::OrganizationRegistered {
        organization_code: organization_code(&site.code),
        name: site.name.clone(),
        kind: kind.into(),
        gln: String::new(),
    })
}

fn site(site: &Site) -> Fact {
    use event::SiteKind as Proto;
    let kind = match site.kind {
        SiteKind::Farm => Proto::Farm,
        SiteKind::LivestockFarm => Proto::LivestockFarm,
        SiteKind::Aquafarm => Proto::Aquafarm,
        SiteKind::PackingHouse => Proto::PackingHouse,
        SiteKind::Processor => Proto::Processor,
        SiteKind::Slaughterhouse => Proto::Slaughterhouse,
        SiteKind::Warehouse => Proto::Warehouse,
        SiteKind::DistributionCenter => Proto::DistributionCenter,
        SiteKind::Supermarket => Proto::Supermarket,
        SiteKind::GeneralStore => Proto::GeneralStore,
        SiteKind::SpecialtyStore => Proto::SpecialtyStore,
        SiteKind::OcopIntroPoint => Proto::OcopIntroPoint,
        SiteKind::OcopSalePoint => Proto::OcopSalePoint,
        SiteKind::FairStall => Proto::FairStall,
        SiteKind::DesignCenter => Proto::DesignCenter,
    };
    Fact::Site(event::SiteRegistered {
        site_code: site.code.clone(),
        name: site.name.clone(),
        kind: kind.into(),
        organization_code: runs(site),
        district_code: site.district.clone(),
        gln: site.gln.clone(),
        latitude_e6: site.latitude_e6,
        longitude_e6: site.longitude_e6,
    })
}

/// Who runs a site.
pub(crate) fn runs(site: &Site) -> String {
    site.chain.as_deref().map_or_else(|| organization_code(&site.code), lead_code)
}

fn product(product: &Product, primary: Option<&str>, counted: bool) -> Fact {
    Fact::Product(event::ProductRegistered {
        product_code: product.code.clone(),
        name: product.name.clone(),
        name_en: product.name_en.clone(),
        group_code: product.group.clone(),
        ocop_group: product.ocop_group,
        base_unit: product.base_unit.code().to_owned(),
        indivisible: product.base_unit == BaseUnit::Piece,
        mass_gram: product.mass_gram,
        pieces: if counted { pieces(product) } else { 0 },
        content_milli: product.content_milli,
        content_unit: product.content_unit.clone(),
        content_kind: product.content_kind.clone(),
        shelf_life_days: product.shelf_life_days,
        temperature_min_celsius: product.temperature_min_celsius,
        temperature_max_celsius: product.temperature_max_celsius,
        gtin: product.gtin.clone(),
        brand_owner_code: brand_owner(product, primary).unwrap_or_default(),
        market_units: Vec::new(),
    })
}

/// Pieces in one base unit, for chains whose capacity counts pieces.
pub(crate) fn pieces(product: &Product) -> i64 {
    match product.base_unit {
        BaseUnit::Piece if product.content_unit == BaseUnit::Piece.code() => product.content_milli / 1_000,
        BaseUnit::Piece => 1,
        BaseUnit::Kilogram | BaseUnit::Litre => 0,
    }
}

/// Who owns a product's GTIN.
pub(crate) fn brand_owner(product: &Product, primary: Option<&str>) -> Option<String> {
    primary.filter(|_| !product.gtin.is_empty()).map(lead_code)
}

fn chain(chain: &Chain) -> Fact {
    let [share_supermarket_percent, share_general_percent, share_specialty_percent] = chain.share_percent;
    Fact::Chain(event::ChainRegistered {
        chain_code: chain.code.clone(),
        name: chain.name.clone(),
        lead_organization_code: lead_code(&chain.code),
        district_code: chain.district.clone(),
        group_code: chain.group.clone(),
        share_supermarket_percent,
        share_general_percent,
        share_specialty_percent,
    })
}

fn joined(chain: &str, member: Member, is_primary: bool) -> Fact {
    Fact::MemberJoined(event::ChainMemberJoined { chain_code: chain.to_owned(), member: Some(member), is_primary })
}

fn capacity(chain: &Chain) -> Fact {
    Fact::Capacity(event::CapacityDeclared {
        chain_code: chain.code.clone(),
        quantity_per_day_milli: chain.capacity_milli,
        unit: chain.capacity_unit.code().to_owned(),
    })
}

fn target(target: &Target) -> Fact {
    let measure =
        event::ProgrammeMeasure::from_str_name(&format!("PROGRAMME_MEASURE_{}", target.measure.as_str().to_ascii_uppercase()));
    Fact::Target(event::TargetSet {
        measure: measure.unwrap_or_default().into(),
        value: target.value,
        due_day: BusinessDay::of(target.due).0,
        source: target.source.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_tables_give_the_same_commands_and_each_its_own_id() {
        let mut tables = Tables::embedded().unwrap();
        let first = commands(&tables);
        assert_eq!(first, commands(&tables));
        let id = |command: &Command| command.header.as_ref().unwrap().command_id.clone();
        let ids: BTreeSet<_> = first.iter().map(id).collect();
        // 30 districts, 141 cooperatives and 1,928 operators, 2,069 sites, 1,379 products, 141 chains, 141 + 2,165 members, 141 capacities,
        // 17 targets.
        assert_eq!((first.len(), ids.len()), (8_152, 8_152));
        // What changes is said anew, under another id; everything else stays as it was.
        tables.chains[0].capacity_milli += 1_000;
        let changed: Vec<_> = commands(&tables).iter().map(id).filter(|id| !ids.contains(id)).collect();
        assert_eq!(changed.len(), 1);
    }

    /// In journals for ever: other ids would register everything again.
    #[test]
    fn the_ids_never_change() {
        let first = &commands(&Tables::embedded().unwrap())[0];
        assert_eq!(first.header.as_ref().unwrap().command_id, "e588e18f-a245-51c7-affa-75b88f1a72ad");
    }
}
