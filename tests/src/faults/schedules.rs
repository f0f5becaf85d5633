//! What breaks when.

use crate::callers::{self, Shared};
use crate::checker::{self, Checked};
use crate::rebuilding;
use futures::future::{BoxFuture, join_all};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};
use std::collections::HashMap;
use std::time::{Duration, Instant};
use tests::System;
use tests::world::{COOP, command, harvest, on_behalf_of};
use tokio::time::sleep;
use wire::proto::chuoi::record::v1::record_service_client::RecordServiceClient;
use wire::proto::chuoi::record::v1::{RecordBatchRequest, Verdict};
use wire::proto::chuoi::stock::v1::stock_service_client::StockServiceClient;
use wire::proto::chuoi::stock::v1::{QueryStockRequest, StockKey};

/// A load, and the trouble that goes with it.
pub struct Schedule {
    pub name: &'static str,
    callers: u64,
    seconds: u64,
    trouble: Trouble,
}

#[derive(Clone, Copy)]
enum Trouble {
    /// Nothing breaks; so few callers that many a group of commands holds refusals alone.
    None,
    /// One of two recorders frozen and resumed, the projector killed five times, nats-server twice.
    Everything,
    RecordersKilled,
    NatsKilled,
    PostgresStopped,
    /// The projector that writes frozen, its successor writes, the frozen one resumes.
    ProjectorFrozen,
    /// A million events, and the projector killed ten times.
    Million,
    /// A million events, and the tables built anew while reads and writes go on.
    Rebuilding,
    /// A hundred thousand rows are paged through while a thousand a second arrive.
    Paging,
}

/// What came of schedules.
#[derive(Debug, Default)]
pub struct Outcome {
    pub checked: Checked,
    pub verify_differences: usize,
    pub chain_broken: usize,
    /// The longest from the end of a fault until something was acknowledged again, or the tables had caught up.
    pub slowest_recovery_s: f64,
}

impl Outcome {
    pub fn add(&mut self, other: Outcome) {
        self.checked.acknowledged += other.checked.acknowledged;
        self.checked.refused += other.checked.refused;
        self.checked.unsure += other.checked.unsure;
        self.checked.lost += other.checked.lost;
        self.checked.doubled += other.checked.doubled;
        self.checked.untrue.extend(other.checked.untrue);
        self.verify_differences += other.verify_differences;
        self.chain_broken += other.chain_broken;
        self.slowest_recovery_s = self.slowest_recovery_s.max(other.slowest_recovery_s);
    }

    pub fn holds(&self) -> bool {
        let Checked { lost, doubled, untrue, .. } = &self.checked;
        *lost == 0 && *doubled == 0 && untrue.is_empty() && self.verify_differences == 0 && self.chain_broken == 0
    }
}

/// The schedules of a size.
pub fn of(size: &str) -> Vec<Schedule> {
    let schedule = |name, callers, seconds, trouble| Schedule { name, callers, seconds, trouble };
    let mut schedules = vec![
        schedule("four callers on two recorders", 4, 10, Trouble::None),
        schedule("everything breaks, 64 callers", 64, 120, Trouble::Everything),
        schedule("recorders killed in turn", 32, 20, Trouble::RecordersKilled),
        schedule("nats-server killed again and again", 32, 20, Trouble::NatsKilled),
        schedule("PostgreSQL stopped and killed", 16, 20, Trouble::PostgresStopped),
        schedule("a frozen projector beside its successor", 16, 20, Trouble::ProjectorFrozen),
    ];
    if size == "full" {
        schedules.push(schedule("a million events, ten projector restarts", 8, 0, Trouble::Million));
        schedules.push(schedule("rebuilt from a million under load", 8, 0, Trouble::Rebuilding));
        schedules.push(schedule("100,000 rows paged while more arrive", 8, 0, Trouble::Paging));
    }
    schedules
}

