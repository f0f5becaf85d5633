//! Facts of the trade besides the way from the field to the shelf: holds, recalls, returns, logistic units, observations.

use super::{bytes, lines, lot_id, read_amount, shipment_id, site_code, write_amount, write_lines};
use crate::proto::chuoi::event::v1 as proto;
use crate::proto::chuoi::event::v1::event::Fact as ProtoFact;
use crate::undecodable::{At as _, Undecodable, each, optional, required, timestamp, uuid, write_optional, write_timestamp};
use crate::words;
use domain::event::{
    CustomerReturned, DiscrepancyResolved, Finding, Held, Observed, OrderClosed, Ordered, OrderedLine, Packed,
    RecallAcknowledged, Recalled, Released, ReturnReason, ShipmentCancelled, Temperature, Treatment,
};
use domain::id::{ChainCode, CommandId, CommandRef, LotId, OrderId, OrganizationCode, ProductCode, ShipmentCode, SiteCode, Sscc};
use domain::time::BusinessDay;

fn lot_ids(ids: &[Vec<u8>]) -> Result<Vec<LotId>, Undecodable> {
    each(ids, |id| lot_id(id)).at("lot_ids")
}

fn write_lot_ids(ids: &[LotId]) -> Vec<Vec<u8>> {
    ids.iter().map(|id| bytes(id.0)).collect()
}

fn optional_site(code: &str) -> Result<Option<SiteCode>, Undecodable> {
    (!code.is_empty()).then(|| site_code(code)).transpose()
}

fn sscc(text: &str) -> Result<Sscc, Undecodable> {
    Sscc::parse(text).at("sscc")
}

fn command_ref(reference: &Option<proto::CommandReference>) -> Result<CommandRef, Undecodable> {
    let read = |reference: &proto::CommandReference| {
        Ok(CommandRef {
            organization: OrganizationCode::parse(&reference.organization_code).at("organization_code")?,
            command: uuid(&reference.command_id).map(CommandId).at("command_id")?,
        })
    };
    required(reference).and_then(read)
}

fn write_command_ref(reference: &CommandRef) -> Option<proto::CommandReference> {
    Some(proto::CommandReference {
        organization_code: reference.organization.to_string(),
        command_id: bytes(reference.command.0),
    })
}

pub(super) fn read_held(fact: &proto::Held) -> Result<Held, Undecodable> {
    Ok(Held { lots: lot_ids(&fact.lot_ids)?, site: optional_site(&fact.site_code)?, reason: fact.reason.as_str().into() })
}

pub(super) fn read_released(fact: &proto::Released) -> Result<Released, Undecodable> {
    Ok(Released {
        block: command_ref(&fact.block).at("block")?,
        lots: lot_ids(&fact.lot_ids)?,
        reason: fact.reason.as_str().into(),
    })
}

pub(super) fn read_recalled(fact: &proto::Recalled) -> Result<Recalled, Undecodable> {
    Ok(Recalled {
        lots: lot_ids(&fact.lot_ids)?,
        form: words::said(words::recall_form(fact.form), fact.form).at("form")?,
        reason: fact.reason.as_str().into(),
        decision: optional(&fact.decision_number),
        acknowledge_by: fact.acknowledge_by_time.as_ref().map(timestamp).transpose().at("acknowledge_by_time")?,
    })
}

pub(super) fn read_acknowledged(fact: &proto::RecallAcknowledged) -> Result<RecallAcknowledged, Undecodable> {
    Ok(RecallAcknowledged { recall: command_ref(&fact.recall).at("recall")?, site: site_code(&fact.site_code)? })
}

pub(super) fn read_returned(fact: &proto::CustomerReturned) -> Result<CustomerReturned, Undecodable> {
    Ok(CustomerReturned {
        site: site_code(&fact.site_code)?,
        lines: lines(&fact.lines).at("lines")?,
        reason: words::return_reason(fact.reason).unwrap_or(ReturnReason::Unspecified),
    })
}

pub(super) fn read_cancelled(fact: &proto::ShipmentCancelled) -> Result<ShipmentCancelled, Undecodable> {
    Ok(ShipmentCancelled {
        shipment: shipment_id(&fact.shipment_id)?,
        site: site_code(&fact.site_code)?,
        lines: lines(&fact.lines).at("lines")?,
        reason: fact.reason.as_str().into(),
    })
}

