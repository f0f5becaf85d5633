//! What a recorder does not keep in memory, on the local disk: parts of its state that did not change lately, and the ids of
//! commands, together with the place in the journal of which they speak. The journal is the truth; a store that is lost, damaged,
//! of another journal or of another version of these rules is made anew from it.

use domain::entry::RecordedCommand;
use domain::id::{CommandId, CommandRef, LotId, OrderId, OrganizationCode, ProductCode, ShipmentId, SiteCode, Sscc, TraceCode};
use domain::repetition::Seen;
use domain::state::block::BlockKey;
use domain::state::paper::PaperKey;
use domain::state::{Holder, Leaving, LotAt, Shelf, Shelves};
use fjall::config::PartitioningPolicy;
use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};
use prost::Message as _;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use stream::Tip;
use uuid::Uuid;

/// Bytes of the store that are kept in memory: blocks read lately, and what was written and not sorted in yet. Every name
/// that is new asks filters whether it is known, ten bits a key: at ten million events they fit.
const CACHE_BYTES: u64 = 64 * 1024 * 1024;
const WRITE_BYTES: u64 = 16 * 1024 * 1024;
/// Files of the store that are open at once.
const FILES: usize = 64;

/// The version of the rules by which a state was folded: a digest of their sources, so that nobody has to remember to change it.
const RULES: &str = env!("CHUOI_RULES");

/// Which command: its organization and id.
pub type IdKey = (OrganizationCode, CommandId);

/// The store cannot be used.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreFailed {
    /// It cannot be read or written.
    #[error("what the recorder put away on the local disk cannot be used; check the disk of the data folder")]
    Engine(#[source] Arc<fjall::Error>),
    /// What was read is not what was written.
    #[error("what the recorder put away on the local disk is damaged: {0}")]
    Damaged(&'static str),
    /// Its folder cannot be made or emptied.
    #[error("the folder of what the recorder puts away cannot be used; check the disk and who may write there")]
    Folder(#[source] Arc<std::io::Error>),
    /// Another process has it.
    #[error("another recorder works in the folder {0}; give each recorder a folder of its own")]
    Locked(String),
}

impl From<fjall::Error> for StoreFailed {
    fn from(error: fjall::Error) -> Self {
        StoreFailed::Engine(Arc::new(error))
    }
}

/// Up to where a store speaks of a journal.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Place {
    rules: String,
    journal: Uuid,
    sequence: u64,
    hash: [u8; 32],
    #[serde(with = "jiff::fmt::serde::timestamp::nanosecond::required")]
    record_time: jiff::Timestamp,
}

/// What a store holds that belongs in memory.
#[derive(Debug)]
pub struct Kept {
    /// As far as it speaks of the journal.
    pub tip: Tip,
    /// Commands that registered something, in order.
    pub registry: Vec<RecordedCommand>,
}

/// A command that registered something, by its entry and its place in it.
pub type Registering = (u64, u32, Arc<RecordedCommand>);

/// What leaves the memory at once.
#[derive(Debug)]
pub struct Away {
    /// Parts of the state.
    pub state: Leaving,
    /// Command ids.
    pub ids: Arc<BTreeMap<IdKey, Seen>>,
    /// Commands that registered something.
    pub registry: Vec<Registering>,
    /// The place in the journal that all of it speaks of.
    pub tip: Tip,
}

/// The store of one recorder.
pub struct Store {
    database: Database,
    all: Keyspace,
    failed: AtomicBool,
    failure: Mutex<Option<StoreFailed>>,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").finish_non_exhaustive()
    }
}

/// First byte of every key: what it is the key of. They are in the store's files; what is no longer written keeps its number.
mod tag {
    pub const PLACE: u8 = 0;
    pub const REGISTERING: u8 = 1;
    pub const LOT: u8 = 2;
    pub const LEDGER: u8 = 3;
    pub const LOT_AT: u8 = 4;
    pub const PRODUCT_COUNTS: u8 = 5;
    pub const SHIPMENT: u8 = 6;
    pub const VOIDED: u8 = 7;
    pub const COMMAND: u8 = 8;
    pub const BLOCK: u8 = 9;
    pub const UNIT: u8 = 10;
    pub const PAPER: u8 = 11;
    pub const ORDER: u8 = 12;
    pub const CODE: u8 = 13;
}

