//! `chuoi report`: the questions of planners, shops, cooperatives, inspectors and shoppers.

use clap::{Args, Subcommand};
use prost_reflect::prost::Message;
use serde_json::Value;
use tonic::transport::Channel;
use wire::proto::chuoi::report::v1::report_service_client::ReportServiceClient;
use wire::proto::chuoi::report::v1::{
    GetPublicFactsRequest, ListBuyersRequest, ListChannelSplitsRequest, ListCoverRequest, ListCoverageRequest,
    ListEarlyHarvestsRequest, ListIdleChainsRequest, ListLatenessRequest, ListOrdersRequest, ListPlotLotsRequest,
    ListReturnsRequest, ListShortagesRequest, ListSourcesRequest, ListWithdrawalsRequest,
};

use super::safety::listed;
use super::{Client, Paging, ReadFlags, answered, query, typed};
use crate::config::Settings;
use crate::failure::Failure;
use crate::output::{Table, json, rows};
use crate::words::{Channel as ChannelWord, ThroughputBy, count, number, unit};

/// Rows that the service gives at once.
pub(super) const PAGE: usize = 5_000;

/// Which question.
#[derive(Subcommand, Clone, Debug)]
pub enum Report {
    /// Shops that dealt in a product lately and have none to sell, with the nearest site that has
    Shortages(Shortages),
    /// For how many days the stock of each product lasts, and whether to Tết
    Cover(Cover),
    /// Chains that have been silent for longer than they usually are; rest for Tết is no silence
    Idle(Idle),
    /// Shops of each kind in each district, and how many of them were supplied
    Coverage(Coverage),
    /// From how many chains each product came
    Sources(Sources),
    /// What each chain sends through each channel, beside its plan
    Channels(Channels),
    /// How late each organization records what happened
    Lateness(Lateness),
    /// What was turned away at the door and what consumers brought back, by reason
    Returns(Returns),
    /// Who receives a product, and from which chains
    Buyers(Buyers),
    /// Lots that were harvested from a plot
    Plot(Plot),
    /// Lots that were harvested before the waiting time of a treatment of their plot was over
    EarlyHarvests(EarlyHarvests),
    /// Goods that must not be sold where they stand: recalled, held, expired, or consignments that go back
    Withdrawals(Withdrawals),
    /// What sites ordered, what was sent and accepted for it, and what has to be sent still
    Orders(Orders),
    /// What everybody may know about a lot: what a shopper sees who scans its code
    Public(Public),
}

/// What every question heeds.
#[derive(Args, Clone, Debug)]
pub struct Flags {
    /// How much to show.
    #[command(flatten)]
    pub paging: Paging,
    /// Settings, and the position.
    #[command(flatten)]
    pub read: ReadFlags,
}

/// First and last day.
#[derive(Args, Clone, Debug)]
pub struct Days {
    /// First business day [default: with the last a month, for coverage a week]
    #[arg(long, value_name = "DAY", value_parser = typed::date)]
    pub from: Option<String>,
    /// Last business day [default: today]
    #[arg(long, value_name = "DAY", value_parser = typed::date)]
    pub to: Option<String>,
}

/// Flags of `shortages`.
#[derive(Args, Clone, Debug)]
pub struct Shortages {
    /// Products: code or GTIN
    #[arg(required = true, value_name = "PRODUCT")]
    pub products: Vec<String>,
    /// A shop deals in a product that it received or sold in so many days [default: 30]
    #[arg(long, default_value_t = 0, hide_default_value = true)]
    pub days: i32,
    /// Only these shops: code or GLN
    #[arg(long = "site", value_name = "SITE", value_delimiter = ',')]
    pub sites: Vec<String>,
    /// Only shops of these kinds
    #[arg(long = "channel", value_name = "CHANNEL", value_enum, value_delimiter = ',')]
    pub channels: Vec<ChannelWord>,
    /// Only in these districts
    #[arg(long = "district", value_name = "DISTRICT", value_delimiter = ',')]
    pub districts: Vec<String>,
    /// What every question heeds.
    #[command(flatten)]
    pub flags: Flags,
}

