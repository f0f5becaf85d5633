//! Reads how well the goods flow: fill rate, shrink, harvest to shelf. Each comes from rows of its own (shipments by the day on
//! which they left, flows, movements into shops) and they meet here under their keys.

use super::read::{Comparison, Filter, KEYS, UNIT, asked, basis_points, joins, no_hours, period, period_start};
use crate::filter::Range;
use crate::orders::read as orders;
use crate::page::Page;
use crate::read::{Cut, Query};
use crate::stock::read::{Doubtful, Keys};
use crate::{Error, filter, names};
use std::collections::{BTreeMap, BTreeSet};
use tokio_postgres::Row;
use wire::proto::chuoi::throughput::v1 as proto;
use wire::proto::chuoi::throughput::v1::{Measure, Period, Stage, ThroughputKey};

/// First day of the period, then chain, product, group, site, channel, district and unit; those that were not asked for are empty.
type Key = (i32, [String; 7]);

/// Measures by key: those of the range, and those that they are compared with.
type Found = BTreeMap<Key, [proto::Measures; 2]>;

/// A page of measures.
pub(crate) async fn measures(
    cut: &Cut<'_>,
    request: &proto::QueryMeasuresRequest,
    page: &Page,
) -> Result<proto::QueryMeasuresResponse, Error> {
    let range = Range::read(&request.from_date, &request.to_date)?;
    range.closed()?;
    let period = no_hours(period(request.period)?)?;
    let comparison = Comparison::read(range, period, &request.compare_from_date, &request.compare_to_date)?;
    let filter = Filter::of_measures(cut, request).await?;
    let reading = Reading { cut, period, asked: asked(&request.group_by)?, measures: wanted(&request.measures)?, filter };
    let mut found = Found::new();
    reading.range(range, &period_start(period, "k.day"), 0, &mut found).await?;
    if let Some(other) = comparison {
        reading.range(other.range, &other.period_start(period, "k.day"), 1, &mut found).await?;
    }
    let after = page.after(8)?.map(key_of).transpose()?;
    let doubtful = reading.filter.doubtful(Doubtful::read(cut).await?);
    let wanted = usize::try_from(page.size).unwrap_or(usize::MAX).saturating_add(1);
    let beyond = found.into_iter().filter(|(key, _)| after.as_ref().is_none_or(|after| key > after)).take(wanted);
    let mut rows: Vec<_> = beyond
        .map(|(key, [measures, compared])| {
            let row = row(&key, period, finished(measures), comparison.map(|_| finished(compared)), &doubtful);
            (key, row)
        })
        .collect();
    let next_page_token =
        page.cut(&mut rows, |((start, keys), _)| std::iter::once(start.to_string()).chain(keys.iter().cloned()).collect());
    let mut rows: Vec<_> = rows.into_iter().map(|(_, row)| row).collect();
    name(cut, &mut rows).await?;
    Ok(proto::QueryMeasuresResponse { rows, next_page_token, position: cut.position() })
}

/// Measures that were asked for.
fn wanted(measures: &[i32]) -> Result<BTreeSet<i32>, Error> {
    let all = [Measure::FillRate, Measure::Shrink, Measure::HarvestToShelf].map(|measure| measure as i32);
    match measures.iter().find(|number| !all.contains(number)) {
        Some(number) => Err(Error::Malformed {
            field: "measures",
            value: number.to_string(),
            allowed: "1 fill rate, 2 shrink, 3 harvest to shelf; none of them for all".into(),
        }),
        None if measures.is_empty() => Ok(all.into()),
        None => Ok(measures.iter().copied().collect()),
    }
}

fn key_of(keys: &[String]) -> Result<Key, Error> {
    let read = || {
        let (start, keys) = keys.split_first()?;
        Some((start.parse().ok()?, keys.to_vec().try_into().ok()?))
    };
    read().ok_or_else(|| Error::Malformed {
        field: "page_token",
        value: keys.join(" "),
        allowed: "a next_page_token of the same request; empty for the first page".into(),
    })
}

