//! Events: what the journal holds, read and written field by field.
//!
//! What a newer version wrote and this one does not know is said as such; it is never read as something else.

mod code;
mod notice;
mod trade;

use crate::proto::chuoi::event::v1 as proto;
use crate::proto::chuoi::event::v1::event::Fact as ProtoFact;
use crate::undecodable::{At as _, Undecodable, each, optional, required, timestamp, uuid, write_optional, write_timestamp};
use crate::words;
use crate::{programme, registry};
use domain::event::{
    Amount, Catch, CountRestated, Counted, CountedLine, DeliveryRefused, Dispatched, DispatchedLine, Event, Fact, Harvested,
    HouseholdShare, Lot, LotAmount, LotOpened, Matched, Rebooked, Received, RefusalReason, ShortReported, Sold, Transformed,
    TypedName, Violation, Voided, WasteReason, Wasted,
};
use domain::id::{
    ChainCode, CommandId, LotCode, LotId, OrderId, OrganizationCode, ProductCode, ShipmentCode, ShipmentId, SiteCode,
};
use domain::quantity::Milli;
use domain::time::{BusinessDay, EventTime, Precision};
use domain::unit::BaseUnit;
pub(crate) use trade::{read_temperature, read_treatment};

/// How deep reversals may hold reversals. Today they hold none (a void is not voided); bounded because bytes can say anything.
pub const MAX_NESTING: usize = 4;

/// Reads an event.
pub fn read(event: &proto::Event) -> Result<Event, Undecodable> {
    read_nested(event, 0)
}

fn read_nested(event: &proto::Event, depth: usize) -> Result<Event, Undecodable> {
    Ok(Event {
        time: required(&event.event_time).and_then(read_time).at("event_time")?,
        violations: each(&event.violations, read_violation).at("violations")?,
        names: event.names.iter().map(read_name).collect(),
        fact: read_fact(event.fact.as_ref(), depth)?,
    })
}

fn read_time(time: &proto::EventTime) -> Result<EventTime, Undecodable> {
    let precision = match time.precision {
        0 => Precision::Moment,
        number => words::said(words::precision(number), number).at("precision")?,
    };
    Ok(EventTime {
        instant: required(&time.time).and_then(timestamp).at("time")?,
        utc_offset_minutes: time.utc_offset_minutes,
        precision,
        business_day: BusinessDay(time.business_day),
        typed: optional(&time.typed),
    })
}

fn read_name(proto::TypedName { field, typed, code }: &proto::TypedName) -> TypedName {
    TypedName { field: field.clone(), typed: typed.clone(), code: code.clone() }
}

fn write_name(TypedName { field, typed, code }: &TypedName) -> proto::TypedName {
    proto::TypedName { field: field.clone(), typed: typed.clone(), code: code.clone() }
}

fn read_violation(violation: &proto::Violation) -> Result<Violation, Undecodable> {
    let rule = u8::try_from(violation.rule)
        .map_err(|_| Undecodable::here(format!("is {}; rules are numbered 0 to 255", violation.rule)))
        .at("rule")?;
    Ok(Violation { rule, reason: violation.reason.clone(), detail: violation.detail.clone() })
}

