//! B2 and B3: JetStream alone, each message on disk before it is acknowledged.

use crate::measured::Measured;
use async_nats::jetstream::stream::{Config, StorageType};
use bytes::Bytes;
use futures::future::join_all;
use std::time::{Duration, Instant};
use tests::Nats;

/// So many publishers in closed loops, each message of so many bytes.
pub async fn published(nats: &Nats, bytes: usize, publishers: usize, time: Duration) -> Measured {
    let url = nats.url();
    let address: async_nats::ServerAddr = url.parse().expect("an address");
    let (user, password) = (address.username().unwrap_or_default(), address.password().unwrap_or_default());
    let options = async_nats::ConnectOptions::with_user_and_password(user.to_owned(), password.to_owned());
    let client = options.connect(address).await.expect("a connection");
    let context = async_nats::jetstream::new(client);
    let name = format!("raw-{bytes}-{publishers}");
    let config = Config {
        name: name.clone(),
        subjects: vec![name.clone()],
        storage: StorageType::File,
        compression: Some(async_nats::jetstream::stream::Compression::S2),
        ..Config::default()
    };
    context.create_stream(config).await.expect("a stream");
    // As varied as events are: half of it is the same in all.
    let payload = |seed: u64| {
        let mut varied = seed;
        let byte = |at: usize| {
            varied = varied.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            if at.is_multiple_of(2) { b'a' } else { (varied >> 33) as u8 }
        };
        Bytes::from((0..bytes).map(byte).collect::<Vec<_>>())
    };
    let begun = Instant::now();
    let publisher = |number: usize| {
        let (context, subject, payload) = (context.clone(), name.clone(), payload(number as u64));
        async move {
            let mut measured = Measured::none();
            while begun.elapsed() < time {
                let since = Instant::now();
                let stored = context.publish(subject.clone(), payload.clone()).await.expect("a message");
                stored.await.expect("an acknowledgement");
                measured.waited(since);
                measured.accepted += 1;
            }
            measured
        }
    };
    let parts = join_all((0..publishers).map(publisher)).await;
    context.delete_stream(&name).await.expect("the stream is gone");
    Measured::together(parts, begun.elapsed().as_secs_f64())
}
