//! Callers in closed loops: each sends its next command when the last is answered.

use crate::measured::Measured;
use crate::trade::{Step, Trade};
use futures::future::join_all;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tests::world::on_behalf_of;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;
use tonic::{Code, Status};
use wire::proto::chuoi::record::v1::command::Action;
use wire::proto::chuoi::record::v1::record_service_client::RecordServiceClient;
use wire::proto::chuoi::record::v1::*;

/// Connections that callers of one recorder share.
const CONNECTIONS: usize = 8;
/// Commands under way on a stream.
const WINDOW: usize = 512;

/// Connections of their own to the recorders, in turn.
pub async fn connections(addresses: &[String]) -> Vec<Channel> {
    let each = addresses.iter().cycle().take(CONNECTIONS * addresses.len());
    join_all(each.map(|address| async move {
        tonic::transport::Endpoint::from_shared(address.clone()).expect("an address").connect().await.expect("a recorder")
    }))
    .await
}

/// Sends a command by the call that is meant for it.
pub async fn unary(channel: &Channel, step: Step) -> Result<Option<Recorded>, Status> {
    let mut client = RecordServiceClient::new(channel.clone());
    let Step { organization, command: Command { header, action }, .. } = step;
    let by = organization.as_str();
    Ok(match action {
        Some(Action::Harvest(it)) => {
            client.harvest(on_behalf_of(by, HarvestRequest { header, harvest: Some(it) })).await?.into_inner().recorded
        }
        Some(Action::Dispatch(it)) => {
            client.dispatch(on_behalf_of(by, DispatchRequest { header, dispatch: Some(it) })).await?.into_inner().recorded
        }
        Some(Action::Receive(it)) => {
            client.receive(on_behalf_of(by, ReceiveRequest { header, receive: Some(it) })).await?.into_inner().recorded
        }
        Some(Action::OpenLot(it)) => {
            client.open_lot(on_behalf_of(by, OpenLotRequest { header, open_lot: Some(it) })).await?.into_inner().recorded
        }
        Some(Action::Transform(it)) => {
            client.transform(on_behalf_of(by, TransformRequest { header, transform: Some(it) })).await?.into_inner().recorded
        }
        Some(Action::Sell(it)) => {
            client.sell(on_behalf_of(by, SellRequest { header, sell: Some(it) })).await?.into_inner().recorded
        }
        other => unreachable!("no part of the workload: {other:?}"),
    })
}

/// So many callers for so long; each takes lots from the farm to the shelf, one call at a time.
pub async fn unary_callers(channels: &[Channel], trade: &Trade, callers: usize, time: Duration) -> Measured {
    let begun = Instant::now();
    let caller = |number: usize| async move {
        let channel = &channels[number % channels.len()];
        let mut measured = Measured::none();
        while begun.elapsed() < time {
            for step in trade.next().steps() {
                let (is_refused, since) = (step.is_refused, Instant::now());
                match unary(channel, step).await {
                    Ok(_) => {
                        assert!(!is_refused, "more was sold than there was");
                        measured.waited(since);
                        measured.accepted += 1;
                    }
                    Err(status) if is_refused && status.code() == Code::FailedPrecondition => measured.refused += 1,
                    Err(status) if status.code() == Code::ResourceExhausted => {
                        measured.shed += 1;
                        let back = wire::status::explain(&status).retry_after.expect("a hint");
                        tokio::time::sleep(back.min(time.saturating_sub(begun.elapsed()))).await;
                        // Nothing of this lot goes on without it.
                        break;
                    }
                    Err(status) => panic!("{status:?}"),
                }
            }
        }
        measured
    };
    let parts = join_all((0..callers).map(caller)).await;
    Measured::together(parts, begun.elapsed().as_secs_f64())
}

/// Callers that send batches of a hundred commands.
pub async fn batch_callers(channels: &[Channel], trade: &Trade, callers: usize, time: Duration) -> Measured {
    let begun = Instant::now();
    let caller = |number: usize| async move {
        let channel = &channels[number % channels.len()];
        let mut measured = Measured::none();
        while begun.elapsed() < time {
            let lots = trade.group(50);
            let farm: Vec<_> = lots.iter().flat_map(|lot| lot.at_the_farm()).collect();
            batch(channel, farm, &mut measured).await;
            // Two batches of the shop, each with whole lots.
            for half in lots.chunks(25) {
                batch(channel, half.iter().flat_map(|lot| lot.at_the_shop()).collect(), &mut measured).await;
            }
        }
        measured
    };
    let parts = join_all((0..callers).map(caller)).await;
    Measured::together(parts, begun.elapsed().as_secs_f64())
}

