//! What can go wrong, in the caller's words.

use jiff::Timestamp;
use uuid::Uuid;

/// Why the journal could not be opened or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The name of the stream cannot be used with NATS.
    #[error("stream name {name:?} cannot be used; use letters, digits, - and _ alone")]
    StreamName {
        /// The name as given.
        name: String,
    },
    /// No server answers at the address.
    #[error("nats-server at {url} cannot be reached; check that it runs and that the address is right")]
    Unreachable {
        /// The address as given.
        url: String,
        /// What the client said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The server is one that loses streams.
    #[error(
        "nats-server {version} is too old; version {least} or newer is needed (older ones can forget a whole stream after a crash)"
    )]
    ServerTooOld {
        /// Version that the server gave.
        version: String,
        /// The oldest version that is accepted.
        least: &'static str,
    },
    /// The server takes smaller messages than an entry may be.
    #[error("nats-server takes messages of up to {max} bytes; {need} are needed: raise its max_payload")]
    PayloadLimit {
        /// The server's `max_payload`.
        max: usize,
        /// What an entry and its headers need.
        need: usize,
    },
    /// There is no stream of that name.
    #[error(
        "there is no stream {stream}; if this is a new installation, run `chuoi init`, otherwise check the name and the server's data folder before anything else"
    )]
    Missing {
        /// Name of the stream.
        stream: String,
    },
    /// The stream has no genesis entry: `init` did not finish, or the stream has lost everything.
    #[error("stream {stream} is empty; if `chuoi init` was interrupted, run it again, otherwise the journal is lost: restore it")]
    Empty {
        /// Name of the stream.
        stream: String,
    },
    /// `init` on a stream that already holds, or held, entries.
    #[error("stream {stream} is already initialized, its last entry is {last_sequence}; nothing was changed")]
    AlreadyInitialized {
        /// Name of the stream.
        stream: String,
        /// Last sequence of the stream.
        last_sequence: u64,
    },
    /// The stream is set up in a way that could lose entries.
    #[error("stream {stream} has {setting} = {is}, it must be {must}; correct it with the nats tool")]
    Setting {
        /// Name of the stream.
        stream: String,
        /// Name of the setting.
        setting: &'static str,
        /// What it is.
        is: String,
        /// What it has to be.
        must: String,
    },
    /// There is no entry there (yet).
    #[error("the journal has no entry {sequence}")]
    NoEntry {
        /// The sequence asked for.
        sequence: u64,
    },
    /// The journal is not what it was or has to be. Nothing may be read past this place.
    #[error("the journal is damaged at entry {sequence}: {what}; stop all writers and run `chuoi doctor`")]
    Damage {
        /// Where.
        sequence: u64,
        /// What was found.
        what: Damage,
    },
    /// The genesis cannot be written.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The server refused to take the genesis entry.
    #[error("the genesis entry could not be written: {0}")]
    Genesis(String),
    /// A request failed. It may work the next time.
    #[error("nats-server did not answer when asked for {asked}")]
    Request {
        /// What was asked for.
        asked: &'static str,
        /// What the client said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Error {
    pub(crate) fn request<E: Into<Box<dyn std::error::Error + Send + Sync>>>(asked: &'static str) -> impl FnOnce(E) -> Error {
        move |source| Error::Request { asked, source: source.into() }
    }
}

/// What is wrong with the journal at a place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Damage {
    /// Nothing is stored there although later entries are.
    #[error("the entry is gone, although later ones are there")]
    Gone,
    /// The stream ends before a place that was read or acknowledged before.
    #[error("the stream ends at {last_sequence}, although entry {known} was there before")]
    Shorter {
        /// Last sequence that the stream has.
        last_sequence: u64,
        /// Last sequence that it had.
        known: u64,
    },
    /// The stream does not exist any more.
    #[error("the stream {stream} is not there any more")]
    StreamGone {
        /// Name of the stream.
        stream: String,
    },
    /// Another payload lies where a known entry was.
    #[error("another entry lies there than the one that was read before")]
    Replaced,
    /// The payload is no entry.
    #[error("the stored bytes are no entry: {why}")]
    Undecodable {
        /// Which part cannot be read.
        why: String,
    },
    /// The entry belongs to another journal.
    #[error("the entry belongs to journal {found}, this is journal {expected}")]
    OtherJournal {
        /// This journal.
        expected: Uuid,
        /// The entry's.
        found: Uuid,
    },
    /// The first entry is not a genesis.
    #[error("the first entry is not a genesis entry")]
    NoGenesis,
    /// A genesis after the first entry.
    #[error("a second genesis entry")]
    SecondGenesis,
    /// The entry names a predecessor that is not before it, or was not live.
    #[error("it follows entry {named}, which is not a live entry before it; the last live one is {tip}")]
    Predecessor {
        /// The sequence that it names.
        named: u64,
        /// The last live entry.
        tip: u64,
    },
    /// The predecessor's hash is another.
    #[error("its hash of entry {named} does not fit what is stored there")]
    Hash {
        /// The sequence that it names.
        named: u64,
    },
    /// The entry is older than its predecessor.
    #[error("its record time {record_time} is before its predecessor's {predecessor}")]
    Backwards {
        /// The entry's record time.
        record_time: Timestamp,
        /// Its predecessor's.
        predecessor: Timestamp,
    },
}

/// Why commands could not be made into an entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// The entry would be too large.
    #[error("the entry would have {bytes} bytes, {max} are allowed; record fewer commands at once")]
    TooLarge {
        /// Size of the entry.
        bytes: usize,
        /// The limit.
        max: usize,
    },
    /// The record time is before the predecessor's.
    #[error("record time {record_time} is before the last entry's {predecessor}; take the later one")]
    Backwards {
        /// The record time given.
        record_time: Timestamp,
        /// The last entry's.
        predecessor: Timestamp,
    },
}

/// Why an entry was not recorded. Each of these is certain: the entry is not and will not be in the journal as a live one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AppendError {
    /// Someone else's entry took the place. Read on up to the stream's last sequence, then decide again.
    #[error("another writer's entry took place {place}; read on and decide again")]
    Overtaken {
        /// The place.
        place: u64,
    },
    /// The server refused the message, and no earlier attempt can still land.
    #[error("nats-server refused the entry: {reason}")]
    Refused {
        /// What the server said.
        reason: String,
    },
    /// The stream is shorter than the writer knows it to be, or gone.
    #[error("the journal is damaged at entry {sequence}: {what}; stop all writers and run `chuoi doctor`")]
    Damage {
        /// Where.
        sequence: u64,
        /// What was found.
        what: Damage,
    },
}
