//! Writes lots and balances. MERGE, because ON CONFLICT would hold the CHECK against the change itself.

use super::fold::{Changes, below_nothing, never_begun, other_chain_said};
use crate::Error;
use crate::database::{big, execute, refuse, run, side_by_side};
use deadpool_postgres::Transaction;
use domain::id::LotId;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

/// Writes lots, which everything else joins, and looks up what the sums by chain and product need of those that move, once for all
/// of them.
pub async fn write_lots(transaction: &Transaction<'_>, changes: &Changes, moving: &BTreeSet<LotId>) -> Result<Begun, Error> {
    // All before any is sent: what is not prepared yet would be sent after the others.
    let other_chain = transaction.prepare_cached(OTHER_CHAIN).await?;
    let merge = transaction.prepare_cached(MERGE_LOTS).await?;
    let find = transaction.prepare_cached(BEGUN).await?;
    let moving_ids: Vec<_> = moving.iter().map(|lot| lot.0).collect();
    if changes.lots.is_empty() {
        return Begun::read(&transaction.query(&find, &[&moving_ids]).await?, moving);
    }
    let rows = || changes.lots.iter().map(|(id, change)| (id, change, change.begun.as_ref().unwrap_or(&change.first)));
    let ids: Vec<_> = rows().map(|(id, ..)| id.0).collect();
    let chains: Vec<_> = rows().map(|(.., (_, lot))| lot.chain.as_str()).collect();
    let issuers: Vec<_> = rows().map(|(.., (_, lot))| lot.issuer.as_str()).collect();
    let products: Vec<_> = rows().map(|(.., (_, lot))| lot.product.as_str()).collect();
    let codes: Vec<_> = rows().map(|(.., (_, lot))| lot.code.as_str()).collect();
    let expiries: Vec<_> = rows().map(|(.., (_, lot))| lot.expiry.map(|day| day.0)).collect();
    let harvest_days: Vec<_> = rows().map(|(.., (_, lot))| lot.harvest_day.map(|day| day.0)).collect();
    let harvest_times: Vec<_> = rows().map(|(.., (_, lot))| lot.harvest_time.map(crate::system_time)).collect();
    let sequences: Vec<_> = rows().map(|(.., (at, _))| at.sequence).collect();
    let ordinals: Vec<_> = rows().map(|(.., (at, _))| at.ordinal).collect();
    let replaces: Vec<_> = rows().map(|(_, change, _)| change.begun.is_some()).collect();
    let begins: Vec<_> = rows().map(|(_, change, _)| change.begins).collect();
    let lots: [&(dyn ToSql + Sync); 2] = [&ids, &chains];
    let others = refuse(transaction, &other_chain, &lots, |row| {
        let (lot, chain, said): (Uuid, String, String) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        Ok(other_chain_said(LotId(lot), &chain, &said))
    });
    let values: [&(dyn ToSql + Sync); 12] = [
        &ids,
        &issuers,
        &products,
        &codes,
        &chains,
        &expiries,
        &harvest_days,
        &harvest_times,
        &sequences,
        &ordinals,
        &replaces,
        &begins,
    ];
    let mut begun = Vec::new();
    let find = async {
        begun = transaction.query(&find, &[&moving_ids]).await?;
        Ok(())
    };
    side_by_side([Box::pin(others), Box::pin(run(transaction, &merge, &values)), Box::pin(find)]).await?;
    Begun::read(&begun, moving)
}

/// A lot that stands in another chain than the one that a batch says.
const OTHER_CHAIN: &str =
    "SELECT lot_id, lots.chain_code, c.chain_code FROM unnest($1::uuid[], $2::text[]) AS c (lot_id, chain_code)
     JOIN lots USING (lot_id) WHERE lots.chain_code <> c.chain_code LIMIT 1";

