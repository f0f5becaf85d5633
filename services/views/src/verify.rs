//! Proves the tables, and builds them anew: both read the whole journal into a fresh schema with the code that the projector uses.

use crate::database::{self, Checkpoint, Settings};
use crate::load::Loader;
use crate::projector::{Replay, batches};
use crate::stock::summary::UNBALANCED;
use crate::throughput::roll;
use crate::{Error, Numbered, Writer};
use domain::posting::Place;
use domain::state::State;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use stream::{Journal, Stale};
use tokio_postgres::Client;
use uuid::Uuid;

/// Events in a transaction.
const EVENTS: usize = 10_000;
/// Events that are folded at once where nothing is written yet: few enough to stay in the processor's caches.
const FOLDED: usize = 2_000;
/// How often tables that are built anew follow the live ones before their projector is held back, and how many entries behind is
/// near enough to do so at once.
const ROUNDS: u32 = 20;
const NEAR: u64 = 500;
/// Differences of a table that are listed.
const LISTED: i64 = 100;
/// How long a journal may give nothing before it counts as out of reach.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a comparison of the tables with the journal found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Sequence up to which was compared: that of the tables' checkpoint.
    pub sequence: u64,
    /// Entries that were read.
    pub entries: u64,
    /// Events that were read, those of the registry included.
    pub events: u64,
    /// Where the tables say other than the journal; up to 100 of a table are listed.
    pub differences: Vec<Difference>,
    /// Whether, for every lot, what entered from outside is at sites, in transit or left to outside.
    pub conservation_holds: bool,
    /// Why the journal cannot be trusted from somewhere on: its hash chain is broken, or an entry cannot be read. None if it can.
    pub damage: Option<String>,
    /// Commands that are parked.
    pub parked: u64,
    /// Entries that were late and count for nothing. Readers skip them alike; a sound broker lets none through.
    pub stale: Vec<Stale>,
}

impl Report {
    /// Whether everything is as it has to be.
    pub fn is_clean(&self) -> bool {
        self.differences.is_empty() && self.conservation_holds && self.damage.is_none() && self.parked == 0
    }
}

/// What was built anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rebuild {
    /// Sequence of the last entry.
    pub sequence: u64,
    /// Entries that were read.
    pub entries: u64,
    /// Events that were read, those of the registry included.
    pub events: u64,
    /// Generation of the tables.
    pub generation: i64,
}

/// A row that is not what the journal says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Difference {
    /// The table; `balances` for what the domain's own fold says.
    pub table: String,
    /// The row's key.
    pub key: String,
    /// The row as it is in the tables, as JSON; none if it is missing there.
    pub live: Option<String>,
    /// The row as the journal says, as JSON; none if it should not be there.
    pub replayed: Option<String>,
}

/// Compares the tables with the journal, row by row, and with the domain's own fold of it. `progress` hears how far it is: the
/// sequence, and the last one. The projector is held back for the moment of the comparison itself.
pub async fn verify(journal: &Journal, settings: &Settings, mut progress: impl FnMut(u64, u64) + Send) -> Result<Report, Error> {
    let beside = Beside::of(settings, "verify").await?;
    let outcome = compare(journal, settings, &beside.settings, &mut progress).await;
    beside.drop().await?;
    outcome
}