fn read_fact(fact: Option<&ProtoFact>, depth: usize) -> Result<Fact, Undecodable> {
    let Some(fact) = fact else {
        return Err(Undecodable::here("is missing, or one that this version does not know; read it with a newer version"))
            .at("fact");
    };
    match fact {
        ProtoFact::Harvested(fact) => read_harvested(fact).map(Fact::Harvested).at("harvested"),
        ProtoFact::LotOpened(fact) => read_opened(fact).map(Fact::LotOpened).at("lot_opened"),
        ProtoFact::Transformed(fact) => read_transformed(fact).map(Fact::Transformed).at("transformed"),
        ProtoFact::Dispatched(fact) => read_dispatched(fact).map(Fact::Dispatched).at("dispatched"),
        ProtoFact::Received(fact) => read_received(fact).map(Fact::Received).at("received"),
        ProtoFact::DeliveryRefused(fact) => read_refused(fact).map(Fact::DeliveryRefused).at("delivery_refused"),
        ProtoFact::ShortReported(fact) => read_short(fact).map(Fact::ShortReported).at("short_reported"),
        ProtoFact::Sold(fact) => read_sold(fact).map(Fact::Sold).at("sold"),
        ProtoFact::Wasted(fact) => read_wasted(fact).map(Fact::Wasted).at("wasted"),
        ProtoFact::Counted(fact) => read_counted(fact).map(Fact::Counted).at("counted"),
        ProtoFact::CountRestated(fact) => read_restated(fact).map(Fact::CountRestated).at("count_restated"),
        ProtoFact::Matched(fact) => read_matched(fact).map(Fact::Matched).at("matched"),
        ProtoFact::Voided(fact) => {
            read_voided(&fact.command_id, &fact.reason, &fact.originals, depth).map(Fact::Voided).at("voided")
        }
        ProtoFact::Corrected(fact) => {
            read_voided(&fact.command_id, &fact.reason, &fact.originals, depth).map(Fact::Corrected).at("corrected")
        }
        ProtoFact::Rebooked(fact) => read_rebooked(fact).map(Fact::Rebooked).at("rebooked"),
        ProtoFact::Held(fact) => trade::read_held(fact).map(Fact::Held).at("held"),
        ProtoFact::Released(fact) => trade::read_released(fact).map(Fact::Released).at("released"),
        ProtoFact::Recalled(fact) => trade::read_recalled(fact).map(Fact::Recalled).at("recalled"),
        ProtoFact::RecallAcknowledged(fact) => {
            trade::read_acknowledged(fact).map(Fact::RecallAcknowledged).at("recall_acknowledged")
        }
        ProtoFact::CustomerReturned(fact) => trade::read_returned(fact).map(Fact::CustomerReturned).at("customer_returned"),
        ProtoFact::ShipmentCancelled(fact) => trade::read_cancelled(fact).map(Fact::ShipmentCancelled).at("shipment_cancelled"),
        ProtoFact::Packed(fact) => {
            trade::read_packed(&fact.sscc, &fact.site_code, &fact.lines, &fact.unit_ssccs).map(Fact::Packed).at("packed")
        }
        ProtoFact::Unpacked(fact) => {
            trade::read_packed(&fact.sscc, &fact.site_code, &fact.lines, &fact.unit_ssccs).map(Fact::Unpacked).at("unpacked")
        }
        ProtoFact::Observed(fact) => trade::read_observed(fact).map(Fact::Observed).at("observed"),
        ProtoFact::DiscrepancyResolved(fact) => {
            trade::read_resolved(fact).map(Fact::DiscrepancyResolved).at("discrepancy_resolved")
        }
        ProtoFact::Ordered(fact) => trade::read_ordered(fact).map(Fact::Ordered).at("ordered"),
        ProtoFact::OrderClosed(fact) => trade::read_order_closed(fact).map(Fact::OrderClosed).at("order_closed"),
        ProtoFact::CodeIssued(fact) => code::read_issued(fact).map(Fact::CodeIssued).at("code_issued"),
        ProtoFact::CodeRevoked(fact) => code::read_revoked(fact).map(Fact::CodeRevoked).at("code_revoked"),
        ProtoFact::CodesScanned(fact) => code::read_scanned(fact).map(Fact::CodesScanned).at("codes_scanned"),
        ProtoFact::NoticeGiven(fact) => notice::read(fact).map(Fact::NoticeGiven).at("notice_given"),
        ProtoFact::DistrictRegistered(fact) => registry::read_district(fact).map(Fact::Registered).at("district_registered"),
        ProtoFact::OrganizationRegistered(fact) => {
            registry::read_organization(fact).map(Fact::Registered).at("organization_registered")
        }
        ProtoFact::SiteRegistered(fact) => registry::read_site(fact).map(Fact::Registered).at("site_registered"),
        ProtoFact::ProductRegistered(fact) => registry::read_product(fact).map(Fact::Registered).at("product_registered"),
        ProtoFact::ChainRegistered(fact) => registry::read_chain(fact).map(Fact::Registered).at("chain_registered"),
        ProtoFact::ChainMemberJoined(fact) => registry::read_joined(fact).map(Fact::Registered).at("chain_member_joined"),
        ProtoFact::ChainMemberLeft(fact) => registry::read_left(fact).map(Fact::Registered).at("chain_member_left"),
        ProtoFact::CapacityDeclared(fact) => registry::read_capacity(fact).map(Fact::Registered).at("capacity_declared"),
        ProtoFact::Retired(fact) => registry::read_retired(fact).map(Fact::Registered).at("retired"),
        ProtoFact::Reinstated(fact) => registry::read_reinstated(fact).map(Fact::Registered).at("reinstated"),
        ProtoFact::NumberAttached(fact) => registry::read_attached(fact).map(Fact::Registered).at("number_attached"),
        ProtoFact::NumberDetached(fact) => registry::read_detached(fact).map(Fact::Registered).at("number_detached"),
        ProtoFact::DuplicateMerged(fact) => registry::read_merged(fact).map(Fact::Registered).at("duplicate_merged"),
        ProtoFact::CertificateIssued(fact) => programme::read_certificate(fact).map(Fact::Registered).at("certificate_issued"),
        ProtoFact::CertificateStandingChanged(fact) => {
            programme::read_certificate_standing(fact).map(Fact::Registered).at("certificate_standing_changed")
        }
        ProtoFact::OcopRegistered(fact) => programme::read_ocop_registered(fact).map(Fact::Registered).at("ocop_registered"),
        ProtoFact::OcopGraded(fact) => programme::read_ocop_graded(fact).map(Fact::Registered).at("ocop_graded"),
        ProtoFact::SiteStandingChanged(fact) => {
            programme::read_site_standing(fact).map(Fact::Registered).at("site_standing_changed")
        }
        ProtoFact::DistrictSucceeded(fact) => programme::read_succession(fact).map(Fact::Registered).at("district_succeeded"),
        ProtoFact::CraftVillageRegistered(fact) => {
            programme::read_village(fact).map(Fact::Registered).at("craft_village_registered")
        }
        ProtoFact::TargetSet(fact) => programme::read_target(fact).map(Fact::Registered).at("target_set"),
        ProtoFact::TrademarkCaseStepped(fact) => {
            programme::read_trademark(fact).map(Fact::Registered).at("trademark_case_stepped")
        }
        ProtoFact::LabelsCounted(fact) => programme::read_labels(fact).map(Fact::Registered).at("labels_counted"),
    }
}

