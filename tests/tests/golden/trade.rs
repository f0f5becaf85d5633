//! What the golden files say of the trade besides the way from the field to the shelf; and of fields that older events gained.

use crate::samples::{full_lines, full_lot, given, id, minimal_event, organization, shipment_code, site};
use domain::event::programme::{CertificateKind, CertificateRef};
use domain::event::{
    Amount, Catch, CodeIssued, CodeRevoked, CodesScanned, CustomerReturned, DiscrepancyResolved, Dispatched, DispatchedLine,
    Event, Fact, Finding, Harvested, Held, HouseholdShare, NoticeGiven, NoticeKind, ObservationKind, Observed, OrderClosed,
    Ordered, OrderedLine, Packed, RecallAcknowledged, RecallForm, Recalled, Released, ReturnReason, Scan, ShipmentCancelled,
    Temperature, Treatment, TypedName,
};
use domain::id::{ChainCode, CommandId, CommandRef, DistrictCode, LotId, OrderId, ProductCode, ShipmentId, Sscc, TraceCode};
use domain::quantity::Milli;
use domain::time::BusinessDay;
use domain::unit::BaseUnit;

fn sscc(text: &str) -> Sscc {
    Sscc::parse(text).unwrap()
}

fn code() -> TraceCode {
    TraceCode::parse("01ABCDEFGH10").unwrap().0
}

fn command() -> CommandRef {
    CommandRef { organization: organization("HTX-CH001"), command: CommandId(id(30)) }
}

fn lots() -> Vec<LotId> {
    vec![LotId(id(10)), LotId(id(11))]
}

fn unit() -> Packed {
    Packed { sscc: sscc("095214100000000028"), site: site("PH001"), lines: full_lines(), units: vec![sscc("095214100000000011")] }
}

fn observed(kind: ObservationKind, finding: Finding) -> Observed {
    Observed {
        site: Some(site("SM001")),
        shipment: Some(ShipmentId(id(20))),
        sscc: Some(sscc("095214100000000011")),
        lots: lots(),
        kind,
        what: "tủ mát 2".into(),
        reference: Some("M-17".into()),
        finding,
        temperature: Some(Temperature {
            milli_celsius: -18_500,
            min_milli_celsius: Some(-25_000),
            max_milli_celsius: Some(-18_000),
        }),
        treatment: None,
    }
}

fn treated() -> Observed {
    Observed {
        site: Some(site("PR001")),
        shipment: None,
        sscc: None,
        lots: Vec::new(),
        kind: ObservationKind::Treatment,
        what: "Abamectin 1.8EC".into(),
        reference: Some("NK-3".into()),
        finding: Finding::Unspecified,
        temperature: None,
        treatment: Some(Treatment { plot: "Lô 7".into(), waiting_days: 7 }),
    }
}