impl Store {
    /// Opens the store in a folder; makes one where there is none.
    pub fn open(folder: &Path) -> Result<Arc<Store>, StoreFailed> {
        std::fs::create_dir_all(folder).map_err(|error| StoreFailed::Folder(Arc::new(error)))?;
        let (database, all) = sound(|| {
            let database = Database::builder(folder)
                .cache_size(CACHE_BYTES)
                .max_cached_files(Some(FILES))
                .worker_threads(1)
                .open()
                .map_err(|error| match error {
                    fjall::Error::Locked => StoreFailed::Locked(folder.display().to_string()),
                    error => error.into(),
                })?;
            let all = database.keyspace("state", options)?;
            Ok((database, all))
        })?;
        Ok(Arc::new(Store { database, all, failed: AtomicBool::new(false), failure: Mutex::new(None) }))
    }

    /// Takes a store away that cannot be used. Nobody may hold it.
    pub fn remove(folder: &Path) -> Result<(), StoreFailed> {
        match std::fs::remove_dir_all(folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(StoreFailed::Folder(Arc::new(error))),
            _ => Ok(()),
        }
    }

    /// What it holds of a journal by the rules of now; none where it holds nothing of that.
    pub fn kept(&self, journal: Uuid) -> Result<Option<Kept>, StoreFailed> {
        let Some(place) = sound(|| Ok(self.all.get([tag::PLACE])?))? else { return Ok(None) };
        // A place that cannot be read was written by other rules.
        let Ok(place) = postcard::from_bytes::<Place>(&place) else { return Ok(None) };
        if place.rules != RULES || place.journal != journal {
            return Ok(None);
        }
        let mut registry = Vec::new();
        let registering = || self.all.prefix([tag::REGISTERING]).map(|entry| Ok(entry.value()?)).collect::<Result<Vec<_>, _>>();
        for value in sound(registering)? {
            let command = wire::proto::chuoi::event::v1::RecordedCommand::decode(&value[..])
                .ok()
                .and_then(|command| wire::entry::read_command(&command).ok());
            registry.push(command.ok_or(StoreFailed::Damaged("a command of the registry cannot be read"))?);
        }
        let Place { sequence, hash, record_time, .. } = place;
        Ok(Some(Kept { tip: Tip { sequence, hash, record_time, last_seen: sequence }, registry }))
    }

    /// Where a state's parts are found again.
    pub fn shelves(self: &Arc<Self>) -> Shelves {
        Shelves {
            lots: self.shelf(),
            ledgers: self.shelf(),
            lots_at: self.shelf(),
            product_counts: self.shelf(),
            shipments: self.shelf(),
            voided: self.shelf(),
            blocks: self.shelf(),
            units: self.shelf(),
            papers: self.shelf(),
            orders: self.shelf(),
            codes: self.shelf(),
        }
    }

    /// One of them.
    pub fn shelf<K: Key, V: Value>(self: &Arc<Self>) -> Arc<dyn Shelf<K, V>> {
        Arc::new(StoreShelf { store: Arc::clone(self), of: PhantomData })
    }