fn read_lot(lot: &proto::Lot) -> Result<Lot, Undecodable> {
    Ok(Lot {
        id: uuid(&lot.lot_id).map(LotId).at("lot_id")?,
        issuer: OrganizationCode::parse(&lot.issuer_code).at("issuer_code")?,
        product: ProductCode::parse(&lot.product_code).at("product_code")?,
        code: LotCode::parse(&lot.lot_code).at("lot_code")?,
        chain: ChainCode::parse(&lot.chain_code).at("chain_code")?,
        expiry: lot.expiry_day.map(BusinessDay),
        harvest_day: lot.harvest_day.map(BusinessDay),
        harvest_time: lot.harvest_time.as_ref().map(timestamp).transpose().at("harvest_time")?,
    })
}

fn read_amount(amount: &proto::Amount) -> Result<Amount, Undecodable> {
    let catch = |catch: &proto::amount::Catch| {
        let unit = BaseUnit::from_code(&catch.unit_code)
            .ok_or_else(|| Undecodable::here(format!("is {:?}; KGM, LTR and H87 are known", catch.unit_code)))
            .at("unit_code")?;
        Ok::<_, Undecodable>(Catch { quantity: Milli(catch.quantity_milli), unit })
    };
    Ok(Amount {
        quantity: Milli(amount.quantity_milli),
        given: optional(&amount.given),
        catch: amount.catch.as_ref().map(catch).transpose().at("catch")?,
    })
}

fn amount(amount: &Option<proto::Amount>) -> Result<Amount, Undecodable> {
    required(amount).and_then(read_amount).at("amount")
}

fn lines(lines: &[proto::LotAmount]) -> Result<Vec<LotAmount>, Undecodable> {
    let line = |line: &proto::LotAmount| Ok(LotAmount { lot: lot_id(&line.lot_id)?, amount: amount(&line.amount)? });
    each(lines, line)
}

