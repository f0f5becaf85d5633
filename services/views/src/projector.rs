//! Follows the journal and keeps the tables up with it. Any number may run: the checkpoint lets one of them write at a time.

use crate::database::{self, Checkpoint};
use crate::fold::Numbered;
use crate::throughput::roll::{self, Turn};
use crate::{Error, Writer, statistics, verify};
use domain::event::Event;
use std::future::Future;
use std::time::Duration;
use stream::{Journal, LiveEntry, Stale, Tip};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// Entries asked for at once.
const ENTRIES: usize = 512;
/// Events in a transaction: few while the projector is up with the journal, so that a query need not wait; more while it is behind.
const EVENTS_LIVE: usize = 2_000;
const EVENTS_BEHIND: usize = 10_000;
/// Entries at once from which more are sure to follow: the next batch then begins so long after this one and takes them together,
/// for a few entries cost PostgreSQL about as much as many.
const BUSY: usize = 3;
const PACE: Duration = Duration::from_millis(10);
/// Entries of a journal from which on empty tables are filled in bulk.
const LONG: u64 = 500;
/// How long one wait for entries lasts; it ends at once when there is one.
const WAIT: Duration = Duration::from_secs(1);
/// Pauses after a failure, from the first to the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// Keeps the tables up with the journal.
pub struct Projector {
    journal: Journal,
    settings: database::Settings,
}

impl Projector {
    /// A projector of this journal into these tables, which are migrated already.
    pub fn new(journal: Journal, settings: database::Settings) -> Projector {
        Projector { journal, settings }
    }

    /// Projects until told to stop. Goes on by itself after PostgreSQL or NATS were away; gives up only on what needs a person:
    /// a damaged journal, or tables of another one.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> Result<(), Error> {
        tokio::select! {
            // A transaction that is cut off here is rolled back as its connection closes.
            () = shutdown => Ok(()),
            error = self.project() => Err(error),
        }
    }

    async fn project(&self) -> Error {
        let mut pause = PAUSES.0;
        loop {
            let mut applied = false;
            let error = match self.follow(&mut applied).await {
                Ok(never) => match never {},
                Err(error) if error.is_final() => {
                    tracing::error!(error = &error as &dyn std::error::Error, "the projector stops");
                    return error;
                }
                Err(error) => error,
            };
            pause = if applied { PAUSES.0 } else { (pause * 2).min(PAUSES.1) };
            match &error {
                Error::Superseded(sequence) => tracing::info!(sequence, "another projector writes; standing by"),
                error => tracing::warn!(error = error as &dyn std::error::Error, ?pause, "projecting failed, trying again"),
            }
            tokio::time::sleep(pause).await;
        }
    }

    /// Follows the journal; flows, and what PostgreSQL knows of the tables, follow behind it.
    async fn follow(&self, applied: &mut bool) -> Result<std::convert::Infallible, Error> {
        let turn = Turn::default();
        tokio::select! {
            ended = self.write(applied, &turn) => ended,
            never = again("rolling flows up", || roll::follow(&self.settings, &turn)) => match never {},
            never = again("looking at tables", || statistics::follow(&self.settings)) => match never {},
        }
    }

    async fn write(&self, applied: &mut bool, turn: &Turn) -> Result<std::convert::Infallible, Error> {
        let mut writer = Writer::open(&self.settings).await?;
        if writer.checkpoint().is_none() && self.journal.last_sequence().await? > LONG {
            tracing::info!(schema = self.settings.schema, "filling empty tables from a long journal");
            verify::fill(&self.journal, &self.settings).await?;
            writer = Writer::open(&self.settings).await?;
        }
        let mut reader = self.journal.read_from(begin(&self.journal, writer.checkpoint())?);
        tracing::info!(
            sequence = writer.checkpoint().map_or(0, |checkpoint| checkpoint.sequence),
            schema = self.settings.schema,
            "projecting the journal"
        );
        loop {
            let live = reader.next(ENTRIES, WAIT).await?;
            let begun = Instant::now();
            let most = if live.len() == ENTRIES { EVENTS_BEHIND } else { EVENTS_LIVE };
            let (entries, damage) = read(&self.journal, &live);
            for batch in batches(&entries, most) {
                let held = turn.of_batch().await;
                writer.apply(batch).await?;
                drop(held);
                *applied = true;
            }
            if let Some(error) = damage {
                return Err(error);
            }
            if (BUSY..ENTRIES).contains(&live.len()) {
                tokio::time::sleep_until(begun + PACE).await;
            }
        }
    }
}

/// Does again what failed, after a pause.
async fn again<F>(what: &str, follow: impl Fn() -> F) -> std::convert::Infallible
where
    F: Future<Output = Result<std::convert::Infallible, Error>>,
{
    loop {
        let Err(error) = follow().await;
        tracing::warn!(error = &error as &dyn std::error::Error, "{what} failed, trying again");
        tokio::time::sleep(PAUSES.1).await;
    }
}

