//! Commands: their shape. What can be said without looking at anything else is said here, with the field at fault; whether a name is
//! known and whether a rule stands against it is the domain's to say.
//!
//! Names become NFC, so that one name is one text; what a person typed or remarked stays as it was typed (rule 13).

mod code;
mod notice;
mod order;
mod trade;

use crate::entry::read_document;
use crate::proto::chuoi::event::v1 as event;
use crate::proto::chuoi::record::v1 as proto;
use crate::proto::chuoi::record::v1::command::Action as ProtoAction;
use crate::proto::chuoi::record::v1::correct::Replacement;
use crate::proto::chuoi::record::v1::register::Fact as ProtoFact;
use crate::undecodable::{At as _, Undecodable, each, required, timestamp};
use crate::{programme, registry, words};
use domain::command::{
    Action, Command, Correct, Count, DayPart, Dispatch, Extent, Goods, Harvest, LotLine, LotReference, NewLot, OpenLot, Point,
    Quantity, Receive, RefuseDelivery, ReportShort, Sell, ShipmentReference, Transform, Void, Waste, When,
};
use domain::entry::Document;
use domain::event::{RefusalReason, RegistryFact, WasteReason};
use domain::id::{CommandId, Digest};
use domain::quantity::Milli;
use domain::refusal::Refusal;
use domain::text::nfc;
use domain::time::BusinessDay;
use jiff::Timestamp;
use jiff::civil::Date;
use prost::Message as _;
use uuid::Uuid;

/// Most bytes of a request.
pub const MAX_REQUEST_BYTES: usize = 4 * 1024 * 1024;
/// Most commands of a batch.
pub const MAX_COMMANDS: usize = 1_000;
/// Most lines of a command; what goes into a transformation and what comes out count together.
pub const MAX_LINES: usize = 1_000;
/// Most bytes of a text.
pub const MAX_TEXT_BYTES: usize = 1_024;
/// Most minutes that an offset lies from UTC: beyond any that was ever in use.
pub const MAX_OFFSET_MINUTES: i32 = 18 * 60;
/// The first second of year 1: where protobuf's times, and years without an era, begin.
const FIRST_SECOND: i64 = -62_135_596_800;

/// Reads a command. It is refused, with the field, where it does not have the shape of one.
pub fn parse(command: &proto::Command) -> Result<Command, Refusal> {
    read(command).map_err(Refusal::from)
}

/// What tells a repetition of a command from another under the same id: SHA-256 of its fields as sent. Where the journal has to be
/// before it is judged (`at_least`) is no part of what it says.
pub fn digest(command: &proto::Command) -> Digest {
    let header = command.header.as_ref().map(|header| proto::CommandHeader { at_least: String::new(), ..header.clone() });
    // Fields go out by number, the header first; so the action follows without a copy of it.
    let mut bytes = proto::Command { header, action: None }.encode_to_vec();
    if let Some(action) = &command.action {
        action.encode(&mut bytes);
    }
    Digest::of(&bytes)
}

fn read(command: &proto::Command) -> Result<Command, Undecodable> {
    let header = required(&command.header).at("header")?;
    // First, so that a refusal can be told by its id whatever else is wrong.
    let id = command_id(&header.command_id).at("header")?;
    let action = match &command.action {
        Some(action) => read_action(action)?,
        None => {
            return Err(Undecodable::here("is missing, or one that this version does not know; say what happened")).at("action");
        }
    };
    let when = header.when.as_ref().map(read_when).transpose().at("when").at("header")?;
    if when.is_none() && !matches!(action, Action::Void(_) | Action::Correct(_)) {
        return Err(Undecodable::here("is missing; say when it happened, by event_time or by date")).at("when").at("header");
    }
    Ok(Command {
        id,
        when,
        actor: text(&header.actor).at("actor").at("header")?,
        device: text(&header.device).at("device").at("header")?,
        client: text(&header.client).at("client").at("header")?,
        reported_fact: is_reported_fact(header.on_conflict).at("on_conflict").at("header")?,
        note: as_typed(&header.note).at("note").at("header")?.to_owned(),
        document: header.document.as_ref().map(document).transpose().at("document").at("header")?,
        action,
    })
}

fn command_id(id: &str) -> Result<CommandId, Undecodable> {
    uuid(id).map(CommandId).at("command_id")
}

fn uuid(text: &str) -> Result<Uuid, Undecodable> {
    let shown = || text.chars().take(50).collect::<String>();
    match Uuid::parse_str(text) {
        Ok(id) if id.is_nil() => Err(Undecodable::here("is the nil UUID; make one of its own")),
        Ok(id) => Ok(id),
        Err(_) if text.is_empty() => Err(Undecodable::here("is missing; give a UUID")),
        Err(_) => Err(Undecodable::here(format!("{:?} is not a UUID such as 0192f3a1-7c00-7000-8000-000000000001", shown()))),
    }
}

fn is_reported_fact(on_conflict: i32) -> Result<bool, Undecodable> {
    match proto::OnConflict::try_from(on_conflict) {
        Ok(proto::OnConflict::Record) => Ok(true),
        Ok(proto::OnConflict::Unspecified | proto::OnConflict::Refuse) => Ok(false),
        Err(_) => Err(unknown_word(on_conflict)),
    }
}

fn unknown_word(number: i32) -> Undecodable {
    Undecodable::here(format!("is {number}, which this version does not know"))
}

fn document(document: &event::DocumentReference) -> Result<Document, Undecodable> {
    let Document { issuer, kind, year, number } = read_document(document);
    Ok(Document {
        issuer: text(&issuer).at("issuer_code")?,
        kind: text(&kind).at("kind")?,
        year,
        number: text(&number).at("number")?,
    })
}

