//! Reading: one consistent cut of all tables with the position that it was read at, and the wait for a position that a caller
//! must see.

use crate::Error;
use crate::database::{self, CHECKPOINT_COLUMNS, Checkpoint, Settings};
use deadpool_postgres::{GenericClient, Object, Pool, Transaction};
use futures::TryStreamExt as _;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};
use stream::Position;
use tokio::sync::{Notify, watch};
use tokio_postgres::types::ToSql;
use tokio_postgres::{IsolationLevel, Row};

/// How long a query waits for a position.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often the checkpoint is looked at while anyone waits; and where projectors are heard, who say more than they are asked for.
/// A read replica hears none.
const LOOK: Duration = Duration::from_millis(4);
const LOOK_HEARING: Duration = Duration::from_millis(50);
/// Pause before it is tried again to hear them.
const AGAIN: Duration = Duration::from_secs(5);
/// How often while there are only watches, which wait for ever.
const WATCH: Duration = Duration::from_millis(50);

/// The tables, for reading.
#[derive(Clone)]
pub(crate) struct Views {
    pool: Pool,
    closing: watch::Receiver<bool>,
    reached: Arc<Reached>,
}

struct Reached {
    sequence: watch::Sender<u64>,
    hears: AtomicBool,
    waiting: AtomicUsize,
    watching: AtomicUsize,
    someone_waits: Notify,
}

impl Reached {
    fn is_at(&self, sequence: u64) {
        self.sequence.send_if_modified(|reached| std::mem::replace(reached, sequence) != sequence);
    }
}

impl Views {
    /// Reads over a pool. One task looks at the checkpoint for all who wait; it ends with the last clone. Watches end when they
    /// are told that the services close.
    pub fn over(pool: Pool, closing: watch::Receiver<bool>) -> Views {
        let reached = Arc::new(Reached {
            sequence: watch::Sender::new(0),
            hears: AtomicBool::new(false),
            waiting: AtomicUsize::new(0),
            watching: AtomicUsize::new(0),
            someone_waits: Notify::new(),
        });
        tokio::spawn(look(pool.clone(), Arc::downgrade(&reached)));
        Views { pool, closing, reached }
    }

    /// The same, told by projectors how far the tables are.
    pub fn hearing(self, settings: Settings) -> Views {
        tokio::spawn(hear(settings, Arc::downgrade(&self.reached)));
        self
    }

    /// A connection.
    pub async fn connection(&self) -> Result<Object, Error> {
        Ok(self.pool.get().await?)
    }

    /// Waits until the views are beyond a sequence, so long at most.
    pub async fn beyond(&self, sequence: u64, patience: Duration) {
        let mut reached = self.reached.sequence.subscribe();
        let _watching = Waiting::begin(&self.reached.watching, &self.reached.someone_waits);
        // In time or not: the next look at the tables says it.
        let _ = tokio::time::timeout(patience, reached.wait_for(|reached| *reached > sequence)).await.map(drop);
    }

    /// Resolves once the services close.
    pub async fn closed(&self) {
        let mut closing = self.closing.clone();
        if closing.wait_for(|closing| *closing).await.is_err() {
            // Nobody is left who could say so.
            std::future::pending().await
        }
    }

    /// A connection whose database has reached the position, if one is given.
    pub async fn reach(&self, at_least: &str) -> Result<Object, Error> {
        if at_least.is_empty() {
            return Ok(self.pool.get().await?);
        }
        let asked: Position = at_least.parse().map_err(|_| malformed_position(at_least))?;
        let begun = Instant::now();
        // Held already by most callers: look before waiting.
        let (client, now) = self.look().await?;
        if self.is_past(now.as_ref(), &asked)? {
            return Ok(client);
        }
        drop(client);
        let mut sequence = self.reached.sequence.subscribe();
        let waiting = Waiting::begin(&self.reached.waiting, &self.reached.someone_waits);
        // In time or not: the tables say below.
        let _ = tokio::time::timeout(PATIENCE, sequence.wait_for(|reached| *reached >= asked.sequence())).await.map(drop);
        drop(waiting);
        let (client, now) = self.look().await?;
        if self.is_past(now.as_ref(), &asked)? {
            return Ok(client);
        }
        Err(Error::Behind {
            at: now.as_ref().map_or_else(|| "none".into(), |now| position(now, now.sequence)),
            asked: at_least.to_owned(),
            waited_millis: begun.elapsed().as_millis(),
        })
    }

    /// The same for a query as of a position, which must be reached too.
    pub async fn reach_as_of(&self, at_least: &str, field: &'static str, as_of: &str) -> Result<Object, Error> {
        if !as_of.is_empty() {
            let reached = self.reach(as_of).await.map_err(|error| match error {
                Error::Malformed { value, allowed, .. } => Error::Malformed { field, value, allowed },
                error => error,
            })?;
            drop(reached);
        }
        self.reach(at_least).await
    }