fn lot_id(bytes: &[u8]) -> Result<LotId, Undecodable> {
    uuid(bytes).map(LotId).at("lot_id")
}

fn shipment_id(bytes: &[u8]) -> Result<ShipmentId, Undecodable> {
    uuid(bytes).map(ShipmentId).at("shipment_id")
}

fn site_code(code: &str) -> Result<SiteCode, Undecodable> {
    SiteCode::parse(code).at("site_code")
}

/// A product that may be left out.
fn product_code(code: &str) -> Result<Option<ProductCode>, Undecodable> {
    (!code.is_empty()).then(|| ProductCode::parse(code)).transpose().at("product_code")
}

fn read_harvested(fact: &proto::Harvested) -> Result<Harvested, Undecodable> {
    Ok(Harvested {
        lot: required(&fact.lot).and_then(read_lot).at("lot")?,
        site: site_code(&fact.site_code)?,
        amount: amount(&fact.amount)?,
        plot: optional(&fact.plot),
        households: fact
            .households
            .iter()
            .map(|share| HouseholdShare { household: share.household_ref.as_str().into(), quantity: Milli(share.quantity_milli) })
            .collect(),
    })
}

fn read_opened(fact: &proto::LotOpened) -> Result<LotOpened, Undecodable> {
    Ok(LotOpened {
        lot: required(&fact.lot).and_then(read_lot).at("lot")?,
        site: site_code(&fact.site_code)?,
        amount: amount(&fact.amount)?,
    })
}

fn read_transformed(fact: &proto::Transformed) -> Result<Transformed, Undecodable> {
    let output =
        |output: &proto::transformed::Output| Ok((required(&output.lot).and_then(read_lot).at("lot")?, amount(&output.amount)?));
    Ok(Transformed {
        site: site_code(&fact.site_code)?,
        process: words::said(words::process(fact.process), fact.process).at("process")?,
        inputs: lines(&fact.inputs).at("inputs")?,
        outputs: each(&fact.outputs, output).at("outputs")?,
        loss_gram: fact.loss_gram,
    })
}

fn read_dispatched(fact: &proto::Dispatched) -> Result<Dispatched, Undecodable> {
    let line = |line: &proto::dispatched::Line| {
        Ok(DispatchedLine {
            lot: lot_id(&line.lot_id)?,
            amount: amount(&line.amount)?,
            redispatched: Milli(line.redispatched_milli),
        })
    };
    Ok(Dispatched {
        shipment: shipment_id(&fact.shipment_id)?,
        code: ShipmentCode::parse(&fact.shipment_code).at("shipment_code")?,
        from: SiteCode::parse(&fact.from_site_code).at("from_site_code")?,
        to: SiteCode::parse(&fact.to_site_code).at("to_site_code")?,
        lines: each(&fact.lines, line).at("lines")?,
        trip: optional(&fact.trip_id),
        sscc: optional(&fact.sscc),
        is_consignment: fact.consignment,
        order: (!fact.order_id.is_empty()).then(|| uuid(&fact.order_id).map(OrderId)).transpose().at("order_id")?,
    })
}

fn read_received(fact: &proto::Received) -> Result<Received, Undecodable> {
    let unmatched = if fact.unmatched {
        let issuer = OrganizationCode::parse(&fact.shipment_issuer_code).at("shipment_issuer_code")?;
        Some((issuer, ShipmentCode::parse(&fact.shipment_code).at("shipment_code")?))
    } else {
        None
    };
    Ok(Received {
        shipment: shipment_id(&fact.shipment_id)?,
        site: site_code(&fact.site_code)?,
        lines: lines(&fact.lines).at("lines")?,
        unmatched,
    })
}

fn read_refused(fact: &proto::DeliveryRefused) -> Result<DeliveryRefused, Undecodable> {
    let returned = if fact.return_shipment_id.is_empty() {
        None
    } else {
        let shipment = uuid(&fact.return_shipment_id).map(ShipmentId).at("return_shipment_id")?;
        Some((shipment, SiteCode::parse(&fact.return_site_code).at("return_site_code")?))
    };
    Ok(DeliveryRefused {
        shipment: shipment_id(&fact.shipment_id)?,
        site: site_code(&fact.site_code)?,
        lines: lines(&fact.lines).at("lines")?,
        reason: words::refusal_reason(fact.reason).unwrap_or(RefusalReason::Unspecified),
        returned,
    })
}