fn read_when(when: &proto::When) -> Result<When, Undecodable> {
    let part = match proto::DayPart::try_from(when.day_part) {
        Ok(proto::DayPart::Unspecified) => DayPart::Unspecified,
        Ok(proto::DayPart::BeforeOpening) => DayPart::BeforeOpening,
        Ok(proto::DayPart::AfterClosing) => DayPart::AfterClosing,
        Err(_) => return Err(unknown_word(when.day_part)).at("day_part"),
    };
    let point = match (&when.event_time, when.date.as_str()) {
        (Some(_), "") if part != DayPart::Unspecified => {
            return Err(Undecodable::here("goes with a date alone; a moment lies where it lies")).at("day_part");
        }
        (Some(time), "") => Point::Moment {
            instant: instant(time).at("event_time")?,
            utc_offset_minutes: when.utc_offset_minutes.map(offset).transpose().at("utc_offset_minutes")?,
        },
        (None, "") => return Err(Undecodable::here("says neither event_time nor date; say one")),
        (None, _) if when.utc_offset_minutes.is_some() => {
            return Err(Undecodable::here("goes with event_time alone; a date is a business day")).at("utc_offset_minutes");
        }
        (None, date) => Point::Date { day: day(date).at("date")?, part },
        (Some(_), _) => return Err(Undecodable::here("says both event_time and date; say one")),
    };
    Ok(When { point, typed: typed(&when.typed)? })
}

fn instant(time: &prost_types::Timestamp) -> Result<Timestamp, Undecodable> {
    let instant = timestamp(time)?;
    if instant.as_second() < FIRST_SECOND {
        return Err(Undecodable::here(format!("{instant} is before year 1; check the sender's clock")));
    }
    Ok(instant)
}

fn offset(minutes: i32) -> Result<i32, Undecodable> {
    if minutes.abs_diff(0) > MAX_OFFSET_MINUTES.unsigned_abs() {
        let most = MAX_OFFSET_MINUTES;
        return Err(Undecodable::here(format!("is {minutes}; allowed are -{most} to {most} minutes (+420 in Vietnam)")));
    }
    Ok(minutes)
}

/// A date as ISO 8601 writes it, and nothing looser.
fn day(text: &str) -> Result<BusinessDay, Undecodable> {
    let is_shaped = text.len() == 10
        && text
            .bytes()
            .enumerate()
            .all(|(index, byte)| if matches!(index, 4 | 7) { byte == b'-' } else { byte.is_ascii_digit() });
    is_shaped.then(|| text.parse::<Date>().ok()).flatten().filter(|date| date.year() >= 1).map(BusinessDay::of).ok_or_else(|| {
        let shown: String = text.chars().take(50).collect();
        Undecodable::here(format!("{shown:?} is no day of the calendar written as 2026-11-25"))
    })
}

/// Names and references: checked, in NFC, single spaces.
fn text(text: &str) -> Result<String, Undecodable> {
    as_typed(text).map(nfc)
}

/// A text that may be left out.
fn optional(given: &str) -> Result<Option<Box<str>>, Undecodable> {
    text(given).map(|text| (!text.is_empty()).then(|| text.into_boxed_str()))
}

/// What a person typed: checked, and kept as it is.
fn as_typed(text: &str) -> Result<&str, Undecodable> {
    if text.len() > MAX_TEXT_BYTES {
        return Err(Undecodable::here(format!("has {} bytes; at most {MAX_TEXT_BYTES} are allowed", text.len())));
    }
    match text.chars().find(|c| c.is_control()) {
        Some(c) => Err(Undecodable::here(format!("holds the control character {:?}; leave it out", c))),
        None => Ok(text),
    }
}

fn typed(text: &str) -> Result<Option<Box<str>>, Undecodable> {
    as_typed(text).at("typed").map(crate::undecodable::optional)
}

fn quantity(quantity: &Option<proto::Quantity>) -> Result<Quantity, Undecodable> {
    let read = |quantity: &proto::Quantity| {
        Ok(Quantity {
            value: Milli(quantity.value_milli),
            unit: text(&quantity.unit).at("unit")?,
            typed: typed(&quantity.typed)?,
            catch: match (quantity.catch_value_milli, quantity.catch_unit.is_empty()) {
                (Some(value), false) => Some((Milli(value), text(&quantity.catch_unit).at("catch_unit")?)),
                (None, true) => None,
                (Some(_), true) => {
                    return Err(Undecodable::here("is missing; say in which unit it was measured")).at("catch_unit");
                }
                (None, false) => return Err(Undecodable::here("is missing; say how much of that unit")).at("catch_value_milli"),
            },
        })
    };
    required(quantity).and_then(read).at("quantity")
}

fn lot_reference(lot: &proto::LotReference) -> Result<LotReference, Undecodable> {
    let named = !(lot.issuer.is_empty() && lot.product.is_empty() && lot.lot_code.is_empty());
    match (lot.lot_id.is_empty(), named) {
        (false, false) => uuid(&lot.lot_id).map(LotReference::Id).at("lot_id"),
        (false, true) => Err(Undecodable::here("says both its id and what names it; say one")),
        (true, _) if lot.lot_code.is_empty() => Err(Undecodable::here(
            "is missing; give the lot's code (with product and issuer where it is not the only one), or its id",
        ))
        .at("lot_code"),
        (true, _) => Ok(LotReference::Named {
            issuer: text(&lot.issuer).at("issuer")?,
            product: text(&lot.product).at("product")?,
            code: text(&lot.lot_code).at("lot_code")?,
        }),
    }
}

fn shipment(shipment: &Option<proto::ShipmentReference>) -> Result<ShipmentReference, Undecodable> {
    required(shipment).and_then(shipment_reference).at("shipment")
}