    async fn look(&self) -> Result<(Object, Option<Checkpoint>), Error> {
        let client = self.pool.get().await?;
        let now = checkpoint(&client).await?;
        if let Some(now) = &now {
            self.reached.is_at(now.sequence);
        }
        Ok((client, now))
    }

    fn is_past(&self, now: Option<&Checkpoint>, asked: &Position) -> Result<bool, Error> {
        let Some(now) = now else { return Ok(false) };
        if Position::new(now.journal, now.sequence).journal_tag() != asked.journal_tag() {
            return Err(malformed_position(&asked.to_string()));
        }
        Ok(now.sequence >= asked.sequence())
    }
}

fn malformed_position(text: &str) -> Error {
    Error::Malformed {
        field: "at_least",
        value: text.to_owned(),
        allowed: "a position that an answer of this system gave, or empty".into(),
    }
}

/// Text of a position in the journal of a checkpoint.
pub(crate) fn position(checkpoint: &Checkpoint, sequence: u64) -> String {
    Position::new(checkpoint.journal, sequence).to_string()
}

struct Waiting<'a>(&'a AtomicUsize);

impl Waiting<'_> {
    fn begin<'a>(count: &'a AtomicUsize, someone_waits: &Notify) -> Waiting<'a> {
        // Whoever comes later finds someone looking already.
        if count.fetch_add(1, Ordering::SeqCst) == 0 {
            someone_waits.notify_one();
        }
        Waiting(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Looks at the checkpoint while anyone waits.
async fn look(pool: Pool, reached: Weak<Reached>) {
    loop {
        let Some(now) = reached.upgrade() else { return };
        let (waiting, watching) = (now.waiting.load(Ordering::SeqCst), now.watching.load(Ordering::SeqCst));
        if waiting + watching == 0 {
            // Wakes now and then to see whether anyone is left who could wait.
            let _ = tokio::time::timeout(Duration::from_secs(1), now.someone_waits.notified()).await;
            continue;
        }
        match pool.get().await {
            Ok(client) => {
                if let Ok(Some(at)) = checkpoint(&client).await {
                    now.is_at(at.sequence);
                }
            }
            Err(error) => tracing::debug!(%error, "could not look at the checkpoint"),
        }
        if waiting > 0 {
            tokio::time::sleep(if now.hears.load(Ordering::SeqCst) { LOOK_HEARING } else { LOOK }).await;
        } else {
            // Whoever begins to wait ends this.
            let _ = tokio::time::timeout(WATCH, now.someone_waits.notified()).await;
        }
    }
}

/// Hears projectors as long as anyone reads.
async fn hear(settings: Settings, reached: Weak<Reached>) {
    while reached.strong_count() > 0 {
        let heard = |sequence| {
            let Some(reached) = reached.upgrade() else { return false };
            reached.hears.store(true, Ordering::SeqCst);
            if let Some(sequence) = sequence {
                reached.is_at(sequence);
            }
            true
        };
        let ended = database::hear(&settings, heard).await;
        let Some(reached) = reached.upgrade() else { return };
        reached.hears.store(false, Ordering::SeqCst);
        tracing::debug!(?ended, "hears no projector, and looks more often");
        drop(reached);
        tokio::time::sleep(AGAIN).await;
    }
}

/// The checkpoint by a statement that the connection keeps: every question looks at it.
async fn checkpoint(client: &impl GenericClient) -> Result<Option<Checkpoint>, Error> {
    let statement = client.prepare_cached(&format!("SELECT {CHECKPOINT_COLUMNS} FROM checkpoint")).await?;
    client.query_opt(&statement, &[]).await?.as_ref().map(Checkpoint::of).transpose()
}

/// One consistent cut of all tables.
pub(crate) struct Cut<'a> {
    transaction: Transaction<'a>,
    /// What the cut holds.
    pub checkpoint: Checkpoint,
    /// Whether anything registered turned out to be a duplicate: where not, nothing is looked up under another code.
    pub has_merged: bool,
    /// Whether a parked command would have touched anything.
    pub has_doubtful: bool,
    /// Up to which entry flows are rolled up.
    pub rolled: i64,
}

