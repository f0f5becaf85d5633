//! Several recorders on one journal: each gets its turn, and who cannot is told so and has recorded nothing.

use crate::system::*;
use futures::future::join_all;
use std::sync::atomic::{AtomicBool, Ordering};
use tonic::Code;
use tonic::transport::Channel;
use wire::proto::chuoi::record::v1::record_service_client::RecordServiceClient;
use wire::proto::chuoi::record::v1::*;

async fn send_over(channel: &Channel, organization: &str, command: Command) -> Outcome {
    let request = on_behalf_of(organization, RecordBatchRequest { commands: vec![command] });
    RecordServiceClient::new(channel.clone()).record_batch(request).await.unwrap().into_inner().outcomes.remove(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_overtaken_every_time_hears_aborted_and_has_recorded_nothing() {
    let system = System::start().await;
    let impatient = system.recorder_with(|settings| record::Settings { attempts: 1, ..settings }).await;
    // Caught up once; then another records, which it has not read when it decides next.
    assert_eq!(send_over(&impatient, COOP, command("2026-11-20", harvest("L0", 1_000))).await.verdict(), Verdict::Accepted);
    system.record(COOP, "2026-11-20", harvest("L1", 1_000)).await;
    let waiting = command("2026-11-20", harvest("L2", 1_000));
    let refused = send_over(&impatient, COOP, waiting.clone()).await.refused.unwrap();
    assert_eq!((refused.code, refused.reason.as_str()), (Code::Aborted as i32, "CONTENDED"), "{refused:?}");
    // As a call of its own, with a hint when to come back.
    let third = system.record(COOP, "2026-11-20", harvest("L3", 1_000)).await;
    let Some(command::Action::Harvest(action)) = waiting.action.clone() else { unreachable!("it is a harvest") };
    let request = HarvestRequest { header: waiting.header.clone(), harvest: Some(action) };
    let status = RecordServiceClient::new(impatient.clone()).harvest(on_behalf_of(COOP, request)).await.unwrap_err();
    let told = wire::status::explain(&status);
    assert_eq!((told.code, told.retry_after.is_some()), (Code::Aborted, true), "{told:?}");
    assert_eq!(system.stock("FA1", &third.position).await, 3_000, "L2 is not recorded");
    // The same again, with the same id: it has read on since.
    assert_eq!(send_over(&impatient, COOP, waiting).await.verdict(), Verdict::Accepted);
    assert_eq!(system.verify().await.parked, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_while_too_many_wait_is_told_when_to_come_back_and_has_recorded_nothing() {
    let system = System::start().await;
    let small = system.recorder_with(|settings| record::Settings { waiting: 4, ..settings }).await;
    let call = |command: Command| {
        let mut client = RecordServiceClient::new(small.clone());
        async move {
            let Some(command::Action::Harvest(action)) = command.action else { unreachable!("it is a harvest") };
            client.harvest(on_behalf_of(COOP, HarvestRequest { header: command.header, harvest: Some(action) })).await
        }
    };
    let mut left: Vec<_> = (0..300).map(|n| command("2026-11-20", harvest(&format!("L{n}"), 1_000))).collect();
    let (mut accepted, mut shed) = (0, 0);
    while !left.is_empty() {
        let answers = futures::future::join_all(left.iter().cloned().map(call)).await;
        let mut again = Vec::new();
        for (command, answer) in left.into_iter().zip(answers) {
            match answer {
                Ok(_) => accepted += 1,
                Err(status) => {
                    let told = wire::status::explain(&status);
                    assert_eq!((told.code, told.retry_after.is_some()), (Code::ResourceExhausted, true), "{told:?}");
                    shed += 1;
                    again.push(command);
                }
            }
        }
        left = again;
    }
    assert!(accepted == 300 && shed > 0, "{shed} were told to come back");
    system.caught_up().await;
    assert_eq!(system.stock("FA1", "").await, 300_000, "each once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recorder_that_lags_behind_its_twin_refuses_nothing_that_holds() {
    let system = System::start().await;
    let twin = system.second_recorder().await;
    assert_eq!(send_over(&twin, COOP, command("2026-11-20", harvest("L0", 1_000))).await.verdict(), Verdict::Accepted);
    for round in 0..20 {
        // The twin has not read this when it is asked next; it may not say that the lot is not known, or holds nothing.
        let lot = format!("L1-{round}");
        system.record(SHOP, "2026-11-20", open("SM1", &lot, 2_000)).await;
        let sold = send_over(&twin, SHOP, command("2026-11-21 09:00", sell("SM1", &[(&lot, 2_000)]))).await;
        assert_eq!(sold.verdict(), Verdict::Accepted, "{:?}", sold.refused);
        // Nor may this one still see what its twin sold.
        let refused = system.send(SHOP, command("2026-11-21 10:00", sell("SM1", &[(&lot, 1_000)]))).await.refused.unwrap();
        assert_eq!(refused.metadata["there_milli"], "0", "{refused:?}");
    }
    system.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_caller_gets_its_turn_beside_a_recorder_under_load() {
    let system = System::start().await;
    let quiet = system.second_recorder().await;
    let done = AtomicBool::new(false);
    let load = async {
        let busy = (0..32).map(|caller| {
            let (system, done) = (&system, &done);
            async move {
                let mut sent = 0;
                while !done.load(Ordering::Relaxed) {
                    let harvest = command("2026-11-20", harvest(&format!("B{caller}-{sent}"), 1_000));
                    assert_eq!(system.send(COOP, harvest).await.verdict(), Verdict::Accepted);
                    sent += 1;
                }
                sent
            }
        });
        join_all(busy).await.into_iter().sum::<usize>()
    };
    let one = async {
        let mut worst = std::time::Duration::ZERO;
        for n in 0..60 {
            let begun = std::time::Instant::now();
            let outcome = send_over(&quiet, COOP, command("2026-11-20", harvest(&format!("Q{n}"), 1_000))).await;
            assert_eq!(outcome.verdict(), Verdict::Accepted, "{outcome:?}");
            worst = worst.max(begun.elapsed());
        }
        done.store(true, Ordering::Relaxed);
        worst
    };
    let (busy, worst) = tokio::join!(load, one);
    println!("{busy} beside 60, of which the slowest took {worst:?}");
    assert!(busy > 60, "the load was a load: {busy}");
    system.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn shipments_that_cross_wait_for_nobody() {
    let system = System::start().await;
    let other = system.second_recorder().await;
    for site in ["SM1", "SM2"] {
        system.record(SHOP, "2026-11-20", open(site, "L1", 64_000)).await;
    }
    let cross = (0..64).map(|n| {
        let (from, to) = if n % 2 == 0 { ("SM1", "SM2") } else { ("SM2", "SM1") };
        let channel = if n % 4 < 2 { &system.channel } else { &other };
        async move {
            let code = format!("S{n}");
            let sent = Dispatch {
                from_site: from.into(),
                to_site: to.into(),
                shipment_code: code.clone(),
                lines: lines(&[("L1", 1_000)]),
                ..Dispatch::default()
            };
            let outcome = send_over(channel, SHOP, command("2026-11-21 08:00", command::Action::Dispatch(sent))).await;
            assert_eq!(outcome.verdict(), Verdict::Accepted, "{outcome:?}");
            let shipment = ShipmentReference { issuer: SHOP.into(), shipment_code: code, ..ShipmentReference::default() };
            let taken = Receive { shipment: Some(shipment), everything: true, ..Receive::default() };
            let outcome = send_over(channel, SHOP, command("2026-11-21 09:00", command::Action::Receive(taken))).await;
            assert_eq!(outcome.verdict(), Verdict::Accepted, "{outcome:?}");
            outcome.recorded.unwrap().position
        }
    });
    join_all(cross).await;
    system.caught_up().await;
    for site in ["SM1", "SM2"] {
        assert_eq!(system.stock(site, "").await, 64_000);
    }
    system.verify().await;
}
