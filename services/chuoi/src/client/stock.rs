//! `chuoi stock`: where the goods are, or were.

use clap::Args;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use tonic::transport::Channel;
use wire::proto::chuoi::stock::v1::stock_service_client::StockServiceClient;
use wire::proto::chuoi::stock::v1::{
    AsOf, DayEdge, GetSummaryRequest, GetSummaryResponse, ListLotsByExpiryRequest, ListLotsByExpiryResponse, LotOnHand,
    QueryStockRequest, QueryStockResponse, StockFilter, StockRow, UnitTotal,
};

use super::{Client, MORE, Paging, ReadFlags, answered, query, typed};
use crate::config::Settings;
use crate::failure::Failure;
use crate::output::Table;
use crate::words::{Channel as ChannelWord, Reason, StockBy, count, number, quantity, unit};

/// Rows that the service gives at once.
const PAGE: usize = 5_000;

/// Which stock, and by what it is summed.
#[derive(Args, Clone, Debug)]
pub struct Stock {
    /// Which.
    #[command(flatten)]
    pub filter: Filter,
    /// Sum by these keys [default: by lot at a named site, by site where anything else is named, else by channel]
    #[arg(long, value_enum, value_delimiter = ',', value_name = "KEYS")]
    pub by: Vec<StockBy>,
    /// Only one sum for each unit
    #[arg(long, conflicts_with = "by")]
    pub total: bool,
    /// Lots by expiry, first expired first; with a day, those to be sold before it
    #[arg(long, value_name = "BEFORE", num_args = 0..=1, default_missing_value = "", value_parser = expiry, conflicts_with_all = ["by", "total"])]
    pub expiring: Option<String>,
    /// Everything at once: how much entered, where it is, how it left, and whether that adds up
    #[arg(long, conflicts_with_all = ["by", "total", "expiring"])]
    pub summary: bool,
    /// As of when.
    #[command(flatten)]
    pub as_of: AsOfFlags,
    /// How much to show.
    #[command(flatten)]
    pub paging: Paging,
    /// Settings, and the position.
    #[command(flatten)]
    pub read: ReadFlags,
}

/// As of when stock is asked for.
#[derive(Args, Clone, Debug, Default)]
pub struct AsOfFlags {
    /// As of this moment in the world, late entries included: "25/11/2026 06:30", a time of today, or a day, which is taken to its end
    #[arg(long, value_name = "TIME", conflicts_with_all = ["expiring", "summary"])]
    pub as_of: Option<String>,
    /// Before anything moved on the day of --as-of, and after what was counted before opening
    #[arg(long, requires = "as_of")]
    pub before_opening: bool,
    /// As it was known at this position of the journal
    #[arg(long, value_name = "POSITION", conflicts_with_all = ["expiring", "summary"])]
    pub as_of_position: Option<String>,
}

impl AsOfFlags {
    /// As a message; none where nothing was said.
    fn message(&self, now: Timestamp, zone: &TimeZone) -> Result<Option<AsOf>, Failure> {
        let position = self.as_of_position.clone().unwrap_or_default();
        let Some(typed) = &self.as_of else {
            return Ok((!position.is_empty()).then(|| AsOf { position, ..AsOf::default() }));
        };
        let today = zone.to_datetime(now).date();
        let moment = domain::typed::date_time(typed, zone)
            .or_else(|misread| domain::typed::date_time(&format!("{today} {typed}"), zone).map_err(|_| misread));
        match (moment, domain::typed::date(typed)) {
            (Ok(_), _) if self.before_opening => {
                Err(Failure::Usage("--before-opening goes with a day in --as-of, not with a time".to_owned()))
            }
            (Ok(moment), _) => {
                let time = Some(super::timestamp(moment.instant));
                Ok(Some(AsOf { time, position, ..AsOf::default() }))
            }
            (Err(_), Ok(date)) => {
                let edge = if self.before_opening { DayEdge::BeforeOpening } else { DayEdge::AfterClosing };
                Ok(Some(AsOf { date: date.to_string(), day_edge: edge.into(), position, time: None }))
            }
            (Err(misread), Err(_)) => Err(Failure::Usage(format!("--as-of {misread}"))),
        }
    }
}

