//! Streams beside the journal: of limited age and size, for what others may want to hear and nobody has to keep. What they lose is
//! no damage; the journal knows nothing of them.

use std::time::Duration;

use async_nats::{
    HeaderMap, datetime, header,
    jetstream::{
        self, ErrorCode,
        consumer::{AckPolicy, DeliverPolicy, pull::Config as ConsumerConfig},
        context::{CreateStreamErrorKind, GetStreamErrorKind, PublishErrorKind},
        stream::{Compression, Config, DiscardPolicy, Info, RawMessageErrorKind, RetentionPolicy, StorageType},
    },
};
use bytes::Bytes;
use futures::StreamExt;
use jiff::Timestamp;

use crate::{
    Error, Journal,
    broker::{self, Broker},
};

/// Messages that may be under way at once.
const UNDER_WAY: usize = 256;
/// Messages asked for at once.
const READ: usize = 1_000;
/// How long one request for messages waits at the server.
const WAIT: Duration = Duration::from_secs(5);

/// How much a capped stream keeps: the oldest goes first.
#[derive(Debug, Clone, Copy)]
pub struct Caps {
    /// How long.
    pub age: Duration,
    /// How many bytes.
    pub bytes: i64,
    /// How many messages of one subject, where that is limited.
    pub per_subject: Option<i64>,
}

/// A message of a capped stream.
#[derive(Debug, Clone)]
pub struct Note {
    /// The last parts of its subject, behind the stream's own.
    pub subject: String,
    /// What tells it from all others.
    pub id: String,
    /// What it says.
    pub payload: Bytes,
}

/// A message that a capped stream holds.
#[derive(Debug, Clone)]
pub struct Kept {
    /// Where.
    pub sequence: u64,
    /// Since when.
    pub time: Timestamp,
    /// Its id; empty if it has none.
    pub id: String,
    /// What it says.
    pub payload: Bytes,
}

/// How far a capped stream is.
#[derive(Debug, Clone)]
pub struct End {
    /// Its last sequence; 0 where nothing was ever published.
    pub sequence: u64,
    /// Id of the message there; none where none is kept any more.
    pub last_id: Option<String>,
}

/// A capped stream.
#[derive(Clone)]
pub struct Capped {
    broker: Broker,
    name: String,
    root: String,
    caps: Caps,
}

impl Journal {
    /// The stream `<journal's>-<name>`, whose subjects begin with `root`. Asks nothing of the server.
    pub fn beside(&self, name: &str, root: impl Into<String>, caps: Caps) -> Capped {
        let broker = self.broker().clone();
        Capped { name: format!("{}-{name}", broker.settings.stream), broker, root: root.into(), caps }
    }
}

impl Capped {
    /// Name of the stream.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How long it keeps a message.
    pub fn age(&self) -> Duration {
        self.caps.age
    }

    /// Makes the stream where there is none; one that is there is left as somebody may have set it up.
    pub async fn prepare(&self) -> Result<(), Error> {
        self.broker.connected().await;
        let config = Config {
            name: self.name.clone(),
            subjects: vec![format!("{}.>", self.root)],
            description: Some("chuoi: capped, may be removed".into()),
            storage: StorageType::File,
            retention: RetentionPolicy::Limits,
            discard: DiscardPolicy::Old,
            max_age: self.caps.age,
            max_bytes: self.caps.bytes,
            max_messages: -1,
            max_messages_per_subject: self.caps.per_subject.unwrap_or(-1),
            num_replicas: self.broker.settings.replicas,
            allow_direct: true,
            compression: Some(Compression::S2),
            ..Config::default()
        };
        match self.broker.context.create_stream(config).await {
            Ok(_) => Ok(()),
            Err(error) => match error.kind() {
                CreateStreamErrorKind::JetStream(refusal) if refusal.error_code() == ErrorCode::STREAM_NAME_EXIST => Ok(()),
                _ => Err(Error::request("a capped stream")(error)),
            },
        }
    }

    /// How far it is; none where there is no stream.
    pub async fn end(&self) -> Result<Option<End>, Error> {
        let Some(stream) = self.stream().await? else { return Ok(None) };
        let state = &stream.cached_info().state;
        let last_id = if state.messages == 0 {
            None
        } else {
            match stream.get_raw_message(state.last_sequence).await {
                Ok(last) => Some(id(&last.headers)),
                // It left in between.
                Err(error) if error.kind() == RawMessageErrorKind::NoMessageFound => None,
                Err(error) => return Err(Error::request("the last message of a capped stream")(error)),
            }
        };
        Ok(Some(End { sequence: state.last_sequence, last_id }))
    }