    /// Puts away what left the memory, all of it or nothing. Returns when it is on the disk.
    pub fn put(&self, journal: Uuid, away: &Away) -> Result<(), StoreFailed> {
        let mut batch = self.database.batch().durability(Some(PersistMode::SyncData));
        let Leaving { lots, ledgers, lots_at, product_counts, shipments, voided, blocks, units, papers, orders, codes } =
            &away.state;
        self.lay(&mut batch, lots)?;
        self.lay(&mut batch, ledgers)?;
        self.lay(&mut batch, lots_at)?;
        self.lay(&mut batch, product_counts)?;
        self.lay(&mut batch, shipments)?;
        self.lay(&mut batch, voided)?;
        self.lay(&mut batch, blocks)?;
        self.lay(&mut batch, units)?;
        self.lay(&mut batch, papers)?;
        self.lay(&mut batch, orders)?;
        self.lay(&mut batch, codes)?;
        self.lay(&mut batch, &away.ids)?;
        for (sequence, index, command) in &away.registry {
            let mut key = vec![tag::REGISTERING];
            key.extend_from_slice(&sequence.to_be_bytes());
            key.extend_from_slice(&index.to_be_bytes());
            batch.insert(&self.all, key, wire::entry::write_command(command).encode_to_vec());
        }
        let Tip { sequence, hash, record_time, .. } = away.tip;
        let place = Place { rules: RULES.to_owned(), journal, sequence, hash, record_time };
        batch.insert(&self.all, [tag::PLACE], bytes(&place)?);
        sound(|| Ok(batch.commit()?))
    }

    fn lay<K: Key, V: Value>(&self, batch: &mut fjall::OwnedWriteBatch, entries: &BTreeMap<K, V>) -> Result<(), StoreFailed> {
        for (key, value) in entries {
            batch.insert(&self.all, key.bytes(), bytes(value)?);
        }
        Ok(())
    }

    /// Whether everything that was asked of it so far was answered. Ask before using what was concluded from it.
    pub fn check(&self) -> Result<(), StoreFailed> {
        if !self.failed.load(Ordering::Acquire) {
            return Ok(());
        }
        let failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Err(failure.unwrap_or(StoreFailed::Damaged("it failed before")))
    }

    fn fail(&self, error: StoreFailed) {
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
        self.failed.store(true, Ordering::Release);
    }
}

/// Filters and indexes of the lower levels, which hold nearly all, in parts of a few KiB: whole ones of a large file are read, and
/// checked, by every question that finds them gone from the cache. Those of the upper levels are asked every time, and stay.
fn options() -> KeyspaceCreateOptions {
    let parts = || PartitioningPolicy::new([false, false, true]);
    KeyspaceCreateOptions::default()
        .max_memtable_size(WRITE_BYTES)
        .filter_block_partitioning_policy(parts())
        .index_block_partitioning_policy(parts())
}

/// Asks the engine something. Over damaged files it fails in its own assertions here and there, which is a failure like any.
fn sound<T>(ask: impl FnOnce() -> Result<T, StoreFailed>) -> Result<T, StoreFailed> {
    // What was under way is not used again: a store that failed is made anew.
    let asked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(ask));
    asked.unwrap_or(Err(StoreFailed::Damaged("its files contradict each other")))
}

fn bytes<V: Serialize>(value: &V) -> Result<Vec<u8>, StoreFailed> {
    // Into memory, of types whose lengths are known: nothing can fail.
    postcard::to_stdvec(value).map_err(|_| StoreFailed::Damaged("a value cannot be written"))
}

/// A key as the store holds it.
pub trait Key: fmt::Debug + Send + Sync + 'static {
    /// Its bytes, the tag first.
    fn bytes(&self) -> Vec<u8>;
    /// Reads it. Asked of keys alone whose bytes are in the order of the keys.
    fn read(bytes: &[u8]) -> Option<Self>
    where
        Self: Sized;
}

/// What the store holds at a key.
pub trait Value: Serialize + DeserializeOwned + fmt::Debug + Send + Sync + 'static {}
impl<V: Serialize + DeserializeOwned + fmt::Debug + Send + Sync + 'static> Value for V {}

/// Parts of a key, each text ended by a byte that no code holds.
struct Bytes(Vec<u8>);

impl Bytes {
    fn of(tag: u8) -> Bytes {
        Bytes(vec![tag])
    }