fn read_short(fact: &proto::ShortReported) -> Result<ShortReported, Undecodable> {
    Ok(ShortReported {
        shipment: shipment_id(&fact.shipment_id)?,
        site: site_code(&fact.site_code)?,
        lines: lines(&fact.lines).at("lines")?,
    })
}

fn read_sold(fact: &proto::Sold) -> Result<Sold, Undecodable> {
    Ok(Sold {
        site: site_code(&fact.site_code)?,
        lines: lines(&fact.lines).at("lines")?,
        product: product_code(&fact.product_code)?,
    })
}

fn read_wasted(fact: &proto::Wasted) -> Result<Wasted, Undecodable> {
    Ok(Wasted {
        site: site_code(&fact.site_code)?,
        lines: lines(&fact.lines).at("lines")?,
        reason: words::waste_reason(fact.reason).unwrap_or(WasteReason::Unspecified),
    })
}

fn read_counted(fact: &proto::Counted) -> Result<Counted, Undecodable> {
    let line = |line: &proto::counted::Line| {
        Ok(CountedLine {
            lot: lot_id(&line.lot_id)?,
            counted: required(&line.counted).and_then(read_amount).at("counted")?,
            expected: Milli(line.expected_milli),
            variance: Milli(line.variance_milli),
        })
    };
    Ok(Counted {
        site: site_code(&fact.site_code)?,
        basis: words::said(words::count_basis(fact.basis), fact.basis).at("basis")?,
        lines: each(&fact.lines, line).at("lines")?,
        product: product_code(&fact.product_code)?,
    })
}

fn read_restated(fact: &proto::CountRestated) -> Result<CountRestated, Undecodable> {
    Ok(CountRestated {
        site: site_code(&fact.site_code)?,
        lot: lot_id(&fact.lot_id)?,
        basis: words::said(words::count_basis(fact.basis), fact.basis).at("basis")?,
        variance_change: Milli(fact.variance_change_milli),
    })
}

fn read_rebooked(fact: &proto::Rebooked) -> Result<Rebooked, Undecodable> {
    Ok(Rebooked {
        from: SiteCode::parse(&fact.from_site_code).at("from_site_code")?,
        to: SiteCode::parse(&fact.to_site_code).at("to_site_code")?,
        lines: lines(&fact.lines).at("lines")?,
    })
}

fn read_matched(fact: &proto::Matched) -> Result<Matched, Undecodable> {
    Ok(Matched { shipment: shipment_id(&fact.shipment_id)?, lines: lines(&fact.lines).at("lines")? })
}

fn read_voided(command: &[u8], reason: &str, originals: &[proto::Event], depth: usize) -> Result<Voided, Undecodable> {
    if depth == MAX_NESTING {
        return Err(Undecodable::here(format!(
            "is a reversal inside {MAX_NESTING} others, deeper than any that was ever written"
        )));
    }
    Ok(Voided {
        command: uuid(command).map(CommandId).at("command_id")?,
        reason: reason.to_owned(),
        originals: each(originals, |original| read_nested(original, depth + 1)).at("originals")?,
    })
}

/// Writes an event.
pub fn write(event: &Event) -> proto::Event {
    proto::Event {
        event_time: Some(write_time(&event.time)),
        violations: event
            .violations
            .iter()
            .map(|violation| proto::Violation {
                rule: violation.rule.into(),
                reason: violation.reason.clone(),
                detail: violation.detail.clone(),
            })
            .collect(),
        names: event.names.iter().map(write_name).collect(),
        fact: Some(write_fact(&event.fact)),
    }
}

fn write_time(time: &EventTime) -> proto::EventTime {
    proto::EventTime {
        time: Some(write_timestamp(time.instant)),
        utc_offset_minutes: time.utc_offset_minutes,
        precision: words::write_precision(time.precision),
        business_day: time.business_day.0,
        typed: write_optional(&time.typed),
    }
}

