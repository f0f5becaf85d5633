//! What was recorded, in words and figures.

use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::tz::Offset;
use uuid::Uuid;
use wire::proto::chuoi::event::v1::event::Fact;
use wire::proto::chuoi::event::v1::registered_thing::Thing;
use wire::proto::chuoi::event::v1::{
    Amount, CommandReference, CountBasis, Event, EventTime, Lot, LotAmount, Observed, RegisteredThing, TimePrecision,
};
use wire::proto::chuoi::record::v1::Recorded;

use super::names::Names;
use crate::words::{
    CertificateStandingWord, CertificateWord, FindingWord, LabelWord, MeasuredWord, ObservationWord, ProcessWord, Refusal,
    ReturnWord, StandingWord, TrademarkWord, VerdictWord, WasteWord, count, number, quantity,
};

/// A recording command's answer.
pub fn recorded(verdict: i32, recorded: &Recorded, names: &Names) -> String {
    let mut text = String::new();
    let mut line = |said: String| {
        text.push_str(&said);
        text.push('\n');
    };
    match VerdictWord::word(verdict) {
        "duplicate" => line("duplicate: this command was recorded before; nothing was recorded now".to_owned()),
        word => line(word.to_owned()),
    }
    for event in &recorded.events {
        for said in describe(event, names) {
            line(format!("  {said}"));
        }
        for name in &event.names {
            line(format!("  {:?} was read as {}", name.typed, name.code));
        }
        for violation in &event.violations {
            line(format!("  ! against rule {}: {}", violation.rule, violation.detail));
        }
    }
    line(format!("command   {}", recorded.command_id));
    line(format!("position  {}", recorded.position));
    text
}

fn lots(ids: &[Vec<u8>], names: &Names) -> Vec<String> {
    ids.iter().map(|id| lot_name(id, names)).collect()
}

fn said(by: &Option<CommandReference>) -> String {
    by.as_ref().map(|by| format!("{}/{}", by.organization_code, id(&by.command_id))).unwrap_or_default()
}

fn packed(mut lines: Vec<String>, units: &[String]) -> Vec<String> {
    lines.extend(units.iter().map(|unit| format!("unit {unit}")));
    lines
}

fn observed(fact: &Observed) -> String {
    let mut text = format!("observed: {}", ObservationWord::word(fact.kind));
    let place = if fact.site_code.is_empty() { String::new() } else { format!(" at {}", fact.site_code) };
    text.push_str(&place);
    if let Some(temperature) = &fact.temperature {
        text.push_str(&format!(", {} °C", number(temperature.milli_celsius.into())));
        let bound = |milli: Option<i32>| milli.map_or("…".to_owned(), |milli| number(milli.into()));
        if temperature.min_milli_celsius.is_some() || temperature.max_milli_celsius.is_some() {
            text.push_str(&format!(
                " (allowed {} to {})",
                bound(temperature.min_milli_celsius),
                bound(temperature.max_milli_celsius)
            ));
        }
    }
    if let Some(treatment) = &fact.treatment {
        text.push_str(&format!(" of plot {}, to be harvested {} days later", treatment.plot, treatment.waiting_days));
    }
    for part in [fact.what.as_str(), fact.reference.as_str(), FindingWord::word(fact.finding)] {
        if !part.is_empty() {
            text.push_str(&format!(", {part}"));
        }
    }
    text
}

