//! Which command ids are recorded, for ever: the latest in memory, the older ones in a local index that is made anew from the
//! journal at each start. Knows no rule: what a repetition means is the domain's.

use domain::id::{CommandId, Digest, OrganizationCode};
use domain::repetition::Seen;
use redb::{Database, Durability, ReadableDatabase as _, TableDefinition};
use std::collections::{HashMap, VecDeque};
use std::path::Path;

const TABLE: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("command_ids");

type Key = (OrganizationCode, CommandId);

/// The local index failed.
#[derive(Debug, thiserror::Error)]
#[error("the local index of command ids failed; check the disk of the data folder")]
pub struct IndexFailed(#[source] Box<redb::Error>);

impl<E: Into<redb::Error>> From<E> for IndexFailed {
    fn from(error: E) -> Self {
        IndexFailed(Box::new(error.into()))
    }
}

/// Command ids with the entry that holds each.
pub struct CommandIds {
    latest: HashMap<Key, Seen>,
    order: VecDeque<Key>,
    older: Database,
    remembered: usize,
}

impl CommandIds {
    /// An empty memory of so many ids, with an empty index at a path: whatever was there is made anew from the journal.
    pub fn begin(index: &Path, remembered: usize) -> Result<CommandIds, IndexFailed> {
        let remove = std::fs::remove_file(index);
        if let Err(error) = remove
            && error.kind() != std::io::ErrorKind::NotFound
        {
            return Err(redb::StorageError::Io(error).into());
        }
        let older = Database::create(index)?;
        let write = older.begin_write()?;
        write.open_table(TABLE)?;
        write.commit()?;
        Ok(CommandIds { latest: HashMap::new(), order: VecDeque::new(), older, remembered: remembered.max(1) })
    }

    /// What is recorded under an id.
    pub fn find(&self, organization: &OrganizationCode, command: CommandId) -> Result<Option<Seen>, IndexFailed> {
        if let Some(seen) = self.latest.get(&(organization.clone(), command)) {
            return Ok(Some(*seen));
        }
        let table = self.older.begin_read()?.open_table(TABLE)?;
        let found = table.get(key_bytes(organization, command).as_slice())?;
        Ok(found.and_then(|bytes| from_bytes(bytes.value())))
    }

    /// Remembers a recorded command.
    pub fn remember(&mut self, organization: &OrganizationCode, command: CommandId, seen: Seen) -> Result<(), IndexFailed> {
        let key = (organization.clone(), command);
        self.latest.insert(key.clone(), seen);
        self.order.push_back(key);
        // By the tenth at once: a transaction for each would cost more than the memory.
        if self.latest.len() > self.remembered + self.remembered / 10 {
            self.move_out(self.latest.len() - self.remembered)?;
        }
        Ok(())
    }

    fn move_out(&mut self, count: usize) -> Result<(), IndexFailed> {
        let mut write = self.older.begin_write()?;
        // The journal is the truth; a lost index is made anew.
        write.set_durability(Durability::None)?;
        {
            let mut table = write.open_table(TABLE)?;
            for key in self.order.iter().take(count) {
                if let Some(seen) = self.latest.get(key) {
                    table.insert(key_bytes(&key.0, key.1).as_slice(), to_bytes(*seen).as_slice())?;
                }
            }
        }
        write.commit()?;
        for key in self.order.drain(..count.min(self.order.len())) {
            self.latest.remove(&key);
        }
        Ok(())
    }
}

fn key_bytes(organization: &OrganizationCode, command: CommandId) -> Vec<u8> {
    let mut bytes = command.0.as_bytes().to_vec();
    bytes.extend_from_slice(organization.as_str().as_bytes());
    bytes
}

fn to_bytes(seen: Seen) -> [u8; 40] {
    let mut bytes = [0; 40];
    bytes[..8].copy_from_slice(&seen.sequence.to_be_bytes());
    bytes[8..].copy_from_slice(&seen.digest.0);
    bytes
}

fn from_bytes(bytes: &[u8]) -> Option<Seen> {
    let (sequence, digest) = bytes.split_first_chunk::<8>()?;
    Some(Seen { sequence: u64::from_be_bytes(*sequence), digest: Digest(digest.try_into().ok()?) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn an_id_is_known_long_after_it_left_the_memory() {
        let folder = tempfile::tempdir().unwrap();
        let mut ids = CommandIds::begin(&folder.path().join("ids.redb"), 20).unwrap();
        let organization = OrganizationCode::parse("HTX1").unwrap();
        let seen = |n: u128| Seen { sequence: n as u64, digest: Digest::of(&n.to_be_bytes()) };
        for n in 1..=500 {
            ids.remember(&organization, CommandId(Uuid::from_u128(n)), seen(n)).unwrap();
        }
        assert!(ids.latest.len() <= 22, "{} in memory", ids.latest.len());
        for n in 1..=500 {
            assert_eq!(ids.find(&organization, CommandId(Uuid::from_u128(n))).unwrap(), Some(seen(n)));
        }
        assert_eq!(ids.find(&organization, CommandId(Uuid::from_u128(501))).unwrap(), None);
        assert_eq!(ids.find(&OrganizationCode::parse("HTX2").unwrap(), CommandId(Uuid::from_u128(1))).unwrap(), None);
    }
}
