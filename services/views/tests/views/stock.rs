//! What StockService answers.

use crate::book::*;
use crate::server::Server;
use std::time::Instant;
use tonic::Code;
use views::{Writer, database};
use wire::proto::chuoi::event::v1::SiteKind;
use wire::proto::chuoi::stock::v1::stock_service_client::StockServiceClient;
use wire::proto::chuoi::stock::v1::*;

type Client = StockServiceClient<tonic::service::Routes>;

async fn serve(server: &Server, book: &Book) -> Client {
    Writer::open(&server.settings).await.unwrap().apply(&book.entries).await.unwrap();
    StockServiceClient::new(views::services(database::connect(&server.settings).unwrap()))
}

fn stocked() -> Book {
    let mut book = Book::small();
    let (a, b, bag) = (lot("A", "RAU"), lot("B", "RAU"), lot("BAG", "TUI"));
    let noon = book.at("2026-11-20T12:00+07:00");
    book.say("HTX1", &noon, opened(&a, "S1", 12_345));
    book.say("HTX1", &noon, opened(&b, "S1", 2_000));
    book.say("HTX1", &noon, opened(&bag, "S1", 4_000));
    book.say("HTX1", &noon, opened(&a, "S2", 1_000));
    book.say("HTX1", &noon, harvested(&lot("C", "RAU"), "F1", 50_000));
    book.say("HTX1", &noon, dispatched("PXK-1", "F1", "S1", &[(&lot("C", "RAU"), 25_000)]));
    book
}

fn shown(rows: &[StockRow]) -> Vec<(String, String, i64)> {
    let key = |row: &StockRow| {
        let parts = [&row.site_code, &row.chain_code, &row.product_code, &row.lot_code, &row.district_code];
        let channel = if row.channel == 0 { String::new() } else { row.channel().as_str_name().replace("SITE_KIND_", "") };
        parts.into_iter().chain([&channel]).filter(|part| !part.is_empty()).cloned().collect::<Vec<_>>().join("/")
    };
    rows.iter().map(|row| (key(row), row.unit.clone(), row.quantity_milli)).collect()
}

#[tokio::test]
async fn stock_is_summed_by_any_keys_and_units_are_never_added() {
    use StockKey::*;
    let server = Server::start().await;
    let mut client = serve(&server, &stocked()).await;
    let filter = |filter: StockFilter| Some(filter);
    let shops = StockFilter { channels: vec![SiteKind::Supermarket.into(), SiteKind::GeneralStore.into()], ..Default::default() };
    #[rustfmt::skip] // Columns.
    type Rows = Vec<(&'static str, &'static str, i64)>;
    let cases: Vec<(Option<StockFilter>, Vec<StockKey>, Rows)> = vec![
        (filter(shops.clone()), vec![], [("", "H87", 4_000), ("", "KGM", 15_345)].to_vec()),
        (None, vec![], [("", "H87", 4_000), ("", "KGM", 40_345)].to_vec()),
        (filter(shops.clone()), vec![District], [("001", "H87", 4_000), ("001", "KGM", 14_345), ("002", "KGM", 1_000)].to_vec()),
        (
            filter(shops.clone()),
            vec![Channel, Chain],
            [("CH1/GENERAL_STORE", "KGM", 1_000), ("CH1/SUPERMARKET", "H87", 4_000), ("CH1/SUPERMARKET", "KGM", 14_345)].to_vec(),
        ),
        (
            filter(StockFilter { sites: vec!["9521410000011".into()], ..Default::default() }),
            vec![Product],
            [("RAU", "KGM", 14_345), ("TUI", "H87", 4_000)].to_vec(),
        ),
        (
            filter(StockFilter { products: vec!["9521415000016".into()], ..Default::default() }),
            vec![Product],
            [("TUI", "H87", 4_000)].to_vec(),
        ),
        (
            filter(StockFilter { lots: vec!["A".into()], ..Default::default() }),
            vec![Site],
            [("S1/001/SUPERMARKET", "KGM", 12_345), ("S2/002/GENERAL_STORE", "KGM", 1_000)].to_vec(),
        ),
        (
            filter(StockFilter { sites: vec!["s2".into()], ..Default::default() }),
            vec![Lot],
            [("CH1/RAU/A", "KGM", 1_000)].to_vec(),
        ),
    ];
    for (filter, group_by, expected) in cases {
        let request =
            QueryStockRequest { filter, group_by: group_by.iter().map(|key| (*key).into()).collect(), ..Default::default() };
        let answer = client.query_stock(request.clone()).await.unwrap().into_inner();
        let expected: Vec<_> = expected.into_iter().map(|(key, unit, milli)| (key.to_owned(), unit.to_owned(), milli)).collect();
        assert_eq!(shown(&answer.rows), expected, "{request:?}");
        let mut totals = std::collections::BTreeMap::<_, i64>::new();
        expected.iter().for_each(|(_, unit, milli)| *totals.entry(unit.clone()).or_default() += milli);
        let answered: Vec<_> = answer.totals.iter().map(|total| (total.unit.clone(), total.quantity_milli)).collect();
        assert_eq!(answered, totals.into_iter().collect::<Vec<_>>(), "{request:?}");
    }
}

