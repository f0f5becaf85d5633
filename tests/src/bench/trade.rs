//! The workload, "farm to shelf": each lot is harvested, sent to a shop, received there and sold in two parts; every hundredth is
//! asked for far more than there is. Chains, products and shops are those of the reference registry.

use chuoi::reference::{Tables, lead_code, organization_code};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use uuid::Uuid;
use wire::proto::chuoi::event::v1::Process;
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
const FAMILY_MILLI: i64 = 1_000_000;
const FAMILY_SHOPS: usize = 40;

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

    /// The shop that opens lots.
    pub fn first_shop(&self) -> &str {
        &self.shops[0].site
    }

    /// How many lots were begun.
    pub fn so_far(&self) -> u64 {
        self.next.load(Ordering::Relaxed) - 1
    }

    /// A harvest that becomes three products, each made over into another lot until it is five levels from the harvest, and sent to
    /// forty shops, which sell some: what a recall has to follow. Its name, and the steps in order.
    pub fn family(&self) -> ((String, String, String), Vec<Step>) {
        let of = |chain: &str| self.suppliers.iter().filter(|supplier| supplier.chain == chain).collect::<Vec<_>>();
        let chains = self.suppliers.iter().map(|supplier| of(&supplier.chain));
        let made = chains.into_iter().find(|suppliers| suppliers.len() >= 3).expect("a chain of three products");
        let day = self.days.last().expect("a day");
        let (lead, farm) = (&made[0].lead, &made[0].farm);
        let new = |supplier: &Supplier, code: &str| {
            let (product, chain, lot_code) = (supplier.product.clone(), supplier.chain.clone(), code.to_owned());
            Some(NewLot { issuer: lead.clone(), product, lot_code, chain, ..NewLot::default() })
        };
        let line = |supplier: &Supplier, code: &str, milli_units| {
            let (issuer, product, lot_code) = (lead.clone(), supplier.product.clone(), code.to_owned());
            let lot = LotReference { issuer, product, lot_code, ..LotReference::default() };
            vec![LotLine { lot: Some(lot), quantity: milli(milli_units) }]
        };
        let root = "RECALL-0";
        let harvest =
            Harvest { site: farm.clone(), lot: new(made[0], root), quantity: milli(3 * FAMILY_MILLI), ..Harvest::default() };
        let mut steps = vec![step(lead, &format!("{day} 04:00"), Action::Harvest(harvest))];
        let transform = |inputs, outputs: Vec<(&Supplier, String)>| {
            let output = |(supplier, code): (&Supplier, String)| transform::Output {
                lot: new(supplier, &code),
                quantity: milli(FAMILY_MILLI),
            };
            let outputs = outputs.into_iter().map(output).collect();
            Action::Transform(Transform {
                site: farm.clone(),
                process: Process::Processing.into(),
                inputs,
                outputs,
                loss_gram: None,
            })
        };
        let first = (0..3).map(|kind| (made[kind], format!("RECALL-1-{kind}"))).collect();
        steps.push(step(lead, &format!("{day} 05:00"), transform(line(made[0], root, 3 * FAMILY_MILLI), first)));
        for (kind, supplier) in made.iter().take(3).enumerate() {
            for level in 2..=5 {
                let before = line(supplier, &format!("RECALL-{}-{kind}", level - 1), FAMILY_MILLI);
                let made = transform(before, vec![(*supplier, format!("RECALL-{level}-{kind}"))]);
                steps.push(step(lead, &format!("{day} 05:{level}0"), made));
            }
            for (number, shop) in self.shops.iter().take(FAMILY_SHOPS).enumerate() {
                let (lot, shipment_code) = (format!("RECALL-5-{kind}"), format!("RECALL-{kind}-{number}"));
                let dispatch = Dispatch {
                    from_site: farm.clone(),
                    to_site: shop.site.clone(),
                    shipment_code: shipment_code.clone(),
                    lines: line(supplier, &lot, 10_000),
                    ..Dispatch::default()
                };
                steps.push(step(lead, &format!("{day} 08:00"), Action::Dispatch(dispatch)));
                let shipment = Some(ShipmentReference { issuer: lead.clone(), shipment_code, ..ShipmentReference::default() });
                let receive = Receive { shipment, site: shop.site.clone(), everything: true, ..Receive::default() };
                steps.push(step(&shop.organization, &format!("{day} 10:00"), Action::Receive(receive)));
                let sell = Sell { site: shop.site.clone(), lines: line(supplier, &lot, 3_000), ..Sell::default() };
                steps.push(step(&shop.organization, &format!("{day} 11:00"), Action::Sell(sell)));
            }
        }
        ((root.to_owned(), lead.clone(), made[0].product.clone()), steps)
    }

    /// A lot that one shop opens on a day of its own, so many days ago, and sells some of.
    pub fn opened(&self, number: u64, days_ago: i64, sales: usize) -> Vec<Step> {
        let (shop, supplier) = (&self.shops[0], &self.suppliers[number as usize % self.suppliers.len()]);
        let today = jiff::tz::TimeZone::UTC.to_datetime(jiff::Timestamp::now()).date();
        let day = today.checked_sub(jiff::Span::new().days(days_ago)).expect("a day");
        let (issuer, product, lot_code) = (supplier.lead.clone(), supplier.product.clone(), format!("O{number}"));
        let (chain, reference) = (
            supplier.chain.clone(),
            LotReference {
                issuer: issuer.clone(),
                product: product.clone(),
                lot_code: lot_code.clone(),
                ..LotReference::default()
            },
        );
        let lot = Some(NewLot { issuer, product, lot_code, chain, ..NewLot::default() });
        let open = OpenLot { site: shop.site.clone(), lot, quantity: milli(HARVESTED_MILLI) };
        let sell = || {
            let lines = vec![LotLine { lot: Some(reference.clone()), quantity: milli(1_000) }];
            Action::Sell(Sell { site: shop.site.clone(), lines, ..Sell::default() })
        };
        let opened = step(&shop.organization, &format!("{day} 06:00"), Action::OpenLot(open));
        std::iter::once(opened).chain((0..sales).map(|_| step(&shop.organization, &format!("{day} 07:00"), sell()))).collect()
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
                Action::Harvest(Harvest { site: farm.clone(), lot: Some(lot), quantity, ..Harvest::default() }),
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
        step(organization, &format!("{} {time}", self.day), action)
    }
}

fn step(organization: &str, when: &str, action: Action) -> Step {
    let header = CommandHeader {
        command_id: Uuid::now_v7().to_string(),
        when: Some(tests::world::when(when)),
        actor: "nhan-vien-17".into(),
        device: "may-quet-03".into(),
        client: "bench".into(),
        ..CommandHeader::default()
    };
    let command = Command { header: Some(header), action: Some(action) };
    Step { organization: organization.to_owned(), command, is_refused: false }
}

fn milli(value_milli: i64) -> Option<Quantity> {
    Some(Quantity { value_milli, ..Quantity::default() })
}
