//! The simulation: days of the 141 chains, played through the public API. Harvests near capacity, packing with its yields, night
//! shipments, receipts with what goes wrong at the door, sales, waste, counts, late entries, repetitions, corrections, crates,
//! returns, holds and recalls; what the authority says of certificates, grades, shops, districts, villages, trademarks and labels,
//! of chains and products; fairs with their stalls; and the mistakes that people make, which must be refused.
//!
//! The same tables, seed, days and scale give the same commands under the same ids, whatever the machine; played again they are
//! found recorded. Two runs that differ in any of these share no code and no id. Planning is pure; it knows the tables and what
//! it planned itself. Two runs over the same days double the trade of these days, and a count by product of the one may then
//! stand against a later sale of the other. What would stop the trade of another run (closed, retired, merged) befalls only what a
//! run registered itself.

mod dice;
mod fair;
mod farms;
mod mistakes;
mod office;
mod plan;
mod safety;
mod shops;
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use futures::stream::{self, StreamExt as _};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use tonic::transport::Channel;
use uuid::Uuid;
use wire::proto::chuoi::record::v1::{Command, Outcome, Verdict};

use crate::reference::Tables;
use crate::reference::batch::{BatchError, Batches};
pub use plan::{Expect, Planned, Wave, plan_day};
pub use world::World;

/// Organizations whose batches are in flight at once.
const IN_FLIGHT: usize = 64;
/// Where business days are days.
const TIME_ZONE: &str = "Asia/Ho_Chi_Minh";
/// Root of the names of runs.
const NAMESPACE: Uuid = Uuid::from_u128(0x2b8f_0a3e_6f6d_5c55_8b0a_7f9c_1d3e_6a21);
/// First day of the reference registry.
const REGISTRY_BEGINS: Date = jiff::civil::date(2020, 1, 1);

/// What is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// How many days.
    pub days: u32,
    /// Seed of the random numbers.
    pub seed: u64,
    /// The last of the days; it is over. None for yesterday.
    pub last_day: Option<Date>,
    /// Shops' deliveries, in percent of a usual day.
    pub scale: u32,
}

impl Default for Options {
    fn default() -> Self {
        Options { days: 1, seed: 1, last_day: None, scale: 100 }
    }
}

/// How a run went.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// First day played.
    pub first_day: Option<Date>,
    /// Last day played.
    pub last_day: Option<Date>,
    /// Commands sent.
    pub commands: u64,
    /// Recorded now.
    pub accepted: u64,
    /// Found recorded: repetitions, and everything of a run that was played before.
    pub duplicates: u64,
    /// Mistakes that were refused as they should be.
    pub refused_expected: u64,
    /// Mistakes by the reason of their refusal.
    pub refusals: BTreeMap<String, u64>,
    /// Commands that were judged otherwise than they should be.
    pub refused_unexpected: Vec<Unexpected>,
    /// Events recorded now.
    pub events: u64,
    /// Chains that took part.
    pub chains: u64,
    /// Shops and OCOP points that recorded something.
    pub shops: u64,
    /// Position of the journal that holds all of it; empty if nothing was recorded.
    pub position: String,
    /// How long sending took.
    pub seconds: f64,
}

/// A command that was judged otherwise than it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unexpected {
    /// Who sent it.
    pub organization: String,
    /// The command.
    pub command_id: String,
    /// What should have come of it.
    pub expected: String,
    /// What came of it: the refusal with its reason, or that it was recorded.
    pub got: String,
}

/// Why a run stopped.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nothing to play.
    #[error("{days} days at {scale} percent are nothing to play; give at least 1 of each")]
    Nothing {
        /// As given.
        days: u32,
        /// As given.
        scale: u32,
    },
    /// The last day is not over yet.
    #[error("the last day {last_day} is not over: today is {today}; give a day before it")]
    NotOver {
        /// As given.
        last_day: Date,
        /// Today in the business time zone.
        today: Date,
    },
    /// The registry does not reach back so far.
    #[error(
        "{days} days up to {last_day} begin before {REGISTRY_BEGINS}, when the registry begins; give fewer days, or a later last day"
    )]
    BeforeRegistry {
        /// As given.
        days: u32,
        /// As given.
        last_day: Date,
    },
    /// The business time zone is not known here.
    #[error("the time zone {TIME_ZONE} is not known on this machine")]
    TimeZone(#[source] jiff::Error),
    /// The tables hold too little.
    #[error("the tables hold {chains} chains with a site and products, and {shops} shops; at least one of each is needed")]
    EmptyTables {
        /// Chains that could be played.
        chains: usize,
        /// Shops.
        shops: usize,
    },
    /// The service could not be reached.
    #[error("the simulation stopped after {done} commands")]
    Stopped {
        /// Commands that were judged.
        done: u64,
        /// What went wrong.
        #[source]
        source: BatchError,
    },
}

