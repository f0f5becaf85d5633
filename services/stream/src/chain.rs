//! The hash chain: which entry follows which. Pure; knows no server.
//!
//! A reader needs to remember one entry only, the last live one. Whether an entry that names an older one is stale or
//! damage depends on the hash of what is stored at the older place, and the journal itself still has that: whoever
//! classifies looks it up ([`Verdict::Older`]). So a reader that began in the middle decides as one that read from the
//! genesis on, and memory stays bounded; the look-up is paid only for stale entries, which a sound broker never has.

use jiff::Timestamp;
use prost::Message;
use sha2::{Digest, Sha256};
use uuid::Uuid;
use wire::proto::chuoi::event::v1::Entry;

use crate::Damage;

/// The last live entry that a reader knows, and the last place of the stream that it has seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tip {
    /// Stream sequence of the last live entry.
    pub sequence: u64,
    /// SHA-256 of its stored payload.
    pub hash: [u8; 32],
    /// Its record time.
    pub record_time: Timestamp,
    /// The last place seen, at or after `sequence`: stale entries may lie between. An append expects this to be the
    /// stream's last sequence.
    pub last_seen: u64,
}

/// What an entry is to a reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It follows the last live entry and is the new tip.
    Live(Tip),
    /// It follows an entry before the last live one: stale, if what is stored at `sequence` has this hash, else damage.
    Older {
        /// The sequence that it names.
        sequence: u64,
        /// The hash that it gives for it.
        hash: [u8; 32],
    },
    /// It cannot be.
    Damage(Damage),
}

/// SHA-256 of a payload.
pub fn hash(payload: &[u8]) -> [u8; 32] {
    Sha256::digest(payload).into()
}

/// Reads an entry's bytes.
pub fn decode(payload: &[u8]) -> Result<Entry, Damage> {
    Entry::decode(payload).map_err(|error| undecodable(error.to_string()))
}

/// The journal that an entry says it belongs to.
pub fn journal_of(entry: &Entry) -> Result<Uuid, Damage> {
    Uuid::from_slice(&entry.journal_id).map_err(|_| {
        undecodable(format!(
            "journal_id has {} bytes, not 16",
            entry.journal_id.len()
        ))
    })
}

/// When an entry says it was recorded.
pub fn record_time(entry: &Entry) -> Result<Timestamp, Damage> {
    let time = entry
        .record_time
        .ok_or_else(|| undecodable("record_time is missing".into()))?;
    // jiff would take a negative fraction; protobuf does not have them.
    if !(0..1_000_000_000).contains(&time.nanos) {
        return Err(undecodable(format!(
            "record_time has {} nanoseconds",
            time.nanos
        )));
    }
    Timestamp::new(time.seconds, time.nanos)
        .map_err(|error| undecodable(format!("record_time: {error}")))
}

/// Says what the entry at `sequence` is to a reader of `journal` whose last live entry is `tip` (none before the genesis).
/// `payload_hash` is the hash of the entry's own stored bytes.
///
/// Expects `sequence` to be the place after the last one seen; that there is no gap is the reader's to check.
pub fn classify(
    journal: Uuid,
    tip: Option<&Tip>,
    sequence: u64,
    entry: &Entry,
    payload_hash: [u8; 32],
) -> Verdict {
    check(journal, tip, sequence, entry, payload_hash).unwrap_or_else(Verdict::Damage)
}

fn check(
    journal: Uuid,
    tip: Option<&Tip>,
    sequence: u64,
    entry: &Entry,
    payload_hash: [u8; 32],
) -> Result<Verdict, Damage> {
    let found = journal_of(entry)?;
    if found != journal {
        return Err(Damage::OtherJournal {
            expected: journal,
            found,
        });
    }
    if entry.entry_id.len() != 16 {
        return Err(undecodable(format!(
            "entry_id has {} bytes, not 16",
            entry.entry_id.len()
        )));
    }
    let record_time = record_time(entry)?;
    let live = Verdict::Live(Tip {
        sequence,
        hash: payload_hash,
        record_time,
        last_seen: sequence,
    });
    let Some(tip) = tip else {
        let begins =
            entry.genesis.is_some() && entry.prev_sequence == 0 && entry.prev_hash.is_empty();
        return if begins {
            Ok(live)
        } else {
            Err(Damage::NoGenesis)
        };
    };
    if entry.genesis.is_some() {
        return Err(Damage::SecondGenesis);
    }
    let named = entry.prev_sequence;
    if named == 0 || named > tip.sequence {
        return Err(Damage::Predecessor {
            named,
            tip: tip.sequence,
        });
    }
    let prev_hash = <[u8; 32]>::try_from(&entry.prev_hash[..]).map_err(|_| {
        undecodable(format!(
            "prev_hash has {} bytes, not 32",
            entry.prev_hash.len()
        ))
    })?;
    if named < tip.sequence {
        return Ok(Verdict::Older {
            sequence: named,
            hash: prev_hash,
        });
    }
    if prev_hash != tip.hash {
        return Err(Damage::Hash { named });
    }
    if record_time < tip.record_time {
        return Err(Damage::Backwards {
            record_time,
            predecessor: tip.record_time,
        });
    }
    Ok(live)
}

fn undecodable(why: String) -> Damage {
    Damage::Undecodable { why }
}