#[tokio::test]
async fn a_mass_is_an_estimate_beside_the_quantity() {
    let server = Server::start().await;
    let mut client = serve(&server, &stocked()).await;
    let filter = Some(StockFilter { sites: vec!["S1".into()], ..Default::default() });
    let answer = client.query_stock(QueryStockRequest { filter, ..Default::default() }).await.unwrap().into_inner();
    // Four bags of 500 g, and 14.345 kg.
    let masses: Vec<_> = answer.rows.iter().map(|row| (row.estimated_mass_gram, row.unknown_mass_milli)).collect();
    assert_eq!(masses, [(2_000, 0), (14_345, 0)]);
}

#[tokio::test]
async fn pages_survive_what_comes_in_between() {
    let server = Server::start().await;
    let mut book = stocked();
    let mut client = serve(&server, &book).await;
    let request =
        QueryStockRequest { group_by: vec![StockKey::Site.into(), StockKey::Lot.into()], page_size: 2, ..Default::default() };
    let first = client.query_stock(request.clone()).await.unwrap().into_inner();
    assert_eq!(first.rows.len(), 2);
    let noon = book.at("2026-11-21T12:00+07:00");
    // One row before the page's end, one after it, and one of the page's own leaves.
    let known = book.entries.len();
    book.say("HTX1", &noon, harvested(&lot("D", "RAU"), "F1", 1_000));
    book.say("HTX1", &noon, opened(&lot("E", "RAU"), "S2", 1_000));
    book.say("HTX1", &noon, sold("F1", &[(&lot("C", "RAU"), 25_000)]));
    Writer::open(&server.settings).await.unwrap().apply(&book.entries[known..]).await.unwrap();
    let mut rows = first.rows.clone();
    let mut token = first.next_page_token;
    while !token.is_empty() {
        let next = client.query_stock(QueryStockRequest { page_token: token, ..request.clone() }).await.unwrap().into_inner();
        rows.extend(next.rows);
        token = next.next_page_token;
    }
    let mut keys: Vec<_> = rows.iter().map(|row| (row.site_code.clone(), row.lot_id.clone())).collect();
    let listed = keys.len();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), listed, "no row twice");
    let at_shops = rows.iter().filter(|row| row.site_code.starts_with('S')).count();
    assert_eq!(at_shops, 5, "no row left out");
    let other = QueryStockRequest {
        page_token: client.query_stock(request.clone()).await.unwrap().into_inner().next_page_token,
        ..Default::default()
    };
    assert_eq!(client.query_stock(other).await.unwrap_err().code(), Code::InvalidArgument);
}