    /// Publishes messages one after the other behind a sequence, and gives the last one's. Each of them expects the one before it
    /// there: nothing is ever published twice or out of order, however many publish, and whatever answer was lost. After an error
    /// ask for the [`Capped::end`].
    pub async fn publish_after(&self, sequence: u64, notes: Vec<Note>) -> Result<u64, Error> {
        let mut last = sequence;
        for some in notes.chunks(UNDER_WAY) {
            let mut under_way = Vec::with_capacity(some.len());
            for note in some {
                let mut headers = self.headers(note);
                headers.insert(header::NATS_EXPECTED_LAST_SEQUENCE, last.to_string());
                let subject = format!("{}.{}", self.root, note.subject);
                let published = self.broker.context.publish_with_headers(subject, headers, note.payload.clone()).await;
                under_way.push(published.map_err(Error::request("a message in a capped stream"))?);
                last += 1;
            }
            for acknowledged in under_way {
                acknowledged.await.map_err(Error::request("a message in a capped stream"))?;
            }
        }
        Ok(last)
    }

    /// Publishes messages in no order. True: the stream is there and took them.
    pub async fn publish(&self, notes: &[Note]) -> Result<bool, Error> {
        let mut under_way = Vec::with_capacity(notes.len());
        for note in notes {
            let subject = format!("{}.{}", self.root, note.subject);
            let published = self.broker.context.publish_with_headers(subject, self.headers(note), note.payload.clone()).await;
            under_way.push(published.map_err(Error::request("a message in a capped stream"))?);
        }
        let mut there = true;
        for acknowledged in under_way {
            match acknowledged.await {
                Ok(_) => {}
                Err(error) if error.kind() == PublishErrorKind::StreamNotFound => there = false,
                Err(error) => return Err(Error::request("a message in a capped stream")(error)),
            }
        }
        Ok(there)
    }

    async fn stream(&self) -> Result<Option<jetstream::stream::Stream<Info>>, Error> {
        self.broker.connected().await;
        match self.broker.context.get_stream(&self.name).await {
            Ok(stream) => Ok(Some(stream)),
            Err(error) => match error.kind() {
                GetStreamErrorKind::JetStream(error) if error.error_code() == ErrorCode::STREAM_NOT_FOUND => Ok(None),
                _ => Err(Error::request("a capped stream")(error)),
            },
        }
    }

    fn headers(&self, note: &Note) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::NATS_MESSAGE_ID, note.id.as_str());
        headers.insert(header::NATS_EXPECTED_STREAM, self.name.as_str());
        headers
    }

    /// Gives all messages of a subject that are kept, from a time on, the oldest first; nothing where there is no stream.
    pub async fn read(&self, subject: &str, since: Option<Timestamp>, mut take: impl FnMut(Kept) + Send) -> Result<(), Error> {
        let Some(stream) = self.stream().await? else { return Ok(()) };
        let begin = since.and_then(|since| datetime::from_nanos(since.as_nanosecond()).ok());
        let config = ConsumerConfig {
            deliver_policy: begin.map_or(DeliverPolicy::All, |start_time| DeliverPolicy::ByStartTime { start_time }),
            filter_subject: format!("{}.{subject}", self.root),
            ack_policy: AckPolicy::None,
            inactive_threshold: WAIT,
            memory_storage: true,
            num_replicas: 1,
            ..ConsumerConfig::default()
        };
        let consumer = stream.create_consumer(config).await.map_err(Error::request("a reader of a capped stream"))?;
        let mut left = consumer.cached_info().num_pending;
        while left > 0 {
            let batch = consumer.fetch().max_messages(READ).expires(WAIT).messages().await;
            let mut batch = batch.map_err(Error::request("messages of a capped stream"))?;
            let before = left;
            while let Some(message) = batch.next().await {
                let message = message.map_err(Error::request("messages of a capped stream"))?;
                let info = message.info().map_err(Error::request("a message's place"))?;
                left = info.pending;
                take(Kept {
                    sequence: info.stream_sequence,
                    time: broker::timestamp(info.published.unix_timestamp_nanos()),
                    id: message.headers.as_ref().map(id).unwrap_or_default(),
                    payload: message.payload.clone(),
                });
            }
            if left == before {
                break; // What was pending has left meanwhile.
            }
        }
        Ok(())
    }
}

fn id(headers: &HeaderMap) -> String {
    headers.get(header::NATS_MESSAGE_ID).map(|id| id.as_str().to_owned()).unwrap_or_default()
}

/// A text as one part of a subject: NATS takes dots, spaces and wildcards for structure.
pub fn token(text: &str) -> String {
    let part = |c: char| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '_' };
    if text.is_empty() { "-".to_owned() } else { text.chars().map(part).collect() }
}
