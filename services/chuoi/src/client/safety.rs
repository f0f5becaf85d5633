//! `chuoi recalls`, `check`, `discrepancies` and `unit`: what may not move on, what somebody has to look at, what is in a crate.

use clap::Args;
use jiff::tz::TimeZone;
use tonic::transport::Channel;
use wire::proto::chuoi::record::v1::{CommandReference, LotReference};
use wire::proto::chuoi::safety::v1::safety_service_client::SafetyServiceClient;
use wire::proto::chuoi::safety::v1::{
    Balance, Block, CheckLotRequest, CheckLotResponse, Discrepancy, GetRecallRequest, GetRecallResponse, GetUnitRequest,
    GetUnitResponse, ListBlocksRequest, ListBlocksResponse, ListDiscrepanciesRequest, ListDiscrepanciesResponse,
};
use wire::proto::chuoi::trace::v1::LotSummary;

use super::stock::named;
use super::{Client, Paging, ReadFlags, answered, local, query, typed};
use crate::config::Settings;
use crate::failure::Failure;
use crate::output::Table;
use crate::words::{
    BlockWord, CertificateWord, Channel as ChannelWord, DiscrepancyStateWord, DiscrepancyWord, EventWord, ObjectionWord,
    RecallWord, ValidityWord, number, quantity, unit,
};

/// Rows that the service gives at once.
const PAGE: usize = 1_000;

/// Which holds and recalls.
#[derive(Args, Clone, Debug)]
pub struct Recalls {
    /// One recall or hold, with how far it reaches: the id of its command, or ORGANIZATION/ID
    #[arg(value_parser = typed::command)]
    pub recall: Option<CommandReference>,
    /// Only holds, or only recalls
    #[arg(long, value_enum)]
    pub kind: Option<BlockWord>,
    /// Also those that are over
    #[arg(long)]
    pub closed_too: bool,
    /// Of this organization: code or GLN
    #[arg(long, default_value = "", hide_default_value = true)]
    pub organization: String,
    /// That name this lot: its code or id
    #[arg(long, default_value = "", hide_default_value = true)]
    pub lot: String,
    /// How much to show.
    #[command(flatten)]
    pub paging: Paging,
    /// Settings, and the position.
    #[command(flatten)]
    pub read: ReadFlags,
}

/// Which lot to check.
#[derive(Args, Clone, Debug)]
pub struct Check {
    /// Lot: LOT, PRODUCT/LOT, ISSUER/PRODUCT/LOT or its id
    #[arg(value_parser = typed::lot)]
    pub lot: LotReference,
    /// Site at which it would be sold: code or GLN
    #[arg(long, default_value = "", hide_default_value = true)]
    pub site: String,
    /// Day on which it would be sold [default: today]
    #[arg(long, value_name = "DAY", value_parser = typed::date)]
    pub date: Option<String>,
    /// Certificates that its label claims: each has to have been valid on the day of its harvest
    #[arg(long = "claim", value_name = "KIND", value_enum, value_delimiter = ',')]
    pub claims: Vec<CertificateWord>,
    /// Settings, and the position.
    #[command(flatten)]
    pub read: ReadFlags,
}

/// Which discrepancies.
#[derive(Args, Clone, Debug)]
pub struct Discrepancies {
    /// Only these kinds
    #[arg(long = "kind", value_name = "KIND", value_enum, value_delimiter = ',')]
    pub kinds: Vec<DiscrepancyWord>,
    /// At these sites: code or GLN
    #[arg(long = "site", value_name = "SITE", value_delimiter = ',')]
    pub sites: Vec<String>,
    /// Recorded by these organizations: code or GLN
    #[arg(long = "organization", value_name = "ORGANIZATION", value_delimiter = ',')]
    pub organizations: Vec<String>,
    /// Also those that were resolved, settled or taken back
    #[arg(long)]
    pub closed_too: bool,
    /// First business day
    #[arg(long, value_name = "DAY", value_parser = typed::date)]
    pub from: Option<String>,
    /// Last business day
    #[arg(long, value_name = "DAY", value_parser = typed::date)]
    pub to: Option<String>,
    /// How much to show.
    #[command(flatten)]
    pub paging: Paging,
    /// Settings, and the position.
    #[command(flatten)]
    pub read: ReadFlags,
}

/// Which logistic unit.
#[derive(Args, Clone, Debug)]
pub struct Unit {
    /// Its SSCC, 18 digits
    pub sscc: String,
    /// Settings, and the position.
    #[command(flatten)]
    pub read: ReadFlags,
}