impl Cut<'_> {
    /// Begins to read.
    pub async fn of(client: &mut Object) -> Result<Cut<'_>, Error> {
        let begin = client.build_transaction().isolation_level(IsolationLevel::RepeatableRead).read_only(true);
        let transaction = begin.start().await?;
        // Asked in one: each way to PostgreSQL and back is a tenth of what a shop's stock takes.
        let sql = format!(
            "SELECT {CHECKPOINT_COLUMNS}, EXISTS (SELECT FROM merged), EXISTS (SELECT FROM doubtful), r.sequence
                           FROM checkpoint CROSS JOIN flows_rolled r"
        );
        let known = transaction.prepare_cached(&sql).await?;
        let known = transaction.query_opt(&known, &[]).await?.ok_or(Error::Empty)?;
        let checkpoint = Checkpoint::of(&known)?;
        let (has_merged, has_doubtful, rolled) = (known.try_get(10)?, known.try_get(11)?, known.try_get(12)?);
        Ok(Cut { transaction, checkpoint, has_merged, has_doubtful, rolled })
    }

    /// Whether the tables are still those of the checkpoint. Names are looked up as they are used: where a rebuild has exchanged
    /// the tables meanwhile, the cut sees only some of their rows.
    pub async fn is_whole(&self) -> Result<bool, Error> {
        Ok(checkpoint(&self.transaction).await?.as_ref() == Some(&self.checkpoint))
    }

    /// Position of the cut.
    pub fn position(&self) -> String {
        position(&self.checkpoint, self.checkpoint.sequence)
    }

    /// Rows of a query.
    pub async fn rows(&self, sql: &str, values: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, Error> {
        let statement = self.transaction.prepare_cached(sql).await?;
        Ok(self.transaction.query(&statement, values).await?)
    }

    /// Has every question of this cut planned for its own values: a report over a month is not read as one over a day.
    pub async fn plan_each(&self) -> Result<(), Error> {
        Ok(self
            .transaction
            .batch_execute("SET LOCAL plan_cache_mode = force_custom_plan; SET LOCAL enable_mergejoin = off")
            .await?)
    }

    /// Takes each row of a query: more than are held at once.
    pub async fn each(&self, query: &Query, mut take: impl FnMut(&Row) -> Result<(), Error>) -> Result<(), Error> {
        let statement = self.transaction.prepare_cached(&query.sql).await?;
        let values = query.values.iter().map(|value| value.as_ref() as &(dyn ToSql + Sync));
        let mut rows = pin!(self.transaction.query_raw(&statement, values).await?);
        while let Some(row) = rows.try_next().await? {
            take(&row)?;
        }
        Ok(())
    }

    /// Rows of a query that was put together.
    pub async fn query(&self, query: &Query) -> Result<Vec<Row>, Error> {
        let values: Vec<&(dyn ToSql + Sync)> = query.values.iter().map(|value| value.as_ref() as &(dyn ToSql + Sync)).collect();
        self.rows(&query.sql, &values).await
    }
}

/// How often a question is asked whose tables are exchanged while it is answered.
pub(crate) const EXCHANGED: u32 = 5;

/// Answers a question from one cut, over a connection. Where a rebuild exchanged the tables meanwhile, parts of the answer, or an
/// error, may come from either: it is asked again. A macro, since no bound says of a closure that its future may be sent.
macro_rules! whole {
    ($client:expr, |$cut:ident| $answer:expr) => {{
        let mut client = $client;
        let mut times = 1;
        loop {
            let cut = $crate::read::Cut::of(&mut client).await?;
            let $cut = &cut;
            let answer: Result<_, $crate::Error> = async { $answer }.await;
            let generation = cut.checkpoint.generation;
            let is_whole = match cut.is_whole().await {
                Ok(is_whole) => is_whole,
                // PostgreSQL gave the question up; whether for that, only another look says.
                Err(_) => {
                    drop(cut);
                    let now = $crate::read::Cut::of(&mut client).await?;
                    now.checkpoint.generation == generation
                }
            };
            if is_whole || times == $crate::read::EXCHANGED {
                break answer;
            }
            times += 1;
        }
    }};
}
pub(crate) use whole;

/// A query that is put together from what a request asks for. Values are always bound, never written into it.
#[derive(Default)]
pub(crate) struct Query {
    /// Its text.
    pub sql: String,
    values: Vec<Box<dyn ToSql + Sync + Send>>,
}

impl Query {
    /// Binds a value and gives its name in the text.
    pub fn bind(&mut self, value: impl ToSql + Sync + Send + 'static) -> String {
        self.values.push(Box::new(value));
        format!("${}", self.values.len())
    }
}

/// A condition on keys: beyond those of the row before, in the order of the keys. Each key has its type, by which its text is read.
/// Where only the first keys are columns, an index is led by a condition on them alone.
pub(crate) fn beyond(query: &mut Query, keys: &[(&str, &str)], after: &[String], descending: bool) -> String {
    let columns: Vec<_> = keys.iter().map(|(column, _)| *column).collect();
    let values: Vec<_> =
        keys.iter().zip(after).map(|((_, kind), value)| format!("{}::text::{kind}", query.bind(value.clone()))).collect();
    let (further, not_before) = if descending { ("<", "<=") } else { (">", ">=") };
    let beyond = format!("({}) {further} ({})", columns.join(", "), values.join(", "));
    let is_column = |key: &&&str| key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_' || byte == b'.');
    let first = columns.iter().take_while(is_column).count();
    if first == 0 || first == columns.len() {
        return beyond;
    }
    format!("({}) {not_before} ({}) AND {beyond}", columns[..first].join(", "), values[..first].join(", "))
}