/// Flags of `cover`.
#[derive(Args, Clone, Debug)]
pub struct Cover {
    /// Only these products: code or GTIN
    #[arg(long = "product", value_name = "PRODUCT", value_delimiter = ',')]
    pub products: Vec<String>,
    /// Only of these groups
    #[arg(long = "group", value_name = "GROUP", value_delimiter = ',')]
    pub groups: Vec<String>,
    /// Recent days whose sales are the measure [default: 28]
    #[arg(long, default_value_t = 0, hide_default_value = true)]
    pub days: i32,
    /// Only what runs out before Tết
    #[arg(long)]
    pub short_only: bool,
    /// What every question heeds.
    #[command(flatten)]
    pub flags: Flags,
}

/// Flags of `idle`.
#[derive(Args, Clone, Debug)]
pub struct Idle {
    /// Only these chains
    #[arg(long = "chain", value_name = "CHAIN", value_delimiter = ',')]
    pub chains: Vec<String>,
    /// The day that is looked at [default: today]
    #[arg(long, value_name = "DAY", value_parser = typed::date)]
    pub date: Option<String>,
    /// Idle after so many days, and longer than usual [default: 3]
    #[arg(long, default_value_t = 0, hide_default_value = true)]
    pub min_days: i32,
    /// Every chain, idle or not
    #[arg(long)]
    pub every: bool,
    /// What every question heeds.
    #[command(flatten)]
    pub flags: Flags,
}

/// Flags of `coverage`.
#[derive(Args, Clone, Debug)]
pub struct Coverage {
    /// When.
    #[command(flatten)]
    pub days: Days,
    /// Only supplied with these products: code or GTIN
    #[arg(long = "product", value_name = "PRODUCT", value_delimiter = ',')]
    pub products: Vec<String>,
    /// Only supplied by these chains
    #[arg(long = "chain", value_name = "CHAIN", value_delimiter = ',')]
    pub chains: Vec<String>,
    /// Only these districts
    #[arg(long = "district", value_name = "DISTRICT", value_delimiter = ',')]
    pub districts: Vec<String>,
    /// Only these kinds of shops
    #[arg(long = "channel", value_name = "CHANNEL", value_enum, value_delimiter = ',')]
    pub channels: Vec<ChannelWord>,
    /// Only where there is no shop, or none was supplied
    #[arg(long)]
    pub gaps_only: bool,
    /// On the map of this day [default: today]
    #[arg(long, value_name = "DAY", value_parser = typed::date)]
    pub map: Option<String>,
    /// What every question heeds.
    #[command(flatten)]
    pub flags: Flags,
}

/// Flags of `sources`.
#[derive(Args, Clone, Debug)]
pub struct Sources {
    /// When.
    #[command(flatten)]
    pub days: Days,
    /// Only these products: code or GTIN
    #[arg(long = "product", value_name = "PRODUCT", value_delimiter = ',')]
    pub products: Vec<String>,
    /// Only of these groups
    #[arg(long = "group", value_name = "GROUP", value_delimiter = ',')]
    pub groups: Vec<String>,
    /// Only from so many chains at most: 1 for single sources and none, 0 for none
    #[arg(long, value_name = "CHAINS")]
    pub most_chains: Option<i32>,
    /// What every question heeds.
    #[command(flatten)]
    pub flags: Flags,
}

/// Flags of `channels`.
#[derive(Args, Clone, Debug)]
pub struct Channels {
    /// When.
    #[command(flatten)]
    pub days: Days,
    /// Only these chains
    #[arg(long = "chain", value_name = "CHAIN", value_delimiter = ',')]
    pub chains: Vec<String>,
    /// What every question heeds.
    #[command(flatten)]
    pub flags: Flags,
}

