//! What dispatches count to, held against what chains can move. Plain functions over facts and sums.

use super::read::next_month;
use super::write::month;
use domain::time::BusinessDay;
use domain::unit::BaseUnit;
use std::collections::{BTreeMap, HashMap, HashSet};
use wire::proto::chuoi::throughput::v1::Period;

/// Unit of pieces.
pub(super) const PIECES: &str = BaseUnit::Piece.code();

/// What holds from which day on; each is another than the one before.
#[derive(Debug)]
pub(super) struct History<V>(Vec<(i32, V)>);

impl<V: PartialEq> History<V> {
    /// What holds at any time before the first fact.
    pub fn always(value: V) -> History<V> {
        History(vec![(i32::MIN, value)])
    }

    /// Adds what holds from a day on, later than those before.
    pub fn then(&mut self, from_day: i32, value: V) {
        if self.0.last().is_none_or(|(_, before)| *before != value) {
            self.0.push((from_day, value));
        }
    }

    /// What holds on a day, and its number.
    fn on(&self, day: i32) -> Option<(usize, &V)> {
        let place = self.0.partition_point(|(from_day, _)| *from_day <= day).checked_sub(1)?;
        self.0.get(place).map(|(_, value)| (place, value))
    }

    /// What holds within some days, and from which to which of them; the last is not in it.
    fn within(&self, first: i32, beyond: i32) -> impl Iterator<Item = (&V, i32, i32)> {
        let next = self.0.iter().skip(1).map(|(from_day, _)| *from_day).chain([i32::MAX]);
        let spans = self.0.iter().zip(next);
        spans
            .map(move |((from, value), until)| (value, (*from).max(first), until.min(beyond)))
            .filter(|(_, from, until)| from < until)
    }

    /// The days on which something begins to hold that is another to the eye of whoever asks.
    fn changes<'a, Q: PartialEq>(&'a self, seen: impl Fn(&'a V) -> Q) -> impl Iterator<Item = i32> {
        self.0.windows(2).filter_map(move |pair| match pair {
            [(_, before), (day, value)] if seen(before) != seen(value) => Some(*day),
            _ => None,
        })
    }
}

/// What a chain can move a day.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Capacity {
    pub unit: String,
    pub per_day_milli: i64,
}

/// Unit of what a chain can move; none before it is declared.
fn unit_of(capacity: &Option<Capacity>) -> &str {
    capacity.as_ref().map_or("", |capacity| &capacity.unit)
}

/// A chain, and what it declared.
#[derive(Debug)]
pub(super) struct Chain {
    pub name: String,
    /// None before the first was declared.
    pub capacity: History<Option<Capacity>>,
}

/// What a unit of a product is.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Product {
    pub base_unit: String,
    /// 0 where it is not known.
    pub mass_gram: i64,
    /// 0 where it is not known.
    pub pieces: i64,
}

/// What dispatches are counted by.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// Chains that are asked for.
    pub chains: BTreeMap<String, Chain>,
    /// Sites where goods are made at any time, and when they are.
    pub sites: HashMap<String, History<bool>>,
    /// Products.
    pub products: HashMap<String, History<Product>>,
}

