//! Orders: what was ordered, what was sent and accepted for it, and the fill rate against orders.

use crate::system::*;
use wire::proto::chuoi::record::v1::command::Action;
use wire::proto::chuoi::record::v1::*;
use wire::proto::chuoi::report::v1::report_service_client::ReportServiceClient;
use wire::proto::chuoi::report::v1::{ListOrdersRequest, OrderRow, OrderState};
use wire::proto::chuoi::throughput::v1::throughput_service_client::ThroughputServiceClient;
use wire::proto::chuoi::throughput::v1::{Measure, QueryMeasuresRequest, ThroughputKey};

fn order(code: &str, site: &str, due: &str, milli: i64) -> Action {
    Action::PlaceOrder(PlaceOrder {
        site: site.into(),
        order_code: code.into(),
        chain: "CH1".into(),
        due_date: due.into(),
        lines: vec![OrderLine { product: "rau muong".into(), quantity: quantity(milli) }],
    })
}

fn serving(code: &str, action: Action) -> Action {
    let order = Some(OrderReference { buyer: SHOP.into(), order_code: code.into(), ..OrderReference::default() });
    match action {
        Action::Dispatch(dispatch) => Action::Dispatch(Dispatch { order, ..dispatch }),
        other => other,
    }
}

async fn orders(system: &System, request: ListOrdersRequest) -> Vec<OrderRow> {
    ReportServiceClient::new(system.channel.clone()).list_orders(request).await.unwrap().into_inner().rows
}

/// Of 100 kg ordered 80 are sent, of which 20 are refused: 60 of 100 are filled, and 40 have to be sent still. An order that nobody
/// serves counts as nothing, one that was voided does not count at all.
#[tokio::test(flavor = "multi_thread")]
async fn orders_are_filled_by_what_was_accepted_of_what_was_sent_for_them() {
    let system = System::start().await;
    system.record(COOP, "2024-03-01 04:00", harvest("T1", 500_000)).await;
    system.record(SHOP, "2024-03-01 08:00", order("D1", "SM1", "2024-03-03", 100_000)).await;
    system.record(SHOP, "2024-03-01 08:05", order("D2", "SM2", "2024-03-04", 50_000)).await;
    let mistaken = system.send(SHOP, command("2024-03-01 08:10", order("D3", "SM2", "2024-03-04", 70_000))).await;
    system.record(COOP, "2024-03-02 04:00", serving("D1", dispatch("PX-1", "SM1", &[("T1", 80_000)]))).await;
    system.record(COOP, "2024-03-02 04:10", dispatch("PX-2", "SM1", &[("T1", 10_000)])).await;
    let back = RefuseDelivery {
        shipment: Some(ShipmentReference { issuer: COOP.into(), shipment_code: "PX-1".into(), ..Default::default() }),
        lines: lines(&[("T1", 20_000)]),
        reason: wire::proto::chuoi::event::v1::RefusalReason::Quality.into(),
        ..Default::default()
    };
    system.record(SHOP, "2024-03-02 07:00", Action::RefuseDelivery(back)).await;
    system.record(SHOP, "2024-03-02 07:05", receive("PX-1", &[])).await;
    let at_least = system.record(SHOP, "2024-03-02 07:10", receive("PX-2", &[])).await.position;

    let said = |row: &OrderRow| {
        (row.order_code.clone(), row.sent_milli, row.accepted_milli, row.unsent_milli, row.fill_basis_points, row.state())
    };
    let found: Vec<_> = orders(&system, ListOrdersRequest { at_least, ..Default::default() }).await.iter().map(said).collect();
    let d1 = ("D1".to_owned(), 80_000, 60_000, 40_000, Some(6_000), OrderState::Overdue);
    let d2 = ("D2".to_owned(), 0, 0, 50_000, Some(0), OrderState::Overdue);
    assert_eq!(found, [d1.clone(), d2.clone(), ("D3".to_owned(), 0, 0, 70_000, Some(0), OrderState::Overdue)]);

    // A truck that turns round leaves everything to be sent again.
    system.record(COOP, "2024-03-02 09:00", serving("D2", dispatch("PX-3", "SM2", &[("T1", 50_000)]))).await;
    let cancel = CancelShipment {
        shipment: Some(ShipmentReference { issuer: COOP.into(), shipment_code: "PX-3".into(), ..Default::default() }),
        everything: true,
        reason: "hỏng xe".into(),
        ..Default::default()
    };
    let at_least = system.record(COOP, "2024-03-02 10:00", Action::CancelShipment(cancel)).await.position;
    let turned: Vec<_> = orders(&system, ListOrdersRequest { at_least, ..Default::default() }).await.iter().map(said).collect();
    assert_eq!(turned[1], ("D2".to_owned(), 50_000, 0, 50_000, Some(0), OrderState::Overdue));

    // It was an error, and the second is closed.
    let recorded = mistaken.recorded.unwrap();
    let void = Action::Void(Void { command_id: recorded.command_id, reason: "gõ nhầm".into() });
    system.record(SHOP, "2024-03-02 08:00", void).await;
    let order = Some(OrderReference { order_code: "D2".into(), ..OrderReference::default() });
    let close = Action::CloseOrder(CloseOrder { order, reason: "đủ hàng".into() });
    let at_least = system.record(SHOP, "2024-03-02 08:05", close).await.position;
    let asked = ListOrdersRequest { at_least: at_least.clone(), ..Default::default() };
    let found: Vec<_> = orders(&system, asked.clone()).await.iter().map(said).collect();
    assert_eq!(found, [d1.clone(), (d2.0, 50_000, 0, 50_000, Some(0), OrderState::Closed)]);
    let open: Vec<_> = orders(&system, ListOrdersRequest { open_only: true, ..asked }).await.iter().map(said).collect();
    assert_eq!(open, [d1]);

    // By chain and channel, on the days by which they were due: 60 of 150, beside 70 of the 140 that left.
    let request = QueryMeasuresRequest {
        from_date: "2024-03-01".into(),
        to_date: "2024-03-31".into(),
        group_by: vec![ThroughputKey::Chain.into(), ThroughputKey::Channel.into()],
        measures: vec![Measure::FillRate.into()],
        at_least,
        ..Default::default()
    };
    let rows = ThroughputServiceClient::new(system.channel.clone()).query_measures(request).await.unwrap().into_inner().rows;
    let [row] = rows.as_slice() else { panic!("one chain and channel: {rows:?}") };
    let measures = row.measures.clone().unwrap();
    // What turned round was dispatched, too.
    assert_eq!((measures.dispatched_milli, measures.accepted_milli, measures.fill_basis_points), (140_000, 70_000, Some(5_000)));
    let against_orders = (measures.ordered_milli, measures.ordered_accepted_milli, measures.order_fill_basis_points);
    assert_eq!(against_orders, (150_000, 60_000, Some(4_000)));
    assert_eq!((measures.received_milli, measures.entered_milli), (0, 0), "what was not asked for is not read");
    assert_eq!(system.verify().await.differences, []);
}