/// Plays days of trade; the authority is the organization that keeps the registry. `progress` hears how many of a day's commands are judged, over all days: (done, planned so far).
pub async fn run(
    channel: Channel,
    tables: &Tables,
    authority: &str,
    options: &Options,
    mut progress: impl FnMut(u64, u64),
) -> Result<Report, Error> {
    let (first_day, last_day) = range(options, Timestamp::now())?;
    let run = name_of(options, first_day, last_day);
    let mut world = World::new(tables, authority, run);
    if world.chains.is_empty() || world.shops.is_empty() {
        return Err(Error::EmptyTables { chains: world.chains.len(), shops: world.shops.len() });
    }
    let begun = Instant::now();
    let batches = Batches::new(channel);
    let mut played = Played::default();
    let mut planned_so_far = 0;
    for (nth, date) in (0..).zip(first_day.series(1.day()).take_while(|date| *date <= last_day)) {
        let dice = dice::Dice::new(run, domain::time::BusinessDay::of(date).0);
        let planned = plan_day(&mut world, dice, date, nth, options.scale as usize);
        planned_so_far += planned.len() as u64;
        for wave in planned.chunk_by(|one, next| one.wave == next.wave) {
            send(&batches, wave, &mut played, |done| progress(done, planned_so_far)).await?;
        }
    }
    let mut report = played.report;
    let by_shop: BTreeSet<&str> = world.shops.iter().map(|shop| world.sites[*shop].organization.as_str()).collect();
    report.shops = played.organizations.iter().filter(|it| by_shop.contains(it.as_str())).count() as u64;
    report.chains = world.chains.iter().filter(|chain| played.organizations.contains(&chain.lead)).count() as u64;
    (report.first_day, report.last_day) = (Some(first_day), Some(last_day));
    report.seconds = begun.elapsed().as_secs_f64();
    Ok(report)
}

/// The days that are played.
fn range(options: &Options, now: Timestamp) -> Result<(Date, Date), Error> {
    let Options { days, scale, .. } = *options;
    if days == 0 || scale == 0 {
        return Err(Error::Nothing { days, scale });
    }
    let zone = TimeZone::get(TIME_ZONE).map_err(Error::TimeZone)?;
    let today = zone.to_datetime(now).date();
    let last_day = options.last_day.unwrap_or(today.saturating_sub(1.day()));
    if last_day >= today {
        return Err(Error::NotOver { last_day, today });
    }
    let first_day = last_day.saturating_sub(i64::from(days - 1).days());
    // The first day opens books on the day before.
    if first_day <= REGISTRY_BEGINS {
        return Err(Error::BeforeRegistry { days, last_day });
    }
    Ok((first_day, last_day))
}

/// What tells a run from every other.
fn name_of(options: &Options, first_day: Date, last_day: Date) -> Uuid {
    let name = format!("{} {first_day} {last_day} {}", options.seed, options.scale);
    Uuid::new_v5(&NAMESPACE, name.as_bytes())
}

/// What was sent so far, and what came of it.
#[derive(Default)]
struct Played {
    report: Report,
    organizations: BTreeSet<String>,
    /// Sequence that the position names, to keep the latest.
    latest: u64,
}

/// Sends one wave: organizations side by side, each in its own order.
async fn send(batches: &Batches, wave: &[Planned], played: &mut Played, mut progress: impl FnMut(u64)) -> Result<(), Error> {
    let mut by_organization: BTreeMap<&str, Vec<&Planned>> = BTreeMap::new();
    for planned in wave {
        by_organization.entry(&planned.organization).or_default().push(planned);
    }
    let mut answers = stream::iter(by_organization)
        .map(|(organization, planned)| async move {
            let commands: Vec<Command> = planned.iter().map(|planned| planned.command.clone()).collect();
            batches.record(organization, commands, |_| ()).await.map(|outcomes| (planned, outcomes))
        })
        .buffer_unordered(IN_FLIGHT);
    while let Some(answer) = answers.next().await {
        let (planned, outcomes) = answer.map_err(|source| Error::Stopped { done: played.report.commands, source })?;
        for (planned, outcome) in planned.into_iter().zip(outcomes) {
            played.judge(planned, outcome);
        }
        progress(played.report.commands);
    }
    Ok(())
}

impl Played {
    fn judge(&mut self, planned: &Planned, outcome: Outcome) {
        let report = &mut self.report;
        report.commands += 1;
        let refused = outcome.refused.as_ref();
        let reason = refused.map(|refused| refused.reason.clone()).unwrap_or_default();
        let verdict = outcome.verdict();
        let as_expected = match (planned.expect, verdict) {
            // Found recorded: this run was played before.
            (Expect::Accepted, Verdict::Accepted | Verdict::Duplicate) | (Expect::Duplicate, Verdict::Duplicate) => true,
            (Expect::Refused(reasons), Verdict::Refused) => reasons.contains(&reason.as_str()),
            _ => false,
        };
        if !as_expected {
            let expected = match planned.expect {
                Expect::Accepted => "recorded".to_owned(),
                Expect::Duplicate => "found recorded".to_owned(),
                Expect::Refused(reasons) => format!("refused: {}", reasons.join(" or ")),
            };
            let got = refused
                .map_or_else(|| "recorded".to_owned(), |refused| format!("refused: {}: {}", refused.reason, refused.message));
            let organization = planned.organization.clone();
            report.refused_unexpected.push(Unexpected { organization, command_id: outcome.command_id.clone(), expected, got });
        }
        match verdict {
            Verdict::Accepted => report.accepted += 1,
            Verdict::Duplicate => report.duplicates += 1,
            Verdict::Refused | Verdict::Unknown | Verdict::Unspecified => {
                if as_expected {
                    report.refused_expected += 1;
                    *report.refusals.entry(reason).or_insert(0) += 1;
                }
                return;
            }
        }
        self.organizations.insert(planned.organization.clone());
        let Some(recorded) = outcome.recorded else { return };
        if verdict == Verdict::Accepted {
            report.events += recorded.events.len() as u64;
        }
        // Answers come in any order; positions are compared by their sequence.
        if let Ok(position) = recorded.position.parse::<::stream::Position>()
            && position.sequence() >= self.latest
        {
            self.latest = position.sequence();
            report.position = recorded.position;
        }
    }
}

#[cfg(test)]
mod tests;