pub(super) fn read_ordered(fact: &proto::Ordered) -> Result<Ordered, Undecodable> {
    let line = |line: &proto::ordered::Line| {
        Ok::<_, Undecodable>(OrderedLine {
            product: ProductCode::parse(&line.product_code).at("product_code")?,
            amount: required(&line.amount).and_then(read_amount).at("amount")?,
        })
    };
    Ok(Ordered {
        order: uuid(&fact.order_id).map(OrderId).at("order_id")?,
        code: ShipmentCode::parse(&fact.order_code).at("order_code")?,
        site: site_code(&fact.site_code)?,
        chain: ChainCode::parse(&fact.chain_code).at("chain_code")?,
        due: BusinessDay(fact.due_day),
        lines: each(&fact.lines, line).at("lines")?,
    })
}

pub(super) fn read_order_closed(fact: &proto::OrderClosed) -> Result<OrderClosed, Undecodable> {
    Ok(OrderClosed {
        order: uuid(&fact.order_id).map(OrderId).at("order_id")?,
        site: site_code(&fact.site_code)?,
        reason: fact.reason.as_str().into(),
    })
}

pub(super) fn write_ordered(Ordered { order, code, site, chain, due, lines }: &Ordered) -> ProtoFact {
    let line = |line: &OrderedLine| proto::ordered::Line {
        product_code: line.product.to_string(),
        amount: Some(write_amount(&line.amount)),
    };
    ProtoFact::Ordered(proto::Ordered {
        order_id: bytes(order.0),
        order_code: code.to_string(),
        site_code: site.to_string(),
        chain_code: chain.to_string(),
        due_day: due.0,
        lines: lines.iter().map(line).collect(),
    })
}

pub(super) fn write_order_closed(OrderClosed { order, site, reason }: &OrderClosed) -> ProtoFact {
    let order_id = bytes(order.0);
    ProtoFact::OrderClosed(proto::OrderClosed { order_id, site_code: site.to_string(), reason: reason.to_string() })
}

pub(super) fn read_packed(unit: &str, site: &str, packed: &[proto::LotAmount], units: &[String]) -> Result<Packed, Undecodable> {
    Ok(Packed {
        sscc: sscc(unit)?,
        site: site_code(site)?,
        lines: lines(packed).at("lines")?,
        units: each(units, |unit| Ok(Sscc::parse(unit)?)).at("unit_ssccs")?,
    })
}

pub(super) fn read_observed(fact: &proto::Observed) -> Result<Observed, Undecodable> {
    Ok(Observed {
        site: optional_site(&fact.site_code)?,
        shipment: (!fact.shipment_id.is_empty()).then(|| shipment_id(&fact.shipment_id)).transpose()?,
        sscc: (!fact.sscc.is_empty()).then(|| sscc(&fact.sscc)).transpose()?,
        lots: lot_ids(&fact.lot_ids)?,
        kind: words::said(words::observation_kind(fact.kind), fact.kind).at("kind")?,
        what: fact.what.as_str().into(),
        reference: optional(&fact.reference),
        finding: words::finding(fact.finding).unwrap_or(Finding::Unspecified),
        temperature: fact.temperature.as_ref().map(read_temperature),
        treatment: fact.treatment.as_ref().map(read_treatment).transpose().at("treatment")?,
    })
}

pub(crate) fn read_treatment(treatment: &proto::Treatment) -> Result<Treatment, Undecodable> {
    let waiting_days = u16::try_from(treatment.waiting_days)
        .map_err(|_| Undecodable::here(format!("is {}; 0 to 365 days are possible", treatment.waiting_days)))
        .at("waiting_days")?;
    Ok(Treatment { plot: treatment.plot.as_str().into(), waiting_days })
}

pub(crate) fn read_temperature(temperature: &proto::Temperature) -> Temperature {
    Temperature {
        milli_celsius: temperature.milli_celsius,
        min_milli_celsius: temperature.min_milli_celsius,
        max_milli_celsius: temperature.max_milli_celsius,
    }
}

pub(super) fn read_resolved(fact: &proto::DiscrepancyResolved) -> Result<DiscrepancyResolved, Undecodable> {
    Ok(DiscrepancyResolved { command: command_ref(&fact.command).at("command")?, resolution: fact.resolution.as_str().into() })
}

