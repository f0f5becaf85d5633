//! Writes lots and balances. MERGE, because ON CONFLICT would hold the CHECK against the change itself.

use super::fold::Changes;
use crate::Error;
use crate::copy::Rows;
use crate::database::{big, execute, refuse_any};
use deadpool_postgres::Transaction;

/// Temporary tables of the connection, empty at each transaction's beginning.
pub const STAGES: &str = "
    CREATE TEMP TABLE IF NOT EXISTS stage_lots (
        lot_id uuid, issuer_code text, product_code text, lot_code text, chain_code text, expiry_day integer, harvest_day integer,
        harvest_time timestamptz, sequence bigint, ordinal integer, replaces boolean, begins bigint
    ) ON COMMIT DELETE ROWS;
    CREATE TEMP TABLE IF NOT EXISTS stage_stock (site_code text, lot_id uuid, change_milli bigint, low_milli bigint)
        ON COMMIT DELETE ROWS;
    CREATE TEMP TABLE IF NOT EXISTS stage_outside (lot_id uuid, reason text, change_milli bigint) ON COMMIT DELETE ROWS;";

/// Writes lots; everything else joins them.
pub async fn write_lots(transaction: &Transaction<'_>, changes: &Changes) -> Result<(), Error> {
    let mut rows = Rows::of(12);
    for (id, change) in &changes.lots {
        let (at, lot) = change.begun.as_ref().unwrap_or(&change.first);
        rows.row()
            .uuid(id.0)
            .text(lot.issuer.as_str())
            .text(lot.product.as_str())
            .text(lot.code.as_str())
            .text(lot.chain.as_str());
        rows.maybe(lot.expiry, |rows, day| rows.int(day.0)).maybe(lot.harvest_day, |rows, day| rows.int(day.0));
        rows.maybe(lot.harvest_time, Rows::instant)
            .big(at.sequence)
            .int(at.ordinal)
            .flag(change.begun.is_some())
            .big(change.begins);
    }
    if rows.is_empty() {
        return Ok(());
    }
    rows.send(transaction, "stage_lots").await?;
    refuse_any(
        transaction,
        "SELECT 'lot ' || c.lot_id || ' was begun in chain ' || lots.chain_code || ' and keeps it; an event says ' || c.chain_code
         FROM stage_lots c JOIN lots USING (lot_id) WHERE lots.chain_code <> c.chain_code LIMIT 1",
    )
    .await?;
    let merge = "
        MERGE INTO lots USING stage_lots AS c ON lots.lot_id = c.lot_id
        WHEN MATCHED AND c.replaces THEN UPDATE SET
            expiry_day = c.expiry_day, harvest_day = c.harvest_day, harvest_time = c.harvest_time,
            sequence = c.sequence, ordinal = c.ordinal, begins = lots.begins + c.begins
        WHEN MATCHED THEN UPDATE SET begins = lots.begins + c.begins
        WHEN NOT MATCHED THEN INSERT (lot_id, issuer_code, product_code, lot_code, chain_code, expiry_day, harvest_day,
                                      harvest_time, sequence, ordinal, begins)
            VALUES (c.lot_id, c.issuer_code, c.product_code, c.lot_code, c.chain_code, c.expiry_day, c.harvest_day,
                    c.harvest_time, c.sequence, c.ordinal, c.begins)";
    execute(transaction, merge, &[]).await?;
    Ok(())
}

/// Writes balances.
pub async fn write(transaction: &Transaction<'_>, changes: &Changes) -> Result<(), Error> {
    let mut rows = Rows::of(4);
    for ((site, lot), sum) in changes.sites.iter() {
        rows.row().text(site.as_str()).uuid(lot.0).big(big(sum.change)?).big(big(sum.low)?);
    }
    if !rows.is_empty() {
        rows.send(transaction, "stage_stock").await?;
        refuse_any(
            transaction,
            "SELECT c.site_code || ' would hold ' || (coalesce(stock.quantity_milli, 0) + c.low_milli) || ' thousandths of lot '
                    || c.lot_id || '; a site holds nothing less than 0'
             FROM stage_stock c LEFT JOIN stock USING (site_code, lot_id)
             WHERE coalesce(stock.quantity_milli, 0) + c.low_milli < 0 LIMIT 1",
        )
        .await?;
        refuse_any(
            transaction,
            "SELECT 'lot ' || c.lot_id || ' moves and was never begun' FROM stage_stock c
             WHERE NOT EXISTS (SELECT FROM lots WHERE lots.lot_id = c.lot_id) LIMIT 1",
        )
        .await?;
        let merge = "
            MERGE INTO stock USING (SELECT * FROM stage_stock WHERE change_milli <> 0) AS c
                ON stock.site_code = c.site_code AND stock.lot_id = c.lot_id
            WHEN MATCHED AND stock.quantity_milli + c.change_milli = 0 THEN DELETE
            WHEN MATCHED THEN UPDATE SET quantity_milli = stock.quantity_milli + c.change_milli
            WHEN NOT MATCHED THEN INSERT (site_code, lot_id, quantity_milli) VALUES (c.site_code, c.lot_id, c.change_milli)";
        execute(transaction, merge, &[]).await?;
        let merge = "
            MERGE INTO stock_totals USING (
                SELECT site_code, chain_code, product_code, sum(change_milli)::bigint AS change_milli
                FROM stage_stock JOIN lots USING (lot_id) GROUP BY site_code, chain_code, product_code HAVING sum(change_milli) <> 0
            ) AS c ON stock_totals.site_code = c.site_code AND stock_totals.chain_code = c.chain_code
                AND stock_totals.product_code = c.product_code
            WHEN MATCHED AND stock_totals.quantity_milli + c.change_milli = 0 THEN DELETE
            WHEN MATCHED THEN UPDATE SET quantity_milli = stock_totals.quantity_milli + c.change_milli
            WHEN NOT MATCHED THEN INSERT (site_code, chain_code, product_code, quantity_milli)
                VALUES (c.site_code, c.chain_code, c.product_code, c.change_milli)";
        execute(transaction, merge, &[]).await?;
    }

    let mut rows = Rows::of(3);
    for ((lot, reason), change) in changes.outside.iter().filter(|(_, change)| **change != 0) {
        rows.row().uuid(lot.0).text(reason.as_str()).big(big(*change)?);
    }
    if !rows.is_empty() {
        rows.send(transaction, "stage_outside").await?;
        let merge = "
            MERGE INTO outside USING stage_outside AS c ON outside.lot_id = c.lot_id AND outside.reason = c.reason
            WHEN MATCHED AND outside.quantity_milli + c.change_milli = 0 THEN DELETE
            WHEN MATCHED THEN UPDATE SET quantity_milli = outside.quantity_milli + c.change_milli
            WHEN NOT MATCHED THEN INSERT (lot_id, reason, quantity_milli) VALUES (c.lot_id, c.reason, c.change_milli)";
        execute(transaction, merge, &[]).await?;
    }
    Ok(())
}
