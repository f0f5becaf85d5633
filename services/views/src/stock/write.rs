//! Writes lots and balances. MERGE, because ON CONFLICT would hold the CHECK against the change itself.

use super::fold::{Changes, below_nothing, never_begun, other_chain_said};
use crate::Error;
use crate::database::{big, execute, find};
use deadpool_postgres::Transaction;
use domain::id::LotId;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use uuid::Uuid;

/// Writes lots; everything else joins them.
pub async fn write_lots(transaction: &Transaction<'_>, changes: &Changes) -> Result<(), Error> {
    if changes.lots.is_empty() {
        return Ok(());
    }
    let rows = || changes.lots.iter().map(|(id, change)| (id, change, change.begun.as_ref().unwrap_or(&change.first)));
    let ids: Vec<_> = rows().map(|(id, ..)| id.0).collect();
    let chains: Vec<_> = rows().map(|(.., (_, lot))| lot.chain.as_str()).collect();
    let other_chain = "SELECT lot_id, lots.chain_code, c.chain_code FROM unnest($1::uuid[], $2::text[]) AS c (lot_id, chain_code)
                       JOIN lots USING (lot_id) WHERE lots.chain_code <> c.chain_code LIMIT 1";
    if let Some(row) = find(transaction, other_chain, &[&ids, &chains]).await? {
        let (lot, chain, said): (Uuid, String, String) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        return Err(other_chain_said(LotId(lot), &chain, &said));
    }
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
    execute(
        transaction,
        "MERGE INTO lots USING unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::integer[], $7::integer[],
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
                     c.harvest_time, c.sequence, c.ordinal, c.begins)",
        &[
            &ids, &issuers, &products, &codes, &chains, &expiries, &harvest_days, &harvest_times, &sequences, &ordinals, &replaces,
            &begins,
        ],
    )
    .await?;
    Ok(())
}

/// Chain and product of the lots of a batch.
pub struct Begun(HashMap<LotId, (String, String)>);

impl Begun {
    /// Of a lot that moves.
    pub fn of(&self, lot: LotId) -> Result<(&str, &str), Error> {
        self.0.get(&lot).map(|(chain, product)| (chain.as_str(), product.as_str())).ok_or_else(|| never_begun(lot))
    }
}

/// Looks up what the sums by chain and product need of the lots that move, once for all of them; the batch's own are written.
pub async fn begun(transaction: &Transaction<'_>, lots: &BTreeSet<LotId>) -> Result<Begun, Error> {
    let ids: Vec<_> = lots.iter().map(|lot| lot.0).collect();
    let sql = "SELECT lot_id, chain_code, product_code FROM unnest($1::uuid[]) AS c (lot_id) JOIN lots USING (lot_id)";
    let statement = transaction.prepare_cached(sql).await?;
    let mut begun = HashMap::with_capacity(ids.len());
    for row in transaction.query(&statement, &[&ids]).await? {
        begun.insert(LotId(row.try_get(0)?), (row.try_get(1)?, row.try_get(2)?));
    }
    let begun = Begun(begun);
    lots.iter().try_for_each(|lot| begun.of(*lot).map(drop))?;
    Ok(begun)
}

/// Writes balances.
pub async fn write(transaction: &Transaction<'_>, changes: &Changes, begun: &Begun) -> Result<(), Error> {
    let sites: Vec<_> = changes.sites.iter().map(|((site, _), _)| site.as_str()).collect();
    if !sites.is_empty() {
        let lots: Vec<_> = changes.sites.iter().map(|((_, lot), _)| lot.0).collect();
        let sums = changes.sites.iter().map(|(_, sum)| big(sum.change)).collect::<Result<Vec<_>, _>>()?;
        let lows = changes.sites.iter().map(|(_, sum)| big(sum.low)).collect::<Result<Vec<_>, _>>()?;
        let refused = "SELECT c.site_code, c.lot_id, coalesce(stock.quantity_milli, 0) + c.low_milli
             FROM unnest($1::text[], $2::uuid[], $3::bigint[]) AS c (site_code, lot_id, low_milli)
             LEFT JOIN stock ON stock.site_code = c.site_code AND stock.lot_id = c.lot_id
             WHERE coalesce(stock.quantity_milli, 0) + c.low_milli < 0 LIMIT 1";
        if let Some(row) = find(transaction, refused, &[&sites, &lots, &lows]).await? {
            return Err(below_nothing(row.try_get(0)?, LotId(row.try_get(1)?), row.try_get(2)?));
        }
        execute(
            transaction,
            "MERGE INTO stock USING (
                 SELECT * FROM unnest($1::text[], $2::uuid[], $3::bigint[]) AS c (site_code, lot_id, change_milli)
                 WHERE change_milli <> 0
             ) AS c ON stock.site_code = c.site_code AND stock.lot_id = c.lot_id
             WHEN MATCHED AND stock.quantity_milli + c.change_milli = 0 THEN DELETE
             WHEN MATCHED THEN UPDATE SET quantity_milli = stock.quantity_milli + c.change_milli
             WHEN NOT MATCHED THEN INSERT (site_code, lot_id, quantity_milli) VALUES (c.site_code, c.lot_id, c.change_milli)",
            &[&sites, &lots, &sums],
        )
        .await?;
        write_totals(transaction, changes, begun).await?;
    }

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

async fn write_totals(transaction: &Transaction<'_>, changes: &Changes, begun: &Begun) -> Result<(), Error> {
    let mut totals: BTreeMap<_, i128> = BTreeMap::new();
    for ((site, lot), sum) in changes.sites.iter() {
        let (chain, product) = begun.of(*lot)?;
        *totals.entry((site.as_str(), product, chain)).or_default() += sum.change;
    }
    totals.retain(|_, change| *change != 0);
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
