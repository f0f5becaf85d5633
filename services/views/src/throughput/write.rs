//! Writes the days on which a chain entered anything, and flows by day and by month as they are rolled up.

use super::fold::{Changes, Flow};
use crate::Error;
use crate::database::{big, execute};
use crate::stock::write::Begun;
use deadpool_postgres::Transaction;
use domain::time::BusinessDay;
use std::collections::BTreeMap;

/// Day or month, stage, chain, product, site, and where to: the key of both tables, in its order.
pub(super) type Key<'a> = (BusinessDay, i16, &'a str, &'a str, &'a str, &'a str);

/// Writes what a batch changes besides flows: those are rolled up behind it.
pub async fn write(transaction: &Transaction<'_>, changes: &Changes, begun: &Begun) -> Result<(), Error> {
    if changes.flows.is_empty() {
        return Ok(());
    }
    let mut chains: BTreeMap<_, i64> = BTreeMap::new();
    for (key, flow) in &changes.flows {
        *chains.entry((begun.of(key.lot)?.0, key.day.0)).or_default() += flow.movements;
    }
    chains.retain(|_, movements| *movements != 0);
    let (codes, days): (Vec<_>, Vec<_>) = chains.keys().copied().unzip();
    let movements: Vec<_> = chains.values().copied().collect();
    execute(
        transaction,
        "MERGE INTO chain_days AS d USING unnest($1::text[], $2::integer[], $3::bigint[])
             AS c (chain_code, business_day, movement_count)
             ON d.chain_code = c.chain_code AND d.business_day = c.business_day
         WHEN MATCHED AND d.movement_count + c.movement_count = 0 THEN DELETE
         WHEN MATCHED THEN UPDATE SET movement_count = d.movement_count + c.movement_count
         WHEN NOT MATCHED THEN INSERT (chain_code, business_day, movement_count)
             VALUES (c.chain_code, c.business_day, c.movement_count)",
        &[&codes, &days, &movements],
    )
    .await?;
    Ok(())
}

/// Adds sums of flows to those of a table.
pub(super) async fn write_flows(
    transaction: &Transaction<'_>,
    table: &str,
    day: &str,
    mut flows: BTreeMap<Key<'_>, Flow>,
) -> Result<(), Error> {
    flows.retain(|_, flow| *flow != Flow::default());
    let days: Vec<_> = flows.keys().map(|key| key.0.0).collect();
    let stages: Vec<_> = flows.keys().map(|key| key.1).collect();
    let chains: Vec<_> = flows.keys().map(|key| key.2).collect();
    let products: Vec<_> = flows.keys().map(|key| key.3).collect();
    let sites: Vec<_> = flows.keys().map(|key| key.4).collect();
    let to_sites: Vec<_> = flows.keys().map(|key| key.5).collect();
    let figures = |figure: fn(&Flow) -> i128| flows.values().map(|flow| big(figure(flow))).collect::<Result<Vec<_>, _>>();
    let (quantities, firsts) = (figures(|flow| flow.quantity)?, figures(|flow| flow.first)?);
    let movements: Vec<_> = flows.values().map(|flow| flow.movements).collect();
    let merge = format!(
        "MERGE INTO {table} AS f USING unnest($1::integer[], $2::smallint[], $3::text[], $4::text[], $5::text[], $6::text[],
                 $7::bigint[], $8::bigint[], $9::bigint[])
             AS c ({day}, stage, chain_code, product_code, site_code, to_site_code, quantity_milli, first_milli, movement_count)
             ON f.{day} = c.{day} AND f.stage = c.stage AND f.chain_code = c.chain_code
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
    execute(transaction, &merge, &[&days, &stages, &chains, &products, &sites, &to_sites, &quantities, &firsts, &movements])
        .await?;
    Ok(())
}

/// First day of a day's month.
pub fn month(day: BusinessDay) -> BusinessDay {
    BusinessDay::of(day.date().first_of_month())
}
