//! Recalls, holds, returns, crates and discrepancies, as those meet them who hold the goods.

use crate::system::*;
use wire::proto::chuoi::event::v1::{self as event, ObservationKind, Process, RecallForm, ReturnReason, SiteKind};
use wire::proto::chuoi::record::v1::command::Action;
use wire::proto::chuoi::record::v1::*;
use wire::proto::chuoi::safety::v1::safety_service_client::SafetyServiceClient;
use wire::proto::chuoi::safety::v1::{
    CheckLotRequest, CheckLotResponse, Discrepancy, DiscrepancyKind, DiscrepancyState, GetRecallRequest, GetRecallResponse,
    GetUnitRequest, ListBlocksRequest, ListDiscrepanciesRequest, Objection,
};
use wire::proto::chuoi::trace::v1::trace_service_client::TraceServiceClient;
use wire::proto::chuoi::trace::v1::{EventKind, TraceLotRequest};

const CRATE: &str = "095214100000000011";

fn reason(outcome: &Outcome) -> &str {
    outcome.refused.as_ref().map_or("accepted", |refused| refused.reason.as_str())
}

fn transform(inputs: &[(&str, i64)], outputs: &[(&str, i64)]) -> Action {
    let output = |(code, milli): &(&str, i64)| transform::Output { lot: new_lot(code), quantity: quantity(*milli) };
    Action::Transform(Transform {
        site: "FA1".into(),
        process: Process::Packing.into(),
        inputs: lines(inputs),
        outputs: outputs.iter().map(output).collect(),
        loss_gram: None,
    })
}

fn recall(code: &str) -> Action {
    Action::Recall(Recall {
        lots: lot(code).into_iter().collect(),
        form: RecallForm::Compulsory.into(),
        reason: "tồn dư thuốc".into(),
        decision_number: "12/QĐ-SNN".into(),
        acknowledge_by_time: Some(prost_types::Timestamp { seconds: 1_000_000_000, nanos: 0 }),
    })
}

fn hold(code: &str, site: &str) -> Action {
    let lots = lot(code).into_iter().collect();
    Action::Hold(Hold { lots, site: site.into(), reason: "chờ kết quả mẫu".into() })
}

fn release(organization: &str, command_id: &str) -> Action {
    let block = Some(CommandReference { organization: organization.into(), command_id: command_id.into() });
    Action::Release(Release { block, lots: Vec::new(), reason: "mẫu đạt".into() })
}

fn dispatch_from(from: &str, shipment: &str, to: &str, of: &[(&str, i64)]) -> Action {
    let Action::Dispatch(sent) = dispatch(shipment, to, of) else { unreachable!("it is one") };
    Action::Dispatch(Dispatch { from_site: from.into(), ..sent })
}

async fn reach(system: &System, command_id: &str, at_least: &str) -> GetRecallResponse {
    let request =
        GetRecallRequest { organization_code: AUTHORITY.into(), command_id: command_id.into(), at_least: at_least.into() };
    SafetyServiceClient::new(system.channel.clone()).get_recall(request).await.unwrap().into_inner()
}

async fn check(system: &System, code: &str, site: &str, date: &str, at_least: &str) -> CheckLotResponse {
    let request = CheckLotRequest {
        lot_code: code.into(),
        site: site.into(),
        date: date.into(),
        at_least: at_least.into(),
        ..CheckLotRequest::default()
    };
    SafetyServiceClient::new(system.channel.clone()).check_lot(request).await.unwrap().into_inner()
}

fn objections(checked: &CheckLotResponse) -> Vec<Objection> {
    checked.findings.iter().map(|finding| finding.objection()).collect()
}

async fn discrepancies(system: &System, kinds: &[DiscrepancyKind], closed_too: bool, at_least: &str) -> Vec<Discrepancy> {
    let request = ListDiscrepanciesRequest {
        kinds: kinds.iter().map(|kind| (*kind).into()).collect(),
        closed_too,
        at_least: at_least.into(),
        ..ListDiscrepanciesRequest::default()
    };
    SafetyServiceClient::new(system.channel.clone()).list_discrepancies(request).await.unwrap().into_inner().discrepancies
}