async fn compare(
    journal: &Journal,
    settings: &Settings,
    fresh: &Settings,
    progress: &mut (impl FnMut(u64, u64) + Send),
) -> Result<Report, Error> {
    let mut live = database::keeping_connection(settings).await?;
    let mut rebuilt = Rebuilt::begin(journal, fresh, true).await?;
    if let Some(damage) = rebuilt.follow(&live, progress).await? {
        return Ok(Report { damage: Some(damage), ..rebuilt.report() });
    }
    // The projector waits for this row: both sides stand still at one place.
    let transaction = live.transaction().await?;
    transaction.execute("SELECT FROM checkpoint FOR UPDATE", &[]).await?;
    let goal = database::checkpoint(&*transaction).await?.ok_or(Error::Empty)?;
    if let Some(damage) = rebuilt.up_to(&goal, progress).await? {
        return Ok(Report { damage: Some(damage), ..rebuilt.report() });
    }
    let mut report = rebuilt.report();
    // How far flows are rolled up depends on when it was done. Here it is all of them, on both sides; what was done is undone below.
    for schema in [&fresh.schema, &settings.schema] {
        transaction.batch_execute(&format!("SET LOCAL search_path = \"{schema}\"")).await?;
        let (rolled, goal) = (roll::hold(&transaction).await?, i64::try_from(goal.sequence).unwrap_or(i64::MAX));
        if rolled < goal {
            roll::roll(&transaction, rolled, goal, &roll::Turn::default()).await?;
        }
    }
    // Rows are compared by hash, in memory where they fit.
    transaction.batch_execute("SET LOCAL work_mem = '256MB'; SET LOCAL hash_mem_multiplier = 2").await?;
    // The generation counts rebuilds; it is all that the journal does not say.
    let tables = "SELECT c.relname::text, array_agg(quote_ident(a.attname) ORDER BY a.attnum),
                         coalesce(array_agg(a.attname::text ORDER BY a.attnum) FILTER (WHERE a.attnum = ANY (i.indkey)), '{}')
                  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                  LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
                  WHERE n.nspname = $1 AND c.relkind = 'r' AND c.relname <> 'refinery_schema_history'
                        AND (c.relname, a.attname) <> ('checkpoint', 'generation')
                  GROUP BY 1 ORDER BY 1";
    for table in transaction.query(tables, &[&settings.schema]).await? {
        let (name, columns, keys): (String, Vec<String>, Vec<String>) = (table.try_get(0)?, table.try_get(1)?, table.try_get(2)?);
        let columns = columns.join(", ");
        let mut rows: BTreeMap<String, (Option<String>, Option<String>)> = BTreeMap::new();
        for (side, here, there) in [(0, &settings.schema, &fresh.schema), (1, &fresh.schema, &settings.schema)] {
            let sql = format!(
                "SELECT row::text, (SELECT string_agg(row ->> key, ' ' ORDER BY place)
                                    FROM unnest($1::text[]) WITH ORDINALITY AS keys (key, place))
                 FROM (SELECT to_jsonb(differing) AS row FROM (
                           SELECT {columns} FROM \"{here}\".{name} EXCEPT ALL SELECT {columns} FROM \"{there}\".{name}
                       ) AS differing) AS other
                 ORDER BY 2, 1 LIMIT $2"
            );
            for row in transaction.query(&sql, &[&keys, &LISTED]).await? {
                let (row, key): (String, Option<String>) = (row.try_get(0)?, row.try_get(1)?);
                let sides = rows.entry(key.unwrap_or_default()).or_default();
                if side == 0 { sides.0 = Some(row) } else { sides.1 = Some(row) }
            }
        }
        report.differences.extend(rows.into_iter().map(|(key, (live, replayed))| Difference {
            table: name.clone(),
            key,
            live,
            replayed,
        }));
    }
    report.differences.extend(rebuilt.balances(&transaction).await?);
    report.conservation_holds = transaction.query(UNBALANCED, &[]).await?.is_empty();
    let parked: i64 = transaction.query_one("SELECT count(*) FROM parked", &[]).await?.try_get(0)?;
    report.parked = parked.unsigned_abs();
    transaction.rollback().await?;
    Ok(report)
}

/// Builds the tables anew beside those that are read, and puts them in their place in one transaction. Queries never stop; a
/// projector that was under way reads the new checkpoint and goes on from there.
pub async fn rebuild(
    journal: &Journal,
    settings: &Settings,
    mut progress: impl FnMut(u64, u64) + Send,
) -> Result<Rebuild, Error> {
    let beside = Beside::of(settings, "rebuild").await?;
    let outcome = replace(journal, settings, &beside.settings, &mut progress).await;
    // After the switch this name holds the old tables.
    beside.drop().await?;
    outcome
}

