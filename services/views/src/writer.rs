//! Applies entries to the tables: one transaction for a batch and its checkpoint. A batch that PostgreSQL refuses is halved until
//! the command at fault is found; that one is parked, and everything else goes on.

use crate::database::{self, Checkpoint};
use crate::fold::{Batch, Numbered, Parked, fold};
use crate::{Error, statistics};
use deadpool_postgres::ClientWrapper;
use std::time::Instant;

/// Writes to the tables over a connection of its own.
pub struct Writer {
    client: ClientWrapper,
    checkpoint: Option<Checkpoint>,
    /// Number of events that move goods at which PostgreSQL looks at the tables again.
    look_at: i64,
}

/// Number of events at which PostgreSQL first looks at the tables: seen empty, they would be planned for as empty.
const FIRST: i64 = 1_000;
/// How much the tables grow before it looks again.
const GROWTH: i64 = 4;

impl Writer {
    /// A writer to the tables of these settings, which are migrated already.
    pub async fn open(settings: &database::Settings) -> Result<Writer, Error> {
        let client = database::writing_connection(settings).await?;
        let checkpoint = database::checkpoint(&*client).await?;
        let mut writer = Writer { client, checkpoint, look_at: 0 };
        writer.look_at = writer.events().max(FIRST / GROWTH) * GROWTH;
        Ok(writer)
    }

    /// Events that move goods: the registry's leave the analyzed tables empty.
    fn events(&self) -> i64 {
        self.checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.tally.events)
    }

    /// How far the tables are; none where nothing was applied yet.
    pub fn checkpoint(&self) -> Option<&Checkpoint> {
        self.checkpoint.as_ref()
    }

    /// Applies entries that follow the checkpoint, in order. On an error nothing of the failing transaction is left; what was
    /// applied before it is.
    pub async fn apply(&mut self, entries: &[Numbered]) -> Result<(), Error> {
        let mut waiting = vec![entries];
        while let Some(entries) = waiting.pop() {
            if entries.is_empty() {
                continue;
            }
            match self.attempt(entries, &[]).await {
                Ok(()) => {}
                Err(error) if error.is_in_the_data() => {
                    if let [entry] = entries {
                        self.park(entry).await?;
                    } else {
                        let (first, second) = entries.split_at(entries.len() / 2);
                        waiting.push(second);
                        waiting.push(first);
                    }
                }
                Err(error) => return Err(error),
            }
        }
        if (self.look_at..statistics::GROWN).contains(&self.events()) {
            self.look_at = self.events() * GROWTH;
            statistics::look(&*self.client).await?;
        }
        Ok(())
    }

    async fn attempt(&mut self, entries: &[Numbered], parked: &[Parked]) -> Result<(), Error> {
        let batch = fold(entries, parked);
        self.transact(entries, &batch, true).await
    }

    async fn transact(&mut self, entries: &[Numbered], batch: &Batch, keep: bool) -> Result<(), Error> {
        let Some(last) = entries.last() else { return Ok(()) };
        let begun = Instant::now();
        let transaction = self.client.transaction().await?;
        let after = database::write(&transaction, self.checkpoint.as_ref(), last, batch).await?;
        if keep {
            transaction.commit().await?;
            for command in &batch.parked {
                let parked = &command.parked;
                tracing::error!(
                    sequence = parked.sequence,
                    command = %command.command,
                    organization = command.organization,
                    "parked a command that cannot be folded: {}",
                    parked.reason
                );
            }
            self.checkpoint = Some(after);
            tracing::debug!(entries = entries.len(), events = batch.tally.events, elapsed = ?begun.elapsed(), "wrote a batch");
        } else {
            transaction.rollback().await?;
        }
        Ok(())
    }

    /// Finds the commands of an entry that cannot be folded, each the last of the shortest beginning that fails, and leaves them out.
    async fn park(&mut self, entry: &Numbered) -> Result<(), Error> {
        let mut parked: Vec<Parked> = Vec::new();
        loop {
            let Err(error) = self.attempt(std::slice::from_ref(entry), &parked).await else { return Ok(()) };
            if !error.is_in_the_data() {
                return Err(error);
            }
            let mut fails = (entry.entry.commands.len(), error);
            let mut holds = 0;
            while holds + 1 < fails.0 {
                let middle = holds + (fails.0 - holds) / 2;
                let mut beginning = entry.clone();
                beginning.entry.commands.truncate(middle);
                let batch = fold(std::slice::from_ref(&beginning), &parked);
                match self.transact(std::slice::from_ref(&beginning), &batch, false).await {
                    Ok(()) => holds = middle,
                    Err(error) if error.is_in_the_data() => fails = (middle, error),
                    Err(error) => return Err(error),
                }
            }
            let (length, error) = fails;
            let found = length.checked_sub(1).filter(|index| parked.iter().all(|parked| parked.command_index != *index));
            // Where no command is at fault, or one that is left out already, the fault is ours.
            let Some(command_index) = found else { return Err(error) };
            parked.push(Parked { sequence: entry.sequence, command_index, reason: error.to_string() });
        }
    }
}
