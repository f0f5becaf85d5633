//! What becomes of registered things, as the views answer it: retired, renamed, merged, numbered, in other hands.

use crate::book::*;
use crate::rows;
use crate::server::Server;
use domain::event::registry::*;
use domain::event::{Amount, Fact, LotAmount, Rebooked};
use domain::quantity::Milli;
use domain::unit::BaseUnit;
use tonic::service::Routes;
use views::{Writer, database};
use wire::proto::chuoi::registry::v1 as proto;
use wire::proto::chuoi::registry::v1::registry_service_client::RegistryServiceClient;
use wire::proto::chuoi::stock::v1::stock_service_client::StockServiceClient;
use wire::proto::chuoi::stock::v1::*;
use wire::proto::chuoi::throughput::v1::throughput_service_client::ThroughputServiceClient;
use wire::proto::chuoi::throughput::v1::{QueryThroughputRequest, Stage, ThroughputKey};
use wire::proto::chuoi::trace::v1::TraceLotRequest;
use wire::proto::chuoi::trace::v1::trace_service_client::TraceServiceClient;

async fn serve(server: &Server, book: &Book) -> Routes {
    Writer::open(&server.settings).await.unwrap().apply(&book.entries).await.unwrap();
    views::services(database::connect(&server.settings).unwrap())
}

fn retired(thing: ThingRef) -> RegistryFact {
    RegistryFact::Retired(Retirement { thing, reason: "đóng cửa".into() })
}

fn merged(duplicate: ThingRef, survivor: ThingRef) -> RegistryFact {
    RegistryFact::DuplicateMerged(DuplicateMerged { duplicate, survivor, reason: "đăng ký hai lần".into() })
}

fn attached(thing: ThingRef, number: &str, moved_from: Option<&str>) -> RegistryFact {
    let (number, moved_from) = (number.to_owned(), moved_from.map(str::to_owned));
    RegistryFact::NumberAttached(NumberAttached { thing, number, brand_owner: Some(organization("HTX1")), moved_from })
}

fn at_site(code: &str) -> ThingRef {
    ThingRef::Site(site(code))
}

fn of_product(code: &str) -> ThingRef {
    ThingRef::Product(product(code))
}

/// Shop S9 is S1 once more, by way of S8; product RAU9 is RAU. Goods stand under all of these codes.
fn merging() -> Book {
    let mut book = Book::small();
    book.register(
        "2023-01-01",
        vec![
            site_fact("S8", "Siêu thị trùng", SiteKind::Supermarket, "BLE1", "002", None),
            site_fact("S9", "Siêu thị trùng nữa", SiteKind::Supermarket, "BLE1", "002", Some("9521410000028")),
            product_fact("RAU9", "Rau muống đăng ký lại", "", BaseUnit::Kilogram, 1_000, None),
            organized("HTX9", "HTX trùng", OrganizationKind::Cooperative),
        ],
    );
    let noon = book.at("2026-11-20T12:00+07:00");
    let mut other = lot("A", "RAU9");
    other.issuer = organization("HTX9");
    other.id = domain::id::LotId::derive(&other.issuer, &other.product, &other.code);
    book.say("HTX1", &noon, opened(&lot("A", "RAU"), "S1", 10_000));
    book.say("HTX1", &noon, opened(&lot("A", "RAU"), "S9", 4_000));
    book.say("HTX1", &noon, opened(&other, "S8", 2_000));
    book.say("HTX1", &noon, opened(&lot("B", "RAU"), "S2", 1_000));
    book.say("BLE1", &noon, sold("S9", &[(&lot("A", "RAU"), 1_000)]));
    book.register("2026-11-21", vec![merged(at_site("S9"), at_site("S8")), merged(at_site("S8"), at_site("S1"))]);
    book.register("2026-11-21", vec![merged(of_product("RAU9"), of_product("RAU"))]);
    book.register(
        "2026-11-21",
        vec![merged(ThingRef::Organization(organization("HTX9")), ThingRef::Organization(organization("HTX1")))],
    );
    book
}

