//! `chuoi registry`: what is registered.

use clap::{Args, Subcommand};
use serde_json::json;
use tonic::transport::Channel;
use wire::proto::chuoi::registry::v1::registry_service_client::RegistryServiceClient;
use wire::proto::chuoi::registry::v1::{
    FindRequest, FindResponse, ListChainsRequest, ListChainsResponse, ListDistrictsRequest, ListDistrictsResponse,
    ListOrganizationsRequest, ListOrganizationsResponse, ListProductsRequest, ListProductsResponse, ListSitesRequest,
    ListSitesResponse, Standing,
};

use super::{Client, Paging, ReadFlags, answered, query};
use crate::cli::ImportRegistry;
use crate::config::{Key, Output, Settings};
use crate::failure::Failure;
use crate::output::{self, Table};
use crate::progress::Step;
use crate::reference::{self, Report, Tables};
use crate::words::{Channel as ChannelWord, OrganizationWord, RegistryWord, count, number, quantity, unit};

/// Things that the service gives at once.
const PAGE: usize = 1_000;
/// Refused facts of an import that are shown.
const REFUSALS_SHOWN: usize = 5;

/// What to list.
#[derive(Subcommand, Clone, Debug)]
pub enum List {
    /// Production-to-retail chains, with the capacity that they declared
    Chains(Chains),
    /// Places that can hold stock
    Sites(Sites),
    /// Product kinds
    Products(Products),
    /// Cooperatives, farms, processors, distributors, retailers, authorities
    Organizations(Organizations),
    /// Administrative units
    Districts(Districts),
}

/// Which chains.
#[derive(Args, Clone, Debug)]
pub struct Chains {
    /// Of this product group, for example rau
    #[arg(long, default_value = "", hide_default_value = true)]
    pub group: String,
    /// In this district: code
    #[arg(long, default_value = "", hide_default_value = true)]
    pub district: String,
    /// With this product: code or GTIN
    #[arg(long, default_value = "", hide_default_value = true)]
    pub product: String,
    /// Also those that are retired, or merged into others
    #[arg(long)]
    pub retired: bool,
    /// How much to show.
    #[command(flatten)]
    pub paging: Paging,
    /// Settings, and the position.
    #[command(flatten)]
    pub read: ReadFlags,
}

/// Which sites.
#[derive(Args, Clone, Debug)]
pub struct Sites {
    /// Of these kinds
    #[arg(long = "kind", value_name = "KIND", value_enum, value_delimiter = ',')]
    pub kinds: Vec<ChannelWord>,
    /// In this district: code
    #[arg(long, default_value = "", hide_default_value = true)]
    pub district: String,
    /// Of this chain
    #[arg(long, default_value = "", hide_default_value = true)]
    pub chain: String,
    /// Run by this organization
    #[arg(long, default_value = "", hide_default_value = true)]
    pub organization: String,
    /// Also those that are retired, or merged into others
    #[arg(long)]
    pub retired: bool,
    /// How much to show.
    #[command(flatten)]
    pub paging: Paging,
    /// Settings, and the position.
    #[command(flatten)]
    pub read: ReadFlags,
}

/// Which products.
#[derive(Args, Clone, Debug)]
pub struct Products {
    /// Of this group, for example rau
    #[arg(long, default_value = "", hide_default_value = true)]
    pub group: String,
    /// Of this chain
    #[arg(long, default_value = "", hide_default_value = true)]
    pub chain: String,
    /// Also those that are retired, or merged into others
    #[arg(long)]
    pub retired: bool,
    /// How much to show.
    #[command(flatten)]
    pub paging: Paging,
    /// Settings, and the position.
    #[command(flatten)]
    pub read: ReadFlags,
}

/// Which organizations.
#[derive(Args, Clone, Debug)]
pub struct Organizations {
    /// Of this kind
    #[arg(long, value_enum)]
    pub kind: Option<OrganizationWord>,
    /// Also those that are retired, or merged into others
    #[arg(long)]
    pub retired: bool,
    /// How much to show.
    #[command(flatten)]
    pub paging: Paging,
    /// Settings, and the position.
    #[command(flatten)]
    pub read: ReadFlags,
}

/// Which districts: all.
#[derive(Args, Clone, Debug)]
pub struct Districts {
    /// How much to show.
    #[command(flatten)]
    pub paging: Paging,
    /// Settings, and the position.
    #[command(flatten)]
    pub read: ReadFlags,
}