fn write_fact(fact: &Fact) -> ProtoFact {
    match fact {
        Fact::Harvested(Harvested { lot, site, amount, plot, households }) => ProtoFact::Harvested(proto::Harvested {
            lot: Some(write_lot(lot)),
            site_code: site.to_string(),
            amount: Some(write_amount(amount)),
            plot: write_optional(plot),
            households: households
                .iter()
                .map(|share| proto::HouseholdShare {
                    household_ref: share.household.to_string(),
                    quantity_milli: share.quantity.0,
                })
                .collect(),
        }),
        Fact::LotOpened(LotOpened { lot, site, amount }) => ProtoFact::LotOpened(proto::LotOpened {
            lot: Some(write_lot(lot)),
            site_code: site.to_string(),
            amount: Some(write_amount(amount)),
        }),
        Fact::Transformed(Transformed { site, process, inputs, outputs, loss_gram }) => {
            ProtoFact::Transformed(proto::Transformed {
                site_code: site.to_string(),
                process: words::write_process(*process),
                inputs: write_lines(inputs),
                outputs: outputs
                    .iter()
                    .map(|(lot, amount)| proto::transformed::Output {
                        lot: Some(write_lot(lot)),
                        amount: Some(write_amount(amount)),
                    })
                    .collect(),
                loss_gram: *loss_gram,
            })
        }
        Fact::Dispatched(dispatched) => ProtoFact::Dispatched(write_dispatched(dispatched)),
        Fact::Received(Received { shipment, site, lines, unmatched }) => {
            let (issuer, code) =
                unmatched.as_ref().map(|(issuer, code)| (issuer.to_string(), code.to_string())).unwrap_or_default();
            ProtoFact::Received(proto::Received {
                shipment_id: bytes(shipment.0),
                site_code: site.to_string(),
                lines: write_lines(lines),
                unmatched: unmatched.is_some(),
                shipment_code: code,
                shipment_issuer_code: issuer,
            })
        }
        Fact::DeliveryRefused(DeliveryRefused { shipment, site, lines, reason, returned }) => {
            let (return_shipment, return_site) =
                returned.as_ref().map(|(shipment, site)| (bytes(shipment.0), site.to_string())).unwrap_or_default();
            ProtoFact::DeliveryRefused(proto::DeliveryRefused {
                shipment_id: bytes(shipment.0),
                site_code: site.to_string(),
                lines: write_lines(lines),
                reason: words::write_refusal_reason(*reason),
                return_shipment_id: return_shipment,
                return_site_code: return_site,
            })
        }
        Fact::ShortReported(ShortReported { shipment, site, lines }) => ProtoFact::ShortReported(proto::ShortReported {
            shipment_id: bytes(shipment.0),
            site_code: site.to_string(),
            lines: write_lines(lines),
        }),
        Fact::Sold(Sold { site, lines, product }) => ProtoFact::Sold(proto::Sold {
            site_code: site.to_string(),
            lines: write_lines(lines),
            product_code: write_product_code(product),
        }),
        Fact::Wasted(Wasted { site, lines, reason }) => ProtoFact::Wasted(proto::Wasted {
            site_code: site.to_string(),
            lines: write_lines(lines),
            reason: words::write_waste_reason(*reason),
        }),
        Fact::Counted(counted) => ProtoFact::Counted(write_counted(counted)),
        Fact::CountRestated(CountRestated { site, lot, basis, variance_change }) => {
            ProtoFact::CountRestated(proto::CountRestated {
                site_code: site.to_string(),
                lot_id: bytes(lot.0),
                basis: words::write_count_basis(*basis),
                variance_change_milli: variance_change.0,
            })
        }
        Fact::Matched(Matched { shipment, lines }) => {
            ProtoFact::Matched(proto::Matched { shipment_id: bytes(shipment.0), lines: write_lines(lines) })
        }
        Fact::Voided(Voided { command, reason, originals }) => ProtoFact::Voided(proto::Voided {
            command_id: bytes(command.0),
            reason: reason.clone(),
            originals: originals.iter().map(write).collect(),
        }),
        Fact::Corrected(Voided { command, reason, originals }) => ProtoFact::Corrected(proto::Corrected {
            command_id: bytes(command.0),
            reason: reason.clone(),
            originals: originals.iter().map(write).collect(),
        }),
        Fact::Rebooked(Rebooked { from, to, lines }) => ProtoFact::Rebooked(proto::Rebooked {
            from_site_code: from.to_string(),
            to_site_code: to.to_string(),
            lines: write_lines(lines),
        }),
        Fact::Registered(fact) => registry::write(fact),
        Fact::Held(fact) => trade::write_held(fact),
        Fact::Released(fact) => trade::write_released(fact),
        Fact::Recalled(fact) => trade::write_recalled(fact),
        Fact::RecallAcknowledged(fact) => trade::write_acknowledged(fact),
        Fact::CustomerReturned(fact) => trade::write_returned(fact),
        Fact::ShipmentCancelled(fact) => trade::write_cancelled(fact),
        Fact::Packed(fact) => trade::write_packed(fact),
        Fact::Unpacked(fact) => trade::write_unpacked(fact),
        Fact::Observed(fact) => trade::write_observed(fact),
        Fact::DiscrepancyResolved(fact) => trade::write_resolved(fact),
        Fact::Ordered(fact) => trade::write_ordered(fact),
        Fact::OrderClosed(fact) => trade::write_order_closed(fact),
        Fact::CodeIssued(fact) => code::write_issued(fact),
        Fact::CodeRevoked(fact) => code::write_revoked(fact),
        Fact::CodesScanned(fact) => code::write_scanned(fact),
        Fact::NoticeGiven(fact) => notice::write(fact),
    }
}

