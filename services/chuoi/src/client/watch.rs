//! `chuoi watch`: what happens, as it happens: a line for each thing, for people or in JSON. A watch that breaks off is taken up
//! again after the last line that was printed.

use std::time::Duration;

use clap::{Args, Subcommand};
use prost_reflect::prost::Message;
use tokio::time::timeout;
use tonic::codegen::BoxFuture;
use tonic::transport::Channel;
use tonic::{Response, Status, Streaming};
use wire::proto::chuoi::stock::v1::stock_service_client::StockServiceClient;
use wire::proto::chuoi::stock::v1::{
    ShipmentChange, WatchShipmentsRequest, WatchShipmentsResponse, WatchStockRequest, WatchStockResponse,
};
use wire::proto::chuoi::trace::v1::trace_service_client::TraceServiceClient;
use wire::proto::chuoi::trace::v1::{EventKind, EventLot, LotEvent, WatchEventsRequest, WatchEventsResponse};

use super::shipments::{name, place, state};
use super::stock::Filter;
use super::trace::{moved, when};
use super::{Client, failure, may_pass, query};
use crate::config::{ClientFlags, Output, Settings};
use crate::failure::Failure;
use crate::output;
use crate::serve::Stop;
use crate::words::{EventWord, number, quantity, unit};

/// The services say something every few seconds; whoever hears nothing for so long has lost them.
const SILENCE: Duration = Duration::from_secs(30);
/// Pauses between attempts, from the first to the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));

/// What to watch.
#[derive(Subcommand, Clone, Debug)]
pub enum Watch {
    /// Every event that is recorded, once and in the journal's order
    #[command(after_help = "\
Examples:
  chuoi watch events --site SM001
  chuoi watch events --kind received --chain CH001,CH002 --output json
  chuoi watch events --all               from the journal's first event on")]
    Events(Events),
    /// What sites hold, then every change of it with the balance after it
    #[command(after_help = "\
Examples:
  chuoi watch stock --site SM001
  chuoi watch stock --product PK0049 --after 8192000000007001-42.7")]
    Stock(Stock),
    /// Every change of what is on the road
    #[command(after_help = "\
Examples:
  chuoi watch shipments --to SM001
  chuoi watch shipments --of DV-SM001 --output json")]
    Shipments(Shipments),
}

/// Where a watch begins, and for whom.
#[derive(Args, Clone, Debug)]
pub struct Begin {
    /// Go on after this position, as a line of a watch or any answer gave it
    #[arg(long, value_name = "POSITION", default_value = "", hide_default_value = true)]
    pub after: String,
    /// Settings.
    #[command(flatten)]
    pub client: ClientFlags,
}

/// Which events; several values of one kind are alternatives.
#[derive(Args, Clone, Debug)]
pub struct Events {
    /// Of these kinds
    #[arg(long = "kind", value_name = "KIND", value_enum, value_delimiter = ',')]
    pub kinds: Vec<EventWord>,
    /// At these sites, or moving goods there or away: code or GLN
    #[arg(long = "site", value_name = "SITE", value_delimiter = ',')]
    pub sites: Vec<String>,
    /// About lots of these chains
    #[arg(long = "chain", value_name = "CHAIN", value_delimiter = ',')]
    pub chains: Vec<String>,
    /// About lots of these products: code or GTIN
    #[arg(long = "product", value_name = "PRODUCT", value_delimiter = ',')]
    pub products: Vec<String>,
    /// About these lots: code or id
    #[arg(long = "lot", value_name = "LOT", value_delimiter = ',')]
    pub lots: Vec<String>,
    /// Recorded by these organizations: code or GLN
    #[arg(long = "of", value_name = "ORGANIZATION", value_delimiter = ',')]
    pub organizations: Vec<String>,
    /// Begin with the journal's first event
    #[arg(long, conflicts_with = "after")]
    pub all: bool,
    /// Where it begins.
    #[command(flatten)]
    pub begin: Begin,
}

/// Which stock.
#[derive(Args, Clone, Debug)]
pub struct Stock {
    /// Which.
    #[command(flatten)]
    pub filter: Filter,
    /// With --after: begin with what sites held there
    #[arg(long, requires = "after")]
    pub balances: bool,
    /// Where it begins.
    #[command(flatten)]
    pub begin: Begin,
}

/// Which shipments.
#[derive(Args, Clone, Debug)]
pub struct Shipments {
    /// To these sites: code or GLN
    #[arg(long = "to", value_name = "SITE", value_delimiter = ',')]
    pub to: Vec<String>,
    /// From these sites: code or GLN
    #[arg(long = "from", value_name = "SITE", value_delimiter = ',')]
    pub from: Vec<String>,
    /// From or to sites of these organizations: code or GLN
    #[arg(long = "of", value_name = "ORGANIZATION", value_delimiter = ',')]
    pub organizations: Vec<String>,
    /// Begin with the journal's first shipment
    #[arg(long, conflicts_with = "after")]
    pub all: bool,
    /// Where it begins.
    #[command(flatten)]
    pub begin: Begin,
}

