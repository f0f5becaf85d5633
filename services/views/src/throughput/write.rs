//! Writes flows by day and by month, and the days on which a chain entered anything.

use super::fold::{Changes, Flow};
use crate::Error;
use crate::database::{big, execute, find};
use crate::stock::fold::never_begun;
use deadpool_postgres::Transaction;
use domain::id::LotId;
use domain::time::BusinessDay;

/// Writes what a batch changes about flows; its lots are written already.
pub async fn write(transaction: &Transaction<'_>, changes: &Changes) -> Result<(), Error> {
    if changes.flows.is_empty() {
        return Ok(());
    }
    let keys = || changes.flows.keys();
    let lots: Vec<_> = keys().map(|key| key.lot.0).collect();
    let unknown =
        "SELECT c.lot_id FROM unnest($1::uuid[]) AS c (lot_id) LEFT JOIN lots USING (lot_id) WHERE lots.lot_id IS NULL LIMIT 1";
    if let Some(row) = find(transaction, unknown, &[&lots]).await? {
        return Err(never_begun(LotId(row.try_get(0)?)));
    }
    let days: Vec<_> = keys().map(|key| key.day.0).collect();
    let months: Vec<_> = keys().map(|key| month(key.day).0).collect();
    let stages: Vec<_> = keys().map(|key| key.stage as i16).collect();
    let sites: Vec<_> = keys().map(|key| key.site.as_str()).collect();
    let to_sites: Vec<_> = keys().map(|key| key.to_site.as_ref().map_or("", |site| site.as_str())).collect();
    let figures = |figure: fn(&Flow) -> i128| changes.flows.values().map(|flow| big(figure(flow))).collect::<Result<Vec<_>, _>>();
    let (quantities, firsts) = (figures(|flow| flow.quantity)?, figures(|flow| flow.first)?);
    let movements: Vec<_> = changes.flows.values().map(|flow| flow.movements).collect();
    for (table, day, days) in [("flow_daily", "business_day", &days), ("flow_monthly", "month_day", &months)] {
        let merge = format!(
            "MERGE INTO {table} AS f USING (
                 SELECT {day}, stage, chain_code, product_code, site_code, to_site_code, sum(quantity_milli)::bigint AS quantity_milli,
                        sum(first_milli)::bigint AS first_milli, sum(movement_count)::bigint AS movement_count
                 FROM unnest($1::integer[], $2::smallint[], $3::uuid[], $4::text[], $5::text[], $6::bigint[], $7::bigint[], $8::bigint[])
                      AS c ({day}, stage, lot_id, site_code, to_site_code, quantity_milli, first_milli, movement_count)
                 JOIN lots USING (lot_id)
                 GROUP BY {day}, stage, chain_code, product_code, site_code, to_site_code
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
        execute(transaction, &merge, &[days, &stages, &lots, &sites, &to_sites, &quantities, &firsts, &movements]).await?;
    }
    execute(
        transaction,
        "MERGE INTO chain_days AS d USING (
             SELECT chain_code, business_day, sum(movement_count)::bigint AS movement_count
             FROM unnest($1::uuid[], $2::integer[], $3::bigint[]) AS c (lot_id, business_day, movement_count) JOIN lots USING (lot_id)
             GROUP BY chain_code, business_day HAVING sum(movement_count) <> 0
         ) AS c ON d.chain_code = c.chain_code AND d.business_day = c.business_day
         WHEN MATCHED AND d.movement_count + c.movement_count = 0 THEN DELETE
         WHEN MATCHED THEN UPDATE SET movement_count = d.movement_count + c.movement_count
         WHEN NOT MATCHED THEN INSERT (chain_code, business_day, movement_count)
             VALUES (c.chain_code, c.business_day, c.movement_count)",
        &[&lots, &days, &movements],
    )
    .await?;
    Ok(())
}

/// First day of a day's month.
pub fn month(day: BusinessDay) -> BusinessDay {
    BusinessDay::of(day.date().first_of_month())
}