/// Flags of `lateness`.
#[derive(Args, Clone, Debug)]
pub struct Lateness {
    /// When it was recorded.
    #[command(flatten)]
    pub days: Days,
    /// Only these organizations: code or GLN
    #[arg(long = "organization", value_name = "ORGANIZATION", value_delimiter = ',')]
    pub organizations: Vec<String>,
    /// Late is what is recorded so many hours after it happened [default: 24]
    #[arg(long, default_value_t = 0, hide_default_value = true)]
    pub late_hours: i32,
    /// What every question heeds.
    #[command(flatten)]
    pub flags: Flags,
}

/// Flags of `returns`.
#[derive(Args, Clone, Debug)]
pub struct Returns {
    /// When.
    #[command(flatten)]
    pub days: Days,
    /// Sum by these keys, besides the reason
    #[arg(long, value_enum, value_delimiter = ',', value_name = "KEYS")]
    pub by: Vec<ThroughputBy>,
    /// Only of these chains
    #[arg(long = "chain", value_name = "CHAIN", value_delimiter = ',')]
    pub chains: Vec<String>,
    /// Only these products: code or GTIN
    #[arg(long = "product", value_name = "PRODUCT", value_delimiter = ',')]
    pub products: Vec<String>,
    /// Only at these sites: code or GLN
    #[arg(long = "site", value_name = "SITE", value_delimiter = ',')]
    pub sites: Vec<String>,
    /// What every question heeds.
    #[command(flatten)]
    pub flags: Flags,
}

/// Flags of `buyers`.
#[derive(Args, Clone, Debug)]
pub struct Buyers {
    /// Products: code or GTIN
    #[arg(required = true, value_name = "PRODUCT")]
    pub products: Vec<String>,
    /// When.
    #[command(flatten)]
    pub days: Days,
    /// Only of these chains
    #[arg(long = "chain", value_name = "CHAIN", value_delimiter = ',')]
    pub chains: Vec<String>,
    /// What every question heeds.
    #[command(flatten)]
    pub flags: Flags,
}

/// Flags of `plot`.
#[derive(Args, Clone, Debug)]
pub struct Plot {
    /// The plot, as harvests name it
    pub plot: String,
    /// First day of harvest
    #[arg(long, value_name = "DAY", value_parser = typed::date)]
    pub from: Option<String>,
    /// Last day of harvest
    #[arg(long, value_name = "DAY", value_parser = typed::date)]
    pub to: Option<String>,
    /// Only recorded by these organizations: code or GLN
    #[arg(long = "organization", value_name = "ORGANIZATION", value_delimiter = ',')]
    pub organizations: Vec<String>,
    /// What every question heeds.
    #[command(flatten)]
    pub flags: Flags,
}

/// Flags of `early-harvests`.
#[derive(Args, Clone, Debug)]
pub struct EarlyHarvests {
    /// When it was harvested.
    #[command(flatten)]
    pub days: Days,
    /// At these sites: code or GLN
    #[arg(long = "site", value_name = "SITE", value_delimiter = ',')]
    pub sites: Vec<String>,
    /// What every question heeds.
    #[command(flatten)]
    pub flags: Flags,
}

/// Flags of `withdrawals`.
#[derive(Args, Clone, Debug)]
pub struct Withdrawals {
    /// At these sites: code or GLN
    #[arg(long = "site", value_name = "SITE", value_delimiter = ',')]
    pub sites: Vec<String>,
    /// At sites of these organizations: code or GLN
    #[arg(long = "organization", value_name = "ORGANIZATION", value_delimiter = ',')]
    pub organizations: Vec<String>,
    /// A consignment goes back so many days before its last
    #[arg(long, default_value_t = 0)]
    pub consignment_days: i32,
    /// What every question heeds.
    #[command(flatten)]
    pub flags: Flags,
}

