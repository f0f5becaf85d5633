//! The journal on real nats-servers: one of its own for each test, killed and restarted at will.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "these are tests")]

mod appending;
mod capped;
mod crashes;
mod damage;
mod opening;
mod reading;
mod server;
mod turns;

use std::time::Duration;

use async_nats::jetstream;
use jiff::Timestamp;
use prost::Message;
use server::Server;
use stream::{Journal, LiveEntry, Reader, Settings, Tip};
use wire::proto::chuoi::event::v1::{Entry, Genesis, RecordedCommand};

const STREAM: &str = "chuoi-journal-1";
const LONG: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(300);

fn settings(server: &Server) -> Settings {
    // Short, so that what counts as damage only after a while does so soon.
    Settings { timeout: Duration::from_secs(2), ..Settings::new(server.url(), STREAM) }
}

fn genesis() -> Genesis {
    Genesis { business_time_zone: "Asia/Ho_Chi_Minh".into(), authority_code: "hanoi".into(), authority_name: "Hà Nội".into() }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

async fn begin(server: &Server) -> Journal {
    stream::init(&settings(server), genesis(), at(0)).await.unwrap()
}

fn command(note: &str) -> RecordedCommand {
    RecordedCommand { note: note.into(), ..RecordedCommand::default() }
}

/// Appends entries, one after the other, each with its number as a note.
async fn append_each(journal: &Journal, mut tip: Tip, numbers: std::ops::Range<u64>) -> Tip {
    for number in numbers {
        let sealed = journal.seal(&tip, tip.record_time, vec![command(&number.to_string())]).unwrap();
        tip = journal.append(&sealed).await.unwrap();
    }
    tip
}

/// Reads until so many entries are there.
async fn read(reader: &mut Reader, count: usize) -> Vec<LiveEntry> {
    let mut entries = Vec::new();
    while entries.len() < count {
        let more = reader.next(count - entries.len(), LONG).await.unwrap();
        assert!(!more.is_empty(), "only {} of {count} entries came", entries.len());
        entries.extend(more);
    }
    entries
}

/// Reads to the end of the stream.
async fn read_all(journal: &Journal) -> Vec<LiveEntry> {
    let last = journal.last_sequence().await.unwrap();
    let (mut reader, mut entries) = (journal.read_from(None), Vec::new());
    while reader.tip().is_none_or(|tip| tip.last_seen < last) {
        entries.extend(reader.next(1_000, LONG).await.unwrap());
    }
    entries
}

fn notes(entries: &[LiveEntry]) -> Vec<&str> {
    let commands = entries.iter().flat_map(|entry| &entry.entry.commands);
    commands.map(|command| command.note.as_str()).collect()
}

fn sequences(entries: &[LiveEntry]) -> Vec<u64> {
    entries.iter().map(|entry| entry.tip.sequence).collect()
}

/// An entry that follows `tip`, to be spoilt by a test.
fn entry_after(journal: &Journal, tip: &Tip) -> Entry {
    Entry {
        journal_id: journal.id().into_bytes().to_vec(),
        entry_id: vec![7; 16],
        prev_sequence: tip.sequence,
        prev_hash: tip.hash.to_vec(),
        record_time: Some(prost_types::Timestamp { seconds: tip.record_time.as_second(), nanos: 0 }),
        genesis: None,
        commands: vec![command("by hand")],
    }
}

/// Publishes without any expectation, as nobody should.
async fn publish_by_hand(server: &Server, payload: Vec<u8>) -> u64 {
    let context = by_hand(server).await;
    let subject = Settings::new("", STREAM).subject();
    context.publish(subject, payload.into()).await.unwrap().await.unwrap().sequence
}

async fn publish_entry(server: &Server, entry: &Entry) -> u64 {
    publish_by_hand(server, entry.encode_to_vec()).await
}

async fn by_hand(server: &Server) -> jetstream::Context {
    jetstream::new(async_nats::connect(server.url()).await.unwrap())
}
