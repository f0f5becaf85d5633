//! The journal as writers see it: begin it, open it, seal commands into an entry, append that.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use jiff::Timestamp;
use prost::Message;
use tokio::time::Instant;
use tracing::{info, warn};
use uuid::Uuid;
use wire::proto::chuoi::event::v1::{Entry, Genesis, RecordedCommand};

use crate::{
    AppendError, Damage, Error, Position, PositionError, Reader, SealError, Settings, Tip,
    broker::{self, Answer, Broker, Stored},
    chain::{self, Verdict},
};

/// The largest entry. NATS takes messages of 1 MiB unless told otherwise; this leaves room for the headers. Writers close
/// a group at about half of it.
pub const MAX_ENTRY_BYTES: usize = 1_000_000;

/// The first pause before the same bytes are sent again, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(5), Duration::from_secs(1));

/// An entry that is part of the journal.
#[derive(Debug, Clone)]
pub struct LiveEntry {
    /// Where it is; `tip.last_seen` is its own sequence.
    pub tip: Tip,
    /// What it says.
    pub entry: Entry,
    /// Its stored bytes.
    pub payload: Bytes,
    /// The broker's time when it stored it.
    pub stored_time: Timestamp,
}

/// Commands made into the bytes of an entry that follows a certain live entry.
///
/// Not cloned: it remembers whether an attempt of it may still land.
pub struct Sealed {
    payload: Bytes,
    hash: [u8; 32],
    entry_id: Uuid,
    record_time: Timestamp,
    expected_last_sequence: u64,
    /// An attempt went out and had no answer: only the place after the expected one can tell what became of it.
    in_doubt: AtomicBool,
}

impl Sealed {
    /// The entry's bytes.
    pub fn payload(&self) -> &Bytes {
        &self.payload
    }

    /// SHA-256 of the entry's bytes.
    pub fn hash(&self) -> [u8; 32] {
        self.hash
    }

    /// The entry's id.
    pub fn entry_id(&self) -> Uuid {
        self.entry_id
    }

    /// The stream's last sequence that the append expects.
    pub fn expected_last_sequence(&self) -> u64 {
        self.expected_last_sequence
    }

    fn place(&self) -> u64 {
        self.expected_last_sequence + 1
    }

    fn tip(&self) -> Tip {
        Tip { sequence: self.place(), hash: self.hash, record_time: self.record_time, last_seen: self.place() }
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} of {} bytes for place {})", self.entry_id, self.payload.len(), self.place())
    }
}

/// Begins a journal: makes the stream and writes the genesis entry.
///
/// Refuses a stream that holds, or has held, anything. Run again after an interruption, it finishes what it began: a
/// stream that is there and has never held anything gets its genesis entry.
pub async fn init(settings: &Settings, genesis: Genesis, record_time: Timestamp) -> Result<Journal, Error> {
    let broker = Broker::connect(settings).await?;
    let already = |last_sequence| Error::AlreadyInitialized { stream: settings.stream.clone(), last_sequence };
    if broker.stream_info().await?.is_none() {
        broker.create_stream().await?;
        info!("made stream {}", settings.stream);
    }
    let info = broker.stream_info().await?.ok_or_else(|| Error::Missing { stream: settings.stream.clone() })?;
    if info.state.last_sequence > 0 {
        return Err(already(info.state.last_sequence));
    }
    broker::check_config(settings, &info.config)?;
    let entry = Entry { genesis: Some(genesis), ..entry(Uuid::now_v7(), None, record_time) };
    let sealed = seal(entry, None, record_time)?;
    match append(&broker, &sealed).await {
        Ok(_) => {
            info!("began journal in stream {}", settings.stream);
            Journal::with(broker).await
        }
        Err(AppendError::Overtaken { place }) => Err(already(place)),
        Err(AppendError::Refused { reason }) => Err(Error::Genesis(reason)),
        Err(AppendError::Damage { sequence, what }) => Err(Error::Damage { sequence, what }),
    }
}

/// An open journal. Clones share one connection.
#[derive(Clone)]
pub struct Journal {
    inner: Arc<Inner>,
}

struct Inner {
    broker: Broker,
    id: Uuid,
    genesis: Genesis,
    genesis_entry: LiveEntry,
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Journal({} in {})", self.inner.id, self.inner.broker.settings.stream)
    }
}

impl Journal {
    /// Opens the journal after checking that the stream keeps what it is given and begins with a genesis entry.
    /// Never makes a stream, and never takes an empty one for "no events yet".
    pub async fn open(settings: &Settings) -> Result<Journal, Error> {
        Journal::with(Broker::connect(settings).await?).await
    }

