//! Fills empty tables from the journal's beginning: events and movements are copied as they are read, everything that adds up is
//! summed in memory and written once, and indexes are built last. What comes of it is what the [`Writer`] makes of the same
//! entries, row by row. The memory it takes grows with lots, shipments and flows, not with events.

use crate::copy::Rows;
use crate::database::{self, Settings, Tally};
use crate::fold::{Batch, Numbered, Parked, fold};
use crate::trace::write::Appended;
use crate::{Error, Writer};
use crate::{codes, notices, orders, registry, safety, shipments, stock, throughput};
use deadpool_postgres::ClientWrapper;
use domain::entry::Entry;
use std::collections::HashMap;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Bytes of rows that are sent at once, and rows of a table of sums: each time is a statement, which smaller pieces pay for.
const SENT_BYTES: usize = 2 << 20;
const SENT_ROWS: usize = 20_000;
/// Tables that connections fill side by side, each with its own share.
const SHARES: [&[&str]; 3] = [
    &["events"],
    &[
        "movements",
        "counts",
        "reversals",
        "event_lots",
        "blocks",
        "block_lots",
        "releases",
        "acknowledgements",
        "discrepancies",
        "resolutions",
        "packings",
        "orders",
        "order_lines",
        "order_closings",
        "order_shipments",
        "codes",
        "code_revocations",
        "code_scans",
        "notices",
    ],
    &[
        "lots",
        "stock",
        "stock_totals",
        "outside",
        "shipments",
        "shipment_lines",
        "flow_daily",
        "flow_monthly",
        "goods_daily",
        "goods_monthly",
        "dispatch_daily",
        "dispatch_monthly",
        "chain_days",
    ],
];

/// Why a batch cannot be taken.
#[derive(Debug)]
pub enum Obstacle {
    /// It breaks what the tables promise.
    Refused(Error),
    /// PostgreSQL would refuse it, in words of its own.
    Unclear,
}

