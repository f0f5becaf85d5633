//! What ThroughputService answers.

use crate::book::*;
use crate::server::Server;
use domain::event::registry::SiteKind;
use domain::unit::BaseUnit;
use views::{Writer, database};
use wire::proto::chuoi::throughput::v1::throughput_service_client::ThroughputServiceClient;
use wire::proto::chuoi::throughput::v1::*;

type Client = ThroughputServiceClient<tonic::service::Routes>;

async fn serve(server: &Server, book: &Book) -> Client {
    Writer::open(&server.settings).await.unwrap().apply(&book.entries).await.unwrap();
    ThroughputServiceClient::new(views::services(database::connect(&server.settings).unwrap()))
}

async fn rows(client: &mut Client, request: QueryThroughputRequest) -> Vec<(String, Stage, i64, i64)> {
    let answer = client.query_throughput(request).await.unwrap().into_inner();
    answer.rows.iter().map(|row| (row.period_start_date.clone(), row.stage(), row.quantity_milli, row.movements)).collect()
}

#[tokio::test]
async fn half_past_midnight_in_hanoi_belongs_to_the_new_day_month_and_week() {
    let server = Server::start().await;
    let mut book = Book::small();
    let (before, after) = (book.at("2023-12-31T23:30+07:00"), book.at("2024-01-01T00:30+07:00"));
    book.say("HTX1", &before, harvested(&lot("OLD", "RAU"), "F1", 1_000));
    book.say("HTX1", &after, harvested(&lot("NEW", "RAU"), "F1", 2_000));
    let mut client = serve(&server, &book).await;
    for (period, starts) in [
        (Period::Day, ["2023-12-31", "2024-01-01"]),
        (Period::Month, ["2023-12-01", "2024-01-01"]),
        // New Year's Day 2024 was a Monday.
        (Period::Week, ["2023-12-25", "2024-01-01"]),
    ] {
        let seen = rows(&mut client, QueryThroughputRequest { period: period.into(), ..Default::default() }).await;
        let expected = [(starts[0].into(), Stage::Harvested, 1_000, 1), (starts[1].into(), Stage::Harvested, 2_000, 1)];
        assert_eq!(seen, expected, "{period:?}");
    }
    let january = QueryThroughputRequest { from_date: "2024-01-01".into(), to_date: "2024-01-31".into(), ..Default::default() };
    assert_eq!(rows(&mut client, january).await, [(String::new(), Stage::Harvested, 2_000, 1)]);
}

#[tokio::test]
#[rustfmt::skip] // Columns.
async fn months_and_the_days_at_the_ends_of_a_range_add_up_to_its_days() {
    let server = Server::start().await;
    let mut book = Book::small();
    for (index, date) in ["2026-01-15", "2026-01-31", "2026-02-01", "2026-02-28", "2026-03-01", "2026-03-10", "2026-04-05"].into_iter().enumerate() {
        let time = book.on(date);
        book.say("HTX1", &time, harvested(&lot(&format!("L{index}"), "RAU"), "F1", 1 << index));
    }
    let mut client = serve(&server, &book).await;
    for (from, to, sum) in [
        ("",           "",           0b111_1111),
        ("2026-01-31", "2026-03-01", 0b001_1110),
        ("2026-02-01", "2026-02-28", 0b000_1100),
        ("2026-02-02", "2026-02-27", 0b000_0000),
        ("2026-01-01", "2026-03-31", 0b011_1111),
        ("2026-02-15", "",           0b111_1000),
        ("",           "2026-03-09", 0b001_1111),
    ] {
        for period in [Period::Unspecified, Period::Month, Period::Day, Period::Week] {
            let request = QueryThroughputRequest { from_date: from.into(), to_date: to.into(), period: period.into(), ..Default::default() };
            let seen: i64 = rows(&mut client, request).await.iter().map(|row| row.2).sum();
            assert_eq!(seen, sum, "{from} to {to}, {period:?}");
        }
    }
}

