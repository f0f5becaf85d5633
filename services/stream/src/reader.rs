//! Reads the journal in order, each live entry once, whatever happens to the server or the connection.

use std::time::Duration;

use async_nats::{
    StatusCode, Subscriber,
    jetstream::{
        self,
        consumer::{
            AckPolicy, DeliverPolicy, PullConsumer,
            pull::{BatchConfig, Config},
        },
    },
};
use bytes::Bytes;
use futures::StreamExt;
use jiff::Timestamp;
use tokio::{sync::watch, time::Instant};
use tracing::{debug, warn};

use crate::{
    Damage, Error, Journal, LiveEntry, Tip,
    broker::{self, Broker},
    chain::{self, Verdict},
};

/// Messages of one request, and the bytes after which the server ends it early: what a reader holds at most besides what
/// it has given out. Far fewer than the client's 65,536 for a subscription, beyond which it drops messages.
const REQUEST_MESSAGES: usize = 5_000;
const REQUEST_BYTES: usize = 8 * 1024 * 1024;

/// Bytes of entries that are given out at once: a caller holds them decoded, which is several times as much.
const GIVEN_BYTES: usize = 4 * 1024 * 1024;

/// How long a request waits at the server, and how often the server says meanwhile that it still knows of it.
const REQUEST_EXPIRES: Duration = Duration::from_secs(30);
const HEARTBEAT: Duration = Duration::from_secs(2);

/// The server forgets a consumer of which it hears nothing for so long.
const INACTIVE: Duration = Duration::from_secs(60);

const RETRY_PAUSE: Duration = Duration::from_millis(50);

/// Stale entries that a reader remembers: a sound broker lets none through, and one that does is replaced.
const STALE_REMEMBERED: usize = 1_000;

/// An entry that was late: it follows an older live entry than the last before it, and counts for nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stale {
    /// Its sequence.
    pub sequence: u64,
    /// Sequence of the live entry that it follows.
    pub follows: u64,
}

/// Reads the journal in order from a place on.
///
/// Give one reader to one task. It may be dropped at any time, and a call of [`Reader::next`] may be dropped too: what it
/// had read by then comes with the next call.
pub struct Reader {
    journal: Journal,
    /// As far as the stream was read.
    seen: Option<Tip>,
    /// As far as entries were given out.
    given: Option<Tip>,
    /// Read, not yet given out.
    ready: Vec<LiveEntry>,
    /// Stale entries were passed since the last call returned.
    passed_stale: bool,
    /// The first of them.
    stale: Vec<Stale>,
    session: Option<Session>,
    /// Since when the stream looks shorter than it was.
    shorter_since: Option<Instant>,
    /// Where reading ended for good.
    damage: Option<(u64, Damage)>,
}

/// A consumer at the server and the request that is under way. Thrown away and made anew after any doubt.
struct Session {
    context: jetstream::Context,
    consumer: PullConsumer,
    inbox: async_nats::Subject,
    subscriber: Subscriber,
    losses: watch::Receiver<u64>,
    /// Messages that the request under way may still bring; 0 if none is.
    outstanding: usize,
    /// The last message said that more are stored.
    behind: bool,
    /// Nothing heard since.
    heard: Instant,
}

/// A message taken from the subscription.
struct Delivery {
    sequence: u64,
    payload: Bytes,
    time: Timestamp,
}

/// What came of waiting on a session.
enum News {
    Delivery(Delivery),
    /// The request ended.
    Ended,
    /// Only a sign of life.
    Heartbeat,
    /// The wait is over.
    Late,
    /// The session is of no use any more.
    Broken(String),
}

impl Reader {
    pub(crate) fn new(journal: Journal, after: Option<Tip>) -> Reader {
        Reader {
            journal,
            given: after.clone(),
            seen: after,
            ready: Vec::new(),
            passed_stale: false,
            stale: Vec::new(),
            session: None,
            shorter_since: None,
            damage: None,
        }
    }

    /// The last live entry given out (or that the reader began after), and the last place seen by then.
    pub fn tip(&self) -> Option<&Tip> {
        self.given.as_ref()
    }

