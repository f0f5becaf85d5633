//! Appending: the chain, races, and the same bytes sent more than once.

use std::time::Duration;

use futures::future::join_all;
use stream::{AppendError, Journal, MAX_ENTRY_BYTES, SealError, Tip};

use crate::{append_each, at, begin, command, entry_after, notes, publish_entry, read_all, sequences, server::Server, settings};

#[tokio::test]
async fn what_was_appended_is_read_back_as_one_chain() {
    let server = Server::start();
    let journal = begin(&server).await;
    let mut tip = journal.genesis_entry().tip.clone();
    let mut tips = vec![tip.clone()];
    for second in 1..=20 {
        let commands = vec![command(&second.to_string()), command("two in one")];
        let sealed = journal.seal(&tip, at(second), commands).unwrap();
        assert_eq!(sealed.expected_last_sequence(), tip.last_seen);
        tip = journal.append(&sealed).await.unwrap();
        assert_eq!((tip.sequence, tip.hash, tip.record_time), (second as u64 + 1, sealed.hash(), at(second)));
        tips.push(tip.clone());
    }
    // By another connection, as another process would.
    let journal = Journal::open(&settings(&server)).await.unwrap();
    let entries = read_all(&journal).await;
    assert_eq!(entries.iter().map(|entry| entry.tip.clone()).collect::<Vec<Tip>>(), tips);
    for pair in entries.windows(2) {
        assert_eq!(pair[1].entry.prev_sequence, pair[0].tip.sequence);
        assert_eq!(pair[1].entry.prev_hash, stream::chain::hash(&pair[0].payload));
        assert!(pair[0].stored_time <= pair[1].stored_time);
    }
    let one = journal.entry_at(7).await.unwrap();
    assert_eq!((&one.tip, &one.entry, &one.payload), (&tips[6], &entries[6].entry, &entries[6].payload));
    assert_eq!(one.stored_time, entries[6].stored_time);
    assert!(matches!(journal.entry_at(22).await, Err(stream::Error::NoEntry { sequence: 22 })));
}

#[tokio::test]
async fn of_many_writers_at_one_tip_exactly_one_wins() {
    let server = Server::start();
    let journal = begin(&server).await;
    let writers = join_all((0..8).map(|_| async { Journal::open(&settings(&server)).await.unwrap() })).await;
    let mut tip = journal.genesis_entry().tip.clone();
    for round in 0..20 {
        let race = writers.iter().enumerate().map(|(writer, journal)| {
            let sealed = journal.seal(&tip, at(round), vec![command(&format!("{round} by {writer}"))]).unwrap();
            async move { journal.append(&sealed).await }
        });
        let (won, lost): (Vec<_>, Vec<_>) = join_all(race).await.into_iter().partition(Result::is_ok);
        assert_eq!(won.len(), 1, "round {round}");
        for loss in lost {
            let place = tip.last_seen + 1;
            assert!(matches!(loss, Err(AppendError::Overtaken { place: at }) if at == place), "{loss:?}");
        }
        tip = won.into_iter().next().unwrap().unwrap();
    }
    assert_eq!(read_all(&journal).await.len(), 21);
}

#[tokio::test]
async fn the_same_sealed_entry_is_recorded_once_however_often_it_is_appended() {
    let server = Server::start();
    let journal = begin(&server).await;
    let sealed = journal.seal(&journal.genesis_entry().tip, at(1), vec![command("once")]).unwrap();
    let tip = journal.append(&sealed).await.unwrap();
    assert_eq!(journal.append(&sealed).await.unwrap(), tip);
    // Also long after others have followed.
    append_each(&journal, tip.clone(), 0..5).await;
    assert_eq!(journal.append(&sealed).await.unwrap(), tip);
    assert_eq!(notes(&read_all(&journal).await), ["once", "0", "1", "2", "3", "4"]);
}

#[tokio::test]
async fn an_append_that_was_given_up_is_settled_by_the_next_call() {
    let server = Server::start();
    let journal = begin(&server).await;
    let mut tip = journal.genesis_entry().tip.clone();
    for round in 0..50 {
        let sealed = journal.seal(&tip, at(round), vec![command(&round.to_string())]).unwrap();
        // Dropped at any moment: before it leaves, under way, after it landed.
        let _ = tokio::time::timeout(Duration::from_micros(round as u64 * 40), journal.append(&sealed)).await;
        tip = journal.append(&sealed).await.unwrap();
    }
    let expected: Vec<String> = (0..50).map(|round: i64| round.to_string()).collect();
    assert_eq!(notes(&read_all(&journal).await), expected);
}