async fn replace(
    journal: &Journal,
    settings: &Settings,
    fresh: &Settings,
    progress: &mut (impl FnMut(u64, u64) + Send),
) -> Result<Rebuild, Error> {
    let mut live = database::connection(settings).await?;
    let mut rebuilt = Rebuilt::begin(journal, fresh, false).await?;
    let damaged = |reason| Error::Damaged { sequence: 0, reason };
    rebuilt.follow(&live, progress).await?.map_or(Ok(()), |reason| Err(damaged(reason)))?;
    let transaction = live.transaction().await?;
    transaction.execute("SELECT FROM checkpoint FOR UPDATE", &[]).await?;
    let goal = database::checkpoint(&transaction).await?.ok_or(Error::Empty)?;
    rebuilt.up_to(&goal, progress).await?.map_or(Ok(()), |reason| Err(damaged(reason)))?;
    let (old, new) = (&settings.schema, &fresh.schema);
    // Both are of a new generation: a projector that waits for the old row may not write to tables that are leaving.
    transaction
        .batch_execute(&format!(
            "UPDATE \"{new}\".checkpoint SET generation = {generation}; UPDATE \"{old}\".checkpoint SET generation = {generation}; {}",
            exchange(old, new),
            generation = goal.generation + 1
        ))
        .await?;
    transaction.commit().await?;
    Ok(Rebuild { sequence: goal.sequence, entries: rebuilt.entries, events: rebuilt.events, generation: goal.generation + 1 })
}

/// Fills tables that hold nothing yet with what the journal holds by now, beside them and in bulk: whoever asks meanwhile hears that
/// there is nothing, as before. Leaves to the writer what it cannot take, and everything where another was first.
pub(crate) async fn fill(journal: &Journal, settings: &Settings) -> Result<(), Error> {
    let beside = Beside::of(settings, "fill").await?;
    let outcome = fill_beside(journal, settings, &beside.settings).await;
    beside.drop().await?;
    outcome
}

async fn fill_beside(journal: &Journal, settings: &Settings, fresh: &Settings) -> Result<(), Error> {
    database::migrate(fresh).await?;
    let (mut loader, mut replay) = (Loader::begin(fresh, false).await?, Replay::of(journal));
    let last = journal.last_sequence().await?;
    'reading: while loader.last().is_none_or(|reached| reached.sequence < last) {
        // Damage and stale entries at the end are for the writer to come upon.
        let entries = match replay.next(last).await {
            Ok(entries) if !entries.is_empty() => entries,
            Ok(_) => break,
            Err(error) if error.is_final() => break,
            Err(error) => return Err(error),
        };
        for batch in batches(&entries, FOLDED) {
            if loader.take(batch).await? < batch.len() {
                break 'reading;
            }
        }
    }
    loader.finish().await?;
    let mut live = database::connection(settings).await?;
    let transaction = live.transaction().await?;
    transaction.batch_execute("LOCK TABLE checkpoint IN EXCLUSIVE MODE").await?;
    if database::checkpoint(&transaction).await?.is_none() {
        transaction.batch_execute(&exchange(&settings.schema, &fresh.schema)).await?;
        transaction.commit().await?;
    }
    Ok(())
}

/// Puts the tables of one schema in the place of another's, and those in its place.
fn exchange(old: &str, new: &str) -> String {
    format!(
        "SET LOCAL synchronous_commit = on; ALTER SCHEMA \"{old}\" RENAME TO \"{new}_old\";
         ALTER SCHEMA \"{new}\" RENAME TO \"{old}\"; ALTER SCHEMA \"{new}_old\" RENAME TO \"{new}\""
    )
}

/// A schema beside the live one, of nobody else as long as this connection lives.
struct Beside {
    settings: Settings,
    client: Client,
}