/// Runs `recalls`.
pub async fn recalls(settings: Settings, asked: &Recalls) -> Result<(), Failure> {
    let client = Client::connect(settings).await?;
    let zone = client.zone()?;
    let mut service = super::service!(SafetyServiceClient<Channel>, client.channel.clone());
    if let Some(recall) = &asked.recall {
        let request = GetRecallRequest {
            organization_code: recall.organization.clone(),
            command_id: recall.command_id.clone(),
            at_least: asked.read.at_least.clone(),
        };
        let answer = answered(service.get_recall(query(request)).await)?;
        return client.show("chuoi.safety.v1.GetRecallResponse", &answer, || reach(&answer, &zone));
    }
    let mut request = ListBlocksRequest {
        kind: asked.kind.map_or(0, BlockWord::number),
        open_only: !asked.closed_too,
        organization: asked.organization.clone(),
        lot: asked.lot.clone(),
        at_least: asked.read.at_least.clone(),
        ..ListBlocksRequest::default()
    };
    let mut all = ListBlocksResponse::default();
    loop {
        request.page_size = asked.paging.page_size(all.blocks.len(), PAGE);
        let mut page = answered(service.list_blocks(query(request.clone())).await)?;
        request.page_token = page.next_page_token.clone();
        page.blocks.splice(..0, all.blocks);
        all = page;
        if request.page_token.is_empty() || asked.paging.wanted(all.blocks.len()) == 0 {
            break;
        }
    }
    client.show("chuoi.safety.v1.ListBlocksResponse", &all, || {
        let mut table = Table::new(&["since", "what", "lots>", "released>", "site", "why", "decision", "state", "command"]);
        for block in &all.blocks {
            table.row([
                block.event_time.as_ref().map(|time| local(time, &zone)).unwrap_or_default(),
                BlockWord::word(block.kind).to_owned(),
                block.lot_ids.len().to_string(),
                if block.released_lot_ids.is_empty() { String::new() } else { block.released_lot_ids.len().to_string() },
                named(&block.site_code, &block.site_name),
                block.reason.clone(),
                block.decision_number.clone(),
                standing(block).to_owned(),
                format!("{}/{}", block.organization_code, block.command_id),
            ]);
        }
        listed(table, &all.next_page_token, &all.position)
    })
}

fn standing(block: &Block) -> &'static str {
    match (block.voided, block.open) {
        (true, _) => "voided",
        (_, true) => "open",
        _ => "over",
    }
}

/// A list below which it stands whether there is more, and as of which position.
pub(super) fn listed(table: Table, next_page_token: &str, position: &str) -> String {
    let mut text = if table.is_empty() { "nothing\n".to_owned() } else { table.render() };
    if !next_page_token.is_empty() {
        text.push_str("\nmore      there are more: --all, or a greater --limit, shows them\n");
    }
    text + &format!("\nposition  {position}\n")
}

fn lot_name(lot: &LotSummary) -> String {
    format!("{}/{}/{}", lot.issuer_code, lot.product_code, lot.lot_code)
}

