//! `chuoi shipments`: what is on the road, and what became of what was.

use clap::Args;
use tonic::transport::Channel;
use wire::proto::chuoi::record::v1::ShipmentReference;
use wire::proto::chuoi::stock::v1::stock_service_client::StockServiceClient;
use wire::proto::chuoi::stock::v1::{GetShipmentRequest, ListShipmentsRequest, ListShipmentsResponse, Shipment, ShipmentLine};

use super::answer::moment;
use super::stock::ending;
use super::{Client, Paging, ReadFlags, answered, query, typed};
use crate::config::Settings;
use crate::failure::Failure;
use crate::output::Table;
use crate::words::{State, count, number, unit};

/// Shipments that the service gives at once.
const PAGE: usize = 500;

/// Which shipments.
#[derive(Args, Clone, Debug)]
pub struct Shipments {
    /// One shipment, with all its lines: ISSUER/CODE or its id
    #[arg(value_parser = typed::shipment)]
    pub shipment: Option<ShipmentReference>,
    /// What became of them
    #[arg(long, value_enum, default_value = "open")]
    pub state: State,
    /// From these sites: code or GLN
    #[arg(long = "from", value_name = "SITE", value_delimiter = ',')]
    pub from: Vec<String>,
    /// To these sites: code or GLN
    #[arg(long = "to", value_name = "SITE", value_delimiter = ',')]
    pub to: Vec<String>,
    /// With lots of these chains
    #[arg(long = "chain", value_name = "CHAIN", value_delimiter = ',')]
    pub chains: Vec<String>,
    /// With these products: code or GTIN
    #[arg(long = "product", value_name = "PRODUCT", value_delimiter = ',')]
    pub products: Vec<String>,
    /// Only those that left at least so many hours ago
    #[arg(long, value_name = "HOURS", default_value_t = 0, hide_default_value = true)]
    pub older_than: i32,
    /// Only those of this trip
    #[arg(long, default_value = "", hide_default_value = true)]
    pub trip: String,
    /// Only those with this code, whoever issued it
    #[arg(long, default_value = "", hide_default_value = true)]
    pub code: String,
    /// Only the one with this SSCC
    #[arg(long, default_value = "", hide_default_value = true)]
    pub sscc: String,
    /// How much to show.
    #[command(flatten)]
    pub paging: Paging,
    /// Settings, and the position.
    #[command(flatten)]
    pub read: ReadFlags,
}

/// Runs it.
pub async fn run(settings: Settings, asked: &Shipments) -> Result<(), Failure> {
    let client = Client::connect(settings).await?;
    let zone = client.zone()?;
    let mut service = super::service!(StockServiceClient<Channel>, client.channel.clone());
    let offset = |shipment: &Shipment| {
        let instant = shipment.dispatch_time.as_ref().and_then(|time| jiff::Timestamp::new(time.seconds, time.nanos).ok());
        instant.map_or(0, |instant| zone.to_offset(instant).seconds() / 60)
    };
    if let Some(shipment) = &asked.shipment {
        let request = GetShipmentRequest {
            shipment_id: shipment.shipment_id.clone(),
            // A code alone is one of your own.
            issuer_code: match (shipment.shipment_id.is_empty(), shipment.issuer.is_empty()) {
                (true, true) => client.settings.organization()?.to_owned(),
                _ => shipment.issuer.clone(),
            },
            shipment_code: shipment.shipment_code.clone(),
            at_least: asked.read.at_least.clone(),
        };
        let answer = answered(service.get_shipment(query(request)).await)?;
        return client.show("chuoi.stock.v1.GetShipmentResponse", &answer, || {
            let shipment = answer.shipment.clone().unwrap_or_default();
            let offset = offset(&shipment);
            one(&shipment, offset, &answer.position)
        });
    }
    let answer = list(&mut service, asked).await?;
    client.show("chuoi.stock.v1.ListShipmentsResponse", &answer, || {
        let mut table = Table::new(&["shipment", "state", "left", "hours>", "from", "to", "open", "trip"]);
        for shipment in &answer.shipments {
            table.row([
                name(shipment),
                state(shipment),
                moment(shipment.dispatch_time.as_ref(), offset(shipment)),
                if shipment.dispatch_time.is_some() { shipment.age_hours.to_string() } else { String::new() },
                place(&shipment.from_site_code, &shipment.from_site_name),
                place(&shipment.to_site_code, &shipment.to_site_name),
                contents(&shipment.lines),
                shipment.trip_id.clone(),
            ]);
        }
        let total = format!("shipments {}\n", count(answer.total_shipments));
        ending(table, &answer.in_transit, &answer.next_page_token, &answer.position).replace("\ntotal     ", "\nin transit ")
            + &total
    })
}

