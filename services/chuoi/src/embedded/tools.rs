//! Finds the servers' programs, and holds them to the oldest version that will do.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Error, Result};

/// Older ones forgot streams after kill -9.
const NATS_NEEDED: &str = "2.10.23";
/// The first with MERGE.
const POSTGRES_NEEDED: &str = "15";

/// PostgreSQL's programs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostgresPrograms {
    /// Makes a new data folder.
    pub initdb: PathBuf,
    /// The server.
    pub postgres: PathBuf,
}

/// nats-server: the one that was named and no other (`named`, or the environment's `CHUOI_NATS_SERVER`); else the first
/// that is new enough in `PATH` and the folder that `deploy/setup` fills.
pub fn nats_server(named: Option<&Path>) -> Result<PathBuf> {
    let named = named.map(Path::to_owned).or_else(|| env::var_os("CHUOI_NATS_SERVER").map(PathBuf::from));
    let candidates = match named {
        Some(named) => vec![named],
        None => in_path("nats-server").chain(private_tools().map(|tools| tools.join("nats-server"))).collect(),
    };
    newest_enough("nats-server", NATS_NEEDED, &candidates)
}

/// PostgreSQL's programs: those in the folder that was named and no others; else the first new enough of those in `PATH`
/// and in Debian's folders, newest first.
pub fn postgres_programs(named: Option<&Path>) -> Result<PostgresPrograms> {
    let candidates = match named {
        Some(folder) => vec![folder.join("postgres")],
        // A link in PATH is followed: initdb lies beside the program, not beside the link.
        None => in_path("postgres").filter_map(|found| found.canonicalize().ok()).chain(debian_postgres()).collect(),
    };
    let candidates: Vec<PathBuf> = candidates.into_iter().filter(|postgres| postgres.with_file_name("initdb").exists()).collect();
    let postgres = newest_enough("PostgreSQL", POSTGRES_NEEDED, &candidates)?;
    Ok(PostgresPrograms { initdb: postgres.with_file_name("initdb"), postgres })
}

/// The first candidate that is new enough.
fn newest_enough(program: &'static str, needed: &'static str, candidates: &[PathBuf]) -> Result<PathBuf> {
    let mut seen = Vec::new();
    for candidate in candidates {
        match version(candidate) {
            Some(version) if numbers(&version) >= numbers(needed) => return Ok(candidate.clone()),
            Some(version) => seen.push(format!("{version} at {}", candidate.display())),
            None => seen.push(format!("{}, which tells no version", candidate.display())),
        }
    }
    let found = if seen.is_empty() { "none".to_owned() } else { seen.join(" and ") };
    Err(Error::Missing { program, needed, found })
}

/// What a program says to `--version`: its first word that is a version.
fn version(program: &Path) -> Option<String> {
    let said = Command::new(program).arg("--version").output().ok()?;
    version_in(&String::from_utf8_lossy(&said.stdout))
}

fn version_in(said: &str) -> Option<String> {
    let words = said.split_whitespace().map(|word| word.trim_start_matches('v'));
    words.into_iter().find(|word| word.starts_with(|c: char| c.is_ascii_digit())).map(str::to_owned)
}

/// 2.10.23 as [2, 10, 23]; what follows a digit ("17beta1", "2.11.0-dev") does not count.
fn numbers(version: &str) -> Vec<u32> {
    version
        .split('.')
        .map_while(|part| part.split(|c: char| !c.is_ascii_digit()).next().and_then(|digits| digits.parse().ok()))
        .collect()
}

/// Every program of this name in `PATH`.
pub(super) fn in_path(name: &str) -> impl Iterator<Item = PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let found: Vec<PathBuf> = env::split_paths(&path).map(|folder| folder.join(name)).filter(|found| found.is_file()).collect();
    found.into_iter()
}

/// Where `deploy/setup` puts what Debian's release lacks.
fn private_tools() -> Option<PathBuf> {
    let set = |name| env::var_os(name).filter(|value: &std::ffi::OsString| !value.is_empty()).map(PathBuf::from);
    let data = set("XDG_DATA_HOME").or_else(|| Some(set("HOME")?.join(".local/share")))?;
    Some(data.join("chuoi/bin"))
}

/// Debian keeps each major version in a folder of its own, outside `PATH`.
fn debian_postgres() -> Vec<PathBuf> {
    let folders = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> =
        folders.map(|entry| entry.path().join("bin/postgres")).filter(|found| found.is_file()).collect();
    let major = |path: &PathBuf| path.iter().rev().nth(2).and_then(OsStr::to_str).and_then(|name| name.parse::<u32>().ok());
    found.sort_by_key(|path| std::cmp::Reverse(major(path)));
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_version_is_read_from_what_programs_say() {
        for (said, version) in [
            ("nats-server: v2.15.1", Some("2.15.1")),
            ("nats-server: v2.11.0-dev\n", Some("2.11.0-dev")),
            ("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)", Some("15.18")),
            ("postgres (PostgreSQL) 18beta1", Some("18beta1")),
            ("no such option", None),
        ] {
            assert_eq!(version_in(said).as_deref(), version, "{said}");
        }
    }

    #[test]
    fn versions_are_compared_by_their_numbers() {
        for (older, newer) in [("2.9.10", "2.10.23"), ("2.10.9", "2.10.23"), ("14.18", "15"), ("15", "15.1"), ("15.9", "18beta1")]
        {
            assert!(numbers(older) < numbers(newer), "{older} and {newer}");
        }
    }

    #[test]
    fn a_program_that_is_too_old_is_refused_with_both_versions() {
        let folder = env::temp_dir().join(format!("chuoi-tools-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        let old = folder.join("nats-server");
        fs::write(&old, "#!/bin/sh\necho nats-server: v2.9.10\n").expect("write");
        fs::set_permissions(&old, fs::Permissions::from_mode(0o755)).expect("chmod");
        let refusal = nats_server(Some(&old)).expect_err("too old").to_string();
        let expected =
            format!("nats-server 2.10.23 or newer is needed, found 2.9.10 at {}; deploy/setup installs it", old.display());
        fs::remove_dir_all(&folder).expect("tidy up");
        assert_eq!(refusal, expected);
    }

    #[test]
    fn what_is_named_and_not_there_is_not_replaced_by_another() {
        let refusal = nats_server(Some(Path::new("/nowhere/nats-server"))).expect_err("not there").to_string();
        assert!(refusal.contains("/nowhere/nats-server, which tells no version"), "{refusal}");
        assert!(postgres_programs(Some(Path::new("/nowhere"))).is_err());
    }
}