/// Flags of `orders`.
#[derive(Args, Clone, Debug)]
pub struct Orders {
    /// Due from this day
    #[arg(long, value_name = "DAY", value_parser = typed::date)]
    pub from: Option<String>,
    /// Due up to this day
    #[arg(long, value_name = "DAY", value_parser = typed::date)]
    pub to: Option<String>,
    /// Only of these sites: code or GLN
    #[arg(long = "site", value_name = "SITE", value_delimiter = ',')]
    pub sites: Vec<String>,
    /// Only of these chains
    #[arg(long = "chain", value_name = "CHAIN", value_delimiter = ',')]
    pub chains: Vec<String>,
    /// Only of these products: code or GTIN
    #[arg(long = "product", value_name = "PRODUCT", value_delimiter = ',')]
    pub products: Vec<String>,
    /// Only what is not filled and not closed
    #[arg(long)]
    pub open_only: bool,
    /// What every question heeds.
    #[command(flatten)]
    pub flags: Flags,
}

/// Flags of `public`.
#[derive(Args, Clone, Debug)]
pub struct Public {
    /// Code of the lot, its id, or a GS1 Digital Link
    pub code: String,
    /// Product: code or GTIN
    #[arg(long, default_value = "", hide_default_value = true)]
    pub product: String,
    /// What every question heeds.
    #[command(flatten)]
    pub flags: Flags,
}

impl Report {
    /// What every question heeds.
    pub fn flags(&self) -> &Flags {
        match self {
            Report::Shortages(asked) => &asked.flags,
            Report::Cover(asked) => &asked.flags,
            Report::Idle(asked) => &asked.flags,
            Report::Coverage(asked) => &asked.flags,
            Report::Sources(asked) => &asked.flags,
            Report::Channels(asked) => &asked.flags,
            Report::Lateness(asked) => &asked.flags,
            Report::Returns(asked) => &asked.flags,
            Report::Buyers(asked) => &asked.flags,
            Report::Plot(asked) => &asked.flags,
            Report::EarlyHarvests(asked) => &asked.flags,
            Report::Withdrawals(asked) => &asked.flags,
            Report::Orders(asked) => &asked.flags,
            Report::Public(asked) => &asked.flags,
        }
    }
}

/// Reads as many pages of a list as are wanted, into one answer.
macro_rules! pages {
    ($client:expr, $service:ident, $flags:expr, $call:ident, $name:literal, $request:expr) => {{
        let mut request = $request;
        request.at_least = $flags.read.at_least.clone();
        let mut rows = Vec::new();
        let answer = loop {
            request.page_size = $flags.paging.page_size(rows.len(), $crate::client::report::PAGE);
            let mut page = answered($service.$call(query(request.clone())).await)?;
            rows.append(&mut page.rows);
            if page.next_page_token.is_empty() || $flags.paging.wanted(rows.len()) == 0 {
                page.rows = rows;
                break page;
            }
            request.page_token = page.next_page_token;
        };
        show(&$client, $name, &answer)
    }};
}
pub(super) use pages;

fn channels(words: &[ChannelWord]) -> Vec<i32> {
    words.iter().map(|word| word.number()).collect()
}