/// Runs one on servers of its own, and checks everything.
pub async fn run(schedule: &Schedule, seed: u64) -> Outcome {
    let mut system = System::start().await;
    let shared = Shared::default();
    let mut dice = ChaCha8Rng::seed_from_u64(seed);
    let (mut untrue, mut differences) = (Vec::new(), 0);
    let slowest = match schedule.trouble {
        Trouble::Million => {
            differences += million(&mut system, &mut dice).await;
            0.0
        }
        Trouble::Paging => paging(&system, &mut untrue).await,
        Trouble::Rebuilding => rebuilding::rebuild_under_load(&system, &mut untrue).await,
        _ => under_load(schedule, &mut system, &shared, seed, &mut dice).await,
    };
    let slowest = slowest.max(system.caught_up().await);
    let heard = std::mem::take(&mut *shared.heard.lock().unwrap());
    let mut checked = checker::check(&system.journal, &heard).await;
    checked.untrue.extend(untrue);
    let report = views::verify(&system.journal, &system.database(), |_, _| {}).await.expect("a comparison");
    differences += report.differences.len() + usize::from(!report.conservation_holds) + report.parked as usize;
    for (site, milli) in &checked.held {
        let shown = system.stock(site).await;
        if shown != *milli {
            println!("  {site} shows {shown} thousandths, the journal's sum is {milli}");
            differences += 1;
        }
    }
    Outcome {
        checked,
        verify_differences: differences,
        chain_broken: usize::from(report.damage.is_some() || !report.stale.is_empty()),
        slowest_recovery_s: slowest,
    }
}

/// Callers call while things break. The parts are shared with the callers by their channels alone.
async fn under_load(schedule: &Schedule, system: &mut System, shared: &Shared, seed: u64, dice: &mut ChaCha8Rng) -> f64 {
    let until = Instant::now() + Duration::from_secs(schedule.seconds);
    // What breaks is taken out of the system while callers hold the rest.
    let mut recorders = std::mem::take(&mut system.recorders);
    if let Trouble::ProjectorFrozen = schedule.trouble {
        system.add_projector();
    }
    let mut projectors = std::mem::take(&mut system.projectors);
    let slowest = {
        let system = &*system;
        let calls = join_all((0..schedule.callers).map(|caller| callers::call(system, shared, seed, caller, until)));
        let dice = &mut *dice;
        let (recorders, projectors) = (&mut recorders, &mut projectors);
        let trouble: BoxFuture<'_, f64> = Box::pin(async move {
            let mut slowest: f64 = 0.0;
            let mut again = Instant::now() + Duration::from_secs(2);
            let mut round = 0_u32;
            while again + Duration::from_secs(4) < until {
                tokio::time::sleep_until(again.into()).await;
                let pause = Duration::from_millis(200 + u64::from(dice.next_u32() % 1_500));
                match schedule.trouble {
                    Trouble::Everything if round.is_multiple_of(3) => {
                        recorders[(round / 3) as usize % 2].freeze();
                        sleep(pause * 3).await;
                        recorders[(round / 3) as usize % 2].resume();
                    }
                    Trouble::Everything if round % 9 == 4 => {
                        system.nats.kill().await;
                        sleep(pause).await;
                        system.nats.start_again().await;
                    }
                    Trouble::RecordersKilled => {
                        let one = &mut recorders[round as usize % 2];
                        one.kill().await;
                        sleep(pause).await;
                        one.start_again();
                    }
                    Trouble::NatsKilled => {
                        system.nats.kill().await;
                        sleep(pause).await;
                        system.nats.start_again().await;
                    }
                    Trouble::PostgresStopped => {
                        if round.is_multiple_of(2) {
                            system.postgres.stop().await
                        } else {
                            system.postgres.kill().await
                        }
                        sleep(pause * 3).await;
                        system.postgres.start_again().await;
                    }
                    Trouble::ProjectorFrozen => {
                        let writer = &projectors[round as usize % 2];
                        writer.freeze();
                        sleep(pause * 2).await;
                        writer.resume();
                    }
                    Trouble::Everything => {
                        projectors[0].kill().await;
                        sleep(pause / 4).await;
                        projectors[0].start_again();
                    }
                    Trouble::None | Trouble::Million | Trouble::Rebuilding | Trouble::Paging => {}
                }
                slowest = slowest.max(acknowledged_again(shared, until).await);
                round += 1;
                again = Instant::now() + Duration::from_millis(800 + u64::from(dice.next_u32() % 2_000));
            }
            slowest
        });
        tokio::join!(calls, trouble).1
    };
    (system.recorders, system.projectors) = (recorders, projectors);
    slowest
}

/// Seconds until anything is acknowledged again.
async fn acknowledged_again(shared: &Shared, until: Instant) -> f64 {
    let begun = Instant::now();
    while shared.acknowledged.lock().unwrap().is_none_or(|last| last < begun) && Instant::now() < until {
        sleep(Duration::from_millis(5)).await;
    }
    begun.elapsed().as_secs_f64()
}

