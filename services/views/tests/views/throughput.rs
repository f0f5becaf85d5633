//! What ThroughputService answers.

use crate::book::*;
use crate::following::{Running, reaches, rolled_up};
use crate::journal::Broker;
use crate::server::Server;
use crate::time::history;
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

/// Six months of dispatches; within some of them what they are counted by changes.
fn changing() -> Book {
    let mut book = Book::small();
    for (from, fact) in [
        ("2026-01-01", site_fact("W1", "Kho", SiteKind::Warehouse, "BLE1", "001", None)),
        ("2026-07-14", product_fact("TUI", "Rau muống túi 400 g", "Bag", BaseUnit::Piece, 400, None)),
        ("2026-08-01", product_fact("TUI", "Rau muống túi 300 g", "Bag", BaseUnit::Piece, 300, None)),
        ("2026-08-12", product_fact("TUI", "Túi 300 g", "Bag", BaseUnit::Piece, 300, None)),
        ("2026-09-20", site_fact("P1", "Kho Gió Đồng", SiteKind::Warehouse, "HTX1", "001", None)),
        ("2026-10-09", capacity("CH1", 500, BaseUnit::Piece)),
        ("2026-10-21", capacity("CH1", 700, BaseUnit::Piece)),
        ("2026-11-16", site_fact("W1", "Nhà sơ chế", SiteKind::PackingHouse, "BLE1", "001", None)),
    ] {
        book.register(from, vec![fact]);
    }
    let (greens, bags) = (lot("A", "RAU"), lot("BAG", "TUI"));
    let first = book.on("2026-06-01");
    book.say("HTX1", &first, harvested(&greens, "F1", 1_000_000_000));
    book.say("HTX1", &first, harvested(&bags, "F1", 1_000_000_000));
    for (month, last) in [(6, 30), (7, 31), (8, 31), (9, 30), (10, 31), (11, 30)] {
        for day in [1, 8, 9, 13, 19, 25, last] {
            let time = book.on(&format!("2026-{month:02}-{day:02}"));
            for (number, to) in (1..).zip(["S1", "P1", "W1"]) {
                // Each day's and each place's is of its own: what is counted twice or not at all is seen.
                let milli = 1_000 * (month * 100 + day * 3 + number);
                book.say(
                    "HTX1",
                    &time,
                    dispatched(&format!("{month}-{day}-{to}"), "F1", to, &[(&greens, milli), (&bags, milli * 7)]),
                );
            }
        }
    }
    book
}

