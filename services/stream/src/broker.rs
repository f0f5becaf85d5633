//! One connection to nats-server, and the few things asked of it. Knows no entries: payloads are bytes here.

use std::{sync::Arc, time::Duration};

use async_nats::{
    ConnectOptions, HeaderMap, Request, RequestErrorKind, connection, header,
    jetstream::{
        self, ErrorCode,
        context::GetStreamErrorKind,
        publish::PublishAck,
        response::Response,
        stream::{
            Compression, Config, DirectGetErrorKind, DiscardPolicy, Info, PersistenceMode, RawMessageErrorKind, RetentionPolicy,
            State, StorageType,
        },
    },
};
use bytes::Bytes;
use jiff::Timestamp;
use tokio::sync::watch;
use tracing::{info, warn};

use crate::{Damage, Error, Settings, journal::MAX_ENTRY_BYTES};

/// Older servers can forget a whole stream after kill -9 (nats-server issue 6888).
const LEAST_VERSION: (i64, i64, i64) = (2, 10, 23);
const LEAST_VERSION_TEXT: &str = "2.10.23";

/// Room for the headers of an append.
const HEADER_BYTES: usize = 1024;

/// The newer servers' second code for a wrong last sequence, besides 10071.
const WRONG_LAST_SEQUENCE_CONSTANT: u64 = 10164;

/// One stored message.
pub struct Stored {
    pub payload: Bytes,
    pub time: Timestamp,
}

/// What the server said to an append.
pub enum Answer {
    /// Stored at this sequence.
    Stored(u64),
    /// The stream's last sequence is not the expected one.
    WrongLastSequence,
    /// The server did not store it.
    Refused(String),
    /// No answer: it may be stored, or may yet be.
    Lost(String),
}

/// Options with the user and password that stand in the address: the client reads an address without them.
fn authorized(url: &str) -> ConnectOptions {
    let first = url.split(',').next().unwrap_or_default().trim().parse::<async_nats::ServerAddr>();
    match first.as_ref().map(|address| (address.username(), address.password())) {
        Ok((Some(user), Some(password))) => ConnectOptions::with_user_and_password(user.to_owned(), password.to_owned()),
        _ => ConnectOptions::new(),
    }
}

/// One connection; cheap to clone. It reconnects by itself for ever.
#[derive(Clone)]
pub struct Broker {
    pub settings: Arc<Settings>,
    pub client: async_nats::Client,
    pub context: jetstream::Context,
    /// Counts lost connections: a request that was under way then gets no answer.
    losses: watch::Receiver<u64>,
}

impl Broker {
    pub async fn connect(settings: &Settings) -> Result<Broker, Error> {
        settings.check()?;
        let (losses, seen) = watch::channel(0);
        let client = authorized(&settings.url)
            .name("chuoi")
            .connection_timeout(settings.timeout)
            .request_timeout(Some(settings.timeout))
            // A half-open connection is noticed after two of these.
            .ping_interval(Duration::from_secs(5))
            .reconnect_delay_callback(|attempts| Duration::from_millis(50 * attempts.min(20) as u64))
            .event_callback(move |event| {
                match &event {
                    async_nats::Event::Disconnected => {
                        losses.send_modify(|count| *count += 1);
                        warn!("lost the connection to nats-server");
                    }
                    async_nats::Event::Connected => info!("connected to nats-server"),
                    other => warn!("nats-server connection: {other}"),
                }
                std::future::ready(())
            })
            .connect(settings.url.split(',').map(str::trim).collect::<Vec<_>>())
            .await
            .map_err(|source| Error::Unreachable { url: without_secrets(&settings.url), source: source.into() })?;
        let (major, minor, patch) = LEAST_VERSION;
        if !client.is_server_compatible(major, minor, patch) {
            return Err(Error::ServerTooOld { version: client.server_info().version, least: LEAST_VERSION_TEXT });
        }
        if client.max_payload() < MAX_ENTRY_BYTES + HEADER_BYTES {
            return Err(Error::PayloadLimit { max: client.max_payload(), need: MAX_ENTRY_BYTES + HEADER_BYTES });
        }
        let context = jetstream::ContextBuilder::new().timeout(settings.timeout).build(client.clone());
        Ok(Broker { settings: Arc::new(settings.clone()), client, context, losses: seen })
    }

    /// Resolves at the next loss of the connection after this call.
    pub fn losses(&self) -> watch::Receiver<u64> {
        let mut losses = self.losses.clone();
        losses.mark_unchanged();
        losses
    }

