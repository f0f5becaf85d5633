//! `chuoi trace`: where a lot came from and where it went.

use std::collections::BTreeMap;

use clap::Args;
use tonic::transport::Channel;
use wire::proto::chuoi::event::v1::TimePrecision;
use wire::proto::chuoi::record::v1::LotReference;
use wire::proto::chuoi::trace::v1::trace_service_client::TraceServiceClient;
use wire::proto::chuoi::trace::v1::{
    LotEvent, LotMovement, LotQuantity, LotSummary, TraceLotRequest, TraceLotResponse, Transformation,
};

use super::answer::moment;
use super::{Client, ReadFlags, answered, names, query, typed};
use crate::config::Settings;
use crate::failure::Failure;
use crate::output::Table;
use crate::words::{EventWord, ProcessWord, Reason, Standing, number, quantity, unit};

/// Which lot.
#[derive(Args, Clone, Debug)]
pub struct Trace {
    /// Lot: its code, PRODUCT/LOT, ISSUER/PRODUCT/LOT or its id
    #[arg(value_parser = typed::lot)]
    pub lot: LotReference,
    /// Settings, and the position.
    #[command(flatten)]
    pub read: ReadFlags,
}

/// Runs it.
pub async fn run(settings: Settings, asked: &Trace) -> Result<(), Failure> {
    let client = Client::connect(settings).await?;
    let mut service = super::service!(TraceServiceClient<Channel>, client.channel.clone());
    let mut request = TraceLotRequest {
        lot_id: asked.lot.lot_id.clone(),
        lot_code: asked.lot.lot_code.clone(),
        issuer_code: asked.lot.issuer.clone(),
        product: asked.lot.product.clone(),
        at_least: asked.read.at_least.clone(),
        ..TraceLotRequest::default()
    };
    let mut answer = answered(service.trace_lot(query(request.clone())).await)?;
    while !answer.next_page_token.is_empty() {
        request.page_token = std::mem::take(&mut answer.next_page_token);
        let page = answered(service.trace_lot(query(request.clone())).await)?;
        // Later pages hold the history only.
        answer.events.extend(page.events);
        answer.next_page_token = page.next_page_token;
    }
    if answer.lot.is_none() {
        return Err(Failure::Refused(names::ambiguous(&asked.lot.lot_code, &answer.candidates)));
    }
    client.show("chuoi.trace.v1.TraceLotResponse", &answer, || show(&answer))
}

fn show(answer: &TraceLotResponse) -> String {
    let lot = answer.lot.clone().unwrap_or_default();
    let lots: BTreeMap<&str, &LotSummary> = answer.lots.iter().chain(&answer.lot).map(|lot| (lot.lot_id.as_str(), lot)).collect();
    let mut text = String::new();
    let mut line = |name: &str, said: String| {
        if !said.trim().is_empty() {
            text.push_str(&format!("{name:<10}{said}\n"));
        }
    };
    line("lot", format!("{} ({})", name(&lot), lot.lot_id));
    line("product", format!("{} {}", lot.product_code, lot.product_name));
    line("issuer", format!("{} {}", lot.issuer_code, lot.issuer_name));
    line("chain", format!("{} {}", lot.chain_code, lot.chain_name));
    line("harvested", lot.harvest_date.clone());
    line("sell by", lot.expiry_date.clone());
    if answer.doubtful {
        line("doubtful", "an event about it could not be folded; the figures may be wrong".to_owned());
    }
    if answer.truncated {
        line("cut", "its line is longer than an answer follows".to_owned());
    }
    for (title, steps) in [("made from", &answer.made_from), ("made into", &answer.made_into)] {
        if !steps.is_empty() {
            text.push_str(&format!("\n{title}\n{}", transformations(steps, &lots)));
        }
    }
    text.push_str(&format!("\nhistory\n{}", history(&answer.events, &lot.unit)));
    if !answer.holdings.is_empty() {
        let mut table = Table::new(&["where", "lot", "quantity>", "unit"]);
        for held in &answer.holdings {
            let place = match held.shipment_id.is_empty() {
                true => format!("{} {}", held.site_code, held.site_name),
                // A shipment that takes refused goods back has no code.
                false if held.shipment_code.is_empty() => format!("on its way back to {}", held.to_site_code),
                false => format!("on shipment {} to {}", held.shipment_code, held.to_site_code),
            };
            let of = lots.get(held.lot_id.as_str()).copied().cloned().unwrap_or_default();
            table.row([place, name(&of), number(held.quantity_milli), unit(&of.unit).to_owned()]);
        }
        text.push_str(&format!("\nnow, with everything made of it\n{}", table.render()));
    }
    if !answer.outside.is_empty() {
        let mut table = Table::new(&["why", "lot", "quantity>", "unit"]);
        for left in &answer.outside {
            let of = lots.get(left.lot_id.as_str()).copied().cloned().unwrap_or_default();
            table.row([Reason::word(left.reason).to_owned(), name(&of), number(left.quantity_milli), unit(&of.unit).to_owned()]);
        }
        text.push_str(&format!("\nentered and left\n{}", table.render()));
    }
    text.push_str(&format!("\nposition  {}\n", answer.position));
    text
}