#[tokio::test]
async fn what_stands_under_a_duplicates_code_counts_under_the_survivors() {
    let server = Server::start().await;
    let mut book = merging();
    // Part of it was brought under the surviving code by a command that spoke of it.
    let lines = vec![LotAmount { lot: lot("A", "RAU").id, amount: Amount::from(Milli(500)) }];
    let noon = book.at("2026-11-22T12:00+07:00");
    book.say("BLE1", &noon, Fact::Rebooked(Rebooked { from: site("S9"), to: site("S1"), lines }));
    let services = serve(&server, &book).await;
    let mut stock = StockServiceClient::new(services.clone());
    for given in ["S1", "s9", "S8", "9521410000028", "9521410000011"] {
        for product in ["", "RAU", "RAU9"] {
            let products = if product.is_empty() { vec![] } else { vec![product.to_owned()] };
            let request = QueryStockRequest {
                filter: Some(StockFilter { sites: vec![given.into()], products, ..Default::default() }),
                group_by: vec![StockKey::Site.into(), StockKey::Product.into()],
                ..Default::default()
            };
            let answer = stock.query_stock(request).await.unwrap().into_inner();
            let rows: Vec<_> = answer
                .rows
                .iter()
                .map(|row| (row.site_code.as_str(), row.site_name.as_str(), row.product_code.as_str(), row.quantity_milli))
                .collect();
            assert_eq!(rows, [("S1", "Siêu thị Ba Đình", "RAU", 15_000)], "{given} {product}");
        }
    }
    let by_lot = QueryStockRequest { group_by: vec![StockKey::Site.into(), StockKey::Lot.into()], ..Default::default() };
    let rows = stock.query_stock(by_lot).await.unwrap().into_inner().rows;
    let mut seen: Vec<_> =
        rows.iter().map(|row| (row.site_code.as_str(), row.issuer_code.as_str(), row.quantity_milli)).collect();
    seen.sort();
    assert_eq!(seen, [("S1", "HTX1", 13_000), ("S1", "HTX9", 2_000), ("S2", "HTX1", 1_000)], "lots keep their names");

    let mut throughput = ThroughputServiceClient::new(services.clone());
    let request = QueryThroughputRequest {
        sites: vec!["S9".into()],
        group_by: vec![ThroughputKey::Site.into(), ThroughputKey::Product.into()],
        ..Default::default()
    };
    let rows = throughput.query_throughput(request).await.unwrap().into_inner().rows;
    let seen: Vec<_> =
        rows.iter().map(|row| (row.stage(), row.site_code.as_str(), row.product_code.as_str(), row.quantity_milli)).collect();
    assert_eq!(seen, [(Stage::Opened, "S1", "RAU", 16_000), (Stage::Sold, "S1", "RAU", 1_000)]);

    let mut trace = TraceServiceClient::new(services);
    for (issuer, product, lots) in [
        ("HTX9", "RAU9", vec!["HTX9"]),
        ("HTX1", "RAU", vec!["HTX1"]),
        ("", "RAU9", vec!["HTX9"]),
        ("HTX1", "", vec!["HTX1"]),
        ("", "", vec!["HTX1", "HTX9"]),
        ("HTX1", "RAU9", vec!["HTX1", "HTX9"]), // Neither was begun so: either may be meant.
    ] {
        let request =
            TraceLotRequest { lot_code: "A".into(), issuer_code: issuer.into(), product: product.into(), ..Default::default() };
        let answer = trace.trace_lot(request).await.unwrap().into_inner();
        let found = answer.lot.iter().chain(&answer.candidates).map(|lot| lot.issuer_code.as_str()).collect::<Vec<_>>();
        assert_eq!(found, lots, "{issuer}/{product}/A");
    }
}

#[tokio::test]
async fn a_lot_under_both_codes_of_a_site_expires_there_once() {
    let server = Server::start().await;
    let mut book = merging();
    let noon = book.at("2026-11-20T12:00+07:00");
    let expiring = domain::event::Lot { expiry: Some(day("2026-11-28")), ..lot("E", "RAU") };
    book.say("HTX1", &noon, opened(&expiring, "S1", 3_000));
    book.say("HTX1", &noon, opened(&expiring, "S9", 2_000));
    book.say("HTX1", &noon, opened(&expiring, "S2", 1_000));
    let mut stock = StockServiceClient::new(serve(&server, &book).await);
    let (mut seen, mut page_token) = (Vec::new(), String::new());
    for _ in 0..2 {
        let request = ListLotsByExpiryRequest { page_size: 1, page_token, ..Default::default() };
        let answer = stock.list_lots_by_expiry(request).await.unwrap().into_inner();
        seen.extend(answer.lots.into_iter().filter_map(|lot| lot.stock).map(|row| (row.site_code, row.quantity_milli)));
        page_token = answer.next_page_token;
    }
    assert_eq!(seen, [("S1".to_owned(), 5_000), ("S2".to_owned(), 1_000)]);
}

