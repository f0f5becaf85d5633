//! The folder of `chuoi up`: one process at a time, and what it remembers beside the servers' own folders.

use std::fs::{self, File, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use uuid::Uuid;

use crate::config::Running;
use crate::failure::Failure;

/// A folder that this process holds.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    /// The kernel lets go of it when this process ends, however it ends.
    _lock: File,
}

impl Folder {
    /// Takes the folder, made if it is not there; refused while another process holds it.
    pub fn lock(path: &Path) -> Result<Folder, Failure> {
        let failed = |error| Failure::failed(format!("cannot use the data folder {}", path.display()), error);
        // PostgreSQL's own user has to be able to walk through.
        fs::DirBuilder::new().recursive(true).mode(0o755).create(path).map_err(failed)?;
        let path = path.canonicalize().map_err(failed)?;
        let mut lock =
            File::options().read(true).write(true).create(true).truncate(false).open(path.join("lock")).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let _ = lock.read_to_string(&mut holder); // Known or not, it is held.
                let place = Running::read(&path).map(|(_, running)| format!(", serving {}", running.server)).unwrap_or_default();
                return Err(Failure::Refused(format!(
                    "chuoi up already runs on {} (process {}{place}); use it as it is, stop it, or choose another folder with --data",
                    path.display(),
                    holder.trim()
                )));
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        let note = |lock: &mut File| -> std::io::Result<()> {
            lock.set_len(0)?;
            lock.rewind()?;
            writeln!(lock, "{}", std::process::id())
        };
        note(&mut lock).map_err(failed)?;
        Ok(Folder { path, _lock: lock })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the reference registry was imported into this journal, to the end.
    pub fn has_registry(&self, journal: Uuid) -> bool {
        fs::read_to_string(self.registry()).is_ok_and(|text| text.trim() == journal.to_string())
    }

    /// Remembers that it was.
    pub fn keep_registry(&self, journal: Uuid) -> Result<(), Failure> {
        let path = self.registry();
        fs::write(&path, format!("{journal}\n"))
            .map_err(|error| Failure::failed(format!("cannot write {}", path.display()), error))
    }

    /// The keys that traceability codes are checked with. Made once: without them what is printed can never be checked again.
    pub fn code_keys(&self) -> Result<views::CodeKeys, Failure> {
        let path = self.path.join("code-keys");
        let failed = |error| Failure::failed(format!("cannot keep the keys in {}", path.display()), error);
        if !path.exists() {
            let mut key = [0_u8; 32];
            File::open("/dev/urandom").and_then(|mut random| random.read_exact(&mut key)).map_err(failed)?;
            let digits: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
            // Whole or not at all.
            let draft = self.path.join("code-keys.new");
            let mut file = File::options().write(true).create(true).truncate(true).mode(0o600).open(&draft).map_err(failed)?;
            writeln!(file, "# Keys of traceability codes, the newest first. Keep a copy: codes on goods are checked with them.")
                .map_err(failed)?;
            writeln!(file, "{digits}").and_then(|()| file.sync_all()).map_err(failed)?;
            fs::rename(&draft, &path).map_err(failed)?;
        }
        let text = fs::read_to_string(&path).map_err(failed)?;
        views::CodeKeys::parse(&text).map_err(|error| Failure::Refused(format!("{} holds no keys: {error}", path.display())))
    }

    fn registry(&self) -> PathBuf {
        self.path.join("registry-imported")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_held_by_one_and_says_by_whom() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("a/b");
        let held = Folder::lock(&path).unwrap();
        let refusal = Folder::lock(&path).unwrap_err().to_string();
        assert!(refusal.contains(&format!("(process {})", std::process::id())), "{refusal}");
        drop(held);
        assert!(Folder::lock(&path).is_ok());
    }

    #[test]
    fn keys_are_made_once_and_kept_for_their_owner() {
        use std::os::unix::fs::PermissionsExt as _;
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::lock(place.path()).unwrap();
        assert!(!folder.code_keys().unwrap().is_empty());
        let path = place.path().join("code-keys");
        let made = fs::read_to_string(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        folder.code_keys().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), made);
        fs::write(&path, "no key").unwrap();
        assert!(folder.code_keys().unwrap_err().to_string().contains("line 1"));
    }

    #[test]
    fn the_registry_is_remembered_for_its_journal_alone() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::lock(place.path()).unwrap();
        let (journal, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        assert!(!folder.has_registry(journal));
        folder.keep_registry(journal).unwrap();
        assert!(folder.has_registry(journal) && !folder.has_registry(other));
    }
}
