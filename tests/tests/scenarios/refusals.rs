//! "My refused entries": what was refused is found again by whom it was refused to, and no command waits for that.

use crate::system::*;
use std::time::{Duration, Instant};
use tokio::time::sleep;
use tonic::Status;
use wire::proto::chuoi::record::v1::record_service_client::RecordServiceClient;
use wire::proto::chuoi::record::v1::*;

async fn list(system: &System, organization: &str, request: ListRefusalsRequest) -> Result<ListRefusalsResponse, Status> {
    let mut client = RecordServiceClient::new(system.channel.clone());
    Ok(client.list_refusals(on_behalf_of(organization, request)).await?.into_inner())
}

/// Lists until so many are there: a refusal is kept a moment after it was answered.
async fn kept(system: &System, organization: &str, count: usize) -> Vec<RefusedCommand> {
    let since = Instant::now();
    loop {
        let request = ListRefusalsRequest { page_size: 1_000, ..Default::default() };
        let listed = list(system, organization, request).await.unwrap().refusals;
        if listed.len() >= count {
            return listed;
        }
        assert!(since.elapsed() < Duration::from_secs(20), "{} of {count}: {listed:?}", listed.len());
        sleep(Duration::from_millis(50)).await;
    }
}

fn by(actor: &str, mut command: Command) -> Command {
    if let Some(header) = &mut command.header {
        (header.actor, header.device, header.client) = (actor.into(), "till-3".into(), "pos/1".into());
    }
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_refused_is_listed_to_whom_it_was_refused_by_whatever_way_it_came() {
    let system = System::start().await;
    assert_eq!(list(&system, SHOP, ListRefusalsRequest::default()).await.unwrap(), ListRefusalsResponse::default());
    system.record(SHOP, "2026-11-20", open("SM1", "L1", 3_000)).await;
    // In a batch, by itself, in a stream; by a rule, and since it cannot be read.
    let too_much = by("clerk-7", command("2026-11-21 09:00", sell("SM1", &[("L1", 5_000)])));
    let batch = vec![
        command("2026-11-21 09:00", sell("SM1", &[("L1", 1_000)])),
        too_much.clone(),
        command("2026-11-20", open("SM1", "not a lot code", 1)),
    ];
    let told = system.send_all(SHOP, batch).await;
    let Some(command::Action::Sell(sale)) = too_much.action.clone() else { unreachable!() };
    let again = SellRequest { header: too_much.header.clone(), sell: Some(sale) };
    let status = RecordServiceClient::new(system.channel.clone()).sell(on_behalf_of(SHOP, again)).await.unwrap_err();
    let requests = futures::stream::iter([RecordStreamRequest { command: Some(too_much.clone()) }]);
    let mut answers =
        RecordServiceClient::new(system.channel.clone()).record_stream(on_behalf_of(SHOP, requests)).await.unwrap().into_inner();
    let streamed = answers.message().await.unwrap().unwrap().outcome.unwrap();
    system.send(COOP, command("2026-11-20", open("SM1", "L2", 1_000))).await;

    let listed = kept(&system, SHOP, 4).await;
    assert_eq!(listed.len(), 4, "what was accepted is not among them");
    let newest = &listed[0];
    assert_eq!(newest.refused, streamed.refused, "word for word as it was answered");
    assert_eq!(newest.refused, told[1].refused);
    assert!(newest.refused.as_ref().unwrap().message.starts_with(status.message()));
    let header = too_much.header.unwrap();
    assert_eq!((&newest.command_id, &newest.when), (&header.command_id, &header.when));
    let said = [&newest.organization_code, &newest.action, &newest.actor, &newest.device, &newest.client];
    assert_eq!(said, [SHOP, "sell", "clerk-7", "till-3", "pos/1"]);
    let reasons: Vec<&str> = listed.iter().map(|refused| refused.refused.as_ref().unwrap().reason.as_str()).collect();
    assert_eq!(reasons, ["NOT_ENOUGH", "NOT_ENOUGH", "BAD_CODE", "NOT_ENOUGH"], "newest first");
    let others = kept(&system, COOP, 1).await;
    assert_eq!((others.len(), others[0].action.as_str()), (1, "open_lot"), "each its own");
    system.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_are_paged_and_cut_by_time() {
    let system = System::start().await;
    let refused = |n: i64| command("2026-11-21 09:00", sell("SM1", &[("L1", 1_000 + n)]));
    system.send_all(SHOP, (0..7).map(refused).collect()).await;
    let first = kept(&system, SHOP, 7).await;
    sleep(Duration::from_millis(20)).await;
    let middle = wire::undecodable::write_timestamp(jiff::Timestamp::now());
    system.send_all(SHOP, (7..10).map(refused).collect()).await;
    let all = kept(&system, SHOP, 10).await;
    assert_eq!(all[3..], first, "what came first comes last");
    let (mut paged, mut token) = (Vec::new(), String::new());
    loop {
        let request = ListRefusalsRequest { page_size: 3, page_token: token, ..Default::default() };
        let page = list(&system, SHOP, request).await.unwrap();
        assert!(page.refusals.len() <= 3);
        paged.extend(page.refusals);
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
        // What comes meanwhile is newer and on no later page.
        system.send(SHOP, refused(99)).await;
    }
    assert_eq!(paged, all);
    let later = ListRefusalsRequest { since_time: Some(middle), ..Default::default() };
    let (later, earlier) =
        (list(&system, SHOP, later).await.unwrap(), ListRefusalsRequest { until_time: Some(middle), ..Default::default() });
    assert!(later.refusals.ends_with(&all[..3]));
    assert_eq!(list(&system, SHOP, earlier).await.unwrap().refusals, first);
    for (request, field) in [
        (ListRefusalsRequest { page_size: 1_001, ..Default::default() }, "page_size"),
        (ListRefusalsRequest { page_token: "x".into(), ..Default::default() }, "page_token"),
    ] {
        let status = list(&system, SHOP, request).await.unwrap_err();
        assert!(status.message().contains(field), "{status:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn thousands_of_refusals_at_once_delay_nobody_and_what_is_told_is_the_same() {
    let system = System::start().await;
    let storm = (0..5).map(|round| {
        let refused = |n: i64| command("2026-11-21 09:00", sell("SM1", &[("L1", 1_000 + n + round)]));
        system.send_all(SHOP, (0..1_000).map(refused).collect())
    });
    let outcomes = futures::future::join_all(storm).await.concat();
    assert_eq!(outcomes.iter().filter(|outcome| outcome.verdict() == Verdict::Refused).count(), 5_000);
    let listed = kept(&system, SHOP, 1_000).await;
    let known: std::collections::BTreeSet<&str> = outcomes.iter().map(|outcome| outcome.command_id.as_str()).collect();
    assert!(listed.iter().all(|refused| known.contains(refused.command_id.as_str())));
}
