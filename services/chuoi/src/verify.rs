//! `chuoi verify`: compares the views with the journal.

use serde_json::{Value, json};
use stream::Journal;
use views::{Difference, Report};

use crate::config::{Output, Settings};
use crate::failure::Failure;
use crate::progress::Step;
use crate::words::count;
use crate::{output, serve};

/// Differences that are shown to a person.
const SHOWN: usize = 20;

/// Runs it; what it finds is a failure.
pub async fn run(settings: Settings) -> Result<(), Failure> {
    let shown = settings.output()?;
    let settings = settings.with_running();
    let journal = open(&settings).await?;
    let step = Step::begin("comparing the views with the journal");
    let report = compare(&journal, &serve::database(&settings), &step).await?;
    let seconds = step.done();
    match shown {
        Output::Json => {
            let mut json = as_json(&report);
            json["seconds"] = json!((seconds * 1_000.0).round() / 1_000.0);
            output::print(&json.to_string())?;
        }
        Output::Table | Output::Csv => output::print(&words(&report))?,
    }
    if report.is_clean() {
        return Ok(());
    }
    Err(Failure::Refused("the views are not what the journal says".to_owned()))
}

/// Opens the journal.
pub async fn open(settings: &Settings) -> Result<Journal, Failure> {
    Journal::open(&serve::journal(settings)).await.map_err(|error| match error {
        error @ (stream::Error::Unreachable { .. } | stream::Error::Request { .. }) => {
            Failure::unavailable("cannot read the journal; is `chuoi up` running? else say --nats-url and --stream", error)
        }
        error => Failure::failed("cannot open the journal", error),
    })
}

/// Compares, with a bar.
pub async fn compare(journal: &Journal, database: &views::database::Settings, step: &Step) -> Result<Report, Failure> {
    let report = views::verify(journal, database, |done, of| step.reached(done, of)).await;
    report.map_err(|error| Failure::failed("cannot compare the views with the journal", error))
}

fn as_json(report: &Report) -> Value {
    let parsed = |row: &Option<String>| row.as_ref().map(|row| serde_json::from_str::<Value>(row).unwrap_or(json!(row)));
    let differences = report.differences.iter().map(|difference| {
        json!({
            "table": difference.table, "key": difference.key,
            "live": parsed(&difference.live), "replayed": parsed(&difference.replayed),
        })
    });
    json!({
        "clean": report.is_clean(), "sequence": report.sequence, "entries": report.entries, "events": report.events,
        "differences": differences.collect::<Vec<_>>(), "conservation_holds": report.conservation_holds,
        "damage": report.damage, "parked": report.parked,
        "stale": report.stale.iter().map(|stale| json!({"sequence": stale.sequence, "follows": stale.follows})).collect::<Vec<_>>(),
    })
}

fn words(report: &Report) -> String {
    let counted = |number: u64| count(i64::try_from(number).unwrap_or(i64::MAX));
    let mut text = format!(
        "compared      {} entries with {} events, up to entry {}\n",
        counted(report.entries),
        counted(report.events),
        report.sequence
    );
    if let Some(damage) = &report.damage {
        text.push_str(&format!("journal       DAMAGED: {damage}\n"));
    } else {
        text.push_str("journal       its hash chain holds\n");
    }
    for stale in &report.stale {
        text.push_str(&format!(
            "stale         entry {} came late, after entry {}, and counts for nothing: the broker let it through\n",
            stale.sequence, stale.follows
        ));
    }
    text.push_str(&format!("differences   {}\n", report.differences.len()));
    for Difference { table, key, live, replayed } in report.differences.iter().take(SHOWN) {
        let row = |row: &Option<String>| row.clone().unwrap_or_else(|| "no such row".to_owned());
        text.push_str(&format!("  {table} {key}\n    is        {}\n    should be {}\n", row(live), row(replayed)));
    }
    if report.differences.len() > SHOWN {
        text.push_str(&format!("  and {} more: --output json shows them\n", report.differences.len() - SHOWN));
    }
    let conservation = if report.conservation_holds { "holds for every lot" } else { "DOES NOT HOLD" };
    text.push_str(&format!("conservation  {conservation}\n"));
    if report.parked > 0 {
        text.push_str(&format!(
            "parked        {} commands could not be folded and wait for somebody: `chuoi doctor` lists them\n",
            report.parked
        ));
    }
    text
}
