//! Reads flows. Whole months come from the sums by month, the days at the ends of a range from the sums by day.

use super::write::month;
use crate::page::Page;
use crate::read::{Cut, Query, beyond};
use crate::{Error, filter, names};
use domain::time::BusinessDay;
use std::collections::BTreeSet;
use tokio_postgres::Row;
use wire::proto::chuoi::throughput::v1 as proto;
use wire::proto::chuoi::throughput::v1::{Period, Stage, ThroughputKey};

/// Days in a range at most.
const MOST_DAYS: i32 = 3_700;

/// Expressions that sum flows; a mass that is not known counts beside the estimate.
const SUMS: &str = "sum(k.quantity_milli)::bigint AS quantity_milli, sum(k.movement_count)::bigint AS movements,
    div(sum(k.quantity_milli::numeric * coalesce(p.mass_gram, 0)), 1000)::bigint AS mass_gram,
    coalesce(sum(k.quantity_milli) FILTER (WHERE coalesce(p.mass_gram, 0) = 0), 0)::bigint AS unknown_milli";

/// The site whose channel and district a flow belongs to.
const SHOP: &str = "CASE WHEN k.to_site_code = '' THEN k.site_code ELSE k.to_site_code END";

/// What flowed under the code of a duplicate counts under the survivor's.
const SITE: &str = "coalesce(ms.survivor_code, k.site_code)";
const PRODUCT: &str = "coalesce(mp.survivor_code, k.product_code)";

/// The keys in their fixed order, with the column of each.
const KEYS: [(ThroughputKey, &str, &str); 5] = [
    (ThroughputKey::Chain, "k.chain_code", "chain_code"),
    (ThroughputKey::Product, PRODUCT, "product_code"),
    (ThroughputKey::Site, SITE, "site_code"),
    (ThroughputKey::Channel, "coalesce(s.kind, '')", "kind"),
    (ThroughputKey::District, "coalesce(s.district_code, '')", "district_code"),
];

const UNIT: &str = "coalesce(p.base_unit, '')";

/// First and last day; none at an open end.
#[derive(Clone, Copy, Debug)]
struct Range {
    from: Option<BusinessDay>,
    to: Option<BusinessDay>,
}

impl Range {
    fn read(from: &str, to: &str) -> Result<Range, Error> {
        let range = Range { from: filter::day("from_date", from)?, to: filter::day("to_date", to)? };
        if let (Some(first), Some(last)) = (range.from, range.to) {
            if last < first {
                return Err(Error::Malformed {
                    field: "to_date",
                    value: to.into(),
                    allowed: format!("a date not before from_date, {first}"),
                });
            }
            if last.0 - first.0 >= MOST_DAYS {
                return Err(Error::Malformed {
                    field: "to_date",
                    value: to.into(),
                    allowed: format!("a date within {MOST_DAYS} days of from_date, up to {}", first.plus(MOST_DAYS - 1)),
                });
            }
        }
        Ok(range)
    }

    /// Rows of the range, each with a `day`: of months where only months are asked for, of days at the ends.
    fn source(self, query: &mut Query, by_month: bool) -> String {
        let columns = "stage, chain_code, product_code, site_code, to_site_code, quantity_milli, movement_count";
        let from = query.bind(self.from.map_or(i32::MIN, |day| day.0));
        let to = query.bind(self.to.map_or(i32::MAX, |day| day.0));
        if !by_month {
            return format!("(SELECT business_day AS day, {columns} FROM flow_daily WHERE business_day BETWEEN {from} AND {to})");
        }
        // The first month that begins in the range, and the first that does not end in it.
        let first = self.from.map_or(i32::MIN, |day| if month(day) == day { day.0 } else { next_month(day).0 });
        let beyond = self.to.map_or(i32::MAX, |day| month(day.plus(1)).0);
        let (first, beyond) = (query.bind(first), query.bind(beyond));
        format!(
            "(SELECT month_day AS day, {columns} FROM flow_monthly WHERE month_day >= {first} AND month_day < {beyond}
              UNION ALL
              SELECT business_day AS day, {columns} FROM flow_daily WHERE business_day BETWEEN {from} AND {to}
                  AND NOT (business_day >= {first} AND business_day < {beyond}))"
        )
    }
}