/// One event, in a line for what it was and a line for each lot after the first.
fn describe(event: &Event, names: &Names) -> Vec<String> {
    let when = event.event_time.as_ref().map(time).unwrap_or_default();
    let lines = |amounts: &[LotAmount]| -> Vec<String> { amounts.iter().map(|amount| lot_amount(amount, names)).collect() };
    let (head, lines) = match &event.fact {
        Some(Fact::Harvested(fact)) => (format!("harvested at {}", fact.site_code), vec![begun(&fact.lot, &fact.amount, names)]),
        Some(Fact::LotOpened(fact)) => {
            (format!("opening balance at {}", fact.site_code), vec![begun(&fact.lot, &fact.amount, names)])
        }
        Some(Fact::Transformed(fact)) => {
            let mut said = lines(&fact.inputs);
            said.extend(fact.outputs.iter().map(|output| format!("→ {}", begun(&output.lot, &output.amount, names))));
            said.extend(fact.loss_gram.map(|gram| format!("loss {}", quantity(gram, "KGM"))));
            (format!("{} at {}", ProcessWord::word(fact.process), fact.site_code), said)
        }
        Some(Fact::Dispatched(fact)) => {
            let said = fact.lines.iter().map(|line| amount_of(&line.lot_id, line.amount.as_ref(), names)).collect();
            let shipment = names.shipment(&fact.shipment_id);
            (format!("dispatched {} → {}, shipment {shipment}", fact.from_site_code, fact.to_site_code), said)
        }
        Some(Fact::Received(fact)) => {
            let unmatched = if fact.unmatched { "; no dispatch is known for it yet" } else { "" };
            (
                format!("received at {} from shipment {}{unmatched}", fact.site_code, names.shipment(&fact.shipment_id)),
                lines(&fact.lines),
            )
        }
        Some(Fact::DeliveryRefused(fact)) => {
            let fate = match fact.return_shipment_id.is_empty() {
                true => "destroyed at the door".to_owned(),
                false => {
                    format!("going back to {} as shipment {}", fact.return_site_code, names.shipment(&fact.return_shipment_id))
                }
            };
            (format!("turned away at {} ({}), {fate}", fact.site_code, Refusal::word(fact.reason)), lines(&fact.lines))
        }
        Some(Fact::ShortReported(fact)) => (format!("short at {}, lost on the road", fact.site_code), lines(&fact.lines)),
        Some(Fact::Sold(fact)) => {
            let inferred = if fact.product_code.is_empty() { "" } else { "; lots inferred, first expired first out" };
            (format!("sold at {}{inferred}", fact.site_code), lines(&fact.lines))
        }
        Some(Fact::Wasted(fact)) => {
            (format!("wasted at {} ({})", fact.site_code, WasteWord::word(fact.reason)), lines(&fact.lines))
        }
        Some(Fact::Counted(fact)) => {
            let basis = CountBasis::try_from(fact.basis).unwrap_or(CountBasis::Unspecified);
            let head = match basis {
                CountBasis::Surplus => format!("surplus at {}: more arrived than was sent", fact.site_code),
                CountBasis::Provisional => format!("found at {}, provisionally: more left than the book had", fact.site_code),
                CountBasis::Stocktake | CountBasis::Unspecified => format!("counted at {}", fact.site_code),
            };
            let said = fact.lines.iter().map(|line| {
                let lot = names.lot(&line.lot_id);
                let counted = amount_of(&line.lot_id, line.counted.as_ref(), names);
                let variance = variance(line.variance_milli, &lot.unit);
                match basis {
                    CountBasis::Surplus | CountBasis::Provisional => format!("{variance} {}", lot_name(&line.lot_id, names)),
                    _ => format!("{counted}, where the book had {}: {variance}", quantity(line.expected_milli, &lot.unit)),
                }
            });
            (head, said.collect())
        }
        Some(Fact::CountRestated(fact)) => {
            let sign = if fact.variance_change_milli < 0 { "" } else { "+" };
            let change = format!("{sign}{}", quantity(fact.variance_change_milli, &names.lot(&fact.lot_id).unit));
            (
                format!("the difference found by a count at {} changes", fact.site_code),
                vec![format!("{change} {}", lot_name(&fact.lot_id, names))],
            )
        }
        Some(Fact::Matched(fact)) => {
            (format!("matched with what had arrived of shipment {}", names.shipment(&fact.shipment_id)), lines(&fact.lines))
        }
        Some(Fact::Voided(fact)) => {
            (format!("voided command {}: {}", id(&fact.command_id), fact.reason), originals(&fact.originals, names))
        }
        Some(Fact::Corrected(fact)) => {
            (format!("corrected command {}: {}", id(&fact.command_id), fact.reason), originals(&fact.originals, names))
        }
        Some(Fact::Held(fact)) => {
            let place = if fact.site_code.is_empty() { String::new() } else { format!(" at {}", fact.site_code) };
            (format!("held{place}: {}", fact.reason), lots(&fact.lot_ids, names))
        }
        Some(Fact::Released(fact)) => {
            (format!("released from command {}: {}", said(&fact.block), fact.reason), lots(&fact.lot_ids, names))
        }
        Some(Fact::Recalled(fact)) => (format!("recalled: {}", fact.reason), lots(&fact.lot_ids, names)),
        Some(Fact::RecallAcknowledged(fact)) => {
            (format!("{} has heard of recall {}", fact.site_code, said(&fact.recall)), Vec::new())
        }
        Some(Fact::CustomerReturned(fact)) => {
            (format!("brought back to {} ({})", fact.site_code, ReturnWord::word(fact.reason)), lines(&fact.lines))
        }
        Some(Fact::ShipmentCancelled(fact)) => {
            let shipment = names.shipment(&fact.shipment_id);
            (format!("shipment {shipment} is back at {}: {}", fact.site_code, fact.reason), lines(&fact.lines))
        }
        Some(Fact::Ordered(fact)) => {
            let said = fact.lines.iter().map(|line| {
                let milli = line.amount.as_ref().map_or(0, |amount| amount.quantity_milli);
                format!("{} {}", line.product_code, number(milli))
            });
            (format!("{} ordered {} of {}", fact.site_code, fact.order_code, fact.chain_code), said.collect())
        }
        Some(Fact::OrderClosed(fact)) => (format!("an order of {} was closed: {}", fact.site_code, fact.reason), Vec::new()),
        Some(Fact::CodeIssued(fact)) => {
            let lot = if fact.lot_id.is_empty() { Vec::new() } else { lots(std::slice::from_ref(&fact.lot_id), names) };
            (
                format!(
                    "issued code {} for {}; `chuoi codes {}` says how it is printed",
                    fact.code, fact.product_code, fact.code
                ),
                lot,
            )
        }
        Some(Fact::CodeRevoked(fact)) => (format!("revoked code {}: {}", fact.code, fact.reason), Vec::new()),
        Some(Fact::CodesScanned(fact)) => {
            let said = fact.scans.iter().map(|scan| format!("{} {} {}", scan.code, scan.scan_count, scan.district_code));
            ("codes were scanned".to_owned(), said.map(|said| said.trim_end().to_owned()).collect())
        }
        Some(Fact::NoticeGiven(fact)) => (format!("noticed {}", fact.key), Vec::new()),
        Some(Fact::Packed(fact)) => {
            (format!("packed into {} at {}", fact.sscc, fact.site_code), packed(lines(&fact.lines), &fact.unit_ssccs))
        }
        Some(Fact::Unpacked(fact)) => {
            (format!("unpacked from {} at {}", fact.sscc, fact.site_code), packed(lines(&fact.lines), &fact.unit_ssccs))
        }
        Some(Fact::Observed(fact)) => (observed(fact), lots(&fact.lot_ids, names)),
        Some(Fact::DiscrepancyResolved(fact)) => {
            (format!("looked at command {}: {}", said(&fact.command), fact.resolution), Vec::new())
        }
        Some(Fact::DistrictRegistered(fact)) => (format!("registered district {} {}", fact.district_code, fact.name), Vec::new()),
        Some(Fact::OrganizationRegistered(fact)) => {
            (format!("registered organization {} {}", fact.organization_code, fact.name), Vec::new())
        }
        Some(Fact::SiteRegistered(fact)) => (format!("registered site {} {}", fact.site_code, fact.name), Vec::new()),
        Some(Fact::ProductRegistered(fact)) => (format!("registered product {} {}", fact.product_code, fact.name), Vec::new()),
        Some(Fact::ChainRegistered(fact)) => (format!("registered chain {} {}", fact.chain_code, fact.name), Vec::new()),
        Some(Fact::ChainMemberJoined(fact)) => (format!("a member joined chain {}", fact.chain_code), Vec::new()),
        Some(Fact::ChainMemberLeft(fact)) => (format!("a member left chain {}", fact.chain_code), Vec::new()),
        Some(Fact::CapacityDeclared(fact)) => {
            let capacity = quantity(fact.quantity_per_day_milli, &fact.unit);
            (format!("chain {} declared {capacity} a day", fact.chain_code), Vec::new())
        }
        Some(Fact::Rebooked(fact)) => {
            (format!("booked under {} instead of {}", fact.to_site_code, fact.from_site_code), lines(&fact.lines))
        }
        Some(Fact::Retired(fact)) => (format!("retired {}", thing(fact.thing.as_ref())), Vec::new()),
        Some(Fact::Reinstated(fact)) => (format!("in use again: {}", thing(fact.thing.as_ref())), Vec::new()),
        Some(Fact::NumberAttached(fact)) => {
            let from =
                if fact.moved_from_code.is_empty() { String::new() } else { format!(", no more {}", fact.moved_from_code) };
            (format!("{} names {}{from}", fact.number, thing(fact.thing.as_ref())), Vec::new())
        }
        Some(Fact::NumberDetached(fact)) => (format!("{} names {} no more", fact.number, thing(fact.thing.as_ref())), Vec::new()),
        Some(Fact::DuplicateMerged(fact)) => {
            (format!("{} is {}", thing(fact.duplicate.as_ref()), thing(fact.survivor.as_ref())), Vec::new())
        }
        Some(Fact::CertificateIssued(fact)) => {
            (format!("certificate {} {} of {}", CertificateWord::word(fact.kind), fact.number, fact.holder_code), Vec::new())
        }
        Some(Fact::CertificateStandingChanged(fact)) => {
            let standing = CertificateStandingWord::word(fact.standing);
            (format!("certificate {} is {standing}: {}", fact.number, fact.reason), Vec::new())
        }
        Some(Fact::OcopRegistered(fact)) => {
            (format!("dossier {}: {} of {}", fact.dossier_number, fact.product_code, fact.subject_code), Vec::new())
        }
        Some(Fact::OcopGraded(fact)) => {
            let points = fact.community_hundredths + fact.marketing_hundredths + fact.quality_hundredths;
            let points = number(i64::from(points) * 10);
            (format!("dossier {} graded with {points} points by {}", fact.dossier_number, fact.decision_number), Vec::new())
        }
        Some(Fact::SiteStandingChanged(fact)) => {
            (format!("site {} is {}", fact.site_code, StandingWord::word(fact.standing)), Vec::new())
        }
        Some(Fact::DistrictSucceeded(fact)) => {
            (format!("district {} passed to {}", fact.from_district_code, fact.to_district_code), Vec::new())
        }
        Some(Fact::CraftVillageRegistered(fact)) => {
            (format!("registered craft village {} {}", fact.village_code, fact.name), Vec::new())
        }
        Some(Fact::TrademarkCaseStepped(fact)) => {
            (format!("trademark case {} ({}): {}", fact.case_number, fact.mark, TrademarkWord::word(fact.step)), Vec::new())
        }
        Some(Fact::LabelsCounted(fact)) => {
            (format!("labels {} {} to {} {}", fact.series, fact.first, fact.last, LabelWord::word(fact.fate)), Vec::new())
        }
        Some(Fact::TargetSet(fact)) => {
            let value = count(fact.value);
            (format!("target: {value} {} by {}", MeasuredWord::word(fact.measure), fact.source), Vec::new())
        }
        None => ("something that this version does not know".to_owned(), Vec::new()),
    };
    let mut said = vec![format!("{when}  {head}")];
    said.extend(lines.into_iter().map(|line| format!("    {line}")));
    said
}