/// Commands of one organization in one call.
pub async fn batch(channel: &Channel, steps: Vec<Step>, measured: &mut Measured) {
    let Some(organization) = steps.first().map(|step| step.organization.clone()) else { return };
    let refused: Vec<_> = steps.iter().map(|step| step.is_refused).collect();
    let commands = steps.into_iter().map(|step| step.command).collect();
    let mut client = RecordServiceClient::new(channel.clone()).max_decoding_message_size(64 << 20);
    let since = Instant::now();
    let answer = client.record_batch(on_behalf_of(&organization, RecordBatchRequest { commands })).await.expect("an answer");
    measured.waited(since);
    for (outcome, is_refused) in answer.into_inner().outcomes.iter().zip(refused) {
        judged(outcome, is_refused, measured);
    }
}

fn judged(outcome: &Outcome, is_refused: bool, measured: &mut Measured) {
    match outcome.verdict() {
        Verdict::Accepted if !is_refused => measured.accepted += 1,
        Verdict::Refused if is_refused => measured.refused += 1,
        verdict => panic!("{verdict:?}: {:?}", outcome.refused),
    }
}

/// Pairs of streams: a farm's, and that of the shop that takes what it sends.
pub async fn stream_callers(channels: &[Channel], trade: &Trade, streams: usize, time: Duration) -> Measured {
    let begun = Instant::now();
    let pair = |number: usize| async move {
        let channel = &channels[number % channels.len()];
        let mut measured = Measured::none();
        while begun.elapsed() < time {
            let lots = trade.group(400);
            let farm = lots.iter().flat_map(|lot| lot.at_the_farm()).collect();
            stream(channel, farm, &mut measured).await;
            stream(channel, lots.iter().flat_map(|lot| lot.at_the_shop()).collect(), &mut measured).await;
        }
        measured
    };
    let parts = join_all((0..streams).map(pair)).await;
    Measured::together(parts, begun.elapsed().as_secs_f64())
}

/// Sends commands of one organization over one stream; each is answered by itself.
async fn stream(channel: &Channel, steps: Vec<Step>, measured: &mut Measured) {
    let Some(organization) = steps.first().map(|step| step.organization.clone()) else { return };
    let refused: Vec<_> = steps.iter().map(|step| step.is_refused).collect();
    let (sender, receiver) = mpsc::channel(WINDOW);
    let sending = async move {
        for step in steps {
            let asked = RecordStreamRequest { command: Some(step.command) };
            if sender.send(asked).await.is_err() {
                return;
            }
        }
    };
    let mut client = RecordServiceClient::new(channel.clone());
    let answering = async move {
        let request = on_behalf_of(&organization, ReceiverStream::new(receiver));
        let mut answers = client.record_stream(request).await.expect("a stream").into_inner();
        for is_refused in refused {
            let answer = answers.message().await.expect("an answer").expect("one for each");
            judged(answer.outcome.as_ref().expect("an outcome"), is_refused, measured);
        }
    };
    tokio::join!(sending, answering);
}

/// About so many events a second, spread evenly, until told to stop.
pub async fn paced(channels: &[Channel], trade: &Trade, per_second: f64, stop: &AtomicBool) -> Measured {
    const CALLERS: usize = 64;
    let begun = Instant::now();
    let every = Duration::from_secs_f64(CALLERS as f64 / per_second);
    let caller = |number: usize| async move {
        let channel = &channels[number % channels.len()];
        let (mut measured, mut due) = (Measured::none(), begun + every.mul_f64(number as f64 / CALLERS as f64));
        while !stop.load(Ordering::Relaxed) {
            for step in trade.next().steps() {
                tokio::time::sleep_until(due.into()).await;
                due += every;
                let (is_refused, since) = (step.is_refused, Instant::now());
                let answer = unary(channel, step).await;
                assert!(is_refused != answer.is_ok(), "{answer:?}");
                measured.waited(since);
                measured.accepted += u64::from(!is_refused);
            }
        }
        measured
    };
    let parts = join_all((0..CALLERS).map(caller)).await;
    Measured::together(parts, begun.elapsed().as_secs_f64())
}
