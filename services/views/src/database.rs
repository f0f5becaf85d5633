//! PostgreSQL: connections, migrations, and the checkpoint that says how far into the journal the tables are.

use crate::Error;
pub use crate::fold::Tally;
use crate::fold::{Batch, Numbered};
use crate::{codes, notices, orders, registry, safety, shipments, stock, throughput, trace};
use deadpool_postgres::{ClientWrapper, Manager, ManagerConfig, Pool, RecyclingMethod, Runtime, Transaction};
use futures::future::join_all;
use std::pin::{Pin, pin};
use std::time::{Duration, SystemTime};
use tokio_postgres::types::ToSql;
use tokio_postgres::{AsyncMessage, Client, NoTls, Row, Statement};
use uuid::Uuid;

mod migrations {
    refinery::embed_migrations!("../../migrations");
}

/// How to reach PostgreSQL.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `postgres://user:password@host:port/database`, or `key=value` words; a socket's folder as `host`.
    pub url: String,
    /// Schema that holds the tables.
    pub schema: String,
    /// Connections at most.
    pub connections: usize,
}

impl Settings {
    /// Settings for this URL: schema `chuoi`, 8 connections.
    pub fn of(url: impl Into<String>) -> Settings {
        Settings { url: url.into(), schema: "chuoi".into(), connections: 8 }
    }

    /// The same, of another schema.
    pub(crate) fn in_schema(&self, schema: &str) -> Settings {
        Settings { schema: schema.to_owned(), ..self.clone() }
    }

    fn config(&self) -> Result<tokio_postgres::Config, Error> {
        let named = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
        if self.schema.is_empty() || self.schema.len() > 63 || !self.schema.bytes().all(named) {
            return Err(Error::Settings(format!("schema {:?}; allowed: up to 63 of a-z, 0-9 and _", self.schema)));
        }
        let mut config: tokio_postgres::Config = self.url.parse().map_err(|error| Error::Settings(format!("{error}")))?;
        let options = config.get_options().map(|options| format!("{options} ")).unwrap_or_default();
        // Durable is what the journal is; a view that a crash sets back a moment is caught up by the checkpoint.
        // A report over a month sums hundreds of thousands of groups: in memory, and not sorted on disk.
        let memory = "-cjit=off -cwork_mem=64MB";
        config.options(format!("{options}-csearch_path=\"{}\" -csynchronous_commit=off {memory}", self.schema));
        config.application_name("chuoi").connect_timeout(Duration::from_secs(5));
        Ok(config)
    }
}

/// A pool of connections; opens them when they are needed.
pub fn connect(settings: &Settings) -> Result<Pool, Error> {
    let manager = Manager::from_config(settings.config()?, NoTls, ManagerConfig { recycling_method: RecyclingMethod::Fast });
    Pool::builder(manager)
        .max_size(settings.connections)
        .runtime(Runtime::Tokio1)
        .wait_timeout(Some(Duration::from_secs(5)))
        .create_timeout(Some(Duration::from_secs(10)))
        .build()
        .map_err(|error| Error::Settings(error.to_string()))
}

/// A connection of its own.
pub(crate) async fn connection(settings: &Settings) -> Result<Client, Error> {
    Ok(open(settings).await?.0)
}

/// A connection of its own that keeps the statements that were prepared.
pub(crate) async fn writing_connection(settings: &Settings) -> Result<ClientWrapper, Error> {
    let client = keeping_connection(settings).await?;
    // A batch looks each row up by its key, however large the tables are and whatever their statistics say; planned once.
    client
        .batch_execute(
            "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off",
        )
        .await?;
    Ok(client)
}

/// The same, planned as PostgreSQL sees fit.
pub(crate) async fn keeping_connection(settings: &Settings) -> Result<ClientWrapper, Error> {
    let (client, task) = open(settings).await?;
    Ok(ClientWrapper::new(client, task))
}

