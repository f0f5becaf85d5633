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
    fn months(self) -> (i32, i32) {
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

fn next_month(day: BusinessDay) -> BusinessDay {
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
        // Of a timestamp without a zone: with one it takes twice as long.
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

/// A page of utilization.
///
/// What holds on a day is the last fact from that day or before; the kinds of sites and the masses of products also hold before
/// their first fact, since a day may be reported that lies before the registry began. A capacity does not.
pub(crate) async fn utilization(
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
             SELECT business_day, chain_code, product_code, site_code, sum(first_milli) AS first_milli
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
                    sum(f.first_milli * CASE WHEN c.unit = 'H87' THEN p.pieces ELSE p.mass_gram END) AS counted,
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