/// What to find.
#[derive(Args, Clone, Debug)]
pub struct Find {
    /// Name, code, GLN or GTIN, or the beginnings of some words of a name; with or without diacritics
    #[arg(required = true)]
    pub text: Vec<String>,
    /// Only these kinds
    #[arg(long = "kind", value_name = "KIND", value_enum, value_delimiter = ',')]
    pub kinds: Vec<RegistryWord>,
    /// How many to show at most
    #[arg(long, value_name = "ROWS", default_value_t = 20, value_parser = clap::value_parser!(i32).range(1..=200))]
    pub limit: i32,
    /// Also those that are retired
    #[arg(long)]
    pub retired: bool,
    /// Settings, and the position.
    #[command(flatten)]
    pub read: ReadFlags,
}

/// Reads page after page until there is enough.
macro_rules! pages {
    ($service:ident.$call:ident, $request:ident, $answer:ty, $rows:ident, $paging:expr) => {{
        let mut all = <$answer>::default();
        loop {
            $request.page_size = $paging.page_size(all.$rows.len(), PAGE);
            let mut page = answered($service.$call(query($request.clone())).await)?;
            $request.page_token = page.next_page_token.clone();
            page.$rows.splice(..0, all.$rows);
            all = page;
            if $request.page_token.is_empty() || $paging.wanted(all.$rows.len()) == 0 {
                break all;
            }
        }
    }};
}

impl List {
    /// The flags of reading commands.
    pub fn read(&self) -> &ReadFlags {
        match self {
            List::Chains(asked) => &asked.read,
            List::Sites(asked) => &asked.read,
            List::Products(asked) => &asked.read,
            List::Organizations(asked) => &asked.read,
            List::Districts(asked) => &asked.read,
        }
    }
}

/// Runs `registry list`.
pub async fn list(settings: Settings, list: &List) -> Result<(), Failure> {
    let client = Client::connect(settings).await?;
    let mut service = super::service!(RegistryServiceClient<Channel>, client.channel.clone());
    let at_least = list.read().at_least.clone();
    match list {
        List::Chains(asked) => {
            let (group_code, district_code, product) = (asked.group.clone(), asked.district.clone(), asked.product.clone());
            let include_retired = asked.retired;
            let mut request = ListChainsRequest {
                group_code,
                district_code,
                product,
                include_retired,
                at_least,
                ..ListChainsRequest::default()
            };
            let answer = pages!(service.list_chains, request, ListChainsResponse, chains, asked.paging);
            client.show("chuoi.registry.v1.ListChainsResponse", &answer, || chains(&answer))
        }
        List::Sites(asked) => {
            let mut request = ListSitesRequest {
                kinds: asked.kinds.iter().map(|kind| kind.number()).collect(),
                district_code: asked.district.clone(),
                chain_code: asked.chain.clone(),
                organization_code: asked.organization.clone(),
                include_retired: asked.retired,
                at_least,
                ..ListSitesRequest::default()
            };
            let answer = pages!(service.list_sites, request, ListSitesResponse, sites, asked.paging);
            client.show("chuoi.registry.v1.ListSitesResponse", &answer, || sites(&answer))
        }
        List::Products(asked) => {
            let (group_code, chain_code) = (asked.group.clone(), asked.chain.clone());
            let include_retired = asked.retired;
            let mut request =
                ListProductsRequest { group_code, chain_code, include_retired, at_least, ..ListProductsRequest::default() };
            let answer = pages!(service.list_products, request, ListProductsResponse, products, asked.paging);
            client.show("chuoi.registry.v1.ListProductsResponse", &answer, || products(&answer))
        }
        List::Organizations(asked) => {
            let kind = asked.kind.map_or(0, OrganizationWord::number);
            let include_retired = asked.retired;
            let mut request = ListOrganizationsRequest { kind, include_retired, at_least, ..ListOrganizationsRequest::default() };
            let answer = pages!(service.list_organizations, request, ListOrganizationsResponse, organizations, asked.paging);
            client.show("chuoi.registry.v1.ListOrganizationsResponse", &answer, || organizations(&answer))
        }
        List::Districts(asked) => {
            let mut request = ListDistrictsRequest { at_least, ..ListDistrictsRequest::default() };
            let answer = pages!(service.list_districts, request, ListDistrictsResponse, districts, asked.paging);
            client.show("chuoi.registry.v1.ListDistrictsResponse", &answer, || districts(&answer))
        }
    }
}