/// What an answer says about as of when it is; nothing where it is of everything that is recorded.
fn as_of(answer: &QueryStockResponse, zone: &TimeZone) -> String {
    let Some(as_of) = &answer.as_of else { return String::new() };
    let moment = match (&as_of.time, as_of.day_edge()) {
        (Some(time), _) => super::local(time, zone),
        (None, DayEdge::BeforeOpening) => format!("{} before opening", as_of.date),
        (None, _) if !as_of.date.is_empty() => format!("{} after closing", as_of.date),
        (None, _) => String::new(),
    };
    let known = if as_of.position == answer.position { String::new() } else { format!("as known at {}", as_of.position) };
    let said: Vec<String> = [moment, known].into_iter().filter(|part| !part.is_empty()).collect();
    if said.is_empty() { String::new() } else { format!("as of     {}\n\n", said.join(", ")) }
}

/// Which stock; several values of one kind are alternatives.
#[derive(Args, Clone, Debug, Default)]
pub struct Filter {
    /// At these sites: code or GLN
    #[arg(long = "site", value_name = "SITE", value_delimiter = ',')]
    pub sites: Vec<String>,
    /// Of these lots: code or id
    #[arg(long = "lot", value_name = "LOT", value_delimiter = ',')]
    pub lots: Vec<String>,
    /// Of these products: code or GTIN
    #[arg(long = "product", value_name = "PRODUCT", value_delimiter = ',')]
    pub products: Vec<String>,
    /// Of these chains
    #[arg(long = "chain", value_name = "CHAIN", value_delimiter = ',')]
    pub chains: Vec<String>,
    /// At sites of these kinds
    #[arg(long = "channel", value_name = "CHANNEL", value_enum, value_delimiter = ',')]
    pub channels: Vec<ChannelWord>,
    /// At sites in these districts: code
    #[arg(long = "district", value_name = "DISTRICT", value_delimiter = ',')]
    pub districts: Vec<String>,
}

fn expiry(text: &str) -> Result<String, String> {
    if text.is_empty() { Ok(String::new()) } else { typed::date(text) }
}

impl Filter {
    /// As the services take it.
    pub fn message(&self) -> StockFilter {
        StockFilter {
            sites: self.sites.clone(),
            lots: self.lots.clone(),
            products: self.products.clone(),
            chains: self.chains.clone(),
            channels: self.channels.iter().map(|channel| channel.number()).collect(),
            districts: self.districts.clone(),
        }
    }

    fn is_empty(&self) -> bool {
        self.message() == StockFilter::default()
    }
}

impl Stock {
    /// The keys that were asked for, or those that tell most about what was named.
    fn keys(&self) -> Vec<i32> {
        use wire::proto::chuoi::stock::v1::StockKey;
        match () {
            () if self.total => Vec::new(),
            () if !self.by.is_empty() => self.by.iter().map(|by| by.number()).collect(),
            () if !self.filter.sites.is_empty() => vec![StockKey::Lot.into()],
            () if self.filter.is_empty() => vec![StockKey::Channel.into()],
            () => vec![StockKey::Site.into()],
        }
    }
}

/// Runs it.
pub async fn run(settings: Settings, asked: &Stock) -> Result<(), Failure> {
    let zone = super::zone(&settings)?;
    let as_of = asked.as_of.message(Timestamp::now(), &zone)?;
    let client = Client::connect(settings).await?;
    let mut service = super::service!(StockServiceClient<Channel>, client.channel.clone());
    if asked.summary {
        let request = GetSummaryRequest { at_least: asked.read.at_least.clone() };
        let answer = answered(service.get_summary(query(request)).await)?;
        return client.show("chuoi.stock.v1.GetSummaryResponse", &answer, || summary(&answer));
    }
    if let Some(before) = &asked.expiring {
        let answer = lots_by_expiry(&mut service, asked, before).await?;
        return client.show("chuoi.stock.v1.ListLotsByExpiryResponse", &answer, || expiring(&answer));
    }
    let mut answer = rows(&mut service, asked, as_of).await?;
    // Lots come by their ids, which mean nothing to a person; where all are here, by product.
    if answer.next_page_token.is_empty() {
        answer.rows.sort_by(|one, other| by_product(one).cmp(&by_product(other)));
    }
    client.show("chuoi.stock.v1.QueryStockResponse", &answer, || self::as_of(&answer, &zone) + &stock(&answer))
}