/// Whole months within which something changed that their dispatches are counted by: these are read by the day.
#[derive(Debug, Default)]
pub(super) struct Changed<'f> {
    chains: HashSet<(i32, &'f str)>,
    sites: HashSet<(i32, &'f str)>,
    products: HashSet<(i32, &'f str)>,
}

impl Facts {
    /// Whole months between two first days of months, the last exclusive, within which something changed.
    pub fn changed(&self, first_month: i32, beyond_months: i32) -> Changed<'_> {
        let within = |day: i32| {
            let of = month(BusinessDay(day)).0;
            (day != of && (first_month..beyond_months).contains(&day)).then_some(of)
        };
        Changed {
            chains: months(&self.chains, |chain: &Chain| chain.capacity.changes(unit_of).filter_map(within).collect()),
            sites: months(&self.sites, |site: &History<bool>| site.changes(|is| is).filter_map(within).collect()),
            products: months(&self.products, |product: &History<Product>| product.changes(|is| is).filter_map(within).collect()),
        }
    }
}

/// The months of each thing, with its code.
fn months<'f, V: 'f>(
    things: impl IntoIterator<Item = (&'f String, &'f V)>,
    of: impl Fn(&'f V) -> Vec<i32>,
) -> HashSet<(i32, &'f str)> {
    things.into_iter().flat_map(|(code, thing)| of(thing).into_iter().map(|month| (month, code.as_str()))).collect()
}

impl Changed<'_> {
    /// First days of the months.
    pub fn months(&self) -> impl Iterator<Item = i32> {
        [&self.chains, &self.sites, &self.products].into_iter().flatten().map(|(month, _)| *month)
    }

    /// Codes of the chains, the sites, and the products that changed.
    pub fn codes(&self) -> [Vec<String>; 3] {
        [&self.chains, &self.sites, &self.products].map(|changed| changed.iter().map(|(_, code)| (*code).to_owned()).collect())
    }

    /// Whether what was sent in a month is read by the day.
    pub fn touches(&self, month: i32, sent: &Sent<'_>) -> bool {
        self.chains.contains(&(month, sent.chain))
            || self.products.contains(&(month, sent.product))
            || self.sites.contains(&(month, sent.site))
            || sent.to_site.is_some_and(|site| self.sites.contains(&(month, site)))
    }
}

/// What left a site and had not been dispatched before.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sent<'r> {
    /// A day, or the first of a month within which nothing changed.
    pub day: i32,
    pub chain: &'r str,
    pub product: &'r str,
    pub site: &'r str,
    /// Where to, if what left for there is to be taken off where goods are made there.
    pub to_site: Option<&'r str>,
    /// Thousandths of the product's base unit.
    pub first_milli: i64,
}

/// Days of the range that stand together in an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stretch {
    /// Day that names the period, be it in the range or not; 0 where the whole range is one.
    pub start: i32,
    /// First day.
    pub first: i32,
    /// The day after the last.
    pub beyond: i32,
}

/// Periods between two days, the last included.
pub(super) fn stretches(period: Period, first: BusinessDay, last: BusinessDay) -> impl Iterator<Item = Stretch> {
    let end = last.plus(1);
    let stretch = move |first: BusinessDay| {
        let start = start(period, first);
        let next = match period {
            Period::Unspecified => end,
            Period::Day | Period::Hour => start.plus(1),
            Period::Week => start.plus(7),
            Period::Month => next_month(start),
        };
        Stretch { start: start.0, first: first.0, beyond: next.min(end).0 }
    };
    let more = move |day: BusinessDay| (day < end).then(|| stretch(day));
    std::iter::successors(more(first), move |before| more(BusinessDay(before.beyond)))
}

/// First day of a day's period; day 0 where the whole range is one.
fn start(period: Period, day: BusinessDay) -> BusinessDay {
    match period {
        Period::Unspecified => BusinessDay(0),
        Period::Day | Period::Hour => day,
        // Mondays; day 0 was a Thursday.
        Period::Week => day.plus(-(day.0.saturating_add(3)).rem_euclid(7)),
        Period::Month => month(day),
    }
}

/// A chain, the period's first day, the unit of its capacity, and a product as it was then.
type Counted<'f> = (&'f str, i32, &'f str, (&'f str, usize));

/// Sums up what was sent.
#[derive(Debug)]
pub(super) struct Tally<'f> {
    facts: &'f Facts,
    period: Period,
    /// Net, in thousandths of the product's base unit.
    sums: HashMap<Counted<'f>, i128>,
}

