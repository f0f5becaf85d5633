//! Capped streams: in order and once, whoever publishes; and what is left when everything has left by its age.

use std::time::{Duration, Instant};

use stream::{Caps, Note};

use crate::{LONG, begin, server::Server};

const CAPS: Caps = Caps { age: Duration::from_secs(3_600), bytes: 1 << 20, per_subject: None };

fn notes(numbers: std::ops::Range<u64>) -> Vec<Note> {
    let note =
        |number: u64| Note { subject: format!("{}.of", number % 3), id: number.to_string(), payload: number.to_string().into() };
    numbers.map(note).collect()
}

#[tokio::test]
async fn whoever_publishes_behind_an_old_end_is_refused_and_nothing_is_doubled() {
    let server = Server::start();
    let journal = begin(&server).await;
    let stream = journal.beside("feed", "some.feed", CAPS);
    assert!(stream.end().await.unwrap().is_none(), "no stream yet");
    stream.prepare().await.unwrap();
    stream.prepare().await.unwrap();
    assert_eq!(stream.end().await.unwrap().map(|end| (end.sequence, end.last_id)), Some((0, None)));
    assert_eq!(stream.publish_after(0, notes(1..701)).await.unwrap(), 700);
    // A second one that has not seen this, with the same and with other messages.
    assert!(stream.publish_after(300, notes(5_000..5_010)).await.is_err());
    let end = stream.end().await.unwrap().unwrap();
    assert_eq!((end.sequence, end.last_id.as_deref()), (700, Some("700")));
    assert_eq!(stream.publish_after(end.sequence, notes(701..801)).await.unwrap(), 800);
    let mut all = Vec::new();
    stream.read(">", None, |kept| all.push((kept.sequence, kept.id, kept.payload))).await.unwrap();
    assert_eq!(all, (1..801).map(|number| (number, number.to_string(), number.to_string().into())).collect::<Vec<_>>());
    let mut some = 0;
    stream.read("1.of", None, |_| some += 1).await.unwrap();
    assert_eq!(some, 267);
    stream.read("9.>", None, |kept| panic!("{kept:?}")).await.unwrap();
}

#[tokio::test]
async fn a_stream_whose_messages_have_all_left_still_knows_where_it_ends() {
    let server = Server::start();
    let journal = begin(&server).await;
    let stream = journal.beside("feed", "some.feed", Caps { age: Duration::from_secs(1), ..CAPS });
    stream.prepare().await.unwrap();
    stream.publish_after(0, notes(1..11)).await.unwrap();
    let since = Instant::now();
    let end = loop {
        let end = stream.end().await.unwrap().unwrap();
        if end.last_id.is_none() || since.elapsed() > LONG {
            break end;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    assert_eq!((end.sequence, end.last_id), (10, None));
    assert_eq!(stream.publish_after(10, notes(11..12)).await.unwrap(), 11);
}

#[tokio::test]
async fn a_message_to_a_stream_that_is_not_there_is_said_to_be_lost() {
    let server = Server::start();
    let journal = begin(&server).await;
    let stream = journal.beside("refusals", "some.refusals", Caps { per_subject: Some(5), ..CAPS });
    stream.read(">", None, |kept| panic!("{kept:?}")).await.unwrap();
    assert!(!stream.publish(&notes(0..1)).await.unwrap());
    stream.prepare().await.unwrap();
    assert!(stream.publish(&notes(0..30)).await.unwrap());
    let mut ids = Vec::new();
    stream.read("0.of", None, |kept| ids.push(kept.id)).await.unwrap();
    assert_eq!(ids, ["15", "18", "21", "24", "27"], "the last of each subject");
}
