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
    Uuid::from_slice(&entry.journal_id)
        .map_err(|_| undecodable(format!("journal_id has {} bytes, not 16", entry.journal_id.len())))
}

/// When an entry says it was recorded.
pub fn record_time(entry: &Entry) -> Result<Timestamp, Damage> {
    let time = entry.record_time.ok_or_else(|| undecodable("record_time is missing".into()))?;
    // jiff would take a negative fraction; protobuf does not have them.
    if !(0..1_000_000_000).contains(&time.nanos) {
        return Err(undecodable(format!("record_time has {} nanoseconds", time.nanos)));
    }
    Timestamp::new(time.seconds, time.nanos).map_err(|error| undecodable(format!("record_time: {error}")))
}

/// Says what the entry at `sequence` is to a reader of `journal` whose last live entry is `tip` (none before the genesis).
/// `payload_hash` is the hash of the entry's own stored bytes.
///
/// Expects `sequence` to be the place after the last one seen; that there is no gap is the reader's to check.
pub fn classify(journal: Uuid, tip: Option<&Tip>, sequence: u64, entry: &Entry, payload_hash: [u8; 32]) -> Verdict {
    check(journal, tip, sequence, entry, payload_hash).unwrap_or_else(Verdict::Damage)
}

fn check(journal: Uuid, tip: Option<&Tip>, sequence: u64, entry: &Entry, payload_hash: [u8; 32]) -> Result<Verdict, Damage> {
    let found = journal_of(entry)?;
    if found != journal {
        return Err(Damage::OtherJournal { expected: journal, found });
    }
    if entry.entry_id.len() != 16 {
        return Err(undecodable(format!("entry_id has {} bytes, not 16", entry.entry_id.len())));
    }
    let record_time = record_time(entry)?;
    let live = Verdict::Live(Tip { sequence, hash: payload_hash, record_time, last_seen: sequence });
    let Some(tip) = tip else {
        let begins = entry.genesis.is_some() && entry.prev_sequence == 0 && entry.prev_hash.is_empty();
        return if begins { Ok(live) } else { Err(Damage::NoGenesis) };
    };
    if entry.genesis.is_some() {
        return Err(Damage::SecondGenesis);
    }
    let named = entry.prev_sequence;
    if named == 0 || named > tip.sequence {
        return Err(Damage::Predecessor { named, tip: tip.sequence });
    }
    let prev_hash = <[u8; 32]>::try_from(&entry.prev_hash[..])
        .map_err(|_| undecodable(format!("prev_hash has {} bytes, not 32", entry.prev_hash.len())))?;
    if named < tip.sequence {
        return Ok(Verdict::Older { sequence: named, hash: prev_hash });
    }
    if prev_hash != tip.hash {
        return Err(Damage::Hash { named });
    }
    if record_time < tip.record_time {
        return Err(Damage::Backwards { record_time, predecessor: tip.record_time });
    }
    Ok(live)
}

fn undecodable(why: String) -> Damage {
    Damage::Undecodable { why }
}

#[cfg(test)]
mod tests {
    use wire::proto::chuoi::event::v1::Genesis;

    use super::*;

    const JOURNAL: Uuid = Uuid::from_u128(1);
    const OTHER: Uuid = Uuid::from_u128(2);
    const TIP_HASH: [u8; 32] = [7; 32];
    const OWN_HASH: [u8; 32] = [9; 32];
    const OLD_HASH: [u8; 32] = [3; 32];

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// The fifth entry is the last live one, a stale one lies behind it.
    fn tip() -> Tip {
        Tip { sequence: 5, hash: TIP_HASH, record_time: at(100), last_seen: 6 }
    }

    /// What follows it rightly.
    fn next() -> Entry {
        Entry {
            journal_id: JOURNAL.into_bytes().to_vec(),
            entry_id: vec![1; 16],
            prev_sequence: 5,
            prev_hash: TIP_HASH.to_vec(),
            record_time: Some(prost_types::Timestamp { seconds: 100, nanos: 0 }),
            genesis: None,
            commands: Vec::new(),
        }
    }

    fn first() -> Entry {
        Entry { prev_sequence: 0, prev_hash: Vec::new(), genesis: Some(Genesis::default()), ..next() }
    }

    fn time(seconds: i64, nanos: i32) -> Option<prost_types::Timestamp> {
        Some(prost_types::Timestamp { seconds, nanos })
    }

    fn live(sequence: u64, record_time: Timestamp) -> Verdict {
        Verdict::Live(Tip { sequence, hash: OWN_HASH, record_time, last_seen: sequence })
    }