fn next_month(day: BusinessDay) -> BusinessDay {
    month(month(day).plus(31))
}

fn period(field: i32) -> Result<Period, Error> {
    Period::try_from(field).map_err(|_| Error::Malformed {
        field: "period",
        value: field.to_string(),
        allowed: "1 day, 2 week, 3 month; 0 for the whole range".into(),
    })
}

/// First day of a day's period, as an expression.
fn period_start(period: Period, day: &str) -> String {
    match period {
        Period::Unspecified => "0".to_owned(),
        Period::Day => day.to_owned(),
        // Day 0 was a Thursday; the remainder of a day before it is below zero.
        Period::Week => format!("({day} - ((({day} + 3) % 7) + 7) % 7)"),
        Period::Month => format!("(date_trunc('month', date '1970-01-01' + {day})::date - date '1970-01-01')"),
    }
}

/// A page of throughput and the sums over all of it.
pub(crate) async fn throughput(
    cut: &Cut<'_>,
    request: &proto::QueryThroughputRequest,
    page: &Page,
) -> Result<proto::QueryThroughputResponse, Error> {
    let range = Range::read(&request.from_date, &request.to_date)?;
    let period = period(request.period)?;
    let mut asked = BTreeSet::new();
    for number in &request.group_by {
        match ThroughputKey::try_from(*number) {
            Ok(key) if key != ThroughputKey::Unspecified => asked.insert(key as i32),
            _ => {
                return Err(Error::Malformed {
                    field: "group_by",
                    value: number.to_string(),
                    allowed: "keys of throughput, 1 to 5".into(),
                });
            }
        };
    }
    let is_asked = |key: ThroughputKey| asked.contains(&(key as i32));

    let mut query = Query::default();
    let (source, mut conditions) = source(cut, request, range, period, &mut query).await?;
    let start = period_start(period, "k.day");
    let mut keys: Vec<(&str, &str)> = vec![(&start, "integer"), ("k.stage", "smallint")];
    let mut selected = vec![format!("{start} AS period_start"), "k.stage".to_owned()];
    let mut order = vec!["period_start".to_owned(), "stage".to_owned()];
    // A constant cannot be grouped by; a period that is the whole range is none.
    let mut grouped = if period == Period::Unspecified { vec!["k.stage"] } else { vec![start.as_str(), "k.stage"] };
    for (key, column, name) in KEYS {
        if is_asked(key) {
            keys.push((column, "text"));
            selected.push(format!("{column} AS {name}"));
            order.push(name.to_owned());
            grouped.push(column);
        } else {
            selected.push(format!("'' AS {name}"));
        }
    }
    keys.push((UNIT, "text"));
    selected.push(format!("{UNIT} AS unit"));
    order.push("unit".to_owned());
    grouped.push(UNIT);
    if let Some(after) = page.after(keys.len())? {
        conditions.push(beyond(&mut query, &keys, after, false));
    }
    let limit = query.bind(page.size + 1);
    let named: Vec<_> = order.iter().map(|name| format!("g.{name}")).collect();
    query.sql = format!(
        "SELECT g.*, c.name AS chain_name, p.name AS product_name, s.name AS site_name, d.name AS district_name
         FROM (SELECT {}, {SUMS} FROM {source} WHERE {} GROUP BY {} HAVING {SOME} ORDER BY {} LIMIT {limit}) AS g
         LEFT JOIN chains c ON c.chain_code = g.chain_code LEFT JOIN products p ON p.product_code = g.product_code
         LEFT JOIN sites s ON s.site_code = g.site_code LEFT JOIN districts d ON d.district_code = g.district_code
         ORDER BY {}",
        selected.join(", "),
        conditions.join(" AND "),
        grouped.join(", "),
        order.join(", "),
        named.join(", "),
    );
    let mut rows = cut.query(&query).await?.iter().map(|row| self::row(row, period)).collect::<Result<Vec<_>, _>>()?;
    let next_page_token = page.cut(&mut rows, |(start, row)| {
        let mut values = vec![start.to_string(), row.stage.to_string()];
        values.extend(KEYS.iter().filter(|(key, ..)| is_asked(*key)).map(|(key, ..)| value(row, *key)));
        values.push(row.unit.clone());
        values
    });

    let mut query = Query::default();
    let (source, conditions) = self::source(cut, request, range, period, &mut query).await?;
    query.sql = format!(
        "SELECT 0 AS period_start, k.stage, '' AS chain_code, '' AS product_code, '' AS site_code, '' AS kind, '' AS district_code,
                {UNIT} AS unit, {SUMS}, '' AS chain_name, '' AS product_name, '' AS site_name, '' AS district_name
         FROM {source} WHERE {} GROUP BY k.stage, {UNIT} HAVING {SOME} ORDER BY k.stage, {UNIT}",
        conditions.join(" AND ")
    );
    let totals = cut.query(&query).await?;
    let totals = totals.iter().map(|row| self::row(row, Period::Unspecified).map(|(_, row)| row)).collect::<Result<_, _>>()?;
    Ok(proto::QueryThroughputResponse {
        rows: rows.into_iter().map(|(_, row)| row).collect(),
        totals,
        next_page_token,
        position: cut.position(),
    })
}

