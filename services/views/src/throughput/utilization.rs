//! Reads how much of what a chain can move it moved: facts, sums and days from the tables, counted in [`super::capacity`].

use super::capacity::{Capacity, Chain, Changed, Facts, Figures, History, Key, PIECES, Product, Sent, Stretch, Tally, stretches};
use super::read::{basis_points, no_hours, period};
use super::roll;
use super::write::month;
use crate::Error;
use crate::database::big;
use crate::filter::{self, Range};
use crate::page::Page;
use crate::read::{Cut, Query};
use crate::stock::read::{Doubtful, Keys};
use domain::time::BusinessDay;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use wire::proto::chuoi::throughput::v1 as proto;
use wire::proto::chuoi::throughput::v1::Period;

/// Keys of a row, as they stand in a page's token.
const KEYS: usize = 3;

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
    let after = match page.after(KEYS)? {
        Some([start, chain, unit]) => Some((page.key::<i32>(start)?, chain.as_str(), unit.as_str())),
        _ => None,
    };
    let asked = filter::chains(cut, "chains", &request.chains).await?;
    let facts = facts(cut, asked.as_ref()).await?;
    let stretches = stretches(period, first, last).skip_while(|stretch| after.is_some_and(|(start, ..)| stretch.start < start));
    let stretches: Vec<_> = stretches.take(filling(page, facts.chains.len())).collect();
    let figures = figures(cut, &facts, asked, period, &stretches).await?;

    let doubtful = Doubtful::read(cut).await?;
    let mut rows = Vec::new();
    for (key, figures) in figures.iter().filter(|(key, _)| after.is_none_or(|after| **key > after)) {
        let named = (period != Period::Unspecified).then_some(key.0);
        let name = facts.chains.get(key.1).map(|chain| chain.name.clone()).unwrap_or_default();
        let doubtful = doubtful.touch(&Keys { chain: key.1, ..Keys::default() });
        rows.push((*key, row(figures, named, (key.1, name, key.2), doubtful)?));
    }
    let next_page_token =
        page.cut(&mut rows, |((start, chain, unit), _)| vec![start.to_string(), (*chain).to_owned(), (*unit).to_owned()]);
    Ok(proto::QueryUtilizationResponse {
        rows: rows.into_iter().map(|(.., row)| row).collect(),
        next_page_token,
        position: cut.position(),
    })
}

/// How many periods certainly fill a page: each has a row of every chain, and of the first some may stand on the page before.
fn filling(page: &Page, chains: usize) -> usize {
    let rows = usize::try_from(page.size).unwrap_or(usize::MAX).saturating_add(1);
    rows.div_ceil(chains.max(1)).saturating_add(1)
}

fn row(
    figures: &Figures,
    start: Option<i32>,
    (code, name, unit): (&str, String, &str),
    doubtful: bool,
) -> Result<proto::UtilizationRow, Error> {
    let (dispatched_milli, capacity_milli) = (big(figures.dispatched_milli)?, big(figures.capacity_milli)?);
    let (days, with_entries) = (figures.days, figures.with_entries);
    Ok(proto::UtilizationRow {
        period_start_date: filter::date(start),
        chain_code: code.to_owned(),
        chain_name: name,
        unit: unit.to_owned(),
        dispatched_milli,
        capacity_milli,
        utilization_basis_points: basis_points(dispatched_milli, capacity_milli),
        estimated: figures.estimated,
        days,
        days_with_entries: with_entries,
        days_with_capacity: figures.with_capacity,
        products_not_counted: figures.not_counted,
        days_with_entries_basis_points: basis_points(with_entries.into(), days.into()).unwrap_or(0),
        doubtful,
    })
}

