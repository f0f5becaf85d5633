//! `chuoi doctor`: in what state each part is, why it refuses, and what to do. Changes nothing.

use std::time::Duration;

use serde_json::json;
use stream::{Journal, Stale};
use tonic::transport::Endpoint;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use views::Condition;

use crate::config::{Key, Output, Settings, masked};
use crate::failure::Failure;
use crate::progress::Step;
use crate::roles::{QUERY_SERVICES, RECORD_SERVICE};
use crate::words::count;
use crate::{output, serve};

/// PostgreSQL must be at least this (MERGE).
const LEAST_POSTGRESQL: i32 = 150_000;
/// Entries read at once, and how long to wait for them.
const ENTRIES: usize = 4_096;
const WAIT: Duration = Duration::from_secs(5);
/// The services answer within this, or count as away.
const PATIENCE: Duration = Duration::from_secs(5);

/// What was found about one part.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Finding {
    part: &'static str,
    is_well: bool,
    /// What was seen.
    seen: String,
    /// What to do; empty where nothing is to be done.
    advice: String,
}

impl Finding {
    fn well(part: &'static str, seen: impl Into<String>) -> Finding {
        Finding { part, is_well: true, seen: seen.into(), advice: String::new() }
    }

    fn ill(part: &'static str, seen: impl Into<String>, advice: impl Into<String>) -> Finding {
        Finding { part, is_well: false, seen: seen.into(), advice: advice.into() }
    }
}

/// Runs it; an ill part is a failure.
pub async fn run(settings: Settings) -> Result<(), Failure> {
    let shown = settings.output()?;
    let settings = settings.with_running();
    let mut findings = Vec::new();
    let journal = match Journal::open(&serve::journal(&settings)).await {
        Ok(journal) => {
            findings.push(Finding::well("nats-server", format!("answers at {}", masked(settings.text(Key::NatsUrl)))));
            findings.extend(examine_journal(&journal).await);
            Some(journal)
        }
        Err(error) => {
            findings.push(of_journal_error(&error));
            None
        }
    };
    match views::condition(&serve::database(&settings)).await {
        Ok(condition) => {
            let last = match &journal {
                Some(journal) => journal.last_sequence().await.ok(),
                None => None,
            };
            findings.extend(of_condition(&condition, journal.as_ref().map(|journal| (journal.id(), last))));
            if let (Some(journal), Some(checkpoint)) = (&journal, &condition.checkpoint) {
                findings.extend(same_entry(journal, checkpoint).await);
            }
        }
        Err(error) => findings.push(Finding::ill(
            "postgresql",
            crate::failure::chain(&error),
            "see that PostgreSQL runs and that --database-url is right; recording goes on without it",
        )),
    }
    findings.extend(services(settings.text(Key::Server)).await);
    let ill = findings.iter().filter(|finding| !finding.is_well).count();
    match shown {
        Output::Json => {
            let findings = findings.iter().map(|finding| {
                json!({ "part": finding.part, "well": finding.is_well, "seen": finding.seen, "advice": finding.advice })
            });
            output::print(&json!({ "well": ill == 0, "findings": findings.collect::<Vec<_>>() }).to_string())?;
        }
        Output::Table | Output::Csv => output::print(&words(&findings))?,
    }
    match ill {
        0 => Ok(()),
        1 => Err(Failure::Refused("one part is not well".to_owned())),
        parts => Err(Failure::Refused(format!("{parts} parts are not well"))),
    }
}

fn of_journal_error(error: &stream::Error) -> Finding {
    // Most of these say what to do themselves.
    let (part, advice) = match error {
        stream::Error::Unreachable { .. } | stream::Error::Request { .. } => {
            ("nats-server", "start it, or say where it is with --nats-url; nothing can be recorded until it answers")
        }
        stream::Error::Damage { .. } => {
            ("journal", "stop every recorder; restore the stream from a backup under a new name, and rebuild the views from it")
        }
        stream::Error::Missing { .. } | stream::Error::Empty { .. } => {
            ("journal", "never begin a new journal over one that is lost")
        }
        _ => ("journal", ""),
    };
    Finding::ill(part, crate::failure::chain(error), advice)
}