/// What a void or a correction takes back.
fn originals(events: &[Event], names: &Names) -> Vec<String> {
    events.iter().flat_map(|event| describe(event, names)).map(|line| format!("was: {line}")).collect()
}

/// A variance with its sign.
fn variance(milli: i64, unit: &str) -> String {
    match milli {
        0 => "no difference".to_owned(),
        1.. => format!("{} found", quantity(milli, unit)),
        _ => format!("{} missing", quantity(-milli, unit)),
    }
}

fn lot_amount(amount: &LotAmount, names: &Names) -> String {
    amount_of(&amount.lot_id, amount.amount.as_ref(), names)
}

fn amount_of(lot_id: &[u8], amount: Option<&Amount>, names: &Names) -> String {
    let lot = names.lot(lot_id);
    let amount = amount.cloned().unwrap_or_default();
    format!("{}{}  {}", quantity(amount.quantity_milli, &lot.unit), given(&amount, &lot.unit), lot_name(lot_id, names))
}

fn lot_name(lot_id: &[u8], names: &Names) -> String {
    let lot = names.lot(lot_id);
    let product = match lot.product_code.is_empty() {
        true => String::new(),
        false => format!("{} {}, ", lot.product_code, lot.product_name),
    };
    format!("{product}lot {}", lot.lot_code)
}

