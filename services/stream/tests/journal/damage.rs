//! Every way in which a stream can be no journal any more: each is found, and readers stop there for good.

use std::time::Duration;

use stream::{AppendError, Damage, Error, Journal, Tip};
use uuid::Uuid;
use wire::proto::chuoi::event::v1::Entry;

use crate::{
    LONG, SHORT, append_each, at, begin, by_hand, command, entry_after, genesis, opening, publish_by_hand, publish_entry, read,
    server::Server, settings,
};

/// Spoils the fourth entry and returns what readers say of it, one that comes from the genesis and one that begins just
/// before.
async fn found_after(spoil: impl FnOnce(&Journal, &Tip, &mut Entry)) -> Damage {
    let server = Server::start();
    let journal = begin(&server).await;
    let tip = append_each(&journal, journal.genesis_entry().tip.clone(), 0..2).await;
    let mut entry = entry_after(&journal, &tip);
    spoil(&journal, &tip, &mut entry);
    assert_eq!(publish_entry(&server, &entry).await, 4);
    found(&journal, &tip).await
}

async fn found(journal: &Journal, tip: &Tip) -> Damage {
    let mut from_genesis = journal.read_from(None);
    assert_eq!(read(&mut from_genesis, 3).await.len(), 3, "what is sound comes first");
    let mut from_tip = journal.read_from(Some(tip.clone()));
    let mut said = Vec::new();
    for reader in [&mut from_genesis, &mut from_tip] {
        for _ in 0..2 {
            let error = reader.next(10, LONG).await.unwrap_err();
            let Error::Damage { sequence: 4, what } = error else { panic!("{error}") };
            said.push(what);
        }
        assert_eq!(reader.tip().unwrap().last_seen, 3);
    }
    assert!(said.windows(2).all(|pair| pair[0] == pair[1]), "{said:?}");
    said.remove(0)
}

#[tokio::test]
async fn bytes_that_are_no_entry() {
    let server = Server::start();
    let journal = begin(&server).await;
    let tip = append_each(&journal, journal.genesis_entry().tip.clone(), 0..2).await;
    publish_by_hand(&server, b"\xff\xffgarbage".to_vec()).await;
    assert!(matches!(found(&journal, &tip).await, Damage::Undecodable { .. }));
}

#[tokio::test]
async fn an_entry_of_another_journal() {
    let other = Uuid::from_u128(5);
    let what = found_after(|_, _, entry| entry.journal_id = other.into_bytes().to_vec()).await;
    assert!(matches!(what, Damage::OtherJournal { found, .. } if found == other), "{what}");
}

#[tokio::test]
async fn a_hash_that_does_not_fit_the_tip() {
    let what = found_after(|_, _, entry| entry.prev_hash[31] ^= 1).await;
    assert_eq!(what, Damage::Hash { named: 3 });
}

#[tokio::test]
async fn a_hash_that_does_not_fit_an_older_entry() {
    let what = found_after(|_, _, entry| entry.prev_sequence = 2).await;
    assert_eq!(what, Damage::Hash { named: 2 });
}

#[tokio::test]
async fn a_predecessor_that_comes_later() {
    let what = found_after(|_, _, entry| entry.prev_sequence = 4).await;
    assert_eq!(what, Damage::Predecessor { named: 4, tip: 3 });
}

#[tokio::test]
async fn a_record_time_before_the_predecessors() {
    let earlier = prost_types::Timestamp { seconds: at(-1).as_second(), nanos: 0 };
    let what = found_after(|_, _, entry| entry.record_time = Some(earlier)).await;
    assert_eq!(what, Damage::Backwards { record_time: at(-1), predecessor: at(0) });
}

#[tokio::test]
async fn a_second_genesis() {
    assert_eq!(found_after(|_, _, entry| entry.genesis = Some(genesis())).await, Damage::SecondGenesis);
}

#[tokio::test]
async fn an_entry_that_was_deleted() {
    let server = Server::start();
    let context = by_hand(&server).await;
    // As a stream can be that someone made by hand, spoilt, and then put right in its settings alone.
    let open = async_nats::jetstream::stream::Config { deny_delete: false, ..opening::sound() };
    let stream = context.create_stream(open).await.unwrap();
    let elsewhere = Server::start();
    let journal = begin(&elsewhere).await;
    append_each(&journal, journal.genesis_entry().tip.clone(), 0..5).await;
    let all = crate::read_all(&journal).await;
    for entry in &all {
        publish_by_hand(&server, entry.payload.to_vec()).await;
    }
    stream.delete_message(4).await.unwrap();
    context.update_stream(opening::sound()).await.unwrap();
    let error = Journal::open(&settings(&server)).await.unwrap_err();
    assert!(matches!(error, Error::Damage { sequence: 4, what: Damage::Gone }), "{error}");
}