/// A harvest made into three products, the last of five levels in forty shops: who holds what, what is on the road, what was sold.
#[tokio::test(flavor = "multi_thread")]
async fn a_recall_reaches_forty_shops_through_five_levels() {
    let system = System::start().await;
    let shops: Vec<String> = (1..=40).map(|n| format!("GS{n:04}")).collect();
    let registered = shops.iter().map(|code| {
        let fact = register::Fact::Site(event::SiteRegistered {
            site_code: code.clone(),
            name: format!("Cửa hàng {code}"),
            kind: SiteKind::GeneralStore.into(),
            organization_code: SHOP.into(),
            district_code: "001".into(),
            ..event::SiteRegistered::default()
        });
        command("2020-01-01", Action::Register(Register { fact: Some(fact) }))
    });
    for outcome in system.send_all(AUTHORITY, registered.collect()).await {
        assert_eq!(outcome.verdict(), Verdict::Accepted, "{outcome:?}");
    }
    system.record(COOP, "2026-11-20 05:00", harvest("ROOT", 1_000_000)).await;
    let products = ["A", "B", "C"];
    let first: Vec<(String, i64)> = products.iter().map(|product| (format!("{product}1"), 300_000)).collect();
    let first: Vec<(&str, i64)> = first.iter().map(|(code, milli)| (code.as_str(), *milli)).collect();
    system.record(COOP, "2026-11-20 06:00", transform(&[("ROOT", 900_000)], &first)).await;
    for level in 1..5 {
        for product in products {
            let (from, into) = (format!("{product}{level}"), format!("{product}{}", level + 1));
            let at = format!("2026-11-20 {:02}:00", 6 + level);
            system.record(COOP, &at, transform(&[(&from, 300_000)], &[(&into, 300_000)])).await;
        }
    }
    let mut sent = Vec::new();
    for (n, shop) in shops.iter().enumerate() {
        let last = format!("{}5", products[n % 3]);
        sent.push(command("2026-11-20 20:00", dispatch(&format!("PX-{n}"), shop, &[(&last, 5_000)])));
    }
    for outcome in system.send_all(COOP, sent).await {
        assert_eq!(outcome.verdict(), Verdict::Accepted, "{outcome:?}");
    }
    // Two trucks are still on the road; every tenth shop has sold two kilograms.
    let received = (0..38).map(|n| command("2026-11-21 05:00", receive(&format!("PX-{n}"), &[])));
    for outcome in system.send_all(SHOP, received.collect()).await {
        assert_eq!(outcome.verdict(), Verdict::Accepted, "{outcome:?}");
    }
    for n in [0, 10, 20, 30] {
        let last = format!("{}5", products[n % 3]);
        system.record(SHOP, "2026-11-21 09:00", sell(&shops[n], &[(&last, 2_000)])).await;
    }
    let recalled = system.record(AUTHORITY, "2026-11-21 10:00", recall("ROOT")).await;
    // Packed before the recall, logged after it: born recalled.
    system.record(COOP, "2026-11-20 12:00", transform(&[("ROOT", 50_000)], &[("LATE", 40_000)])).await;
    // Of every level, nothing is sold or sent on any more.
    for code in ["ROOT", "A1", "B5", "LATE"] {
        let onward = system.send(COOP, command("2026-11-21 11:00", dispatch("PX-NO", "SM1", &[(code, 1_000)]))).await;
        assert_eq!(reason(&onward), "RECALLED", "{code}");
    }
    let sold = system.send(SHOP, command("2026-11-21 11:00", sell(&shops[1], &[("B5", 1_000)]))).await;
    assert_eq!(reason(&sold), "RECALLED");
    assert!(sold.refused.unwrap().message.contains("tồn dư thuốc"), "and why");
    // A truck on the road delivers it, received and held; a till that was offline reports a sale.
    system.record(SHOP, "2026-11-21 12:00", receive("PX-38", &[])).await;
    let offline = reported(command("2026-11-21 12:00", sell(&shops[2], &[("C5", 1_000)])));
    let offline = system.send(SHOP, offline).await.recorded.expect("a fact is recorded");
    assert_eq!(offline.events[0].violations[0].rule, 6);
    let heard = AcknowledgeRecall {
        recall: Some(CommandReference { organization: AUTHORITY.into(), command_id: recalled.command_id.clone() }),
        site: shops[0].clone(),
    };
    let last = system.record(SHOP, "2026-11-21 13:00", Action::AcknowledgeRecall(heard)).await;

    let answer = reach(&system, &recalled.command_id, &last.position).await;
    assert_eq!(answer.lots.len(), 1 + 15 + 1);
    assert_eq!(answer.lots.iter().map(|lot| lot.depth).max(), Some(5));
    let [balance] = &answer.balances[..] else { panic!("{:?}", answer.balances) };
    assert_eq!((balance.sold_milli, balance.in_transit_milli), (9_000, 5_000));
    assert_eq!(balance.held_milli, 50_000 + 40_000 + 900_000 - 9_000 - 5_000);
    let left = balance.held_milli + balance.in_transit_milli + balance.sold_milli + balance.processed_milli;
    assert_eq!(balance.entered_milli, left, "all of it is accounted for");
    assert_eq!(answer.in_transit.len(), 1);
    assert_eq!(answer.sites.len(), 39 + 1, "the shops that received, and the farm");
    assert_eq!(answer.acknowledged_sites, 1);
    let site = |code: &str| answer.sites.iter().find(|site| site.site_code == code).unwrap();
    assert_eq!((site(&shops[0]).lots[0].held_milli, site(&shops[0]).lots[0].sold_milli), (3_000, 2_000));
    assert!(site(&shops[0]).acknowledge_time.is_some() && site(&shops[1]).overdue, "a clock runs");
    let checked = check(&system, "B5", &shops[1], "2026-11-21", "").await;
    assert_eq!((checked.sellable, objections(&checked)), (false, vec![Objection::Recalled]));

    let released = system.record(AUTHORITY, "2026-11-22 08:00", release("", &recalled.command_id)).await;
    assert!(check(&system, "B5", &shops[1], "2026-11-22", &released.position).await.sellable);
    system.record(SHOP, "2026-11-22 09:00", sell(&shops[1], &[("B5", 1_000)])).await;
    let mut safety = SafetyServiceClient::new(system.channel.clone());
    let open = ListBlocksRequest { open_only: true, ..ListBlocksRequest::default() };
    assert_eq!(safety.list_blocks(open).await.unwrap().into_inner().blocks.len(), 0);
    let all = safety.list_blocks(ListBlocksRequest { lot: "ROOT".into(), ..Default::default() }).await.unwrap().into_inner();
    assert!(!all.blocks[0].open && all.blocks[0].release_time.is_some());
    system.verify().await;
}