fn begun(lot: &Option<Lot>, amount: &Option<Amount>, names: &Names) -> String {
    let lot = lot.clone().unwrap_or_default();
    let mut text = amount_of(&lot.lot_id, amount.as_ref(), names);
    let _ = write!(text, ", {}", lot.chain_code); // Writing to a String cannot fail.
    if let Some(day) = lot.expiry_day {
        let _ = write!(text, ", to be sold by {}", domain::time::BusinessDay(day));
    }
    text
}

/// How it was typed, where that says more than the figure.
fn given(amount: &Amount, unit: &str) -> String {
    let shown = [number(amount.quantity_milli), quantity(amount.quantity_milli, unit)];
    match amount.given.is_empty() || shown.contains(&amount.given) {
        true => String::new(),
        false => format!(" ({})", amount.given),
    }
}

fn id(bytes: &[u8]) -> String {
    Uuid::from_slice(bytes).map(|id| id.to_string()).unwrap_or_default()
}

/// A time as precisely as it is known, at the offset in which it was given.
pub fn time(time: &EventTime) -> String {
    let day = domain::time::BusinessDay(time.business_day);
    match TimePrecision::try_from(time.precision) {
        Ok(TimePrecision::Day) => day.to_string(),
        Ok(TimePrecision::BeforeOpening) => format!("{day} before opening"),
        Ok(TimePrecision::AfterClosing) => format!("{day} after closing"),
        _ => moment(time.time.as_ref(), time.utc_offset_minutes),
    }
}