const MERGE_LOTS: &str = "MERGE INTO lots USING unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::integer[], $7::integer[],
                $8::timestamptz[], $9::bigint[], $10::integer[], $11::boolean[], $12::bigint[])
             AS c (lot_id, issuer_code, product_code, lot_code, chain_code, expiry_day, harvest_day, harvest_time, sequence, ordinal,
                   replaces, begins)
             ON lots.lot_id = c.lot_id
         WHEN MATCHED AND c.replaces THEN UPDATE SET
             expiry_day = c.expiry_day, harvest_day = c.harvest_day, harvest_time = c.harvest_time,
             sequence = c.sequence, ordinal = c.ordinal, begins = lots.begins + c.begins
         WHEN MATCHED THEN UPDATE SET begins = lots.begins + c.begins
         WHEN NOT MATCHED THEN INSERT (lot_id, issuer_code, product_code, lot_code, chain_code, expiry_day, harvest_day,
                                       harvest_time, sequence, ordinal, begins)
             VALUES (c.lot_id, c.issuer_code, c.product_code, c.lot_code, c.chain_code, c.expiry_day, c.harvest_day,
                     c.harvest_time, c.sequence, c.ordinal, c.begins)";

const BEGUN: &str = "SELECT lot_id, chain_code, product_code FROM unnest($1::uuid[]) AS c (lot_id) JOIN lots USING (lot_id)";

/// Chain and product of the lots of a batch.
pub struct Begun(HashMap<LotId, (String, String)>);

impl Begun {
    fn read(rows: &[Row], moving: &BTreeSet<LotId>) -> Result<Begun, Error> {
        let mut begun = HashMap::with_capacity(rows.len());
        for row in rows {
            begun.insert(LotId(row.try_get(0)?), (row.try_get(1)?, row.try_get(2)?));
        }
        let begun = Begun(begun);
        moving.iter().try_for_each(|lot| begun.of(*lot).map(drop))?;
        Ok(begun)
    }

    /// Of a lot that moves.
    pub fn of(&self, lot: LotId) -> Result<(&str, &str), Error> {
        self.0.get(&lot).map(|(chain, product)| (chain.as_str(), product.as_str())).ok_or_else(|| never_begun(lot))
    }
}

/// Writes balances.
pub async fn write(transaction: &Transaction<'_>, changes: &Changes) -> Result<(), Error> {
    side_by_side([Box::pin(write_sites(transaction, changes)), Box::pin(write_outside(transaction, changes))]).await
}

async fn write_sites(transaction: &Transaction<'_>, changes: &Changes) -> Result<(), Error> {
    let sites: Vec<_> = changes.sites.iter().map(|((site, _), _)| site.as_str()).collect();
    if sites.is_empty() {
        return Ok(());
    }
    let lots: Vec<_> = changes.sites.iter().map(|((_, lot), _)| lot.0).collect();
    let sums = changes.sites.iter().map(|(_, sum)| big(sum.change)).collect::<Result<Vec<_>, _>>()?;
    let lows = changes.sites.iter().map(|(_, sum)| big(sum.low)).collect::<Result<Vec<_>, _>>()?;
    let refused = "SELECT c.site_code, c.lot_id, coalesce(stock.quantity_milli, 0) + c.low_milli
         FROM unnest($1::text[], $2::uuid[], $3::bigint[]) AS c (site_code, lot_id, low_milli)
         LEFT JOIN stock ON stock.site_code = c.site_code AND stock.lot_id = c.lot_id
         WHERE coalesce(stock.quantity_milli, 0) + c.low_milli < 0 LIMIT 1";
    let merge = "MERGE INTO stock USING (
             SELECT * FROM unnest($1::text[], $2::uuid[], $3::bigint[]) AS c (site_code, lot_id, change_milli)
             WHERE change_milli <> 0
         ) AS c ON stock.site_code = c.site_code AND stock.lot_id = c.lot_id
         WHEN MATCHED AND stock.quantity_milli + c.change_milli = 0 THEN DELETE
         WHEN MATCHED THEN UPDATE SET quantity_milli = stock.quantity_milli + c.change_milli
         WHEN NOT MATCHED THEN INSERT (site_code, lot_id, quantity_milli) VALUES (c.site_code, c.lot_id, c.change_milli)";
    // Both before either is sent.
    let (refused, merge) = (transaction.prepare_cached(refused).await?, transaction.prepare_cached(merge).await?);
    let (lows, sums): ([&(dyn ToSql + Sync); 3], [&(dyn ToSql + Sync); 3]) = ([&sites, &lots, &lows], [&sites, &lots, &sums]);
    let said = |row: Row| Ok(below_nothing(row.try_get(0)?, LotId(row.try_get(1)?), row.try_get(2)?));
    side_by_side([Box::pin(refuse(transaction, &refused, &lows, said)), Box::pin(run(transaction, &merge, &sums))]).await
}

