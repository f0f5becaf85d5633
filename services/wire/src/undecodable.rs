//! Why a message cannot be read, and where in it; and the readers of single fields that everything else here is made of.

use domain::id::BadCode;
use domain::refusal::Refusal;
use jiff::Timestamp;
use std::fmt;
use uuid::Uuid;

/// A message cannot be read: the field at fault and what stands there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {problem}")]
pub struct Undecodable {
    /// Path of the field, for example `commands[0].events[2].sold.lines[1].lot_id`.
    pub path: String,
    /// What stands there.
    #[source]
    pub problem: Problem,
}

/// What is wrong with a field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// It cannot be the code that it should be.
    #[error(transparent)]
    Code(#[from] BadCode),
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

impl Undecodable {
    /// A problem of the value itself; who reads it as a field says where with [`At`].
    pub(crate) fn here(problem: impl Into<String>) -> Undecodable {
        Undecodable { path: String::new(), problem: Problem::Other(problem.into()) }
    }

    fn within(mut self, outer: fmt::Arguments<'_>) -> Undecodable {
        self.path = match self.path.as_bytes().first() {
            None => outer.to_string(),
            Some(b'[') => format!("{outer}{}", self.path),
            Some(_) => format!("{outer}.{}", self.path),
        };
        self
    }
}

impl From<BadCode> for Undecodable {
    fn from(source: BadCode) -> Undecodable {
        Undecodable { path: String::new(), problem: Problem::Code(source) }
    }
}

/// A command whose fields cannot be read is refused.
impl From<Undecodable> for Refusal {
    fn from(Undecodable { path: field, problem }: Undecodable) -> Refusal {
        match problem {
            Problem::Code(source) => Refusal::BadCode { field, source },
            Problem::Other(problem) => Refusal::Malformed { field, problem },
        }
    }
}

/// Says where a value was read. Paths are made on the way out, so reading what is right costs nothing.
pub(crate) trait At<T> {
    /// In this field.
    fn at(self, field: &str) -> Result<T, Undecodable>;
    /// At this place of a list.
    fn nth(self, index: usize) -> Result<T, Undecodable>;
}

impl<T, E: Into<Undecodable>> At<T> for Result<T, E> {
    fn at(self, field: &str) -> Result<T, Undecodable> {
        self.map_err(|error| error.into().within(format_args!("{field}")))
    }

    fn nth(self, index: usize) -> Result<T, Undecodable> {
        self.map_err(|error| error.into().within(format_args!("[{index}]")))
    }
}

/// Reads every element of a list.
pub(crate) fn each<P, T>(list: &[P], read: impl Fn(&P) -> Result<T, Undecodable>) -> Result<Vec<T>, Undecodable> {
    list.iter().enumerate().map(|(index, item)| read(item).nth(index)).collect()
}

/// A message that has to be there.
pub(crate) fn required<T>(message: &Option<T>) -> Result<&T, Undecodable> {
    message.as_ref().ok_or_else(|| Undecodable::here("is missing"))
}

/// Sixteen bytes.
pub(crate) fn uuid(bytes: &[u8]) -> Result<Uuid, Undecodable> {
    Uuid::from_slice(bytes).map_err(|_| Undecodable::here(format!("has {} bytes; an id has 16", bytes.len())))
}

/// An instant.
pub fn timestamp(time: &prost_types::Timestamp) -> Result<Timestamp, Undecodable> {
    // jiff would take a negative fraction; protobuf does not have them.
    (0..1_000_000_000).contains(&time.nanos).then(|| Timestamp::new(time.seconds, time.nanos).ok()).flatten().ok_or_else(|| {
        let (seconds, nanos) = (time.seconds, time.nanos);
        let (least, most) = (Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
        Undecodable::here(format!("{seconds} s and {nanos} ns is no time; allowed are {least} to {most} s and 0 to 999999999 ns"))
    })
}

/// An instant as protobuf writes it: its fraction counts forward, also before 1970.
pub fn write_timestamp(time: Timestamp) -> prost_types::Timestamp {
    let (seconds, nanos) = (time.as_second(), time.subsec_nanosecond());
    if nanos < 0 {
        prost_types::Timestamp { seconds: seconds - 1, nanos: nanos + 1_000_000_000 }
    } else {
        prost_types::Timestamp { seconds, nanos }
    }
}

/// A text that may be left out.
pub(crate) fn optional(text: &str) -> Option<Box<str>> {
    (!text.is_empty()).then(|| text.into())
}

/// Such a text as a field.
pub(crate) fn write_optional(text: &Option<Box<str>>) -> String {
    text.as_deref().unwrap_or_default().to_owned()
}
