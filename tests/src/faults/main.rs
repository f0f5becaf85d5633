//! Breaks servers of its own under load and compares what callers heard with what is stored. A seed makes a run repeatable as far
//! as operating systems are; whatever falls how, the promises hold.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a run that cannot go on ends, and says where")]

mod callers;
mod checker;
mod rebuilding;
mod schedules;

use clap::Parser;
use serde_json::json;
use std::process::ExitCode;

/// Breaks servers of its own under load and compares what callers heard with what is stored
#[derive(Parser)]
struct Asked {
    /// quick: within five minutes; full: a million events and ten restarts of the projector besides
    #[arg(value_parser = ["quick", "full"])]
    size: String,
    /// What is sent, and when what breaks
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// One schedule alone, by a part of its name
    #[arg(long)]
    only: Option<String>,
    /// table, or json: a last line of JSON besides
    #[arg(long, default_value = "table", value_parser = ["table", "json"])]
    output: String,
}

#[tokio::main]
async fn main() -> ExitCode {
    tests::until_told_to_end(run(Asked::parse())).await
}

async fn run(asked: Asked) -> ExitCode {
    println!(
        "{:<44} {:>8} {:>8} {:>6} {:>6} {:>7} {:>7} {:>6} {:>9}",
        "SCHEDULE", "ACKED", "REFUSED", "UNSURE", "LOST", "DOUBLED", "UNTRUE", "DIFFER", "RECOVERY"
    );
    let mut total = schedules::Outcome::default();
    let mut count = 0;
    for schedule in schedules::of(&asked.size) {
        if asked.only.as_ref().is_some_and(|only| !schedule.name.contains(only.as_str())) {
            continue;
        }
        let outcome = schedules::run(&schedule, asked.seed).await;
        println!(
            "{:<44} {:>8} {:>8} {:>6} {:>6} {:>7} {:>7} {:>6} {:>7.1} s",
            schedule.name,
            outcome.checked.acknowledged,
            outcome.checked.refused,
            outcome.checked.unsure,
            outcome.checked.lost,
            outcome.checked.doubled,
            outcome.checked.untrue.len(),
            outcome.verify_differences,
            outcome.slowest_recovery_s
        );
        for untrue in outcome.checked.untrue.iter().take(10) {
            println!("  untrue: {untrue}");
        }
        total.add(outcome);
        count += 1;
    }
    let holds = total.holds() && count > 0;
    println!("{}", if holds { "every answer agrees with the journal, and the tables with both" } else { "A PROMISE IS BROKEN" });
    if asked.output == "json" {
        println!(
            "{}",
            json!({
                "schedules": count, "seed": asked.seed, "acknowledged": total.checked.acknowledged, "refused": total.checked.refused,
                "unsure": total.checked.unsure, "lost": total.checked.lost, "doubled": total.checked.doubled,
                "untrue": total.checked.untrue.len(), "verify_differences": total.verify_differences,
                "chain_holds": total.chain_broken == 0, "slowest_recovery_s": (total.slowest_recovery_s * 100.0).round() / 100.0,
            })
        );
    }
    if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