/// What dispatches are counted by, of all chains where none are asked for.
async fn facts(cut: &Cut<'_>, asked: Option<&Vec<String>>) -> Result<Facts, Error> {
    // Of one day the last recorded.
    let last = |key: &str, columns: &str, table: &str, condition: &str| {
        format!(
            "SELECT DISTINCT ON ({key}, from_day) {key}, from_day, {columns} FROM {table} WHERE {condition}
             ORDER BY {key}, from_day, sequence DESC, ordinal DESC"
        )
    };
    let of_asked = "$1::text[] IS NULL OR chain_code = ANY($1)";
    let chains = format!("SELECT chain_code, name FROM chains WHERE {of_asked}");
    let capacities = last("chain_code", "unit, quantity_per_day_milli", "capacity_facts", of_asked);
    let ever = "site_code IN (SELECT site_code FROM site_facts WHERE is_producing)";
    let sites = last("site_code", "is_producing", "site_facts", ever);
    let products = last("product_code", "base_unit, mass_gram, pieces", "product_facts", "true");
    let asked: [&(dyn ToSql + Sync); 1] = [&asked];
    let (chains, capacities, sites, products) = tokio::try_join!(
        cut.rows(&chains, &asked),
        cut.rows(&capacities, &asked),
        cut.rows(&sites, &[]),
        cut.rows(&products, &[]),
    )?;

    let mut facts = Facts::default();
    for row in &chains {
        facts.chains.insert(row.try_get(0)?, Chain { name: row.try_get(1)?, capacity: History::always(None) });
    }
    for row in &capacities {
        if let Some(chain) = facts.chains.get_mut(row.try_get::<_, &str>(0)?) {
            chain.capacity.then(row.try_get(1)?, Some(Capacity { unit: row.try_get(2)?, per_day_milli: row.try_get(3)? }));
        }
    }
    for row in &sites {
        holds(&mut facts.sites, row, row.try_get(2)?)?;
    }
    for row in &products {
        let (base_unit, mass_gram, pieces): (String, _, _) = (row.try_get(2)?, row.try_get(3)?, row.try_get(4)?);
        // Pieces of a product that is counted in pieces are itself, unless it says otherwise.
        let pieces = if pieces == 0 && base_unit == PIECES { 1 } else { pieces };
        holds(&mut facts.products, row, Product { base_unit, mass_gram, pieces })?;
    }
    Ok(facts)
}

/// Adds what a row says of a thing from a day on, and before if it is the first.
fn holds<V: PartialEq>(things: &mut HashMap<String, History<V>>, row: &Row, value: V) -> Result<(), Error> {
    let code: &str = row.try_get(0)?;
    match things.get_mut(code) {
        Some(history) => history.then(row.try_get(1)?, value),
        None => drop(things.insert(code.to_owned(), History::always(value))),
    }
    Ok(())
}

/// What chains moved in periods that follow each other, and could.
async fn figures<'f>(
    cut: &Cut<'_>,
    facts: &'f Facts,
    asked: Option<Vec<String>>,
    period: Period,
    stretches: &[Stretch],
) -> Result<BTreeMap<Key<'f>, Figures>, Error> {
    let (Some(first), Some(last)) = (stretches.first(), stretches.last()) else { return Ok(BTreeMap::new()) };
    let (first, last) = (BusinessDay(first.first), BusinessDay(last.beyond).plus(-1));
    // Whole months come from the sums by month, where no period ends within one.
    let months = match period {
        Period::Unspecified | Period::Month => Range { from: Some(first), to: Some(last) }.months(),
        Period::Day | Period::Week | Period::Hour => (first.0, first.0),
    };
    let producing = facts.sites.keys().cloned().collect();
    let sources = Sources { cut, asked, producing, first, last, months, changed: facts.changed(months.0, months.1) };
    let mut tally = Tally::new(facts, period);
    let sent = async {
        sources.by_month(|sent| tally.add(sent)).await?;
        sources.by_day(|sent| tally.add(sent)).await?;
        sources.late(|sent| tally.add(sent)).await
    };
    let ((), entries) = tokio::try_join!(sent, sources.entries())?;
    Ok(tally.figures(stretches, &entries))
}

/// Where it is read what was sent within some days.
struct Sources<'a> {
    cut: &'a Cut<'a>,
    /// Chains; none for all.
    asked: Option<Vec<String>>,
    /// Sites where goods are made at any time: what went to them is few, and looked up by where it went.
    producing: Vec<String>,
    first: BusinessDay,
    last: BusinessDay,
    /// First days of the first whole month and of the first that is not.
    months: (i32, i32),
    changed: Changed<'a>,
}