fn site_text(site: &Option<SiteCode>) -> String {
    site.as_ref().map(ToString::to_string).unwrap_or_default()
}

pub(super) fn write_held(Held { lots, site, reason }: &Held) -> ProtoFact {
    let (lot_ids, site_code, reason) = (write_lot_ids(lots), site_text(site), reason.to_string());
    ProtoFact::Held(proto::Held { lot_ids, site_code, reason })
}

pub(super) fn write_released(Released { block, lots, reason }: &Released) -> ProtoFact {
    let (block, lot_ids, reason) = (write_command_ref(block), write_lot_ids(lots), reason.to_string());
    ProtoFact::Released(proto::Released { block, lot_ids, reason })
}

pub(super) fn write_recalled(Recalled { lots, form, reason, decision, acknowledge_by }: &Recalled) -> ProtoFact {
    ProtoFact::Recalled(proto::Recalled {
        lot_ids: write_lot_ids(lots),
        form: words::write_recall_form(*form),
        reason: reason.to_string(),
        decision_number: write_optional(decision),
        acknowledge_by_time: acknowledge_by.map(write_timestamp),
    })
}

pub(super) fn write_acknowledged(RecallAcknowledged { recall, site }: &RecallAcknowledged) -> ProtoFact {
    let (recall, site_code) = (write_command_ref(recall), site.to_string());
    ProtoFact::RecallAcknowledged(proto::RecallAcknowledged { recall, site_code })
}

pub(super) fn write_returned(CustomerReturned { site, lines, reason }: &CustomerReturned) -> ProtoFact {
    let (site_code, lines, reason) = (site.to_string(), write_lines(lines), words::write_return_reason(*reason));
    ProtoFact::CustomerReturned(proto::CustomerReturned { site_code, lines, reason })
}

pub(super) fn write_cancelled(ShipmentCancelled { shipment, site, lines, reason }: &ShipmentCancelled) -> ProtoFact {
    ProtoFact::ShipmentCancelled(proto::ShipmentCancelled {
        shipment_id: bytes(shipment.0),
        site_code: site.to_string(),
        lines: write_lines(lines),
        reason: reason.to_string(),
    })
}

pub(super) fn write_packed(packed: &Packed) -> ProtoFact {
    let (sscc, site_code, lines, unit_ssccs) = write_unit(packed);
    ProtoFact::Packed(proto::Packed { sscc, site_code, lines, unit_ssccs })
}

pub(super) fn write_unpacked(unpacked: &Packed) -> ProtoFact {
    let (sscc, site_code, lines, unit_ssccs) = write_unit(unpacked);
    ProtoFact::Unpacked(proto::Unpacked { sscc, site_code, lines, unit_ssccs })
}

fn write_unit(Packed { sscc, site, lines, units }: &Packed) -> (String, String, Vec<proto::LotAmount>, Vec<String>) {
    (sscc.to_string(), site.to_string(), write_lines(lines), units.iter().map(ToString::to_string).collect())
}

pub(super) fn write_observed(observed: &Observed) -> ProtoFact {
    let Observed { site, shipment, sscc, lots, kind, what, reference, finding, temperature, treatment } = observed;
    ProtoFact::Observed(proto::Observed {
        site_code: site_text(site),
        shipment_id: shipment.map(|shipment| bytes(shipment.0)).unwrap_or_default(),
        sscc: sscc.as_ref().map(ToString::to_string).unwrap_or_default(),
        lot_ids: write_lot_ids(lots),
        kind: words::write_observation_kind(*kind),
        what: what.to_string(),
        reference: write_optional(reference),
        finding: words::write_finding(*finding),
        temperature: temperature.map(|temperature| proto::Temperature {
            milli_celsius: temperature.milli_celsius,
            min_milli_celsius: temperature.min_milli_celsius,
            max_milli_celsius: temperature.max_milli_celsius,
        }),
        treatment: treatment
            .as_ref()
            .map(|treatment| proto::Treatment { plot: treatment.plot.to_string(), waiting_days: treatment.waiting_days.into() }),
    })
}

pub(super) fn write_resolved(DiscrepancyResolved { command, resolution }: &DiscrepancyResolved) -> ProtoFact {
    let (command, resolution) = (write_command_ref(command), resolution.to_string());
    ProtoFact::DiscrepancyResolved(proto::DiscrepancyResolved { command, resolution })
}