fn reach(answer: &GetRecallResponse, zone: &TimeZone) -> String {
    let block = answer.block.clone().unwrap_or_default();
    let mut text = String::new();
    let mut line = |name: &str, said: String| {
        if !said.is_empty() {
            text.push_str(&format!("{name:<13}{said}\n"));
        }
    };
    let kind = [BlockWord::word(block.kind), RecallWord::word(block.form)].join(" ");
    line("what", kind.trim().to_owned());
    line("by", format!("{}/{}", named(&block.organization_code, &block.organization_name), block.command_id));
    line("since", block.event_time.as_ref().map(|time| local(time, zone)).unwrap_or_default());
    line("why", block.reason.clone());
    line("decision", block.decision_number.clone());
    line("state", standing(&block).to_owned());
    for balance in &answer.balances {
        line(unit(&balance.unit), balance_words(balance));
    }
    let of = answer.sites.len();
    line("heard", format!("{} of {of} sites", answer.acknowledged_sites));
    let mostly = answer.mostly_acknowledged_time.as_ref().map(|time| local(time, zone));
    line("95 % heard", mostly.unwrap_or_default());
    line("due", block.acknowledge_by_time.as_ref().map(|time| local(time, zone)).unwrap_or_default());
    let mut lots = Table::new(&[
        "depth>",
        "lot",
        "product",
        "held>",
        "on the road>",
        "sold>",
        "wasted>",
        "processed>",
        "unaccounted>",
        "unit",
    ]);
    for reached in &answer.lots {
        let (lot, balance) = (reached.lot.clone().unwrap_or_default(), reached.balance.clone().unwrap_or_default());
        let figure = |milli: i64| if milli == 0 { String::new() } else { number(milli) };
        lots.row([
            reached.depth.to_string(),
            lot_name(&lot),
            lot.product_name.clone(),
            figure(balance.held_milli),
            figure(balance.in_transit_milli),
            figure(balance.sold_milli),
            figure(balance.wasted_milli),
            figure(balance.processed_milli),
            figure(balance.unaccounted_milli),
            unit(&balance.unit).to_owned(),
        ]);
    }
    text.push_str(&format!("\n{}", lots.render()));
    let units = |id: &str| {
        let lot = answer.lots.iter().filter_map(|reached| reached.lot.as_ref()).find(|lot| lot.lot_id == id);
        lot.map(|lot| (lot.unit.clone(), lot.lot_code.clone())).unwrap_or_default()
    };
    let mut sites = Table::new(&["site", "what", "runs it", "lot", "held>", "sold>", "wasted>", "unit", "heard"]);
    for site in &answer.sites {
        for (index, holding) in site.lots.iter().enumerate() {
            let (of, code) = units(&holding.lot_id);
            let figure = |milli: i64| if milli == 0 { String::new() } else { number(milli) };
            let heard = match (&site.acknowledge_time, site.overdue) {
                (Some(time), _) => local(time, zone),
                (None, true) => "OVERDUE".to_owned(),
                (None, false) => String::new(),
            };
            let once = |said: String| if index == 0 { said } else { String::new() };
            sites.row([
                once(named(&site.site_code, &site.site_name)),
                once(ChannelWord::word(site.kind).to_owned()),
                once(site.organization_code.clone()),
                code,
                figure(holding.held_milli),
                figure(holding.sold_milli),
                figure(holding.wasted_milli),
                unit(&of).to_owned(),
                once(heard),
            ]);
        }
    }
    text.push_str(&format!("\n{}", sites.render()));
    let mut road = Table::new(&["on the road", "to", "lot", "quantity>", "unit"]);
    for holding in &answer.in_transit {
        let (of, code) = units(&holding.lot_id);
        let shipment = if holding.shipment_code.is_empty() { &holding.shipment_id } else { &holding.shipment_code };
        let to = holding.to_site_code.clone();
        road.row([shipment.clone(), to, code, number(holding.quantity_milli), unit(&of).to_owned()]);
    }
    if !road.is_empty() {
        text.push_str(&format!("\n{}", road.render()));
    }
    if answer.truncated {
        text.push_str("\nmore      it reaches further than an answer holds\n");
    }
    text + &format!("\nposition  {}\n", answer.position)
}

fn balance_words(balance: &Balance) -> String {
    let parts = [
        ("entered", balance.entered_milli),
        ("held", balance.held_milli),
        ("on the road", balance.in_transit_milli),
        ("sold", balance.sold_milli),
        ("brought back", balance.returned_milli),
        ("wasted", balance.wasted_milli),
        ("processed", balance.processed_milli),
        ("unaccounted", balance.unaccounted_milli),
    ];
    let said: Vec<_> =
        parts.iter().filter(|(_, milli)| *milli != 0).map(|(name, milli)| format!("{name} {}", number(*milli))).collect();
    said.join(" · ")
}

/// Runs `check`.
pub async fn check(settings: Settings, asked: &Check) -> Result<(), Failure> {
    let client = Client::connect(settings).await?;
    let mut service = super::service!(SafetyServiceClient<Channel>, client.channel.clone());
    let LotReference { lot_id, issuer, product, lot_code } = asked.lot.clone();
    let request = CheckLotRequest {
        lot_id,
        lot_code,
        issuer_code: issuer,
        product,
        site: asked.site.clone(),
        date: asked.date.clone().unwrap_or_default(),
        at_least: asked.read.at_least.clone(),
        claims: asked.claims.iter().map(|claim| claim.number()).collect(),
    };
    let answer = answered(service.check_lot(query(request)).await)?;
    client.show("chuoi.safety.v1.CheckLotResponse", &answer, || checked(&answer))
}

fn checked(answer: &CheckLotResponse) -> String {
    if !answer.candidates.is_empty() {
        let names: Vec<_> = answer.candidates.iter().map(|lot| format!("  {}  {}\n", lot_name(lot), lot.product_name)).collect();
        return format!("several lots bear that name; name one of them:\n{}", names.concat());
    }
    let lot = answer.lot.clone().unwrap_or_default();
    let verdict = if answer.sellable { "YES, it may be sold" } else { "NO, it may not be sold" };
    let mut text = format!("{verdict} on {}\nlot       {} {}\n", answer.date, lot_name(&lot), lot.product_name);
    for (name, said) in [("expiry", &lot.expiry_date), ("harvest", &lot.harvest_date)] {
        if !said.is_empty() {
            text.push_str(&format!("{name:<10}{said}\n"));
        }
    }
    for finding in &answer.findings {
        text.push_str(&format!("{:<10}{}\n", ObjectionWord::word(finding.objection), finding.detail));
    }
    for certificate in &answer.certificates {
        let issued = certificate.issued.clone().unwrap_or_default();
        let (kind, validity) = (CertificateWord::word(issued.kind), ValidityWord::word(certificate.validity));
        let until = if certificate.until_date.is_empty() { String::new() } else { format!(" until {}", certificate.until_date) };
        text.push_str(&format!("{:<10}{} of {}, {validity} on the day of harvest{until}\n", kind, issued.number, issued.issuer));
    }
    text + &format!("position  {}\n", answer.position)
}