impl Sources<'_> {
    /// Sums of whole months within which nothing changed.
    async fn by_month(&self, mut take: impl FnMut(Sent<'_>)) -> Result<(), Error> {
        if self.months.0 >= self.months.1 {
            return Ok(());
        }
        let mut query = Query::default();
        let (first, beyond) = (query.bind(self.months.0), query.bind(self.months.1));
        let (asked, producing) = (self.asked(&mut query), query.bind(self.producing.clone()));
        let within = format!("month_day >= {first} AND month_day < {beyond} AND {asked}");
        query.sql = format!(
            "SELECT month_day, chain_code, product_code, site_code, NULL, first_milli FROM dispatch_monthly WHERE {within}
             UNION ALL
             SELECT month_day, chain_code, product_code, site_code, to_site_code, first_milli FROM flow_monthly
             WHERE {within} AND stage = 5 AND to_site_code = ANY({producing}::text[]) AND first_milli <> 0"
        );
        let take = |row: &Row| {
            let sent = sent(row)?;
            if !self.changed.touches(sent.day, &sent) {
                take(sent);
            }
            Ok(())
        };
        self.cut.each(&query, take).await
    }

    /// Days outside of whole months, and those of months within which something changed.
    async fn by_day(&self, mut take: impl FnMut(Sent<'_>)) -> Result<(), Error> {
        let is_whole = |day: i32| (self.months.0..self.months.1).contains(&day);
        let changed: BTreeSet<i32> = self.changed.months().collect();
        let days = (self.first.0..=self.last.0).filter(|day| !is_whole(*day) || changed.contains(&month(BusinessDay(*day)).0));
        let days: Vec<i32> = days.collect();
        if days.is_empty() {
            return Ok(());
        }
        let mut query = Query::default();
        let (days, first, beyond) = (query.bind(days), query.bind(self.months.0), query.bind(self.months.1));
        let (asked, producing) = (self.asked(&mut query), query.bind(self.producing.clone()));
        let [chains, sites, products] = self.changed.codes().map(|codes| query.bind(codes));
        // Of whole months, what changed; beyond them, everything.
        let apart = format!(
            "business_day < {first} OR business_day >= {beyond} OR chain_code = ANY({chains}::text[])
                 OR product_code = ANY({products}::text[]) OR site_code = ANY({sites}::text[])"
        );
        let within = format!("business_day = ANY({days}::integer[]) AND {asked}");
        query.sql = format!(
            "SELECT business_day, chain_code, product_code, site_code, NULL, first_milli FROM dispatch_daily
             WHERE {within} AND ({apart})
             UNION ALL
             SELECT business_day, chain_code, product_code, site_code, to_site_code, first_milli FROM flow_daily
             WHERE {within} AND ({apart} OR to_site_code = ANY({sites}::text[]))
                 AND stage = 5 AND to_site_code = ANY({producing}::text[]) AND first_milli <> 0"
        );
        let take = |row: &Row| {
            let sent = sent(row)?;
            if !is_whole(sent.day) || self.changed.touches(month(BusinessDay(sent.day)).0, &sent) {
                take(sent);
            }
            Ok(())
        };
        self.cut.each(&query, take).await
    }

    /// Movements that are not rolled up yet.
    async fn late(&self, mut take: impl FnMut(Sent<'_>)) -> Result<(), Error> {
        let mut query = Query::default();
        let (first, last) = (query.bind(self.first.0), query.bind(self.last.0));
        let late = roll::beyond(&query.bind(self.cut.rolled));
        query.sql = format!(
            "SELECT business_day, chain_code, product_code, site_code, to_site_code, first_milli
             FROM ({late} AND m.stage = 5 AND m.business_day BETWEEN {first} AND {last}) AS late"
        );
        let take = |row: &Row| {
            let sent = sent(row)?;
            take(Sent { to_site: None, ..sent });
            take(sent);
            Ok(())
        };
        self.cut.each(&query, take).await
    }

    /// The days on which each chain entered anything, in their order.
    async fn entries(&self) -> Result<HashMap<String, Vec<i32>>, Error> {
        let mut query = Query::default();
        let (first, last, asked) = (query.bind(self.first.0), query.bind(self.last.0), self.asked(&mut query));
        query.sql = format!(
            "SELECT chain_code, array_agg(business_day) FROM chain_days
             WHERE business_day BETWEEN {first} AND {last} AND {asked} GROUP BY chain_code"
        );
        let mut entries = HashMap::new();
        for row in self.cut.query(&query).await? {
            let mut days: Vec<i32> = row.try_get(1)?;
            days.sort_unstable();
            entries.insert(row.try_get(0)?, days);
        }
        Ok(entries)
    }

    fn asked(&self, query: &mut Query) -> String {
        match &self.asked {
            Some(asked) => format!("chain_code = ANY({}::text[])", query.bind(asked.clone())),
            None => "true".to_owned(),
        }
    }
}

fn sent(row: &Row) -> Result<Sent<'_>, Error> {
    Ok(Sent {
        day: row.try_get(0)?,
        chain: row.try_get(1)?,
        product: row.try_get(2)?,
        site: row.try_get(3)?,
        to_site: row.try_get(4)?,
        first_milli: row.try_get(5)?,
    })
}
