//! Where files of the program lie, and the note that a running `chuoi up` leaves in its folder so that other commands find
//! it without flags.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Key;
use crate::failure::Failure;

/// A folder of the XDG base directory specification: the variable, or a folder under HOME.
fn base(environment: impl Fn(&str) -> Option<String>, variable: &str, under_home: &str) -> Option<PathBuf> {
    let set = |name: &str| environment(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    // The specification has relative paths ignored.
    set(variable).filter(|path| path.is_absolute()).or_else(|| Some(set("HOME")?.join(under_home)))
}

/// The settings' file, where no other is named.
pub fn config_file(environment: impl Fn(&str) -> Option<String>) -> Option<PathBuf> {
    Some(base(environment, "XDG_CONFIG_HOME", ".config")?.join("chuoi/config.toml"))
}

/// The folder of `chuoi up`, where no other is named.
pub fn data_folder(environment: impl Fn(&str) -> Option<String>) -> Option<PathBuf> {
    Some(base(environment, "XDG_DATA_HOME", ".local/share")?.join("chuoi/up"))
}

/// Addresses of a running `chuoi up`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Running {
    /// Its process.
    pub pid: i32,
    /// Its services.
    pub server: String,
    /// Its NATS server.
    pub nats_url: String,
    /// Its stream.
    pub stream: String,
    /// Its database.
    pub database_url: String,
}

impl Running {
    fn path(data: &Path) -> PathBuf {
        data.join("running.toml")
    }

    /// What the folder's running `chuoi up` left; none if none runs.
    pub fn read(data: &Path) -> Option<(PathBuf, Running)> {
        let path = Running::path(data);
        let running: Running = toml::from_str(&std::fs::read_to_string(&path).ok()?).ok()?;
        // One that was killed could not take its note away.
        let alive = nix::sys::signal::kill(nix::unistd::Pid::from_raw(running.pid), None);
        (alive != Err(nix::errno::Errno::ESRCH)).then_some((path, running))
    }

    /// Leaves the note, for its owner alone: it holds the password of the NATS server.
    pub fn write(&self, data: &Path) -> Result<(), Failure> {
        let path = Running::path(data);
        let failed = |error: std::io::Error| Failure::failed(format!("cannot write {}", path.display()), error);
        let text = toml::to_string(self).map_err(|error| Failure::failed("cannot write down the addresses", error))?;
        // A new file each time: an old one could be open to others.
        Running::remove(data);
        let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).map_err(failed)?;
        file.write_all(text.as_bytes()).map_err(failed)
    }

    /// Takes the note away; it may be gone.
    pub fn remove(data: &Path) {
        let _ = std::fs::remove_file(Running::path(data));
    }

    /// As settings.
    pub fn settings(self) -> [(Key, String); 4] {
        [
            (Key::Server, self.server),
            (Key::NatsUrl, self.nats_url),
            (Key::Stream, self.stream),
            (Key::DatabaseUrl, self.database_url),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_counts_while_its_process_lives() {
        let folder = tempfile::tempdir().unwrap();
        let mut note = Running {
            pid: std::process::id().cast_signed(),
            server: "http://127.0.0.1:7420".into(),
            nats_url: "nats://chuoi:secret@127.0.0.1:1".into(),
            stream: "chuoi".into(),
            database_url: "host=/run dbname=chuoi".into(),
        };
        assert_eq!(Running::read(folder.path()), None);
        note.write(folder.path()).unwrap();
        assert_eq!(Running::read(folder.path()).map(|(_, note)| note), Some(note.clone()));
        note.pid = i32::MAX - 1; // Above any process id of Linux.
        note.write(folder.path()).unwrap();
        assert_eq!(Running::read(folder.path()), None);
    }
}