    /// The stale entries that were passed: the first thousand.
    pub fn stale(&self) -> &[Stale] {
        &self.stale
    }

    /// The next entries, `max_entries` or a few mebibytes at most: at once if any are stored, else as soon as one is, else none after
    /// `max_wait`.
    ///
    /// None may also mean that only stale entries were passed (`tip().last_seen` shows it), or that the server could not be
    /// reached: the reader goes on trying and continues where it was. An error is final: every later call returns it too.
    pub async fn next(&mut self, max_entries: usize, max_wait: Duration) -> Result<Vec<LiveEntry>, Error> {
        let deadline = Instant::now() + max_wait;
        let max_entries = max_entries.max(1);
        loop {
            if self.is_due(max_entries) || (self.damage.is_some() && !self.ready.is_empty()) {
                self.take_along(max_entries).await;
                self.request_ahead().await;
                return Ok(self.give(max_entries));
            }
            if let Some((sequence, what)) = self.damage.clone() {
                return Err(Error::Damage { sequence, what });
            }
            match self.step(deadline).await {
                Ok(true) => {}
                Ok(false) => return Ok(self.give(max_entries)),
                Err(Error::Damage { sequence, what }) => self.damage = Some((sequence, what)),
                Err(error) => {
                    warn!("reading the journal: {error}, trying again");
                    self.session = None;
                    if Instant::now() + RETRY_PAUSE >= deadline {
                        tokio::time::sleep_until(deadline).await;
                        return Ok(self.give(max_entries));
                    }
                    tokio::time::sleep(RETRY_PAUSE).await;
                }
            }
        }
    }

    /// Takes what has arrived by now. A message says what was stored behind it when it was sent: a caller who was at work since
    /// would get one entry at a time, and fall behind for it.
    async fn take_along(&mut self, max_entries: usize) {
        while self.damage.is_none()
            && self.enough(max_entries).is_none()
            && self.session.as_ref().is_some_and(|session| session.outstanding > 0)
        {
            match self.step(Instant::now()).await {
                Ok(true) => {}
                Ok(false) => return,
                Err(Error::Damage { sequence, what }) => self.damage = Some((sequence, what)),
                Err(error) => {
                    debug!("reading the journal: {error}");
                    self.session = None;
                }
            }
        }
    }

    /// Whether there is enough to give out: a full batch, or all that is stored.
    fn is_due(&self, max_entries: usize) -> bool {
        let more_coming = self.session.as_ref().is_some_and(|session| session.behind);
        self.enough(max_entries).is_some() || (!more_coming && (self.passed_stale || !self.ready.is_empty()))
    }

    /// How many of those that are ready are a full batch; none if they are not.
    fn enough(&self, max_entries: usize) -> Option<usize> {
        let mut bytes = 0;
        let full = |entry: &LiveEntry| {
            bytes += entry.payload.len();
            bytes >= GIVEN_BYTES
        };
        let by_bytes = self.ready.iter().take(max_entries).position(full).map(|last| last + 1);
        by_bytes.or((self.ready.len() >= max_entries).then_some(max_entries))
    }

    fn give(&mut self, max_entries: usize) -> Vec<LiveEntry> {
        let rest = self.ready.split_off(self.enough(max_entries).unwrap_or(self.ready.len()));
        let given = std::mem::replace(&mut self.ready, rest);
        if self.ready.is_empty() {
            // With the stale entries behind the last live one.
            self.given = self.seen.clone();
            self.passed_stale = false;
        } else if let Some(last) = given.last() {
            self.given = Some(last.tip.clone());
        }
        given
    }

    /// While the caller works on what it gets, the server sends the next.
    async fn request_ahead(&mut self) {
        if let Some(session) = &mut self.session
            && session.behind
            && session.outstanding == 0
            && let Err(error) = session.request().await
        {
            debug!("asking ahead: {error}");
            self.session = None;
        }
    }

