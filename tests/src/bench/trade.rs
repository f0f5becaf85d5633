//! The workload, "farm to shelf": each lot is harvested, sent to a shop, received there and sold in two parts; every hundredth is
//! asked for far more than there is. Chains, products and shops are those of the reference registry.

use chuoi::reference::{Tables, lead_code, organization_code};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use uuid::Uuid;
use wire::proto::chuoi::record::v1::command::Action;
use wire::proto::chuoi::record::v1::*;

/// Lots, each with a number of its own.
pub struct Trade {
    suppliers: Vec<Supplier>,
    shops: Vec<Shop>,
    days: Vec<String>,
    next: AtomicU64,
}

/// A product of a chain, and where it grows.
struct Supplier {
    chain: String,
    lead: String,
    farm: String,
    product: String,
}

struct Shop {
    site: String,
    organization: String,
}

/// What becomes of one lot.
pub struct Lot<'a> {
    supplier: &'a Supplier,
    shop: &'a Shop,
    code: String,
    day: &'a str,
    number: u64,
}

/// A command, who says it, and whether it has to be refused.
pub struct Step {
    pub organization: String,
    pub command: Command,
    pub is_refused: bool,
}

const HARVESTED_MILLI: i64 = 20_000;

impl Trade {
    /// Over so many days that end today.
    pub fn new(days: usize) -> Trade {
        let tables = Tables::embedded().expect("the reference registry");
        let farms: HashMap<_, _> = tables
            .sites
            .iter()
            .filter(|site| site.kind.is_producing())
            .filter_map(|site| Some((site.chain.clone()?, site.code.clone())))
            .collect();
        let suppliers = tables.chain_products.iter().filter_map(|supplied| {
            let farm = farms.get(&supplied.chain)?.clone();
            Some(Supplier {
                lead: lead_code(&supplied.chain),
                chain: supplied.chain.clone(),
                farm,
                product: supplied.product.clone(),
            })
        });
        let suppliers: Vec<_> = suppliers.collect();
        let shops: Vec<_> = tables.sites.iter().filter(|site| site.kind.is_shop() && site.chain.is_none()).collect();
        let shops = shops.into_iter().map(|site| Shop { organization: organization_code(&site.code), site: site.code.clone() });
        let today = jiff::tz::TimeZone::UTC.to_datetime(jiff::Timestamp::now()).date();
        let day = |back: i64| today.checked_sub(jiff::Span::new().days(back + 1)).expect("a day").to_string();
        let days = (0..days as i64).rev().map(day).collect();
        Trade { suppliers, shops: shops.collect(), days, next: AtomicU64::new(1) }
    }

    /// The next lot.
    pub fn next(&self) -> Lot<'_> {
        self.group(1).remove(0)
    }

    /// The next lots, all from one farm to one shop.
    pub fn group(&self, size: u64) -> Vec<Lot<'_>> {
        let first = self.next.fetch_add(size, Ordering::Relaxed);
        // Spread without a pattern, and the same for each number.
        let spread = first.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 16;
        let (supplier, shop) = (spread as usize % self.suppliers.len(), (spread >> 20) as usize % self.shops.len());
        let day = first as usize % self.days.len();
        let lot = |number: u64| Lot {
            supplier: &self.suppliers[supplier],
            shop: &self.shops[shop],
            code: format!("B{number}"),
            day: &self.days[day],
            number,
        };
        (first..first + size).map(lot).collect()
    }

    /// How many lots were begun.
    pub fn so_far(&self) -> u64 {
        self.next.load(Ordering::Relaxed) - 1
    }

    /// A shop, a product and a chain that have had a part in it.
    pub fn asked(&self, number: usize) -> (String, String, String) {
        let supplier = &self.suppliers[number * 7 % self.suppliers.len()];
        (self.shops[number * 13 % self.shops.len()].site.clone(), supplier.product.clone(), supplier.chain.clone())
    }
}

impl Lot<'_> {
    /// Its code, issuer and product.
    pub fn name(&self) -> (String, String, String) {
        (self.code.clone(), self.supplier.lead.clone(), self.supplier.product.clone())
    }

    /// The shop that sells it.
    pub fn shop(&self) -> &str {
        &self.shop.site
    }

    /// What its grower says.
    pub fn at_the_farm(&self) -> [Step; 2] {
        let Supplier { chain, lead, farm, product } = self.supplier;
        let lot = NewLot {
            issuer: lead.clone(),
            product: product.clone(),
            lot_code: self.code.clone(),
            chain: chain.clone(),
            ..NewLot::default()
        };
        let quantity = milli(HARVESTED_MILLI);
        let dispatch = Dispatch {
            from_site: farm.clone(),
            to_site: self.shop.site.clone(),
            shipment_code: self.code.clone(),
            lines: self.line(HARVESTED_MILLI),
            ..Dispatch::default()
        };
        [
            self.step(
                lead,
                "06:00",
                Action::Harvest(Harvest { site: farm.clone(), lot: Some(lot), quantity, plot: String::new() }),
            ),
            self.step(lead, "08:00", Action::Dispatch(dispatch)),
        ]
    }

    /// What the shop says.
    pub fn at_the_shop(&self) -> Vec<Step> {
        let by = &self.shop.organization;
        let shipment = ShipmentReference {
            issuer: self.supplier.lead.clone(),
            shipment_code: self.code.clone(),
            ..ShipmentReference::default()
        };
        let receive = Receive { shipment: Some(shipment), site: self.shop.site.clone(), everything: true, ..Receive::default() };
        let sell = |milli| Action::Sell(Sell { site: self.shop.site.clone(), lines: self.line(milli), ..Sell::default() });
        let mut steps = vec![
            self.step(by, "10:00", Action::Receive(receive)),
            self.step(by, "11:00", sell(9_000)),
            self.step(by, "15:00", sell(7_000)),
        ];
        if self.number.is_multiple_of(100) {
            steps.push(Step { is_refused: true, ..self.step(by, "16:00", sell(1_000_000_000)) });
        }
        steps
    }

    /// All of it, in order.
    pub fn steps(&self) -> Vec<Step> {
        self.at_the_farm().into_iter().chain(self.at_the_shop()).collect()
    }

    fn line(&self, quantity_milli: i64) -> Vec<LotLine> {
        let (lot_code, issuer, product) = self.name();
        let lot = LotReference { issuer, product, lot_code, ..LotReference::default() };
        vec![LotLine { lot: Some(lot), quantity: milli(quantity_milli) }]
    }

    fn step(&self, organization: &str, time: &str, action: Action) -> Step {
        let header = CommandHeader {
            command_id: Uuid::now_v7().to_string(),
            when: Some(tests::world::when(&format!("{} {time}", self.day))),
            actor: "nhan-vien-17".into(),
            device: "may-quet-03".into(),
            client: "bench".into(),
            ..CommandHeader::default()
        };
        let command = Command { header: Some(header), action: Some(action) };
        Step { organization: organization.to_owned(), command, is_refused: false }
    }
}

fn milli(value_milli: i64) -> Option<Quantity> {
    Some(Quantity { value_milli, ..Quantity::default() })
}
