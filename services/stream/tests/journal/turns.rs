//! Turns among writers on a real server: taken, waited for, given back, forgotten.

use std::time::{Duration, Instant};

use stream::Turns;
use tokio::time::{sleep, timeout};

use crate::{LONG, begin, server::Server};

/// Until a writer has heard of a turn, or of its end.
const HEARD: Duration = Duration::from_millis(150);

#[tokio::test(flavor = "multi_thread")]
async fn a_turn_holds_others_back_for_its_length_and_never_its_holder() {
    let server = Server::start();
    let journal = begin(&server).await;
    let (mut taker, mut other) = (Turns::on(&journal), Turns::on(&journal));
    sleep(HEARD).await;
    // Nobody has one: nobody waits.
    timeout(LONG, other.wait_for_others()).await.unwrap();
    taker.take().await;
    let taken = Instant::now();
    timeout(LONG, taker.wait_for_others()).await.unwrap();
    assert!(taken.elapsed() < HEARD, "the holder waits for nobody");
    while timeout(Duration::from_millis(20), other.wait_for_others()).await.is_ok() {
        assert!(taken.elapsed() < LONG, "the other never waited");
    }
    // Another turn is not to be had meanwhile; a holder that never gives back is waited for no longer than so.
    other.take().await;
    timeout(LONG, other.wait_for_others()).await.unwrap();
    taker.give_back(true).await;
    sleep(HEARD).await;
    other.take().await;
    let taken = Instant::now();
    while timeout(Duration::from_millis(20), taker.wait_for_others()).await.is_ok() {
        assert!(taken.elapsed() < LONG, "a turn that was given back could not be taken");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_broker_nobody_waits() {
    let mut server = Server::start();
    let journal = begin(&server).await;
    let mut writer = Turns::on(&journal);
    server.kill();
    timeout(LONG, writer.wait_for_others()).await.unwrap();
    timeout(LONG, writer.take()).await.unwrap();
    timeout(LONG, writer.give_back(true)).await.unwrap();
}
