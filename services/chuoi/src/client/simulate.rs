//! `chuoi simulate`: plays days of trade of the reference registry through the services.

use serde_json::json;

use super::Client;
use crate::cli::Simulate;
use crate::config::{Key, Output, Settings};
use crate::failure::Failure;
use crate::output;
use crate::progress::Step;
use crate::reference::Tables;
use crate::simulate::{self, Error, Options, Report};
use crate::words::count;

/// Commands that were judged otherwise than they should be, and are shown.
const SHOWN: usize = 5;

/// Runs it.
pub async fn run(settings: Settings, asked: &Simulate) -> Result<(), Failure> {
    let tables = Tables::embedded().map_err(|error| Failure::failed("cannot read the reference registry", error))?;
    // `typed::date` gives dates that parse.
    let last_day = asked.last_day.as_ref().and_then(|date| date.parse().ok());
    let options = Options { days: asked.days, seed: asked.seed, last_day, scale: asked.scale };
    let client = Client::connect(settings).await?;
    let authority = match client.settings.text(Key::Organization) {
        "" => client.settings.text(Key::AuthorityCode),
        organization => organization,
    };
    let step = Step::begin(if asked.days == 1 {
        "playing a day of trade".to_owned()
    } else {
        format!("playing {} days of trade", asked.days)
    });
    let report = play(&client, &tables, authority, options, &step).await?;
    step.done();
    match client.output {
        Output::Json => output::print(&as_json(&report).to_string())?,
        Output::Table | Output::Csv => output::print(&words(&report))?,
    }
    unexpected(&report)
}

/// Plays, with a bar.
pub async fn play(client: &Client, tables: &Tables, authority: &str, options: Options, step: &Step) -> Result<Report, Failure> {
    simulate::run(client.channel.clone(), tables, authority, &options, |done, of| step.reached(done, of)).await.map_err(|error| {
        match error {
            error @ Error::Stopped { .. } => Failure::unavailable("cannot go on", error),
            error @ (Error::Nothing { .. } | Error::NotOver { .. } | Error::BeforeRegistry { .. }) => {
                Failure::Usage(error.to_string())
            }
            error @ (Error::TimeZone(_) | Error::EmptyTables { .. }) => Failure::failed("cannot play", error),
        }
    })
}

/// A command that was judged otherwise than it should be is a failure: of the services, or of the simulation.
pub fn unexpected(report: &Report) -> Result<(), Failure> {
    if report.refused_unexpected.is_empty() {
        return Ok(());
    }
    let shown = report.refused_unexpected.iter().take(SHOWN);
    let shown: Vec<String> =
        shown.map(|it| format!("\n  {} {}: should be {}, was {}", it.organization, it.command_id, it.expected, it.got)).collect();
    Err(Failure::Refused(format!(
        "{} commands were judged otherwise than they should be, for example:{}",
        report.refused_unexpected.len(),
        shown.concat()
    )))
}

fn as_json(report: &Report) -> serde_json::Value {
    json!({
        "first_day": report.first_day.map(|day| day.to_string()),
        "last_day": report.last_day.map(|day| day.to_string()),
        "commands": report.commands,
        "accepted": report.accepted,
        "duplicates": report.duplicates,
        "refused": report.refused_expected,
        "refusals": report.refusals,
        "unexpected": report.refused_unexpected.len(),
        "events": report.events,
        "chains": report.chains,
        "shops": report.shops,
        "position": report.position,
        "seconds": (report.seconds * 1_000.0).round() / 1_000.0,
    })
}

fn words(report: &Report) -> String {
    let of = |figure: u64| count(i64::try_from(figure).unwrap_or(i64::MAX));
    let mut text = String::new();
    let mut line = |name: &str, said: String| text.push_str(&format!("{name:<11}{said}\n"));
    if let (Some(first), Some(last)) = (report.first_day, report.last_day) {
        line("days", if first == last { first.to_string() } else { format!("{first} to {last}") });
    }
    line("took part", format!("{} chains, {} shops", of(report.chains), of(report.shops)));
    line("commands", format!("{} in {:.1} s", of(report.commands), report.seconds));
    line("recorded", format!("{} commands with {} events", of(report.accepted), of(report.events)));
    line("duplicates", format!("{}, found recorded", of(report.duplicates)));
    line("refused", format!("{}, as they should be", of(report.refused_expected)));
    for (reason, times) in &report.refusals {
        line("", format!("{times:>6} {reason}"));
    }
    line("position", report.position.clone());
    text
}