/// Runs `discrepancies`.
pub async fn discrepancies(settings: Settings, asked: &Discrepancies) -> Result<(), Failure> {
    let client = Client::connect(settings).await?;
    let zone = client.zone()?;
    let mut service = super::service!(SafetyServiceClient<Channel>, client.channel.clone());
    let mut request = ListDiscrepanciesRequest {
        kinds: asked.kinds.iter().map(|kind| kind.number()).collect(),
        sites: asked.sites.clone(),
        organizations: asked.organizations.clone(),
        closed_too: asked.closed_too,
        from_date: asked.from.clone().unwrap_or_default(),
        to_date: asked.to.clone().unwrap_or_default(),
        at_least: asked.read.at_least.clone(),
        ..ListDiscrepanciesRequest::default()
    };
    let mut all = ListDiscrepanciesResponse::default();
    loop {
        request.page_size = asked.paging.page_size(all.discrepancies.len(), PAGE);
        let mut page = answered(service.list_discrepancies(query(request.clone())).await)?;
        request.page_token = page.next_page_token.clone();
        page.discrepancies.splice(..0, all.discrepancies);
        all = page;
        if request.page_token.is_empty() || asked.paging.wanted(all.discrepancies.len()) == 0 {
            break;
        }
    }
    client.show("chuoi.safety.v1.ListDiscrepanciesResponse", &all, || {
        let mut table =
            Table::new(&["when", "what", "event", "site", "shipment", "lots", "why", "state", "came of it", "command"]);
        all.discrepancies.iter().for_each(|discrepancy| table.row(cells(discrepancy, &zone)));
        listed(table, &all.next_page_token, &all.position)
    })
}

fn cells(discrepancy: &Discrepancy, zone: &TimeZone) -> [String; 10] {
    let event = discrepancy.event.clone().unwrap_or_default();
    let lots = discrepancy.lots.iter().map(|share| {
        let lot = share.lot.clone().unwrap_or_default();
        let moved: i64 = share.movements.iter().map(|moved| moved.quantity_milli).sum();
        let counted: i64 = share.counts.iter().map(|count| count.variance_milli).sum();
        let milli = if counted == 0 { moved } else { counted };
        format!("{} {}", lot.lot_code, if milli == 0 { String::new() } else { quantity(milli, &lot.unit) }).trim().to_owned()
    });
    let why = event.violations.iter().map(|broken| format!("rule {}: {}", broken.rule, broken.detail)).collect::<Vec<_>>();
    [
        event.event_time.as_ref().map(|time| local(time, zone)).unwrap_or_default(),
        DiscrepancyWord::word(discrepancy.kind).to_owned(),
        EventWord::word(event.kind).to_owned(),
        named(&event.site_code, &event.site_name),
        event.shipment_code.clone(),
        lots.collect::<Vec<_>>().join(", "),
        why.join("; "),
        DiscrepancyStateWord::word(discrepancy.state).to_owned(),
        discrepancy.resolution.clone(),
        format!("{}/{}", event.organization_code, event.command_id),
    ]
}

/// Runs `unit`.
pub async fn unit_of(settings: Settings, asked: &Unit) -> Result<(), Failure> {
    let client = Client::connect(settings).await?;
    let mut service = super::service!(SafetyServiceClient<Channel>, client.channel.clone());
    let request = GetUnitRequest { sscc: asked.sscc.clone(), at_least: asked.read.at_least.clone() };
    let answer = answered(service.get_unit(query(request)).await)?;
    client.show("chuoi.safety.v1.GetUnitResponse", &answer, || packed(&answer))
}

fn packed(answer: &GetUnitResponse) -> String {
    let mut text = format!("unit      {}\nat        {}\n", answer.sscc, named(&answer.site_code, &answer.site_name));
    for (name, said) in [("shipment", &answer.shipment_id), ("inside", &answer.within_sscc)] {
        if !said.is_empty() {
            text.push_str(&format!("{name:<10}{said}\n"));
        }
    }
    let mut table = Table::new(&["in", "lot", "product", "quantity>", "unit"]);
    for held in &answer.lots {
        let lot = held.lot.clone().unwrap_or_default();
        let of = unit(&lot.unit).to_owned();
        table.row([held.sscc.clone(), lot_name(&lot), lot.product_name.clone(), number(held.quantity_milli), of]);
    }
    let text = text + "\n" + &if table.is_empty() { "empty\n".to_owned() } else { table.render() };
    text + &format!("\nposition  {}\n", answer.position)
}