async fn rows(
    service: &mut StockServiceClient<Channel>,
    asked: &Stock,
    as_of: Option<AsOf>,
) -> Result<QueryStockResponse, Failure> {
    let mut request = QueryStockRequest {
        filter: Some(asked.filter.message()),
        group_by: asked.keys(),
        as_of,
        at_least: asked.read.at_least.clone(),
        ..QueryStockRequest::default()
    };
    let mut all = QueryStockResponse::default();
    loop {
        request.page_size = asked.paging.page_size(all.rows.len(), PAGE);
        let mut page = answered(service.query_stock(query(request.clone())).await)?;
        request.page_token = page.next_page_token.clone();
        page.rows.splice(..0, all.rows);
        page.totals.splice(..0, all.totals);
        all = page;
        if request.page_token.is_empty() || asked.paging.wanted(all.rows.len()) == 0 {
            return Ok(all);
        }
    }
}

async fn lots_by_expiry(
    service: &mut StockServiceClient<Channel>,
    asked: &Stock,
    before: &str,
) -> Result<ListLotsByExpiryResponse, Failure> {
    let mut request = ListLotsByExpiryRequest {
        filter: Some(asked.filter.message()),
        expiring_before_date: before.to_owned(),
        at_least: asked.read.at_least.clone(),
        ..ListLotsByExpiryRequest::default()
    };
    let mut all = ListLotsByExpiryResponse::default();
    loop {
        request.page_size = asked.paging.page_size(all.lots.len(), PAGE);
        let mut page = answered(service.list_lots_by_expiry(query(request.clone())).await)?;
        request.page_token = page.next_page_token.clone();
        page.lots.splice(..0, all.lots);
        page.totals.splice(..0, all.totals);
        all = page;
        if request.page_token.is_empty() || asked.paging.wanted(all.lots.len()) == 0 {
            return Ok(all);
        }
    }
}

fn by_product(row: &StockRow) -> [&str; 7] {
    let StockRow { site_code, district_code, chain_code, product_code, expiry_date, lot_code, unit, .. } = row;
    [district_code, site_code, product_code, expiry_date, lot_code, chain_code, unit]
}

/// Code and name of something in one cell.
pub fn named(code: &str, name: &str) -> String {
    format!("{code} {name}").trim().to_owned()
}

fn doubt(row: &StockRow) -> &'static str {
    if row.doubtful { "doubtful" } else { "" }
}

fn stock(answer: &QueryStockResponse) -> String {
    let mut table = Table::new(&[
        "channel",
        "district",
        "site",
        "chain",
        "product",
        "lot",
        "sell by",
        "quantity>",
        "unit",
        "kg (est.)>",
        "lots>",
        "",
    ]);
    for row in &answer.rows {
        table.row([
            ChannelWord::word(row.channel).to_owned(),
            named(&row.district_code, &row.district_name),
            named(&row.site_code, &row.site_name),
            row.chain_code.clone(),
            named(&row.product_code, &row.product_name),
            row.lot_code.clone(),
            row.expiry_date.clone(),
            number(row.quantity_milli),
            unit(&row.unit).to_owned(),
            if row.unit == "KGM" { String::new() } else { estimate(row.estimated_mass_gram) },
            if row.lots == 0 || !row.lot_code.is_empty() { String::new() } else { count(row.lots) },
            doubt(row).to_owned(),
        ]);
    }
    ending(table, &answer.totals, &answer.next_page_token, &answer.position)
}

fn expiring(answer: &ListLotsByExpiryResponse) -> String {
    let mut table = Table::new(&["sell by", "days left>", "site", "product", "lot", "chain", "quantity>", "unit", ""]);
    for LotOnHand { stock, days_left } in &answer.lots {
        let row = stock.clone().unwrap_or_default();
        let days = if *days_left <= 0 { "expired".to_owned() } else { days_left.to_string() };
        let (site, product) = (named(&row.site_code, &row.site_name), named(&row.product_code, &row.product_name));
        let (much, unit, doubt) = (number(row.quantity_milli), unit(&row.unit).to_owned(), doubt(&row).to_owned());
        table.row([row.expiry_date, days, site, product, row.lot_code, row.chain_code, much, unit, doubt]);
    }
    ending(table, &answer.totals, &answer.next_page_token, &answer.position)
}

/// A mass by nominal masses, as exactly as such a figure can be meant: to a tenth of a kilogram.
pub fn estimate(gram: i64) -> String {
    if gram == 0 { String::new() } else { format!("≈ {}", number(gram.saturating_add(50) / 100 * 100)) }
}

