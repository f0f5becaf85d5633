//! Flows in memory, as they become when the journal is read from its beginning; written once, at the end.

use super::fold::{Changes, Flow, Stage};
use super::write::month;
use crate::Error;
use crate::copy::Rows;
use crate::database::big;
use crate::load::Obstacle;
use crate::stock;
use domain::id::{ChainCode, ProductCode, SiteCode};
use domain::time::BusinessDay;
use std::collections::HashMap;

/// The tables of this view: days; months and days of chains are sums of them.
#[derive(Default)]
pub struct Tables {
    days: HashMap<Key, Flow>,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    day: BusinessDay,
    stage: Stage,
    chain: ChainCode,
    product: ProductCode,
    site: SiteCode,
    to_site: Option<SiteCode>,
}

impl Tables {
    /// Whether what a batch changes can be taken.
    pub fn check(&self, changes: &Changes, lots: &stock::load::Tables, new: &stock::fold::Changes) -> Result<(), Obstacle> {
        match changes.flows.keys().find(|key| !lots.knows(key.lot, new)) {
            Some(key) => Err(Obstacle::Refused(stock::fold::never_begun(key.lot))),
            None => Ok(()),
        }
    }

    /// Takes what a batch changes, which was checked; its lots are taken already.
    pub fn apply(&mut self, changes: Changes, lots: &stock::load::Tables) {
        for (key, change) in changes.flows {
            let Some(lot) = lots.lot(key.lot) else { continue };
            let (chain, product) = (lot.chain.clone(), lot.product.clone());
            let key = Key { day: key.day, stage: key.stage, chain, product, site: key.site, to_site: key.to_site };
            self.days.entry(key).or_default().add(change);
        }
    }

    /// The rows of each table, with the columns that they go into.
    pub fn rows(&self) -> Result<[(Rows, &'static str); 3], Error> {
        let (mut months, mut chains) = (HashMap::new(), HashMap::new());
        for (key, flow) in &self.days {
            let month: &mut Flow = months.entry(Key { day: month(key.day), ..key.clone() }).or_default();
            month.add(*flow);
            *chains.entry((&key.chain, key.day)).or_insert(0_i64) += flow.movements;
        }
        let mut days = Rows::of(3);
        for ((chain, day), movements) in chains.into_iter().filter(|(_, movements)| *movements != 0) {
            days.row().text(chain.as_str()).int(day.0).big(movements);
        }
        Ok([
            (
                flows(&self.days)?,
                "flow_daily (business_day, stage, chain_code, product_code, site_code, to_site_code, quantity_milli, first_milli, \
                 movement_count)",
            ),
            (
                flows(&months)?,
                "flow_monthly (month_day, stage, chain_code, product_code, site_code, to_site_code, quantity_milli, first_milli, \
                 movement_count)",
            ),
            (days, "chain_days (chain_code, business_day, movement_count)"),
        ])
    }
}

/// What adds up to nothing has no row.
fn flows(flows: &HashMap<Key, Flow>) -> Result<Rows, Error> {
    let mut rows = Rows::of(9);
    for (key, flow) in flows.iter().filter(|(_, flow)| **flow != Flow::default()) {
        rows.row().int(key.day.0).small(key.stage as i16).text(key.chain.as_str()).text(key.product.as_str());
        rows.text(key.site.as_str()).text(key.to_site.as_ref().map_or("", |site| site.as_str()));
        rows.big(big(flow.quantity)?).big(big(flow.first)?).big(flow.movements);
    }
    Ok(rows)
}

impl Flow {
    fn add(&mut self, other: Flow) {
        self.quantity += other.quantity;
        self.first += other.first;
        self.movements += other.movements;
    }
}