/// Of 700 orders of two lines each the first 660 are closed: whoever pages through those that are open meets each line once, in the
/// order of the days by which they are due, however small the pages.
#[tokio::test(flavor = "multi_thread")]
async fn the_pages_of_open_orders_are_the_whole_list_once_among_many_that_are_closed() {
    let system = System::start().await;
    let fact = Register { fact: Some(register::Fact::Product(second_product())) };
    system.record(AUTHORITY, "2020-01-01", Action::Register(fact)).await;
    let due = |number: usize| format!("2024-04-{:02}", 1 + number / 35);
    let placed = (0..700).map(|number| {
        let Action::PlaceOrder(mut placed) = order(&format!("D{number:03}"), "SM1", &due(number), 100_000) else {
            unreachable!()
        };
        placed.lines.push(OrderLine { product: "PK2".into(), quantity: quantity(50_000) });
        command("2024-03-01 08:00", Action::PlaceOrder(placed))
    });
    // Recorded against the order of their days, and in more than one entry.
    let placed: Vec<Command> = placed.collect::<Vec<_>>().into_iter().rev().collect();
    for part in placed.chunks(100) {
        assert!(system.send_all(SHOP, part.to_vec()).await.iter().all(|outcome| outcome.recorded.is_some()));
    }
    let closed = (0..660).map(|number| {
        let order = Some(OrderReference { order_code: format!("D{number:03}"), ..OrderReference::default() });
        command("2024-03-02 08:00", Action::CloseOrder(CloseOrder { order, reason: "đủ hàng".into() }))
    });
    let outcomes = system.send_all(SHOP, closed.collect()).await;
    let at_least = outcomes.last().and_then(|outcome| outcome.recorded.clone()).unwrap().position;

    for page_size in [7, 1_000] {
        let mut request = ListOrdersRequest { open_only: true, page_size, at_least: at_least.clone(), ..Default::default() };
        let mut found = Vec::new();
        loop {
            let answer =
                ReportServiceClient::new(system.channel.clone()).list_orders(request.clone()).await.unwrap().into_inner();
            found.extend(answer.rows.into_iter().map(|row| (row.due_date, row.order_code, row.product_code)));
            if answer.next_page_token.is_empty() {
                break;
            }
            request.page_token = answer.next_page_token;
        }
        let codes: std::collections::BTreeSet<_> =
            found.iter().map(|(_, order, product)| (order.clone(), product.clone())).collect();
        assert_eq!((found.len(), codes.len()), (80, 80), "{page_size}");
        assert!(found.is_sorted_by_key(|(due, ..)| due.clone()), "{found:?}");
        assert!(codes.iter().all(|(order, _)| order.as_str() >= "D660"), "{codes:?}");
    }
}
