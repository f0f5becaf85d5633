//! Flows in memory, as they become when the journal is read from its beginning; written once, at the end.

use super::fold::{Changes, Flow, Stage};
use super::write::month;
use crate::Error;
use crate::copy::Rows;
use crate::database::big;
use crate::load::{Piece, pieces};
use crate::stock;
use domain::time::BusinessDay;
use smol_str::SmolStr;
use std::collections::{BTreeMap, HashMap};

/// The tables of this view: days; months, dispatches and days of chains are sums of them.
#[derive(Default)]
pub struct Tables {
    codes: Codes,
    days: HashMap<Key, Flow>,
}

/// Millions of keys of few codes: each code once, and its number in the keys.
#[derive(Default)]
struct Codes {
    numbers: HashMap<SmolStr, u32>,
    names: Vec<SmolStr>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    day: BusinessDay,
    stage: Stage,
    chain: u32,
    product: u32,
    site: u32,
    /// Of no code where it goes nowhere.
    to_site: u32,
}

/// Day or month, chain, product and site of what was sent.
type Sent = (BusinessDay, u32, u32, u32);

impl Codes {
    fn number(&mut self, code: &str) -> u32 {
        if let Some(number) = self.numbers.get(code) {
            return *number;
        }
        // There are far fewer codes than numbers: each took an event to become known.
        let number = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        self.names.push(code.into());
        self.numbers.insert(code.into(), number);
        number
    }

    fn name(&self, number: u32) -> &str {
        &self.names[number as usize]
    }

    /// The place of each number in the order of the codes.
    fn ranks(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.names.len()).collect();
        order.sort_unstable_by_key(|number| &self.names[*number]);
        let mut ranks = vec![0; order.len()];
        for (rank, number) in order.into_iter().enumerate() {
            ranks[number] = rank;
        }
        ranks
    }
}

impl Tables {
    /// Takes what a batch changes, which was checked; its lots are taken already.
    pub fn apply(&mut self, changes: Changes, lots: &stock::load::Tables) {
        for (key, change) in changes.flows {
            let Some(lot) = lots.lot(key.lot) else { continue };
            let (chain, product) = (self.codes.number(lot.chain.as_str()), self.codes.number(lot.product.as_str()));
            let site = self.codes.number(key.site.as_str());
            let to_site = self.codes.number(key.to_site.as_ref().map_or("", |site| site.as_str()));
            let key = Key { day: key.day, stage: key.stage, chain, product, site, to_site };
            self.days.entry(key).or_default().add(change);
        }
    }

    /// The rows of each table.
    pub fn rows(&self) -> impl Iterator<Item = Result<Piece, Error>> {
        let (mut months, mut chains) = (HashMap::new(), BTreeMap::new());
        for (key, flow) in &self.days {
            let month: &mut Flow = months.entry(Key { day: month(key.day), ..*key }).or_default();
            month.add(*flow);
            *chains.entry((key.chain, key.day)).or_insert(0_i64) += flow.movements;
        }
        let into = "chain_days (chain_code, business_day, movement_count)";
        let chains = chains.into_iter().filter(|(_, movements)| *movements != 0).collect();
        let chains = pieces(into, 3, chains, |rows, ((chain, day), movements)| {
            rows.text(self.codes.name(*chain)).int(day.0).big(*movements);
            Ok(())
        });
        let into = "dispatch_daily (business_day, chain_code, product_code, site_code, first_milli)";
        let sent = pieces(into, 5, Self::dispatches(&self.days), self.as_dispatches());
        let into = "dispatch_monthly (month_day, chain_code, product_code, site_code, first_milli)";
        let sent_by_month = pieces(into, 5, Self::dispatches(&months), self.as_dispatches());
        let (daily, monthly) = (self.goods(&self.days), self.goods(&months));
        let days = self.flows(
            "flow_daily (business_day, stage, chain_code, product_code, site_code, to_site_code, quantity_milli, first_milli, \
             movement_count)",
            self.days.iter().map(|(key, flow)| (*key, *flow)).collect(),
        );
        let months = self.flows(
            "flow_monthly (month_day, stage, chain_code, product_code, site_code, to_site_code, quantity_milli, first_milli, \
             movement_count)",
            months.into_iter().collect(),
        );
        let goods = pieces(
            "goods_daily (business_day, stage, chain_code, product_code, quantity_milli, movement_count)",
            6,
            daily,
            self.as_goods(),
        );
        let goods_by_month = pieces(
            "goods_monthly (month_day, stage, chain_code, product_code, quantity_milli, movement_count)",
            6,
            monthly,
            self.as_goods(),
        );
        sent.chain(sent_by_month).chain(days).chain(months).chain(goods).chain(goods_by_month).chain(chains)
    }

    /// What of these flows had not been dispatched before, wherever it went.
    fn dispatches(flows: &HashMap<Key, Flow>) -> Vec<(Sent, i128)> {
        let mut dispatches: BTreeMap<Sent, i128> = BTreeMap::new();
        for (key, flow) in flows.iter().filter(|(_, flow)| flow.first != 0) {
            *dispatches.entry((key.day, key.chain, key.product, key.site)).or_default() += flow.first;
        }
        dispatches.into_iter().filter(|(_, first)| *first != 0).collect()
    }

    fn as_dispatches(&self) -> impl Fn(&mut Rows, &(Sent, i128)) -> Result<(), Error> {
        |rows, ((day, chain, product, site), first)| {
            rows.int(day.0).text(self.codes.name(*chain)).text(self.codes.name(*product)).text(self.codes.name(*site));
            rows.big(big(*first)?);
            Ok(())
        }
    }

    /// The same flows without their places, in the order of the key.
    fn goods(&self, flows: &HashMap<Key, Flow>) -> Vec<(Key, Flow)> {
        let mut goods: HashMap<Key, Flow> = HashMap::new();
        for (key, flow) in flows {
            goods.entry(Key { site: 0, to_site: 0, ..*key }).or_default().add(*flow);
        }
        goods.retain(|_, flow| flow.quantity != 0 || flow.movements != 0);
        self.sorted(goods.into_iter().collect())
    }

    fn as_goods(&self) -> impl Fn(&mut Rows, &(Key, Flow)) -> Result<(), Error> {
        |rows, (key, flow)| {
            rows.int(key.day.0).small(key.stage as i16).text(self.codes.name(key.chain)).text(self.codes.name(key.product));
            rows.big(big(flow.quantity)?).big(flow.movements);
            Ok(())
        }
    }

    /// What adds up to nothing has no row.
    fn flows(&self, into: &'static str, mut flows: Vec<(Key, Flow)>) -> impl Iterator<Item = Result<Piece, Error>> {
        flows.retain(|(_, flow)| *flow != Flow::default());
        pieces(into, 9, self.sorted(flows), |rows, (key, flow)| {
            rows.int(key.day.0).small(key.stage as i16).text(self.codes.name(key.chain)).text(self.codes.name(key.product));
            rows.text(self.codes.name(key.site)).text(self.codes.name(key.to_site));
            rows.big(big(flow.quantity)?).big(big(flow.first)?).big(flow.movements);
            Ok(())
        })
    }

    /// In the order of the key.
    fn sorted(&self, mut flows: Vec<(Key, Flow)>) -> Vec<(Key, Flow)> {
        let ranks = self.codes.ranks();
        let rank = |number: u32| ranks[number as usize];
        flows.sort_unstable_by_key(|(key, _)| {
            (key.day, key.stage, rank(key.chain), rank(key.product), rank(key.site), rank(key.to_site))
        });
        flows
    }
}