/// All rows, in pages of so many.
async fn paged(client: &mut Client, mut request: QueryUtilizationRequest, page_size: i32) -> Vec<UtilizationRow> {
    let mut rows = Vec::new();
    request.page_size = page_size;
    loop {
        let page = client.query_utilization(request.clone()).await.unwrap().into_inner();
        assert!(page.rows.len() == page_size as usize || page.next_page_token.is_empty());
        rows.extend(page.rows);
        if page.next_page_token.is_empty() {
            return rows;
        }
        request.page_token = page.next_page_token;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn utilization_by_month_is_that_of_its_days_whatever_changed_within() {
    let (server, broker, book) = (Server::start().await, Broker::start(), changing());
    let (journal, tip) = broker.journal(&book).await;
    let projector = Running::start(&journal, &server.settings);
    reaches(&server.settings, tip.sequence).await;
    rolled_up(&server, tip.sequence).await;
    projector.stop().await;
    let late = server.tables("late").await;
    Writer::open(&late).await.unwrap().apply(&book.entries).await.unwrap();
    let client = |settings| ThroughputServiceClient::new(views::services(database::connect(settings).unwrap()));
    let (mut rolled, mut late) = (client(&server.settings), client(&late));
    let ranges =
        [("2026-06-01", "2026-11-30"), ("2026-06-09", "2026-11-24"), ("2026-07-01", "2026-07-31"), ("2026-09-02", "2026-10-31")];
    for (from, to) in ranges {
        let request = |period: Period| QueryUtilizationRequest {
            from_date: from.into(),
            to_date: to.into(),
            period: period.into(),
            page_size: 1_000,
            ..Default::default()
        };
        let days = rolled.query_utilization(request(Period::Day)).await.unwrap().into_inner().rows;
        assert!(days.iter().any(|row| row.dispatched_milli > 0 && !row.doubtful), "{days:?}");
        assert_eq!(paged(&mut rolled, request(Period::Day), 5).await, days, "{from} to {to}");
        let weeks = rolled.query_utilization(request(Period::Week)).await.unwrap().into_inner().rows;
        assert_eq!(paged(&mut rolled, request(Period::Week), 2).await, weeks, "{from} to {to}");
        for (period, prefix) in [(Period::Month, "2026-MM".len()), (Period::Unspecified, 0)] {
            // By period, chain and unit: what left, what could, and on how many days something was entered.
            let mut sums = std::collections::BTreeMap::<_, (i64, i64, i32, bool)>::new();
            for row in &days {
                let key = (row.period_start_date[..prefix].to_owned(), row.chain_code.clone(), row.unit.clone());
                let sum = sums.entry(key).or_default();
                sum.0 += row.dispatched_milli;
                sum.1 += row.capacity_milli;
                sum.2 += row.days_with_entries;
                sum.3 |= row.estimated;
            }
            let rows = rolled.query_utilization(request(period)).await.unwrap().into_inner().rows;
            assert_eq!(
                rows,
                late.query_utilization(request(period)).await.unwrap().into_inner().rows,
                "{from} to {to}, {period:?}"
            );
            assert_eq!(paged(&mut rolled, request(period), 1).await, rows, "{from} to {to}, {period:?}");
            let seen = rows.iter().map(|row| {
                let start = row.period_start_date.get(..prefix).unwrap_or_default();
                let sum = (row.dispatched_milli, row.capacity_milli, row.days_with_entries, row.estimated);
                ((start.to_owned(), row.chain_code.clone(), row.unit.clone()), sum)
            });
            assert_eq!(seen.collect::<std::collections::BTreeMap<_, _>>(), sums, "{from} to {to}, {period:?}");
        }
    }
    // Without their days, only the months are right within which nothing changed.
    server.client(&server.settings).await.batch_execute("TRUNCATE dispatch_daily, flow_daily").await.unwrap();
    let request = QueryUtilizationRequest {
        chains: vec!["CH1".into()],
        from_date: "2026-06-01".into(),
        to_date: "2026-11-30".into(),
        period: Period::Month.into(),
        ..Default::default()
    };
    let whole = late.query_utilization(request.clone()).await.unwrap().into_inner().rows;
    let rows = rolled.query_utilization(request).await.unwrap().into_inner().rows;
    let same: Vec<_> = rows.iter().filter(|row| whole.contains(row)).map(|row| &row.period_start_date[..7]).collect();
    assert_eq!(same, ["2026-06", "2026-08"]);
}

#[tokio::test]
#[rustfmt::skip] // Columns.
async fn an_hour_is_one_of_the_business_day_and_a_date_alone_has_none() {
    let server = Server::start().await;
    let mut book = Book::small();
    for (index, (time, milli)) in [
        ("2023-12-31T23:59:59.999999+07:00", 1),
        ("2024-01-01T00:00:00+07:00",        2),
        ("2024-01-01T00:30:00+07:00",        4),
        ("2023-12-31T17:59:59.999999Z",      8), // 00:59:59.999999 in Hanoi.
        ("2024-01-01T01:00:00+07:00",        16),
        ("2024-01-01T23:00:00+09:00",        32), // 21:00 in Hanoi.
    ].into_iter().enumerate() {
        let time = book.at(time);
        book.say("HTX1", &time, harvested(&lot(&format!("L{index}"), "RAU"), "F1", milli));
    }
    let (date, wrong) = (book.on("2024-01-01"), book.at("2024-01-01T05:00:00+07:00"));
    book.say("HTX1", &date, harvested(&lot("D", "RAU"), "F1", 64));
    let wrong_one = book.say("HTX1", &wrong, harvested(&lot("W", "RAU"), "F1", 128));
    let later = book.at("2024-01-03T05:00:00+07:00");
    book.take_back("HTX1", &later, wrong_one, vec![]);
    let mut client = serve(&server, &book).await;
    let request = QueryThroughputRequest {
        period: Period::Hour.into(), from_date: "2023-12-31".into(), to_date: "2024-01-01".into(), ..Default::default()
    };
    let answer = client.query_throughput(request.clone()).await.unwrap().into_inner();
    let seen: Vec<_> = answer.rows.iter().map(|row| (row.period_start_date.as_str(), row.hour, row.without_hour, row.quantity_milli)).collect();
    assert_eq!(seen, [
        ("2023-12-31", Some(23), false, 1),
        ("2024-01-01", None,     true,  64),
        ("2024-01-01", Some(0),  false, 14),
        ("2024-01-01", Some(1),  false, 16),
        ("2024-01-01", Some(21), false, 32),
    ]);
    let paged = client.query_throughput(QueryThroughputRequest { page_size: 2, ..request.clone() }).await.unwrap().into_inner();
    let next = QueryThroughputRequest { page_size: 5, page_token: paged.next_page_token, ..request.clone() };
    assert_eq!(client.query_throughput(next).await.unwrap().into_inner().rows, answer.rows[2..]);
    let too_long = QueryThroughputRequest { to_date: "2024-01-31".into(), ..request };
    assert!(client.query_throughput(too_long).await.unwrap_err().message().contains("31 days"));
}

#[tokio::test]
async fn the_hours_of_a_day_add_up_to_the_day_whatever_was_voided_or_came_late() {
    let server = Server::start().await;
    for seed in [11, 12, 13] {
        let book = history(seed, 60);
        let settings = server.tables(&format!("seed{seed}")).await;
        Writer::open(&settings).await.unwrap().apply(&book.entries).await.unwrap();
        let mut client = ThroughputServiceClient::new(views::services(database::connect(&settings).unwrap()));
        let mut sums = Vec::new();
        for period in [Period::Hour, Period::Day] {
            let request = QueryThroughputRequest {
                from_date: "2026-11-20".into(),
                to_date: "2026-11-25".into(),
                period: period.into(),
                group_by: (1..=6).collect(),
                ..Default::default()
            };
            let mut sum = std::collections::BTreeMap::<_, (i64, i64)>::new();
            for row in client.query_throughput(request).await.unwrap().into_inner().rows {
                let places = (row.site_code, row.channel, row.district_code);
                let figures = sum.entry((row.period_start_date, row.stage, row.chain_code, row.group_code, places)).or_default();
                *figures = (figures.0 + row.quantity_milli, figures.1 + row.movements);
            }
            sum.retain(|_, figures| *figures != (0, 0));
            sums.push(sum);
        }
        assert!(sums[0].len() > 10);
        assert_eq!(sums[0], sums[1], "seed {seed}");
    }
}

#[tokio::test]
#[rustfmt::skip] // Columns.
async fn the_same_days_of_another_range_stand_beside() {
    let server = Server::start().await;
    let mut book = Book::small();
    for (index, (date, milli)) in [
        ("2025-11-17", 100), ("2026-02-03", 7), ("2026-02-28", 20), ("2026-03-02", 9), ("2026-11-09", 10), ("2026-11-10", 4), ("2026-11-16", 15),
    ].into_iter().enumerate() {
        let time = book.on(date);
        book.say("HTX1", &time, harvested(&lot(&format!("L{index}"), "RAU"), "F1", milli));
    }
    let mut client = serve(&server, &book).await;
    let request = |period: Period, days: (&str, &str), other: (&str, &str)| QueryThroughputRequest {
        period: period.into(), from_date: days.0.into(), to_date: days.1.into(),
        compare_from_date: other.0.into(), compare_to_date: other.1.into(), ..Default::default()
    };
    type Rows = &'static [(&'static str, i64, i64, i64, Option<i64>)];
    // period, range, compared with, rows: (start, quantity, compared, difference, in basis points)
    type Days = (&'static str, &'static str);
    let cases: [(Period, Days, Days, Rows); 6] = [
        (Period::Day,   ("2026-11-16", "2026-11-17"), ("2026-11-09", ""),           &[("2026-11-16", 15, 10, 5, Some(5_000)), ("2026-11-17", 0, 4, -4, Some(-10_000))]),
        (Period::Week,  ("2026-11-16", "2026-11-22"), ("2026-11-09", ""),           &[("2026-11-16", 15, 14, 1, Some(714))]),
        (Period::Week,  ("2026-11-16", "2026-11-22"), ("2025-11-17", "2025-11-23"), &[("2026-11-16", 15, 100, -85, Some(-8_500))]),
        (Period::Month, ("2026-03-01", "2026-03-31"), ("2026-02-01", "2026-02-28"), &[("2026-03-01", 9, 27, -18, Some(-6_667))]),
        (Period::Unspecified, ("2026-11-16", "2026-11-17"), ("2026-11-09", ""),     &[("", 15, 14, 1, Some(714))]),
        (Period::Day,   ("2026-11-16", "2026-11-16"), ("2026-11-20", ""),           &[("2026-11-16", 15, 0, 15, None)]),
    ];
    for (period, days, other, expected) in cases {
        let answer = client.query_throughput(request(period, days, other)).await.unwrap().into_inner();
        let seen: Vec<_> = answer.rows.iter()
            .map(|row| (row.period_start_date.as_str(), row.quantity_milli, row.compared_quantity_milli, row.difference_milli, row.difference_basis_points))
            .collect();
        assert_eq!(seen, expected, "{period:?} {days:?} {other:?}");
        assert_eq!(answer.totals[0].difference_milli, expected.iter().map(|row| row.3).sum::<i64>());
    }
    for (asked, field) in [
        (request(Period::Week, ("2026-11-16", "2026-11-22"), ("2025-11-16", "")),          "compare_from_date"),
        (request(Period::Day,  ("2026-11-16", "2026-11-22"), ("", "2025-11-16")),          "compare_from_date"),
        (request(Period::Day,  ("2026-11-16", "2026-11-22"), ("2025-11-16", "2025-11-15")), "compare_to_date"),
        (request(Period::Day,  ("", "2026-11-22"),           ("2025-11-16", "")),          "from_date"),
    ] {
        let error = client.query_throughput(asked).await.unwrap_err();
        assert!(error.code() == tonic::Code::InvalidArgument && error.message().starts_with(field), "{error}");
    }
}

