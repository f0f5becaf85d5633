//! Callers with a bad network: each sends commands to any recorder, again under the same id until it hears what became of it, and
//! remembers everything that it heard.

use jiff::Timestamp;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};
use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use stream::Position;
use tests::System;
use tests::world::*;
use tokio::time::timeout;
use tonic::Code;
use wire::proto::chuoi::record::v1::record_service_client::RecordServiceClient;
use wire::proto::chuoi::record::v1::*;

/// A caller gives an answer up after this, and asks again.
const PATIENCE: Duration = Duration::from_secs(3);
const DAY: &str = "2026-11-20";
/// Lots and shipments that callers fight over.
const HOT: usize = 40;

/// Who sent what.
#[derive(Clone, Debug)]
pub struct Sent {
    pub organization: &'static str,
    pub command: Command,
    /// Of a sale of one lot: the lot's code, the site, and thousandths.
    pub sale: Option<(String, &'static str, i64)>,
}

/// What a caller heard of one attempt.
#[derive(Clone, Debug)]
pub struct Heard {
    pub sent: Sent,
    /// The highest sequence that any caller knew of when this attempt began.
    pub known_before: u64,
    pub answered: Timestamp,
    pub answer: Answer,
}

#[derive(Clone, Debug)]
pub enum Answer {
    /// Recorded, now or before: where, and the events as sent.
    Recorded { sequence: u64, events: Vec<Vec<u8>> },
    /// Refused by a rule: its reason, and what it says is there.
    Refused { reason: String, there: Option<i64> },
    /// No answer, or none that says what became of it.
    Unsure,
}

/// What callers share.
#[derive(Default)]
pub struct Shared {
    pub heard: Mutex<Vec<Heard>>,
    known: AtomicU64,
    lots: Mutex<VecDeque<String>>,
    shipments: Mutex<VecDeque<String>>,
    earlier: Mutex<VecDeque<Sent>>,
    /// When anything was last acknowledged.
    pub acknowledged: Mutex<Option<Instant>>,
}

/// One caller, until the time is over and its last command is settled.
pub async fn call(system: &System, shared: &Shared, seed: u64, caller: u64, until: Instant) {
    let mut dice = ChaCha8Rng::seed_from_u64(seed.wrapping_mul(1_000_003).wrapping_add(caller));
    let mut number = 0;
    while Instant::now() < until {
        number += 1;
        let sent: Vec<Sent> =
            (0..1 + dice.next_u32() % 3).map(|part| choose(&mut dice, shared, &format!("{caller}-{number}-{part}"))).collect();
        // A batch speaks for one organization.
        let organization = sent[0].organization;
        let sent: Vec<Sent> = sent.into_iter().filter(|sent| sent.organization == organization).collect();
        insist(system, shared, &mut dice, sent).await;
    }
}

fn pick(dice: &mut ChaCha8Rng, from: &Mutex<VecDeque<String>>) -> Option<String> {
    let from = from.lock().unwrap();
    (!from.is_empty()).then(|| from[dice.next_u32() as usize % from.len()].clone())
}

fn keep<T>(of: &Mutex<VecDeque<T>>, value: T) {
    let mut of = of.lock().unwrap();
    of.push_back(value);
    if of.len() > HOT {
        of.pop_front();
    }
}

fn choose(dice: &mut ChaCha8Rng, shared: &Shared, name: &str) -> Sent {
    let site = if dice.next_u32().is_multiple_of(2) { "SM1" } else { "SM2" };
    let milli = i64::from(1 + dice.next_u32() % 5) * 1_000;
    let plain = |organization, action| Sent { organization, command: command(DAY, action), sale: None };
    match (dice.next_u32() % 100, pick(dice, &shared.lots), pick(dice, &shared.shipments)) {
        (0..10, ..) | (_, None, _) => {
            keep(&shared.lots, name.to_owned());
            plain(COOP, harvest(name, 20_000))
        }
        (10..20, Some(lot), _) => plain(SHOP, open(site, &lot, 8_000)),
        (20..40, Some(lot), _) => {
            keep(&shared.shipments, name.to_owned());
            plain(COOP, dispatch(name, site, &[(&lot, milli)]))
        }
        (40..55, _, Some(shipment)) => plain(SHOP, receive(&shipment, &[])),
        (55..65, ..) => {
            let earlier = shared.earlier.lock().unwrap();
            let earlier = (!earlier.is_empty()).then(|| earlier[dice.next_u32() as usize % earlier.len()].clone());
            earlier.unwrap_or_else(|| plain(COOP, harvest(name, 20_000)))
        }
        (_, Some(lot), _) => {
            let action = sell(site, &[(&lot, milli)]);
            Sent { organization: SHOP, command: command(DAY, action), sale: Some((lot, site, milli)) }
        }
    }
}

/// Sends commands until each is settled.
async fn insist(system: &System, shared: &Shared, dice: &mut ChaCha8Rng, mut open: Vec<Sent>) {
    for _ in 0..200 {
        let channel = system.channels[dice.next_u32() as usize % system.channels.len()].clone();
        let known_before = shared.known.load(Ordering::SeqCst);
        let request = RecordBatchRequest { commands: open.iter().map(|sent| sent.command.clone()).collect() };
        let answer =
            timeout(PATIENCE, RecordServiceClient::new(channel).record_batch(on_behalf_of(open[0].organization, request))).await;
        let outcomes = match answer {
            Ok(Ok(answer)) => answer.into_inner().outcomes.into_iter().map(Some).collect(),
            _ => vec![None; open.len()],
        };
        let answered = Timestamp::now();
        let mut unsettled = Vec::new();
        for (sent, outcome) in open.into_iter().zip(outcomes) {
            let answer = outcome.map_or(Answer::Unsure, read);
            match &answer {
                Answer::Recorded { sequence, .. } => {
                    shared.known.fetch_max(*sequence, Ordering::SeqCst);
                    *shared.acknowledged.lock().unwrap() = Some(Instant::now());
                    keep(&shared.earlier, sent.clone());
                }
                Answer::Refused { .. } => {}
                Answer::Unsure => unsettled.push(sent.clone()),
            }
            shared.heard.lock().unwrap().push(Heard { sent, known_before, answered, answer });
        }
        if unsettled.is_empty() {
            return;
        }
        open = unsettled;
        tokio::time::sleep(Duration::from_millis(20 + u64::from(dice.next_u32() % 80))).await;
    }
    panic!("not settled after 200 attempts: {open:?}");
}

fn read(outcome: Outcome) -> Answer {
    match (outcome.verdict(), outcome.recorded, outcome.refused) {
        (Verdict::Accepted | Verdict::Duplicate, Some(recorded), _) => {
            let position: Position = recorded.position.parse().expect("a position");
            let events = recorded.events.iter().map(prost::Message::encode_to_vec).collect();
            Answer::Recorded { sequence: position.sequence(), events }
        }
        (Verdict::Refused, _, Some(refused)) if !passing(refused.code) => {
            let there = refused.metadata.get("there_milli").and_then(|there| there.parse().ok());
            Answer::Refused { reason: refused.reason, there }
        }
        _ => Answer::Unsure,
    }
}

fn passing(code: i32) -> bool {
    matches!(Code::from(code), Code::Unavailable | Code::Aborted | Code::ResourceExhausted | Code::DeadlineExceeded)
}
