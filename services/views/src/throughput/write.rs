//! Writes the days on which a chain entered anything, and flows by day and by month as they are rolled up.

use super::fold::{Changes, Flow};
use crate::Error;
use crate::database::{big, execute};
use crate::stock::write::Begun;
use deadpool_postgres::Transaction;
use domain::time::BusinessDay;
use std::collections::BTreeMap;
use tokio_postgres::types::ToSql;

/// Day or month, stage, chain, product, site, and where to: the key of flows, in its order.
pub(super) type Key<'a> = (BusinessDay, i16, &'a str, &'a str, &'a str, &'a str);

/// What flowed by day or month, stage, chain and product.
pub(super) type Goods<'a> = BTreeMap<(BusinessDay, i16, &'a str, &'a str), Flow>;

/// A column's name and type, and its values.
pub(super) type Column<'a> = (&'a str, &'a str, &'a (dyn ToSql + Sync));

/// Adds to the sums of a table by key; a row whose sums are all nothing is no row.
pub(super) async fn add(
    transaction: &Transaction<'_>,
    table: &str,
    keys: &[Column<'_>],
    sums: &[Column<'_>],
) -> Result<(), Error> {
    let columns: Vec<_> = keys.iter().chain(sums).collect();
    let each = |part: &dyn Fn(usize, &str, &str) -> String, of: &[&Column<'_>], between: &str| {
        of.iter().enumerate().map(|(place, (name, kind, _))| part(place + 1, name, kind)).collect::<Vec<_>>().join(between)
    };
    let (key, sum): (Vec<_>, Vec<_>) = (keys.iter().collect(), sums.iter().collect());
    let names = each(&|_, name, _| name.to_owned(), &columns, ", ");
    let merge = format!(
        "MERGE INTO {table} AS t USING unnest({}) AS c ({names}) ON {}
         WHEN MATCHED AND {} THEN DELETE
         WHEN MATCHED THEN UPDATE SET {}
         WHEN NOT MATCHED THEN INSERT ({names}) VALUES ({})",
        each(&|place, _, kind| format!("${place}::{kind}[]"), &columns, ", "),
        each(&|_, name, _| format!("t.{name} = c.{name}"), &key, " AND "),
        each(&|_, name, _| format!("t.{name} + c.{name} = 0"), &sum, " AND "),
        each(&|_, name, _| format!("{name} = t.{name} + c.{name}"), &sum, ", "),
        each(&|_, name, _| format!("c.{name}"), &columns, ", "),
    );
    let values: Vec<_> = columns.iter().map(|(.., values)| *values).collect();
    execute(transaction, &merge, &values).await?;
    Ok(())
}

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
    let keys: [Column<'_>; 2] = [("chain_code", "text", &codes), ("business_day", "integer", &days)];
    add(transaction, "chain_days", &keys, &[("movement_count", "bigint", &movements)]).await
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
    let keys: [Column<'_>; 6] = [
        (day, "integer", &days),
        ("stage", "smallint", &stages),
        ("chain_code", "text", &chains),
        ("product_code", "text", &products),
        ("site_code", "text", &sites),
        ("to_site_code", "text", &to_sites),
    ];
    let sums: [Column<'_>; 3] =
        [("quantity_milli", "bigint", &quantities), ("first_milli", "bigint", &firsts), ("movement_count", "bigint", &movements)];
    add(transaction, table, &keys, &sums).await
}

/// The same flows without their places.
pub(super) async fn write_goods(
    transaction: &Transaction<'_>,
    table: &str,
    day: &str,
    mut goods: Goods<'_>,
) -> Result<(), Error> {
    goods.retain(|_, flow| flow.quantity != 0 || flow.movements != 0);
    if goods.is_empty() {
        return Ok(());
    }
    let days: Vec<_> = goods.keys().map(|key| key.0.0).collect();
    let stages: Vec<_> = goods.keys().map(|key| key.1).collect();
    let chains: Vec<_> = goods.keys().map(|key| key.2).collect();
    let products: Vec<_> = goods.keys().map(|key| key.3).collect();
    let quantities = goods.values().map(|flow| big(flow.quantity)).collect::<Result<Vec<_>, _>>()?;
    let movements: Vec<_> = goods.values().map(|flow| flow.movements).collect();
    let keys: [Column<'_>; 4] = [
        (day, "integer", &days),
        ("stage", "smallint", &stages),
        ("chain_code", "text", &chains),
        ("product_code", "text", &products),
    ];
    let sums: [Column<'_>; 2] = [("quantity_milli", "bigint", &quantities), ("movement_count", "bigint", &movements)];
    add(transaction, table, &keys, &sums).await
}

/// First day of a day's month.
pub fn month(day: BusinessDay) -> BusinessDay {
    BusinessDay::of(day.date().first_of_month())
}