/// A week's trade of which every measure is known.
fn measured() -> Book {
    let mut book = Book::small();
    let six = book.at("2026-11-16T06:00+07:00");
    let mut a = lot("A", "RAU");
    (a.harvest_day, a.harvest_time) = (Some(six.business_day), Some(six.instant));
    let mut b = lot("B", "RAU");
    b.harvest_day = Some(six.business_day);
    let c = lot("C", "RAU");
    book.say("HTX1", &six, harvested(&a, "F1", 100_000));
    book.say("HTX1", &six, harvested(&b, "F1", 10_000));
    book.say("HTX1", &six, harvested(&c, "F1", 5_000));
    let (leaves, evening, next) =
        (book.at("2026-11-16T17:00+07:00"), book.at("2026-11-16T20:00:30+07:00"), book.at("2026-11-17T06:00+07:00"));
    for (code, to, of, milli) in [
        ("1", "S1", &a, 30_000),
        ("2", "S2", &a, 20_000),
        ("3", "S1", &b, 10_000),
        ("4", "S1", &c, 5_000),
        ("5", "S1", &a, 8_000),
    ] {
        book.say("HTX1", &leaves, dispatched(code, "F1", to, &[(of, milli)]));
    }
    let date = book.on("2026-11-18");
    book.say("BLE1", &evening, received("1", "S1", &[(&a, 29_000)])); // After 14 hours.
    book.say("BLE1", &evening, short("1", "S1", &[(&a, 1_000)]));
    book.say("BLE1", &next, received("2", "S2", &[(&a, 20_000)])); // After 24 hours.
    book.say("BLE1", &date, received("3", "S1", &[(&b, 10_000)])); // Two days later.
    book.say("BLE1", &evening, received("4", "S1", &[(&c, 5_000)])); // Its harvest is not known.
    let wrong = book.say("BLE1", &evening, received("5", "S1", &[(&a, 8_000)]));
    book.take_back("BLE1", &date, wrong, vec![]);
    book.say("BLE1", &date, wasted("S1", &[(&a, 2_000)]));
    book.say("BLE1", &date, counted("S1", &c, 5_000, 4_000));
    book.say("HTX1", &date, counted("F1", &a, 42_000, 43_000));
    book
}

