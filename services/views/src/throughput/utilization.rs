//! Reads how much of what a chain can move it moved.

use super::read::{basis_points, no_hours, period, period_start};
use super::roll;
use crate::Error;
use crate::filter::{self, Range};
use crate::page::Page;
use crate::read::{Cut, Query, beyond};
use crate::stock::read::{Doubtful, Keys};
use wire::proto::chuoi::throughput::v1 as proto;
use wire::proto::chuoi::throughput::v1::Period;

/// A page of utilization.
///
/// What holds on a day is the last fact from that day or before; the kinds of sites and the masses of products also hold before
/// their first fact, since a day may be reported that lies before the registry began. A capacity does not.
pub(crate) async fn read(
    cut: &Cut<'_>,
    request: &proto::QueryUtilizationRequest,
    page: &Page,
) -> Result<proto::QueryUtilizationResponse, Error> {
    let (first, last) = Range::read(&request.from_date, &request.to_date)?.closed()?;
    let period = no_hours(period(request.period)?)?;
    let mut query = Query::default();
    let (from, to) = (query.bind(first.0), query.bind(last.0));
    let chains = filter::chains(cut, "chains", &request.chains).await?;
    let chains = query.bind(chains);
    let (start, month_day) = (period_start(period, "day"), period_start(Period::Month, "day"));
    // Whole months come from the sums by month, where no period ends within one.
    let months = match period {
        Period::Unspecified | Period::Month => Range { from: Some(first), to: Some(last) }.months(),
        Period::Day | Period::Week | Period::Hour => (0, 0),
    };
    let (first_month, beyond_months) = (query.bind(months.0), query.bind(months.1));
    let alone = "ARRAY(SELECT day FROM alone)";
    // Read by the day where what its goods are, or its places, changed within a month.
    let by_day = |flow: &str, sites: &[&str]| {
        let code = |kind: &str, column: &str| {
            format!("({flow}.month_day, {flow}.{column}) IN (SELECT month_day, code FROM changed WHERE kind = '{kind}')")
        };
        let sites = sites.iter().map(|site| code("site", site));
        [code("chain", "chain_code"), code("product", "product_code")].into_iter().chain(sites).collect::<Vec<_>>().join(" OR ")
    };
    let keys = [("period_start", "integer"), ("chain_code", "text"), ("unit", "text")];
    let after = match page.after(keys.len())? {
        Some(after) => beyond(&mut query, &keys, after, false),
        None => "true".to_owned(),
    };
    let limit = query.bind(page.size + 1);
    let late = roll::beyond(&query.bind(cut.rolled));
    query.sql = format!(
        "WITH days AS MATERIALIZED (
             SELECT day, {start} AS period_start, {month_day} AS month_day, day >= {first_month} AND day < {beyond_months} AS is_of_month
             FROM generate_series({from}::integer, {to}::integer) AS days (day)
         ),
         periods AS (SELECT period_start, min(day) AS first, max(day) + 1 AS beyond FROM days GROUP BY period_start),
         asked AS (SELECT chain_code, name FROM chains WHERE {chains}::text[] IS NULL OR chain_code = ANY({chains}::text[])),
         capacity AS ({}),
         site AS ({}),
         product AS ({}),
         -- From when to when a chain has which capacity; of no unit before its first. Those alone that the range touches.
         spans AS (
             SELECT * FROM (
                 SELECT chain_code, unit, quantity_per_day_milli, from_day, coalesce(until_day, {forever}) AS until_day
                 FROM capacity JOIN asked USING (chain_code)
                 UNION ALL
                 SELECT a.chain_code, '', NULL, {ever}, coalesce(min(c.from_day), {forever})
                 FROM asked a LEFT JOIN capacity c USING (chain_code) GROUP BY a.chain_code) AS spans
             WHERE from_day <= {to} AND until_day > {from}
         ),
         -- The whole months within which something changed that the sums below rest on.
         changed AS MATERIALIZED (
             SELECT DISTINCT kind, code, days.month_day
             FROM (SELECT 'chain' AS kind, chain_code AS code, from_day,
                          unit IS DISTINCT FROM lag(unit) OVER (PARTITION BY chain_code ORDER BY from_day) AS is_other
                   FROM spans
                   UNION ALL SELECT 'product', product_code, from_day, true FROM product
                   UNION ALL SELECT 'site', site_code, from_day, true FROM site) AS facts
             JOIN days ON days.day = facts.from_day
             WHERE facts.is_other AND days.is_of_month AND days.day <> days.month_day
         ),
         -- Days that are read by themselves.
         alone AS (
             SELECT day FROM days WHERE NOT is_of_month OR month_day IN (SELECT month_day FROM changed)
         ),
         late AS ({late} AND m.stage = 5 AND m.business_day BETWEEN {from} AND {to}),
         by_month AS (
             SELECT month_day AS business_day, chain_code, product_code, site_code, first_milli
             FROM dispatch_monthly d WHERE month_day >= {first_month} AND month_day < {beyond_months} AND NOT ({dispatch_by_day})
         ),
         -- And what is taken off of either: what went to where goods are made, few sites, looked up by where it went.
         by_day AS (
             SELECT business_day, chain_code, product_code, site_code, sum(first_milli)::bigint AS first_milli
             FROM (SELECT business_day, chain_code, product_code, site_code, first_milli
                   FROM (SELECT d.*, days.month_day, days.is_of_month FROM dispatch_daily d JOIN days ON days.day = d.business_day
                         WHERE d.business_day = ANY ({alone})) AS d
                   WHERE NOT is_of_month OR {dispatch_by_day}
                   UNION ALL
                   SELECT business_day, chain_code, product_code, site_code, first_milli FROM late
                   UNION ALL
                   SELECT f.business_day, f.chain_code, f.product_code, f.site_code, -f.first_milli
                   FROM (SELECT business_day, chain_code, product_code, site_code, to_site_code, first_milli
                         FROM (SELECT f.*, days.month_day, days.is_of_month FROM flow_daily f JOIN days ON days.day = f.business_day
                               WHERE f.stage = 5 AND f.business_day = ANY ({alone}) AND f.to_site_code = ANY ({producing})) AS f
                         WHERE NOT is_of_month OR {flow_by_day}
                         UNION ALL
                         SELECT month_day, chain_code, product_code, site_code, to_site_code, first_milli
                         FROM flow_monthly f WHERE stage = 5 AND month_day >= {first_month} AND month_day < {beyond_months}
                             AND to_site_code = ANY ({producing}) AND NOT ({flow_by_day})
                         UNION ALL
                         SELECT business_day, chain_code, product_code, site_code, to_site_code, first_milli FROM late) AS f
                   JOIN site t ON t.site_code = f.to_site_code AND t.from_day <= f.business_day
                       AND (t.until_day IS NULL OR f.business_day < t.until_day) AND t.is_producing) AS flows
             GROUP BY 1, 2, 3, 4
         ),
         sent AS (
             SELECT business_day, chain_code, product_code, site_code, coalesce(m.first_milli, 0) + coalesce(d.first_milli, 0) AS first_milli
             FROM by_month m FULL JOIN by_day d USING (business_day, chain_code, product_code, site_code)
             WHERE coalesce(m.first_milli, 0) + coalesce(d.first_milli, 0) <> 0
         ),
         -- The products that are not counted are told apart afterwards: they are few.
         dispatched AS (
             SELECT days.period_start, c.chain_code, c.unit,
                    sum(f.first_milli::numeric * CASE WHEN c.unit = 'H87' THEN p.pieces ELSE p.mass_gram END) AS counted,
                    bool_or(p.base_unit <> CASE WHEN c.unit = 'H87' THEN 'H87' ELSE 'KGM' END) AS estimated,
                    array_agg(f.product_code) FILTER (WHERE CASE WHEN c.unit = 'H87' THEN p.pieces ELSE p.mass_gram END = 0)
                        AS not_counted
             FROM sent f JOIN days ON days.day = f.business_day
             JOIN spans c ON c.chain_code = f.chain_code AND c.from_day <= f.business_day AND f.business_day < c.until_day
             JOIN site s ON s.site_code = f.site_code AND s.from_day <= f.business_day
                 AND (s.until_day IS NULL OR f.business_day < s.until_day)
             JOIN product p ON p.product_code = f.product_code AND p.from_day <= f.business_day
                 AND (p.until_day IS NULL OR f.business_day < p.until_day)
             WHERE s.is_producing
             GROUP BY 1, 2, 3
         ),
         figures AS (
             SELECT period_start, chain_code, unit, CASE WHEN unit = 'H87' THEN counted ELSE div(counted, 1000) END AS milli, estimated,
                    (SELECT count(DISTINCT code) FROM unnest(not_counted) AS codes (code)) AS not_counted
             FROM dispatched
         ),
         rows AS (
             SELECT p.period_start, c.chain_code, c.unit,
                    coalesce(sum(c.quantity_per_day_milli * length), 0)::bigint AS capacity_milli, sum(length)::bigint AS days,
                    sum(e.days)::bigint AS with_entries,
                    coalesce(sum(length) FILTER (WHERE c.quantity_per_day_milli IS NOT NULL), 0)::bigint AS with_capacity
             FROM spans c JOIN periods p ON c.from_day < p.beyond AND p.first < c.until_day
             CROSS JOIN LATERAL (SELECT least(c.until_day, p.beyond) - greatest(c.from_day, p.first) AS length) AS lengths
             CROSS JOIN LATERAL (SELECT count(*) AS days FROM chain_days d WHERE d.chain_code = c.chain_code
                 AND d.business_day >= greatest(c.from_day, p.first) AND d.business_day < least(c.until_day, p.beyond)) AS e
             GROUP BY p.period_start, c.chain_code, c.unit
         )
         SELECT r.*, a.name, coalesce(d.milli, 0)::bigint AS dispatched_milli, coalesce(d.estimated, false) AS estimated,
                coalesce(d.not_counted, 0) AS not_counted,
                CASE WHEN r.capacity_milli > 0
                     THEN div(coalesce(d.milli, 0) * 20000 + r.capacity_milli, r.capacity_milli::numeric * 2)::bigint END AS basis_points
         FROM rows r JOIN asked a USING (chain_code) LEFT JOIN figures d USING (period_start, chain_code, unit)
         WHERE {after} ORDER BY period_start, chain_code, unit LIMIT {limit}",
        history("capacity_facts", "chain_code", "unit, quantity_per_day_milli", false),
        history("site_facts", "site_code", "is_producing", true),
        // Pieces of a product that is counted in pieces are itself, unless it says otherwise.
        history(
            "(SELECT product_code, from_day, sequence, ordinal, base_unit, mass_gram,
                     CASE WHEN pieces = 0 AND base_unit = 'H87' THEN 1 ELSE pieces END AS pieces FROM product_facts)",
            "product_code",
            "base_unit, mass_gram, pieces",
            true
        ),
        ever = i32::MIN,
        forever = i32::MAX,
        producing = "ARRAY(SELECT DISTINCT site_code FROM site_facts WHERE is_producing)",
        dispatch_by_day = by_day("d", &["site_code"]),
        flow_by_day = by_day("f", &["site_code", "to_site_code"]),
    );
    let doubtful = Doubtful::read(cut).await?;
    let mut rows = Vec::new();
    for row in cut.query(&query).await? {
        let start: i32 = row.try_get("period_start")?;
        let count = |name: &str| row.try_get::<_, i64>(name).map(|count| i32::try_from(count).unwrap_or(i32::MAX));
        let utilization = proto::UtilizationRow {
            period_start_date: filter::date((period != Period::Unspecified).then_some(start)),
            chain_code: row.try_get("chain_code")?,
            chain_name: row.try_get("name")?,
            unit: row.try_get("unit")?,
            dispatched_milli: row.try_get("dispatched_milli")?,
            capacity_milli: row.try_get("capacity_milli")?,
            utilization_basis_points: row.try_get("basis_points")?,
            estimated: row.try_get("estimated")?,
            days: count("days")?,
            days_with_entries: count("with_entries")?,
            days_with_capacity: count("with_capacity")?,
            products_not_counted: count("not_counted")?,
            days_with_entries_basis_points: basis_points(row.try_get("with_entries")?, row.try_get("days")?).unwrap_or(0),
            doubtful: doubtful.touch(&Keys { chain: row.try_get("chain_code")?, ..Keys::default() }),
        };
        rows.push((start, utilization));
    }
    let next_page_token = page.cut(&mut rows, |(start, row)| vec![start.to_string(), row.chain_code.clone(), row.unit.clone()]);
    Ok(proto::QueryUtilizationResponse {
        rows: rows.into_iter().map(|(.., row)| row).collect(),
        next_page_token,
        position: cut.position(),
    })
}

/// Facts with the days between which each holds, where it is not what held before; of one day the last recorded.
fn history(facts: &str, key: &str, columns: &str, holds_before: bool) -> String {
    let of_key = format!("OVER (PARTITION BY {key} ORDER BY from_day)");
    let from =
        if holds_before { format!("CASE WHEN is_first THEN {} ELSE from_day END", i32::MIN) } else { "from_day".to_owned() };
    format!(
        "SELECT {key}, {columns}, {from} AS from_day, lead(from_day) {of_key} AS until_day
         FROM (SELECT {key}, from_day, {columns}, lag(from_day) {of_key} IS NULL AS is_first,
                      ROW({columns}) IS DISTINCT FROM lag(ROW({columns})) {of_key} AS is_other
               FROM (SELECT DISTINCT ON ({key}, from_day) * FROM {facts} AS facts
                     ORDER BY {key}, from_day, sequence DESC, ordinal DESC) AS said) AS said
         WHERE is_first OR is_other"
    )
}