/// Shipped, returned, shipped again, returned again; repacked into each other: a trace ends, and says each event once.
#[tokio::test(flavor = "multi_thread")]
async fn returns_of_returns_end() {
    let system = System::start().await;
    for code in ["A", "B"] {
        system.record(COOP, "2026-11-19", open("FA1", code, 50_000)).await;
    }
    system.record(COOP, "2026-11-20 06:00", transform(&[("A", 10_000)], &[("B", 10_000)])).await;
    system.record(COOP, "2026-11-20 07:00", transform(&[("B", 10_000)], &[("A", 10_000)])).await;
    for (n, day) in ["2026-11-21", "2026-11-23"].iter().enumerate() {
        let (out, back) = (format!("PX-{n}"), format!("TR-{n}"));
        system.record(COOP, &format!("{day} 05:00"), dispatch(&out, "SM1", &[("A", 20_000)])).await;
        system.record(SHOP, &format!("{day} 09:00"), receive(&out, &[])).await;
        system.record(SHOP, &format!("{day} 18:00"), dispatch_from("SM1", &back, "FA1", &[("A", 20_000)])).await;
        let shipment = ShipmentReference { issuer: SHOP.into(), shipment_code: back, ..ShipmentReference::default() };
        let home = Receive { shipment: Some(shipment), everything: true, ..Receive::default() };
        system.record(COOP, &format!("{day} 20:00"), Action::Receive(home)).await;
    }
    let last = system.record(AUTHORITY, "2026-11-24 08:00", recall("B")).await;
    let request = TraceLotRequest { lot_code: "A".into(), at_least: last.position.clone(), ..TraceLotRequest::default() };
    let trace = TraceServiceClient::new(system.channel.clone()).trace_lot(request).await.unwrap().into_inner();
    let ids: std::collections::BTreeSet<_> = trace.events.iter().map(|event| &event.event_id).collect();
    assert_eq!(ids.len(), trace.events.len());
    assert_eq!((trace.made_from.len(), trace.made_into.len()), (2, 2), "each transformation once, both ways");
    let answer = reach(&system, &last.command_id, "").await;
    assert_eq!(answer.lots.len(), 2);
    assert_eq!(system.stock("FA1", &last.position).await, 100_000);
    system.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_to_light_leaves_the_work_list_and_the_rest_is_resolved() {
    let system = System::start().await;
    system.record(COOP, "2026-11-20 06:00", harvest("A", 100_000)).await;
    let unmatched = reported(command("2026-11-21 05:00", receive("PX-1", &[("A", 12_000)])));
    let unmatched = Command {
        action: unmatched.action.map(|action| match action {
            Action::Receive(receive) => Action::Receive(Receive { site: "SM1".into(), ..receive }),
            other => other,
        }),
        ..unmatched
    };
    assert_eq!(system.send(SHOP, unmatched).await.verdict(), Verdict::Accepted);
    system.record(COOP, "2026-11-20 19:00", dispatch("PX-2", "SM2", &[("A", 30_000)])).await;
    let oversold = system.send(SHOP, reported(command("2026-11-21 10:00", sell("SM2", &[("A", 8_000)])))).await;
    let oversold = oversold.recorded.unwrap();
    let wrong = system.send(SHOP, reported(command("2026-11-21 11:00", sell("SM1", &[("A", 13_000)])))).await.recorded.unwrap();
    let kinds = |list: &[Discrepancy]| list.iter().map(|one| (one.kind(), one.state())).collect::<Vec<_>>();
    use DiscrepancyKind::{Shortfall, Unmatched, Violation};
    let found = discrepancies(&system, &[], false, &wrong.position).await;
    assert_eq!(
        kinds(&found),
        [
            (Shortfall, DiscrepancyState::Open),
            (Violation, DiscrepancyState::Open),
            (Shortfall, DiscrepancyState::Open),
            (Violation, DiscrepancyState::Open),
            (Unmatched, DiscrepancyState::Open)
        ]
    );
    assert_eq!(found[4].lots[0].movements[0].quantity_milli, 12_000);
    // The dispatch and the missing receipt arrive: both are settled, and the found stock is taken back.
    system.record(COOP, "2026-11-20 20:00", dispatch("PX-1", "SM1", &[("A", 12_000)])).await;
    let receipt = system.record(SHOP, "2026-11-21 06:00", receive("PX-2", &[])).await;
    assert_eq!(system.stock("SM2", &receipt.position).await, 22_000);
    let found = discrepancies(&system, &[], true, &receipt.position).await;
    let of = |command: &str, kind| {
        let is = |one: &&Discrepancy| one.kind() == kind && one.event.as_ref().is_some_and(|event| event.command_id == command);
        found.iter().find(is).map(|one| one.state())
    };
    assert_eq!(of(&oversold.command_id, Shortfall), Some(DiscrepancyState::Settled));
    assert_eq!(of(&oversold.command_id, Violation), Some(DiscrepancyState::Settled));
    assert!(found.iter().any(|one| (one.kind(), one.state()) == (Unmatched, DiscrepancyState::Settled)));
    assert_eq!(of(&wrong.command_id, Violation), Some(DiscrepancyState::Open));
    // The rest somebody looks at.
    let command = Some(CommandReference { organization: SHOP.into(), command_id: wrong.command_id.clone() });
    let resolve = Action::Resolve(Resolve { command, resolution: "cân lại: đã bán 12 kg".into() });
    let resolved = system.record(SHOP, "2026-11-22 08:00", resolve).await;
    assert_eq!(discrepancies(&system, &[], false, &resolved.position).await.len(), 0);
    let found = discrepancies(&system, &[Violation], true, "").await;
    let looked_at = found.iter().find(|one| one.state() == DiscrepancyState::Resolved).unwrap();
    assert_eq!(looked_at.resolution, "cân lại: đã bán 12 kg");
    system.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn crates_returns_and_temperatures_are_kept_and_shown() {
    let system = System::start().await;
    system.record(COOP, "2026-11-20 06:00", harvest("A", 100_000)).await;
    let pack = Pack { site: "FA1".into(), sscc: CRATE.into(), lines: lines(&[("A", 30_000)]), unit_ssccs: Vec::new() };
    let packed = system.record(COOP, "2026-11-20 08:00", Action::Pack(pack)).await;
    let mut safety = SafetyServiceClient::new(system.channel.clone());
    let request = |at_least: &str| GetUnitRequest { sscc: CRATE.into(), at_least: at_least.into() };
    let unit = safety.get_unit(request(&packed.position)).await.unwrap().into_inner();
    assert_eq!((unit.site_code.as_str(), unit.lots[0].quantity_milli), ("FA1", 30_000));
    let Action::Dispatch(sent) = dispatch("PX-1", "SM1", &[]) else { unreachable!("it is one") };
    let sent = Action::Dispatch(Dispatch { sscc: CRATE.into(), consignment: true, ..sent });
    let sent = system.record(COOP, "2026-11-20 20:00", sent).await;
    let shipment = system.shipment("PX-1", &sent.position).await;
    assert!(shipment.consignment && shipment.lines[0].open_milli == 30_000);
    system.record(SHOP, "2026-11-21 05:00", receive("PX-1", &[])).await;
    let emptied = Unpack { site: "SM1".into(), sscc: CRATE.into(), everything: true, ..Unpack::default() };
    let emptied = system.record(SHOP, "2026-11-21 06:00", Action::Unpack(emptied)).await;
    assert_eq!(safety.get_unit(request(&emptied.position)).await.unwrap().into_inner().lots.len(), 0);
    system.record(SHOP, "2026-11-21 09:00", sell("SM1", &[("A", 30_000)])).await;
    let back = CustomerReturn { site: "SM1".into(), lines: lines(&[("A", 1_000)]), reason: ReturnReason::Quality.into() };
    let back = system.record(SHOP, "2026-11-21 17:00", Action::CustomerReturn(back)).await;
    assert_eq!(system.stock("SM1", &back.position).await, 1_000);
    let warm = Observe {
        site: "SM1".into(),
        lots: lot("A").into_iter().collect(),
        kind: ObservationKind::Temperature.into(),
        temperature: Some(event::Temperature {
            milli_celsius: 12_500,
            min_milli_celsius: Some(2_000),
            max_milli_celsius: Some(8_000),
        }),
        ..Observe::default()
    };
    system.record(SHOP, "2026-11-21 18:00", Action::Observe(warm)).await;
    let held = system.record(SHOP, "2026-11-21 19:00", hold("A", "SM1")).await;
    assert_eq!(objections(&check(&system, "A", "SM1", "2026-11-21", &held.position).await), [Objection::Held]);
    assert!(check(&system, "A", "SM2", "2026-11-21", "").await.findings.iter().all(|it| it.objection() == Objection::NotThere));
    let found = discrepancies(&system, &[DiscrepancyKind::NonConformant], false, "").await;
    assert_eq!(found[0].lots.len(), 1);
    // A truck turned round: back at the farm, and nothing on the road.
    system.record(COOP, "2026-11-22 05:00", dispatch("PX-2", "SM2", &[("A", 20_000)])).await;
    let reference = ShipmentReference { issuer: COOP.into(), shipment_code: "PX-2".into(), ..ShipmentReference::default() };
    let cancel = CancelShipment { shipment: Some(reference), everything: true, reason: "hỏng xe".into(), ..Default::default() };
    let cancelled = system.record(COOP, "2026-11-22 06:00", Action::CancelShipment(cancel)).await;
    assert_eq!(system.stock("FA1", &cancelled.position).await, 70_000);
    assert_eq!(system.shipment("PX-2", "").await.lines[0].open_milli, 0);
    let request = TraceLotRequest { lot_code: "A".into(), ..TraceLotRequest::default() };
    let trace = TraceServiceClient::new(system.channel.clone()).trace_lot(request).await.unwrap().into_inner();
    let kinds: Vec<_> = trace.events.iter().map(|event| event.kind()).collect();
    for kind in [
        EventKind::Packed,
        EventKind::Unpacked,
        EventKind::CustomerReturned,
        EventKind::Observed,
        EventKind::Held,
        EventKind::ShipmentCancelled,
    ] {
        assert!(kinds.contains(&kind), "{kind:?}");
    }
    system.verify().await;
}