#[tokio::test]
async fn measures_say_what_was_accepted_lost_and_how_long_it_took() {
    let server = Server::start().await;
    let mut client = serve(&server, &measured()).await;
    let request = QueryMeasuresRequest {
        from_date: "2026-11-16".into(),
        to_date: "2026-11-22".into(),
        compare_from_date: "2026-11-09".into(),
        ..Default::default()
    };
    let rows = client.query_measures(request.clone()).await.unwrap().into_inner().rows;
    assert_eq!(rows.len(), 1);
    let seen = rows[0].measures.clone().unwrap();
    let loss = |stage: LossStage, wasted_milli, missing_milli, lost_milli, found_milli, shrink| StageLoss {
        stage: stage.into(),
        wasted_milli,
        missing_milli,
        lost_milli,
        found_milli,
        shrink_basis_points: Some(shrink),
    };
    let expected = Measures {
        dispatched_milli: 73_000,
        accepted_milli: 64_000,
        refused_milli: 0,
        short_milli: 1_000,
        open_milli: 8_000,
        fill_basis_points: Some(8_767),
        entered_milli: 115_000,
        losses: vec![
            loss(LossStage::Production, 0, 0, 0, 1_000, -87),
            loss(LossStage::Transit, 0, 0, 1_000, 0, 87),
            loss(LossStage::Shop, 2_000, 1_000, 0, 0, 261),
        ],
        shrink_basis_points: Some(261),
        received_milli: 64_000,
        harvest_known_milli: 59_000,
        harvest_by_day_milli: 10_000,
        harvest_known_basis_points: Some(9_219),
        // 29 kg within 14 hours is not half of 59; with the 20 kg of the next morning it is.
        harvest_to_shelf_p50_minutes: Some(1_440),
        harvest_to_shelf_p95_minutes: Some(2_880),
        ..Measures::default()
    };
    assert_eq!(seen, expected);
    let compared = rows[0].compared.as_ref().unwrap();
    assert_eq!((compared.dispatched_milli, compared.fill_basis_points, compared.harvest_to_shelf_p50_minutes), (0, None, None));
    assert_eq!(rows[0].difference, Some(MeasuresDifference::default()));

    use ThroughputKey::*;
    // keys, filter by channel; rows: (site or channel, dispatched, fill, shrink, p50)
    type Rows = Vec<(String, i64, Option<i64>, Option<i64>, Option<i64>)>;
    let mut shown = async |group_by: Vec<ThroughputKey>, channels: Vec<SiteKind>| -> Rows {
        let channels = channels.into_iter().map(names).collect();
        let group_by = group_by.into_iter().map(Into::into).collect();
        let asked =
            QueryMeasuresRequest { group_by, channels, page_size: 1, compare_from_date: String::new(), ..request.clone() };
        let (mut rows, mut page_token) = (Rows::new(), String::new());
        loop {
            let page = client.query_measures(QueryMeasuresRequest { page_token, ..asked.clone() }).await.unwrap().into_inner();
            for row in page.rows {
                let it = row.measures.clone().unwrap();
                let channel = row.channel().as_str_name().trim_start_matches("SITE_KIND_").to_owned();
                let place = if row.site_code.is_empty() { channel } else { row.site_code };
                let place = if place == "UNSPECIFIED" { row.product_code + &row.group_code + &row.chain_code } else { place };
                let figures = (it.fill_basis_points, it.shrink_basis_points, it.harvest_to_shelf_p50_minutes);
                rows.push((place, it.dispatched_milli, figures.0, figures.1, figures.2));
            }
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return rows;
            }
        }
    };
    let row = |place: &str, dispatched, fill, shrink, p50| (place.to_owned(), dispatched, fill, shrink, p50);
    assert_eq!(
        shown(vec![Channel], vec![]).await,
        [
            row("FARM", 0, None, Some(-87), None),
            row("GENERAL_STORE", 20_000, Some(10_000), Some(0), Some(1_440)),
            // The loss on the road is the shop's that missed it.
            row("SUPERMARKET", 53_000, Some(8_302), Some(348), Some(840)),
        ]
    );
    assert_eq!(shown(vec![Group], vec![]).await, [row("rau", 73_000, Some(8_767), Some(261), Some(1_440))]);
    let only = shown(vec![Chain, Product], vec![SiteKind::GeneralStore]).await;
    assert_eq!(only, [row("RAUCH1", 20_000, Some(10_000), Some(0), Some(1_440))]);
    assert_eq!(shown(vec![Site], vec![SiteKind::Supermarket]).await.len(), 2, "the farm sent, the shop received");
    let hours = QueryMeasuresRequest { period: Period::Hour.into(), ..request.clone() };
    assert!(client.query_measures(hours).await.is_err());
}

