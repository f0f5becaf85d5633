//! `chuoi throughput`: how much flows through the chains, and how far each is from its capacity.

use clap::Args;
use jiff::{Timestamp, ToSpan as _};
use tonic::transport::Channel;
use wire::proto::chuoi::throughput::v1::throughput_service_client::ThroughputServiceClient;
use wire::proto::chuoi::throughput::v1::{
    QueryMeasuresRequest, QueryMeasuresResponse, QueryThroughputRequest, QueryThroughputResponse, QueryUtilizationRequest,
    QueryUtilizationResponse, ThroughputRow,
};

use super::stock::{estimate, named};
use super::{Client, MORE, Paging, ReadFlags, answered, query, typed};
use crate::config::Settings;
use crate::failure::Failure;
use crate::output::Table;
use crate::words::{Channel as ChannelWord, LossWord, MeasureWord, PeriodWord, StageWord, ThroughputBy, count, number, unit};

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
    /// Measure what was accepted of what was dispatched, what was lost of what entered, and how long it took from harvest to shelf;
    /// or only those that are named
    #[arg(long, value_enum, value_delimiter = ',', num_args = 0.., require_equals = true, value_name = "MEASURES",
          conflicts_with_all = ["utilization", "stages"])]
    pub measures: Option<Vec<MeasureWord>>,
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
    /// Hold against another range that begins on this day; with --period week so many whole weeks apart
    #[arg(long, value_name = "DAY", value_parser = typed::date, conflicts_with = "utilization")]
    pub compare_from: Option<String>,
    /// Last day of that range [default: it has as many days]
    #[arg(long, value_name = "DAY", value_parser = typed::date, requires = "compare_from")]
    pub compare_to: Option<String>,
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
    let heading = match &asked.compare_from {
        Some(other) => {
            let until = asked.compare_to.as_ref().map(|to| format!(" to {to}")).unwrap_or_default();
            format!("{from} to {to}, compared with {other}{until}\n\n")
        }
        None => heading,
    };
    if let Some(only) = &asked.measures {
        let answer = measures(&mut service, asked, only, from, to).await?;
        return client.show("chuoi.throughput.v1.QueryMeasuresResponse", &answer, || heading + &show_measures(&answer));
    }
    let answer = throughput(&mut service, asked, from, to).await?;
    let compares = asked.compare_from.is_some();
    client.show("chuoi.throughput.v1.QueryThroughputResponse", &answer, || heading + &show(&answer, compares))
}

async fn measures(
    service: &mut ThroughputServiceClient<Channel>,
    asked: &Throughput,
    only: &[MeasureWord],
    from_date: String,
    to_date: String,
) -> Result<QueryMeasuresResponse, Failure> {
    let mut request = QueryMeasuresRequest {
        chains: asked.chains.clone(),
        products: asked.products.clone(),
        channels: asked.channels.iter().map(|channel| channel.number()).collect(),
        districts: asked.districts.clone(),
        sites: asked.sites.clone(),
        from_date,
        to_date,
        period: asked.period.map_or(0, PeriodWord::number),
        group_by: asked.by.iter().map(|by| by.number()).collect(),
        compare_from_date: asked.compare_from.clone().unwrap_or_default(),
        compare_to_date: asked.compare_to.clone().unwrap_or_default(),
        at_least: asked.read.at_least.clone(),
        measures: only.iter().map(|measure| measure.number()).collect(),
        ..QueryMeasuresRequest::default()
    };
    let mut all = QueryMeasuresResponse::default();
    loop {
        request.page_size = asked.paging.page_size(all.rows.len(), PAGE);
        let mut page = answered(service.query_measures(query(request.clone())).await)?;
        request.page_token = page.next_page_token.clone();
        page.rows.splice(..0, all.rows);
        all = page;
        if request.page_token.is_empty() || asked.paging.wanted(all.rows.len()) == 0 {
            return Ok(all);
        }
    }
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
        compare_from_date: asked.compare_from.clone().unwrap_or_default(),
        compare_to_date: asked.compare_to.clone().unwrap_or_default(),
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

/// Columns of throughput behind the first.
const COLUMNS: [&str; 15] = [
    "stage",
    "chain",
    "product",
    "group",
    "channel",
    "district",
    "site",
    "quantity>",
    "unit",
    "kg (est.)>",
    "movements>",
    "before>",
    "difference>",
    "in %>",
    "",
];

fn show(answer: &QueryThroughputResponse, compares: bool) -> String {
    let table = |first: &'static str, rows: &[ThroughputRow]| {
        let mut table = Table::new(&[&[first], &COLUMNS[..]].concat());
        rows.iter().for_each(|row| table.row(cells(row, compares)));
        table
    };
    let rows = table("from", &answer.rows);
    let mut text = if rows.is_empty() { "nothing\n".to_owned() } else { rows.render() };
    // Without other keys the totals are the rows again.
    if answer.rows.len() > answer.totals.len() || !answer.next_page_token.is_empty() {
        text.push('\n');
        text.push_str(&table("total", &answer.totals).render());
    }
    text + &rest(&answer.next_page_token, &answer.position)
}