    /// One step: connects, asks, or takes one message. False: the wait is over.
    async fn step(&mut self, deadline: Instant) -> Result<bool, Error> {
        let session = match &mut self.session {
            Some(session) => session,
            None => {
                let broker = self.journal.broker();
                if tokio::time::timeout_at(deadline, broker.connected()).await.is_err() {
                    return Ok(false);
                }
                self.check_known().await?;
                let start = self.seen.as_ref().map_or(1, |tip| tip.last_seen + 1);
                self.session.insert(Session::start(self.journal.broker(), start).await?)
            }
        };
        if session.outstanding == 0 {
            session.request().await?;
        }
        match session.news(deadline).await {
            News::Delivery(delivery) => self.take(delivery).await?,
            News::Ended => session.outstanding = 0,
            News::Heartbeat => {}
            News::Late => return Ok(false),
            News::Broken(why) => {
                debug!("the reader begins a new session: {why}");
                self.session = None;
                return Ok(Instant::now() < deadline);
            }
        }
        Ok(true)
    }

    /// Before a session: the stream must still hold what was read. Without this a stream that was replaced by an older
    /// copy would look as if nothing new had come.
    async fn check_known(&mut self) -> Result<(), Error> {
        let broker = self.journal.broker();
        let known = self.seen.as_ref().map_or(1, |tip| tip.last_seen);
        let info = broker.stream_info().await.inspect_err(|_| self.shorter_since = None)?;
        let found = match info {
            Some(info) => broker.check_state(&info, known).await?,
            None => {
                let stream = broker.settings.stream.clone();
                Err((known, Damage::StreamGone { stream }))
            }
        };
        let tip = self.seen.as_ref().unwrap_or(&self.journal.genesis_entry().tip);
        let found = match found {
            Ok(()) => match broker.leader_read(tip.sequence).await? {
                Some(stored) if chain::hash(&stored.payload) == tip.hash => Ok(()),
                Some(_) => Err((tip.sequence, Damage::Replaced)),
                None => Err((tip.sequence, Damage::Gone)),
            },
            short => short,
        };
        let Err((sequence, what)) = found else {
            self.shorter_since = None;
            return Ok(());
        };
        // In a cluster, a leader that was just elected, or cut off, may be behind for a moment.
        let since = *self.shorter_since.get_or_insert_with(Instant::now);
        if what == Damage::Replaced || since.elapsed() > broker.settings.timeout {
            return Err(Error::Damage { sequence, what });
        }
        Err(Error::request("the stream as it was")(format!("at entry {sequence}: {what}")))
    }

    async fn take(&mut self, Delivery { sequence, payload, time }: Delivery) -> Result<(), Error> {
        let last_seen = self.seen.as_ref().map_or(0, |tip| tip.last_seen);
        if sequence <= last_seen {
            return Ok(());
        }
        if sequence > last_seen + 1 {
            // Gone from the stream, or only lost on the way? In both cases this session is of no use any more.
            self.session = None;
            if self.journal.broker().leader_read(last_seen + 1).await?.is_none() {
                return Err(Error::Damage { sequence: last_seen + 1, what: Damage::Gone });
            }
            return Ok(());
        }
        let damage = |what| Error::Damage { sequence, what };
        let hash = chain::hash(&payload);
        let entry = chain::decode(&payload).map_err(damage)?;
        match chain::classify(self.journal.id(), self.seen.as_ref(), sequence, &entry, hash) {
            Verdict::Live(tip) => {
                self.seen = Some(tip.clone());
                self.ready.push(LiveEntry { tip, entry, payload, stored_time: time });
            }
            Verdict::Older { sequence: named, hash } => {
                // Should this fail or be dropped, a new session brings the entry again.
                let session = self.session.take();
                let older = self.journal.broker().leader_read(named).await?;
                self.session = session;
                if older.is_none_or(|stored| chain::hash(&stored.payload) != hash) {
                    return Err(damage(Damage::Hash { named }));
                }
                warn!("entry {sequence} is stale, it follows {named}: skipped");
                if let Some(tip) = &mut self.seen {
                    tip.last_seen = sequence;
                }
                self.passed_stale = true;
                // A new session may bring it again.
                if self.stale.len() < STALE_REMEMBERED && self.stale.last().is_none_or(|last| last.sequence < sequence) {
                    self.stale.push(Stale { sequence, follows: named });
                }
            }
            Verdict::Damage(what) => return Err(damage(what)),
        }
        Ok(())
    }
}