    async fn with(broker: Broker) -> Result<Journal, Error> {
        let stream = broker.settings.stream.clone();
        let Some(info) = broker.stream_info().await? else {
            return Err(Error::Missing { stream });
        };
        broker::check_config(&broker.settings, &info.config)?;
        if info.state.last_sequence == 0 {
            return Err(Error::Empty { stream });
        }
        broker.check_state(&info, 0).await?.map_err(|(sequence, what)| Error::Damage { sequence, what })?;
        let at_first = |what| Error::Damage { sequence: 1, what };
        let stored = broker.leader_read(1).await?.ok_or_else(|| at_first(Damage::Gone))?;
        let hash = chain::hash(&stored.payload);
        let entry = chain::decode(&stored.payload).map_err(at_first)?;
        let id = chain::journal_of(&entry).map_err(at_first)?;
        let tip = match chain::classify(id, None, 1, &entry, hash) {
            Verdict::Live(tip) => tip,
            Verdict::Damage(what) => return Err(at_first(what)),
            Verdict::Older { .. } => return Err(at_first(Damage::NoGenesis)),
        };
        let genesis = entry.genesis.clone().ok_or_else(|| at_first(Damage::NoGenesis))?;
        let genesis_entry = LiveEntry { tip, entry, payload: stored.payload, stored_time: stored.time };
        Ok(Journal { inner: Arc::new(Inner { broker, id, genesis, genesis_entry }) })
    }

    /// The journal's id, made once by `init`.
    pub fn id(&self) -> Uuid {
        self.inner.id
    }

    /// Name of its stream.
    pub fn stream(&self) -> &str {
        &self.inner.broker.settings.stream
    }

    /// How the journal began.
    pub fn genesis(&self) -> &Genesis {
        &self.inner.genesis
    }

    /// The first entry.
    pub fn genesis_entry(&self) -> &LiveEntry {
        &self.inner.genesis_entry
    }

    /// The position of a place in this journal.
    pub fn position(&self, sequence: u64) -> Position {
        Position::new(self.inner.id, sequence)
    }

    /// The sequence of a position, if it is one of this journal.
    pub fn sequence_of(&self, position: Position) -> Result<u64, PositionError> {
        self.position(0).combine(position).map(|position| position.sequence())
    }

    /// The stream's last sequence, asked of its leader. (In a cluster, a leader that was cut off and does not know it yet
    /// can still answer with an older one for some seconds.)
    pub async fn last_sequence(&self) -> Result<u64, Error> {
        match self.broker().stream_info().await? {
            Some(info) => Ok(info.state.last_sequence),
            None => Err(Error::Missing { stream: self.broker().settings.stream.clone() }),
        }
    }

    /// Reads one entry again. Checks that it is an entry of this journal; that it is a live one the caller knows already,
    /// from a reader or an append.
    pub async fn entry_at(&self, sequence: u64) -> Result<LiveEntry, Error> {
        let Stored { payload, time } = self.broker().read(sequence).await?.ok_or(Error::NoEntry { sequence })?;
        let damage = |what| Error::Damage { sequence, what };
        let entry = chain::decode(&payload).map_err(damage)?;
        let found = chain::journal_of(&entry).map_err(damage)?;
        if found != self.inner.id {
            return Err(damage(Damage::OtherJournal { expected: self.inner.id, found }));
        }
        let tip = Tip {
            sequence,
            hash: chain::hash(&payload),
            record_time: chain::record_time(&entry).map_err(damage)?,
            last_seen: sequence,
        };
        Ok(LiveEntry { tip, entry, payload, stored_time: time })
    }

    /// A reader of what comes after the tip; of everything, the genesis first, if there is none. Asks nothing of the
    /// server until it is read from.
    pub fn read_from(&self, after: Option<Tip>) -> Reader {
        Reader::new(self.clone(), after)
    }

    /// Makes commands into an entry that follows the tip. Pure but for the entry's random id.
    pub fn seal(&self, tip: &Tip, record_time: Timestamp, commands: Vec<RecordedCommand>) -> Result<Sealed, SealError> {
        let entry = Entry { commands, ..entry(self.inner.id, Some(tip), record_time) };
        seal(entry, Some(tip), record_time)
    }

    /// Appends an entry, and settles lost answers: it sends the same bytes at the same expected sequence until the place
    /// after that is occupied, by ours or by another's.
    ///
    /// Never gives up while the connection may come back; the caller watches the time. Dropping the future leaves the
    /// outcome open, and another call with the same `Sealed` goes on settling it. Calling again after the end gives the
    /// same end.
    pub async fn append(&self, sealed: &Sealed) -> Result<Tip, AppendError> {
        append(self.broker(), sealed).await
    }

    pub(crate) fn broker(&self) -> &Broker {
        &self.inner.broker
    }
}

