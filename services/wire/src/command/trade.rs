//! Commands of the trade besides the way from the field to the shelf: holds, recalls, returns, logistic units, observations.

use super::{
    as_typed, command_id, extent, instant, lines, lot_reference, optional, shipment, shipment_reference, text, within_limit, word,
};
use crate::event::{read_temperature, read_treatment};
use crate::proto::chuoi::event::v1 as facts;
use crate::proto::chuoi::record::v1 as proto;
use crate::undecodable::{At as _, Undecodable, each, required};
use crate::words;
use domain::command::{
    AcknowledgeRecall, Action, CancelShipment, CommandReference, CustomerReturn, Hold, LotReference, Observe, Pack, Recall,
    Release, Resolve, UnitExtent, Unpack,
};
use domain::event::{Finding, ReturnReason, Treatment};

fn said(reason: &str) -> Result<Box<str>, Undecodable> {
    as_typed(reason).map(Box::from)
}

fn lots(lots: &[proto::LotReference]) -> Result<Vec<LotReference>, Undecodable> {
    within_limit(lots.len()).at("lots")?;
    each(lots, lot_reference).at("lots")
}

fn command(reference: &Option<proto::CommandReference>) -> Result<CommandReference, Undecodable> {
    let read = |reference: &proto::CommandReference| {
        Ok(CommandReference {
            organization: text(&reference.organization).at("organization")?,
            command: command_id(&reference.command_id)?,
        })
    };
    required(reference).and_then(read)
}

fn ssccs(units: &[String]) -> Result<Vec<String>, Undecodable> {
    within_limit(units.len()).at("unit_ssccs")?;
    each(units, |unit| text(unit)).at("unit_ssccs")
}

pub(super) fn hold(hold: &proto::Hold) -> Result<Action, Undecodable> {
    let read = || {
        Ok::<_, Undecodable>(Hold {
            lots: lots(&hold.lots)?,
            site: text(&hold.site).at("site")?,
            reason: said(&hold.reason).at("reason")?,
        })
    };
    read().map(Action::Hold).at("hold")
}

pub(super) fn release(release: &proto::Release) -> Result<Action, Undecodable> {
    let read = || {
        Ok::<_, Undecodable>(Release {
            block: command(&release.block).at("block")?,
            lots: lots(&release.lots)?,
            reason: said(&release.reason).at("reason")?,
        })
    };
    read().map(Action::Release).at("release")
}

pub(super) fn recall(recall: &proto::Recall) -> Result<Action, Undecodable> {
    let read = || {
        Ok::<_, Undecodable>(Recall {
            lots: lots(&recall.lots)?,
            form: words::said(words::recall_form(recall.form), recall.form).at("form")?,
            reason: said(&recall.reason).at("reason")?,
            decision: optional(&recall.decision_number).at("decision_number")?,
            acknowledge_by: recall.acknowledge_by_time.as_ref().map(instant).transpose().at("acknowledge_by_time")?,
        })
    };
    read().map(Action::Recall).at("recall")
}

pub(super) fn acknowledge(acknowledge: &proto::AcknowledgeRecall) -> Result<Action, Undecodable> {
    let read = || {
        Ok::<_, Undecodable>(AcknowledgeRecall {
            recall: command(&acknowledge.recall).at("recall")?,
            site: text(&acknowledge.site).at("site")?,
        })
    };
    read().map(Action::AcknowledgeRecall).at("acknowledge_recall")
}

pub(super) fn customer_return(given: &proto::CustomerReturn) -> Result<Action, Undecodable> {
    let read = || {
        Ok::<_, Undecodable>(CustomerReturn {
            site: text(&given.site).at("site")?,
            lines: lines(&given.lines).at("lines")?,
            reason: word(words::return_reason(given.reason), given.reason, ReturnReason::Unspecified).at("reason")?,
        })
    };
    read().map(Action::CustomerReturn).at("customer_return")
}

pub(super) fn cancel_shipment(cancel: &proto::CancelShipment) -> Result<Action, Undecodable> {
    let read = || {
        Ok::<_, Undecodable>(CancelShipment {
            shipment: shipment(&cancel.shipment)?,
            extent: extent(&cancel.lines, cancel.everything)?,
            reason: said(&cancel.reason).at("reason")?,
        })
    };
    read().map(Action::CancelShipment).at("cancel_shipment")
}

pub(super) fn pack(pack: &proto::Pack) -> Result<Action, Undecodable> {
    let read = || {
        Ok::<_, Undecodable>(Pack {
            site: text(&pack.site).at("site")?,
            sscc: text(&pack.sscc).at("sscc")?,
            lines: some_lines(&pack.lines)?,
            units: ssccs(&pack.unit_ssccs)?,
        })
    };
    read().map(Action::Pack).at("pack")
}

pub(super) fn unpack(unpack: &proto::Unpack) -> Result<Action, Undecodable> {
    let read = || {
        let is_named = !unpack.lines.is_empty() || !unpack.unit_ssccs.is_empty();
        let extent = match (is_named, unpack.everything) {
            (false, true) => UnitExtent::Everything,
            (true, false) => UnitExtent::Some(some_lines(&unpack.lines)?, ssccs(&unpack.unit_ssccs)?),
            (false, false) => return Err(Undecodable::here("is empty; name lots or units, or say everything")).at("lines"),
            (true, true) => return Err(Undecodable::here("is said, and lots or units are given too; say one")).at("everything"),
        };
        Ok::<_, Undecodable>(Unpack { site: text(&unpack.site).at("site")?, sscc: text(&unpack.sscc).at("sscc")?, extent })
    };
    read().map(Action::Unpack).at("unpack")
}

/// Lines that may be left out.
fn some_lines(given: &[proto::LotLine]) -> Result<Vec<domain::command::LotLine>, Undecodable> {
    if given.is_empty() { Ok(Vec::new()) } else { lines(given).at("lines") }
}

pub(super) fn observe(observe: &proto::Observe) -> Result<Action, Undecodable> {
    let read = || {
        Ok::<_, Undecodable>(Observe {
            site: text(&observe.site).at("site")?,
            shipment: observe.shipment.as_ref().map(shipment_reference).transpose().at("shipment")?,
            sscc: text(&observe.sscc).at("sscc")?,
            lots: lots(&observe.lots)?,
            kind: words::said(words::observation_kind(observe.kind), observe.kind).at("kind")?,
            what: said(&observe.what).at("what")?,
            reference: optional(&observe.reference).at("reference")?,
            finding: word(words::finding(observe.finding), observe.finding, Finding::Unspecified).at("finding")?,
            temperature: observe.temperature.as_ref().map(read_temperature),
            treatment: observe.treatment.as_ref().map(treatment).transpose().at("treatment")?,
        })
    };
    read().map(Action::Observe).at("observe")
}

fn treatment(given: &facts::Treatment) -> Result<Treatment, Undecodable> {
    let read = read_treatment(given)?;
    Ok(Treatment { plot: said(&given.plot).at("plot")?, ..read })
}

pub(super) fn resolve(resolve: &proto::Resolve) -> Result<Action, Undecodable> {
    let read = || {
        Ok::<_, Undecodable>(Resolve {
            command: command(&resolve.command).at("command")?,
            resolution: said(&resolve.resolution).at("resolution")?,
        })
    };
    read().map(Action::Resolve).at("resolve")
}
