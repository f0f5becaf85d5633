//! Writes flows by day and by month, and the days on which a chain entered anything.

use super::fold::Changes;
use crate::Error;
use crate::copy::Rows;
use crate::database::{big, execute, refuse_any};
use deadpool_postgres::Transaction;
use domain::time::BusinessDay;

/// Temporary table of the connection, empty at each transaction's beginning.
pub const STAGES: &str = "
    CREATE TEMP TABLE IF NOT EXISTS stage_flows (
        business_day integer, month_day integer, stage smallint, lot_id uuid, site_code text, to_site_code text,
        quantity_milli bigint, first_milli bigint, movement_count bigint
    ) ON COMMIT DELETE ROWS;";

/// Writes what a batch changes about flows; its lots are written already.
pub async fn write(transaction: &Transaction<'_>, changes: &Changes) -> Result<(), Error> {
    let mut rows = Rows::of(9);
    for (key, flow) in &changes.flows {
        rows.row().int(key.day.0).int(month(key.day).0).small(key.stage as i16).uuid(key.lot.0).text(key.site.as_str());
        rows.text(key.to_site.as_ref().map_or("", |site| site.as_str()));
        rows.big(big(flow.quantity)?).big(big(flow.first)?).big(flow.movements);
    }
    if rows.is_empty() {
        return Ok(());
    }
    rows.send(transaction, "stage_flows").await?;
    refuse_any(
        transaction,
        "SELECT 'lot ' || c.lot_id || ' moves and was never begun' FROM stage_flows c
         WHERE NOT EXISTS (SELECT FROM lots WHERE lots.lot_id = c.lot_id) LIMIT 1",
    )
    .await?;
    for (table, day) in [("flow_daily", "business_day"), ("flow_monthly", "month_day")] {
        let merge = format!(
            "MERGE INTO {table} AS f USING (
                 SELECT c.{day}, stage, chain_code, product_code, site_code, to_site_code, sum(quantity_milli)::bigint AS quantity_milli,
                        sum(first_milli)::bigint AS first_milli, sum(movement_count)::bigint AS movement_count
                 FROM stage_flows c JOIN lots USING (lot_id)
                 GROUP BY c.{day}, stage, chain_code, product_code, site_code, to_site_code
                 HAVING sum(quantity_milli) <> 0 OR sum(first_milli) <> 0 OR sum(movement_count) <> 0
             ) AS c ON f.{day} = c.{day} AND f.stage = c.stage AND f.chain_code = c.chain_code
                 AND f.product_code = c.product_code AND f.site_code = c.site_code AND f.to_site_code = c.to_site_code
             WHEN MATCHED AND f.quantity_milli + c.quantity_milli = 0 AND f.first_milli + c.first_milli = 0
                 AND f.movement_count + c.movement_count = 0 THEN DELETE
             WHEN MATCHED THEN UPDATE SET quantity_milli = f.quantity_milli + c.quantity_milli,
                 first_milli = f.first_milli + c.first_milli, movement_count = f.movement_count + c.movement_count
             WHEN NOT MATCHED THEN INSERT ({day}, stage, chain_code, product_code, site_code, to_site_code, quantity_milli,
                     first_milli, movement_count)
                 VALUES (c.{day}, c.stage, c.chain_code, c.product_code, c.site_code, c.to_site_code, c.quantity_milli,
                     c.first_milli, c.movement_count)"
        );
        execute(transaction, &merge, &[]).await?;
    }
    let merge = "
        MERGE INTO chain_days AS d USING (
            SELECT chain_code, business_day, sum(movement_count)::bigint AS movement_count FROM stage_flows JOIN lots USING (lot_id)
            GROUP BY chain_code, business_day HAVING sum(movement_count) <> 0
        ) AS c ON d.chain_code = c.chain_code AND d.business_day = c.business_day
        WHEN MATCHED AND d.movement_count + c.movement_count = 0 THEN DELETE
        WHEN MATCHED THEN UPDATE SET movement_count = d.movement_count + c.movement_count
        WHEN NOT MATCHED THEN INSERT (chain_code, business_day, movement_count)
            VALUES (c.chain_code, c.business_day, c.movement_count)";
    execute(transaction, merge, &[]).await?;
    Ok(())
}

/// First day of a day's month.
pub fn month(day: BusinessDay) -> BusinessDay {
    BusinessDay::of(day.date().first_of_month())
}