/// An entry without content.
fn entry(journal: Uuid, tip: Option<&Tip>, record_time: Timestamp) -> Entry {
    Entry {
        journal_id: journal.into_bytes().to_vec(),
        entry_id: Uuid::now_v7().into_bytes().to_vec(),
        prev_sequence: tip.map_or(0, |tip| tip.sequence),
        prev_hash: tip.map_or(Vec::new(), |tip| tip.hash.to_vec()),
        record_time: Some(proto_time(record_time)),
        genesis: None,
        commands: Vec::new(),
    }
}

/// protobuf counts nanoseconds forward from the second, also before 1970; jiff counts them away from zero.
fn proto_time(time: Timestamp) -> prost_types::Timestamp {
    let nanoseconds = time.as_nanosecond();
    prost_types::Timestamp {
        seconds: nanoseconds.div_euclid(1_000_000_000) as i64,
        nanos: nanoseconds.rem_euclid(1_000_000_000) as i32,
    }
}

fn seal(entry: Entry, tip: Option<&Tip>, record_time: Timestamp) -> Result<Sealed, SealError> {
    if let Some(tip) = tip
        && record_time < tip.record_time
    {
        return Err(SealError::Backwards { record_time, predecessor: tip.record_time });
    }
    let bytes = entry.encoded_len();
    if bytes > MAX_ENTRY_BYTES {
        return Err(SealError::TooLarge { bytes, max: MAX_ENTRY_BYTES });
    }
    let payload = Bytes::from(entry.encode_to_vec());
    Ok(Sealed {
        hash: chain::hash(&payload),
        entry_id: Uuid::from_slice(&entry.entry_id).unwrap_or_default(),
        payload,
        record_time,
        expected_last_sequence: tip.map_or(0, |tip| tip.last_seen),
        in_doubt: AtomicBool::new(false),
    })
}

async fn append(broker: &Broker, sealed: &Sealed) -> Result<Tip, AppendError> {
    let mut pause = PAUSES.0;
    let mut shorter_since = None;
    loop {
        broker.connected().await;
        // Before the first byte leaves: if this future is dropped while it waits, the attempt may land all the same.
        let doubted_before = sealed.in_doubt.swap(true, Ordering::SeqCst);
        match broker.publish(sealed.payload.clone(), sealed.expected_last_sequence).await {
            Answer::Stored(sequence) if sequence == sealed.place() => {
                sealed.in_doubt.store(false, Ordering::SeqCst);
                return Ok(sealed.tip());
            }
            // The broker let it through although another's is at the expected place (as in nats-server issue 4320).
            // Which of them is live depends on what lies at that place.
            Answer::Stored(sequence) => warn!("stored at {sequence}, not at {} as expected", sealed.place()),
            Answer::WrongLastSequence => {}
            Answer::Refused(reason) if !doubted_before => {
                sealed.in_doubt.store(false, Ordering::SeqCst);
                return Err(AppendError::Refused { reason });
            }
            // This attempt did not land, but an earlier one may have.
            Answer::Refused(reason) | Answer::Lost(reason) => {
                warn!("append at {} is in doubt, sending it again: {reason}", sealed.place());
            }
        }
        match occupant(broker, sealed).await {
            Ok(Occupant::Ours) => {
                sealed.in_doubt.store(false, Ordering::SeqCst);
                return Ok(sealed.tip());
            }
            Ok(Occupant::Anothers) => {
                sealed.in_doubt.store(false, Ordering::SeqCst);
                return Err(AppendError::Overtaken { place: sealed.place() });
            }
            // In a cluster the leader may refuse for the sake of an entry that it has not stored yet.
            Ok(Occupant::Nobody) => shorter_since = None,
            Ok(Occupant::Shorter(sequence, what)) => {
                // A leader that was just elected, or cut off, may be behind for a moment.
                let since: &mut Instant = shorter_since.get_or_insert_with(Instant::now);
                if since.elapsed() > broker.settings.timeout {
                    return Err(AppendError::Damage { sequence, what });
                }
            }
            Err(error) => warn!("could not read place {}: {error}", sealed.place()),
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(PAUSES.1);
    }
}

/// Who is at the place that an append is for.
enum Occupant {
    Ours,
    Anothers,
    Nobody,
    /// The stream does not even reach up to the entry before.
    Shorter(u64, Damage),
}

async fn occupant(broker: &Broker, sealed: &Sealed) -> Result<Occupant, Error> {
    if let Some(stored) = broker.leader_read(sealed.place()).await? {
        let ours = stored.payload == sealed.payload;
        return Ok(if ours { Occupant::Ours } else { Occupant::Anothers });
    }
    let Some(info) = broker.stream_info().await? else {
        let stream = broker.settings.stream.clone();
        return Ok(Occupant::Shorter(sealed.place(), Damage::StreamGone { stream }));
    };
    Ok(match broker.check_state(&info, sealed.expected_last_sequence).await? {
        Ok(()) => Occupant::Nobody,
        Err((sequence, what)) => Occupant::Shorter(sequence, what),
    })
}
