//! The projector, verify and rebuild on a real journal.

use crate::book::*;
use crate::journal::{Broker, append};
use crate::projecting::eventful;
use crate::rows;
use crate::server::Server;
use std::time::{Duration, Instant};
use stream::Journal;
use tokio::sync::oneshot;
use views::database::{self, Settings};
use views::{Projector, rebuild, verify};
use wire::proto::chuoi::stock::v1::stock_service_client::StockServiceClient;
use wire::proto::chuoi::stock::v1::*;

/// A projector in a task of its own.
pub struct Running {
    stop: oneshot::Sender<()>,
    task: tokio::task::JoinHandle<Result<(), views::Error>>,
}

impl Running {
    pub fn start(journal: &Journal, settings: &Settings) -> Running {
        let (stop, stopped) = oneshot::channel();
        let projector = Projector::new(journal.clone(), settings.clone());
        let task = tokio::spawn(projector.run(async {
            let _ = stopped.await;
        }));
        Running { stop, task }
    }

    pub async fn stop(self) {
        let _ = self.stop.send(());
        self.task.await.unwrap().unwrap();
    }
}

/// Waits until the tables are there.
pub async fn reaches(settings: &Settings, sequence: u64) {
    let pool = database::connect(settings).unwrap();
    let begun = Instant::now();
    loop {
        let seen = match pool.get().await {
            Ok(client) => database::checkpoint(&**client).await.map(|seen| seen.map_or(0, |seen| seen.sequence)),
            Err(error) => Err(error.into()),
        };
        if seen.as_ref().is_ok_and(|seen| *seen >= sequence) {
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "the views did not reach {sequence}: {seen:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Waits until flows are rolled up to an entry.
pub async fn rolled_up(server: &Server, sequence: u64) {
    let (client, begun) = (server.client(&server.settings).await, Instant::now());
    loop {
        let rolled: i64 = client.query_one("SELECT sequence FROM flows_rolled", &[]).await.unwrap().get(0);
        if rolled.unsigned_abs() >= sequence {
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "flows are rolled up to {rolled} only");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn verify_finds_nothing_and_finds_each_row_that_was_touched() {
    let (server, broker) = (Server::start().await, Broker::start());
    let (journal, tip) = broker.journal(&eventful()).await;
    let projector = Running::start(&journal, &server.settings);
    reaches(&server.settings, tip.sequence).await;
    rolled_up(&server, tip.sequence).await;
    let mut heard = Vec::new();
    let report = verify(&journal, &server.settings, |done, of| heard.push((done, of))).await.unwrap();
    assert!(report.is_clean(), "{report:?}");
    assert_eq!((report.sequence, report.entries), (tip.sequence, tip.sequence));
    assert_eq!(heard.last(), Some(&(tip.sequence, tip.sequence)));

    let client = server.client(&server.settings).await;
    for (touch, table, conserved) in [
        ("UPDATE stock SET quantity_milli = quantity_milli + 5 WHERE site_code = 'F1'", "stock", false),
        ("DELETE FROM movements WHERE line = 0 AND sequence = 4", "movements", true),
        ("UPDATE sites SET name = 'khác' WHERE site_code = 'S1'", "sites", true),
        ("INSERT INTO chain_days VALUES ('CH9', 1, 1)", "chain_days", true),
        ("UPDATE flow_monthly SET movement_count = 77 WHERE stage = 1", "flow_monthly", true),
        ("UPDATE goods_monthly SET movement_count = 77 WHERE stage = 1", "goods_monthly", true),
        ("UPDATE dispatch_monthly SET first_milli = 77", "dispatch_monthly", true),
        ("UPDATE shipment_lines SET sent_milli = sent_milli + 1 WHERE sent_milli = 50000", "shipment_lines", false),
    ] {
        client.batch_execute(&format!("CREATE SCHEMA kept; CREATE TABLE kept.rows AS TABLE {table}")).await.unwrap();
        let touched = client.execute(touch, &[]).await.unwrap();
        assert!(touched > 0, "{touch}");
        let report = verify(&journal, &server.settings, |_, _| ()).await.unwrap();
        let found: Vec<_> = report.differences.iter().filter(|difference| difference.table == table).collect();
        assert_eq!(found.len() as u64, touched, "{touch}: {report:?}");
        assert!(found.iter().all(|difference| !difference.key.is_empty() && difference.live != difference.replayed));
        let balances = report.differences.iter().filter(|difference| difference.table == "balances").count() as u64;
        assert_eq!(balances, if conserved { 0 } else { touched }, "{touch}: the domain's own fold says so too");
        assert_eq!(report.conservation_holds, conserved, "{touch}");
        restore(&client, table).await;
    }
    assert!(verify(&journal, &server.settings, |_, _| ()).await.unwrap().is_clean());
    let schemas = client.query("SELECT nspname::text FROM pg_namespace WHERE nspname LIKE 'verify%'", &[]).await.unwrap();
    assert!(schemas.is_empty(), "verify leaves nothing");
    projector.stop().await;
}

/// Puts a table back as it was. What PostgreSQL computes itself is left out.
async fn restore(client: &tokio_postgres::Client, table: &str) {
    let sql = "SELECT string_agg(attname::text, ', ') FROM pg_attribute
               WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''";
    let columns: String = client.query_one(sql, &[&table]).await.unwrap().get(0);
    let put_back =
        format!("DELETE FROM {table}; INSERT INTO {table} ({columns}) SELECT {columns} FROM kept.rows; DROP SCHEMA kept CASCADE");
    client.batch_execute(&put_back).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_projector_catches_up_by_itself_after_either_server_was_away() {
    let (mut server, mut broker) = (Server::start().await, Broker::start());
    let mut book = Book::small();
    let noon = book.at("2026-11-20T12:00+07:00");
    let (journal, mut tip) = broker.journal(&book).await;
    let projector = Running::start(&journal, &server.settings);
    for round in 0..6 {
        let known = book.entries.len();
        if round % 3 == 0 {
            server.stop();
        }
        for index in 0..50 {
            book.say("HTX1", &noon, harvested(&lot(&format!("L{round}-{index}"), "RAU"), "F1", 1_000));
        }
        tip = append(&journal, tip, &book, known).await;
        if round % 3 == 1 {
            broker.kill();
            broker.start_again();
        }
        if round % 3 == 0 {
            tokio::time::sleep(Duration::from_millis(300)).await;
            server.start_again();
        }
    }
    reaches(&server.settings, tip.sequence).await;
    let report = verify(&journal, &server.settings, |_, _| ()).await.unwrap();
    assert!(report.is_clean(), "{report:?}");
    projector.stop().await;
}

/// How many sessions hear projectors.
async fn hearing(server: &Server) -> i64 {
    let sessions = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'";
    server.client(&server.settings).await.query_one(sessions, &[]).await.unwrap().get(0)
}

async fn hear(server: &Server, sessions: i64) {
    let begun = Instant::now();
    while hearing(server).await != sessions {
        assert!(begun.elapsed() < Duration::from_secs(30), "{} sessions hear projectors, not {sessions}", hearing(server).await);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_is_waited_for_whether_projectors_are_heard_or_not() {
    let (server, broker) = (Server::start().await, Broker::start());
    let mut book = eventful();
    let noon = book.at("2026-11-22T12:00+07:00");
    let (journal, mut tip) = broker.journal(&book).await;
    let projector = Running::start(&journal, &server.settings);
    reaches(&server.settings, tip.sequence).await;
    let pool = database::connect(&server.settings).unwrap();
    let closing = tokio::sync::watch::channel(false).1;
    let routes = views::services_until(pool, server.settings.clone(), Default::default(), closing);
    let mut client = StockServiceClient::new(routes);
    hear(&server, 1).await;
    for index in 0..30 {
        if index == 10 {
            let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                       WHERE datname = current_database() AND query LIKE 'LISTEN%'";
            server.client(&server.settings).await.execute(end, &[]).await.unwrap();
        }
        if index == 20 {
            hear(&server, 1).await;
        }
        let known = book.entries.len();
        book.say("HTX1", &noon, harvested(&lot(&format!("M{index}"), "RAU"), "F1", 1_000));
        let at_least = stream::Position::new(journal.id(), tip.sequence + 1).to_string();
        // Asked before it is written, and after.
        let asking = client.query_stock(QueryStockRequest { at_least: at_least.clone(), ..Default::default() });
        let writing = async {
            tokio::time::sleep(Duration::from_millis(5)).await;
            append(&journal, tip, &book, known).await
        };
        let (answer, now) = tokio::join!(asking, writing);
        assert_eq!(answer.unwrap().into_inner().position, at_least);
        tip = now;
    }
    drop(client);
    hear(&server, 0).await;
    projector.stop().await;
}

const REBUILDS: i64 = 4;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_are_built_anew_while_they_are_read_and_written() {
    let (server, broker) = (Server::start().await, Broker::start());
    let mut book = eventful();
    let noon = book.at("2026-11-22T12:00+07:00");
    let (journal, mut tip) = broker.journal(&book).await;
    let first = Running::start(&journal, &server.settings);
    let second = Running::start(&journal, &server.settings);
    reaches(&server.settings, tip.sequence).await;
    let before = rows::all(&server, &server.settings).await;
    // Damage that nobody saw is gone with the old tables.
    server.client(&server.settings).await.execute("UPDATE sites SET name = 'hỏng'", &[]).await.unwrap();

    let reading = {
        let mut client = StockServiceClient::new(views::services(database::connect(&server.settings).unwrap()));
        tokio::spawn(async move {
            let mut answers = 0;
            let mut last = 0;
            let until = Instant::now() + Duration::from_secs(4);
            while Instant::now() < until {
                let request = QueryStockRequest { group_by: vec![StockKey::Site.into()], ..Default::default() };
                let answer = client.query_stock(request).await.expect("reads never stop").into_inner();
                let sum = |quantities: Vec<i64>| quantities.into_iter().sum::<i64>();
                let rows = sum(answer.rows.iter().map(|row| row.quantity_milli).collect());
                let totals = sum(answer.totals.iter().map(|total| total.quantity_milli).collect());
                assert!(rows > 0 && rows == totals, "one cut: {rows} in rows, {totals} in totals");
                let sequence = answer.position.parse::<stream::Position>().unwrap().sequence();
                assert!(sequence >= last, "a position never goes back");
                last = sequence;
                answers += 1;
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            answers
        })
    };
    let building = {
        let (journal, settings) = (journal.clone(), server.settings.clone());
        tokio::spawn(async move {
            for _ in 0..REBUILDS {
                rebuild(&journal, &settings, |_, _| ()).await.unwrap();
            }
        })
    };
    for index in 0..100 {
        let known = book.entries.len();
        book.say("HTX1", &noon, harvested(&lot(&format!("M{index}"), "RAU"), "F1", 1_000));
        tip = append(&journal, tip, &book, known).await;
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    building.await.unwrap();
    assert!(reading.await.unwrap() > 50);
    reaches(&server.settings, tip.sequence).await;
    let after = rows::all(&server, &server.settings).await;
    assert_eq!(after["sites"], before["sites"]);
    assert!(after["checkpoint"][0].contains(&format!("\"generation\": {}", 1 + REBUILDS)), "{:?}", after["checkpoint"]);
    let report = verify(&journal, &server.settings, |_, _| ()).await.unwrap();
    assert!(report.is_clean(), "{report:?}");
    first.stop().await;
    second.stop().await;
}

/// Filling in bulk and writing as it comes are two ways to the same rows, also around commands that neither can fold: those that
/// the fold can judge itself, and, last, one of which only a CHECK of the tables knows.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_built_anew_are_those_that_were_written_as_it_came() {
    let (server, broker) = (Server::start().await, Broker::start());
    let mut book = eventful();
    let noon = book.at("2026-11-22T12:00+07:00");
    let (a, unknown) = (lot("A", "RAU"), lot("NEVER", "RAU"));
    let elsewhere = domain::event::Lot { chain: domain::id::ChainCode::parse("CH9").unwrap(), ..a.clone() };
    let poison = |fact| vec![domain::event::Event { time: noon.clone(), violations: vec![], names: vec![], fact }];
    let unsaid = domain::event::Voided {
        command: domain::id::CommandId(uuid::Uuid::from_u128(1)),
        reason: String::new(),
        // Received nowhere: only the sum on the shipment's line is too small.
        originals: poison(received("PXK-1", "S1", &[(&a, 40_000)])),
    };
    let mut next = 9_000;
    for facts in [
        vec![harvested(&lot("D", "RAU"), "F1", 1_000), sold("S1", &[(&a, 9_000_000)]), harvested(&a, "F1", 10)],
        vec![sold("S1", &[(&unknown, 1)]), harvested(&elsewhere, "F1", 5_000), received("PXK-1", "S1", &[(&a, 900_000)])],
        vec![harvested(&lot("E", "RAU"), "F1", 3_000), sold("F1", &[(&lot("E", "RAU"), 2_000)])],
        vec![domain::event::Fact::Voided(unsaid), harvested(&lot("G", "RAU"), "F1", 4_000)],
        vec![harvested(&lot("H", "RAU"), "F1", 6_000)],
    ] {
        let commands = facts.into_iter().map(|fact| {
            next += 1;
            command("HTX1", domain::id::CommandId(uuid::Uuid::from_u128(next)), poison(fact))
        });
        let commands = commands.collect();
        book.enter(None, commands);
    }
    let (journal, tip) = broker.journal(&book).await;
    let projector = Running::start(&journal, &server.settings);
    reaches(&server.settings, tip.sequence).await;
    rolled_up(&server, tip.sequence).await;
    projector.stop().await;
    let (mut written, indexes) = (rows::all(&server, &server.settings).await, rows::indexes(&server, &server.settings).await);
    assert_eq!(written["parked"].len(), 5, "{:#?}", written["parked"]);
    rebuild(&journal, &server.settings, |_, _| ()).await.unwrap();
    let mut built = rows::all(&server, &server.settings).await;
    let without_generation = |rows: &mut Vec<String>| *rows = vec![rows[0].replace("\"generation\": 2", "\"generation\": 1")];
    built.entry("checkpoint".into()).and_modify(without_generation);
    for (table, rows) in &mut written {
        assert_eq!(&built[table], rows, "{table}");
    }
    assert_eq!(rows::indexes(&server, &server.settings).await, indexes);
    let report = verify(&journal, &server.settings, |_, _| ()).await.unwrap();
    assert!(report.differences.iter().all(|difference| difference.table == "balances"), "{report:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_projectors_that_come_to_a_long_journal_fill_empty_tables_once() {
    let (server, broker) = (Server::start().await, Broker::start());
    let mut book = eventful();
    let noon = book.at("2026-11-22T12:00+07:00");
    for index in 0..600 {
        book.say("HTX1", &noon, harvested(&lot(&format!("M{index}"), "RAU"), "F1", 1_000));
    }
    let (journal, tip) = broker.journal(&book).await;
    let both = [Running::start(&journal, &server.settings), Running::start(&journal, &server.settings)];
    reaches(&server.settings, tip.sequence).await;
    let known = book.entries.len();
    book.say("HTX1", &noon, harvested(&lot("LAST", "RAU"), "F1", 1_000));
    let tip = append(&journal, tip, &book, known).await;
    reaches(&server.settings, tip.sequence).await;
    for projector in both {
        projector.stop().await;
    }
    let report = verify(&journal, &server.settings, |_, _| ()).await.unwrap();
    assert!(report.is_clean(), "{report:?}");
    let rows = rows::all(&server, &server.settings).await;
    assert_eq!(rows["stock"].iter().filter(|row| row.contains("F1")).count(), 600 + 4, "{:?}", rows["stock"].len());
    // What a projector left that was stopped meanwhile, the next who builds tables takes away; so does verify.
    let schemas = "SELECT nspname::text FROM pg_namespace WHERE nspname ~ '^(fill|verify)_'";
    assert!(verify(&journal, &server.settings, |_, _| ()).await.unwrap().is_clean());
    assert!(server.client(&server.settings).await.query(schemas, &[]).await.unwrap().is_empty(), "nothing is left");
}

#[tokio::test]
async fn tables_of_another_journal_are_left_alone() {
    let server = Server::start().await;
    let (mine, other) = (Broker::start(), Broker::start());
    let (journal, tip) = mine.journal(&Book::small()).await;
    let projector = Running::start(&journal, &server.settings);
    reaches(&server.settings, tip.sequence).await;
    projector.stop().await;
    let (journal, _) = other.journal(&Book::small()).await;
    let outcome = Projector::new(journal, server.settings.clone()).run(std::future::pending()).await;
    assert!(matches!(outcome, Err(views::Error::OtherJournal { .. })), "{outcome:?}");
}