/// Where to read on.
pub(crate) fn begin(journal: &Journal, checkpoint: Option<&Checkpoint>) -> Result<Option<Tip>, Error> {
    let Some(checkpoint) = checkpoint else { return Ok(None) };
    if checkpoint.journal != journal.id() {
        return Err(Error::OtherJournal { views: checkpoint.journal.to_string(), journal: journal.id().to_string() });
    }
    // Stale entries after it are read again, and skipped again.
    Ok(Some(Tip {
        sequence: checkpoint.sequence,
        hash: checkpoint.hash,
        record_time: jiff::Timestamp::try_from(checkpoint.record_time).unwrap_or(jiff::Timestamp::UNIX_EPOCH),
        last_seen: checkpoint.sequence,
    }))
}

/// Entries as the domain knows them, up to the first that cannot be read.
pub(crate) fn read(journal: &Journal, live: &[LiveEntry]) -> (Vec<Numbered>, Option<Error>) {
    let mut entries = Vec::with_capacity(live.len());
    for live in live {
        match wire::entry::read(&live.entry) {
            Ok(entry) => {
                entries.push(Numbered { journal: journal.id(), sequence: live.tip.sequence, hash: live.tip.hash, entry })
            }
            Err(error) => return (entries, Some(Error::Damaged { sequence: live.tip.sequence, reason: error.to_string() })),
        }
    }
    (entries, None)
}

/// Cuts entries into batches of about so many events; an entry is never cut.
pub(crate) fn batches(entries: &[Numbered], most: usize) -> impl Iterator<Item = &[Numbered]> {
    let mut rest = entries;
    std::iter::from_fn(move || {
        let mut events = 0;
        let fitting = rest.iter().take_while(|numbered| {
            let before = events;
            events += weight(numbered);
            before == 0 || events <= most
        });
        let count = fitting.count();
        let (batch, after) = rest.split_at_checked(count)?;
        rest = after;
        (!batch.is_empty()).then_some(batch)
    })
}

/// Events of an entry, the originals that a void takes back included.
fn weight(numbered: &Numbered) -> usize {
    fn of(event: &Event) -> usize {
        match &event.fact {
            domain::event::Fact::Voided(voided) | domain::event::Fact::Corrected(voided) => {
                1 + voided.originals.iter().map(of).sum::<usize>()
            }
            _ => 1,
        }
    }
    numbered.entry.commands.iter().flat_map(|command| &command.events).map(of).sum::<usize>().max(1)
}

/// Reads the journal up to exact places; a task of its own reads and decodes ahead.
pub(crate) struct Replay {
    chunks: mpsc::Receiver<Chunk>,
    reading: JoinHandle<()>,
    /// Read, and beyond the place that was asked for.
    ahead: Vec<Numbered>,
    /// Why it cannot be read further.
    damage: Option<Error>,
    stale: Vec<Stale>,
}

struct Chunk {
    entries: Vec<Numbered>,
    damage: Option<Error>,
    /// All that were passed so far.
    stale: Vec<Stale>,
}

/// Chunks of entries that wait decoded.
const AHEAD: usize = 2;

impl Replay {
    /// From the beginning. Call it inside a runtime.
    pub fn of(journal: &Journal) -> Replay {
        let (sender, chunks) = mpsc::channel(AHEAD);
        let (journal, mut reader) = (journal.clone(), journal.read_from(None));
        let reading = tokio::spawn(async move {
            let mut passed = 0;
            loop {
                let (entries, damage) = match reader.next(ENTRIES, WAIT).await {
                    Ok(live) => read(&journal, &live),
                    Err(error) => (Vec::new(), Some(error.into())),
                };
                let ends = damage.is_some();
                if entries.is_empty() && !ends && reader.stale().len() == passed {
                    continue;
                }
                passed = reader.stale().len();
                if sender.send(Chunk { entries, damage, stale: reader.stale().to_vec() }).await.is_err() || ends {
                    return;
                }
            }
        });
        Replay { chunks, reading, ahead: Vec::new(), damage: None, stale: Vec::new() }
    }

    /// The next entries up to a sequence; none when it is reached, or when there are none for a moment.
    pub async fn next(&mut self, up_to: u64) -> Result<Vec<Numbered>, Error> {
        if self.ahead.is_empty()
            && self.damage.is_none()
            && let Ok(Some(chunk)) = tokio::time::timeout(WAIT, self.chunks.recv()).await
        {
            (self.ahead, self.damage, self.stale) = (chunk.entries, chunk.damage, chunk.stale);
        }
        let here = self.ahead.iter().take_while(|numbered| numbered.sequence <= up_to).count();
        if here == 0
            && let Some(error) = self.damage.take()
        {
            return Err(error);
        }
        let beyond = self.ahead.split_off(here);
        Ok(std::mem::replace(&mut self.ahead, beyond))
    }

    /// Entries that were late and count for nothing.
    pub fn stale(&self) -> &[Stale] {
        &self.stale
    }

    /// Whether the journal goes on beyond what was given, as far as was read.
    pub fn is_beyond(&self) -> bool {
        !self.ahead.is_empty()
    }
}

impl Drop for Replay {
    fn drop(&mut self) {
        self.reading.abort();
    }
}