struct Reading<'a> {
    cut: &'a Cut<'a>,
    period: Period,
    asked: BTreeSet<i32>,
    measures: BTreeSet<i32>,
    filter: Filter,
}

/// Keys of what flows, and of where.
const GOODS: [ThroughputKey; 3] = [ThroughputKey::Chain, ThroughputKey::Product, ThroughputKey::Group];
const PLACES: [ThroughputKey; 3] = [ThroughputKey::Site, ThroughputKey::Channel, ThroughputKey::District];

/// Codes of which each belongs under one key: a number for each key, and those numbers in the order of the codes. Half a million
/// rows are grouped by two numbers in a third of the time that seven texts take.
#[derive(Default)]
struct Numbered {
    keys: Vec<[String; 7]>,
    codes: Vec<(String, String)>,
    numbers: Vec<i32>,
    /// Whether all there are have one number.
    is_one: bool,
}

impl Numbered {
    /// Of rows of a key's columns with the codes behind them.
    fn of(rows: &[Row]) -> Result<Numbered, Error> {
        let mut numbered = Numbered::default();
        let mut known: BTreeMap<[String; 7], i32> = BTreeMap::new();
        for row in rows {
            let (_, keys) = key(row)?;
            let next = i32::try_from(known.len()).unwrap_or(i32::MAX);
            let number = *known.entry(keys.clone()).or_insert(next);
            if number == next {
                numbered.keys.push(keys);
            }
            numbered.codes.push((row.try_get("code")?, row.try_get("of_code")?));
            numbered.numbers.push(number);
        }
        Ok(numbered)
    }

    fn key(&self, number: i32) -> &[String; 7] {
        // Numbers are those of these keys: PostgreSQL gives back what it was given.
        &self.keys[number.unsigned_abs() as usize]
    }

    /// The codes with their numbers as rows of a query: code, code behind it, number. They are joined from the left and asked for a
    /// number afterwards: the planner, who knows nothing about such lists, then joins by hash.
    fn bind(&self, query: &mut Query) -> String {
        let (codes, of_codes): (Vec<_>, Vec<_>) = self.codes.iter().cloned().unzip();
        let (codes, of_codes, numbers) = (query.bind(codes), query.bind(of_codes), query.bind(self.numbers.clone()));
        format!("unnest({codes}::text[], {of_codes}::text[], {numbers}::integer[])")
    }

    /// Places joined to the rows of a query under a name, on a code of theirs: the join, the number, and a condition. Where all have one
    /// number nothing is joined: the planner then knows that there are few groups, and has them summed in parts.
    fn join(&self, query: &mut Query, name: &str, code: &str) -> [String; 3] {
        if self.is_one {
            return [String::new(), "0".to_owned(), "true".to_owned()];
        }
        let places = self.bind(query);
        [
            format!("LEFT JOIN {places} AS {name} (code, of_code, number) ON {name}.code = {code}"),
            format!("{name}.number"),
            format!("coalesce({name}.number, -1) >= 0"),
        ]
    }
}

/// The key of a row that says its goods by number: the site is the sender, channel and district are the receiver's.
fn joined(row: &Row, goods: &Numbered, sender: &[String; 7], receiver: &[String; 7]) -> Result<Key, Error> {
    let [chain, product, group, .., unit] = goods.key(row.try_get("goods")?).clone();
    let ([_, _, _, site, ..], [.., kind, district, _]) = (sender.clone(), receiver.clone());
    Ok((row.try_get("period_start")?, [chain, product, group, site, kind, district, unit]))
}

/// How long goods had been on their way: minutes and the quantity that took so long, in any order.
#[derive(Default)]
struct Waits {
    known: Vec<(i64, i64)>,
    by_day: i128,
    unknown: i128,
}

impl Waits {
    fn add(&mut self, by_day: bool, waits: impl Iterator<Item = (Option<i64>, i64)>) {
        for (minutes, milli) in waits {
            match minutes {
                Some(minutes) => {
                    self.known.push((minutes, milli));
                    self.by_day += if by_day { i128::from(milli) } else { 0 };
                }
                None => self.unknown += i128::from(milli),
            }
        }
    }