/// Runs `registry find`.
pub async fn find(settings: Settings, asked: &Find) -> Result<(), Failure> {
    let client = Client::connect(settings).await?;
    let mut service = super::service!(RegistryServiceClient<Channel>, client.channel.clone());
    let request = FindRequest {
        query: asked.text.join(" "),
        kinds: asked.kinds.iter().map(|kind| kind.number()).collect(),
        page_size: asked.limit,
        include_retired: asked.retired,
        at_least: asked.read.at_least.clone(),
    };
    let answer = answered(service.find(query(request)).await)?;
    client.show("chuoi.registry.v1.FindResponse", &answer, || found(&answer))
}

/// Runs `registry import`, in the name of the authority that keeps the registry.
pub async fn import(settings: Settings, asked: &ImportRegistry) -> Result<(), Failure> {
    let cannot = |error| Failure::failed("cannot read the tables", error);
    let tables = match &asked.folder {
        Some(folder) => Tables::from_folder(folder).map_err(cannot)?,
        None => Tables::embedded().map_err(cannot)?,
    };
    let client = Client::connect(settings).await?;
    let authority = match client.settings.text(Key::Organization) {
        "" => client.settings.text(Key::AuthorityCode),
        organization => organization,
    };
    let step = Step::begin("importing the registry");
    let report = import_tables(&client, &tables, authority, &step).await?;
    let seconds = step.done();
    match client.output {
        Output::Json => output::print(
            &json!({
                "accepted": report.accepted, "duplicates": report.duplicates, "refused": report.refused.len(),
                "position": report.position, "seconds": (seconds * 1_000.0).round() / 1_000.0,
            })
            .to_string(),
        ),
        Output::Table | Output::Csv => {
            let of = |figure: u64| count(i64::try_from(figure).unwrap_or(i64::MAX));
            let (accepted, duplicates) = (of(report.accepted), of(report.duplicates));
            output::print(&format!(
                "recorded  {accepted} facts; {duplicates} were recorded before\nposition  {}\n",
                report.position
            ))
        }
    }?;
    refusals(&report)
}

/// Records what tables say, with a bar.
pub async fn import_tables(client: &Client, tables: &Tables, authority: &str, step: &Step) -> Result<Report, Failure> {
    let progress = |done: usize, of: usize| step.reached(done as u64, of as u64);
    reference::import(client.channel.clone(), tables, authority, progress)
        .await
        .map_err(|error| Failure::unavailable("cannot import the registry", error))
}

/// Facts that were refused are a failure, with the first of them as examples.
pub fn refusals(report: &Report) -> Result<(), Failure> {
    if report.refused.is_empty() {
        return Ok(());
    }
    let examples: Vec<String> =
        report.refused.iter().take(REFUSALS_SHOWN).map(|refused| format!("\n  {}", refused.message)).collect();
    Err(Failure::Refused(format!("{} facts were refused, for example:{}", report.refused.len(), examples.concat())))
}

/// How many are shown of how many, and the position.
fn ending(table: Table, shown: usize, total: i64, position: &str) -> String {
    let text = if table.is_empty() { "nothing\n".to_owned() } else { table.render() };
    let all = usize::try_from(total).unwrap_or_default();
    let more = if shown < all { format!("; {shown} are shown: a greater --limit shows more") } else { String::new() };
    format!("{text}\nfound     {}{more}\nposition  {position}\n", count(total))
}

/// What has become of it: retired since when, merged into what, which codes and other numbers it has.
fn standing(standing: Option<&Standing>, shown: &str) -> String {
    let Some(standing) = standing else { return String::new() };
    let mut said = Vec::new();
    if !standing.retired_from_date.is_empty() {
        said.push(format!("retired since {}", standing.retired_from_date));
    }
    if !standing.merged_into_code.is_empty() {
        said.push(format!("merged into {}", standing.merged_into_code));
    }
    if !standing.duplicate_codes.is_empty() {
        said.push(format!("also {}", standing.duplicate_codes.join(" ")));
    }
    let others: Vec<&str> = standing.numbers.iter().map(String::as_str).filter(|number| *number != shown).collect();
    if !others.is_empty() {
        said.push(others.join(" "));
    }
    said.join("; ")
}

fn named(code: &str, name: &str) -> String {
    format!("{code} {name}").trim().to_owned()
}