/// An instant at an offset, to the minute.
pub fn moment(time: Option<&prost_types::Timestamp>, utc_offset_minutes: i32) -> String {
    let instant = time.and_then(|time| Timestamp::new(time.seconds, time.nanos).ok());
    let offset = Offset::from_seconds(utc_offset_minutes.saturating_mul(60)).unwrap_or(Offset::UTC);
    instant.map(|instant| offset.to_datetime(instant).strftime("%Y-%m-%d %H:%M").to_string()).unwrap_or_default()
}

/// Lots that begin in an event.
pub fn new_lots_of(event: &Event) -> Vec<(Uuid, Lot)> {
    let lots = match &event.fact {
        Some(Fact::Harvested(fact)) => fact.lot.iter().collect(),
        Some(Fact::LotOpened(fact)) => fact.lot.iter().collect(),
        Some(Fact::Transformed(fact)) => fact.outputs.iter().filter_map(|output| output.lot.as_ref()).collect(),
        Some(Fact::Voided(fact)) => return fact.originals.iter().flat_map(new_lots_of).collect(),
        Some(Fact::Corrected(fact)) => return fact.originals.iter().flat_map(new_lots_of).collect(),
        _ => Vec::new(),
    };
    lots.into_iter().filter_map(|lot| Some((Uuid::from_slice(&lot.lot_id).ok()?, lot.clone()))).collect()
}

/// Lots that an event names by id.
pub fn lots_of(event: &Event) -> Vec<Uuid> {
    let of = |lines: &[LotAmount]| -> Vec<Vec<u8>> { lines.iter().map(|line| line.lot_id.clone()).collect() };
    let ids = match &event.fact {
        Some(Fact::Transformed(fact)) => of(&fact.inputs),
        Some(Fact::Dispatched(fact)) => fact.lines.iter().map(|line| line.lot_id.clone()).collect(),
        Some(Fact::Received(fact)) => of(&fact.lines),
        Some(Fact::DeliveryRefused(fact)) => of(&fact.lines),
        Some(Fact::ShortReported(fact)) => of(&fact.lines),
        Some(Fact::Sold(fact)) => of(&fact.lines),
        Some(Fact::Wasted(fact)) => of(&fact.lines),
        Some(Fact::Counted(fact)) => fact.lines.iter().map(|line| line.lot_id.clone()).collect(),
        Some(Fact::CountRestated(fact)) => vec![fact.lot_id.clone()],
        Some(Fact::Matched(fact)) => of(&fact.lines),
        Some(Fact::Rebooked(fact)) => of(&fact.lines),
        Some(Fact::Voided(fact)) => return fact.originals.iter().flat_map(lots_of).collect(),
        Some(Fact::Corrected(fact)) => return fact.originals.iter().flat_map(lots_of).collect(),
        _ => Vec::new(),
    };
    ids.iter().filter_map(|id| Uuid::from_slice(id).ok()).collect()
}

/// Shipments that an event names by id.
pub fn shipments_of(event: &Event) -> Vec<Uuid> {
    let ids = match &event.fact {
        Some(Fact::Dispatched(fact)) => vec![&fact.shipment_id],
        Some(Fact::Received(fact)) => vec![&fact.shipment_id],
        Some(Fact::DeliveryRefused(fact)) => vec![&fact.shipment_id, &fact.return_shipment_id],
        Some(Fact::ShortReported(fact)) => vec![&fact.shipment_id],
        Some(Fact::Matched(fact)) => vec![&fact.shipment_id],
        Some(Fact::Voided(fact)) => return fact.originals.iter().flat_map(shipments_of).collect(),
        Some(Fact::Corrected(fact)) => return fact.originals.iter().flat_map(shipments_of).collect(),
        _ => Vec::new(),
    };
    ids.into_iter().filter_map(|id| Uuid::from_slice(id).ok()).collect()
}