/// Harvests so many lots, in batches, over one recorder.
fn harvests(system: &System, prefix: &str, batches: usize, each: usize) -> BoxFuture<'static, ()> {
    const CALLERS: usize = 8;
    let (channel, prefix) = (system.channels[0].clone(), prefix.to_owned());
    let callers = (0..CALLERS).map(move |caller| {
        let (channel, prefix) = (channel.clone(), prefix.clone());
        async move {
            for batch in (caller..batches).step_by(CALLERS) {
                let commands = (0..each).map(|n| command("2026-11-20", harvest(&format!("{prefix}{batch}-{n}"), 1_000)));
                let request = on_behalf_of(COOP, RecordBatchRequest { commands: commands.collect() });
                let mut client = RecordServiceClient::new(channel.clone()).max_decoding_message_size(64 << 20);
                let outcomes = client.record_batch(request).await.expect("an answer").into_inner().outcomes;
                assert!(outcomes.iter().all(|outcome| outcome.verdict() == Verdict::Accepted));
            }
        }
    });
    let callers: Vec<_> = callers.collect();
    Box::pin(async move {
        join_all(callers).await;
    })
}

/// A million harvests in ten parts; in each the projector is killed at some moment, and then, while the rest of it is recorded, the
/// tables are held against a fold of the journal up to where they stand. Tells how often they differed.
async fn million(system: &mut System, dice: &mut ChaCha8Rng) -> usize {
    let mut differences = 0;
    for restart in 1..=10 {
        let load = tokio::spawn(harvests(system, &format!("M{restart}-"), 200, 500));
        sleep(Duration::from_millis(u64::from(dice.next_u32() % 2_500))).await;
        system.projectors[0].kill().await;
        system.projectors[0].start_again();
        let report = views::verify(&system.journal, &system.database(), |_, _| {}).await.expect("a comparison");
        println!("  restart {restart}: {} events, {} differences", report.events, report.differences.len());
        differences += report.differences.len() + usize::from(!report.conservation_holds);
        load.await.expect("all recorded");
    }
    differences
}

/// Pages through what was there at the beginning while a thousand rows a second arrive. A token is used again at the end, long
/// after it was given.
async fn paging(system: &System, untrue: &mut Vec<String>) -> f64 {
    harvests(system, "P", 200, 500).await;
    let slowest = system.caught_up().await;
    let (channel, recorder) = (system.query(), system.channels[1].clone());
    let arriving = tokio::spawn(async move {
        for second in 0.. {
            let tick = Instant::now();
            let commands = (0..1_000).map(|n| command("2026-11-20", harvest(&format!("A{second}-{n}"), 1_000)));
            let request = on_behalf_of(COOP, RecordBatchRequest { commands: commands.collect() });
            let mut client = RecordServiceClient::new(recorder.clone()).max_decoding_message_size(64 << 20);
            let _answered = client.record_batch(request).await.expect("an answer");
            tokio::time::sleep_until((tick + Duration::from_secs(1)).into()).await;
        }
    });
    let page = |token: String| {
        let mut client = StockServiceClient::new(channel.clone()).max_decoding_message_size(64 << 20);
        let request = QueryStockRequest {
            group_by: vec![StockKey::Site.into(), StockKey::Lot.into()],
            page_size: 500,
            page_token: token,
            ..QueryStockRequest::default()
        };
        async move { client.query_stock(request).await.expect("a page").into_inner() }
    };
    let mut seen: HashMap<String, u32> = HashMap::new();
    let (mut token, mut pages, mut first) = (String::new(), 0, None);
    loop {
        let answer = page(token).await;
        for row in answer.rows {
            *seen.entry(row.lot_code).or_default() += 1;
        }
        (token, pages) = (answer.next_page_token, pages + 1);
        if token.is_empty() {
            break;
        }
        first.get_or_insert_with(|| token.clone());
        // Slowly enough that much arrives meanwhile.
        sleep(Duration::from_millis(50)).await;
    }
    arriving.abort();
    let there = (0..200).flat_map(|batch| (0..500).map(move |n| format!("P{batch}-{n}")));
    let wrong = there.filter(|lot| seen.get(lot) != Some(&1)).count();
    if wrong > 0 {
        untrue.push(format!("{wrong} of 100,000 rows were not given exactly once"));
    }
    if page(first.unwrap_or_default()).await.rows.is_empty() {
        untrue.push("the first page's token gives nothing any more".to_owned());
    }
    println!("  {} rows in {pages} pages, of which {} came meanwhile", seen.len(), seen.len().saturating_sub(100_000));
    slowest
}
