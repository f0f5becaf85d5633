//! The server killed under writers and readers, over and over: what was acknowledged is there, once, and nothing else is.

use std::{
    collections::HashMap,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use jiff::Timestamp;
use stream::{AppendError, Journal, LiveEntry, Tip};
use uuid::Uuid;

use crate::{LONG, SHORT, begin, command, read_all, sequences, server::Server, settings};

const ROUNDS: u64 = 25;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_append_is_recorded_once_or_overtaken_however_often_the_server_is_killed() {
    let mut server = Server::start();
    let journal = begin(&server).await;
    let stop: &'static AtomicBool = Box::leak(Box::new(AtomicBool::new(false)));

    let mut writers = Vec::new();
    for writer in 0..2 {
        let journal = Journal::open(&settings(&server)).await.unwrap();
        writers.push(tokio::spawn(write(journal, writer, stop)));
    }
    let follower = tokio::spawn(follow(journal.clone(), stop));

    for round in 0..ROUNDS {
        // From "just connected" to "well under way".
        tokio::time::sleep(Duration::from_millis(20 + round * 13 % 150)).await;
        server.kill();
        tokio::time::sleep(Duration::from_millis(round % 5 * 10)).await;
        server.start_again();
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    stop.store(true, Ordering::SeqCst);

    let mut recorded = HashMap::new();
    let mut overtaken = 0;
    for writer in writers {
        let outcome = tokio::time::timeout(LONG, writer).await.unwrap().unwrap();
        recorded.extend(outcome.recorded);
        overtaken += outcome.overtaken;
    }
    let entries = read_all(&journal).await;
    let stored: HashMap<Uuid, u64> =
        entries[1..].iter().map(|entry| (Uuid::from_slice(&entry.entry.entry_id).unwrap(), entry.tip.sequence)).collect();
    assert_eq!(stored, recorded);
    assert_eq!(sequences(&entries), (1..=entries.len() as u64).collect::<Vec<u64>>());
    assert!(recorded.len() as u64 > ROUNDS, "{} were recorded", recorded.len());
    println!("{} recorded, {overtaken} overtaken in {ROUNDS} crashes", recorded.len());

    let followed = tokio::time::timeout(LONG, follower).await.unwrap().unwrap();
    assert_eq!(sequences(&followed), sequences(&entries), "each entry once, in order");
}

struct Outcome {
    recorded: HashMap<Uuid, u64>,
    overtaken: u64,
}

/// Appends as fast as it can; reads on when it is overtaken.
async fn write(journal: Journal, writer: u64, stop: &AtomicBool) -> Outcome {
    let mut outcome = Outcome { recorded: HashMap::new(), overtaken: 0 };
    let mut tip: Tip = journal.genesis_entry().tip.clone();
    for number in 0.. {
        if stop.load(Ordering::SeqCst) {
            break;
        }
        let time = Timestamp::now().max(tip.record_time);
        let sealed = journal.seal(&tip, time, vec![command(&format!("{writer}-{number}"))]).unwrap();
        match journal.append(&sealed).await {
            Ok(next) => {
                outcome.recorded.insert(sealed.entry_id(), next.sequence);
                tip = next;
            }
            Err(AppendError::Overtaken { place }) => {
                outcome.overtaken += 1;
                let mut reader = journal.read_from(Some(tip.clone()));
                while reader.tip().is_none_or(|tip| tip.last_seen < place) {
                    reader.next(1_000, SHORT).await.unwrap();
                }
                tip = reader.tip().unwrap().clone();
            }
            Err(error) => panic!("{error}"),
        }
    }
    outcome
}

/// One reader through all of it.
async fn follow(journal: Journal, stop: &AtomicBool) -> Vec<LiveEntry> {
    let mut reader = journal.read_from(None);
    let mut entries = Vec::new();
    loop {
        let stopped = stop.load(Ordering::SeqCst);
        entries.extend(reader.next(100, SHORT).await.unwrap());
        if stopped {
            // Twice the tip: writers may still have settled their last one.
            tokio::time::sleep(SHORT).await;
            let last = journal.last_sequence().await.unwrap();
            while reader.tip().is_none_or(|tip| tip.last_seen < last) {
                entries.extend(reader.next(100, SHORT).await.unwrap());
            }
            return entries;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_append_waits_out_a_long_absence_of_the_server() {
    let mut server = Server::start();
    let journal = begin(&server).await;
    let sealed = journal.seal(&journal.genesis_entry().tip, crate::at(1), vec![command("patient")]).unwrap();
    server.kill();
    let appending = tokio::spawn({
        let journal = journal.clone();
        async move { journal.append(&sealed).await }
    });
    // Longer than a request may take.
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(!appending.is_finished());
    server.start_again();
    assert_eq!(tokio::time::timeout(LONG, appending).await.unwrap().unwrap().unwrap().sequence, 2);
    assert_eq!(read_all(&journal).await.len(), 2);
}
