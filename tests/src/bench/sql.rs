//! B1: the same trade as SQL written by hand at its strongest. B4: the rows of the views, copied as they are.

use crate::measured::Measured;
use bytes::{Bytes, BytesMut};
use futures::future::join_all;
use futures::{SinkExt as _, TryStreamExt as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;
use views::database::Settings;

const TABLES: &str = "
    CREATE TABLE event (id uuid PRIMARY KEY, record_time timestamptz NOT NULL, payload bytea NOT NULL);
    CREATE TABLE stock (place text NOT NULL, lot uuid NOT NULL, quantity_milli bigint NOT NULL CHECK (quantity_milli >= 0),
                        PRIMARY KEY (place, lot));";
const ENTER: &str = "WITH e AS (INSERT INTO event VALUES ($1, now(), $2))
    INSERT INTO stock VALUES ($3, $4, $5)
    ON CONFLICT (place, lot) DO UPDATE SET quantity_milli = stock.quantity_milli + excluded.quantity_milli";
const MOVE: &str = "WITH s AS (UPDATE stock SET quantity_milli = quantity_milli - $5
                               WHERE place = $3 AND lot = $4 AND quantity_milli >= $5 RETURNING 1),
    t AS (INSERT INTO stock SELECT $6, $4, $5 FROM s
          ON CONFLICT (place, lot) DO UPDATE SET quantity_milli = stock.quantity_milli + excluded.quantity_milli)
    INSERT INTO event SELECT $1, now(), $2 FROM s";
const LEAVE: &str = "WITH s AS (UPDATE stock SET quantity_milli = quantity_milli - $5
                                WHERE place = $3 AND lot = $4 AND quantity_milli >= $5 RETURNING 1)
    INSERT INTO event SELECT $1, now(), $2 FROM s";

async fn connect(url: &str, options: &str) -> Client {
    let mut config: tokio_postgres::Config = url.parse().expect("a URL");
    config.options(options);
    let (client, connection) = config.connect(NoTls).await.expect("a connection");
    tokio::spawn(connection);
    client
}

/// B1: one prepared statement a command, which inserts the event and changes the stock if that carries it; committed to disk.
pub async fn by_hand(url: &str, payload: &[u8], callers: usize, time: Duration) -> Measured {
    let on = "-csynchronous_commit=on";
    let begin = connect(url, on).await;
    begin.batch_execute(&format!("DROP TABLE IF EXISTS event, stock; {TABLES}")).await.expect("two tables");
    let clients = join_all((0..callers).map(|_| connect(url, on))).await;
    let (begun, lots) = (Instant::now(), AtomicU64::new(1));
    let lots = &lots;
    let caller = |client: Client| async move {
        let [enter, moved, leave] = [client.prepare(ENTER).await, client.prepare(MOVE).await, client.prepare(LEAVE).await];
        let (enter, moved, leave) = (enter.expect("a statement"), moved.expect("a statement"), leave.expect("a statement"));
        let mut measured = Measured::none();
        while begun.elapsed() < time {
            let (number, lot) = (lots.fetch_add(1, Ordering::Relaxed), Uuid::now_v7());
            let (farm, shop, road) = (format!("FM{}", number % 141), format!("SM{}", number % 1_810), format!("road {number}"));
            let mut steps = vec![
                (&enter, &farm, None, 20_000_i64),
                (&moved, &farm, Some(&road), 20_000),
                (&moved, &road, Some(&shop), 20_000),
                (&leave, &shop, None, 9_000),
                (&leave, &shop, None, 7_000),
            ];
            if number.is_multiple_of(100) {
                steps.push((&leave, &shop, None, 1_000_000_000));
            }
            for (statement, place, to, quantity) in steps {
                let (id, since) = (Uuid::now_v7(), Instant::now());
                let rows = match to {
                    Some(to) => client.execute(statement, &[&id, &payload, place, &lot, &quantity, to]).await,
                    None => client.execute(statement, &[&id, &payload, place, &lot, &quantity]).await,
                };
                measured.waited(since);
                if rows.expect("a command") == 1 { measured.accepted += 1 } else { measured.refused += 1 }
            }
        }
        measured
    };
    let parts = join_all(clients.into_iter().map(caller)).await;
    Measured::together(parts, begun.elapsed().as_secs_f64())
}

/// Waits until PostgreSQL has written and vacuumed what it was filled with: for ten seconds no worker is at it, in ten minutes at most.
pub async fn settled(settings: &Settings) {
    let client = connect(&settings.url, "").await;
    client.batch_execute("CHECKPOINT").await.expect("a checkpoint");
    let (begun, mut idle) = (Instant::now(), Instant::now());
    while idle.elapsed() < Duration::from_secs(10) && begun.elapsed() < Duration::from_secs(600) {
        let sql = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'autovacuum worker')";
        if client.query_one(sql, &[]).await.expect("workers").get(0) {
            idle = Instant::now();
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}

/// B4: seconds to copy all rows of the views into the same tables, empty, of another schema; three connections side by side. And
/// the bytes that the tables take.
pub async fn copied(settings: &Settings) -> (f64, i64) {
    let client = connect(&settings.url, &format!("-csearch_path={}", settings.schema)).await;
    let sql = "SELECT c.relname::text, string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum), pg_total_relation_size(c.oid)
               FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
               WHERE c.relnamespace = $1::text::regnamespace AND c.relkind = 'r' AND c.relname <> 'refinery_schema_history'
               GROUP BY c.oid, c.relname ORDER BY 3 DESC";
    let mut tables: Vec<(String, Vec<Bytes>)> = Vec::new();
    let mut size = 0;
    for row in client.query(sql, &[&settings.schema]).await.expect("tables") {
        let (name, columns, bytes): (String, String, i64) = (row.get(0), row.get(1), row.get(2));
        size += bytes;
        let out = client.copy_out(&format!("COPY {name} ({columns}) TO STDOUT (FORMAT binary)")).await.expect("rows");
        tables.push((format!("{name} ({columns})"), out.try_collect().await.expect("rows")));
    }
    let empty = Settings { schema: "copied".into(), ..settings.clone() };
    client.batch_execute("DROP SCHEMA IF EXISTS copied CASCADE").await.expect("no old copy");
    views::database::migrate(&empty).await.expect("empty tables");
    let begun = Instant::now();
    // The largest each, then whoever is free takes the next.
    let waiting = std::sync::Mutex::new(tables.into_iter());
    let share = || async {
        let client = connect(&empty.url, &format!("-csearch_path={} -csynchronous_commit=off", empty.schema)).await;
        loop {
            let Some((into, chunks)) = waiting.lock().expect("not poisoned").next() else { return };
            let sink = client.copy_in::<_, Bytes>(&format!("COPY {into} FROM STDIN (FORMAT binary)")).await.expect("a table");
            let mut sink = std::pin::pin!(sink);
            let mut together = BytesMut::new();
            for chunk in chunks {
                together.extend_from_slice(&chunk);
                if together.len() > 256 * 1024 {
                    sink.send(together.split().freeze()).await.expect("rows");
                }
            }
            sink.send(together.freeze()).await.expect("rows");
            sink.finish().await.expect("a copy");
        }
    };
    tokio::join!(share(), share(), share());
    let seconds = begun.elapsed().as_secs_f64();
    client.batch_execute("DROP SCHEMA copied CASCADE").await.expect("the copy is gone");
    (seconds, size)
}