impl Session {
    async fn start(broker: &Broker, start_sequence: u64) -> Result<Session, Error> {
        // Before the consumer is made, so that no loss goes unnoticed.
        let losses = broker.losses();
        let inbox = async_nats::Subject::from(broker.client.new_inbox());
        let subscriber = broker.client.subscribe(inbox.clone()).await.map_err(Error::request("a subscription"))?;
        let config = Config {
            description: Some("chuoi reader".into()),
            deliver_policy: DeliverPolicy::ByStartSequence { start_sequence },
            // The place is the reader's to know: nothing is ever delivered twice or held back.
            ack_policy: AckPolicy::None,
            inactive_threshold: INACTIVE,
            memory_storage: true,
            num_replicas: 1,
            ..Config::default()
        };
        let consumer = broker.stream().await?.create_consumer(config).await;
        let consumer = consumer.map_err(Error::request("a consumer"))?;
        Ok(Session {
            context: broker.context.clone(),
            behind: consumer.cached_info().num_pending > 0,
            consumer,
            inbox,
            subscriber,
            losses,
            outstanding: 0,
            heard: Instant::now(),
        })
    }

    async fn request(&mut self) -> Result<(), Error> {
        let batch = BatchConfig {
            batch: REQUEST_MESSAGES,
            expires: Some(REQUEST_EXPIRES),
            max_bytes: REQUEST_BYTES,
            idle_heartbeat: HEARTBEAT,
            ..BatchConfig::default()
        };
        let sent = self.consumer.request_batch(batch, self.inbox.clone()).await;
        sent.map_err(Error::request("more entries"))?;
        self.outstanding = REQUEST_MESSAGES;
        self.heard = Instant::now();
        Ok(())
    }

    /// Waits for one message. Dropping this loses none.
    async fn news(&mut self, deadline: Instant) -> News {
        let silence = self.heard + 3 * HEARTBEAT;
        // What is stored is worth waiting for, however short the caller's patience.
        let deadline = if self.behind { silence } else { deadline };
        let message = tokio::select! {
            biased;
            message = self.subscriber.next() => message,
            _ = self.losses.changed() => return News::Broken("the connection was lost".into()),
            () = tokio::time::sleep_until(silence.min(deadline)) => {
                return if silence <= deadline { News::Broken("no sign of life".into()) } else { News::Late };
            }
        };
        let Some(message) = message else {
            return News::Broken("the subscription ended".into());
        };
        self.heard = Instant::now();
        match message.status {
            None | Some(StatusCode::OK) => {}
            Some(StatusCode::IDLE_HEARTBEAT) => return News::Heartbeat,
            Some(StatusCode::TIMEOUT | StatusCode::NOT_FOUND) => return News::Ended,
            // 409 is also said of a consumer that is gone.
            Some(_) if message.description.as_deref().is_some_and(|text| text.contains("MaxBytes")) => {
                return News::Ended;
            }
            Some(status) => {
                return News::Broken(format!("{status} {}", message.description.unwrap_or_default()));
            }
        }
        self.outstanding = self.outstanding.saturating_sub(1);
        let message = jetstream::Message { message, context: self.context.clone() };
        let (sequence, time) = match message.info() {
            Ok(info) => {
                self.behind = info.pending > 0;
                (info.stream_sequence, broker::timestamp(info.published.unix_timestamp_nanos()))
            }
            Err(error) => return News::Broken(format!("a message without its sequence: {error}")),
        };
        News::Delivery(Delivery { sequence, payload: message.message.payload, time })
    }
}

impl Drop for Session {
    /// Many short readers would otherwise leave many consumers at the server for a while.
    fn drop(&mut self) {
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let name = self.consumer.cached_info().name.clone();
            let stream = self.consumer.cached_info().stream_name.clone();
            let context = self.context.clone();
            runtime.spawn(async move { context.delete_consumer_from_stream(name, stream).await });
        }
    }
}
