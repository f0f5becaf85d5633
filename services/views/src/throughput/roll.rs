//! Rolls flows up behind the rest of the tables: they are sums of movements, so whoever reads them adds the movements that are not
//! in them yet ([`beyond`]), and nobody who waits for a stock waits for them.

use super::fold::Flow;
use super::write::{Column, Goods, Key, add, month, write_flows, write_goods};
use crate::Error;
use crate::database::{self, Settings, big, execute};
use deadpool_postgres::{ClientWrapper, Transaction};
use domain::time::BusinessDay;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::sync::{Mutex, MutexGuard};
use tokio_postgres::Row;

/// Day or month, chain, product and site of what was sent: the key of its tables, in their order.
type Sent<'a> = (BusinessDay, &'a str, &'a str, &'a str);

/// Movements that are rolled up in a transaction.
const MOVEMENTS: i64 = 20_000;
/// How long it rests between them: the more at once, the fewer rows are written twice; the fewer, the shorter a batch of the projector
/// has to share the processors with it.
const PAUSE: Duration = Duration::from_millis(60);

/// How long a statement of it waits at most for the projector's batch to end.
const PATIENCE: Duration = Duration::from_millis(60);

/// Whose turn it is on the processors: a batch of the projector, which people wait for, is not made to share them with a statement
/// that nobody waits for, unless batches are so long that this would never come.
#[derive(Debug, Default)]
pub(crate) struct Turn(Mutex<()>);

impl Turn {
    /// Held while a batch is written.
    pub async fn of_batch(&self) -> MutexGuard<'_, ()> {
        self.0.lock().await
    }

    /// Resolves as a batch ends, or where none is being written.
    async fn after_batch(&self) {
        // In time or not, a statement is next.
        let _ = tokio::time::timeout(PATIENCE, self.0.lock()).await;
    }
}

/// What flowed beyond the entry up to which flows are rolled up; rows as in `flow_daily`, not summed. `rolled` is that entry's
/// sequence as it stands in a query.
pub(crate) fn beyond(rolled: &str) -> String {
    format!(
        "SELECT m.business_day, m.stage, l.chain_code, l.product_code, m.stage_site_code AS site_code,
                coalesce(m.stage_to_site_code, '') AS to_site_code, m.quantity_milli * m.stage_sign AS quantity_milli,
                coalesce(m.first_milli, 0) AS first_milli, CASE WHEN m.is_reversal THEN -1 ELSE 1 END AS movement_count
         FROM movements m JOIN lots l ON l.lot_id = m.lot_id WHERE m.stage IS NOT NULL AND m.sequence > {rolled}"
    )
}

/// Up to which entry flows are rolled up. Whoever else would roll them up waits until this transaction ends.
pub(crate) async fn hold(transaction: &Transaction<'_>) -> Result<i64, Error> {
    Ok(transaction.query_one("SELECT sequence FROM flows_rolled FOR UPDATE", &[]).await?.try_get(0)?)
}

