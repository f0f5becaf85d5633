//! Reads flows. Whole months come from the sums by month, the days at the ends of a range from the sums by day.

use super::roll;
use super::write::month;
use crate::filter::Range;
use crate::page::Page;
use crate::read::{Cut, Query, beyond};
use crate::stock::read::{Doubtful, Keys};
use crate::{Error, filter, names};
use domain::time::BusinessDay;
use std::collections::BTreeSet;
use tokio_postgres::Row;
use wire::proto::chuoi::throughput::v1 as proto;
use wire::proto::chuoi::throughput::v1::{Period, Stage, ThroughputKey};

/// Expressions that sum flows; a mass that is not known counts beside the estimate.
const SUMS: &str = "sum(k.quantity_milli)::bigint AS quantity_milli, sum(k.movement_count)::bigint AS movements,
    sum(k.compared_milli)::bigint AS compared_milli, sum(k.compared_count)::bigint AS compared_movements,
    div(sum(k.quantity_milli::numeric * coalesce(p.mass_gram, 0)), 1000)::bigint AS mass_gram,
    coalesce(sum(k.quantity_milli) FILTER (WHERE coalesce(p.mass_gram, 0) = 0), 0)::bigint AS unknown_milli";

/// The site whose channel and district a flow belongs to.
pub(crate) const SHOP: &str = "CASE WHEN k.to_site_code = '' THEN k.site_code ELSE k.to_site_code END";

/// What flowed under the code of a duplicate counts under the survivor's.
pub(crate) const SITE: &str = "coalesce(ms.survivor_code, k.site_code)";
pub(crate) const PRODUCT: &str = "coalesce(mp.survivor_code, k.product_code)";

/// What the keys and sums of a row `k` need beside it: its product `p` and its place `s`, as they are known now.
pub(crate) fn joins() -> String {
    format!(
        "LEFT JOIN merged ms ON ms.kind = 'site' AND ms.code = k.site_code
         LEFT JOIN merged mp ON mp.kind = 'product' AND mp.code = k.product_code
         LEFT JOIN merged mt ON mt.kind = 'site' AND mt.code = {SHOP}
         LEFT JOIN products p ON p.product_code = {PRODUCT}
         LEFT JOIN sites s ON s.site_code = coalesce(mt.survivor_code, {SHOP})"
    )
}

/// The keys in their fixed order, with the column of each.
pub(crate) const KEYS: [(ThroughputKey, &str, &str); 6] = [
    (ThroughputKey::Chain, "k.chain_code", "chain_code"),
    (ThroughputKey::Product, PRODUCT, "product_code"),
    (ThroughputKey::Group, "coalesce(p.group_code, '')", "group_code"),
    (ThroughputKey::Site, SITE, "site_code"),
    (ThroughputKey::Channel, "coalesce(s.kind, '')", "kind"),
    (ThroughputKey::District, "coalesce(s.district_code, '')", "district_code"),
];

pub(crate) const UNIT: &str = "coalesce(p.base_unit, '')";

impl Range {
    /// Rows of the range, each with a `day`: of months where only months are asked for, of days at the ends; and movements that are
    /// not rolled up yet.
    pub(crate) fn source(self, cut: &Cut<'_>, query: &mut Query, by_month: bool) -> String {
        self.rows(cut.rolled, query, by_month, "flow", ["site_code", "to_site_code"])
    }

    /// The same summed over places, which are empty: far fewer rows.
    pub(crate) fn goods(self, cut: &Cut<'_>, query: &mut Query, by_month: bool) -> String {
        self.rows(cut.rolled, query, by_month, "goods", ["''::text AS site_code", "''::text AS to_site_code"])
    }

    /// The first month that begins in the range, and the first that does not end in it.
    pub(super) fn months(self) -> (i32, i32) {
        let first = self.from.map_or(i32::MIN, |day| if month(day) == day { day.0 } else { next_month(day).0 });
        (first, self.to.map_or(i32::MAX, |day| month(day.plus(1)).0))
    }