#[tokio::test]
async fn rows_of_merges_do_not_depend_on_how_batches_fell() {
    let server = Server::start().await;
    let mut book = merging();
    book.register("2026-11-22", vec![retired(at_site("S2")), attached(of_product("RAU"), "09521415000023", None)]);
    let mut found = Vec::new();
    for size in [1, 3, book.entries.len()] {
        let settings = server.tables(&format!("by_{size}")).await;
        let mut writer = Writer::open(&settings).await.unwrap();
        for batch in book.entries.chunks(size) {
            writer.apply(batch).await.unwrap();
        }
        found.push(rows::all(&server, &settings).await);
    }
    assert_eq!(found[0]["merged"].len(), 4);
    assert!(found.iter().all(|rows| *rows == found[0]));
}

#[tokio::test]
async fn what_is_retired_or_merged_is_shown_when_it_is_asked_for_and_an_old_code_still_resolves() {
    let server = Server::start().await;
    let mut book = merging();
    book.register(
        "2026-11-22",
        vec![retired(at_site("S2")), retired(ThingRef::Chain(domain::id::ChainCode::parse("CH2").unwrap()))],
    );
    book.register("2999-01-01", vec![retired(at_site("F1"))]);
    let mut client = RegistryServiceClient::new(serve(&server, &book).await);
    let codes = |sites: Vec<proto::Site>| sites.into_iter().map(|site| site.registered.unwrap().site_code).collect::<Vec<_>>();
    let listed = client.list_sites(proto::ListSitesRequest::default()).await.unwrap().into_inner();
    assert_eq!((codes(listed.sites), listed.total), (vec!["F1".into(), "P1".into(), "S1".into()], 3));
    let all = proto::ListSitesRequest { include_retired: true, ..Default::default() };
    let listed = client.list_sites(all).await.unwrap().into_inner().sites;
    let standing: Vec<_> = listed
        .iter()
        .map(|site| {
            (
                site.standing.as_ref().unwrap().retired_from_date.as_str(),
                site.standing.as_ref().unwrap().merged_into_code.as_str(),
            )
        })
        .collect();
    assert_eq!(standing, [("", ""), ("", ""), ("", ""), ("2026-11-22", ""), ("", "S1"), ("", "S1")]);
    assert_eq!(client.list_chains(proto::ListChainsRequest::default()).await.unwrap().into_inner().total, 1);

    for name in ["S9", "S1", "9521410000028"] {
        let got = client.get_site(proto::GetSiteRequest { site: name.into(), ..Default::default() }).await.unwrap();
        let site = got.into_inner().site.unwrap();
        assert_eq!(site.registered.unwrap().site_code, "S1", "{name}");
        let standing = site.standing.unwrap();
        assert_eq!(standing.duplicate_codes, ["S8", "S9"]);
        assert_eq!(standing.numbers, ["9521410000011", "9521410000028"]);
    }
    for (query, include_retired, found) in [
        ("s9", false, vec![("S1", "S9", "")]),
        ("sieu thi", false, vec![("S1", "", "")]),
        ("hoan kiem", false, vec![]),
        ("cua hang hoan kiem", true, vec![("S2", "", "2026-11-22")]),
    ] {
        let kinds = vec![proto::RegistryKind::Site.into()];
        let request = proto::FindRequest { query: query.into(), include_retired, kinds, ..Default::default() };
        let answer = client.find(request).await.unwrap().into_inner();
        let seen: Vec<_> =
            answer.found.iter().map(|it| (it.code.as_str(), it.found_as_code.as_str(), it.retired_from_date.as_str())).collect();
        assert_eq!(seen, found, "{query}");
        assert_eq!(answer.total, found.len() as i64, "{query}");
    }
}