#[tokio::test]
async fn what_is_not_known_or_beyond_a_limit_is_refused_by_name() {
    let server = Server::start().await;
    let mut client = serve(&server, &stocked()).await;
    let filtered = |filter| QueryStockRequest { filter: Some(filter), ..Default::default() };
    for (request, code, says) in [
        (filtered(StockFilter { sites: vec!["S9".into()], ..Default::default() }), Code::NotFound, "site \"S9\""),
        (filtered(StockFilter { lots: vec!["Z".into()], ..Default::default() }), Code::NotFound, "lot \"Z\""),
        (filtered(StockFilter { channels: vec![99], ..Default::default() }), Code::InvalidArgument, "filter.channels"),
        (filtered(StockFilter { sites: vec!["S1".into(); 1_001], ..Default::default() }), Code::InvalidArgument, "at most 1000"),
        (QueryStockRequest { page_size: 5_001, ..Default::default() }, Code::InvalidArgument, "1 to 5000"),
        (QueryStockRequest { group_by: vec![0], ..Default::default() }, Code::InvalidArgument, "group_by"),
        (QueryStockRequest { at_least: "soon".into(), ..Default::default() }, Code::InvalidArgument, "at_least"),
    ] {
        let status = client.query_stock(request.clone()).await.unwrap_err();
        assert_eq!(status.code(), code, "{request:?}: {status}");
        assert!(status.message().contains(says), "{status}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_query_waits_for_its_position_and_not_for_ever() {
    let server = Server::start().await;
    let mut book = stocked();
    let mut client = serve(&server, &book).await;
    let noon = book.at("2026-11-21T12:00+07:00");
    let known = book.entries.len();
    book.say("HTX1", &noon, harvested(&lot("D", "RAU"), "P1", 1_000));
    let position = |sequence| stream::Position::new(JOURNAL, sequence).to_string();
    let request = QueryStockRequest {
        filter: Some(StockFilter { sites: vec!["P1".into()], ..Default::default() }),
        at_least: position(book.entries.len() as u64),
        ..Default::default()
    };
    let waiting = {
        let (mut client, request) = (client.clone(), request.clone());
        tokio::spawn(async move { client.query_stock(request).await })
    };
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    assert!(!waiting.is_finished());
    Writer::open(&server.settings).await.unwrap().apply(&book.entries[known..]).await.unwrap();
    let answer = waiting.await.unwrap().unwrap().into_inner();
    assert_eq!(answer.rows[0].quantity_milli, 1_000);
    assert_eq!(answer.position, position(book.entries.len() as u64));

    let begun = Instant::now();
    let ahead = QueryStockRequest { at_least: position(1_000), ..request.clone() };
    let status = client.query_stock(ahead).await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert!(status.message().contains(&position(1_000)) && status.message().contains(&answer.position), "{status}");
    assert!(begun.elapsed().as_secs() < 8);
    let elsewhere = stream::Position::new(uuid::Uuid::from_u128(9), 1).to_string();
    let status = client.query_stock(QueryStockRequest { at_least: elsewhere, ..request }).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
}

#[tokio::test]
async fn shipments_show_what_is_on_the_road_and_what_became_of_it() {
    let server = Server::start().await;
    let mut book = Book::small();
    let a = lot("A", "RAU");
    let noon = book.at("2026-11-20T12:00+07:00");
    let night = book.at("2026-11-20T22:00+07:00");
    book.say("HTX1", &noon, harvested(&a, "F1", 200_000));
    book.say("HTX1", &noon, dispatched("PXK-1", "F1", "S1", &[(&a, 100_000)]));
    book.say("BLE1", &night, received("PXK-1", "S1", &[(&a, 30_000)]));
    book.say("BLE1", &night, refused("PXK-1", "S1", &[(&a, 8_000)], Some(("BACK", "F1"))));
    book.say("BLE1", &night, short("PXK-1", "S1", &[(&a, 2_000)]));
    book.say("BLE1", &night, received_unmatched("PXK-9", "S2", &[(&a, 5_000)]));
    let voided = book.say("HTX1", &night, dispatched("PXK-2", "F1", "S2", &[(&a, 1_000)]));
    book.take_back("HTX1", &night, voided, vec![]);
    book.say("HTX1", &night, dispatched("PXK-3", "F1", "S2", &[(&a, 1_000)]));
    book.say("BLE1", &night, received("PXK-3", "S2", &[(&a, 1_000)]));
    let mut client = serve(&server, &book).await;
    let now: jiff::Timestamp = "2026-11-21T12:00+07:00".parse().unwrap();
    let now_time = Some(prost_types::Timestamp { seconds: now.as_second(), nanos: 0 });
    let list = |state: ShipmentState, hours| ListShipmentsRequest {
        state: state.into(),
        older_than_hours: hours,
        now_time,
        ..Default::default()
    };

    let open = client.list_shipments(list(ShipmentState::Open, 0)).await.unwrap().into_inner();
    let seen: Vec<_> = open.shipments.iter().map(|it| (it.shipment_code.as_str(), it.age_hours, it.is_return)).collect();
    assert_eq!(seen, [("", 14, true), ("PXK-1", 24, false)], "newest first; a return has no code of its own");
    assert_eq!(open.in_transit.iter().map(|total| total.quantity_milli).collect::<Vec<_>>(), [68_000]);
    let line = &open.shipments[1].lines[0];
    assert_eq!(
        (line.sent_milli, line.received_milli, line.refused_milli, line.short_milli, line.open_milli),
        (100_000, 30_000, 8_000, 2_000, 60_000)
    );
    let of = &open.shipments[1];
    assert_eq!(
        (of.from_organization_code.as_str(), of.to_organization_code.as_str(), of.trip_id.as_str()),
        ("HTX1", "BLE1", "XE-1")
    );

    for (state, hours, codes) in [
        (ShipmentState::Open, 20, vec!["PXK-1"]),
        (ShipmentState::Unmatched, 0, vec!["PXK-9"]),
        (ShipmentState::Voided, 0, vec!["PXK-2"]),
        (ShipmentState::Closed, 0, vec!["PXK-3"]),
        (ShipmentState::Unspecified, 0, vec!["PXK-3", "PXK-2", "PXK-9", "", "PXK-1"]),
    ] {
        let answer = client.list_shipments(list(state, hours)).await.unwrap().into_inner();
        let seen: Vec<_> = answer.shipments.iter().map(|it| it.shipment_code.as_str()).collect();
        assert_eq!(seen, codes, "{state:?}");
        assert_eq!(answer.total_shipments, codes.len() as i64);
    }
    let coded = ListShipmentsRequest { shipment_code: "PXK-2".into(), ..list(ShipmentState::Unspecified, 0) };
    let coded = client.list_shipments(coded).await.unwrap().into_inner();
    assert_eq!((coded.shipments[0].shipment_code.as_str(), coded.total_shipments), ("PXK-2", 1));
    let paged = ListShipmentsRequest { page_size: 2, ..list(ShipmentState::Unspecified, 0) };
    let first = client.list_shipments(paged.clone()).await.unwrap().into_inner();
    let second =
        client.list_shipments(ListShipmentsRequest { page_token: first.next_page_token, ..paged }).await.unwrap().into_inner();
    assert_eq!(second.shipments.iter().map(|it| it.shipment_code.as_str()).collect::<Vec<_>>(), ["PXK-9", ""]);

    let by_code = GetShipmentRequest { issuer_code: "HTX1".into(), shipment_code: "PXK-1".into(), ..Default::default() };
    let got = client.get_shipment(by_code).await.unwrap().into_inner().shipment.unwrap();
    let by_id = GetShipmentRequest { shipment_id: got.shipment_id.clone(), ..Default::default() };
    assert_eq!(client.get_shipment(by_id).await.unwrap().into_inner().shipment.unwrap().lines, got.lines);
    let none = GetShipmentRequest { issuer_code: "HTX1".into(), shipment_code: "NONE".into(), ..Default::default() };
    assert_eq!(client.get_shipment(none).await.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn lots_are_listed_by_expiry_with_days_left() {
    let server = Server::start().await;
    let mut book = Book::small();
    let noon = book.at("2026-11-20T12:00+07:00");
    let expiring = |code: &str, expiry: Option<&str>| domain::event::Lot { expiry: expiry.map(day), ..lot(code, "RAU") };
    book.say("HTX1", &noon, opened(&expiring("LATER", Some("2026-11-28")), "S1", 1_000));
    book.say("HTX1", &noon, opened(&expiring("TODAY", Some("2026-11-25")), "S1", 2_000));
    book.say("HTX1", &noon, opened(&expiring("GONE", Some("2026-11-24")), "S2", 3_000));
    book.say("HTX1", &noon, opened(&expiring("EVER", None), "S2", 4_000));
    let mut client = serve(&server, &book).await;
    let request = ListLotsByExpiryRequest { today_date: "2026-11-25".into(), ..Default::default() };
    let answer = client.list_lots_by_expiry(request.clone()).await.unwrap().into_inner();
    let left = |answer: &ListLotsByExpiryResponse| -> Vec<(String, i32)> {
        answer.lots.iter().map(|lot| (lot.stock.as_ref().unwrap().lot_code.clone(), lot.days_left)).collect()
    };
    assert_eq!(left(&answer), [("GONE".into(), 0), ("TODAY".into(), 1), ("LATER".into(), 4)]);
    assert_eq!(answer.totals[0].quantity_milli, 6_000);
    let soon = ListLotsByExpiryRequest { expiring_before_date: "2026-11-26".into(), page_size: 1, ..request };
    let first = client.list_lots_by_expiry(soon.clone()).await.unwrap().into_inner();
    assert_eq!(first.totals[0].quantity_milli, 5_000);
    let second = client
        .list_lots_by_expiry(ListLotsByExpiryRequest { page_token: first.next_page_token, ..soon })
        .await
        .unwrap()
        .into_inner();
    assert_eq!(left(&second), [("TODAY".into(), 1)]);
    assert_eq!((second.next_page_token.as_str(), second.totals.len()), ("", 0), "sums come with the first page");
}

#[tokio::test]
async fn the_summary_adds_up_and_sees_when_it_does_not() {
    let server = Server::start().await;
    let mut book = stocked();
    let noon = book.at("2026-11-20T13:00+07:00");
    book.say("BLE1", &noon, sold("S1", &[(&lot("A", "RAU"), 2_345)]));
    let wrong = book.say("BLE1", &noon, wasted("S1", &[(&lot("A", "RAU"), 1_000)]));
    book.take_back("BLE1", &noon, wrong, vec![]);
    let mut client = serve(&server, &book).await;
    let summary = client.get_summary(GetSummaryRequest::default()).await.unwrap().into_inner();
    assert!(summary.conservation_holds);
    assert_eq!((summary.entries, summary.commands, summary.events, summary.registry_events), (11, 10, 9, 15));
    assert_eq!((summary.chains, summary.products, summary.organizations, summary.lots, summary.open_shipments), (2, 2, 3, 4, 1));
    let kg = summary.units.iter().find(|unit| unit.unit == "KGM").unwrap();
    let reasons = |of: &[ReasonQuantity]| -> Vec<_> { of.iter().map(|it| (it.reason(), it.quantity_milli)).collect() };
    assert_eq!(reasons(&kg.entered), [(OutsideReason::Harvested, 50_000), (OutsideReason::Opening, 15_345)]);
    assert_eq!(reasons(&kg.left), [(OutsideReason::Sold, 2_345)], "what was voided leaves nothing");
    assert_eq!((kg.on_shelves_milli, kg.in_transit_milli), (13_000, 25_000));

    server
        .client(&server.settings)
        .await
        .execute("UPDATE stock SET quantity_milli = quantity_milli + 1 WHERE site_code = 'F1'", &[])
        .await
        .unwrap();
    let summary = client.get_summary(GetSummaryRequest::default()).await.unwrap().into_inner();
    assert!(!summary.conservation_holds);
    assert_eq!(summary.unbalanced_lot_ids, [lot("C", "RAU").id.to_string()]);
}