async fn open(settings: &Settings) -> Result<(Client, tokio::task::JoinHandle<()>), Error> {
    let (client, connection) = settings.config()?.connect(NoTls).await?;
    let task = tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::warn!(%error, "lost a connection to PostgreSQL");
        }
    });
    Ok((client, task))
}

/// Says, when the transaction commits, how far the tables are then.
async fn tell(transaction: &Transaction<'_>, sequence: u64) -> Result<(), Error> {
    execute(transaction, "SELECT pg_notify(current_schema()::text, $1)", &[&sequence.to_string()]).await?;
    Ok(())
}

/// Hears how far the tables are as soon as a projector has written, on a connection of its own, as long as that holds and `heard`
/// wants to hear more. Asks it now and then with nothing new.
pub(crate) async fn hear(settings: &Settings, mut heard: impl FnMut(Option<u64>) -> bool) -> Result<(), Error> {
    let (client, mut connection) = settings.config()?.connect(NoTls).await?;
    let listen = format!("LISTEN \"{}\"", settings.schema);
    let (mut asking, mut hears) = (pin!(client.batch_execute(&listen)), false);
    loop {
        let message = std::future::poll_fn(|context| connection.poll_message(context));
        let sequence = tokio::select! {
            asked = &mut asking, if !hears => {
                asked?;
                hears = true;
                None
            }
            message = message => match message.transpose()? {
                None => return Ok(()),
                Some(AsyncMessage::Notification(told)) => told.payload().parse().ok(),
                Some(_) => continue,
            },
            () = tokio::time::sleep(HEARS) => None,
        };
        if hears && !heard(sequence) {
            return Ok(());
        }
    }
}

/// How often whoever hears nothing is asked whether to go on.
const HEARS: Duration = Duration::from_secs(1);

/// Brings the tables to this program's version. Two programs that start at once take turns.
pub async fn migrate(settings: &Settings) -> Result<(), Error> {
    let mut client = connection(settings).await?;
    // On disk: no entry makes a lost table again.
    client
        .batch_execute(&format!(
            "SET synchronous_commit = on; SELECT pg_advisory_lock({MIGRATING}); CREATE SCHEMA IF NOT EXISTS \"{}\"",
            settings.schema
        ))
        .await?;
    let report = migrations::migrations::runner().run_async(&mut client).await?;
    for applied in report.applied_migrations() {
        tracing::info!(migration = %applied, schema = settings.schema, "migrated the views");
    }
    client.batch_execute(&format!("SELECT pg_advisory_unlock({MIGRATING})")).await?;
    Ok(())
}

/// How many migrations this program has: the number of the last.
pub(crate) fn known_migrations() -> i32 {
    migrations::migrations::runner().get_migrations().iter().map(|migration| migration.version()).max().unwrap_or(0)
}

/// Any number that nobody else locks.
const MIGRATING: i64 = 0x6368_756f_6931;

/// How far into the journal the tables are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Goes up whenever the tables are rebuilt.
    pub generation: i64,
    /// The journal.
    pub journal: Uuid,
    /// The last entry that is folded.
    pub sequence: u64,
    /// SHA-256 of its payload.
    pub hash: [u8; 32],
    /// When the journal took it.
    pub record_time: SystemTime,
    /// Zone of the business days.
    pub business_time_zone: String,
    /// How much is folded.
    pub tally: Tally,
}

/// Columns of a checkpoint in the order in which its row is read.
pub(crate) const CHECKPOINT_COLUMNS: &str = "generation, journal_id, checkpoint.sequence, hash, record_time, business_time_zone,
    entry_count, command_count, event_count, registry_event_count";

/// The checkpoint; none where nothing was folded yet.
pub async fn checkpoint(client: &impl tokio_postgres::GenericClient) -> Result<Option<Checkpoint>, Error> {
    let row = client.query_opt(&format!("SELECT {CHECKPOINT_COLUMNS} FROM checkpoint"), &[]).await?;
    row.as_ref().map(Checkpoint::of).transpose()
}

