//! Entries have their effect once, however they come and whatever happens in between.

use crate::book::*;
use crate::rows;
use crate::server::Server;
use views::{Error, Numbered, Writer};

/// A day in which everything happens once, and some of it is taken back.
pub fn eventful() -> Book {
    let mut book = Book::small();
    let (a, b, bag, other) = (lot("A", "RAU"), lot("B", "RAU"), lot("BAG", "TUI"), lot("LATE", "RAU"));
    let noon = book.at("2026-11-20T12:00+07:00");
    book.say("HTX1", &noon, harvested(&a, "F1", 60_000));
    book.say("HTX1", &noon, harvested(&b, "F1", 40_000));
    let wrong = book.say("HTX1", &noon, harvested(&lot("C", "RAU"), "F1", 5_000));
    book.take_back("HTX1", &noon, wrong, vec![]);
    book.say("HTX1", &noon, packed("F1", &[(&a, 6_000), (&b, 4_000)], &[(&bag, 18_000)]));
    book.say("HTX1", &noon, dispatched("PXK-1", "F1", "S1", &[(&a, 50_000), (&bag, 18_000)]));
    book.say("BLE1", &noon, received("PXK-1", "S1", &[(&a, 30_000), (&bag, 10_000)]));
    book.say("BLE1", &noon, refused("PXK-1", "S1", &[(&a, 5_000)], Some(("BACK-1", "F1"))));
    book.say("BLE1", &noon, refused("PXK-1", "S1", &[(&a, 2_000)], None));
    book.say("BLE1", &noon, short("PXK-1", "S1", &[(&bag, 3_000)]));
    book.say("HTX1", &noon, received("BACK-1", "F1", &[(&a, 5_000)]));
    let typed = book.say("BLE1", &noon, sold("S1", &[(&a, 20_000)]));
    let evening = book.at("2026-11-20T20:00+07:00");
    book.take_back("BLE1", &evening, typed, vec![sold("S1", &[(&a, 2_000)])]);
    book.say("BLE1", &evening, wasted("S1", &[(&bag, 1_000)]));
    book.say("BLE1", &evening, counted("S1", &a, 28_000, 27_500));
    book.record("BLE1", {
        let events = [sold("S1", &[(&a, 100)]), restated("S1", &a, 100)];
        events.map(|fact| domain::event::Event { time: noon.clone(), violations: vec![], names: vec![], fact }).to_vec()
    });
    book.record("BLE1", {
        let events = [opened(&other, "S2", 0), received_unmatched("PXK-2", "S2", &[(&other, 7_000)])];
        events.map(|fact| domain::event::Event { time: noon.clone(), violations: vec![], names: vec![], fact }).to_vec()
    });
    book.say("HTX1", &noon, harvested(&other, "F1", 9_000));
    book.record("HTX1", {
        let events = [dispatched("PXK-2", "F1", "S2", &[(&other, 8_000)]), matched("PXK-2", &[(&other, 7_000)])];
        events.map(|fact| domain::event::Event { time: noon.clone(), violations: vec![], names: vec![], fact }).to_vec()
    });
    book.register(
        "2026-11-21",
        vec![product_fact("RAU", "Rau muống nước", "Water spinach", domain::unit::BaseUnit::Kilogram, 1_000, None)],
    );
    // Said later, of an earlier day: what is known now stays.
    book.register(
        "2026-11-01",
        vec![product_fact("RAU", "Rau muống cạn", "Water spinach", domain::unit::BaseUnit::Kilogram, 1_000, None)],
    );
    book
}

#[tokio::test]
async fn tables_do_not_depend_on_how_batches_fell() {
    let server = Server::start().await;
    let book = eventful();
    let mut expected = None;
    for (cut, sizes) in [vec![usize::MAX], vec![1], vec![2], vec![3, 1, 5], vec![7, 2]].into_iter().enumerate() {
        let settings = server.tables(&format!("cut_{cut}")).await;
        let mut rest = book.entries.as_slice();
        for size in sizes.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            // A new writer each time: nothing is remembered outside the tables.
            let mut writer = Writer::open(&settings).await.unwrap();
            let (batch, after) = rest.split_at((*size).min(rest.len()));
            writer.apply(batch).await.unwrap();
            rest = after;
        }
        let rows = rows::all(&server, &settings).await;
        assert!(rows["parked"].is_empty(), "{:?}", rows["parked"]);
        assert!(rows["movements"].len() > 20);
        match &expected {
            None => expected = Some(rows),
            Some(expected) => assert_eq!(&rows, expected, "batches of {sizes:?}"),
        }
    }
}