/// Runs it.
pub async fn run(settings: Settings, report: &Report) -> Result<(), Failure> {
    let client = Client::connect(settings).await?;
    let flags = report.flags();
    let mut service = super::service!(ReportServiceClient<Channel>, client.channel.clone());
    let day = |day: &Option<String>| day.clone().unwrap_or_default();
    match report.clone() {
        Report::Shortages(Shortages { products, days, sites, channels: kinds, districts, .. }) => {
            let channels = channels(&kinds);
            let request = ListShortagesRequest { products, days, sites, channels, districts, ..Default::default() };
            pages!(client, service, flags, list_shortages, "chuoi.report.v1.ListShortagesResponse", request)
        }
        Report::Cover(Cover { products, groups, days, short_only, .. }) => {
            pages!(
                client,
                service,
                flags,
                list_cover,
                "chuoi.report.v1.ListCoverResponse",
                ListCoverRequest { products, groups, days, short_only, ..Default::default() }
            )
        }
        Report::Idle(Idle { chains, date, min_days, every, .. }) => {
            let request = ListIdleChainsRequest { date: day(&date), min_days, all: every, chains, ..Default::default() };
            pages!(client, service, flags, list_idle_chains, "chuoi.report.v1.ListIdleChainsResponse", request)
        }
        Report::Coverage(Coverage { days, products, chains, districts, channels: kinds, gaps_only, map, .. }) => {
            let (from_date, to_date, channels) = (day(&days.from), day(&days.to), channels(&kinds));
            let request = ListCoverageRequest { from_date, to_date, products, chains, ..Default::default() };
            pages!(
                client,
                service,
                flags,
                list_coverage,
                "chuoi.report.v1.ListCoverageResponse",
                ListCoverageRequest { districts, channels, gaps_only, map_date: day(&map), ..request }
            )
        }
        Report::Sources(Sources { days, products, groups, most_chains, .. }) => {
            let (from_date, to_date) = (day(&days.from), day(&days.to));
            let request = ListSourcesRequest { from_date, to_date, products, groups, most_chains, ..Default::default() };
            pages!(client, service, flags, list_sources, "chuoi.report.v1.ListSourcesResponse", request)
        }
        Report::Channels(Channels { days, chains, .. }) => {
            let (from_date, to_date) = (day(&days.from), day(&days.to));
            let request = ListChannelSplitsRequest { from_date, to_date, chains, ..Default::default() };
            pages!(client, service, flags, list_channel_splits, "chuoi.report.v1.ListChannelSplitsResponse", request)
        }
        Report::Lateness(Lateness { days, organizations, late_hours, .. }) => {
            let (from_date, to_date) = (day(&days.from), day(&days.to));
            let request = ListLatenessRequest { from_date, to_date, organizations, late_hours, ..Default::default() };
            pages!(client, service, flags, list_lateness, "chuoi.report.v1.ListLatenessResponse", request)
        }
        Report::Returns(Returns { days, by, chains, products, sites, .. }) => {
            let (from_date, to_date) = (day(&days.from), day(&days.to));
            let group_by = by.iter().map(|key| key.number()).collect();
            let request = ListReturnsRequest { from_date, to_date, group_by, chains, products, sites, ..Default::default() };
            pages!(client, service, flags, list_returns, "chuoi.report.v1.ListReturnsResponse", request)
        }
        Report::Buyers(Buyers { products, days, chains, .. }) => {
            let (from_date, to_date) = (day(&days.from), day(&days.to));
            let request = ListBuyersRequest { products, from_date, to_date, chains, ..Default::default() };
            pages!(client, service, flags, list_buyers, "chuoi.report.v1.ListBuyersResponse", request)
        }
        Report::Plot(Plot { plot, from, to, organizations, .. }) => {
            let (from_date, to_date) = (day(&from), day(&to));
            let request = ListPlotLotsRequest { plot, from_date, to_date, organizations, ..Default::default() };
            pages!(client, service, flags, list_plot_lots, "chuoi.report.v1.ListPlotLotsResponse", request)
        }
        Report::EarlyHarvests(EarlyHarvests { days, sites, .. }) => {
            let (from_date, to_date) = (day(&days.from), day(&days.to));
            let request = ListEarlyHarvestsRequest { from_date, to_date, sites, ..Default::default() };
            pages!(client, service, flags, list_early_harvests, "chuoi.report.v1.ListEarlyHarvestsResponse", request)
        }
        Report::Withdrawals(Withdrawals { sites, organizations, consignment_days, .. }) => {
            let request = ListWithdrawalsRequest { sites, organizations, consignment_days, ..Default::default() };
            pages!(client, service, flags, list_withdrawals, "chuoi.report.v1.ListWithdrawalsResponse", request)
        }
        Report::Orders(Orders { from, to, sites, chains, products, open_only, .. }) => {
            let (from_date, to_date) = (day(&from), day(&to));
            let request = ListOrdersRequest { from_date, to_date, sites, chains, products, open_only, ..Default::default() };
            pages!(client, service, flags, list_orders, "chuoi.report.v1.ListOrdersResponse", request)
        }
        Report::Public(Public { code, product, .. }) => {
            let request = GetPublicFactsRequest { code, product, at_least: flags.read.at_least.clone() };
            let answer = answered(service.get_public_facts(query(request)).await)?;
            show(&client, "chuoi.report.v1.GetPublicFactsResponse", &answer)
        }
    }
}