impl Beside {
    /// Names one, and drops those that programs left that were killed.
    async fn of(settings: &Settings, purpose: &str) -> Result<Beside, Error> {
        let client = database::connection(settings).await?;
        let left = "SELECT nspname::text FROM pg_namespace
                    WHERE nspname ~ '^(verify|rebuild|fill)_[0-9a-f]{32}$' AND pg_try_advisory_lock(hashtext(nspname))";
        for row in client.query(left, &[]).await? {
            let schema: String = row.try_get(0)?;
            tracing::info!(schema, "dropping tables that were left behind");
            // PostgreSQL may still be at work on them for a program that is gone: the next who comes drops them then.
            if let Err(error) = client.batch_execute(&format!("DROP SCHEMA IF EXISTS \"{schema}\" CASCADE")).await {
                tracing::info!(schema, error = &error as &dyn std::error::Error, "they stay for now");
            }
        }
        let schema = format!("{purpose}_{}", Uuid::now_v7().simple());
        client.execute("SELECT pg_advisory_unlock_all(), pg_advisory_lock(hashtext($1))", &[&schema]).await?;
        Ok(Beside { settings: settings.in_schema(&schema), client })
    }

    async fn drop(self) -> Result<(), Error> {
        self.client.batch_execute(&format!("DROP SCHEMA IF EXISTS \"{}\" CASCADE", self.settings.schema)).await?;
        Ok(())
    }
}

/// Tables that are built anew, and, where it is asked for, the domain's own fold beside them.
struct Rebuilt {
    replay: Replay,
    tables: Tables,
    state: Option<State>,
    /// Whether the domain folds along.
    folds: bool,
    entries: u64,
    events: u64,
}

/// First filled in bulk, then written like live ones.
enum Tables {
    Loading(Box<Loader>),
    Written(Box<Writer>),
    /// Nothing more can be done with them.
    Lost,
}

impl Rebuilt {
    async fn begin(journal: &Journal, fresh: &Settings, folds: bool) -> Result<Rebuilt, Error> {
        database::migrate(fresh).await?;
        // What is compared is thrown away.
        let tables = Tables::Loading(Box::new(Loader::begin(fresh, folds).await?));
        Ok(Rebuilt { replay: Replay::of(journal), tables, state: None, folds, entries: 0, events: 0 })
    }

    fn sequence(&self) -> u64 {
        match &self.tables {
            Tables::Loading(loader) => loader.last().map_or(0, |last| last.sequence),
            Tables::Written(writer) => writer.checkpoint().map_or(0, |checkpoint| checkpoint.sequence),
            Tables::Lost => 0,
        }
    }

    /// Journal and hash of the last entry.
    fn reached(&self) -> Option<(Uuid, [u8; 32])> {
        match &self.tables {
            Tables::Loading(loader) => loader.last().map(|last| (last.journal, last.hash)),
            Tables::Written(writer) => writer.checkpoint().map(|checkpoint| (checkpoint.journal, checkpoint.hash)),
            Tables::Lost => None,
        }
    }

    fn report(&self) -> Report {
        let stale = self.replay.stale().to_vec();
        Report { sequence: self.sequence(), entries: self.entries, events: self.events, stale, ..Report::default() }
    }

    /// Comes ever closer behind the live tables, which go on meanwhile: the bulk in memory, what came since like any projector.
    async fn follow(&mut self, live: &Client, progress: &mut (impl FnMut(u64, u64) + Send)) -> Result<Option<String>, Error> {
        for round in 1..=ROUNDS {
            let goal = database::checkpoint(live).await?.ok_or(Error::Empty)?;
            let is_near = goal.sequence <= self.sequence() + NEAR;
            if let Some(damage) = self.up_to(&goal, progress).await? {
                return Ok(Some(damage));
            }
            match self.tables {
                Tables::Loading(_) if is_near || round > ROUNDS / 2 => self.finish_loading().await?,
                Tables::Written(_) if is_near => return Ok(None),
                _ => {}
            }
        }
        Ok(None)
    }