    /// Rows of the tables whose names begin so, which are rolled up to an entry.
    fn rows(self, rolled: i64, query: &mut Query, by_month: bool, tables: &str, [site, to_site]: [&str; 2]) -> String {
        let columns = format!("stage, chain_code, product_code, {site}, {to_site}, quantity_milli, movement_count");
        let late = roll::beyond(&query.bind(rolled));
        let from = query.bind(self.from.map_or(i32::MIN, |day| day.0));
        let to = query.bind(self.to.map_or(i32::MAX, |day| day.0));
        let late =
            format!("SELECT business_day AS day, {columns} FROM ({late} AND m.business_day BETWEEN {from} AND {to}) AS late");
        if !by_month {
            return format!(
                "(SELECT business_day AS day, {columns} FROM {tables}_daily WHERE business_day BETWEEN {from} AND {to}
                  UNION ALL {late})"
            );
        }
        let (first, beyond) = self.months();
        let (first, beyond) = (query.bind(first), query.bind(beyond));
        format!(
            "(SELECT month_day AS day, {columns} FROM {tables}_monthly WHERE month_day >= {first} AND month_day < {beyond}
              UNION ALL
              SELECT business_day AS day, {columns} FROM {tables}_daily WHERE business_day BETWEEN {from} AND {to}
                  AND NOT (business_day >= {first} AND business_day < {beyond})
              UNION ALL {late})"
        )
    }
}

/// First day of the month after a day's.
pub(super) fn next_month(day: BusinessDay) -> BusinessDay {
    month(month(day).plus(31))
}

/// Hours of so many days at most: they are read movement by movement.
const MOST_DAYS_OF_HOURS: i32 = 31;

/// What flowed by the hour, movement by movement; -1 for what is known to the day only. `bounds` are the first and last day.
fn by_hour(query: &mut Query, bounds: (BusinessDay, BusinessDay), zone: &str) -> String {
    let (from, to, zone) = (query.bind(bounds.0.0), query.bind(bounds.1.0), query.bind(zone.to_owned()));
    format!(
        "(SELECT m.business_day AS day,
                 CASE WHEN m.from_rank = 2 THEN extract(hour FROM (timestamptz 'epoch' + m.moment_micros * interval '1 microsecond')
                     AT TIME ZONE {zone}::text)::integer ELSE -1 END AS hour,
                 m.stage, l.chain_code, l.product_code, coalesce(m.to_site_code, m.from_site_code, sh.to_site_code, '') AS site_code,
                 CASE WHEN m.stage = 5 THEN coalesce(sh.to_site_code, '') ELSE '' END AS to_site_code,
                 m.quantity_milli * m.stage_sign AS quantity_milli, CASE WHEN m.is_reversal THEN -1 ELSE 1 END AS movement_count
          FROM movements m JOIN lots l ON l.lot_id = m.lot_id
          -- The shipment that left; or else the one that was to arrive.
          LEFT JOIN shipments sh ON sh.shipment_id =
              CASE WHEN (m.stage = 5) <> m.is_reversal THEN m.to_shipment_id ELSE m.from_shipment_id END
          WHERE m.business_day BETWEEN {from} AND {to} AND m.stage IS NOT NULL)"
    )
}

/// Another range that figures are held against, and how far its periods lie from those beside which they stand.
#[derive(Clone, Copy, Debug)]
pub(super) struct Comparison {
    pub range: Range,
    days: i32,
    months: i32,
}

impl Comparison {
    /// Reads `compare_from_date` and `compare_to_date`; none where they are left out.
    pub fn read(range: Range, period: Period, from: &str, to: &str) -> Result<Option<Comparison>, Error> {
        let (other, last) = (filter::day("compare_from_date", from)?, filter::day("compare_to_date", to)?);
        let Some(other) = other else {
            return match last {
                None => Ok(None),
                Some(_) => Err(Error::Malformed {
                    field: "compare_from_date",
                    value: String::new(),
                    allowed: "a date, since compare_to_date is given".into(),
                }),
            };
        };
        let (first, end) = range.closed()?;
        let last = last.unwrap_or(other.plus(end.0 - first.0));
        if last < other {
            return Err(Error::Malformed {
                field: "compare_to_date",
                value: to.into(),
                allowed: format!("a date not before compare_from_date, {other}"),
            });
        }
        let days = first.0 - other.0;
        if period == Period::Week && days % 7 != 0 {
            return Err(Error::Malformed {
                field: "compare_from_date",
                value: from.into(),
                allowed: format!("a date whole weeks from from_date, such as {}", first.plus(-364)),
            });
        }
        let months = |day: BusinessDay| i32::from(day.date().year()) * 12 + i32::from(day.date().month());
        Ok(Some(Comparison { range: Range { from: Some(other), to: Some(last) }, days, months: months(first) - months(other) }))
    }

    /// First day of the period beside which a day's period stands, as an expression.
    pub fn period_start(self, period: Period, day: &str) -> String {
        match period {
            Period::Unspecified => "0".to_owned(),
            Period::Month => format!(
                "((date_trunc('month', date '1970-01-01' + {day}) + {} * interval '1 month')::date - date '1970-01-01')",
                self.months
            ),
            Period::Day | Period::Week | Period::Hour => format!("({} + {})", period_start(period, day), self.days),
        }
    }
}