/// Each event with all its fields, and the older ones whose fields were added.
pub fn facts() -> Vec<(&'static str, Fact)> {
    let shares = [("HO-017", 700_000), ("HO-018", 500_000)]
        .map(|(household, milli)| HouseholdShare { household: household.into(), quantity: Milli(milli) });
    let catch =
        Amount { catch: Some(Catch { quantity: Milli(5_000), unit: BaseUnit::Piece }), ..given(110_400, "110,4 kg (5 con)") };
    let line = DispatchedLine { lot: LotId(id(10)), amount: catch, redispatched: Milli::ZERO };
    vec![
        (
            "harvested.commingled",
            Fact::Harvested(Harvested {
                lot: full_lot(),
                site: site("FA001"),
                amount: given(1_200_000, "1,2 tấn"),
                plot: None,
                households: shares.to_vec(),
            }),
        ),
        (
            "dispatched.consigned",
            Fact::Dispatched(Dispatched {
                shipment: ShipmentId(id(20)),
                code: shipment_code("PXK/2026-0124"),
                from: site("PH001"),
                to: site("OI001"),
                lines: vec![line],
                trip: None,
                sscc: None,
                is_consignment: true,
                order: None,
            }),
        ),
        (
            "dispatched.ordered",
            Fact::Dispatched(Dispatched {
                shipment: ShipmentId(id(20)),
                code: shipment_code("PXK/2026-0125"),
                from: site("PH001"),
                to: site("SM001"),
                lines: Vec::new(),
                trip: None,
                sscc: None,
                is_consignment: false,
                order: Some(OrderId(id(40))),
            }),
        ),
        (
            "ordered.full",
            Fact::Ordered(Ordered {
                order: OrderId(id(40)),
                code: shipment_code("DDH-2026-01"),
                site: site("SM001"),
                chain: ChainCode::parse("CH001").unwrap(),
                due: BusinessDay(20_785),
                lines: vec![OrderedLine { product: ProductCode::parse("PK0001").unwrap(), amount: given(300_000, "3 tạ") }],
            }),
        ),
        (
            "order_closed.full",
            Fact::OrderClosed(OrderClosed { order: OrderId(id(40)), site: site("SM001"), reason: "đủ hàng".into() }),
        ),
        (
            "code_issued.full",
            Fact::CodeIssued(CodeIssued { code: code(), product: ProductCode::parse("PK0001").unwrap(), lot: Some(lots()[0]) }),
        ),
        ("code_revoked.full", Fact::CodeRevoked(CodeRevoked { code: code(), reason: "tem bị chép".into() })),
        (
            "codes_scanned.full",
            Fact::CodesScanned(CodesScanned {
                scans: vec![
                    Scan { code: code(), district: Some(DistrictCode::parse("HN-BD").unwrap()), count: 12 },
                    Scan { code: code(), district: None, count: 1 },
                ],
            }),
        ),
        (
            "notice_given.full",
            Fact::NoticeGiven(NoticeGiven {
                kind: NoticeKind::Expiry,
                key: "expiry/0000/SM001/2026-11-28".into(),
                lot: Some(LotId(id(10))),
                product: Some(ProductCode::parse("PK0001").unwrap()),
                site: Some(site("SM001")),
                chain: Some(ChainCode::parse("CH001").unwrap()),
                certificate: Some(CertificateRef { kind: CertificateKind::Vietgap, number: "VG-01/2026".into() }),
                organization: Some(organization("HTX-CH001")),
                command: Some(CommandId(id(30))),
                day: Some(BusinessDay(20_785)),
                days: Some(-2),
                quantity: Some(Milli(12_500)),
            }),
        ),
        ("notice_given.minimal", notice(NoticeKind::Recall)),
        ("held.full", Fact::Held(Held { lots: lots(), site: Some(site("SM001")), reason: "chờ kết quả mẫu".into() })),
        ("released.full", Fact::Released(Released { block: command(), lots: lots(), reason: "mẫu đạt".into() })),
        (
            "recalled.full",
            Fact::Recalled(Recalled {
                lots: lots(),
                form: RecallForm::Compulsory,
                reason: "tồn dư thuốc".into(),
                decision: Some("12/QĐ-SNN".into()),
                acknowledge_by: Some("2026-11-26T11:00:00Z".parse().unwrap()),
            }),
        ),
        ("recall_acknowledged.full", Fact::RecallAcknowledged(RecallAcknowledged { recall: command(), site: site("SM001") })),
        (
            "customer_returned.full",
            Fact::CustomerReturned(CustomerReturned { site: site("SM001"), lines: full_lines(), reason: ReturnReason::Quality }),
        ),
        (
            "shipment_cancelled.full",
            Fact::ShipmentCancelled(ShipmentCancelled {
                shipment: ShipmentId(id(20)),
                site: site("PH001"),
                lines: full_lines(),
                reason: "hỏng xe".into(),
            }),
        ),
        ("packed.full", Fact::Packed(unit())),
        ("unpacked.full", Fact::Unpacked(unit())),
        ("observed.full", Fact::Observed(observed(ObservationKind::Temperature, Finding::Conformant))),
        ("observed.treatment", Fact::Observed(treated())),
        (
            "discrepancy_resolved.full",
            Fact::DiscrepancyResolved(DiscrepancyResolved { command: command(), resolution: "cân lại: 40 kg".into() }),
        ),
    ]
}

/// With what was typed for the product.
pub fn named() -> Event {
    let issued = CodeIssued { code: code(), product: ProductCode::parse("PK0001").unwrap(), lot: None };
    let name = TypedName { field: "issue_code.product".into(), typed: "rau muống".into(), code: "PK0001".into() };
    Event { names: vec![name], ..minimal_event(Fact::CodeIssued(issued)) }
}

fn notice(kind: NoticeKind) -> Fact {
    Fact::NoticeGiven(NoticeGiven {
        kind,
        key: "".into(),
        lot: None,
        product: None,
        site: None,
        chain: None,
        certificate: None,
        organization: None,
        command: None,
        day: None,
        days: None,
        quantity: None,
    })
}

/// Every word of what notices are about.
pub fn every_notice() -> Vec<Event> {
    NoticeKind::ALL.iter().map(|kind| minimal_event(notice(*kind))).collect()
}

/// Every word of every list.
pub fn every_word() -> Vec<Event> {
    let returned = [
        ReturnReason::Unspecified,
        ReturnReason::Quality,
        ReturnReason::Damaged,
        ReturnReason::Expired,
        ReturnReason::Recalled,
        ReturnReason::WrongGoods,
    ]
    .map(|reason| Fact::CustomerReturned(CustomerReturned { site: site("SM001"), lines: Vec::new(), reason }));
    let recalled = [RecallForm::Voluntary, RecallForm::Compulsory]
        .map(|form| Fact::Recalled(Recalled { lots: Vec::new(), form, reason: "".into(), decision: None, acknowledge_by: None }));
    let seen = [
        (ObservationKind::Temperature, Finding::Unspecified),
        (ObservationKind::Inspection, Finding::Conformant),
        (ObservationKind::Sample, Finding::NonConformant),
        (ObservationKind::CertificateCheck, Finding::Unspecified),
        (ObservationKind::Other, Finding::Unspecified),
    ]
    .map(|(kind, finding)| Fact::Observed(Observed { temperature: None, ..observed(kind, finding) }));
    returned.into_iter().chain(recalled).chain(seen).map(minimal_event).collect()
}