    fn measure(mut self, measures: &mut proto::Measures) {
        self.known.sort_unstable();
        let known: i128 = self.known.iter().map(|(_, milli)| i128::from(*milli)).sum();
        let milli = |sum: i128| i64::try_from(sum).unwrap_or(i64::MAX);
        measures.received_milli = milli(known + self.unknown);
        measures.harvest_known_milli = milli(known);
        measures.harvest_by_day_milli = milli(self.by_day);
        measures.harvest_to_shelf_p50_minutes = self.percentile(known, 50);
        measures.harvest_to_shelf_p95_minutes = self.percentile(known, 95);
    }

    /// The least wait that so much of what is known, in a hundred, did not exceed; one that occurred.
    fn percentile(&self, known: i128, percent: i128) -> Option<i64> {
        let mut until = 0i128;
        let mut waits = self.known.iter();
        waits.find_map(|(minutes, milli)| {
            until += i128::from(*milli);
            (until * 100 >= known * percent).then_some(*minutes)
        })
    }
}

/// Names of the columns of a key.
const COLUMNS: &str = "period_start, chain_code, product_code, group_code, site_code, kind, district_code, unit";

impl Reading<'_> {
    /// Expressions of the key of a row `k` with its product `p` and its place `s`.
    fn key(&self, start: &str) -> String {
        let mut key = vec![format!("{start} AS period_start")];
        for (of, column, name) in KEYS {
            let column = if self.asked.contains(&(of as i32)) { column } else { "''::text" };
            key.push(format!("{column} AS {name}"));
        }
        key.push(format!("{UNIT} AS unit"));
        key.join(", ")
    }

    /// Reads one range into one side of what is found.
    async fn range(&self, range: Range, start: &str, side: usize, found: &mut Found) -> Result<(), Error> {
        let goods = self.goods(range).await?;
        if self.wants(Measure::FillRate) {
            let senders = self.places(&[ThroughputKey::Site], &self.filter.of_senders(), false).await?;
            let receivers =
                self.places(&[ThroughputKey::Channel, ThroughputKey::District], &self.filter.of_receivers(), false).await?;
            for row in self.cut.query(&self.fill(range, start, &goods, &senders, &receivers)?).await? {
                let (sender, receiver) = (senders.key(row.try_get("sender")?), receivers.key(row.try_get("receiver")?));
                let key = joined(&row, &goods, sender, receiver)?;
                let measures = &mut found.entry(key).or_default()[side];
                measures.dispatched_milli = row.try_get("sent")?;
                measures.accepted_milli = row.try_get("accepted")?;
                measures.refused_milli = row.try_get("refused")?;
                measures.short_milli = row.try_get("short")?;
                measures.open_milli = row.try_get("open")?;
            }
            for row in self.cut.query(&self.ordered(range, start)?).await? {
                let measures = &mut found.entry(key(&row)?).or_default()[side];
                measures.ordered_milli = row.try_get("ordered")?;
                measures.ordered_accepted_milli = row.try_get("accepted")?;
            }
        }
        if self.wants(Measure::HarvestToShelf) {
            self.shelf(range, start, &goods, side, found).await?;
        }
        if self.wants(Measure::Shrink) {
            self.shrink(range, start, &goods, side, found).await?;
        }
        Ok(())
    }

    /// Reads what was lost, and what of it is a share of.
    async fn shrink(&self, range: Range, start: &str, goods: &Numbered, side: usize, found: &mut Found) -> Result<(), Error> {
        let places = self.places(&PLACES, &self.filter, false).await?;
        for row in self.cut.query(&self.losses(range, start, goods, &places)).await? {
            let place = places.key(row.try_get("place")?);
            let measures = &mut found.entry(joined(&row, goods, place, place)?).or_default()[side];
            measures.losses.push(proto::StageLoss {
                stage: row.try_get("at")?,
                wasted_milli: row.try_get("wasted")?,
                missing_milli: row.try_get("missing")?,
                lost_milli: row.try_get("lost")?,
                found_milli: row.try_get("found")?,
                shrink_basis_points: None,
            });
        }
        let mut entered: BTreeMap<Key, i64> = BTreeMap::new();
        for row in self.cut.query(&self.entered(range, start)).await? {
            entered.insert(key(&row)?, row.try_get("entered")?);
        }
        if !PLACES.iter().any(|of| self.asked.contains(&(*of as i32))) {
            for key in entered.keys() {
                found.entry(key.clone()).or_default();
            }
        }
        for ((start, keys), measures) in found.iter_mut() {
            let [chain, product, group, .., unit] = keys.clone();
            let goods = (*start, [chain, product, group, String::new(), String::new(), String::new(), unit]);
            measures[side].entered_milli = entered.get(&goods).copied().unwrap_or(0);
        }
        Ok(())
    }

    /// What became of what left in the range, by the day on which it did.
    fn fill(
        &self,
        range: Range,
        start: &str,
        goods: &Numbered,
        senders: &Numbered,
        receivers: &Numbered,
    ) -> Result<Query, Error> {
        let mut query = Query::default();
        let (first, last) = range.closed()?;
        let (first, last) = (query.bind(first.0), query.bind(last.0));
        let goods = goods.bind(&mut query);
        let [from, sender, from_known] = senders.join(&mut query, "f", "coalesce(sh.from_site_code, '')");
        let [to, receiver, to_known] =
            receivers.join(&mut query, "t", "coalesce(nullif(sh.to_site_code, ''), sh.from_site_code, '')");
        query.sql = format!(
            "SELECT {start} AS period_start, goods, sender, receiver, sum(sent)::bigint AS sent, sum(accepted)::bigint AS accepted,
                    sum(refused)::bigint AS refused, sum(short)::bigint AS short, sum(open)::bigint AS open
             FROM (SELECT sh.dispatch_day AS day, g.number AS goods, {sender} AS sender, {receiver} AS receiver, sl.sent_milli AS sent,
                          sl.received_milli + sl.matched_milli AS accepted, sl.refused_milli AS refused, sl.short_milli AS short,
                          sl.open_milli AS open
                   FROM shipments sh
                   {from} {to}
                   JOIN shipment_lines sl ON sl.shipment_id = sh.shipment_id JOIN lots l ON l.lot_id = sl.lot_id
                   LEFT JOIN {goods} AS g (chain_code, product_code, number)
                       ON g.chain_code = l.chain_code AND g.product_code = l.product_code
                   WHERE sh.dispatch_day BETWEEN {first} AND {last} AND sh.dispatches > 0 AND sh.return_of_shipment_id IS NULL
                         AND sl.sent_milli > 0
                         AND {from_known} AND {to_known} AND coalesce(g.number, -1) >= 0) AS k
             GROUP BY 1, 2, 3, 4"
        );
        Ok(query)
    }

    /// What was ordered by the days of the range, and what of it was accepted.
    fn ordered(&self, range: Range, start: &str) -> Result<Query, Error> {
        let mut query = Query::default();
        let (first, last) = range.closed()?;
        let (first, last) = (query.bind(first.0), query.bind(last.0));
        let conditions = self.filter.conditions(&mut query, true, true).join(" AND ");
        query.sql = format!(
            "SELECT {COLUMNS}, sum(ordered)::bigint AS ordered, sum(accepted)::bigint AS accepted
             FROM (SELECT {}, k.ordered, k.accepted
                   FROM (SELECT due_day AS day, chain_code, product_code, ''::text AS site_code, site_code AS to_site_code,
                                ordered_milli AS ordered, least(accepted, ordered_milli) AS accepted
                         FROM {} AS o) AS k {}
                   WHERE {conditions}) AS lines
             GROUP BY {COLUMNS}",
            self.key(start),
            orders::lines(&format!("o.due_day BETWEEN {first} AND {last}")),
            joins(),
        );
        Ok(query)
    }

    /// What was lost, by where: 1 production, 2 transit, 3 storage, 4 shop.
    fn losses(&self, range: Range, start: &str, goods: &Numbered, places: &Numbered) -> Query {
        let mut query = Query::default();
        let flows = range.source(self.cut, &mut query, self.by_month());
        let (goods, places) = (goods.bind(&mut query), places.bind(&mut query));
        query.sql = format!(
            "SELECT period_start, goods, place, at, coalesce(sum(milli) FILTER (WHERE stage = 10), 0)::bigint AS wasted,
                    coalesce(sum(milli) FILTER (WHERE stage = 12), 0)::bigint AS missing,
                    coalesce(sum(milli) FILTER (WHERE stage = 8), 0)::bigint AS lost,
                    coalesce(sum(milli) FILTER (WHERE stage = 11), 0)::bigint AS found
             FROM (SELECT {start} AS period_start, g.number AS goods, s.number AS place, k.stage, k.quantity_milli AS milli,
                          CASE WHEN k.stage = 8 THEN 2 ELSE s.of_code::integer END AS at
                   FROM {flows} AS k
                   LEFT JOIN {goods} AS g (chain_code, product_code, number)
                       ON g.chain_code = k.chain_code AND g.product_code = k.product_code
                   LEFT JOIN {places} AS s (code, of_code, number) ON s.code = k.site_code
                   WHERE k.stage IN (8, 10, 11, 12) AND coalesce(g.number, -1) >= 0 AND coalesce(s.number, -1) >= 0) AS flows
             GROUP BY 1, 2, 3, 4 HAVING bool_or(milli <> 0) ORDER BY at"
        );
        query
    }

    /// What entered from outside, by what it is and not by where.
    fn entered(&self, range: Range, start: &str) -> Query {
        let mut query = Query::default();
        let flows = range.goods(self.cut, &mut query, self.by_month());
        let conditions = self.filter.conditions(&mut query, true, false).join(" AND ");
        let of_goods = self.only(&GOODS);
        query.sql = format!(
            "SELECT {COLUMNS}, sum(milli)::bigint AS entered
             FROM (SELECT {}, k.quantity_milli AS milli FROM {flows} AS k {} WHERE k.stage IN (1, 2, 4) AND {conditions}) AS flows
             GROUP BY {COLUMNS} HAVING sum(milli) <> 0",
            of_goods.key(start),
            joins(),
        );
        query
    }

    /// The same with fewer keys and for all goods.
    fn only(&self, keys: &[ThroughputKey]) -> Reading<'_> {
        let asked = keys.iter().map(|key| *key as i32).filter(|key| self.asked.contains(key)).collect();
        Reading { cut: self.cut, period: self.period, asked, measures: BTreeSet::new(), filter: Filter::default() }
    }

    fn wants(&self, measure: Measure) -> bool {
        self.measures.contains(&(measure as i32))
    }

    /// Reads how long what shops received had been on its way from the harvest, weighted by quantity: whole minutes between moments,
    /// whole days where one of the two is known to the day only. What was taken back weighs nothing.
    async fn shelf(&self, range: Range, start: &str, goods: &Numbered, side: usize, found: &mut Found) -> Result<(), Error> {
        let shops = self.places(&PLACES, &self.filter, true).await?;
        let mut query = Query::default();
        let (first, last) = range.closed()?;
        let (first, last) = (query.bind(first.0), query.bind(last.0));
        let (of_goods, of_shops) = (goods.bind(&mut query), shops.bind(&mut query));
        let received = Stage::Received as i32;
        // A division rounds towards nothing: a thousand million minutes are lent, so that it rounds down. What the minutes come to is
        // found here and not there, where it takes as long again to sort them and to go through them twice.
        query.sql = format!(
            "SELECT period_start, goods, place, by_day, array_agg(minutes) AS minutes, array_agg(milli) AS milli
             FROM (SELECT {start} AS period_start, goods, place, by_day, minutes, sum(milli)::bigint AS milli
                   FROM (SELECT m.business_day AS day, g.number AS goods, s.number AS place,
                                CASE WHEN m.from_rank = 2 AND l.harvest_time IS NOT NULL
                                     THEN (m.moment_micros - (date_part('epoch', l.harvest_time) * 1000000)::bigint + 60000000000000000)
                                         / 60000000 - 1000000000
                                     ELSE (m.business_day - l.harvest_day) * 1440 END AS minutes,
                                NOT (m.from_rank = 2 AND l.harvest_time IS NOT NULL) AS by_day, m.quantity_milli * m.stage_sign AS milli
                         FROM movements m JOIN lots l ON l.lot_id = m.lot_id
                         LEFT JOIN {of_goods} AS g (chain_code, product_code, number)
                             ON g.chain_code = l.chain_code AND g.product_code = l.product_code
                         LEFT JOIN {of_shops} AS s (code, of_code, number) ON s.code = m.stage_site_code
                         WHERE m.business_day BETWEEN {first} AND {last} AND m.stage = {received}
                             AND coalesce(g.number, -1) >= 0 AND coalesce(s.number, -1) >= 0) AS k
                   GROUP BY 1, 2, 3, 4, 5 HAVING sum(milli) <> 0) AS received
             GROUP BY 1, 2, 3, 4"
        );
        let mut waits: BTreeMap<Key, Waits> = BTreeMap::new();
        for row in self.cut.query(&query).await? {
            let place = shops.key(row.try_get("place")?);
            let (minutes, milli): (Vec<Option<i64>>, Vec<i64>) = (row.try_get("minutes")?, row.try_get("milli")?);
            let waits = waits.entry(joined(&row, goods, place, place)?).or_default();
            waits.add(row.try_get("by_day")?, minutes.into_iter().zip(milli));
        }
        for (key, waits) in waits {
            waits.measure(&mut found.entry(key).or_default()[side]);
        }
        Ok(())
    }

    /// What flowed through the stages that are measured, with its keys.
    async fn goods(&self, range: Range) -> Result<Numbered, Error> {
        let mut query = Query::default();
        let stages: Vec<i32> = [
            (Measure::FillRate, &[Stage::Dispatched][..]),
            (Measure::HarvestToShelf, &[Stage::Received]),
            (Measure::Shrink, &[Stage::Short, Stage::Wasted, Stage::Found, Stage::Missing]),
        ]
        .into_iter()
        .filter(|(measure, _)| self.wants(*measure))
        .flat_map(|(_, stages)| stages.iter().map(|stage| *stage as i32))
        .collect();
        let stages = query.bind(stages);
        let flows = range.goods(self.cut, &mut query, self.by_month());
        let conditions = self.filter.conditions(&mut query, true, false).join(" AND ");
        query.sql = format!(
            "SELECT {}, k.chain_code AS code, k.product_code AS of_code
             FROM (SELECT DISTINCT chain_code, product_code, site_code, to_site_code FROM {flows} AS k
                   WHERE k.stage = ANY({stages}::integer[])) AS k {} WHERE {conditions}",
            self.only(&GOODS).key("0"),
            joins(),
        );
        Numbered::of(&self.cut.query(&query).await?)
    }

    /// Every site, or every shop, with those of the keys that were asked for, and with its stage of the chain as losses have it; also by
    /// the codes of its duplicates.
    async fn places(&self, keys: &[ThroughputKey], filter: &Filter, only_shops: bool) -> Result<Numbered, Error> {
        let mut query = Query::default();
        let conditions = filter.conditions(&mut query, false, true).join(" AND ");
        query.sql = format!(
            "SELECT {}, k.site_code AS code, CASE WHEN s.is_producing THEN '1' WHEN s.is_shop THEN '4' ELSE '3' END AS of_code
             FROM (SELECT code AS site_code, ''::text AS to_site_code, ''::text AS chain_code, ''::text AS product_code
                   FROM (SELECT site_code AS code FROM sites UNION SELECT code FROM merged WHERE kind = 'site' UNION SELECT '') AS codes)
                  AS k {}
             WHERE {} AND {conditions}",
            self.only(keys).key("0"),
            joins(),
            if only_shops { "s.is_shop" } else { "true" },
        );
        let is_one = !only_shops && !filter.names_places() && keys.iter().all(|key| !self.asked.contains(&(*key as i32)));
        Ok(Numbered { is_one, ..Numbered::of(&self.cut.query(&query).await?)? })
    }

    fn by_month(&self) -> bool {
        matches!(self.period, Period::Unspecified | Period::Month)
    }
}

