//! The feed: every event once and in the journal's order, whoever feeds and whatever breaks.

use crate::system::*;
use serde_json::Value;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use stream::Capped;
use tokio::time::sleep;
use wire::proto::chuoi::record::v1::*;

fn feed(system: &System) -> Capped {
    system.journal.beside("feed", chuoi::feed::ROOT, chuoi::feed::CAPS)
}

/// What is kept of a subject: ids and contents.
async fn kept(system: &System, subject: &str) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    let read =
        feed(system).read(subject, None, |kept| all.push((kept.id, serde_json::from_slice(&kept.payload).expect("JSON")))).await;
    read.map(|()| all).unwrap_or_default()
}

/// Positions of all events of the journal, with their kinds.
async fn written(system: &System) -> Vec<String> {
    let last = system.journal.last_sequence().await.unwrap();
    let (mut reader, mut all) = (system.journal.read_from(None), Vec::new());
    while reader.tip().is_none_or(|tip| tip.last_seen < last) {
        for live in reader.next(1_000, Duration::from_secs(5)).await.unwrap() {
            let events = live.entry.commands.iter().map(|command| command.events.len()).sum::<usize>();
            let position = system.journal.position(live.tip.sequence);
            all.extend((0..u32::try_from(events).unwrap()).map(|ordinal| position.within(ordinal).to_string()));
        }
    }
    all
}

/// Waits until the feed holds so many messages.
async fn fed(system: &System, messages: usize) {
    let since = Instant::now();
    loop {
        let end = feed(system).end().await.ok().flatten().map_or(0, |end| end.sequence);
        if end >= messages as u64 {
            return;
        }
        assert!(since.elapsed() < Duration::from_secs(60), "the feed holds {end} of {messages} messages");
        sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_event_is_fed_once_and_in_order_by_two_runners_that_are_killed_while_nats_is() {
    let system = System::start().await;
    let stop = AtomicBool::new(false);
    let load = async {
        let mut round = 0;
        while !stop.load(Ordering::SeqCst) {
            let commands = (0..30).map(|n| command("2026-11-20 06:00", harvest(&format!("F{round}-{n}"), 1_000))).collect();
            // An answer that is lost is not this test's matter: what stands in the journal is.
            let _ = system.try_send_all(COOP, commands).await;
            round += 1;
        }
    };
    let feeding = async {
        let run = || {
            let (journal, database) = (system.journal.clone(), system.database());
            tokio::spawn(async move { chuoi::feed::run(journal, &database).await })
        };
        let mut runners = [run(), run()];
        for round in 0..12 {
            sleep(Duration::from_millis(150 + 37 * round)).await;
            let runner = &mut runners[round as usize % 2];
            runner.abort();
            *runner = run();
            if round % 4 == 3 {
                system.nats.kill().await;
                system.nats.start_again().await;
            }
        }
        stop.store(true, Ordering::SeqCst);
        runners
    };
    let ((), runners) = tokio::join!(load, feeding);
    let written = written(&system).await;
    fed(&system, written.len()).await;
    // Whatever is still under way would come now.
    sleep(Duration::from_secs(1)).await;
    let kept = kept(&system, ">").await;
    for (index, ((id, said), position)) in kept.iter().zip(&written).enumerate() {
        assert_eq!((id, said["position"].as_str()), (position, Some(position.as_str())), "number {index}");
    }
    assert_eq!(kept.len(), written.len());
    runners.iter().for_each(|runner| runner.abort());
    println!("{} events fed", kept.len());
}

#[tokio::test(flavor = "multi_thread")]
#[rustfmt::skip] // Columns.
async fn a_subject_names_kind_chain_and_site_and_a_message_says_the_event() {
    let system = System::start().await;
    system.record(COOP, "2026-11-20 06:00", harvest("L1", 9_000)).await;
    let sent = system.record(COOP, "2026-11-20 20:00", dispatch("P1", "SM1", &[("L1", 2_000)])).await;
    system.record(SHOP, "2026-11-21 05:00", receive("P1", &[])).await;
    system.record(SHOP, "2026-11-21 09:00", sell("SM1", &[("L1", 2_000)])).await;
    system.record(SHOP, "2026-11-21 closing", count("SM1", &[("L1", 0)])).await;
    let second = system.record(COOP, "2026-11-21 06:00", dispatch("P2", "SM2", &[("L1", 3_000)])).await;
    let void = Void { command_id: second.command_id, reason: "never left".into() };
    system.record(COOP, "2026-11-21 07:00", command::Action::Void(void)).await;
    let (journal, database) = (system.journal.clone(), system.database());
    let runner = tokio::spawn(async move { chuoi::feed::run(journal, &database).await });
    fed(&system, written(&system).await.len()).await;
    runner.abort();
    for (subject, kinds) in [
        ("*.CH1.*",         &["harvested", "dispatched", "received", "sold", "counted", "dispatched", "voided"][..]),
        ("*.*.SM1",         &["received", "sold", "counted"]),
        ("*.*.FA1",         &["harvested", "dispatched", "dispatched", "voided"]),
        ("sold.CH1.SM1",    &["sold"]),
        ("site_registered.-.-", &["site_registered", "site_registered", "site_registered"]),
        ("sold.CH2.>",      &[]),
    ] {
        let kept = kept(&system, subject).await;
        assert_eq!(kept.iter().map(|(_, said)| said["kind"].as_str().unwrap()).collect::<Vec<_>>(), kinds, "{subject}");
    }
    let (_, said) = kept(&system, "dispatched.CH1.FA1").await.remove(0);
    assert_eq!(said["command_id"], sent.command_id);
    assert_eq!(said["organization_code"], COOP);
    assert_eq!(said["event"]["dispatched"]["to_site_code"], "SM1");
    assert_eq!(said["event"]["dispatched"]["lines"][0]["amount"]["quantity_milli"], 2_000);
}