/// Shows an answer: what it says of the whole, then its rows.
pub(super) fn show(client: &Client, name: &str, answer: &impl Message) -> Result<(), Failure> {
    let (whole, found) = (json::of(name, answer)?, rows::of(name, answer)?);
    client.show(name, answer, || {
        let mut text = String::new();
        for (field, said) in whole.as_object().into_iter().flatten() {
            let hidden = said.is_array() || ["next_page_token", "position"].contains(&field.as_str());
            let said = rows::text(said);
            if !hidden && !said.is_empty() {
                text.push_str(&format!("{:<13}{said}\n", heading(field)));
            }
        }
        if !text.is_empty() {
            text.push('\n');
        }
        text + &listed(table(&found), &rows::text(&whole["next_page_token"]), &rows::text(&whole["position"]))
    })
}

/// What a field is called above its column: without the unit, which the figures say.
fn heading(field: &str) -> String {
    let field = field.rsplit('.').next().unwrap_or(field);
    let units = ["_milli", "_basis_points", "_metres", "_code", "_date", "_gram"];
    let bare = units.iter().find_map(|unit| field.strip_suffix(unit)).unwrap_or(field);
    let unit = if field.ends_with("_basis_points") {
        " %"
    } else if field.ends_with("_metres") {
        " km"
    } else if field.ends_with("_gram") {
        " kg"
    } else {
        ""
    };
    bare.replace('_', " ") + unit
}

fn table(found: &rows::Rows) -> Table {
    // A name stands behind its code.
    let is_beside = |column: &str| {
        let code = column.strip_suffix("_name").map(|bare| format!("{bare}_code"));
        code.is_some_and(|code| found.columns.contains(&code))
    };
    // Of a lot its name, product, last day and unit; the rest is for scripts.
    let is_of_lot = |column: &str| {
        let shown = ["lot.lot_code", "lot.product_code", "lot.expiry_date", "lot.unit"];
        column.starts_with("lot.") && !shown.contains(&column)
    };
    // A day that the answer says as a date, too.
    let is_day = |column: &str| column.contains('.') && column.ends_with("_day");
    let place = |name: &str| found.columns.iter().position(|column| column == name);
    // Where nobody has any, nothing is said of how far that is.
    let nearest = place("nearest_site_code");
    let is_nowhere = |column: &str, row: &[Value]| {
        column.starts_with("nearest_") && nearest.is_none_or(|nearest| rows::text(&row[nearest]).is_empty())
    };
    let is_shown = |at: &usize| {
        let column = &found.columns[*at];
        let is_somewhere = nearest.is_some() || !column.starts_with("nearest_");
        is_somewhere && !is_beside(column) && !is_of_lot(column) && !is_day(column)
    };
    let shown: Vec<usize> = (0..found.columns.len()).filter(is_shown).collect();
    let issuer = place("lot.issuer_code").zip(place("lot.product_code"));
    let is_figure = |at: usize| found.rows.iter().all(|row| row[at].is_number() || row[at].is_null());
    let headings: Vec<String> = shown
        .iter()
        .map(|at| heading(&found.columns[*at]) + if !found.rows.is_empty() && is_figure(*at) { ">" } else { "" })
        .collect();
    let mut table = Table::new(&headings.iter().map(String::as_str).collect::<Vec<_>>());
    for row in &found.rows {
        table.row(shown.iter().map(|at| {
            let column = &found.columns[*at];
            let name = column.strip_suffix("_code").and_then(|bare| {
                let beside = format!("{bare}_name");
                place(&beside)
            });
            let said = match issuer.filter(|_| column == "lot.lot_code") {
                Some((issuer, product)) => [issuer, product, *at].map(|part| rows::text(&row[part])).join("/"),
                None if is_nowhere(column, row) => String::new(),
                None => cell(column, &row[*at]),
            };
            match name.map(|name| rows::text(&row[name])) {
                Some(name) => format!("{said} {name}").trim().to_owned(),
                None => said,
            }
        }));
    }
    table
}