fn cells(row: &ThroughputRow, compares: bool) -> [String; 16] {
    let compared = |said: String| if compares { said } else { String::new() };
    [
        match (row.hour, row.without_hour) {
            (Some(hour), _) => format!("{} {hour:02}:00", row.period_start_date),
            (None, true) => format!("{} no hour", row.period_start_date),
            (None, false) => row.period_start_date.clone(),
        },
        StageWord::word(row.stage).to_owned(),
        named(&row.chain_code, &row.chain_name),
        named(&row.product_code, &row.product_name),
        row.group_code.clone(),
        ChannelWord::word(row.channel).to_owned(),
        named(&row.district_code, &row.district_name),
        named(&row.site_code, &row.site_name),
        number(row.quantity_milli),
        unit(&row.unit).to_owned(),
        if row.unit == "KGM" { String::new() } else { estimate(row.estimated_mass_gram) },
        count(row.movements),
        compared(number(row.compared_quantity_milli)),
        compared(number(row.difference_milli)),
        row.difference_basis_points.map(percent).unwrap_or_default(),
        doubt(row.doubtful),
    ]
}

fn doubt(doubtful: bool) -> String {
    if doubtful { "doubtful".to_owned() } else { String::new() }
}

fn show_measures(answer: &QueryMeasuresResponse) -> String {
    let mut table = Table::new(&[
        "from",
        "chain",
        "product",
        "group",
        "channel",
        "district",
        "site",
        "unit",
        "fill>",
        "+/->",
        "of orders>",
        "on the road>",
        "shrink>",
        "+/->",
        "where",
        "shelf p50>",
        "+/->",
        "p95>",
        "+/->",
        "harvest known>",
        "",
    ]);
    for row in &answer.rows {
        let (it, change) = (row.measures.clone().unwrap_or_default(), row.difference.unwrap_or_default());
        let rate = |basis_points: Option<i64>| basis_points.map(percent).unwrap_or_default();
        let lost: Vec<String> =
            it.losses.iter().map(|loss| format!("{} {}", LossWord::word(loss.stage), rate(loss.shrink_basis_points))).collect();
        table.row([
            row.period_start_date.clone(),
            named(&row.chain_code, &row.chain_name),
            named(&row.product_code, &row.product_name),
            row.group_code.clone(),
            ChannelWord::word(row.channel).to_owned(),
            named(&row.district_code, &row.district_name),
            named(&row.site_code, &row.site_name),
            unit(&row.unit).to_owned(),
            rate(it.fill_basis_points),
            rate(change.fill_basis_points),
            rate(it.order_fill_basis_points),
            if it.open_milli == 0 { String::new() } else { number(it.open_milli) },
            rate(it.shrink_basis_points),
            rate(change.shrink_basis_points),
            lost.join(" · "),
            it.harvest_to_shelf_p50_minutes.map(hours).unwrap_or_default(),
            change.harvest_to_shelf_p50_minutes.map(hours).unwrap_or_default(),
            it.harvest_to_shelf_p95_minutes.map(hours).unwrap_or_default(),
            change.harvest_to_shelf_p95_minutes.map(hours).unwrap_or_default(),
            rate(it.harvest_known_basis_points),
            doubt(row.doubtful),
        ]);
    }
    let text = if table.is_empty() { "nothing\n".to_owned() } else { table.render() };
    text + &rest(&answer.next_page_token, &answer.position)
}

/// Minutes as hours with one decimal.
fn hours(minutes: i64) -> String {
    let tenths = if minutes < 0 { (minutes - 3) / 6 } else { (minutes + 3) / 6 };
    format!("{} h", number(tenths.saturating_mul(100)))
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
        "",
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
            format!("{} of {} ({})", row.days_with_entries, row.days, percent(row.days_with_entries_basis_points)),
            if row.products_not_counted == 0 { String::new() } else { row.products_not_counted.to_string() },
            doubt(row.doubtful),
        ]);
    }
    let text = if table.is_empty() { "nothing\n".to_owned() } else { table.render() };
    text + &rest(&answer.next_page_token, &answer.position)
}

fn rest(next_page_token: &str, position: &str) -> String {
    let more = if next_page_token.is_empty() { String::new() } else { format!("{MORE}\n") };
    format!("\n{more}position  {position}\n")
}

/// Basis points as a percentage with one decimal.
fn percent(basis_points: i64) -> String {
    let tenths = if basis_points < 0 { (basis_points - 5) / 10 } else { (basis_points + 5) / 10 };
    format!("{} %", number(tenths * 100))
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
        assert_eq!((percent(-1_236), hours(1_443), hours(-33)), ("-12,4 %".into(), "24,1 h".into(), "-0,6 h".into()));
    }
}
