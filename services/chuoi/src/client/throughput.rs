//! `chuoi throughput`: how much flows through the chains, and how far each is from its capacity.

use clap::Args;
use jiff::{Timestamp, ToSpan as _};
use tonic::transport::Channel;
use wire::proto::chuoi::throughput::v1::throughput_service_client::ThroughputServiceClient;
use wire::proto::chuoi::throughput::v1::{
    QueryThroughputRequest, QueryThroughputResponse, QueryUtilizationRequest, QueryUtilizationResponse, ThroughputRow,
};

use super::stock::estimate;
use super::{Client, Paging, ReadFlags, answered, query, typed};
use crate::config::Settings;
use crate::failure::Failure;
use crate::output::Table;
use crate::words::{Channel as ChannelWord, PeriodWord, StageWord, ThroughputBy, count, number, unit};

/// Rows that the service gives at once.
const PAGE: usize = 5_000;
/// Days that are shown where no range is named, today included.
const USUAL_DAYS: i64 = 7;

/// Which throughput, and by what it is summed.
#[derive(Args, Clone, Debug)]
pub struct Throughput {
    /// Hold what chains dispatched towards shops against the capacity that they declared
    #[arg(long, conflicts_with_all = ["by", "stages", "products", "channels", "districts", "sites"])]
    pub utilization: bool,
    /// Of these chains
    #[arg(long = "chain", value_name = "CHAIN", value_delimiter = ',')]
    pub chains: Vec<String>,
    /// Of these products: code or GTIN
    #[arg(long = "product", value_name = "PRODUCT", value_delimiter = ',')]
    pub products: Vec<String>,
    /// Only these stages
    #[arg(long = "stage", value_name = "STAGE", value_enum, value_delimiter = ',')]
    pub stages: Vec<StageWord>,
    /// At sites of these kinds; for what was dispatched: to them
    #[arg(long = "channel", value_name = "CHANNEL", value_enum, value_delimiter = ',')]
    pub channels: Vec<ChannelWord>,
    /// In these districts; for what was dispatched: to them
    #[arg(long = "district", value_name = "DISTRICT", value_delimiter = ',')]
    pub districts: Vec<String>,
    /// At these sites: code or GLN; for what was dispatched: from them
    #[arg(long = "site", value_name = "SITE", value_delimiter = ',')]
    pub sites: Vec<String>,
    /// First business day [default: six days before the last]
    #[arg(long, value_name = "DAY", value_parser = typed::date)]
    pub from: Option<String>,
    /// Last business day [default: today]
    #[arg(long, value_name = "DAY", value_parser = typed::date)]
    pub to: Option<String>,
    /// Length of the periods [default: the whole range is one]
    #[arg(long, value_enum)]
    pub period: Option<PeriodWord>,
    /// Sum by these keys, besides stage and unit
    #[arg(long, value_enum, value_delimiter = ',', value_name = "KEYS")]
    pub by: Vec<ThroughputBy>,
    /// How much to show.
    #[command(flatten)]
    pub paging: Paging,
    /// Settings, and the position.
    #[command(flatten)]
    pub read: ReadFlags,
}

/// Runs it.
pub async fn run(settings: Settings, asked: &Throughput) -> Result<(), Failure> {
    let today = super::zone(&settings)?.to_datetime(Timestamp::now()).date();
    let to = asked.to.clone().unwrap_or_else(|| today.to_string());
    // `typed::date` gives dates that parse; were one not to, the service names it.
    let last: jiff::civil::Date = to.parse().unwrap_or(today);
    let from = asked.from.clone().unwrap_or_else(|| last.saturating_sub((USUAL_DAYS - 1).days()).to_string());
    let client = Client::connect(settings).await?;
    let mut service = super::service!(ThroughputServiceClient<Channel>, client.channel.clone());
    let heading = format!("{from} to {to}\n\n");
    if asked.utilization {
        let answer = utilization(&mut service, asked, from, to).await?;
        return client.show("chuoi.throughput.v1.QueryUtilizationResponse", &answer, || heading + &show_utilization(&answer));
    }
    let answer = throughput(&mut service, asked, from, to).await?;
    client.show("chuoi.throughput.v1.QueryThroughputResponse", &answer, || heading + &show(&answer))
}

async fn throughput(
    service: &mut ThroughputServiceClient<Channel>,
    asked: &Throughput,
    from_date: String,
    to_date: String,
) -> Result<QueryThroughputResponse, Failure> {
    let mut request = QueryThroughputRequest {
        chains: asked.chains.clone(),
        products: asked.products.clone(),
        stages: asked.stages.iter().map(|stage| stage.number()).collect(),
        channels: asked.channels.iter().map(|channel| channel.number()).collect(),
        districts: asked.districts.clone(),
        sites: asked.sites.clone(),
        from_date,
        to_date,
        period: asked.period.map_or(0, PeriodWord::number),
        group_by: asked.by.iter().map(|by| by.number()).collect(),
        at_least: asked.read.at_least.clone(),
        ..QueryThroughputRequest::default()
    };
    let mut all = QueryThroughputResponse::default();
    loop {
        request.page_size = asked.paging.page_size(all.rows.len(), PAGE);
        let mut page = answered(service.query_throughput(query(request.clone())).await)?;
        request.page_token = page.next_page_token.clone();
        page.rows.splice(..0, all.rows);
        all = page;
        if request.page_token.is_empty() || asked.paging.wanted(all.rows.len()) == 0 {
            return Ok(all);
        }
    }
}