    fn text(mut self, text: &str) -> Bytes {
        self.0.extend_from_slice(text.as_bytes());
        self.0.push(0);
        self
    }

    fn uuid(mut self, uuid: Uuid) -> Bytes {
        self.0.extend_from_slice(uuid.as_bytes());
        self
    }
}

macro_rules! unordered {
    () => {
        fn read(_: &[u8]) -> Option<Self> {
            None
        }
    };
}

impl Key for LotId {
    fn bytes(&self) -> Vec<u8> {
        Bytes::of(tag::LOT).uuid(self.0).0
    }
    unordered!();
}

impl Key for (LotId, Holder) {
    fn bytes(&self) -> Vec<u8> {
        let lot = Bytes::of(tag::LEDGER).uuid(self.0.0);
        match &self.1 {
            Holder::Site(site) => lot.text(site.as_str()).0,
            // No code begins with that byte.
            Holder::Shipment(shipment) => lot.text("").uuid(shipment.0).0,
        }
    }
    unordered!();
}

impl Key for LotAt {
    fn bytes(&self) -> Vec<u8> {
        Bytes::of(tag::LOT_AT).text(self.0.as_str()).text(self.1.as_str()).uuid(self.2.0).0
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let rest = bytes.strip_prefix(&[tag::LOT_AT])?;
        let mut parts = rest.splitn(3, |byte| *byte == 0);
        let mut text = || std::str::from_utf8(parts.next()?).ok();
        let (site, product) = (SiteCode::parse(text()?).ok()?, ProductCode::parse(text()?).ok()?);
        Some((site, product, LotId(Uuid::from_slice(parts.next()?).ok()?)))
    }
}

impl Key for (SiteCode, ProductCode) {
    fn bytes(&self) -> Vec<u8> {
        Bytes::of(tag::PRODUCT_COUNTS).text(self.0.as_str()).text(self.1.as_str()).0
    }
    unordered!();
}

impl Key for ShipmentId {
    fn bytes(&self) -> Vec<u8> {
        Bytes::of(tag::SHIPMENT).uuid(self.0).0
    }
    unordered!();
}

impl Key for OrderId {
    fn bytes(&self) -> Vec<u8> {
        Bytes::of(tag::ORDER).uuid(self.0).0
    }
    unordered!();
}

impl Key for TraceCode {
    fn bytes(&self) -> Vec<u8> {
        Bytes::of(tag::CODE).text(self.as_str()).0
    }
    unordered!();
}

impl Key for CommandRef {
    fn bytes(&self) -> Vec<u8> {
        Bytes::of(tag::VOIDED).uuid(self.command.0).text(self.organization.as_str()).0
    }
    unordered!();
}

impl Key for BlockKey {
    fn bytes(&self) -> Vec<u8> {
        Bytes::of(tag::BLOCK).uuid(self.0.command.0).text(self.0.organization.as_str()).0
    }
    unordered!();
}

impl Key for Sscc {
    fn bytes(&self) -> Vec<u8> {
        Bytes::of(tag::UNIT).text(self.as_str()).0
    }
    unordered!();
}

impl Key for PaperKey {
    fn bytes(&self) -> Vec<u8> {
        let PaperKey { issuer, kind, year, number } = self;
        // A text that somebody typed holds no control character: it was checked when it was read.
        let mut key = Bytes::of(tag::PAPER).text(issuer).text(kind).text(number);
        key.0.extend_from_slice(&year.to_be_bytes());
        key.0
    }
    unordered!();
}

impl Key for IdKey {
    fn bytes(&self) -> Vec<u8> {
        Bytes::of(tag::COMMAND).uuid(self.1.0).text(self.0.as_str()).0
    }
    unordered!();
}

#[derive(Debug)]
struct StoreShelf<K, V> {
    store: Arc<Store>,
    of: PhantomData<fn() -> (K, V)>,
}