#[tokio::test]
async fn an_entry_that_is_deleted_under_a_reader() {
    // A stream that denies deleting can still lose an entry by its disk. Here another stream of the same name and content,
    // with a hole, takes the place of the one that was opened.
    let mut server = Server::start();
    let journal = begin(&server).await;
    append_each(&journal, journal.genesis_entry().tip.clone(), 0..5).await;
    let all = crate::read_all(&journal).await;
    let mut reader = journal.read_from(Some(all[1].tip.clone()));
    server.kill();
    server.forget();
    server.start_again();
    let context = by_hand(&server).await;
    let open = async_nats::jetstream::stream::Config { deny_delete: false, ..opening::sound() };
    let stream = context.create_stream(open).await.unwrap();
    for entry in &all {
        publish_by_hand(&server, entry.payload.to_vec()).await;
    }
    stream.delete_message(4).await.unwrap();
    let error = loop {
        match reader.next(10, SHORT).await {
            Ok(entries) => assert!(entries.iter().all(|entry| entry.tip.sequence < 4)),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, Error::Damage { sequence: 4, what: Damage::Gone }), "{error}");
}

#[tokio::test]
async fn a_stream_that_is_shorter_than_it_was() {
    let mut server = Server::start();
    let journal = begin(&server).await;
    let early = append_each(&journal, journal.genesis_entry().tip.clone(), 0..3).await;
    server.kill();
    server.back_up();
    server.start_again();
    let late = append_each(&journal, early.clone(), 3..6).await;
    server.kill();
    server.restore();
    server.start_again();

    let shorter = Damage::Shorter { last_sequence: 4, known: 7 };
    let mut reader = journal.read_from(Some(late.clone()));
    assert_eq!(stopped(&mut reader).await, (5, shorter.clone()));
    let sealed = journal.seal(&late, at(0), vec![command("on sand")]).unwrap();
    let error = journal.append(&sealed).await.unwrap_err();
    assert!(matches!(&error, AppendError::Damage { sequence: 5, what } if *what == shorter), "{error}");

    // Once another writer has filled it up again, it is long enough, and still not what was known.
    let journal = Journal::open(&settings(&server)).await.unwrap();
    append_each(&journal, early.clone(), 100..104).await;
    let mut reader = journal.read_from(Some(late.clone()));
    assert_eq!(stopped(&mut reader).await, (7, Damage::Replaced));
    // One that knew no more than the copy reads on.
    assert_eq!(read(&mut journal.read_from(Some(early)), 4).await.len(), 4);
}

#[tokio::test]
async fn a_stream_that_is_gone() {
    let mut server = Server::start();
    let journal = begin(&server).await;
    let tip = append_each(&journal, journal.genesis_entry().tip.clone(), 0..3).await;
    let mut reader = journal.read_from(None);
    assert_eq!(read(&mut reader, 4).await.len(), 4);
    server.kill();
    server.forget();
    server.start_again();
    let (_, what) = stopped(&mut reader).await;
    assert!(matches!(what, Damage::StreamGone { .. }), "{what}");
    let sealed = journal.seal(&tip, at(0), vec![command("into the void")]).unwrap();
    let error = journal.append(&sealed).await.unwrap_err();
    assert!(matches!(error, AppendError::Damage { what: Damage::StreamGone { .. }, .. }), "{error}");
    assert!(matches!(journal.last_sequence().await, Err(Error::Missing { .. })));
}

async fn stopped(reader: &mut stream::Reader) -> (u64, Damage) {
    let patience = async {
        loop {
            match reader.next(10, Duration::from_millis(100)).await {
                Ok(entries) => assert!(entries.is_empty(), "{entries:?}"),
                Err(Error::Damage { sequence, what }) => return (sequence, what),
                Err(error) => panic!("{error}"),
            }
        }
    };
    tokio::time::timeout(LONG, patience).await.unwrap()
}