async fn utilization(
    service: &mut ThroughputServiceClient<Channel>,
    asked: &Throughput,
    from_date: String,
    to_date: String,
) -> Result<QueryUtilizationResponse, Failure> {
    let mut request = QueryUtilizationRequest {
        chains: asked.chains.clone(),
        from_date,
        to_date,
        period: asked.period.map_or(0, PeriodWord::number),
        at_least: asked.read.at_least.clone(),
        ..QueryUtilizationRequest::default()
    };
    let mut all = QueryUtilizationResponse::default();
    loop {
        request.page_size = asked.paging.page_size(all.rows.len(), PAGE);
        let mut page = answered(service.query_utilization(query(request.clone())).await)?;
        request.page_token = page.next_page_token.clone();
        page.rows.splice(..0, all.rows);
        all = page;
        if request.page_token.is_empty() || asked.paging.wanted(all.rows.len()) == 0 {
            return Ok(all);
        }
    }
}

fn show(answer: &QueryThroughputResponse) -> String {
    let mut table = Table::new(&[
        "from",
        "stage",
        "chain",
        "product",
        "channel",
        "district",
        "site",
        "quantity>",
        "unit",
        "kg (est.)>",
        "movements>",
    ]);
    for row in &answer.rows {
        table.row(cells(row));
    }
    let mut text = if table.is_empty() { "nothing\n".to_owned() } else { table.render() };
    // Without other keys the totals are the rows again.
    if answer.rows.len() > answer.totals.len() || !answer.next_page_token.is_empty() {
        let mut totals = Table::new(&[
            "total",
            "stage",
            "chain",
            "product",
            "channel",
            "district",
            "site",
            "quantity>",
            "unit",
            "kg (est.)>",
            "movements>",
        ]);
        for row in &answer.totals {
            totals.row(cells(row));
        }
        text.push('\n');
        text.push_str(&totals.render());
    }
    text + &rest(&answer.next_page_token, &answer.position)
}

fn cells(row: &ThroughputRow) -> [String; 11] {
    let named = |code: &str, name: &str| format!("{code} {name}").trim().to_owned();
    [
        row.period_start_date.clone(),
        StageWord::word(row.stage).to_owned(),
        named(&row.chain_code, &row.chain_name),
        named(&row.product_code, &row.product_name),
        ChannelWord::word(row.channel).to_owned(),
        named(&row.district_code, &row.district_name),
        named(&row.site_code, &row.site_name),
        number(row.quantity_milli),
        unit(&row.unit).to_owned(),
        if row.unit == "KGM" { String::new() } else { estimate(row.estimated_mass_gram) },
        count(row.movements),
    ]
}

fn show_utilization(answer: &QueryUtilizationResponse) -> String {
    let mut table = Table::new(&[
        "from",
        "chain",
        "used>",
        "",
        "dispatched>",
        "capacity>",
        "unit",
        "days with entries>",
        "products not counted>",
    ]);
    for row in &answer.rows {
        let used = row.utilization_basis_points.map_or("no capacity declared".to_owned(), percent);
        table.row([
            row.period_start_date.clone(),
            format!("{} {}", row.chain_code, row.chain_name),
            used,
            row.utilization_basis_points.map(bar).unwrap_or_default(),
            format!("{}{}", if row.estimated { "≈ " } else { "" }, number(row.dispatched_milli)),
            number(row.capacity_milli),
            unit(&row.unit).to_owned(),
            format!("{} of {}", row.days_with_entries, row.days),
            if row.products_not_counted == 0 { String::new() } else { row.products_not_counted.to_string() },
        ]);
    }
    let text = if table.is_empty() { "nothing\n".to_owned() } else { table.render() };
    text + &rest(&answer.next_page_token, &answer.position)
}

fn rest(next_page_token: &str, position: &str) -> String {
    let more =
        if next_page_token.is_empty() { "" } else { "more      there are more rows: --all, or a greater --limit, shows them\n" };
    format!("\n{more}position  {position}\n")
}

/// Basis points as a percentage with one decimal.
fn percent(basis_points: i64) -> String {
    format!("{} %", number((basis_points + 5) / 10 * 100))
}

/// A bar of ten steps: full at capacity.
fn bar(basis_points: i64) -> String {
    let steps = usize::try_from((basis_points + 500) / 1_000).unwrap_or_default();
    let full = "█".repeat(steps.min(10));
    let rest = "░".repeat(10 - steps.min(10));
    format!("{full}{rest}{}", if steps > 10 { "+" } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capacity_is_shown_in_percent_and_as_a_bar() {
        for (basis_points, said, shown) in [
            (0, "0 %", "░░░░░░░░░░"),
            (7_654, "76,5 %", "████████░░"),
            (10_000, "100 %", "██████████"),
            (12_345, "123,5 %", "██████████+"),
        ] {
            assert_eq!((percent(basis_points).as_str(), bar(basis_points).as_str()), (said, shown));
        }
    }
}
