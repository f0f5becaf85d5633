//! The notifier: asks the tables what there is to tell that was not told yet, and records it as notices, in the authority's name.
//!
//! A notice's command has the id of its key, so any number may run and a crash doubles nothing: the recorder knows ids for ever. It
//! waits quietly for servers that are away.

use std::collections::{BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use domain::id::CommandId;
use stream::Journal;
use tonic::transport::Endpoint;
use tracing::{debug, info, warn};
use views::{Horizon, Outlook, database};
use wire::proto::chuoi::record::v1::command::Action;
use wire::proto::chuoi::record::v1::{Command, CommandHeader, GiveNotice, Verdict, When};

use crate::failure::Failure;
use crate::reference::Batches;

/// How often it looks, and how much it says at once.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Pause between looks at whether the journal has grown.
    pub look: Duration,
    /// Pause between looks at what comes with the days: a report over all shops is no small question.
    pub sweep: Duration,
    /// Notices in one pass at most; the rest in the next.
    pub most: usize,
    /// Notices that one look finds at most; the rest with the next.
    pub found: usize,
}

impl Default for Pace {
    fn default() -> Pace {
        Pace { look: Duration::from_secs(2), sweep: Duration::from_secs(300), most: 300, found: 20_000 }
    }
}

/// Pauses after a failure, from the first to the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));
/// Looks at what comes with the days rest so many times as long as the last took: where there is much, they are a fiftieth of what
/// PostgreSQL does.
const REST: u32 = 50;
/// Between two passes of a flood: others record too.
const BREATH: Duration = Duration::from_millis(500);
/// Program that notices name.
const CLIENT: &str = "chuoi-notifier";

/// Gives notices for ever: whatever fails is tried again. `recorder` is where RecordService answers.
pub async fn run(journal: Journal, settings: &database::Settings, recorder: &str, pace: Pace) -> Failure {
    let outlook = match Outlook::of(settings) {
        Ok(outlook) => outlook,
        Err(error) => return Failure::failed("cannot use the database", error),
    };
    let endpoint = match Endpoint::from_shared(recorder.to_owned()) {
        Ok(endpoint) => endpoint.connect_timeout(Duration::from_secs(5)).timeout(Duration::from_secs(60)),
        Err(error) => return Failure::failed(format!("{recorder} is not an address of services"), error),
    };
    let batches = Batches::new(endpoint.connect_lazy());
    let mut notifier =
        Notifier { journal, outlook, batches, pace, looked: None, sweep: None, found: VecDeque::new(), refused: BTreeSet::new() };
    let mut pause = PAUSES.0;
    loop {
        let rest = match notifier.pass().await {
            Ok(is_full) => {
                pause = PAUSES.0;
                if is_full { BREATH } else { pace.look }
            }
            Err(failure) => {
                pause = (pause * 2).min(PAUSES.1);
                // At a start the others may not be ready yet.
                if pause == PAUSES.1 {
                    warn!("no notices are given for now, trying again: {}", failure.report());
                } else {
                    debug!(?pause, "no notices are given for now, trying again: {}", failure.report());
                }
                pause
            }
        };
        tokio::time::sleep(rest).await;
    }
}

struct Notifier {
    journal: Journal,
    outlook: Outlook,
    batches: Batches,
    pace: Pace,
    /// The journal's end at the last look that found everything which had happened.
    looked: Option<u64>,
    /// When everything is looked at again: what comes with the days, and whatever happened at all.
    sweep: Option<Instant>,
    /// What was found and is not told yet.
    found: VecDeque<GiveNotice>,
    /// Keys of what the recorder would not take: not asked again before a restart.
    refused: BTreeSet<String>,
}

impl Notifier {
    /// Whether there is more than one pass takes.
    async fn pass(&mut self) -> Result<bool, Failure> {
        if self.found.is_empty() {
            self.find().await?;
        }
        let most = self.pace.most.min(self.found.len());
        // Taken out once they are told: what fails is told again.
        self.give(self.found.iter().take(most).cloned().collect()).await?;
        self.found.drain(..most);
        Ok(!self.found.is_empty())
    }

    /// Looks for what is to be told, if anything can have come.
    async fn find(&mut self) -> Result<(), Failure> {
        let last = self.journal.last_sequence().await;
        let last = last.map_err(|error| Failure::failed("cannot ask the journal for its end", error))?;
        let is_due = self.sweep.is_none_or(|sweep| Instant::now() >= sweep);
        if self.looked == Some(last) && !is_due {
            return Ok(());
        }
        let begun = Instant::now();
        let cannot = |error: views::Error| Failure::failed("cannot ask the views what there is to tell", error);
        // As of now, and not of a past that tables which are built anew go through.
        let at_least = self.journal.position(last).to_string();
        let most = self.pace.found + self.refused.len();
        // What stood resolved and no longer does is found where all is looked at.
        let behind = if is_due { 0 } else { self.looked.unwrap_or(0) };
        let mut found = self.outlook.happened(&at_least, behind, most).await.map_err(cannot)?;
        if found.len() < most {
            self.looked = Some(last);
            if is_due {
                let came = self.outlook.came(&at_least, Horizon::default(), most).await.map_err(cannot)?;
                if came.len() < most {
                    self.sweep = Some(Instant::now() + self.pace.sweep.max(begun.elapsed() * REST));
                }
                found.extend(came);
            }
        }
        found.retain(|notice| !self.refused.contains(&notice.key));
        self.found.extend(found);
        Ok(())
    }

    async fn give(&mut self, notices: Vec<GiveNotice>) -> Result<(), Failure> {
        if notices.is_empty() {
            return Ok(());
        }
        let keys: Vec<String> = notices.iter().map(|notice| notice.key.clone()).collect();
        let today = self.zone()?.to_datetime(jiff::Timestamp::now()).date().to_string();
        let commands = notices.into_iter().map(|notice| command(notice, &today)).collect();
        let authority = &self.journal.genesis().authority_code;
        let outcomes = self.batches.record(authority, commands, |_| ()).await;
        let outcomes = outcomes.map_err(|error| Failure::failed("cannot record notices", error))?;
        let mut given = 0;
        for (key, outcome) in keys.into_iter().zip(outcomes) {
            let refused = outcome.refused.clone().unwrap_or_default();
            match outcome.verdict() {
                Verdict::Accepted => given += 1,
                // Another notifier said it meanwhile, be it with other figures.
                Verdict::Duplicate => {}
                Verdict::Refused if refused.reason == "OTHER_CONTENT" => {}
                Verdict::Refused | Verdict::Unknown | Verdict::Unspecified => {
                    warn!(key, reason = refused.reason, "notice {key} was not taken: {}", refused.message);
                    self.refused.insert(key);
                }
            }
        }
        if given > 0 {
            info!(given, "gave {given} notices");
        }
        Ok(())
    }

    fn zone(&self) -> Result<jiff::tz::TimeZone, Failure> {
        let name = &self.journal.genesis().business_time_zone;
        jiff::tz::TimeZone::get(name).map_err(|error| Failure::failed(format!("{name} is no time zone"), error))
    }
}

/// Dated to the day: whoever gives it on that day says the same.
fn command(notice: GiveNotice, today: &str) -> Command {
    let header = CommandHeader {
        command_id: CommandId::of_notice(&notice.key).to_string(),
        when: Some(When { date: today.to_owned(), ..When::default() }),
        client: CLIENT.to_owned(),
        ..CommandHeader::default()
    };
    Command { header: Some(header), action: Some(Action::GiveNotice(notice)) }
}
