//! Beginning and opening a journal, and every stream that must not be taken for one.

use std::time::Duration;

use async_nats::jetstream::stream::{Compression, Config, DiscardPolicy, StorageType};
use stream::{Damage, Error, Journal, Settings};

use crate::{STREAM, append_each, at, begin, by_hand, genesis, publish_by_hand, server::Server, settings};

#[tokio::test]
async fn a_journal_that_was_begun_opens_with_its_genesis() {
    let server = Server::start();
    let begun = begin(&server).await;
    let opened = Journal::open(&settings(&server)).await.unwrap();
    assert_eq!(opened.id(), begun.id());
    assert_eq!(opened.genesis(), &genesis());
    assert_eq!(opened.genesis_entry().tip.sequence, 1);
    assert_eq!(opened.genesis_entry().tip.record_time, at(0));
    assert_eq!(opened.last_sequence().await.unwrap(), 1);
}

#[tokio::test]
async fn a_journal_cannot_be_begun_twice() {
    let server = Server::start();
    let journal = begin(&server).await;
    append_each(&journal, journal.genesis_entry().tip.clone(), 0..2).await;
    let error = stream::init(&settings(&server), genesis(), at(9)).await.unwrap_err();
    assert!(matches!(error, Error::AlreadyInitialized { last_sequence: 3, .. }), "{error}");
    assert_eq!(Journal::open(&settings(&server)).await.unwrap().id(), journal.id());
}

#[tokio::test]
async fn of_two_that_begin_at_once_one_does() {
    let server = Server::start();
    let settings = settings(&server);
    let begun = futures::future::join_all((0..4).map(|_| stream::init(&settings, genesis(), at(0)))).await;
    let (began, refused): (Vec<_>, Vec<_>) = begun.into_iter().partition(Result::is_ok);
    assert_eq!((began.len(), refused.len()), (1, 3), "{refused:?}");
    for refusal in refused {
        let error = refusal.unwrap_err();
        assert!(matches!(error, Error::AlreadyInitialized { .. }), "{error}");
    }
    assert_eq!(began[0].as_ref().unwrap().last_sequence().await.unwrap(), 1);
}

#[tokio::test]
async fn without_a_stream_nothing_opens_and_nothing_is_made() {
    let server = Server::start();
    for _ in 0..2 {
        let error = Journal::open(&settings(&server)).await.unwrap_err();
        assert!(matches!(error, Error::Missing { .. }), "{error}");
        assert!(error.to_string().contains("chuoi init"), "{error}");
    }
}

#[tokio::test]
async fn an_empty_stream_is_no_journal_until_init_ends_what_it_began() {
    let server = Server::start();
    // As init leaves it when it is killed between making the stream and writing the genesis.
    by_hand(&server).await.create_stream(sound()).await.unwrap();
    let error = Journal::open(&settings(&server)).await.unwrap_err();
    assert!(matches!(error, Error::Empty { .. }), "{error}");
    let journal = begin(&server).await;
    assert_eq!(journal.last_sequence().await.unwrap(), 1);
}

#[tokio::test]
async fn a_stream_of_something_else_is_no_journal() {
    let server = Server::start();
    by_hand(&server).await.create_stream(sound()).await.unwrap();
    publish_by_hand(&server, b"hello".to_vec()).await;
    let error = Journal::open(&settings(&server)).await.unwrap_err();
    assert!(matches!(error, Error::Damage { sequence: 1, what: Damage::Undecodable { .. } }), "{error}");
    let error = stream::init(&settings(&server), genesis(), at(0)).await.unwrap_err();
    assert!(matches!(error, Error::AlreadyInitialized { last_sequence: 1, .. }), "{error}");
}