fn chains(answer: &ListChainsResponse) -> String {
    let mut table =
        Table::new(&["chain", "name", "group", "lead", "district", "capacity a day>", "unit", "sites>", "products>", "standing"]);
    for chain in &answer.chains {
        let of = chain.registered.clone().unwrap_or_default();
        table.row([
            of.chain_code,
            of.name,
            of.group_code,
            named(&of.lead_organization_code, &chain.lead_organization_name),
            chain.district_name.clone(),
            chain.capacity_per_day_milli.map(number).unwrap_or_default(),
            unit(&chain.capacity_unit).to_owned(),
            count(chain.sites),
            count(chain.products),
            standing(chain.standing.as_ref(), ""),
        ]);
    }
    ending(table, answer.chains.len(), answer.total, &answer.position)
}

fn sites(answer: &ListSitesResponse) -> String {
    let mut table = Table::new(&["site", "name", "kind", "district", "organization", "chains", "GLN", "standing"]);
    for site in &answer.sites {
        let of = site.registered.clone().unwrap_or_default();
        let organization = named(&of.organization_code, &site.organization_name);
        let kind = ChannelWord::word(of.kind).to_owned();
        let standing = standing(site.standing.as_ref(), &of.gln);
        let chains = site.chain_codes.join(" ");
        table.row([of.site_code, of.name, kind, site.district_name.clone(), organization, chains, of.gln, standing]);
    }
    ending(table, answer.sites.len(), answer.total, &answer.position)
}

fn products(answer: &ListProductsResponse) -> String {
    let mut table =
        Table::new(&["product", "name", "group", "unit", "one is", "keeps>", "market units", "chains", "GTIN", "standing"]);
    for product in &answer.products {
        let of = product.registered.clone().unwrap_or_default();
        let units = of.market_units.iter().map(|market| match market.denominator {
            1 => format!("{} = {}", market.name, market.numerator),
            denominator => format!("{} = {}/{denominator}", market.name, market.numerator),
        });
        let keeps = if of.shelf_life_days == 0 { String::new() } else { format!("{} days", of.shelf_life_days) };
        let content =
            if of.content_milli == 0 { String::new() } else { quantity(of.content_milli, content_unit(&of.content_unit)) };
        let base = unit(&of.base_unit).to_owned();
        let units = units.collect::<Vec<_>>().join(", ");
        let (chains, standing) = (product.chain_codes.join(" "), standing(product.standing.as_ref(), &of.gtin));
        table.row([of.product_code, of.name, of.group_code, base, content, keeps, units, chains, of.gtin, standing]);
    }
    ending(table, answer.products.len(), answer.total, &answer.position)
}

/// What a package holds, as it is printed on it.
fn content_unit(code: &str) -> &str {
    match code {
        "GRM" => "g",
        "MLT" => "ml",
        other => other,
    }
}

fn organizations(answer: &ListOrganizationsResponse) -> String {
    let mut table = Table::new(&["organization", "name", "kind", "sites>", "GLN", "standing"]);
    for organization in &answer.organizations {
        let of = organization.registered.clone().unwrap_or_default();
        let standing = standing(organization.standing.as_ref(), &of.gln);
        let kind = OrganizationWord::word(of.kind).to_owned();
        table.row([of.organization_code, of.name, kind, count(organization.sites), of.gln, standing]);
    }
    ending(table, answer.organizations.len(), answer.total, &answer.position)
}

fn districts(answer: &ListDistrictsResponse) -> String {
    let mut table = Table::new(&["district", "name", "kind", "ends"]);
    for district in &answer.districts {
        let of = district.registered.clone().unwrap_or_default();
        let ends = of.ends_day.map(|day| domain::time::BusinessDay(day).to_string()).unwrap_or_default();
        table.row([of.district_code, of.name, of.kind, ends]);
    }
    ending(table, answer.districts.len(), answer.total, &answer.position)
}

fn found(answer: &FindResponse) -> String {
    let mut table = Table::new(&["kind", "code", "name", "GLN or GTIN", "standing"]);
    for found in &answer.found {
        let merged = if found.found_as_code.is_empty() { String::new() } else { format!("was {}", found.found_as_code) };
        let retired =
            if found.retired_from_date.is_empty() { String::new() } else { format!("retired since {}", found.retired_from_date) };
        let standing = [merged, retired].into_iter().filter(|said| !said.is_empty()).collect::<Vec<_>>().join("; ");
        table.row([RegistryWord::word(found.kind), &found.code, &found.name, &found.alias, &standing]);
    }
    ending(table, answer.found.len(), answer.total, &answer.position)
}