fn key(row: &Row) -> Result<Key, Error> {
    let mut keys: [String; 7] = Default::default();
    for (place, key) in keys.iter_mut().enumerate() {
        *key = row.try_get(place + 1)?;
    }
    Ok((row.try_get(0)?, keys))
}

/// With what follows from the sums.
fn finished(mut measures: proto::Measures) -> proto::Measures {
    measures.fill_basis_points = basis_points(measures.accepted_milli, measures.dispatched_milli);
    measures.order_fill_basis_points = basis_points(measures.ordered_accepted_milli, measures.ordered_milli);
    measures.harvest_known_basis_points = basis_points(measures.harvest_known_milli, measures.received_milli);
    let mut lost = 0i64;
    for loss in &mut measures.losses {
        let here = loss.wasted_milli.saturating_add(loss.missing_milli).saturating_add(loss.lost_milli) - loss.found_milli;
        loss.shrink_basis_points = basis_points(here, measures.entered_milli);
        lost = lost.saturating_add(here);
    }
    measures.shrink_basis_points = basis_points(lost, measures.entered_milli);
    measures
}

fn row(
    (start, keys): &Key,
    period: Period,
    measures: proto::Measures,
    compared: Option<proto::Measures>,
    doubtful: &Doubtful,
) -> proto::MeasuresRow {
    let [chain, product, group, site, kind, district, unit] = keys;
    let difference = compared.as_ref().map(|compared| {
        let less = |of: fn(&proto::Measures) -> Option<i64>| Some(of(&measures)?.saturating_sub(of(compared)?));
        proto::MeasuresDifference {
            fill_basis_points: less(|of| of.fill_basis_points),
            shrink_basis_points: less(|of| of.shrink_basis_points),
            harvest_to_shelf_p50_minutes: less(|of| of.harvest_to_shelf_p50_minutes),
            harvest_to_shelf_p95_minutes: less(|of| of.harvest_to_shelf_p95_minutes),
        }
    });
    proto::MeasuresRow {
        period_start_date: filter::date((period != Period::Unspecified).then_some(*start)),
        chain_code: chain.clone(),
        product_code: product.clone(),
        group_code: group.clone(),
        channel: names::site_kind(kind).into(),
        district_code: district.clone(),
        site_code: site.clone(),
        unit: unit.clone(),
        measures: Some(measures),
        compared,
        difference,
        doubtful: doubtful.touch(&Keys { chain, product, group, site }),
        ..Default::default()
    }
}

