//! Tables built anew from a million events while people ask and record.

use futures::future::join_all;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use stream::Position;
use tests::System;
use tests::world::*;
use tokio::time::sleep;
use wire::proto::chuoi::record::v1::record_service_client::RecordServiceClient;
use wire::proto::chuoi::record::v1::{Command, RecordBatchRequest, Verdict};
use wire::proto::chuoi::stock::v1::stock_service_client::StockServiceClient;
use wire::proto::chuoi::stock::v1::{QueryStockRequest, StockKey};

const LOTS: usize = 200_000;
const LOTS_OF_A_BATCH: usize = 100;
const CALLERS: usize = 8;
const DAYS: [&str; 5] = ["2026-11-16", "2026-11-17", "2026-11-18", "2026-11-19", "2026-11-20"];

/// Five events a lot from the farm to the shelf, in two batches: what the cooperative does, and what the shop does.
async fn trade(system: &System, recorder: usize, prefix: &str, batch: usize) {
    let names: Vec<_> = (0..LOTS_OF_A_BATCH).map(|n| format!("{prefix}{batch}-{n}")).collect();
    let (day, shop) = (DAYS[batch % DAYS.len()], if batch.is_multiple_of(2) { "SM1" } else { "SM2" });
    let grown = names
        .iter()
        .flat_map(|lot| [command(day, harvest(lot, 10_000)), command(day, dispatch(lot, shop, &[(lot.as_str(), 10_000)]))]);
    record(system, recorder, COOP, grown.collect()).await;
    let sold = names.iter().flat_map(|lot| {
        let sale = |milli| command(day, sell(shop, &[(lot.as_str(), milli)]));
        [command(day, receive(lot, &[(lot.as_str(), 10_000)])), sale(6_000), sale(3_500)]
    });
    record(system, recorder, SHOP, sold.collect()).await;
}

async fn record(system: &System, recorder: usize, by: &str, commands: Vec<Command>) {
    let mut client = RecordServiceClient::new(system.channels[recorder].clone()).max_decoding_message_size(64 << 20);
    let outcomes = client.record_batch(on_behalf_of(by, RecordBatchRequest { commands })).await.expect("an answer").into_inner();
    let refused = outcomes.outcomes.iter().find(|outcome| outcome.verdict() != Verdict::Accepted);
    assert!(refused.is_none(), "{refused:?}");
}

/// Seconds that queries had to wait at most. The comparison of rows comes after, as for every schedule.
pub async fn rebuild_under_load(system: &System, untrue: &mut Vec<String>) -> f64 {
    join_all((0..CALLERS).map(|caller| async move {
        for batch in (caller..LOTS / LOTS_OF_A_BATCH).step_by(CALLERS) {
            trade(system, 0, "R", batch).await;
        }
    }))
    .await;
    system.caught_up().await;
    let alone = asked(system, &mut 0).await;
    let rebuilt = AtomicBool::new(false);
    let writing = async {
        let mut batches = 0;
        while !rebuilt.load(Ordering::Relaxed) {
            trade(system, 1, "W", batches).await;
            batches += 1;
            sleep(Duration::from_millis(500)).await;
        }
        batches
    };
    let reading = async {
        let (mut waits, mut position) = (Vec::new(), 0);
        while !rebuilt.load(Ordering::Relaxed) {
            let before = position;
            waits.push(asked(system, &mut position).await);
            if position < before {
                untrue.push(format!("an answer of entry {position} after one of {before}"));
            }
            sleep(Duration::from_millis(20)).await;
        }
        waits.sort_by(f64::total_cmp);
        waits
    };
    let rebuilding = async {
        let begun = Instant::now();
        let outcome = views::rebuild(&system.journal, &system.database(), |_, _| {}).await.expect("tables built anew");
        rebuilt.store(true, Ordering::Relaxed);
        (outcome, begun.elapsed().as_secs_f64())
    };
    let (batches, waits, (outcome, seconds)) = tokio::join!(writing, reading, rebuilding);
    let (events, recorded) = (outcome.events as f64, batches * LOTS_OF_A_BATCH * 5);
    let longest = waits.last().copied().unwrap_or_default();
    println!(
        "  {events} events in {seconds:.1} s: {:.0} events/s; {recorded} recorded meanwhile; {} queries, median {:.1} ms, longest {:.1} ms \
         ({:.1} ms before)",
        events / seconds,
        waits.len(),
        waits.get(waits.len() / 2).copied().unwrap_or_default() * 1_000.0,
        longest * 1_000.0,
        alone * 1_000.0,
    );
    longest
}

/// Asks for the stock of a shop; the seconds it took, and the entry up to which it was answered.
async fn asked(system: &System, sequence: &mut u64) -> f64 {
    let request = QueryStockRequest { group_by: vec![StockKey::Site.into(), StockKey::Product.into()], ..Default::default() };
    let begun = Instant::now();
    let answer = StockServiceClient::new(system.query()).query_stock(request).await.expect("reads go on").into_inner();
    *sequence = answer.position.parse::<Position>().expect("a position").sequence();
    begun.elapsed().as_secs_f64()
}