#[tokio::test]
async fn a_number_attached_later_finds_its_thing_and_follows_when_it_moves() {
    let (number, plain) = ("09521415000023", "9521415000023");
    let cases = [
        (vec![], None),
        (vec![("2026-11-01", attached(of_product("RAU"), number, None))], Some("RAU")),
        (vec![("2999-01-01", attached(of_product("RAU"), number, None))], Some("RAU")), // Announced: it names nothing else yet.
        (
            vec![
                ("2026-11-01", attached(of_product("RAU"), number, None)),
                ("2026-11-10", attached(of_product("TUI"), number, Some("RAU"))),
            ],
            Some("TUI"),
        ),
        (
            vec![
                ("2026-11-01", attached(of_product("RAU"), number, None)),
                ("2026-11-10", RegistryFact::NumberDetached(NumberDetached { thing: of_product("RAU"), number: number.into() })),
            ],
            None,
        ),
    ];
    let server = Server::start().await;
    for (index, (facts, code)) in cases.into_iter().enumerate() {
        let settings = server.tables(&format!("case_{index}")).await;
        let mut book = Book::small();
        for (from, fact) in facts {
            book.register(from, vec![fact]);
        }
        Writer::open(&settings).await.unwrap().apply(&book.entries).await.unwrap();
        let mut client = RegistryServiceClient::new(views::services(database::connect(&settings).unwrap()));
        for given in [number, plain] {
            let got = client.get_product(proto::GetProductRequest { product: given.into(), ..Default::default() }).await;
            let seen = got.ok().map(|got| got.into_inner().product.unwrap().registered.unwrap().product_code);
            assert_eq!(seen.as_deref(), code, "case {index}, {given}");
        }
        let found = client.find(proto::FindRequest { query: number.into(), ..Default::default() }).await.unwrap().into_inner();
        let found: Vec<_> = found.found.iter().map(|found| found.code.as_str()).collect();
        let today = if index == 2 { None } else { code };
        assert_eq!(found, today.into_iter().collect::<Vec<_>>(), "case {index}");
    }
}

#[tokio::test]
async fn a_thing_tells_its_history_and_a_past_shipment_who_ran_its_sender_then() {
    let server = Server::start().await;
    let mut book = merging();
    book.register("2023-01-01", vec![organized("BLE2", "Bán lẻ Khác", OrganizationKind::Retailer)]);
    let noon = book.at("2026-11-20T12:00+07:00");
    book.say("BLE1", &noon, dispatched("PXK-1", "S1", "S2", &[(&lot("A", "RAU"), 1_000)]));
    book.register("2026-11-22", vec![site_fact("S1", "Siêu thị đổi chủ", SiteKind::Supermarket, "BLE2", "001", None)]);
    book.register("2026-11-23", vec![retired(at_site("S1"))]);
    book.register("2026-11-24", vec![RegistryFact::Reinstated(Retirement { thing: at_site("S1"), reason: String::new() })]);
    let services = serve(&server, &book).await;
    let mut client = RegistryServiceClient::new(services.clone());
    let request = proto::GetHistoryRequest { kind: proto::RegistryKind::Site.into(), code: "S9".into(), ..Default::default() };
    let history = client.get_history(request).await.unwrap().into_inner();
    assert_eq!(history.code, "S1");
    use proto::historic_fact::Fact as Said;
    let told: Vec<_> = history
        .facts
        .iter()
        .map(|fact| {
            let said = match fact.fact.as_ref().unwrap() {
                Said::Site(it) => format!("{} run by {}", it.site_code, it.organization_code),
                Said::Retired(it) => format!("retired: {}", it.reason),
                Said::Reinstated(_) => "reinstated".into(),
                Said::DuplicateMerged(_) => "merged".into(),
                other => format!("{other:?}"),
            };
            (fact.from_date.as_str(), said)
        })
        .collect();
    let told: Vec<_> = told.iter().map(|(from, said)| (*from, said.as_str())).collect();
    assert_eq!(
        told,
        [
            ("2023-01-01", "S1 run by BLE1"),
            ("2023-01-01", "S8 run by BLE1"),
            ("2023-01-01", "S9 run by BLE1"),
            ("2026-11-21", "merged"),
            ("2026-11-21", "merged"),
            ("2026-11-22", "S1 run by BLE2"),
            ("2026-11-23", "retired: đóng cửa"),
            ("2026-11-24", "reinstated"),
        ]
    );
    let mut stock = StockServiceClient::new(services);
    let shipments = stock.list_shipments(ListShipmentsRequest::default()).await.unwrap().into_inner().shipments;
    assert_eq!(shipments[0].from_organization_code, "BLE1", "who ran it when it left");
    let now = client.get_site(proto::GetSiteRequest { site: "S1".into(), ..Default::default() }).await.unwrap().into_inner();
    assert_eq!(now.site.unwrap().organization_name, "Bán lẻ Khác");
}