/// What was voided wholly leaves no row.
const SOME: &str = "sum(k.quantity_milli) <> 0 OR sum(k.movement_count) <> 0";

async fn source(
    cut: &Cut<'_>,
    request: &proto::QueryThroughputRequest,
    range: Range,
    period: Period,
    query: &mut Query,
) -> Result<(String, Vec<String>), Error> {
    let rows = range.source(query, matches!(period, Period::Unspecified | Period::Month));
    let source = format!(
        "{rows} AS k LEFT JOIN merged ms ON ms.kind = 'site' AND ms.code = k.site_code
         LEFT JOIN merged mp ON mp.kind = 'product' AND mp.code = k.product_code
         LEFT JOIN merged mt ON mt.kind = 'site' AND mt.code = {SHOP}
         LEFT JOIN products p ON p.product_code = {PRODUCT} LEFT JOIN sites s ON s.site_code = coalesce(mt.survivor_code, {SHOP})"
    );
    let mut conditions = vec!["true".to_owned()];
    for (column, values) in [
        ("k.chain_code", filter::chains(cut, "chains", &request.chains).await?),
        ("k.product_code", filter::products(cut, "products", &request.products).await?),
        ("k.site_code", filter::sites(cut, "sites", &request.sites).await?),
        ("s.kind", filter::channels("channels", &request.channels)?),
        ("s.district_code", filter::districts(cut, "districts", &request.districts).await?),
    ] {
        if let Some(values) = values {
            let bound = query.bind(values);
            conditions.push(format!("{column} = ANY({bound}::text[])"));
        }
    }
    let mut stages = Vec::new();
    for number in &request.stages {
        match Stage::try_from(*number) {
            Ok(stage) if stage != Stage::Unspecified => stages.push(*number),
            _ => return Err(Error::Malformed { field: "stages", value: number.to_string(), allowed: "stages, 1 to 12".into() }),
        }
    }
    if !stages.is_empty() {
        let bound = query.bind(stages);
        conditions.push(format!("k.stage = ANY({bound}::integer[])"));
    }
    Ok((source, conditions))
}

fn value(row: &proto::ThroughputRow, key: ThroughputKey) -> String {
    match key {
        ThroughputKey::Unspecified => String::new(),
        ThroughputKey::Chain => row.chain_code.clone(),
        ThroughputKey::Product => row.product_code.clone(),
        ThroughputKey::Site => row.site_code.clone(),
        // As in the table: an unknown site has no kind.
        ThroughputKey::Channel if row.channel == 0 => String::new(),
        ThroughputKey::Channel => names::of_site_kind(row.channel()),
        ThroughputKey::District => row.district_code.clone(),
    }
}

