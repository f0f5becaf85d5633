//! How fast a journal is read and appended to: `speed nats://127.0.0.1:4222 [entries] [bytes]` on a server of its own.
//!
//! Makes a stream, fills it with a chain of entries, reads it from the genesis on, then appends one entry after the other
//! and asks for the last sequence. Figures go to standard output.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a measurement ends where it cannot go on")]

use std::time::{Duration, Instant};

use async_nats::{HeaderMap, header, jetstream};
use jiff::Timestamp;
use stream::{Journal, Settings, Tip};
use wire::proto::chuoi::event::v1::{Genesis, RecordedCommand};

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().expect("the address of a nats-server");
    let entries = arguments.next().map_or(100_000, |text| text.parse().expect("a number of entries"));
    let bytes = arguments.next().map_or(400, |text| text.parse().expect("a number of bytes"));
    let settings = Settings::new(url, format!("chuoi-speed-{}", std::process::id()));
    let journal = stream::init(&settings, Genesis::default(), Timestamp::now()).await.unwrap();

    let tip = fill(&settings, &journal, entries, bytes).await;
    for _ in 0..3 {
        read(&journal, &tip).await;
    }
    append(&journal, tip, bytes).await;
}

/// Without waiting for each acknowledgement: only the reading is measured.
async fn fill(settings: &Settings, journal: &Journal, entries: u64, bytes: usize) -> Tip {
    let context = jetstream::new(async_nats::connect(&settings.url).await.unwrap());
    let mut tip = journal.genesis_entry().tip.clone();
    let since = Instant::now();
    let mut acks = Vec::new();
    for _ in 0..entries {
        let sealed = journal.seal(&tip, tip.record_time, commands(bytes)).unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(header::NATS_EXPECTED_LAST_SEQUENCE, sealed.expected_last_sequence().to_string());
        let payload = sealed.payload().clone();
        acks.push(context.publish_with_headers(settings.subject(), headers, payload).await.unwrap());
        let sequence = tip.sequence + 1;
        tip = Tip { sequence, hash: sealed.hash(), last_seen: sequence, ..tip };
        if acks.len() == 1_000 {
            for ack in acks.drain(..) {
                ack.await.unwrap();
            }
        }
    }
    for ack in acks {
        ack.await.unwrap();
    }
    println!("filled with {entries} entries of about {bytes} bytes in {:.1?}", since.elapsed());
    tip
}

async fn read(journal: &Journal, tip: &Tip) {
    let mut reader = journal.read_from(None);
    let (since, mut count, mut bytes) = (Instant::now(), 0, 0);
    while reader.tip().is_none_or(|seen| seen.last_seen < tip.last_seen) {
        let read = reader.next(5_000, Duration::from_secs(5)).await.unwrap();
        count += read.len();
        bytes += read.iter().map(|entry| entry.payload.len()).sum::<usize>();
    }
    let took = since.elapsed();
    let per_second = |amount: usize| amount as f64 / took.as_secs_f64();
    let (entries, megabytes) = (per_second(count), per_second(bytes) / 1e6);
    println!("read {count} entries in {took:.2?}: {entries:.0} entries/s, {megabytes:.0} MB/s");
}

async fn append(journal: &Journal, mut tip: Tip, bytes: usize) {
    let (since, mut count) = (Instant::now(), 0);
    while since.elapsed() < Duration::from_secs(3) {
        let sealed = journal.seal(&tip, tip.record_time, commands(bytes)).unwrap();
        tip = journal.append(&sealed).await.unwrap();
        count += 1;
    }
    println!("appended one by one: {:.0} entries/s", f64::from(count) / since.elapsed().as_secs_f64());
    let (since, mut count) = (Instant::now(), 0);
    while since.elapsed() < Duration::from_secs(1) {
        journal.last_sequence().await.unwrap();
        count += 1;
    }
    println!("asked for the last sequence: {:.0}/s", f64::from(count) / since.elapsed().as_secs_f64());
}

fn commands(bytes: usize) -> Vec<RecordedCommand> {
    vec![RecordedCommand { note: "x".repeat(bytes.saturating_sub(120)), ..RecordedCommand::default() }]
}