/// Rolls flows up behind the projector, on a connection of its own, as long as that holds.
pub(crate) async fn follow(settings: &Settings, turn: &Turn) -> Result<std::convert::Infallible, Error> {
    let mut client = database::keeping_connection(settings).await?;
    loop {
        if !step(&mut client, turn).await? {
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// A transaction of it; whether there may be more.
async fn step(client: &mut ClientWrapper, turn: &Turn) -> Result<bool, Error> {
    // While nothing comes, nothing is held.
    let is_behind = "SELECT EXISTS (SELECT FROM flows_rolled r JOIN checkpoint c ON c.sequence > r.sequence)";
    let is_behind = client.prepare_cached(is_behind).await?;
    if !client.query_one(&is_behind, &[]).await?.try_get::<_, bool>(0)? {
        return Ok(false);
    }
    let transaction = client.transaction().await?;
    let rolled = hold(&transaction).await?;
    // Few movements: each is looked up. The tables may have grown since anybody last saw how large they are.
    transaction.batch_execute(BY_ROW).await?;
    let (goal, more) = next(&transaction, rolled).await?;
    if goal == rolled {
        return Ok(false);
    }
    match roll(&transaction, rolled, goal, turn).await {
        // The tables were exchanged meanwhile: those that took their place say how far they are.
        Err(Error::Superseded(_)) => return Ok(true),
        rolled => rolled?,
    }
    transaction.commit().await?;
    Ok(more)
}

/// Up to which entry so many movements reach at most, and whether more follow.
async fn next(transaction: &Transaction<'_>, from: i64) -> Result<(i64, bool), Error> {
    let sql = "SELECT max(sequence), count(*), (SELECT sequence FROM checkpoint)
               FROM (SELECT sequence FROM movements WHERE sequence > $1 ORDER BY sequence LIMIT $2) AS next";
    let statement = transaction.prepare_cached(sql).await?;
    let row = transaction.query_one(&statement, &[&from, &MOVEMENTS]).await?;
    let (last, movements, reached): (Option<i64>, i64, Option<i64>) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
    let more = movements == MOVEMENTS;
    Ok(match (last, reached) {
        // The last entry may go on beyond what was counted: it is left for the next time, unless it is all there is.
        (Some(last), _) if more => ((last - 1).max(from + 1), true),
        (_, reached) => (reached.unwrap_or(from).max(from), false),
    })
}

/// Rows are looked up by their keys.
const BY_ROW: &str = "SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off";

/// Rolls up what flowed in the entries after one up to another. The caller holds the row of `flows_rolled`.
pub(crate) async fn roll(transaction: &Transaction<'_>, from: i64, up_to: i64, turn: &Turn) -> Result<(), Error> {
    // Planned for these very sequences: how many rows lie between them decides how they are best read.
    transaction.batch_execute("SET LOCAL plan_cache_mode = force_custom_plan").await?;
    turn.after_batch().await;
    let flows = read(transaction, from, up_to).await?;
    // Looked up row by row, as the projector does it.
    transaction.batch_execute(BY_ROW).await?;
    let (days, months) = sums(&flows)?;
    turn.after_batch().await;
    write_dispatches(transaction, "dispatch_daily", "business_day", &days).await?;
    turn.after_batch().await;
    write_dispatches(transaction, "dispatch_monthly", "month_day", &months).await?;
    turn.after_batch().await;
    write_goods(transaction, "goods_daily", "business_day", goods(&days)).await?;
    turn.after_batch().await;
    write_goods(transaction, "goods_monthly", "month_day", goods(&months)).await?;
    turn.after_batch().await;
    write_flows(transaction, "flow_daily", "business_day", days).await?;
    turn.after_batch().await;
    write_flows(transaction, "flow_monthly", "month_day", months).await?;
    transaction
        .batch_execute("SET LOCAL enable_seqscan = on; SET LOCAL enable_hashjoin = on; SET LOCAL enable_mergejoin = on")
        .await?;
    set(transaction, from, up_to).await
}

/// The same wherever it flowed.
fn goods<'a>(flows: &BTreeMap<Key<'a>, Flow>) -> Goods<'a> {
    let mut goods = Goods::new();
    for ((day, stage, chain, product, ..), flow) in flows {
        goods.entry((*day, *stage, *chain, *product)).or_default().add(*flow);
    }
    goods
}

/// What flowed in the entries after one up to another, summed by day and place.
async fn read(transaction: &Transaction<'_>, from: i64, up_to: i64) -> Result<Vec<Row>, Error> {
    let summed = format!(
        "SELECT business_day, stage, chain_code, product_code, site_code, to_site_code, sum(quantity_milli)::bigint,
                sum(first_milli)::bigint, sum(movement_count)::bigint
         FROM ({} AND m.sequence <= $2) AS flows GROUP BY 1, 2, 3, 4, 5, 6",
        beyond("$1")
    );
    let statement = transaction.prepare_cached(&summed).await?;
    Ok(transaction.query(&statement, &[&from, &up_to]).await?)
}

/// The same by day and by month.
type Sums<'a> = (BTreeMap<Key<'a>, Flow>, BTreeMap<Key<'a>, Flow>);

fn sums(rows: &[Row]) -> Result<Sums<'_>, Error> {
    let (mut days, mut months): Sums<'_> = Default::default();
    for row in rows {
        let day = BusinessDay(row.try_get(0)?);
        let of = |day| Ok::<_, Error>((day, row.try_get(1)?, row.try_get(2)?, row.try_get(3)?, row.try_get(4)?, row.try_get(5)?));
        let flow = Flow {
            quantity: row.try_get::<_, i64>(6)?.into(),
            first: row.try_get::<_, i64>(7)?.into(),
            movements: row.try_get(8)?,
        };
        days.entry(of(day)?).or_default().add(flow);
        months.entry(of(month(day))?).or_default().add(flow);
    }
    Ok((days, months))
}

/// Says up to which entry flows are rolled up. Fails where the tables are not those that were at that place.
pub(crate) async fn set(transaction: &Transaction<'_>, from: i64, up_to: i64) -> Result<(), Error> {
    match execute(transaction, "UPDATE flows_rolled SET sequence = $1 WHERE sequence = $2", &[&up_to, &from]).await? {
        1 => Ok(()),
        _ => Err(Error::Superseded(from.unsigned_abs())),
    }
}

/// What of these flows had not been dispatched before, wherever it went.
async fn write_dispatches(
    transaction: &Transaction<'_>,
    table: &str,
    day: &str,
    flows: &BTreeMap<Key<'_>, Flow>,
) -> Result<(), Error> {
    let mut dispatches: BTreeMap<Sent<'_>, i128> = BTreeMap::new();
    for ((day, _, chain, product, site, _), flow) in flows.iter().filter(|(_, flow)| flow.first != 0) {
        *dispatches.entry((*day, *chain, *product, *site)).or_default() += flow.first;
    }
    dispatches.retain(|_, first| *first != 0);
    let days: Vec<_> = dispatches.keys().map(|key| key.0.0).collect();
    let chains: Vec<_> = dispatches.keys().map(|key| key.1).collect();
    let products: Vec<_> = dispatches.keys().map(|key| key.2).collect();
    let sites: Vec<_> = dispatches.keys().map(|key| key.3).collect();
    let firsts = dispatches.values().map(|first| big(*first)).collect::<Result<Vec<_>, _>>()?;
    let keys: [Column<'_>; 4] = [
        (day, "integer", &days),
        ("chain_code", "text", &chains),
        ("product_code", "text", &products),
        ("site_code", "text", &sites),
    ];
    add(transaction, table, &keys, &[("first_milli", "bigint", &firsts)]).await
}