impl Checkpoint {
    /// Of a row that begins with its columns.
    pub(crate) fn of(row: &Row) -> Result<Checkpoint, Error> {
        let hash: Vec<u8> = row.try_get(3)?;
        Ok(Checkpoint {
            generation: row.try_get(0)?,
            journal: row.try_get(1)?,
            sequence: row.try_get::<_, i64>(2)?.unsigned_abs(),
            // The table's CHECK allows nothing else.
            hash: hash.try_into().unwrap_or_default(),
            record_time: row.try_get(4)?,
            business_time_zone: row.try_get(5)?,
            tally: Tally {
                entries: row.try_get(6)?,
                commands: row.try_get(7)?,
                events: row.try_get(8)?,
                registry_events: row.try_get(9)?,
            },
        })
    }
}

/// Writes a batch and moves the checkpoint from where it was to the last of the batch's entries.
pub(crate) async fn write(
    transaction: &Transaction<'_>,
    before: Option<&Checkpoint>,
    last: &Numbered,
    batch: &Batch,
) -> Result<Checkpoint, Error> {
    let after = move_checkpoint(transaction, before, last, batch).await?;
    registry::write::write(transaction, &batch.registry).await?;
    // None of these reads what another writes: sent side by side, they wait for each other at PostgreSQL and not on the way.
    let lots_then_sums = async {
        let begun = stock::write::write_lots(transaction, &batch.stock, &batch.moving_lots()).await?;
        side_by_side([
            Box::pin(stock::write::write_totals(transaction, &batch.stock, &begun)),
            Box::pin(throughput::write::write(transaction, &batch.throughput, &begun)),
        ])
        .await
    };
    side_by_side([
        Box::pin(lots_then_sums),
        Box::pin(stock::write::write(transaction, &batch.stock)),
        Box::pin(shipments::write::write(transaction, &batch.shipments)),
        Box::pin(tell(transaction, after.sequence)),
    ])
    .await?;
    // What is copied waits for its turn: the driver loses a connection whose COPY is refused for a failure before it.
    trace::write::write(transaction, &batch.trace).await?;
    safety::write::write(transaction, &batch.safety).await?;
    orders::write::write(transaction, &batch.orders).await?;
    codes::write::write(transaction, &batch.codes).await?;
    notices::write::write(transaction, &batch.notices).await?;
    write_parked(transaction, batch).await?;
    Ok(after)
}

/// Writes what a batch left out.
pub(crate) async fn write_parked(transaction: &Transaction<'_>, batch: &Batch) -> Result<(), Error> {
    for command in &batch.parked {
        let sequence = i64::try_from(command.parked.sequence).unwrap_or(i64::MAX);
        let (index, events) = (as_int(command.parked.command_index), as_int(command.events));
        execute(
            transaction,
            "INSERT INTO parked (sequence, command_index, organization_code, command_id, event_count, event_names, reason)
                 VALUES ($1, $2, $3, $4, $5, $6, $7)",
            &[&sequence, &index, &command.organization, &command.command, &events, &command.names, &command.parked.reason],
        )
        .await?;
    }
    for (lot, site) in &batch.doubtful {
        let site = site.as_ref().map_or("", |site| site.as_str());
        execute(transaction, "INSERT INTO doubtful (lot_id, site_code) VALUES ($1, $2) ON CONFLICT DO NOTHING", &[&lot.0, &site])
            .await?;
    }
    Ok(())
}