#[tokio::test]
async fn what_was_voided_vanishes_from_its_own_day() {
    let server = Server::start().await;
    let mut book = Book::small();
    let (monday, friday) = (book.at("2026-11-16T08:00+07:00"), book.at("2026-11-20T08:00+07:00"));
    let (a, b) = (lot("A", "RAU"), lot("B", "RAU"));
    let wrong = book.say("HTX1", &monday, harvested(&a, "F1", 7_000));
    let typo = book.say("HTX1", &monday, harvested(&b, "F1", 300_000));
    book.take_back("HTX1", &friday, wrong, vec![]);
    book.take_back("HTX1", &monday, typo, vec![harvested(&b, "F1", 30_000)]);
    let mut client = serve(&server, &book).await;
    let seen = rows(&mut client, QueryThroughputRequest { period: Period::Day.into(), ..Default::default() }).await;
    assert_eq!(seen, [("2026-11-16".into(), Stage::Harvested, 30_000, 1)]);
}

#[tokio::test]
async fn flows_are_grouped_and_filtered_by_where_they_go() {
    use ThroughputKey::*;
    let server = Server::start().await;
    let mut book = Book::small();
    let time = book.at("2026-11-16T08:00+07:00");
    let a = lot("A", "RAU");
    book.say("HTX1", &time, harvested(&a, "F1", 100_000));
    book.say("HTX1", &time, dispatched("1", "F1", "S1", &[(&a, 30_000)]));
    book.say("HTX1", &time, dispatched("2", "F1", "S2", &[(&a, 20_000)]));
    book.say("BLE1", &time, received("1", "S1", &[(&a, 29_000)]));
    book.say("BLE1", &time, short("1", "S1", &[(&a, 1_000)]));
    book.say("BLE1", &time, refused("2", "S2", &[(&a, 20_000)], None));
    book.say("BLE1", &time, sold("S1", &[(&a, 4_000)]));
    let mut client = serve(&server, &book).await;
    let dispatched = QueryThroughputRequest {
        stages: vec![Stage::Dispatched.into()],
        group_by: vec![Channel.into(), District.into(), Site.into(), Chain.into(), Product.into()],
        ..Default::default()
    };
    let answer = client.query_throughput(dispatched.clone()).await.unwrap().into_inner();
    let seen: Vec<_> = answer
        .rows
        .iter()
        .map(|row| (row.site_code.as_str(), row.channel().as_str_name(), row.district_name.as_str(), row.quantity_milli))
        .collect();
    assert_eq!(
        seen,
        [("F1", "SITE_KIND_GENERAL_STORE", "Hoàn Kiếm", 20_000), ("F1", "SITE_KIND_SUPERMARKET", "Ba Đình", 30_000)]
    );
    assert_eq!((answer.totals.len(), answer.totals[0].quantity_milli, answer.totals[0].movements), (1, 50_000, 2));
    let to_s2 = QueryThroughputRequest { districts: vec!["002".into()], ..Default::default() };
    let seen: Vec<_> = rows(&mut client, to_s2).await.into_iter().map(|row| (row.1, row.2)).collect();
    assert_eq!(seen, [(Stage::Dispatched, 20_000), (Stage::Refused, 20_000)]);
    let paged = QueryThroughputRequest { page_size: 1, ..dispatched };
    let first = client.query_throughput(paged.clone()).await.unwrap().into_inner();
    let second = client
        .query_throughput(QueryThroughputRequest { page_token: first.next_page_token, ..paged })
        .await
        .unwrap()
        .into_inner();
    assert_eq!((second.rows[0].quantity_milli, second.next_page_token.as_str()), (30_000, ""));
}