fn shipment_reference(shipment: &proto::ShipmentReference) -> Result<ShipmentReference, Undecodable> {
    let named = !(shipment.issuer.is_empty() && shipment.shipment_code.is_empty());
    match (shipment.shipment_id.is_empty(), named) {
        (false, false) => uuid(&shipment.shipment_id).map(ShipmentReference::Id).at("shipment_id"),
        (false, true) => Err(Undecodable::here("says both its id and what names it; say one")),
        (true, _) if shipment.shipment_code.is_empty() => {
            Err(Undecodable::here("is missing; give the shipment's code, or its id")).at("shipment_code")
        }
        (true, _) => Ok(ShipmentReference::Named {
            issuer: text(&shipment.issuer).at("issuer")?,
            code: text(&shipment.shipment_code).at("shipment_code")?,
        }),
    }
}

fn new_lot(lot: &Option<proto::NewLot>) -> Result<NewLot, Undecodable> {
    let read = |lot: &proto::NewLot| {
        Ok(NewLot {
            issuer: text(&lot.issuer).at("issuer")?,
            product: text(&lot.product).at("product")?,
            code: text(&lot.lot_code).at("lot_code")?,
            chain: text(&lot.chain).at("chain")?,
            expiry: (!lot.expiry_date.is_empty()).then(|| day(&lot.expiry_date)).transpose().at("expiry_date")?,
        })
    };
    required(lot).and_then(read).at("lot")
}

fn within_limit(lines: usize) -> Result<(), Undecodable> {
    if lines > MAX_LINES {
        return Err(Undecodable::here(format!("has {lines} lines; at most {MAX_LINES} are allowed in a command: send several")));
    }
    Ok(())
}

/// Lines that have to be there.
fn lines(lines: &[proto::LotLine]) -> Result<Vec<LotLine>, Undecodable> {
    if lines.is_empty() {
        return Err(Undecodable::here("is empty; name the lots"));
    }
    within_limit(lines.len())?;
    let line = |line: &proto::LotLine| {
        Ok(LotLine { lot: required(&line.lot).and_then(lot_reference).at("lot")?, quantity: quantity(&line.quantity)? })
    };
    each(lines, line)
}

fn extent(given: &[proto::LotLine], everything: bool) -> Result<Extent, Undecodable> {
    match (given.is_empty(), everything) {
        (true, true) => Ok(Extent::Everything),
        (false, false) => lines(given).map(Extent::Lines).at("lines"),
        (true, false) => Err(Undecodable::here("is empty; name the lots, or say everything")).at("lines"),
        (false, true) => Err(Undecodable::here("is said, and lines are given too; say one")).at("everything"),
    }
}

fn goods(given: &[proto::LotLine], product: &str, how_much: &Option<proto::Quantity>) -> Result<Goods, Undecodable> {
    match (given.is_empty(), product.is_empty(), how_much) {
        (false, true, None) => lines(given).map(Goods::Lots).at("lines"),
        (true, false, _) => Ok(Goods::Product(text(product).at("product")?, quantity(how_much)?)),
        (true, true, _) => Err(Undecodable::here("is empty; name the lots, or a product")).at("lines"),
        (false, false, _) => Err(Undecodable::here("is given, and lines are too; say one")).at("product"),
        (false, true, Some(_)) => Err(Undecodable::here("goes with a product; each line has its own quantity")).at("quantity"),
    }
}

fn read_action(action: &ProtoAction) -> Result<Action, Undecodable> {
    match action {
        ProtoAction::Harvest(action) => harvest(action),
        ProtoAction::OpenLot(action) => open_lot(action),
        ProtoAction::Transform(action) => transform(action),
        ProtoAction::Dispatch(action) => dispatch(action),
        ProtoAction::Receive(action) => receive(action),
        ProtoAction::RefuseDelivery(action) => refuse_delivery(action),
        ProtoAction::ReportShort(action) => report_short(action),
        ProtoAction::Sell(action) => sell(action),
        ProtoAction::Waste(action) => waste(action),
        ProtoAction::Count(action) => count(action),
        ProtoAction::Void(void) => {
            let read = || {
                Ok::<_, Undecodable>(Void { command: command_id(&void.command_id)?, reason: text(&void.reason).at("reason")? })
            };
            read().map(Action::Void).at("void")
        }
        ProtoAction::Correct(action) => correct(action).map(Action::Correct).at("correct"),
        ProtoAction::Hold(action) => trade::hold(action),
        ProtoAction::Release(action) => trade::release(action),
        ProtoAction::Recall(action) => trade::recall(action),
        ProtoAction::AcknowledgeRecall(action) => trade::acknowledge(action),
        ProtoAction::CustomerReturn(action) => trade::customer_return(action),
        ProtoAction::CancelShipment(action) => trade::cancel_shipment(action),
        ProtoAction::Pack(action) => trade::pack(action),
        ProtoAction::Unpack(action) => trade::unpack(action),
        ProtoAction::Observe(action) => trade::observe(action),
        ProtoAction::Resolve(action) => trade::resolve(action),
        ProtoAction::PlaceOrder(action) => order::place_order(action),
        ProtoAction::CloseOrder(action) => order::close_order(action),
        ProtoAction::IssueCode(action) => code::issue(action),
        ProtoAction::RevokeCode(action) => code::revoke(action),
        ProtoAction::CountScans(action) => code::count_scans(action),
        ProtoAction::GiveNotice(action) => notice::give_notice(action),
        ProtoAction::Register(action) => register(action).map(Action::Register).at("register"),
    }
}