/// Rows, and the table and columns that they go into.
pub type Piece = (Rows, &'static str);

/// The rows of a table, a piece at a time: all at once take the memory of the sums again. In the order of their keys indexes are
/// built fastest.
pub fn pieces<T>(
    into: &'static str,
    columns: i16,
    all: Vec<T>,
    put: impl Fn(&mut Rows, &T) -> Result<(), Error>,
) -> impl Iterator<Item = Result<Piece, Error>> {
    (0..all.len()).step_by(SENT_ROWS).map(move |from| {
        let mut rows = Rows::of(columns);
        all.iter().skip(from).take(SENT_ROWS).try_for_each(|row| put(rows.row(), row))?;
        Ok((rows, into))
    })
}

/// What a table holds, in the order of its keys.
pub fn sorted<K: Ord, V>(table: &HashMap<K, V>) -> Vec<(&K, &V)> {
    let mut all: Vec<_> = table.iter().collect();
    all.sort_unstable_by_key(|(key, _)| *key);
    all
}

/// A sum as PostgreSQL holds it.
pub fn fits(sum: i128) -> Result<i64, Obstacle> {
    i64::try_from(sum).map_err(|_| Obstacle::Unclear)
}

/// Fills the tables of a schema that nobody else knows.
pub struct Loader {
    settings: Settings,
    /// For what is written as it comes: few rows.
    client: ClientWrapper,
    copies: [Copy; 3],
    appended: Appended,
    safety: safety::write::Appended,
    orders: orders::write::Appended,
    codes: codes::write::Appended,
    notices: notices::write::Appended,
    sums: Sums,
    tally: Tally,
    business_time_zone: Option<String>,
    last: Option<Numbered>,
}

#[derive(Default)]
struct Sums {
    stock: stock::load::Tables,
    shipments: shipments::load::Tables,
    throughput: throughput::load::Tables,
}

impl Sums {
    fn check(&self, batch: &Batch) -> Result<(), Obstacle> {
        self.stock.check(&batch.stock, &batch.moving_lots())?;
        self.shipments.check(&batch.shipments)
    }
}

impl Loader {
    /// For the tables of these settings, which are migrated and empty. Tables that are thrown away again need no log.
    pub async fn begin(settings: &Settings, unlogged: bool) -> Result<Loader, Error> {
        let client = database::writing_connection(settings).await?;
        if unlogged {
            for table in SHARES.concat() {
                client.batch_execute(&format!("ALTER TABLE {table} SET UNLOGGED")).await?;
            }
        }
        let mut copies = Vec::new();
        for tables in SHARES {
            copies.push(Copy::begin(settings, tables).await?);
        }
        Ok(Loader {
            settings: settings.clone(),
            client,
            // As many as there are shares.
            copies: copies.try_into().unwrap_or_else(|_| unreachable!("one copy for each share")),
            appended: Appended::default(),
            safety: safety::write::Appended::default(),
            orders: orders::write::Appended::default(),
            codes: codes::write::Appended::default(),
            notices: notices::write::Appended::default(),
            sums: Sums::default(),
            tally: Tally::default(),
            business_time_zone: None,
            last: None,
        })
    }

    /// Where the last entry that was taken stands, without what it records.
    pub fn last(&self) -> Option<&Numbered> {
        self.last.as_ref()
    }

    /// Takes entries, in order; how many. Where it stops, the rest is for the writer, for ever: call [`Loader::finish`].
    pub async fn take(&mut self, entries: &[Numbered]) -> Result<usize, Error> {
        let mut taken = 0;
        while taken < entries.len() {
            let mut some = &entries[taken..];
            loop {
                let batch = fold(some, &[]);
                match (self.sums.check(&batch), some) {
                    (Ok(()), _) => {
                        self.apply(some, batch).await?;
                        break;
                    }
                    (Err(_), [one]) => {
                        let Some(batch) = self.part_by_part(one) else { return Ok(taken) };
                        self.apply(some, batch).await?;
                        break;
                    }
                    // Halved until the entry at fault is found.
                    (Err(_), more) => some = &more[..more.len() / 2],
                }
            }
            taken += some.len();
        }
        Ok(taken)
    }

    /// An entry without the commands that cannot be folded; none if only PostgreSQL could say why.
    fn part_by_part(&self, entry: &Numbered) -> Option<Batch> {
        let mut parked: Vec<Parked> = Vec::new();
        for command_index in 0..entry.entry.commands.len() {
            let mut beginning = entry.clone();
            beginning.entry.commands.truncate(command_index + 1);
            match self.sums.check(&fold(std::slice::from_ref(&beginning), &parked)) {
                Ok(()) => {}
                Err(Obstacle::Refused(why)) => {
                    parked.push(Parked { sequence: entry.sequence, command_index, reason: why.to_string() });
                }
                Err(Obstacle::Unclear) => return None,
            }
        }
        Some(fold(std::slice::from_ref(entry), &parked))
    }

    async fn apply(&mut self, entries: &[Numbered], batch: Batch) -> Result<(), Error> {
        if !batch.registry.is_empty() || !batch.parked.is_empty() {
            let transaction = self.client.transaction().await?;
            registry::write::write(&transaction, &batch.registry).await?;
            database::write_parked(&transaction, &batch).await?;
            transaction.commit().await?;
        }
        self.tally = self.tally.plus(batch.tally);
        self.business_time_zone = batch.business_time_zone.or(self.business_time_zone.take());
        self.sums.stock.apply(batch.stock);
        self.sums.shipments.apply(batch.shipments);
        self.sums.throughput.apply(batch.throughput, &self.sums.stock);
        self.appended.add(&batch.trace);
        self.safety.add(&batch.safety);
        self.orders.add(&batch.orders);
        self.codes.add(&batch.codes);
        self.notices.add(&batch.notices);
        if self.appended.bytes() >= SENT_BYTES {
            self.send().await?;
        }
        if let Some(Numbered { journal, sequence, hash, entry }) = entries.last() {
            // Where it stands; what it records is folded.
            let entry = Entry { record_time: entry.record_time, genesis: None, commands: Vec::new() };
            self.last = Some(Numbered { journal: *journal, sequence: *sequence, hash: *hash, entry });
        }
        Ok(())
    }

    async fn send(&mut self) -> Result<(), Error> {
        let [events, reversals, movements, counts] = std::mem::take(&mut self.appended).into_tables();
        self.copies[0].send(events).await?;
        let safety = std::mem::take(&mut self.safety).into_tables();
        let orders = std::mem::take(&mut self.orders).into_tables();
        let codes = std::mem::take(&mut self.codes).into_tables();
        let notices = std::mem::take(&mut self.notices).into_table();
        for rows in [movements, counts, reversals].into_iter().chain(safety).chain(orders).chain(codes).chain([notices]) {
            if !rows.0.is_empty() {
                self.copies[1].send(rows).await?;
            }
        }
        Ok(())
    }

    /// Writes what was summed, builds the indexes, and sets the checkpoint; the writer goes on from there.
    pub async fn finish(mut self) -> Result<Writer, Error> {
        self.send().await?;
        let [events, movements, mut sums] = self.copies;
        let (mut events, mut movements) = (events.close(), movements.close());
        // One view after the other: each is put in order when its turn comes, and let go of after it.
        for piece in self.sums.stock.rows() {
            sums.send(piece?).await?;
        }
        for piece in self.sums.shipments.rows() {
            sums.send(piece?).await?;
        }
        for piece in self.sums.throughput.rows() {
            sums.send(piece?).await?;
        }
        let mut sums = sums.close();
        tokio::try_join!(ended(&mut events), ended(&mut movements), ended(&mut sums))?;
        if let Some(last) = &self.last {
            let batch = Batch { tally: self.tally, business_time_zone: self.business_time_zone, ..Batch::default() };
            let transaction = self.client.transaction().await?;
            database::move_checkpoint(&transaction, None, last, &batch).await?;
            let last = i64::try_from(last.sequence).unwrap_or(i64::MAX);
            throughput::roll::set(&transaction, 0, last).await?;
            transaction.commit().await?;
        }
        Writer::open(&self.settings).await
    }
}

/// A connection that fills tables in one transaction: without their indexes, which it builds when it is through.
struct Copy {
    sender: mpsc::Sender<Piece>,
    task: Filling,
}

impl Copy {
    async fn begin(settings: &Settings, tables: &'static [&'static str]) -> Result<Copy, Error> {
        let mut client = database::writing_connection(settings).await?;
        let schema = settings.schema.clone();
        let (sender, mut receiver) = mpsc::channel::<Piece>(2);
        let task = tokio::spawn(async move {
            let transaction = client.transaction().await?;
            // Rows of a table that its own transaction emptied need no log where nobody replicates.
            transaction.batch_execute(&format!("TRUNCATE {}", tables.join(", "))).await?;
            let indexes = "SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname),
                                  format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
                           FROM pg_constraint WHERE contype IN ('p', 'u') AND conrelid = ANY ($1::text[]::regclass[])
                           UNION ALL
                           SELECT format('DROP INDEX %s', indexrelid::regclass), pg_get_indexdef(indexrelid)
                           FROM pg_index WHERE indrelid = ANY ($1::text[]::regclass[])
                               AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid AND contype IN ('p', 'u'))";
            let names: Vec<_> = tables.iter().map(|table| format!("\"{schema}\".{table}")).collect();
            let mut builds = vec!["SET LOCAL maintenance_work_mem = '256MB'".to_owned()];
            for row in transaction.query(indexes, &[&names]).await? {
                let (drop, build): (String, String) = (row.try_get(0)?, row.try_get(1)?);
                transaction.batch_execute(&drop).await?;
                builds.push(build);
            }
            while let Some((rows, into)) = receiver.recv().await {
                rows.send_frozen(&transaction, into).await?;
            }
            for build in builds {
                transaction.batch_execute(&build).await?;
            }
            transaction.commit().await?;
            client.batch_execute(&format!("ANALYZE {}", tables.join(", "))).await?;
            Ok(())
        });
        Ok(Copy { sender, task: Filling(task) })
    }

    async fn send(&mut self, rows: Piece) -> Result<(), Error> {
        if self.sender.send(rows).await.is_ok() {
            return Ok(());
        }
        // It ended before its time: it says why.
        ended(&mut self.task).await
    }

    /// No more rows come: it builds the indexes, and ends.
    fn close(self) -> Filling {
        self.task
    }
}

/// What fills tables; ends where nobody waits for it any more.
struct Filling(JoinHandle<Result<(), Error>>);

impl Drop for Filling {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn ended(filling: &mut Filling) -> Result<(), Error> {
    match (&mut filling.0).await {
        Ok(outcome) => outcome,
        // Nobody ends it before it is waited for: it panicked.
        Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
    }
}