#[tokio::test]
async fn utilization_holds_first_dispatches_towards_shops_against_the_day_s_capacity() {
    let server = Server::start().await;
    let mut book = Book::small();
    // From the 18th on the chain can carry twice as much.
    book.register("2026-11-18", vec![capacity("CH1", 200, BaseUnit::Kilogram)]);
    book.register("2026-11-01", vec![site_fact("W1", "Kho", SiteKind::Warehouse, "BLE1", "001", None)]);
    let (monday, wednesday) = (book.at("2026-11-16T08:00+07:00"), book.at("2026-11-18T08:00+07:00"));
    let (a, bag) = (lot("A", "RAU"), lot("BAG", "TUI"));
    book.say("HTX1", &monday, harvested(&a, "F1", 400_000));
    book.say("HTX1", &monday, harvested(&bag, "F1", 40_000));
    // Between producing sites: does not count. To a shop and to a warehouse: does. Onwards from there: does not.
    book.say("HTX1", &monday, dispatched("1", "F1", "P1", &[(&a, 90_000)]));
    book.say("HTX1", &monday, dispatched("2", "F1", "S1", &[(&a, 40_000)]));
    book.say("HTX1", &monday, dispatched("3", "F1", "W1", &[(&bag, 40_000)]));
    book.say("BLE1", &monday, received("3", "W1", &[(&bag, 40_000)]));
    book.say("BLE1", &monday, dispatched("4", "W1", "S2", &[(&bag, 40_000)]));
    // 50 kg, of which 30 had left before and came back.
    let again = match dispatched("5", "F1", "S1", &[(&a, 50_000)]) {
        domain::event::Fact::Dispatched(mut fact) => {
            fact.lines[0].redispatched = domain::quantity::Milli(30_000);
            domain::event::Fact::Dispatched(fact)
        }
        _ => unreachable!(),
    };
    book.say("HTX1", &wednesday, again);
    let wrong = book.say("HTX1", &wednesday, dispatched("6", "F1", "S1", &[(&a, 10_000)]));
    book.take_back("HTX1", &wednesday, wrong, vec![]);
    let mut client = serve(&server, &book).await;
    let request = |period: Period| QueryUtilizationRequest {
        chains: vec!["CH1".into()],
        from_date: "2026-11-16".into(),
        to_date: "2026-11-18".into(),
        period: period.into(),
        ..Default::default()
    };
    let days = client.query_utilization(request(Period::Day)).await.unwrap().into_inner().rows;
    let seen: Vec<_> = days
        .iter()
        .map(|row| {
            (
                row.period_start_date.as_str(),
                row.dispatched_milli,
                row.capacity_milli,
                row.utilization_basis_points,
                row.days_with_entries,
            )
        })
        .collect();
    assert_eq!(
        seen,
        [
            // 40 kg and 40 bags of 500 g, of 100 kg.
            ("2026-11-16", 60_000, 100_000, Some(6_000), 1),
            ("2026-11-17", 0, 100_000, Some(0), 0),
            ("2026-11-18", 20_000, 200_000, Some(1_000), 1),
        ]
    );
    assert_eq!((days[0].estimated, days[2].estimated), (true, false));
    let all = client.query_utilization(request(Period::Unspecified)).await.unwrap().into_inner().rows;
    assert_eq!(all.len(), 1);
    assert_eq!((all[0].dispatched_milli, all[0].capacity_milli, all[0].utilization_basis_points), (80_000, 400_000, Some(2_000)));
    assert_eq!((all[0].days, all[0].days_with_entries, all[0].days_with_capacity, all[0].unit.as_str()), (3, 2, 3, "KGM"));
    let other = QueryUtilizationRequest { chains: vec![], page_size: 1, ..request(Period::Unspecified) };
    let first = client.query_utilization(other.clone()).await.unwrap().into_inner();
    let second = client
        .query_utilization(QueryUtilizationRequest { page_token: first.next_page_token, ..other })
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        (second.rows[0].chain_code.as_str(), second.rows[0].unit.as_str(), second.rows[0].utilization_basis_points),
        ("CH2", "", None)
    );
}