fn harvest(harvest: &proto::Harvest) -> Result<Action, Undecodable> {
    let read = || {
        Ok::<_, Undecodable>(Harvest {
            site: text(&harvest.site).at("site")?,
            lot: new_lot(&harvest.lot)?,
            quantity: quantity(&harvest.quantity)?,
            plot: optional(&harvest.plot).at("plot")?,
            households: {
                within_limit(harvest.households.len()).at("households")?;
                each(&harvest.households, household).at("households")?
            },
        })
    };
    read().map(Action::Harvest).at("harvest")
}

fn household(given: &proto::harvest::Household) -> Result<(Box<str>, Option<Quantity>), Undecodable> {
    let part = given.quantity.is_some().then(|| quantity(&given.quantity)).transpose()?;
    Ok((text(&given.household_ref).at("household_ref")?.into(), part))
}

fn open_lot(open: &proto::OpenLot) -> Result<Action, Undecodable> {
    let read = || {
        Ok::<_, Undecodable>(OpenLot {
            site: text(&open.site).at("site")?,
            lot: new_lot(&open.lot)?,
            quantity: quantity(&open.quantity)?,
        })
    };
    read().map(Action::OpenLot).at("open_lot")
}

fn transform(transform: &proto::Transform) -> Result<Action, Undecodable> {
    let output = |output: &proto::transform::Output| Ok((new_lot(&output.lot)?, quantity(&output.quantity)?));
    let read = || {
        if transform.outputs.is_empty() {
            return Err(Undecodable::here("is empty; name the lots that come out")).at("outputs");
        }
        within_limit(transform.inputs.len() + transform.outputs.len())?;
        Ok(Transform {
            site: text(&transform.site).at("site")?,
            process: words::said(words::process(transform.process), transform.process).at("process")?,
            inputs: lines(&transform.inputs).at("inputs")?,
            outputs: each(&transform.outputs, output).at("outputs")?,
            loss_gram: transform.loss_gram,
        })
    };
    read().map(Action::Transform).at("transform")
}

fn dispatch(dispatch: &proto::Dispatch) -> Result<Action, Undecodable> {
    let read = || {
        Ok::<_, Undecodable>(Dispatch {
            from: text(&dispatch.from_site).at("from_site")?,
            to: text(&dispatch.to_site).at("to_site")?,
            code: text(&dispatch.shipment_code).at("shipment_code")?,
            lines: if dispatch.lines.is_empty() && !dispatch.sscc.is_empty() {
                Vec::new()
            } else {
                lines(&dispatch.lines).at("lines")?
            },
            trip: optional(&dispatch.trip_id).at("trip_id")?,
            sscc: optional(&dispatch.sscc).at("sscc")?,
            is_consignment: dispatch.consignment,
            order: dispatch.order.as_ref().map(order::order_reference).transpose().at("order")?,
        })
    };
    read().map(Action::Dispatch).at("dispatch")
}

fn receive(receive: &proto::Receive) -> Result<Action, Undecodable> {
    let read = || {
        Ok::<_, Undecodable>(Receive {
            shipment: shipment(&receive.shipment)?,
            site: text(&receive.site).at("site")?,
            extent: extent(&receive.lines, receive.everything)?,
        })
    };
    read().map(Action::Receive).at("receive")
}

fn refuse_delivery(refuse: &proto::RefuseDelivery) -> Result<Action, Undecodable> {
    let read = || {
        Ok::<_, Undecodable>(RefuseDelivery {
            shipment: shipment(&refuse.shipment)?,
            extent: extent(&refuse.lines, refuse.everything)?,
            reason: word(words::refusal_reason(refuse.reason), refuse.reason, RefusalReason::Unspecified).at("reason")?,
            destroyed: refuse.destroyed,
        })
    };
    read().map(Action::RefuseDelivery).at("refuse_delivery")
}

/// A word that may be left out. One that this version does not know is refused: it would be lost.
fn word<W>(word: Option<W>, number: i32, unsaid: W) -> Result<W, Undecodable> {
    match (word, number) {
        (Some(word), _) => Ok(word),
        (None, 0) => Ok(unsaid),
        (None, number) => Err(unknown_word(number)),
    }
}

fn report_short(short: &proto::ReportShort) -> Result<Action, Undecodable> {
    let read = || {
        Ok::<_, Undecodable>(ReportShort {
            shipment: shipment(&short.shipment)?,
            extent: extent(&short.lines, short.everything)?,
        })
    };
    read().map(Action::ReportShort).at("report_short")
}

fn sell(sell: &proto::Sell) -> Result<Action, Undecodable> {
    let read = || {
        Ok::<_, Undecodable>(Sell {
            site: text(&sell.site).at("site")?,
            goods: goods(&sell.lines, &sell.product, &sell.quantity)?,
        })
    };
    read().map(Action::Sell).at("sell")
}

fn waste(waste: &proto::Waste) -> Result<Action, Undecodable> {
    let read = || {
        Ok::<_, Undecodable>(Waste {
            site: text(&waste.site).at("site")?,
            lines: lines(&waste.lines).at("lines")?,
            reason: word(words::waste_reason(waste.reason), waste.reason, WasteReason::Unspecified).at("reason")?,
        })
    };
    read().map(Action::Waste).at("waste")
}

fn count(count: &proto::Count) -> Result<Action, Undecodable> {
    let read = || {
        Ok::<_, Undecodable>(Count {
            site: text(&count.site).at("site")?,
            goods: goods(&count.lines, &count.product, &count.quantity)?,
        })
    };
    read().map(Action::Count).at("count")
}