    /// Waits until there is a connection. While there is none the client queues what it is given and sends it all at
    /// once later; so nothing is given to it.
    pub async fn connected(&self) {
        while self.client.connection_state() != connection::State::Connected {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The stream's settings and state, from its leader. None: there is no such stream.
    pub async fn stream_info(&self) -> Result<Option<Info>, Error> {
        match self.context.get_stream(&self.settings.stream).await {
            Ok(stream) => Ok(Some(stream.cached_info().clone())),
            Err(error) => match error.kind() {
                GetStreamErrorKind::JetStream(error) if error.error_code() == ErrorCode::STREAM_NOT_FOUND => Ok(None),
                _ => Err(Error::request("the stream's state")(error)),
            },
        }
    }

    /// Whether the stream still holds everything that it ever held, up to `known` at least; else where it does not.
    pub async fn check_state(&self, info: &Info, known: u64) -> Result<Result<(), (u64, Damage)>, Error> {
        let State { messages, first_sequence, last_sequence, .. } = info.state;
        if last_sequence < known {
            let what = Damage::Shorter { last_sequence, known };
            return Ok(Err((last_sequence + 1, what)));
        }
        if messages == last_sequence {
            return Ok(Ok(()));
        }
        if first_sequence > 1 {
            return Ok(Err((1, Damage::Gone)));
        }
        let subject = format!("STREAM.INFO.{}", self.settings.stream);
        let asked = serde_json::json!({ "deleted_details": true });
        let answer: Response<Info> =
            self.context.request(subject, &asked).await.map_err(Error::request("the missing entries"))?;
        let gone = match answer {
            Response::Ok(info) => info.state.deleted.and_then(|gone| gone.into_iter().min()),
            Response::Err { error } => return Err(Error::request("the missing entries")(error)),
        };
        Ok(Err((gone.unwrap_or(last_sequence), Damage::Gone)))
    }

    pub async fn create_stream(&self) -> Result<(), Error> {
        let settings = &self.settings;
        let config = Config { description: Some("chuoi journal: never delete, purge or edit".into()), ..stream_config(settings) };
        self.context.create_stream(config).await.map_err(Error::request("a new stream"))?;
        Ok(())
    }

    /// The message at a place, as the stream's leader has it. None: nothing is there, or no stream.
    pub async fn leader_read(&self, sequence: u64) -> Result<Option<Stored>, Error> {
        let stream = self.stream().await?;
        match stream.get_raw_message(sequence).await {
            Ok(message) => Ok(Some(Stored { payload: message.payload, time: timestamp(message.time.unix_timestamp_nanos()) })),
            Err(error) => match error.kind() {
                RawMessageErrorKind::NoMessageFound => Ok(None),
                RawMessageErrorKind::JetStream(refusal) if refusal.error_code() == ErrorCode::STREAM_NOT_FOUND => Ok(None),
                _ => Err(Error::request("an entry")(error)),
            },
        }
    }

    /// The message at a place from any replica. Stored messages never change, so one that is found is the right one; one
    /// that is not found may only be late there, and the leader is asked.
    pub async fn read(&self, sequence: u64) -> Result<Option<Stored>, Error> {
        let stream = self.stream().await?;
        match stream.direct_get(sequence).await {
            Ok(message) => Ok(Some(Stored { payload: message.payload, time: timestamp(message.time.unix_timestamp_nanos()) })),
            Err(error) => match error.kind() {
                DirectGetErrorKind::NotFound | DirectGetErrorKind::ErrorResponse(..) => self.leader_read(sequence).await,
                _ => Err(Error::request("an entry")(error)),
            },
        }
    }

    pub async fn stream(&self) -> Result<jetstream::stream::Stream<()>, Error> {
        let stream = self.context.get_stream_no_info(&self.settings.stream).await;
        stream.map_err(Error::request("the stream"))
    }

    /// Publishes once. No message id: the server's duplicate window would forget it, the expected sequence does not.
    pub async fn publish(&self, payload: Bytes, expected_last_sequence: u64) -> Answer {
        let mut headers = HeaderMap::new();
        headers.insert(header::NATS_EXPECTED_STREAM, self.settings.stream.as_str());
        headers.insert(header::NATS_EXPECTED_LAST_SEQUENCE, expected_last_sequence.to_string());
        let request = Request::new().headers(headers).payload(payload).timeout(Some(self.settings.timeout));
        let mut losses = self.losses();
        let message = tokio::select! {
            answer = self.client.send_request(self.settings.subject(), request) => match answer {
                Ok(message) => message,
                Err(error) if error.kind() == RequestErrorKind::MaxPayloadExceeded => return Answer::Refused(error.to_string()),
                Err(error) => return Answer::Lost(error.to_string()),
            },
            // The answer would have come over the lost connection.
            _ = losses.changed() => return Answer::Lost("lost the connection".into()),
        };
        match serde_json::from_slice(&message.payload) {
            Ok(Response::Ok(PublishAck { stream, sequence, .. })) if stream == self.settings.stream => Answer::Stored(sequence),
            Ok(Response::Ok(ack)) => Answer::Lost(format!("stream {} took it, not {}", ack.stream, self.settings.stream)),
            Ok(Response::Err { error }) => match error.error_code() {
                ErrorCode::STREAM_WRONG_LAST_SEQUENCE | ErrorCode(WRONG_LAST_SEQUENCE_CONSTANT) => Answer::WrongLastSequence,
                // Says nothing about the message: the cluster has no leader just now.
                ErrorCode::CLUSTER_NOT_AVAILABLE | ErrorCode::CLUSTER_NOT_LEADER => Answer::Lost(error.to_string()),
                _ => Answer::Refused(error.to_string()),
            },
            Err(error) => Answer::Lost(format!("an answer that cannot be read: {error}")),
        }
    }
}

fn stream_config(settings: &Settings) -> Config {
    Config {
        name: settings.stream.clone(),
        subjects: vec![settings.subject()],
        storage: StorageType::File,
        retention: RetentionPolicy::Limits,
        discard: DiscardPolicy::New,
        max_messages: -1,
        max_messages_per_subject: -1,
        max_bytes: -1,
        max_message_size: -1,
        max_consumers: -1,
        num_replicas: settings.replicas,
        deny_delete: true,
        deny_purge: true,
        allow_direct: true,
        compression: Some(Compression::S2),
        ..Config::default()
    }
}

/// Every setting that could make an acknowledged entry disappear, or put something else into the stream.
pub fn check_config(settings: &Settings, config: &Config) -> Result<(), Error> {
    let unlimited = |limit: i64| limit <= 0;
    let rows = [
        (
            "subjects",
            format!("{:?}", config.subjects),
            format!("{:?}", [settings.subject()]),
            config.subjects == [settings.subject()],
        ),
        ("storage", format!("{:?}", config.storage), "File".into(), config.storage == StorageType::File),
        ("retention", format!("{:?}", config.retention), "Limits".into(), config.retention == RetentionPolicy::Limits),
        ("discard", format!("{:?}", config.discard), "New".into(), config.discard == DiscardPolicy::New),
        ("max_msgs", config.max_messages.to_string(), "-1".into(), unlimited(config.max_messages)),
        (
            "max_msgs_per_subject",
            config.max_messages_per_subject.to_string(),
            "-1".into(),
            unlimited(config.max_messages_per_subject),
        ),
        ("max_bytes", config.max_bytes.to_string(), "-1".into(), unlimited(config.max_bytes)),
        ("max_msg_size", config.max_message_size.to_string(), "-1".into(), unlimited(config.max_message_size.into())),
        ("max_age", format!("{:?}", config.max_age), "0ns".into(), config.max_age.is_zero()),
        ("deny_delete", config.deny_delete.to_string(), "true".into(), config.deny_delete),
        ("deny_purge", config.deny_purge.to_string(), "true".into(), config.deny_purge),
        ("allow_rollup_hdrs", config.allow_rollup.to_string(), "false".into(), !config.allow_rollup),
        ("no_ack", config.no_ack.to_string(), "false".into(), !config.no_ack),
        ("sealed", config.sealed.to_string(), "false".into(), !config.sealed),
        ("mirror", config.mirror.is_some().to_string(), "false".into(), config.mirror.is_none()),
        ("sources", config.sources.is_some().to_string(), "false".into(), config.sources.is_none()),
        ("subject_transform", config.subject_transform.is_some().to_string(), "false".into(), config.subject_transform.is_none()),
        ("compression", format!("{:?}", config.compression), "Some(S2)".into(), config.compression == Some(Compression::S2)),
        (
            "persist_mode",
            format!("{:?}", config.persist_mode),
            "default".into(),
            config.persist_mode != Some(PersistenceMode::Async),
        ),
        (
            "num_replicas",
            config.num_replicas.to_string(),
            format!("{} or more", settings.replicas),
            config.num_replicas >= settings.replicas,
        ),
    ];
    match rows.into_iter().find(|(.., right)| !right) {
        None => Ok(()),
        Some((setting, is, must, _)) => Err(Error::Setting { stream: settings.stream.clone(), setting, is, must }),
    }
}

/// The addresses without user and password: for messages.
fn without_secrets(url: &str) -> String {
    let address = |url: &str| match (url.find("://"), url.rfind('@')) {
        (Some(scheme), Some(at)) if scheme < at => format!("{}{}", &url[..scheme + 3], &url[at + 1..]),
        (None, Some(at)) => url[at + 1..].to_owned(),
        _ => url.to_owned(),
    };
    url.split(',').map(|url| address(url.trim())).collect::<Vec<_>>().join(", ")
}

pub fn timestamp(nanoseconds: i128) -> Timestamp {
    // A server's clock outside of jiff's years -9999 to 9999 is no time at all.
    Timestamp::from_nanosecond(nanoseconds).unwrap_or(Timestamp::MIN)
}