impl Watch {
    /// Settings that were given.
    pub fn client(&self) -> &ClientFlags {
        match self {
            Watch::Events(asked) => &asked.begin.client,
            Watch::Stock(asked) => &asked.begin.client,
            Watch::Shipments(asked) => &asked.begin.client,
        }
    }
}

/// Runs it until it is told to stop.
pub async fn run(settings: Settings, asked: &Watch) -> Result<(), Failure> {
    let client = Client::connect(settings).await?;
    let mut stop = Stop::new()?;
    tokio::select! {
        failed = watch(&client, asked) => failed,
        () = stop.told() => Ok(()),
    }
}

async fn watch(client: &Client, asked: &Watch) -> Result<(), Failure> {
    let channel = client.channel.clone();
    match asked {
        Watch::Events(asked) => {
            let service = super::service!(TraceServiceClient<Channel>, channel);
            let request = WatchEventsRequest {
                kinds: asked.kinds.iter().map(|kind| kind.number()).collect(),
                sites: asked.sites.clone(),
                chains: asked.chains.clone(),
                products: asked.products.clone(),
                lots: asked.lots.clone(),
                organizations: asked.organizations.clone(),
                from_beginning: asked.all,
                after_position: String::new(),
            };
            follow(client, &asked.begin.after, |after_position| {
                let (mut service, request) = (service.clone(), WatchEventsRequest { after_position, ..request.clone() });
                Box::pin(async move { service.watch_events(query(request)).await })
            })
            .await
        }
        Watch::Stock(asked) => {
            let service = super::service!(StockServiceClient<Channel>, channel);
            let (filter, first, balances) = (asked.filter.message(), asked.begin.after.clone(), asked.balances);
            follow(client, &asked.begin.after, |after_position| {
                // Once all balances were printed, a watch goes on with changes.
                let with_balances = balances && after_position == first;
                let request = WatchStockRequest { filter: Some(filter.clone()), after_position, with_balances };
                let mut service = service.clone();
                Box::pin(async move { service.watch_stock(query(request)).await })
            })
            .await
        }
        Watch::Shipments(asked) => {
            let service = super::service!(StockServiceClient<Channel>, channel);
            let request = WatchShipmentsRequest {
                to_sites: asked.to.clone(),
                from_sites: asked.from.clone(),
                organizations: asked.organizations.clone(),
                from_beginning: asked.all,
                after_position: String::new(),
            };
            follow(client, &asked.begin.after, |after_position| {
                let (mut service, request) = (service.clone(), WatchShipmentsRequest { after_position, ..request.clone() });
                Box::pin(async move { service.watch_shipments(query(request)).await })
            })
            .await
        }
    }
}

/// A message of a watch.
trait Told: Message + Default {
    /// Its name in the protos.
    const NAME: &'static str;
    /// Position after which to go on; empty where that is not known yet.
    fn position(&self) -> &str;
    /// For people: a line for each thing; none where it only says how far the watch is.
    fn lines(&self, offset: &dyn Fn(Option<&prost_types::Timestamp>) -> i32) -> Vec<String>;
}

/// Prints what is told, for ever; takes a watch up again where it broke off.
async fn follow<M: Told>(
    client: &Client,
    after: &str,
    call: impl Fn(String) -> BoxFuture<Response<Streaming<M>>, Status>,
) -> Result<(), Failure> {
    let zone = client.zone()?;
    let offset = |time: Option<&prost_types::Timestamp>| {
        let instant = time.and_then(|time| jiff::Timestamp::new(time.seconds, time.nanos).ok());
        instant.map_or(0, |instant| zone.to_offset(instant).seconds() / 60)
    };
    let (mut position, mut pause) = (after.to_owned(), PAUSES.0);
    loop {
        let status = match call(position.clone()).await {
            Ok(answer) => {
                let mut messages = answer.into_inner();
                loop {
                    match timeout(SILENCE, messages.message()).await {
                        Ok(Ok(Some(message))) => {
                            print(client, &message, &offset)?;
                            if !message.position().is_empty() {
                                message.position().clone_into(&mut position);
                            }
                            pause = PAUSES.0;
                        }
                        Ok(Ok(None)) => break Status::unavailable("the services ended the watch"),
                        Ok(Err(status)) => break status,
                        Err(_) => break Status::unavailable(format!("nothing was heard for {} s", SILENCE.as_secs())),
                    }
                }
            }
            Err(status) => status,
        };
        // A connection that is lost comes to light as an unknown error.
        let lost = status.code() == tonic::Code::Unknown && std::error::Error::source(&status).is_some();
        if !may_pass(status.code()) && !lost {
            return Err(failure(&status));
        }
        tracing::warn!(after = position, "the watch broke off ({}); taking it up again", status.message());
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(PAUSES.1);
    }
}