fn name(lot: &LotSummary) -> String {
    format!("{}/{}/{}", lot.issuer_code, lot.product_code, lot.lot_code)
}

fn transformations(steps: &[Transformation], lots: &BTreeMap<&str, &LotSummary>) -> String {
    let side = |lines: &[LotQuantity]| {
        let of = |line: &LotQuantity| match lots.get(line.lot_id.as_str()) {
            Some(lot) => format!("{} of {}", quantity(line.quantity_milli, &lot.unit), name(lot)),
            None => format!("{} of {}", number(line.quantity_milli), line.lot_id),
        };
        lines.iter().map(of).collect::<Vec<_>>().join(" + ")
    };
    let mut text = String::new();
    for step in steps {
        let loss = step.loss_gram.map(|gram| format!(", loss {}", quantity(gram, "KGM"))).unwrap_or_default();
        let (work, place) = (ProcessWord::word(step.process), format!("{} {}", step.site_code, step.site_name));
        text.push_str(&format!("  {}  {work} at {place}{loss}\n", step.business_date));
        text.push_str(&format!("    {}\n    → {}\n", side(&step.inputs), side(&step.outputs)));
    }
    text
}

fn history(events: &[LotEvent], of: &str) -> String {
    let mut table = Table::new(&["when", "what", "where", "quantity>", "", "by", "note"]);
    for event in events {
        let place = match event.to_site_code.is_empty() {
            true => format!("{} {}", event.site_code, event.site_name),
            false => format!("{} {} → {} {}", event.site_code, event.site_name, event.to_site_code, event.to_site_name),
        };
        let mut notes: Vec<String> = Vec::new();
        match Standing::word(event.standing) {
            "" | "stands" => {}
            standing => notes.push(format!("{standing} by {}", event.reversed_by_command_id)),
        }
        notes.extend(event.counts.iter().filter_map(|count| {
            Some(format!("counted {} where the book had {}", number(count.counted_milli?), number(count.expected_milli)))
        }));
        notes.extend(event.violations.iter().map(|violation| format!("against rule {}: {}", violation.rule, violation.detail)));
        notes.extend(event.names.iter().map(|name| format!("{:?} was read as {}", name.typed, name.code)));
        notes.extend([&event.given, &event.reason, &event.note].into_iter().filter(|note| !note.is_empty()).cloned());
        let what = EventWord::word(event.kind);
        let moved: Vec<String> = event.movements.iter().map(|movement| moved(movement, what, of)).collect();
        table.row([
            when(event),
            what.to_owned(),
            place,
            moved.join(" · "),
            if event.shipment_code.is_empty() { String::new() } else { format!("shipment {}", event.shipment_code) },
            event.organization_code.clone(),
            notes.join("; "),
        ]);
    }
    table.render()
}

/// When it happened, as exactly as that is known.
pub fn when(event: &LotEvent) -> String {
    match TimePrecision::try_from(event.precision) {
        Ok(TimePrecision::Day) => event.business_date.clone(),
        Ok(TimePrecision::BeforeOpening) => format!("{} before opening", event.business_date),
        Ok(TimePrecision::AfterClosing) => format!("{} after closing", event.business_date),
        _ => moment(event.event_time.as_ref(), event.utc_offset_minutes),
    }
}

/// A quantity with the way it went, where the kind of event does not say it.
pub fn moved(movement: &LotMovement, what: &str, of: &str) -> String {
    let reversal = if movement.is_reversal { "taken back " } else { "" };
    let reasons = [Reason::word(movement.from_outside), Reason::word(movement.to_outside)];
    let reason = reasons
        .into_iter()
        .find(|reason| !reason.is_empty() && !matches!(*reason, "harvested" | "opening" | "lost") && *reason != what);
    format!("{reversal}{} {}", quantity(movement.quantity_milli, of), reason.unwrap_or_default()).trim_end().to_owned()
}