#[tokio::test]
#[rustfmt::skip] // Columns.
async fn a_stream_that_could_lose_entries_is_refused() {
    let server = Server::start();
    let context = by_hand(&server).await;
    for (setting, config) in [
        ("subjects",             Config { subjects: vec!["chuoi-journal-1.>".into()], ..sound() }),
        ("storage",              Config { storage: StorageType::Memory, compression: None, ..sound() }),
        ("discard",              Config { discard: DiscardPolicy::Old, ..sound() }),
        ("max_msgs",             Config { max_messages: 10, ..sound() }),
        ("max_msgs_per_subject", Config { max_messages_per_subject: 10, ..sound() }),
        ("max_bytes",            Config { max_bytes: 1 << 20, ..sound() }),
        ("max_msg_size",         Config { max_message_size: 1 << 20, ..sound() }),
        ("max_age",              Config { max_age: Duration::from_secs(3600), ..sound() }),
        ("deny_delete",          Config { deny_delete: false, ..sound() }),
        ("deny_purge",           Config { deny_purge: false, ..sound() }),
        ("allow_rollup_hdrs",    Config { allow_rollup: true, deny_purge: false, ..sound() }),
        ("no_ack",               Config { no_ack: true, ..sound() }),
        ("compression",          Config { compression: Some(Compression::None), ..sound() }),
    ] {
        // The server removes the files of a deleted stream beside answering that it is gone.
        let mut tries = 0;
        while let Err(error) = context.create_stream(config.clone()).await {
            assert!(tries < 100 && error.to_string().contains("store"), "{error}");
            tries += 1;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        for outcome in [Journal::open(&settings(&server)).await, stream::init(&settings(&server), genesis(), at(0)).await] {
            let Err(Error::Setting { setting: found, .. }) = outcome else { panic!("{setting}: {outcome:?}") };
            assert!(found == setting || setting == "allow_rollup_hdrs", "{found}, not {setting}");
        }
        context.delete_stream(STREAM).await.unwrap();
    }
    context.create_stream(sound()).await.unwrap();
    let error = Journal::open(&Settings { replicas: 3, ..settings(&server) }).await.unwrap_err();
    assert!(matches!(error, Error::Setting { setting: "num_replicas", .. }), "{error}");
}

#[tokio::test]
async fn what_init_makes_denies_deleting_and_purging() {
    let server = Server::start();
    let journal = begin(&server).await;
    let stream = by_hand(&server).await.get_stream(STREAM).await.unwrap();
    assert!(stream.delete_message(1).await.is_err());
    assert!(stream.purge().await.is_err());
    assert_eq!(journal.last_sequence().await.unwrap(), 1);
}

#[tokio::test]
async fn an_address_where_nobody_listens_is_named_without_its_password() {
    let settings = Settings::new("nats://chuoi:hush@127.0.0.1:9", STREAM);
    let error = Journal::open(&settings).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "nats-server at nats://127.0.0.1:9 cannot be reached; check that it runs and that the address is right"
    );
}

#[tokio::test]
async fn a_name_that_nats_would_take_apart_is_refused() {
    for name in ["", "a.b", "a b", "a*", ">"] {
        let error = Journal::open(&Settings::new("nats://127.0.0.1:9", name)).await.unwrap_err();
        assert!(matches!(error, Error::StreamName { .. }), "{name}: {error}");
    }
}

#[tokio::test]
async fn a_server_that_takes_small_messages_only_is_refused() {
    let server = Server::with("max_payload: 512KB", "");
    let error = stream::init(&settings(&server), genesis(), at(0)).await.unwrap_err();
    assert!(matches!(error, Error::PayloadLimit { max: 524_288, .. }), "{error}");
}

/// A stream as `init` makes it.
pub fn sound() -> Config {
    Config {
        name: STREAM.into(),
        subjects: vec![Settings::new("", STREAM).subject()],
        discard: DiscardPolicy::New,
        storage: StorageType::File,
        deny_delete: true,
        deny_purge: true,
        compression: Some(Compression::S2),
        num_replicas: 1,
        ..Config::default()
    }
}