/// Totals, whether there is more, and the position, under a table.
pub fn ending(table: Table, totals: &[UnitTotal], next_page_token: &str, position: &str) -> String {
    let mut text = if table.is_empty() { "nothing\n".to_owned() } else { table.render() };
    if !totals.is_empty() {
        let totals: Vec<String> = totals.iter().map(|total| quantity(total.quantity_milli, &total.unit)).collect();
        text.push_str(&format!("\ntotal     {}\n", totals.join(" · ")));
    }
    if !next_page_token.is_empty() {
        text.push_str(&format!("{MORE}\n"));
    }
    text.push_str(&format!("position  {position}\n"));
    text
}

fn summary(answer: &GetSummaryResponse) -> String {
    let mut text = String::new();
    let mut line = |name: &str, said: String| text.push_str(&format!("{name:<15}{said}\n"));
    line("chains", count(answer.chains));
    line("products", count(answer.products));
    line("organizations", count(answer.organizations));
    let kinds = answer.sites.iter().map(|sites| format!("{} {}", count(sites.sites), ChannelWord::word(sites.kind)));
    line("sites", kinds.collect::<Vec<_>>().join(", "));
    line("events", format!("{} of goods, {} of the registry", count(answer.events), count(answer.registry_events)));
    line("lots", count(answer.lots));
    line("shipments", format!("{}, of which {} are on the road", count(answer.shipments), count(answer.open_shipments)));
    for of in &answer.units {
        let reasons = |parts: &[wire::proto::chuoi::stock::v1::ReasonQuantity]| {
            let parts: Vec<String> =
                parts.iter().map(|part| format!("{} {}", Reason::word(part.reason), number(part.quantity_milli))).collect();
            if parts.is_empty() { "nothing".to_owned() } else { parts.join(" · ") }
        };
        let held: i64 = of.at_sites.iter().map(|held| held.quantity_milli).sum();
        let place = format!(
            "at sites {} · on shelves {} · in transit {}",
            number(held),
            number(of.on_shelves_milli),
            number(of.in_transit_milli)
        );
        let name = unit(&of.unit);
        line(&format!("{name} in"), reasons(&of.entered));
        line(&format!("{name} now"), place);
        line(&format!("{name} out"), reasons(&of.left));
    }
    let balance = match answer.conservation_holds {
        true => "holds for every lot: what entered is at sites, in transit, or left".to_owned(),
        false => format!("DOES NOT HOLD for {}", answer.unbalanced_lot_ids.join(", ")),
    };
    line("conservation", balance);
    if answer.parked_events > 0 {
        line("parked", format!("{} events could not be folded and wait for somebody", count(answer.parked_events)));
    }
    line("position", answer.position.clone());
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[rustfmt::skip] // Columns.
    fn as_of_when_is_read_as_people_write_it() {
        let zone = TimeZone::get("Asia/Ho_Chi_Minh").unwrap();
        let now: Timestamp = "2026-11-25T03:00:00Z".parse().unwrap();
        // typed, before opening, said back
        for (typed, before_opening, said) in [
            ("25/11/2026 06:30",          false, Some("2026-11-25 06:30:00")),
            ("6h30",                      false, Some("2026-11-25 06:30:00")),
            ("2026-11-24T23:30+00:00",    false, Some("2026-11-25 06:30:00")),
            ("20/11/2026",                false, Some("2026-11-20 after closing")),
            ("2026-11-20",                true,  Some("2026-11-20 before opening")),
            ("6h30",                      true,  None),
            ("31/11/2026",                false, None),
        ] {
            let flags = AsOfFlags { as_of: Some(typed.into()), before_opening, as_of_position: None };
            let answer = flags.message(now, &zone).ok().map(|as_of| QueryStockResponse { as_of, ..QueryStockResponse::default() });
            let shown = answer.map(|answer| as_of(&answer, &zone));
            assert_eq!(shown, said.map(|said| format!("as of     {said}\n\n")), "{typed}");
        }
        let known = AsOfFlags { as_of_position: Some("a-7".into()), ..AsOfFlags::default() };
        let answer = QueryStockResponse { as_of: known.message(now, &zone).unwrap(), position: "a-9".into(), ..QueryStockResponse::default() };
        assert_eq!(as_of(&answer, &zone), "as of     as known at a-7\n\n");
        assert_eq!(AsOfFlags::default().message(now, &zone).unwrap(), None);
    }
}