async fn write_outside(transaction: &Transaction<'_>, changes: &Changes) -> Result<(), Error> {
    let outside = || changes.outside.iter().filter(|(_, change)| **change != 0);
    let lots: Vec<_> = outside().map(|((lot, _), _)| lot.0).collect();
    if !lots.is_empty() {
        let reasons: Vec<_> = outside().map(|((_, reason), _)| reason.as_str()).collect();
        let sums = outside().map(|(_, change)| big(*change)).collect::<Result<Vec<_>, _>>()?;
        execute(
            transaction,
            "MERGE INTO outside USING unnest($1::uuid[], $2::text[], $3::bigint[]) AS c (lot_id, reason, change_milli)
                 ON outside.lot_id = c.lot_id AND outside.reason = c.reason
             WHEN MATCHED AND outside.quantity_milli + c.change_milli = 0 THEN DELETE
             WHEN MATCHED THEN UPDATE SET quantity_milli = outside.quantity_milli + c.change_milli
             WHEN NOT MATCHED THEN INSERT (lot_id, reason, quantity_milli) VALUES (c.lot_id, c.reason, c.change_milli)",
            &[&lots, &reasons, &sums],
        )
        .await?;
    }
    Ok(())
}

/// Writes totals of products by site.
pub async fn write_totals(transaction: &Transaction<'_>, changes: &Changes, begun: &Begun) -> Result<(), Error> {
    let mut totals: BTreeMap<_, i128> = BTreeMap::new();
    for ((site, lot), sum) in changes.sites.iter() {
        let (chain, product) = begun.of(*lot)?;
        *totals.entry((site.as_str(), product, chain)).or_default() += sum.change;
    }
    totals.retain(|_, change| *change != 0);
    if totals.is_empty() {
        return Ok(());
    }
    let sites: Vec<_> = totals.keys().map(|(site, ..)| *site).collect();
    let products: Vec<_> = totals.keys().map(|(_, product, _)| *product).collect();
    let chains: Vec<_> = totals.keys().map(|(.., chain)| *chain).collect();
    let sums = totals.values().map(|sum| big(*sum)).collect::<Result<Vec<_>, _>>()?;
    execute(
        transaction,
        "MERGE INTO stock_totals USING unnest($1::text[], $2::text[], $3::text[], $4::bigint[])
             AS c (site_code, product_code, chain_code, change_milli)
             ON stock_totals.site_code = c.site_code AND stock_totals.product_code = c.product_code
             AND stock_totals.chain_code = c.chain_code
         WHEN MATCHED AND stock_totals.quantity_milli + c.change_milli = 0 THEN DELETE
         WHEN MATCHED THEN UPDATE SET quantity_milli = stock_totals.quantity_milli + c.change_milli
         WHEN NOT MATCHED THEN INSERT (site_code, chain_code, product_code, quantity_milli)
             VALUES (c.site_code, c.chain_code, c.product_code, c.change_milli)",
        &[&sites, &products, &chains, &sums],
    )
    .await?;
    Ok(())
}