#[tokio::test]
async fn balances_are_those_of_the_domain() {
    let server = Server::start().await;
    let book = eventful();
    Writer::open(&server.settings).await.unwrap().apply(&book.entries).await.unwrap();
    let mut state = domain::state::State::begin(book.entries[0].entry.genesis.as_ref().unwrap()).unwrap();
    book.entries.iter().for_each(|numbered| state.evolve_entry(&numbered.entry));
    let mut folded: Vec<_> =
        state.balances().map(|(lot, place, quantity)| (place.to_string().replace("shipment ", ""), lot.0, quantity.0)).collect();
    folded.sort();
    let client = server.client(&server.settings).await;
    let sql = "SELECT site_code, lot_id, quantity_milli FROM stock
               UNION ALL SELECT shipment_id::text, lot_id, open_milli FROM shipment_lines WHERE open_milli > 0";
    let mut held: Vec<(String, uuid::Uuid, i64)> =
        client.query(sql, &[]).await.unwrap().iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect();
    held.sort();
    assert_eq!(held, folded);
}

#[tokio::test]
async fn a_projector_that_comes_back_beside_its_successor_writes_nothing() {
    let server = Server::start().await;
    let book = eventful();
    let (first, rest) = book.entries.split_at(6);
    let mut frozen = Writer::open(&server.settings).await.unwrap();
    frozen.apply(first).await.unwrap();
    let mut successor = Writer::open(&server.settings).await.unwrap();
    successor.apply(&rest[..4]).await.unwrap();
    let before = rows::all(&server, &server.settings).await;
    let refused = frozen.apply(&rest[..1]).await;
    assert!(matches!(refused, Err(Error::Superseded(6))), "{refused:?}");
    assert_eq!(rows::all(&server, &server.settings).await, before);
    successor.apply(&rest[4..]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_projector_killed_at_any_moment_goes_on_where_it_was() {
    let server = Server::start().await;
    let book = eventful();
    let clean = server.tables("clean").await;
    Writer::open(&clean).await.unwrap().apply(&book.entries).await.unwrap();
    let killer = server.client(&server.settings).await;
    let mut kills = 0;
    // Ever longer, so that some come before, some in and some between transactions, and it ends.
    for millis in (1..).map(|round| 3 * round) {
        let Ok(mut writer) = Writer::open(&server.settings).await else { continue };
        let done = writer.checkpoint().map_or(0, |checkpoint| checkpoint.sequence) as usize;
        if done == book.entries.len() {
            break;
        }
        let entries: Vec<Numbered> = book.entries[done..].to_vec();
        let writing = tokio::spawn(async move {
            for entry in entries.chunks(1) {
                writer.apply(entry).await?;
            }
            Ok::<_, Error>(())
        });
        tokio::time::sleep(std::time::Duration::from_millis(millis)).await;
        // Both kinds of death: the server's side of the connection, and the projector's own.
        if millis % 2 == 0 {
            let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'chuoi'";
            killer.execute(sql, &[]).await.unwrap();
        } else {
            writing.abort();
        }
        kills += 1;
        let _ = writing.await;
    }
    assert!(kills > 3);
    assert_eq!(rows::all(&server, &server.settings).await, rows::all(&server, &clean).await);
}

#[tokio::test]
async fn a_command_that_cannot_be_folded_is_parked_and_everything_else_goes_on() {
    let server = Server::start().await;
    let mut book = Book::small();
    let noon = book.at("2026-11-20T12:00+07:00");
    let (a, b) = (lot("A", "RAU"), lot("B", "RAU"));
    book.say("HTX1", &noon, harvested(&a, "F1", 10_000));
    // One entry of three commands; the second sells what is not there, as no recorder would let it.
    let event = |fact| domain::event::Event { time: noon.clone(), violations: vec![], names: vec![], fact };
    let poison = domain::id::CommandId(uuid::Uuid::from_u128(901));
    book.enter(
        None,
        vec![
            command("HTX1", domain::id::CommandId(uuid::Uuid::from_u128(900)), vec![event(harvested(&b, "F1", 3_000))]),
            command("HTX1", poison, vec![event(sold("F1", &[(&a, 10_001)]))]),
            command("HTX1", domain::id::CommandId(uuid::Uuid::from_u128(902)), vec![event(sold("F1", &[(&a, 4_000)]))]),
        ],
    );
    book.say("HTX1", &noon, harvested(&lot("C", "RAU"), "F1", 1_000));
    let mut expected = None;
    for (schema, size) in [("all", 100), ("each", 1)] {
        let settings = server.tables(schema).await;
        let mut writer = Writer::open(&settings).await.unwrap();
        for batch in book.entries.chunks(size) {
            writer.apply(batch).await.unwrap();
        }
        let rows = rows::all(&server, &settings).await;
        assert_eq!(rows["parked"].len(), 1);
        assert!(
            rows["parked"][0].contains(&poison.to_string()) && rows["parked"][0].contains("would hold -1"),
            "{:?}",
            rows["parked"]
        );
        assert_eq!(rows["stock"].len(), 3);
        assert_eq!(rows["doubtful"].len(), 2, "{:?}", rows["doubtful"]);
        match &expected {
            None => expected = Some(rows),
            Some(expected) => assert_eq!(&rows, expected),
        }
    }
}