fn correct(correct: &proto::Correct) -> Result<Correct, Undecodable> {
    let replacement = match &correct.replacement {
        Some(Replacement::Harvest(action)) => harvest(action)?,
        Some(Replacement::OpenLot(action)) => open_lot(action)?,
        Some(Replacement::Transform(action)) => transform(action)?,
        Some(Replacement::Dispatch(action)) => dispatch(action)?,
        Some(Replacement::Receive(action)) => receive(action)?,
        Some(Replacement::RefuseDelivery(action)) => refuse_delivery(action)?,
        Some(Replacement::ReportShort(action)) => report_short(action)?,
        Some(Replacement::Sell(action)) => sell(action)?,
        Some(Replacement::Waste(action)) => waste(action)?,
        Some(Replacement::Count(action)) => count(action)?,
        Some(Replacement::Hold(action)) => trade::hold(action)?,
        Some(Replacement::Release(action)) => trade::release(action)?,
        Some(Replacement::Recall(action)) => trade::recall(action)?,
        Some(Replacement::AcknowledgeRecall(action)) => trade::acknowledge(action)?,
        Some(Replacement::CustomerReturn(action)) => trade::customer_return(action)?,
        Some(Replacement::CancelShipment(action)) => trade::cancel_shipment(action)?,
        Some(Replacement::PlaceOrder(action)) => order::place_order(action)?,
        Some(Replacement::CloseOrder(action)) => order::close_order(action)?,
        Some(Replacement::IssueCode(action)) => code::issue(action)?,
        Some(Replacement::RevokeCode(action)) => code::revoke(action)?,
        Some(Replacement::CountScans(action)) => code::count_scans(action)?,
        Some(Replacement::Pack(action)) => trade::pack(action)?,
        Some(Replacement::Unpack(action)) => trade::unpack(action)?,
        Some(Replacement::Observe(action)) => trade::observe(action)?,
        None => {
            let problem =
                "is missing, or one that this version does not know; say what stands in the command's place, or void it";
            return Err(Undecodable::here(problem)).at("replacement");
        }
    };
    Ok(Correct {
        command: command_id(&correct.command_id)?,
        reason: text(&correct.reason).at("reason")?,
        when: correct.when.as_ref().map(read_when).transpose().at("when")?,
        replacement: Box::new(replacement),
    })
}

fn register(register: &proto::Register) -> Result<RegistryFact, Undecodable> {
    let (field, read) = match &register.fact {
        Some(ProtoFact::District(fact)) => ("district", registry::read_district(fact)),
        Some(ProtoFact::Organization(fact)) => ("organization", registry::read_organization(fact)),
        Some(ProtoFact::Site(fact)) => ("site", registry::read_site(fact)),
        Some(ProtoFact::Product(fact)) => ("product", registry::read_product(fact)),
        Some(ProtoFact::Chain(fact)) => ("chain", registry::read_chain(fact)),
        Some(ProtoFact::MemberJoined(fact)) => ("member_joined", registry::read_joined(fact)),
        Some(ProtoFact::MemberLeft(fact)) => ("member_left", registry::read_left(fact)),
        Some(ProtoFact::Capacity(fact)) => ("capacity", registry::read_capacity(fact)),
        Some(ProtoFact::Retired(fact)) => ("retired", registry::read_retired(fact)),
        Some(ProtoFact::Reinstated(fact)) => ("reinstated", registry::read_reinstated(fact)),
        Some(ProtoFact::NumberAttached(fact)) => ("number_attached", registry::read_attached(fact)),
        Some(ProtoFact::NumberDetached(fact)) => ("number_detached", registry::read_detached(fact)),
        Some(ProtoFact::DuplicateMerged(fact)) => ("duplicate_merged", registry::read_merged(fact)),
        Some(ProtoFact::Certificate(fact)) => ("certificate", programme::read_certificate(fact)),
        Some(ProtoFact::CertificateStanding(fact)) => ("certificate_standing", programme::read_certificate_standing(fact)),
        Some(ProtoFact::OcopRegistered(fact)) => ("ocop_registered", programme::read_ocop_registered(fact)),
        Some(ProtoFact::OcopGraded(fact)) => ("ocop_graded", programme::read_ocop_graded(fact)),
        Some(ProtoFact::SiteStanding(fact)) => ("site_standing", programme::read_site_standing(fact)),
        Some(ProtoFact::DistrictSucceeded(fact)) => ("district_succeeded", programme::read_succession(fact)),
        Some(ProtoFact::CraftVillage(fact)) => ("craft_village", programme::read_village(fact)),
        Some(ProtoFact::Target(fact)) => ("target", programme::read_target(fact)),
        Some(ProtoFact::TrademarkCase(fact)) => ("trademark_case", programme::read_trademark(fact)),
        Some(ProtoFact::Labels(fact)) => ("labels", programme::read_labels(fact)),
        None => {
            return Err(Undecodable::here("is missing, or one that this version does not know; say what is registered"))
                .at("fact");
        }
    };
    read.and_then(neat).at(field)
}