fn write_dispatched(dispatched: &Dispatched) -> proto::Dispatched {
    let Dispatched { shipment, code, from, to, lines, trip, sscc, is_consignment, order } = dispatched;
    proto::Dispatched {
        shipment_id: bytes(shipment.0),
        shipment_code: code.to_string(),
        from_site_code: from.to_string(),
        to_site_code: to.to_string(),
        lines: lines
            .iter()
            .map(|line| proto::dispatched::Line {
                lot_id: bytes(line.lot.0),
                amount: Some(write_amount(&line.amount)),
                redispatched_milli: line.redispatched.0,
            })
            .collect(),
        trip_id: write_optional(trip),
        sscc: write_optional(sscc),
        consignment: *is_consignment,
        order_id: order.map(|order| bytes(order.0)).unwrap_or_default(),
    }
}

fn write_counted(counted: &Counted) -> proto::Counted {
    let Counted { site, basis, lines, product } = counted;
    proto::Counted {
        site_code: site.to_string(),
        basis: words::write_count_basis(*basis),
        lines: lines
            .iter()
            .map(|line| proto::counted::Line {
                lot_id: bytes(line.lot.0),
                counted: Some(write_amount(&line.counted)),
                expected_milli: line.expected.0,
                variance_milli: line.variance.0,
            })
            .collect(),
        product_code: write_product_code(product),
    }
}

fn write_lot(lot: &Lot) -> proto::Lot {
    let Lot { id, issuer, product, code, chain, expiry, harvest_day, harvest_time } = lot;
    proto::Lot {
        lot_id: bytes(id.0),
        issuer_code: issuer.to_string(),
        product_code: product.to_string(),
        lot_code: code.to_string(),
        chain_code: chain.to_string(),
        expiry_day: expiry.map(|day| day.0),
        harvest_day: harvest_day.map(|day| day.0),
        harvest_time: harvest_time.map(write_timestamp),
    }
}

fn write_amount(amount: &Amount) -> proto::Amount {
    let catch = amount
        .catch
        .map(|catch| proto::amount::Catch { quantity_milli: catch.quantity.0, unit_code: catch.unit.code().to_owned() });
    proto::Amount { quantity_milli: amount.quantity.0, given: write_optional(&amount.given), catch }
}

fn write_lines(lines: &[LotAmount]) -> Vec<proto::LotAmount> {
    lines.iter().map(|line| proto::LotAmount { lot_id: bytes(line.lot.0), amount: Some(write_amount(&line.amount)) }).collect()
}

fn write_product_code(product: &Option<ProductCode>) -> String {
    product.as_ref().map(ToString::to_string).unwrap_or_default()
}

fn bytes(id: uuid::Uuid) -> Vec<u8> {
    id.as_bytes().to_vec()
}