    /// Reads on to where a checkpoint stands, and no further. What is wrong with the journal comes as text.
    async fn up_to(&mut self, goal: &Checkpoint, progress: &mut (impl FnMut(u64, u64) + Send)) -> Result<Option<String>, Error> {
        let mut heard = Instant::now();
        while self.sequence() < goal.sequence {
            let entries = match self.replay.next(goal.sequence).await {
                Ok(entries) => entries,
                Err(error) if error.is_final() => return Ok(Some(error.to_string())),
                Err(error) => return Err(error),
            };
            if entries.is_empty() {
                if self.replay.is_beyond() {
                    let last = self.sequence();
                    return Ok(Some(format!(
                        "the tables stand at entry {}, which is no live entry; the last before it is {last}",
                        goal.sequence
                    )));
                }
                if heard.elapsed() > PATIENCE {
                    return Ok(Some(format!(
                        "the journal gives nothing after entry {}, the tables stand at {}",
                        self.sequence(),
                        goal.sequence
                    )));
                }
                continue;
            }
            heard = Instant::now();
            self.take(&entries).await?;
            entries.iter().for_each(|numbered| self.fold(numbered));
            progress(self.sequence(), goal.sequence);
        }
        if self.reached().is_some_and(|reached| reached != (goal.journal, goal.hash)) {
            return Ok(Some(format!("entry {} of the journal is not the one that the tables were built from", goal.sequence)));
        }
        Ok(None)
    }

    async fn take(&mut self, entries: &[Numbered]) -> Result<(), Error> {
        let mut rest = entries;
        if let Tables::Loading(loader) = &mut self.tables {
            for batch in batches(entries, FOLDED) {
                let taken = loader.take(batch).await?;
                rest = &rest[taken..];
                if taken < batch.len() {
                    self.finish_loading().await?;
                    break;
                }
            }
        }
        if let Tables::Written(writer) = &mut self.tables {
            for batch in batches(rest, EVENTS) {
                writer.apply(batch).await?;
            }
        }
        Ok(())
    }

    /// Writes what is summed in memory, and the indexes: the tables can be compared, read and written on.
    async fn finish_loading(&mut self) -> Result<(), Error> {
        self.tables = match std::mem::replace(&mut self.tables, Tables::Lost) {
            Tables::Loading(loader) => Tables::Written(Box::new(loader.finish().await?)),
            other => other,
        };
        Ok(())
    }

    fn fold(&mut self, numbered: &Numbered) {
        self.entries += 1;
        self.events += numbered.entry.commands.iter().map(|command| command.events.len() as u64).sum::<u64>();
        if !self.folds {
            return;
        }
        if let Some(genesis) = &numbered.entry.genesis {
            self.state = State::begin(genesis).ok();
        }
        if let Some(state) = &mut self.state {
            state.evolve_entry(&numbered.entry);
        }
    }

    /// Where the tables' balances are not those of the domain's own fold.
    async fn balances(&self, transaction: &tokio_postgres::Transaction<'_>) -> Result<Vec<Difference>, Error> {
        let mut balances: BTreeMap<String, (Option<i64>, Option<i64>)> = BTreeMap::new();
        let sql = "SELECT site_code, lot_id, quantity_milli FROM stock
                   UNION ALL SELECT 'shipment ' || shipment_id, lot_id, open_milli FROM shipment_lines WHERE open_milli <> 0";
        for row in transaction.query(sql, &[]).await? {
            let (place, lot): (String, Uuid) = (row.try_get(0)?, row.try_get(1)?);
            balances.entry(format!("{place} lot {lot}")).or_default().0 = Some(row.try_get(2)?);
        }
        for (lot, place, quantity) in self.state.iter().flat_map(State::balances) {
            let place = match place {
                Place::Site(site) => site.to_string(),
                Place::Shipment(shipment) => format!("shipment {shipment}"),
                Place::Outside(_) => continue,
            };
            balances.entry(format!("{place} lot {lot}")).or_default().1 = Some(quantity.0);
        }
        let differing = balances.into_iter().filter(|(_, (live, folded))| live != folded);
        let listed = usize::try_from(LISTED).unwrap_or(usize::MAX);
        let difference = |(key, (live, folded)): (String, (Option<i64>, Option<i64>))| Difference {
            table: "balances".into(),
            key,
            live: live.map(|quantity| quantity.to_string()),
            replayed: folded.map(|quantity| quantity.to_string()),
        };
        Ok(differing.take(listed).map(difference).collect())
    }
}