fn names(kind: SiteKind) -> i32 {
    wire::proto::chuoi::event::v1::SiteKind::from_str_name(&format!("SITE_KIND_{}", kind.as_str().to_ascii_uppercase()))
        .unwrap()
        .into()
}

#[tokio::test]
async fn rows_that_a_parked_event_touches_are_doubtful() {
    use ThroughputKey::*;
    let server = Server::start().await;
    let mut book = measured();
    let date = book.on("2026-11-19");
    book.say("HTX1", &date, harvested(&lot("BAG", "TUI"), "F1", 5_000));
    book.say("BLE1", &date, sold("S2", &[(&lot("A", "RAU"), 900_000)])); // More than there is: parked.
    let mut client = serve(&server, &book).await;
    let (from_date, to_date) = (String::from("2026-11-16"), String::from("2026-11-22"));
    for (key, filter, doubtful) in [
        (Product, "", ["RAU"].as_slice()),
        (Site, "", &["S2"]),
        (Chain, "", &["CH1"]),
        (Group, "", &["rau"]),
        (Chain, "TUI", &[]),
    ] {
        let products: Vec<String> = [filter].into_iter().filter(|filter| !filter.is_empty()).map(Into::into).collect();
        let (group_by, from_date, to_date) = (vec![key.into()], from_date.clone(), to_date.clone());
        let request = QueryThroughputRequest { products, group_by, from_date, to_date, ..Default::default() };
        let rows = client.query_throughput(request.clone()).await.unwrap().into_inner().rows;
        let seen = rows
            .iter()
            .filter(|row| row.doubtful)
            .map(|row| [&row.chain_code, &row.product_code, &row.site_code, &row.group_code]);
        let seen: std::collections::BTreeSet<String> = seen.map(|keys| keys.map(String::as_str).concat()).collect();
        assert_eq!(seen.iter().map(String::as_str).collect::<Vec<_>>(), doubtful, "{key:?} {filter}");
        let QueryThroughputRequest { products, group_by, from_date, to_date, .. } = request;
        let measures = QueryMeasuresRequest { products, group_by, from_date, to_date, ..Default::default() };
        let rows = client.query_measures(measures).await.unwrap().into_inner().rows;
        assert_eq!(rows.iter().any(|row| row.doubtful), !doubtful.is_empty(), "{key:?} {filter}");
    }
    let request = QueryUtilizationRequest { from_date, to_date, ..Default::default() };
    let rows = client.query_utilization(request).await.unwrap().into_inner().rows;
    let seen: Vec<_> =
        rows.iter().map(|row| (row.chain_code.as_str(), row.doubtful, row.days_with_entries_basis_points)).collect();
    // Four days of seven.
    assert_eq!(seen, [("CH1", true, 5_714), ("CH2", false, 0)]);
}