fn print<M: Told>(client: &Client, message: &M, offset: &dyn Fn(Option<&prost_types::Timestamp>) -> i32) -> Result<(), Failure> {
    match client.output {
        Output::Json => output::print(&output::json::of(M::NAME, message)?.to_string()),
        Output::Table | Output::Csv => match message.lines(offset) {
            lines if lines.is_empty() => Ok(()),
            lines => output::print(&lines.join("\n")),
        },
    }
}

impl Told for WatchEventsResponse {
    const NAME: &'static str = "chuoi.trace.v1.WatchEventsResponse";

    fn position(&self) -> &str {
        &self.position
    }

    fn lines(&self, _: &dyn Fn(Option<&prost_types::Timestamp>) -> i32) -> Vec<String> {
        let Some(event) = &self.event else { return Vec::new() };
        let mut lines = vec![format!("{}  {}  {}", when(event), headline(event), self.position)];
        let violations = event.violations.iter();
        lines.extend(self.lots.iter().map(|share| format!("    {}", lot(share, event.kind()))));
        lines.extend(event.names.iter().map(|name| format!("    {:?} was read as {}", name.typed, name.code)));
        lines.extend(violations.map(|violation| format!("    ! against rule {}: {}", violation.rule, violation.detail)));
        lines
    }
}

fn headline(event: &LotEvent) -> String {
    let mut said = EventWord::word(event.kind).to_owned();
    if !event.site_code.is_empty() {
        said.push_str(&format!(" at {}", place(&event.site_code, &event.site_name)));
    }
    if !event.to_site_code.is_empty() {
        said.push_str(&format!(" to {}", place(&event.to_site_code, &event.to_site_name)));
    }
    if !event.shipment_code.is_empty() {
        said.push_str(&format!(", shipment {}", event.shipment_code));
    }
    said.push_str(&format!(", by {}", event.organization_code));
    for text in [&event.reason, &event.note] {
        if !text.is_empty() {
            said.push_str(&format!(" ({text})"));
        }
    }
    said
}

fn lot(share: &EventLot, kind: EventKind) -> String {
    let of = share.lot.clone().unwrap_or_default();
    let what = EventWord::word(kind.into());
    let mut parts: Vec<String> = share.movements.iter().map(|movement| moved(movement, what, &of.unit)).collect();
    parts.extend(share.counts.iter().filter_map(|count| {
        Some(format!("counted {} where the book had {}", number(count.counted_milli?), number(count.expected_milli)))
    }));
    format!("{} of {}/{}/{} {}", parts.join(" · "), of.issuer_code, of.product_code, of.lot_code, of.product_name)
}

impl Told for WatchStockResponse {
    const NAME: &'static str = "chuoi.stock.v1.WatchStockResponse";

    fn position(&self) -> &str {
        &self.position
    }

    fn lines(&self, offset: &dyn Fn(Option<&prost_types::Timestamp>) -> i32) -> Vec<String> {
        let when = super::answer::moment(self.record_time.as_ref(), offset(self.record_time.as_ref()));
        let line = |balance: &wire::proto::chuoi::stock::v1::StockBalance| {
            let site = place(&balance.site_code, &balance.site_name);
            let (issuer, product, lot) = (&balance.issuer_code, &balance.product_code, &balance.lot_code);
            let held = quantity(balance.quantity_milli, &balance.unit);
            let what = format!("{site}  {issuer}/{product}/{lot} {}", balance.product_name);
            if self.at_beginning {
                return format!("{what}  {held}");
            }
            let sign = if balance.change_milli > 0 { "+" } else { "" };
            format!("{when}  {what}  {sign}{} → {held}  {}", number(balance.change_milli), self.position)
        };
        self.balances.iter().map(line).collect()
    }
}

impl Told for WatchShipmentsResponse {
    const NAME: &'static str = "chuoi.stock.v1.WatchShipmentsResponse";

    fn position(&self) -> &str {
        &self.position
    }

    fn lines(&self, offset: &dyn Fn(Option<&prost_types::Timestamp>) -> i32) -> Vec<String> {
        let when = super::answer::moment(self.record_time.as_ref(), offset(self.record_time.as_ref()));
        let mut lines = Vec::new();
        for ShipmentChange { shipment, lines: changes } in &self.changes {
            let shipment = shipment.clone().unwrap_or_default();
            let from = place(&shipment.from_site_code, &shipment.from_site_name);
            let to = place(&shipment.to_site_code, &shipment.to_site_name);
            let (code, state) = (name(&shipment), state(&shipment));
            lines.push(format!("{when}  {code}  {state}  {from} → {to}, by {}  {}", self.organization_code, self.position));
            for change in changes {
                let line = shipment.lines.iter().find(|line| line.lot_id == change.lot_id).cloned().unwrap_or_default();
                let (sign, of) = (if change.change_milli > 0 { "+" } else { "" }, unit(&line.unit));
                let (moved, open) = (number(change.change_milli), number(change.open_milli));
                let (issuer, product, lot) = (&line.issuer_code, &line.product_code, &line.lot_code);
                lines
                    .push(format!("    {issuer}/{product}/{lot} {}  {sign}{moved} → {open} {of} on the road", line.product_name));
            }
        }
        lines
    }
}