pub(super) fn period(field: i32) -> Result<Period, Error> {
    Period::try_from(field).map_err(|_| Error::Malformed {
        field: "period",
        value: field.to_string(),
        allowed: "1 day, 2 week, 3 month, 4 hour; 0 for the whole range".into(),
    })
}

/// Refuses hours, where only days are known.
pub(super) fn no_hours(period: Period) -> Result<Period, Error> {
    if period == Period::Hour {
        return Err(Error::Malformed {
            field: "period",
            value: "4".into(),
            allowed: "1 day, 2 week, 3 month; 0 for the whole range".into(),
        });
    }
    Ok(period)
}

/// Keys that were asked for.
pub(crate) fn asked(group_by: &[i32]) -> Result<BTreeSet<i32>, Error> {
    let key = |number: &i32| match ThroughputKey::try_from(*number) {
        Ok(key) if key != ThroughputKey::Unspecified => Ok(*number),
        _ => Err(Error::Malformed { field: "group_by", value: number.to_string(), allowed: "keys of throughput, 1 to 6".into() }),
    };
    group_by.iter().map(key).collect()
}

/// First day of a day's period, as an expression.
pub(super) fn period_start(period: Period, day: &str) -> String {
    match period {
        Period::Unspecified => "0".to_owned(),
        Period::Day | Period::Hour => day.to_owned(),
        // Day 0 was a Thursday; the remainder of a day before it is below zero.
        Period::Week => format!("({day} - ((({day} + 3) % 7) + 7) % 7)"),
        // Of a timestamp without a zone: days are not of the session's.
        Period::Month => format!("(date_trunc('month', (date '1970-01-01' + {day})::timestamp)::date - date '1970-01-01')"),
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
    let comparison = Comparison::read(range, period, &request.compare_from_date, &request.compare_to_date)?;
    let asked = asked(&request.group_by)?;
    let flows = Flows { range, period, comparison, filter: Filter::read(cut, request).await? };
    let is_asked = |key: ThroughputKey| asked.contains(&(key as i32));

    let mut query = Query::default();
    let by_place = [ThroughputKey::Site, ThroughputKey::Channel, ThroughputKey::District].into_iter().any(is_asked);
    let (source, mut conditions) = flows.source(cut, &mut query, by_place)?;
    let mut keys: Vec<(&str, &str)> = vec![("k.period_start", "integer"), ("k.hour", "integer"), ("k.stage", "smallint")];
    let mut selected = vec!["k.period_start".to_owned(), "k.hour".to_owned(), "k.stage".to_owned()];
    let mut order = vec!["period_start".to_owned(), "hour".to_owned(), "stage".to_owned()];
    let mut grouped = vec!["k.period_start", "k.hour", "k.stage"];
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
    let doubtful = flows.filter.doubtful(Doubtful::read(cut).await?);
    let row = |row: &Row| self::row(row, period, comparison.is_some(), &doubtful);
    let mut rows = cut.query(&query).await?.iter().map(row).collect::<Result<Vec<_>, _>>()?;
    let next_page_token = page.cut(&mut rows, |(start, hour, row)| {
        let mut values = vec![start.to_string(), hour.to_string(), row.stage.to_string()];
        values.extend(KEYS.iter().filter(|(key, ..)| is_asked(*key)).map(|(key, ..)| value(row, *key)));
        values.push(row.unit.clone());
        values
    });

    let mut query = Query::default();
    let (source, conditions) = flows.source(cut, &mut query, false)?;
    query.sql = format!(
        "SELECT 0 AS period_start, 0 AS hour, k.stage, '' AS chain_code, '' AS product_code, '' AS group_code, '' AS site_code, '' AS kind, '' AS district_code,
                {UNIT} AS unit, {SUMS}, '' AS chain_name, '' AS product_name, '' AS site_name, '' AS district_name
         FROM {source} WHERE {} GROUP BY k.stage, {UNIT} HAVING {SOME} ORDER BY k.stage, {UNIT}",
        conditions.join(" AND ")
    );
    let totals = cut.query(&query).await?;
    let total = |row: &Row| self::row(row, Period::Unspecified, comparison.is_some(), &doubtful).map(|(.., row)| row);
    let totals = totals.iter().map(total).collect::<Result<_, _>>()?;
    Ok(proto::QueryThroughputResponse {
        rows: rows.into_iter().map(|(.., row)| row).collect(),
        totals,
        next_page_token,
        position: cut.position(),
    })
}

/// What was voided wholly leaves no row.
const SOME: &str =
    "sum(k.quantity_milli) <> 0 OR sum(k.movement_count) <> 0 OR sum(k.compared_milli) <> 0 OR sum(k.compared_count) <> 0";

/// Which flows, when, and held against which.
struct Flows {
    range: Range,
    period: Period,
    comparison: Option<Comparison>,
    filter: Filter,
}

impl Flows {
    /// What to read from, each row in its period, and conditions on it.
    fn source(&self, cut: &Cut<'_>, query: &mut Query, by_place: bool) -> Result<(String, Vec<String>), Error> {
        let by_place = by_place || self.filter.names_places();
        let by_month = matches!(self.period, Period::Unspecified | Period::Month);
        let hour = if self.period == Period::Hour { "k.hour" } else { "0" };
        let mut rows = |range: Range, start: String, figures: &str| {
            let flows = if self.period == Period::Hour {
                let (first, last) = range.closed()?;
                if last.0 - first.0 >= MOST_DAYS_OF_HOURS {
                    return Err(Error::Malformed {
                        field: "to_date",
                        value: last.to_string(),
                        allowed: format!("for hours a date within {MOST_DAYS_OF_HOURS} days of {first}"),
                    });
                }
                by_hour(query, (first, last), &cut.checkpoint.business_time_zone)
            } else if by_place {
                range.source(cut, query, by_month)
            } else {
                range.goods(cut, query, by_month)
            };
            Ok(format!(
                "SELECT {start} AS period_start, {hour} AS hour, k.stage, k.chain_code, k.product_code, k.site_code, k.to_site_code, {figures}
                 FROM {flows} AS k"
            ))
        };
        let figures = "k.quantity_milli, k.movement_count, 0::bigint AS compared_milli, 0::bigint AS compared_count";
        let mut parts = vec![rows(self.range, period_start(self.period, "k.day"), figures)?];
        if let Some(other) = self.comparison {
            let figures = "0, 0, k.quantity_milli, k.movement_count";
            parts.push(rows(other.range, other.period_start(self.period, "k.day"), figures)?);
        }
        let source = format!("({}) AS k {}", parts.join(" UNION ALL "), joins());
        Ok((source, self.filter.conditions(query, true, true)))
    }
}

/// Which flows, resolved to codes.
#[derive(Default)]
pub(super) struct Filter {
    chains: Option<Vec<String>>,
    products: Option<Vec<String>>,
    sites: Option<Vec<String>>,
    channels: Option<Vec<String>>,
    districts: Option<Vec<String>>,
    stages: Vec<i32>,
}

impl Filter {
    async fn read(cut: &Cut<'_>, request: &proto::QueryThroughputRequest) -> Result<Filter, Error> {
        for number in &request.stages {
            if !Stage::try_from(*number).is_ok_and(|stage| stage != Stage::Unspecified) {
                return Err(Error::Malformed { field: "stages", value: number.to_string(), allowed: "stages, 1 to 14".into() });
            }
        }
        Ok(Filter {
            chains: filter::chains(cut, "chains", &request.chains).await?,
            products: filter::products(cut, "products", &request.products).await?,
            sites: filter::sites(cut, "sites", &request.sites).await?,
            channels: filter::channels("channels", &request.channels)?,
            districts: filter::districts(cut, "districts", &request.districts).await?,
            stages: request.stages.clone(),
        })
    }

    /// The same for measures, which have no stages.
    pub async fn of_measures(cut: &Cut<'_>, request: &proto::QueryMeasuresRequest) -> Result<Filter, Error> {
        let request = proto::QueryThroughputRequest {
            chains: request.chains.clone(),
            products: request.products.clone(),
            sites: request.sites.clone(),
            channels: request.channels.clone(),
            districts: request.districts.clone(),
            ..Default::default()
        };
        Filter::read(cut, &request).await
    }

    /// What it says of the site that goods leave.
    pub fn of_senders(&self) -> Filter {
        Filter { sites: self.sites.clone(), ..Filter::default() }
    }

    /// What it says of where they go.
    pub fn of_receivers(&self) -> Filter {
        Filter { channels: self.channels.clone(), districts: self.districts.clone(), ..Filter::default() }
    }

    /// Whether it names places.
    pub fn names_places(&self) -> bool {
        [&self.sites, &self.channels, &self.districts].into_iter().any(Option::is_some)
    }

    /// Conditions over `k` (flows) and, for places, `s` (sites): of goods, of places, or of both.
    pub fn conditions(&self, query: &mut Query, of_goods: bool, of_places: bool) -> Vec<String> {
        let mut conditions = vec!["true".to_owned()];
        for (column, values, is_place) in [
            ("k.chain_code", &self.chains, false),
            ("k.product_code", &self.products, false),
            ("k.site_code", &self.sites, true),
            ("s.kind", &self.channels, true),
            ("s.district_code", &self.districts, true),
        ] {
            if let Some(values) = values.as_ref().filter(|_| if is_place { of_places } else { of_goods }) {
                let bound = query.bind(values.clone());
                conditions.push(format!("{column} = ANY({bound}::text[])"));
            }
        }
        if !self.stages.is_empty() {
            let bound = query.bind(self.stages.clone());
            conditions.push(format!("k.stage = ANY({bound}::integer[])"));
        }
        conditions
    }

    /// Those of the doubtful that these flows may be about.
    pub fn doubtful(&self, doubtful: Doubtful) -> Doubtful {
        let takes =
            |values: &Option<Vec<String>>, is: &str| values.as_ref().is_none_or(|values| values.iter().any(|value| value == is));
        doubtful.only(|suspect| {
            takes(&self.chains, &suspect.chain) && takes(&self.products, &suspect.product) && takes(&self.sites, &suspect.site)
        })
    }
}

fn value(row: &proto::ThroughputRow, key: ThroughputKey) -> String {
    match key {
        ThroughputKey::Unspecified => String::new(),
        ThroughputKey::Chain => row.chain_code.clone(),
        ThroughputKey::Product => row.product_code.clone(),
        ThroughputKey::Group => row.group_code.clone(),
        ThroughputKey::Site => row.site_code.clone(),
        // As in the table: an unknown site has no kind.
        ThroughputKey::Channel if row.channel == 0 => String::new(),
        ThroughputKey::Channel => names::of_site_kind(row.channel()),
        ThroughputKey::District => row.district_code.clone(),
    }
}

fn row(row: &Row, period: Period, compares: bool, doubtful: &Doubtful) -> Result<(i32, i32, proto::ThroughputRow), Error> {
    let text = |name: &str| row.try_get::<_, Option<String>>(name).map(Option::unwrap_or_default);
    let (start, hour): (i32, i32) = (row.try_get("period_start")?, row.try_get("hour")?);
    let (quantity, compared): (i64, i64) = (row.try_get("quantity_milli")?, row.try_get("compared_milli")?);
    let difference = if compares { quantity.saturating_sub(compared) } else { 0 };
    let mut throughput = proto::ThroughputRow {
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
        quantity_milli: quantity,
        movements: row.try_get("movements")?,
        estimated_mass_gram: row.try_get("mass_gram")?,
        unknown_mass_milli: row.try_get("unknown_milli")?,
        group_code: text("group_code")?,
        hour: (period == Period::Hour && hour >= 0).then_some(hour),
        without_hour: period == Period::Hour && hour < 0,
        compared_quantity_milli: compared,
        compared_movements: row.try_get("compared_movements")?,
        difference_milli: difference,
        difference_basis_points: if compares { basis_points(difference, compared) } else { None },
        doubtful: false,
    };
    throughput.doubtful = doubtful.touch(&Keys {
        chain: &throughput.chain_code,
        product: &throughput.product_code,
        group: &throughput.group_code,
        site: &throughput.site_code,
    });
    Ok((start, hour, throughput))
}

/// A part of a whole in hundredths of a percent, rounded half away from zero; none of nothing.
pub(crate) fn basis_points(part: i64, whole: i64) -> Option<i64> {
    if whole == 0 {
        return None;
    }
    let (part, whole) = (i128::from(part) * 10_000, i128::from(whole));
    let (part, whole) = if whole < 0 { (-part, -whole) } else { (part, whole) };
    let rounded = if part < 0 { (part * 2 - whole) / (whole * 2) } else { (part * 2 + whole) / (whole * 2) };
    i64::try_from(rounded).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_begins_on_its_first_day_and_the_next_follows_it() {
        let day = |text| filter::day("day", text).unwrap().unwrap();
        assert_eq!(month(day("2024-02-29")), day("2024-02-01"));
        assert_eq!(next_month(day("2024-02-29")), day("2024-03-01"));
        assert_eq!(next_month(day("2023-12-01")), day("2024-01-01"));
        assert_eq!(month(day("1969-12-31")), day("1969-12-01"));
    }
}
