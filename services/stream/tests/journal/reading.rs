//! Reading: batches, waiting, beginning in the middle, giving up half-way.

use std::time::{Duration, Instant};

use crate::{LONG, SHORT, append_each, begin, notes, read, read_all, sequences, server::Server};

#[tokio::test]
async fn a_reader_gives_at_most_what_was_asked_for_and_all_of_it_in_the_end() {
    let server = Server::start();
    let journal = begin(&server).await;
    append_each(&journal, journal.genesis_entry().tip.clone(), 0..40).await;
    let mut reader = journal.read_from(None);
    let mut entries = Vec::new();
    for size in [1, 2, 3, 5, 8, 13, 21] {
        let more = reader.next(size, LONG).await.unwrap();
        assert!(!more.is_empty() && more.len() <= size);
        entries.extend(more);
        assert_eq!(reader.tip().unwrap(), &entries.last().unwrap().tip);
    }
    assert_eq!(sequences(&entries), (1..=41).collect::<Vec<u64>>());
    assert!(reader.next(10, SHORT).await.unwrap().is_empty());
}

#[tokio::test]
async fn at_the_tip_a_reader_waits_for_news_and_gives_it_at_once() {
    let server = Server::start();
    let journal = begin(&server).await;
    let mut tip = journal.genesis_entry().tip.clone();
    let mut reader = journal.read_from(Some(tip.clone()));
    let since = Instant::now();
    assert!(reader.next(10, SHORT).await.unwrap().is_empty());
    assert!(since.elapsed() >= SHORT);
    for number in 0..20 {
        let (news, appended) = tokio::join!(reader.next(10, LONG), async {
            tokio::time::sleep(Duration::from_millis(10)).await;
            (append_each(&journal, tip.clone(), number..number + 1).await, Instant::now())
        });
        tip = appended.0;
        assert_eq!(notes(&news.unwrap()), [number.to_string()]);
        assert!(appended.1.elapsed() < Duration::from_secs(1));
    }
}

/// Who was at work gets all that came meanwhile: one entry at a time it would never catch up.
#[tokio::test]
async fn what_came_while_the_caller_was_at_work_comes_together() {
    let server = Server::start();
    let journal = begin(&server).await;
    let mut tip = journal.genesis_entry().tip.clone();
    let mut reader = journal.read_from(Some(tip.clone()));
    // At the tip, each of these is sent as the last there is.
    assert!(reader.next(10, SHORT).await.unwrap().is_empty());
    for round in 0..3 {
        tip = append_each(&journal, tip, round * 50..round * 50 + 50).await;
        tokio::time::sleep(SHORT).await;
        assert_eq!(reader.next(100, LONG).await.unwrap().len(), 50);
    }
}

#[tokio::test]
async fn without_patience_a_reader_still_gives_what_is_stored() {
    let server = Server::start();
    let journal = begin(&server).await;
    append_each(&journal, journal.genesis_entry().tip.clone(), 0..9).await;
    let entries = journal.read_from(None).next(100, Duration::ZERO).await.unwrap();
    assert_eq!(entries.len(), 10);
}

#[tokio::test]
async fn a_reader_that_begins_after_a_tip_gives_the_rest() {
    let server = Server::start();
    let journal = begin(&server).await;
    append_each(&journal, journal.genesis_entry().tip.clone(), 0..30).await;
    let all = read_all(&journal).await;
    for from in [1, 7, 30] {
        let mut reader = journal.read_from(Some(all[from - 1].tip.clone()));
        assert_eq!(sequences(&read(&mut reader, 31 - from).await), (from as u64 + 1..=31).collect::<Vec<u64>>());
        assert!(reader.next(10, SHORT).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_call_that_is_dropped_loses_nothing() {
    let server = Server::start();
    let journal = begin(&server).await;
    append_each(&journal, journal.genesis_entry().tip.clone(), 0..300).await;
    let mut reader = journal.read_from(None);
    let mut entries = Vec::new();
    let mut patience = 0;
    while entries.len() < 301 {
        // Dropped at any moment, also while it connects.
        patience = (patience + 37) % 3_000;
        match tokio::time::timeout(Duration::from_micros(patience), reader.next(7, LONG)).await {
            Ok(more) => entries.extend(more.unwrap()),
            Err(_) => assert!(entries.len() < 301),
        }
    }
    assert_eq!(sequences(&entries), (1..=301).collect::<Vec<u64>>());
}

#[tokio::test]
async fn a_consumer_that_the_server_lost_is_made_again() {
    let server = Server::start();
    let journal = begin(&server).await;
    let mut tip = journal.genesis_entry().tip.clone();
    let mut reader = journal.read_from(None);
    assert_eq!(reader.next(10, LONG).await.unwrap().len(), 1);
    for number in 0..3 {
        let stream = crate::by_hand(&server).await.get_stream(crate::STREAM).await.unwrap();
        let mut names = stream.consumer_names();
        while let Some(name) = futures::StreamExt::next(&mut names).await {
            stream.delete_consumer(&name.unwrap()).await.unwrap();
        }
        tip = append_each(&journal, tip, number..number + 1).await;
        assert_eq!(notes(&reader.next(10, LONG).await.unwrap()), [number.to_string()]);
    }
}

#[tokio::test]
async fn readers_leave_no_consumers_behind() {
    let server = Server::start();
    let journal = begin(&server).await;
    for _ in 0..20 {
        assert_eq!(journal.read_from(None).next(10, LONG).await.unwrap().len(), 1);
    }
    let mut stream = crate::by_hand(&server).await.get_stream(crate::STREAM).await.unwrap();
    for _ in 0..100 {
        if stream.info().await.unwrap().state.consumer_count == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{} consumers are left", stream.cached_info().state.consumer_count);
}

#[tokio::test]
async fn large_entries_come_through_in_several_requests() {
    let server = Server::start();
    let journal = begin(&server).await;
    let mut tip = journal.genesis_entry().tip.clone();
    // 40 MB: far more than one request brings.
    for _ in 0..50 {
        let note = "0123456789".repeat(80_000);
        let sealed = journal.seal(&tip, tip.record_time, vec![crate::command(&note)]).unwrap();
        tip = journal.append(&sealed).await.unwrap();
    }
    let mut reader = journal.read_from(None);
    assert_eq!(sequences(&read(&mut reader, 51).await), (1..=51).collect::<Vec<u64>>());
}