async fn list(service: &mut StockServiceClient<Channel>, asked: &Shipments) -> Result<ListShipmentsResponse, Failure> {
    let mut request = ListShipmentsRequest {
        state: asked.state.number(),
        from_sites: asked.from.clone(),
        to_sites: asked.to.clone(),
        chains: asked.chains.clone(),
        products: asked.products.clone(),
        older_than_hours: asked.older_than,
        shipment_code: asked.code.clone(),
        trip_id: asked.trip.clone(),
        sscc: asked.sscc.clone(),
        at_least: asked.read.at_least.clone(),
        ..ListShipmentsRequest::default()
    };
    let mut all = ListShipmentsResponse::default();
    loop {
        request.page_size = asked.paging.page_size(all.shipments.len(), PAGE);
        let mut page = answered(service.list_shipments(query(request.clone())).await)?;
        request.page_token = page.next_page_token.clone();
        page.shipments.splice(..0, all.shipments);
        all = page;
        if request.page_token.is_empty() || asked.paging.wanted(all.shipments.len()) == 0 {
            return Ok(all);
        }
    }
}

/// As `receive` takes it.
pub fn name(shipment: &Shipment) -> String {
    if shipment.shipment_code.is_empty() {
        return shipment.shipment_id.clone();
    }
    format!("{}/{}", shipment.issuer_code, shipment.shipment_code)
}

/// What has become of it, in words.
pub fn state(shipment: &Shipment) -> String {
    let word = State::word(shipment.state);
    if shipment.is_return { format!("{word}, going back") } else { word.to_owned() }
}

/// Code and name of a site.
pub fn place(code: &str, name: &str) -> String {
    format!("{code} {name}").trim().to_owned()
}

/// What is on its way still, one sum for each unit.
fn contents(lines: &[ShipmentLine]) -> String {
    let mut sums: Vec<(&str, i64)> = Vec::new();
    for line in lines.iter().filter(|line| line.open_milli != 0) {
        match sums.iter_mut().find(|(unit, _)| *unit == line.unit) {
            Some((_, sum)) => *sum += line.open_milli,
            None => sums.push((&line.unit, line.open_milli)),
        }
    }
    sums.iter().map(|(of, milli)| format!("{} {}", number(*milli), unit(of))).collect::<Vec<_>>().join(" · ")
}

fn one(shipment: &Shipment, utc_offset_minutes: i32, position: &str) -> String {
    let mut text = format!("shipment  {} ({})\n", name(shipment), shipment.shipment_id);
    let mut line = |name: &str, said: String| {
        if !said.is_empty() {
            text.push_str(&format!("{name:<10}{said}\n"));
        }
    };
    line("state", state(shipment));
    line("from", place(&shipment.from_site_code, &shipment.from_site_name));
    line("to", place(&shipment.to_site_code, &shipment.to_site_name));
    line("left", moment(shipment.dispatch_time.as_ref(), utc_offset_minutes));
    line("trip", shipment.trip_id.clone());
    line("SSCC", shipment.sscc.clone());
    line("returns", shipment.return_of_shipment_id.clone());
    line("command", shipment.command_id.clone());
    let mut table = Table::new(&["lot", "product", "sent>", "received>", "refused>", "short>", "open>", "unmatched>", "unit"]);
    for line in &shipment.lines {
        let not_zero = |milli| if milli == 0 { String::new() } else { number(milli) };
        table.row([
            line.lot_code.clone(),
            place(&line.product_code, &line.product_name),
            number(line.sent_milli),
            not_zero(line.received_milli),
            not_zero(line.refused_milli),
            not_zero(line.short_milli),
            number(line.open_milli),
            not_zero(line.unmatched_milli),
            unit(&line.unit).to_owned(),
        ]);
    }
    format!("{text}\n{}\nposition  {position}\n", table.render())
}