/// The fact with its texts checked and in NFC. Codes are checked already.
fn neat(mut fact: RegistryFact) -> Result<RegistryFact, Undecodable> {
    let neat = |given: &mut String, field: &str| text(given).map(|text| *given = text).at(field);
    match &mut fact {
        RegistryFact::District(district) => {
            neat(&mut district.name, "name")?;
            neat(&mut district.kind, "kind")?;
        }
        RegistryFact::Organization(organization) => {
            neat(&mut organization.name, "name")?;
            organization.gln.as_mut().map_or(Ok(()), |gln| neat(gln, "gln"))?;
        }
        RegistryFact::Site(site) => {
            neat(&mut site.name, "name")?;
            site.gln.as_mut().map_or(Ok(()), |gln| neat(gln, "gln"))?;
        }
        RegistryFact::Product(product) => {
            neat(&mut product.name, "name")?;
            neat(&mut product.name_en, "name_en")?;
            neat(&mut product.group, "group_code")?;
            neat(&mut product.content_unit, "content_unit")?;
            neat(&mut product.content_kind, "content_kind")?;
            product.gtin.as_mut().map_or(Ok(()), |gtin| neat(gtin, "gtin"))?;
            within_limit(product.market_units.len()).at("market_units")?;
            for (index, unit) in product.market_units.iter_mut().enumerate() {
                unit.name = text(&unit.name).at("name").nth(index).at("market_units")?.into();
            }
        }
        RegistryFact::Chain(chain) => {
            neat(&mut chain.name, "name")?;
            neat(&mut chain.group, "group_code")?;
        }
        RegistryFact::Retired(retirement) | RegistryFact::Reinstated(retirement) => neat(&mut retirement.reason, "reason")?,
        RegistryFact::NumberAttached(attached) => {
            neat(&mut attached.number, "number")?;
            attached.moved_from.as_mut().map_or(Ok(()), |code| neat(code, "moved_from_code"))?;
        }
        RegistryFact::NumberDetached(detached) => neat(&mut detached.number, "number")?,
        RegistryFact::DuplicateMerged(merged) => neat(&mut merged.reason, "reason")?,
        RegistryFact::Certificate(certificate) => {
            neat(&mut certificate.id.number, "number")?;
            neat(&mut certificate.issuer, "issuer")?;
            within_limit(certificate.products.len()).at("product_codes")?;
            within_limit(certificate.sites.len()).at("site_codes")?;
        }
        RegistryFact::CertificateStanding(change) => {
            neat(&mut change.id.number, "number")?;
            neat(&mut change.reason, "reason")?;
        }
        RegistryFact::OcopRegistered(registered) => neat(&mut registered.dossier, "dossier_number")?,
        RegistryFact::OcopGraded(grading) => {
            neat(&mut grading.dossier, "dossier_number")?;
            neat(&mut grading.decision, "decision_number")?;
        }
        RegistryFact::SiteStanding(change) => neat(&mut change.reason, "reason")?,
        RegistryFact::CraftVillage(village) => {
            neat(&mut village.name, "name")?;
            neat(&mut village.trade, "trade")?;
            village.recognition.as_mut().map_or(Ok(()), |number| neat(number, "recognition_number"))?;
        }
        RegistryFact::Target(target) => neat(&mut target.source, "source")?,
        RegistryFact::TrademarkCase(case) => {
            neat(&mut case.number, "case_number")?;
            neat(&mut case.mark, "mark")?;
        }
        RegistryFact::Labels(labels) => neat(&mut labels.series, "series")?,
        RegistryFact::MemberJoined(_)
        | RegistryFact::MemberLeft(_)
        | RegistryFact::Capacity(_)
        | RegistryFact::DistrictSucceeded(_) => {}
    }
    Ok(fact)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::chuoi::record::v1::{CommandHeader, HarvestRequest};

    fn at_noon() -> proto::When {
        let event_time = Some(prost_types::Timestamp { seconds: 1_795_582_800, nanos: 0 });
        proto::When { event_time, utc_offset_minutes: Some(420), ..proto::When::default() }
    }

    fn header() -> CommandHeader {
        CommandHeader {
            command_id: "0192f3a1-7c00-7000-8000-000000000001".into(),
            when: Some(at_noon()),
            ..CommandHeader::default()
        }
    }

    fn said(action: ProtoAction) -> proto::Command {
        proto::Command { header: Some(header()), action: Some(action) }
    }

    fn five() -> Option<proto::Quantity> {
        Some(proto::Quantity { value_milli: 5_000, unit: "kg".into(), ..proto::Quantity::default() })
    }

    fn line() -> proto::LotLine {
        let lot = proto::LotReference { lot_code: "L1".into(), ..proto::LotReference::default() };
        proto::LotLine { lot: Some(lot), quantity: five() }
    }

    fn a_harvest() -> proto::Harvest {
        let lot = proto::NewLot { product: "PK0001".into(), lot_code: "L1".into(), ..proto::NewLot::default() };
        proto::Harvest { site: "FA001".into(), lot: Some(lot), quantity: five(), ..proto::Harvest::default() }
    }

    fn harvested() -> proto::Command {
        said(ProtoAction::Harvest(a_harvest()))
    }

    fn sold(change: impl FnOnce(&mut proto::Sell)) -> proto::Command {
        let mut sell = proto::Sell { site: "SM001".into(), lines: vec![line(); 4], ..proto::Sell::default() };
        change(&mut sell);
        said(ProtoAction::Sell(sell))
    }

    fn received(change: impl FnOnce(&mut proto::Receive)) -> proto::Command {
        let shipment = proto::ShipmentReference { shipment_code: "PX-7".into(), ..proto::ShipmentReference::default() };
        let mut receive = proto::Receive { shipment: Some(shipment), everything: true, ..proto::Receive::default() };
        change(&mut receive);
        said(ProtoAction::Receive(receive))
    }

    /// The field at fault, and the refusal; none of either if it is read.
    fn fault(command: &proto::Command) -> (Option<String>, String) {
        match parse(command) {
            Ok(_) => (None, String::new()),
            Err(refusal) => (refusal.field().map(str::to_owned), refusal.to_string()),
        }
    }

    #[test]
    fn a_harvest_is_read() {
        let mut command = harvested();
        let header = command.header.as_mut().unwrap();
        (header.actor, header.note) = ("u-17".into(), " như  đã gõ ".into());
        header.on_conflict = proto::OnConflict::Record.into();
        let read = parse(&command).unwrap();
        assert_eq!(read.id.to_string(), "0192f3a1-7c00-7000-8000-000000000001");
        assert_eq!((read.actor.as_str(), read.note.as_str(), read.reported_fact), ("u-17", " như  đã gõ ", true));
        let Some(When { point: Point::Moment { instant, utc_offset_minutes }, .. }) = read.when else {
            panic!("{:?}", read.when)
        };
        assert_eq!((instant.to_string().as_str(), utc_offset_minutes), ("2026-11-25T05:00:00Z", Some(420)));
        let Action::Harvest(harvest) = read.action else { panic!("{:?}", read.action) };
        assert_eq!((harvest.site.as_str(), harvest.quantity.value, harvest.plot), ("FA001", Milli(5_000), None));
    }

    #[test]
    fn names_are_read_in_nfc_and_typed_words_as_they_are() {
        let decomposed = "Ru\u{0300}a  cau";
        let command = sold(|sell| {
            sell.site = decomposed.into();
            sell.lines[0].quantity.as_mut().unwrap().typed = decomposed.into();
        });
        let Action::Sell(Sell { site, goods: Goods::Lots(lines) }) = parse(&command).unwrap().action else { panic!() };
        assert_eq!(site, "Rùa cau");
        assert_eq!(lines[0].quantity.typed.as_deref(), Some(decomposed));
    }

    #[test]
    #[rustfmt::skip] // Columns.
    fn the_field_at_fault_is_named() {
        let with = |change: fn(&mut CommandHeader)| {
            let mut command = harvested();
            change(command.header.as_mut().unwrap());
            command
        };
        let when = |change: fn(&mut proto::When)| {
            let mut command = harvested();
            change(command.header.as_mut().unwrap().when.as_mut().unwrap());
            command
        };
        let harvest = |change: fn(&mut proto::Harvest)| {
            let mut harvest = a_harvest();
            change(&mut harvest);
            said(ProtoAction::Harvest(harvest))
        };
        let date = |date: &'static str| {
            let mut command = harvested();
            command.header.as_mut().unwrap().when = Some(proto::When { date: date.into(), ..proto::When::default() });
            command
        };
        let thing = |code: &str| {
            Some(event::RegisteredThing { thing: Some(event::registered_thing::Thing::SiteCode(code.into())) })
        };
        let registered = |fact: ProtoFact| said(ProtoAction::Register(proto::Register { fact: Some(fact) }));
        for (command, field) in [
            (proto::Command::default(),                                                             "header"),
            (proto::Command { action: None, ..harvested() },                                        "action"),
            (with(|header| header.command_id = "7".into()),                                         "header.command_id"),
            (with(|header| header.command_id = Uuid::nil().to_string()),                            "header.command_id"),
            (with(|header| header.when = None),                                                     "header.when"),
            (with(|header| header.on_conflict = 9),                                                 "header.on_conflict"),
            (with(|header| header.note = "a\u{1}".into()),                                          "header.note"),
            (with(|header| header.actor = "x".repeat(1_025)),                                       "header.actor"),
            (with(|header| header.document = Some(event::DocumentReference { number: "\n".into(), ..Default::default() })), "header.document.number"),
            (when(|when| when.event_time = None),                                                   "header.when"),
            (when(|when| when.date = "2026-11-25".into()),                                          "header.when"),
            (when(|when| when.utc_offset_minutes = Some(1_081)),                                    "header.when.utc_offset_minutes"),
            (when(|when| when.utc_offset_minutes = Some(i32::MIN)),                                 "header.when.utc_offset_minutes"),
            (when(|when| when.day_part = 1),                                                        "header.when.day_part"),
            (when(|when| when.day_part = 7),                                                        "header.when.day_part"),
            (when(|when| when.event_time = Some(prost_types::Timestamp { seconds: 0, nanos: -1 })), "header.when.event_time"),
            (when(|when| when.event_time = Some(prost_types::Timestamp { seconds: i64::MAX, nanos: 0 })), "header.when.event_time"),
            (when(|when| when.event_time = Some(prost_types::Timestamp { seconds: FIRST_SECOND - 1, nanos: 0 })), "header.when.event_time"),
            (date("25/11/2026"),                                                                    "header.when.date"),
            (date("2026-02-29"),                                                                    "header.when.date"),
            (date("2026-1-1"),                                                                      "header.when.date"),
            (date("0000-01-01"),                                                                    "header.when.date"),
            (harvest(|harvest| harvest.lot = None),                                                 "harvest.lot"),
            (harvest(|harvest| harvest.quantity = None),                                            "harvest.quantity"),
            (harvest(|harvest| harvest.quantity.as_mut().unwrap().unit = "k\tg".into()),            "harvest.quantity.unit"),
            (harvest(|harvest| harvest.lot.as_mut().unwrap().expiry_date = "2026".into()),          "harvest.lot.expiry_date"),
            (sold(|sell| sell.lines.clear()),                                                       "sell.lines"),
            (sold(|sell| sell.product = "PK0001".into()),                                           "sell.product"),
            (sold(|sell| sell.quantity = five()),                                                   "sell.quantity"),
            (sold(|sell| (sell.lines, sell.product) = (Vec::new(), "PK0001".into())),               "sell.quantity"),
            (sold(|sell| sell.lines = vec![line(); 1_001]),                                         "sell.lines"),
            (sold(|sell| sell.lines[3].lot = None),                                                 "sell.lines[3].lot"),
            (sold(|sell| sell.lines[3].lot.as_mut().unwrap().lot_code.clear()),                     "sell.lines[3].lot.lot_code"),
            (sold(|sell| sell.lines[3].lot.as_mut().unwrap().lot_id = Uuid::max().to_string()),     "sell.lines[3].lot"),
            (sold(|sell| sell.lines[3].lot = Some(proto::LotReference { lot_id: "L1".into(), ..Default::default() })), "sell.lines[3].lot.lot_id"),
            (received(|receive| receive.everything = false),                                        "receive.lines"),
            (received(|receive| receive.lines = vec![line()]),                                      "receive.everything"),
            (received(|receive| receive.shipment = None),                                           "receive.shipment"),
            (received(|receive| receive.shipment.as_mut().unwrap().shipment_code.clear()),          "receive.shipment.shipment_code"),
            (said(ProtoAction::Waste(proto::Waste { lines: vec![line()], reason: 99, ..Default::default() })), "waste.reason"),
            (said(ProtoAction::Transform(proto::Transform { inputs: vec![line()], ..Default::default() })), "transform.outputs"),
            (said(ProtoAction::GiveNotice(proto::GiveNotice::default())),                           "give_notice.kind"),
            (said(ProtoAction::GiveNotice(proto::GiveNotice { kind: 1, certificate_number: "1".into(), ..Default::default() })), "give_notice.certificate_kind"),
            (said(ProtoAction::GiveNotice(proto::GiveNotice { kind: 1, about_command_id: "7".into(), ..Default::default() })), "give_notice.about_command_id"),
            (said(ProtoAction::Void(proto::Void::default())),                                       "void.command_id"),
            (said(ProtoAction::Correct(proto::Correct { command_id: Uuid::max().to_string(), ..Default::default() })), "correct.replacement"),
            (registered(ProtoFact::Site(event::SiteRegistered { site_code: "Ă".into(), ..Default::default() })), "register.site.site_code"),
            (registered(ProtoFact::Organization(event::OrganizationRegistered { organization_code: "A".into(), ..Default::default() })), "register.organization.kind"),
            (registered(ProtoFact::Retired(event::Retired::default())), "register.retired.thing"),
            (registered(ProtoFact::NumberDetached(event::NumberDetached { thing: thing("Ă"), number: String::new() })), "register.number_detached.thing.site_code"),
            (registered(ProtoFact::NumberAttached(event::NumberAttached { thing: thing("A"), number: "\0".into(), ..Default::default() })), "register.number_attached.number"),
            (registered(ProtoFact::DuplicateMerged(event::DuplicateMerged { duplicate: thing("A"), ..Default::default() })), "register.duplicate_merged.survivor"),
            (registered(ProtoFact::MemberLeft(event::ChainMemberLeft { chain_code: "CH001".into(), member: None })), "register.member_left.member"),
            (registered(ProtoFact::District(event::DistrictRegistered { district_code: "001".into(), name: "\0".into(), ..Default::default() })), "register.district.name"),
        ] {
            let (at, message) = fault(&command);
            assert_eq!(at.as_deref(), Some(field), "{message}");
            assert!(message.starts_with(field), "{message}");
        }
    }

    #[test]
    fn in_and_out_of_a_transformation_count_together() {
        let lot = proto::NewLot { product: "PK0002".into(), lot_code: "L2".into(), ..proto::NewLot::default() };
        let output = proto::transform::Output { lot: Some(lot), quantity: five() };
        let transform = |outputs: usize| {
            let (inputs, outputs) = (vec![line(); 500], vec![output.clone(); outputs]);
            let process = event::Process::Packing.into();
            said(ProtoAction::Transform(proto::Transform { site: "PH001".into(), process, inputs, outputs, loss_gram: None }))
        };
        assert_eq!(fault(&transform(500)), (None, String::new()));
        assert_eq!(fault(&transform(501)).0.as_deref(), Some("transform"));
    }

    #[test]
    fn a_void_and_a_correction_need_no_time() {
        let header = CommandHeader { when: None, ..header() };
        let command_id = Uuid::max().to_string();
        let void = ProtoAction::Void(proto::Void { command_id: command_id.clone(), reason: "gõ nhầm".into() });
        let replacement = Some(Replacement::Harvest(a_harvest()));
        let correct = ProtoAction::Correct(proto::Correct { command_id, replacement, ..proto::Correct::default() });
        for action in [void, correct] {
            let read = parse(&proto::Command { header: Some(header.clone()), action: Some(action) });
            assert_eq!(read.unwrap().when, None);
        }
    }

    #[test]
    fn registered_names_are_read_in_nfc() {
        let unit = event::MarketUnit { name: "bo\u{0301}".into(), numerator: 1, denominator: 2 };
        let product = event::ProductRegistered {
            product_code: "pk0001".into(),
            name: " Cải  bo\u{0301} xôi ".into(),
            base_unit: "KGM".into(),
            market_units: vec![unit],
            ..event::ProductRegistered::default()
        };
        let register = proto::Register { fact: Some(ProtoFact::Product(product)) };
        let Action::Register(RegistryFact::Product(product)) = parse(&said(ProtoAction::Register(register))).unwrap().action
        else {
            panic!()
        };
        assert_eq!(
            (product.code.as_str(), product.name.as_str(), product.market_units[0].name.as_str()),
            ("PK0001", "Cải bó xôi", "bó")
        );
    }

    #[test]
    fn a_digest_is_of_what_is_said() {
        let command = harvested();
        let changed = |change: fn(&mut proto::Command)| {
            let mut command = harvested();
            change(&mut command);
            digest(&command)
        };
        let request = HarvestRequest { header: command.header.clone(), harvest: Some(a_harvest()) };
        assert_eq!(digest(&request.into()), digest(&command), "a call says what a batch says");
        assert_eq!(changed(|command| command.header.as_mut().unwrap().at_least = "1-2".into()), digest(&command));
        assert_ne!(changed(|command| command.header.as_mut().unwrap().note = "x".into()), digest(&command));
        assert_ne!(changed(|command| command.action = None), digest(&command));
        // The digest is in the journal for ever: it is that of the message itself, with at_least left out.
        assert_eq!(digest(&command), Digest::of(&command.encode_to_vec()));
    }
}
