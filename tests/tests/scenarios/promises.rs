//! What callers are promised, tried as callers would: at once, twice, much later, and by two people together.

use crate::system::*;
use futures::StreamExt as _;
use futures::future::join_all;
use uuid::Uuid;
use wire::proto::chuoi::event::v1::event::Fact;
use wire::proto::chuoi::event::v1::{CountBasis, Event};
use wire::proto::chuoi::record::v1::command::Action;
use wire::proto::chuoi::record::v1::record_service_client::RecordServiceClient;
use wire::proto::chuoi::record::v1::*;

fn reason(outcome: &Outcome) -> &str {
    outcome.refused.as_ref().map_or("accepted", |refused| refused.reason.as_str())
}

fn accepted(outcomes: &[Outcome]) -> usize {
    outcomes.iter().filter(|outcome| outcome.verdict() == Verdict::Accepted).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_command_sent_many_times_is_recorded_once_also_a_year_later() {
    let system = System::keeping(8).await;
    let sent = command("2025-11-25 06:00", harvest("L1", 5_000));
    let outcomes = join_all((0..3).map(|_| system.send(COOP, sent.clone()))).await;
    assert_eq!(accepted(&outcomes), 1);
    // A year of other commands drives it out of the memory.
    for day in ["2025-12-25", "2026-03-25", "2026-06-25", "2026-11-24"] {
        let others = (0..20).map(|n| command(day, harvest(&format!("{day}-{n}"), 1_000))).collect();
        assert_eq!(accepted(&system.send_all(COOP, others).await), 20);
    }
    let late = system.send(COOP, sent.clone()).await;
    assert_eq!(late.verdict(), Verdict::Duplicate);
    for outcome in &outcomes {
        assert_eq!(outcome.recorded, late.recorded, "the bodies are equal");
    }
    let mut other = sent;
    other.action = Some(harvest("L1", 6_000));
    let refused = system.send(COOP, other).await;
    assert_eq!(reason(&refused), "OTHER_CONTENT");
    system.verify().await;
    assert_eq!(system.stock("FA1", "").await, 85_000);
}

/// What a recorder put away is lost, or lies: it reads the journal from its beginning, and nobody notices.
#[tokio::test(flavor = "multi_thread")]
async fn a_recorder_whose_disk_lies_says_what_the_journal_says() {
    let mut system = System::keeping(8).await;
    let sent = command("2025-11-25 06:00", harvest("L1", 5_000));
    assert_eq!(system.send(COOP, sent.clone()).await.verdict(), Verdict::Accepted);
    let ruin = |folder: &std::path::Path| {
        let mut left = vec![folder.join("state")];
        let mut ruined = 0;
        while let Some(path) = left.pop() {
            if path.is_dir() {
                left.extend(std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
                continue;
            }
            let mut bytes = std::fs::read(&path).unwrap();
            let (third, length) = (bytes.len() / 3, bytes.len());
            bytes[third..length - third].fill(0xaa);
            std::fs::write(&path, bytes).unwrap();
            ruined += usize::from(third > 0);
        }
        assert!(ruined > 0, "something was put away");
    };
    let lose = |folder: &std::path::Path| std::fs::remove_dir_all(folder.join("state")).unwrap();
    let keep = |_: &std::path::Path| ();
    let befalls: [&dyn Fn(&std::path::Path); 3] = [&ruin, &lose, &keep];
    for (round, befalls) in befalls.into_iter().enumerate() {
        let others = (0..20).map(|n| command("2026-03-25", harvest(&format!("{round}-{n}"), 1_000))).collect();
        assert_eq!(accepted(&system.send_all(COOP, others).await), 20);
        system.replace_recorder_over(befalls).await;
        assert_eq!(system.send(COOP, sent.clone()).await.verdict(), Verdict::Duplicate, "round {round}");
        let more = system.send(COOP, command("2026-03-26", dispatch(&format!("PXK-{round}"), "SM1", &[("L1", 6_000)]))).await;
        assert_eq!(reason(&more), "NOT_ENOUGH", "round {round}");
    }
    system.verify().await;
    assert_eq!(system.stock("FA1", "").await, 65_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_sales_at_once_of_nineteen_leave_one_refused() {
    let system = System::start().await;
    system.record(SHOP, "2026-11-20", open("SM1", "L1", 19_000)).await;
    let sales = (0..20).map(|_| system.send(SHOP, command("2026-11-21 09:00", sell("SM1", &[("L1", 1_000)]))));
    let outcomes = join_all(sales).await;
    assert_eq!(accepted(&outcomes), 19);
    let refused = outcomes.iter().find_map(|outcome| outcome.refused.as_ref()).unwrap();
    assert_eq!((refused.reason.as_str(), refused.rule), ("NOT_ENOUGH", 2));
    assert!(refused.message.contains("0 there, 1 asked"), "{}", refused.message);
    system.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_clerks_who_confirm_one_shipment_make_one_receipt() {
    let system = System::start().await;
    system.record(COOP, "2026-11-20 06:00", harvest("L1", 100_000)).await;
    system.record(COOP, "2026-11-20 20:00", dispatch("PXK-1", "SM1", &[("L1", 100_000)])).await;
    let clerks = (0..2).map(|_| system.send(SHOP, command("2026-11-21 05:00", receive("PXK-1", &[("L1", 100_000)]))));
    let outcomes = join_all(clerks).await;
    assert_eq!(accepted(&outcomes), 1);
    let first = outcomes.iter().find(|outcome| outcome.verdict() == Verdict::Accepted).unwrap();
    let refused = outcomes.iter().find_map(|outcome| outcome.refused.as_ref()).unwrap();
    assert_eq!(refused.reason, "ALREADY_RECEIVED");
    assert_eq!(refused.metadata["by_command"], first.command_id, "the other is told who did it");
    assert!(refused.message.contains("2026-11-21 05:00"), "and when: {}", refused.message);
    assert_eq!(system.stock("SM1", &first.recorded.as_ref().unwrap().position).await, 100_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shipment_is_received_in_parts_and_a_surplus_is_said() {
    let system = System::start().await;
    system.record(COOP, "2026-11-20 06:00", harvest("L1", 200_000)).await;
    system.record(COOP, "2026-11-20 20:00", dispatch("PXK-1", "SM1", &[("L1", 100_000)])).await;
    for (part, left) in [(30_000, 70_000), (30_000, 40_000), (40_000, 0)] {
        let recorded = system.record(SHOP, "2026-11-21 05:00", receive("PXK-1", &[("L1", part)])).await;
        assert_eq!(system.shipment("PXK-1", &recorded.position).await.lines[0].open_milli, left);
    }
    system.record(COOP, "2026-11-20 21:00", dispatch("PXK-2", "SM2", &[("L1", 25_000)])).await;
    let recorded = system.record(SHOP, "2026-11-21 06:00", receive("PXK-2", &[("L1", 30_000)])).await;
    let found = |event: &Event| match &event.fact {
        Some(Fact::Counted(counted)) if counted.basis() == CountBasis::Surplus => counted.lines[0].variance_milli,
        _ => 0,
    };
    let received = |event: &Event| match &event.fact {
        Some(Fact::Received(received)) => received.lines[0].amount.as_ref().map_or(0, |amount| amount.quantity_milli),
        _ => 0,
    };
    assert_eq!(recorded.events.iter().map(received).sum::<i64>(), 25_000);
    assert_eq!(recorded.events.iter().map(found).sum::<i64>(), 5_000);
    assert_eq!(system.stock("SM2", &recorded.position).await, 30_000);
    assert_eq!(system.shipment("PXK-2", &recorded.position).await.lines[0].open_milli, 0);
    system.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_counted_stands_whatever_comes_to_light() {
    let system = System::start().await;
    system.record(SHOP, "2026-11-20 06:00", open("SM1", "L1", 7_000_000)).await;
    system.record(SHOP, "2026-11-20 15:00", sell("SM1", &[("L1", 700_000)])).await;
    let counted = system.record(SHOP, "2026-11-21 opening", count("SM1", &[("L1", 6_200_000)])).await;
    assert_eq!(system.stock("SM1", &counted.position).await, 6_200_000);
    system.record(COOP, "2026-11-19 06:00", harvest("L1", 56_000)).await;
    system.record(COOP, "2026-11-19 20:00", dispatch("PXK-1", "SM1", &[("L1", 56_000)])).await;
    let late = system.record(SHOP, "2026-11-20 05:00", receive("PXK-1", &[])).await;
    let restated = late.events.iter().find_map(|event| match &event.fact {
        Some(Fact::CountRestated(restated)) => Some(restated.variance_change_milli),
        _ => None,
    });
    assert_eq!(restated, Some(-56_000));
    assert_eq!(system.stock("SM1", &late.position).await, 6_200_000);
    system.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_typed_tenfold_is_corrected_after_some_was_sold() {
    let system = System::start().await;
    system.record(COOP, "2026-11-20 06:00", harvest("L1", 400_000)).await;
    system.record(COOP, "2026-11-20 20:00", dispatch("PXK-1", "SM1", &[("L1", 300_000)])).await;
    let typed = system.record(SHOP, "2026-11-21 05:00", receive("PXK-1", &[("L1", 300_000)])).await;
    system.record(SHOP, "2026-11-21 09:00", sell("SM1", &[("L1", 20_000)])).await;
    let Action::Receive(right) = receive("PXK-1", &[("L1", 30_000)]) else { unreachable!() };
    let correct = Correct {
        command_id: typed.command_id,
        reason: "typed 300 for 30".into(),
        replacement: Some(correct::Replacement::Receive(right)),
        ..Correct::default()
    };
    let corrected = system.record(SHOP, "2026-11-22 08:00", Action::Correct(correct)).await;
    assert_eq!(system.stock("SM1", &corrected.position).await, 10_000);
    assert_eq!(system.shipment("PXK-1", &corrected.position).await.lines[0].open_milli, 270_000);
    system.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_writes_reads_it_a_thousand_times_of_a_thousand() {
    let system = System::start().await;
    system.record(SHOP, "2026-11-20", open("SM1", "L1", 1_000_000)).await;
    for sold in 1..=1_000 {
        let recorded = system.record(SHOP, "2026-11-21 09:00", sell("SM1", &[("L1", 1_000)])).await;
        assert_eq!(system.stock("SM1", &recorded.position).await, 1_000_000 - 1_000 * sold);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_command_does_not_spoil_a_batch() {
    let system = System::start().await;
    let mut commands: Vec<Command> = (0..10).map(|n| command("2026-11-20 06:00", harvest(&format!("L{n}"), 1_000))).collect();
    commands[3].action = Some(harvest("not a lot code", 1_000));
    commands[5].action = None;
    commands[7].header = None;
    let outcomes = system.send_all(COOP, commands).await;
    assert_eq!(accepted(&outcomes), 7);
    assert_eq!([3, 5, 7].map(|index| reason(&outcomes[index]).to_owned()), ["BAD_CODE", "MALFORMED", "MALFORMED"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_beyond_its_limit_says_the_limit() {
    let system = System::start().await;
    let commands = (0..1_001).map(|n| command("2026-11-20 06:00", harvest(&format!("L{n}"), 1_000))).collect();
    let status = system.try_send_all(COOP, commands).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::InvalidArgument);
    assert!(status.message().contains("1001") && status.message().contains("1000"), "{}", status.message());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_of_commands_is_answered_in_its_order() {
    let system = System::start().await;
    let commands: Vec<Command> = (0..3_000).map(|n| command("2026-11-20 06:00", harvest(&format!("L{n}"), 1_000))).collect();
    let ids: Vec<String> = commands.iter().map(|command| command.header.as_ref().unwrap().command_id.clone()).collect();
    let requests = futures::stream::iter(commands.into_iter().map(|command| RecordStreamRequest { command: Some(command) }));
    let mut client = RecordServiceClient::new(system.channel.clone());
    let answers = client.record_stream(on_behalf_of(COOP, requests)).await.unwrap().into_inner();
    let outcomes: Vec<Outcome> = answers.map(|answer| answer.unwrap().outcome.unwrap()).collect().await;
    assert_eq!(outcomes.iter().map(|outcome| outcome.command_id.clone()).collect::<Vec<_>>(), ids);
    assert_eq!(accepted(&outcomes), 3_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_recorders_on_one_journal_never_contradict_each_other() {
    let system = System::start().await;
    let other = system.second_recorder().await;
    system.record(SHOP, "2026-11-20", open("SM1", "L1", 100_000)).await;
    let sales = (0..150).map(|n| {
        let channel = if n % 2 == 0 { system.channel.clone() } else { other.clone() };
        async move {
            let request = RecordBatchRequest { commands: vec![command("2026-11-21 09:00", sell("SM1", &[("L1", 1_000)]))] };
            RecordServiceClient::new(channel)
                .record_batch(on_behalf_of(SHOP, request))
                .await
                .unwrap()
                .into_inner()
                .outcomes
                .remove(0)
        }
    });
    let outcomes = join_all(sales).await;
    assert_eq!(accepted(&outcomes), 100);
    assert!(outcomes.iter().all(|outcome| matches!(reason(outcome), "accepted" | "NOT_ENOUGH")));
    system.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_says_for_whom_it_speaks() {
    let system = System::start().await;
    let request = HarvestRequest { header: None, harvest: None };
    let status = RecordServiceClient::new(system.channel.clone()).harvest(request).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::Unauthenticated);
    let mut sent = command("2026-11-20", harvest("L1", 1_000));
    if let Some(header) = &mut sent.header {
        header.command_id = Uuid::nil().to_string();
    }
    assert_eq!(reason(&system.send(COOP, sent).await), "MALFORMED");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sale_that_has_happened_is_recorded_and_marked() {
    let system = System::start().await;
    system.record(SHOP, "2026-11-20", open("SM1", "L1", 3_000)).await;
    let sale = || command("2026-11-21 09:00", sell("SM1", &[("L1", 5_000)]));
    assert_eq!(reason(&system.send(SHOP, sale()).await), "NOT_ENOUGH");
    let recorded = system.send(SHOP, reported(sale())).await.recorded.unwrap();
    assert_eq!(recorded.events[0].violations[0].rule, 2);
    assert_eq!(system.stock("SM1", &recorded.position).await, 0);
    system.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_whose_answer_was_lost_is_sent_again_with_more() {
    let system = System::start().await;
    let mut commands: Vec<Command> = (0..50).map(|n| command("2026-11-20 06:00", harvest(&format!("L{n}"), 1_000))).collect();
    system.send_all(COOP, commands.clone()).await; // Its answer goes astray.
    commands.extend((50..60).map(|n| command("2026-11-20 06:00", harvest(&format!("L{n}"), 1_000))));
    let outcomes = system.send_all(COOP, commands).await;
    let verdicts: Vec<_> = outcomes.iter().map(Outcome::verdict).collect();
    assert_eq!(verdicts, [vec![Verdict::Duplicate; 50], vec![Verdict::Accepted; 10]].concat());
    let last = &outcomes[59].recorded.as_ref().unwrap().position;
    assert_eq!(system.stock("FA1", last).await, 60_000);
    system.verify().await;
}