fn row(row: &Row, period: Period) -> Result<(i32, proto::ThroughputRow), Error> {
    let text = |name: &str| row.try_get::<_, Option<String>>(name).map(Option::unwrap_or_default);
    let start: i32 = row.try_get("period_start")?;
    let throughput = proto::ThroughputRow {
        period_start_date: filter::date((period != Period::Unspecified).then_some(start)),
        stage: row.try_get::<_, i16>("stage")?.into(),
        chain_code: text("chain_code")?,
        chain_name: text("chain_name")?,
        product_code: text("product_code")?,
        product_name: text("product_name")?,
        channel: names::site_kind(&text("kind")?).into(),
        district_code: text("district_code")?,
        district_name: text("district_name")?,
        site_code: text("site_code")?,
        site_name: text("site_name")?,
        unit: text("unit")?,
        quantity_milli: row.try_get("quantity_milli")?,
        movements: row.try_get("movements")?,
        estimated_mass_gram: row.try_get("mass_gram")?,
        unknown_mass_milli: row.try_get("unknown_milli")?,
    };
    Ok((start, throughput))
}

/// A page of utilization.
///
/// What holds on a day is the last fact from that day or before; the kinds of sites and the masses of products also hold before
/// their first fact, since a day may be reported that lies before the registry began. A capacity does not.
pub(crate) async fn utilization(
    cut: &Cut<'_>,
    request: &proto::QueryUtilizationRequest,
    page: &Page,
) -> Result<proto::QueryUtilizationResponse, Error> {
    let range = Range::read(&request.from_date, &request.to_date)?;
    let needed = |field, day: Option<BusinessDay>| {
        day.ok_or_else(|| Error::Malformed { field, value: String::new(), allowed: "a date such as 2026-11-25".into() })
    };
    let (first, last) = (needed("from_date", range.from)?, needed("to_date", range.to)?);
    let period = period(request.period)?;
    let mut query = Query::default();
    let (from, to) = (query.bind(first.0), query.bind(last.0));
    let chains = filter::chains(cut, "chains", &request.chains).await?;
    let chains = query.bind(chains);
    let start = period_start(period, "days.day");
    let keys = [("period_start", "integer"), ("chain_code", "text"), ("unit", "text")];
    let after = match page.after(keys.len())? {
        Some(after) => beyond(&mut query, &keys, after, false),
        None => "true".to_owned(),
    };
    let limit = query.bind(page.size + 1);
    query.sql = format!(
        "WITH days AS (SELECT day, {start} AS period_start FROM generate_series({from}::integer, {to}::integer) AS days (day)),
         asked AS (SELECT chain_code, name FROM chains WHERE {chains}::text[] IS NULL OR chain_code = ANY({chains}::text[])),
         capacity AS ({}),
         site AS ({}),
         product AS ({}),
         chain_day AS (
             SELECT a.chain_code, d.period_start, d.day, coalesce(c.unit, '') AS unit, c.quantity_per_day_milli AS capacity_milli,
                    e.movement_count IS NOT NULL AS has_entry
             FROM asked a CROSS JOIN days d
             LEFT JOIN capacity c ON c.chain_code = a.chain_code AND c.from_day <= d.day AND (c.until_day IS NULL OR d.day < c.until_day)
             LEFT JOIN chain_days e ON e.chain_code = a.chain_code AND e.business_day = d.day
         ),
         dispatched AS (
             SELECT c.period_start, c.chain_code, c.unit,
                    CASE WHEN c.unit = 'H87' THEN sum(f.first_milli::numeric * p.pieces)
                         ELSE div(sum(f.first_milli::numeric * p.mass_gram), 1000) END AS milli,
                    bool_or(p.base_unit <> CASE WHEN c.unit = 'H87' THEN 'H87' ELSE 'KGM' END) AS estimated,
                    count(DISTINCT f.product_code) FILTER (WHERE CASE WHEN c.unit = 'H87' THEN p.pieces ELSE p.mass_gram END = 0)
                        AS not_counted
             FROM flow_daily f
             JOIN chain_day c ON c.chain_code = f.chain_code AND c.day = f.business_day
             JOIN site s ON s.site_code = f.site_code AND s.from_day <= f.business_day
                 AND (s.until_day IS NULL OR f.business_day < s.until_day)
             JOIN site t ON t.site_code = f.to_site_code AND t.from_day <= f.business_day
                 AND (t.until_day IS NULL OR f.business_day < t.until_day)
             JOIN product p ON p.product_code = f.product_code AND p.from_day <= f.business_day
                 AND (p.until_day IS NULL OR f.business_day < p.until_day)
             WHERE f.stage = 5 AND f.business_day BETWEEN {from} AND {to} AND s.is_producing AND NOT t.is_producing
             GROUP BY c.period_start, c.chain_code, c.unit
         ),
         rows AS (
             SELECT c.period_start, c.chain_code, c.unit, coalesce(sum(c.capacity_milli), 0)::bigint AS capacity_milli,
                    count(*) AS days, count(*) FILTER (WHERE c.has_entry) AS with_entries, count(c.capacity_milli) AS with_capacity
             FROM chain_day c GROUP BY c.period_start, c.chain_code, c.unit
         )
         SELECT r.*, a.name, coalesce(d.milli, 0)::bigint AS dispatched_milli, coalesce(d.estimated, false) AS estimated,
                coalesce(d.not_counted, 0) AS not_counted,
                CASE WHEN r.capacity_milli > 0
                     THEN div(coalesce(d.milli, 0) * 20000 + r.capacity_milli, r.capacity_milli::numeric * 2)::bigint END AS basis_points
         FROM rows r JOIN asked a USING (chain_code) LEFT JOIN dispatched d USING (period_start, chain_code, unit)
         WHERE {after} ORDER BY period_start, chain_code, unit LIMIT {limit}",
        history("capacity_facts", "chain_code", "unit, quantity_per_day_milli", false),
        history("site_facts", "site_code", "is_producing", true),
        // Pieces of a product that is counted in pieces are itself, unless it says otherwise.
        history(
            "product_facts",
            "product_code",
            "base_unit, mass_gram, CASE WHEN pieces = 0 AND base_unit = 'H87' THEN 1 ELSE pieces END AS pieces",
            true
        ),
    );
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
        };
        rows.push((start, utilization));
    }
    let next_page_token = page.cut(&mut rows, |(start, row)| vec![start.to_string(), row.chain_code.clone(), row.unit.clone()]);
    Ok(proto::QueryUtilizationResponse {
        rows: rows.into_iter().map(|(_, row)| row).collect(),
        next_page_token,
        position: cut.position(),
    })
}