/// First of all: whoever waits here for another projector finds the checkpoint moved, and writes nothing.
pub(crate) async fn move_checkpoint(
    transaction: &Transaction<'_>,
    before: Option<&Checkpoint>,
    last: &Numbered,
    batch: &Batch,
) -> Result<Checkpoint, Error> {
    let tally = before.map(|before| before.tally).unwrap_or_default();
    let after = Checkpoint {
        generation: before.map_or(1, |before| before.generation),
        journal: last.journal,
        sequence: last.sequence,
        hash: last.hash,
        record_time: crate::system_time(last.entry.record_time),
        business_time_zone: match (&batch.business_time_zone, before) {
            (Some(zone), _) => zone.clone(),
            (None, Some(before)) => before.business_time_zone.clone(),
            (None, None) => {
                return Err(Error::Damaged { sequence: last.sequence, reason: "the journal has no genesis entry".into() });
            }
        },
        tally: tally.plus(batch.tally),
    };
    let sequence = i64::try_from(after.sequence).unwrap_or(i64::MAX);
    let hash = after.hash.as_slice();
    let Tally { entries, commands, events, registry_events } = after.tally;
    let moved =
        match before {
            None => execute(
                transaction,
                "INSERT INTO checkpoint (generation, journal_id, sequence, hash, record_time, business_time_zone, entry_count,
                                             command_count, event_count, registry_event_count)
                     VALUES (1, $1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING",
                &[
                    &after.journal,
                    &sequence,
                    &hash,
                    &after.record_time,
                    &after.business_time_zone,
                    &entries,
                    &commands,
                    &events,
                    &registry_events,
                ],
            )
            .await?,
            Some(before) => {
                let (from, from_hash) = (i64::try_from(before.sequence).unwrap_or(i64::MAX), before.hash.as_slice());
                execute(
                    transaction,
                    "UPDATE checkpoint SET sequence = $1, hash = $2, record_time = $3, entry_count = $4, command_count = $5,
                            event_count = $6, registry_event_count = $7
                     WHERE generation = $8 AND journal_id = $9 AND sequence = $10 AND hash = $11",
                    &[
                        &sequence,
                        &hash,
                        &after.record_time,
                        &entries,
                        &commands,
                        &events,
                        &registry_events,
                        &before.generation,
                        &after.journal,
                        &from,
                        &from_hash,
                    ],
                )
                .await?
            }
        };
    if moved == 1 { Ok(after) } else { Err(Error::Superseded(before.map_or(0, |before| before.sequence))) }
}

/// A sum as PostgreSQL holds it.
pub(crate) fn big(sum: i128) -> Result<i64, Error> {
    i64::try_from(sum)
        .map_err(|_| Error::Unfoldable(format!("a sum of {sum} thousandths does not fit; allowed: up to {}", i64::MAX)))
}

/// Executes a statement, prepared once.
pub(crate) async fn execute(transaction: &Transaction<'_>, sql: &str, values: &[&(dyn ToSql + Sync)]) -> Result<u64, Error> {
    let statement = transaction.prepare_cached(sql).await?;
    Ok(transaction.execute(&statement, values).await?)
}

/// A part of what a transaction does.
type Part<'a> = Pin<Box<dyn Future<Output = Result<(), Error>> + Send + 'a>>;

/// Does parts of a transaction without waiting for one before the next is sent. They are sent in their order as far as they are
/// prepared, and done in the order in which they are sent.
pub(crate) async fn side_by_side<const N: usize>(parts: [Part<'_>; N]) -> Result<(), Error> {
    let errors = join_all(parts).await.into_iter().filter_map(Result::err);
    // Once one has failed, PostgreSQL refuses all that come after it in the transaction.
    let rank = |error: &Error| (error.is_of_an_aborted_transaction(), !matches!(error, Error::Unfoldable(_)));
    errors.min_by_key(rank).map_or(Ok(()), Err)
}

/// Executes a prepared statement.
pub(crate) async fn run(
    transaction: &Transaction<'_>,
    statement: &Statement,
    values: &[&(dyn ToSql + Sync)],
) -> Result<(), Error> {
    transaction.execute(statement, values).await?;
    Ok(())
}

/// Fails with what the row says that a query finds, if it finds any: where a batch would break a promise of the tables. What is sent
/// after it, without waiting for its answer, PostgreSQL does after it.
pub(crate) async fn refuse(
    transaction: &Transaction<'_>,
    broken: &Statement,
    values: &[&(dyn ToSql + Sync)],
    said: impl FnOnce(Row) -> Result<Error, Error>,
) -> Result<(), Error> {
    match transaction.query_opt(broken, values).await? {
        Some(row) => Err(said(row)?),
        None => Ok(()),
    }
}

fn as_int(value: usize) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}