/// Adds names to codes.
async fn name(cut: &Cut<'_>, rows: &mut [proto::MeasuresRow]) -> Result<(), Error> {
    let codes = |of: fn(&proto::MeasuresRow) -> &String| rows.iter().map(of).collect::<Vec<_>>();
    let sql = "SELECT coalesce(c.name, ''), coalesce(p.name, ''), coalesce(s.name, ''), coalesce(d.name, '')
               FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) WITH ORDINALITY
                    AS asked (chain_code, product_code, site_code, district_code, place)
               LEFT JOIN chains c USING (chain_code) LEFT JOIN products p USING (product_code) LEFT JOIN sites s USING (site_code)
               LEFT JOIN districts d ON d.district_code = asked.district_code ORDER BY place";
    let (chains, products) = (codes(|row| &row.chain_code), codes(|row| &row.product_code));
    let (sites, districts) = (codes(|row| &row.site_code), codes(|row| &row.district_code));
    let found = cut.rows(sql, &[&chains, &products, &sites, &districts]).await?;
    for (named, row) in found.iter().zip(rows) {
        row.chain_name = named.try_get(0)?;
        row.product_name = named.try_get(1)?;
        row.site_name = named.try_get(2)?;
        row.district_name = named.try_get(3)?;
    }
    Ok(())
}