    fn older(sequence: u64) -> Verdict {
        Verdict::Older { sequence, hash: OLD_HASH }
    }

    fn undecodable(why: &str) -> Verdict {
        Verdict::Damage(Damage::Undecodable { why: why.into() })
    }

    #[test]
    #[rustfmt::skip] // Columns.
    fn an_entry_is_live_older_or_damage() {
        use {Damage::*, Verdict::Damage as No};
        let old = || Entry { prev_hash: OLD_HASH.to_vec(), ..next() };
        let other = OtherJournal { expected: JOURNAL, found: OTHER };
        for (what, entry, verdict) in [
            ("names the tip",            next(),                                                       live(7, at(100))),
            ("the same, later",          Entry { record_time: time(101, 5), ..next() },                live(7, Timestamp::new(101, 5).unwrap())),
            ("names the one before",     Entry { prev_sequence: 4, ..old() },                          older(4)),
            ("names the genesis",        Entry { prev_sequence: 1, ..old() },                          older(1)),
            ("older, and of old time",   Entry { prev_sequence: 4, record_time: time(1, 0), ..old() }, older(4)),
            ("names the stale one",      Entry { prev_sequence: 6, ..old() },                          No(Predecessor { named: 6, tip: 5 })),
            ("names itself",             Entry { prev_sequence: 7, ..next() },                         No(Predecessor { named: 7, tip: 5 })),
            ("names a later one",        Entry { prev_sequence: 8, ..next() },                         No(Predecessor { named: 8, tip: 5 })),
            ("names nothing",            Entry { prev_sequence: 0, ..next() },                         No(Predecessor { named: 0, tip: 5 })),
            ("another hash of the tip",  Entry { prev_hash: OLD_HASH.to_vec(), ..next() },             No(Hash { named: 5 })),
            ("time goes back",           Entry { record_time: time(99, 999_999_999), ..next() },       No(Backwards { record_time: Timestamp::new(99, 999_999_999).unwrap(), predecessor: at(100) })),
            ("another journal's",        Entry { journal_id: OTHER.into_bytes().to_vec(), ..next() },  No(other.clone())),
            ("another's, and older",     Entry { journal_id: OTHER.into_bytes().to_vec(), prev_sequence: 4, ..next() }, No(other)),
            ("a second genesis",         first(),                                                      No(SecondGenesis)),
            ("a genesis that follows",   Entry { genesis: Some(Genesis::default()), ..next() },        No(SecondGenesis)),
            ("no journal",               Entry { journal_id: vec![], ..next() },                       undecodable("journal_id has 0 bytes, not 16")),
            ("no id",                    Entry { entry_id: vec![1; 15], ..next() },                    undecodable("entry_id has 15 bytes, not 16")),
            ("half a hash",              Entry { prev_hash: vec![7; 16], ..next() },                   undecodable("prev_hash has 16 bytes, not 32")),
            ("half an older hash",       Entry { prev_sequence: 4, prev_hash: vec![], ..next() },      undecodable("prev_hash has 0 bytes, not 32")),
            ("no time",                  Entry { record_time: None, ..next() },                        undecodable("record_time is missing")),
            ("a negative fraction",      Entry { record_time: time(100, -1), ..next() },               undecodable("record_time has -1 nanoseconds")),
        ] {
            assert_eq!(classify(JOURNAL, Some(&tip()), 7, &entry, OWN_HASH), verdict, "{what}");
        }
    }

    #[test]
    #[rustfmt::skip] // Columns.
    fn only_a_genesis_begins() {
        let no = || Verdict::Damage(Damage::NoGenesis);
        for (what, entry, verdict) in [
            ("a genesis",                    first(),                                              live(1, at(100))),
            ("no genesis",                   next(),                                               no()),
            ("a genesis that follows",       Entry { prev_sequence: 5, ..first() },                no()),
            ("a genesis that gives a hash",  Entry { prev_hash: OLD_HASH.to_vec(), ..first() },    no()),
            ("nothing",                      Entry { genesis: None, ..first() },                   no()),
        ] {
            assert_eq!(classify(JOURNAL, None, 1, &entry, OWN_HASH), verdict, "{what}");
        }
    }

    #[test]
    fn bytes_that_are_no_entry_are_damage() {
        assert!(matches!(decode(b"\xff\xff"), Err(Damage::Undecodable { .. })));
        assert_eq!(decode(&next().encode_to_vec()).unwrap(), next());
    }

    #[test]
    fn a_time_beyond_the_calendar_is_damage() {
        let entry = Entry { record_time: time(i64::MAX, 0), ..next() };
        assert!(matches!(record_time(&entry), Err(Damage::Undecodable { .. })));
    }
}