/// A thing of the registry, as people name it.
pub fn thing(thing: Option<&RegisteredThing>) -> String {
    match thing.and_then(|thing| thing.thing.as_ref()) {
        Some(Thing::OrganizationCode(code)) => format!("organization {code}"),
        Some(Thing::SiteCode(code)) => format!("site {code}"),
        Some(Thing::ProductCode(code)) => format!("product {code}"),
        Some(Thing::ChainCode(code)) => format!("chain {code}"),
        None => "something that this version does not know".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::proto::chuoi::event::v1::counted::Line;
    use wire::proto::chuoi::event::v1::{CountRestated, Counted, Harvested, Sold, Violation};
    use wire::proto::chuoi::record::v1::Verdict;

    #[test]
    fn an_answer_says_what_was_recorded_in_words_and_figures() {
        let id = Uuid::from_u128(7).as_bytes().to_vec();
        let at = |fact, violations| Event {
            event_time: Some(EventTime {
                time: Some(prost_types::Timestamp { seconds: 1_795_563_000, nanos: 0 }),
                utc_offset_minutes: 420,
                precision: TimePrecision::Moment.into(),
                business_day: 20_782,
                typed: String::new(),
            }),
            violations,
            names: Vec::new(),
            fact: Some(fact),
        };
        let amount = |milli, given: &str| Some(Amount { quantity_milli: milli, given: given.to_owned(), ..Amount::default() });
        let lot = Lot {
            lot_id: id.clone(),
            product_code: "PK0050".into(),
            lot_code: "L1".into(),
            chain_code: "CH002".into(),
            expiry_day: Some(20_786),
            ..Lot::default()
        };
        let names = Names::known(&[(Uuid::from_u128(7), "PK0050", "Rau dền đỏ an toàn bán cân", "L1", "KGM")]);
        let violation = Violation { rule: 2, reason: "NOT_ENOUGH".into(), detail: "0 there, 3 asked".into() };
        let counted = Line { lot_id: id.clone(), counted: amount(5_000, "5 kg"), expected_milli: 7_500, variance_milli: -2_500 };
        let events = vec![
            at(
                Fact::Harvested(Harvested {
                    lot: Some(lot),
                    site_code: "PR002".into(),
                    amount: amount(1_200_000, "1,2 tấn"),
                    ..Default::default()
                }),
                Vec::new(),
            ),
            at(
                Fact::Sold(Sold {
                    site_code: "SM001".into(),
                    lines: vec![LotAmount { lot_id: id.clone(), amount: amount(3_000, "") }],
                    product_code: "PK0050".into(),
                }),
                vec![violation],
            ),
            at(
                Fact::Counted(Counted {
                    site_code: "SM001".into(),
                    basis: CountBasis::Stocktake.into(),
                    lines: vec![counted],
                    product_code: String::new(),
                }),
                Vec::new(),
            ),
            at(
                Fact::CountRestated(CountRestated {
                    site_code: "SM001".into(),
                    lot_id: id,
                    basis: CountBasis::Stocktake.into(),
                    variance_change_milli: 500,
                }),
                Vec::new(),
            ),
        ];
        let command_id = "0193616e-0000-7000-8000-000000000000".to_owned();
        let answer = Recorded { position: "a4df-534".into(), record_time: None, command_id, events };
        insta::assert_snapshot!(recorded(Verdict::Accepted.into(), &answer, &names), @r"
        accepted
          2026-11-25 06:30  harvested at PR002
              1 200 kg (1,2 tấn)  PK0050 Rau dền đỏ an toàn bán cân, lot L1, CH002, to be sold by 2026-11-29
          2026-11-25 06:30  sold at SM001; lots inferred, first expired first out
              3 kg  PK0050 Rau dền đỏ an toàn bán cân, lot L1
          ! against rule 2: 0 there, 3 asked
          2026-11-25 06:30  counted at SM001
              5 kg  PK0050 Rau dền đỏ an toàn bán cân, lot L1, where the book had 7,5 kg: 2,5 kg missing
          2026-11-25 06:30  the difference found by a count at SM001 changes
              +0,5 kg PK0050 Rau dền đỏ an toàn bán cân, lot L1
        command   0193616e-0000-7000-8000-000000000000
        position  a4df-534
        ");
        let again = recorded(Verdict::Duplicate.into(), &answer, &names);
        assert!(again.starts_with("duplicate: this command was recorded before; nothing was recorded now\n  2026-"), "{again}");
    }
}