#[tokio::test]
async fn a_stale_entry_is_skipped_and_the_next_append_goes_over_it() {
    let server = Server::start();
    let journal = begin(&server).await;
    let first = append_each(&journal, journal.genesis_entry().tip.clone(), 0..1).await;
    let second = append_each(&journal, first.clone(), 1..2).await;
    // What a broker that let a late append through would have: it follows the first, which has a successor.
    assert_eq!(publish_entry(&server, &entry_after(&journal, &first)).await, 4);
    assert_eq!(publish_entry(&server, &entry_after(&journal, &journal.genesis_entry().tip)).await, 5);

    // One that does not know of it yet is overtaken by it; one that has read over it is not.
    let blind = journal.seal(&second, at(0), vec![command("blind")]).unwrap();
    assert!(matches!(journal.append(&blind).await, Err(AppendError::Overtaken { place: 4 })));
    let mut reader = journal.read_from(Some(second.clone()));
    while reader.tip().unwrap().last_seen < 5 {
        assert!(reader.next(10, crate::LONG).await.unwrap().is_empty());
    }
    let tip = reader.tip().unwrap().clone();
    assert_eq!(tip, Tip { last_seen: 5, ..second });
    let third = append_each(&journal, tip, 2..3).await;
    assert_eq!((third.sequence, third.last_seen), (6, 6));

    // Every reader sees the same, wherever it began.
    let from_genesis = read_all(&journal).await;
    assert_eq!(sequences(&from_genesis), [1, 2, 3, 6]);
    for after in &from_genesis[..3] {
        let mut reader = journal.read_from(Some(after.tip.clone()));
        let mut entries = Vec::new();
        while reader.tip().unwrap().last_seen < 6 {
            entries.extend(reader.next(10, crate::LONG).await.unwrap());
        }
        let expected: Vec<u64> = sequences(&from_genesis).into_iter().filter(|at| *at > after.tip.sequence).collect();
        assert_eq!(sequences(&entries), expected, "after {}", after.tip.sequence);
    }
}

#[tokio::test]
async fn an_entry_beyond_the_limit_is_not_sealed_and_one_at_the_limit_is_appended() {
    let server = Server::start();
    let journal = begin(&server).await;
    let tip = &journal.genesis_entry().tip;
    let seal = |length: usize| journal.seal(tip, at(1), vec![command(&"x".repeat(length))]);
    let over = seal(MAX_ENTRY_BYTES).unwrap_err();
    let SealError::TooLarge { bytes, max } = over else { panic!("{over}") };
    let largest = seal(MAX_ENTRY_BYTES - (bytes - max)).unwrap();
    assert_eq!(largest.payload().len(), MAX_ENTRY_BYTES);
    journal.append(&largest).await.unwrap();
    let entries = read_all(&journal).await;
    assert_eq!(entries[1].payload, largest.payload());
    assert_eq!(journal.entry_at(2).await.unwrap().payload, largest.payload());
}

#[tokio::test]
async fn time_does_not_go_back() {
    let server = Server::start();
    let journal = begin(&server).await;
    let error = journal.seal(&journal.genesis_entry().tip, at(-1), vec![command("before")]).unwrap_err();
    assert_eq!(error, SealError::Backwards { record_time: at(-1), predecessor: at(0) });
}

#[tokio::test]
async fn what_the_server_refuses_is_certainly_not_recorded() {
    // Room for the genesis, not for the large entry that follows.
    let server = Server::with("", "max_file_store: 100KB");
    let journal = begin(&server).await;
    let mut tip = journal.genesis_entry().tip.clone();
    // Not to be squeezed.
    let note = |round: u64| {
        (0..700)
            .map(|i| uuid::Uuid::from_u64_pair(round.wrapping_mul(0x9E37_79B9_7F4A_7C15), i * 7919))
            .map(|id| id.to_string())
            .collect::<String>()
    };
    let mut recorded = 0;
    let error = loop {
        let sealed = journal.seal(&tip, at(0), vec![command(&note(recorded))]).unwrap();
        match journal.append(&sealed).await {
            Ok(next) => tip = next,
            Err(error) => break error,
        }
        recorded += 1;
        assert!(recorded < 100, "the server has no limit");
    };
    assert!(matches!(error, AppendError::Refused { .. }), "{error}");
    assert_eq!(journal.last_sequence().await.unwrap(), recorded + 1);
}