/// A value as people write it.
fn cell(column: &str, value: &Value) -> String {
    let field = column.rsplit('.').next().unwrap_or(column);
    match (value, value.as_i64()) {
        (Value::Bool(said), _) => (if *said { "yes" } else { "" }).to_owned(),
        (Value::Array(values), _) if values.iter().any(Value::is_object) => {
            values.iter().map(inner).collect::<Vec<_>>().join(", ")
        }
        (_, Some(figure)) if field.ends_with("_milli") || field.ends_with("_metres") || field.ends_with("_gram") => {
            number(figure)
        }
        (_, Some(figure)) if field.ends_with("_basis_points") => number(figure.saturating_mul(10)),
        (_, Some(figure)) => count(figure),
        _ if field == "unit" => unit(&rows::text(value)).to_owned(),
        _ => rows::text(value),
    }
}

/// A message within a row, in a few words.
fn inner(value: &Value) -> String {
    let fields = value.as_object().into_iter().flatten();
    fields.map(|(field, value)| cell(field, value)).filter(|said| !said.is_empty()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::proto::chuoi::report::v1 as proto;

    #[test]
    fn figures_are_written_as_people_write_them() {
        let shortage = proto::Shortage {
            product_code: "PK0049".to_owned(),
            product_name: "Rau muống".to_owned(),
            sold_milli: 1_234_500,
            nearest_site_code: "SM001".to_owned(),
            nearest_metres: 3_120,
            unit: "KGM".to_owned(),
            ..Default::default()
        };
        let nowhere = proto::Shortage { product_code: "PK0050".to_owned(), unit: "KGM".to_owned(), ..Default::default() };
        let shown = |rows: Vec<proto::Shortage>| {
            let answer = proto::ListShortagesResponse { rows, ..Default::default() };
            table(&rows::of("chuoi.report.v1.ListShortagesResponse", &answer).unwrap()).render()
        };
        insta::assert_snapshot!(shown(vec![shortage, nowhere.clone()]), @r"
        PRODUCT              SOLD  BLOCKED  INCOMING  NEAREST SITE  NEAREST KM  NEAREST  UNIT
        PK0049 Rau muống  1 234,5        0         0  SM001               3,12        0  kg
        PK0050                  0        0         0                                     kg
        ");
        insta::assert_snapshot!(shown(vec![nowhere]), @r"
        PRODUCT  SOLD  BLOCKED  INCOMING  UNIT
        PK0050      0        0         0  kg
        ");
        let split = proto::ChannelSplit { gap_basis_points: Some(-1_250), planned_basis_points: 4_000, ..Default::default() };
        let answer = proto::ListChannelSplitsResponse { rows: vec![split], ..Default::default() };
        let found = rows::of("chuoi.report.v1.ListChannelSplitsResponse", &answer).unwrap();
        insta::assert_snapshot!(table(&found).render(), @r"
        PLANNED %  GAP %  RECEIVED KG  UNKNOWN
               40  -12,5            0        0
        ");
    }
}