/// Reads the whole journal: its chain, what is stale, and where it is damaged.
async fn examine_journal(journal: &Journal) -> Vec<Finding> {
    let last = match journal.last_sequence().await {
        Ok(last) => last,
        Err(error) => return vec![of_journal_error(&error)],
    };
    let step = Step::begin("reading the journal");
    let mut reader = journal.read_from(None);
    let (mut entries, mut seen) = (0_u64, 0);
    while seen < last {
        match reader.next(ENTRIES, WAIT).await {
            Ok(live) => {
                entries += live.len() as u64;
                let now = reader.tip().map_or(0, |tip| tip.last_seen);
                if now == seen {
                    let stuck = format!("gives nothing after entry {seen} of {last}");
                    return vec![Finding::ill("journal", stuck, "see the log of nats-server")];
                }
                seen = now;
                step.reached(seen, last);
            }
            Err(error) => return vec![of_journal_error(&error)],
        }
    }
    step.done();
    let holds = format!("{} entries, the hash chain holds up to entry {last}", counted(entries));
    let mut findings = vec![Finding::well("journal", holds)];
    findings.extend(reader.stale().iter().map(of_stale));
    findings
}

/// Skipped by every reader alike: no figure is wrong for it, yet a sound broker lets none through.
fn of_stale(stale: &Stale) -> Finding {
    Finding::ill(
        "journal",
        format!("entry {} came late, after entry {}, and counts for nothing", stale.sequence, stale.follows),
        "figures are right; the broker let through what it had to refuse: bring nats-server to its newest version",
    )
}

fn of_condition(condition: &Condition, journal: Option<(uuid::Uuid, Option<u64>)>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let version = format!("PostgreSQL {}", condition.server_version);
    findings.push(match condition.server_version_number >= LEAST_POSTGRESQL {
        true => Finding::well("postgresql", version),
        false => Finding::ill("postgresql", version, "version 15 or newer is needed"),
    });
    let migrations = format!("migration {} of {}", condition.applied, condition.known);
    findings.push(match condition.applied.cmp(&condition.known) {
        std::cmp::Ordering::Equal => Finding::well("tables", migrations),
        std::cmp::Ordering::Less => Finding::ill("tables", migrations, "start a projector of this version: it migrates them"),
        std::cmp::Ordering::Greater => {
            Finding::ill("tables", migrations, "a newer version of chuoi migrated them: use that version, or rebuild beside it")
        }
    });
    match (&condition.checkpoint, journal) {
        (None, _) => {
            findings.push(Finding::ill("views", "nothing was projected yet", "start a projector: `chuoi serve projector`"))
        }
        (Some(at), Some((id, _))) if at.journal != id => findings.push(Finding::ill(
            "views",
            format!("hold journal {}, the stream is journal {id}", at.journal),
            "connect to the journal that they were built from, or `chuoi rebuild` from this one",
        )),
        (Some(at), Some((_, Some(last)))) if at.sequence > last => findings.push(Finding::ill(
            "views",
            format!("stand at entry {}, beyond the journal's end {last}", at.sequence),
            "the journal was set back: find the newer one before anything is recorded; else `chuoi rebuild`",
        )),
        (Some(at), Some((_, Some(last)))) if at.sequence < last => findings.push(Finding::ill(
            "views",
            format!("{} entries behind: at {} of {last}", counted(last - at.sequence), at.sequence),
            "if this does not shrink by itself, see that a projector runs and what it logs",
        )),
        (Some(at), _) => {
            findings.push(Finding::well("views", format!("at entry {}, generation {}", at.sequence, at.generation)));
        }
    }
    if condition.parked_count > 0 {
        let listed = condition.parked.iter().map(|parked| {
            format!("\n  entry {}, command {} of {}: {}", parked.sequence, parked.command, parked.organization, parked.reason)
        });
        let seen = format!(
            "{} commands could not be folded; {} lots or lots at a site are doubtful{}",
            condition.parked_count,
            condition.doubtful_count,
            listed.collect::<String>()
        );
        findings.push(Finding::ill("parked", seen, "a newer version may know them: update, then `chuoi rebuild`"));
    }
    findings
}

/// Whether the entry at the checkpoint is the one that the views were built from.
async fn same_entry(journal: &Journal, checkpoint: &views::database::Checkpoint) -> Option<Finding> {
    let live = journal.entry_at(checkpoint.sequence).await.ok()?;
    (checkpoint.journal == journal.id() && live.tip.hash != checkpoint.hash).then(|| {
        Finding::ill(
            "views",
            format!("were built from another entry {} than the journal holds", checkpoint.sequence),
            "the journal was replaced from there on: find out why, then `chuoi rebuild`",
        )
    })
}

