//! What breaks, broken: nothing acknowledged is lost, nothing counts twice, everything catches up by itself.

use crate::system::*;
use std::time::Duration;
use tokio::time::{sleep, timeout};
use wire::proto::chuoi::record::v1::record_service_client::RecordServiceClient;
use wire::proto::chuoi::record::v1::*;

/// A caller with a bad network: sends the same command until it hears what became of it.
async fn insist(system: &System, command: Command) -> Outcome {
    loop {
        let request = on_behalf_of(COOP, RecordBatchRequest { commands: vec![command.clone()] });
        let mut client = RecordServiceClient::new(system.channel.clone());
        if let Ok(Ok(answer)) = timeout(Duration::from_secs(3), client.record_batch(request)).await {
            let outcome = answer.into_inner().outcomes.remove(0);
            let passing = outcome.refused.as_ref().is_some_and(|refused| refused.code == tonic::Code::Unavailable as i32);
            if !passing {
                return outcome;
            }
        }
        sleep(Duration::from_millis(50)).await;
    }
}

fn harvests(round: usize, count: usize) -> Vec<Command> {
    (0..count).map(|n| command("2026-11-20 06:00", harvest(&format!("R{round}-{n}"), 1_000))).collect()
}

/// Everything that was sent counts once.
async fn once_each(system: &System, sent: usize) {
    system.verify().await;
    assert_eq!(system.stock("FA1", "").await, 1_000 * i64::try_from(sent).unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recorder_killed_with_commands_in_flight_loses_and_doubles_nothing() {
    let mut system = System::start().await;
    for round in 0..6 {
        let commands = harvests(round, 40);
        {
            let first = commands.iter().map(|command| system.try_send_all(COOP, vec![command.clone()]));
            let all = futures::future::join_all(first);
            // Killed at another moment each time.
            let _in_flight = timeout(Duration::from_millis(3 * round as u64), all).await;
        }
        system.replace_recorder().await;
        for command in commands {
            let outcome = insist(&system, command).await;
            assert_ne!(outcome.verdict(), Verdict::Refused, "{outcome:?}");
        }
    }
    once_each(&system, 240).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_projector_killed_at_any_moment_counts_everything_once() {
    let mut system = System::start().await;
    for round in 0..15 {
        let outcomes = system.send_all(COOP, harvests(round, 100)).await;
        assert!(outcomes.iter().all(|outcome| outcome.verdict() == Verdict::Accepted));
        sleep(Duration::from_millis(7 * round as u64 % 50)).await;
        system.replace_projector();
    }
    once_each(&system, 1_500).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nats_killed_and_restarted_under_load_loses_and_doubles_nothing() {
    let system = System::start().await;
    let load = async {
        for round in 0..12 {
            let outcomes =
                futures::future::join_all(harvests(round, 20).into_iter().map(|command| insist(&system, command))).await;
            assert!(outcomes.iter().all(|outcome| outcome.verdict() != Verdict::Refused), "{outcomes:?}");
        }
    };
    let trouble = async {
        for _ in 0..4 {
            sleep(Duration::from_millis(150)).await;
            system.nats.kill().await;
            sleep(Duration::from_millis(100)).await;
            system.nats.start_again().await;
        }
    };
    tokio::join!(load, trouble);
    once_each(&system, 240).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn recording_goes_on_while_postgresql_is_stopped_and_the_views_catch_up() {
    let system = System::with_own_postgresql().await;
    let postgres = system.postgres.as_ref().unwrap();
    let mut sent = 0;
    for round in 0..3 {
        postgres.stop().await;
        for _ in 0..5 {
            let outcomes = system.send_all(COOP, harvests(10 * round + sent, 50)).await;
            assert!(outcomes.iter().all(|outcome| outcome.verdict() == Verdict::Accepted));
            sent += 50;
        }
        postgres.start_again().await;
    }
    once_each(&system, sent).await;
}