impl<K: Key, V: Value> Shelf<K, V> for StoreShelf<K, V> {
    fn get(&self, key: &K) -> Option<V> {
        let found = sound(|| Ok(self.store.all.get(key.bytes())?)).and_then(|found| {
            found
                .map(|value| postcard::from_bytes(&value).map_err(|_| StoreFailed::Damaged("a value cannot be read")))
                .transpose()
        });
        found.unwrap_or_else(|error| {
            self.store.fail(error);
            None
        })
    }

    fn range(&self, from: &K, belongs: &dyn Fn(&K) -> bool) -> Vec<(K, V)> {
        let first = from.bytes();
        let end = vec![first.first().map_or(0, |tag| tag + 1)];
        let read = sound(|| {
            let mut all = Vec::new();
            for entry in self.store.all.range(first..end) {
                let (key, value) = entry.into_inner()?;
                let key = K::read(&key).ok_or(StoreFailed::Damaged("a key cannot be read"))?;
                if !belongs(&key) {
                    break;
                }
                all.push((key, postcard::from_bytes(&value).map_err(|_| StoreFailed::Damaged("a value cannot be read"))?));
            }
            Ok(all)
        });
        read.unwrap_or_else(|error| {
            self.store.fail(error);
            Vec::new()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::id::{Digest, LotCode};
    use domain::state::Presence;
    use domain::time::BusinessDay;
    use std::path::PathBuf;

    const JOURNAL: Uuid = Uuid::from_u128(7);

    fn lot_at(n: u32) -> LotAt {
        let site = SiteCode::parse(&format!("S{}", n % 7)).unwrap();
        let product = ProductCode::parse(&format!("P{}", n % 11)).unwrap();
        (site, product, LotId(Uuid::from_u128(u128::from(n) * 0x9e37_79b9_7f4a_7c15_f39c)))
    }

    fn presence(n: u32) -> Presence {
        let last = BusinessDay(i32::try_from(n).unwrap());
        Presence { code: LotCode::parse(&format!("L-{n}")).unwrap(), stands: n.is_multiple_of(2), last }
    }

    fn id(n: u32) -> IdKey {
        (OrganizationCode::parse("HTX1").unwrap(), CommandId(Uuid::from_u128(n.into())))
    }

    fn seen(n: u32) -> Seen {
        Seen { sequence: n.into(), digest: Digest::of(&n.to_be_bytes()) }
    }

    fn away(numbers: impl Iterator<Item = u32> + Clone, sequence: u64) -> Away {
        let state = Leaving {
            lots: Arc::default(),
            ledgers: Arc::default(),
            lots_at: Arc::new(numbers.clone().map(|n| (lot_at(n), presence(n))).collect()),
            product_counts: Arc::default(),
            shipments: Arc::default(),
            voided: Arc::default(),
            blocks: Arc::default(),
            units: Arc::default(),
            papers: Arc::default(),
            orders: Arc::default(),
            codes: Arc::default(),
        };
        let ids = Arc::new(numbers.map(|n| (id(n), seen(n))).collect());
        let record_time = jiff::Timestamp::UNIX_EPOCH;
        let tip = Tip { sequence, hash: [sequence as u8; 32], record_time, last_seen: sequence };
        Away { state, ids, registry: Vec::new(), tip }
    }

    /// Each number's values as written at a sequence, or a store that says that it failed.
    fn right(store: &Arc<Store>, written: impl Fn(u64) -> std::ops::Range<u32>) -> Result<Option<u64>, StoreFailed> {
        let Some(kept) = store.kept(JOURNAL)? else { return Ok(None) };
        let (presences, ids) = (store.shelf::<LotAt, Presence>(), store.shelf::<IdKey, Seen>());
        for n in written(kept.tip.sequence) {
            let (found, known) = (presences.get(&lot_at(n)), ids.get(&id(n)));
            store.check()?;
            assert_eq!((found, known), (Some(presence(n)), Some(seen(n))), "number {n} at {}", kept.tip.sequence);
        }
        let (site, ..) = lot_at(3);
        let from = (site.clone(), ProductCode::parse("P3").unwrap(), LotId(Uuid::nil()));
        let range = presences.range(&from, &|(at, of, _)| *at == site && *of == from.1);
        store.check()?;
        let mut meant: Vec<_> = written(kept.tip.sequence)
            .filter(|n| (lot_at(*n).0 == site) && lot_at(*n).1 == from.1)
            .map(|n| (lot_at(n), presence(n)))
            .collect();
        meant.sort_by(|(a, _), (b, _)| a.cmp(b));
        assert_eq!(range, meant);
        Ok(Some(kept.tip.sequence))
    }

    fn files(folder: &Path) -> Vec<PathBuf> {
        let mut files = Vec::new();
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { files.extend(self::files(&path)) } else { files.push(path) }
        }
        files.sort();
        files
    }

    /// The first thousand, then the second, sorted in; then a third that is in the log alone.
    fn filled(folder: &Path) {
        let store = Store::open(folder).unwrap();
        store.put(JOURNAL, &away(0..1_000, 1)).unwrap();
        store.put(JOURNAL, &away(1_000..2_000, 2)).unwrap();
        store.all.rotate_memtable_and_wait().unwrap();
        store.put(JOURNAL, &away(2_000..3_000, 3)).unwrap();
    }

    fn written(sequence: u64) -> std::ops::Range<u32> {
        0..u32::try_from(sequence).unwrap() * 1_000
    }

    #[test]
    fn what_was_put_away_is_there_after_it_was_opened_again() {
        let folder = tempfile::tempdir().unwrap();
        filled(folder.path());
        let store = Store::open(folder.path()).unwrap();
        assert_eq!(right(&store, written).unwrap(), Some(3));
        assert!(matches!(Store::open(folder.path()), Err(StoreFailed::Locked(_))));
        assert!(store.kept(Uuid::from_u128(8)).unwrap().is_none(), "another journal's");
        let unknown = store.shelf::<IdKey, Seen>().get(&id(5_000));
        assert_eq!((unknown, store.check().is_ok()), (None, true));
        drop(store);
        Store::remove(folder.path()).unwrap();
        assert!(Store::open(folder.path()).unwrap().kept(JOURNAL).unwrap().is_none());
    }

    /// Whatever byte of whatever file is turned over, and wherever a file is cut off: it gives what was written, up to a place that
    /// it names, or says that it cannot; it never gives something else.
    #[test]
    fn a_damaged_store_says_so_or_is_right() {
        let (whole, broken) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        filled(whole.path());
        let (mut said, mut was_right) = (0, 0);
        for file in files(whole.path()) {
            let name = file.strip_prefix(whole.path()).unwrap();
            let length = std::fs::metadata(&file).unwrap().len() as usize;
            // Of a log that is made ready beforehand, what is written.
            let used = std::fs::read(&file).unwrap().iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
            for (step, cut) in (0..5).flat_map(|step| [(step, false), (step, true)]) {
                let at = used.saturating_sub(1) * step / 4;
                let _gone = std::fs::remove_dir_all(broken.path());
                for file in files(whole.path()) {
                    let copy = broken.path().join(file.strip_prefix(whole.path()).unwrap());
                    std::fs::create_dir_all(copy.parent().unwrap()).unwrap();
                    std::fs::copy(&file, copy).unwrap();
                }
                let mut bytes = std::fs::read(broken.path().join(name)).unwrap();
                if cut {
                    bytes.truncate(at.min(length));
                } else if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 0x55;
                }
                std::fs::write(broken.path().join(name), bytes).unwrap();
                // An engine that finds its files in no order may give up altogether: the recorder's process starts again, and
                // what cannot be opened is made anew.
                match Store::open(broken.path()).and_then(|store| right(&store, written)) {
                    Ok(_) => was_right += 1,
                    Err(_) => said += 1,
                }
            }
        }
        assert!(said > 10 && was_right > 10, "{said} said so, {was_right} were right");
    }
}