/// Facts with the days between which each holds; of one day the last recorded.
fn history(facts: &str, key: &str, columns: &str, holds_before: bool) -> String {
    let lag = format!("lag(from_day) OVER (PARTITION BY {key} ORDER BY from_day) IS NULL");
    let from = if holds_before { format!("CASE WHEN {lag} THEN {} ELSE from_day END", i32::MIN) } else { "from_day".to_owned() };
    format!(
        "SELECT {key}, {columns}, {from} AS from_day, lead(from_day) OVER (PARTITION BY {key} ORDER BY from_day) AS until_day
         FROM (SELECT DISTINCT ON ({key}, from_day) * FROM {facts} ORDER BY {key}, from_day, sequence DESC, ordinal DESC) AS said"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_read_and_its_limits_are_named() {
        assert!(Range::read("2026-02-30", "").is_err());
        assert!(Range::read("2026-02-02", "2026-02-01").is_err());
        assert!(Range::read("2016-01-01", "2026-02-17").is_err());
        assert!(Range::read("2026-01-01", "2026-01-01").is_ok());
        assert!(Range::read("", "").is_ok());
    }

    #[test]
    fn a_month_begins_on_its_first_day_and_the_next_follows_it() {
        let day = |text| filter::day("day", text).unwrap().unwrap();
        assert_eq!(month(day("2024-02-29")), day("2024-02-01"));
        assert_eq!(next_month(day("2024-02-29")), day("2024-03-01"));
        assert_eq!(next_month(day("2023-12-01")), day("2024-01-01"));
        assert_eq!(month(day("1969-12-31")), day("1969-12-01"));
    }
}
