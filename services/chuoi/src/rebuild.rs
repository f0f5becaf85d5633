//! `chuoi rebuild`: builds the views anew beside those that are read, and puts them in their place.

use serde_json::json;

use crate::config::{Output, Settings};
use crate::failure::Failure;
use crate::progress::Step;
use crate::words::count;
use crate::{output, serve, verify};

/// Runs it.
pub async fn run(settings: Settings) -> Result<(), Failure> {
    let shown = settings.output()?;
    let settings = settings.with_running();
    let journal = verify::open(&settings).await?;
    let step = Step::begin("building the views anew");
    let rebuilt = views::rebuild(&journal, &serve::database(&settings), |done, of| step.reached(done, of)).await;
    let rebuilt = rebuilt.map_err(|error| Failure::failed("cannot build the views anew; those that are read stay", error))?;
    let seconds = step.done();
    let per_second = rebuilt.events as f64 / seconds.max(0.001);
    match shown {
        Output::Json => output::print(
            &json!({
                "sequence": rebuilt.sequence, "entries": rebuilt.entries, "events": rebuilt.events,
                "generation": rebuilt.generation, "seconds": (seconds * 1_000.0).round() / 1_000.0,
                "events_per_s": per_second.round(),
            })
            .to_string(),
        ),
        Output::Table | Output::Csv => {
            let counted = |number: u64| count(i64::try_from(number).unwrap_or(i64::MAX));
            output::print(&format!(
                "built anew    {} events of {} entries, up to entry {}; {} events a second\ngeneration    {}\n",
                counted(rebuilt.events),
                counted(rebuilt.entries),
                rebuilt.sequence,
                counted(per_second as u64),
                rebuilt.generation
            ))
        }
    }
}