/// Whether each service answers that it serves.
async fn services(url: &str) -> Vec<Finding> {
    let address = if url.contains("://") { url.to_owned() } else { format!("http://{url}") };
    let away =
        |why: String| vec![Finding::ill("services", why, "start them with `chuoi up` or `chuoi serve all`, or say --server")];
    let endpoint = match Endpoint::from_shared(address) {
        Ok(endpoint) => endpoint.connect_timeout(PATIENCE).timeout(PATIENCE),
        Err(error) => return away(format!("{url:?} is no address: {error}")),
    };
    let channel = match endpoint.connect().await {
        Ok(channel) => channel,
        Err(error) => return away(format!("nothing answers at {url}: {}", crate::failure::chain(&error))),
    };
    let mut health = HealthClient::new(channel);
    let mut findings = Vec::new();
    for service in [RECORD_SERVICE].into_iter().chain(QUERY_SERVICES) {
        let asked = health.check(HealthCheckRequest { service: service.to_owned() }).await;
        findings.push(match asked {
            Ok(answer) if answer.get_ref().status() == ServingStatus::Serving => {
                Finding::well("services", format!("{service} serves"))
            }
            Ok(_) => {
                let needs = if service == RECORD_SERVICE { "the journal" } else { "PostgreSQL" };
                Finding::ill("services", format!("{service} does not serve"), format!("it waits for {needs}: see above"))
            }
            Err(status) if status.code() == tonic::Code::NotFound => {
                Finding::well("services", format!("{service} does not run at {url}"))
            }
            Err(status) => Finding::ill("services", format!("{service}: {}", status.message()), ""),
        });
    }
    findings
}

fn counted(number: u64) -> String {
    count(i64::try_from(number).unwrap_or(i64::MAX))
}

fn words(findings: &[Finding]) -> String {
    let mut text = String::new();
    for finding in findings {
        let mark = if finding.is_well { "well" } else { "ILL" };
        text.push_str(&format!("{:<5} {:<12} {}\n", mark, finding.part, finding.seen));
        if !finding.advice.is_empty() {
            text.push_str(&format!("{:<18} → {}\n", "", finding.advice));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;
    use views::database::{Checkpoint, Tally};

    fn condition(sequence: u64) -> Condition {
        let checkpoint = Checkpoint {
            generation: 1,
            journal: Uuid::nil(),
            sequence,
            hash: [0; 32],
            record_time: std::time::SystemTime::UNIX_EPOCH,
            business_time_zone: "Asia/Ho_Chi_Minh".into(),
            tally: Tally::default(),
        };
        Condition {
            server_version: "15.4".into(),
            server_version_number: 150_004,
            applied: 6,
            known: 6,
            checkpoint: Some(checkpoint),
            parked_count: 0,
            parked: Vec::new(),
            doubtful_count: 0,
        }
    }

    #[test]
    #[rustfmt::skip] // Columns.
    fn each_state_of_the_tables_is_told_with_what_to_do() {
        let here = Some((Uuid::nil(), Some(9)));
        let nothing = Condition { checkpoint: None, ..condition(9) };
        let parked = Condition { parked_count: 1, doubtful_count: 2, ..condition(9) };
        for (condition, journal, part, advice) in [
            (condition(9),                                                here,                              "",           ""),
            (condition(9),                                                None,                              "",           ""),
            (condition(8),                                                here,                              "views",      "see that a projector runs"),
            (condition(10),                                               here,                              "views",      "the journal was set back"),
            (condition(9),                                                Some((Uuid::max(), Some(9))),      "views",      "connect to the journal"),
            (nothing,                                                     here,                              "views",      "start a projector"),
            (parked,                                                      here,                              "parked",     "a newer version may know them"),
            (Condition { applied: 5, ..condition(9) },                    here,                              "tables",     "it migrates them"),
            (Condition { applied: 7, ..condition(9) },                    here,                              "tables",     "use that version"),
            (Condition { server_version_number: 140_000, ..condition(9)}, here,                              "postgresql", "version 15"),
        ] {
            let ill: Vec<_> = of_condition(&condition, journal).into_iter().filter(|finding| !finding.is_well).collect();
            match part {
                "" => assert_eq!(ill, [], "{condition:?}"),
                part => {
                    assert_eq!(ill.iter().map(|finding| finding.part).collect::<Vec<_>>(), [part], "{ill:?}");
                    assert!(ill[0].advice.contains(advice), "{ill:?}");
                }
            }
        }
    }
}
