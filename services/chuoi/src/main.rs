//! `chuoi`: parse, run, say what went wrong.

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    let cli = chuoi::cli::Cli::parse();
    match chuoi::run::run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(chuoi::failure::Failure::NobodyReads) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {}", failure.report());
            failure.exit_code()
        }
    }
}
