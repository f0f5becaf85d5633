//! The journal: one JetStream stream whose messages are entries, each naming its predecessor by sequence and hash.
//!
//! The only crate that knows NATS. It appends at an expected sequence, reads in order, finds damage, and settles lost
//! answers. It does not know what an entry's commands and events mean, and it knows no SQL.
//!
//! # An acknowledgement means "on disk" only if the server is told so
//!
//! The server has to run with `jetstream { sync_interval: always }`; its default is to sync every two minutes and to
//! acknowledge before that. A client cannot read that setting over the wire, so whoever starts the server has to set it.
//! What a client can read, [`Journal::open`] checks: file storage, no limits, nothing deletable.
//!
//! # What is live, what is stale, what is damage
//!
//! The first entry is the genesis. A reader that knows the last live entry takes the next one that names it, by sequence
//! *and* hash. An entry that names an entry before that one is *stale*: its writer was late and the broker let it through,
//! which it should not. Every reader skips it alike, because the decision rests on the journal alone (see [`chain`]).
//! Everything else is *damage*: readers stop and say where.

mod broker;
mod capped;
pub mod chain;
mod error;
mod journal;
mod position;
mod reader;
mod settings;
mod turns;

pub use capped::{Capped, Caps, End, Kept, Note, token};
pub use chain::Tip;
pub use error::{AppendError, Damage, Error, SealError};
pub use journal::{Journal, LiveEntry, MAX_ENTRY_BYTES, Sealed, init};
pub use position::{Position, PositionError};
pub use reader::{Reader, Stale};
pub use settings::Settings;
pub use turns::Turns;