/// What a chain moved in a period, and could.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Figures {
    pub dispatched_milli: i128,
    pub capacity_milli: i128,
    /// Days, those with entries, and those with a capacity.
    pub days: i32,
    pub with_entries: i32,
    pub with_capacity: i32,
    /// Whether nominal masses or pieces stand in what was dispatched.
    pub estimated: bool,
    /// Products whose mass or pieces are not known.
    pub not_counted: i32,
}

/// A period's first day, a chain, and the unit of its capacity: the order of an answer.
pub(super) type Key<'f> = (i32, &'f str, &'f str);

impl<'f> Tally<'f> {
    pub fn new(facts: &'f Facts, period: Period) -> Tally<'f> {
        Tally { facts, period, sums: HashMap::new() }
    }

    /// Takes what was sent, if from where goods are made; off it, if to such a place.
    pub fn add(&mut self, sent: Sent<'_>) {
        let facts = self.facts;
        let makes = |site: &str| facts.sites.get(site).and_then(|site| site.on(sent.day)).is_some_and(|(_, is)| *is);
        if !makes(sent.site) || !sent.to_site.is_none_or(makes) {
            return;
        }
        let Some((chain, of)) = facts.chains.get_key_value(sent.chain) else { return };
        let Some((product, history)) = facts.products.get_key_value(sent.product) else { return };
        let Some((version, _)) = history.on(sent.day) else { return };
        let unit = of.capacity.on(sent.day).map_or("", |(_, capacity)| unit_of(capacity));
        let start = start(self.period, BusinessDay(sent.day)).0;
        let first = i128::from(sent.first_milli);
        let sum = self.sums.entry((chain, start, unit, (product, version))).or_default();
        *sum += if sent.to_site.is_none() { first } else { -first };
    }

    /// What it comes to in periods, each chain with every unit in which it declared a capacity. `entries` has the days on which a
    /// chain entered anything, in their order.
    pub fn figures(&self, stretches: &[Stretch], entries: &HashMap<String, Vec<i32>>) -> BTreeMap<Key<'f>, Figures> {
        let mut rows: BTreeMap<Key<'f>, Figures> = BTreeMap::new();
        for (code, chain) in &self.facts.chains {
            let entered = entries.get(code).map_or(&[][..], Vec::as_slice);
            for stretch in stretches {
                for (capacity, from, until) in chain.capacity.within(stretch.first, stretch.beyond) {
                    let row = rows.entry((stretch.start, code, unit_of(capacity))).or_default();
                    let days = until - from;
                    row.days += days;
                    row.with_entries += i32::try_from(between(entered, from, until)).unwrap_or(i32::MAX);
                    if let Some(capacity) = capacity {
                        row.with_capacity += days;
                        row.capacity_milli += i128::from(capacity.per_day_milli) * i128::from(days);
                    }
                }
            }
        }
        let mut missing: HashSet<(Key<'f>, &str)> = HashSet::new();
        for ((chain, start, unit, (code, version)), sum) in self.sums.iter().filter(|(_, sum)| **sum != 0) {
            let Some((_, product)) = self.facts.products.get(*code).and_then(|history| history.0.get(*version)) else { continue };
            let Some(row) = rows.get_mut(&(*start, *chain, *unit)) else { continue };
            let (each, of) =
                if *unit == PIECES { (product.pieces, PIECES) } else { (product.mass_gram, BaseUnit::Kilogram.code()) };
            row.dispatched_milli += sum * i128::from(each);
            row.estimated |= product.base_unit != of;
            if each == 0 && missing.insert(((*start, *chain, *unit), *code)) {
                row.not_counted += 1;
            }
        }
        for ((_, _, unit), row) in &mut rows {
            // Grams of thousandths to thousandths of kilograms.
            row.dispatched_milli /= if *unit == PIECES { 1 } else { 1_000 };
        }
        rows
    }
}

/// How many of some days, in their order, lie between two, the last exclusive.
fn between(days: &[i32], from: i32, until: i32) -> usize {
    days.partition_point(|day| *day < until) - days.partition_point(|day| *day < from)
}

#[cfg(test)]
mod tests;
