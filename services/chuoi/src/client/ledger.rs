//! `chuoi ledger`: what moved at sites between two days, and what they held before, meanwhile and after.

use clap::Args;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use tonic::transport::Channel;
use wire::proto::chuoi::event::v1::TimePrecision;
use wire::proto::chuoi::stock::v1::stock_service_client::StockServiceClient;
use wire::proto::chuoi::stock::v1::{LedgerMove, QueryLedgerRequest, QueryLedgerResponse};

use super::stock::{Filter, named};
use super::{Client, MORE, Paging, ReadFlags, answered, query, typed};
use crate::config::Settings;
use crate::failure::Failure;
use crate::output::Table;
use crate::words::{MoveWord, Reason, number, quantity};

/// Rows that the service gives at once.
const PAGE: usize = 5_000;
/// Days that are shown where no range is named, today included.
const USUAL_DAYS: i64 = 7;

/// Which ledgers, and between which days.
#[derive(Args, Clone, Debug)]
pub struct Ledger {
    /// Which.
    #[command(flatten)]
    pub filter: Filter,
    /// First business day [default: six days before the last]
    #[arg(long, value_name = "DAY", value_parser = typed::date)]
    pub from: Option<String>,
    /// Last business day [default: today]
    #[arg(long, value_name = "DAY", value_parser = typed::date)]
    pub to: Option<String>,
    /// As it was known at this position of the journal
    #[arg(long, value_name = "POSITION", default_value = "", hide_default_value = true)]
    pub as_of_position: String,
    /// How much to show.
    #[command(flatten)]
    pub paging: Paging,
    /// Settings, and the position.
    #[command(flatten)]
    pub read: ReadFlags,
}

/// Runs it.
pub async fn run(settings: Settings, asked: &Ledger) -> Result<(), Failure> {
    let zone = super::zone(&settings)?;
    let today = zone.to_datetime(Timestamp::now()).date();
    let to = asked.to.clone().unwrap_or_else(|| today.to_string());
    // `typed::date` gives dates that parse; were one not to, the service names it.
    let last: jiff::civil::Date = to.parse().unwrap_or(today);
    let from = asked.from.clone().unwrap_or_else(|| last.saturating_sub((USUAL_DAYS - 1).days()).to_string());
    let client = Client::connect(settings).await?;
    let mut service = super::service!(StockServiceClient<Channel>, client.channel.clone());
    let heading = format!("{from} to {to}\n");
    let mut request = QueryLedgerRequest {
        filter: Some(asked.filter.message()),
        from_date: from,
        to_date: to,
        as_of_position: asked.as_of_position.clone(),
        at_least: asked.read.at_least.clone(),
        ..QueryLedgerRequest::default()
    };
    let (mut all, mut rows) = (QueryLedgerResponse::default(), 0);
    loop {
        request.page_size = asked.paging.page_size(rows, PAGE);
        let page = answered(service.query_ledger(query(request.clone())).await)?;
        request.page_token = page.next_page_token.clone();
        rows += page.ledgers.iter().map(|ledger| ledger.moves.len().max(1)).sum::<usize>();
        let ledgers = std::mem::take(&mut all.ledgers);
        all = QueryLedgerResponse { ledgers, ..page.clone() };
        for ledger in page.ledgers {
            let goes_on = |last: &&mut wire::proto::chuoi::stock::v1::Ledger| {
                (&last.site_code, &last.product_code) == (&ledger.site_code, &ledger.product_code)
            };
            match all.ledgers.last_mut().filter(goes_on) {
                Some(last) => last.moves.extend(ledger.moves),
                None => all.ledgers.push(ledger),
            }
        }
        if request.page_token.is_empty() || asked.paging.wanted(rows) == 0 {
            break;
        }
    }
    client.show("chuoi.stock.v1.QueryLedgerResponse", &all, || heading + &show(&all, &zone))
}

fn show(answer: &QueryLedgerResponse, zone: &TimeZone) -> String {
    let mut text = String::new();
    for ledger in &answer.ledgers {
        let doubt = if ledger.doubtful { " (doubtful)" } else { "" };
        let (site, product) = (named(&ledger.site_code, &ledger.site_name), named(&ledger.product_code, &ledger.product_name));
        text.push_str(&format!("\n{site} · {product}{doubt}\n"));
        let mut table = Table::new(&["when", "what", "lot", "in>", "out>", "balance>", "", "shipment", "command"]);
        let none = String::new;
        let opening = number(ledger.opening_milli);
        table.row(["opening".into(), none(), none(), none(), none(), opening, none(), none(), none()]);
        for moved in &ledger.moves {
            table.row([
                when(moved, zone),
                what(moved),
                moved.lot_code.clone(),
                if moved.in_milli == 0 { none() } else { number(moved.in_milli) },
                if moved.out_milli == 0 { none() } else { number(moved.out_milli) },
                number(moved.balance_milli),
                remark(moved),
                moved.shipment_code.clone(),
                moved.command_id.clone(),
            ]);
        }
        let (came, went) = (number(ledger.in_milli), number(ledger.out_milli));
        let closing = quantity(ledger.closing_milli, &ledger.unit);
        table.row(["closing".into(), none(), none(), came, went, closing, none(), none(), none()]);
        text.push_str(&table.render());
    }
    if answer.ledgers.is_empty() {
        text.push_str("\nnothing\n");
    }
    if !answer.next_page_token.is_empty() {
        text.push_str(&format!("\n{MORE}"));
    }
    if answer.as_of_position != answer.position {
        text.push_str(&format!("\nas known  {}", answer.as_of_position));
    }
    text + &format!("\nposition  {}\n", answer.position)
}

fn when(moved: &LedgerMove, zone: &TimeZone) -> String {
    match (&moved.event_time, moved.precision()) {
        (Some(time), _) => super::local(time, zone),
        (None, TimePrecision::BeforeOpening) => format!("{} before opening", moved.business_date),
        (None, TimePrecision::AfterClosing) => format!("{} after closing", moved.business_date),
        (None, _) => moved.business_date.clone(),
    }
}

fn what(moved: &LedgerMove) -> String {
    let (kind, reason) = (MoveWord::word(moved.kind), Reason::word(moved.outside));
    if reason.is_empty() || kind.starts_with(reason) { kind.to_owned() } else { format!("{kind}: {reason}") }
}

fn remark(moved: &LedgerMove) -> String {
    let mut remarks = Vec::new();
    if moved.below_zero {
        remarks.push(format!("the lot stands at {}", number(moved.lot_balance_milli)));
    }
    if moved.voided {
        remarks.push("voided".to_owned());
    }
    if moved.corrected {
        remarks.push("corrected".to_owned());
    }
    remarks.join(", ")
}
